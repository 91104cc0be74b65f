"""Who the plans and cases belong to: dates of birth, identity, and the children who asked more than once."""

from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.dates import (
    CENSUS_DAYS,
    Days,
    age_on,
    date_other_cases,
    date_plans,
    day,
    month_day,
    new_year,
    years_between,
)
from orchestration.synthetic.identity import invented_names, postcode_list, ulns, upns
from orchestration.synthetic.slips import mistyped, other_surnames, short_names

LATE_CEASES = 5
"""Plans a year that ended before census day, which the return of that January did not know yet."""
CENSUS_DAY_CEASES = 2
"""Plans a year that end on the census day itself: in force on it, by the published definition."""
HELD_TWICE = 2
"""Children a year who were given a new plan after an earlier one had ceased."""
FOUR_YEARS = 4 * 366
"""Days after which a child has a UPN in every return."""
SHORT_NAME_SHARE, OTHER_SURNAME_SHARE, MISTYPED_SHARE = 0.008, 0.006, 0.008
"""People whom the returns always write by the name they are called, by the other parent's surname, or with a wrong letter."""


def prepare_plans(plans: pd.DataFrame, years: list[int], rng: np.random.Generator) -> pd.DataFrame:
    """What the dates need to know: the census day of the start year, the Januaries in force, how the plan came to be here."""
    plans = plans.copy()
    start_year = plans["start_year"].to_numpy(np.int64)
    census = {year: day(CENSUS_DAYS[year]) for year in CENSUS_DAYS}
    watched = set(years)
    plans["start_census"] = [census[y] if y in watched else 0 for y in start_year]
    plans["in_january_of_start"] = False
    first_seen = np.full(len(plans), 0)
    last_seen = np.full(len(plans), 0)
    for year in years:
        here = (plans[f"line_{year}"] != "").to_numpy()
        plans.loc[here & (start_year == year), "in_january_of_start"] = True
        first_seen = np.where(here & (first_seen == 0), year, first_seen)
        last_seen = np.where(here, year, last_seen)
    plans["first_seen"], plans["last_seen"] = first_seen, last_seen
    ended = plans["ceased_year"].to_numpy(np.int64)
    plans["cease_after"] = [census.get(y, 0) if seen == y else 0 for y, seen in zip(ended, last_seen, strict=True)]
    # nobody is 26 on a census day at which the plan is in force
    oldest = [
        new_year(np.array([y - 26]))[0] + (census[y] - new_year(np.array([y]))[0]) + 1 if y else 0 for y in last_seen
    ]
    plans["oldest_birth"] = np.where(last_seen > 0, oldest, -10_000)
    begins = years[0]
    unexplained = (first_seen > begins) & (plans["new_year"].to_numpy() == 0)
    fresh = unexplained & (start_year >= first_seen - 1)
    first_return = (first_seen == begins) & (start_year == begins - 1) & (plans["new_year"].to_numpy() == 0)
    # a plan with an old start that turns up: half brought from elsewhere, half known but recorded late
    old = unexplained & ~fresh & (rng.random(len(plans)) < 0.5)
    plans["transferred_year"] = np.where(fresh | old | first_return, first_seen - 1, 0)
    plans["recorded_late"] = unexplained & ~fresh & ~old
    brief = (first_seen == 0) & (plans["new_year"].to_numpy() == 0) & (start_year == ended)
    plans.loc[brief, "transferred_year"] = ended[brief]
    # no published table fixes on which side of the birthday a plan began that ended before the anchor
    plans["after_free"] = (ended > 0) & (plans["new_year"].to_numpy() == 0)
    plans["second_need"] = rng.random(len(plans)) < 0.45
    return plans


