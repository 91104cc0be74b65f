"""What becomes of a request: appointments kept and missed, clocks stopped and started again, discharge; advice for EHC plans."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.dates import SIX_WEEKS, day
from orchestration.synthetic.therapy.lines import (
    FIRST_MONTH,
    LAST_MONTH,
    RFR,
    RXE,
    Ints,
    Line,
    Texts,
    scope_start,
    source_shares,
)
from orchestration.synthetic.therapy.queue import (
    CLOSED,
    NULLIFIED,
    REJECTED,
    SEEN,
    TRANSFERRED,
    WAITING,
    next_working_day,
)

CORE, ADVICE = "CORE", "EHC_ADVICE"
INITIAL, LATER = "01", "02"

MISSED_FIRST_SHARE = 0.16
"""Of those seen after four weeks or more: with a first appointment missed or cancelled, and booked again."""
MISSED = {"3": 0.42, "7": 0.04, "2": 0.31, "4": 0.23}
KEPT_OR_NOT = {"5": 0.83, "6": 0.03, "3": 0.05, "7": 0.005, "2": 0.05, "4": 0.035}
"""Attendance of contacts after the first."""
STOPPED_LATER_SHARE = 0.15
"""Of those seen: treated at the second contact, not the first."""
LONG_OPEN_SHARE = 0.08
"""Of those seen: left open for long after the last contact."""
RETURN_SHARE = 0.6
"""Of those on active monitoring: who come back, with a new clock."""
PLANTED = 2
"""Of each line's requests: closed and opened again, while waiting and after care; entered long after receipt."""

REJECTION = {"INCOMPLETE": 0.4, "OTHER_SERVICE": 0.25, "NOT_ELIGIBLE": 0.25, "DUPLICATE": 0.07, "OTHER": 0.03}
UNSEEN_CLOSURE = {"DECLINED": 0.45, "MOVED": 0.25, "NOT_APPROPRIATE": 0.3}
CLOSURE = {"COMPLETED": 0.86, "REFERRED_ON": 0.05, "MOVED": 0.03, "DNA": 0.03, "OTHER": 0.03}
QUESTION = {"AUTISM": 0.55, "ADHD": 0.18, "BOTH": 0.22, "OTHER": 0.05}
STATUS_DAYS = 60
"""For how long the status after a clock stop names its cause."""

ADVICE_SHARES = {
    (RFR, "SLT"): 0.5,
    (RFR, "OT"): 0.25,
    (RFR, "PHYSIO"): 0.08,
    (RFR, "COMMPAED"): 0.45,
    (RXE, "CAMHS"): 0.15,
}
"""Of assessments for an EHC plan: for which the authority asks the line for advice."""
ADVICE_FROM = "2022-01-01"
IN_TIME_SHARE = 0.72


@dataclass
class Work:
    """Requests of one line and their contacts; days since 1970-01-01, 0 for what did not happen.

    `requests`: see the columns of `_blank`. `contacts`: request (index of `requests`), day, type, status, notified, location, group,
    cancelled, offer, booked.
    """

    requests: pd.DataFrame
    contacts: pd.DataFrame


def _blank(frame: pd.DataFrame, line: Line, purpose: str) -> pd.DataFrame:
    days = (
        "first", "outcome", "stop", "restart", "stop_again", "rejected", "closed", "discharged", "closed_before", "reopened", "vanished",
    )  # fmt: skip
    texts = ("stop_code", "rejection_reason", "closure_reason", "closure_reason_before", "question")
    return frame.assign(
        provider=line.provider,
        line=line.code,
        pathway=line.pathway,
        team=line.team,
        purpose=purpose,
        entered=frame["received"],
        **{name: np.zeros(len(frame), np.int64) for name in days},
        **{name: np.full(len(frame), "", dtype=object) for name in texts},
    )


