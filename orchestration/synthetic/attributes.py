"""What the plans in force carry in one January: personal budgets, residential and work-based placements, annual reviews."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.calibrate import Margin, settle
from orchestration.synthetic.population import FIRM, HARD, coarse, person_margin, stock_period
from orchestration.synthetic.targets import PLACEMENT_GROUPS, TOTAL, Targets

REVIEW_YEARS = ("this_year", "last_year", "before", "none")
"""When a meeting or decision fell, seen from the January: in that calendar year, the year before, earlier, never."""


def _margins(
    people: pd.DataFrame, targets: Targets, table: str, period: str, labels: Mapping[str, Sequence[str]], total: int
) -> list[Margin]:
    """Published labels by age, ethnicity, sex, placement and years in place, over people; the first label is "none of these".

    `labels`: label -> the measures whose sum it is.
    """
    made: list[Margin] = []
    names = list(labels)
    for topic, column in (
        ("age", "age_code"),
        ("ethnicity", "ethnicity"),
        ("sex", "sex"),
        ("placement", "line"),
        ("years", "census_years"),
    ):
        wide = targets.table(table, period, topic)
        if wide.empty:
            continue
        wide = wide[~wide.index.isin(PLACEMENT_GROUPS) | (wide.index == "special_academy_free")].fillna(0)
        codes = people[column]
        if topic == "age":
            top, bottom = max(wide.index.astype(int)), min(wide.index.astype(int))
            codes = people["age"].clip(bottom, top).astype(str)
        counts: pd.Series[Any] = pd.concat(
            {
                name: wide[[m for m in measures if m in wide.columns]].sum(axis=1)
                for name, measures in list(labels.items())[1:]
            }
        )
        sizes = codes.value_counts()
        rest = sizes.reindex(wide.index, fill_value=0) - counts.groupby(level=1).sum().reindex(wide.index, fill_value=0)
        counts = pd.concat([counts, pd.concat({names[0]: rest.clip(lower=0).astype(float)})])
        made.append(person_margin(people.assign(**{column: codes}), column, counts, names, FIRM))
    totals = targets.table(table, period, TOTAL)
    if not totals.empty and all(m in totals.columns for ms in list(labels.values())[1:] for m in ms):
        counts_all = [sum(float(totals[m].iloc[0]) for m in measures) for measures in list(labels.values())[1:]]
        row = np.array([[total - sum(counts_all), *counts_all]], dtype=float)
        made.append(Margin(np.zeros(len(people), dtype=np.int64), row, HARD))
    return made


def _labelled(
    people: pd.DataFrame,
    targets: Targets,
    table: str,
    period: str,
    labels: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
    *,
    allowed: "np.ndarray[Any, Any] | None" = None,
    likely: "np.ndarray[Any, Any] | None" = None,
    default: Sequence[float] | None = None,
) -> "pd.Series[Any]":
    names = np.array(list(labels), dtype=object)
    if people.empty:
        return pd.Series([], dtype=object, index=people.index)
    margins = _margins(people, targets, table, period, labels, len(people))
    if not margins:
        chance = np.array(default if default is not None else [1.0, *([0.0] * (len(names) - 1))])
        mask = np.ones((len(people), len(names))) if allowed is None else allowed
        weight = mask * (chance + 1e-9) * (1.0 if likely is None else likely)
        pick = (rng.random(len(people))[:, None] * weight.sum(axis=1, keepdims=True) > weight.cumsum(axis=1)).sum(
            axis=1
        )
        return pd.Series(names[np.minimum(pick, len(names) - 1)], index=people.index)
    shares = margins[-1].counts.sum(axis=0)
    shares = np.clip(shares, 0, None) / max(np.clip(shares, 0, None).sum(), 1)
    mask = np.ones((len(people), len(names))) if allowed is None else allowed
    weight = mask * (shares + 1e-9) * (1.0 if likely is None else likely)
    start = (rng.random(len(people))[:, None] * weight.sum(axis=1, keepdims=True) > weight.cumsum(axis=1)).sum(axis=1)
    start = np.minimum(start, len(names) - 1)
    return pd.Series(names[settle(start, margins, rng, allowed=allowed)], index=people.index)


def stock_people(plans: pd.DataFrame, year: int, ethnicity: str) -> pd.DataFrame:
    """The plans in force in the January of `year`, with the codes that the tables of that January use."""
    live = plans[plans[f"line_{year}"] != ""]
    return pd.DataFrame(
        {
            "age": np.clip(year - 1 - live["cohort"], 2, 25),
            "age_code": "",
            "ethnicity": live[ethnicity],
            "sex": live["sex"],
            "line": live[f"line_{year}"].map(coarse),
            "census_years": np.minimum(year - live["start_year"], 12).astype(str),
            "start_year": live["start_year"],
        },
        index=live.index,
    )


def money_and_work(
    plans: pd.DataFrame, targets: Targets, year: int, ethnicity: str, rng: np.random.Generator
) -> pd.DataFrame:
    """PB, OA, DP, Res and WBP of every plan in force. Columns of text codes, "" where there is none."""
    people = stock_people(plans, year, ethnicity)
    period = stock_period(year)
    kinds = {"": (), "H": ("pb_health",), "E": ("pb_education",), "S": ("pb_social",), "I": ("pb_integrated",)}
    budget = _labelled(
        people, targets, "personal_budgets", period, kinds, rng, default=[0.97, 0.003, 0.003, 0.018, 0.006]
    )
    holders = people[budget != ""]
    taken = targets.figure("personal_budgets", period, "personal_budget")
    if taken is not None and taken < len(holders):
        budget[rng.permutation(holders.index.to_numpy())[taken:]] = ""
        holders = people[budget != ""]
    elif taken is not None and taken > len(holders):
        # a budget that is not taken as a direct payment has no split
        without = rng.permutation(people.index[budget == ""].to_numpy())[: taken - len(holders)]
        holders = people.loc[holders.index.union(pd.Index(without))]
    organised = pd.Series("0", index=people.index)
    total = targets.figure("personal_budgets", period, "org_arrangments")
    if total is not None and total >= len(holders):
        organised[holders.index] = "1"
    elif not holders.empty:
        chosen = _labelled(
            holders,
            targets,
            "personal_budgets",
            period,
            {"0": (), "1": ("org_arrangments",)},
            rng,
            default=[0.87, 0.13],
        )
        organised[holders.index] = chosen
    homes = _labelled(
        people,
        targets,
        "residential_settings",
        period,
        {"": (), "A": ("res_3851",), "B": ("res_52",)},
        rng,
        default=[0.999, 0.0, 0.001],
    )
    grown = people["age"] >= 16
    work = pd.Series("", index=people.index, dtype=object)
    kinds = {"": (), "S": ("open_supp_intern",), "A": ("open_apprentice",), "T": ("open_trainee",)}
    young = people[
        grown
        & people["line"].isin(["general_fe_tertiary_colleges", "specialist_post_16_institutions", "ukrlp_provider"])
    ]
    work[young.index] = _labelled(
        young, targets, "work_based_placements", period, kinds, rng, default=[0.91, 0.06, 0.002, 0.028]
    )
    # PB is recorded for all, OA and DP hang on it
    return pd.DataFrame(
        {
            "PB": np.where(people.index.isin(holders.index), "1", "0"),
            "OA": organised,
            "DP": budget,
            "Res": homes,
            "WBP": work,
        },
        index=people.index,
    )


def annual_reviews(
    plans: pd.DataFrame, targets: Targets, year: int, ethnicity: str, rng: np.random.Generator
) -> pd.DataFrame:
    """When the last review met and was decided, and how. Columns meeting, decision (see REVIEW_YEARS), outcome, quick (within 4 weeks)."""
    people = stock_people(plans, year, ethnicity)
    flow = str(year - 1)
    due = people[people["start_year"] < year - 1]
    now, last = year % 100, (year - 1) % 100
    meetings = {
        "none": (),
        "this_year": (f"review_meeting_{now}",),
        "last_year": (f"review_meeting_{last}",),
        "before": (f"review_meeting_prior_{last}",),
    }
    usual = [0.04, 0.19, 0.6, 0.17]
    meeting = _labelled(due, targets, "annual_reviews", flow, meetings, rng, default=usual)
    met = due[meeting != "none"]
    when = meeting[met.index]
    outcomes = {"": (), "A": ("outcome_amend",), "C": ("outcome_cease",), "M": ("outcome_maintan",)}
    outcome = _labelled(met, targets, "annual_reviews", flow, outcomes, rng, default=[0.1, 0.29, 0.02, 0.59])
    decisions = {
        "none": (),
        "this_year": (f"review_decision{now}",),
        "last_year": (f"review_decision{last}",),
        "before": (f"review_decision_prior{last}",),
    }
    order = {"before": 0, "last_year": 1, "this_year": 2}
    stage = when.map(order).to_numpy()
    # a decision comes with its outcome; a few outcomes are recorded before the letter has gone
    told = (outcome != "").to_numpy()
    allowed = np.column_stack([np.ones(len(met)), stage <= 2, stage <= 1, stage <= 0]).astype(float)
    likely = np.column_stack([np.ones(len(met)), *[told + 1e-6] * 3])
    usual = [0.02, 0.2, 0.66, 0.12]
    decision = _labelled(
        met, targets, "annual_reviews", flow, decisions, rng, allowed=allowed, likely=likely, default=usual
    )
    decided = met[decision != "none"]
    speeds = {"slow": ("number_decision_gt_4weeks",), "quick": ("number_decsion_4weeks",)}
    # a meeting more than a year before its decision cannot have been quick
    apart = ((when[decided.index] == "before") & (decision[decided.index] == "this_year")).to_numpy()
    swift = np.column_stack([np.zeros(len(decided)), np.ones(len(decided)), ~apart]).astype(float)
    speed = _labelled(
        decided, targets, "annual_reviews", flow, {"": (), **speeds}, rng, allowed=swift, default=[0.0, 0.24, 0.76]
    )
    frame = pd.DataFrame({"meeting": "none", "decision": "none", "outcome": "", "quick": True}, index=people.index)
    frame.loc[meeting.index, "meeting"] = meeting
    frame.loc[met.index, "outcome"] = outcome
    frame.loc[met.index, "decision"] = decision
    frame.loc[decided.index, "quick"] = speed != "slow"
    return frame
