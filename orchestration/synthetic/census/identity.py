"""Who the children of the censuses are: families at one address, names that change or are misspelt, numbers given out twice."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.census.children import OUTSIDE, Children
from orchestration.synthetic.census.schools import TERMS, Ints
from orchestration.synthetic.identity import (
    name_parts,
    neighbouring_postcodes,
    postcode_list,
    temporary_upns,
    ulns,
    upns,
)

FIRST_SERIAL = 10_000
"""Pupil numbers below are for the children of the SEN2 returns."""

KNOWN_SIBLING_SHARE = 0.3
"""Children of the SEN2 returns with a brother or sister who is in none."""
KNOWN_TWIN_SHARE = 0.02
"""Children of the SEN2 returns with a twin who is in none."""
CHANGED_SHARE, MISSPELT_SHARE = 0.012, 0.012
"""Children whose surname changes, or is misspelt for up to three terms, in one of the terms."""
TEMPORARY_SHARE, RENUMBERED_SHARE = 0.08, 0.001
"""Children arriving in a later term with a temporary UPN; children given a second permanent UPN."""
FORMER_TERMS = 3
"""Returns that carry the former UPN after a change."""

ETHNICITIES = {
    "WBRI": 0.775, "APKN": 0.052, "WROM": 0.027, "WOTH": 0.034, "BAFR": 0.018, "MWAS": 0.016, "MWBC": 0.012, "MWBA": 0.01,
    "MOTH": 0.012, "OOTH": 0.014, "AOTH": 0.01, "AIND": 0.005, "CHNE": 0.003, "WIRT": 0.001, "REFU": 0.005, "NOBT": 0.006,
}  # fmt: skip
LANGUAGES = {
    "ENG": 0.87, "URD": 0.035, "SLO": 0.026, "POL": 0.017, "ARA": 0.012, "RMN": 0.01, "KUR": 0.008, "PNJ": 0.008, "OTB": 0.014,
}  # fmt: skip


@dataclass(frozen=True)
class Identities:
    """Identity of every child of a Children table. Object arrays by child, save where a term is named."""

    frame: pd.DataFrame
    """surname, forename, postcode, house, family, upn, other_upn, uln, ethnicity, earlier_ethnicity, language, new_surname, misspelt."""
    changed: Ints
    """Term from which the surname is new_surname."""
    misspelt: Ints
    """First of up to three terms in which the surname is misspelt."""
    numbered: Ints
    """Term from which the UPN is the present one; before, it was other_upn."""

    def surnames(self, rows: Ints, t: int) -> npt.NDArray[np.object_]:
        """Surname of each child in a return."""
        frame = self.frame.iloc[rows]
        name = np.where(self.changed[rows] <= t, frame["new_surname"], frame["surname"])
        wrong = (self.misspelt[rows] <= t) & (t < self.misspelt[rows] + 3)
        return np.asarray(np.where(wrong, frame["misspelt"], name), dtype=object)

    def former_surnames(self, rows: Ints, t: int) -> npt.NDArray[np.object_]:
        """The surname before, of those whose surname changed."""
        return np.asarray(np.where(self.changed[rows] <= t, self.frame["surname"].to_numpy(object)[rows], ""), object)

    def upns(self, rows: Ints, t: int) -> npt.NDArray[np.object_]:
        """UPN of each child in a return."""
        frame = self.frame.iloc[rows]
        return np.asarray(np.where(t < self.numbered[rows], frame["other_upn"], frame["upn"]), dtype=object)

    def former_upns(self, rows: Ints, t: int) -> npt.NDArray[np.object_]:
        """The UPN before, for FORMER_TERMS returns after it changed."""
        since = t - self.numbered[rows]
        told = (self.numbered[rows] > 0) & (since >= 0) & (since < FORMER_TERMS)
        return np.asarray(np.where(told, self.frame["other_upn"].to_numpy(object)[rows], ""), dtype=object)


def identify(children: Children, people: pd.DataFrame, la: str, rng: np.random.Generator) -> Identities:
    """Identities of all children, those of SEN2 people as in SEN2. Families share surname, address and language."""
    own = children.people
    size = len(own)
    known = own["person"].to_numpy(np.int64) >= 0
    guests = np.zeros(size, bool)
    guests[children.disagreements.loc[children.disagreements["kind"] == OUTSIDE, "child"]] = True
    family = _with_known(children, known, guests, rng)
    surnames, forenames = (np.array(names, dtype=object) for names in name_parts())
    postcodes = postcode_list()
    frame = pd.DataFrame(
        {
            "surname": surnames[rng.integers(0, len(surnames), size)],
            "forename": forenames[rng.integers(0, len(forenames), size)],
            "postcode": postcodes[rng.integers(0, len(postcodes), size)],
            "house": rng.integers(1, 180, size).astype(str).astype(object),
            "uln": ulns(len(people) + size)[len(people) :],
            "ethnicity": _drawn(ETHNICITIES, size, rng),
            "language": _drawn(LANGUAGES, size, rng),
        }
    )
    given = pd.DataFrame({"family": family, "born": own["born"].to_numpy(), "forename": frame["forename"]})
    name_of_both = given.duplicated().to_numpy()  # twins have two names
    after = dict(zip(forenames, np.roll(forenames, -1), strict=True))
    frame.loc[name_of_both, "forename"] = frame.loc[name_of_both, "forename"].map(after)
    years = own["born"].to_numpy(np.int64).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    frame["upn"] = upns(la, years, FIRST_SERIAL)
    frame["earlier_ethnicity"] = frame["ethnicity"]
    theirs = people.loc[own.loc[known, "person"]]
    for column in ("surname", "forename", "postcode", "uln", "upn", "ethnicity", "earlier_ethnicity"):
        values = frame[column].to_numpy(object).copy()
        values[known] = theirs[column].to_numpy(object)
        frame[column] = values
    for column in ("surname", "postcode", "house", "ethnicity", "earlier_ethnicity", "language"):
        values = frame[column].to_numpy(object)
        frame[column] = np.where(known & (column not in ("house", "language")), values, values[family])
    # who comes from over the border for school lives there, with the family
    abroad = np.isin(family, family[guests])
    homes = neighbouring_postcodes()
    frame["postcode"] = np.where(abroad, homes[family % len(homes)], frame["postcode"])
    frame["family"] = family
    _join_twins(frame, own["born"].to_numpy(np.int64), known, abroad)
    frame["new_surname"] = surnames[rng.integers(0, len(surnames), size)]
    frame["misspelt"] = _misspelt(frame["surname"].to_numpy(object))
    never = len(TERMS)
    changed = np.where(rng.random(size) < CHANGED_SHARE, rng.integers(3, never, size), never)
    misspelt = np.where(rng.random(size) < MISSPELT_SHARE, rng.integers(2, never, size), never + 3)
    misspelt = np.where(changed < never, never + 3, misspelt)
    first = np.argmax(children.site >= 0, axis=1)
    lot = rng.random(size)
    temporary = ~known & (first >= 2) & (lot < TEMPORARY_SHARE)
    renumbered = ~known & ~temporary & (lot > 1 - RENUMBERED_SHARE)
    numbered = np.where(temporary, first + rng.integers(1, 3, size), 0)
    numbered = np.where(renumbered, rng.integers(3, never, size), numbered)
    other = frame["upn"].to_numpy(object).copy()
    other[temporary] = temporary_upns(other[temporary])
    other[renumbered] = upns(la, years[renumbered], FIRST_SERIAL + size)
    frame["other_upn"] = other
    return Identities(frame, changed, misspelt, numbered)


def _drawn(shares: dict[str, float], size: int, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    weight = np.array(list(shares.values()))
    return np.asarray(rng.choice(np.array(list(shares), dtype=object), size=size, p=weight / weight.sum()))


def _misspelt(names: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The third and fourth letter changed about."""
    text = pd.Series(names, dtype=object).str
    return np.asarray((text[:2] + text[3:4] + text[2:3] + text[4:]).to_numpy(object))


