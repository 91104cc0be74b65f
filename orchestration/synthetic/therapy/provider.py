"""All requests of one provider, and what they look like on the last day of a month."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.synthetic.therapy.care import CORE, STATUS_DAYS, Work, earliest_scope, finish_contacts
from orchestration.synthetic.therapy.children import NEIGHBOURS, UPN_SHARES, Patients, Pool, lives_outside
from orchestration.synthetic.therapy.lines import (
    MONTHS,
    RFR,
    RXE,
    SNAPSHOTS,
    Flags,
    Ints,
    Published,
    Texts,
    bands_of,
    month_name,
    scope_start,
)

FIRST_CONTACT, CLOCK = "FIRST_CONTACT", "CLOCK"
BASIS = {RFR: FIRST_CONTACT, RXE: CLOCK}
"""What ends a wait by each provider's own count."""

BELIEF_UNKNOWN, BELIEF_WRONG = 0.15, 0.03
NEW_DAYS = 28
"""For how long after receipt, or after a return from active monitoring, no further activity is expected yet."""
COUNTED, NOT_COUNTED, NOT_SENT = "Y", "N", ""


@dataclass(frozen=True)
class Provider:
    """One trust: its requests and contacts of all time, and its record of the children.

    `requests`: see care.Work, with service_request_id, patient, school_urn, upn and belief (how the trust's word on the plan is
    drawn); `contacts` with care_contact_id.
    """

    code: str
    requests: pd.DataFrame
    contacts: pd.DataFrame
    patients: Patients
    pool: Pool
    ons_code: str
    counted: dict[int, Texts]
    """Snapshot -> sitrep_counted of every request."""

    def column(self, name: str) -> Ints:
        """A column of days or numbers."""
        return np.asarray(self.requests[name].to_numpy(np.int64))


def assemble(
    code: str, works: list[Work], patients: Patients, pool: Pool, ons_code: str, rng: np.random.Generator
) -> Provider:
    """A provider of the requests of its lines, numbered in the order received; what ended before every list is left out."""
    offset, requests, contacts = 0, [], []
    for work in works:
        requests.append(work.requests)
        contacts.append(work.contacts.assign(request=work.contacts["request"] + offset))
        offset += len(work.requests)
    r, c = pd.concat(requests, ignore_index=True), pd.concat(contacts, ignore_index=True)
    ended = np.where(r["rejected"] > 0, r["rejected"], r["closed"])
    ended = np.where((ended == 0) & (r["vanished"] > 0), r["vanished"], ended)
    kept = r.index[(ended == 0) | (ended >= earliest_scope())]
    kept = kept[np.argsort(r.loc[kept, "received"].to_numpy(np.int64), kind="stable")]
    place = np.full(len(r), -1)
    place[kept] = np.arange(len(kept))
    r = r.loc[kept].reset_index(drop=True)
    c = c.assign(request=place[c["request"].to_numpy(np.int64)])
    c = finish_contacts(Work(r, c[c["request"] >= 0]), rng)
    child, received = r["child"].to_numpy(np.int64), r["received"].to_numpy(np.int64)
    urn = pool.schools(child, received)
    number = pd.Series(np.arange(1, len(r) + 1)).astype(str).str.zfill(7)
    r["service_request_id"] = code + "-SR-" + number.astype(object)
    c["care_contact_id"] = code + "-CC-" + pd.Series(np.arange(1, len(c) + 1)).astype(str).str.zfill(8).astype(object)
    r["patient"] = patients.of_child.loc[child].to_numpy(np.int64)
    r["school_urn"] = urn
    told = (urn != "") & (rng.random(len(r)) < UPN_SHARES[code])
    r["upn"] = np.where(told, pool.frame["upn"].to_numpy(object)[child], "")
    r["belief"] = rng.random(len(r))
    return Provider(code, r, c, patients, pool, ons_code, {})


