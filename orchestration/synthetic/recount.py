"""Count the written returns by the published definitions and set the counts beside DfE's: the borough's own check of itself."""

from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.dates import (
    CENSUS_DAYS,
    SIX_WEEKS,
    SIXTEEN_WEEKS,
    TWENTY_WEEKS,
    YEAR,
    age_on,
    day,
    year_of,
    years_between,
)
from orchestration.synthetic.placements import SETTING_CODES
from orchestration.synthetic.population import coarse, new_plans_without_placement, start_age_definition, stock_period
from orchestration.synthetic.returns import Return
from orchestration.synthetic.targets import (
    ETHNICITY_CODES,
    NEED_CODES,
    PLACEMENT_GROUPS,
    PLACEMENT_LINES,
    TOTAL,
    Targets,
)

STOCK_AGES, FLOW_AGES, WORK_AGES = (2, 25), (2, 20), (15, 25)
"""Open-ended lowest and highest age of each kind of table."""

MUST = {
    ("caseload", TOTAL), ("caseload", "age"), ("caseload", "sex"), ("sen_needs_all_plans", TOTAL), ("requests", TOTAL),
    ("assessments", TOTAL), ("newplans", TOTAL), ("timeliness_20_week", TOTAL), ("ceased_plans", TOTAL),
    ("personal_budgets", TOTAL), ("residential_settings", TOTAL),
    ("work_based_placements", TOTAL), ("annual_reviews", TOTAL), ("phase_transfers", TOTAL),
}  # fmt: skip
"""Tables that have to be met exactly; a miss there is never explained away."""

NEAREST = (
    "The children are invented. No invention was found that meets every published table of every year at once; this number comes"
    " as near as was found."
)
SCALED = (
    "The children are invented, of a borough of another size: published numbers were scaled and rounded, so that the parts of a"
    " table no longer add up to its whole."
)
REVIEW_STATE = (
    "How a review decision is counted as not due or as outstanding is not published: the two published numbers do not add up to the"
    " reviews without a decision."
)
ONE_PLAN_EACH = (
    "The children are invented, and each of their assessments that ends in a plan gives one new plan. Published are more or fewer"
    " new plans than such assessments, so that both cannot be met."
)
MORE_NEW = "The children are invented. Published are more new plans than plans too new to be reviewed, so that both cannot be met."
NO_START = "A plan without a start date cannot stand in a return without errors."


def _days(texts: "pd.Series[Any]") -> np.ndarray:
    return np.where(
        texts.to_numpy(dtype=object) == "",
        0,
        pd.to_datetime(texts.where(texts != "", "1970-01-01")).to_numpy().astype("datetime64[D]").astype(np.int64),
    )


def placement_line(placements: pd.DataFrame, register: pd.DataFrame, age: "pd.Series[Any]") -> "pd.Series[Any]":
    """The published placement line of each placement."""
    by_urn = register[register["line"] != ""].set_index("URN")["line"]
    base = placements["URN"].map(by_urn).fillna("")
    suffix = np.select(
        [placements["SENunitIndicator"] == "1", placements["ResourcedProvisionIndicator"] == "1"],
        ["_senunit", "_resourced_provision"],
        default="",
    )
    line = base + suffix
    codes = {code: found for found, code in SETTING_CODES.items() if code != "NIEO"}
    line = line.where(placements["SENSetting"] == "", placements["SENSetting"].map(codes))
    idle = placements["SENSetting"] == "NIEO"
    line = line.where(~idle, np.where(age.between(5, 15), "neet_other_csa", "neet_other"))
    line = line.where(placements["UKPRN"] == "", "ukrlp_provider")
    found: pd.Series[Any] = line.fillna("placement_unknown")
    return found


