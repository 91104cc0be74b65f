"""The faults planted in the invented borough against the landing gate: what is found is what was planted, in every shape."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Catalogue
from orchestration.returns.assess import Assessed
from orchestration.returns.delivered import delivered_file
from orchestration.settings import Settings
from orchestration.synthetic import bundled_figures, synthesise
from orchestration.synthetic.borough import SHAPES
from tests.end_to_end.answer_key import AUTHORITY, judge, land_register, left_out, read_key

pytestmark = [pytest.mark.end_to_end]

SPOILT = "2025"
TABLES = {
    "sen2": "sen2_return",
    "person": "sen2_person",
    "requests": "sen2_request",
    "assessment": "sen2_assessment",
    "namedplan": "sen2_plan",
    "plandetail": "sen2_plan_setting",
    "activeplans": "sen2_active_plan",
    "placementdetail": "sen2_placement",
    "senneed": "sen2_need",
}
"""Table of the answer key -> table that the rules name."""

Place = tuple[str, str, int]
"""Rule, table, and the row or record; 0 for the whole return."""


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("borough")
    years = range(2023, 2027)
    figures = bundled_figures(Settings())
    synthesise(out, la=AUTHORITY, figures=figures, years=years, seed=1, scale=1.0, faults="standard")
    return out


@pytest.fixture(scope="module")
def register(borough: Path, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return land_register(borough, catalogue, tmp_path_factory.mktemp("register"))


@pytest.fixture(scope="module")
def key(borough: Path) -> list[dict[str, str]]:
    return read_key(borough / "answer_key.csv")


def judged(folders: Iterable[Path], tmp_path: Path, catalogue: Catalogue, register: Path) -> dict[str, Assessed]:
    """What landing says of the one submission in each folder, by its digest; sets of files one set a call."""
    paths = [path for folder in folders for path in sorted(folder.iterdir())]
    assessed, waiting = judge("sen2", paths, tmp_path / "spill", catalogue, register=register)
    assert waiting == []
    return {one.sha256: one for one in assessed}


def of(folder: Path, assessed: dict[str, Assessed]) -> Assessed:
    if len(assessed) == 1:
        return next(iter(assessed.values()))
    [path] = folder.iterdir()
    return assessed[delivered_file(path).sha256]


def places(assessed: Assessed) -> set[Place]:
    """Rule, table and data row of every failure: 1 is the first row of its table in whatever shape."""
    return {(one.rule_id, one.table_name, one.source_row or 0) for one in assessed.failures}


def planted(key: list[dict[str, str]], folder: str, column: str, catalogue: Catalogue) -> set[Place]:
    landing = {rule.rule_id for rule in catalogue.for_landing("sen2")}
    return {
        (line["rule_id"], TABLES[line["table"]], int(line[column]))
        for line in key
        if line["return"] == f"sen2_faulty/{folder}" and line["rule_id"] in landing
    }


def record_numbers(export: Path) -> dict[str, list[int]]:
    """The record numbers of each table in the order of its rows, from the COLLECT export of the same return."""
    numbers = {}
    for path in export.glob("*.csv"):
        table = path.stem.rsplit("_", 1)[1]
        with path.open() as handle:
            numbers[TABLES[table]] = [int(row[f"{table}tableid"]) for row in csv.DictReader(handle)]
    return numbers


def first_rows(path: Path, shape: str) -> dict[str, int]:
    """The number, as places give it, of the first data row of each table."""
    if shape == "module_workbook":
        return dict.fromkeys(TABLES.values(), 2)
    if shape != "stacked_workbook":
        return dict.fromkeys(TABLES.values(), 1)
    import python_calamine

    rows = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
    titles = [number for number, row in enumerate(rows, start=1) if str(row[0]).endswith(("Record", "Records"))]
    return {table: number + 2 for table, number in zip(TABLES.values(), titles, strict=True)}


def by_record(found: set[Place], first: dict[str, int], numbers: dict[str, list[int]]) -> set[Place]:
    return {(rule, table, numbers[table][row - first[table]] if row else 0) for rule, table, row in found}


@pytest.mark.parametrize("shape", SHAPES)
def test_in_every_shape_the_gate_finds_the_planted_faults_beside_what_the_clean_return_shows(
    shape: str, borough: Path, key: list[dict[str, str]], catalogue: Catalogue, register: Path, tmp_path: Path
) -> None:
    folders = [borough / name / SPOILT / shape for name in ("sen2", "sen2_faulty")]
    is_set = shape.endswith("csv")
    found: list[set[Place]] = []
    together = {} if is_set else judged(folders, tmp_path, catalogue, register)
    for folder in folders:
        assessed = of(folder, together or judged([folder], tmp_path, catalogue, register))
        assert (assessed.status, assessed.rows_quarantined) == ("accepted", 0)
        first = first_rows(next(folder.iterdir()), shape)
        found.append(by_record(places(assessed), first, record_numbers(folder.parent / "collect_csv")))
    clean, faulty = found
    expected = planted(key, SPOILT, "record_id", catalogue)
    assert len(expected) > 110
    spoilt_numbers = record_numbers(borough / "sen2_faulty" / SPOILT / "collect_csv")
    by_row = planted(key, SPOILT, "row", catalogue)
    assert by_record(by_row, dict.fromkeys(TABLES.values(), 1), spoilt_numbers) == expected, "the key names another row"
    assert not clean & expected, "a victim was not clean"
    assert faulty - clean == expected
    assert clean - faulty == set()


def test_small_files_break_the_one_rule_that_each_is_made_for(
    borough: Path, key: list[dict[str, str]], catalogue: Catalogue, register: Path, tmp_path: Path
) -> None:
    faulty = borough / "sen2_faulty"
    folders = {folder.name: folder for folder in faulty.iterdir() if folder.name != SPOILT}
    assessed = judged(folders.values(), tmp_path, catalogue, register)
    twins = {year: places(of(folders[f"sample_{year}"], assessed)) for year in ("2023", "2025", "2026")}
    checked = 0
    for name, folder in folders.items():
        if name.startswith("sample_"):
            continue
        one = of(folder, assessed)
        year = one.period
        expected = planted(key, name, "row", catalogue)
        assert places(one) - twins[year] == expected, name
        assert expected or name in {line["rule_id"] for line in key if line["needs"]}, name
        checked += 1
    assert checked >= 20


def test_every_landing_rule_of_the_return_is_planted_or_left_out_with_a_reason(
    borough: Path, key: list[dict[str, str]], catalogue: Catalogue
) -> None:
    reasons = left_out(borough / "answer_key_not_planted.csv")
    known = {line["rule_id"] for line in key}
    landing = {rule.rule_id for rule in catalogue.for_landing("sen2") if rule.rule_id.startswith("RS2-")}
    assert landing - known == set()
    assert not known & set(reasons)
    # what the return alone cannot show says what it takes
    needs = defaultdict(set)
    for line in key:
        needs[line["rule_id"]].add(line["needs"])
    assert {rule for rule in known - landing if needs[rule] == {""}} == set()


def plans_of(borough: Path, year: int) -> duckdb.DuckDBPyConnection:
    """A table `plan` of one clean return: who, the plan's row, its dates as ISO text, what became of it."""
    connection = duckdb.connect()
    for name in ("person", "requests", "assessment", "namedplan"):
        path = borough / "sen2" / str(year) / "module_csv" / f"{name}.csv"
        connection.execute(
            f"create view {name} as select * from read_csv('{path}', all_varchar = true, header = true, nullstr = '')"
        )
    connection.execute(
        """
        create table plan as
        select Surname || '/' || Forename || '/' || PersonBirthDate as child, "NamedPlan Id" as plan_row, StartDate, CeaseDate
        from namedplan join assessment using ("Assessment Id") join requests using ("Requests Id") join person using ("Person Id")
        """
    )
    return connection