def shown(days: Ints, snapshot: int) -> Ints:
    """The days that have come by the snapshot, 0 for the others."""
    return np.where(days <= snapshot, days, 0)


@dataclass(frozen=True)
class State:
    """How every request of a provider stands on one day. Arrays by request; days 0 where not come."""

    present: Flags
    """In the list of that day."""
    rejected: Flags
    closed: Flags
    nullified: Flags
    waiting: Flags
    clock_start: Ints
    clock_stop: Ints
    rtt: Texts
    closed_on: Ints
    closure_reason: Texts
    discharged_on: Ints


def state_on(provider: Provider, snapshot: int) -> State:
    """The state of every request; those not in the list are neither open nor waiting."""
    r, of = provider.requests, provider.column
    received, vanished = of("received"), of("vanished")
    known = (of("entered") <= snapshot) & ((vanished == 0) | (vanished > snapshot))
    core = (r["purpose"] == CORE).to_numpy()
    rejected = (of("rejected") > 0) & (of("rejected") <= snapshot)
    before, reopened = of("closed_before"), of("reopened")
    in_between = (before > 0) & (before <= snapshot) & (snapshot < reopened)
    reset = (before > 0) & (snapshot < reopened)  # the later closure is not yet thought of
    closed = ((of("closed") > 0) & (of("closed") <= snapshot) & ~reset) | in_between
    closed_on = np.where(in_between, before, np.where(closed, of("closed"), 0))
    cared = of("first") > 0
    discharged_on = np.where(
        in_between, np.where(of("first") <= snapshot, before, 0), shown(of("discharged"), snapshot)
    )
    discharged_on = np.where(closed & cared & (of("first") <= snapshot), discharged_on, 0)
    reason = np.where(in_between, r["closure_reason_before"], np.where(closed, r["closure_reason"], ""))
    nullified = closed & (r["stop_code"] == "33").to_numpy()
    back = (of("restart") > 0) & (of("restart") <= snapshot)
    unseen = ~cared
    stop = np.where(unseen & ~closed, 0, shown(of("stop"), snapshot))
    stop = np.where(back, shown(of("stop_again"), snapshot), stop)
    stopped = stop > 0
    code = np.where(back, "30", r["stop_code"])
    lately = snapshot - stop <= STATUS_DAYS
    fades = np.where(np.isin(code.astype(str), ["31", "32"]), "91", np.where(code == "30", "90", code))
    handed_over = closed & (r["closure_reason"] == "REFERRED_ON").to_numpy() & unseen & core
    rtt = np.select(
        [
            ~core,
            rejected,
            handed_over,
            in_between & ~stopped,
            stopped & lately,
            stopped,
            back,
            (r["origin"] >= 0).to_numpy(),
            snapshot - received < NEW_DAYS,
        ],
        ["98", "", "21", "", code, fades, "11", "21", "10"],
        "20",
    )
    clock = np.where(core, np.where(back, of("restart"), of("clock_start")), 0)
    open_ = known & ~rejected & ~closed
    attended = (of("first") > 0) & (of("first") <= snapshot)
    over = attended if BASIS[provider.code] == FIRST_CONTACT else stopped
    start = scope_start(snapshot)
    ended = np.where(rejected, of("rejected"), closed_on)
    present = known & (open_ | (received >= start) | (ended >= start))
    return State(
        present=present,
        rejected=rejected & present,
        closed=closed & present & ~rejected,
        nullified=nullified & present,
        waiting=open_ & core & ~over,
        clock_start=clock,
        clock_stop=np.where(core, stop, 0),
        rtt=np.asarray(rtt, dtype=object),
        closed_on=closed_on,
        closure_reason=np.asarray(reason, dtype=object),
        discharged_on=discharged_on,
    )


