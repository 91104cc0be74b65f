"""Erasure: one child is forgotten in the archive, the vault, the landed rows and the releases, and in all that comes later.

What is asked is recorded first, then the tombstones; every step after that can be done again, so that one that was killed is
finished by `resume`. Until then nothing lands. Aggregates that were released stay: they name nobody.
"""

import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.durable import read_journal_entries, replace_durably, rewrite_journal
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import link_children
from orchestration.linkage.decisions import decisions_path
from orchestration.linkage.index import children_path
from orchestration.linkage.index import journal_path as joins_journal_path
from orchestration.linkage.profiles import letters
from orchestration.privacy.keys import Keys, load_keys
from orchestration.privacy.pseudonyms import normalised_number
from orchestration.privacy.vault import identity_dir, quarantine_dir, vault_file, vault_session, write_vault
from orchestration.release.lifecycle import with_restricted
from orchestration.returns.archive import (
    Receipt,
    archived_file,
    erase_archived,
    receipt_path,
    receipts,
    remove_unreferenced,
)
from orchestration.returns.spec import ReturnSpec, load_spec, return_ids
from orchestration.returns.submission import (
    Delivery,
    Submission,
    TableRows,
    landing_dirs,
    read_landing,
    write_landing,
)
from orchestration.rights.asked import Asked
from orchestration.rights.audit import PRIVATE_MODE, named_person, record
from orchestration.rights.cut import texts_of
from orchestration.rights.forgotten import (
    BORN,
    CALLED,
    NAME,
    Given,
    Tombstone,
    add_tombstones,
    forgotten_numbers,
    forgotten_rows,
    identity_values,
    in_quarantine,
    in_vault,
    knowing,
    numbers_in,
    read_tombstones,
    rows_giving_numbers,
    told_values,
    tombstone_key,
)
from orchestration.rights.intent import alone_with, intent_path, leave_no_marts, read_intent, write_intent
from orchestration.rights.leave_out import leave_out_forgotten
from orchestration.rights.mask import mask_what_is_held
from orchestration.rights.people import Person, Row, Told, parted
from orchestration.settings import Settings
from orchestration.sql_text import literal

log = logging.getLogger("cornerstone.rights")

FORGET = "forget"
ERASED_UNREAD = "on {day}, because it could not be read and somebody said that it names a person who was forgotten"
_NOBODY = "asked"  # the person of digests that are only looked for


@dataclass(frozen=True)
class HeldFile:
    """An archived file that a person has to look at: the return, the day of its receipt, its size, its receipt, which names it, and
    whether something of it was accepted."""

    return_id: str
    received: str
    bytes: int
    receipt: str
    is_in_use: bool


@dataclass(frozen=True)
class Somebody:
    """One of the people of whom rows under what was asked tell: rows by return and by how each is known, what is told otherwise
    than of the first who would go, and whether this one's rows go."""

    rows: dict[str, int]
    steps: dict[str, int]
    differs: list[str]
    goes: bool


@dataclass(frozen=True)
class Effect:
    """What forgetting a child touches: never who it is.

    `rows` counts the child's rows in the vault by return, `steps` by how each is known to be the child's: `asked` gives what
    was asked for, any other is a step of linkage. `people` are those of whom the rows tell, where they tell of several;
    `is_clear` says whether it was told who of them is meant; if not, all would go, and nobody is forgotten. `forgotten_earlier`:
    a child who is forgotten gave a number of the rows as well. `kinds` counts what identifies the child by kind. `namesakes` are
    rows that give the same name and birth date with another number, and stay; `file_names` the files whose names hold the surname,
    which stay as they were received; `unread` the archived files of which not everything was accepted.
    """

    rows: dict[str, int]
    steps: dict[str, int]
    people: list[Somebody]
    is_clear: bool
    forgotten_earlier: bool
    kinds: dict[str, int]
    submissions: int
    shared_numbers: int
    releases: int
    namesakes: int
    file_names: list[HeldFile]
    unread: list[HeldFile]


@dataclass(frozen=True)
class Done:
    """What was done: archived files cut and erased, rows taken out of them, rows out of the store, texts about others in which a
    number of the child was masked, lines out of the journals of linkage, releases without marts; and what is left, as in `Effect`:
    files by their names, and those that were refused.
    """

    files_cut: int
    files_erased: int
    rows_cut: int
    rows_removed: int
    set_aside_removed: int
    texts_masked: int
    decisions_removed: int
    joins_removed: int
    releases: int
    file_names: int
    unread: int


@dataclass
class _Known:
    """The child as the vault tells it. `keys` are those of linkage, `digests` (scheme, digest) identify it."""

    keys: set[str] = field(default_factory=set)
    digests: set[tuple[str, str]] = field(default_factory=set)
    rows: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    submissions: set[str] = field(default_factory=set)
    own_rows: set[Row] = field(default_factory=set)
    people: list[Somebody] = field(default_factory=list)
    is_clear: bool = True
    forgotten_earlier: bool = False
    shared_numbers: int = 0
    namesakes: int = 0
    file_names: list[Receipt] = field(default_factory=list)


def preview(settings: Settings, asked: Asked) -> Effect:
    """What forgetting would touch; writes nothing but the secret of the tombstones.

    Raises:
        CornerstoneError: what is asked identifies more than one child, or one that is forgotten.
    """
    with alone_with(settings, FORGET):
        return _effect(settings, _look_up(settings, load_keys(settings), asked))


