"""Forecasts of an invented borough: what they may read, what they add up from, and how they are told."""

import math

import numpy as np
import pandas as pd
import pytest

from orchestration.forecast.back_test import back_test
from orchestration.forecast.history import HISTORY_COLUMNS
from orchestration.forecast.plans import FORECAST_SCHEMA, LAST_JANUARY, SPLITS, _unforeseen, _widened, forecast_plans
from orchestration.forecast.scenarios import Scenario
from orchestration.forecast.totals import TOTAL_MODELS

NEED_TABLES = {"MAINSTREAM": "7.2", "MAINTAINED_SPECIAL": "7.4", "NMISS_LA": "7.5"}
SCHOOL, SPECIAL, INDEPENDENT = "mainstream/MAINSTREAM", "special/MAINTAINED_SPECIAL", "special/NMISS_LA"
BASELINE = Scenario(scenario_code="baseline", title="As it is")
NO_POPULATION = pd.DataFrame(columns=["la_code", "mid_year", "age", "persons"])
TRANSITION_COLUMNS = [
    "la_code", "census_year", "age", "need_before", "placement_before", "need_after", "placement_after", "plan_count",
]  # fmt: skip


UNTESTED = back_test(pd.DataFrame(columns=list(HISTORY_COLUMNS)))


def invented_transitions(last: int = 2025) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for year in range(2023, last + 1):
        for age in range(4, 20):
            for need, place, stay in (("ASD", SPECIAL, 40), ("SEMH", SCHOOL, 60), ("SEMH", INDEPENDENT, 9)):
                rows.append(("372", year, age, need, place, need, place, stay + (year - 2023) * 2))
                rows.append(("372", year, age, need, place, None, None, 2 + age % 3))
            rows.append(("372", year, age, "SEMH", SCHOOL, "SEMH", SPECIAL, 3))
            rows.append(("372", year, age, None, None, "SEMH", SCHOOL, 8 + year % 2))
            rows.append(("372", year, age, None, None, "ASD", SPECIAL, 4))
    return pd.DataFrame(rows, columns=TRANSITION_COLUMNS)


def invented_areas(transitions: pd.DataFrame) -> pd.DataFrame:
    held = transitions.dropna(subset="need_after")
    by_year = held.groupby("census_year")["plan_count"].sum()
    return pd.DataFrame(
        [
            ("372", year, age_group, ward, "MAINSTREAM", int(plans * share))
            for year, plans in by_year.items()
            for age_group, ward, share in (
                ("5 to 10", "E05A", 0.4),
                ("5 to 10", "E05B", 0.1),
                ("11 to 15", "E05B", 0.5),
            )
        ],
        columns=["la_code", "census_year", "age_group", "ward_code", "provision_code", "plan_count"],
    )


def figures(last: int = 2025) -> pd.DataFrame:
    rows = [("372", "plans", year, "Total", round(900 * 1.06 ** (year - 2010))) for year in range(2010, last + 1)]
    rows += [("372", "new_plans", year, "Total", 100 + 10 * (year % 3)) for year in range(2010, last)]
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS))


def forecast(
    transitions: pd.DataFrame,
    published: pd.DataFrame | None = None,
    *scenarios: Scenario,
    tested: pd.DataFrame | None = None,
) -> pd.DataFrame:
    published = pd.DataFrame(columns=list(HISTORY_COLUMNS)) if published is None else published
    return forecast_plans(
        transitions,
        invented_areas(transitions),
        NO_POPULATION,
        published,
        UNTESTED if tested is None else tested,
        NEED_TABLES,
        scenarios or (BASELINE,),
    )


def only(told: pd.DataFrame, **where: object) -> pd.DataFrame:
    """Rows of a breakdown: of columns that are not named, the total."""
    wanted = dict.fromkeys(SPLITS, "Total") | {"measure_code": "plans", "scenario_code": "baseline"} | where
    return told[(told[list(wanted)] == list(wanted.values())).all(axis=1)]


@pytest.fixture(scope="module")
def untested() -> pd.DataFrame:
    return forecast(invented_transitions())


