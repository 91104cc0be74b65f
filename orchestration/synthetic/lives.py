"""The plans of the borough through the years: one row a plan, with its line in each January and how it began and ended."""

from typing import Any

import numpy as np
import pandas as pd

from orchestration.errors import CornerstoneError
from orchestration.synthetic.calibrate import Target, over, spread
from orchestration.synthetic.population import (
    FIRM,
    GONE,
    HARD,
    SOFT,
    StockFigures,
    anchor_stock,
    coarse,
    flat,
    label_people,
    new_plan_figures,
    new_plans_without_placement,
    stock_figures,
)
from orchestration.synthetic.targets import TOTAL, Targets
from orchestration.synthetic.years import PLAN, ceased_codes, mark_new_plans, walk_back, walk_forward

SPECIAL_FREE_SCHOOL_SHARE = 0.14
"""Share of special academies and special free schools that are free schools, where no later return says which."""

CEASE_REASONS = {
    "max_age": "1", "needs_met": "2", "he": "3", "employ": "4", "transfer": "5", "no_engage": "6",
    "moved_outside_eng": "7", "deceased": "8", "other": "9",
}  # fmt: skip
"""Published measure of the ceased-plans table -> CeaseReason code."""

YOUNGEST = {"1": 19, "6": 16}
"""CeaseReason -> the age below which the rules of the return query it."""
TOO_YOUNG = 2 * HARD
"""Price of a reason at an age at which it makes no sense: only a published cell of that very age is worth it."""


