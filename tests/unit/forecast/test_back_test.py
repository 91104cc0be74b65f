"""The back-test: nothing later than the origin, errors and intervals worked out by hand, and the choice among models."""

import math

import pandas as pd
import pytest

from orchestration.forecast.back_test import BACK_TEST_SCHEMA, back_test, choose, interval_half_width
from orchestration.forecast.history import HISTORY_COLUMNS
from orchestration.forecast.totals import TOTAL_MODELS

AUTHORITIES = [f"{number:03d}" for number in range(1, 3)]


def invented_history(last: int = 2023) -> pd.DataFrame:
    """Two authorities that grow at their own pace, unevenly, all plans in two age groups."""
    rows = []
    for number, la_code in enumerate(AUTHORITIES, 1):
        plans = 500.0 * number
        for year in range(2011, last + 1):
            plans *= 1 + 0.01 * number + 0.03 * math.sin(year * number)
            for age_group, share in (("5 to 10", 0.4), ("11 to 15", 0.6), ("Total", 1.0)):
                rows.append((la_code, "plans", year, age_group, round(plans * share)))
                rows.append((la_code, "new_plans", year - 1, age_group, round(plans * share / 8)))
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS))


@pytest.fixture(scope="module")
def invented() -> pd.DataFrame:
    return back_test(invented_history())


def rows_tested(rows: list[tuple[str, str, int, int, float, float]]) -> pd.DataFrame:
    """(authority, model, origin, years ahead, forecast, actual) as the back-test has them; an error of 1 is a plan."""
    columns = ["la_code", "model_code", "origin_year", "horizon", "forecast_count", "actual_count"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(scaled_error=(frame["forecast_count"] - frame["actual_count"]).abs())


def every_model(origin: int, horizon: int, errors: dict[str, float]) -> list[tuple[str, str, int, int, float, float]]:
    return [("001", model, origin, horizon, 100 + errors.get(model, 9.0), 100.0) for model in TOTAL_MODELS]


def test_what_comes_after_an_origin_changes_nothing_that_was_said_there(invented: pd.DataFrame) -> None:
    later = invented_history()
    is_later = (later["kind"] == "plans") & (later["history_year"] > 2021) | (later["kind"] == "new_plans") & (
        later["history_year"] > 2020
    )
    later.loc[is_later, "plan_count"] = later.loc[is_later, "plan_count"] * 3 + 7
    said = ["la_code", "model_code", "origin_year", "horizon", "forecast_count", "low_count", "high_count", "is_chosen"]
    before, after = (one[one["origin_year"] <= 2021][said] for one in (invented, back_test(later)))
    pd.testing.assert_frame_equal(before.reset_index(drop=True), after.reset_index(drop=True))


def test_errors_are_over_the_mean_yearly_change_up_to_the_origin() -> None:
    rows = [
        ("001", "plans", year, "Total", plans) for year, plans in ((2011, 100), (2012, 110), (2013, 130), (2014, 160))
    ]
    tested = back_test(pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)))
    [row] = tested[(tested["model_code"] == "last_year_increase") & (tested["origin_year"] == 2013)].to_dict("records")
    assert (row["forecast_count"], row["actual_count"], row["horizon"]) == (150, 160, 1)
    assert row["scaled_error"] == pytest.approx(10 / 15)


def test_an_authority_that_never_changed_has_no_scale_and_is_left_out() -> None:
    rows = [("001", "plans", year, "Total", 100) for year in range(2011, 2016)]
    assert back_test(pd.DataFrame(rows, columns=list(HISTORY_COLUMNS))).empty


def test_the_interval_is_as_wide_as_four_in_five_errors_of_the_last_three_years_one_year_ahead() -> None:
    errors = [0.01, 0.02, 0.03, 0.04, 0.10, 0.05]
    rows = [(f"00{n}", "cohort", 2019 + n % 3, 1, 100.0, 100 * math.exp(error)) for n, error in enumerate(errors)]
    ignored = [
        ("009", "cohort", 2018, 1, 100.0, 900.0),  # three years before
        ("009", "cohort", 2022, 1, 100.0, 900.0),  # not known yet
        ("009", "cohort", 2019, 2, 100.0, 900.0),  # two years ahead
        ("009", "no_change", 2020, 1, 100.0, 900.0),  # another model
    ]
    tested = rows_tested(rows + ignored)
    assert interval_half_width(tested, "cohort", 2022) == pytest.approx(0.05)
    assert math.isnan(interval_half_width(tested, "cohort", 2020))  # four errors are known


def test_intervals_widen_with_the_root_of_the_years_ahead_and_say_what_they_hold(invented: pd.DataFrame) -> None:
    tested = invented
    [one, four] = [
        tested[(tested["model_code"] == "no_change") & (tested["origin_year"] == 2019) & (tested["horizon"] == years)]
        for years in (1, 4)
    ]
    width = [float((part["high_count"] / part["forecast_count"]).map(math.log).iloc[0]) for part in (one, four)]
    assert width[1] == pytest.approx(2 * width[0])
    held = tested["actual_count"].between(tested["low_count"], tested["high_count"])
    known = tested["low_count"].notna()
    assert known.any() and not known.all()
    assert (tested.loc[known, "is_within"].astype(bool) == held[known]).all()
    assert tested.loc[~known, "is_within"].isna().all()


def test_the_cohort_model_is_used_where_it_beats_every_benchmark() -> None:
    tested = rows_tested(every_model(2020, 1, {"cohort": 1.0, "damped_trend": 1.5}))
    choice = choose(tested, 2021)
    assert (choice.model_code, choice.cohort_error, choice.benchmark_error) == ("cohort", 1.0, 1.5)
    assert "beat every benchmark" in choice.reason and "1.00 against 1.50" in choice.reason


@pytest.mark.parametrize("cohort_error", [1.5, 2.0])
def test_the_best_benchmark_is_used_where_the_cohort_model_does_not_beat_it(cohort_error: float) -> None:
    tested = rows_tested(every_model(2020, 1, {"cohort": cohort_error, "damped_trend": 1.5}))
    choice = choose(tested, 2021)
    assert choice.model_code == "damped_trend"
    assert "did not beat" in choice.reason and "damped_trend" in choice.reason


def test_models_are_compared_where_all_forecast_after_2018_and_the_outcome_is_known() -> None:
    counted = every_model(2020, 1, {"cohort": 1.0, "damped_trend": 1.5})
    ignored = [
        *every_model(2018, 1, {"cohort": 50.0}),
        *every_model(2020, 3, {"cohort": 50.0}),  # January 2023
        ("001", "damped_trend", 2019, 1, 100.0, 100.0),  # the others have nothing to say
    ]
    assert choose(rows_tested(counted + ignored), 2022).cohort_error == 1.0


def test_untested_it_is_the_cohort_model_and_says_so() -> None:
    for tested in (back_test(pd.DataFrame(columns=list(HISTORY_COLUMNS))), rows_tested(every_model(2020, 1, {}))):
        choice = choose(tested, 2020)
        assert (choice.model_code, choice.is_tested) == ("cohort", False)
        assert "no published history" in choice.reason


def test_nothing_known_is_a_table_without_rows_with_the_same_columns(invented: pd.DataFrame) -> None:
    empty, full = back_test(pd.DataFrame(columns=list(HISTORY_COLUMNS))), invented
    assert empty.empty
    assert list(empty.columns) == list(full.columns) == list(BACK_TEST_SCHEMA)
    assert (empty.dtypes == full.dtypes).all()
    assert set(full["model_code"]) == set(TOTAL_MODELS)