def date_everything(
    plans: pd.DataFrame, cases: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Plans and cases with their days."""
    days = date_plans(plans, cases, rng)
    plans = plans.assign(born=days["born"], start=days["start"], ceased=days["ceased"])
    plans = _ends_about_census_day(plans)
    cases = cases.copy()
    for column in ("born", "received", "decided", "assessed"):
        cases[column] = 0
    with_plan = cases["plan"] >= 0
    of_plan = days.loc[cases.loc[with_plan, "plan"]]
    cases.loc[with_plan, ["born", "received", "decided", "assessed"]] = of_plan[
        ["born", "received", "decided", "start"]
    ].to_numpy()
    other = date_other_cases(cases[~with_plan], rng)
    cases.loc[~with_plan, other.columns] = other.to_numpy()
    return plans, cases


def _ends_about_census_day(plans: pd.DataFrame) -> pd.DataFrame:
    """Move the end of a few plans to census day, or before it, where no published age or duration changes.

    The return of that January shows both kinds as in force: the second kind because the end was recorded late.
    """
    rng = np.random.default_rng(len(plans))  # its own, so that the rest of the borough is as it would be without
    ceased, last_seen = plans["ceased"].to_numpy(np.int64).copy(), plans["last_seen"].to_numpy()
    born, start = plans["born"].to_numpy(np.int64), plans["start"].to_numpy(np.int64)
    age, held = np.clip(age_on(born, ceased), 2, 20), np.minimum(years_between(start, ceased), 12)
    for year in sorted(set(plans["ceased_year"]) & set(plans["last_seen"]) - {0}):
        census, first = day(CENSUS_DAYS[year]), int(new_year(np.array([year]))[0])
        wanted = [census] * CENSUS_DAY_CEASES + list(rng.integers(first + 4, census - 1, LATE_CEASES))
        free = (plans["ceased_year"].to_numpy() == year) & (last_seen == year) & (start < first)
        for when in wanted:
            moved = np.full(len(plans), when)
            same = (np.clip(age_on(born, moved), 2, 20) == age) & (np.minimum(years_between(start, moved), 12) == held)
            found = np.flatnonzero(free & same & (plans["reason"].to_numpy() != "1"))
            if len(found):
                chosen = found[rng.integers(len(found))]
                ceased[chosen], free[chosen] = when, False
    return plans.assign(ceased=ceased)


def assign_people(
    plans: pd.DataFrame, cases: pd.DataFrame, la: str, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A person for every plan and every case, with an identity. A child refused once may be the one whose next request was agreed.

    Returns plans and cases with `person`, and people indexed by person.
    """
    plans = plans.assign(person=np.arange(len(plans)))
    cases = cases.copy()
    cases["person"] = -1
    with_plan = cases["plan"] >= 0
    cases.loc[with_plan, "person"] = plans.loc[cases.loc[with_plan, "plan"], "person"].to_numpy()
    again = _earlier_refusals(cases)
    cases.loc[again.index, "person"] = again
    alone = cases["person"] < 0
    cases.loc[alone, "person"] = len(plans) + np.arange(int(alone.sum()))
    columns = ["person", "born", "sex", "ethnicity", "earlier_ethnicity"]
    solo = cases[alone].assign(earlier_ethnicity=cases["ethnicity"])[columns]
    people = pd.concat([plans[columns], solo]).set_index("person")
    size = len(people)
    names = invented_names(size, rng)
    born_year = (
        people["born"].to_numpy(np.int64).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    )
    shuffled = rng.permutation(size)
    people["surname"], people["forename"] = names["surname"].to_numpy(object), names["forename"].to_numpy(object)
    postcodes = postcode_list()
    people["postcode"] = postcodes[rng.integers(0, len(postcodes), size)]
    numbers = upns(la, born_year[shuffled])
    people["upn"] = pd.Series(numbers, index=people.index[shuffled], dtype=object)
    people["uln"] = ulns(size)[rng.permutation(size)]
    people["never_in_school"] = rng.random(size) < 0.004
    people["college_only"] = rng.random(size) < 0.1
    _write_down(people)
    return _plans_of_one_child(plans, cases, people)


def _write_down(people: pd.DataFrame) -> None:
    """How the returns write each name, in place: `written_surname`, `written_forename`, `slip` (what differs, "" nothing).

    Wrong only of people whose UPN every return gives, so that one return and the next still tell of one person.
    """
    rng = np.random.default_rng([len(people), 1])  # its own, so that the rest of the borough is as it would be without
    surname, forename = people["surname"].to_numpy(object).copy(), people["forename"].to_numpy(object).copy()
    at_school = people["born"].to_numpy(np.int64) <= day(CENSUS_DAYS[min(CENSUS_DAYS)]) - FOUR_YEARS
    numbered = at_school & ~people["never_in_school"].to_numpy(bool) & ~people["college_only"].to_numpy(bool)
    kind = np.searchsorted(
        np.cumsum([SHORT_NAME_SHARE, OTHER_SURNAME_SHARE, MISTYPED_SHARE / 2, MISTYPED_SHARE / 2]),
        rng.random(len(people)),
        side="right",
    )
    slip = np.full(len(people), "", dtype=object)
    for of_kind, (names, made, name) in enumerate(
        (
            (forename, short_names, "nickname"),
            (surname, other_surnames, "changed_surname"),
            (surname, mistyped, "misspelt"),
            (forename, mistyped, "misspelt"),
        )
    ):
        rows = np.flatnonzero(numbered & (kind == of_kind))
        names[rows], slip[rows] = made(names[rows], rng), name
    people["written_surname"], people["written_forename"], people["slip"] = surname, forename, slip


def _plans_of_one_child(
    plans: pd.DataFrame, cases: pd.DataFrame, people: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Give a few later plans to a child whose earlier plan had ceased: one person, one day of birth, two plans.

    Only where every published age of the later plan stays what it was, and the child of the later plan has no other case.
    """
    ended = plans[(plans["ceased"] > 0) & plans["reason"].isin(["2", "5", "9"])]
    begun = plans[(plans["new_year"] > 0) & (plans["ceased"] == 0)].reset_index(names="later")
    begun = begun[begun["person"].map(cases["person"].value_counts()) == 1]
    begun["received"] = begun["later"].map(cases[cases["plan"] >= 0].set_index("plan")["received"])
    alike = ["cohort", "autumn", "sex", "ethnicity", "earlier_ethnicity"]
    pairs = begun.merge(ended.reset_index(names="earlier"), on=alike, suffixes=("", "_earlier"))
    pairs = pairs[pairs["received"] > pairs["ceased_earlier"]]

    def days(column: str) -> Days:
        return pairs[column].to_numpy(np.int64)

    same = np.ones(len(pairs), dtype=bool)
    for when in ("start", "received"):
        same &= age_on(days("born"), days(when)) == age_on(days("born_earlier"), days(when))
    same &= (month_day(days("start")) >= month_day(days("born"))) == (
        month_day(days("start")) >= month_day(days("born_earlier"))
    )
    same &= days("born_earlier") >= days("oldest_birth")
    gap = pairs["received"] - pairs["ceased_earlier"]
    pairs = pairs[same].assign(gap=gap).sort_values(["gap", "later", "earlier"])
    pairs = pairs.drop_duplicates("later").drop_duplicates("earlier").groupby("new_year").head(HELD_TWICE)
    child = dict(zip(pairs["person"], pairs["person_earlier"], strict=True))
    plans.loc[pairs["later"], "born"] = pairs["born_earlier"].to_numpy()
    theirs = cases["person"].isin(child)
    cases.loc[theirs, "person"] = cases.loc[theirs, "person"].map(child)
    cases.loc[theirs, "born"] = people.loc[cases.loc[theirs, "person"], "born"].to_numpy()
    plans["person"] = plans["person"].replace(child)
    return plans, cases, people.drop(index=list(child))


def _earlier_refusals(cases: pd.DataFrame) -> "pd.Series[Any]":
    """Refused cases that fit a child who asked again within two years and got a plan: case -> person. One each."""
    refused = cases[(cases["request_outcome"] == "N") & (cases["assessed_year"] == 0)].reset_index(names="case")
    agreed = cases[(cases["plan"] >= 0)][["person", "plan", "sex", "ethnicity", "born", "received"]]
    pairs = refused.merge(agreed, on=["sex", "ethnicity"], suffixes=("", "_next"))
    gap = pairs["received_next"] - pairs["received"]
    pairs = pairs[(gap > 150) & (gap < 600)]
    age = np.clip(age_on(pairs["born_next"].to_numpy(np.int64), pairs["received"].to_numpy(np.int64)), 2, 20).astype(
        str
    )
    pairs = pairs[age == pairs["received_age"].to_numpy()]
    pairs = pairs.drop_duplicates("case").drop_duplicates("person_next")
    chosen = pairs.iloc[::8]
    return pd.Series(chosen["person_next"].to_numpy(), index=chosen["case"].to_numpy())
