// The box above a long table hides the rows that lack its words. Without scripts the box stays away and every row stands.
for (const form of document.querySelectorAll("form[data-filters]")) {
  const rows = [...document.getElementById(form.dataset.filters).tBodies].flatMap((body) => [...body.rows]);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const said = form.querySelector("[role=status]");
  const look = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...form.querySelectorAll("select")].filter((one) => one.value).map((one) => [one.name, one.value]);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !(words.every((word) => texts[at].includes(word)) && chosen.every(([name, value]) => row.dataset[name] === value));
      shown += !row.hidden;
    });
    said.textContent = `${shown} of ${rows.length} rows shown`;
  };
  form.addEventListener("input", look);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  look();
}
