"""The logs of assumptions, decisions and data: whole, about KPIs and returns that exist, and with one place each."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import html
from pydantic import ValidationError

from orchestration.errors import CornerstoneError
from orchestration.privacy.disclosure import load_policy
from orchestration.release.portal.assurance import Assumption, Logs, load_logs, read_decisions
from orchestration.release.portal.reference import OUTPUTS, datasets, latest_received
from orchestration.returns.spec import return_ids
from orchestration.settings import PROJECT_DIR, Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
README = """# A project

## Decision log

| date | question | decision | why |
|---|---|---|---|
| 2026-11 | Who decides? | `one` of *two* | a <b>name</b> & a \\| bar |
| 2026-12 | When? | Now | later is late |

## Sources

| not | this | table | either |
|---|---|---|---|
| a | b | c | d |
"""


@pytest.fixture(scope="module")
def kpis() -> list[dict[str, str]]:
    with (PROJECT_DIR / "dbt_project/seeds/kpi_definition.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_assumption_is_of_kpis_or_families_that_exist_and_has_an_owner_of_kpis(
    kpis: list[dict[str, str]],
) -> None:
    known = {kpi["kpi_id"] for kpi in kpis} | {kpi["family"] for kpi in kpis}
    owners = {kpi["owner_role"] for kpi in kpis}
    assumptions = load_logs().assumptions
    assert {name for one in assumptions for name in one.affects} - known == set()
    assert {one.owner for one in assumptions} - owners == set()
    assert [one.id for one in assumptions] == [f"A-{number:02d}" for number in range(1, len(assumptions) + 1)]


def test_every_family_of_figures_rests_on_an_assumption_that_is_told(kpis: list[dict[str, str]]) -> None:
    family = {kpi["kpi_id"]: kpi["family"] for kpi in kpis}
    told = {family.get(name, name) for one in load_logs().assumptions for name in one.affects}
    assert set(family.values()) - told == set()


def test_the_data_log_tells_of_every_return_and_of_no_other() -> None:
    assert set(load_logs().data) == set(return_ids())


@pytest.mark.parametrize(
    "changed", [{"quality": "blue"}, {"impact": "huge"}, {"id": "A-1"}, {"affects": []}, {"nickname": "x"}]
)
def test_a_line_that_does_not_fit_is_refused(changed: dict[str, Any]) -> None:
    line = load_logs().assumptions[0].model_dump()
    Assumption.model_validate(line)
    with pytest.raises(ValidationError):
        Logs.model_validate({"assumptions": [line | changed], "data": {}})


def test_decisions_are_read_from_the_readme_as_safe_html(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README, encoding="utf-8")
    first, second = read_decisions(readme)
    assert (first.date, first.question) == ("2026-11", "Who decides?")
    assert first.decision == "<code>one</code> of <em>two</em>"
    assert first.why == "a &lt;b&gt;name&lt;/b&gt; &amp; a | bar"
    assert second.decision == "Now"


@pytest.mark.parametrize("text", ["# Nothing decided", "## Decision log\n\n| date | why |\n|---|---|\n| 2026 | so |\n"])
def test_a_readme_without_the_log_is_no_reason_to_show_none(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")
    with pytest.raises(CornerstoneError, match="Decision log"):
        read_decisions(readme)


def test_the_projects_own_log_is_read_line_by_line() -> None:
    text = (PROJECT_DIR / "README.md").read_text(encoding="utf-8").partition("## Decision log")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| 20")]
    decisions = read_decisions()
    assert len(decisions) == len(lines) > 50
    assert decisions[0].question in lines[0]


def test_the_page_of_who_sees_what_names_every_part_of_a_release() -> None:
    assert set(OUTPUTS) == set(load_policy().outputs)


def test_the_pages_show_logs_sources_and_who_sees_what(publish_at: Any) -> None:
    evidence = publish_at(MONDAY).folder / "evidence"
    log, sources, methods = (html.parse(str(evidence / f"{name}.html")) for name in ("log", "sources", "methods"))
    assert log.xpath("//table[@id='table-assumptions']/tbody/tr/@id") == [one.id for one in load_logs().assumptions]
    assert len(log.xpath("//table[@id='table-decisions']/tbody/tr")) == len(read_decisions())
    # Links only to what the release has: its catalogue is smaller than the project's.
    assert set(log.xpath("//table[@id='table-assumptions']//a/@href")) <= {
        "lineage.html#family-ehcp_process", "lineage.html#family-therapy_waits"
    }  # fmt: skip
    [received] = sources.xpath("//section[@id='return-published_statistics']")
    told = " ".join(received.text_content().split())
    assert "2 accepted files, 1 in use, 2025; the latest received on 1 March 2026" in told
    assert load_logs().data["published_statistics"].limits.strip() in told
    assert "Nothing has been received." in sources.xpath("string(//section[@id='return-sen2'])")
    [dataset] = sources.xpath("//h2[@id='datasets']/following::tbody/tr")
    assert "Open Government Licence v3.0" in dataset.text_content()
    assert dataset.xpath(".//li/text()") == ["EHC plans 2022", "EHC plans 2025"]
    rows = methods.xpath("//h2[@id='who']/following::tbody[1]/tr")
    who = {row[0].text_content(): [cell.text_content() for cell in row[1:]] for row in rows}
    assert who[f"{OUTPUTS['restricted']} (restricted)"] == ["internal", "none", "no limit"]
    assert who[f"{OUTPUTS['evidence']} (evidence)"] == [
        "board",
        "1 to 4, and what they could be worked out from",
        "10 people",
    ]


def test_sources_are_read_with_every_release_and_the_latest_day(settings: Settings) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """
            attach ':memory:' as released;
            create schema released.meta;
            create table released.meta.source as
            select 'DfE' as publisher, 'Plans' as dataset, 'A; B' as release_names, 'OGL' as licence, date '2026-02-01' as last_received;
            create table released.meta.submission as
            from (values
                ('one', timestamp '2026-01-01 23:59'), ('one', timestamp '2026-01-31 00:01'), ('two', timestamp '2025-05-05 12:00')
            ) as t (return_id, received_at);
            """
        )
        [dataset] = datasets(connection, "released")
        assert (dataset.release_names, dataset.last_received) == (["A", "B"], date(2026, 2, 1))
        assert latest_received(connection, "released") == {"one": date(2026, 1, 31), "two": date(2025, 5, 5)}