def test_a_forecast_is_made_from_every_january_that_has_one_before_it(untested: pd.DataFrame) -> None:
    assert sorted(untested["origin_year"].unique()) == [2023, 2024, 2025]
    assert untested.groupby("origin_year")["census_year"].agg(["min", "max"]).to_numpy().tolist() == [
        [2023, LAST_JANUARY], [2024, LAST_JANUARY], [2025, LAST_JANUARY],
    ]  # fmt: skip


def test_the_origin_is_told_as_counted_and_adds_up(untested: pd.DataFrame) -> None:
    transitions = invented_transitions()
    held = transitions[transitions["census_year"] == 2025].dropna(subset="need_after")
    origin = untested[(untested["origin_year"] == 2025) & (untested["horizon"] == 0)]
    [total] = only(origin)["plan_count"]
    assert total == held["plan_count"].sum()
    for split in ("age_group", "need_code", "placement_group_code", "provision_code", "need_table_no"):
        parts = origin[
            (origin["measure_code"] == "plans") & (origin[[s for s in SPLITS if s != split]] == "Total").all(axis=1)
        ]
        assert parts[parts[split] != "Total"]["plan_count"].sum() == total, split
    special = held[held["placement_after"].str.startswith("special")]["plan_count"].sum()
    assert only(origin, placement_group_code="special")["plan_count"].item() == special
    six = held[(held["age"] == 10) & (held["placement_after"] == SPECIAL)]["plan_count"].sum()
    assert only(origin, year_group="6", provision_code="MAINTAINED_SPECIAL")["plan_count"].item() == six
    began = transitions[(transitions["census_year"] == 2025) & transitions["need_before"].isna()]["plan_count"].sum()
    assert only(origin, measure_code="new_plans")["plan_count"].item() == began
    assert (origin["plan_count"] == origin["actual_count"]).all()


def test_the_middle_lies_in_the_interval_and_what_came_stands_beside_it(untested: pd.DataFrame) -> None:
    assert (untested["low_count"] <= untested["plan_count"]).all() and (
        untested["plan_count"] <= untested["high_count"]
    ).all()
    assert (untested["low_count"] >= 0).all()
    transitions = invented_transitions()
    came = transitions[transitions["census_year"] == 2025].dropna(subset="need_after")["plan_count"].sum()
    assert set(only(untested, census_year=2025)["actual_count"]) == {came}
    assert only(untested, census_year=2026)["actual_count"].isna().all()


def test_what_comes_later_changes_nothing_that_was_said(untested: pd.DataFrame) -> None:
    transitions = invented_transitions()
    is_later = transitions["census_year"] > 2024
    changed = transitions.assign(plan_count=transitions["plan_count"].where(~is_later, transitions["plan_count"] * 2))
    said = forecast(changed)
    columns = [name for name in FORECAST_SCHEMA if name != "actual_count"]
    before, after = (one[one["origin_year"] <= 2024][columns].reset_index(drop=True) for one in (untested, said))
    pd.testing.assert_frame_equal(before, after)
    versions = [set(one[one["origin_year"] == 2025]["forecast_version"]) for one in (untested, said)]
    assert versions[0] != versions[1]


def test_the_same_data_give_the_same_forecast(untested: pd.DataFrame) -> None:
    shuffled = invented_transitions().sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(forecast(invented_transitions()), untested)
    pd.testing.assert_frame_equal(forecast(shuffled), untested)


def test_the_parts_of_each_year_add_up_to_its_total(untested: pd.DataFrame) -> None:
    pairs = [("need_code",), ("age_group", "need_code"), ("need_code", "provision_code"), ("placement_group_code",)]
    for told in (untested, forecast(invented_transitions(), figures(), tested=errors_of(cohort=0.3, benchmark=0.02))):
        plans = told[(told["measure_code"] == "plans") & (told["horizon"] > 0)]
        keys = ["origin_year", "census_year"]
        totals = only(plans).set_index(keys)["plan_count"]
        for columns in [("age_group",), ("provision_code",), ("ward_code",), ("provision_code", "ward_code"), *pairs]:
            is_part = (plans[list(columns)] != "Total").all(axis=1)
            others = [split for split in SPLITS if split not in columns]
            parts = plans[is_part & (plans[others] == "Total").all(axis=1)]
            gaps = (parts.groupby(keys)["plan_count"].sum() - totals).dropna()
            # Each part is rounded to a hundredth.
            assert len(gaps) and gaps.abs().max() < 0.005 * len(parts) / len(gaps) + 0.005, columns


