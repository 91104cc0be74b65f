"""Which person each identity written in a return is: the truth that linkage is measured by."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.synthetic.census import Schooling
from orchestration.synthetic.census.schools import LOOKBACK, TERMS
from orchestration.synthetic.dates import CENSUS_DAYS, day
from orchestration.synthetic.identity import UPN_LETTERS
from orchestration.synthetic.returns import Return
from orchestration.synthetic.therapy import WaitingLists
from orchestration.synthetic.therapy.lines import SNAPSHOTS, Ints, Texts
from orchestration.synthetic.therapy.provider import Provider, state_on

FILE = "linkage_truth.parquet"
WRITTEN = ("return_id", "upn", "local_id", "surname", "forename", "birth_date")
"""What tells a row of a return: as written, null where the return does not give it."""
GROUPS = (
    "twin", "no_upn", "moved", "misspelt", "nickname", "changed_surname", "birth_date_miskeyed", "under_5",
)  # fmt: skip
"""What makes an identity hard to link; `groups` of it holds those that are so."""
FIRST_UNKNOWN = 1_000_000
"""Persons from here on are in no SEN2 return: the number of the child is added."""
_FIVE_YEARS = 5


def write_identities(
    out: Path, made: Mapping[int, Return], people: pd.DataFrame, schooling: Schooling | None, lists: WaitingLists | None
) -> int:
    """Write `linkage_truth.parquet`: a row each identity as any return writes it, with the person. Returns: files written.

    Columns: those of WRITTEN, person (one number a person in every return), groups (of GROUPS: those that hold of all
    that the return says under this identity; under_5: it was last written before the fifth birthday; no_upn: no
    permanent UPN; moved: never the address that the other returns have; the others: the person is a twin, or the name
    or date of birth is not the person's).
    """
    told = [_in_plans(made, people)]
    if schooling is not None:
        told.append(_in_censuses(schooling))
    if lists is not None:
        told.append(_in_lists(lists))
    frame = pd.concat(told, ignore_index=True)
    frame["twin"] = frame["person"].isin(_twins(schooling)) if schooling is not None else False
    upn = frame["upn"].fillna("").astype(str)
    frame["no_upn"] = (upn == "") | upn.str[-1:].isin(list(UPN_LETTERS))
    frame["under_5"] = frame["last_on"] < _birthday(frame["born"].to_numpy(np.int64), _FIVE_YEARS)
    for column in ("upn", "local_id"):
        frame[column] = frame[column].replace("", None)
    if frame.duplicated(list(WRITTEN)).any():
        raise AssertionError("Two people of one return are written alike, so that its rows cannot tell whose they are.")
    flags = frame[list(GROUPS)].to_numpy(bool)
    names = np.array(GROUPS, dtype=object)
    frame["groups"] = [names[row].tolist() for row in flags]
    columns = {column: pa.array(frame[column], pa.string()) for column in WRITTEN if column != "birth_date"}
    columns["birth_date"] = pa.array(frame["birth_date"].to_numpy(np.int32), pa.date32())
    columns["person"] = pa.array(frame["person"], pa.int64())
    columns["groups"] = pa.array(frame["groups"], pa.list_(pa.string()))
    pq.write_table(pa.table(columns), out / FILE, compression="zstd")
    return 1


def _in_plans(made: Mapping[int, Return], people: pd.DataFrame) -> pd.DataFrame:
    """Identities of the SEN2 returns. Columns: WRITTEN, person, born, last_on and the groups that they decide themselves."""
    rows = pd.concat(
        [one.tables["person"].assign(last_on=day(CENSUS_DAYS[year])) for year, one in made.items()], ignore_index=True
    )
    of = people.loc[rows["person"]]
    other = (
        rows["Surname"].to_numpy() != of["surname"].to_numpy(),
        rows["Forename"].to_numpy() != of["forename"].to_numpy(),
    )
    slip = of["slip"].to_numpy(object)
    frame = pd.DataFrame(
        {
            "return_id": "sen2",
            "upn": rows["UPN"],
            "local_id": "",
            "surname": rows["Surname"],
            "forename": rows["Forename"],
            "birth_date": of["born"].to_numpy(np.int64),
            "person": rows["person"].astype(np.int64),
            "born": of["born"].to_numpy(np.int64),
            "last_on": rows["last_on"],
            "moved": False,
            **{name: (slip == name) & (other[0] | other[1]) for name in ("misspelt", "nickname", "changed_surname")},
            "birth_date_miskeyed": False,
        }
    )
    return _last(frame)


def _in_censuses(schooling: Schooling) -> pd.DataFrame:
    """Identities of the school censuses: of the children on a roll then, or in either of the two terms before."""
    own, names = schooling.children.people, schooling.identities
    born = own["born"].to_numpy(np.int64)
    person = _person(own["person"].to_numpy(np.int64))
    pieces = []
    for t in range(LOOKBACK, len(TERMS)):
        rows = np.flatnonzero((schooling.children.site[:, max(t - 2, 0) : t + 1] >= 0).any(axis=1))
        surname, true = names.surnames(rows, t), names.frame["surname"].to_numpy(object)[rows]
        changed = names.changed[rows] <= t
        pieces.append(
            pd.DataFrame(
                {
                    "return_id": "school_census",
                    "upn": names.upns(rows, t),
                    "local_id": "",
                    "surname": surname,
                    "forename": names.frame["forename"].to_numpy(object)[rows],
                    "birth_date": born[rows],
                    "person": person[rows],
                    "born": born[rows],
                    "last_on": TERMS[t].census,
                    "moved": False,
                    "misspelt": (surname != true) & ~changed,
                    "nickname": False,
                    "changed_surname": (surname != true) & changed,
                    "birth_date_miskeyed": False,
                }
            )
        )
    return _last(pd.concat(pieces, ignore_index=True))


def _in_lists(lists: WaitingLists) -> pd.DataFrame:
    """Identities of the therapy waiting lists: each provider's own record of a child, with and without a UPN."""
    return _last(pd.concat([_of_provider(provider) for provider in lists.providers.values()], ignore_index=True))


def _of_provider(provider: Provider) -> pd.DataFrame:
    of, pool = provider.patients.frame, provider.pool.frame
    present = np.array([state_on(provider, int(at)).present for at in SNAPSHOTS])
    # The last list a request is in, and the first: an address counts as never right only if it never was.
    last = np.where(present.any(axis=0), len(SNAPSHOTS) - 1 - np.argmax(present[::-1], axis=0), -1)
    shown = last >= 0
    r = provider.requests[shown]
    last_on: Ints = SNAPSHOTS[last[shown]]
    patient, child = r["patient"].to_numpy(np.int64), r["child"].to_numpy(np.int64)
    record = of.iloc[patient].reset_index(drop=True)
    slip: Texts = record["slip"].to_numpy(object)
    return pd.DataFrame(
        {
            "return_id": "therapy_waiting_list",
            "upn": r["upn"].to_numpy(object),
            "local_id": record["local_patient_id"],
            "surname": record["surname"],
            "forename": record["forename"],
            "birth_date": record["born"].to_numpy(np.int64),
            "person": _person(pool["person"].to_numpy(np.int64))[child],
            "born": pool["born"].to_numpy(np.int64)[child],
            "last_on": last_on,
            "moved": record["moved"].to_numpy(np.int64) > last_on,
            "misspelt": record["misspelt"].to_numpy(bool) | (slip == "misspelt"),
            **{name: slip == name for name in ("nickname", "changed_surname", "birth_date_miskeyed")},
        }
    )


def _last(frame: pd.DataFrame) -> pd.DataFrame:
    """One row an identity, as it was written last; moved only if the address was never the present one."""
    frame = frame.sort_values("last_on", kind="stable")
    frame["moved"] = frame.groupby(list(WRITTEN))["moved"].transform("all")
    return frame.drop_duplicates(list(WRITTEN), keep="last")


def _person(person: Ints) -> Ints:
    """One number a person: that of the SEN2 returns, or of the child."""
    return np.where(person >= 0, person, FIRST_UNKNOWN + np.arange(len(person)))


def _twins(schooling: Schooling) -> Ints:
    own = schooling.children.people
    kin = pd.DataFrame({"family": schooling.identities.frame["family"].to_numpy(), "born": own["born"].to_numpy()})
    return np.asarray(_person(own["person"].to_numpy(np.int64))[kin.duplicated(keep=False).to_numpy()])


def _birthday(born: Ints, age: int) -> Ints:
    """The birthday at an age; 1 March for those born on 29 February."""
    date = born.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    return np.asarray(
        ((month + 12 * age).astype("datetime64[D]") + (date - month.astype("datetime64[D]"))).astype(np.int64)
    )