def count_for_workbook(provider: Provider, published: dict[tuple[str, str], Published]) -> Provider:
    """The same with `counted`: who is in the national figure, so that no band nor total counts more than was published.

    Where the trust sent nothing for a line, the flag is blank; where what it sent is not known, all who wait are counted.
    """
    r, counted = provider.requests, {}
    lines = r["line"].to_numpy(object)
    for month, snapshot in zip(MONTHS, SNAPSHOTS, strict=True):
        state = state_on(provider, int(snapshot))
        flag = np.full(len(r), NOT_COUNTED, dtype=object)
        for line in sorted({line for (_, line) in published}):
            mine = np.flatnonzero(state.waiting & (lines == line))
            told = published.get((month_name(month), line))
            if provider.code != RFR:
                continue
            if told is not None and told.total is None:
                flag[lines == line] = NOT_SENT
                continue
            flag[mine[_within(told, snapshot - state.clock_start[mine])]] = COUNTED
        counted[int(snapshot)] = flag
    return replace(provider, counted=counted)


def published_band(days: Ints, told: Published) -> Ints:
    """Position of each wait among the bands that were published: weeks above 52 are one in the 2023 form."""
    return np.minimum(bands_of(days), len(told.bands) - 1)


def _within(told: Published | None, days: Ints) -> Flags:
    """Which of those waiting are counted: the first of each band, up to the number published."""
    if told is None:
        return np.ones(len(days), bool)
    assert told.total is not None
    if not told.bands:
        return np.arange(len(days)) < told.total
    band = published_band(days, told)
    order = np.argsort(band, kind="stable")
    starts = np.searchsorted(band[order], np.arange(len(told.bands)))
    rank = np.empty(len(days), np.int64)
    rank[order] = np.arange(len(days)) - starts[band[order]]
    return np.asarray(rank < np.array(told.bands)[band])


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32), type=pa.date32(), mask=days == 0)


def _texts(values: Texts) -> pa.Array:
    return pa.array(np.asarray(values, dtype=object), type=pa.string())


def referrals_table(provider: Provider, snapshot: int, state: State) -> pa.Table:
    """Table `referrals` of the list of one day, in the order of the layout."""
    rows = np.flatnonzero(state.present)
    r = provider.requests.iloc[rows]
    patient = r["patient"].to_numpy(np.int64)
    of = provider.patients.frame.iloc[patient]
    size = len(rows)
    number, status = provider.patients.numbers(patient, snapshot)
    postcode = provider.patients.postcodes(patient, snapshot)
    outside = lives_outside(postcode)
    residence = np.where(outside, np.array(NEIGHBOURS, dtype=object)[patient % len(NEIGHBOURS)], provider.ons_code)
    has_plan = provider.pool.with_plan(r["child"].to_numpy(np.int64), snapshot)
    belief = r["belief"].to_numpy()
    says = has_plan ^ (belief > 1 - BELIEF_WRONG)
    rejected, closed = state.rejected[rows], state.closed[rows]

    def day_of(name: str) -> pa.Array:
        return _dates(shown(r[name].to_numpy(np.int64), snapshot))

    columns = {
        "snapshot_date": _dates(np.full(size, snapshot)),
        "provider_ods": _texts(np.full(size, provider.code, dtype=object)),
        "service_request_id": _texts(r["service_request_id"].to_numpy(object)),
        "local_patient_id": _texts(of["local_patient_id"].to_numpy(object)),
        "nhs_number": _texts(number),
        "nhs_number_status": _texts(status),
        "surname": _texts(of["surname"].to_numpy(object)),
        "forename": _texts(of["forename"].to_numpy(object)),
        "date_of_birth": _dates(of["born"].to_numpy(np.int64)),
        "sex": _texts(of["sex"].to_numpy(object)),
        "postcode": _texts(postcode),
        "residence_la": _texts(residence),
        "gp_practice_ods": _texts(of["practice"].to_numpy(object)),
        "school_urn": _texts(r["school_urn"].to_numpy(object)),
        "upn": _texts(r["upn"].to_numpy(object)),
        "service_line": _texts(r["line"].to_numpy(object)),
        "team_type_code": _texts(r["team"].to_numpy(object)),
        "nd_pathway": _texts(r["pathway"].to_numpy(object)),
        "nd_question": _texts(r["question"].to_numpy(object)),
        "referral_received_date": day_of("received"),
        "source_of_referral": _texts(r["source"].to_numpy(object)),
        "referral_purpose": _texts(r["purpose"].to_numpy(object)),
        "priority": _texts(r["priority"].astype(str).to_numpy(object)),
        "clock_start_date": _dates(state.clock_start[rows]),
        "clock_stop_date": _dates(state.clock_stop[rows]),
        "rtt_status": _texts(state.rtt[rows]),
        "waiting_measure_type": _texts(np.full(size, "", dtype=object)),
        "first_attended_contact_date": day_of("first"),
        "assessment_outcome_date": day_of("outcome"),
        "referral_rejection_date": day_of("rejected"),
        "referral_rejection_reason": _texts(np.where(rejected, r["rejection_reason"], "")),
        "referral_closure_date": _dates(np.where(closed, state.closed_on[rows], 0)),
        "referral_closure_reason": _texts(np.where(closed, state.closure_reason[rows], "")),
        "service_discharge_date": _dates(np.where(closed, state.discharged_on[rows], 0)),
        "declared_status": _texts(np.select([rejected, closed], ["REJECTED", "DISCHARGED"], "OPEN").astype(object)),
        "sitrep_counted": _texts(provider.counted[snapshot][rows]),
        "ehcp_known": _texts(np.where(belief < BELIEF_UNKNOWN, "U", np.where(says, "Y", "N")).astype(object)),
    }
    return pa.table(columns)


