"""What a term leaves behind: attendance of every registration, suspensions and exclusions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.census.children import PLAN, SUPPORT, Children
from orchestration.synthetic.census.schools import (
    AUTUMN,
    PRIMARY,
    REFERRAL,
    SECONDARY,
    SPECIAL,
    SPRING,
    TERMS,
    Ints,
    Sites,
)

ABSENCE = {
    2021: (0.0690, 0.1160, 0.1300),
    2022: (0.0655, 0.1100, 0.1260),
    2023: (0.0643, 0.1060, 0.1370),
    2024: (0.0602, 0.1018, 0.1479),
    2025: (0.0602, 0.1018, 0.1479),
}
"""Overall absence of an academic year without SEN, on SEN support and with a plan. Published are 2024/25 (D2I SEND attendance
dashboard), plans in 2022/23 (12.6 per cent) and all pupils of a year (LAIT: 8.17, 7.81, 7.74, 7.36 per cent); the others are chosen so
that all pupils' is met. 2025/26 is held."""
SEVERE = {0: 0.013, SUPPORT: 0.05, PLAN: 0.101}
"""Share of severely absent pupils in 2024/25 (D2I)."""
SEVERE_OF_YEAR = {2021: 0.64, 2022: 0.77, 2023: 0.92, 2024: 1.0, 2025: 1.0}
"""Severe absence of a year against 2024/25 (LAIT: 1.90, 2.28, 2.74, 2.97 per cent; 2025/26 held)."""
SEVERE_RATE = 0.7
ABSENCE_OF_PHASE = {PRIMARY: 0.9, SECONDARY: 1.15, SPECIAL: 1.05, REFERRAL: 2.0}
SEVERE_OF_PHASE = {PRIMARY: 0.45, SECONDARY: 1.75, SPECIAL: 0.95, REFERRAL: 2.0}
"""How a phase's absence, and its share of severely absent pupils, stand to those of others with the same provision, whose mean is kept."""

SUSPENSIONS = {  # per 100 pupils a year: suspensions, pupils with one or more (LAIT; later years held)
    2022: {PRIMARY: (1.504, 0.692), SECONDARY: (25.28, 8.042), SPECIAL: (13.456, 6.636)},
    2023: {PRIMARY: (1.534, 0.742), SECONDARY: (27.09, 9.295), SPECIAL: (14.657, 6.616)},
}
SUSPENSION_YEAR = {2021: 2022, 2022: 2022, 2023: 2023, 2024: 2023, 2025: 2023}
RISK = {0: 0.7, SUPPORT: 2.0, PLAN: 2.2}
RESCINDED_SHARE = 0.01
SUSPENSION_REASONS = {
    "DB": 0.5,
    "VA": 0.17,
    "PP": 0.15,
    "OW": 0.04,
    "PA": 0.04,
    "DA": 0.04,
    "VP": 0.03,
    "RA": 0.02,
    "TH": 0.01,
}

CODES = ("/", "\\", "L", "B", "I", "M", "C", "C2", "E", "G", "O", "D")
AUTHORISED, UNAUTHORISED = ("I", "M", "C", "C2", "E"), ("G", "O")
PART_TIMETABLE_FROM = 2024
"""C2 is a code of its own since the academic year 2024/25."""
MAIN_SHARE = 0.7
"""Of the sessions of a child with two registrations, those at the main school."""


@dataclass(frozen=True)
class Sessions:
    """Attendance of one stretch of a term: sessions possible by row, and sessions by row and code of CODES."""

    possible: Ints
    counts: Ints

    def of(self, codes: tuple[str, ...]) -> Ints:
        """Sessions under these codes, by row."""
        return np.asarray(self.counts[:, [CODES.index(code) for code in codes]].sum(axis=1))


@dataclass(frozen=True)
class Events:
    """What does not depend on the census that tells it."""

    rates: npt.NDArray[np.float64]
    """Absence rate of every child in every term."""
    lots: npt.NDArray[np.float64]
    suspensions: pd.DataFrame
    """child, term, site, day, sessions (0: permanent), category, provision, reason1, reason2, rescinded."""


