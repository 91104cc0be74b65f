"""The canonical tables of one SEN2 return: the same people whatever shape they are written in.

Columns carry the element names of the return. Every table has its own record id and its parent's, whole numbers within the return.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.attributes import annual_reviews, money_and_work
from orchestration.synthetic.dates import CENSUS_DAYS, age_on, day, new_year, to_dates
from orchestration.synthetic.placements import last_placements, named_settings
from orchestration.synthetic.targets import Targets

TABLES = ("person", "requests", "assessment", "namedplan", "plandetail", "activeplans", "placementdetail", "senneed")
PARENTS = {
    "requests": "person",
    "assessment": "requests",
    "namedplan": "assessment",
    "plandetail": "namedplan",
    "activeplans": "requests",
    "placementdetail": "activeplans",
    "senneed": "activeplans",
}

SETTING = ["URN", "UKPRN", "SENSetting", "SENSettingOther"]
INDICATORS = ["SENunitIndicator", "ResourcedProvisionIndicator"]

OTHER_AUTHORITIES = ("370", "371", "373", "384")
SECOND_NEEDS = {"ASD": "SLCN", "SEMH": "MLD", "SLCN": "MLD", "MLD": "SLCN", "PD": "VI"}
SECOND_NEED_SHARE = 0.45
SECOND_PLACEMENT_SHARE = 0.02
RANK_TWO_ONLY = 3
"""Plans a return shows with a secondary placement alone, which still counts."""
TRANSFER_YEARS = (3, 10, 15)
"""Ages at the start of the academic year in which a phase ends."""
REVIEW_ITEMS_FROM, SOURCE_FROM = 2024, 2025


def elements(year: int) -> dict[str, list[str]]:
    """Element names of each table in the return of `year`, in the order of the DfE guide as transcribed."""
    sex = "GenderCurrent" if year == 2023 else "Sex"
    tail = {
        2023: ["Res", "WBP", "LastReview"],
        2024: ["ReviewMeeting", "ReviewOutcome", "LastReview"],
        2025: [
            "ReviewMeeting",
            "LastReview",
            "ReviewOutcome",
            "ReviewDraft",
            "PhaseTransferDueDate",
            "PhaseTransferFinalDate",
        ],
        2026: [
            "ReviewMeeting",
            "ReviewOutcome",
            "ReviewDraft",
            "PhaseTransferDueDate",
            "PhaseTransferFinalDate",
            "LastReview",
        ],
    }[min(max(year, 2023), 2026)]
    source = ["RequestSource"] if year >= SOURCE_FROM else []
    pattern = ["AttendancePattern"] if year == 2023 else []
    stays = [] if year == 2023 else ["Res", "WBP"]
    return {
        "person": [
            "Surname",
            "Forename",
            "PersonBirthDate",
            sex,
            "Ethnicity",
            "PostCode",
            "UPN",
            "UniqueLearnerNumber",
            "UPNunknown",
        ],
        "requests": [
            "ReceivedDate",
            *source,
            "RYA",
            "RequestOutcomeDate",
            "RequestOutcome",
            "RequestMediation",
            "RequestTribunal",
            "Exported",
        ],
        "assessment": [
            "AssessmentOutcome",
            "AssessmentOutcomeDate",
            "AssessmentMediation",
            "AssessmentTribunal",
            "OtherMediation",
            "OtherTribunal",
            "Week20",
        ],
        "namedplan": ["StartDate", "PlanRes", "PlanWBP", "PB", "OA", "DP", "CeaseDate", "CeaseReason"],
        "plandetail": [*SETTING, "PlacementRank", *INDICATORS],
        "activeplans": ["TransferLA", *tail],
        "placementdetail": [*SETTING, "PlacementRank", "EntryDate", "LeavingDate", *pattern, *INDICATORS, *stays],
        "senneed": ["SENtype", "SENtypeRank"],
    }


@dataclass(frozen=True)
class Return:
    """One authority's SEN2 return: header values and the eight tables."""

    year: int
    la: str
    header: dict[str, str]
    tables: dict[str, pd.DataFrame]
    notes: pd.DataFrame
    """What was planted on purpose: case, requests_id, person_ref."""