def counted_cases(made: Return, register: pd.DataFrame) -> pd.DataFrame:
    """One row a request with its assessment, plan, placement that counts and attributes."""
    tables = made.tables
    census = day(CENSUS_DAYS[made.year])
    frame = tables["requests"].merge(tables["person"], on="person_id")
    frame = frame.merge(tables["assessment"], on="requests_id", how="left").merge(
        tables["namedplan"], on="assessment_id", how="left"
    )
    active = tables["activeplans"]
    frame = frame.merge(active, on="requests_id", how="left", suffixes=("", "_active")).fillna("")
    born = _days(frame["PersonBirthDate"])
    for name in (
        "ReceivedDate",
        "RequestOutcomeDate",
        "AssessmentOutcomeDate",
        "StartDate",
        "CeaseDate",
        "ReviewMeeting",
        "LastReview",
    ):
        frame[f"_{name}"] = _days(frame[name]) if name in frame.columns else 0
    frame["live"] = (
        (frame["_StartDate"] > 0)
        & (frame["_StartDate"] <= census)
        & ((frame["_CeaseDate"] == 0) | (frame["_CeaseDate"] >= census))
    )
    reference = day(f"{made.year - 1}-08-31")
    frame["stock_age"] = age_on(born, np.full(len(frame), reference))
    frame["received_age"] = age_on(born, frame["_ReceivedDate"].to_numpy())
    frame["start_true"] = age_on(born, frame["_StartDate"].to_numpy())
    frame["start_calendar"] = year_of(frame["_StartDate"].to_numpy()) - year_of(born)
    frame["cease_age"] = age_on(born, frame["_CeaseDate"].to_numpy())
    frame["held"] = np.minimum(years_between(frame["_StartDate"].to_numpy(), frame["_CeaseDate"].to_numpy()), 12)
    frame["census_years"] = np.minimum(made.year - year_of(frame["_StartDate"].to_numpy()), 12)
    frame["flow_years"] = np.minimum(np.maximum(made.year - 1 - year_of(frame["_StartDate"].to_numpy()), 0), 12)
    frame["sex"] = frame["Sex"] if made.year > 2023 else frame["GenderCurrent"].map({"1": "M", "2": "F"})
    frame["ethnicity"] = frame["Ethnicity"].where(frame["Ethnicity"].isin(ETHNICITY_CODES.values()), "OOTH")
    places = tables["placementdetail"]
    entered, left = _days(places["EntryDate"]), _days(places["LeavingDate"])
    current = places[(entered <= census) & ((left == 0) | (left >= census))]
    current = current.sort_values(["activeplans_id", "PlacementRank"], kind="stable").drop_duplicates("activeplans_id")
    age = current["activeplans_id"].map(frame[frame["activeplans_id"] != ""].set_index("activeplans_id")["stock_age"])
    current = current.assign(line=placement_line(current, register, age))
    frame["line"] = frame["activeplans_id"].map(current.set_index("activeplans_id")["line"]).fillna("placement_unknown")
    ended = frame.loc[(frame["activeplans_id"] != "") & (frame["_CeaseDate"] > 0)].set_index("activeplans_id")
    ceased = places["activeplans_id"].map(ended["_CeaseDate"]).fillna(0)
    final = places[(ceased > 0) & (entered <= ceased) & ((left == 0) | (left >= ceased))]
    final = final.sort_values(["activeplans_id", "PlacementRank"], kind="stable").drop_duplicates("activeplans_id")
    age = final["activeplans_id"].map(ended["stock_age"])
    final = final.assign(line=placement_line(final, register, age)).set_index("activeplans_id")
    frame["last_line"] = frame["activeplans_id"].map(final["line"]).fillna("placement_unknown")
    stays = current if made.year > 2023 else active
    for name in ("Res", "WBP"):
        frame[name] = frame["activeplans_id"].map(stays.set_index("activeplans_id")[name]).fillna("")
    needs = tables["senneed"]
    first = needs[needs["SENtypeRank"] == "1"].set_index("activeplans_id")["SENtype"]
    frame["need"] = frame["activeplans_id"].map(first).fillna("unknown")
    return frame


