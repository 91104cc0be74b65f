"""The models of totals, on series worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from orchestration.forecast.history import History
from orchestration.forecast.totals import (
    TOTAL_MODELS,
    cohort_by_age_group,
    damped_trend,
    last_year_growth,
    last_year_increase,
    no_change,
)

LA = "001"


def figures(
    kind: str, of_years: dict[int, float], age_group: str = "Total", la_code: str = LA
) -> list[dict[str, object]]:
    return [
        {"la_code": la_code, "kind": kind, "history_year": year, "age_group": age_group, "plan_count": plans}
        for year, plans in of_years.items()
    ]


def history(*rows: list[dict[str, object]]) -> History:
    return History.of(pd.DataFrame([row for part in rows for row in part]))


def test_benchmarks_go_on_as_in_the_last_year() -> None:
    known = history(figures("plans", {2018: 70, 2019: 100, 2020: 110}))
    assert no_change(known, LA, 2) == pytest.approx([110, 110])
    assert last_year_growth(known, LA, 2) == pytest.approx([121, 133.1])
    assert last_year_increase(known, LA, 2) == pytest.approx([120, 130])


def test_a_year_of_growth_is_never_taken_over_a_gap() -> None:
    known = history(figures("plans", {2018: 50, 2020: 110}))
    assert last_year_growth(known, LA, 1) is None
    assert last_year_increase(known, LA, 1) is None
    assert no_change(known, LA, 1) == pytest.approx([110])


def test_nothing_is_said_of_an_authority_whose_origin_is_not_known() -> None:
    known = history(figures("plans", {2019: 100, 2020: 110}), figures("plans", {2021: 9}, la_code="002"))
    assert [model(known, LA, 1) for model in TOTAL_MODELS.values()] == [None] * len(TOTAL_MODELS)
    assert [model(known, "003", 1) for model in TOTAL_MODELS.values()] == [None] * len(TOTAL_MODELS)


def test_a_damped_trend_goes_on_ever_more_slowly() -> None:
    known = history(figures("plans", {2010 + year: 100 * 1.05**year for year in range(12)}))
    trend = damped_trend(known, LA, 4)
    assert trend is not None
    steps = np.diff(np.log(np.concatenate([[100 * 1.05**11], trend])))
    assert steps[0] == pytest.approx(np.log(1.05), abs=0.005)
    assert (np.diff(steps) < 0).all()


def test_a_trend_needs_four_years() -> None:
    assert damped_trend(history(figures("plans", {2018: 90, 2019: 100, 2020: 110})), LA, 1) is None


def test_the_cohort_model_ages_ceases_and_begins() -> None:
    # 60 plans of 20 to 25, a group of six years: 10 turn 26, of the other 50 10 cease, and 5 begin.
    known = history(
        *(figures("plans", {2020: 60, 2021: 45}, group) for group in ("20 to 25", "Total")),
        *(figures("new_plans", {2020: 5}, group) for group in ("20 to 25", "Total")),
    )
    assert cohort_by_age_group(known, LA, 2) == pytest.approx([45 * 5 / 6 * 0.8 + 5, 35 * 5 / 6 * 0.8 + 5])


def test_plans_change_to_the_next_age_group_one_in_as_many_as_it_spans() -> None:
    # 40 of 16 to 19, a group of four years, and nobody ceases: 10 turn 20.
    known = history(
        figures("plans", {2020: 40, 2021: 30}, "16 to 19"),
        figures("plans", {2021: 10}, "20 to 25"),
        figures("plans", {2020: 40, 2021: 40}),
        *(figures("new_plans", {2020: 0}, group) for group in ("16 to 19", "Total")),
    )
    # 30 - 7.5, and 10 + 7.5 - 10/6
    assert cohort_by_age_group(known, LA, 1) == pytest.approx([22.5 + 17.5 - 10 / 6])


def test_the_cohort_model_says_nothing_where_a_table_by_age_is_missing() -> None:
    tables = figures("plans", {2019: 60, 2021: 45}, "20 to 25"), figures("new_plans", {2020: 5}, "20 to 25")
    known = history(*tables, figures("plans", {2019: 60, 2020: 50, 2021: 45}), figures("new_plans", {2020: 5}))
    assert cohort_by_age_group(known, LA, 1) is None


def test_an_origin_knows_plans_issued_to_the_year_before() -> None:
    whole = history(
        figures("plans", {2019: 1, 2020: 2, 2021: 3}),
        figures("plans", {2020: 2, 2021: 3}, "Under 5"),
        figures("new_plans", {2018: 1, 2019: 2, 2020: 3}),
        figures("new_plans", {2019: 2, 2020: 3}, "Under 5"),
    )
    known = whole.known_at(2020)
    assert list(known.stock.index) == [2019, 2020]
    assert list(known.new.index) == [2018, 2019]
    assert list(known.stock_by_age.index) == [(LA, 2020)]
    assert list(known.new_by_age.index) == [(LA, 2019)]
