"""Which child each request is about, and how each provider writes the child down."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.synthetic.census import Schooling
from orchestration.synthetic.census.children import PLAN, SUPPORT
from orchestration.synthetic.census.schools import TERMS
from orchestration.synthetic.dates import age_on, day
from orchestration.synthetic.identity import name_parts, neighbouring_postcodes, postcode_list
from orchestration.synthetic.slips import miskeyed, mistyped, other_surnames, short_names
from orchestration.synthetic.therapy.lines import FIRST_MONTH, LAST_MONTH, OVER_18, Ints, Line, Texts

FIRST_NHS_STEM, STEMS = 999_000_000, 1_000_000
"""The nine digits before the check digit of numbers that were never issued."""

LIKELIER_ON_SUPPORT = 2.5
"""Children on SEN support against those without any."""
LONG_WAIT_TURN = 0.7
"""How far ahead of the others a request that waits for long is when children are given out, the likeliest first (0: not, 1: always)."""

MISSPELT_SHARE = 0.02
SHORT_NAME_SHARE, OTHER_SURNAME_SHARE, MISTYPED_SHARE, MISKEYED_SHARE = 0.012, 0.008, 0.01, 0.008
"""Of the children a provider knows: by the name they are called, by the other parent's surname, with a wrong letter in one of the
names, with another date of birth. At most one of these each, and none of the misspelt."""
MOVED_SHARE, STALE_SHARE = 0.04, 0.015
"""Of the children a provider knows: those who moved in the time of the lists, and those whose move it never heard of."""
UNTRACED_SHARE, TRACED_LATER_SHARE, UNVERIFIED_SHARE = 0.012, 0.5, 0.012
"""Without an NHS number at first; of these, with one later; with one that is not verified."""
SLIPS = ("nickname", "changed_surname", "misspelt", "misspelt", "birth_date_miskeyed")
SEX_UNKNOWN_SHARE = 0.003
UPN_SHARES = {"RFR": 0.5, "RXE": 0.7}
"""Requests about a child at school that carry the UPN."""
PRACTICES = np.array([f"C99{900 + number}" for number in range(34)], dtype=object)
"""GP practices: codes above those in use."""
NEIGHBOURS = ("E08000016", "E08000017", "E08000019")
"""Authorities in which children live who come into the borough for school."""


def nhs_numbers(order: Ints) -> Texts:
    """Valid NHS numbers of the range 999 000 0000 to 999 999 9999, the n-th for each n of `order`."""
    stems = FIRST_NHS_STEM + np.arange(STEMS)
    check = 11 - check_sums(stems)
    good = check != 10
    numbers = stems[good] * 10 + check[good] % 11
    return np.asarray(numbers[order].astype(str).astype(object))


def check_sums(stems: Ints) -> Ints:
    """The weighted sum, modulo 11, of nine digits: 1 means that there is no such number."""
    digits = (stems[:, None] // 10 ** np.arange(8, -1, -1)) % 10
    return np.asarray((digits * np.arange(10, 1, -1)).sum(axis=1) % 11)


@dataclass
class Pool:
    """Everyone whom a request can be about.

    `frame`: born, sex, surname, forename, misspelt, postcode, upn, person (row of the EHC plans' people, -1: none), need (primary need
    of a plan, "" without one), support. The first rows are the children of the school censuses in their order; those too young for
    any come after.
    """

    frame: pd.DataFrame
    schooling: Schooling
    plans: pd.DataFrame

    def schools(self, child: Ints, on: Ints) -> Texts:
        """URN of the school on whose roll each child is on a day, "" on none."""
        begins = np.array([term.begins for term in TERMS])
        term = np.clip(np.searchsorted(begins, on, side="right") - 1, 0, len(TERMS) - 1)
        site = self.schooling.children.site
        known = child < len(site)
        at = np.where(known, site[np.where(known, child, 0), term], -1).astype(int)
        frame = self.schooling.sites.frame
        early = frame["converted"].to_numpy(np.int64)[at] > on
        urn = np.where(early, frame["urn_before"].to_numpy(object)[at], frame["URN"].to_numpy(object)[at])
        return np.asarray(np.where((at >= 0) & (on >= begins[0]), urn, ""), dtype=object)

    def with_plan(self, child: Ints, on: Ints | int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Whether a plan of the child is in force on a day: begun, and not ceased before."""
        frame = self.plans
        person = self.frame["person"].to_numpy(np.int64)[child]
        order = np.argsort(frame["person"].to_numpy(np.int64), kind="stable")
        people = frame["person"].to_numpy(np.int64)[order]
        start, ceased = (frame[name].to_numpy(np.int64)[order] for name in ("start", "ceased"))
        found = np.zeros(len(child), bool)
        for place in range(2):  # no child of the returns has more than two plans
            at = np.searchsorted(people, person) + place
            inside = np.minimum(at, len(people) - 1)
            mine = (at < len(people)) & (people[inside] == person) & (person >= 0)
            found |= mine & (start[inside] <= on) & ((ceased[inside] == 0) | (ceased[inside] >= on))
        return found


