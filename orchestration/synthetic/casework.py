"""Requests and assessments: who asked, what was decided, when, and which request each new plan came from.

The published tables of requests, assessments and timeliness cross each measure with age, ethnicity and sex one at a time, so each
kind of case is fitted by each attribute alone and its people are put together by lot.
Ages are those on the day the request was received.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.calibrate import Target, over, spread
from orchestration.synthetic.dates import received_year_options
from orchestration.synthetic.population import FIRM, HARD, label_people
from orchestration.synthetic.targets import TOTAL, Targets

ATTRIBUTES = (("age", "received_age"), ("ethnicity", "ethnicity"), ("sex", "sex"))
"""Published topic -> column of a case."""

BANDS = ("excluded", "in_time", "in_time_exception", "late", "late_exception", "over_year", "over_year_exception")
"""Where a plan falls in the 20-week tables; "excluded": mediation or tribunal took place, so it is in none."""

IN_PROGRESS_SHARE = 0.44
"""Share of a year's agreed requests whose assessment ends in the next year, where nothing is published."""


def _published(
    targets: Targets, table: str, year: int, topic: str, measures: Mapping[str, str | None]
) -> "pd.Series[Any]":
    """(label, code) figures; a measure that a partial table lacks counts as nought."""
    wide = targets.table(table, str(year), topic)
    if wide.empty:
        return pd.Series(dtype=float)
    parts = {label: wide[measure].fillna(0) for label, measure in measures.items() if measure in wide.columns}
    return pd.concat(parts) if parts else pd.Series(dtype=float)


def band_figures(targets: Targets, year: int, topic: str) -> "pd.Series[Any]":
    """New plans of `year` by 20-week band and code: the differences of the published counts."""
    wide = targets.table("timeliness_20_week", str(year), topic)
    issued = targets.table("assessments", str(year), topic)
    if wide.empty:
        return pd.Series(dtype=float)
    wide = wide.fillna(0)
    nought = pd.Series(0.0, index=wide.index)
    late = wide.get("plans_issued_gt20weeks_ltyear", wide["plans_issued_den"] - wide["plans_issued_within_20_weeks"])
    late_ex = wide.get(
        "plans_issued_gt20weeks_ltyear_ex", wide["plans_issued_den_ex"] - wide["plans_issued_20_weeks_ex"]
    )
    over_year = wide.get("plans_issued_gt_1_year", nought)
    over_year_ex = wide.get("plans_issued_gt_1_year_ex", nought)
    bands = {
        "in_time": wide["plans_issued_20_weeks_ex"],
        "in_time_exception": wide["plans_issued_within_20_weeks"] - wide["plans_issued_20_weeks_ex"],
        "late": late_ex,
        "late_exception": late - late_ex,
        "over_year": over_year_ex,
        "over_year_exception": over_year - over_year_ex,
    }
    if not issued.empty and "assess_issued" in issued.columns:
        all_issued = issued["assess_issued"].fillna(0)
        bands["excluded"] = all_issued.sub(wide["plans_issued_den"], fill_value=0).reindex(all_issued.index)
    return pd.concat(bands)


def _people_by_lot(
    counts: Mapping[str, "pd.Series[Any]"], number: int, defaults: Mapping[str, Any], rng: np.random.Generator
) -> pd.DataFrame:
    """`number` people whose attributes each follow their own count; attributes without a count are drawn from `defaults`."""
    drawn = {}
    for _, column in ATTRIBUTES:
        count = counts.get(column)
        if count is None or count.sum() <= 0:
            drawn[column] = rng.choice(defaults[column], size=number)
            continue
        whole = count.clip(lower=0).round().astype(int)
        codes = np.repeat(whole.index.to_numpy(dtype=object), whole.to_numpy())
        if len(codes) > number:
            codes = rng.permutation(codes)[:number]
        elif len(codes) < number:
            codes = np.concatenate([codes, rng.choice(defaults[column], size=number - len(codes))])
        drawn[column] = rng.permutation(codes)
    return pd.DataFrame(drawn)


