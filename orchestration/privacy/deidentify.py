"""The split of submissions: identifiers to the vault, pseudonymised rows to the landed tables, by the verbs of the spec.

Keys of rows are made from content, not from the file's own numbers or order, so that the same people give the same rows
whatever shape they came in.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

import duckdb
import pyarrow as pa

from orchestration.privacy.pseudonyms import normalised_number
from orchestration.returns.spec import (
    AGE_ON_CENSUS_DAY,
    AGE_REFERENCE,
    RAW_CODE_LENGTH,
    REPORTABLE,
    Column,
    Lookup,
    ReturnSpec,
)

_SEPARATOR = "chr(31)"
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}"

FindLanded = Callable[[Lookup], str | None]
"""The relation (SQL) of a reference table that counts now, or None where none is landed."""


class Accepted(NamedTuple):
    """A submission whose rows are split: what its row keys are made within, and its census day."""

    submission_id: str
    scope: str
    census_day: date | None


def name_accepted(connection: duckdb.DuckDBPyConnection, accepted: Sequence[Accepted]) -> None:
    """Table `accepted`: the submissions whose rows the queries of this module are about.

    `reference_day` is the 31 August before the census day, on which ages are compared.
    """
    days = [one.census_day for one in accepted]
    rows = pa.table(
        {
            "submission_id": pa.array([one.submission_id for one in accepted], pa.string()),
            "scope": pa.array([one.scope for one in accepted], pa.string()),
            "census_day": pa.array(days, pa.date32()),
            "reference_day": pa.array([day and date(day.year - (day.month < 9), 8, 31) for day in days], pa.date32()),
        }
    )
    connection.register("accepted_rows", rows)
    connection.execute("create or replace table accepted as from accepted_rows")
    connection.unregister("accepted_rows")


def make_row_keys(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> None:
    """Tables `key_<table>` (record, person_ref, parent_key, own_key) for the records of the submissions accepted.

    A person's key is a pseudonym of the identifiers given, or, where two rows give the same, of their order besides; a
    record's key is made from its parent's key and its place among its siblings by content.
    """
    for name in spec.tables:
        if name == spec.root_table:
            query = "select record, null::varchar as person_ref, null::varchar as parent_key, md5(scope) as own_key"
            query += f' from "{name}" inner join accepted using (submission_id)'
        elif spec.person and name == spec.person.table:
            query = _person_keys(spec, name)
        else:
            query = _child_keys(spec, name)
        connection.execute(f'create or replace table "key_{name}" as {query}')


def _person_keys(spec: ReturnSpec, name: str) -> str:
    identifying = [
        f"coalesce(cast(\"{column_name}\" as varchar), {raw}, '')"
        for column_name, column in spec.tables[name].columns.items()
        if column.sensitivity == "identifier"
        for raw in [f'"{column_name}_raw"' if column.is_checked else "null"]
    ]
    if spec.person and spec.person.repeats_by:
        identifying.append(f"coalesce(\"{spec.person.repeats_by}\", '')")
    return f"""
        with identified as (
            select submission_id, record, parent_record, scope, concat_ws({_SEPARATOR}, {", ".join(identifying)}) as identity
            from "{name}" inner join accepted using (submission_id)
        ),
        counted as (
            select *, row_number() over (partition by submission_id, identity order by record) as occurrence from identified
        )
        select counted.record, null::varchar as person_ref, parent.own_key as parent_key,
            pseudonym('row_person', concat_ws({_SEPARATOR}, scope, identity, occurrence)) as own_key
        from counted left join "key_{spec.tables[name].parent}" as parent on parent.record = counted.parent_record
    """


def _child_keys(spec: ReturnSpec, name: str) -> str:
    table = spec.tables[name]
    content = [f'"{column}"' for column, made in table.columns.items() if made.age_at is None]
    raw = [f'"{column}_raw"' for column, made in table.columns.items() if made.is_checked]
    person_ref = "parent.own_key" if spec.person and table.parent == spec.person.table else "parent.person_ref"
    # Most records have no sibling; only those that have are put in order, for sorting whole rows is slow.
    return f"""
        with sibling as (
            select parent_record from "{name}" group by parent_record having count(*) > 1
        ),
        numbered as (
            select own.record, own.parent_record, row_number() over (
                partition by own.parent_record order by {", ".join([*content, *raw])}, own.record
            ) as number
            from "{name}" as own semi join sibling using (parent_record)
            union all
            select own.record, own.parent_record, 1 as number
            from "{name}" as own anti join sibling using (parent_record)
        )
        select numbered.record, {person_ref} as person_ref, parent.own_key as parent_key,
            md5(concat_ws('|', parent.own_key, '{name}', number)) as own_key
        from numbered inner join "key_{table.parent}" as parent on parent.record = numbered.parent_record
    """


def landed_query(spec: ReturnSpec, name: str, usable: str, find_landed: FindLanded) -> str:
    """The select of a table's landed rows: every column of `spec.landed_types`, in order, of the rows of submissions
    accepted that `usable` (SQL about the alias `landed`) lets through."""
    table = spec.tables[name]
    persons = spec.person.table if spec.person else ""
    person_key = spec.tables[persons].key if persons else ""
    made: dict[str, str] = {column: f"landed.{column}" for column in ("submission_id", "source_file", "source_row")}
    for key in spec.keys(name):
        if key == table.key:
            made[key] = "keys.own_key"
        elif key == person_key and table.parent != persons:
            made[key] = "keys.person_ref"
        else:
            made[key] = "keys.parent_key"
    for column_name, column in table.columns.items():
        made |= _made_from(spec, column_name, column, find_landed)
    made[REPORTABLE] = (
        "not exists (select 1 from landing_failure as failed where failed.severity = 'warn'"
        f" and failed.table_name = '{name}' and failed.submission_id = landed.submission_id"
        " and failed.source_file = landed.source_file and failed.source_row = landed.source_row)"
    )
    types = spec.landed_types(name)
    person = ""
    if any(column.age_at is not None for column in table.columns.values()):
        person = (
            f'left join "{persons}" as person'
            " on person.submission_id = landed.submission_id and person.record = landed.person_record"
            " inner join accepted on accepted.submission_id = landed.submission_id"
        )
    selected = ", ".join(f'cast({made[column]} as {type_}) as "{column}"' for column, type_ in types.items())
    return f"""
        select {selected}
        from "{name}" as landed
        inner join "key_{name}" as keys on keys.record = landed.record
        {person}
        {_area_joins(spec, name, find_landed)}
        where {usable}
        order by landed.record
    """


def _made_from(spec: ReturnSpec, name: str, column: Column, find_landed: FindLanded) -> dict[str, str]:
    """SQL of what a column lands as."""
    if column.age_at is not None:
        assert spec.person is not None
        days = {AGE_REFERENCE: "accepted.reference_day", AGE_ON_CENSUS_DAY: "accepted.census_day"}
        event = days.get(column.age_at, f'landed."{column.age_at}"')
        return {name: f'age_on(person."{spec.person.birth_date}", {event})'}
    given = f'landed."{name}"'
    if column.privacy == "keep":
        raw = f'landed."{name}_raw"'
        shown = f"case when length({raw}) <= {RAW_CODE_LENGTH} then {raw} when {raw} is not null then '(withheld)' end"
        return {name: given} | ({f"{name}_raw": shown} if column.is_checked and not column.must_type else {})
    if column.privacy == "vault":
        return {}
    if column.privacy == "area":
        return _area(column, given, spec, find_landed)
    [landed] = column.lands
    number = normalised_number(given)
    if column.scope is not None:
        number = f"landed.\"{column.scope}\" || '|' || {number}"
    made = {
        "pseudonymise": f"pseudonym('{column.scheme}', {number})",
        "month": f"strftime({given}, '%Y-%m')",
        "presence": f"{given} is not null",
    }
    return {landed: made[column.privacy]}


def _area(column: Column, given: str, spec: ReturnSpec, find_landed: FindLanded) -> dict[str, str]:
    compact = normalised_number(given)
    made = dict.fromkeys(column.lands, "null")
    made["postcode_sector"] = (
        f"case when regexp_full_match({compact}, '{_POSTCODE}')"
        f" then left({compact}, length({compact}) - 3) || ' ' || left(right({compact}, 3), 1) end"
    )
    if spec.area_lookup and find_landed(spec.area_lookup.postcode):
        made |= {name: f"directory.{name}" for name in spec.area_lookup.postcode.columns}
        if find_landed(spec.area_lookup.neighbourhood):
            # Reference returns land as text; what is no number there is no decile here.
            made |= {
                name: f"try_cast(neighbourhood.{name} as {column.lands[name].type})"
                for name in spec.area_lookup.neighbourhood.columns
            }
    return made


def area_column(spec: ReturnSpec, name: str) -> str | None:
    """The column of a table whose postcode lands as areas."""
    return next((column for column, made in spec.tables[name].columns.items() if made.privacy == "area"), None)


def with_areas_query(spec: ReturnSpec, name: str, landed: str, identities: str, find_landed: FindLanded) -> str:
    """The select of a table's landed rows with the areas that their postcodes, in the vault, have now.

    `landed` and `identities` are the relations (SQL) of the landed rows and of what was kept of them in the vault.
    """
    column_name = area_column(spec, name)
    assert column_name is not None
    table = spec.tables[name]
    column = table.columns[column_name]
    made = _area(column, f'given."{column_name}"', spec, find_landed)
    areas = ", ".join(f'cast({made[area]} as {found.type}) as "{area}"' for area, found in column.lands.items())
    return f"""
        select landed.* replace ({areas})
        from {landed} as landed
        inner join {identities} as given
            on given.submission_id = landed.submission_id and given."{table.key}" = landed."{table.key}"
        {_area_joins(spec, name, find_landed, of="given")}
        order by landed.submission_id, landed.source_file, landed.source_row
    """


def _area_joins(spec: ReturnSpec, name: str, find_landed: FindLanded, of: str = "landed") -> str:
    """Left joins to the areas of the postcode that the relation `of` holds, one row each."""
    given = area_column(spec, name)
    if given is None or spec.area_lookup is None:
        return ""
    lookup, neighbourhood = spec.area_lookup.postcode, spec.area_lookup.neighbourhood
    directory = find_landed(lookup)
    if directory is None:
        return ""
    number = normalised_number(f'"{lookup.key}"')
    given_number = normalised_number(f'{of}."{given}"')
    joins = f"""
        left join (select distinct on ({number}) {number} as number, * from {directory}) as directory
            on directory.number = {given_number}
    """
    if (deciles := find_landed(neighbourhood)) is not None:
        joins += f"""
        left join (select distinct on ("{neighbourhood.key}") * from {deciles}) as neighbourhood
            on neighbourhood."{neighbourhood.key}" = directory."{neighbourhood.key}"
        """
    return joins


def missing_areas(spec: ReturnSpec, find_landed: FindLanded) -> list[str]:
    """One sentence for each reference return whose areas are blank because it is not landed."""
    if spec.area_lookup is None:
        return []
    return [
        f"{', '.join(lookup.columns)} are blank: no {lookup.return_id} was landed."
        for lookup in (spec.area_lookup.postcode, spec.area_lookup.neighbourhood)
        if find_landed(lookup) is None
    ]


def identity_query(spec: ReturnSpec, name: str, usable: str) -> str | None:
    """The select of what does not land of a table, of submissions accepted, with the keys of its rows; None where
    everything lands."""
    table = spec.tables[name]
    repeats_by = spec.person.repeats_by if spec.person and name == spec.person.table else None
    kept = [column for column, made in table.columns.items() if made.privacy != "keep" or column == repeats_by]
    if not kept:
        return None
    columns = ", ".join([f'keys.own_key as "{table.key}"', *(f'landed."{column}"' for column in kept)])
    return (
        f'select landed.submission_id, {columns} from "{name}" as landed'
        f' inner join "key_{name}" as keys on keys.record = landed.record'
        f" where {usable} order by landed.record"
    )