def live_through(targets: Targets, years: range, rng: np.random.Generator) -> pd.DataFrame:
    """Every plan that any return of `years` holds.

    Columns: those of a plan (cohort, start_year, autumn, after), sex, need, ethnicity (latest), earlier_ethnicity (as recorded up to the
    January before the anchor), line_<year> ("" when not in force), new_year, ceased_year (0 when not), held, age_ceased, reason.
    Raises CornerstoneError when the figures hold no January of the authority.
    """
    figures = {year: found for year in years if (found := stock_figures(targets, year)) is not None}
    if not figures:
        raise CornerstoneError(
            "The figures file holds no plans in January for this authority: nothing to calibrate on."
        )
    anchor = max(figures, key=lambda year: (len(figures[year].own), -abs(year - years[len(years) // 2]), year))
    plans = anchor_stock(targets, figures[anchor], rng)
    plans = plans[[*PLAN, "sex", "need", "ethnicity", "line", "is_new"]].rename(columns={"line": f"line_{anchor}"})
    plans["new_year"] = np.where(plans.pop("is_new"), anchor - 1, 0)
    plans = plans.assign(ceased_year=0, held=-1, age_ceased=-1, reason="", earlier_ethnicity=plans["ethnicity"])
    for year in range(anchor - 1, min(figures) - 1, -1):
        plans = _one_year_back(plans, figures[year], targets, rng)
    plans = _ended_before(plans, min(figures), targets, rng)
    for year in range(anchor + 1, max(figures) + 1):
        plans = _one_year_on(plans, figures[year], targets, rng)
    plans = _fine_lines(plans, sorted(figures), rng)
    return plans.reset_index(drop=True)


def _one_year_back(
    plans: pd.DataFrame, figures: StockFigures, targets: Targets, rng: np.random.Generator
) -> pd.DataFrame:
    year, later = figures.year, f"line_{figures.year + 1}"
    here = f"line_{year}"
    pool = plans[plans[later] != ""].assign(line=plans[later])
    lines, ceased = walk_back(pool, figures, targets, rng)
    plans[here] = lines.reindex(plans.index, fill_value="")
    gone_rows = plans.index[plans[later] == GONE]
    ceased = ceased_codes(ceased)
    ceased["need"] = rng.permutation(rng.choice(plans["need"].to_numpy(), size=len(ceased)))
    ceased["reason"] = _reasons(ceased, targets, year, rng)
    leaving = ceased[ceased["line"] != GONE]
    ended = ceased[ceased["line"] == GONE]
    plans.loc[gone_rows, ["ceased_year", "held", "age_ceased"]] = np.column_stack(
        [np.full(len(gone_rows), year), ended["held"], ended["age_ceased"]]
    )
    plans.loc[gone_rows, "reason"] = ended["reason"].to_numpy()
    plans.loc[gone_rows, later] = ""
    added = leaving.assign(ceased_year=year, new_year=0, **{here: leaving["line"]})
    lines_known = [column for column in plans.columns if column.startswith("line_")]
    for column in lines_known:
        if column != here:
            added[column] = ""
    added["ethnicity"] = ""
    added["earlier_ethnicity"] = ""
    plans = pd.concat([plans, added[list(plans.columns)]], ignore_index=True)
    plans = _record_ethnicity(plans, figures, targets, rng)
    return _mark_new(plans, targets, year, here, rng)


def _ended_before(plans: pd.DataFrame, first: int, targets: Targets, rng: np.random.Generator) -> pd.DataFrame:
    """Plans that ceased in the calendar year before the first January: known from the cease reasons only."""
    year, here = first - 1, f"line_{first}"
    table = targets.table("ceased_plans", str(year), TOTAL)
    gone = plans.index[plans[here] == GONE]
    plans.loc[gone, here] = ""
    plans.loc[gone, "ceased_year"] = year
    plans.loc[gone, "held"] = 0
    plans.loc[gone, "age_ceased"] = (
        plans.loc[gone, "start_year"] - plans.loc[gone, "cohort"] + plans.loc[gone, "autumn"]
    )
    if table.empty:
        plans.loc[gone, "reason"] = "5"
        return plans
    reasons = np.concatenate(
        [np.full(int(table[m].iloc[0]), code) for m, code in CEASE_REASONS.items() if m in table.columns]
    )
    rng.shuffle(reasons)
    moved = reasons[reasons == "5"]
    plans.loc[gone, "reason"] = moved[: len(gone)] if len(moved) >= len(gone) else "5"
    rest = np.concatenate([moved[len(gone) :], reasons[reasons != "5"]])
    grown = np.isin(rest, ["1", "3", "4", "6"])
    age = np.where(rest == "1", 25, np.where(grown, rng.integers(17, 22, len(rest)), rng.integers(5, 16, len(rest))))
    held = np.minimum(rng.integers(1, 10, len(rest)), age - 3).clip(min=1)
    # the maximum age is that of the academic year: whoever reaches it turned 25 by August
    autumn = (rng.random(len(rest)) < 0.33) & (rest != "1")
    cohort = year - age + autumn
    start_year = year - held
    people = rng.choice(np.flatnonzero(plans["ethnicity"] != ""), size=len(rest))
    added = pd.DataFrame(
        {
            "cohort": cohort, "start_year": start_year, "autumn": autumn, "after": rng.random(len(rest)) < 0.5,
            "sex": plans["sex"].to_numpy()[people], "need": plans["need"].to_numpy()[people],
            "ethnicity": plans["ethnicity"].to_numpy()[people], "earlier_ethnicity": plans["ethnicity"].to_numpy()[people],
            "new_year": 0, "ceased_year": year, "held": held, "age_ceased": age, "reason": rest,
        }
    )  # fmt: skip
    for column in plans.columns:
        if column.startswith("line_"):
            added[column] = ""
    return pd.concat([plans, added[plans.columns]], ignore_index=True)


def _mark_new(plans: pd.DataFrame, targets: Targets, year: int, here: str, rng: np.random.Generator) -> pd.DataFrame:
    """New plans of the calendar year before that January, and those of them that it no longer finds."""
    begun = plans[(plans["start_year"] == year - 1) & (plans[here] != "")]
    if not begun.empty:
        people = begun.assign(ethnicity=begun["earlier_ethnicity"])
        new = mark_new_plans(people, targets, year - 1, here, rng)
        plans.loc[new.index[new], "new_year"] = year - 1
    gone = new_plans_without_placement(targets, year - 1)
    if gone:
        plans = pd.concat([plans, _gone_plans(targets, year - 1, gone, plans, here, rng)], ignore_index=True)
    return plans


def _gone_plans(
    targets: Targets, year: int, number: int, plans: pd.DataFrame, here: str, rng: np.random.Generator
) -> pd.DataFrame:
    """New plans of `year` that ceased before the census day: age, sex and ethnicity from the new-plans table."""
    drawn: dict[str, Any] = {}
    for topic, default in (("start_age", "8"), ("sex", "M"), ("ethnicity", "WBRI")):
        table = new_plan_figures(targets, year, topic)
        codes = np.array([], dtype=object)
        if not table.empty and GONE in table.index.get_level_values(0):
            counts = table.loc[GONE]
            codes = np.repeat(counts.index.to_numpy(dtype=object), counts.to_numpy(dtype=int))
        codes = np.concatenate([codes, np.full(max(0, number - len(codes)), default, dtype=object)])[:number]
        drawn[topic] = rng.permutation(codes)
    autumn = rng.random(number) < 0.33
    added = pd.DataFrame(
        {
            "cohort": year + autumn - drawn["start_age"].astype(int),
            "start_year": year,
            "autumn": autumn,
            "after": rng.random(number) < 0.5,
            "sex": drawn["sex"],
            "ethnicity": drawn["ethnicity"],
            "earlier_ethnicity": drawn["ethnicity"],
            "need": rng.choice(plans["need"].to_numpy(), size=number),
            "new_year": year,
            "ceased_year": 0,
            "held": -1,
            "age_ceased": -1,
            "reason": "",
        }
    )
    for column in plans.columns:
        if column.startswith("line_"):
            added[column] = GONE if column == here else ""
    return added[plans.columns]


def _one_year_on(
    plans: pd.DataFrame, figures: StockFigures, targets: Targets, rng: np.random.Generator
) -> pd.DataFrame:
    year, before = figures.year, f"line_{figures.year - 1}"
    here = f"line_{year}"
    pool = plans[plans[before] != ""].assign(line=plans[before])
    lines, came = walk_forward(pool, figures, targets, rng)
    plans[here] = lines.reindex(plans.index, fill_value="")
    ended = plans.index[(plans[before] != "") & (plans[here] == "") & (plans["ceased_year"] == 0)]
    plans.loc[ended, "ceased_year"] = year - 1
    birth_year = plans.loc[ended, "cohort"] - plans.loc[ended, "autumn"]
    plans.loc[ended, "held"] = np.maximum(year - 1 - plans.loc[ended, "start_year"] - (rng.random(len(ended)) < 0.5), 0)
    plans.loc[ended, "age_ceased"] = year - 1 - birth_year - (rng.random(len(ended)) < 0.5)
    plans.loc[ended, "reason"] = _reasons(ceased_codes(plans.loc[ended]), targets, year - 1, rng)
    sexes = targets.table("timeliness_20_week", str(year - 1), "sex")
    female = (
        0.33 if sexes.empty else float(sexes["plans_issued_den"].get("F", 0)) / float(sexes["plans_issued_den"].sum())
    )
    known = plans[plans[before] != ""]
    needs = targets.table("timeliness_20_week", str(year - 1), "need")
    drawn = rng.choice(known["need"].to_numpy(), size=len(came))
    if not needs.empty:
        # the plans left out of the timeliness table have the same needs, near enough
        new_rows = np.flatnonzero(came["is_new"].astype(bool))
        counts = spread(len(new_rows), needs["plans_issued_den"].to_numpy(dtype=float))
        drawn[rng.permutation(new_rows)] = np.repeat(needs.index.to_numpy(dtype=object), counts)
    added = came.assign(
        sex=np.where(rng.random(len(came)) < female, "F", "M"),
        need=drawn,
        ethnicity=rng.choice(known["ethnicity"].to_numpy(), size=len(came)),
        new_year=np.where(came["is_new"].astype(bool), year - 1, 0),
        ceased_year=0,
        held=-1,
        age_ceased=-1,
        reason="",
    )
    added["earlier_ethnicity"] = added["ethnicity"]
    for column in plans.columns:
        if column.startswith("line_") and column != here:
            added[column] = ""
    added = added.rename(columns={"line": here})
    return pd.concat([plans, added[plans.columns]], ignore_index=True)


def _reasons(ceased: pd.DataFrame, targets: Targets, year: int, rng: np.random.Generator) -> "pd.Series[Any]":
    """Cease reasons by the published table: by age, by years held, by sex."""
    table = targets.table("ceased_plans", str(year), TOTAL)
    if table.empty:
        grown = ceased["age_ceased"] >= 18
        older = rng.choice(list("13456"), size=len(ceased), p=[0.06, 0.06, 0.14, 0.2, 0.54])
        older = np.where((older == "1") & (ceased["age_ceased"] < YOUNGEST["1"]), "6", older)
        younger = rng.choice(list("25578"), size=len(ceased), p=[0.1, 0.45, 0.4, 0.03, 0.02])
        return pd.Series(np.where(grown, older, younger), index=ceased.index)
    reasons = {measure: code for measure, code in CEASE_REASONS.items() if measure in table.columns}

    def published(topic: str) -> "pd.Series[Any]":
        wide = targets.table("ceased_plans", str(year), topic)
        if wide.empty:
            return pd.Series(dtype=float)
        return flat(wide[list(reasons)].rename(columns=reasons).T.fillna(0))

    def make(cells: pd.DataFrame) -> list[Target]:
        made = [over(cells, ["reason"], table[list(reasons)].rename(columns=reasons).iloc[0], price=HARD)]
        for topic, column in (("age", "ceased_code"), ("years", "held_code"), ("sex", "sex")):
            made.append(over(cells, ["reason", column], published(topic), price=FIRM))
        return made

    by_age = published("age")

    def cost(cells: pd.DataFrame) -> Any:
        young = cells["ceased_code"].astype(int) < cells["reason"].map(YOUNGEST).fillna(0)
        said = pd.MultiIndex.from_frame(cells[["reason", "ceased_code"]]).isin(by_age[by_age > 0].index)
        return np.where(young & ~said, TOO_YOUNG, 0.0)

    return label_people(ceased, ["ceased_code", "held_code", "sex"], list(reasons.values()), "reason", make, rng, cost)


def _record_ethnicity(
    plans: pd.DataFrame, figures: StockFigures, targets: Targets, rng: np.random.Generator
) -> pd.DataFrame:
    """Ethnicity of those who ceased, and the few who were re-recorded since, such that the January's table holds."""
    year, here = figures.year, f"line_{figures.year}"
    unknown = plans["ethnicity"] == ""
    if "ethnicity" not in figures.own:
        common = plans.loc[~unknown, "earlier_ethnicity"].to_numpy()
        table = targets.table("ceased_plans", str(year), "ethnicity")
        drawn = rng.choice(common, size=int(unknown.sum()))
        if not table.empty:
            codes = np.repeat(table.index.to_numpy(dtype=object), table["total_ceased"].to_numpy(dtype=int))
            drawn = np.concatenate([rng.permutation(codes)[: len(drawn)], drawn])[: len(drawn)]
        plans.loc[unknown, "ethnicity"] = drawn
        plans.loc[unknown, "earlier_ethnicity"] = drawn
        return plans
    margin = figures.by["ethnicity"]
    ceased = targets.table("ceased_plans", str(year), "ethnicity")
    flows = new_plan_figures(targets, year - 1, "ethnicity")
    labels = sorted(margin.groupby(level=1).sum().loc[lambda counts: counts > 0].index)
    people = plans[(plans[here] != "") | (plans["ceased_year"] == year)].copy()
    people["line"] = people[here].where(people[here] != "", "none").map(coarse)
    people["before"] = people["earlier_ethnicity"].where(people["earlier_ethnicity"] != "", "none")
    people["fresh"] = people["start_year"] == year - 1
    people["ended"] = people["ceased_year"] == year
    reasons = {measure: code for measure, code in CEASE_REASONS.items() if measure in ceased.columns}

    def make(cells: pd.DataFrame) -> list[Target]:
        made = [over(cells, ["line", "ethnicity"], margin, price=FIRM)]
        if not ceased.empty:
            made.append(
                over(
                    cells, ["ethnicity"], ceased["total_ceased"], price=FIRM, where=cells["ended"], zero_elsewhere=True
                )
            )
            wide = flat(ceased[list(reasons)].rename(columns=reasons).T.fillna(0))
            made.append(over(cells, ["reason", "ethnicity"], wide, price=SOFT, where=cells["ended"]))
        if not flows.empty:
            least = flows.groupby(level=1).sum()
            made.append(over(cells, ["ethnicity"], least, price=SOFT, sense="ge", where=cells["fresh"]))
        return made

    def cost(cells: pd.DataFrame) -> Any:
        return np.where((cells["before"] == "none") | (cells["before"] == cells["ethnicity"]), 0.0, 5.0)

    by = ["line", "before", "fresh", "ended", "reason"]
    recorded = label_people(people, by, labels, "ethnicity", make, rng, cost=cost)
    plans.loc[people.index, "earlier_ethnicity"] = recorded
    plans.loc[unknown, "ethnicity"] = plans.loc[unknown, "earlier_ethnicity"]
    return plans


def _fine_lines(plans: pd.DataFrame, years: list[int], rng: np.random.Generator) -> pd.DataFrame:
    """Special academies and special free schools told apart in the Januaries whose tables join them."""
    joined = coarse("special_academy")
    free = rng.random(len(plans)) < SPECIAL_FREE_SCHOOL_SHARE
    kind = pd.Series(np.where(free, "special_free_school", "special_academy"), index=plans.index, dtype=object)
    for year in years:
        column = plans[f"line_{year}"]
        kind = column.where(column.isin(["special_academy", "special_free_school"]), kind)
    for year in years:
        plans[f"line_{year}"] = plans[f"line_{year}"].where(plans[f"line_{year}"] != joined, kind)
    return plans
