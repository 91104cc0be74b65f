"""Spoiling records of a return, each victim once, and keeping the answer key: what planting faults in any return takes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from orchestration.synthetic.identity import UPN_LETTERS


class NoVictim(LookupError):
    """The return holds no unused case of the kind, or not the item: one sentence."""


@dataclass(kw_only=True)
class Spoiling(ABC):
    """A return being spoilt: its tables, the cases that break no rule by kind, who has been used, the key so far.

    Every table numbers its records in a column `<table>_id`, and names the record each hangs from in `<parent>_id`.
    """

    parents: ClassVar[dict[str, str]]
    """Table -> the table above it."""
    victim: ClassVar[str]
    """Column of `kinds` that says whose a case is."""

    rng: np.random.Generator
    used: set[int] = field(default_factory=set)
    key: list[dict[str, Any]] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(init=False)
    kinds: dict[str, pd.DataFrame] = field(init=False)

    @abstractmethod
    def collected(self, table: str) -> set[str]:
        """The items that the return has in a table."""

    @property
    @abstractmethod
    def whose(self) -> str:
        """The return in words, for what it lacks."""

    def pick(self, kind: str, extra: Callable[[pd.DataFrame], Any] | None = None) -> "pd.Series[Any]":
        """One unused case of a kind: a row with the ids of every record the case has."""
        pool = self.kinds[kind]
        pool = pool[~pool[self.victim].isin(self.used)]
        if extra is not None:
            pool = pool[np.asarray(extra(pool), dtype=bool)]
        if pool.empty:
            raise NoVictim(f"the return has no unused case of the kind {kind}")
        row = pool.iloc[int(self.rng.integers(len(pool)))]
        self.used.add(int(row[self.victim]))
        return row

    @contextmanager
    def attempt(self, rule: str) -> Iterator[None]:
        """Plant a rule's fault, or note that the return has no case for it."""
        try:
            yield
        except NoVictim as missing:
            self.missed[rule] = str(missing)

    def put(self, rule: str, table: str, record: Any, values: dict[str, str], also: str = "", may: str = "") -> None:
        """Overwrite fields of one record and note it in the key."""
        self.quiet(table, record, values)
        self.note(rule, table, record, ";".join(values), ";".join(values.values()), also, may)

    def note(self, rule: str, table: str, record: Any, fields: str, value: str, also: str = "", may: str = "") -> None:
        """A line of the key."""
        self.key.append(
            {
                "rule_id": rule,
                "table": table,
                "record_id": int(record),
                "field": fields,
                "value": value,
                "also_breaks": also,
                "may_also_break": may,
            }
        )

    def quiet(self, table: str, record: Any, values: dict[str, str]) -> None:
        """Overwrite fields that must change with the fault."""
        if absent := sorted(set(values) - self.collected(table)):
            raise NoVictim(f"{self.whose} has no {', '.join(absent)}")
        frame = self.tables[table]
        for name, value in values.items():
            frame.loc[frame[f"{table}_id"] == int(record), name] = value

    def drop(self, table: str, record: Any) -> None:
        """Remove a record and all below it."""
        frame = self.tables[table]
        for child, parent in self.parents.items():
            if parent == table and child in self.tables:
                below = self.tables[child]
                for identity in below.loc[below[f"{table}_id"] == int(record), f"{child}_id"]:
                    self.drop(child, identity)
        self.tables[table] = frame[frame[f"{table}_id"] != int(record)]

    def add(self, table: str, like: Any, values: dict[str, Any]) -> int:
        """A copy of a record under a new id, with changes. Returns the id."""
        frame = self.tables[table]
        row = frame[frame[f"{table}_id"] == int(like)].copy()
        new = int(frame[f"{table}_id"].max()) + 1
        row[f"{table}_id"] = new
        for name, value in values.items():
            row[name] = value
        self.tables[table] = pd.concat([frame, row], ignore_index=True)
        return new

    def ordered(self, names: list[str]) -> dict[str, pd.DataFrame]:
        """The tables, parents first, every record after the others of its parent, so that a row is the same in every shape."""
        tables: dict[str, pd.DataFrame] = {}
        for name in names:
            frame, own = self.tables[name], f"{name}_id"
            if name in self.parents:
                parent = f"{self.parents[name]}_id"
                above = tables[self.parents[name]][parent]
                place = pd.Series(np.arange(len(above)), index=above)
                order = np.lexsort((frame[own].to_numpy(), frame[parent].map(place).to_numpy()))
            else:
                order = np.argsort(frame[own].to_numpy())
            tables[name] = frame.iloc[order].reset_index(drop=True)
        return tables


def row_of(frame: pd.DataFrame, table: str, record: int) -> int:
    """1-based data row of a record in its table; 0 when the record was left out."""
    found = np.flatnonzero(frame[f"{table}_id"].to_numpy() == record)
    return int(found[0]) + 1 if len(found) else 0


def shifted(text: str, days: int) -> str:
    """An ISO date some days later."""
    return str(np.datetime64(text, "D") + np.timedelta64(days, "D"))


def misread_upn(upn: str) -> str:
    """The UPN under the check letter after its own."""
    return UPN_LETTERS[(UPN_LETTERS.index(upn[0]) + 1) % len(UPN_LETTERS)] + upn[1:]


def misread_uln(uln: str) -> str:
    """The ULN with the check digit after its own."""
    return uln[:9] + str((int(uln[9]) + 1) % 10)


def lettered(body: str) -> str:
    """The UPN of the twelve digits after its check letter."""
    return UPN_LETTERS[sum(int(digit) * (place + 2) for place, digit in enumerate(body)) % len(UPN_LETTERS)] + body


def reissued(upn: str) -> str:
    """A UPN that nobody else has: the last block of establishment numbers, with its own check letter."""
    return lettered(upn[1:4] + "9899" + upn[8:])
