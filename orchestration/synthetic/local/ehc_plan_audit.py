"""Audits of the quality of the borough's plans: a part of those issued, some later ones, and second audits of some of these.

Plans get better over the years, and auditors come to agree more often. What an auditor finds hangs on how good the plan is, which nobody
knows, and on the auditor.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.synthetic.dates import day, to_dates
from orchestration.synthetic.local import Borough

RETURN = "ehc_plan_audit"
OF_NEW, OF_NEW_MORE = 0.26, 0.05
"""Share of the new plans that is audited in the first year, and by how much it grows."""
OF_LATER = 0.03
SECOND, BY_THE_SAME, THRICE = 0.4, 0.02, 0.03
"""Shares of the plans that have a second audit; of those, by the auditor of the first, and with a third one."""
WITHOUT_NUMBER = 0.02
AUDITORS = {
    "A01": "SEND_OFFICER", "A02": "SEND_OFFICER", "A03": "SEND_OFFICER", "P01": "PSYCHOLOGIST", "H01": "HEALTH",
    "S01": "SOCIAL_CARE", "E01": "SCHOOL", "X01": "OUTSIDE",
}  # fmt: skip
GRADES = np.array(["INADEQUATE", "REQUIRES_IMPROVEMENT", "GOOD", "OUTSTANDING"], dtype=object)
GRADE_ENDS = (-1.5, 0.1, 1.7)
BETTER_A_YEAR, BLUR, SHARPER_A_YEAR = 0.16, 0.75, 0.1
"""By how much plans get better in a year, how far auditors are from what a plan is, and how much less a year."""
CRITERIA = {
    "child_voice": 0.9, "needs": 0.6, "outcomes": -0.5, "provision": -0.3, "health": 0.0, "care": -0.2, "plain_words": 0.4,
}  # fmt: skip
"""How much more easily than others a part of the plan is met."""


def write(out: Path, borough: Borough) -> None:
    """A cover and a table of audits for every calendar year of which an EHC plans return of the borough tells."""
    rng = borough.rng(RETURN)
    plans = borough.plans
    goodness = pd.Series(rng.normal(size=len(plans)), index=plans.index)
    for number, year in enumerate(returned - 1 for returned in borough.years):
        cover = {
            "return_name": RETURN.upper(),
            "la_code": borough.la,
            "audit_year": year,
            "version": 1,
            "prepared_by_role": "Invented quality officer",
        }
        first = _first_audits(plans, year, OF_NEW + OF_NEW_MORE * number, rng)
        second = _second_audits(first, day(f"{year}-12-31"), rng)
        audits = pd.concat([first, second], ignore_index=True)
        better = goodness.loc[audits["plan"]].to_numpy() + BETTER_A_YEAR * number
        _judge(audits, better, max(BLUR - SHARPER_A_YEAR * number, 0.1), rng)
        _identify(audits, borough, rng)
        pd.DataFrame(cover.items(), columns=["key", "value"]).to_csv(out / f"audits_{year}_cover.csv", index=False)
        audits = audits.sort_values(["audited_on", "plan_reference", "audit_stage"], ignore_index=True)
        audits.drop(columns=["plan", "day"]).to_csv(out / f"audits_{year}_audits.csv", index=False)


def _first_audits(plans: pd.DataFrame, year: int, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """First audits of a year: of plans some weeks after they were issued, and of some that are held, at any time."""
    begins, ends = day(f"{year}-01-01"), day(f"{year + 1}-01-01")
    start, ceased = plans["start"].to_numpy(np.int64), plans["ceased"].to_numpy(np.int64)
    is_new = (plans["new_year"].to_numpy() == year) & (rng.random(len(plans)) < share)
    is_held = (start < begins) & ((ceased == 0) | (ceased >= ends)) & (rng.random(len(plans)) < OF_LATER)
    when = np.where(is_new, start + rng.integers(7, 60, len(plans)), rng.integers(begins, ends, len(plans)))
    chosen = (is_new | is_held) & (when < ends)
    auditors = rng.choice(np.array(list(AUDITORS), dtype=object), int(chosen.sum()))
    return pd.DataFrame(
        {
            "plan": plans.index[chosen],
            "plan_stage": np.where(is_new[chosen], "FIRST_ISSUE", "LATER"),
            "audit_stage": "FIRST",
            "auditor": auditors,
            "day": when[chosen],
        }
    )


def _second_audits(first: pd.DataFrame, last: int, rng: np.random.Generator) -> pd.DataFrame:
    """Second audits of some plans until the last day of the year, of a few by whoever made the first; and a third one of some."""
    names = np.array(sorted(AUDITORS), dtype=object)
    second = first[rng.random(len(first)) < SECOND].assign(audit_stage="MODERATION")
    second = pd.concat([second, second[rng.random(len(second)) < THRICE]])
    other = (np.searchsorted(names, second["auditor"]) + rng.integers(1, len(names), len(second))) % len(names)
    second["auditor"] = np.where(rng.random(len(second)) < BY_THE_SAME, second["auditor"], names[other])
    second["day"] = np.minimum(second["day"] + rng.integers(3, 30, len(second)), last)
    return second


def _judge(audits: pd.DataFrame, better: np.ndarray, blur: float, rng: np.random.Generator) -> None:
    """What auditors find, in place: of the whole, and of each part."""
    found = better + rng.normal(scale=blur, size=len(audits))
    audits["auditor_role"] = audits["auditor"].map(AUDITORS)
    audits["audited_on"] = to_dates(audits["day"]).to_numpy()
    for criterion, ease in CRITERIA.items():
        of_part = found + ease + rng.normal(scale=0.7, size=len(audits))
        audits[criterion] = np.select([of_part > 0, of_part > -1.2], ["MET", "PARTLY"], "NOT_MET")
    audits["overall_grade"] = GRADES[np.digitize(found, GRADE_ENDS)]


def _identify(audits: pd.DataFrame, borough: Borough, rng: np.random.Generator) -> None:
    """The council's number of each plan, and the numbers of the child that the case system has, in place."""
    person = borough.people.loc[borough.plans.loc[audits["plan"], "person"]]
    age = (audits["day"].to_numpy() - person["born"].to_numpy(np.int64)) // 365.25
    has_any = (rng.random(len(audits)) >= WITHOUT_NUMBER) & ~person["never_in_school"].to_numpy(bool)
    audits["plan_reference"] = [f"EHCP-{borough.la}-{plan:06d}" for plan in audits["plan"]]
    audits["upn"] = person["upn"].where(has_any & (age >= 4), "").to_numpy()
    audits["uln"] = person["uln"].where(has_any & (age >= 16), "").to_numpy()
