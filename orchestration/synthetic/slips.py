"""How people are written down who have another name, or another birthday, on their papers: what clerks and families do to both."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.identity import name_parts

Texts = npt.NDArray[np.object_]
Days = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SYLLABLE = 3
"""Letters of the first part of every invented forename."""


def short_names(forenames: Texts, rng: np.random.Generator) -> Texts:
    """The name each is called by: two in three by the first syllable, the others by the second."""
    text = pd.Series(forenames, dtype=object).str
    first, second = text[:_SYLLABLE], text[_SYLLABLE:].str.capitalize()
    return np.asarray(np.where(rng.random(len(forenames)) < 2 / 3, first, second), dtype=object)


def other_surnames(surnames: Texts, rng: np.random.Generator) -> Texts:
    """The surname of the other parent: another one for each."""
    kinds = np.array(name_parts()[0], dtype=object)
    place = {name: index for index, name in enumerate(kinds)}
    at = np.array([place.get(str(name).partition("-")[0], 0) for name in surnames], dtype=np.int64)
    return np.asarray(kinds[(at + rng.integers(1, len(kinds), len(at))) % len(kinds)], dtype=object)


def mistyped(names: Texts, rng: np.random.Generator) -> Texts:
    """Names with one letter wrong after the first: left out, doubled, another in its place, or two changed about."""
    kind = rng.integers(0, 4, len(names))
    lot = rng.random(len(names))
    letter = rng.integers(0, len(_LETTERS), len(names))
    return np.array(
        [_with_slip(str(name), *slip) for name, *slip in zip(names, kind, lot, letter, strict=True)], dtype=object
    )


def _with_slip(name: str, kind: int, lot: float, letter: int) -> str:
    at = 1 + int(lot * (len(name) - 2))
    if kind == 3 and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if kind == 0:
        return name[:at] + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at] + name[at:]
    wrong = _LETTERS[letter] if _LETTERS[letter] != name[at] else _LETTERS[letter - 1]
    return name[:at] + wrong + name[at + 1 :]


def miskeyed(born: Days, rng: np.random.Generator) -> Days:
    """Days of birth of the same year, wrongly keyed: day and month the other way round where that is a day, else one day off."""
    date = born.astype("datetime64[D]")
    month_start, year_start = date.astype("datetime64[M]"), date.astype("datetime64[Y]")
    month = (month_start - year_start).astype(np.int64) + 1
    day = (date - month_start).astype(np.int64) + 1
    swapped = (year_start + (day - 1) * np.timedelta64(1, "M")).astype("datetime64[M]").astype("datetime64[D]")
    swapped = swapped + (month - 1) * np.timedelta64(1, "D")
    turned = (day <= 12) & (day != month) & (rng.random(len(born)) < 0.7)
    step = np.where(day == 1, 1, -1)
    return np.asarray(np.where(turned, swapped.astype(np.int64), born + step), dtype=np.int64)