def _count(
    frame: pd.DataFrame,
    measures: dict[str, Any],
    topics: dict[str, Any],
    table: str,
    period: str,
    ages: tuple[int, int],
) -> pd.DataFrame:
    """Long counts of every measure by every topic: table, period, topic, code, measure, generated."""
    values = pd.DataFrame(
        {name: np.asarray(flags).astype(np.int64) for name, flags in measures.items()}, index=frame.index
    )
    pieces = []
    for topic, codes in topics.items():
        if isinstance(codes, str):
            code = pd.Series(codes, index=frame.index)
        elif topic in ("age", "start_age"):
            code = pd.Series(np.clip(codes, *ages), index=frame.index).astype(str)
        else:
            code = pd.Series(codes, index=frame.index).astype(str)
        pieces.append(_long(values.groupby(code).sum(), topic))
        if topic == "placement":
            for group, parts in PLACEMENT_GROUPS.items():
                if group in set(code):
                    continue
                of_group = values[code.isin({*parts, *map(coarse, parts)})].sum().to_frame().T
                of_group.index = pd.Index([group])
                pieces.append(_long(of_group, topic))
    return pd.concat(pieces).assign(table=table, period=period)


def _long(wide: pd.DataFrame, topic: str) -> pd.DataFrame:
    long = wide.rename_axis("code").reset_index().melt(id_vars="code", var_name="measure", value_name="generated")
    return long.assign(topic=topic)


def _line_measures(line: "pd.Series[Any]", total: str) -> dict[str, Any]:
    """A measure for each placement line, its group and the total."""
    measures: dict[str, Any] = {name: line == name for name in PLACEMENT_LINES}
    for group, parts in PLACEMENT_GROUPS.items():
        measures[group] = line.isin(parts)
    measures[total] = pd.Series(True, index=line.index)
    return measures


