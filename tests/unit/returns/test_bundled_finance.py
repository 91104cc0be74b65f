"""The finance figures that ship with Cornerstone are those of the files they were taken from."""

import csv
import zipfile
from pathlib import Path

import duckdb
import pytest
from lxml import etree
from python_calamine import CalamineWorkbook

from orchestration.settings import PROJECT_DIR
from tests.conftest import SHARED

FIGURES = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz"
NEIGHBOURS = {"370", "357", "371", "384", "894", "332", "807", "394", "390", "840"}
ALLOCATIONS = {
    "202021": "dedicated-schools-grant_2021_11_18.ods",
    "202122": "dedicated-schools-grant_2022_07_18.ods",
    "202223": "dedicated-schools-grant_2023_07_20.ods",
    "202324": "dedicated-schools-grant_2024_07_20.ods",
}
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"


@pytest.fixture(scope="module")
def figures() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        f"create table figure as from read_csv('{FIGURES}', all_varchar = true)"
        " where series in ('s251_outturn', 'dsg_allocation', 'dsg_deficit')"
    )
    return connection


def shared(path: str) -> Path:
    if not (SHARED / path).is_file():
        pytest.skip(f"needs the published file beside the project: {path}")
    return SHARED / path


def test_the_authority_and_its_neighbours_are_there_and_what_a_third_party_compiled_says_so(
    figures: duckdb.DuckDBPyConnection,
) -> None:
    held = figures.execute(
        "select series, count(*), list(distinct old_la_code) filter (where old_la_code is not null),"
        " bool_and(publisher like '%(third-party compilation)'), bool_and(time_identifier = 'Financial year')"
        " from figure group by series order by series"
    ).fetchall()
    by_series = {series: (count, set(codes), third_party, yearly) for series, count, codes, third_party, yearly in held}
    everyone = {"372", *NEIGHBOURS}
    assert by_series == {
        "dsg_allocation": (156, everyone, False, True),
        "dsg_deficit": (39, everyone, True, True),
        "s251_outturn": (160, {"372", "370", "371", "384"}, True, True),
    }


def test_a_deficit_is_negative_as_the_balances_that_the_council_reported(figures: duckdb.DuckDBPyConnection) -> None:
    balances = figures.execute(
        "select time_period, value from figure where series = 'dsg_deficit' and old_la_code = '372' order by all"
    ).fetchall()
    # 12.84 million over a grant of 272.21 million is 4.72 per cent, after the payment.
    assert balances == [("201920", "-8.29"), ("202021", "-8.4"), ("202122", "-4.72")]


def test_outturn_by_block_is_that_of_the_compilation(figures: duckdb.DuckDBPyConnection) -> None:
    with shared("figures/s251_blocks.csv").open(newline="", encoding="utf-8") as rows:
        source = {
            (row["la_name"], f"{row['year']}{(int(row['year']) + 1) % 100:02d}"): row["value_gbp"]
            for row in csv.DictReader(rows)
            if row["block"] == "High needs (SEND)" and row["la_name"] != "Sheffield"
        }
    held = figures.execute(
        "select la_name, time_period, value from figure where series = 's251_outturn' and measure = 'high_needs'"
    ).fetchall()
    assert {(name, period): value for name, period, value in held} == source
    assert source["Rotherham", "202425"] == "47173325"


@pytest.mark.parametrize(("time_period", "name"), ALLOCATIONS.items())
def test_allocations_are_those_of_the_published_tables(
    figures: duckdb.DuckDBPyConnection, time_period: str, name: str
) -> None:
    with zipfile.ZipFile(shared(f"data/finance/{name}")) as archive, archive.open("content.xml") as content:
        sheets = etree.parse(content).getroot().iter(f"{TABLE}table")
        [sheet] = [sheet for sheet in sheets if sheet.get(f"{TABLE}name") == "Allocations_summary"]
    source = {}
    for row in sheet.iter(f"{TABLE}table-row"):
        cells: list[str] = []
        for cell in row:
            repeated = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
            cells += [cell.get(f"{OFFICE}value") or "".join(cell.itertext())] * min(repeated, 20)
        if cells and cells[0] in {"372", "ENGLAND", *NEIGHBOURS}:
            source[cells[0]] = (int(float(cells[4])), int(float(cells[9])))
    held = figures.execute(
        "select coalesce(old_la_code, 'ENGLAND'),"
        " max(cast(value as bigint)) filter (where measure = 'high_needs_before_deductions'),"
        " max(cast(value as bigint)) filter (where measure = 'high_needs_after_deductions')"
        " from figure where series = 'dsg_allocation' and time_period = ? and geographic_level <> 'Regional' group by all",
        [time_period],
    ).fetchall()
    assert len(source) == 12
    assert {code: (before, after) for code, before, after in held} == source


def test_balances_have_the_sign_of_the_balance_and_not_of_the_deficit(figures: duckdb.DuckDBPyConnection) -> None:
    rows = CalamineWorkbook.from_path(shared("data/finance/dsg_deficit_derived.xlsx")).get_sheet_by_index(0).to_python()
    period, level, _, name, deficit, balance, _ = range(7)
    assert rows[0][deficit] == "deficit"
    assert all(row[deficit] == -row[balance] for row in rows[1:])
    source = {(row[name], row[period]): row[balance] for row in rows[1:] if row[level] == "Local authority"}
    held = figures.execute(
        "select la_name, time_period, cast(value as double) from figure"
        " where series = 'dsg_deficit' and geographic_level = 'Local authority'"
    ).fetchall()
    assert len(held) == 33
    assert all(source[name, period] == value for name, period, value in held)
