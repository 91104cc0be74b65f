"""All lists of both providers: who waits for what, the files, and what a count of them should find."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.synthetic.census import Schooling
from orchestration.synthetic.dates import day
from orchestration.synthetic.therapy.care import ADVICE_SHARES, Work, ask_advice, care_for
from orchestration.synthetic.therapy.children import (
    assign_children,
    child_pool,
    nhs_numbers,
    register_patients,
)
from orchestration.synthetic.therapy.lines import (
    LINES,
    MONTHS,
    RFR,
    RXE,
    SNAPSHOTS,
    Published,
    month_name,
    month_number,
    read_published,
    scope_start,
)
from orchestration.synthetic.therapy.provider import (
    BASIS,
    Provider,
    appointments_table,
    assemble,
    contacts_shown,
    count_for_workbook,
    referrals_table,
    state_on,
)
from orchestration.synthetic.therapy.queue import TRANSFERRED, VANISHED, next_working_day, run_queue
from orchestration.synthetic.therapy.truth import (
    declared,
    declared_table,
    known_cases,
    month_ends,
    requests_truth,
    written_differently,
)
from orchestration.synthetic.therapy.write import Delivery, write_csv, write_xlsx

STREAM = 372_2023
"""Second word of the seed: the lists draw from a stream of their own, so that everything else is the same with them and without."""

WORKBOOKS = (RXE, month_number("2025-11"))
"""The provider that sends workbooks, and the month from which it does."""
SENT_TWICE = (RFR, month_number("2024-09"))
"""A list that was first sent without the latest requests of one line, and then whole."""
LEFT_OUT = ("PHYSIO", 20)
"""The line, and the days before the snapshot, that the first sending lacks."""
TEAMS = {RFR: "Invented children's therapies", RXE: "Invented children's mental health"}


@dataclass(frozen=True)
class TherapyReport:
    """What was written."""

    files: int
    requests: int
    children: int
    faults: int
    """Lines of the answer key."""


@dataclass(frozen=True)
class WaitingLists:
    """Both providers and the published figures that the first is held to."""

    providers: dict[str, Provider]
    published: dict[tuple[str, str], Published]

    def delivery(self, code: str, snapshot: int) -> Delivery:
        """The whole list of one provider on a day."""
        provider = self.providers[code]
        state = state_on(provider, snapshot)
        referrals = referrals_table(provider, snapshot, state)
        appointments = appointments_table(provider, snapshot, contacts_shown(provider, snapshot, state))
        month = MONTHS[int(np.searchsorted(SNAPSHOTS, snapshot))]
        cover = _cover(code, snapshot, 2 if (code, month) == SENT_TWICE else 1, referrals, appointments)
        return Delivery(cover, referrals, appointments, declared_table(provider, self.published, month, snapshot))


def queue_the_children(
    schooling: Schooling,
    plans: pd.DataFrame,
    cases: pd.DataFrame,
    *,
    ons_code: str,
    seed: int,
    scale: float,
) -> WaitingLists:
    """Everyone's requests from before the first list to after the last. `plans`, `cases`: as the EHC plans returns are built from."""
    rng = np.random.default_rng([seed, STREAM])
    published = read_published(scale)
    pool = child_pool(schooling, plans)
    works: dict[str, list[Work]] = {RFR: [], RXE: []}
    handed_on: pd.DataFrame | None = None
    person = pool.frame["person"].to_numpy(np.int64)
    child_of = pd.Series(np.flatnonzero(person >= 0), index=person[person >= 0])
    for line in LINES:
        older = line.pathway == "ND_5_19"
        queue = run_queue(line, scale, rng, handed_on if older else None)
        queue["child"] = assign_children(pool, line, queue, rng)
        if older and handed_on is not None:
            came = queue["origin"].to_numpy(np.int64)
            queue.loc[came >= 0, "child"] = handed_on["child"].to_numpy(np.int64)[came[came >= 0]]
            queue = _once(queue)
        if line.pathway == "ND_0_5":
            left = queue[queue["kind"] == TRANSFERRED]
            handed_on = pd.DataFrame(
                {
                    "received": next_working_day(left["left"].to_numpy(np.int64) + 4),
                    "clock_start": left["clock_start"].to_numpy(np.int64),
                    "age": left["age"] + (left["left"] - left["received"]) / 365.25,
                    "child": left["child"].to_numpy(np.int64),
                }
            ).reset_index(drop=True)
        work = care_for(line, queue, rng)
        work.requests["vanished"] = np.where(queue["kind"] == VANISHED, queue["left"], 0)
        works[line.provider].append(work)
        if (line.provider, line.code) in ADVICE_SHARES:
            busy = set(queue["child"].tolist())
            works[line.provider].append(ask_advice(line, cases, child_of, busy, rng))
    numbers = nhs_numbers(rng.permutation(900_000)[: len(pool.frame)])
    providers = {}
    for code, of_lines in works.items():
        children = np.concatenate([work.requests["child"].to_numpy(np.int64) for work in of_lines])
        received = np.concatenate([work.requests["received"].to_numpy(np.int64) for work in of_lines])
        patients = register_patients(code, children, received, pool, numbers, rng)
        made = assemble(code, of_lines, patients, pool, ons_code, rng)
        providers[code] = count_for_workbook(made, published)
    return WaitingLists(providers, published)


