"""What a count of the lists should find, from the state that they were written from."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.synthetic.dates import SIX_WEEKS
from orchestration.synthetic.therapy.care import CORE
from orchestration.synthetic.therapy.lines import (
    BANDS,
    MONTHS,
    OVER_18,
    OVER_52,
    OVER_104,
    RFR,
    SNAPSHOTS,
    Ints,
    Published,
    bands_of,
    month_name,
    month_start,
)
from orchestration.synthetic.therapy.provider import (
    BASIS,
    CLOCK,
    COUNTED,
    Provider,
    State,
    contacts_shown,
    published_band,
    state_on,
)

LEFT_BY = ("seen", "clock_stopped", "rejected", "nullified", "closed", "vanished", "restarted")
"""Why a child who waited at the end of one month does not at the end of the next."""
STATUSES = {
    "2": "cancelled_family",
    "3": "dna",
    "4": "cancelled_provider",
    "5": "attended",
    "6": "attended_late",
    "7": "too_late",
}

BASIS_BANDS, BASIS_TOTAL = "bands published", "total published"
BASIS_BLANK, BASIS_UNKNOWN = "nothing sent for the line", "not known"


def nearest_rank(days: Ints, percent: int) -> int | None:
    """The percentile by nearest rank on whole days."""
    if not len(days):
        return None
    return int(np.sort(days)[(percent * len(days) + 99) // 100 - 1])


def month_ends(provider: Provider) -> pd.DataFrame:
    """A row a line and month: who waits and how long, what came, what was done, what left the list."""
    rows: list[dict[str, object]] = []
    before: State | None = None
    r = provider.requests
    lines = r["line"].to_numpy(object)
    core = (r["purpose"] == CORE).to_numpy()
    received, first = provider.column("received"), provider.column("first")
    for month, at in zip(MONTHS, SNAPSHOTS, strict=True):
        snapshot, begins = int(at), month_start(month)
        state = state_on(provider, snapshot)
        contacts = contacts_shown(provider, snapshot, state)
        held = contacts[(contacts["day"] >= begins) & (contacts["day"] <= snapshot)]
        of_line = lines[held["request"].to_numpy(np.int64)]
        has_plan = provider.pool.with_plan(r["child"].to_numpy(np.int64), snapshot)
        slcn = (provider.pool.frame["need"].to_numpy(object)[r["child"].to_numpy(np.int64)] == "SLCN") & has_plan
        days = snapshot - state.clock_start
        why = None if before is None else _why(provider, before, state, snapshot)
        for line in sorted(set(lines)):
            mine = lines == line
            waits = mine & state.waiting
            waited = days[waits]
            band = np.bincount(bands_of(waited), minlength=len(BANDS))
            came = mine & state.present & core & (received >= begins) & (received <= snapshot)
            seen = mine & state.present & core & (first >= begins) & (first <= snapshot)
            took = first[seen] - state.clock_start[seen]
            advice = mine & state.present & ~core
            asked = advice & (received >= begins) & (received <= snapshot)
            given = advice & state.closed & (state.closed_on >= begins)
            in_time = given & (state.closed_on - received <= SIX_WEEKS)
            discharged = mine & state.present & (state.discharged_on >= begins)
            status = held.loc[of_line == line, "status"].value_counts()
            flow: dict[str, object] = {}
            if before is not None and why is not None:
                removed = mine & before.waiting & ~state.waiting
                flow = {
                    "waiting_start": int((mine & before.waiting).sum()),
                    "additions": int((waits & ~before.waiting).sum()),
                    "removals": int(removed.sum()),
                    **{f"removed_{name}": int((removed & (why == name)).sum()) for name in LEFT_BY},
                }
            rows.append(
                {
                    "provider": provider.code,
                    "service_line": line,
                    "snapshot_date": str(np.datetime64(snapshot, "D")),
                    "rows": int((mine & state.present).sum()),
                    "waiting": int(waits.sum()),
                    **dict(zip(BANDS, band.tolist(), strict=True)),
                    "over_18_weeks": int((waited >= OVER_18).sum()),
                    "over_52_weeks": int((waited >= OVER_52).sum()),
                    "over_104_weeks": int((waited >= OVER_104).sum()),
                    "median_days": nearest_rank(waited, 50),
                    "percentile_92_days": nearest_rank(waited, 92),
                    "sitrep_counted": int((provider.counted[snapshot][mine & state.present] == COUNTED).sum()),
                    "nullified": int((mine & state.nullified).sum()),
                    "received": int(came.sum()),
                    "received_then_rejected": int((came & state.rejected).sum()),
                    "seen_first": int(seen.sum()),
                    "seen_first_median_days": nearest_rank(took, 50),
                    "discharged": int(discharged.sum()),
                    **{f"contacts_{name}": int(status.get(code, 0)) for code, name in STATUSES.items()},
                    "advice_asked": int(asked.sum()),
                    "advice_given": int(given.sum()),
                    "advice_given_in_six_weeks": int(in_time.sum()),
                    "children_with_plan_waiting": int(np.unique(r["child"].to_numpy()[waits & has_plan]).size),
                    "children_with_slcn_plan_over_18_weeks": int(
                        np.unique(r["child"].to_numpy()[waits & slcn & (days >= OVER_18)]).size
                    ),
                    **flow,
                }
            )
        before = state
    made = pd.DataFrame(rows)
    whole = ["median_days", "percentile_92_days", "seen_first_median_days"]
    flows = [name for name in made.columns if name.startswith("removed_")]
    for name in (*whole, "waiting_start", "additions", "removals", *flows):
        made[name] = made[name].astype("Int64")
    return made


def _why(
    provider: Provider, before: State, state: State, snapshot: int
) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    """Why each request no longer waits, of LEFT_BY; meaningless for those that did not wait or still do."""
    vanished, first = provider.column("vanished"), provider.column("first")
    return np.asarray(
        np.select(
            [
                (vanished > 0) & (vanished <= snapshot),
                state.rejected,
                state.nullified,
                state.closed & (first == 0),
                state.closed & (first > snapshot),
                before.clock_start != state.clock_start,
                (BASIS[provider.code] == CLOCK) & (state.clock_stop != first),
            ],
            ["vanished", "rejected", "nullified", "closed", "closed", "restarted", "clock_stopped"],
            "seen",
        ),
        dtype=object,
    )


def declared(provider: Provider, published: dict[tuple[str, str], Published]) -> pd.DataFrame:
    """What the trust's national figure is made of, line by line, month by month: see declared_in."""
    rows = [declared_in(provider, published, month, int(at)) for month, at in zip(MONTHS, SNAPSHOTS, strict=True)]
    return pd.concat(rows, ignore_index=True)