def recount(made: Return, register: pd.DataFrame, targets: Targets) -> pd.DataFrame:  # noqa: PLR0915 - one table after another
    """Every published measure counted from one return. Columns table, period, topic, code, measure, generated."""
    cases = counted_cases(made, register)
    flow, period, stock = str(made.year - 1), stock_period(made.year), cases[cases["live"]]
    year = made.year - 1
    pieces = []

    def add(
        table: str, when: str, frame: pd.DataFrame, measures: dict[str, Any], ages: tuple[int, int], **topics: Any
    ) -> None:
        shared = {TOTAL: TOTAL, "ethnicity": frame["ethnicity"], "sex": frame["sex"]}
        pieces.append(_count(frame, measures, shared | topics, table, when, ages))

    add(
        "caseload", period, stock, _line_measures(stock["line"], "ehcplans"), STOCK_AGES,
        age=stock["stock_age"], years=stock["census_years"],
        start_age=np.clip(stock[start_age_definition(targets, "caseload", period)], 2, 20),
    )  # fmt: skip
    needs = {f"number_{stem}": stock["need"] == code for stem, code in NEED_CODES.items()}
    needs |= {"ehc_plans": stock["need"] != ""}
    if made.year <= 2025:
        needs["number_oth"] = stock["need"].isin(["OTH", "DS"])
    flat = stock["line"].map(coarse)
    add(
        "sen_needs_all_plans",
        period,
        stock,
        needs,
        STOCK_AGES,
        age=stock["stock_age"],
        years=stock["flow_years"],
        placement=flat,
    )
    budget = stock["PB"] == "1"
    budgets = {"personal_budget": budget, "org_arrangments": stock["OA"] == "1"}
    budgets |= {
        f"pb_{name}": stock["DP"] == code
        for name, code in (("health", "H"), ("education", "E"), ("social", "S"), ("integrated", "I"))
    }
    add("personal_budgets", period, stock, budgets, FLOW_AGES, age=stock["stock_age"], placement=flat)
    homes = {"res_3851": stock["Res"] == "A", "res_52": stock["Res"] == "B", "res_tot": stock["Res"] != ""}
    add("residential_settings", period, stock, homes, FLOW_AGES, age=stock["stock_age"], placement=flat)
    work = {
        "open_supp_intern": stock["WBP"] == "S",
        "open_apprentice": stock["WBP"] == "A",
        "open_trainee": stock["WBP"] == "T",
        "open_wbp": stock["WBP"] != "",
    }
    add("work_based_placements", period, stock, work, WORK_AGES, age=stock["stock_age"], placement=flat)

    received = year_of(cases["_ReceivedDate"].to_numpy()) == year
    asked = cases[received & (cases["RequestOutcome"] != "H")]
    outcome = asked["RequestOutcome"]
    mediated, tribunal = asked["RequestMediation"] == "1", asked["RequestTribunal"] == "1"
    requests = {
        "requests_received_in_year": outcome != "", "requests_rya": asked["RYA"] == "1", "requests_decided_to_assess": outcome == "Y",
        "requests_decided_not_to_assess": outcome == "N", "requests_decision_not_made": outcome == "A",
        "requests_withdrawn": outcome == "W",
        "mediation_related_request": mediated, "tribunal_related_request": tribunal, "tribunal_after_mediation_request": mediated
        & tribunal,
    }  # fmt: skip
    add("requests", flow, asked, requests, FLOW_AGES, age=asked["received_age"])
    decided = cases[
        cases["RequestOutcome"].isin(["Y", "N"]) & (year_of(cases["_RequestOutcomeDate"].to_numpy()) == year)
    ]
    speed = decided["_RequestOutcomeDate"] - decided["_ReceivedDate"]
    bands = {"request_outcome_six_weeks": speed <= SIX_WEEKS, "request_outcome_over_6_weeks": speed > SIX_WEEKS}
    add("requests", flow, decided, bands, FLOW_AGES, age=decided["received_age"])

    ended = year_of(cases["_AssessmentOutcomeDate"].to_numpy()) == year
    done = cases[(cases["AssessmentOutcome"].isin(["Y", "N"]) & ended) | cases["AssessmentOutcome"].isin(["W", "A"])]
    outcome = done["AssessmentOutcome"]
    taken = done["_AssessmentOutcomeDate"] - done["_ReceivedDate"]
    am, at = done["AssessmentMediation"] == "1", done["AssessmentTribunal"] == "1"
    om, ot = done["OtherMediation"] == "1", done["OtherTribunal"] == "1"
    assessments = {
        "assess_in_year": outcome != "", "assess_issued": outcome == "Y", "assess_not_issued": outcome == "N",
        "assess_not_made": outcome == "A",
        "assess_withdrawn": outcome == "W", "outcome_decision_within_time": (outcome == "N") & (taken <= SIXTEEN_WEEKS),
        "outcome_decision_over_time": (outcome == "N") & (taken > SIXTEEN_WEEKS), "number_assess_mediation": am,
        "number_assess_tribunal": at,
        "number_asssess_mediation_tribunal": am & at, "number_other_mediation": om, "number_other_tribunal": ot,
        "number_other_mediation_tribunal": om & ot,
    }  # fmt: skip
    add("assessments", flow, done, assessments, FLOW_AGES, age=done["received_age"])

    new = cases[
        (cases["AssessmentOutcome"] != "H")
        & (cases["_StartDate"] > 0)
        & (year_of(cases["_StartDate"].to_numpy()) == year)
    ]
    defined = start_age_definition(targets, "newplans", flow)
    add("newplans", flow, new, _line_measures(new["line"], "new_ehc_plans"), FLOW_AGES, start_age=new[defined])
    new_needs = {f"number_{stem}": new["need"] == code for stem, code in NEED_CODES.items()} | {
        "ehc_plans": new["need"] != ""
    }
    add(
        "sen_need_newplans",
        period,
        new,
        new_needs,
        FLOW_AGES,
        start_age=new["start_true"],
        placement=new["line"].map(coarse),
    )

    clean = done[(outcome == "Y") & ~am & ~at & (done["RequestMediation"] != "1") & (done["RequestTribunal"] != "1")]
    weeks = clean["_AssessmentOutcomeDate"] - clean["_ReceivedDate"]
    plain = clean["Week20"] != "1"
    late, very_late = (weeks > TWENTY_WEEKS) & (weeks <= YEAR), weeks > YEAR
    timely = {
        "plans_issued_den": plain | ~plain, "plans_issued_den_ex": plain, "plans_issued_within_20_weeks": weeks <= TWENTY_WEEKS,
        "plans_issued_20_weeks_ex": (weeks <= TWENTY_WEEKS) & plain, "plans_issued_gt20weeks_ltyear": late,
        "plans_issued_gt20weeks_ltyear_ex": late & plain, "plans_issued_gt_1_year": very_late, "plans_issued_gt_1_year_ex":
        very_late & plain,
    }  # fmt: skip
    add("timeliness_20_week", flow, clean, timely, FLOW_AGES, age=clean["received_age"], need=clean["need"])

    gone = cases[(cases["_CeaseDate"] > 0) & (year_of(cases["_CeaseDate"].to_numpy()) == year)]
    reasons = {
        "max_age": "1", "needs_met": "2", "he": "3", "employ": "4", "transfer": "5", "no_engage": "6", "moved_outside_eng": "7",
        "deceased": "8", "other": "9",
    }  # fmt: skip
    ceased = {name: gone["CeaseReason"] == code for name, code in reasons.items()}
    ceased |= {"not_rec": gone["CeaseReason"] == "", "total_ceased": gone["CeaseReason"] != "?"}
    last = gone["last_line"].map(coarse)
    add("ceased_plans", flow, gone, ceased, FLOW_AGES, age=gone["cease_age"], years=gone["held"], placement=last)

    pieces.append(_reviews(stock, made.year, flow, flat))
    pieces.append(_phase_transfers(stock, made.year, flow))
    return pd.concat(pieces, ignore_index=True)


