"""A fresh machine: the borough is invented, landed, built, compared with what DfE publishes, and released; once."""

import csv
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.privacy.keys import load_keys
from orchestration.release.digest import content_digest
from orchestration.release.published_check import published_check
from orchestration.returns.archive import open_archived
from orchestration.returns.delivered import delivered_file
from orchestration.returns.land import land_return
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import Submission, landed_rows, read_submissions
from orchestration.settings import Settings
from orchestration.synthetic import bundled_figures, synthesise
from orchestration.synthetic.borough import FIRST_YEAR, LAST_YEAR
from orchestration.synthetic.first_run import SEED
from orchestration.synthetic.local import invented_return_ids
from tests.abbreviations import unexplained
from tests.end_to_end.conftest import FIRST, SAID
from tests.end_to_end.journey import Ended, Journey
from tests.end_to_end.known_cases import count_known_cases
from tests.invented_return import header, people, xml_text

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def journey(borough_of_plans: Path, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """The bundled figures and nothing else, after the first run."""
    folder = tmp_path_factory.mktemp("borough")
    shutil.copytree(borough_of_plans, folder, symlinks=True, dirs_exist_ok=True)
    return Journey(folder / "store", folder / "raw")


@pytest.fixture(scope="module")
def first(borough_of_plans: Path) -> Ended:
    return Ended(0, (borough_of_plans / FIRST).read_text(), (borough_of_plans / SAID).read_text())


@pytest.fixture(scope="module")
def settings(journey: Journey) -> Settings:
    return Settings(store=journey.store, raw=journey.raw, key_file=Path(journey.environment["CORNERSTONE_KEY_FILE"]))


def submissions(settings: Settings) -> list[Submission]:
    return [one for return_id in return_ids() for one in read_submissions(settings, return_id)]


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_first_run_lands_every_return_with_its_registers_and_makes_a_release(
    journey: Journey, first: Ended, settings: Settings
) -> None:
    assert (first.exit_code, first.result["status"], first.result["people"]) == (0, "released", "invented"), (
        first.stderr
    )
    # Twenty quarters, five of them sent a second time.
    years = ("2021-22", "2022-23", "2023-24", "2024-25", "2025-26")
    sent_again = ("2021-22Q4", "2022-23Q4", "2023-24Q4", "2024-25Q2", "2024-25Q4")
    quarters = sorted([*(f"{year}Q{quarter}" for year in years for quarter in (1, 2, 3, 4)), *sent_again])
    landed = sorted((one.return_id, one.period) for one in submissions(settings))
    local = invented_return_ids()
    assert {return_id for return_id, _ in landed if return_id in local} == set(local)
    assert [one for one in landed if one[0] not in local] == [
        ("deprivation", "2026-01"),
        ("establishment_register", "2026-01"),
        ("postcode_directory", "2026-01"),
        ("published_statistics", "2025-10"),
        ("published_statistics", "2026"),
        *(("safety_valve", quarter) for quarter in quarters),
        *(("sen2", year) for year in ("2023", "2024", "2025", "2026")),
    ]
    assert "inventing a borough" in first.stderr
    assert not list((journey.raw / "inbox").rglob("*.*"))
    assert sorted(path.name for path in journey.store.joinpath("synthetic").rglob("*") if path.is_file()) == [
        "calibration.csv", "neighbourhoods.geojson", "wards.geojson",
    ]  # fmt: skip


def test_the_boroughs_plans_lie_in_the_categories_and_provisions_that_the_published_ones_do(
    journey: Journey, first: Ended
) -> None:
    assert first.exit_code == 0, first.stderr
    marts = journey.current / "restricted" / "send_marts.duckdb"
    categories = query(
        marts,
        """
        select plan.census_year, line.dsg_category_code, count(*)
        from marts.fct_ehc_plan_census as plan
        inner join marts.dim_placement_group as line using (placement_line_code)
        where plan.view_code = 'own_return' and plan.census_year >= 2025
        group by all
        """,
    )
    counted = {(year, code): plans for year, code, plans in categories}
    for year, *published in (
        (2025, 1334, 147, 1187, 124, 20, 672, 139),
        (2026, 1561, 190, 1235, 111, 27, 709, 229),
    ):
        codes = ("MmSoA", "RPSEN", "MdSSA", "NMISS", "HspAP", "P16FE", "OTHER")
        assert [counted[year, code] for code in codes] == published
    totals = query(
        marts,
        """
        select calendar_year, table_no, sum(value) filter (where not is_total), max(value) filter (where is_total)
        from marts.fct_reform_plan_value
        where value_type = 'ACTUAL'
        group by all
        """,
    )
    assert all(parts == total for _, _, parts, total in totals)
    by_table = {(year, table): total for year, table, _, total in totals}
    # Year n is the January of n + 1.
    assert [by_table[2024, table] for table in ("5.1", "6", "7")] == [3623] * 3
    assert [by_table[2025, table] for table in ("5.1", "6", "7")] == [4062] * 3
    # Requests, assessments and plans of the year, as DfE's requests and assessments tables have them.
    assert [by_table[2024, table] for table in ("10", "11", "12")] == [959, 642, 596]


def test_every_row_read_landed_or_was_set_aside(settings: Settings) -> None:
    for one in submissions(settings):
        assert one.status == "accepted"
        for table, rows in one.tables.items():
            landed = duckdb.sql(f"select count(*) from {landed_rows(settings, [one], table)}").fetchall()
            assert landed == [(rows.rows_read - rows.rows_quarantined,)]


def test_thousands_of_published_cells_are_reproduced_and_every_difference_is_explained(first: Ended) -> None:
    cells = first.result["cells"]
    assert cells["published"] > 15_000
    assert cells["reproduced"] > 0.85 * cells["published"]
    assert cells["unexplained"] == []
    assert cells["above_zero"] > 8_000
    assert cells["not_comparable"] < 250
    assert cells["reproduced"] + cells["explained"] + cells["not_comparable"] == cells["published"]


def test_every_published_figure_is_the_same_as_the_own_one_or_differs_for_a_reason(
    journey: Journey, first: Ended
) -> None:
    assert first.exit_code == 0, first.stderr
    outcomes = query(
        journey.current / "open" / "send_kpis.duckdb",
        "select difference_outcome, count(*), count(difference_reason) from kpi.kpi_comparison"
        " where comparator_type = 'published_same_cell' and difference_outcome is not null group by all",
    )
    reasons = {outcome: (figures, explained) for outcome, figures, explained in outcomes}
    assert set(reasons) == {"same", "explained", "not_comparable"}
    assert reasons["same"][0] > 500 and reasons["same"][1] == 0
    assert all(figures == explained for outcome, (figures, explained) in reasons.items() if outcome != "same")
    with duckdb.connect(str(journey.store / "warehouse.duckdb"), read_only=True) as connection:
        checked = published_check(connection)
    assert len(checked) > 30
    assert all(figure.explanation for kpi in checked for figure in kpi.figures)
    assert sum(kpi.unexplained for kpi in checked) == 0


KINDS = {
    "ceased_on_census_day",
    "earlier_plan_of_a_child_with_two",
    "end_recorded_late",
    "issued_in_january",
    "later_plan_of_a_child_with_two",
    "mediation_left_out_of_20_weeks",
    "new_and_ceased_in_one_year",
    "plan_recorded_late",
    "refusal_of_the_year_before_then_assessed",
    "refusal_overturned",
    "request_exported",
    "secondary_placement_alone",
    "transferred_in_after_the_census_day",
    "transferred_in_coded_historical",
    "transferred_out",
    "tribunal_left_out_of_20_weeks",
    "week20_exception",
}


@pytest.fixture(scope="module")
def known_cases(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is easily miscounted in this borough: a first run does not write it, the same borough invented again does."""
    again = tmp_path_factory.mktemp("again")
    synthesise(
        again,
        la=settings.la_code,
        figures=bundled_figures(settings),
        years=range(FIRST_YEAR, LAST_YEAR + 1),
        seed=SEED,
        scale=1.0,
        faults="none",
        shapes=("xml",),
    )
    landed = {one.sha256 for one in submissions(settings) if one.return_id == "sen2"}
    assert {delivered_file(path).sha256 for path in again.joinpath("sen2").rglob("*.xml")} == landed
    return again / "known_cases.csv"


def test_every_known_case_is_counted_where_the_definitions_count_it_and_nowhere_else(
    settings: Settings, known_cases: Path
) -> None:
    counted = count_known_cases(settings.warehouse_path, known_cases)
    missing, unknown = KINDS - set(counted.kinds), set(counted.kinds) - KINDS
    assert (missing, unknown) == (set(), set()), f"kinds without a case: {missing}; not expected here: {unknown}"
    assert counted.not_found == []
    assert counted.miscounted == []
    assert counted.otherwise == [], "\n".join(counted.otherwise)


def test_a_case_listed_the_wrong_way_round_is_told_for_every_cell(
    settings: Settings, known_cases: Path, tmp_path: Path
) -> None:
    with known_cases.open() as handle:
        lines = list(csv.DictReader(handle))
    turned = tmp_path / "turned.csv"
    with turned.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(lines[0]))
        writer.writeheader()
        for line in lines:
            line["counted_in"], line["not_counted_in"] = line["not_counted_in"], line["counted_in"]
            writer.writerow(line)
    cells = [cell for line in lines for name in ("counted_in", "not_counted_in") for cell in line[name].split(";")]
    assert len(count_known_cases(settings.warehouse_path, turned).otherwise) == len(cells)


def test_the_glossary_explains_every_abbreviation_of_the_catalogue_the_items_and_the_page(settings: Settings) -> None:
    database = settings.current_link / "open" / "send_kpis.duckdb"
    words = query(
        database,
        """
        select kpi_id, concat_ws(' ', title, definition, numerator, denominator, caveats, breakdowns) from kpi.kpi_catalogue
        union
        select 'item: ' || breakdown, breakdown || ' ' || breakdown_topic from kpi.kpi_value
        """,
    )
    page = (settings.current_link / "evidence" / "glossary.html").read_text(encoding="utf-8")
    # Rows of the glossary itself, and numbers of rules, are no headings; those of the page stand in its template.
    terms = [term for (term,) in query(database, "select term from meta.glossary where kind = 'abbreviation'")]
    assert len(words) > 250
    assert unexplained(dict(words), terms) == {}
    assert all(f'<th scope="row">{term}</th>' in page for term in terms)


def test_what_officers_paste_from_is_restricted_and_tied_to_its_release(settings: Settings) -> None:
    database = settings.current_link / "restricted" / "send_marts.duckdb"
    assert query(database, "select release_id from meta.release") == [(settings.current_link.resolve().name,)]
    [(years, wide)] = query(
        database,
        "select count(distinct financial_year), bool_and(parts = 10) from (select financial_year,"
        " count(distinct section_name) as parts from kpi_internal.safety_valve_dashboard group by financial_year)",
    )
    assert (years, wide) == (5, True)
    # As DfE publishes the returns that the borough was made to reproduce.
    assert query(
        database,
        "select line_name, return_count, base_count, return_pct::double from kpi_internal.sen2_presubmission"
        " where return_year = 2025 and breakdown_topic = 'Total' and measure_code in"
        " ('requests_decided_not_to_assess', 'plans_issued_within_20_weeks', 'plans_issued_20_weeks_ex', 'ehcplans') order by line_order",
    ) == [
        ("Requests: decided not to assess", 304, 959, 31.7),
        ("Plans issued within 20 weeks, all cases", 424, 535, 79.3),
        ("Plans issued within 20 weeks, exceptions excluded", 359, 462, 77.7),
        ("Plans in force", 3623, None, None),
    ]


def test_a_second_run_invents_nothing_and_says_the_same(journey: Journey, first: Ended) -> None:
    ended = journey.cornerstone("run")
    assert ended.exit_code == 0
    assert "Nothing new in the inbox" in ended.stdout
    assert "invented people; published figures are real" in ended.stdout
    assert "published cells reproduced" in ended.stdout
    assert "inventing" not in ended.stderr


def test_status_manifest_database_evidence_and_the_open_folder_say_that_the_people_are_invented(
    journey: Journey, first: Ended
) -> None:
    sentence = "invented people; published figures are real"
    assert journey.cornerstone("status", "--json").result["people"] == "invented"
    assert sentence in journey.cornerstone("status").stdout
    assert json.loads((journey.current / "manifest.json").read_text())["people"] == "invented"
    assert query(journey.current / "open" / "send_kpis.duckdb", "select people from meta.release") == [(sentence,)]
    assert "nobody in this release exists" in (journey.current / "evidence" / "index.html").read_text()
    assert "nobody in it exists" in (journey.current / "open" / "INVENTED_PEOPLE.txt").read_text()


def test_a_return_of_real_people_is_refused_with_what_to_do(
    journey: Journey, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "return.xml"
    path.write_text(xml_text(header(2025, serial="9"), people()))
    ended = journey.cornerstone("check", str(path))
    assert ended.exit_code == 1
    assert (
        "real people, and this store holds invented ones; drop the file again after `cornerstone clean-store`"
    ) in " ".join(ended.stdout.split())
    path.rename(settings.inbox_dir / "sen2" / path.name)
    [refused] = land_return(settings, "sen2", load_catalogue(settings.rules_dir), now=datetime.now(UTC)).committed
    assert (refused.status, refused.rows_read, refused.rows_landed) == ("refused", 19, 0)
    assert "clean-store" in str(refused.reason)


MEDIATED = 10


def mediated(text: str) -> str:
    """A return of 2026 in which ten more assessments that ended in 2025 were followed by mediation on another decision."""
    corrected, count = re.subn(
        r"(<AssessmentOutcome>[YN]</AssessmentOutcome><AssessmentOutcomeDate>2025-(?:(?!</Assessment>).)*?<OtherMediation>)0<",
        r"\g<1>1<",
        text,
        count=MEDIATED,
    )
    assert count == MEDIATED
    return corrected.replace("<SerialNo>1<", "<SerialNo>2<", 1)


OF_PLANS = {
    "bridge_child_need", "dim_child_history", "dim_submission", "fct_annual_review", "fct_ehc_placement", "fct_ehc_plan",
    "fct_ehc_plan_census", "fct_ehc_request", "fct_ehc_statistic", "fct_ehc_statistic_comparison", "fct_reform_plan_value",
}  # fmt: skip
"""Marts that tell which submission they are of, or count what it says: those that a return of plans sent again changes."""


def mart_digests(release: Path) -> dict[str, str]:
    with duckdb.connect(str(release / "restricted" / "send_marts.duckdb"), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        return {table: content_digest(connection, "marts", table) for (table,) in tables}


def test_two_releases_with_one_resubmission_between_them_list_exactly_what_it_changed(
    journey: Journey, settings: Settings
) -> None:
    """The working database is deleted between them: all of it is made anew from what landed, the same but for that."""
    before = journey.current.resolve()
    settings.warehouse_path.unlink()
    [sent] = [one for one in read_submissions(settings, "sen2") if one.period == "2026" and one.status == "accepted"]
    with open_archived(settings, load_keys(settings), sent.sha256) as archived:
        text = archived.read().decode()
    inbox = settings.inbox_dir / "sen2"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "372_SEN2_2026_again.xml").write_text(mediated(text))
    ended = journey.cornerstone("run", "--json")
    assert (ended.exit_code, ended.result["status"]) == (0, "released"), ended.stderr
    assert journey.current.resolve() != before
    marts, were = mart_digests(journey.current), mart_digests(before)
    assert {name for name in marts if marts[name] != were[name]} == OF_PLANS
    told = (
        "select kpi_id, area_name, value_basis, time_identifier, time_period, breakdown_topic, breakdown, value, numerator, symbol"
        " from kpi.kpi_value"
    )
    then, now = (set(query(release / "open" / "send_kpis.duckdb", told)) for release in (before, journey.current))
    other, *_ = {row for row in then if row[0] == "ehc_mediation_cases" and row[4] == "2025" and row[6] == "Other"}
    figure, old = other[:7], other[7]
    # Only that figure is told otherwise, and the table says so: what it was, what it is, and why.
    assert (then - now, now - then) == ({other}, {(*figure, old + MEDIATED, old + MEDIATED, None)})
    revised = query(
        journey.current / "open" / "send_kpis.duckdb",
        "select kpi_id, area_name, value_basis, time_identifier, time_period, breakdown_topic, breakdown, old_value, new_value, kind,"
        " cause from meta.revision",
    )
    assert revised == [(*figure, old, old + MEDIATED, "changed", "resubmission")]
    page = (journey.current / "evidence" / "index.html").read_text()
    assert "<td>changed</td><td>resubmission</td>" in page