def contacts_shown(provider: Provider, snapshot: int, state: State) -> pd.DataFrame:
    """Contacts in the list of one day, with their status on it ("" where still to come)."""
    c = provider.contacts
    request = c["request"].to_numpy(np.int64)
    day_of, cancelled = c["day"].to_numpy(np.int64), c["cancelled"].to_numpy(np.int64)
    over = (state.closed | state.rejected)[request]
    visible = state.present[request] & (c["booked"].to_numpy(np.int64) <= snapshot)
    visible &= ~(over & (day_of > snapshot))
    told = (day_of <= snapshot) | ((cancelled > 0) & (cancelled <= snapshot))
    made: pd.DataFrame = c.assign(shown_status=np.where(told, c["status"], ""), told=told)[visible]
    return made


def appointments_table(provider: Provider, snapshot: int, contacts: pd.DataFrame) -> pa.Table:
    """Table `appointments` of the list of one day. `contacts`: see contacts_shown."""
    ids = provider.requests["service_request_id"].to_numpy(object)
    told = contacts["told"].to_numpy(bool)
    return pa.table(
        {
            "provider_ods": _texts(np.full(len(contacts), provider.code, dtype=object)),
            "service_request_id": _texts(ids[contacts["request"].to_numpy(np.int64)]),
            "care_contact_id": _texts(contacts["care_contact_id"].to_numpy(object)),
            "contact_date": _dates(contacts["day"].to_numpy(np.int64)),
            "consultation_type": _texts(contacts["type"].to_numpy(object)),
            "attendance_status": _texts(contacts["shown_status"].to_numpy(object)),
            "notified": _texts(np.where(told, contacts["notified"], "")),
            "location_type": _texts(contacts["location"].to_numpy(object)),
            "group_therapy": _texts(contacts["group"].to_numpy(object)),
            "cancellation_date": _dates(shown(contacts["cancelled"].to_numpy(np.int64), snapshot)),
            "earliest_offer_date": _dates(contacts["offer"].to_numpy(np.int64)),
        }
    )


__all__ = [
    "BASIS",
    "COUNTED",
    "Provider",
    "State",
    "appointments_table",
    "assemble",
    "contacts_shown",
    "count_for_workbook",
    "published_band",
    "referrals_table",
    "state_on",
]
