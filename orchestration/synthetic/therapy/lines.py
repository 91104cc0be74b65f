"""Service lines of the two providers, the months of the lists, and the published waiting lists that they are held to."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from orchestration.synthetic.dates import day

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

RFR, RXE = "RFR", "RXE"
BANDS = ("w00_01", "w01_02", "w02_04", "w04_12", "w12_18", "w18_52", "w52_104", "w104_plus")
BAND_ENDS = np.array([7, 14, 28, 84, 126, 364, 728])
"""Last day of each band but the open one."""
OVER_18, OVER_52, OVER_104 = 127, 365, 729
"""First day over the limit, in weeks."""

FIRST_MONTH, LAST_MONTH = "2023-04", "2026-01"
"""Lists are made of every month between: the layout begins with 2023/24, and January 2026 is the month of the latest EHC plans return."""
BURN_IN, AHEAD = "2019-07", "2026-04"
"""Queues are lived through from the first of these months to the start of the second: what is booked at the last list's end happens."""

PUBLISHED_FILE = Path(__file__).parent / "published.csv"


def month_number(month: str) -> int:
    """Months since January 1970 of `YYYY-MM`."""
    return int(np.datetime64(month, "M").astype(np.int64))


def month_start(number: int) -> int:
    """First day of a month, in days since 1970-01-01."""
    return int(np.datetime64(int(number), "M").astype("datetime64[D]").astype(np.int64))


def month_name(number: int) -> str:
    """`YYYY-MM`."""
    return str(np.datetime64(int(number), "M"))


MONTHS = tuple(range(month_number(FIRST_MONTH), month_number(LAST_MONTH) + 1))
SNAPSHOTS = np.array([month_start(number + 1) - 1 for number in MONTHS])
"""Last day of every month of MONTHS."""


def scope_start(snapshot: int) -> int:
    """1 April of the financial year before the snapshot's: what ended before is in no list."""
    date = np.datetime64(int(snapshot), "D")
    year = int(date.astype("datetime64[Y]").astype(np.int64)) + 1970
    month = int(date.astype("datetime64[M]").astype(np.int64)) % 12 + 1
    return day(f"{year - 1 - (month < 4)}-04-01")


def bands_of(days: Ints) -> Ints:
    """Position in BANDS of each wait."""
    return np.searchsorted(BAND_ENDS, days, side="left").astype(np.int64)


@dataclass(frozen=True)
class Line:
    """One service line of one provider, and how its queue behaves at scale 1."""

    provider: str
    code: str
    pathway: str
    team: str
    weekly: Mapping[str, float]
    """Month -> requests in a school week, in a straight line between."""
    path: Mapping[str, tuple[float, ...]]
    """Month -> children waiting at its end by band, of the area's own, in a straight line between."""
    ages: tuple[tuple[float, float, float], ...]
    """(lowest age, highest age, weight) of children referred."""
    sources: Mapping[str, float]
    rejected: float
    urgent: float
    follow_ups: float
    """Contacts after the first, on average."""
    gap: int
    """Days between contacts."""
    outcome: tuple[int, int] = (0, 0)
    """Days from the first contact to the outcome of a neurodevelopmental assessment."""
    needs: Mapping[str, float] | None = None
    """How much likelier a child with a plan of that primary need is to be referred than one without any."""
    monitored: float = 0.0
    """Share of those seen whose clock active monitoring stops."""


OWN_SHARE = 0.9
"""Of the published waiting list that the area's own children are: the rest are from outside, and in no list."""

_SCHOOL = {"SCHOOL": 0.4, "PARENT": 0.18, "GP": 0.12, "HV": 0.1, "EARLY_YEARS": 0.08, "AHP": 0.04, "CONSULTANT": 0.04}
_EARLY = {"HV": 0.4, "GP": 0.18, "EARLY_YEARS": 0.2, "PARENT": 0.08, "CONSULTANT": 0.08, "AHP": 0.03}
_HEALTH = {"GP": 0.4, "CONSULTANT": 0.2, "HV": 0.14, "SCHOOL_NURSE": 0.08, "AHP": 0.1, "SOCIAL_CARE": 0.05}
_MIND = {"GP": 0.4, "SCHOOL": 0.26, "SCHOOL_NURSE": 0.08, "PARENT": 0.12, "SELF": 0.05, "SOCIAL_CARE": 0.06}
_REST = {"OTHER": 0.02, "UNKNOWN": 0.01}
"""The same on every line."""

