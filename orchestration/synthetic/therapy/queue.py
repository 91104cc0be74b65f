"""The queues, month by month: who arrives, who is sent back, whom the month's capacity reaches, who leaves unseen."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.therapy.lines import (
    AHEAD,
    BANDS,
    BURN_IN,
    Flags,
    Ints,
    Line,
    bands_of,
    between,
    month_number,
    month_start,
    targets,
)

WAITING, SEEN, REJECTED, NULLIFIED, CLOSED, VANISHED, TRANSFERRED = range(7)
"""How a wait ended; a row of `run_queue` has one of them as its kind."""

NULLIFIED_SHARE, CLOSED_SHARE, VANISHED_SHARE = 0.03, 0.06, 0.0012
"""Of those who leave the queue otherwise than rejected."""
UNSEEN_AFTER = 28
"""Days waited before a family's missed first appointment ends a wait."""
ROOM = 1.3
"""A month's first contacts over the month's usual requests, at most."""
SLACK_MONTHS = {8: 0.75, 12: 0.8}
"""Calendar months in which fewer are seen."""
TOO_OLD = 5.75
"""Age at which a child who still waits on the pathway of the under-fives is handed on."""

_HOLIDAYS = (
    ("01-01", "01-04"), ("02-13", "02-19"), ("04-01", "04-14"), ("05-25", "05-31"), ("07-22", "08-31"), ("10-24", "10-31"),
    ("12-20", "12-31"),
)  # fmt: skip
HOLIDAY_WEIGHT = 0.55