def header_of(year: int, la: str) -> dict[str, str]:
    """Header values, in order."""
    values = {
        "Collection": "SEN2",
        "Year": str(year),
        "ReferenceDate": CENSUS_DAYS[year],
        "SourceLevel": "L",
        "LEA": la,
        "SoftwareCode": "Invented Casework",
        "Release": f"{year}.1",
        "SerialNo": "1",
        "DateTime": f"{year}-02-27T10:15:00",
        "DMO": "Y",
        "DCO": "Y",
    }
    if year >= SOURCE_FROM:
        values["DSCO"] = "R"
    return values


def _flag(column: "pd.Series[Any]", letter: str) -> "pd.Series[Any]":
    return pd.Series(np.where(column.str.contains(letter), "1", "0"), index=column.index)


def build_return(
    year: int,
    la: str,
    plans: pd.DataFrame,
    cases: pd.DataFrame,
    people: pd.DataFrame,
    spells: dict[int, pd.DataFrame],
    register: pd.DataFrame,
    targets: Targets,
    rng: np.random.Generator,
) -> Return:
    """The return of January `year`.

    `plans`: lives.live_through with born, start, ceased, transferred_year; `cases`: casework.build_cases with person, born,
    received, decided, assessed;
    `people`: identity by person.
    """
    flow, here = year - 1, f"line_{year}"
    plan_rows = plans[(plans[here] != "") | (plans["ceased_year"] == flow)]
    early = cases["plan"].isin(plan_rows.index[plan_rows["start"] >= new_year(year)]) & (cases["assessed_year"] == year)
    mine = cases[
        (cases["received_year"] == flow) | (cases["decided_year"] == flow) | (cases["assessed_year"] == flow) | early
    ]
    mine = mine.assign(has_assessment=(mine["assessed_year"] == flow) | early[mine.index])
    mine = mine.assign(with_plan=mine["has_assessment"] & (mine["plan"] >= 0))
    covered = mine.loc[mine["with_plan"], "plan"]
    older = plan_rows.drop(index=covered, errors="ignore")
    requests = pd.concat([_request_rows(mine), _historical_rows(older, flow, rng)], ignore_index=True)
    requests = requests.sort_values(["person", "order"], kind="stable").reset_index(drop=True)
    requests["requests_id"] = np.arange(1, len(requests) + 1)
    if year >= SOURCE_FROM:
        drawn = rng.choice(["1", "2", "3", "4", "5"], size=len(requests), p=[0.36, 0.52, 0.05, 0.02, 0.05])
        requests["RequestSource"] = np.where(requests["RequestOutcome"] == "H", "", drawn)
    person = _person_rows(requests, people, year)
    requests["person_id"] = requests["person"].map(person.set_index("person")["person_id"])
    assessment = requests[requests["AssessmentOutcome"] != ""].copy()
    assessment["assessment_id"] = np.arange(1, len(assessment) + 1)
    ethnicity = "earlier_ethnicity" if year < 2025 else "ethnicity"
    money = money_and_work(plans, targets, year, ethnicity, rng)
    namedplan = assessment[assessment["has_plan"]].copy()
    namedplan["namedplan_id"] = np.arange(1, len(namedplan) + 1)
    own = plans.loc[namedplan["plan"]]
    ended = (own["ceased_year"] == flow).to_numpy()
    _fill_plans(namedplan, own, money, ended, year)
    # a new plan that ceased before the census day keeps its needs on record
    kept_needs = (own["new_year"] == flow).to_numpy()
    live = namedplan[~ended | kept_needs]
    activeplans = live[["requests_id", "plan"]].copy()
    activeplans["activeplans_id"] = np.arange(1, len(activeplans) + 1)
    moved_in = plans.loc[activeplans["plan"], "transferred_year"].to_numpy() == flow
    activeplans["TransferLA"] = np.where(
        moved_in, np.array(OTHER_AUTHORITIES, dtype=object)[activeplans["plan"].to_numpy() % 4], ""
    )
    activeplans["Res"] = money["Res"].reindex(activeplans["plan"]).fillna("").to_numpy()
    activeplans["WBP"] = money["WBP"].reindex(activeplans["plan"]).fillna("").to_numpy()
    _add_reviews(activeplans, plans, targets, year, ethnicity, rng)
    placementdetail, notes = _placements(activeplans, spells, year, money, rng)
    plandetail = _named(namedplan, plans, spells, year, register, rng)
    senneed = _needs(activeplans, plans, year)
    last = last_placements(own[ended].set_axis(namedplan.loc[ended, "plan"]), flow, spells, targets, register)
    if not last.empty:
        requests_of = namedplan.loc[ended].set_index("plan")["requests_id"]
        activeplans, placementdetail, senneed = _with_last_placements(
            activeplans, placementdetail, senneed, last.assign(requests_id=requests_of, ceased=plans["ceased"])
        )
    tables = {
        "person": person,
        "requests": requests,
        "assessment": assessment,
        "namedplan": namedplan,
        "plandetail": plandetail,
        "activeplans": activeplans,
        "placementdetail": placementdetail,
        "senneed": senneed,
    }
    kept = {}
    for table, names in elements(year).items():
        frame = tables[table]
        keys = [f"{table}_id"] + ([f"{PARENTS[table]}_id"] if table in PARENTS else [])
        extra = {"person": ["person"], "requests": ["plan", "case"]}.get(table, [])
        kept[table] = frame[[*keys, *extra, *names]].reset_index(drop=True)
    return Return(year, la, header_of(year, la), kept, notes)