def _flagged(
    cases: pd.DataFrame,
    targets: Targets,
    table: str,
    year: int,
    measures: Mapping[str, str],
    rng: np.random.Generator,
    prefer: "pd.Series[bool] | None" = None,
    unflagged: float = 5.0,
) -> "pd.Series[Any]":
    """Mediation and tribunal flags: "", "M", "T" or "MT" a case, by measures mediation, tribunal and both."""
    totals = targets.table(table, str(year), TOTAL)
    if totals.empty or measures["mediation"] not in totals.columns or np.isnan(totals[measures["mediation"]].iloc[0]):
        chance = rng.random(len(cases))
        return pd.Series(
            np.select([chance < 0.05, chance < 0.06], ["M", "T"], default=""), index=cases.index, dtype=object
        )
    people = cases.assign(preferred=False if prefer is None else prefer)

    def figures(topic: str) -> "pd.Series[Any]":
        wide = targets.table(table, str(year), topic)
        if wide.empty:
            return pd.Series(dtype=float)
        wide = wide.fillna(0)
        both = wide[measures["both"]] if measures["both"] in wide.columns else wide[measures["mediation"]] * 0
        return pd.concat(
            {"M": wide[measures["mediation"]] - both, "T": wide[measures["tribunal"]] - both, "MT": both}
        ).clip(lower=0)

    total = figures(TOTAL)
    total.index = total.index.get_level_values(0)

    def make(cells: pd.DataFrame) -> list[Target]:
        made = [over(cells, ["flag"], total, price=HARD)]
        made += [over(cells, ["flag", column], figures(topic), price=FIRM) for topic, column in ATTRIBUTES]
        return made

    def cost(cells: pd.DataFrame) -> Any:
        # who must carry a flag (an overturned refusal) costs more than any figure when left without
        return np.where((cells["flag"] == "") & cells["preferred"], unflagged, 0.0)

    by = ["received_age", "ethnicity", "sex", "preferred"]
    return label_people(people, by, ["", "M", "T", "MT"], "flag", make, rng, cost=cost)


def assessed_in(year: int, plans: pd.DataFrame, targets: Targets, rng: np.random.Generator) -> pd.DataFrame:
    """Assessments completed in calendar `year`: one row each, `plan` the id of the plan issued (-1: none).

    Columns: plan, received_age, ethnicity, sex, assessment_outcome (Y, N, W), band, in_16_weeks, assessment_flag, other_flag,
    assessed_year.
    """
    issued = plans[plans["new_year"] == year]
    start_age = (issued["start_year"] - issued["cohort"] + issued["autumn"] - 1 + issued["after"]).astype(int)
    ethnicity = issued["earlier_ethnicity"] if year < 2024 else issued["ethnicity"]
    people = pd.DataFrame(
        {
            "plan": issued.index,
            "start_age": start_age,
            "ethnicity": ethnicity,
            "sex": issued["sex"],
            "need": issued["need"],
        }
    ).reset_index(drop=True)
    people["autumn"], people["after"] = issued["autumn"].to_numpy(), issued["after"].to_numpy()
    totals = band_figures(targets, year, TOTAL)
    if totals.empty:
        by_sex = band_figures(targets, year, "sex")
        totals = (
            by_sex.groupby(level=0).sum()
            if not by_sex.empty
            else pd.Series({"in_time": 0.55 * len(people), "late": 0.35 * len(people)})
        )
    else:
        totals = totals.groupby(level=0).sum()
    totals = totals.round()
    if "excluded" not in totals.index:
        totals["excluded"] = len(people) - totals.sum()
    labels = [(band, earlier) for band in BANDS if totals.get(band, 0) > 0 for earlier in ("0", "1")]

    def make(cells: pd.DataFrame) -> list[Target]:
        cells["band"] = cells["label"].str.split("|").str[0]
        earlier = cells["label"].str.endswith("1")
        cells["received_age"] = np.clip(cells["start_age"] - earlier, 2, 20).astype(str)
        made = [over(cells, ["band"], totals, price=HARD)]
        for topic, column in (*ATTRIBUTES, ("need", "need")):
            figures = band_figures(targets, year, topic)
            if not figures.empty:
                made.append(over(cells, ["band", column], figures, price=FIRM))
        issued_by_age = _published(targets, "assessments", year, "age", {"issued": "assess_issued"})
        if not issued_by_age.empty:
            made.append(over(cells, ["received_age"], issued_by_age.loc["issued"], price=FIRM))
        return made

    def cost(cells: pd.DataFrame) -> Any:
        band = cells["label"].str.split("|").str[0]
        earlier = cells["label"].str.endswith("1")
        slow = band.str.startswith(("late", "over_year", "excluded"))
        autumn, after = cells["autumn"].astype(bool), cells["after"].astype(bool)
        # between a birthday in September or later and a start in the same year there is no room for 20 weeks
        cramped = ~earlier & slow & after & autumn
        tight = ~earlier & ~slow & after & autumn
        # a start before a spring or summer birthday lies half a year and more after the one before
        distant = earlier & ~slow & ~after & ~autumn
        return 200.0 * cramped + 60.0 * distant + 4.0 * tight + 500.0 * (band.str.startswith("over_year") & ~earlier)

    by = ["start_age", "ethnicity", "sex", "need", "autumn", "after"]
    names = [f"{band}|{earlier}" for band, earlier in labels]
    label = label_people(people, by, names, "label", make, rng, cost=cost)
    people["band"] = label.str.split("|").str[0]
    people["received_age"] = np.clip(people["start_age"] - label.str.endswith("1").astype(int), 2, 20).astype(str)
    people["assessment_outcome"] = "Y"
    people["in_16_weeks"] = False
    cases = pd.concat([people, _ended_without_plan(year, people, targets, rng)], ignore_index=True)
    flags = {
        "mediation": "number_assess_mediation",
        "tribunal": "number_assess_tribunal",
        "both": "number_asssess_mediation_tribunal",
    }
    flaggable = (cases["band"] == "excluded") | (cases["assessment_outcome"] == "N")
    cases["assessment_flag"] = ""
    cases.loc[flaggable, "assessment_flag"] = _flagged(
        cases[flaggable],
        targets,
        "assessments",
        year,
        flags,
        rng,
        prefer=cases.loc[flaggable, "assessment_outcome"] == "N",
    )
    other = {
        "mediation": "number_other_mediation",
        "tribunal": "number_other_tribunal",
        "both": "number_other_mediation_tribunal",
    }
    cases["other_flag"] = _flagged(cases, targets, "assessments", year, other, rng)
    cases["assessed_year"] = year
    return cases


