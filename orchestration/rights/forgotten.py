"""Whom the store has forgotten: keyed digests of what identifies them, by which their rows are known again.

A digest is an HMAC under a secret of its own, sealed under the store's key, so that the key can be renewed although nobody
can tell any more whose digests these are. Nobody without that key can; whoever holds it, and the vault, can try numbers one
after the other until one fits (there are few NHS numbers), so the digests stay personal data for as long as the store is
kept. A digest that is slow to make would not help: landing makes several of every row, and a short one would take others for
the child. A row is a forgotten person's where it gives one of the person's numbers (in any column of the scheme, a former UPN
too), unless both its birth date and its forename are another's: then the number stands there by mistake. A number that is
known to be somebody else's too is the person's with the birth date and the forename that stand beside it. Or where it gives
name and birth date, unless it gives another number of a kind that the person has: then it is somebody else of the same name.
A row of a return that names nobody is one, too, where it gives the number of the person's case or plan.
The file `forgotten.jsonl` of the vault is only ever added to.
"""

import io
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.durable import append_to_journal, read_journal_entries, replace_durably
from orchestration.linkage.child_key import NHS_NUMBER, PERMANENT_UPN, ULN, number_compared
from orchestration.linkage.profiles import full_name, letters
from orchestration.privacy.keys import Keys
from orchestration.privacy.pseudonyms import define_pseudonym, normalised_number
from orchestration.privacy.sealed import open_sealed, seal
from orchestration.returns.spec import ReturnSpec
from orchestration.settings import Settings