def _reviews(stock: pd.DataFrame, year: int, flow: str, flat: "pd.Series[Any]") -> pd.DataFrame:
    now, last = year % 100, (year - 1) % 100
    expected = year_of(stock["_StartDate"].to_numpy()) < year - 1
    met = (stock["_ReviewMeeting"] > 0) & expected
    when, sent = year_of(stock["_ReviewMeeting"].to_numpy()), year_of(stock["_LastReview"].to_numpy())
    decided = (stock["_LastReview"] > 0) & met
    quick = stock["_LastReview"] - stock["_ReviewMeeting"] <= 28
    outcome = stock["ReviewOutcome"] if "ReviewOutcome" in stock.columns else pd.Series("", index=stock.index)
    measures = {
        "total_ehc_plans": stock["live"], "review_expected": expected, "review_not_expected": ~expected,
        f"review_meeting_{now}": met & (when == year), f"review_meeting_{last}": met & (when == year - 1),
        f"review_meeting_prior_{last}": met & (when < year - 1), "total_review_meeting": met, "no_review_meeting": expected & ~met,
        f"review_decision{now}": decided & (sent == year), f"review_decision{last}": decided & (sent == year - 1),
        f"review_decision_prior{last}": decided & (sent < year - 1), "outcome_amend": met & (outcome == "A"),
        "outcome_cease": met & (outcome == "C"), "outcome_maintan": met & (outcome == "M"), "no_outcome": met & (outcome == ""),
        "number_decsion_4weeks": decided & quick, "number_decision_gt_4weeks": decided & ~quick,
    }  # fmt: skip
    topics = {
        TOTAL: TOTAL, "age": stock["stock_age"], "ethnicity": stock["ethnicity"], "sex": stock["sex"], "placement": flat,
        "years": stock["census_years"],
    }  # fmt: skip
    return _count(stock, measures, topics, "annual_reviews", flow, FLOW_AGES)


