"""The Data Docs of Great Expectations in the portal's frame: what a gate, or the landing of a return, recorded of each rule.

Great Expectations draws a page for each validation it keeps. The release takes the page of each gate run it rests on and of the
latest landing of each return, without scripts, styles and dates of drawing, and puts them into the portal's pages: readable
offline, by keyboard and on paper, with a way back, and with a word on why a page says "Failed" although the release passed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lxml.html

from expectations.data_docs import SITE, VALIDATIONS
from orchestration.errors import CornerstoneError
from orchestration.release.inventory import Inventory
from orchestration.release.portal.names import said_gate, said_return
from orchestration.release.portal.site import Page

_LANDING = "landing"
_RULE = re.compile(r"\s*(?P<rule_id>\S+) \((?:block|warn|observe)\) ")
_KEPT_ATTRIBUTES = {"colspan", "rowspan"}
_HEADINGS = {"h4": "h2", "h5": "h2", "h6": "h3"}
# Which schemas' rules count in tables of people whatever the return they are of, as in `meta.rule_result`.
_TOLD_GATES = ("landing", "mart")


@dataclass(frozen=True)
class DataDocsPage:
    """One validation as Great Expectations drew it. `gate` is landing, mart, kpi or open; `html` is what stands in the frame.

    `rules` are the rules it judged, each of which has a place on the page, and how many of them it says failed.
    """

    name: str
    title: str
    gate: str
    rules: list[str]
    failed: int
    html: str = field(repr=False)

    def place_of(self, rule_id: str) -> str:
        """The link to a rule's line."""
        return f"{self.name}.html#{rule_id}"


def released_data_docs(
    quality_dir: Path, inventory: Inventory, *, threshold: int, told_rules: set[str]
) -> list[DataDocsPage]:
    """The pages of the gate runs that a release rests on, and of the latest landing of each return.

    Args:
        quality_dir: where the gates and the landings left Data Docs.
        inventory: what is released.
        threshold: counts of failing rows from 1 to one less are not told. Of a landing none is: beside the rule's count over all
            files, in Validation, it would give away few rows of the files before.
        told_rules: rules about nobody, whose counts at landing and of marts are told, however small.

    Raises:
        CornerstoneError: a gate left no page, or a page cannot be read.
    """
    site = quality_dir / SITE / VALIDATIONS
    pages = []
    for gate in inventory.gates:
        found = sorted(site.glob(f"{gate.gate}/{gate.run_id}/*/*.html"))
        if not found:
            raise CornerstoneError(
                f"There are no Data Docs of the {gate.gate} gate, run {gate.run_id}, in {site}; run the gates again, then release."
            )
        pages.append((gate.gate, f"data-docs-{gate.gate}", said_gate(gate.gate), found[-1]))
    for run in sorted(site.glob(f"{_LANDING}*/{_LANDING}-*")):
        return_id = run.name.removeprefix(f"{_LANDING}-")
        beside = " beside the returns before it" if run.parent.name != _LANDING else ""
        name = f"data-docs-{run.name}{'-beside-earlier' if beside else ''}".replace("_", "-")
        pages.append((_LANDING, name, f"Landing: {said_return(return_id)}{beside}", sorted(run.glob("*/*.html"))[-1]))
    return [
        _framed(path, gate=gate, name=name, title=title, threshold=threshold, told_rules=told_rules)
        for gate, name, title, path in pages
    ]


def data_docs_pages(docs: list[DataDocsPage]) -> list[Page]:
    """The portal's pages of them."""
    return [
        Page(one.name, one.title, "validation", "data_docs.html.j2", {"docs": one}, is_listed=False) for one in docs
    ]


def places_of_rules(docs: list[DataDocsPage]) -> Mapping[tuple[str, str], str]:
    """Where each rule stands: link by gate and rule."""
    return {(one.gate, rule_id): one.place_of(rule_id) for one in docs for rule_id in one.rules}


