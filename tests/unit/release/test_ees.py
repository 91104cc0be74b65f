"""Open CSV files follow the Explore Education Statistics (EES) layout; test names carry the numbers of its rules."""

import csv
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import CornerstoneError
from orchestration.release.ees import EesExport, suppressed_values, write_ees_files
from orchestration.release.ees_rules import Context, check_open_data

ALWAYS = ["time_period", "time_identifier", "geographic_level", "country_code", "country_name"]
GEOGRAPHY = ["region_code", "region_name", "old_la_code", "new_la_code", "la_name"]
Table = list[dict[str, str]]


def read(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "csv"
    made.mkdir()
    return made


@pytest.fixture
def export(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> EesExport:
    return write_ees_files(warehouse, folder)


@pytest.fixture
def pairs(export: EesExport, folder: Path) -> dict[str, tuple[Table, Table]]:
    """(data, meta) by stem."""
    return {stem: (read(folder / f"{stem}.csv"), read(folder / f"{stem}.meta.csv")) for stem in export.rows}


def names(meta: Table, col_type: str) -> list[str]:
    return [row["col_name"] for row in meta if row["col_type"] == col_type]


def test_ees_01_02_files_come_in_pairs_named_for_family_and_kind_of_period(export: EesExport, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "ehcp_process_calendar_year.csv",
        "ehcp_process_calendar_year.meta.csv",
        "ehcp_process_financial_year.csv",
        "ehcp_process_financial_year.meta.csv",
    ]
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]{0,49}", stem) for stem in export.rows)


def test_ees_03_04_05_time_and_geography_columns_come_first(pairs: dict[str, tuple[Table, Table]]) -> None:
    for data, _ in pairs.values():
        assert list(data[0])[:10] == ALWAYS + GEOGRAPHY


def test_ees_06_07_08_parent_places_are_filled_and_lower_ones_blank(pairs: dict[str, tuple[Table, Table]]) -> None:
    data, _ = pairs["ehcp_process_calendar_year"]
    place = {row["geographic_level"]: [row[column] for column in ALWAYS[3:] + GEOGRAPHY] for row in data}
    assert place == {
        "National": ["E92000001", "England", "", "", "", "", ""],
        "Regional": ["E92000001", "England", "E12000003", "Yorkshire and The Humber", "", "", ""],
        "Local authority": [
            "E92000001",
            "England",
            "E12000003",
            "Yorkshire and The Humber",
            "372",
            "E08000018",
            "Rotherham",
        ],
    }


def test_ees_07_an_authority_whose_region_is_unknown_says_not_available(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    warehouse.execute("delete from marts.dim_area where area_level = 'local_authority'")
    write_ees_files(warehouse, folder)
    row = read(folder / "ehcp_process_financial_year.csv")[0]
    assert (row["region_code"], row["region_name"]) == ("x", "Not available")


def test_ees_09_10_12_a_file_holds_one_kind_of_period_with_its_own_digits(
    pairs: dict[str, tuple[Table, Table]],
) -> None:
    periods = {
        stem: {(row["time_identifier"], row["time_period"]) for row in data} for stem, (data, _) in pairs.items()
    }
    assert periods == {
        "ehcp_process_calendar_year": {("Calendar year", "2024")},
        "ehcp_process_financial_year": {("Financial year", "202425")},
    }


@pytest.mark.parametrize(
    ("identifier", "period"),
    [
        ("Calendar year", "202425"),
        ("Financial year", "202426"),
        ("Financial year", "2024"),
        ("Calendar year", "2024/25"),
    ],
)
def test_ees_09_10_a_period_that_does_not_fit_its_identifier_stops_the_export(
    warehouse: duckdb.DuckDBPyConnection, folder: Path, identifier: str, period: str
) -> None:
    warehouse.execute(
        "update kpi_open.kpi_value set time_identifier = ?, time_period = ? where kpi_value_key = '7'",
        [identifier, period],
    )
    with pytest.raises(CornerstoneError, match=re.escape(repr(period))):
        write_ees_files(warehouse, folder)


def test_ees_10_a_century_ends_on_consecutive_years(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
    warehouse.execute("update kpi_open.kpi_value set time_period = '209900' where kpi_value_key = '7'")
    assert write_ees_files(warehouse, folder).rows["ehcp_process_financial_year"] == 1


def test_ees_10_an_identifier_that_does_not_exist_stops_the_export(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    warehouse.execute("update kpi_open.kpi_value set time_identifier = 'School year' where kpi_value_key = '7'")
    with pytest.raises(CornerstoneError, match="'School year'"):
        write_ees_files(warehouse, folder)


def test_ees_13_14_15_16_17_the_meta_file_describes_filters_and_indicators(
    pairs: dict[str, tuple[Table, Table]],
) -> None:
    _, meta = pairs["ehcp_process_calendar_year"]
    assert [list(row.values()) for row in meta] == [
        ["breakdown_topic", "Filter", "Breakdown topic", "", "", "", "", "", "", ""],
        ["breakdown", "Filter", "Breakdown", "", "", "", "", "", "", "breakdown_topic"],
        ["ehc_requests", "Indicator", "Requests for assessment", "", "", "0", "", "", "", ""],
        ["plans_20_weeks_pct", "Indicator", "New plans issued in 20 weeks", "", "%", "1", "", "", "", ""],
    ]
    assert list(meta[0]) == [
        "col_name",
        "col_type",
        "label",
        "indicator_grouping",
        "indicator_unit",
        "indicator_dp",
        "filter_hint",
        "filter_grouping_column",
        "filter_default",
        "parent_filter",
    ]


def test_ees_18_every_other_column_is_in_the_meta_file_once(pairs: dict[str, tuple[Table, Table]]) -> None:
    for data, meta in pairs.values():
        assert [row["col_name"] for row in meta] == list(data[0])[10:]


def test_ees_19_20_a_filter_has_two_items_one_of_them_total_or_is_dropped(
    pairs: dict[str, tuple[Table, Table]],
) -> None:
    data, meta = pairs["ehcp_process_calendar_year"]
    for name in names(meta, "Filter"):
        assert len({row[name] for row in data}) > 1
        assert "Total" in {row[name] for row in data}
    assert names(pairs["ehcp_process_financial_year"][1], "Filter") == []


def test_ees_23_one_cell_given_twice_stops_the_export(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
    warehouse.execute("insert into kpi_open.kpi_value from kpi_open.kpi_value where kpi_value_key = '1'")
    with pytest.raises(CornerstoneError, match="KPI ehc_requests twice for period 2024"):
        write_ees_files(warehouse, folder)


def test_a_local_value_beside_the_published_one_is_not_exported(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    before = write_ees_files(warehouse, folder)
    warehouse.execute(
        "insert into kpi.kpi_value select * replace ('local' as value_basis, 900 as value)"
        " from kpi.kpi_value where kpi_value_key in ('1', '6')"
    )
    assert write_ees_files(warehouse, folder) == before
    assert "900" not in (folder / "ehcp_process_calendar_year.csv").read_text(encoding="utf-8")


def test_ees_27_28_30_a_cell_is_a_number_or_a_symbol_never_blank(pairs: dict[str, tuple[Table, Table]]) -> None:
    data, _ = pairs["ehcp_process_calendar_year"]
    cells = {
        (row["geographic_level"], row["breakdown"]): (row["ehc_requests"], row["plans_20_weeks_pct"]) for row in data
    }
    assert cells == {
        ("National", "Total"): ("154489", "x"),  # the KPI exists for this breakdown, not for this place
        ("National", "Female"): ("x", "z"),  # never broken down by sex: not applicable
        ("Regional", "Total"): ("x", "61.3"),  # 61.25 rounds half up
        ("Regional", "Female"): ("x", "z"),
        ("Local authority", "Total"): ("959", "77.7"),
        ("Local authority", "Female"): ("c", "z"),
    }


def test_ees_28_a_missing_value_without_a_symbol_is_not_available(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    warehouse.execute("update kpi_open.kpi_value set value = null where kpi_value_key = '7'")
    write_ees_files(warehouse, folder)
    assert read(folder / "ehcp_process_financial_year.csv")[0]["ehc_requests"] == "x"


def test_ees_28_an_estimate_is_shown_and_not_its_symbol(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
    warehouse.execute("update kpi_open.kpi_value set symbol = 'u' where kpi_value_key = '7'")
    write_ees_files(warehouse, folder)
    assert read(folder / "ehcp_process_financial_year.csv")[0]["ehc_requests"] == "940"


def test_ees_14_a_difference_of_percentages_is_in_percentage_points(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    warehouse.execute(
        "update kpi_open.kpi_value set unit = 'percentage_points', value = -2.8753 where kpi_id = 'ehc_requests'"
    )
    write_ees_files(warehouse, folder)
    assert read(folder / "ehcp_process_financial_year.csv")[0]["ehc_requests"] == "-2.9"
    meta = read(folder / "ehcp_process_financial_year.meta.csv")[0]
    assert (meta["indicator_unit"], meta["indicator_dp"]) == ("pp", "1")


def test_ees_21_every_breakdown_is_there_for_every_place_and_period(pairs: dict[str, tuple[Table, Table]]) -> None:
    for data, meta in pairs.values():
        places = {(row["time_period"], row["geographic_level"], row["new_la_code"]) for row in data}
        items = {tuple(row[name] for name in names(meta, "Filter")) for row in data}
        assert len(data) == len(places) * len(items)


def test_ees_24_a_kpi_whose_name_holds_an_item_has_a_pair_of_its_own(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    warehouse.execute("update kpi_open.kpi_value set kpi_id = 'ehc_female_count' where kpi_value_key = '4'")
    warehouse.execute("update kpi_open.kpi_catalogue set kpi_id = 'ehc_female_count' where kpi_id like 'plans%'")
    warehouse.execute("delete from kpi_open.kpi_value where kpi_value_key = '5'")
    export = write_ees_files(warehouse, folder)
    assert sorted(export.rows) == [
        "ehc_female_count_calendar_year",
        "ehcp_process_calendar_year",
        "ehcp_process_financial_year",
    ]
    assert list(read(folder / "ehc_female_count_calendar_year.csv")[0])[10:] == ["ehc_female_count"]
    assert list(read(folder / "ehcp_process_calendar_year.csv")[0])[12:] == ["ehc_requests"]
    assert [finding for finding in check_open_data(folder) if finding.severity == "fail"] == []


def test_values_of_own_returns_have_files_of_their_own(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
    warehouse.execute(
        "insert into kpi_open.kpi_value select * replace ('local' as value_basis, 950 as value)"
        " from kpi_open.kpi_value where kpi_value_key = '1'"
    )
    assert write_ees_files(warehouse, folder).rows["ehcp_process_calendar_year_own"] == 1
    assert [row["ehc_requests"] for row in read(folder / "ehcp_process_calendar_year_own.csv")] == ["950"]
    published = read(folder / "ehcp_process_calendar_year.csv")
    assert "950" not in [row["ehc_requests"] for row in published]


def test_items_are_spelt_as_the_department_spells_them(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
    spelt = {("SEN provision", "EHC plan"): "Education, health and care plan", ("Primary need", "UKN"): "Unknown"}
    for topic, item in (*spelt, ("SEN provision", "All pupils"), ("Sex", "All pupils")):
        warehouse.execute(
            "insert into kpi_open.kpi_value select * replace ($1 as breakdown_topic, $2 as breakdown)"
            " from kpi_open.kpi_value where kpi_value_key = '1' and breakdown is null",
            [topic, item],
        )
    write_ees_files(warehouse, folder)
    data = read(folder / "ehcp_process_calendar_year.csv")
    assert {(row["breakdown_topic"], row["breakdown"]) for row in data} == {
        ("Total", "Total"),
        ("Sex", "Female"),
        ("Sex", "All pupils"),
        ("SEN provision", "Total"),
        *((topic, official) for (topic, _), official in spelt.items()),
    }


def test_ees_20_a_filter_without_a_total_names_the_item_shown_first(
    warehouse: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    warehouse.execute(
        "update kpi_open.kpi_value set breakdown_topic = 'Sex', breakdown = 'Male' where breakdown is null"
    )
    write_ees_files(warehouse, folder)
    [row] = read(folder / "ehcp_process_calendar_year.meta.csv")[:1]
    assert (row["col_name"], row["filter_default"], row["parent_filter"]) == ("breakdown", "Female", "")


def test_the_files_of_the_export_break_no_rule_that_stops_a_release(
    warehouse: duckdb.DuckDBPyConnection, export: EesExport, folder: Path
) -> None:
    findings = check_open_data(folder, Context(suppressed=suppressed_values(warehouse)))
    assert {(finding.rule_id, finding.severity) for finding in findings} == {("EES-26", "warn")}
    assert suppressed_values(warehouse) == {("ehc_requests", "Calendar year"): 1}


def test_nhs_organisations_have_no_level_and_are_counted_as_left_out(export: EesExport) -> None:
    assert export.left_out == {"nhs_provider": 1}
    assert export.rows == {"ehcp_process_calendar_year": 6, "ehcp_process_financial_year": 1}


def test_a_unit_nobody_defined_is_named(warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
    warehouse.execute("update kpi_open.kpi_value set unit = 'furlongs' where kpi_value_key = '7'")
    with pytest.raises(CornerstoneError, match="ehc_requests has the unit 'furlongs'"):
        write_ees_files(warehouse, folder)


def test_a_second_export_of_the_same_values_is_byte_identical(
    warehouse: duckdb.DuckDBPyConnection, folder: Path, export: Any
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    warehouse.execute(
        "create or replace table kpi_open.kpi_value as from kpi_open.kpi_value order by hash(kpi_value_key)"
    )
    write_ees_files(warehouse, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