def _ended_without_plan(year: int, people: pd.DataFrame, targets: Targets, rng: np.random.Generator) -> pd.DataFrame:
    """Assessments refused a plan (in or over 16 weeks) or withdrawn."""
    totals = targets.table("assessments", str(year), TOTAL)
    refused = targets.figure("assessments", str(year), "assess_not_issued", 0.06 * len(people)) or 0
    withdrawn = targets.figure("assessments", str(year), "assess_withdrawn", 0) or 0
    defaults = {column: people[column].to_numpy() for _, column in ATTRIBUTES}
    pieces = []
    for outcome, number, measure in (("N", refused, "assess_not_issued"), ("W", withdrawn, "assess_withdrawn")):
        counts = {}
        for topic, column in ATTRIBUTES:
            wide = targets.table("assessments", str(year), topic)
            if measure in wide.columns:
                counts[column] = wide[measure].fillna(0)
        pieces.append(_people_by_lot(counts, number, defaults, rng).assign(assessment_outcome=outcome))
    cases = pd.concat(pieces, ignore_index=True).assign(plan=-1, band="")
    refusals = cases["assessment_outcome"] == "N"
    cases["in_16_weeks"] = False
    if not totals.empty and "outcome_decision_within_time" in totals.columns and refused:
        people_n = cases[refusals]

        def make(cells: pd.DataFrame) -> list[Target]:
            within = cells["speed"] == "in"
            total = targets.figure("assessments", str(year), "outcome_decision_within_time", 0)
            made = [over(cells, ["speed"], pd.Series([float(total or 0)], index=["in"]), price=HARD)]
            for topic, column in ATTRIBUTES:
                wide = targets.table("assessments", str(year), topic)
                if "outcome_decision_within_time" in wide.columns:
                    made.append(
                        over(cells, [column], wide["outcome_decision_within_time"].fillna(0), price=FIRM, where=within)
                    )
            return made

        speed = label_people(people_n, [column for _, column in ATTRIBUTES], ["in", "over"], "speed", make, rng)
        cases.loc[refusals, "in_16_weeks"] = speed == "in"
    elif refused:
        cases.loc[refusals, "in_16_weeks"] = rng.random(int(refusals.sum())) < 0.7
    return cases


