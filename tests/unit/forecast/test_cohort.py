"""The cohort model: rates from counts worked out by hand, and what a step of a year does."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from orchestration.forecast.cohort import AGES, PHASE_STARTS, PRIOR, Layout, Rates, count, estimate, phases, simulate

COLUMNS = ["census_year", "age", "need_before", "placement_before", "need_after", "placement_after", "plan_count"]
ASD_SCHOOL, ASD_COLLEGE, SEMH_SCHOOL = ("ASD", "school"), ("ASD", "college"), ("SEMH", "school")
NOBODY = (None, None)
LAYOUT = Layout(("ASD", "SEMH"), ("college", "school"))


def transitions(
    *rows: tuple[int, int, tuple[str | None, str | None], tuple[str | None, str | None], int],
) -> pd.DataFrame:
    """(January, age, (need, placement) before, and after, plans)."""
    return pd.DataFrame(
        [(year, age, *before, *after, plans) for year, age, before, after, plans in rows], columns=COLUMNS
    )


def still_life(stock: dict[tuple[int, int, int], int]) -> Rates:
    """Rates under which nothing happens but that plans grow older: (age, need, placement) and how many."""
    held = np.zeros((AGES, 2, 2), dtype=np.int64)
    for place, plans in stock.items():
        held[place] = plans
    phase = len(PHASE_STARTS)
    return Rates(
        stock=held,
        ceasing=np.zeros((1, AGES, 2)),
        moving=np.tile(np.eye(2), (1, phase, 1, 1)),
        recoding=np.eye(2)[None],
        beginning=np.zeros((1, AGES, 2)),
        placing=np.full((1, phase, 2, 2), 0.5),
    )


def step(
    rates: Rates, years: int = 1, *, level: float = 1.0, needs: tuple[float, float] = (1.0, 1.0)
) -> list[np.ndarray]:
    made = simulate(
        rates,
        np.full((AGES, years), 1000.0),
        np.ones(1),
        need_factors=np.array(needs),
        level_factor=level,
        simulations=200,
    )
    return [one.stock for one in made]


def test_phases_begin_where_children_change_setting() -> None:
    of_age = phases()
    assert [of_age[age] for age in (0, 3, 4, 5, 10, 11, 12, 15, 16, 17, 18, 19, 25)] == [
        0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7,
    ]  # fmt: skip


def test_counts_leave_out_rows_whose_axis_is_blank() -> None:
    rows = transitions(
        (2025, 7, NOBODY, ASD_SCHOOL, 3), (2025, 7, ASD_SCHOOL, NOBODY, 4), (2025, 7, ASD_SCHOOL, ASD_SCHOOL, 5)
    )
    assert count(rows, LAYOUT, "age", "need_after")[7].tolist() == [8, 0]
    assert count(rows, LAYOUT, "age", "placement_before")[7].tolist() == [0, 9]


def test_rates_are_those_of_the_counts_leaning_to_wider_ones() -> None:
    rows = transitions(
        (2025, 12, ASD_SCHOOL, ASD_SCHOOL, 900),
        (2025, 12, ASD_SCHOOL, NOBODY, 100),
        (2025, 16, ASD_SCHOOL, ASD_COLLEGE, 80),
        (2025, 16, ASD_SCHOOL, ASD_SCHOOL, 20),
        (2025, 12, NOBODY, SEMH_SCHOOL, 50),
    )
    rates = estimate(rows, LAYOUT, np.full((AGES, 1), 1000.0), 2025)
    assert rates.stock[12].tolist() == [[0, 900], [0, 50]]
    school = LAYOUT.placements.index("school")
    assert rates.ceasing[0, 12, school] == pytest.approx(0.1, abs=0.001)
    # Nobody has been 13: the rate is that of the phase.
    assert rates.ceasing[0, 13, school] == pytest.approx(0.1, abs=0.001)
    # Of 100, 80 changed; the prior of so many plans leans to the same with one that stays.
    wider = 80 / 101
    assert rates.moving[0, phases()[16], school, 0] == pytest.approx((80 + PRIOR * wider) / (100 + PRIOR))
    # A placement that nobody of the phase has held is kept.
    assert rates.moving[0, phases()[20]].tolist() == np.eye(2).tolist()
    assert rates.beginning[0, 12].tolist() == pytest.approx([0, 0.05])
    assert rates.placing[0, phases()[12], 1, school] == pytest.approx(1.0)
    for shares in (rates.moving, rates.recoding, rates.placing):
        assert shares.sum(axis=-1) == pytest.approx(1.0)


def test_new_plans_have_the_level_of_the_last_year_and_the_ages_of_all() -> None:
    rows = transitions(
        *((year, 8, ASD_SCHOOL, ASD_SCHOOL, 500) for year in (2023, 2024, 2025)),
        (2023, 5, NOBODY, ASD_SCHOOL, 300),
        (2024, 8, NOBODY, ASD_SCHOOL, 300),
        (2025, 5, NOBODY, ASD_SCHOOL, 600),
    )
    rates = estimate(rows, LAYOUT, np.full((AGES, 3), 1000.0), 2025)
    begun = (rates.beginning * 1000).sum(axis=2)
    assert begun.sum(axis=1) == pytest.approx([600, 600, 600])
    assert begun[0, 5] == pytest.approx(450) and begun[0, 8] == pytest.approx(150)


def test_years_before_the_latest_three_and_the_population_of_other_years_do_not_count() -> None:
    recent = [(year, 8, ASD_SCHOOL, ASD_SCHOOL, 500) for year in (2023, 2024, 2025)]
    with_older = transitions((2022, 8, ASD_SCHOOL, NOBODY, 500), *recent)
    for one, other in zip(
        vars(estimate(with_older, LAYOUT, np.full((AGES, 3), 1.0), 2025)).values(),
        vars(estimate(transitions(*recent), LAYOUT, np.full((AGES, 3), 1.0), 2025)).values(),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_without_change_plans_grow_older_and_end_at_26() -> None:
    first, second = step(still_life({(7, 0, 1): 11, (24, 1, 0): 5}), years=2)
    assert (
        (first[:, 8, 0, 1] == 11).all() and (first[:, 25, 1, 0] == 5).all() and (first.sum(axis=(1, 2, 3)) == 16).all()
    )
    assert (second[:, 9, 0, 1] == 11).all() and (second.sum(axis=(1, 2, 3)) == 11).all()


def test_all_that_cease_are_gone_and_all_that_move_have_moved() -> None:
    held = still_life({(7, 0, 1): 40})
    [gone] = step(replace(held, ceasing=np.ones((1, AGES, 2))))
    assert gone.sum() == 0
    to_college = np.tile(np.array([[1.0, 0.0], [1.0, 0.0]]), (1, len(PHASE_STARTS), 1, 1))
    [moved] = step(replace(held, moving=to_college))
    assert moved[:, 8, 0, 1].sum() == 0 and moved[:, 8, 0, 0].mean() == pytest.approx(40, rel=0.05)
    [recoded] = step(replace(held, recoding=np.array([[[0.0, 1.0], [0.0, 1.0]]])))
    assert recoded[:, 8, 0].sum() == 0 and recoded[:, 8, 1, 1].mean() == pytest.approx(40, rel=0.05)


def test_plans_begin_at_their_rate_and_scenarios_change_it() -> None:
    rates = replace(still_life({}), beginning=np.full((1, AGES, 2), 0.05))
    for level, needs, expected in (
        (1.0, (1.0, 1.0), (50, 50)),
        (0.5, (1.0, 1.0), (25, 25)),
        (1.0, (1.0, 0.0), (50, 0)),
    ):
        [stock] = step(rates, level=level, needs=needs)
        assert stock[:, 6].sum(axis=2).mean(axis=0) == pytest.approx(expected, rel=0.05)


def test_the_level_of_new_plans_wanders_with_the_changes_it_is_given() -> None:
    rates = replace(still_life({}), beginning=np.full((1, AGES, 2), 0.05))
    made = simulate(
        rates,
        np.full((AGES, 1), 1000.0),
        np.array([0.5, 2.0]),
        need_factors=np.ones(2),
        level_factor=1.0,
        simulations=400,
    )
    of_simulations = made[0].begun.sum(axis=(1, 2)) / (AGES * 100)
    assert set(of_simulations.round(0)) <= {0.0, 1.0, 2.0} and of_simulations.min() < 0.6 and of_simulations.max() > 1.9


def test_the_same_rates_give_the_same_simulations() -> None:
    rates = replace(still_life({(7, 0, 1): 400}), ceasing=np.full((1, AGES, 2), 0.3))
    assert np.array_equal(step(rates)[0], step(rates)[0])
    assert len(np.unique(step(rates)[0].sum(axis=(1, 2, 3)))) > 5
