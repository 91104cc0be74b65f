"""The school census as its YAML has it, term by term, against the tables that COLLECT is known to have had."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.errors import CornerstoneError
from orchestration.returns import spec as spec_module
from orchestration.returns.spec import SPECS_DIR, ReturnSpec, load_spec, normalised

CENSUS = load_spec("school_census")
TERM_MONTH = {"spring": "01", "summer": "05", "autumn": "10"}


def collected(table: str, period: str) -> set[str]:
    return set(CENSUS.for_period(period).tables[table].columns)


def test_there_is_a_return_for_each_term_that_was_held() -> None:
    assert CENSUS.periods[0] == "2018-01"
    assert "2020-05" not in CENSUS.periods
    assert len(CENSUS.periods) == 26
    assert CENSUS.for_period("2019-01").census_day == date(2019, 1, 17)
    assert CENSUS.for_period("2025-10").census_day == date(2025, 10, 2)
    assert all(f"{CENSUS.for_period(period).census_day:%Y-%m}" == period for period in CENSUS.periods)


@pytest.mark.parametrize(
    ("year", "term", "period"),
    [
        (2025, "SPR", "2025-01"), (2025, "sum", "2025-05"), (2024, "AUT", "2024-10"), (2024, "3", "2024-10"),
        (2024, "October", "2024-10"), (2024, None, None), (2024, "604", None),
    ],
)  # fmt: skip
def test_a_period_is_the_month_of_the_census_day(year: int, term: str | None, period: str | None) -> None:
    assert CENSUS.period_of(year, term) == period


def test_periods_are_said_as_people_say_them() -> None:
    assert CENSUS.said_period("2024-10") == "autumn 2024"
    assert load_spec("sen2").said_period("2024") == "2024"


def test_what_only_some_terms_collect() -> None:
    assert list(CENSUS.for_period("2025-01").tables["census_sen_need"].sources) == ["senneeds"]
    assert not CENSUS.for_period("2025-05").tables["census_sen_need"].sources
    assert "ethnicity_code" in collected("census_pupil", "2025-01") - collected("census_pupil", "2025-05")
    assert "second_half_sessions_possible" in collected("census_pupil", "2024-10") - collected(
        "census_pupil", "2025-01"
    )
    required = {period: CENSUS.for_period(period).files["collect_export"].required for period in CENSUS.periods}
    assert {"senneeds", "addresses"} <= set(required["2025-01"])
    assert "senneeds" not in required["2025-05"]
    assert {"addressesonroll", "addressesoffroll"} <= set(required["2024-10"])
    assert "approvisiondetailonroll" not in required["2021-05"]
    assert "approvisiondetailonroll" in required["2021-10"]
    assert "schoolarrangedapdetailonroll" in set(required["2022-10"]) - set(required["2022-05"])


def test_a_change_begins_with_its_term_and_holds_from_then_on() -> None:
    def names(period: str, table: str, column: str) -> list[str]:
        return CENSUS.for_period(period).tables[table].columns[column].names

    assert names("2023-05", "census_pupil", "sex_code") == ["Gender"]
    assert names("2023-10", "census_pupil", "sex_code") == ["Sex", "Gender"]
    assert names("2020-01", "census_session", "sessions") == ["AbsenceSessions"]
    assert names("2020-10", "census_session", "sessions")[0] == "Sessions"
    assert names("2020-10", "census_suspension", "reason_1_code") == ["Reason"]
    assert names("2021-01", "census_suspension", "reason_1_code")[0] == "Reason1"
    assert "sessions_authorised" in collected("census_pupil", "2024-10") - collected("census_pupil", "2025-01")
    validity = {(row["code_set"], row["code"]): (row["valid_from"], row["valid_to"]) for row in CENSUS.code_validity()}
    assert validity["attendance", "Y"] == ("2018-01", "2024-05")
    assert validity["attendance", "Y7"] == ("2024-10", None)
    assert validity["attendance", "/"] == ("2020-10", None)
    assert validity["sen_type", "DS"] == ("2025-01", None)
    assert validity["exclusion_reason", "OT"] == ("2018-01", "2020-01")
    assert len(CENSUS.for_period("2024-10").codes["ethnicity"].codes) == 103
    assert len(CENSUS.for_period("2025-01").codes["ethnicity"].codes) == 108


def test_the_ethnicities_are_those_of_the_ehc_plans_return() -> None:
    assert CENSUS.codes["ethnicity"].codes == load_spec("sen2").codes["ethnicity"].codes


def test_what_is_left_out_has_a_reason_and_is_not_read_too() -> None:
    assert all(entry.reason.endswith(".") for entry in CENSUS.left_out.values())
    assert not set(CENSUS.left_out) & set(CENSUS.sources)
    for table in CENSUS.tables.values():
        assert all(entry.reason.endswith(".") for entry in table.left_out)
        assert not table.left_out_names & set(table.source_names)


def test_a_column_of_a_term_that_is_none_is_refused() -> None:
    document = yaml.load((SPECS_DIR / "school_census" / "return.yaml").read_text(), Loader=yaml.CSafeLoader)
    column = document["tables"]["census_pupil"]["columns"]["entry_date"]
    column["terms"] = ["spring"]
    assert "entry_date" not in ReturnSpec.model_validate(document).of_term("autumn").tables["census_pupil"].columns
    column["terms"] = ["sprng"]
    with pytest.raises(ValueError, match="sprng is no term"):
        ReturnSpec.model_validate(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"term": "winter"}, "winter, which is no term"),
        ({"term": "autumn", "year": 2031}, "no census day follows 2031-10"),
    ],
)
def test_a_change_that_begins_with_no_census_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    folder = tmp_path / "school_census"
    folder.mkdir()
    (folder / "return.yaml").write_text((SPECS_DIR / "school_census" / "return.yaml").read_text())
    entry = {"modify": "title", "value": "x", "reason": "A test.", "source": "A test", "term": change["term"]}
    year = change.get("year", 2025)
    (folder / f"{year}.yaml").write_text(yaml.safe_dump({"year": year, "changes": [entry]}))
    monkeypatch.setattr(spec_module, "SPECS_DIR", tmp_path)
    spec_module._load.cache_clear()
    try:
        with pytest.raises(CornerstoneError, match=said):
            load_spec("school_census")
    finally:
        spec_module._load.cache_clear()


def collect_columns(path: Path) -> dict[tuple[str, str], set[str]]:
    """Data columns by period and COLLECT table."""
    found: dict[tuple[str, str], set[str]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            period = f"{row['year']}-{TERM_MONTH[row['term']]}"
            columns = found.setdefault((period, row["table"]), set())
            name = row["column"].lower()
            if not name.endswith(("tableid", "orderseqcolumn")) and name not in {"nativeid", "sourceid"}:
                columns.add(name)
    return found


def test_every_column_that_collect_had_is_read_or_left_out_for_a_reason(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("domain/school_census_tables.csv")
    given = collect_columns(path)
    assert len({period for period, _ in given}) == 9
    for (period, source), columns in given.items():
        if source in CENSUS.left_out:
            continue
        spec = CENSUS.for_period(period)
        table = spec.tables[spec.sources[source][0]]
        assert columns <= {*table.source_names, *table.left_out_names}, (period, source)


def test_every_column_that_is_read_was_in_collect(shared_data: Callable[[str], Path]) -> None:
    given = collect_columns(shared_data("domain/school_census_tables.csv"))
    for period in {period for period, _ in given}:
        spec = CENSUS.for_period(period)
        sources = {source for of_period, source in given if of_period == period}
        assert sources == {*spec.sources, *CENSUS.left_out} & sources
        assert set(spec.sources) <= sources
        for name, table in spec.tables.items():
            held = set().union(*(given[period, source] for source in table.sources))
            set_by_us = {normalised(key) for source in table.sources.values() for key in source.sets}
            for column_name, column in table.columns.items():
                names = {normalised(given_name) for given_name in column.names} - set_by_us
                assert not names or not table.sources or names & held, (period, name, column_name)