CENSUS_DAYS = {2023: "2023-01-19", 2024: "2024-01-18", 2025: "2025-01-16", 2026: "2026-01-15"}


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_two_returns_differ_about_one_census_day_by_what_was_recorded_late(borough: Path, year: int) -> None:
    own, following, census = plans_of(borough, year - 1), plans_of(borough, year), CENSUS_DAYS[year - 1]
    live = f"StartDate <= '{census}' and coalesce(CeaseDate >= '{census}', true)"
    views = [
        {child for (child,) in view.execute(f"select child from plan where {live}").fetchall()}
        for view in (own, following)
    ]
    with (borough / "known_cases.csv").open() as handle:
        known = [line for line in csv.DictReader(handle) if line["year"] == str(year)]
    for kind, only_in, not_in in (
        ("end_recorded_late", views[0], views[1]),
        ("plan_recorded_late", views[1], views[0]),
        ("transferred_in_after_the_census_day", views[1], views[0]),
    ):
        rows = [line["namedplan_row"] for line in known if line["kind"] == kind]
        children = {
            child
            for row in rows
            for (child,) in following.execute("select child from plan where plan_row = ?", [row]).fetchall()
        }
        assert len(children) == len(rows)
        assert children <= only_in - not_in
        assert rows or (kind != "end_recorded_late" and year == 2026)
    on_the_day = own.execute("select count(*) from plan where CeaseDate = ?", [census]).fetchone()
    assert on_the_day == (2,)