def care_for(line: Line, queue: pd.DataFrame, rng: np.random.Generator) -> Work:
    """The whole life of the requests of a queue (see queue.run_queue, with `child`)."""
    r = _blank(queue, line, CORE)
    size = len(r)
    kind, left = (r[name].to_numpy(np.int64) for name in ("kind", "left"))
    seen = kind == SEEN
    r["source"] = _drawn(source_shares(line), size, rng)
    r.loc[queue["origin"] >= 0, "source"] = "CONSULTANT"
    if line.code == "NEURODEV":
        r["question"] = _drawn(QUESTION, size, rng)
    back = kind == REJECTED
    r["rejected"] = np.where(back, left, 0)
    r["rejection_reason"] = np.where(back, _drawn(REJECTION, size, rng), "")
    r["first"] = np.where(seen, left, 0)
    missed, after = _before_the_first(r, rng), _after_the_first(r, line, rng)
    unkept = missed[(r["kind"] == NULLIFIED).to_numpy()[missed["request"]]]
    r.loc[unkept["request"], "stop"] = unkept["day"].to_numpy(np.int64)
    kept = after["status"].isin(["5", "6"])
    second = after[kept].groupby("request")["day"].min().reindex(r.index, fill_value=0).to_numpy(np.int64)
    last = after.groupby("request")["day"].max().reindex(r.index, fill_value=0).to_numpy(np.int64)
    _stop_clocks(r, line, second, rng)
    _close(r, line, after, last, rng)
    contacts = pd.concat([missed, _firsts(r), after], ignore_index=True)
    work = Work(r, contacts)
    _reopen(work, rng)
    _enter_late(work, rng)
    return work


def _drawn(shares: dict[str, float], size: int, rng: np.random.Generator) -> Texts:
    weight = np.array(list(shares.values()))
    return np.asarray(rng.choice(np.array(list(shares), dtype=object), size=size, p=weight / weight.sum()))


def _between(low: Any, high: Any, size: int, rng: np.random.Generator) -> Ints:
    """Whole numbers from low to high, both included."""
    spread: npt.NDArray[np.float64] = rng.random(size)
    return np.asarray(low + np.floor(spread * (np.asarray(high) - low + 1)).astype(np.int64))


def _some(rows: Ints, number: int, rng: np.random.Generator) -> Ints:
    """That many of the rows by lot, or all there are."""
    return np.asarray(rows[rng.permutation(len(rows))[:number]])


def _contacts(request: Any, days: Any, kind: str, status: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"request": request, "day": days})
    return frame.assign(type=kind, status=status)


def _firsts(r: pd.DataFrame) -> pd.DataFrame:
    seen = r[r["first"] > 0]
    late = (seen["received"] + seen["first"]) % 17 == 0
    return _contacts(seen.index, seen["first"].to_numpy(np.int64), INITIAL, np.where(late, "6", "5"))


