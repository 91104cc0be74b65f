"""Faults planted in copies of the lists, each with its line in the answer key.

One whole list is spoilt in every way that a row can be; every victim is a child with one request, whose row breaks no rule, and is
used once. What a cover, a header or a share of a whole list breaks is planted in a small list of its own, beside the same
small list without the fault. A rule that cannot be broken without breaking another has a line for the other too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.synthetic.identity import UPN_LETTERS
from orchestration.synthetic.therapy.lines import BANDS, RFR
from orchestration.synthetic.therapy.write import Delivery, write_csv, write_xlsx

REFERRALS, APPOINTMENTS, COVER, DECLARED = "referrals", "appointments", "cover", "declared"
SPOILT = "2025-03-31"
"""Day of the list that is spoilt; the rules about two lists are broken in the one of a month later."""
AFTER = "2025-04-30"

NOT_PLANTED = {
    "RTW-024": "a list of invented children holds such numbers and no others, by which it is known",
    "RTW-026": "a list of invented children holds no number outside its own range; RTW-025 is planted",
    "RTW-036": "one provider's list cannot show it: therapy_known_cases.csv names the children whom the two write differently",
    "RTW-100": "happens in the clean lists: see therapy_known_cases.csv",
    "RTW-101": "happens in the clean lists: see therapy_known_cases.csv",
    "RTW-102": "happens in the clean lists: see therapy_known_cases.csv",
    "RTW-103": "happens in the clean lists: see therapy_known_cases.csv",
    "RTW-104": "no list can break it: it guards the count that is made of them",
}
"""Rules left out of the answer key, and why."""

NEEDS = {
    "RTW-008": "an accepted list of the same provider and month",
    "RTW-012": "the list of the month before",
    "RTW-025": "a store of invented children",
    "RTW-105": "the list of the month before",
    "RTW-106": "the lists of the three months before",
}
"""Rules that cannot be judged from the list alone, and what else it takes."""

SAMPLE = 80
"""Requests in a small list."""


class _NoVictim(LookupError):
    """The list holds no unused row of the kind: one sentence."""


@dataclass
class _Copy:
    """The list being spoilt: its parts as text, who has been used, the key so far."""

    cover: dict[str, str]
    referrals: pd.DataFrame
    appointments: pd.DataFrame
    rng: np.random.Generator
    declared: pd.DataFrame | None = None
    used: set[str] = field(default_factory=set)
    key: list[dict[str, str]] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, pd.DataFrame] = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = _kinds(self.referrals, self.appointments)

    @property
    def snapshot(self) -> str:
        return self.cover["snapshot_date"]

    def pick(self, kind: str, extra: Callable[[pd.DataFrame], Any] | None = None) -> "pd.Series[Any]":
        """One unused row of a kind."""
        pool = self.kinds[kind]
        pool = pool[~pool["service_request_id"].isin(self.used)]
        if extra is not None:
            pool = pool[np.asarray(extra(pool), dtype=bool)]
        if pool.empty:
            raise _NoVictim(f"the list has no unused request of the kind {kind}")
        row = pool.iloc[int(self.rng.integers(len(pool)))]
        self.used.add(str(row["service_request_id"]))
        return row

    def contact(self, row: "pd.Series[Any]") -> str:
        """The id of the last contact of a request."""
        mine = self.appointments[self.appointments["service_request_id"] == row["service_request_id"]]
        mine = mine[mine["contact_date"] <= self.snapshot].sort_values(["contact_date", "care_contact_id"])
        return str(mine["care_contact_id"].iloc[-1])

    @contextmanager
    def attempt(self, rule: str) -> Iterator[None]:
        """Plant a rule's fault, or note that the list has no row for it."""
        try:
            yield
        except _NoVictim as missing:
            self.missed[rule] = str(missing)

    def one(
        self,
        rule: str,
        values: Callable[["pd.Series[Any]"], dict[str, str]],
        kind: str = "waiting",
        also: tuple[str, ...] = (),
        extra: Callable[[pd.DataFrame], Any] | None = None,
    ) -> None:
        """Overwrite fields of the row of one victim, by what the row holds."""
        with self.attempt(rule):
            row = self.pick(kind, extra)
            self.put(rule, row["service_request_id"], values(row), also)

    def quiet(self, identity: str, values: dict[str, str]) -> None:
        """Overwrite fields of one request or contact."""
        frame, name = self._of(identity)
        for column, value in values.items():
            frame.loc[frame[name] == identity, column] = value

    def _of(self, identity: str) -> tuple[pd.DataFrame, str]:
        if "-CC-" in identity:
            return self.appointments, "care_contact_id"
        return self.referrals, "service_request_id"

    def put(self, rule: str, identity: Any, values: dict[str, str], also: tuple[str, ...] = ()) -> None:
        """Overwrite fields and note it in the key, for the rules that break with it as well."""
        self.quiet(str(identity), values)
        for one in (rule, *also):
            self.note(one, str(identity), values)

    def note(self, rule: str, identity: str, values: dict[str, str]) -> None:
        """A line of the key about a request or contact."""
        table = APPOINTMENTS if "-CC-" in identity else REFERRALS
        self.key.append(
            {
                "rule_id": rule,
                "table": table,
                "id": identity,
                "field": ";".join(values),
                "value": ";".join(values.values()),
            }
        )

    def whole(self, rule: str, table: str, fields: str, value: str) -> None:
        """A line of the key about the delivery."""
        self.key.append({"rule_id": rule, "table": table, "id": "", "field": fields, "value": value})

    def declare(self, rule: str, row: int, values: dict[str, str]) -> None:
        """Declare children of other authorities in every band of one line, with one row (from 1) that is wrong."""
        sound = dict.fromkeys(("total", *BANDS), "2") | {"total": str(2 * len(BANDS))}
        self.declared = pd.DataFrame(
            {
                "snapshot_date": self.snapshot,
                "provider_ods": self.cover["provider_ods"],
                "service_line": "SLT",
                "waiting_band": list(sound),
                "children_of_other_authorities": list(sound.values()),
            },
            dtype=object,
        )
        for column, value in values.items():
            self.declared.loc[row - 1, column] = value
        self.whole(rule, DECLARED, ";".join(values), ";".join(values.values()))

    def add(self, like: Any, values: dict[str, str]) -> None:
        """A copy of a request's row at the end, with changes."""
        row = self.referrals[self.referrals["service_request_id"] == like].head(1).assign(**values)
        self.referrals = pd.concat([self.referrals, row], ignore_index=True)

    def recount(self) -> None:
        """Let the cover count what there is."""
        self.cover |= {"referral_rows": str(len(self.referrals)), "appointment_rows": str(len(self.appointments))}