def _once(queue: pd.DataFrame) -> pd.DataFrame:
    """Without the own requests of children whom another provider handed over."""
    came = set(queue.loc[queue["origin"] >= 0, "child"])
    own = (queue["origin"] < 0) & queue["child"].isin(came)
    return queue[~own].reset_index(drop=True)


def _cover(code: str, snapshot: int, sequence: int, referrals: pa.Table, appointments: pa.Table) -> dict[str, str]:
    drawn = np.busday_offset(np.datetime64(snapshot, "D"), 6 + 3 * (sequence - 1), roll="forward")
    return {
        "return_name": "THERAPY_WL",
        "spec_version": "1.0",
        "provider_ods": code,
        "snapshot_date": str(np.datetime64(snapshot, "D")),
        "period_start": str(np.datetime64(scope_start(snapshot), "D")),
        "submission_seq": str(sequence),
        "extract_run_at": f"{drawn}T08:30:00",
        "referral_rows": str(referrals.num_rows),
        "appointment_rows": str(appointments.num_rows),
        "waiting_basis": BASIS[code],
        "contact_team": TEAMS[code],
    }


def first_sending(delivery: Delivery, snapshot: int) -> Delivery:
    """The same list as it was sent at first: without the latest requests of one line."""
    line, days = LEFT_OUT
    rows = delivery.referrals.to_pandas()
    since = pd.to_datetime(str(np.datetime64(snapshot - days, "D"))).date()
    kept = ~((rows["service_line"] == line) & (rows["referral_received_date"] > since))
    ids = rows.loc[kept, "service_request_id"]
    referrals = delivery.referrals.filter(pa.array(kept.to_numpy(bool)))
    assert delivery.appointments is not None
    here = delivery.appointments.column("service_request_id").to_pandas().isin(ids)
    appointments = delivery.appointments.filter(pa.array(here.to_numpy(bool)))
    cover = _cover(delivery.cover["provider_ods"], snapshot, 1, referrals, appointments)
    return Delivery(cover, referrals, appointments)


def write_lists(out: Path, lists: WaitingLists, *, truth: bool, faults: bool = False) -> TherapyReport:
    """Write `therapy_waiting_list/<provider>/<month>/...`, `therapy_declared.csv`, `therapy_known_cases.csv`; asked for, the truth.

    The newest months of one provider come as workbooks, all others as CSV files. `therapy_declared.csv` says of what the published
    figures are made, as the deliveries of those months declare; `therapy_known_cases.csv` names the requests that two lists tell
    differently. With `faults`, spoilt copies and their key (see faults.plant_list_faults).
    """
    files = 0
    for code in lists.providers:
        for month, at in zip(MONTHS, SNAPSHOTS, strict=True):
            folder = out / "therapy_waiting_list" / code / month_name(month)
            delivery = lists.delivery(code, int(at))
            if (code, month) == SENT_TWICE:
                files += len(write_csv(first_sending(delivery, int(at)), folder))
            write = write_xlsx if code == WORKBOOKS[0] and month >= WORKBOOKS[1] else write_csv
            files += len(write(delivery, folder))
    declared(lists.providers[RFR], lists.published).to_csv(out / "therapy_declared.csv", index=False)
    both = lists.providers.values()
    cases = pd.concat([*(known_cases(provider) for provider in both), written_differently(both)], ignore_index=True)
    cases.to_csv(out / "therapy_known_cases.csv", index=False)
    files += 2
    if truth:
        files += _write_truth(out / "truth", lists)
    planted = 0
    if faults:
        from orchestration.synthetic.therapy.faults import plant_list_faults

        planted = plant_list_faults(out, lambda code, text: lists.delivery(code, day(text)))
    children = {int(child) for provider in lists.providers.values() for child in provider.requests["child"]}
    return TherapyReport(
        files, sum(len(provider.requests) for provider in lists.providers.values()), len(children), planted
    )


def _write_truth(folder: Path, lists: WaitingLists) -> int:
    """Every request with its child, and every line of every month."""
    folder.mkdir(parents=True, exist_ok=True)
    providers = lists.providers.values()
    tables = {
        "therapy_requests": pd.concat([requests_truth(provider) for provider in providers], ignore_index=True),
        "therapy_month_ends": pd.concat([month_ends(provider) for provider in providers], ignore_index=True),
    }
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return len(tables)


__all__ = ["TherapyReport", "WaitingLists", "queue_the_children", "write_lists"]