def child_pool(schooling: Schooling, plans: pd.DataFrame) -> Pool:
    """The children of the school censuses, those of the EHC plans returns among them. `plans`: as the returns are built from."""
    own, names = schooling.children.people, schooling.identities.frame
    frame = pd.DataFrame(
        {
            "born": own["born"].to_numpy(np.int64),
            "sex": own["sex"].to_numpy(object),
            **{name: names[name].to_numpy(object) for name in ("surname", "forename", "misspelt", "postcode", "upn")},
            "person": own["person"].to_numpy(np.int64),
        }
    )
    need = plans.drop_duplicates("person", keep="last").set_index("person")["need"]
    frame["need"] = frame["person"].map(need).fillna("").to_numpy(object)
    most = schooling.children.provision.max(axis=1)
    frame["need"] = np.where((frame["need"] == "") & (most == PLAN), "other", frame["need"])
    frame["support"] = most == SUPPORT
    return Pool(frame, schooling, plans)


def assign_children(pool: Pool, line: Line, requests: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """A child for every request of a line, no child twice; whoever is not in the pool is added to it.

    `requests`: received, left, age. The child is born in the month that the age on receipt asks for.
    """
    frame = pool.frame
    weight = frame["need"].map({need: times for need, times in (line.needs or {}).items() if need}).to_numpy(float)
    other = (line.needs or {}).get("", 1.0)
    weight = np.where(np.isnan(weight), np.where(frame["need"] == "", 1.0, other), weight)
    weight = np.where(frame["support"], LIKELIER_ON_SUPPORT, weight)
    key = rng.exponential(size=len(frame)) / weight
    born = frame["born"].to_numpy(np.int64)
    children = pd.DataFrame({"month": _month_of(born), "child": np.arange(len(frame))}).iloc[np.argsort(key)]
    children["rank"] = children.groupby("month").cumcount()
    wanted = (requests["received"] - (requests["age"] * 365.25).round()).to_numpy(np.int64)
    asked = pd.DataFrame({"month": _month_of(wanted)})
    # not in the order received: the likeliest children are referred in any year, and wait long more often than others
    long = (requests["left"] == 0) | (requests["left"] - requests["received"] >= OVER_18)
    turn = rng.random(len(asked)) - LONG_WAIT_TURN * long.to_numpy()
    asked["rank"] = asked.iloc[np.argsort(turn)].groupby("month").cumcount()
    met = asked.merge(children, on=["month", "rank"], how="left")["child"].fillna(-1)
    found = met.to_numpy(np.int64, copy=True)
    missing = np.flatnonzero(found < 0)
    found[missing] = _add(pool, wanted[missing], rng)
    return np.asarray(found)


def _month_of(days: Ints) -> Ints:
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))


def _add(pool: Pool, born: Ints, rng: np.random.Generator) -> Ints:
    """Children of whom no school and no return knows."""
    surnames, forenames = (np.array(names, dtype=object) for names in name_parts())
    size, postcodes = len(born), postcode_list()
    surname = surnames[rng.integers(0, len(surnames), size)]
    text = pd.Series(surname, dtype=object).str
    added = pd.DataFrame(
        {
            "born": born,
            "sex": np.where(rng.random(size) < 0.6, "M", "F"),
            "surname": surname,
            "forename": forenames[rng.integers(0, len(forenames), size)],
            "misspelt": (text[:2] + text[3:4] + text[2:3] + text[4:]).to_numpy(object),
            "postcode": postcodes[rng.integers(0, len(postcodes), size)],
            "upn": "",
            "person": -1,
            "need": "",
            "support": False,
        }
    )
    first = len(pool.frame)
    pool.frame = pd.concat([pool.frame, added], ignore_index=True)
    return first + np.arange(size)