def _mean_kept(values: Any, target: float) -> Any:
    return values * (target / values.mean()) if len(values) and values.mean() > 0 else values


def live_events(children: Children, sites: Sites, rng: np.random.Generator) -> Events:
    """Absence rates and suspensions of every term."""
    size, group = len(children.people), children.groups
    phase = np.append(sites.frame["phase"].to_numpy(object), "")
    usual, severe = rng.random(size), rng.random(size)
    rates = np.zeros(children.site.shape)
    for t, term in enumerate(TERMS):
        at = phase[children.site[:, t]]
        counted = (children.site[:, t] >= 0) & (group[:, t] >= 0) & (group[:, t] <= 11)
        factor, harder = (pd.Series(at).map(of).fillna(1.0).to_numpy() for of in (ABSENCE_OF_PHASE, SEVERE_OF_PHASE))
        drawn = -np.log1p(-usual) * (0.7 + 0.6 * rng.random(size))
        for provision, mean in enumerate(ABSENCE[term.academic]):
            mine = counted & (children.provision[:, t] == provision)
            share = SEVERE[provision] * SEVERE_OF_YEAR[term.academic]
            gone = mine.copy()
            gone[mine] = severe[mine] < _mean_kept(harder[mine], share)
            rest = mine & ~gone
            rates[gone, t] = SEVERE_RATE
            left = (mean * mine.sum() - SEVERE_RATE * gone.sum()) / max(int(rest.sum()), 1)
            rates[rest, t] = np.minimum(_mean_kept(drawn[rest] * factor[rest], left), 0.98)
    return Events(rates, rng.random((4, size)), _suspensions(children, sites, rng))