def _framed(path: Path, *, gate: str, name: str, title: str, threshold: int, told_rules: set[str]) -> DataDocsPage:
    page = lxml.html.document_fromstring(path.read_text("utf-8"))
    for element in page.xpath("//script | //style | //comment()"):
        element.drop_tree()
    body = page.xpath("//div[starts-with(@id, 'section-') and contains(@class, 'ge-section')]")
    if not body:
        raise CornerstoneError(f"The Data Docs page {path} holds no section: it is none that Great Expectations drew.")
    frame = lxml.html.Element("div")
    frame.extend(body)
    told = told_rules if gate in _TOLD_GATES else set()
    few = None if gate == _LANDING else threshold
    rules = list(_mark_rules(frame, path, few=few, told_rules=told))
    _simplify(frame)
    html = lxml.html.tostring(frame, encoding="unicode")
    return DataDocsPage(
        name=name,
        title=title,
        gate=gate,
        rules=[rule_id for rule_id, _ in rules],
        failed=sum(not passed for _, passed in rules),
        html=html,
    )


def _mark_rules(frame: Any, path: Path, *, few: int | None, told_rules: set[str]) -> Iterator[tuple[str, bool]]:
    """Give each rule's row its place, say its status in a word, and take out counts below `few`, every one where it is None.

    Yields each rule, and whether it passed.
    """
    for row in frame.xpath(".//tbody/tr[count(td) = 3]"):
        status, said, count = row.xpath("td")
        rule = _RULE.match(said.text_content())
        if rule is None:
            raise CornerstoneError(f"The Data Docs page {path} has a row of no rule.")
        number = count.text_content().strip().replace(",", "")
        if not number.isdecimal():
            raise CornerstoneError(f"The Data Docs page {path} counts no rows for {rule['rule_id']}.")
        row.set("id", rule["rule_id"])
        passed = int(number) == 0
        _say(status, "Passed" if passed else "Failed")
        if not passed and rule["rule_id"] not in told_rules and (few is None or int(number) < few):
            _say(count, "not told here" if few is None else f"fewer than {few}")
        yield rule["rule_id"], passed


def _say(element: Any, words: str) -> None:
    for child in list(element):
        element.remove(child)
    element.text = words


def _simplify(frame: Any) -> None:
    """What scripts and styles of other hands would need goes; what they hid is shown, folded; tables get names."""
    for parent in frame.xpath(".//div[contains(@class, 'collapse')]"):
        parent.tag = "details"
        summary = lxml.html.Element("summary")
        summary.text = "What Great Expectations was given"
        parent.insert(0, summary)
    for toggle in frame.xpath(".//a[@data-toggle]"):
        toggle.getparent().drop_tree()
    for useless in frame.xpath(".//i | .//thead[@hidden] | .//table[not(.//td)]"):
        useless.drop_tree()
    for heading in frame.xpath(".//h4 | .//h5 | .//h6"):
        heading.tag = _HEADINGS[heading.tag]
    for element in frame.iter():
        # Ids of rules alone are linked to.
        kept = _KEPT_ATTRIBUTES | {"id"} if element.tag == "tr" else _KEPT_ATTRIBUTES
        for name in set(element.attrib) - kept:
            del element.attrib[name]
    for position, table in enumerate(frame.xpath(".//table[not(ancestor::table)]"), start=1):
        _let_scroll(table, f"Table {position}")


def _let_scroll(table: Any, name: str) -> None:
    """A table with headings of its columns and rows, in a frame that scrolls by keyboard."""
    for cell in table.xpath("./thead//th"):
        cell.set("scope", "col")
    for cell in table.xpath("./tbody/tr[count(td) = 2]/td[1]"):
        cell.tag = "th"
        cell.set("scope", "row")
    scroll = lxml.html.Element("div")
    for key, value in {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": name}.items():
        scroll.set(key, value)
    table.addprevious(scroll)
    scroll.append(table)