_SLT_2023 = tuple(OWN_SHARE * n for n in (26, 40, 50, 140, 66, 27, 0, 0))
_SLT_AUTUMN = tuple(OWN_SHARE * n for n in (26, 27, 27, 108, 39, 13, 0, 0))
_OT_BETWEEN = tuple(OWN_SHARE * n for n in (8, 10, 8, 31, 16, 62, 4, 0))
_OT_LATELY = tuple(OWN_SHARE * n for n in (6, 4, 5, 22, 16, 68, 42, 0))
_OT_2023 = tuple(OWN_SHARE * n for n in (8, 12, 10, 33, 7, 56, 1, 0))
_PHYSIO_2023 = tuple(OWN_SHARE * n for n in (2, 8, 9, 21, 3, 5, 0, 0))
_PAEDIATRIC = (7.0, 7, 12, 42, 26, 55, 1, 0)
_AUTUMN_2025 = {
    "SLT": (10, 20, 50, 61, 20, 21, 0, 0),
    "OT": (7, 2, 3, 15, 9, 64, 40, 0),
    "PHYSIO": (8, 2, 7, 13, 11, 8, 0, 0),
    "COMMPAED": (0, 1, 6, 45, 29, 63, 1, 0),
}
_NOW = {code: tuple(OWN_SHARE * n for n in bands) for code, bands in _AUTUMN_2025.items()}