def declared_in(
    provider: Provider, published: dict[tuple[str, str], Published], month: int, snapshot: int
) -> pd.DataFrame:
    """What the trust's national figure of a month is made of: the list's children and those outside its scope.

    A row a band where bands were published, else one of the total. `published` = `counted` + `out_of_borough` wherever it is known;
    `waiting` is the list's own count, counted or not.
    """
    rows = []
    lines = provider.requests["line"].to_numpy(object)
    state = state_on(provider, snapshot)
    flags = provider.counted[snapshot]
    for line in sorted({line for (_, line) in published}):
        told = published.get((month_name(month), line))
        waits = state.waiting & (lines == line)
        counted = waits & (flags == COUNTED)
        days = snapshot - state.clock_start
        names: tuple[str, ...] = ("total",)
        of = np.zeros(len(lines), np.int64)
        figures: tuple[int, ...] | None = None
        if told is not None and told.bands:
            names = BANDS if len(told.bands) == len(BANDS) else (*BANDS[:6], "w52_plus")
            of, figures = published_band(days, told), told.bands
        elif told is not None and told.total is not None:
            figures = (told.total,)
        for place, band in enumerate(names):
            inside = int((counted & (of == place)).sum())
            figure = None if figures is None else figures[place]
            rows.append(
                {
                    "provider": provider.code,
                    "data_month": month_name(month),
                    "service_line": line,
                    "band": band,
                    "published": figure,
                    "counted": inside,
                    "out_of_borough": None if figure is None else figure - inside,
                    "waiting": int((waits & (of == place)).sum()),
                    "basis": _basis(told),
                    "source": "" if told is None else told.source,
                }
            )
    return pd.DataFrame(rows).astype({"published": "Int64", "out_of_borough": "Int64"})


def declared_table(
    provider: Provider, published: dict[tuple[str, str], Published], month: int, snapshot: int
) -> pa.Table | None:
    """Table `declared` of the list of one day, in the order of the layout; None where nothing was published of its lines."""
    if provider.code != RFR:
        return None
    told = declared_in(provider, published, month, snapshot).dropna(subset="out_of_borough")
    if told.empty:
        return None
    size = len(told)
    return pa.table(
        {
            "snapshot_date": pa.array(np.full(size, snapshot, np.int32), type=pa.date32()),
            "provider_ods": pa.array([provider.code] * size),
            "service_line": pa.array(told["service_line"].tolist()),
            "waiting_band": pa.array(told["band"].tolist()),
            "children_of_other_authorities": pa.array(told["out_of_borough"].tolist(), type=pa.int64()),
        }
    )


def _basis(told: Published | None) -> str:
    if told is None:
        return BASIS_UNKNOWN
    if told.total is None:
        return BASIS_BLANK
    return BASIS_BANDS if told.bands else BASIS_TOTAL


