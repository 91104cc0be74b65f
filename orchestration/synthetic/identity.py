"""Names, numbers and addresses of people who do not exist.

Names are put together from invented syllables. UPNs carry establishment numbers 9900 to 9999, which no school has; the postcode
area YR does not
exist, though it has the form of one that could; URNs and UKPRNs are above the ranges in use.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

Texts = npt.NDArray[np.object_]

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""The 23 check letters of a unique pupil number (no I, O or S), numbered from 0."""

FIRST_ESTABLISHMENT = 9900
POSTCODE_AREA = "YR"
INWARD_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
"""Letters that the second half of a postcode uses (not C, I, K, M, O, V)."""

_SURNAME_STARTS = (
    "Quib", "Thrum", "Zelf", "Mopp", "Glint", "Wumb", "Brask", "Fenz", "Dorv", "Skel",
    "Nurb", "Plim", "Vost", "Crung", "Yarp", "Hesk", "Jund", "Oxl", "Zatt", "Kibb",
)  # fmt: skip
_SURNAME_MIDDLES = ("er", "an", "o", "il", "u")
_SURNAME_ENDS = ("fold", "wick", "sprocket", "dale", "mire", "bottom", "thistle", "quay", "marrow")
_FORENAME_STARTS = (
    "Zib",
    "Quo",
    "Mel",
    "Tav",
    "Jor",
    "Fip",
    "Lun",
    "Pax",
    "Win",
    "Ory",
    "Sef",
    "Kip",
    "Bex",
    "Dov",
    "Nim",
)
_FORENAME_ENDS = ("bo", "lyn", "ster", "ette", "wen", "dor", "ple", "mira", "zak", "tine", "vo", "sha")


def invented_names(number: int, rng: np.random.Generator) -> pd.DataFrame:
    """`number` different pairs of surname and forename. Raises ValueError beyond the number of pairs there are (times a hundred)."""
    surnames, forenames = name_parts()
    pairs = len(surnames) * len(forenames)
    drawn = rng.permutation(pairs)
    rounds = -(-number // pairs)
    codes = np.tile(drawn, rounds)[:number]
    suffix = np.repeat(np.arange(rounds), pairs)[:number]
    surname = np.array(surnames, dtype=object)[codes // len(forenames)]
    forename = np.array(forenames, dtype=object)[codes % len(forenames)]
    if rounds > 1:
        surname = np.where(suffix > 0, surname + "-" + pd.Series(suffix).map(_roman).to_numpy(object), surname)
    return pd.DataFrame({"surname": surname, "forename": forename})


def name_parts() -> tuple[list[str], list[str]]:
    """Every surname and every forename there is."""
    surnames = [a + b + c for a in _SURNAME_STARTS for b in _SURNAME_MIDDLES for c in _SURNAME_ENDS]
    return surnames, [a + b for a in _FORENAME_STARTS for b in _FORENAME_ENDS]


def _roman(number: int) -> str:
    text = ""
    for value, letters in ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while number >= value:
            text, number = text + letters, number - value
    return text


def upns(la: str, birth_years: npt.NDArray[np.int64], first: int = 0) -> Texts:
    """A permanent UPN each: check letter, authority, establishment, year of allocation (five years after birth), serial.

    `first`: how many numbers were given out before.
    """
    serial = first + np.arange(len(birth_years))
    body = (
        pd.Series(np.full(len(serial), la))
        + pd.Series(FIRST_ESTABLISHMENT + serial // 1000 % 100).astype(str)
        + pd.Series((birth_years + 5) % 100 + serial // 100_000).astype(str).str.zfill(2).str[-2:]
        + pd.Series(serial % 1000).astype(str).str.zfill(3)
    )
    digits = np.array([list(text) for text in body], dtype=np.int64).reshape(len(serial), 12)
    return np.asarray(_check_letters(digits) + body.to_numpy(object))


def temporary_upns(permanent: Texts) -> Texts:
    """The number that a child had before: the same but for the letter of its last digit in its place; the check letter stays."""
    digits = np.array([list(text[1:]) for text in permanent], dtype=np.int64).reshape(len(permanent), 12)
    stems = pd.Series(permanent, dtype=object).str[1:12].to_numpy(object)
    letters = np.array(list(UPN_LETTERS), dtype=object)
    return np.asarray(_check_letters(digits) + stems + letters[digits[:, 11]])


def _check_letters(digits: npt.NDArray[np.int64]) -> Texts:
    """The check letter of the twelve characters after it, a final letter as its number."""
    letter = (digits * np.arange(2, 14)).sum(axis=1) % 23
    return np.asarray(np.array(list(UPN_LETTERS), dtype=object)[letter])


def ulns(number: int) -> Texts:
    """Ten-digit learner numbers: nine digits and the check digit (10 less the weighted sum modulo 11); remainder 0 is skipped."""
    stems = 900_000_000 + np.arange(int(number * 1.2) + 20) * 7
    digits = (stems[:, None] // 10 ** np.arange(8, -1, -1)) % 10
    remainder = (digits * np.arange(10, 1, -1)).sum(axis=1) % 11
    good = remainder > 0
    numbers = stems[good] * 10 + (10 - remainder[good])
    return np.asarray(numbers[:number].astype(str).astype(object))


def neighbouring_postcodes() -> Texts:
    """Homes in the authority next to the borough: five districts, eight postcodes each."""
    return np.array(
        [f"{POSTCODE_AREA}{district} {unit}AB" for district in range(90, 95) for unit in range(1, 9)], object
    )


def postcode_list(number: int = 240) -> Texts:
    """Postcodes of the area that does not exist: twelve districts, twenty each."""
    index = np.arange(number)
    district, unit = index % 12 + 1, index // 12
    letters = np.array(list(INWARD_LETTERS), dtype=object)
    return np.asarray(
        POSTCODE_AREA
        + district.astype(str).astype(object)
        + " "
        + (unit % 9 + 1).astype(str).astype(object)
        + letters[unit % 20]
        + letters[(unit * 7 + district) % 20]
    )
