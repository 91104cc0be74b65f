"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const text = document.getElementById("filter-text");
  const kind = document.getElementById("filter-kind");
  const open = document.getElementById("filter-open");
  const count = document.getElementById("filter-count");
  const key = "cornerstone-check:" + document.body.dataset.report;
  let done = new Set();
  // Where the browser keeps nothing for pages of a folder, ticks last as long as the page.
  const kept = (() => { try { return window.localStorage; } catch { return null; } })();
  try { done = new Set(JSON.parse(kept?.getItem(key) ?? "[]")); } catch { done = new Set(); }

  const said = new Map(all("details[data-kind]").map((rule) => [rule.id, rule.querySelector("summary").textContent]));
  const words = (row) => {
    const [file, rule] = row.dataset.place.split("|");
    return `${row.textContent} ${said.get(`rule-${file}-${rule}`)}`.toLowerCase();
  };
  const ticks = all("tr[data-place] input[type=checkbox]");
  const show = () => {
    const wanted = text.value.trim().toLowerCase();
    let shown = 0, total = 0;
    for (const row of all("tr[data-place]")) {
      const isDone = done.has(row.dataset.place);
      row.classList.toggle("ticked", isDone);
      row.querySelector("input[type=checkbox]").checked = isDone;
      const fits = (!wanted || words(row).includes(wanted))
        && (!kind.value || row.dataset.kind === kind.value) && !(open.checked && isDone);
      row.classList.toggle("left-out", !fits);
      if (row.closest(".worklist")) { total += 1; shown += fits ? 1 : 0; }
    }
    for (const rule of all("details[data-kind]")) {
      const places = all("tr[data-place]", rule);
      // A rule about the whole file has no place to be found by.
      const fits = places.length ? places.some((row) => !row.classList.contains("left-out"))
        : (!kind.value || rule.dataset.kind === kind.value) && rule.textContent.toLowerCase().includes(wanted);
      rule.classList.toggle("left-out", !fits);
    }
    for (const row of all("tr[data-summary]")) {
      const rule = document.getElementById(row.querySelector("a").hash.slice(1));
      row.classList.toggle("left-out", rule.classList.contains("left-out"));
    }
    count.textContent = `${shown} of ${total} places shown, ${done.size} ticked`;
  };
  for (const tick of ticks) {
    tick.addEventListener("change", () => {
      const place = tick.closest("tr").dataset.place;
      if (tick.checked) { done.add(place); } else { done.delete(place); }
      try { kept?.setItem(key, JSON.stringify([...done])); } catch { /* the browser keeps nothing */ }
      show();
    });
  }
  for (const control of [text, kind, open]) { control.addEventListener("input", show); }
  for (const [id, isOpen] of [["unfold", true], ["fold", false]]) {
    document.getElementById(id).addEventListener("click", () => all("details").forEach((one) => { one.open = isOpen; }));
  }
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) { target.open = true; }
  });
  window.addEventListener("beforeprint", () => all("details").forEach((one) => { one.open = true; }));
  document.getElementById("controls").hidden = false;
  show();
})();
