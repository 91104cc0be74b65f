"""The invented safety valve returns: the published figures that they keep, and that every one follows from those before it."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

from orchestration.errors import CornerstoneError
from orchestration.synthetic import synthesise
from orchestration.synthetic.registers import schools_register
from orchestration.synthetic.safety_valve.borough import Series, tell_quarters, write_quarters
from orchestration.synthetic.safety_valve.facts import money
from orchestration.synthetic.safety_valve.money import LINES, live_through_year, outturn_lines, place_costs
from orchestration.synthetic.safety_valve.plans import (
    FLOWS,
    GROUPS,
    Plans,
    _composition,
    _totals,
    between,
    calendar_quarter,
)
from orchestration.synthetic.safety_valve.words import PREPARED_BY
from orchestration.synthetic.safety_valve.write import KEYS, Return, area

PERIODS = [f"{year}-{(year + 1) % 100}Q{quarter}" for year in range(2021, 2026) for quarter in (1, 2, 3, 4)]


def stock_of(total: int) -> dict[str, Any]:
    parts = {"AGE": 5, "NEED": 14, "PLACEMENT": 7}
    split = {group: np.bincount(np.arange(total) % size, minlength=size) for group, size in parts.items()}
    return {"TOTAL": np.array([total])} | split


@pytest.fixture(scope="module")
def plans() -> Plans:
    quarters = [calendar_quarter(2020, 4), *(calendar_quarter(y, q) for y in range(2021, 2026) for q in (1, 2, 3, 4))]
    return Plans(
        stock={quarter: stock_of(2500 + 80 * at) for at, quarter in enumerate(quarters)},
        flows={quarter: dict.fromkeys(FLOWS, 90) | {"CEASED": 100} for quarter in quarters},
        january={year: stock_of(2600 + 350 * (year - 2022)) for year in range(2022, 2027)},
        late=0,
    )


@pytest.fixture(scope="module")
def series(plans: Plans) -> Series:
    return tell_quarters(plans, schools_register("372", "Rotherham"), ons_code="E08000018", seed=1)


def amount(one: Return, column: str, block: str, line: str) -> Any:
    return one.row("tblFinance", block, line).get(column)


def in_year(one: Return, column: str) -> int:
    signs = {"INCOME": 1, "TRANSFER_IN": 1, "TRANSFER_OUT": -1, "EXPENDITURE": -1}
    rows = [row for row in one.tables["tblFinance"] if row["block"] != "ALL"]
    return sum(signs[row["line_code"]] * int(row[column]) for row in rows)


def closing(one: Return, column: str) -> int:
    return in_year(one, column) + sum(
        int(amount(one, column, "ALL", line)) for line in ("OPENING", "SV_PAYMENT", "OTHER_ADJ")
    )


def pairs(series: Series) -> Iterator[tuple[Return, Return]]:
    """Every return with the one before it."""
    return zip(series.returns, series.returns[1:], strict=False)


def same_year(before: Return, after: Return) -> bool:
    return bool(before.cover["financial_year"] == after.cover["financial_year"])


def test_every_quarter_is_there_and_the_closed_years_are_final(series: Series) -> None:
    assert sorted({one.period for one in series.returns}) == PERIODS
    final = [one.period for one in series.returns if one.cover["stage"] == "FINAL"]
    assert final == ["2021-22Q4", "2022-23Q4", "2023-24Q4", "2024-25Q4"]
    names = [one.file_name for one in series.returns]
    assert len(names) == len(set(names)) == 25
    assert names == sorted(names), "the order of the names is that in which they are sent"


@pytest.mark.parametrize(
    ("year", "in_the_year", "payment", "balance"),
    [
        ("2021-22", "-0.11", "8.53", "-12.84"),
        ("2022-23", "0.91", "6.00", "-5.93"),
        ("2023-24", "2.23", "2.00", "-1.70"),
    ],
)
def test_the_published_balances_are_kept(
    series: Series, year: str, in_the_year: str, payment: str, balance: str
) -> None:
    final = series.of(f"{year}Q4")
    assert f"{in_year(final, 'outturn_gbp') / 1e6:.2f}" == in_the_year
    assert f"{amount(final, 'outturn_gbp', 'ALL', 'SV_PAYMENT') / 1e6:.2f}" == payment
    assert f"{closing(final, 'outturn_gbp') / 1e6:.2f}" == balance


def test_the_deficit_begins_and_ends_where_it_was_published(series: Series) -> None:
    assert amount(series.of("2021-22Q1"), "plan_gbp", "ALL", "OPENING") == -21_258_000
    assert closing(series.of("2021-22Q1"), "plan_gbp") == -22_013_000 + 8_528_000
    assert closing(series.of("2025-26Q4"), "q4_forecast_gbp") == -535_347
    assert amount(series.of("2025-26Q4"), "plan_gbp", "ALL", "AGREED_CLOSING") == 0
    payments = [
        amount(series.of(f"{y}Q4"), "q4_forecast_gbp", "ALL", "SV_PAYMENT")
        for y in dict.fromkeys(p[:7] for p in PERIODS)
    ]
    assert sum(payments) == 20_528_000


@pytest.mark.parametrize(
    ("year", "income", "deducted", "s251"),
    [
        (2021, 35_339_901, 6_852_001, 33_521_390),
        (2022, 40_413_693, 7_856_002, 36_680_415),
        (2023, 45_901_519, 9_291_335, 41_579_241),
        (2024, 46_368_412, 11_498_700, 47_173_325),
    ],
)
def test_the_block_and_its_lines_are_those_published(year: int, income: int, deducted: int, s251: int) -> None:
    lines = outturn_lines(year)
    assert tuple(lines) == LINES
    assert sum(value for line, value in lines.items() if line.startswith("1.2.")) == s251
    assert min(lines.values()) >= 0
    assert (money(year)["hnb_income"], money(year)["recoupment"]) == (income, deducted)
    made = live_through_year(year, -1_000_000, np.random.default_rng(1))
    assert made.in_year("outturn") == money(year)["in_year"]
    assert made.in_year("plan") == made.in_year("budget") == money(year)["in_year_plan"]


def test_a_year_opens_with_the_balance_that_the_last_one_closed_with(series: Series) -> None:
    for before, after in pairs(series):
        if not same_year(before, after):
            columns = [c for c in after.row("tblFinance", "ALL", "OPENING") if c.endswith("_gbp")]
            last = "outturn_gbp" if before.cover["stage"] == "FINAL" else "q4_forecast_gbp"
            assert {amount(after, column, "ALL", "OPENING") for column in columns} == {closing(before, last)}


def changes(before: Return, after: Return) -> set[tuple[str, str, str]]:
    """Cells that both returns fill in and of which they say different things: table, line, column."""
    found = set()
    for table in ("tblFinance", "tblHighNeeds", "tblMemo", "tblEhcp", "tblFlows"):
        held = {tuple(row[name] for name in KEYS[table]): row for row in before.tables[table]}
        for row in after.tables[table]:
            key = tuple(row[name] for name in KEYS[table])
            both = (set(row) & set(held[key])) - {"note", "year_forecast"}
            found |= {(table, " ".join(key), column) for column in both if row[column] != held[key][column]}
    return found


def test_what_was_said_is_repeated_save_where_it_is_restated_or_planned_anew(series: Series) -> None:
    changed = {after.file_name: changes(before, after) for before, after in pairs(series) if same_year(before, after)}
    said_anew = {name: cells for name, cells in changed.items() if cells}
    restated, replanned = "rsv_372_202425_Q2_v2.xlsx", "rsv_372_202324_Q3_v1.xlsx"
    assert set(said_anew) == {restated, replanned}
    assert said_anew[restated] == {
        ("tblHighNeeds", line, f"q{q}_actual_gbp") for line in ("1.2.2", "1.2.3") for q in (1, 2)
    }
    assert {column for _, _, column in said_anew[replanned]} == {"plan_gbp", "plan_count"}
    one = next(one for one in series.returns if one.file_name == replanned)
    for table, key, _ in said_anew[replanned]:
        assert "2023-11-17" in one.row(table, *key.split(" "))["note"]


def test_a_restated_return_says_so(series: Series) -> None:
    [one] = [one for one in series.returns if one.cover["submission_type"] == "RESTATED"]
    assert (one.file_name, one.cover["restates_version"]) == ("rsv_372_202425_Q2_v2.xlsx", 1)
    assert one.cover["restatement_reason"]
    assert all("Restated" in one.row("tblHighNeeds", line)["note"] for line in ("1.2.2", "1.2.3"))
    assert "RESTATE" in {row["statement_code"] for row in one.tables["tblSignOff"]}


def test_the_lines_add_to_the_expenditure_of_the_block(series: Series) -> None:
    for one in series.returns:
        spent = one.row("tblFinance", "HNB", "EXPENDITURE")
        for column in (name for name in spent if name.endswith("_gbp")):
            assert sum(row[column] for row in one.tables["tblHighNeeds"] if column in row) == spent[column]


def test_conditions_are_never_deleted_and_remember_their_rating(series: Series) -> None:
    for before, after in pairs(series):
        if before.period == after.period:
            continue
        held = {row["condition_id"]: row["rag"] for row in before.tables["tblConditions"]}
        told = {row["condition_id"]: row["rag_previous"] for row in after.tables["tblConditions"]}
        assert told == held
    first = series.returns[0].tables["tblConditions"]
    assert {row["rag_previous"] for row in first} == {None}
    assert {row["condition_id"] for row in first} == {"SVC-01", "SVC-02", "SVC-03", "SVC-04"}


def test_ten_resourced_provisions_have_a_hundred_places_by_june_2023(series: Series) -> None:
    def resourced(wanted: str) -> list[dict[str, Any]]:
        return [row for row in series.of(wanted).tables["tblPlaces"] if row["provision_type"] == "RP"]

    before, after = resourced("2022-23Q4"), resourced("2023-24Q1")
    assert len(after) == 10
    assert sum(row["places_commissioned"] for row in after) == 100
    assert sum(row["places_commissioned"] for row in before) < 100
    assert all(row["places_occupied"] == 0 for row in before if row["opening_actual"] is None)
    budgets = [
        row["capital_budget_gbp"]
        for row in series.of("2023-24Q1").tables["tblPlaces"]
        if row.get("capital_source") == "SV"
    ]
    assert sum(budgets) == 4_300_000
    urns = {row["urn"] for row in series.of("2025-26Q4").tables["tblPlaces"]}
    assert urns <= set(schools_register("372", "Rotherham")["URN"])


def test_what_is_missing_is_what_the_planning_papers_say(series: Series) -> None:
    gaps = {
        (row["provision_type"], row["academic_year"]): row["demand_places"] - row["funded_capacity"]
        for row in series.of("2025-26Q4").tables["tblDemand"]
        if row["scenario"] == "NO_ACTION"
    }
    assert gaps["MAINSTREAM", "202829"] == 380
    assert (gaps["SPECIAL", "202829"], gaps["SPECIAL", "203031"]) == (161, 300)
    assert (gaps["ISP", "202829"], gaps["ISP", "203031"]) == (78, 128)
    assert all(row["note"] for one in series.returns for row in one.tables["tblDemand"])


def test_the_independent_unit_cost_is_the_line_without_post_16() -> None:
    places = dict.fromkeys(GROUPS["PLACEMENT"], 100.0)
    lines = dict.fromkeys(LINES, 0) | {
        "1.2.1": 500,
        "1.2.2": 100,
        "1.2.4": 55,
        "1.2.3": 1_000,
        "1.2.7": 100,
        "1.2.11": 7,
    }
    assert place_costs(lines, places) == {
        "MmSoA": 100, "RPSEN": 170, "MdSSA": 270, "P16FE": 115, "NMISS": 860, "HspAP": 30, "OTHER": 27,
    }  # fmt: skip


def test_the_stock_rolls_back_from_the_last_december_and_plans_recorded_late_are_named() -> None:
    quarters = [(y, q) for y in range(2021, 2026) for q in (1, 2, 3, 4)]
    flows = {quarter: {"ISSUED": 50, "TRANSFER_IN": 10, "CEASED": 40} for quarter in [*quarters, (2026, 1)]}
    january = {2022: stock_of(2985), 2026: stock_of(3340)}
    total, late = _totals(flows, 3330, january)
    assert late == 25  # 3,330 less sixteen quarters of 20 is 3,010; January 2022 was published as 2,985
    assert total[2021, 4] == 2985
    assert total[2023, 1] == 2985 + 5 * 20
    assert total[2023, 2] == total[2023, 1] + 20 + late
    assert total[2025, 4] == 3330
    assert total[2026, 1] == 3350


def test_the_stock_between_two_januaries_is_made_of_both() -> None:
    january = {2024: stock_of(7), 2025: stock_of(21)}
    middle = _composition(january, (2024, 2))["PLACEMENT"]
    assert np.all((middle > 1) & (middle < 3))
    assert _composition(january, (2026, 1))["PLACEMENT"].tolist() == [3.0] * 7
    assert _composition(january, (2021, 4))["PLACEMENT"].tolist() == [1.0] * 7


def test_a_forecast_is_no_fewer_than_the_plans_of_today() -> None:
    made = between(stock_of(100), stock_of(80), 0.8, least=100)
    assert made["TOTAL"][0] == 100
    assert all(made[group].sum() == 100 for group in GROUPS)


def test_what_is_written_is_the_template_filled_in_and_the_same_bytes_again(series: Series, tmp_path: Path) -> None:
    short = Series(series.returns[:2])
    report = write_quarters(tmp_path / "one", short)
    write_quarters(tmp_path / "two", short)
    paths = sorted((tmp_path / "one").rglob("*.xlsx"))
    assert (report.files, [path.name for path in paths]) == (2, [one.file_name for one in short.returns])
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    book = load_workbook(paths[1])
    cover = area(book, "tblCover")
    said = {cover.value(row, "key"): cover.value(row, "value") for row in cover.rows()}
    assert (said["return_id"], said["currency"], said["prepared_by_role"]) == ("RSV", "GBP", PREPARED_BY)
    assert said["period_end"].date() == date(2021, 9, 30)
    finance = area(book, "tblFinance")
    rows = {(finance.value(r, "block"), finance.value(r, "line_code")): r for r in finance.rows()}
    assert str(finance.value(rows["ALL", "CLOSING"], "q2_forecast_gbp")).startswith("=")
    assert finance.value(rows["ALL", "OPENING"], "q2_forecast_gbp") == -21_258_000
    assert finance.value(rows["ALL", "OPENING"], "q3_forecast_gbp") is None


def test_no_text_names_a_person_or_holds_a_long_number(series: Series) -> None:
    texts = [
        str(value)
        for one in series.returns
        for rows in one.tables.values()
        for row in rows
        for column, value in row.items()
        if column in {"note", "text", "comment", "description", "mitigation", "owner_role", "milestone"} and value
    ]
    assert not [text for text in texts if re.search(r"\d{10}|@|\b(child|pupil|student)\b", text)]
    assert max(map(len, texts)) <= 500
    assert all("invented" in one.row("tblNarrative", "N1")["text"] for one in series.returns)
    late = [one for one in series.returns if one.cover["financial_year"] >= "202425"]
    assert all("Invented" in one.row("tblFinance", "ALL", "CLOSING")["note"] for one in late)


def test_an_authority_without_an_agreement_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="370 has no safety valve agreement"):
        synthesise(
            tmp_path, la="370", figures=tmp_path, years=range(2023, 2027), seed=1, scale=1.0, faults="none", valve=True
        )
