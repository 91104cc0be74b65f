"""Census days, and days that satisfy every age, band and year that the calibration fixed."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Days = npt.NDArray[np.int64]

CENSUS_DAYS = {
    2019: "2019-01-17", 2020: "2020-01-16", 2021: "2021-01-14", 2022: "2022-01-20", 2023: "2023-01-19",
    2024: "2024-01-18", 2025: "2025-01-16", 2026: "2026-01-15",
}  # fmt: skip
"""SEN2 census days (third Thursday of January; 2021 was the second)."""

SIX_WEEKS, SIXTEEN_WEEKS, TWENTY_WEEKS, YEAR = 42, 112, 140, 364
"""Statutory limits in days from the request; the published "over a year" is more than 364 days."""

BAND_DAYS = {
    "in_time": (70, TWENTY_WEEKS),
    "late": (TWENTY_WEEKS + 1, 320),
    "over_year": (YEAR + 1, 480),
    "excluded": (160, 330),
}


def day(text: str) -> int:
    """Days since 1970-01-01 of an ISO date."""
    return int(np.datetime64(text, "D").astype(np.int64))


def new_year(year: Any) -> Days:
    """1 January of each year, as days."""
    return np.asarray(
        (np.asarray(year).astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    )


def month_day(days: Days) -> Days:
    """Days since 1 January of the same year, in a year of 366 days, so that birthdays compare across years."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64) % 12
    starts = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])
    return np.asarray(starts[month] + (dates - months).astype(np.int64))


def year_of(days: Days) -> Days:
    """Calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def age_on(birth: Days, on: Days) -> Days:
    """Age in whole years."""
    return np.asarray(year_of(on) - year_of(birth) - (month_day(on) < month_day(birth)))


def years_between(start: Days, end: Days) -> Days:
    """Whole years from start to end."""
    return age_on(start, end)


def to_dates(days: "pd.Series[Any] | Days", missing: Any = None) -> "pd.Series[Any]":
    """ISO dates as text; "" where `missing` is true."""
    series = pd.Series(np.asarray(days, dtype=np.int64).astype("datetime64[D]").astype(str), dtype=object)
    if missing is not None:
        series[np.asarray(missing)] = ""
    return series


def _draw(rng: np.random.Generator, low: Days, high: Days, tries: int) -> Days:
    span = np.maximum(high - low + 1, 1)[:, None]
    return np.asarray(low[:, None] + (rng.random((len(low), tries)) * span).astype(np.int64))


def date_plans(plans: pd.DataFrame, cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Days of birth, start, request, decision and end for every plan.

    `plans`: see lives.live_through, with `first_seen` and `in_january_of_start`. Returns columns born, start, ceased (0: not),
    received and decided (0: no case),
    indexed like `plans`. Each is drawn until it satisfies every published age and band; what cannot is returned as near as it came.
    """
    case = cases[cases["plan"] >= 0].set_index("plan").reindex(plans.index)
    frame = plans.assign(
        has_case=case["received_year"].notna(),
        received_year=case["received_year"].fillna(0).astype(int),
        received_age=pd.to_numeric(case["received_age"]).fillna(-1).astype(int),
        band=case["band"].fillna("").str.replace("_exception", ""),
        decided_year=case["decided_year"].fillna(0).astype(int),
        over_six_weeks=case["over_six_weeks"].fillna(False).astype(bool),
    )
    done = pd.DataFrame(
        0, index=plans.index, columns=["born", "start", "ceased", "received", "decided", "score"], dtype=np.int64
    )
    todo = frame
    for tries in (24, 240, 2400):
        drawn = _attempt(todo, tries, rng)
        done.loc[todo.index] = drawn
        todo = frame.loc[done["score"] < done["score"].max()]
        if todo.empty:
            break
    return done


def received_year_options(
    plans: pd.DataFrame, assessed: pd.DataFrame, rng: np.random.Generator, tries: int = 120
) -> pd.DataFrame:
    """Whether the request for each new plan can have come in the year of the plan, or the year before.

    Indexed by plan; columns can_same, can_before. Tried by lot against the band, the age on receipt and the birthday.
    """
    case = assessed[assessed["plan"] >= 0].set_index("plan")
    frame = plans.loc[case.index]
    born, start = _born_and_start(frame, tries, rng)
    right = (month_day(start) >= month_day(born)) == frame["after"].to_numpy(bool)[:, None]
    band = case["band"].str.replace("_exception", "")
    shortest = band.map(lambda name: BAND_DAYS[name][0]).to_numpy(np.int64)
    longest = band.map(lambda name: BAND_DAYS[name][1]).to_numpy(np.int64)
    received = start - _draw(rng, shortest, longest, tries)
    right &= np.clip(age_on(born, received), 2, 20) == pd.to_numeric(case["received_age"]).to_numpy(np.int64)[:, None]
    year = frame["start_year"].to_numpy(np.int64)[:, None]
    same = (right & (year_of(received) == year)).sum(axis=1)
    before = (right & (year_of(received) == year - 1)).sum(axis=1)
    return pd.DataFrame({"can_same": same > 0, "can_before": (before > 0) | (same == 0)}, index=case.index)