def _fill_plans(namedplan: pd.DataFrame, own: pd.DataFrame, money: pd.DataFrame, ended: Any, year: int) -> None:
    """Dates, reason and money of each plan, in place; `own`: its row of plans, `ended`: whether it ceased in the collection year."""
    # a plan that ends on census day is in force on it, and its end is known when the return is made
    told = ended | (own["ceased"] == day(CENSUS_DAYS[year])).to_numpy()
    namedplan["StartDate"] = to_dates(own["start"]).to_numpy()
    namedplan["CeaseDate"] = to_dates(own["ceased"], ~told).to_numpy()
    namedplan["CeaseReason"] = np.where(told, own["reason"], "")
    taken = money.reindex(namedplan["plan"])
    for column, source, blank in (
        ("PlanRes", "Res", ""),
        ("PlanWBP", "WBP", ""),
        ("PB", "PB", "0"),
        ("OA", "OA", "0"),
        ("DP", "DP", ""),
    ):
        namedplan[column] = taken[source].fillna(blank).to_numpy()


def _request_rows(cases: pd.DataFrame) -> pd.DataFrame:
    """Requests of the year, and those of the year before that were decided or assessed in it."""
    decided = cases["request_outcome"].isin(["Y", "N"]) & (cases["decided"] > 0)
    assessed = cases["has_assessment"]
    outcome = cases["assessment_outcome"].where(assessed, "")
    dated = assessed & outcome.isin(["Y", "N"])
    return pd.DataFrame(
        {
            "person": cases["person"],
            "plan": cases["plan"],
            "case": cases.index,
            "order": cases["received"],
            "ReceivedDate": to_dates(cases["received"]).to_numpy(),
            "RYA": "0",
            "RequestOutcomeDate": to_dates(cases["decided"], ~decided).to_numpy(),
            "RequestOutcome": cases["request_outcome"],
            "RequestMediation": _flag(cases["request_flag"].fillna(""), "M"),
            "RequestTribunal": _flag(cases["request_flag"].fillna(""), "T"),
            "Exported": np.where(
                cases["exported"], np.array(OTHER_AUTHORITIES, dtype=object)[cases.index.to_numpy() % 4], ""
            ),
            "AssessmentOutcome": outcome,
            "AssessmentOutcomeDate": to_dates(cases["assessed"], ~dated).to_numpy(),
            "AssessmentMediation": _flag(cases["assessment_flag"].fillna(""), "M"),
            "AssessmentTribunal": _flag(cases["assessment_flag"].fillna(""), "T"),
            "OtherMediation": _flag(cases["other_flag"].fillna(""), "M"),
            "OtherTribunal": _flag(cases["other_flag"].fillna(""), "T"),
            "Week20": np.where(cases["band"].str.endswith("_exception"), "1", "0"),
            "has_plan": cases["with_plan"],
        }
    )


