"""Faults planted in copies of the returns, each with its line in the answer key.

One whole return is spoilt in every way that a record can be; every victim is a person whose clean record breaks no rule, and is
used once. What a header, a share of a whole return or the return of another year breaks is planted in a small file of
its own, a few people of the return, beside the same small file without the fault.

A rule that cannot be broken without breaking another has a line for the other too. `also_breaks` and `may_also_break` name rules that
need more than the return itself: certainly broken with it, or depending on how a missing or malformed value is read.
"""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.dates import CENSUS_DAYS, age_on, day
from orchestration.synthetic.identity import UPN_LETTERS
from orchestration.synthetic.planting import Spoiling, misread_uln, misread_upn, reissued, row_of, shifted
from orchestration.synthetic.returns import PARENTS, TABLES, TRANSFER_YEARS, Return, elements
from orchestration.synthetic.write import SHAPES, write_shapes, write_xml

NOT_PLANTED = {
    "RS2-165": "needs two whole returns of which one is wrong by a hundredth of all plans",
    "RS2-174": "needs two whole returns of which one is wrong by a quarter of all plans or requests",
}
"""Rules left out of the answer key, and why."""

NEEDS = {
    "RS2-003": "the authority of the installation",
    **dict.fromkeys(("RS2-102", "RS2-102U", "RS2-133", "RS2-133U", "RS2-134", "RS2-141"), "the establishment register"),
    **dict.fromkeys(("RS2-161", "RS2-162", "RS2-163", "RS2-164", "RS2-166"), "the previous return"),
}
"""Rules that cannot be judged from the return alone, and what else it takes."""

UNREGISTERED_UKPRN = "10999999"
"""A provider's number that the invented schools register does not hold."""

SAMPLE = {"historical": 25, "issued": 12, "refused": 8, "ended": 12}
"""People in a small file, by kind."""


@dataclass
class _Copy(Spoiling):
    """The return being spoilt."""

    parents = PARENTS
    victim = "person_id"

    made: Return
    schools: pd.DataFrame
    """The schools register."""
    previous: Return | None

    def __post_init__(self) -> None:
        self.tables = copy.deepcopy(self.made.tables)
        self.kinds = _kinds(self)

    @property
    def census(self) -> str:
        return CENSUS_DAYS[self.made.year]

    @property
    def whose(self) -> str:
        return f"the return of {self.made.year}"

    def collected(self, table: str) -> set[str]:
        return set(elements(self.made.year)[table])

    def last_placement(self, row: "pd.Series[Any]", values: dict[str, str]) -> None:
        """Change the last placement of a ceased plan, where the return has it."""
        if row["past_id"] != "":
            self.quiet("placementdetail", row["past_id"], values)