def run_queue(
    line: Line, scale: float, rng: np.random.Generator, handed_on: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Every request of a line from BURN_IN to AHEAD, a row each, in the order received.

    Columns: received, clock_start, age (years on receipt), priority, triage (day a request is sent back, 0: it is not), left (day the
    wait ended, 0: not yet), kind (WAITING to TRANSFERRED), origin (row of `handed_on`, -1: none). Days since 1970-01-01.
    `handed_on`: requests that another provider hands over (received, clock_start, age).
    """
    requests = _arrivals(line, scale, rng)
    if handed_on is not None:
        came = handed_on.assign(priority=1, triage=0, origin=np.arange(len(handed_on)))
        requests = pd.concat([requests, came[requests.columns]], ignore_index=True)
    requests = requests.sort_values(["received", "clock_start"], kind="stable", ignore_index=True)
    first, last = month_number(BURN_IN), month_number(AHEAD)
    months = np.arange(first, last)
    wanted = targets(line, months, scale)
    wanted = np.maximum(wanted + rng.normal(0, 0.04, wanted.shape) * wanted, 0)
    room = ROOM * scale * between(line.weekly, months) * 52 / 12
    received, clock = (requests[name].to_numpy(np.int64) for name in ("received", "clock_start"))
    triage, age = requests["triage"].to_numpy(np.int64), requests["age"].to_numpy()
    urgency = requests["priority"].to_numpy() + rng.random(len(requests))
    left, kind = np.zeros(len(requests), np.int64), np.zeros(len(requests), np.int64)
    lot, stay = rng.random((2, len(requests)))
    queue = np.empty(0, np.int64)
    for place, month in enumerate(months.tolist()):
        begins, ends = month_start(month), month_start(month + 1) - 1
        arrived = np.flatnonzero((received >= begins) & (received <= ends))
        queue = np.concatenate([queue, arrived])
        back = queue[(triage[queue] > 0) & (triage[queue] <= ends)]
        left[back], kind[back] = triage[back], REJECTED
        queue = queue[left[queue] == 0]
        if line.pathway == "ND_0_5":
            grown = queue[age[queue] + (ends - received[queue]) / 365.25 > TOO_OLD]
            left[grown] = np.maximum(begins + (stay[grown] * (ends - begins)).astype(np.int64), received[grown] + 1)
            kind[grown] = TRANSFERRED
            queue = queue[left[queue] == 0]
        free = np.floor(room[place] * SLACK_MONTHS.get(month % 12 + 1, 1.0) + rng.random()).astype(int)
        going = _chosen(queue, clock, received, triage, urgency, wanted[place], int(free), ends, rng)
        lowest = np.maximum(begins, received[going] + 2)
        when, seen_on_a_weekday = _working_day(lowest, np.full(len(going), ends), stay[going])
        waited = when - received[going]
        how = np.select(
            [
                lot[going] < VANISHED_SHARE,
                (lot[going] < VANISHED_SHARE + NULLIFIED_SHARE) & (waited >= UNSEEN_AFTER),
                lot[going] > 1 - CLOSED_SHARE,
            ],
            [VANISHED, NULLIFIED, CLOSED],
            SEEN,
        )
        how = np.where((how == VANISHED) & (received[going] >= begins), SEEN, how)
        stays = (how == SEEN) & ~seen_on_a_weekday
        going, when, how = going[~stays], when[~stays], how[~stays]
        left[going], kind[going] = np.where(how == VANISHED, begins, when), how
        queue = queue[left[queue] == 0]
    return requests.assign(left=left, kind=kind)


def _chosen(
    queue: Ints,
    clock: Ints,
    received: Ints,
    triage: Ints,
    urgency: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.float64],
    free: int,
    ends: int,
    rng: np.random.Generator,
) -> Ints:
    """Whom the month's capacity reaches: in each band those above the number that the line keeps, the urgent first."""
    band = bands_of(ends - clock[queue])
    keep = np.floor(wanted + rng.random(len(BANDS))).astype(np.int64)
    can = (triage[queue] == 0) & (ends - received[queue] >= 3)
    able = queue[can]
    order = np.lexsort((-urgency[able], band[can]))
    able, of = able[order], band[can][order]
    starts = np.searchsorted(of, np.arange(len(BANDS)))
    rank = np.arange(len(able)) - starts[of]
    excess = np.bincount(band, minlength=len(BANDS)) - keep
    taken = rank < excess[of]
    going, of = able[taken], of[taken]
    # the longest waits first where capacity falls short, but the urgent before all
    first = np.lexsort((-of, -(urgency[going] >= 2).astype(np.int64)))
    return np.asarray(going[first][:free])


def _arrivals(line: Line, scale: float, rng: np.random.Generator) -> pd.DataFrame:
    begins, ends = month_start(month_number(BURN_IN)), month_start(month_number(AHEAD))
    days = np.arange(begins, ends)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    rate = scale * between(line.weekly, months) / 5 * day_weights(days)
    received = np.repeat(days, rng.poisson(rate))
    size = len(received)
    low, high, weight = (np.array(part) for part in zip(*line.ages, strict=True))
    group = rng.choice(len(low), size=size, p=weight / weight.sum())
    age = low[group] + rng.random(size) * (high[group] - low[group])
    priority = np.where(rng.random(size) < line.urgent, 2, 1)
    priority = np.where((priority == 2) & (rng.random(size) < 0.1), 3, priority)
    back = rng.random(size) < line.rejected
    triage, _ = _working_day(received + 2, received + 18, rng.random(size))
    return pd.DataFrame(
        {
            "received": received,
            "clock_start": received,
            "age": age,
            "priority": priority,
            "triage": np.where(back, triage, 0),
            "origin": -1,
        }
    )


def day_weights(days: Ints) -> npt.NDArray[np.float64]:
    """How many requests come on a day, a school day being 1."""
    dates = days.astype("datetime64[D]")
    weekday = np.is_busday(dates)
    texts = pd.Series(dates.astype(str)).str[5:]
    away = np.zeros(len(days), bool)
    for first, last in _HOLIDAYS:
        away |= ((texts >= first) & (texts <= last)).to_numpy()
    return np.asarray(weekday * np.where(away, HOLIDAY_WEIGHT, 1.12))


def _working_day(low: Ints, high: Ints, lot: npt.NDArray[np.float64]) -> tuple[Ints, Flags]:
    """A weekday from `low` to `high` by lot, and whether there is one (`high` where there is none)."""
    from_day, to_day = low.astype("datetime64[D]"), (high + 1).astype("datetime64[D]")
    number = np.maximum(np.busday_count(from_day, np.maximum(from_day, to_day)), 0)
    step = np.minimum((lot * number).astype(np.int64), np.maximum(number - 1, 0))
    when = np.busday_offset(from_day, step, roll="forward").astype("datetime64[D]").astype(np.int64)
    return np.where(number > 0, when, high), number > 0


def next_working_day(days: Ints) -> Ints:
    """The day itself or the Monday after."""
    return np.asarray(
        np.busday_offset(days.astype("datetime64[D]"), 0, roll="forward").astype("datetime64[D]").astype(np.int64)
    )