def _times(factor: float, bands: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(factor * n for n in bands)


# The published series of occupational therapy (18, 127, 122, 25, 15, 18) and physiotherapy (24, 48, 47, 12) changed what they count
# within 2023. The queues here do not follow: they go evenly from June 2023 to October 2025, and `sitrep_counted` says who was counted.
LINES = (
    Line(RFR, "SLT", "", "33", {"2019-07": 31, "2023-07": 31, "2024-06": 26, "2025-10": 25},
         {"2019-07": _SLT_2023, "2023-04": _times(323 / 349, _SLT_2023), "2023-06": _SLT_2023, "2023-08": _times(248 / 240, _SLT_AUTUMN),
          "2023-09": _SLT_AUTUMN, "2023-10": _times(260 / 240, _SLT_AUTUMN), "2025-10": _NOW["SLT"]},
         ((1.6, 5.0, 0.45), (5.0, 11.0, 0.41), (11.0, 17.5, 0.14)), _SCHOOL, 0.08, 0.06, 3.0, 28,
         needs={"SLCN": 300, "ASD": 30, "HI": 30, "SLD": 30, "": 8}),
    Line(RFR, "OT", "", "23", {"2019-07": 8.5, "2023-07": 8.5, "2025-03": 6, "2025-10": 5.5},
         {"2019-07": _OT_BETWEEN, "2023-05": _OT_BETWEEN, "2023-06": _OT_2023, "2023-07": _OT_BETWEEN, "2025-09": _OT_LATELY,
          "2025-10": _NOW["OT"], "2025-11": _OT_LATELY},
         ((1.6, 5.0, 0.3), (5.0, 11.0, 0.5), (11.0, 17.5, 0.2)), _SCHOOL, 0.1, 0.05, 2.2, 35,
         needs={"PD": 30, "ASD": 10, "SLD": 12, "PMLD": 25, "": 3}),
    Line(RFR, "PHYSIO", "", "26", {"2019-07": 6.5, "2025-10": 6.5},
         {"2019-07": _PHYSIO_2023, "2023-06": _PHYSIO_2023, "2025-10": _NOW["PHYSIO"]},
         ((0.4, 5.0, 0.4), (5.0, 11.0, 0.3), (11.0, 17.5, 0.3)), _HEALTH, 0.06, 0.1, 2.6, 30,
         needs={"PD": 40, "PMLD": 40, "SLD": 8, "": 3}),
    Line(RFR, "COMMPAED", "", "06", {"2019-07": 8, "2023-04": 9, "2025-10": 11},
         {"2019-07": _times(0.7, _PAEDIATRIC), "2023-04": _times(0.85, _PAEDIATRIC), "2025-09": _PAEDIATRIC, "2025-10": _NOW["COMMPAED"],
          "2025-11": _PAEDIATRIC},
         ((0.4, 5.0, 0.5), (5.0, 11.0, 0.35), (11.0, 16.5, 0.15)), _HEALTH, 0.12, 0.06, 1.8, 150,
         needs={"ASD": 10, "SLD": 15, "PMLD": 20, "SEMH": 6, "": 4}, monitored=0.04),
    Line(RFR, "NEURODEV", "ND_0_5", "06", {"2019-07": 3.0, "2025-10": 4.5},
         {"2019-07": _times(0.5, (3, 4, 8, 30, 22, 70, 20, 0)), "2023-04": _times(0.7, (3, 4, 8, 30, 22, 70, 20, 0)),
          "2025-10": (3.0, 4, 8, 30, 22, 70, 20, 0)},
         ((1.7, 5.2, 1.0),), _EARLY, 0.12, 0.03, 0.8, 60, (40, 160), needs={"ASD": 40, "SLCN": 10, "": 4}),
    Line(RXE, "NEURODEV", "ND_5_19", "", {"2019-07": 9, "2023-04": 13, "2025-10": 16},
         {"2019-07": _times(0.4, (8, 10, 22, 95, 70, 360, 300, 60)), "2023-04": _times(0.7, (8, 10, 22, 95, 70, 360, 300, 60)),
          "2025-10": _times(1.1, (8, 10, 22, 95, 70, 360, 300, 60))},
         ((5.1, 11.0, 0.6), (11.0, 17.3, 0.4)), _SCHOOL, 0.15, 0.02, 1.0, 60, (30, 200), needs={"ASD": 30, "SEMH": 20, "": 4},
         monitored=0.05),
    Line(RXE, "CAMHS", "", "", {"2019-07": 20, "2025-10": 26},
         {"2019-07": (18, 18, 34, 90, 26, 20, 1, 0), "2023-04": (22, 21, 42, 112, 36, 30, 2, 0), "2025-10": (20, 20, 40, 95, 24, 16, 0, 0)},
         ((5.1, 11.0, 0.35), (11.0, 17.6, 0.65)), _MIND, 0.25, 0.12, 4.0, 24, needs={"SEMH": 15, "ASD": 5, "": 2}, monitored=0.03),
)  # fmt: skip


def source_shares(line: Line) -> dict[str, float]:
    """Source of referral -> share; what the line leaves open is shared by all."""
    shares = dict(line.sources) | _REST
    return {source: share / sum(shares.values()) for source, share in shares.items()}


def between(points: Mapping[str, float], months: Ints) -> npt.NDArray[np.float64]:
    """Values of a straight line through the points, held before the first and after the last."""
    return np.interp(months, [month_number(month) for month in points], list(points.values()))


def targets(line: Line, months: Ints, scale: float) -> npt.NDArray[np.float64]:
    """Children waiting at the end of each month by band: a row a month."""
    return np.column_stack(
        [scale * between({m: bands[b] for m, bands in line.path.items()}, months) for b in range(len(BANDS))]
    )


@dataclass(frozen=True)
class Published:
    """One line of one month of the national workbook, of the trust, scaled."""

    month: str
    line: str
    total: int | None
    """None: the trust sent nothing for the line."""
    bands: tuple[int, ...]
    """Empty where only the total is known; in the order of BANDS, weeks above 52 together in the 2023 form."""
    source: str


def read_published(scale: float) -> dict[tuple[str, str], Published]:
    """(month, line) -> what was published. At another scale than 1 bands are scaled, and totals are sums of bands."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    sources: dict[tuple[str, str], str] = {}
    with PUBLISHED_FILE.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            key = (row["data_month"], row["service_line"])
            found.setdefault(key, {})[row["band"]] = row["value"]
            sources[key] = row["source"]
    made = {}
    for (month, line), values in found.items():
        total = values.pop("total")
        bands = tuple(round(int(value) * scale) for value in values.values())
        whole = None if total == "" else sum(bands) if bands else round(int(total) * scale)
        made[month, line] = Published(month, line, whole, bands, sources[month, line])
    return made
