"""Some years of visits of the outreach teams: schools ask at random, some more often and from an earlier year on than others,
and wait some weeks."""

from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.synthetic.local import Borough

RETURN = "outreach_activity"
VISITS, MORE_A_YEAR = 420, 40
"""Visits of the first year in an authority of the borough's size, and by how many they grow."""
PHASES = ("Nursery", "Primary", "Secondary")
NOT_ASKED_FOR = 0.12
FROM_THE_FIRST_YEAR = 0.55
"""Share of the schools that the teams visit from the first year on; the others begin in a later one."""
WEEKS_WAITED = {"INCLUSION": 3.0, "AUTISM": 4.5}

TEAMS = {"INCLUSION": 0.6, "AUTISM": 0.4}
ACTIVITIES = {"ADVICE": 0.45, "OBSERVATION": 0.3, "DIRECT": 0.15, "TRAINING": 0.1}
OUTCOMES = {"STRATEGIES": 0.5, "FOLLOW_UP": 0.28, "REFERRED": 0.08, "NO_FURTHER": 0.14}
NEEDS = {
    "INCLUSION": {"SEMH": 0.5, "SLCN": 0.14, "MLD": 0.12, "SPLD": 0.08, "ASD": 0.06, "OTH": 0.04, "SEVERAL": 0.06},
    "AUTISM": {"ASD": 0.82, "SLCN": 0.08, "SEMH": 0.05, "OTH": 0.02, "SEVERAL": 0.03},
}


def write(out: Path, borough: Borough) -> None:
    """A cover and a table of visits for every academic year that ends in a year of the borough."""
    rng = borough.rng(RETURN)
    register = borough.register
    is_visited = (register["LA (code)"] == borough.la) & register["PhaseOfEducation (name)"].isin(PHASES)
    schools = register.loc[is_visited & (register["EstablishmentStatus (name)"] == "Open"), "URN"].to_numpy()
    liking = rng.gamma(0.8, size=len(schools))
    is_early = rng.random(len(schools)) < FROM_THE_FIRST_YEAR
    begins = np.where(is_early, 0, rng.integers(0, len(borough.years), len(schools)))
    begins -= begins.min()
    for number, year in enumerate(borough.years):
        cover = {
            "return_name": RETURN.upper(),
            "la_code": borough.la,
            "year_ending": year,
            "version": 1,
            "prepared_by_role": "Invented outreach officer",
        }
        begun = np.where(begins <= number, liking, 0)
        visits = _visits(rng.poisson((VISITS + MORE_A_YEAR * number) * borough.scale), year, schools, begun, rng)
        pd.DataFrame(cover.items(), columns=["key", "value"]).to_csv(out / f"outreach_{year}_cover.csv", index=False)
        visits.to_csv(out / f"outreach_{year}_visits.csv", index=False)


def _visits(count: int, year: int, schools: np.ndarray, liking: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """The visits of an academic year in their order."""
    visits = pd.DataFrame(
        {"urn": rng.choice(schools, count, p=liking / liking.sum()), "team": _drawn(TEAMS, count, rng)}
    )
    visits["activity"] = _drawn(ACTIVITIES, count, rng)
    visits["need"] = ""
    for team, needs in NEEDS.items():
        of_team = visits["team"] == team
        visits.loc[of_team, "need"] = _drawn(needs, int(of_team.sum()), rng)
    # Weekdays from the second week of September on, without August.
    day = pd.to_datetime(f"{year - 1}-09-08") + pd.to_timedelta(rng.integers(0, 310, count), unit="D")
    day -= pd.to_timedelta(np.maximum(day.dayofweek - 4, 0), unit="D")
    weeks = visits["team"].map(WEEKS_WAITED).to_numpy()
    asked = pd.Series(day - pd.to_timedelta(np.ceil(rng.gamma(2.0, weeks * 7 / 2)), unit="D"))
    visits["requested_on"] = asked.where(rng.random(count) >= NOT_ASKED_FOR).dt.strftime("%Y-%m-%d")
    visits["visited_on"] = day.strftime("%Y-%m-%d")
    visits["pupil_count"] = np.where(visits["activity"] == "TRAINING", 0, rng.geometric(0.7, count))
    visits["outcome"] = _drawn(OUTCOMES, count, rng)
    return visits.sort_values(["visited_on", "urn"], kind="stable", ignore_index=True)


def _drawn(shares: dict[str, float], count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(np.array(list(shares), dtype=object), count, p=list(shares.values()))