def _join_twins(frame: pd.DataFrame, born: Ints, known: npt.NDArray[np.bool_], abroad: npt.NDArray[np.bool_]) -> None:
    """Make only children the twins of children of the SEN2 returns born on the same day, in place: one home, two forenames."""
    rng = np.random.default_rng([len(frame), 1])  # its own, so that the rest of the censuses is as it would be without
    family = frame["family"].to_numpy(np.int64)
    alone = np.bincount(family, minlength=len(frame))[family] == 1
    theirs = rng.permutation(np.flatnonzero(known & alone & ~abroad))[: round(KNOWN_TWIN_SHARE * int(known.sum()))]
    others = rng.permutation(np.flatnonzero(~known & alone & ~abroad))
    first = pd.DataFrame({"born": born[theirs], "one": theirs}).drop_duplicates("born")
    second = pd.DataFrame({"born": born[others], "other": others}).drop_duplicates("born")
    pairs = first.merge(second, on="born")
    forename = frame["forename"].to_numpy(object)
    pairs = pairs[forename[pairs["one"]] != forename[pairs["other"]]]
    for column in ("family", "surname", "postcode", "house"):
        frame.loc[pairs["other"], column] = frame.loc[pairs["one"], column].to_numpy()


def _with_known(
    children: Children, known: npt.NDArray[np.bool_], guests: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Ints:
    """Families, some of the only children having become brothers and sisters of children of the SEN2 returns; no guests of them."""
    own = children.people
    family = own["family"].to_numpy(np.int64).copy()
    cohort = own["cohort"].to_numpy(np.int64)
    alone = np.bincount(family, minlength=len(own))[family] == 1
    theirs = rng.permutation(np.flatnonzero(known))[: round(KNOWN_SIBLING_SHARE * int(known.sum()))]
    others = rng.permutation(np.flatnonzero(alone & ~known & ~guests))[: len(theirs)]
    theirs = theirs[: len(others)]
    apart = cohort[theirs] != cohort[others]
    family[others[apart]] = theirs[apart]
    return np.asarray(family)