def _margins(targets: Targets, year: int, measure: str) -> dict[str, "pd.Series[Any]"]:
    found = {}
    for topic, column in ATTRIBUTES:
        wide = targets.table("requests", str(year), topic)
        if measure in wide.columns:
            found[column] = wide[measure].fillna(0)
    return found


def _choose(
    people: pd.DataFrame,
    number: int,
    wanted: Mapping[str, "pd.Series[Any]"],
    price: float,
    rng: np.random.Generator,
    *,
    sense: str = "eq",
    rest: "Mapping[str, pd.Series[Any]] | None" = None,
) -> "pd.Series[bool]":
    """`number` of the people, following the wanted count of each attribute as far as it goes; `rest` caps those not chosen."""
    if people.empty:
        return pd.Series([], dtype=bool, index=people.index)

    def make(cells: pd.DataFrame) -> list[Target]:
        yes = cells["chosen"] == "yes"
        # caps come before the number: who is left over moves to the other year
        firmness = HARD if sense == "eq" else 40.0
        made = [over(cells, ["chosen"], pd.Series([float(number)], index=["yes"]), price=firmness)]
        made += [over(cells, [column], count, price=price, sense=sense, where=yes) for column, count in wanted.items()]
        made += [
            over(cells, [column], count, price=price, sense="le", where=~yes) for column, count in (rest or {}).items()
        ]
        return made

    by = [column for _, column in ATTRIBUTES]
    return label_people(people, by, ["no", "yes"], "chosen", make, rng) == "yes"


def _count(people: pd.DataFrame, column: str) -> "pd.Series[Any]":
    return people.groupby(column).size().astype(float)


def build_cases(
    plans: pd.DataFrame, targets: Targets, flow_years: Sequence[int], rng: np.random.Generator
) -> pd.DataFrame:
    """Every request that the returns hold, one row each, for the calendar years `flow_years` (ascending).

    Columns: plan (-1: none), received_year, received_age, ethnicity, sex, request_outcome (Y, N, A, W), request_flag,
    decided_year (0: no decision),
    over_six_weeks, assessed_year (0: not yet), assessment_outcome, band, in_16_weeks, assessment_flag, other_flag, exported.
    """
    assessed = {year: assessed_in(year, plans, targets, rng) for year in flow_years}
    options = received_year_options(plans, pd.concat(assessed.values(), ignore_index=True), rng)
    agreed_next = pd.DataFrame(columns=["plan"])
    years: dict[int, pd.DataFrame] = {}
    received: dict[int, pd.DataFrame] = {}
    last = flow_years[-1]
    for year in reversed(flow_years):
        own = assessed[year]
        next_assessed = assessed.get(year + 1)
        # requests agreed this year whose assessment ended next year: chosen then (agreed_next)
        waiting = agreed_next if next_assessed is not None else pd.DataFrame()
        overturned = (own["band"] == "excluded") & (own["assessment_flag"] == "")
        agreed = targets.figure("requests", str(year), "requests_decided_to_assess")
        if agreed is None:
            total = targets.figure("requests", str(year), "requests_received_in_year", 1.3 * len(own)) or 0
            refused = targets.figure("requests", str(year), "requests_decided_not_to_assess", 0.28 * total) or 0
            agreed = total - refused
        margins = _margins(targets, year, "requests_decided_to_assess")
        room = agreed - len(waiting) if next_assessed is not None else round(agreed * (1 - IN_PROGRESS_SHARE))
        possible = (
            own.join(options.loc[:, ["can_same", "can_before"]], on="plan")[["can_same", "can_before"]]
            .fillna(True)
            .astype(bool)
        )
        own["can_same"], own["can_before"] = possible["can_same"], possible["can_before"]
        free = possible["can_same"] & possible["can_before"] & ~overturned
        forced = possible["can_same"] & ~possible["can_before"] & ~overturned
        number = int(min(max(0, room - int(forced.sum())), int(free.sum())))
        if margins and next_assessed is not None:
            wanted = {c: m.sub(_count(waiting, c), fill_value=0).clip(lower=0) for c, m in margins.items()}
        elif margins:
            wanted = margins
        else:
            wanted = {}
        wanted = {c: m.sub(_count(own[forced], c), fill_value=0).clip(lower=0) for c, m in wanted.items()}
        earlier_room = _margins(targets, year - 1, "requests_decided_to_assess")
        bound = own[~possible["can_same"] & ~overturned]
        earlier_room = {c: m.sub(_count(bound, c), fill_value=0).clip(lower=0) for c, m in earlier_room.items()}
        same_year = _choose(own[free], number, wanted, FIRM, rng, sense="le", rest=earlier_room).reindex(
            own.index, fill_value=False
        )
        same_year |= forced
        own["received_year"] = np.where(same_year, year, year - 1)
        quick = overturned & (own["can_same"] & ((rng.random(len(own)) < 0.5) | ~own["can_before"]))
        own.loc[quick, "received_year"] = year
        own["request_outcome"] = np.where(overturned, "N", "Y")
        received[year] = _requests_of(year, own, assessed.get(year + 1), agreed, targets, rng, closing=year == last)
        agreed_next = own[(own["received_year"] == year - 1) & (own["request_outcome"] == "Y")]
        years[year] = own
    before = years[flow_years[0]]
    earlier = before[before["received_year"] < flow_years[0]]
    frames = [
        *received.values(),
        earlier.assign(exported=False, request_flag=np.where(earlier["request_outcome"] == "N", "M", "")),
    ]
    cases = pd.concat(frames, ignore_index=True)
    return _decision_speed(cases, targets, flow_years, rng)


