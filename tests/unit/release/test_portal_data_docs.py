"""Data Docs in the portal: drawn by Great Expectations, in the portal's frame, without scripts and without few rows."""

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Rule
from expectations.data_docs import QualityStore, build_site
from expectations.engine import evaluate
from orchestration.errors import CornerstoneError
from orchestration.release.inventory import Inventory
from orchestration.release.manifest import Disclosure, GateResult
from orchestration.release.portal.data_docs import DataDocsPage, places_of_rules, released_data_docs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULE = Rule(
    rule_id="HOME-1", official_number=None, return_id="waits", table="homes", level="mart", severity="warn", effect=None,
    label="A home costs < $5.", why="", owner="Data engineer", action="Look.", columns=(),
    failing_rows="select * from marts.homes where number < 2",
)  # fmt: skip
# Ten homes: 2 fail HOME-1, 7 HOME-2, 0 HOME-3, 3 HOME-4.
RULES = [
    dataclasses.replace(RULE, rule_id=f"HOME-{at}", failing_rows=f"select * from marts.homes where number < {count}")
    for at, count in enumerate((2, 7, 0, 3), start=1)
]


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real Data Docs: two runs of a gate, and two landings of a return."""
    folder = tmp_path_factory.mktemp("quality")
    with duckdb.connect() as connection:
        connection.execute("create schema marts; create table marts.homes as select range as number from range(10)")
        for run in ("old", "new"):
            evaluate(connection, RULES, suite_name="mart", docs=QualityStore(folder, run, NOW))
        landing = QualityStore(folder, "landing-published_statistics", NOW, is_landing=True)
        evaluate(connection, RULES, suite_name="landing", docs=landing)
    build_site(folder)
    return folder


def inventory(*gates: str) -> Inventory:
    return Inventory(
        tables=[], views=[], inputs=[], disclosure=Disclosure.model_construct(), untold_returns=set(),
        gates=[GateResult(gate=gate, run_id="new", evaluated_at=NOW, rule_counts=[]) for gate in gates],
    )  # fmt: skip


def released(quality: Path, **told: set[str]) -> list[DataDocsPage]:
    return released_data_docs(quality, inventory("mart"), threshold=5, told_rules=told.get("told", set()))


def rows_of(page: DataDocsPage) -> dict[str, tuple[str, str]]:
    """Status and count by rule, as they stand on the page."""
    found = re.findall(r'<tr id="([^"]+)">(.*?)</tr>', page.html, flags=re.DOTALL)
    texts = {rule: [re.sub("<[^>]*>", "", cell).strip() for cell in row.split("</td>")] for rule, row in found}
    return {rule: (cells[0], cells[2]) for rule, cells in texts.items()}


def test_the_page_of_the_gate_run_tells_counts_but_few(quality: Path) -> None:
    gate, _ = released(quality, told={"HOME-4"})
    assert (gate.name, gate.rules, gate.failed) == ("data-docs-mart", ["HOME-1", "HOME-2", "HOME-3", "HOME-4"], 3)
    assert rows_of(gate) == {
        "HOME-1": ("Failed", "fewer than 5"),
        "HOME-2": ("Failed", "7"),
        "HOME-3": ("Passed", "0"),
        "HOME-4": ("Failed", "3"),
    }
    assert "HOME-1 (warn) A home costs &lt; $5." in gate.html


def test_a_landing_tells_no_count_of_rows_that_fail(quality: Path) -> None:
    # Beside the count over all files it would give away few rows of those before.
    _, landing = released(quality, told={"HOME-4"})
    assert landing.name == "data-docs-landing-published-statistics"
    assert {rule: count for rule, (_, count) in rows_of(landing).items()} == {
        "HOME-1": "not told here",
        "HOME-2": "not told here",
        "HOME-3": "0",
        "HOME-4": "3",
    }


def test_a_page_needs_no_script_no_style_and_no_other_file(quality: Path) -> None:
    for page in released(quality):
        assert not re.search(r"<(?:script|style|link|img|i|a)\b|\b(?:style|onclick|src|href)=|https?:", page.html)
        assert set(re.findall(r'class="([^"]*)"', page.html)) == {"scroll"}
        assert re.findall("<h[1-6]", page.html)[0] == "<h2"


def test_rules_are_linked_to_where_their_gate_recorded_them(quality: Path) -> None:
    places = places_of_rules(released(quality))
    assert places["mart", "HOME-2"] == "data-docs-mart.html#HOME-2"
    assert places["landing", "HOME-2"] == "data-docs-landing-published-statistics.html#HOME-2"
    assert len(places) == 2 * len(RULES)


def test_a_gate_run_without_a_page_stops_the_release(quality: Path) -> None:
    with pytest.raises(CornerstoneError, match="no Data Docs of the kpi gate, run new"):
        released_data_docs(quality, inventory("kpi"), threshold=5, told_rules=set())


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<html><body><p>Nothing</p></body></html>", "holds no section"),
        (
            '<html><body><div id="section-2" class="ge-section"><table><tbody><tr><td></td><td>Alice</td><td>1</td></tr></tbody>'
            "</table></div></body></html>",
            "a row of no rule",
        ),
        (
            '<html><body><div id="section-2" class="ge-section"><table><tbody><tr><td></td><td>X-1 (warn) It holds.</td>'
            "<td>['Alice']</td></tr></tbody></table></div></body></html>",
            "counts no rows for X-1",
        ),
    ],
)
def test_a_page_that_is_not_as_great_expectations_draws_it_stops_the_release(
    tmp_path: Path, page: str, said: str
) -> None:
    path = tmp_path / "data_docs/validations/mart/new/20260101T000000.000000Z/warehouse-mart.html"
    path.parent.mkdir(parents=True)
    path.write_text(page)
    with pytest.raises(CornerstoneError, match=said) as fault:
        released_data_docs(tmp_path, inventory("mart"), threshold=5, told_rules=set())
    assert "Alice" not in str(fault.value)
