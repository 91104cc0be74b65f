"""When returns are due: the listed days are those the models and specifications use, later ones follow the rule."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.errors import CornerstoneError
from orchestration.returns import spec as spec_module
from orchestration.returns.calendar import (
    Calendar,
    Occasion,
    academic_year_of,
    calendar_ids,
    load_calendar,
)
from orchestration.returns.spec import SPECS_DIR, load_spec, quarter_end, quarter_period
from orchestration.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "dbt_project" / "seeds"
UNTIL_2030 = date(2030, 12, 31)
TERM_OF_MONTH = {"01": "SPR", "05": "SUM", "10": "AUT"}


def calendar_of(return_id: str) -> Calendar:
    calendar = load_calendar(return_id)
    assert calendar is not None
    return calendar


def occasions(return_id: str, until: date = UNTIL_2030) -> dict[str, Occasion]:
    return {one.period: one for one in calendar_of(return_id).occasions(return_id, until)}


def seed(name: str) -> Iterator[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as stream:
        yield from csv.DictReader(stream)


def test_the_calendar_of_the_models_is_that_of_the_school_census() -> None:
    listed = [
        {
            "census_period": entry.period,
            "academic_year": entry.academic_year,
            "term_code": TERM_OF_MONTH[entry.period[-2:]],
            "census_day": str(entry.day or ""),
            "day_basis": entry.basis,
        }
        for entry in calendar_of("school_census").days
    ]
    assert list(seed("census_calendar")) == listed


def test_the_january_days_of_the_models_are_those_of_the_ehc_plans_return() -> None:
    listed = [{"census_year": entry.period, "census_day": str(entry.day)} for entry in calendar_of("sen2").days]
    assert list(seed("census_day")) == listed


def test_the_days_of_the_specifications_are_those_of_the_calendars() -> None:
    days = load_spec("school_census").census_days
    assert days == [entry.day for entry in calendar_of("school_census").days if entry.day and entry.day <= days[-1]]
    plans = load_spec("sen2")
    by_year = {entry.period: entry.day for entry in calendar_of("sen2").days}
    assert {period: plans.for_period(period).census_day for period in plans.periods} == {
        period: by_year[period] for period in plans.periods
    }


def test_the_schools_expected_are_those_that_the_marts_expect() -> None:
    lines = {row["placement_line_code"]: row["placement_group_code"] for row in seed("placement_line")}
    types = {
        row["input_code"]
        for row in seed("placement_line_mapping")
        if row["input_kind"] == "establishment_type"
        and lines[row["placement_line_code"]] in {"mainstream_total", "special_total", "ap_pru_total"}
        and row["placement_line_code"] not in {"mainstream_independent", "special_independent"}
    }
    suppliers = calendar_of("school_census").expected_suppliers
    assert suppliers is not None
    listed = suppliers.condition.partition(" in ")[2]
    assert set(re.findall(r"'(\w+)'", listed)) == types
    assert {"01", "28", "12", "14"} <= types
    assert not types & {"10", "11", "18"}


@pytest.mark.parametrize(
    ("period", "academic_year", "day", "basis", "due", "is_due_by_rule"),
    [
        ("2018-01", "201718", date(2018, 1, 18), "rule", date(2018, 2, 14), True),
        ("2025-05", "202425", date(2025, 5, 15), "published", date(2025, 6, 11), False),
        ("2025-10", "202526", date(2025, 10, 2), "published", date(2025, 10, 29), False),
        ("2026-01", "202526", date(2026, 1, 15), "published", date(2026, 2, 11), False),
        ("2027-05", "202627", date(2027, 5, 20), "rule", date(2027, 6, 16), True),
        # 1 October 2027 is a Friday, 1 January 2028 a Saturday, 1 May 2028 a Monday.
        ("2027-10", "202728", date(2027, 10, 7), "projected", date(2027, 11, 3), True),
        ("2028-01", "202728", date(2028, 1, 20), "projected", date(2028, 2, 16), True),
        ("2028-05", "202728", date(2028, 5, 18), "projected", date(2028, 6, 14), True),
        ("2030-10", "203031", date(2030, 10, 3), "projected", date(2030, 10, 30), True),
    ],
)
def test_a_census_is_where_the_calendar_or_its_rule_puts_it(
    period: str, academic_year: str, day: date, basis: str, due: date, is_due_by_rule: bool
) -> None:
    one = occasions("school_census")[period]
    assert (one.academic_year, one.day, one.day_basis) == (academic_year, day, basis)
    assert (one.due, one.due_basis, one.is_due_by_rule) == (due, "statutory", is_due_by_rule)


def test_there_are_three_censuses_a_year_save_where_one_was_not_held() -> None:
    found = occasions("school_census")
    assert "2020-05" not in found
    assert len(found) == 13 * 3 - 1
    assert list(found) == sorted(found)
    assert all(one.day.strftime("%A") == "Thursday" for one in found.values())
    assert all(academic_year_of(one.day) == one.academic_year for one in found.values())
    assert len(occasions("school_census", date(2018, 1, 18))) == 1
    assert not occasions("school_census", date(2018, 1, 17))


def test_ehc_plans_returns_are_due_in_march() -> None:
    found = occasions("sen2")
    assert found["2021"].day == date(2021, 1, 14)
    assert {year: found[year].due for year in ("2018", "2021", "2023", "2025", "2027", "2028")} == {
        "2018": date(2018, 3, 1), "2021": date(2021, 2, 11), "2023": date(2023, 3, 9), "2025": date(2025, 3, 14),
        "2027": date(2027, 3, 11), "2028": date(2028, 3, 9),
    }  # fmt: skip
    assert found["2023"].is_due_by_rule and not found["2025"].is_due_by_rule
    assert (found["2028"].day, found["2028"].day_basis) == (date(2028, 1, 20), "projected")
    assert found["2028"].sentence == (
        "2028 (census day 20 January 2028, projected) by 9 March 2028 (statutory, projected)"
    )


def test_a_month_ends_on_its_last_day_and_is_due_ten_working_days_later() -> None:
    found = occasions("therapy_waiting_list", date(2028, 2, 29))
    assert (found["2028-02"].day, list(found)[-1]) == (date(2028, 2, 29), "2028-02")
    # 31 October 2025 is a Friday; 14 November is the tenth day from Monday to Friday after it.
    assert (found["2025-10"].day, found["2025-10"].due) == (date(2025, 10, 31), date(2025, 11, 14))
    assert found["2025-12"].due == date(2026, 1, 15)  # New Year's Day is none of the ten
    assert (found["2025-12"].due_basis, found["2025-12"].day_basis) == ("assumption", "end_of_period")
    assert "2028-02" not in occasions("therapy_waiting_list", date(2028, 2, 28))


def test_quarters_are_those_of_the_financial_year() -> None:
    found = occasions("safety_valve", date(2026, 3, 31))
    assert [(period, one.day) for period, one in found.items()][-5:] == [
        ("2024-25Q4", date(2025, 3, 31)), ("2025-26Q1", date(2025, 6, 30)), ("2025-26Q2", date(2025, 9, 30)),
        ("2025-26Q3", date(2025, 12, 31)), ("2025-26Q4", date(2026, 3, 31)),
    ]  # fmt: skip


def test_a_quarter_is_called_by_the_calendar_as_by_a_return_that_lands() -> None:
    for period, one in occasions("safety_valve", date(2026, 3, 31)).items():
        assert quarter_period(period[:4] + period[5:7], period[-1]) == period
        assert quarter_end(period) == one.day


@pytest.mark.parametrize("return_id", calendar_ids())
def test_every_calendar_says_where_its_days_come_from(return_id: str) -> None:
    calendar = calendar_of(return_id)
    assert calendar.days_source.endswith(".") and calendar.due_source.endswith(".")
    # One that is asked for only once it has begun says so for years to come alone.
    assert len(occasions(return_id)) >= (1 if calendar.only_once_begun else 13)


SOUND = {"period": "2025", "academic_year": "202425", "basis": "published", "day": date(2025, 1, 16)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dayss": []}, "dayss"),
        ({"days": []}, "either lists days"),
        ({"periods": "month"}, "either lists days"),
        ({"day_rules": []}, "either lists days"),
        ({"due_basis": "custom"}, "due_basis"),
        ({"days": [SOUND | {"day": None}]}, "has a day"),
        ({"days": [SOUND | {"basis": "not_held"}]}, "has a day"),
        ({"days": [SOUND | {"day": date(2026, 1, 15)}]}, "another period"),
        ({"days": [SOUND | {"academic_year": "202526"}]}, "academic year 202425"),
        ({"days": [SOUND | {"due": date(2025, 1, 15)}]}, "before its day"),
        ({"days": [SOUND, SOUND]}, "stands twice"),
    ],
)  # fmt: skip
def test_a_calendar_that_is_not_right_is_refused(
    change: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.load((SPECS_DIR / "sen2" / "calendar.yaml").read_text(), Loader=yaml.CSafeLoader)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "calendar.yaml").write_text(yaml.safe_dump(document | change))
    monkeypatch.setattr(spec_module, "SPECS_DIR", tmp_path)
    load_calendar.cache_clear()
    try:
        with pytest.raises(CornerstoneError, match=f"(?s)calendar of plans cannot be used.*{said}"):
            load_calendar("plans")
        assert load_calendar("nobody") is None
    finally:
        load_calendar.cache_clear()