def _requests_of(
    year: int,
    own: pd.DataFrame,
    following: pd.DataFrame | None,
    agreed: int,
    targets: Targets,
    rng: np.random.Generator,
    *,
    closing: bool,
) -> pd.DataFrame:
    """All requests received in `year`: agreed (assessed this year, next year or not yet), refused, undecided, withdrawn."""
    known = [own[own["received_year"] == year]]
    if following is not None:
        known.append(following[following["received_year"] == year])
    there = pd.concat(known, ignore_index=True)
    defaults = {column: there[column].to_numpy() for _, column in ATTRIBUTES}
    refused = targets.figure("requests", str(year), "requests_decided_not_to_assess", 0.43 * agreed) or 0
    pieces = [there]
    for outcome, number, measure in (
        ("Y", agreed, "requests_decided_to_assess"),
        ("N", refused, "requests_decided_not_to_assess"),
        (
            "A",
            targets.figure("requests", str(year), "requests_decision_not_made", 0 if not closing else 3) or 0,
            "requests_decision_not_made",
        ),
        ("W", targets.figure("requests", str(year), "requests_withdrawn", 0) or 0, "requests_withdrawn"),
    ):
        have = there[there["request_outcome"] == outcome]
        margins = {c: m.sub(_count(have, c), fill_value=0) for c, m in _margins(targets, year, measure).items()}
        rest = _people_by_lot(margins, max(0, number - len(have)), defaults, rng)
        pieces.append(
            rest.assign(
                request_outcome=outcome,
                plan=-1,
                assessed_year=0,
                assessment_outcome="",
                band="",
                assessment_flag="",
                other_flag="",
                in_16_weeks=False,
            )
        )
    cases = pd.concat(pieces, ignore_index=True).assign(received_year=year)
    # an agreed request that nobody assessed within two returns had moved to another authority
    cases["exported"] = (cases["request_outcome"] == "Y") & (cases["assessed_year"] == 0) & (not closing)
    cases["request_flag"] = ""
    measures = {
        "mediation": "mediation_related_request",
        "tribunal": "tribunal_related_request",
        "both": "tribunal_after_mediation_request",
    }
    flaggable = cases["request_outcome"] == "N"
    overturned = flaggable & (cases["assessed_year"] > 0)
    flags = _flagged(
        cases[flaggable], targets, "requests", year, measures, rng, prefer=overturned[flaggable], unflagged=5 * HARD
    )
    cases.loc[flaggable, "request_flag"] = flags
    # a refusal is only overturned through mediation or the tribunal
    cases.loc[overturned & (cases["request_flag"] == ""), "request_flag"] = "M"
    return cases