def an_earlier_forecast(misses: list[float], horizon: int = 1, **split: str) -> pd.DataFrame:
    """Parts of 100, 88 to 105 by the simulations, of a January that came, and how far off each was."""
    rows = pd.DataFrame({"actual_count": [100 + miss for miss in misses]})
    told = {**dict.fromkeys(SPLITS, "Total"), **split, "measure_code": "plans"}
    numbers = {"plan_count": 100.0, "low_count": 88.0, "high_count": 105.0}
    return rows.assign(census_year=2025, horizon=horizon, **numbers, **told)


def test_intervals_of_parts_are_wider_by_what_earlier_ones_did_not_foresee() -> None:
    # 16 parts within the interval or 13 above, which is 12 beyond its upper side of 5: the root of 13 x 13 - 5 x 5, or 1.2
    # roots of the 100 plans. The other four were further off, so that four in five were no further than that.
    misses = [2.0, 13.0] * 8 + [13.0] + [50.0] * 3
    told = _unforeseen(
        [an_earlier_forecast(misses, provision_code="SPECIAL"), an_earlier_forecast([1.0] * 30, need_code="ASD")], 2025
    )
    assert told.to_dict() == pytest.approx({"plans placement": 1.2, "plans child": 0.0})
    in_two_years = an_earlier_forecast([0.0], horizon=2, provision_code="SPECIAL")
    total = an_earlier_forecast([0.0])
    wider = _widened(pd.concat([an_earlier_forecast([0.0], need_table_no="7.4"), total], ignore_index=True), told)
    # 12 and 5 beside each other are 13; 12 and 12 are 17.
    assert wider[["low_count", "high_count"]].to_numpy().tolist() == [[83.03, 113.0], [88.0, 105.0]]
    # The unforeseen of each year adds up as the root of two.
    assert _widened(in_two_years, told)["high_count"].item() == pytest.approx(
        100 + math.hypot(5, 12 * math.sqrt(2)), abs=0.01
    )


def test_what_is_not_known_yet_and_few_or_small_parts_widen_nothing() -> None:
    off = [60.0] * 30
    assert _unforeseen([], 2025).empty
    assert _unforeseen([an_earlier_forecast(off, need_code="ASD")], 2024).empty
    assert _unforeseen([an_earlier_forecast(off[:19], need_code="ASD")], 2025).empty
    assert _unforeseen([an_earlier_forecast(off, need_code="ASD").assign(actual_count=9.0)], 2025).empty


def errors_of(cohort: float, benchmark: float) -> pd.DataFrame:
    """A back-test in which each model was wrong by so much, five times, one year ahead."""
    rows = [
        ("001", model, 2019 + year, 1, 100.0, 100 * math.exp(cohort if model == "cohort" else benchmark))
        for model in TOTAL_MODELS
        for year in range(1, 6)
    ]
    columns = ["la_code", "model_code", "origin_year", "horizon", "forecast_count", "actual_count"]
    made = pd.DataFrame(rows, columns=columns)
    more = made.assign(la_code="002")
    both = pd.concat([made, more], ignore_index=True)
    return both.assign(scaled_error=(both["forecast_count"] - both["actual_count"]).abs())


def test_where_the_cohort_model_wins_it_gives_the_middle_and_its_errors_the_interval(untested: pd.DataFrame) -> None:
    told = forecast(invented_transitions(), figures(), tested=errors_of(cohort=0.05, benchmark=0.2))
    for years, row in enumerate(only(told, origin_year=2025).sort_values("horizon").iloc[1:].to_dict("records"), 1):
        middle = only(untested, origin_year=2025, census_year=2025 + years)["plan_count"].item()
        assert row["plan_count"] == pytest.approx(middle, rel=0.02)
        assert math.log(row["high_count"] / row["plan_count"]) == pytest.approx(0.05 * math.sqrt(years), rel=0.03)
        assert math.log(row["plan_count"] / row["low_count"]) == pytest.approx(0.05 * math.sqrt(years), rel=0.03)
        assert row["total_model_code"] == "cohort"