def _begun(on: str) -> dict[str, str]:
    """A request received, and its clock started, on that day."""
    return dict.fromkeys(("referral_received_date", "clock_start_date"), on)


def _shift(text: str, days: int) -> str:
    return str(np.datetime64(text, "D") + np.timedelta64(days, "D"))


def _years(earlier: "pd.Series[Any]", later: "pd.Series[Any]") -> "pd.Series[Any]":
    return (pd.to_datetime(later) - pd.to_datetime(earlier)).dt.days / 365.25


def _kinds(r: pd.DataFrame, a: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Requests of children with one request, whose rows break no rule, by kind."""
    snapshot = r["snapshot_date"].iloc[0]
    past = a[a["contact_date"] <= snapshot]
    ids = r["service_request_id"]
    number = ids.map(past["service_request_id"].value_counts()).fillna(0)
    future = ids.isin(a.loc[a["contact_date"] > snapshot, "service_request_id"])
    last = past.sort_values(["contact_date", "care_contact_id"]).drop_duplicates("service_request_id", keep="last")
    last = last.set_index("service_request_id")
    frame = r.assign(contacts=number, last_status=ids.map(last["attendance_status"]).fillna(""))
    frame["last_type"] = ids.map(last["consultation_type"]).fillna("")
    frame["age"] = _years(r["date_of_birth"], r["referral_received_date"])
    alone = ~r["local_patient_id"].duplicated(keep=False) & ~r["nhs_number"].duplicated(keep=False)
    known = (
        (r["nhs_number"] != "") & (r["nhs_number_status"] == "01") & (r["residence_la"].mode()[0] == r["residence_la"])
    )
    sound = (
        alone
        & known
        & ~future
        & ((r["clock_start_date"] == r["referral_received_date"]) | (r["clock_start_date"] == ""))
    )
    sound &= ~r["rtt_status"].isin(["11", "31", "32", "91", "34"]) & frame["age"].between(1, 17)
    core = sound & (r["referral_purpose"] == "CORE")
    plain = core & (r["service_line"] != "NEURODEV")
    opened = r["declared_status"] == "OPEN"
    lately = r["referral_received_date"] > _shift(snapshot, -600)
    waits = plain & opened & (r["first_attended_contact_date"] == "") & (number == 0) & lately
    seen = r["first_attended_contact_date"] != ""
    done = r["service_discharge_date"] != ""
    return {
        "waiting": frame[waits],
        "treated": frame[plain & opened & seen & (r["clock_stop_date"] != "") & (number >= 2)],
        "once": frame[plain & opened & seen & (number == 1)],
        "discharged": frame[plain & done & seen],
        "missed_later": frame[
            plain & (opened | done) & seen & frame["last_status"].isin(["2", "4"]) & (frame["last_type"] == "02")
        ],
        "rejected": frame[plain & (r["declared_status"] == "REJECTED")],
        "nullified": frame[plain & (r["rtt_status"] == "33")],
        "nd_waiting": frame[core & opened & (r["nd_pathway"] != "") & ~seen & (number == 0)],
        "nd_done": frame[core & (r["assessment_outcome_date"] != "") & (r["first_attended_contact_date"] != "")],
        "advice": frame[sound & (r["referral_purpose"] == "EHC_ADVICE")],
        "with_upn": frame[waits & (r["upn"] != "")],
        "coming": frame[alone & known & future & opened & (r["referral_purpose"] == "CORE")],
    }


def _person_faults(w: _Copy) -> None:
    one = w.one
    one("RTW-020", lambda r: {"nhs_number": r["nhs_number"][:9]})
    one("RTW-021", lambda r: {"nhs_number": r["nhs_number"][:9] + str((int(r["nhs_number"][9]) + 1) % 10)})
    one("RTW-022", lambda _: {"nhs_number_status": "02"})
    one("RTW-023", lambda _: {"nhs_number": ""}, also=("RTW-022",))
    one("RTW-027", lambda _: {"date_of_birth": ""})
    one("RTW-027", lambda r: {"date_of_birth": _shift(r["referral_received_date"], 10)})
    one("RTW-028", lambda r: {"date_of_birth": _shift(r["referral_received_date"], -27 * 366)})
    one("RTW-029", lambda r: {"date_of_birth": _shift(r["referral_received_date"], -2500)}, "nd_waiting")
    one("RTW-030", lambda _: {"surname": ""})
    one("RTW-030", lambda _: {"forename": ""})
    one("RTW-031", lambda _: {"sex": "Q"})
    one("RTW-032", lambda _: {"postcode": ""})
    one("RTW-032", lambda _: {"postcode": "UNKNOWN"})
    away = {"residence_la": "E08000019", "gp_practice_ods": "", "school_urn": "", "postcode": "YR90 1AB"}
    one("RTW-033", lambda _: away)
    letter = dict(zip(UPN_LETTERS, UPN_LETTERS[1:] + UPN_LETTERS[0], strict=True))
    one("RTW-034", lambda r: {"upn": letter[r["upn"][0]] + r["upn"][1:]}, "with_upn")
    with w.attempt("RTW-035"):
        a = w.pick("waiting", lambda p: p["service_line"] == "SLT")
        b = w.pick("discharged", lambda p: p["service_line"] == "OT")
        w.put("RTW-035", b["service_request_id"], {"local_patient_id": a["local_patient_id"]})
        w.note("RTW-035", a["service_request_id"], {"local_patient_id": a["local_patient_id"]})
    with w.attempt("RTW-035"):
        a = w.pick("waiting", lambda p: p["service_line"] == "SLT")
        b = w.pick("discharged", lambda p: p["service_line"] == "OT")
        w.put("RTW-035", b["service_request_id"], {"nhs_number": a["nhs_number"]})
        w.note("RTW-035", a["service_request_id"], {"nhs_number": a["nhs_number"]})


def _referral_faults(w: _Copy) -> None:
    one = w.one
    with w.attempt("RTW-040"):
        row = w.pick("rejected")
        w.add(row["service_request_id"], {})
        w.note("RTW-040", row["service_request_id"], {"service_request_id": row["service_request_id"]})
    one("RTW-041", lambda _: {"service_line": "DIET"})
    one(
        "RTW-042",
        lambda _: {"service_line": "CAMHS", "team_type_code": ""},
        extra=lambda p: p["age"].between(8, 15) & (p["sitrep_counted"] != "Y"),
        kind="discharged",
    )
    one("RTW-043", lambda _: {"team_type_code": "33"}, extra=lambda p: p["service_line"] == "OT")
    one("RTW-044", lambda _: {"referral_received_date": ""})
    one("RTW-044", lambda r: _begun(_shift(r["snapshot_date"], 5)), also=("RTW-061",))
    one(
        "RTW-045",
        lambda _: _begun("2014-02-10"),
        "discharged",
        extra=lambda p: p["date_of_birth"].between("2008-01-01", "2011-06-30"),
    )
    one("RTW-046", lambda _: {"referral_purpose": "REVIEW"})
    one("RTW-047", lambda _: {"priority": "9"})
    one("RTW-049", lambda _: {"source_of_referral": "NURSERY"})
    one("RTW-050", lambda _: {"nd_question": ""}, "nd_waiting")
    one("RTW-050", lambda _: {"nd_question": "AUTISM"})
    with w.attempt("RTW-051"):
        row = w.pick("waiting", lambda p: p["referral_received_date"] < _shift(w.snapshot, -20))
        new, since = "RFR-SR-9000001", _shift(row["referral_received_date"], 3)
        w.add(
            row["service_request_id"],
            {"service_request_id": new, "referral_received_date": since, "clock_start_date": since},
        )
        for identity in (new, row["service_request_id"]):
            w.note("RTW-051", identity, {"service_request_id": new})
    one("RTW-052", lambda _: {"source_of_referral": "SCHOOL"}, "advice")


def _clock_faults(w: _Copy) -> None:
    one = w.one
    one("RTW-060", lambda _: {"clock_start_date": ""})
    one("RTW-061", lambda r: {"clock_stop_date": _shift(r["clock_start_date"], -5)}, "treated")
    one("RTW-062", lambda r: {"clock_start_date": _shift(r["referral_received_date"], -4)})
    one("RTW-063", lambda _: {"declared_status": "OPEN"}, "discharged")
    one("RTW-064", lambda _: {"referral_rejection_reason": ""}, "rejected")
    one("RTW-065", lambda _: {"referral_closure_reason": ""}, "discharged")
    sent_back = {"referral_rejection_reason": "NOT_ELIGIBLE", "declared_status": "REJECTED"}
    one("RTW-066", lambda r: sent_back | {"referral_rejection_date": r["snapshot_date"]}, "treated")
    one("RTW-067", lambda _: {"rtt_status": "55"})
    one("RTW-068", lambda _: {"rtt_status": "20"}, "treated")
    one("RTW-068", lambda _: {"rtt_status": "30"})
    with w.attempt("RTW-069"):
        row = w.pick("missed_later", lambda p: p["clock_stop_date"] != "")
        contact = w.contact(row)
        w.quiet(contact, {"attendance_status": "3", "cancellation_date": "", "notified": "Y"})
        w.put("RTW-069", row["service_request_id"], {"rtt_status": "33"})
    with w.attempt("RTW-070"):
        row = w.pick("nullified", lambda p: p["contacts"] == 1)
        w.quiet(w.contact(row), {"notified": "N"})
        w.note("RTW-070", row["service_request_id"], {"notified": "N"})
    one(
        "RTW-071",
        lambda r: _begun(_shift(r["snapshot_date"], -760)),
        extra=lambda p: p["age"].between(6, 12) & (p["rtt_status"] == "20"),
    )
    with w.attempt("RTW-072"):
        row = w.pick("waiting")
        end = row["snapshot_date"]
        ended = dict.fromkeys(("referral_closure_date", "service_discharge_date", "clock_stop_date"), end)
        how = {"referral_closure_reason": "COMPLETED", "declared_status": "DISCHARGED", "rtt_status": "34"}
        w.put("RTW-072", row["service_request_id"], ended | how | {"sitrep_counted": "N"})
    one("RTW-073", lambda r: {"assessment_outcome_date": _shift(r["first_attended_contact_date"], -3)}, "nd_done")
    one("RTW-073", lambda r: {"assessment_outcome_date": r["snapshot_date"]}, "treated")


def _contact_faults(w: _Copy) -> None:
    def missed(rule: str, values: Callable[["pd.Series[Any]"], dict[str, str]]) -> None:
        """Change the last contact of a request, which came to nothing."""
        with w.attempt(rule):
            row = w.pick("missed_later")
            w.put(rule, w.contact(row), values(row))

    missed("RTW-080", lambda _: {"service_request_id": "RFR-SR-9999999"})
    with w.attempt("RTW-081"):
        a, b = w.contact(w.pick("missed_later")), w.contact(w.pick("missed_later"))
        w.appointments.loc[w.appointments["care_contact_id"] == b, "care_contact_id"] = a
        w.note("RTW-081", a, {"care_contact_id": a})
    missed("RTW-082", lambda r: {"contact_date": _shift(r["referral_received_date"], -2), "cancellation_date": ""})
    missed("RTW-083", lambda _: {"attendance_status": "9"})
    missed("RTW-084", lambda _: {"attendance_status": "", "cancellation_date": ""})
    with w.attempt("RTW-085"):
        row = w.pick("coming")
        all_of = w.appointments
        coming = all_of[
            (all_of["service_request_id"] == row["service_request_id"]) & (all_of["contact_date"] > w.snapshot)
        ]
        w.put("RTW-085", coming["care_contact_id"].iloc[0], {"attendance_status": "3", "notified": "Y"})
    with w.attempt("RTW-086"):
        row = w.pick(
            "once",
            lambda p: (
                (p["first_attended_contact_date"] < _shift(w.snapshot, -10))
                & (p["referral_received_date"] >= w.cover["period_start"])
            ),
        )
        day = _shift(row["first_attended_contact_date"], 1)
        w.put("RTW-086", row["service_request_id"], {"first_attended_contact_date": day})
    with w.attempt("RTW-087"):
        row = w.pick("once", lambda p: p["referral_received_date"] >= w.cover["period_start"])
        w.put("RTW-087", w.contact(row), {"consultation_type": "02"})

    with w.attempt("RTW-088"):
        before = _shift(w.snapshot, -10)
        row = w.pick("discharged", lambda p: (p["contacts"] >= 2) & (p["service_discharge_date"] < before))
        w.put(
            "RTW-088",
            w.contact(row),
            {"contact_date": _shift(row["service_discharge_date"], 3), "cancellation_date": ""},
        )


def _cover(field_name: str, value: Callable[[_Copy], str]) -> Callable[[_Copy, str], None]:
    def plant(w: _Copy, rule: str) -> None:
        w.cover[field_name] = value(w)
        w.whole(rule, COVER, field_name, w.cover[field_name])

    return plant


def _other_provider(w: _Copy, rule: str) -> None:
    w.cover["provider_ods"] = "RZZ"
    w.referrals["provider_ods"] = w.appointments["provider_ods"] = "RZZ"
    w.whole(rule, COVER, "provider_ods", "RZZ")


def _other_day(w: _Copy, rule: str) -> None:
    w.cover["snapshot_date"] = _shift(w.snapshot, -1)
    w.referrals["snapshot_date"] = w.snapshot
    w.whole(rule, COVER, "snapshot_date", w.snapshot)


def _without_column(w: _Copy, rule: str) -> None:
    w.referrals = w.referrals.drop(columns="referral_purpose")
    w.whole(rule, REFERRALS, "referral_purpose", "")


def _strange_column(w: _Copy, rule: str) -> None:
    w.referrals["favourite_colour"] = "green"
    w.whole(rule, REFERRALS, "favourite_colour", "green")


def _row_of_another_day(w: _Copy, rule: str) -> None:
    identity = w.referrals["service_request_id"].iloc[-1]
    w.put(rule, identity, {"snapshot_date": _shift(w.snapshot, -31)})


def _sent_again(w: _Copy, rule: str) -> None:
    w.referrals = w.referrals.assign(priority=["2", *w.referrals["priority"].iloc[1:]])
    w.referrals.loc[w.referrals.index[1], "priority"] = "3"
    w.whole(rule, COVER, "submission_seq", w.cover["submission_seq"])


def _empty(w: _Copy, rule: str) -> None:
    w.referrals, w.appointments = w.referrals.head(0), w.appointments.head(0)
    w.recount()
    w.whole(rule, REFERRALS, "", "")


def _real_number(w: _Copy, rule: str) -> None:
    identity = w.pick("waiting")["service_request_id"]
    w.quiet(identity, {"nhs_number": "9434765919"})  # the example of the NHS Data Dictionary
    w.whole(rule, REFERRALS, "nhs_number", "9434765919")


def _sources_unknown(w: _Copy, rule: str) -> None:
    some = w.referrals.index[w.referrals["referral_purpose"] == "CORE"][: SAMPLE // 5]
    w.referrals.loc[some, "source_of_referral"] = "UNKNOWN"
    w.whole(rule, REFERRALS, "source_of_referral", "UNKNOWN")


def _one_clock_day(w: _Copy, rule: str) -> None:
    rows = (
        w.kinds["waiting"]
        .sort_values("referral_received_date", ascending=False)["service_request_id"]
        .head(SAMPLE // 5)
    )
    latest = w.referrals.loc[w.referrals["service_request_id"].isin(rows), "referral_received_date"].max()
    for identity in rows:
        w.quiet(identity, {"referral_received_date": latest, "clock_start_date": latest})
    w.whole(rule, REFERRALS, "clock_start_date", latest)


def _nobody_missed(w: _Copy, rule: str) -> None:
    a = w.appointments
    line = a["service_request_id"].map(w.referrals.set_index("service_request_id")["service_line"])
    w.appointments = a[~((line == "SLT") & a["attendance_status"].isin(["3", "7"]))]
    w.recount()
    w.whole(rule, APPOINTMENTS, "attendance_status", "SLT")


def _declared(row: int, **values: str) -> Callable[[_Copy, str], None]:
    def plant(w: _Copy, rule: str) -> None:
        w.declare(rule, row, values)

    return plant


SMALL: dict[str, Callable[[_Copy, str], None]] = {
    "RTW-002": _other_provider,
    "RTW-003": _other_day,
    "RTW-004": _without_column,
    "RTW-005": _cover("referral_rows", lambda w: str(len(w.referrals) + 1)),
    "RTW-006": _strange_column,
    "RTW-007": _row_of_another_day,
    "RTW-008": _sent_again,
    "RTW-009": _empty,
    "RTW-011": _cover(
        "extract_run_at", lambda w: f"{np.busday_offset(np.datetime64(w.snapshot), 21, roll='forward')}T08:30:00"
    ),
    "RTW-025": _real_number,
    "RTW-048": _sources_unknown,
    "RTW-074": _one_clock_day,
    "RTW-089": _nobody_missed,
    "TWL-001": _declared(3, waiting_band="a while"),
    "TWL-002": _declared(1, service_line="OT", waiting_band="w00_01", children_of_other_authorities="-2"),
    "TWL-003": _declared(4, waiting_band="w01_02"),
    "TWL-004": _declared(1, children_of_other_authorities="9"),
}
"""Rule -> how it is broken in a small list. Rules 001, 007 and 013 (again), and 010 are about files: see _file_faults."""


def plant_list_faults(out: Path, delivery_on: Callable[[str, str], Delivery]) -> int:
    """Write spoilt copies of lists and the key to them. `delivery_on`: provider, day -> its list. Returns the lines in the key.

    Below `out`: `therapy_faulty/whole/`, one list of RFR spoilt in every way that a row can be; `therapy_faulty/<rule>/`, a small list
    that breaks one rule (for RTW-012, RTW-105 and RTW-106 a whole list of the month after); `therapy_faulty/sample/`, the small list
    without a fault; `therapy_answer_key.csv`; `therapy_answer_key_not_planted.csv`, the rules left out, each with its reason.

    The key's `row` is the 1-based data row in the part named, 0 where the fault is the whole delivery's.
    """
    folder = out / "therapy_faulty"
    clean = delivery_on(RFR, SPOILT)
    whole = _opened(clean)
    for plant in (_person_faults, _referral_faults, _clock_faults, _contact_faults):
        plant(whole)
    whole.recount()
    write_csv(_closed(whole), folder / "whole")
    keys, missed = [_key(whole, "whole")], dict(whole.missed)
    sample = _sample(_opened(clean))
    write_csv(_closed(sample), folder / "sample")
    for rule, break_it in SMALL.items():
        small = _opened(_closed(sample))
        with small.attempt(rule):
            break_it(small, rule)
            write_csv(_closed(small), folder / rule)
            keys.append(_key(small, rule))
        missed |= small.missed
    keys += _file_faults(_closed(sample), folder)
    keys += _month_faults(_opened(delivery_on(RFR, AFTER)), folder)
    key = pd.concat(keys, ignore_index=True)
    key.to_csv(out / "therapy_answer_key.csv", index=False)
    left_out = [(rule, why) for rule, why in sorted((NOT_PLANTED | missed).items()) if rule not in set(key["rule_id"])]
    pd.DataFrame(left_out, columns=["rule_id", "reason"]).to_csv(
        out / "therapy_answer_key_not_planted.csv", index=False
    )
    return len(key)


def _opened(delivery: Delivery) -> _Copy:
    """The parts as text, blanks as empty text."""
    parts = {
        name: pa.table(
            {column: table.column(column).cast(pa.string()).fill_null("") for column in table.column_names}
        ).to_pandas()
        for name, table in delivery.tables.items()
    }
    frames = {name: part.astype(object) for name, part in parts.items()}
    work = _Copy(dict(delivery.cover), frames[REFERRALS], frames[APPOINTMENTS], np.random.default_rng(7))
    work.declared = frames.get(DECLARED)
    return work


def _closed(work: _Copy) -> Delivery:
    tables = [
        pa.table({column: pa.array(frame[column].tolist(), type=pa.string()) for column in frame.columns})
        for frame in (work.referrals, work.appointments, work.declared)
        if frame is not None
    ]
    return Delivery(dict(work.cover), *tables)


def _sample(work: _Copy) -> _Copy:
    """A few requests that break no rule and no share, with enough contacts of one line to judge its DNA rate."""
    r, a = work.referrals, work.appointments
    # nothing of the last day, which RTW-003 makes a day to come
    busy = set(a.loc[a["contact_date"] == work.snapshot, "service_request_id"])
    late = (r.drop(columns="snapshot_date") == work.snapshot).any(axis=1)
    busy |= set(r.loc[late, "service_request_id"])
    kept = []
    for kind, number in (
        ("waiting", 0.5),
        ("treated", 0.25),
        ("discharged", 0.15),
        ("rejected", 0.05),
        ("advice", 0.05),
    ):
        rows = work.kinds[kind]
        rows = rows[~rows["source_of_referral"].isin(["OTHER", "UNKNOWN"]) & ~rows["service_request_id"].isin(busy)]
        if kind in ("treated", "discharged"):
            rows = rows[rows["service_line"] == "SLT"]
        spread = rows.drop_duplicates("clock_start_date") if kind != "advice" else rows
        spread = spread[~spread["clock_start_date"].str.endswith("-01")]
        kept += spread["service_request_id"].head(round(number * SAMPLE)).tolist()
    one = replace(
        work,
        referrals=r[r["service_request_id"].isin(kept)].reset_index(drop=True),
        appointments=a[a["service_request_id"].isin(kept)].reset_index(drop=True),
    )
    one.recount()
    return one


def _key(work: _Copy, folder: str) -> pd.DataFrame:
    rows = []
    for line in work.key:
        places = [0]
        if line["id"]:
            frame, name = work._of(line["id"])
            places = (np.flatnonzero(frame[name].to_numpy(object) == line["id"]) + 1).tolist()
        rows += [line | {"row": place} for place in places]
    columns = ["rule_id", "table", "row", "id", "field", "value"]
    key = pd.DataFrame(rows, columns=columns)
    key.insert(0, "return", f"therapy_faulty/{folder}")
    return key.assign(needs=key["rule_id"].map(NEEDS).fillna(""))


def _noted(rule: str, table: str, fields: str, value: str, work: _Copy, folder: str = "") -> pd.DataFrame:
    work.key.clear()
    work.whole(rule, table, fields, value)
    return _key(work, folder or rule)


def _file_faults(sample: Delivery, folder: Path) -> list[pd.DataFrame]:
    """Faults of the files themselves."""
    work = _opened(sample)
    keys = []
    book = replace(sample, appointments=None)
    write_xlsx(book, folder / "RTW-001")
    keys.append(_noted("RTW-001", APPOINTMENTS, "", "", work))
    write_csv(sample, folder / "RTW-007_name", sample.stem.replace(SPOILT, "2025-02-28"))
    keys.append(_noted("RTW-007", COVER, "snapshot_date", "2025-02-28", work, "RTW-007_name"))
    numbers = sample.referrals.column("nhs_number").cast(pa.int64())
    at = sample.referrals.column_names.index("nhs_number")
    write_xlsx(replace(sample, referrals=sample.referrals.set_column(at, "nhs_number", numbers)), folder / "RTW-010")
    keys.append(_noted("RTW-010", REFERRALS, "nhs_number", "", work))
    (path,) = [path for path in write_csv(sample, folder / "RTW-013") if path.stem.endswith(REFERRALS)]
    surname = str(sample.referrals.column("surname")[0])
    path.write_bytes(path.read_bytes().replace(surname.encode(), surname[:-1].encode() + b"\xe9", 1))
    keys.append(_noted("RTW-013", REFERRALS, "surname", "", work))
    paths = write_csv(sample, folder / "RTW-013_row")
    (path,) = [path for path in paths if path.stem.endswith(APPOINTMENTS)]
    path.write_bytes(path.read_bytes().rstrip(b"\n") + b",one value too many\n")
    keys.append(_noted("RTW-013", APPOINTMENTS, "", "one value too many", work, "RTW-013_row"))
    return keys


def _month_faults(after: _Copy, folder: Path) -> list[pd.DataFrame]:
    """Lists of the month after that agree with themselves and not with the month before."""
    r, a = after.referrals, after.appointments

    def without(gone: "pd.Series[Any]", rule: str, value: str) -> pd.DataFrame:
        kept = r[~gone]
        here = a["service_request_id"].isin(kept["service_request_id"])
        work = replace(after, referrals=kept.reset_index(drop=True), appointments=a[here].reset_index(drop=True))
        work.cover = dict(after.cover)
        work.recount()
        write_csv(_closed(work), folder / rule)
        return _noted(rule, REFERRALS, "service_line", value, work)

    waits = (
        (r["declared_status"] == "OPEN") & (r["first_attended_contact_date"] == "") & (r["referral_purpose"] == "CORE")
    )
    ot_waits = waits & (r["service_line"] == "OT")
    return [
        without(pd.Series(np.arange(len(r)) % 2 == 0, index=r.index), "RTW-012", "every other row missing"),
        without(ot_waits & (ot_waits.cumsum() % 4 != 0), "RTW-105", "OT: three in four of those waiting missing"),
        without(r["service_line"] == "OT", "RTW-106", "OT"),
    ]
