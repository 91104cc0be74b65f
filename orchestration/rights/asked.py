"""Whom somebody asks to be forgotten: identifiers from a file or a prompt, never from a command line, which shells keep."""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import number_compared
from orchestration.linkage.profiles import letters
from orchestration.rights.forgotten import NAME, NUMBERS, knowing
from orchestration.rights.people import Told

HOW = (
    "one a line, such as `upn: A123456789012`, `nhs_number: 999 000 0018`, `uln: 1000102504` or"
    " `name: Surname, Forename, 2014-08-31`"
)
_SHAPES = {
    "upn": "a UPN (a letter and twelve digits)",
    "nhs_number": "an NHS number (ten digits)",
    "uln": "a ULN (ten digits, the first no nought)",
}
_LINE = re.compile(r"\s*(\w+)\s*[:=]\s*(.*?)\s*")


@dataclass(frozen=True, repr=False)
class Asked:
    """Identifiers of one child by scheme; not shown when printed. `as_one`: all that stands under them is of this child, however
    it is told there."""

    numbers: list[tuple[str, str]] = field(default_factory=list)
    names: list[tuple[str, str, date]] = field(default_factory=list)
    as_one: bool = False

    def digests(self, connection: duckdb.DuckDBPyConnection, secret: bytes) -> set[tuple[str, str]]:
        """Each as scheme and digest."""
        with knowing(connection, secret, ()) as own:
            made = [
                (
                    scheme,
                    own.execute(
                        f"select pseudonym($1, {number_compared('$2', NUMBERS[scheme])})", [scheme, text]
                    ).fetchall()[0][0],
                )
                for scheme, text in self.numbers
            ]
            full = f"{letters('$2')} || ' ' || {letters('$3')} || '|' || cast($4 as date)::varchar"
            made += [
                (NAME, own.execute(f"select pseudonym($1, {full})", [NAME, *name]).fetchall()[0][0])
                for name in self.names
            ]
        return set(made)

    def told(self, connection: duckdb.DuckDBPyConnection) -> list[Told]:
        """How rows tell of the child, by its names."""
        first = letters("split_part(trim($1), ' ', 1)")
        return [
            Told(*connection.execute(f"select {first}, cast($2 as date)::varchar", [forename, born]).fetchall()[0])
            for _, forename, born in self.names
        ]


def read_asked(path: Path) -> Asked:
    """Identifiers from a file that its owner alone can read.

    Raises:
        CornerstoneError: there is no such file, others can read it, or a line is none of an identifier.
    """
    if not path.is_file():
        raise CornerstoneError(f"There is no file {path}.")
    if path.stat().st_mode & 0o077:
        raise CornerstoneError(f"Others than its owner can read {path}; run chmod 600 on it.")
    return parse_asked(path.read_text(encoding="utf-8-sig", errors="replace"))


def parse_asked(text: str) -> Asked:
    """Identifiers from lines of text.

    Raises:
        CornerstoneError: a line is none of an identifier, or there is none. No message repeats one.
    """
    asked = Asked()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        scheme, given = (found.group(1).lower(), found.group(2)) if found else ("", "")
        if scheme in NUMBERS:
            plain = re.sub(r"\s", "", given).upper()
            if not re.fullmatch(NUMBERS[scheme], plain):
                raise CornerstoneError(f"Line {number} does not have the shape of {_SHAPES[scheme]}; correct it.")
            asked.numbers.append((scheme, plain))
        elif scheme == "name" and (told := _name(given)) is not None:
            asked.names.append(told)
        else:
            raise CornerstoneError(f"Line {number} is no identifier; give {HOW}.")
    if not asked.numbers and not asked.names:
        raise CornerstoneError(f"Say who is to be forgotten: {HOW}.")
    return asked


def _name(given: str) -> tuple[str, str, date] | None:
    parts = [part.strip() for part in given.split(",")]
    try:
        surname, forename, birth_date = parts
        born = date.fromisoformat(birth_date)
    except ValueError:
        return None
    return (surname, forename, born) if surname and forename else None