def _suspensions(children: Children, sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    size, group = len(children.people), children.groups
    phase = np.append(sites.frame["phase"].to_numpy(object), "")
    prone = rng.random(size)
    told = []
    for t, term in enumerate(TERMS):
        at = phase[children.site[:, t]]
        aged = (group[:, t] >= 1) & (group[:, t] <= 11)
        risk = pd.Series(children.provision[:, t]).map(RISK).to_numpy(float)
        for kind, (events, pupils) in SUSPENSIONS[SUSPENSION_YEAR[term.academic]].items():
            there = at == kind
            rows = np.flatnonzero(there & aged)
            if not len(rows):
                continue
            share = pupils / 100 * 1.12 * there.sum() / len(rows)
            prone_here = rows[prone[rows] < share * _mean_kept(risk[rows], 1.0)]
            mean = events / 100 / 3 * there.sum() / max(len(prone_here), 1)
            number = np.minimum(rng.poisson(mean, len(prone_here)), 8)
            child = np.repeat(prone_here, number)
            nth = np.arange(len(child)) - np.repeat(number.cumsum() - number, number)
            many = np.repeat(number, number)
            length = (term.ends - term.begins - 20) // np.maximum(many, 1)
            when = term.begins + 6 + nth * length + (rng.random(len(child)) * length).astype(np.int64)
            told.append(pd.DataFrame({"child": child, "term": t, "day": _weekday(when), "category": "SUSP"}))
        out = np.flatnonzero(children.excluded == t)
        when = term.ends - rng.integers(3, 15, len(out))
        told.append(pd.DataFrame({"child": out, "term": t, "day": _weekday(when), "category": "PERM"}))
    found = pd.concat(told, ignore_index=True).drop_duplicates(["child", "day"])
    child, term_of = found["child"].to_numpy(), found["term"].to_numpy()
    found["site"] = children.site[child, term_of].astype(int)
    found["provision"] = children.provision[child, term_of].astype(int)
    suspended = found["category"] == "SUSP"
    found["sessions"] = np.where(suspended, 2 * rng.integers(1, 6, len(found)) - (rng.random(len(found)) < 0.3), 0)
    names, weights = np.array(list(SUSPENSION_REASONS), dtype=object), np.array(list(SUSPENSION_REASONS.values()))
    first = rng.choice(len(names), size=len(found), p=weights / weights.sum())
    found["reason1"] = names[first]
    found["reason2"] = np.where(rng.random(len(found)) < 0.2, names[(first + 1) % len(names)], "")
    found["rescinded"] = suspended & (rng.random(len(found)) < RESCINDED_SHARE)
    return found.sort_values(["term", "site", "child", "day"]).reset_index(drop=True)


def _weekday(days: Any) -> Ints:
    """The Friday before a day at a weekend, else the day."""
    days = np.asarray(days, dtype=np.int64)
    weekday = (days + 3) % 7  # 0 is Monday
    return np.asarray(days - np.maximum(weekday - 4, 0))


def stretches(t: int) -> tuple[int, ...]:
    """Sessions possible at full attendance of the stretches of a term: the summer's two halves are told apart."""
    return {AUTUMN: (142,), SPRING: (118,)}.get(TERMS[t].name, (58, 66))


def attended(
    children: Children,
    events: Events,
    rows: Ints,
    site: Ints,
    status: npt.NDArray[np.object_],
    present: npt.NDArray[np.bool_],
    t: int,
    stretch: int,
) -> Sessions:
    """Attendance in a stretch of term `t` of registrations: `rows` (child), `site`, `status` (C, M, S), `present` (registered then)."""
    rng = np.random.default_rng(
        [t, stretch, len(rows)]
    )  # its own: the shape or order in which censuses are built changes nothing
    size = len(rows)
    full = stretches(t)[stretch] - site % 4
    share = np.select([status == "M", status == "S"], [MAIN_SHARE, 1 - MAIN_SHARE], 1.0)
    possible = np.where(present, np.round(full * share), 0).astype(np.int64)
    missed = np.floor(possible * events.rates[rows, t] + rng.random(size)).astype(np.int64)
    counts = np.zeros((size, len(CODES)), dtype=np.int64)

    def put(code: str, number: Any) -> None:
        counts[:, CODES.index(code)] = number

    excluded = events.suspensions
    excluded = excluded[(excluded["term"] == t) & (excluded["category"] == "SUSP")]
    suspended = excluded.groupby(["child", "site"])["sessions"].sum()
    away = suspended.reindex(pd.MultiIndex.from_arrays([rows, site])).fillna(0).to_numpy(np.int64)
    away = np.minimum(away // len(stretches(t)), missed)
    left = missed - away
    medical = np.where(left >= 8, np.floor(left * 0.12), 0).astype(np.int64)
    ill = np.floor((left - medical) * (0.35 + 0.4 * events.lots[0, rows]) + rng.random(size)).astype(np.int64)
    ill = np.minimum(ill, left - medical)
    rest = left - medical - ill
    holiday = np.where((events.lots[1, rows] < 0.35) & (rest >= 2), rest - rest // 4, 0)
    needy = children.provision[rows, t] != 0
    part = (events.lots[2, rows] < 0.02) & needy & (TERMS[t].academic >= PART_TIMETABLE_FROM)
    put("E", away)
    put("M", medical)
    put("I", np.where(part, 0, ill))
    put("C2", np.where(part, ill, 0))
    put("C", np.where(holiday > 0, 0, np.where(events.lots[1, rows] > 0.85, rest // 3, 0)))
    put("G", holiday)
    put("O", rest - holiday - counts[:, CODES.index("C")])
    here = possible - missed
    late = np.where(events.lots[3, rows] < 0.2, np.floor(here * 0.04), 0).astype(np.int64)
    elsewhere = np.where(events.lots[3, rows] > 0.97, np.floor(here * 0.05), 0).astype(np.int64)
    put("L", late)
    put("B", elsewhere)
    plain = here - late - elsewhere
    put("/", plain - plain // 2)
    put("\\", plain // 2)
    put("D", np.where(np.isin(status, ["M", "S"]) & present, full - possible, 0))
    return Sessions(possible, counts)