def _before_the_first(r: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """First appointments that came to nothing: booked again, or the end of the wait."""
    waited = (r["left"] - r["received"]).to_numpy(np.int64)
    lot, size = rng.random(len(r)), len(r)
    again = (r["kind"] == SEEN).to_numpy() & (waited >= 28) & (lot < MISSED_FIRST_SHARE)
    nullified = (r["kind"] == NULLIFIED).to_numpy()
    given_up = (r["kind"] == CLOSED).to_numpy() & (waited >= 28) & (lot < 0.4)
    before = np.select(
        [again, nullified, given_up],
        [_between(10, np.clip(waited - 10, 10, 60), size, rng), _between(7, 18, size, rng), _between(5, 15, size, rng)],
        0,
    )
    status = np.select([again, given_up], [_drawn(MISSED, size, rng), "2"], "3")
    chosen = again | nullified | given_up
    days = next_working_day((r["left"].to_numpy(np.int64) - before)[chosen])
    return _contacts(r.index[chosen], days, INITIAL, status[chosen])


def _after_the_first(r: pd.DataFrame, line: Line, rng: np.random.Generator) -> pd.DataFrame:
    """Contacts of the treatment, and the one at which the outcome of an assessment is given."""
    first = r["first"].to_numpy(np.int64)
    seen = first > 0
    if line.outcome[1]:
        low, high = line.outcome
        outcome = next_working_day(first + _between(low, high, len(r), rng))
        r["outcome"] = np.where(seen, outcome, 0)
    number = np.where(seen, rng.poisson(line.follow_ups, len(r)), 0)
    if line.outcome[1]:
        number = np.where(seen, np.minimum(number, 2), 0)
    request = np.repeat(r.index.to_numpy(), number)
    gap = _between(round(line.gap * 0.6), round(line.gap * 1.4), len(request), rng)
    frame = pd.DataFrame({"request": request, "gap": gap})
    days = next_working_day(first[request] + frame.groupby("request")["gap"].cumsum().to_numpy(np.int64))
    made = _contacts(request, days, LATER, _drawn(KEPT_OR_NOT, len(request), rng))
    if line.outcome[1]:
        told = r.index[seen]
        made = pd.concat([made, _contacts(told, r.loc[told, "outcome"].to_numpy(np.int64), LATER, "5")])
        made = made.drop_duplicates(["request", "day"], keep="last")
    return made.reset_index(drop=True)


def _stop_clocks(r: pd.DataFrame, line: Line, second: Ints, rng: np.random.Generator) -> None:
    """Clock stops of those seen, and the second periods of those who return from active monitoring."""
    size, first = len(r), r["first"].to_numpy(np.int64)
    seen = first > 0
    later = (rng.random(size) < STOPPED_LATER_SHARE) & (second > 0)
    stop = np.where(later, second, first)
    if line.outcome[1]:
        stop = r["outcome"].to_numpy(np.int64)
    watched = seen & (rng.random(size) < line.monitored)
    stop = np.where(watched, first, stop)
    not_treated = (line.outcome[1] > 0) & (rng.random(size) < 0.25)
    code = np.where(watched, np.where(rng.random(size) < 0.3, "31", "32"), np.where(not_treated, "34", "30"))
    r["stop"], r["stop_code"] = np.where(seen, stop, r["stop"]), np.where(seen, code, "")
    comes_back = watched & (rng.random(size) < RETURN_SHARE)
    restart = next_working_day(first + _between(60, 150, size, rng))
    again = next_working_day(restart + _between(30, 120, size, rng))
    if line.outcome[1]:
        again = np.maximum(again, r["outcome"].to_numpy(np.int64))
    r["restart"] = np.where(comes_back, restart, 0)
    r["stop_again"] = np.where(comes_back, again, 0)


def _close(r: pd.DataFrame, line: Line, after: pd.DataFrame, last: Ints, rng: np.random.Generator) -> None:
    """Closure and discharge; a missed last contact can be the reason (its status in `after` is changed)."""
    size = len(r)
    kind, left = r["kind"].to_numpy(np.int64), r["left"].to_numpy(np.int64)
    seen = kind == SEEN
    end = np.maximum.reduce([r[name].to_numpy(np.int64) for name in ("first", "outcome", "stop", "stop_again")])
    end = np.maximum(end, last) + _between(0, 14, size, rng)
    end = end + np.where(rng.random(size) < LONG_OPEN_SHARE, _between(90, 420, size, rng), 0)
    reason = _drawn(CLOSURE, size, rng)
    by_absence = seen & (reason == "DNA") & (last > 0) & (line.outcome[1] == 0)
    reason = np.where((reason == "DNA") & ~by_absence, "COMPLETED", reason)
    at = after["request"].to_numpy(np.int64)
    after.loc[by_absence[at] & (after["day"].to_numpy(np.int64) == last[at]), "status"] = "3"
    moved = by_absence & (r["stop_code"] == "30").to_numpy() & (r["stop"].to_numpy(np.int64) == last)
    r.loc[moved, "stop"] = r.loc[moved, "first"]  # the contact that had stopped the clock was missed
    grown = r["age"].to_numpy() + (end - r["received"].to_numpy(np.int64)) / 365.25 > 18
    reason = np.where(grown & (reason == "COMPLETED"), "TRANSITION_ADULT", reason)
    unseen = np.select(
        [kind == NULLIFIED, kind == CLOSED, kind == TRANSFERRED],
        ["DNA", _drawn(UNSEEN_CLOSURE, size, rng), "REFERRED_ON"],
        "",
    )
    r["closed"] = np.where(seen, end, np.where(unseen != "", left, 0))
    r["closure_reason"] = np.where(seen, reason, unseen)
    r["discharged"] = np.where(seen, end, 0)
    r.loc[kind == CLOSED, "stop"] = left[kind == CLOSED]
    r.loc[kind == CLOSED, "stop_code"] = np.where(unseen[kind == CLOSED] == "DECLINED", "35", "34")
    r.loc[kind == NULLIFIED, "stop_code"] = "33"


def _reopen(work: Work, rng: np.random.Generator) -> None:
    """A few requests closed and opened again under the same number: after care, and while the child waited."""
    r, contacts = work.requests, work.contacts
    begins, ends = day(f"{FIRST_MONTH}-30"), day(f"{LAST_MONTH}-01")
    cared = r[(r["discharged"] > begins) & (r["discharged"] < ends - 120) & (r["closure_reason"] == "COMPLETED")]
    chosen = _some(cared.index.to_numpy(), PLANTED, rng)
    before = r.loc[chosen, "closed"].to_numpy(np.int64)
    back = next_working_day(before + _between(40, 80, len(chosen), rng))
    seen_again = next_working_day(back + 9)
    r.loc[chosen, "closed_before"], r.loc[chosen, "reopened"] = before, back
    r.loc[chosen, "closure_reason_before"] = "COMPLETED"
    r.loc[chosen, "closed"] = r.loc[chosen, "discharged"] = seen_again + _between(10, 60, len(chosen), rng)
    work.contacts = pd.concat([contacts, _contacts(chosen, seen_again, LATER, "5")], ignore_index=True)
    missed = set(contacts.loc[(contacts["type"] == INITIAL) & ~contacts["status"].isin(["5", "6"]), "request"])
    waits = r[(r["kind"] == SEEN) & (r["left"] - r["received"] > 130) & (r["received"] > begins) & (r["left"] < ends)]
    waits = waits[~waits.index.isin(missed) & (waits["origin"] < 0)]
    chosen = _some(waits.index.to_numpy(), PLANTED // 2, rng)
    before = r.loc[chosen, "received"].to_numpy(np.int64) + _between(20, 40, len(chosen), rng)
    r.loc[chosen, "closed_before"], r.loc[chosen, "closure_reason_before"] = before, "DECLINED"
    r.loc[chosen, "reopened"] = before + _between(33, 45, len(chosen), rng)


def _enter_late(work: Work, rng: np.random.Generator) -> None:
    """A few requests that the provider's system did not hold until more than three months after they came."""
    r, contacts = work.requests, work.contacts
    begins, ends = day(f"{FIRST_MONTH}-30"), day(f"{LAST_MONTH}-01")
    missed = set(contacts.loc[(contacts["type"] == INITIAL) & ~contacts["status"].isin(["5", "6"]), "request"])
    fits = (r["kind"].isin([SEEN, WAITING])) & (r["received"] > begins) & (r["received"] < ends - 150)
    fits &= (r["reopened"] == 0) & ((r["left"] == 0) | (r["left"] - r["received"] > 170)) & (r["origin"] < 0)
    pool = r.index[fits & ~r.index.isin(missed)].to_numpy()
    chosen = _some(pool, PLANTED // 2, rng)
    r.loc[chosen, "entered"] = r.loc[chosen, "received"].to_numpy(np.int64) + _between(100, 130, len(chosen), rng)


def ask_advice(
    line: Line, cases: pd.DataFrame, child_of: "pd.Series[Any]", busy: "set[int]", rng: np.random.Generator
) -> Work:
    """Requests for advice for the assessments that the authority agreed to: six weeks to answer, no place in a queue.

    `cases`: as the EHC plans returns are built from; `child_of`: person -> child; `busy`: children with a request of the line.
    """
    agreed = cases[(cases["request_outcome"] == "Y") & (cases["decided"] >= day(ADVICE_FROM))]
    agreed = agreed[agreed["person"].isin(child_of.index)].sort_values(["decided", "person"], kind="stable")
    asked = agreed[rng.random(len(agreed)) < ADVICE_SHARES[line.provider, line.code]]
    child = child_of.loc[asked["person"]].to_numpy(np.int64)
    frame = pd.DataFrame({"child": child, "received": next_working_day(asked["decided"].to_numpy(np.int64) + 1)})
    frame["age"] = (frame["received"].to_numpy(np.int64) - asked["born"].to_numpy(np.int64)) / 365.25
    lately = frame["received"] <= day(f"{LAST_MONTH}-31")
    frame = frame[lately & ~frame["child"].isin(busy)].drop_duplicates("child").reset_index(drop=True)
    size = len(frame)
    frame = frame.assign(clock_start=0, priority=1, triage=0, left=0, kind=SEEN, origin=-1)
    r = _blank(frame, line, ADVICE)
    r["source"] = "LA_SEND"
    received = r["received"].to_numpy(np.int64)
    first = next_working_day(received + _between(6, 18, size, rng))
    in_time = rng.random(size) < IN_TIME_SHARE
    low, high = np.where(in_time, 22, SIX_WEEKS + 1), np.where(in_time, SIX_WEEKS, 80)
    given = received + _between(low, high, size, rng)
    r["first"], r["closed"], r["discharged"] = first, given, given
    r["closure_reason"] = "COMPLETED"
    return Work(r, _firsts(r))


def finish_contacts(work: Work, rng: np.random.Generator) -> pd.DataFrame:
    """The contacts of a provider's requests in their order, with what else is written of each."""
    r = work.requests
    c = work.contacts.sort_values(["day", "request", "type"], kind="stable", ignore_index=True)
    size, request = len(c), c["request"].to_numpy(np.int64)
    received = r["received"].to_numpy(np.int64)[request]
    entered = r["entered"].to_numpy(np.int64)[request]
    days, status = c["day"].to_numpy(np.int64), c["status"].to_numpy(object)
    first_missed = (c["type"] == INITIAL).to_numpy() & np.isin(status.astype(str), ["3", "7"])
    c["notified"] = np.where(first_missed | (rng.random(size) < 0.9), "Y", "")
    schooled = (r["age"].to_numpy()[request] > 5) & (rng.random(size) < 0.35)
    c["location"] = np.where(schooled, "L01", np.where(rng.random(size) < 0.75, "B01", "A01"))
    of_line = (r["line"] == "SLT").to_numpy()[request] & (c["type"] == LATER).to_numpy()
    c["group"] = np.where(of_line & (rng.random(size) < 0.08), "Y", "N")
    cancelled = np.isin(status.astype(str), ["2", "4"])
    booked = days - _between(7, 28, size, rng)
    c["booked"] = np.maximum(booked, np.minimum(np.maximum(received, entered) + 1, days))
    c["cancelled"] = np.where(cancelled, np.maximum(days - _between(0, 5, size, rng), c["booked"]), 0)
    offer = np.maximum(days - _between(0, 14, size, rng), received + 1)
    c["offer"] = np.where(c["type"] == INITIAL, np.minimum(offer, days), 0)
    return c


def earliest_scope() -> int:
    """Requests that ended before are in no list."""
    return scope_start(day(f"{FIRST_MONTH}-30"))


__all__ = ["ADVICE", "CORE", "STATUS_DAYS", "Work", "ask_advice", "care_for", "earliest_scope", "finish_contacts"]