def _carried_in(
    cases: pd.DataFrame, counts: Mapping[str, "pd.Series[Any]"], first: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Requests of the year before the first that were decided in the first: no earlier return tells who they were."""
    number = int(counts["_"].iloc[0]) if "_" in counts else 0
    if not number:
        return cases
    defaults = {column: cases[column].to_numpy() for _, column in ATTRIBUTES}
    people = _people_by_lot({c: m for c, m in counts.items() if c != "_"}, number, defaults, rng).assign(
        plan=-1, received_year=first - 1, decided_year=first, assessed_year=0, over_six_weeks=False, exported=False
    )
    blank = dict.fromkeys(("assessment_outcome", "band", "assessment_flag", "other_flag", "request_flag"), "")
    people = people.assign(**blank, in_16_weeks=False, request_outcome=np.where(rng.random(number) < 0.3, "N", "Y"))
    return pd.concat([cases, people], ignore_index=True)


def _decision_speed(
    cases: pd.DataFrame, targets: Targets, flow_years: Sequence[int], rng: np.random.Generator
) -> pd.DataFrame:
    """In which year each request was decided, and whether within six weeks.

    More decisions are published than requests (1,010 against 959 in Rotherham in 2024): late requests are decided in the year after.
    """
    decided = cases["request_outcome"].isin(["Y", "N"])
    cases["decided_year"] = np.where(decided, cases["received_year"], 0)
    cases["over_six_weeks"] = False
    carry_counts: dict[str, pd.Series[Any]] = {}
    for year in reversed(flow_years):
        mine = (cases["received_year"] == year) & decided
        movable = mine & (cases["plan"] < 0) & (cases["assessed_year"] != year)
        totals = targets.table("requests", str(year), TOTAL)
        published = (
            not totals.empty
            and "request_outcome_six_weeks" in totals.columns
            and totals["request_outcome_six_weeks"].notna().any()
        )
        number = int(carry_counts["_"].iloc[0]) if "_" in carry_counts else 40
        wanted = {c: carry_counts[c] for _, c in ATTRIBUTES if c in carry_counts}
        if not wanted and published:
            for topic, column in ATTRIBUTES:
                table = targets.table("requests", str(year), topic)
                if "request_outcome_six_weeks" in table.columns:
                    made = (table["request_outcome_six_weeks"] + table["request_outcome_over_6_weeks"]).fillna(0)
                    short = _count(cases[mine], column).sub(made, fill_value=0).clip(lower=0)
                    wanted[column] = short + np.ceil(0.04 * made)
            number = max([number, *[int(m.sum()) for m in wanted.values()]])
            wanted = {
                c: m + pd.Series(spread(number - int(m.sum()), m.to_numpy() + 1), index=m.index)
                for c, m in wanted.items()
            }
        chosen = _choose(cases[movable], min(number, int(movable.sum())), wanted, FIRM, rng)
        late_index = chosen.index[chosen]
        cases.loc[late_index, "decided_year"] = year + 1
        carry_counts = {}
        if published:
            decided_now = int(
                totals["request_outcome_six_weeks"].iloc[0] + totals["request_outcome_over_6_weeks"].iloc[0]
            )
            in_year = cases[mine & (cases["decided_year"] == year)]
            carry_counts["_"] = pd.Series([max(0, decided_now - len(in_year))])
            for topic, column in ATTRIBUTES:
                table = targets.table("requests", str(year), topic)
                if "request_outcome_six_weeks" in table.columns:
                    made = (table["request_outcome_six_weeks"] + table["request_outcome_over_6_weeks"]).fillna(0)
                    carry_counts[column] = made.sub(_count(in_year, column), fill_value=0).clip(lower=0)
    cases = _carried_in(cases, carry_counts, flow_years[0], rng)
    decided = cases["request_outcome"].isin(["Y", "N"])
    for year in flow_years:
        made_now = (cases["decided_year"] == year) & decided
        totals = targets.table("requests", str(year), TOTAL)
        if totals.empty or "request_outcome_over_6_weeks" not in totals.columns:
            cases.loc[made_now, "over_six_weeks"] = rng.random(int(made_now.sum())) < 0.08
            continue
        number = int(totals["request_outcome_over_6_weeks"].fillna(0).iloc[0])
        wanted = {}
        for topic, column in ATTRIBUTES:
            table = targets.table("requests", str(year), topic)
            if "request_outcome_over_6_weeks" in table.columns:
                wanted[column] = table["request_outcome_over_6_weeks"].fillna(0)
        slow = _choose(cases[made_now], number, wanted, FIRM, rng)
        cases.loc[slow.index[slow], "over_six_weeks"] = True
    return cases