def _born_and_start(frame: pd.DataFrame, tries: int, rng: np.random.Generator) -> tuple[Days, Days]:
    cohort, start_year = frame["cohort"].to_numpy(np.int64), frame["start_year"].to_numpy(np.int64)
    autumn = frame["autumn"].to_numpy(bool)
    first = np.where(autumn, new_year(cohort - 1) + 244, new_year(cohort))
    last = np.where(autumn, new_year(cohort) - 1, new_year(cohort) + 242)
    # who would be 26 on a census day while the plan is live was born late in the cohort
    last = np.where(frame["oldest_birth"].to_numpy(np.int64) > last, new_year(cohort) + 242, last)
    first = np.minimum(np.maximum(first, frame["oldest_birth"].to_numpy(np.int64)), last)
    low, high = new_year(start_year), new_year(start_year + 1) - 1
    census = frame["start_census"].to_numpy(np.int64)
    early = frame["in_january_of_start"].to_numpy(bool)
    low = np.where((census > 0) & ~early, census + 1, low)
    high = np.where((census > 0) & early, census, high)
    return _draw(rng, first, last, tries), _draw(rng, low, high, tries)


def _attempt(frame: pd.DataFrame, tries: int, rng: np.random.Generator) -> pd.DataFrame:
    born, start = _born_and_start(frame, tries, rng)
    after = frame["after"].to_numpy(bool)[:, None]
    # a calibrated half is about the birthday in the start year
    sided = (month_day(start) >= month_day(born)) == after
    score = 4 * (sided | frame["after_free"].to_numpy(bool)[:, None]).astype(np.int64)
    ended = frame["ceased_year"].to_numpy(np.int64)
    cease_low = np.where(ended > 0, np.maximum(new_year(ended), frame["cease_after"].to_numpy(np.int64) + 1), 0)
    cease_high = np.where(ended > 0, new_year(ended + 1) - 1, 0)
    ceased = _draw(rng, cease_low, cease_high, tries)
    is_ended = (ended > 0)[:, None]
    held = frame["held"].to_numpy(np.int64)[:, None]
    end_age = frame["age_ceased"].to_numpy(np.int64)[:, None]
    score += np.where(
        is_ended, (ceased > start) * 8 + (np.minimum(years_between(start, ceased), 12) == np.minimum(held, 12)), 9
    )
    score += np.where(is_ended, np.clip(age_on(born, ceased), 2, 20) == np.clip(end_age, 2, 20), 1)
    has_case = frame["has_case"].to_numpy(bool)[:, None]
    band = frame["band"].to_numpy()
    shortest = np.array([BAND_DAYS.get(name, (70, 140))[0] for name in band])
    longest = np.array([BAND_DAYS.get(name, (70, 140))[1] for name in band])
    received = start - _draw(rng, shortest, longest, tries)
    over = frame["over_six_weeks"].to_numpy(bool)
    decided = received + _draw(rng, np.where(over, SIX_WEEKS + 1, 12), np.where(over, 66, SIX_WEEKS), tries)
    right = (year_of(received) == frame["received_year"].to_numpy()[:, None]) * 8
    right = right + (np.clip(age_on(born, received), 2, 20) == frame["received_age"].to_numpy()[:, None]) * 2
    right = right + (year_of(decided) == frame["decided_year"].to_numpy()[:, None]) * 6
    score += np.where(has_case, right, 16)
    best = score.argmax(axis=1)
    rows = np.arange(len(frame))
    pick = {"born": born, "start": start, "ceased": ceased, "received": received, "decided": decided, "score": score}
    chosen = {name: values[rows, best] for name, values in pick.items()}
    chosen["ceased"] = np.where(ended > 0, chosen["ceased"], 0)
    chosen["received"] = np.where(has_case[:, 0], chosen["received"], 0)
    chosen["decided"] = np.where(has_case[:, 0], chosen["decided"], 0)
    return pd.DataFrame(chosen, index=frame.index)


def date_other_cases(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Days of birth, request, decision and assessment outcome for cases without a plan. Columns born, received, decided, assessed
    (0: none)."""
    received_year = cases["received_year"].to_numpy(np.int64)
    decided_year = cases["decided_year"].to_numpy(np.int64)
    assessed_year = cases["assessed_year"].to_numpy(np.int64)
    over = cases["over_six_weeks"].to_numpy(bool)
    size = len(cases)
    delay = rng.integers(np.where(over, SIX_WEEKS + 1, 12), np.where(over, 68, SIX_WEEKS + 1))
    low, high = new_year(received_year), new_year(received_year + 1) - 1
    next_year = new_year(received_year + 1)
    carried = decided_year == received_year + 1
    same = decided_year == received_year
    low = np.where(carried, next_year - delay, low)
    high = np.where(same, next_year - 1 - delay, high)
    undecided = cases["request_outcome"].to_numpy() == "A"
    low = np.where(undecided, next_year - 30, low)
    refused_plan = cases["assessment_outcome"].to_numpy() == "N"
    quick = cases["in_16_weeks"].to_numpy(bool)
    length = rng.integers(np.where(quick, 80, SIXTEEN_WEEKS + 1), np.where(quick, SIXTEEN_WEEKS + 1, 190))
    # the assessment ends in its own year
    low = np.where(refused_plan, np.maximum(low, new_year(assessed_year) - length), low)
    high = np.where(refused_plan, np.minimum(high, new_year(assessed_year + 1) - 1 - length), high)
    high = np.maximum(high, low)
    received = low + (rng.random(size) * (high - low + 1)).astype(np.int64)
    decided = np.where(decided_year > 0, received + delay, 0)
    assessed = np.where(refused_plan, np.maximum(received + length, decided + 14), 0)
    age = pd.to_numeric(cases["received_age"]).to_numpy(np.int64)
    age = np.where(age >= 20, rng.integers(20, 24, size), np.where(age <= 2, rng.integers(1, 3, size), age))
    anniversary = received - np.round(age * 365.2425).astype(np.int64)
    born = anniversary - rng.integers(2, 362, size)
    return pd.DataFrame(
        {"born": born, "received": received, "decided": decided, "assessed": assessed}, index=cases.index
    )
