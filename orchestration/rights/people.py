"""Whom rows tell of: people who stand under one number are told apart before one of them is forgotten."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

Row = tuple[str, str, str]
"""A row of a person: return, submission, row_person_ref."""


class Told(NamedTuple):
    """How a row tells of its person: the letters of the first forename, the birth date, the NHS number; None where it does not.

    Surnames change, and numbers of pupils and learners do: by them nobody is taken for somebody else.
    """

    forename: str | None = None
    birth_date: str | None = None
    nhs_number: str | None = None

    def differs(self, other: "Told") -> list[str]:
        """What of the two is another; where one of them does not tell it, it is not."""
        pairs = zip(self._fields, self, other, strict=True)
        return [name for name, own, told in pairs if own is not None and told is not None and own != told]

    def filled(self, other: "Told") -> "Told":
        """The two as one."""
        return Told(*(told if own is None else own for own, told in zip(self, other, strict=True)))


class Person(NamedTuple):
    """Somebody of whom rows tell alike."""

    told: Told
    rows: set[Row]


def parted(told: Mapping[Row, Told], keys: Mapping[Row, str]) -> list[Person]:
    """The people of rows, the one of most rows first; `keys` are those of linkage. A row that could be several people's is of the
    first of them.

    A row that tells nothing is of the one person of its key, or of the only person there is; what is left of such rows comes
    last, as of somebody of whom nothing is told.
    """
    found: list[Person] = []
    telling = [(row, own) for row, own in told.items() if own != Told()]
    for row, own in sorted(telling, key=lambda item: (item[1].count(None), [one or "" for one in item[1]], item[0])):
        for position, person in enumerate(found):
            if not person.told.differs(own):
                found[position] = Person(person.told.filled(own), person.rows | {row})
                break
        else:
            found.append(Person(own, {row}))
    found.sort(key=lambda person: -len(person.rows))
    under: dict[str, set[int]] = defaultdict(set)
    for position, person in enumerate(found):
        for row in person.rows & keys.keys():
            under[keys[row]].add(position)
    left = Person(Told(), set())
    for row in told.keys() - {row for row, _ in telling}:
        could_be = (under.get(keys[row]) if row in keys else None) or range(len(found))
        (found[next(iter(could_be))] if len(could_be) == 1 else left).rows.add(row)
    return [*found, left] if left.rows else found
