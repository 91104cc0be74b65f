"""The terms of the censuses, and the state-funded schools of the borough that make them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.dates import day
from orchestration.synthetic.registers import FIRST_UKPRN, FIRST_URN, TRUSTS

Ints = npt.NDArray[np.int64]

AUTUMN, SPRING, SUMMER = "autumn", "spring", "summer"
TERM_CODES = {AUTUMN: "AUT", SPRING: "SPR", SUMMER: "SUM"}
FILE_NUMBERS = {AUTUMN: 3, SPRING: 1, SUMMER: 2}
"""The digit of a term in the name of a school's file (SC3 is the autumn's)."""

_DAYS = {
    2021: ("", "2022-01-20", "2022-05-19"),
    2022: ("2022-10-06", "2023-01-19", "2023-05-18"),
    2023: ("2023-10-05", "2024-01-18", "2024-05-16"),
    2024: ("2024-10-03", "2025-01-16", "2025-05-15"),
    2025: ("2025-10-02", "2026-01-15", "2026-05-21"),
}
"""Census days by the year in which the academic year begins: autumn, spring, summer."""

LOOKBACK = 2
"""Terms lived through before the first census, which its attendance and suspensions look back on."""


@dataclass(frozen=True)
class Term:
    """One school term and its census. `census`, `begins`, `ends`: days since 1970-01-01, the last two of the term itself."""

    academic: int
    """Calendar year in which the academic year begins."""
    name: str
    census: int
    begins: int
    ends: int

    @property
    def year(self) -> int:
        """Calendar year of the census day: the year that files carry."""
        return self.academic + (self.name != AUTUMN)

    @property
    def label(self) -> str:
        """The academic year, as 2025-26."""
        return f"{self.academic}-{(self.academic + 1) % 100:02d}"


def _term(academic: int, name: str, census: str) -> Term:
    year = academic + (name != AUTUMN)
    begins, ends = {AUTUMN: ("09-01", "12-20"), SPRING: ("01-04", "03-31"), SUMMER: ("04-15", "07-21")}[name]
    return Term(academic, name, day(census), day(f"{year}-{begins}"), day(f"{year}-{ends}"))


TERMS: tuple[Term, ...] = tuple(
    _term(academic, name, census)
    for academic, days in _DAYS.items()
    for name, census in zip((AUTUMN, SPRING, SUMMER), days, strict=True)
    if census
)
"""All terms lived through, the first LOOKBACK of them without a census of their own."""

NURSERY, PRIMARY, SECONDARY, SPECIAL, REFERRAL = "NS", "PS", "SS", "SP", "PR"
YEARS = {NURSERY: (-2, -1), PRIMARY: (-2, 6), SECONDARY: (7, 13), SPECIAL: (-2, 14), REFERRAL: (0, 11)}
"""Phase -> lowest and highest year group, reception as 0, nursery years below."""

YEAR_CODES = ("N1", "N2", "R", *(str(number) for number in range(1, 15)))
"""NCyearActual of the year groups from -2 to 14."""

_OF_PHASE = {"Nursery": NURSERY, "Primary": PRIMARY, "Secondary": SECONDARY}
_OF_LINE = {
    "special_la_maintained": SPECIAL,
    "special_academy": SPECIAL,
    "special_free_school": SPECIAL,
    "ap_pru_la_maintained": REFERRAL,
    "ap_pru_academy": REFERRAL,
    "ap_pru_free_school": REFERRAL,
}
_MAINSTREAM = ("mainstream_la_maintained", "mainstream_academy", "mainstream_free_school")
_GOVERNANCE = {
    "Voluntary aided school": "VA",
    "Voluntary controlled school": "VC",
    "Foundation school": "FO",
    "Foundation special school": "FO",
}
SMALL_TYPES = ("University technical college", "Studio schools")

STAYING, CONVERTED_ON = 6, ("2023-09-01", "2023-09-01", "2024-04-01", "2024-09-01", "2025-09-01", "2026-01-01")
"""Primary schools that the censuses add to the register: some that stay maintained, and the days on which others became academies."""


def extended_register(register: pd.DataFrame, la: str) -> pd.DataFrame:
    """The register with primary schools added in which the returns place no plan of the authority's own.

    Some became academies meanwhile: one closed record and one open, each with its own URN, UKPRN and establishment number. Their
    `line` is blank, so that nothing is drawn from them but by the censuses.
    """
    model = register[
        (register["TypeOfEstablishment (name)"] == "Community school")
        & (register["PhaseOfEducation (name)"] == "Primary")
        & (register["LA (code)"] == la)
    ].head(1)
    size = STAYING + len(CONVERTED_ON)
    number = np.arange(size)
    base = pd.concat([model] * size, ignore_index=True).assign(
        **{"line": "", "TypeOfResourcedProvision (name)": "Not applicable"}
    )
    base["EstablishmentName"] = [f"Pebblecroft Primary {i + 1}" for i in number]

    def numbered(frame: pd.DataFrame, first: int) -> pd.DataFrame:
        at = number[: len(frame)] + first
        return frame.assign(
            URN=(FIRST_URN + 6000 + at).astype(str),
            UKPRN=(FIRST_UKPRN + 6000 + at).astype(str),
            EstablishmentNumber=(9500 + at).astype(str),
        )

    opened = [pd.Timestamp(text).strftime("%d-%m-%Y") for text in CONVERTED_ON]
    closed = [(pd.Timestamp(text) - pd.Timedelta(days=1)).strftime("%d-%m-%Y") for text in CONVERTED_ON]
    converts = base.iloc[STAYING:].reset_index(drop=True)
    before = numbered(converts, 100).assign(
        **{
            "EstablishmentStatus (name)": "Closed",
            "CloseDate": closed,
            "ReasonEstablishmentClosed (name)": "Academy Converter",
        }
    )
    after = numbered(converts, 200).assign(
        **{
            "TypeOfEstablishment (name)": "Academy converter",
            "EstablishmentTypeGroup (name)": "Academies",
            "Trusts (name)": [TRUSTS[i % len(TRUSTS)] for i in range(len(opened))],
            "OpenDate": opened,
        }
    )
    return pd.concat([register, numbered(base.iloc[:STAYING], 0), before, after], ignore_index=True)


@dataclass(frozen=True)
class Sites:
    """The schools by where they stand: an academy conversion changes what a site is called in the register, not who is there.

    `frame`, one row a site: URN, laestab, name, phase, governance (as today), urn_before, laestab_before, converted (day, 0: never),
    weight (share of the pupils of its phase), sixth (has a sixth form).
    """

    frame: pd.DataFrame

    def of(self, *phases: str) -> Ints:
        """Sites of these phases."""
        return np.flatnonzero(self.frame["phase"].isin(phases)).astype(np.int64)

    def drawn(self, phase: str, number: int, rng: np.random.Generator) -> Ints:
        """That many sites of a phase by lot, larger schools more often."""
        sites = self.of(phase)
        weight = self.frame["weight"].to_numpy(float)[sites]
        return np.asarray(rng.choice(sites, size=number, p=weight / weight.sum()), dtype=np.int64)

    def on(self, census: int) -> pd.DataFrame:
        """URN, laestab and governance of every site on a census day."""
        early = self.frame["converted"].to_numpy(np.int64) > census
        return pd.DataFrame(
            {
                "urn": np.where(early, self.frame["urn_before"], self.frame["URN"]),
                "laestab": np.where(early, self.frame["laestab_before"], self.frame["laestab"]),
                "governance": np.where(early, "CO", self.frame["governance"]),
            }
        )


def census_sites(register: pd.DataFrame, la: str, rng: np.random.Generator) -> Sites:
    """The sites of the extended register: open state-funded schools inside the authority."""
    here = register[(register["LA (code)"] == la) & (register["EstablishmentStatus (name)"] == "Open")]
    added = here["EstablishmentName"].str.startswith("Pebblecroft")
    own = here[here["line"].isin([*_MAINSTREAM, *_OF_LINE]) | added].reset_index(drop=True)
    kind = own["TypeOfEstablishment (name)"]
    phase = own["line"].map(_OF_LINE).fillna(own["PhaseOfEducation (name)"].map(_OF_PHASE))
    maintained = own["EstablishmentTypeGroup (name)"].isin(["Local authority maintained schools", "Special schools"])
    frame = pd.DataFrame(
        {
            "URN": own["URN"].to_numpy(object),
            "laestab": (la + own["EstablishmentNumber"]).to_numpy(object),
            "name": own["EstablishmentName"].to_numpy(object),
            "phase": phase.to_numpy(object),
            "governance": np.where(maintained, kind.map(_GOVERNANCE).fillna("CO"), "CA"),
        }
    )
    frame["weight"] = rng.uniform(0.5, 1.5, len(frame)) * np.where(kind.isin(SMALL_TYPES), 0.15, 1.0)
    frame["sixth"] = (frame["phase"] == SECONDARY) & (rng.random(len(frame)) < 0.4)
    if not frame["sixth"].any():
        frame.loc[frame.index[frame["phase"] == SECONDARY][:1], "sixth"] = True
    gone = register[register["ReasonEstablishmentClosed (name)"] == "Academy Converter"]
    gone = gone[gone["EstablishmentName"].str.startswith("Pebblecroft")].set_index("EstablishmentName")
    known = gone.reindex(frame["name"])
    frame["urn_before"] = known["URN"].fillna("").to_numpy(object)
    frame["laestab_before"] = (la + known["EstablishmentNumber"].fillna("")).to_numpy(object)
    opened = pd.to_datetime(own["OpenDate"], format="%d-%m-%Y").to_numpy().astype("datetime64[D]").astype(np.int64)
    frame["converted"] = np.where(known["URN"].notna(), opened, 0)
    return Sites(frame)


def year_groups(cohort: Ints, terms: Sequence[Term] = TERMS) -> Ints:
    """Year group of every child in every term, reception as 0. Rows are children, columns terms."""
    begins = np.array([term.academic for term in terms])
    return np.asarray(begins[None, :] - cohort[:, None] - 4)


__all__ = ["LOOKBACK", "TERMS", "Sites", "Term", "census_sites", "extended_register"]