def known_cases(provider: Provider) -> pd.DataFrame:
    """Requests that one list and the one before tell differently, and the rule that should say so.

    Columns: kind, rule_id, provider, snapshot_date (of the later list), service_request_id, row (1-based row of `referrals` in the
    later list, 0: it is not there).
    """
    pieces = []
    before: State | None = None
    ids = provider.requests["service_request_id"].to_numpy(object)
    received = provider.column("received")
    reopened, entered = provider.column("reopened"), provider.column("entered")
    for at in SNAPSHOTS:
        snapshot = int(at)
        state = state_on(provider, snapshot)
        if before is not None:
            was_open = before.present & ~before.rejected & ~before.closed
            kinds = {
                ("missing without a closure", "RTW-100"): was_open & ~state.present,
                ("entered long after receipt", "RTW-101"): state.present
                & ~before.present
                & (entered > received)
                & (snapshot - received > 92),
                ("clock started again", "RTW-102"): before.present
                & state.present
                & (before.clock_start != state.clock_start),
                ("opened again", "RTW-103"): before.closed & state.present & ~state.closed & (reopened > 0),
            }
            row = np.where(state.present, np.cumsum(state.present), 0)
            for (kind, rule), found in kinds.items():
                pieces.append(
                    pd.DataFrame(
                        {
                            "kind": kind,
                            "rule_id": rule,
                            "provider": provider.code,
                            "snapshot_date": str(np.datetime64(snapshot, "D")),
                            "service_request_id": ids[found],
                            "row": row[found],
                        }
                    )
                )
            if np.sum(state.present) < 0.8 * np.sum(before.present):
                pieces.append(
                    pd.DataFrame(
                        {
                            "kind": ["a financial year left the scope"],
                            "rule_id": "RTW-012",
                            "provider": provider.code,
                            "snapshot_date": str(np.datetime64(snapshot, "D")),
                            "service_request_id": "",
                            "row": 0,
                        }
                    )
                )
        before = state
    return pd.concat(pieces, ignore_index=True)


def written_differently(providers: Iterable[Provider]) -> pd.DataFrame:
    """Requests, in the last lists, of children whose surname, date of birth or sex the two providers write differently. Columns as
    known_cases."""
    snapshot, pieces = int(SNAPSHOTS[-1]), []
    for provider in providers:
        state = state_on(provider, snapshot)
        patient = provider.requests["patient"].to_numpy(np.int64)
        of = provider.patients.frame.iloc[patient].reset_index(drop=True)
        number, _ = provider.patients.numbers(patient, snapshot)
        found = pd.DataFrame(
            {
                "provider": provider.code,
                "service_request_id": provider.requests["service_request_id"],
                "row": np.cumsum(state.present),
                "number": number,
                "written": of["surname"] + "/" + of["born"].astype(str) + "/" + of["sex"],
            }
        )
        pieces.append(found[state.present & (number != "")])
    both = pd.concat(pieces, ignore_index=True)
    differs = both.groupby("number")["written"].transform("nunique") > 1
    made = both.loc[differs, ["provider", "service_request_id", "row"]]
    made = made.assign(
        kind="written differently by the providers", rule_id="RTW-036", snapshot_date=str(np.datetime64(snapshot, "D"))
    )
    ordered: pd.DataFrame = made[["kind", "rule_id", "provider", "snapshot_date", "service_request_id", "row"]]
    return ordered


def requests_truth(provider: Provider) -> pd.DataFrame:
    """Every request with the child it is about and all its days."""
    r = provider.requests
    pool = provider.pool.frame.iloc[r["child"].to_numpy(np.int64)].reset_index(drop=True)
    days = (
        "received", "entered", "clock_start", "first", "outcome", "stop", "restart", "stop_again", "rejected", "closed", "discharged",
        "closed_before", "reopened", "vanished",
    )  # fmt: skip
    kept = [
        "provider",
        "service_request_id",
        "line",
        "pathway",
        "purpose",
        "child",
        "priority",
        "stop_code",
        "closure_reason",
    ]
    made = r[kept].reset_index(drop=True)
    of = provider.patients.frame.iloc[r["patient"].to_numpy(np.int64)].reset_index(drop=True)
    made = made.assign(
        person=pool["person"].to_numpy(),
        need=pool["need"].to_numpy(object),
        true_upn=pool["upn"].to_numpy(object),
        true_surname=pool["surname"].to_numpy(object),
        true_postcode=pool["postcode"].to_numpy(object),
        nhs_number=of["nhs_number"].to_numpy(object),
        local_patient_id=of["local_patient_id"].to_numpy(object),
        misspelt=of["misspelt"].to_numpy(bool),
        slip=of["slip"].to_numpy(object),
    )
    for name in days:
        values = r[name].to_numpy(np.int64)
        made[name] = pd.Series(values.astype("datetime64[D]").astype("datetime64[s]")).where(values != 0)
    return made


__all__ = [
    "declared",
    "declared_table",
    "known_cases",
    "month_ends",
    "nearest_rank",
    "requests_truth",
    "written_differently",
]
