"""Whom rows tell of: people who stand under one number are told apart before one of them is forgotten."""

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


def parted(told: Mapping[Row, Told]) -> list[Person]:
    """The people of rows, the one of most rows first. A row that could be several people's is of the first of them."""
    found: list[Person] = []
    for row, own in sorted(
        told.items(), key=lambda item: (item[1].count(None), [one or "" for one in item[1]], item[0])
    ):
        for position, person in enumerate(found):
            if not person.told.differs(own):
                found[position] = Person(person.told.filled(own), person.rows | {row})
                break
        else:
            found.append(Person(own, {row}))
    return sorted(found, key=lambda person: -len(person.rows))