def test_where_a_benchmark_wins_it_gives_the_total_and_the_cohort_model_the_parts(untested: pd.DataFrame) -> None:
    told = forecast(invented_transitions(), figures(), tested=errors_of(cohort=0.3, benchmark=0.02))
    latest = told[told["origin_year"] == 2025]
    assert set(latest["total_model_code"]) == {"damped_trend"}
    published = figures().set_index("history_year").query("kind == 'plans'")["plan_count"]
    growth = only(latest, census_year=2026)["plan_count"].item() / published[2025]
    assert growth == pytest.approx(1.06, abs=0.01)
    share = [
        only(one, origin_year=2025, census_year=2026, need_code="ASD")["plan_count"].item()
        / only(one, origin_year=2025, census_year=2026)["plan_count"].item()
        for one in (told, untested)
    ]
    assert share[0] == pytest.approx(share[1], rel=0.02)


def test_scenarios_change_what_begins_and_one_without_its_year_is_left_out() -> None:
    fewer = Scenario(scenario_code="fewer", title="Fewer", new_plans_change_pct={"SEMH": -50})
    as_in = Scenario(scenario_code="as_in", title="As in", new_plans_as_in=2013)
    lost = Scenario(scenario_code="lost", title="Not held", new_plans_as_in=1999)
    told = forecast(invented_transitions(), figures(), BASELINE, fewer, as_in, lost, tested=UNTESTED)
    codes = told.groupby("origin_year")["scenario_code"].unique().map(set).to_dict()
    latest = codes.pop(2025)
    assert latest == {"baseline", "fewer", "as_in"}
    assert set.union(*codes.values()) == {"baseline"}  # of no scenario will come what came
    begun = {
        (code, need): only(
            told, scenario_code=code, origin_year=2025, census_year=2026, measure_code="new_plans", need_code=need
        )
        for code in ("baseline", "fewer", "as_in")
        for need in ("ASD", "SEMH")
    }
    numbers = {key: rows["plan_count"].item() for key, rows in begun.items()}
    assert numbers["fewer", "SEMH"] == pytest.approx(0.5 * numbers["baseline", "SEMH"], rel=0.1)
    assert numbers["fewer", "ASD"] == pytest.approx(numbers["baseline", "ASD"], rel=0.1)
    # As many begin as were issued in 2013: 100 of what the returns tell of the year before the origin.
    issued = figures().query("kind == 'new_plans'").set_index("history_year")["plan_count"]
    came = invented_transitions().query("census_year == 2025 and need_before.isna()")["plan_count"].sum()
    ratio = issued[2013] / came
    assert numbers["as_in", "ASD"] == pytest.approx(ratio * numbers["baseline", "ASD"], rel=0.1)


def test_plans_begin_with_the_population() -> None:
    transitions = invented_transitions()
    people = [("372", year, age, 100.0 if year <= 2024 else 200.0) for year in range(2020, 2030) for age in range(26)]
    told = forecast_plans(
        transitions,
        invented_areas(transitions),
        pd.DataFrame(people, columns=list(NO_POPULATION.columns)),
        pd.DataFrame(columns=list(HISTORY_COLUMNS)),
        UNTESTED,
        NEED_TABLES,
        [BASELINE],
    )
    begun = only(told, origin_year=2025, measure_code="new_plans").set_index("census_year")["plan_count"]
    # January 2026 begins from the middle of 2025, twice as many.
    assert begun[2026] == pytest.approx(2 * begun[2025], rel=0.1)


def test_without_returns_there_is_a_table_without_rows_with_the_same_columns(untested: pd.DataFrame) -> None:
    empty = forecast(pd.DataFrame(columns=TRANSITION_COLUMNS))
    assert empty.empty
    assert list(empty.columns) == list(untested.columns) == list(FORECAST_SCHEMA)
    assert (empty.dtypes == untested.dtypes).all()
    assert np.isfinite(untested[["plan_count", "low_count", "high_count"]].to_numpy()).all()