PRIVATE_MODE = 0o600
# Kinds of numbers, as the schemes of columns name them, and the shape of one that is somebody's alone.
NUMBERS = {"upn": PERMANENT_UPN, "nhs_number": NHS_NUMBER, "uln": ULN}
NAME = "name_birth_date"
BORN, CALLED = "+born", "+called"  # of a number with the birth date, or the forename, beside it
# What could be such a number in any text; NHS numbers are written with blanks or hyphens, too.
_CANDIDATE = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z]\d{12}|\d{3}[ -]?\d{3}[ -]?\d{4})(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Tombstone:
    """A digest of one identifier of one forgotten person; `person` is a random number that holds these together."""

    at: str
    person: str
    scheme: str
    digest: str


def tombstones_path(settings: Settings) -> Path:
    """Where the digests lie."""
    return settings.vault_dir / "forgotten.jsonl"


def tombstone_key_path(settings: Settings) -> Path:
    """Where the secret of the digests lies, sealed."""
    return settings.vault_dir / "forgotten.key"


def read_tombstones(settings: Settings) -> list[Tombstone]:
    """Every digest of everyone forgotten.

    Raises:
        CornerstoneError: a line was altered.
    """
    return read_journal_entries(tombstones_path(settings), Tombstone)


def add_tombstones(settings: Settings, tombstones: Iterable[Tombstone]) -> None:
    """Add digests, all of them or none."""
    append_to_journal(tombstones_path(settings), *map(asdict, tombstones), mode=PRIVATE_MODE)


def tombstone_key(settings: Settings, keys: Keys) -> bytes:
    """The secret of the digests; made with the first."""
    path = tombstone_key_path(settings)
    if not path.is_file():
        seal_tombstone_key(settings, keys, secrets.token_bytes(32))
    with open_sealed(path, keys.archive) as stream:
        return stream.read()


def seal_tombstone_key(settings: Settings, keys: Keys, secret: bytes) -> None:
    """Seal the secret of the digests under a store's key."""
    path = tombstone_key_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.partial")
    seal(io.BytesIO(secret), partial, keys.archive)
    partial.chmod(PRIVATE_MODE)
    replace_durably(partial, path)


@contextmanager
def knowing(
    connection: duckdb.DuckDBPyConnection, secret: bytes, tombstones: Iterable[Tombstone]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor of the connection with the table `tombstone` (person, scheme, digest) and the macro `pseudonym` that makes
    digests under their secret; the macro of that name of the connection itself stays what it is."""
    told = list(tombstones)
    with connection.cursor() as own:
        define_pseudonym(own, secret)
        columns = ("person", "scheme", "digest")
        rows = {name: pa.array([getattr(one, name) for one in told], pa.string()) for name in columns}
        own.register("tombstone_rows", pa.table(rows))
        own.execute("create temp table tombstone as select distinct * from tombstone_rows")
        yield own


Given = Callable[[str], str]
"""SQL of what a relation holds under the name of a column of the table of persons."""


def identity_values(spec: ReturnSpec, given: Given) -> list[tuple[str, str]]:
    """Schemes, and SQL of what identifies the person of a row under each, as it is compared; null where it is not given."""
    assert spec.person is not None
    called, born, _ = told_values(spec, given)
    values = []
    if (naming := spec.person.naming) is not None:
        surname, forename, _ = map(given, naming)
        values.append((NAME, f"{full_name(surname, forename)} || '|' || {born}"))
    if spec.case_scheme is not None and spec.person.one_by is not None:
        values.append((spec.case_scheme, normalised_number(given(spec.person.one_by))))
    for name, column in spec.tables[spec.person.table].columns.items():
        if column.scheme in NUMBERS:
            number = number_compared(given(name), NUMBERS[column.scheme])
            values += [
                (column.scheme, number),
                (column.scheme + BORN, f"{number} || '|' || {born}"),
                (column.scheme + CALLED, f"{number} || '|' || {called}"),
            ]
    return values


def number_schemes(spec: ReturnSpec) -> set[str]:
    """Schemes of the numbers of a return of which one alone tells the person."""
    return set(NUMBERS) | ({spec.case_scheme} if spec.case_scheme else set())


def told_values(spec: ReturnSpec, given: Given) -> list[str]:
    """SQL of how a row tells of its person: forename, birth date and NHS number, as `people.Told` compares them."""
    assert spec.person is not None
    called, born = "null::varchar", "null::varchar"
    if (naming := spec.person.naming) is not None:
        _, forename, birth_date = map(given, naming)
        first = letters(f"split_part(trim({forename}), ' ', 1)")
        called = f"nullif({first}, '')"
        born = f"try_cast({birth_date} as date)::varchar"
    numbers = [
        number_compared(given(name), NHS_NUMBER)
        for name, column in spec.tables[spec.person.table].columns.items()
        if column.scheme == "nhs_number"
    ]
    return [
        called,
        born,
        f"coalesce({', '.join([*numbers, 'null', 'null'])})",
    ]


def in_workspace(spec: ReturnSpec) -> Given:
    """Of rows as received: a number that could not be typed counts as it was given."""
    assert spec.person is not None
    columns = spec.tables[spec.person.table].columns

    def given(name: str) -> str:
        is_text = columns[name].is_checked and columns[name].type == "VARCHAR"
        return f'coalesce("{name}", "{name}_raw")' if is_text else f'"{name}"'

    return given


def in_vault(name: str) -> str:
    """Of rows of the identity vault."""
    return f'"{name}"'


def in_quarantine(name: str) -> str:
    """Of rows set aside, which the vault holds as JSON."""
    return f"coalesce(json_extract_string(row_text, '$.{name}'), json_extract_string(row_text, '$.{name}_raw'))"


def forgotten_rows(spec: ReturnSpec, given: Given, relation: str, key: str) -> str:
    """SQL of the rows of a relation of persons that are forgotten ones': `key` (a column, unique by row), `person` and `step`,
    by what the row was known. Needs a cursor of `knowing`."""
    made = ", ".join(f"{{'scheme': '{scheme}', 'given': {value}}}" for scheme, value in identity_values(spec, given))
    numbers = ", ".join(f"'{scheme}'" for scheme in sorted(number_schemes(spec)))
    return f"""
        with given_value as (
            select {key}, unnest([{made}], recursive := true) from {relation}
        ),
        digested as materialized (
            select {key}, scheme, pseudonym(scheme, "given") as digest from given_value where "given" is not null
        ),
        hit as materialized (
            select distinct digested.{key}, tombstone.person, scheme from digested inner join tombstone using (scheme, digest)
        ),
        by_number as (
            select {key}, person, scheme from hit
            where scheme in ({numbers}) and not (
                exists (select 1 from digested as own where own.{key} = hit.{key} and own.scheme = hit.scheme || '{BORN}')
                and exists (select 1 from digested as own where own.{key} = hit.{key} and own.scheme = hit.scheme || '{CALLED}')
                and exists (
                    select 1 from tombstone as known where known.person = hit.person and known.scheme = hit.scheme || '{BORN}'
                )
                and not exists (
                    select 1 from hit as beside where beside.{key} = hit.{key} and beside.person = hit.person
                        and beside.scheme in (hit.scheme || '{BORN}', hit.scheme || '{CALLED}')
                )
            )
        ),
        -- A number that is somebody else's too is no tombstone; with the birth date and the forename beside it, it tells whose.
        by_shared_number as (
            select {key}, person, kind.scheme from hit inner join (select unnest([{numbers}]) as scheme) as kind
                on hit.scheme in (kind.scheme || '{BORN}', kind.scheme || '{CALLED}')
            where not exists (
                select 1 from digested as own
                where own.{key} = hit.{key} and own.scheme in (kind.scheme || '{BORN}', kind.scheme || '{CALLED}')
                    and own.scheme not in (
                        select beside.scheme from hit as beside where beside.{key} = hit.{key} and beside.person = hit.person
                    )
            )
        ),
        by_any_number as (
            select {key}, person, scheme from by_number union select {key}, person, scheme from by_shared_number
        )
        select {key}, person, scheme as step from by_any_number
        union
        select {key}, person, scheme from hit
        where scheme = '{NAME}'
            and {key} not in (select {key} from by_any_number)
            and not exists (
                select 1 from digested as own inner join tombstone as known using (scheme)
                where own.{key} = hit.{key} and known.person = hit.person and scheme in ({numbers})
            )
    """


def rows_giving_numbers(spec: ReturnSpec, given: Given, relation: str, key: str) -> str:
    """SQL of the rows of a relation that give a number of a forgotten person, whoever they are about: `key`, scheme, digest."""
    made = ", ".join(
        f"{{'scheme': '{scheme}', 'given': {value}}}"
        for scheme, value in identity_values(spec, given)
        if scheme in number_schemes(spec)
    )
    return f"""
        with given_value as (select {key}, unnest([{made}], recursive := true) from {relation}),
        digested as (select {key}, scheme, pseudonym(scheme, "given") as digest from given_value where "given" is not null)
        select distinct {key}, scheme, digest from digested semi join tombstone using (scheme, digest)
    """


def numbers_in(texts: Iterable[str]) -> set[str]:
    """Every text in texts that could be an identifying number, as written."""
    return {found for text in texts for found in _CANDIDATE.findall(text)}


def forgotten_numbers(own: duckdb.DuckDBPyConnection, written: set[str]) -> set[str]:
    """Those of texts that are a number of somebody forgotten. Needs a cursor of `knowing`."""
    candidates = pa.table({"written": pa.array(sorted(written), pa.string())})
    own.register("candidate", candidates)
    number = "replace(written, '-', '')"
    made = ", ".join(
        f"{{'scheme': '{scheme}', 'given': {number_compared(number, pattern)}}}" for scheme, pattern in NUMBERS.items()
    )
    found = own.execute(
        f"""
        with given_value as (select written, unnest([{made}], recursive := true) from candidate),
        digested as (select written, scheme, pseudonym(scheme, "given") as digest from given_value where "given" is not null)
        select distinct written from digested semi join tombstone using (scheme, digest)
        """
    ).fetchall()
    own.unregister("candidate")
    return {written for (written,) in found}