def _historical_rows(plans: pd.DataFrame, flow: int, rng: np.random.Generator) -> pd.DataFrame:
    """Plans decided before the year, or brought along from another authority: coded H, often without a request date."""
    received = plans["start"].to_numpy() - rng.integers(100, 180, len(plans))
    # no date where the case system lost it, or where another authority had it
    blank = (
        (received >= new_year(flow)) | (plans["transferred_year"].to_numpy() == flow) | (rng.random(len(plans)) < 0.15)
    )
    blank |= received < plans["born"].to_numpy() + 200
    return pd.DataFrame(
        {
            "person": plans["person"],
            "plan": plans.index,
            "case": -1,
            "order": plans["start"] - 140,
            "ReceivedDate": to_dates(received, blank).to_numpy(),
            "RYA": "0",
            "RequestOutcomeDate": "",
            "RequestOutcome": "H",
            "RequestMediation": "0",
            "RequestTribunal": "0",
            "Exported": "",
            "AssessmentOutcome": "H",
            "AssessmentOutcomeDate": "",
            "AssessmentMediation": "0",
            "AssessmentTribunal": "0",
            "OtherMediation": "0",
            "OtherTribunal": "0",
            "Week20": "",
            "has_plan": True,
        }
    )


def _person_rows(requests: pd.DataFrame, people: pd.DataFrame, year: int) -> pd.DataFrame:
    person = people.loc[np.sort(requests["person"].unique())].reset_index(names="person")
    person["person_id"] = np.arange(1, len(person) + 1)
    person["PersonBirthDate"] = to_dates(person["born"]).to_numpy()
    person["Ethnicity"] = person["earlier_ethnicity"] if year < 2025 else person["ethnicity"]
    person["Sex"] = person["sex"]
    person["GenderCurrent"] = person["sex"].map({"M": "1", "F": "2"})
    census = np.full(len(person), day(CENSUS_DAYS[year]))
    age = age_on(person["born"].to_numpy(np.int64), census)
    known = person["upn"].to_numpy(object)
    unknown = np.where(age < 4, "UN1", np.where(person["never_in_school"] & (age < 16), "UN2", ""))
    learner = age >= 14
    person["UPN"] = np.where(unknown == "", known, "")
    person["UniqueLearnerNumber"] = np.where(learner & (unknown == ""), person["uln"], "")
    person["UPNunknown"] = unknown
    # a college may know the learner number alone
    college = (age >= 18) & person["college_only"].to_numpy(bool)
    person.loc[college, "UPN"] = ""
    return person.rename(columns={"written_surname": "Surname", "written_forename": "Forename", "postcode": "PostCode"})


def _add_reviews(
    active: pd.DataFrame,
    plans: pd.DataFrame,
    targets: Targets,
    year: int,
    ethnicity: str,
    rng: np.random.Generator,
) -> None:
    """Review meeting, decision, outcome, draft and phase-transfer dates, in place."""
    reviews = annual_reviews(plans, targets, year, ethnicity, rng).reindex(active["plan"])
    size = len(active)
    start = plans.loc[active["plan"], "start"].to_numpy()
    closing = new_year(np.array([year]))[0] + 50
    first = {
        "this_year": new_year(np.array([year]))[0],
        "last_year": new_year(np.array([year - 1]))[0],
        "before": new_year(np.array([year - 2]))[0] + 60,
    }
    last = {"this_year": closing - 8, "last_year": first["this_year"] - 1, "before": first["last_year"] - 1}
    meeting_in, decision_in = reviews["meeting"].to_numpy(object), reviews["decision"].to_numpy(object)
    decided, quick = decision_in != "none", reviews["quick"].to_numpy(bool)
    low = np.array([first.get(when, 0) for when in meeting_in])
    high = np.array([last.get(when, 0) for when in meeting_in])
    later = decided & (decision_in != meeting_in)
    start_of_decision = np.array([first.get(when, 0) for when in decision_in])
    end_of_decision = np.array([last.get(when, closing) for when in decision_in])
    low = np.where(later & quick, np.maximum(start_of_decision - 20, low), low)
    # a slow decision of the same year needs a meeting early enough in it
    high = np.where(decided & ~later & ~quick, np.minimum(high, end_of_decision - 36), high)
    high = np.where(decided & ~later & quick, np.minimum(high, end_of_decision - 3), high)
    low = np.maximum(low, np.where(start + 30 < high, start + 30, low))
    met = low + (rng.random(size) * np.maximum(high - low + 1, 1)).astype(np.int64)
    gap = np.where(quick, rng.integers(2, 29, size), rng.integers(30, 90, size))
    sent = met + gap
    sent = np.where(sent < start_of_decision, start_of_decision + rng.integers(0, 8, size), sent)
    sent = np.where(quick, np.minimum(sent, met + 28), sent)
    sent = np.minimum(sent, np.maximum(end_of_decision, met + np.where(quick, 1, 29)))
    held = meeting_in != "none"
    outcome = reviews["outcome"].fillna("").to_numpy(object)
    active["ReviewMeeting"] = to_dates(met, ~held).to_numpy()
    active["LastReview"] = to_dates(sent, ~(held & decided)).to_numpy()
    active["ReviewOutcome"] = np.where(held, outcome, "")
    drafted = held & decided & (outcome == "A")
    active["ReviewDraft"] = to_dates(sent + 5, ~drafted).to_numpy()
    age = year - 1 - plans.loc[active["plan"], "cohort"].to_numpy()
    due_total = targets.figure("phase_transfers", str(year - 1), f"due_{year % 100}")
    final_total = targets.figure("phase_transfers", str(year - 1), f"final_{(year - 1) % 100}")
    order = np.lexsort(
        (
            rng.random(size),
            np.select([np.isin(age, TRANSFER_YEARS), age == 16, age == 17, age > 17], [0, 1, 2, 3], default=4),
        )
    )
    of_now = due_total if due_total is not None else int(np.isin(age, TRANSFER_YEARS).sum())
    of_before = targets.figure("phase_transfers", str(year - 1), f"due_{(year - 1) % 100}", 0) or 0
    due, due_before, final, final_now = (np.zeros(size, dtype=bool) for _ in range(4))
    due[order[:of_now]] = True
    due_before[order[of_now : of_now + of_before]] = True
    done = final_total if final_total is not None else 0
    final[order[:done]] = True
    final_now[
        order[done : done + (targets.figure("phase_transfers", str(year - 1), f"final_{year % 100}", 0) or 0)]
    ] = True
    month_and_day = np.where(age >= 15, "-03-31", "-02-15").astype(object)
    deadline = np.where(due, str(year), str(year - 1)).astype(object) + month_and_day
    active["PhaseTransferDueDate"] = np.where(due | due_before, deadline, "")
    finals = new_year(np.array([year - 1]))[0] + 280 + rng.integers(0, 60, size)
    finals = np.where(final_now, new_year(np.array([year]))[0] + 11, finals)
    active["PhaseTransferFinalDate"] = to_dates(finals, ~((final | final_now) & (due | due_before))).to_numpy()


