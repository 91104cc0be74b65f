"""Who the plans and cases belong to: dates of birth, identity, and the children who asked more than once."""

from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.dates import CENSUS_DAYS, age_on, date_other_cases, date_plans, day, new_year
from orchestration.synthetic.identity import invented_names, postcode_list, ulns, upns


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
    return plans, cases, people


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
