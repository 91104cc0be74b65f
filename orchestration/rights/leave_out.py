"""Archived files without the rows of forgotten persons: found as landing reads them, cut out, and looked for again."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.privacy.keys import Keys
from orchestration.privacy.pseudonyms import normalised_number
from orchestration.returns.archive import Cut, Receipt, archived_file, erase_archived, replace_archived, write_receipt
from orchestration.returns.delivered import DataFile, DeliveredFile, FileRefused
from orchestration.returns.gather import Unit, gather
from orchestration.returns.intake import read_all
from orchestration.returns.readers.records import HeldRecords
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.workspace import open_workspace
from orchestration.rights.cut import Edit, cut, left_out_members, texts_of
from orchestration.rights.forgotten import (
    forgotten_numbers,
    forgotten_rows,
    in_workspace,
    knowing,
    numbers_in,
    read_tombstones,
    tombstone_key,
    tombstones_path,
)
from orchestration.rights.mask import mask_names, masked
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.rights")

ERASED = "on {day}, because it names a person who was forgotten and could not be cut"


@dataclass
class _Found:
    """What was found in received files. `rows` counts what was read, by table; `edits` are by digest of the delivered file and
    name of the data file; `unread` are the files that nobody could read, with the numbers of forgotten persons in them."""

    rows: Counter[str] = field(default_factory=Counter)
    edits: dict[str, dict[str, Edit]] = field(default_factory=lambda: defaultdict(dict))
    unread: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)

    @property
    def cut_rows(self) -> Counter[str]:
        """Rows to cut, by table."""
        counted: Counter[str] = Counter()
        for of_file in self.edits.values():
            for edit in of_file.values():
                counted.update({table: len(rows) for table, rows in edit.rows.items()})
        return counted


@dataclass(frozen=True)
class LeftOut:
    """Receipts as they are now. `cut` and `erased` count files, `rows` those taken out."""

    receipts: list[Receipt]
    cut: int = 0
    erased: int = 0
    rows: int = 0


def leave_out_forgotten(
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    received: Sequence[Receipt],
    now: datetime,
    *,
    waits: bool,
) -> LeftOut:
    """Take the rows of forgotten persons out of archived files, before anything of them lands.

    Of each file that names one: rows that can be told are cut and the bytes archived anew; a number that stands elsewhere,
    such as in a note on another child or the name of the file, is masked; members of an archive that no reader reads go; a file that
    nobody can read is erased whole.

    Args:
        settings: where the store is.
        keys: of the store.
        spec: the return that received them.
        received: their receipts. Files of a set that is not complete cannot be read yet.
        now: the time.
        waits: whether such files wait until they can be, as at landing; else they are erased where they name one.

    Raises:
        CornerstoneError: what was cut does not read as it should; the archive holds what it held before.
    """
    kept = [one for one in received if one.erased is None]
    if not kept or not tombstones_path(settings).is_file():
        return LeftOut(kept)
    with _knowing_all(settings, keys) as own:
        kept = mask_names(settings, own, kept)
    if spec.person is None and not _names_anybody(settings, keys, kept):
        return LeftOut(kept)
    found = _find(settings, keys, spec, kept)
    changed: dict[str, Receipt] = {}
    erased = 0
    for receipt in kept:
        edits = found.edits.get(receipt.sha256, {})
        told = {name for name in edits if name == receipt.file_name or name.startswith(f"{receipt.file_name}/")}
        if edits and told == edits.keys():
            delivered = archived_file(settings, keys, receipt)
            cuts = {masked(name, edit.numbers): _cut(receipt, edit) for name, edit in edits.items()}
            changed[receipt.key] = replace_archived(settings, keys, receipt, cut(delivered, spec, edits), cuts)
        elif edits or receipt.sha256 in found.unread or (receipt.sha256 in found.waiting and not waits):
            changed[receipt.key] = erase_archived(settings, receipt, ERASED.format(day=now.date()))
            erased += 1
    now_held = [one for one in (changed.get(receipt.key, receipt) for receipt in kept) if one.erased is None]
    if len(changed) > erased:
        again = _find(settings, keys, spec, now_held)
        if again.edits or again.unread or again.rows != found.rows - found.cut_rows:
            _put_back(settings, kept, changed)
            raise CornerstoneError(
                f"A file of {spec.title} did not read as it should after the rows of a forgotten person were cut from it;"
                " the archive is as it was, and nothing of the file lands. Report this fault."
            )
    rows = sum(found.cut_rows.values())
    if changed:
        log.info("left out of %s file(s): persons who were forgotten", f"{len(changed):,}")
    return LeftOut(now_held, len(changed) - erased, erased, rows)


def _put_back(settings: Settings, before: Iterable[Receipt], changed: dict[str, Receipt]) -> None:
    for receipt in before:
        if receipt.key in changed:
            write_receipt(settings, receipt)


def _cut(receipt: Receipt, edit: Edit) -> Cut:
    """What is cut from a data file in all, what was cut earlier among it."""
    earlier = receipt.cuts.get(edit.file.source_file)
    rows = Counter(earlier.rows if earlier else {})
    rows.update({table: len(numbers) for table, numbers in edit.rows.items() if numbers})
    return Cut(edit.file.sha256, dict(rows))


def _find(settings: Settings, keys: Keys, spec: ReturnSpec, received: Sequence[Receipt]) -> _Found:
    """Read files as landing does, in a workspace of their own, and find rows and numbers of forgotten persons."""
    found = _Found()
    delivered = [archived_file(settings, keys, receipt) for receipt in received]
    groups = gather(delivered, spec)
    complete = [group for group in groups if not group.missing]
    found_in: dict[str, Unit] = {}
    with open_workspace(spec, settings.vault_dir / "spill", settings.database_limits) as connection:
        for _, unit, outcome in read_all(connection, spec, complete, settings.la_code, (), ()):
            if not isinstance(outcome, FileRefused):
                found_in |= {read.submission_id: unit for read in outcome}
                for read in outcome:
                    found.rows.update(read.rows)
        readable = {_place(file) for unit in found_in.values() for file in unit.files}
        waiting = {file.sha256 for group in groups if group.missing for file in group.delivered}
        with knowing(connection, tombstone_key(settings, keys), read_tombstones(settings)) as own:
            if spec.person is not None:
                _find_rows(own, spec, found_in, found)
            for one in delivered:
                beside = sorted(name for sha256, name in readable if sha256 == one.sha256)
                for name, numbers in _numbers(own, one).items():
                    if (one.sha256, name) in readable:
                        _edit(found, found_in, one.sha256, name).numbers |= numbers
                    elif beside and name in left_out_members(one, spec):  # it goes when what is beside it is cut
                        _edit(found, found_in, one.sha256, beside[0]).numbers |= numbers
                    elif one.sha256 in waiting:
                        found.waiting.add(one.sha256)
                    else:
                        found.unread.add(one.sha256)
    for digest in found.unread & found.edits.keys():  # an archive of which a part cannot be read is erased whole
        del found.edits[digest]
    return found


@contextmanager
def _knowing_all(settings: Settings, keys: Keys) -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        duckdb.connect(":memory:") as connection,
        knowing(connection, tombstone_key(settings, keys), read_tombstones(settings)) as own,
    ):
        connection.execute("set temp_directory = ''")  # it would be the working directory, in clear
        yield own


def _names_anybody(settings: Settings, keys: Keys, received: Sequence[Receipt]) -> bool:
    """Whether a number of a forgotten person stands anywhere in files of a return that is about nobody."""
    with _knowing_all(settings, keys) as own:
        return any(_numbers(own, archived_file(settings, keys, receipt)) for receipt in received)


def _place(file: DataFile) -> tuple[str, str]:
    return file.delivered_sha256, file.source_file


def _edit(found: _Found, found_in: dict[str, Unit], delivered: str, source_file: str) -> Edit:
    edits = found.edits[delivered]
    if source_file not in edits:
        for unit in found_in.values():
            for position, file in enumerate(unit.files):
                if _place(file) == (delivered, source_file):
                    held = unit.found[position] if isinstance(unit.found, list) else None
                    edits[source_file] = Edit(file, held if isinstance(held, HeldRecords) else None)
    return edits[source_file]


def _numbers(own: duckdb.DuckDBPyConnection, delivered: DeliveredFile) -> dict[str, set[str]]:
    """Numbers of forgotten persons in the texts of a delivered file, by data file."""
    written: dict[str, set[str]] = defaultdict(set)
    for name, text in texts_of(delivered):
        written[name] |= numbers_in([text])
    known = forgotten_numbers(own, {number for numbers in written.values() for number in numbers})
    return {name: numbers & known for name, numbers in written.items() if numbers & known}


def _find_rows(own: duckdb.DuckDBPyConnection, spec: ReturnSpec, found_in: dict[str, Unit], found: _Found) -> None:
    """Every row of forgotten persons in the workspace: their own, what hangs from them, and what gives a number of theirs."""
    assert spec.person is not None
    persons = spec.person.table
    known_rows = forgotten_rows(spec, in_workspace(spec), f'"{persons}"', "record")
    own.execute(f"create temp table gone as select distinct record from ({known_rows})")
    if spec.person.one_by is not None:
        patient = normalised_number(f'"{spec.person.one_by}"')
        own.execute(
            f"""
            insert into gone
            select record from "{persons}"
            where {patient} is not null and (submission_id, {patient}) in (
                select (submission_id, {patient}) from "{persons}" semi join gone using (record)
            ) and record not in (select record from gone)
            """
        )
    places: list[tuple[str, str, str, int]] = []
    for name in spec.tables:
        condition = "person_record in (select record from gone)"
        if not spec.is_in_person(name):
            condition = " or ".join(_shared_numbers(spec, name)) or "false"
        places += [
            (name, *row)
            for row in own.execute(
                f'select submission_id, source_file, source_row from "{name}" where {condition}'
            ).fetchall()
        ]
    unreadable = own.execute(
        "select table_name, submission_id, source_file, source_row, row_text from unreadable_row"
    ).fetchall()
    known = forgotten_numbers(own, numbers_in(row[-1] or "" for row in unreadable))
    places += [row[:-1] for row in unreadable if known & numbers_in([row[-1] or ""])]
    for table, submission_id, source_file, source_row in places:
        [file] = [file for file in found_in[submission_id].files if file.source_file == source_file]
        edit = _edit(found, found_in, file.delivered_sha256, source_file)
        edit.rows.setdefault(table, set()).add(source_row)


def _shared_numbers(spec: ReturnSpec, name: str) -> list[str]:
    """SQL, a test each, of rows outside persons that give a number of the rows of a forgotten one: contacts of a request."""
    tests = []
    for column, made in spec.tables[name].columns.items():
        for other, table in spec.tables.items():
            same = [of for of, held in table.columns.items() if held.scheme is not None and held.scheme == made.scheme]
            if spec.is_in_person(other) and same:
                number, numbers = (normalised_number(f'"{given}"') for given in (column, same[0]))
                tests.append(
                    f"{number} is not null and (submission_id, {number}) in (select (submission_id, {numbers})"
                    f' from "{other}" where person_record in (select record from gone))'
                )
    return tests