def _placements(
    active: pd.DataFrame,
    spells: dict[int, pd.DataFrame],
    year: int,
    money: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    now = spells[year]
    placed = active[active["plan"].isin(now.index)]
    current = now.loc[placed["plan"]].reset_index(drop=True)
    rows = pd.DataFrame({"activeplans_id": placed["activeplans_id"].to_numpy(), "plan": placed["plan"].to_numpy()})
    for column in [*SETTING, *INDICATORS]:
        rows[column] = current[column].to_numpy(object)
    rows["PlacementRank"] = "1"
    rows["EntryDate"] = to_dates(current["entry"]).to_numpy()
    rows["LeavingDate"] = ""
    rows["Res"] = money["Res"].reindex(rows["plan"]).fillna("").to_numpy()
    rows["WBP"] = money["WBP"].reindex(rows["plan"]).fillna("").to_numpy()
    rows["AttendancePattern"] = np.where(current["SENSetting"].isin(["NEET", "NIEO", "NIEC", "EHE"]), "", "FT")
    schooled = (current["URN"] != "").to_numpy()
    alone = rng.choice(np.flatnonzero(schooled), size=min(RANK_TWO_ONLY, int(schooled.sum())), replace=False)
    rows.loc[alone, "PlacementRank"] = "2"
    pieces = [rows]
    extra = rows[schooled & (rng.random(len(rows)) < SECOND_PLACEMENT_SHARE) & (rows["PlacementRank"] == "1")].copy()
    for column in [*SETTING, *INDICATORS, "Res", "WBP"]:
        extra[column] = ""
    extra["SENSetting"], extra["PlacementRank"] = "OLA", "2"
    extra["AttendancePattern"] = "PT" if year == 2023 else ""
    pieces.append(extra)
    if year - 1 in spells:
        before = spells[year - 1]
        changed = rows[current["changed"].to_numpy(bool) & rows["plan"].isin(before.index).to_numpy()].copy()
        past = before.loc[changed["plan"]]
        for column in [*SETTING, *INDICATORS]:
            changed[column] = past[column].to_numpy(object)
        changed["EntryDate"] = to_dates(past["entry"]).to_numpy()
        changed["LeavingDate"] = f"{year - 1}-07-21"
        changed["Res"], changed["WBP"], changed["PlacementRank"] = "", "", "1"
        pieces.append(changed)
    table = (
        pd.concat(pieces, ignore_index=True)
        .sort_values(["activeplans_id", "PlacementRank"], kind="stable")
        .reset_index(drop=True)
    )
    if year == 2023:
        blank = table["AttendancePattern"] == ""
        table.loc[blank, "AttendancePattern"] = "PT"
    table["placementdetail_id"] = np.arange(1, len(table) + 1)
    notes = pd.DataFrame({"case": "rank 2 placement only", "plan": rows.loc[alone, "plan"].to_numpy()})
    return table, notes


def _with_last_placements(
    active: pd.DataFrame, places: pd.DataFrame, needs: pd.DataFrame, last: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Add the placement on the last day of plans that ceased, and an active plan above it where there is none; ids follow the requests."""
    new = last[~last["requests_id"].isin(active["requests_id"])]
    added = pd.DataFrame({"requests_id": new["requests_id"], "plan": new.index})
    added["activeplans_id"] = active["activeplans_id"].max() + 1 + np.arange(len(added))
    texts = [name for name in active.columns if name not in added.columns]
    active = pd.concat([active, added.reindex(columns=active.columns).fillna(dict.fromkeys(texts, ""))])
    active = active.sort_values("requests_id", kind="stable").reset_index(drop=True)
    rows = last[[*SETTING, *INDICATORS]].copy()
    rows["activeplans_id"] = last["requests_id"].map(active.set_index("requests_id")["activeplans_id"])
    rows["PlacementRank"] = "1"
    rows["EntryDate"], rows["LeavingDate"] = to_dates(last["entry"]).to_numpy(), to_dates(last["ceased"]).to_numpy()
    places = pd.concat([places, rows.reindex(columns=places.columns)], ignore_index=True).fillna("")
    number = pd.Series(np.arange(1, len(active) + 1), index=active["activeplans_id"])
    active["activeplans_id"] = number.to_numpy()
    renumbered = []
    for frame, own in ((places, "placementdetail_id"), (needs, "senneed_id")):
        moved = frame.assign(activeplans_id=frame["activeplans_id"].map(number).astype(np.int64))
        moved = moved.sort_values("activeplans_id", kind="stable").reset_index(drop=True)
        renumbered.append(moved.assign(**{own: np.arange(1, len(moved) + 1)}))
    return active, renumbered[0], renumbered[1]


def _named(
    namedplan: pd.DataFrame,
    plans: pd.DataFrame,
    spells: dict[int, pd.DataFrame],
    year: int,
    register: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What each plan names. A plan that has ceased names the placement last known."""
    columns = [*SETTING, *INDICATORS]
    known = spells[year][columns]
    for earlier in sorted((y for y in spells if y < year), reverse=True):
        known = pd.concat([known, spells[earlier].loc[spells[earlier].index.difference(known.index), columns]])
    placed = known.reindex(namedplan["plan"]).fillna("")
    ages = pd.Series((year - 1 - plans.loc[namedplan["plan"], "cohort"]).to_numpy(), index=placed.index)
    placed = placed.reset_index(drop=True)
    named = named_settings(placed, ages.reset_index(drop=True), register, rng)
    named["namedplan_id"] = namedplan["namedplan_id"].to_numpy()
    named["PlacementRank"] = "1"
    named["plandetail_id"] = np.arange(1, len(named) + 1)
    return named


def _needs(active: pd.DataFrame, plans: pd.DataFrame, year: int) -> pd.DataFrame:
    own = plans.loc[active["plan"]]
    need = own["need"].to_numpy(object)
    if year < SOURCE_FROM:
        need = np.where(need == "DS", "OTH", need)
    first = pd.DataFrame({"activeplans_id": active["activeplans_id"].to_numpy(), "SENtype": need, "SENtypeRank": "1"})
    second = first[own["second_need"].to_numpy(bool)].copy()
    second["SENtype"] = second["SENtype"].map(SECOND_NEEDS).fillna("SLD")
    second.loc[second["SENtype"] == first.loc[second.index, "SENtype"], "SENtype"] = "OTH"
    second["SENtypeRank"] = "2"
    table = (
        pd.concat([first, second], ignore_index=True)
        .sort_values(["activeplans_id", "SENtypeRank"], kind="stable")
        .reset_index(drop=True)
    )
    table["senneed_id"] = np.arange(1, len(table) + 1)
    return table