def forget(settings: Settings, asked: Asked, *, by: str, reason: str, now: datetime, erase: Sequence[str] = ()) -> Done:
    """Forget a child.

    Args:
        settings: where the store is.
        asked: who it is.
        by: who does it.
        reason: why.
        now: the time.
        erase: receipts, as the preview names them, of files of which nothing was accepted and that go whole.

    Raises:
        CornerstoneError: as `preview`; it is not clear who is meant; no name or reason; another run holds the store; or an earlier
            erasure is unfinished.
    """
    by, reason = named_person(by, reason)
    with alone_with(settings, FORGET):
        keys = load_keys(settings)
        known = _look_up(settings, keys, asked)
        effect = _effect(settings, known)
        require_clear(effect)
        unwanted = _unwanted(settings, erase)
        decisions, joins = _linkage_lines(settings, known.keys)
        person = secrets.token_hex(16)
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        record(
            settings, "began to forget a child", by=by, reason=reason, now=now,
            rows=sum(effect.rows.values()), submissions=effect.submissions,
        )  # fmt: skip
        intent = {
            "action": FORGET, "person": person, "keys": sorted(known.keys), "rows": sorted(known.own_rows),
            "file_names": len(known.file_names), "erase": [one.key for one in unwanted],
            "decisions": decisions, "joins": joins, "by": by, "reason": reason, "at": at,
        }  # fmt: skip
        write_intent(settings, intent)
        # From here on what is left of the child is found by digests alone.
        add_tombstones(settings, [Tombstone(at, person, scheme, digest) for scheme, digest in sorted(known.digests)])
        return _finish(settings, keys, intent, now)


def require_clear(effect: Effect) -> None:
    """Let nobody be forgotten while rows of several people would go.

    Raises:
        CornerstoneError: they would.
    """
    if not effect.is_clear:
        several = f"{len(effect.people)} people" if effect.people else "a child who was forgotten earlier as well"
        raise CornerstoneError(
            f"What was asked stands for {several}. Say who is meant: add a line `name: Surname, Forename, birth date` for each way in"
            " which the child is told (and its NHS number, where two of one name differ by it), or `--as-one` where all of it is"
            " the one child. Nothing was changed."
        )


def _unwanted(settings: Settings, erase: Sequence[str]) -> list[Receipt]:
    """The files to erase whole, by their receipts.

    Raises:
        CornerstoneError: one is none of those of which nothing was accepted.
    """
    unread = {
        _held_file(settings, one, is_in_use=False).receipt: one
        for one, is_in_use in _receipts_unread(settings)
        if not is_in_use
    }
    if strange := set(erase) - unread.keys():
        raise CornerstoneError(
            f"{min(strange)} is no receipt of a file of which nothing was accepted; `cornerstone forget --preview` names them. Nothing was"
            " changed."
        )
    return [unread[one] for one in dict.fromkeys(erase)]


def resume(settings: Settings, now: datetime) -> Done | None:
    """Finish an erasure that was killed; None where none was.

    Raises:
        CornerstoneError: another run holds the store.
    """
    with alone_with(settings, FORGET, is_resumed=True):
        keys = load_keys(settings)
        intent = read_intent(settings)
        if intent is None or intent["action"] != FORGET:
            return None
        if not any(one.person == intent["person"] for one in read_tombstones(settings)):
            intent_path(settings).unlink()  # killed before it began: nothing identifies the child any more
            raise CornerstoneError(
                "The erasure was interrupted before it began; nothing was changed. Ask for it again."
            )
        return _finish(settings, keys, intent, now)


def _person_specs() -> list[ReturnSpec]:
    return [spec for spec in map(load_spec, return_ids()) if spec.person is not None]


def _person_file(settings: Settings, spec: ReturnSpec, folder: Path) -> Path:
    assert spec.person is not None
    return identity_dir(settings, spec.return_id, folder.name) / f"{spec.person.table}.parquet"