def _kinds(work: _Copy) -> dict[str, pd.DataFrame]:
    """Cases that break no rule, by kind, one row each with the ids of their records."""
    t, year = work.tables, work.made.year
    census = day(CENSUS_DAYS[year])
    frame = t["requests"].merge(t["person"], on="person_id").merge(t["assessment"], on="requests_id", how="left")
    frame = frame.merge(t["namedplan"], on="assessment_id", how="left").merge(
        t["plandetail"], on="namedplan_id", how="left", suffixes=("", "_named")
    )
    frame = frame.merge(t["activeplans"], on="requests_id", how="left", suffixes=("", "_active"))
    places = t["placementdetail"]
    current = places[places["LeavingDate"] == ""]
    count = current.groupby("activeplans_id").size()
    frame["current"] = frame["activeplans_id"].map(count).fillna(0)
    first = current.drop_duplicates("activeplans_id").set_index("activeplans_id")
    for name in ("placementdetail_id", "URN", "PlacementRank"):
        frame[f"place_{name}"] = frame["activeplans_id"].map(first[name])
    past = (
        places[places["LeavingDate"] != ""]
        .drop_duplicates("activeplans_id")
        .set_index("activeplans_id")["placementdetail_id"]
    )
    frame["past_id"] = frame["activeplans_id"].map(past)
    needs = t["senneed"].groupby("activeplans_id").size()
    frame["needs"] = frame["activeplans_id"].map(needs).fillna(0)
    for name in ("ReviewMeeting", "LastReview", "ReviewOutcome", "ReviewDraft", "RequestSource"):
        if name not in frame.columns:
            frame[name] = ""
    frame = frame.fillna("")
    born = pd.to_datetime(frame["PersonBirthDate"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    frame["age"] = age_on(born, np.full(len(frame), census))
    frame["school_age"] = age_on(born, np.full(len(frame), day(f"{year - 1}-08-31")))
    lonely = frame.groupby("person_id")["requests_id"].transform("size") == 1
    ordinary = work.schools.set_index("URN")["line"]
    normal = (
        frame["place_URN"]
        .map(ordinary)
        .fillna("")
        .isin(
            [
                "mainstream_academy",
                "mainstream_la_maintained",
                "special_academy",
                "special_la_maintained",
                "general_fe_tertiary_colleges",
            ]
        )
    )
    plain = lonely & (frame["UPN"] != "") & (frame["UPNunknown"] == "") & (frame["age"] >= 5) & (frame["age"] < 25)
    live = plain & (frame["StartDate"] != "") & (frame["CeaseDate"] == "") & (frame["activeplans_id"] != "")
    placed = (
        live
        & normal
        & (frame["current"] == 1)
        & (frame["place_PlacementRank"] == "1")
        & (frame["PlacementRank"] == "1")
        & (frame["URN"] != "")
        & (frame["PlanWBP"] == "")
    )
    reviewed = (
        (frame["ReviewMeeting"] >= shifted(CENSUS_DAYS[year], -360))
        & (frame["LastReview"] > frame["ReviewMeeting"])
        & (frame["ReviewOutcome"] == "M")
        & (frame["ReviewDraft"] == "")
    )
    if "ReviewMeeting" not in elements(year)["activeplans"]:
        reviewed = live
    historical = (
        placed
        & (frame["RequestOutcome"] == "H")
        & (frame["AssessmentOutcome"] == "H")
        & reviewed
        & (frame["TransferLA"] == "")
        & (frame["ReceivedDate"] != "")
        & (frame["PB"] == "0")
    )
    historical &= (frame["StartDate"] < f"{year - 2}-01-01") & (frame["PlanRes"] == "")
    if work.previous is not None:
        known = work.previous.tables["requests"]["person_id"].map(
            work.previous.tables["person"].set_index("person_id")["person"]
        )
        before = set(known[work.previous.tables["requests"]["RequestOutcome"] == "H"])
        historical &= frame["person"].isin(before)
    issued = (
        placed
        & (frame["AssessmentOutcome"] == "Y")
        & (frame["RequestOutcome"] == "Y")
        & (frame["AssessmentMediation"] == "0")
        & (frame["AssessmentTribunal"] == "0")
    )
    issued &= (
        (frame["RequestMediation"] == "0")
        & (frame["RequestTribunal"] == "0")
        & (frame["AssessmentOutcomeDate"] < CENSUS_DAYS[year])
        & (frame["AssessmentOutcomeDate"] >= f"{year - 1}-01-01")
    )
    no_plan = (
        plain & (frame["AssessmentOutcome"] == "N") & (frame["RequestOutcome"] == "Y") & (frame["StartDate"] == "")
    )
    no_plan &= (frame["RequestMediation"] == "0") & (frame["RequestTribunal"] == "0") & (frame["Exported"] == "")
    refused = (
        plain
        & (frame["RequestOutcome"] == "N")
        & (frame["AssessmentOutcome"] == "")
        & (frame["RequestMediation"] == "0")
        & (frame["RequestTribunal"] == "0")
        & (frame["age"] >= 7)
    )
    # with its last placement a ceased plan has an active plan too, which RS2-111 asks about in the clean return
    ended = (
        plain
        & (frame["CeaseDate"] != "")
        & (frame["CeaseDate"] < f"{year}-01-01")
        & (frame["AssessmentOutcome"] == "H")
        & (frame["StartDate"] < f"{year - 2}-01-01")
    )
    return {
        "historical": frame[historical],
        "issued": frame[issued],
        "no_plan": frame[no_plan],
        "refused": frame[refused],
        "ended": frame[ended],
        "ended_child": frame[ended & (frame["CeaseReason"] == "5") & frame["age"].between(7, 13)],
        "undecided": frame[lonely & (frame["RequestOutcome"] == "A")],
        "withdrawn": frame[lonely & (frame["AssessmentOutcome"] == "W")],
        "two_needs": frame[historical & (frame["needs"] == 2)],
        "one_need": frame[historical & (frame["needs"] == 1)],
        "moved": frame[historical & (frame["past_id"] != "")],
        "two_places": frame[live & (frame["current"] == 2) & (frame["RequestOutcome"] == "H") & reviewed & normal],
        "transferred": frame[placed & (frame["TransferLA"] != "") & (frame["age"] < 25)],
        "overturned": frame[
            lonely
            & live
            & (frame["RequestOutcome"] == "N")
            & (frame["AssessmentOutcome"] == "Y")
            & (frame["current"] == 1)
        ],
    }


def _person_faults(w: _Copy) -> None:
    def person(
        rule: str,
        values: Callable[["pd.Series[Any]"], dict[str, str]],
        kind: str = "historical",
        extra: Any = None,
        **more: str,
    ) -> None:
        with w.attempt(rule):
            row = w.pick(kind, extra)
            w.put(rule, "person", row["person_id"], values(row), **more)

    person("RS2-010", lambda _: {"Surname": ""})
    person("RS2-011", lambda _: {"PersonBirthDate": ""})
    person("RS2-012", lambda _: {"Sex": "X"})
    person("RS2-013", lambda _: {"Ethnicity": "QQQQ"})
    person("RS2-014", lambda _: {"PostCode": "NOT KNOWN"})
    bare = {"UPN": "", "UniqueLearnerNumber": ""}
    person("RS2-015", lambda _: bare)
    person("RS2-016", lambda _: {"UPNunknown": "UN3"})
    person("RS2-017", lambda _: {"UPN": "12345"})
    person("RS2-018", lambda r: {"UPN": misread_upn(r["UPN"])})
    person(
        "RS2-019",
        lambda r: {"UniqueLearnerNumber": misread_uln(r["UniqueLearnerNumber"])},
        extra=lambda p: p["UniqueLearnerNumber"] != "",
    )
    person("RS2-020", lambda r: {"UPN": _temporary(r["UPN"])})
    person("RS2-021", lambda _: bare | {"UPNunknown": "UN4"})
    person("RS2-022", lambda _: bare | {"UPNunknown": "UN1"}, extra=lambda p: p["age"] >= 8)
    person("RS2-023", lambda _: bare | {"UPNunknown": "UN10"})
    person("RS2-024", lambda _: bare | {"UPNunknown": "UN8"})
    with w.attempt("RS2-025"):
        a, b = w.pick("historical"), w.pick("historical")
        w.put("RS2-025", "person", a["person_id"], {"UPN": b["UPN"]})
        w.note("RS2-025", "person", b["person_id"], "UPN", b["UPN"])

    def grown(people: pd.DataFrame) -> Any:
        return people["UniqueLearnerNumber"] != ""

    with w.attempt("RS2-026"):
        a, b = w.pick("historical", grown), w.pick("historical", grown)
        w.put("RS2-026", "person", a["person_id"], {"UniqueLearnerNumber": b["UniqueLearnerNumber"]})
        w.note("RS2-026", "person", b["person_id"], "UniqueLearnerNumber", b["UniqueLearnerNumber"])

    def old(people: pd.DataFrame) -> Any:
        return people["age"].between(21, 24)

    year = int(w.census[:4])
    person("RS2-027", lambda _: {"PersonBirthDate": f"{year - 27}-06-15"}, extra=old)
    person("RS2-028", lambda _: {"PersonBirthDate": f"{year - 26}-06-15"}, extra=old)
    with w.attempt("RS2-029"):
        row = w.pick("historical")
        new = w.add(
            "person",
            row["person_id"],
            {
                "Surname": "Nobodyfold",
                "Forename": "Nemowen",
                "UPN": reissued(row["UPN"]),
                "UniqueLearnerNumber": "",
                "person": -1,
            },
        )
        w.note("RS2-029", "person", new, "Requests", "")


def _temporary(upn: str) -> str:
    body = upn[1:12]
    total = sum(int(digit) * (place + 2) for place, digit in enumerate(body))
    return UPN_LETTERS[total % 23] + body + "A"


def _request_faults(w: _Copy) -> None:
    def request(
        rule: str, kind: str, values: Callable[["pd.Series[Any]"], dict[str, str]], extra: Any = None, **more: str
    ) -> None:
        with w.attempt(rule):
            row = w.pick(kind, extra)
            w.put(rule, "requests", row["requests_id"], values(row), **more)

    year = w.made.year
    request("RS2-040", "refused", lambda _: {"ReceivedDate": ""})
    request("RS2-041", "historical", lambda _: {"ReceivedDate": shifted(w.census, 14)})
    request("RS2-042", "historical", lambda r: {"ReceivedDate": shifted(r["PersonBirthDate"], -10)})
    request("RS2-043", "refused", lambda _: {"RequestOutcome": "Q"})
    request("RS2-044", "refused", lambda _: {"RequestOutcomeDate": ""})
    request("RS2-045", "undecided", lambda r: {"RequestOutcomeDate": shifted(r["ReceivedDate"], 20)})
    request("RS2-046", "refused", lambda r: {"RequestOutcomeDate": shifted(r["ReceivedDate"], -5)})
    if year >= 2025:
        request("RS2-047Q" if year == 2025 else "RS2-047", "refused", lambda _: {"RequestSource": "9"})
    request("RS2-048", "refused", lambda _: {"RYA": "7"})
    request("RS2-049", "no_plan", lambda _: {"RequestOutcome": "A", "RequestOutcomeDate": ""})
    request("RS2-050", "no_plan", lambda _: {"RequestOutcome": "N"})
    request("RS2-051", "refused", lambda _: {"RequestOutcome": "Y"})
    request("RS2-052", "historical", lambda _: {"RequestMediation": "1"})
    request("RS2-053", "no_plan", lambda _: {"Exported": "371"})
    request("RS2-054", "refused", lambda _: {"Exported": w.made.la})
    with w.attempt("RS2-055"):
        row = w.pick("refused")
        new = w.add("requests", row["requests_id"], {"case": -1})
        w.note("RS2-055", "requests", row["requests_id"], "ReceivedDate", row["ReceivedDate"])
        w.note("RS2-055", "requests", new, "ReceivedDate", row["ReceivedDate"])
    request("RS2-056", "historical", lambda _: {"ReceivedDate": f"{year - 1}-03-05"})
    request("RS2-057", "refused", lambda r: {"ReceivedDate": shifted(r["RequestOutcomeDate"], -400)})


def _assessment_faults(w: _Copy) -> None:
    def assessment(
        rule: str, kind: str, values: Callable[["pd.Series[Any]"], dict[str, str]], extra: Any = None, **more: str
    ) -> None:
        with w.attempt(rule):
            row = w.pick(kind, extra)
            w.put(rule, "assessment", row["assessment_id"], values(row), **more)

    year = w.made.year
    assessment("RS2-060", "no_plan", lambda _: {"AssessmentOutcome": "Q"})
    assessment("RS2-061", "no_plan", lambda _: {"AssessmentOutcomeDate": ""})
    assessment("RS2-062", "issued", lambda _: {"AssessmentOutcomeDate": ""})
    assessment("RS2-063", "no_plan", lambda _: {"AssessmentOutcome": "Y"})
    assessment(
        "RS2-064",
        "issued",
        lambda r: {"AssessmentOutcomeDate": shifted(r["AssessmentOutcomeDate"], -3)},
        extra=lambda p: p["AssessmentOutcomeDate"] > f"{year - 1}-02-01",
    )
    assessment(
        "RS2-065",
        "withdrawn",
        lambda _: {"AssessmentOutcomeDate": f"{year - 1}-12-12"},
        extra=lambda p: p["RequestOutcomeDate"] < f"{year - 1}-12-01",
    )
    assessment("RS2-066", "issued", lambda _: {"AssessmentOutcome": "W", "AssessmentOutcomeDate": ""})
    assessment("RS2-067", "issued", lambda _: {"AssessmentOutcome": "N"})
    assessment(
        "RS2-068",
        "no_plan",
        lambda r: {"AssessmentOutcomeDate": shifted(r["RequestOutcomeDate"], -2)},
        extra=lambda p: p["RequestOutcomeDate"] > f"{year - 1}-01-10",
    )
    assessment("RS2-069", "historical", lambda _: {"OtherMediation": "X"})
    assessment("RS2-070", "issued", lambda _: {"Week20": ""})
    with w.attempt("RS2-071"):
        row = w.pick("historical")
        w.drop("namedplan", row["namedplan_id"])
        w.note("RS2-071", "assessment", row["assessment_id"], "NamedPlan", "")
    with w.attempt("RS2-072"):
        row = w.pick("issued")
        w.quiet("activeplans", row["activeplans_id"], {"TransferLA": "371"})
        w.note("RS2-072", "activeplans", row["activeplans_id"], "TransferLA", "371")
        w.note("RS2-167", "namedplan", row["namedplan_id"], "StartDate", row["StartDate"])
    assessment("RS2-073", "no_plan", lambda _: {"AssessmentOutcomeDate": shifted(w.census, 10)})


def _plan_faults(w: _Copy) -> None:
    def plan(
        rule: str, kind: str, values: Callable[["pd.Series[Any]"], dict[str, str]], extra: Any = None, **more: str
    ) -> None:
        with w.attempt(rule):
            row = w.pick(kind, extra)
            w.put(rule, "namedplan", row["namedplan_id"], values(row), **more)

    def detail(rule: str, values: Callable[["pd.Series[Any]"], dict[str, str]], **more: str) -> None:
        with w.attempt(rule):
            row = w.pick("historical")
            w.put(rule, "plandetail", row["plandetail_id"], values(row), **more)

    flow = w.made.year - 1
    plan("RS2-080", "historical", lambda _: {"StartDate": ""})
    plan("RS2-081", "historical", lambda _: {"StartDate": shifted(w.census, 30)}, may="RS2-163")
    with w.attempt("RS2-082"):
        row = w.pick("ended", lambda p: p["CeaseDate"] < f"{flow}-12-20")
        late = shifted(row["CeaseDate"], 5)
        w.last_placement(row, {"LeavingDate": late})
        w.put("RS2-082", "namedplan", row["namedplan_id"], {"StartDate": late}, may="RS2-163")
    plan("RS2-083", "ended", lambda _: {"CeaseReason": ""})
    plan("RS2-084", "ended", lambda _: {"CeaseReason": "12"})
    plan("RS2-085", "historical", lambda _: {"PB": "2"})
    plan("RS2-086", "historical", lambda _: {"DP": "S"})
    with w.attempt("RS2-087"):
        row = w.pick("historical")
        w.drop("plandetail", row["plandetail_id"])
        w.note("RS2-087", "namedplan", row["namedplan_id"], "PlanDetail", "")
    plan("RS2-088", "historical", lambda _: {"PlanRes": "Z"})
    plan("RS2-089", "ended_child", lambda _: {"CeaseReason": "1"})
    plan("RS2-090", "ended_child", lambda _: {"CeaseReason": "6"})
    with w.attempt("RS2-091"):
        row = w.pick("ended")
        w.last_placement(row, {"EntryDate": f"{flow - 1}-09-01"})
        w.put("RS2-091", "namedplan", row["namedplan_id"], {"CeaseDate": f"{flow - 1}-11-05"}, also="RS2-162")
    plan("RS2-092", "historical", lambda _: {"PlanWBP": "S"}, extra=lambda p: p["age"] <= 14)
    blank = {"SENunitIndicator": "", "ResourcedProvisionIndicator": ""}
    detail("RS2-100", lambda _: {"SENSetting": "EHE"})
    detail("RS2-101", lambda _: {"URN": "12345"}, may="RS2-102")
    detail("RS2-102", lambda _: {"URN": "999999"})
    detail("RS2-102U", lambda _: {"URN": "", "UKPRN": UNREGISTERED_UKPRN})
    detail("RS2-103", lambda _: {"URN": "", "SENSetting": "NEET"} | blank)
    detail("RS2-104", lambda _: {"SENSettingOther": "Note in the wrong place"})
    with w.attempt("RS2-105"):
        row = w.pick("historical")
        new = w.add("plandetail", row["plandetail_id"], {})
        w.note("RS2-105", "plandetail", row["plandetail_id"], "PlacementRank", "1")
        w.note("RS2-105", "plandetail", new, "PlacementRank", "1")
    with w.attempt("RS2-106"):
        row = w.pick("historical")
        w.quiet("plandetail", row["plandetail_id"], {"PlacementRank": "2"})
        w.note("RS2-106", "namedplan", row["namedplan_id"], "PlacementRank", "2")
    detail("RS2-107", lambda _: blank)


def _active_faults(w: _Copy) -> None:
    def active(
        rule: str,
        values: Callable[["pd.Series[Any]"], dict[str, str]],
        extra: Any = None,
        kind: str = "historical",
        **more: str,
    ) -> None:
        with w.attempt(rule):
            row = w.pick(kind, extra)
            w.put(rule, "activeplans", row["activeplans_id"], values(row), **more)

    year = w.made.year
    with w.attempt("RS2-110"):
        row = w.pick("historical", lambda p: ~p["school_age"].isin(TRANSFER_YEARS))
        w.drop("activeplans", row["activeplans_id"])
        w.note("RS2-110", "namedplan", row["namedplan_id"], "ActivePlans", "", may="RS2-112;RS2-114;RS2-150")
    with w.attempt("RS2-111"):
        row = w.pick("historical")
        w.quiet("namedplan", row["namedplan_id"], {"CeaseDate": f"{year - 1}-06-10", "CeaseReason": "2"})
        w.note("RS2-111", "activeplans", row["activeplans_id"], "CeaseDate", f"{year - 1}-06-10")
    with w.attempt("RS2-112"):
        row = w.pick("historical", lambda p: p["StartDate"] < f"{year - 2}-01-01")
        w.quiet("placementdetail", row["place_placementdetail_id"], {"LeavingDate": f"{year - 1}-12-20"})
        w.note("RS2-112", "activeplans", row["activeplans_id"], "LeavingDate", f"{year - 1}-12-20")
    with w.attempt("RS2-112Q"):
        row = w.pick("transferred", lambda p: p["StartDate"] < f"{year - 1}-12-01")
        w.quiet("placementdetail", row["place_placementdetail_id"], {"LeavingDate": f"{year - 1}-12-20"})
        w.note("RS2-112Q", "activeplans", row["activeplans_id"], "LeavingDate", f"{year - 1}-12-20")
    active("RS2-113", lambda _: {"TransferLA": w.made.la}, kind="transferred")
    if year >= 2025:
        active("RS2-114", lambda _: {"ReviewMeeting": "", "LastReview": "", "ReviewOutcome": ""})
    active("RS2-115", lambda r: {"LastReview": shifted(r["ReviewMeeting"], -3)})
    active("RS2-116", lambda r: {"LastReview": r["ReviewMeeting"]})
    active("RS2-117", lambda _: {"ReviewOutcome": "Z"})
    if year >= 2025:
        active("RS2-118", lambda _: {"ReviewOutcome": ""})
        active("RS2-119", lambda r: {"ReviewDraft": shifted(r["LastReview"], 5)})
        active(
            "RS2-121",
            lambda _: {"PhaseTransferDueDate": "", "PhaseTransferFinalDate": ""},
            extra=lambda p: p["school_age"] == 10,
        )
        active(
            "RS2-122",
            lambda _: {"PhaseTransferFinalDate": f"{year - 1}-12-02", "PhaseTransferDueDate": ""},
            extra=lambda p: p["school_age"] == 12,
        )
        active("RS2-123", lambda _: {"PhaseTransferDueDate": f"{year}-05-01"}, extra=lambda p: p["school_age"] == 10)


def _placement_faults(w: _Copy) -> None:
    def place(
        rule: str,
        values: Callable[["pd.Series[Any]"], dict[str, str]],
        extra: Any = None,
        kind: str = "historical",
        **more: str,
    ) -> None:
        with w.attempt(rule):
            row = w.pick(kind, extra)
            w.put(rule, "placementdetail", row["place_placementdetail_id"], values(row), **more)

    blank = {"SENunitIndicator": "", "ResourcedProvisionIndicator": ""}
    register = w.schools.set_index("URN")
    closed = register.index[register["EstablishmentStatus (name)"] == "Closed"][0]
    university = register.index[register["TypeOfEstablishment (name)"] == "Higher education institutions"][0]
    without = set(register.index[register["TypeOfResourcedProvision (name)"] == "Not applicable"])
    place("RS2-130", lambda r: {"UKPRN": str(register.loc[r["place_URN"], "UKPRN"])})
    place("RS2-131", lambda _: {"URN": "", "SENSetting": "XXX"} | blank)
    place("RS2-132", lambda _: {"URN": "12"}, may="RS2-133")
    place("RS2-133", lambda _: {"URN": closed})
    place("RS2-133U", lambda _: {"URN": "", "UKPRN": UNREGISTERED_UKPRN})
    place("RS2-134", lambda _: {"URN": university})
    place("RS2-135", lambda _: {"EntryDate": ""})
    with w.attempt("RS2-136"):
        row = w.pick("moved")
        w.put("RS2-136", "placementdetail", row["past_id"], {"EntryDate": f"{w.made.year - 1}-08-01"})
    with w.attempt("RS2-137"):
        row = w.pick("two_places")
        rows = w.tables["placementdetail"]
        theirs = (rows["activeplans_id"] == int(row["activeplans_id"])) & (rows["LeavingDate"] == "")
        for record in rows.loc[theirs, "placementdetail_id"]:
            w.put("RS2-137", "placementdetail", record, {"PlacementRank": "1"})
    place("RS2-138", lambda _: {"PlacementRank": "2"})
    place("RS2-139", lambda _: {"URN": "", "SENSetting": "NEET"} | blank, extra=lambda p: p["age"] <= 14)
    place("RS2-140", lambda _: blank)
    place("RS2-141", lambda _: {"SENunitIndicator": "1"}, extra=lambda p: p["place_URN"].isin(without))
    if w.made.year > 2023:
        place("RS2-142", lambda _: {"Res": "Z"})
    place("RS2-144", lambda _: {"SENSettingOther": "Note in the wrong place"})
    with w.attempt("RS2-145"):
        row = w.pick("historical")
        w.quiet("namedplan", row["namedplan_id"], {"CeaseDate": f"{w.made.year - 1}-06-10", "CeaseReason": "2"})
        record = row["place_placementdetail_id"]
        w.put("RS2-145", "placementdetail", record, {"EntryDate": f"{w.made.year - 1}-11-15"})
        w.note("RS2-111", "activeplans", row["activeplans_id"], "CeaseDate", f"{w.made.year - 1}-06-10")


def _need_faults(w: _Copy) -> None:
    def need(rule: str, kind: str, rank: str, values: dict[str, str]) -> None:
        with w.attempt(rule):
            row = w.pick(kind)
            table = w.tables["senneed"]
            own = (table["activeplans_id"] == int(row["activeplans_id"])) & (table["SENtypeRank"] == rank)
            w.put(rule, "senneed", table.loc[own, "senneed_id"].iloc[0], values)

    with w.attempt("RS2-150"):
        row = w.pick("one_need")
        table = w.tables["senneed"]
        w.drop("senneed", table.loc[table["activeplans_id"] == int(row["activeplans_id"]), "senneed_id"].iloc[0])
        w.note("RS2-150", "activeplans", row["activeplans_id"], "SENneed", "")
    need("RS2-151", "one_need", "1", {"SENtype": "NSA"})
    need("RS2-152", "two_needs", "2", {"SENtypeRank": "5"})
    with w.attempt("RS2-153"):
        row = w.pick("two_needs")
        table = w.tables["senneed"]
        second = table[(table["activeplans_id"] == int(row["activeplans_id"])) & (table["SENtypeRank"] == "2")][
            "senneed_id"
        ].iloc[0]
        w.add("senneed", second, {"SENtype": "MSI"})
        w.note("RS2-153", "activeplans", row["activeplans_id"], "SENneed", "3")
    need("RS2-154", "one_need", "1", {"SENtypeRank": "2"})
    with w.attempt("RS2-155"):
        row = w.pick("two_needs")
        table = w.tables["senneed"]
        own = table[table["activeplans_id"] == int(row["activeplans_id"])].set_index("SENtypeRank")
        w.put("RS2-155", "senneed", own.loc["2", "senneed_id"], {"SENtype": str(own.loc["1", "SENtype"])})
        w.note("RS2-155", "senneed", own.loc["1", "senneed_id"], "SENtype", str(own.loc["1", "SENtype"]))


def _cross_faults(w: _Copy) -> None:
    with w.attempt("RS2-160"):
        row = w.pick("historical", lambda p: ~p["school_age"].isin(TRANSFER_YEARS))
        model = w.pick("one_need")
        request = w.add(
            "requests", model["requests_id"], {"person_id": int(row["person_id"]), "ReceivedDate": "", "case": -1}
        )
        assessment = w.add("assessment", model["assessment_id"], {"requests_id": request})
        plan = w.add("namedplan", model["namedplan_id"], {"assessment_id": assessment})
        w.add("plandetail", model["plandetail_id"], {"namedplan_id": plan})
        active = w.add("activeplans", model["activeplans_id"], {"requests_id": request})
        w.add("placementdetail", model["place_placementdetail_id"], {"activeplans_id": active})
        needs = w.tables["senneed"]
        w.add(
            "senneed",
            needs.loc[needs["activeplans_id"] == int(model["activeplans_id"]), "senneed_id"].iloc[0],
            {"activeplans_id": active},
        )
        w.note("RS2-160", "namedplan", plan, "StartDate", model["StartDate"])
        w.note("RS2-160", "namedplan", row["namedplan_id"], "StartDate", row["StartDate"])
    if w.previous is None:
        alone = "needs the return of the year before, which is not among those invented"
        w.missed |= {rule: alone for rule, needed in NEEDS.items() if needed == "the previous return"}
        return
    flow = w.made.year - 1
    with w.attempt("RS2-161"):
        row = w.pick("historical")
        w.note("RS2-161", "person", row["person_id"], "Person", "left out of this return")
        w.drop("person", row["person_id"])
    with w.attempt("RS2-162"):
        row = w.pick("ended", lambda p: p["person"].isin(_live_before(w)))
        w.last_placement(row, {"EntryDate": f"{flow - 1}-09-01"})
        w.put("RS2-162", "namedplan", row["namedplan_id"], {"CeaseDate": f"{flow}-01-08"})
    with w.attempt("RS2-163"):
        row = w.pick("historical")
        w.put("RS2-163", "namedplan", row["namedplan_id"], {"StartDate": f"{flow}-05-05"})
    with w.attempt("RS2-166"):
        row = w.pick("historical")
        w.quiet(
            "assessment",
            row["assessment_id"],
            {"AssessmentOutcome": "Y", "AssessmentOutcomeDate": f"{flow}-06-03", "Week20": "0"},
        )
        w.note("RS2-166", "assessment", row["assessment_id"], "AssessmentOutcome", "Y")
        w.note("RS2-064", "assessment", row["assessment_id"], "AssessmentOutcomeDate", f"{flow}-06-03")
    with w.attempt("RS2-164"):
        row = w.pick(
            "overturned", lambda p: p["person"].isin(_refused_before(w)) & (p["ReceivedDate"] < f"{flow}-01-01")
        )
        w.put("RS2-164", "requests", row["requests_id"], {"RequestOutcome": "Y"})


def _live_before(w: _Copy) -> set[int]:
    assert w.previous is not None
    tables = w.previous.tables
    frame = (
        tables["namedplan"][tables["namedplan"]["CeaseDate"] == ""]
        .merge(tables["assessment"], on="assessment_id")
        .merge(tables["requests"], on="requests_id")
    )
    return set(frame.merge(tables["person"][["person_id", "person"]], on="person_id")["person"])


def _refused_before(w: _Copy) -> set[int]:
    assert w.previous is not None
    tables = w.previous.tables
    refused = tables["requests"][tables["requests"]["RequestOutcome"] == "N"]
    return set(refused.merge(tables["person"][["person_id", "person"]], on="person_id")["person"])


def _header(name: str, value: str) -> Callable[[_Copy, str], None]:
    """A header that says something wrong."""

    def plant(w: _Copy, rule: str) -> None:
        w.made = replace(w.made, header=w.made.header | {name: value})
        w.note(rule, "sen2", 1, name, value)

    return plant


def _sent_again(w: _Copy, rule: str) -> None:
    """A second sending, in a file that is named after the year before."""
    w.made = replace(w.made, header=w.made.header | {"SerialNo": "2"})
    w.note(rule, "sen2", 1, "Year", str(w.made.year))


def _records(
    table: str,
    kind: str,
    number: int,
    values: dict[str, str],
    extra: Callable[[pd.DataFrame], Any] | None = None,
    *,
    share: bool = True,
) -> Callable[[_Copy, str], None]:
    """Change `number` records: of themselves sound, and wrong as a share of the return; else each wrong by itself."""
    identity = "place_placementdetail_id" if table == "placementdetail" else f"{table}_id"

    def plant(w: _Copy, rule: str) -> None:
        for _ in range(number):
            row = w.pick(kind, extra)
            w.quiet(table, row[identity], values)
            if not share:
                w.note(rule, table, row[identity], ";".join(values), ";".join(values.values()))
        if share:
            w.note(rule, table, 0, ";".join(values), ";".join(values.values()))

    return plant


def _without_need(w: _Copy, rule: str) -> None:
    row = w.pick("one_need")
    needs = w.tables["senneed"]
    w.drop("senneed", needs.loc[needs["activeplans_id"] == int(row["activeplans_id"]), "senneed_id"].iloc[0])
    w.note(rule, "namedplan", 0, "SENneed", "")
    w.note("RS2-150", "activeplans", row["activeplans_id"], "SENneed", "")


def _one_field_for_both(w: _Copy, rule: str) -> None:
    row = w.pick("historical")
    w.quiet("namedplan", row["namedplan_id"], {"PB": "1"})
    w.tables["namedplan"]["OA"] = w.tables["namedplan"]["PB"]
    w.note(rule, "namedplan", 0, "OA", "as PB")


SMALL: dict[str, tuple[int | None, Callable[[_Copy, str], None]]] = {
    "RS2-001": (None, _header("Collection", "SCHCENSUS")),
    "RS2-002": (None, _header("SourceLevel", "S")),
    "RS2-003": (None, _header("LEA", "999")),
    "RS2-004": (None, lambda w, rule: _header("ReferenceDate", shifted(w.census, 7))(w, rule)),
    "RS2-005": (None, _header("DMO", "X")),
    "RS2-006": (2026, _header("DSCO", "X")),
    "RS2-006Q": (2025, _header("DSCO", "X")),
    "RS2-007": (None, _sent_again),
    "RS2-030": (
        None,
        _records("person", "historical", 4, {"UPN": "", "UniqueLearnerNumber": "", "UPNunknown": "UN3"}),
    ),
    "RS2-047": (2026, _records("requests", "refused", 1, {"RequestSource": ""}, share=False)),
    "RS2-120": (
        2026,
        _records(
            "activeplans",
            "historical",
            1,
            {"ReviewOutcome": "A"},
            lambda p: p["LastReview"] < shifted(CENSUS_DAYS[2026], -40),
            share=False,
        ),
    ),
    "RS2-142A": (2023, _records("activeplans", "historical", 1, {"Res": "Z"}, share=False)),
    "RS2-143": (2023, _records("placementdetail", "historical", 1, {"AttendancePattern": "ZZ"}, share=False)),
    "RS2-170": (2025, _records("requests", "refused", 4, {"RequestSource": "5"})),
    "RS2-171": (None, _records("namedplan", "ended", 2, {"CeaseReason": "9"})),
    "RS2-172": (
        None,
        _records(
            "placementdetail",
            "historical",
            2,
            {
                "URN": "",
                "SENSetting": "OTH",
                "SENSettingOther": "Interim package",
                "SENunitIndicator": "",
                "ResourcedProvisionIndicator": "",
            },
        ),
    ),
    "RS2-173": (None, _records("assessment", "issued", 6, {"Week20": "1"})),
    "RS2-175": (None, _without_need),
    "RS2-176": (None, _records("person", "historical", 4, {"Ethnicity": "NOBT"})),
    "RS2-177": (None, _one_field_for_both),
}
"""Rule -> the year whose return it needs (None: the return that is spoilt), and how it is broken in a small file."""


def plant_faults(made: dict[int, Return], out: Path, register: pd.DataFrame, shapes: Collection[str] = SHAPES) -> int:
    """Write spoilt copies of the returns and the key to them. Returns the number of lines in the key.

    Below `out`: `sen2_faulty/<year>/<shape>/`, one return (2025 where there is one, else the latest) spoilt in every way that a
    record can be; `sen2_faulty/<rule>/`, a small XML file that breaks one rule; `sen2_faulty/sample_<year>/`, the same people
    without a fault; `answer_key.csv`, a line for each place where a rule is broken; `answer_key_not_planted.csv`, the rules left out,
    each with its reason.

    The key's `row` is the 1-based row of the record in its table, 0 where the fault is the whole return's or the
    record is missing. `needs` says what else than the return the rule is judged by.
    """
    year = 2025 if 2025 in made else max(made)
    whole = _Copy(made[year], register, made.get(year - 1), rng=np.random.default_rng(7))
    for plant in (
        _person_faults,
        _request_faults,
        _assessment_faults,
        _plan_faults,
        _active_faults,
        _placement_faults,
        _need_faults,
        _cross_faults,
    ):
        plant(whole)
    spoilt = _ordered(whole)
    write_shapes(spoilt, out / "sen2_faulty" / str(year), shapes)
    keys = [_key(whole, spoilt, str(year))]
    missed = NOT_PLANTED | whole.missed
    samples: dict[int, Return] = {}
    for rule, (needed, small_plant) in SMALL.items():
        at = needed or year
        if at not in made:
            missed[rule] = f"needs the return of {at}, which is not among those invented"
            continue
        if at not in samples:
            samples[at] = _sample(made[at], register)
            write_xml(samples[at], out / "sen2_faulty" / f"sample_{at}" / f"{made[at].la}_SEN2_{at}.xml")
        small = _Copy(samples[at], register, None, rng=np.random.default_rng(7))
        with small.attempt(rule):
            small_plant(small, rule)
            spoilt = _ordered(small)
            named = at - 1 if rule == "RS2-007" else at
            write_xml(spoilt, out / "sen2_faulty" / rule / f"{made[at].la}_SEN2_{named}.xml")
            keys.append(_key(small, spoilt, rule))
        missed |= small.missed
    key = pd.concat(keys, ignore_index=True)
    columns = [
        "return",
        "rule_id",
        "table",
        "row",
        "record_id",
        "field",
        "value",
        "also_breaks",
        "may_also_break",
        "needs",
    ]
    key[columns].to_csv(out / "answer_key.csv", index=False)
    planted = set(key["rule_id"])
    left_out = [(rule, reason) for rule, reason in sorted(missed.items()) if rule not in planted]
    pd.DataFrame(left_out, columns=["rule_id", "reason"]).to_csv(out / "answer_key_not_planted.csv", index=False)
    return len(key)


def _sample(made: Return, register: pd.DataFrame) -> Return:
    """A few people of a return who break no rule and no share: the small files are of them."""
    kinds = _Copy(made, register, None, rng=np.random.default_rng(7)).kinds
    people: list[int] = []
    for kind, number in SAMPLE.items():
        rows = kinds[kind]
        usual = (rows["RequestSource"] != "5") & (rows["Week20"] != "1") & (rows["CeaseReason"] != "9")
        people += rows.loc[usual & (rows["Ethnicity"] != "NOBT"), "person_id"].head(number).astype(int).tolist()
    person = made.tables["person"]
    kept = {"person": person[person["person_id"].isin(people)].reset_index(drop=True)}
    for table in TABLES[1:]:
        parent, frame = PARENTS[table], made.tables[table]
        kept[table] = frame[frame[f"{parent}_id"].isin(kept[parent][f"{parent}_id"])].reset_index(drop=True)
    return replace(made, tables=kept)


def _ordered(work: _Copy) -> Return:
    return replace(work.made, tables=work.ordered(list(TABLES)))


def _key(work: _Copy, spoilt: Return, folder: str) -> pd.DataFrame:
    key = pd.DataFrame(work.key)
    key.insert(0, "return", f"sen2_faulty/{folder}")
    places = zip(key["table"], key["record_id"], strict=True)
    key["row"] = [1 if table == "sen2" else row_of(spoilt.tables[table], table, record) for table, record in places]
    key["needs"] = key["rule_id"].map(NEEDS).fillna("")
    return key