def _phase_transfers(stock: pd.DataFrame, year: int, flow: str) -> pd.DataFrame:
    due = stock.get("PhaseTransferDueDate", pd.Series("", index=stock.index)).str[:4]
    final = stock.get("PhaseTransferFinalDate", pd.Series("", index=stock.index)).str[:4]
    measures = {
        "number_plans": stock["live"], f"due_{(year - 1) % 100}": due == str(year - 1), f"due_{year % 100}": due == str(year),
        f"final_{(year - 1) % 100}": final == str(year - 1), f"final_{year % 100}": final == str(year),
    }  # fmt: skip
    return _count(stock, measures, {TOTAL: TOTAL}, "phase_transfers", flow, FLOW_AGES)


def calibration(targets: Targets, made: dict[int, Return], register: pd.DataFrame) -> pd.DataFrame:
    """Every published cell of the years beside the count from the returns.

    Columns: la_code, table, period, topic, breakdown_topic and breakdown as published, measure, release, published, generated,
    status (met, differs, not targeted), reason.
    """
    counted = pd.concat([recount(one, register, targets) for one in made.values()], ignore_index=True)
    keys = ["table", "period", "topic", "code", "measure"]
    counted = counted.groupby(keys)["generated"].sum().reset_index()
    cells = targets.cells.merge(counted, on=keys, how="left")
    known = set(counted[["table", "period"]].drop_duplicates().itertuples(index=False, name=None))
    possible = pd.Series(
        [pair in known for pair in zip(cells["table"], cells["period"], strict=True)], index=cells.index
    )
    cells["generated"] = cells["generated"].fillna(0).astype(int)
    wanted = (cells["published"] * targets.scale).round()
    status: pd.Series[Any] = pd.Series(
        np.where(wanted == cells["generated"], "met", "differs"), index=cells.index, dtype=object
    )
    reason: pd.Series[Any] = pd.Series("", index=cells.index, dtype=object)
    untargeted = {
        REVIEW_STATE: cells["measure"].isin(["review_decision_not_due", "review_decision_outstanding"]),
        NO_START: (cells["topic"] == "start_age") & (cells["code"] == "unknown"),
        "No return of these years holds it.": ~possible,
    }
    for why, rows in untargeted.items():
        status = status.where(~rows, "not targeted")
        reason = reason.where(~rows, why)
    noted = cells["note"] != ""
    status = status.where(~noted, "not targeted")
    reason = reason.where(~noted, cells["note"])
    must = pd.Series([pair in MUST for pair in zip(cells["table"], cells["topic"], strict=True)], index=cells.index)
    must &= (cells["table"] != "newplans") | (cells["measure"] == "new_ehc_plans")
    uneven = {
        year
        for year in cells.loc[cells["table"] == "assessments", "period"].unique()
        if targets.figure("assessments", year, "assess_issued") != targets.figure("newplans", year, "new_ehc_plans")
        and targets.figure("newplans", year, "new_ehc_plans") is not None
    }
    chain = cells["table"].isin(["assessments", "timeliness_20_week", "requests"]) & cells["period"].isin(uneven)
    reason = reason.where(~((status == "differs") & chain), ONE_PLAN_EACH)
    crowded = {
        year
        for year in cells.loc[cells["table"] == "annual_reviews", "period"].unique()
        if (targets.figure("newplans", year, "new_ehc_plans") or 0) - new_plans_without_placement(targets, int(year))
        > (targets.figure("annual_reviews", year, "review_not_expected") or np.inf)
    }
    expecting = cells["measure"].isin(["review_expected", "review_not_expected", "no_review_meeting"])
    reason = reason.where(~((status == "differs") & expecting & cells["period"].isin(crowded)), MORE_NEW)
    near = (status == "differs") & ~must & (reason == "")
    reason[near] = SCALED if targets.scale != 1.0 else NEAREST
    if targets.scale != 1.0:
        reason[(status == "differs") & must] = SCALED
    cells = cells.assign(status=status, reason=reason)
    return cells.assign(la_code=targets.la_code)[
        [
            "la_code", "table", "period", "topic", "breakdown_topic", "breakdown", "measure", "release", "published",
            "generated", "status", "reason",
        ]
    ]  # fmt: skip


__all__ = ["calibration", "counted_cases", "placement_line", "recount"]