def _session(settings: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return vault_session(settings, settings.vault_dir / "rights_spill")


# --- who it is -----------------------------------------------------------------------------------------------------------


def _look_up(settings: Settings, keys: Keys, asked: Asked) -> _Known:
    """Find the child whom identifiers are of, and everything that identifies it in any row linked to it."""
    secret = tombstone_key(settings, keys)
    known = _Known()
    with _session(settings) as connection:
        known.digests = asked.digests(connection, secret)
        told = {(one.scheme, one.digest): one for one in read_tombstones(settings)}
        first = _rows_known_by(settings, connection, secret, known.digests)
        # A row that came to light since, such as under a number that nobody had told of, goes all the same.
        if known.digests <= told.keys() and not first:
            at = min(told[digest].at for digest in known.digests)
            raise CornerstoneError(f"This child was forgotten on {at[:10]}; nothing was changed.")
        links = _links(connection, settings)
        key_of = {row: key for row, (key, _) in links.items()}
        digests_of = _linked(settings, connection, secret, set(first), key_of)
        linked = digests_of.keys()
        every = known.digests.union(*digests_of.values())
        reached = _rows_known_by(settings, connection, secret, every)
        people = _people(settings, connection, linked | reached.keys(), key_of)
        meant = _meant(settings, connection, secret, asked, people)
        own = linked & {row for person in meant for row in person.rows}
        others = {row for person in people if person not in meant for row in person.rows}
        known.keys = {key_of[row] for row in first.keys() & own if row in key_of}
        # Rows that name nobody can have a key of their own, as where a plan has two numbers: they are no other child.
        if len(several := known.keys & _named(key_of)) > 1:
            raise CornerstoneError(
                f"What was asked identifies {len(several)} children, as they are linked: check the identifiers, say who is meant by"
                " name and birth date as well, or ask for one after the other. Nothing was changed."
            )
        for row in own:
            known.digests |= digests_of[row]
        shared = _others_numbers(settings, connection, secret, known.digests, own, others)
        known.forgotten_earlier = any(
            scheme.endswith((BORN, CALLED)) for scheme, digest in known.digests if (scheme, digest) in told
        )
        known.digests -= shared
        known.shared_numbers = len(shared)
        # A row that gives one of these and is linked to nobody, or to another child, names the child all the same.
        by_digest = _rows_known_by(settings, connection, secret, known.digests)
        if unknown := own - by_digest.keys():
            raise CornerstoneError(
                f"{len(unknown):,} row(s) of the child give too little to be told by: no name with a birth date, and no number that is"
                " the child's alone. Have the rows that give the child's number for somebody else, or these, corrected and sent"
                " again; then ask again. Nothing was changed."
            )
        if taken := by_digest.keys() & others:
            raise CornerstoneError(
                f"{len(taken):,} row(s) of somebody else give what the child is known by, and would go as well. Have them corrected and"
                " sent again, or ask `--as-one` where they are the child's; then ask again. Nothing was changed."
            )
        steps = _steps(first, reached | by_digest, links, people)
        known.own_rows = set(by_digest)
        known.rows = Counter(row[0] for row in by_digest)
        known.steps = Counter(steps[row] for row in by_digest)
        known.submissions = {row[1] for row in by_digest}
        names = {digest for digest in known.digests if digest[0] == NAME}
        known.namesakes = len(_rows_known_by(settings, connection, secret, names).keys() - by_digest.keys())
        known.file_names = _naming_receipts(settings, connection, known)
        known.keys |= _own_keys(connection, settings, known.keys)
        if len(people) > 1:
            known.people = [
                Somebody(
                    dict(Counter(row[0] for row in person.rows)),
                    dict(Counter(steps[row] for row in person.rows)),
                    meant[0].told.differs(person.told),
                    person in meant,
                )
                for person in people
            ]
        is_told = bool(asked.names) and not _are_namesakes(asked, meant)
        known.is_clear = asked.as_one or is_told or not (known.people or known.forgotten_earlier)
    return known


def _linked(
    settings: Settings, connection: duckdb.DuckDBPyConnection, secret: bytes, first: set[Row], key_of: Mapping[Row, str]
) -> dict[Row, set[tuple[str, str]]]:
    """What identifies the child in rows known at first, in those linked to them, and in those of the same cases, as digests.

    A case of which a row is linked to another child whom somebody names leads nowhere, but where it leads to that child alone.
    """
    schemes, named = {spec.case_scheme for spec in _person_specs()}, _named(key_of)
    found: dict[Row, set[tuple[str, str]]] = {}
    more = first
    while more:
        under = {key_of[row] for row in more if row in key_of}
        more |= {row for row, key in key_of.items() if key in under}
        found |= _digests_of(settings, connection, secret, more - found.keys())
        cases = {one for digests in found.values() for one in digests if one[0] in schemes}
        reached = _rows_known_by(settings, connection, secret, cases).keys() - found.keys() if cases else set()
        given = _digests_of(settings, connection, secret, reached)
        own = {key_of[row] for row in found if row in key_of} & named
        others = {key_of[row] for row in given if row in key_of} & named - own
        if own or len(others) > 1:
            cases -= {one for row, digests in given.items() if key_of.get(row) in others for one in digests}
        more = {row for row, digests in given.items() if digests & cases}
    return found


def _named(key_of: Mapping[Row, str]) -> set[str]:
    """Keys of the children whom a row of a return names."""
    naming = {spec.return_id for spec in _person_specs() if spec.names_persons}
    return {key for row, key in key_of.items() if row[0] in naming}


def _people(
    settings: Settings, connection: duckdb.DuckDBPyConnection, rows: set[Row], key_of: Mapping[Row, str]
) -> list[Person]:
    """Of whom rows tell. With a row that names nobody come all those of the child to whom it is linked: they tell whose it is."""
    told = _told_of(settings, connection, rows)
    silent = {key_of[row] for row, own in told.items() if own == Told() and row in key_of}
    beside = {row for row, key in key_of.items() if key in silent}
    return parted(told | _told_of(settings, connection, beside - rows), key_of)


def _meant(
    settings: Settings, connection: duckdb.DuckDBPyConnection, secret: bytes, asked: Asked, people: list[Person]
) -> list[Person]:
    """Those of the people under what was asked whose names were asked for; where none was, everybody.

    Raises:
        CornerstoneError: nobody there is of such a name.
    """
    if asked.as_one or not asked.names or not people:
        return people
    named = asked.told(connection)
    numbers = {number for scheme, number in asked.numbers if scheme == "nhs_number"}
    names = {one for one in asked.digests(connection, secret) if one[0] == NAME}
    so_called = _rows_known_by(settings, connection, secret, names).keys()
    meant = [
        person
        for person in people
        if (person.rows & so_called or any(not one.differs(person.told) for one in named))
        and (not numbers or person.told.nhs_number is None or person.told.nhs_number in numbers)
    ]
    if len(meant) < len(people) and all(person.told == Told() for person in meant):
        raise CornerstoneError(
            "Rows give the numbers that were asked for, and none of them this name and birth date: check them, or ask `--as-one` where"
            " the child is told by another name there. Nothing was changed."
        )
    return meant


def _steps(
    first: Mapping[Row, str], known_by: Mapping[Row, str], links: Mapping[Row, tuple[str, str]], people: list[Person]
) -> dict[Row, str]:
    """How each row is known: it was asked for, or linked to one that was, or gives what such a row gives, or is of somebody else."""
    under = {links[row][0] for row in first if row in links}

    def step(row: Row) -> str:
        if row in first:
            return "asked"
        if row in links and links[row][0] in under:
            return links[row][1]
        return f"same {known_by[row]}, linked otherwise" if row in known_by else "linked otherwise"

    return {row: step(row) for row in known_by.keys() | {row for person in people for row in person.rows}}


def _are_namesakes(asked: Asked, meant: list[Person]) -> bool:
    """Whether two of those who are meant share the name that was to tell them apart."""
    is_number_told = any(scheme == "nhs_number" for scheme, _ in asked.numbers)
    called = [person.told[:2] for person in meant]
    return not is_number_told and len(set(called)) < len(called)


def _effect(settings: Settings, known: _Known) -> Effect:
    return Effect(
        dict(known.rows),
        dict(known.steps),
        known.people,
        known.is_clear,
        known.forgotten_earlier,
        dict(Counter(scheme for scheme, _ in known.digests if not scheme.endswith((BORN, CALLED)))),
        len(known.submissions),
        known.shared_numbers,
        len(with_restricted(settings)),
        known.namesakes,
        [_held_file(settings, one, is_in_use=True) for one in known.file_names],
        [_held_file(settings, one, is_in_use=is_in_use) for one, is_in_use in _receipts_unread(settings)],
    )


def _landings(settings: Settings) -> Iterator[tuple[ReturnSpec, Path]]:
    for spec in _person_specs():
        for folder in landing_dirs(settings, spec.return_id):
            yield spec, folder


def _as_tombstones(digests: set[tuple[str, str]]) -> list[Tombstone]:
    return [Tombstone("", _NOBODY, scheme, digest) for scheme, digest in sorted(digests)]


def _rows_known_by(
    settings: Settings, connection: duckdb.DuckDBPyConnection, secret: bytes, digests: set[tuple[str, str]]
) -> dict[Row, str]:
    """Rows of the vault that digests identify, with the kind by which; the other requests of a patient too."""
    found: dict[Row, str] = {}
    with knowing(connection, secret, _as_tombstones(digests)) as own:
        for spec, folder in _landings(settings):
            found |= {
                (spec.return_id, submission_id, row): step
                for submission_id, row, step in _known_rows(own, settings, spec, folder)
            }
    return found


def _known_rows(
    own: duckdb.DuckDBPyConnection, settings: Settings, spec: ReturnSpec, folder: Path
) -> list[tuple[str, str, str]]:
    """Submission, row_person_ref and kind of the rows of a landing that are forgotten persons'."""
    _find_known(own, settings, spec, folder)
    return own.execute("select submission_id, row_person_ref, step from known_row where not is_set_aside").fetchall()


def _known_set_aside(
    own: duckdb.DuckDBPyConnection, settings: Settings, spec: ReturnSpec, folder: Path
) -> list[tuple[str, str | None]]:
    """Submission and row_person_ref of the rows of persons set aside in a landing that are forgotten ones'."""
    _find_known(own, settings, spec, folder)
    return own.execute("select submission_id, row_person_ref from known_row where is_set_aside").fetchall()


def _find_known(own: duckdb.DuckDBPyConnection, settings: Settings, spec: ReturnSpec, folder: Path) -> None:
    """Table `known_row`: rows of forgotten persons in a landing, in the vault and set aside, and those of a submission that agree
    with one of them in the number that a person's rows share."""
    assert spec.person is not None
    own.execute(
        "create or replace temp table known_row (is_set_aside boolean, place varchar, submission_id varchar,"
        " row_person_ref varchar, patient varchar, step varchar)"
    )
    kept, quarantined = _person_file(settings, spec, folder), _quarantine_file(settings, spec, folder)
    held: list[tuple[str, Given, str]] = []
    if kept.is_file():
        key = spec.tables[spec.person.table].key
        held.append(
            (
                "false",
                in_vault,
                f'(select *, submission_id || \'|\' || "{key}" as place, "{key}" as known_ref from {vault_file(kept)})',
            )
        )
    if quarantined.is_file():
        own.execute(
            "create or replace temp table set_aside as select *, 'row ' || row_number() over () as place,"
            f" row_person_ref as known_ref from {vault_file(quarantined)}"
            f" where table_name = '{spec.person.table}' and json_valid(row_text)"
        )
        held.append(("true", in_quarantine, "set_aside"))
    one_by = spec.person.one_by
    for is_set_aside, given, relation in held:
        patient = normalised_number(given(one_by)) if one_by else "null"
        own.execute(
            f"""
            insert into known_row
            select {is_set_aside}, place, submission_id, known_ref, {patient}, step
            from {relation} inner join (
                select place, min(step) as step from ({forgotten_rows(spec, given, relation, "place")}) group by place
            ) using (place)
            """
        )
    for is_set_aside, given, relation in held if one_by else []:
        patient = normalised_number(given(str(one_by)))
        own.execute(
            f"""
            insert into known_row
            select {is_set_aside}, place, submission_id, known_ref, {patient}, '{one_by}'
            from {relation}
            where {patient} is not null
                and (submission_id, {patient}) in (select (submission_id, patient) from known_row)
                and place not in (select place from known_row)
            """
        )


def _digests_of(
    settings: Settings, connection: duckdb.DuckDBPyConnection, secret: bytes, rows: set[Row]
) -> dict[Row, set[tuple[str, str]]]:
    """What identifies the person in rows of the vault, as digests."""
    found: dict[Row, set[tuple[str, str]]] = {row: set() for row in rows}
    with knowing(connection, secret, ()) as own:
        for spec, folder in _landings(settings):
            assert spec.person is not None
            path = _person_file(settings, spec, folder)
            wanted = [f"{submission}|{row}" for of, submission, row in rows if of == spec.return_id]
            if not wanted or not path.is_file():
                continue
            key = spec.tables[spec.person.table].key
            made = ", ".join(
                f"{{'scheme': '{scheme}', 'given': {value}}}" for scheme, value in identity_values(spec, in_vault)
            )
            for submission_id, row, scheme, digest in own.execute(
                f"""
                with given_value as (
                    select submission_id, "{key}" as row_person_ref, unnest([{made}], recursive := true)
                    from {vault_file(path)}
                    where submission_id || '|' || "{key}" in (select unnest(?))
                )
                select submission_id, row_person_ref, scheme, pseudonym(scheme, "given")
                from given_value where "given" is not null
                """,
                [wanted],
            ).fetchall():
                found[spec.return_id, submission_id, row].add((scheme, digest))
    return found


def _told_of(settings: Settings, connection: duckdb.DuckDBPyConnection, rows: set[Row]) -> dict[Row, Told]:
    """How rows of the vault tell of their persons."""
    found: dict[Row, Told] = {}
    for spec, folder in _landings(settings):
        assert spec.person is not None
        path = _person_file(settings, spec, folder)
        wanted = [f"{submission}|{row}" for of, submission, row in rows if of == spec.return_id]
        if not wanted or not path.is_file():
            continue
        key = spec.tables[spec.person.table].key
        found |= {
            (spec.return_id, submission_id, row): Told(*told)
            for submission_id, row, *told in connection.execute(
                f'select submission_id, "{key}", {", ".join(told_values(spec, in_vault))} from {vault_file(path)}'
                f" where submission_id || '|' || \"{key}\" in (select unnest(?))",
                [wanted],
            ).fetchall()
        }
    return found


def _others_numbers(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    secret: bytes,
    digests: set[tuple[str, str]],
    own_rows: set[Row],
    others: set[Row],
) -> set[tuple[str, str]]:
    """Those of a child's numbers that a row about somebody else gives too; `others` are known to be such rows."""
    known = (_rows_known_by(settings, connection, secret, digests).keys() - others) | own_rows
    found: set[tuple[str, str]] = set()
    with knowing(connection, secret, _as_tombstones(digests)) as own:
        for spec, folder in _landings(settings):
            assert spec.person is not None
            path = _person_file(settings, spec, folder)
            if not path.is_file():
                continue
            key = spec.tables[spec.person.table].key
            relation = f'(select *, struct_pack(submission_id, ref := "{key}") as place from {vault_file(path)})'
            for place, scheme, digest in own.execute(rows_giving_numbers(spec, in_vault, relation, "place")).fetchall():
                if (spec.return_id, place["submission_id"], place["ref"]) not in known:
                    found.add((scheme, digest))
    return found


def _links(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[Row, tuple[str, str]]:
    """Key and strength of every row that is linked."""
    if not settings.child_link_path.is_file():
        return {}
    rows = connection.execute(
        "select return_id, submission_id, row_person_ref, child_key, match_strength"
        f" from read_parquet({literal(str(settings.child_link_path))})"
    ).fetchall()
    return {row[:3]: row[3:] for row in rows}


def _held_file(settings: Settings, one: Receipt, *, is_in_use: bool) -> HeldFile:
    path = receipt_path(settings, one).relative_to(settings.store)
    return HeldFile(one.return_id, one.received_at[:10], one.bytes, str(path), is_in_use)


def _naming_receipts(settings: Settings, connection: duckdb.DuckDBPyConnection, known: _Known) -> list[Receipt]:
    """Files that were received under a name that holds the surname of the child; or that of a school, or a colleague."""
    surnames: set[str] = set()
    for spec, folder in _landings(settings):
        assert spec.person is not None
        path = _person_file(settings, spec, folder)
        if path.is_file() and spec.person.surname is not None:
            key = spec.tables[spec.person.table].key
            place = f"'{spec.return_id}|' || submission_id || '|' || \"{key}\""
            rows = connection.execute(
                f"select distinct {letters(chr(34) + spec.person.surname + chr(34))} from {vault_file(path)}"
                f" where {place} in (select unnest(?))",
                [["|".join(row) for row in known.own_rows]],
            ).fetchall()
            surnames |= {surname for (surname,) in rows if surname}
    held = [receipt for return_id in return_ids() for receipt in receipts(settings, return_id)]
    found = connection.execute(
        f"""
        select distinct name from (select unnest($1) as name)
        where len(list_filter($2, one -> contains({letters("name")}, one))) > 0
        """,
        [[one.file_name for one in held], sorted(surnames)],
    ).fetchall()
    names = {name for (name,) in found}
    return [one for one in held if one.file_name in names]


def _receipts_unread(settings: Settings) -> list[tuple[Receipt, bool]]:
    """Of archived files of which not everything was accepted: numbers are looked for in their text, and in what nobody could read
    nothing else can be. With each, whether something of it was accepted."""
    found = []
    for return_id in return_ids():
        given: dict[str, set[str]] = defaultdict(set)
        accepted: set[str] = set()
        for folder in landing_dirs(settings, return_id):
            submissions, deliveries, _ = read_landing(folder)
            accepted |= {one.submission_id for one in submissions if one.status == "accepted"}
            for one in deliveries:
                given[one.receipt_key] |= set(one.submission_ids)
        for receipt in receipts(settings, return_id):
            ids = given[receipt.key]
            if receipt.erased is None and not (ids and ids <= accepted):
                found.append((receipt, bool(ids & accepted)))
    return found


def _own_keys(connection: duckdb.DuckDBPyConnection, settings: Settings, keys: set[str]) -> set[str]:
    """Keys that children had by themselves before they were joined to one of `keys`."""
    if not children_path(settings).is_file():
        return set()
    rows = connection.execute(
        f"select child_key from {vault_file(children_path(settings))} where cluster_key in (select unnest(?))",
        [sorted(keys)],
    ).fetchall()
    return {key for (key,) in rows}


def _quarantine_file(settings: Settings, spec: ReturnSpec, folder: Path) -> Path:
    return quarantine_dir(settings, spec.return_id, folder.name) / "rows.parquet"


# --- doing it ------------------------------------------------------------------------------------------------------------


def _finish(settings: Settings, keys: Keys, intent: Mapping[str, object], now: datetime) -> Done:
    """Every step, of which each leaves nothing to do when it is done again."""
    secret = tombstone_key(settings, keys)
    digests = {(one.scheme, one.digest) for one in read_tombstones(settings) if one.person == intent["person"]}
    cut, erased, rows_cut = _clear_archive(settings, keys, secret, digests, now)
    for receipt, _ in _receipts_unread(settings):
        if receipt.key in intent["erase"]:  # type: ignore[operator]
            erase_archived(settings, receipt, ERASED_UNREAD.format(day=now.date()))
            erased += 1
    remove_unreferenced(settings)
    removed, set_aside = Counter[str](), 0
    with _session(settings) as connection:
        for spec, folder in _landings(settings):
            landed, aside = _clear_landing(settings, connection, secret, digests, spec, folder)
            removed[spec.return_id] += landed
            set_aside += aside
        with knowing(connection, secret, _as_tombstones(digests)) as own:
            texts_masked = mask_what_is_held(settings, connection, own)
    _clear_linkage(settings, {str(key) for key in intent["keys"]})  # type: ignore[attr-defined]
    by, reason = str(intent["by"]), str(intent["reason"])
    releases = leave_no_marts(settings, by=by, why="a child was forgotten", now=now)
    with _session(settings) as connection:
        told = {(str(a), str(b), str(c)) for a, b, c in intent["rows"]}  # type: ignore[attr-defined]
        if _rows_known_by(settings, connection, secret, digests) or _held(settings, connection, told):
            raise CornerstoneError(
                "Rows of the child are still in the store; nothing lands until they are gone. Run `cornerstone forget --resume`, and"
                " report this fault if it comes back."
            )
    named = int(str(intent["file_names"]))
    done = Done(
        files_cut=cut,
        files_erased=erased,
        rows_cut=rows_cut,
        rows_removed=sum(removed.values()),
        set_aside_removed=set_aside,
        texts_masked=texts_masked,
        decisions_removed=int(str(intent["decisions"])),
        joins_removed=int(str(intent["joins"])),
        releases=releases,
        file_names=named,
        unread=len(_receipts_unread(settings)),
    )
    record(settings, "forgot a child", by=by, reason=reason, now=now, **asdict(done))
    intent_path(settings).unlink()
    return done


def _held(settings: Settings, connection: duckdb.DuckDBPyConnection, rows: set[Row]) -> set[Row]:
    """Those of some rows that the vault or a landed table holds, whatever they give."""
    found: set[Row] = set()
    for spec, folder in _landings(settings):
        assert spec.person is not None
        key = spec.tables[spec.person.table].key
        kept, landed = _person_file(settings, spec, folder), folder / f"{spec.person.table}.parquet"
        for path, relation in ((kept, vault_file(kept)), (landed, f"read_parquet({literal(str(landed))})")):
            if path.is_file():
                places = connection.execute(f'select submission_id, "{key}" from {relation}').fetchall()
                found |= rows & {(spec.return_id, submission_id, row) for submission_id, row in places}
    return found


def _clear_archive(
    settings: Settings, keys: Keys, secret: bytes, digests: set[tuple[str, str]], now: datetime
) -> tuple[int, int, int]:
    """Cut the child out of every archived file: of those that gave a row of the child, and of any that names a number of it."""
    counted = Counter[str]()
    with _session(settings) as connection:
        rows = _rows_known_by(settings, connection, secret, digests)
        submissions = {submission for _, submission, _ in rows}
        with knowing(connection, secret, _as_tombstones(digests)) as own:
            for spec, folder in _landings(settings):
                submissions |= {submission for submission, _ in _known_set_aside(own, settings, spec, folder)}
        named = _naming_files(settings, keys, connection, secret, digests)
    for spec in map(load_spec, return_ids()):
        for received in _received_together(settings, spec, submissions, named):
            log.info("looking through %s archived file(s) of %s", f"{len(received):,}", spec.title)
            left = leave_out_forgotten(settings, keys, spec, received, now, waits=False)
            counted.update(cut=left.cut, erased=left.erased, rows=left.rows)
    return counted["cut"], counted["erased"], counted["rows"]


def _naming_files(
    settings: Settings,
    keys: Keys,
    connection: duckdb.DuckDBPyConnection,
    secret: bytes,
    digests: set[tuple[str, str]],
) -> set[str]:
    """Digests, as received, of the archived files in whose text a number of the child stands."""
    found = set()
    looked_at: set[str] = set()
    with knowing(connection, secret, _as_tombstones(digests)) as own:
        for return_id in return_ids():
            for receipt in receipts(settings, return_id):
                if receipt.erased is not None or receipt.sha256 in looked_at:
                    continue
                looked_at.add(receipt.sha256)
                written = numbers_in(text for _, text in texts_of(archived_file(settings, keys, receipt)))
                if written and forgotten_numbers(own, written):
                    found.add(receipt.sha256)
    return found


def _received_together(
    settings: Settings, spec: ReturnSpec, submissions: set[str], named: set[str]
) -> Iterator[Sequence[Receipt]]:
    """Receipts of the files to look through, those of one landing together; each as often as it was landed."""
    by_key = {receipt.key: receipt for receipt in receipts(settings, spec.return_id)}
    dealt_with: set[str] = set()
    for folder in landing_dirs(settings, spec.return_id):
        deliveries: list[Delivery] = read_landing(folder)[1]
        gave = {one for delivery in deliveries for one in delivery.submission_ids if one in submissions}
        gave |= {
            one
            for delivery in deliveries
            if (held := by_key.get(delivery.receipt_key)) and held.sha256 in named
            for one in delivery.submission_ids
        }
        own = [
            by_key[delivery.receipt_key]
            for delivery in deliveries
            if delivery.receipt_key in by_key
            and (gave & set(delivery.submission_ids) or by_key[delivery.receipt_key].sha256 in named)
        ]
        if own:
            dealt_with |= {receipt.key for receipt in own}
            # As they are now: a file landed twice may have been cut a moment ago.
            now_held = {receipt.key: receipt for receipt in receipts(settings, spec.return_id)}
            yield [now_held[receipt.key] for receipt in own]
    others = [one for one in by_key.values() if one.sha256 in named and one.key not in dealt_with]
    if others:
        yield others


def _clear_landing(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    secret: bytes,
    digests: set[tuple[str, str]],
    spec: ReturnSpec,
    folder: Path,
) -> tuple[int, int]:
    """Take a child's rows out of one landing and its vault files. What tells whose rows they are goes last.

    Returns: rows taken out of landed tables, and of those set aside.
    """
    assert spec.person is not None
    with knowing(connection, secret, _as_tombstones(digests)) as own:
        gone: set[tuple[str, str | None]] = {
            (submission, row) for submission, row, _ in _known_rows(own, settings, spec, folder)
        }
        gone |= set(_known_set_aside(own, settings, spec, folder))
        quarantined = _quarantine_file(settings, spec, folder)
        set_aside = _set_aside(own, settings, spec, folder, gone) if quarantined.is_file() else []
    if not gone and not set_aside:
        return 0, 0
    log.info("taking a forgotten child out of %s, landing %s", spec.title, folder.name)
    key = spec.tables[spec.person.table].key
    connection.execute("create or replace temp table gone (submission_id varchar, row_person_ref varchar)")
    for row in gone:
        connection.execute("insert into gone values (?, ?)", row)
    connection.execute(
        "create or replace temp table gone_place"
        " (submission_id varchar, table_name varchar, source_file varchar, source_row bigint)"
    )
    for place in set_aside:
        connection.execute("insert into gone_place values (?, ?, ?, ?)", place)
    removed = 0
    for table in spec.tables:
        path = folder / f"{table}.parquet"
        if not path.is_file():
            continue
        # What the vault holds of a row goes by the key of the landed row.
        connection.execute(
            f'create or replace temp table "gone_{table}" as'
            f' select submission_id, source_file, source_row, "{spec.tables[table].key}" as own_key'
            f" from read_parquet({literal(str(path))}) where {_is_gone(spec, table, key, folder)}"
        )
        connection.execute(
            f"insert into gone_place select submission_id, '{table}', source_file, source_row from \"gone_{table}\""
        )
        [(rows,)] = connection.execute(f'select count(*) from "gone_{table}"').fetchall()
        removed += rows
    _rewrite_all(settings, connection, spec, folder, key)
    return removed, len(set_aside)


def _set_aside(
    own: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    folder: Path,
    gone: set[tuple[str, str | None]],
) -> list[tuple[str, str, str, int]]:
    """Submission, table, file and row of what was set aside of persons, and of lines that could not be split and name one."""
    rows = own.execute(
        "select submission_id, table_name, source_file, source_row, row_person_ref, row_text"
        f" from {vault_file(_quarantine_file(settings, spec, folder))}"
    ).fetchall()
    known = forgotten_numbers(own, numbers_in(row[-1] or "" for row in rows if row[-2] is None))
    numbers = known | _numbers_of(own, settings, spec, folder, gone)
    return list(
        {
            row[:4]
            for row in rows
            if (row[0], row[-2]) in gone or (row[-2] is None and any(number in (row[-1] or "") for number in numbers))
        }
    )


def _numbers_of(
    own: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    folder: Path,
    gone: set[tuple[str, str | None]],
) -> set[str]:
    """Numbers of persons that rows outside persons give too, as JSON writes them: of requests, in their contacts."""
    assert spec.person is not None
    path = _person_file(settings, spec, folder)
    shared = {
        made.scheme
        for name, table in spec.tables.items()
        if not spec.is_in_person(name)
        for made in table.columns.values()
        if made.scheme is not None
    }
    columns = [name for name, made in spec.tables[spec.person.table].columns.items() if made.scheme in shared]
    if not columns or not path.is_file():
        return set()
    key = spec.tables[spec.person.table].key
    texts = ", ".join(f'to_json("{name}")::varchar' for name in columns)
    place = f"submission_id || '|' || \"{key}\""
    found = own.execute(
        f"select unnest([{texts}]) from {vault_file(path)} where {place} in (select unnest(?))",
        [[f"{submission}|{row}" for submission, row in gone]],
    ).fetchall()
    return {number for (number,) in found if number is not None and number != "null"}


def _is_gone(spec: ReturnSpec, table: str, key: str, folder: Path) -> str:
    """SQL that is true for a landed row of a forgotten person, or of one that gives a pseudonym of such a row's number."""
    if spec.is_in_person(table):
        return f'(submission_id, "{key}") in (select (submission_id, row_person_ref) from gone)'
    assert spec.person is not None
    tests = ["false"]
    persons = spec.tables[spec.person.table]
    landed = literal(str(folder / f"{spec.person.table}.parquet"))
    for made in spec.tables[table].columns.values():
        for held in persons.columns.values():
            if made.scheme is not None and made.scheme == held.scheme:
                [own], [other] = made.lands, held.lands
                tests.append(
                    f'"{own}" is not null and (submission_id, "{own}") in (select (submission_id, "{other}") from read_parquet({landed})'
                    f' where (submission_id, "{key}") in (select (submission_id, row_person_ref) from gone))'
                )
    return " or ".join(tests)


def _rewrite_all(
    settings: Settings, connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, folder: Path, key: str
) -> None:
    place = "(submission_id, table_name, source_file, source_row) in (from gone_place)"
    quarantined = _quarantine_file(settings, spec, folder)
    if quarantined.is_file():
        write_vault(connection, f"from {vault_file(quarantined)} where not coalesce({place}, false)", quarantined)
    failures = folder / "rule_failure.parquet"
    if failures.is_file():
        _rewrite(connection, failures, f"not coalesce({place}, false)")
    identities = identity_dir(settings, spec.return_id, folder.name)
    unknown = identities / "unknown_text.parquet"
    if unknown.is_file():
        write_vault(connection, f"from {vault_file(unknown)} where not coalesce({place}, false)", unknown)
    assert spec.person is not None
    persons_table = spec.person.table
    # Children before persons: by the landed rows of persons others are found.
    persons_last = sorted(spec.tables, key=lambda name: name == persons_table)
    for table in persons_last:
        gone = f'(select (submission_id, own_key) from "gone_{table}")'
        own_key = f'(submission_id, "{spec.tables[table].key}")'
        landed, kept = folder / f"{table}.parquet", identities / f"{table}.parquet"
        # The vault first: which of its rows are to go is known by the landed ones.
        if kept.is_file() and table != persons_table:
            write_vault(connection, f"from {vault_file(kept)} where {own_key} not in {gone}", kept)
        if landed.is_file():
            _rewrite(connection, landed, f"{own_key} not in {gone}")
    _recount(settings, connection, spec, folder)
    persons = identities / f"{persons_table}.parquet"
    write_vault(
        connection,
        f'from {vault_file(persons)} where (submission_id, "{key}") not in (select (submission_id, row_person_ref) from gone)',
        persons,
    )


def _rewrite(connection: duckdb.DuckDBPyConnection, path: Path, condition: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    connection.execute(
        f"copy (from read_parquet({literal(str(path))}) where {condition}) to {literal(str(partial))}"
        " (format parquet, compression zstd)"
    )
    replace_durably(partial, path)


def _recount(settings: Settings, connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, folder: Path) -> None:
    """Let the record of a landing say of its accepted submissions what its files hold now."""
    submissions, deliveries, replaced = read_landing(folder)
    quarantined = _quarantine_file(settings, spec, folder)
    aside: dict[tuple[str, str], int] = {}
    if quarantined.is_file():
        aside = {
            (submission_id, table): count
            for submission_id, table, count in connection.execute(
                f"select submission_id, table_name, count(distinct (source_file, source_row)) from {vault_file(quarantined)} group by all"
            ).fetchall()
        }
    landed: dict[tuple[str, str], int] = {}
    for table in spec.tables:
        path = folder / f"{table}.parquet"
        if path.is_file():
            landed |= {
                (submission_id, table): count
                for submission_id, count in connection.execute(
                    f"select submission_id, count(*) from read_parquet({literal(str(path))}) group by all"
                ).fetchall()
            }
    failures: dict[str, dict[str, int]] = {}
    for submission_id, rule_id, count in connection.execute(
        "select submission_id, rule_id, count(*) from"
        f" read_parquet({literal(str(folder / 'rule_failure.parquet'))}) group by all order by all"
    ).fetchall():
        failures.setdefault(submission_id, {})[rule_id] = count

    def recounted(one: Submission) -> Submission:
        if one.status != "accepted":
            return one
        tables = {}
        for table in one.tables:
            here, set_aside = landed.get((one.submission_id, table), 0), aside.get((one.submission_id, table), 0)
            tables[table] = TableRows(here + set_aside, here, set_aside)
        return replace(one, tables=tables, failures=failures.get(one.submission_id, {}))

    write_landing(folder, [recounted(one) for one in submissions], deliveries, replaced)


def _names_child(keys: set[str], entry: Mapping[str, object]) -> bool:
    """Whether a line of a journal of linkage is about a child."""
    return bool(keys & {str(entry.get(name)) for name in ("left_key", "right_key", "kept_key")})


def _linkage_lines(settings: Settings, keys: set[str]) -> tuple[int, int]:
    """How many reviewers' decisions and joins are about a child."""
    decisions, joins = (
        sum(_names_child(keys, one) for one in _lines(path))
        for path in (decisions_path(settings), joins_journal_path(settings))
    )
    return decisions, joins


def _lines(journal: Path) -> list[dict[str, object]]:
    return read_journal_entries(journal, dict)


def _clear_linkage(settings: Settings, keys: set[str]) -> None:
    """Take a child's keys out of what linkage remembers, and link the others anew."""
    _take_lines_out(decisions_path(settings), keys)
    if settings.child_link_path.is_file():
        log.info("linking the children that are left")
        link_children(settings)
    _take_lines_out(joins_journal_path(settings), keys)


def _take_lines_out(journal: Path, keys: set[str]) -> None:
    entries = _lines(journal)
    left = [one for one in entries if not _names_child(keys, one)]
    if len(left) < len(entries):
        rewrite_journal(journal, left, PRIVATE_MODE)