@dataclass(frozen=True)
class Patients:
    """The children that one provider knows, and what it writes of them. Arrays by patient.

    `frame`: child, local_patient_id, nhs_number, surname, misspelt, forename, sex, born, slip (of SLIPS, or ""), practice, postcode,
    former (postcode before the move), moved (day the provider heard of it, 0: no move, a day after the last list: never), numbered
    (day from which the NHS number is known), verified. Surname, forename and born are as the provider writes them.
    """

    frame: pd.DataFrame
    of_child: "pd.Series[int]"
    """Patient of each child, by child."""

    def postcodes(self, patient: Ints, on: int) -> Texts:
        """The address as the provider has it on a day."""
        frame = self.frame.iloc[patient]
        return np.asarray(np.where(frame["moved"] > on, frame["former"], frame["postcode"]), dtype=object)

    def numbers(self, patient: Ints, on: int) -> tuple[Texts, Texts]:
        """NHS number, "" where it is not known on a day, and its status."""
        frame = self.frame.iloc[patient]
        known = (frame["numbered"] <= on).to_numpy()
        number = np.where(known, frame["nhs_number"], "")
        status = np.where(known, np.where(frame["verified"], "01", "02"), "03")
        return np.asarray(number, dtype=object), np.asarray(status, dtype=object)


def register_patients(
    provider: str, children: Ints, received: Ints, pool: Pool, numbers: Texts, rng: np.random.Generator
) -> Patients:
    """A provider's own record of each of its children.

    `children`, `received`: child and day of receipt of every request; `numbers`: NHS number of every child of the pool.
    """
    child = np.unique(children)
    size = len(child)
    frame = pool.frame.iloc[child].reset_index(drop=True)
    postcodes = postcode_list()
    begins, ends = day(f"{FIRST_MONTH}-01"), day(f"{LAST_MONTH}-31")
    lot = rng.random(size)
    moved = np.where(lot < MOVED_SHARE, rng.integers(begins, ends, size), 0)
    moved = np.where(lot > 1 - STALE_SHARE, ends + 1, moved)
    untraced = rng.random(size) < UNTRACED_SHARE
    traced = np.where(rng.random(size) < TRACED_LATER_SHARE, rng.integers(begins, ends, size), ends + 1)
    misspelt = rng.random(size) < MISSPELT_SHARE
    made = pd.DataFrame(
        {
            "child": child,
            "local_patient_id": provider
            + "-P-"
            + pd.Series(rng.permutation(size) + 1).astype(str).str.zfill(6).astype(object),
            "nhs_number": numbers[child],
            "surname": np.where(misspelt, frame["misspelt"], frame["surname"]),
            "misspelt": misspelt,
            "forename": frame["forename"],
            "sex": np.where(rng.random(size) < SEX_UNKNOWN_SHARE, "U", frame["sex"]),
            "born": frame["born"],
            "practice": PRACTICES[rng.integers(0, len(PRACTICES), size)],
            "postcode": frame["postcode"],
            "former": postcodes[rng.integers(0, len(postcodes), size)],
            "moved": moved,
            "numbered": np.where(untraced, traced, 0),
            "verified": rng.random(size) >= UNVERIFIED_SHARE,
        }
    )
    patients = Patients(made, pd.Series(np.arange(size), index=child))
    _write_down(provider, patients, children, received)
    return patients


def _write_down(provider: str, patients: Patients, children: Ints, received: Ints) -> None:
    """Write some children otherwise than they are, in place. No age on receipt of a request changes with the date of birth."""
    frame = patients.frame
    # its own, so that the rest of the lists is as it would be without
    rng = np.random.default_rng([len(frame), *provider.encode()])
    shares = np.cumsum([SHORT_NAME_SHARE, OTHER_SURNAME_SHARE, MISTYPED_SHARE / 2, MISTYPED_SHARE / 2, MISKEYED_SHARE])
    kind = np.searchsorted(shares, rng.random(len(frame)), side="right")
    kind = np.where(frame["misspelt"], len(shares), kind)
    slip = np.full(len(frame), "", dtype=object)
    ways = (("forename", short_names), ("surname", other_surnames), ("surname", mistyped), ("forename", mistyped))
    for of_kind, (column, made) in enumerate(ways):
        rows = np.flatnonzero(kind == of_kind)
        values = frame[column].to_numpy(object).copy()
        values[rows] = made(values[rows], rng)
        frame[column], slip[rows] = values, SLIPS[of_kind]
    born = frame["born"].to_numpy(np.int64)
    wrong = miskeyed(born, rng)
    patient = patients.of_child.reindex(children).to_numpy(np.int64)
    aged = (age_on(born[patient], received) != age_on(wrong[patient], received)) | (wrong[patient] > received)
    known = np.bincount(patient[aged], minlength=len(frame)) > 0
    rows = np.flatnonzero((kind == len(shares) - 1) & ~known)
    slip[rows] = SLIPS[-1]
    frame["born"] = np.where(slip == SLIPS[-1], wrong, born)
    frame["slip"] = slip


def lives_outside(postcodes: Texts) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether a home is outside the borough."""
    return np.isin(postcodes.astype(str), neighbouring_postcodes())
