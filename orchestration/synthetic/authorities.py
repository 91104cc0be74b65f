"""Many authorities' returns, to measure with: the rows of one invented borough again and again, under other identifiers.

Each authority sends the borough's spring census as a COLLECT export of its own, under its own code, of schools that do not exist.
Its children have other names, taken round the borough's own, other UPNs and postcodes and no ULN; they were born when the
borough's were and live in its neighbourhoods, so that nothing is learned from their figures. Their plans stand in one return of
the store's own authority, since a store takes the plans of no other. All is made by DuckDB from columns, one authority at a time.
"""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from orchestration.durable import sync_dir
from orchestration.returns.workspace import limit
from orchestration.sql_text import literal, quoted
from orchestration.synthetic.identity import INWARD_LETTERS, POSTCODE_AREA, UPN_LETTERS

log = logging.getLogger("cornerstone.synthetic")

YORKSHIRE_AND_THE_HUMBER = (
    "370", "371", "372", "373", "380", "381", "382", "383", "384", "810", "811", "812", "813", "815", "816",
)  # fmt: skip
AUTHORITIES = (
    *YORKSHIRE_AND_THE_HUMBER,
    *map(str, range(201, 214)), *map(str, range(301, 321)), *map(str, range(330, 337)), *map(str, range(340, 345)),
    *map(str, range(350, 360)), *map(str, range(390, 395)), "420", *map(str, range(800, 804)), *map(str, range(805, 809)),
    "821", "822", "823", "825", "826", "830", "831", "838", "839", "840", "841", "845", "846", "850", "851", "852", "855", "856",
    "857", "860", "861", "865", "866", "867", "868", "869", "870", "871", "872", "873", "874", "876", "877", "878", "879", "880",
    "881", "882", "883", "884", "885", "886", "887", "888", "889", "890", "891", "892", "893", "894", "895", "896", "908", "916",
    "919", "921", "925", "926", "929", "931", "933", "935", "936", "937", "938", "940", "941", "942", "943",
)  # fmt: skip
"""DfE codes of the 153 local authorities of England as of 2025, those of one region first. Source: DfE, Get Information about Schools."""
CENSUS, PLANS = "school_census/2024-25/spring/collect_csv", "sen2/2025/collect_csv"
REGISTER, POSTCODES = "establishment_register", "postcode_directory"
"""What is taken of a borough: the newest spring census that is a COLLECT export, and the plans of the same January."""

_SURNAMES, _FORENAMES = ("surname", "preferredsurname", "formersurname"), ("forename",)
_NUMBERED_APART = 1_000_000  # records of one authority in the return of plans
_SCHOOLS_APART = 200
_FIRST_URN, _FIRST_UKPRN = 910_000, 11_000_000


def codes_from(own: str, count: int) -> list[str]:
    """So many authorities, the store's own first, then those of its region where it is Yorkshire and The Humber."""
    return [own, *(code for code in AUTHORITIES if code != own)][:count]


def write_authorities(borough: Path, out: Path, codes: Sequence[str], limits: Mapping[str, str]) -> None:
    """Write the returns of authorities, the first of which is the borough's own and keeps its identifiers.

    Layout: `school_census/<code>/*.csv`, `sen2/*.csv`, `establishment_register/*.csv`, and the borough's other registers as they are.
    """
    own = codes[0]
    spill = out.with_name(f"{out.name}.spill")
    with duckdb.connect(":memory:") as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"set temp_directory = {literal(str(spill))}")
        limit(connection, limits)
        census = {path.name: path for path in sorted((borough / CENSUS).glob("*.csv"))}
        plans = {path.name: path for path in sorted((borough / PLANS).glob("*.csv"))}
        [register] = (borough / REGISTER).glob("*.csv")
        [postcodes] = (borough / POSTCODES).glob("*.csv")
        for path in (*census.values(), *plans.values(), register, postcodes):
            source = f"read_csv({literal(str(path))}, all_varchar = true, header = true)"
            connection.execute(f"create table {_held(path)} as from {source}")
        _prepare(connection, [*census.values(), *plans.values()], register, codes)
        for number, code in enumerate(codes):
            folder = out / "school_census" / code
            folder.mkdir(parents=True)
            for name, path in census.items():
                columns = _columns(connection, path)
                changed = {"lea": "code"}
                if "NativeId" in columns:
                    changed["NativeId"] = "if(authority.number = 0, NativeId, code || substr(NativeId, 4))"
                _write(connection, path, columns, changed, folder / name, [number])
            if number % 10 == 9:
                log.info("%s of %s authorities' censuses written", number + 1, len(codes))
        folder = out / "sen2"
        folder.mkdir(parents=True)
        for name, path in plans.items():
            columns = _columns(connection, path)
            is_header = "lea" in columns
            numbers = {
                column: f"cast(cast({column} as bigint) + authority.number * {_NUMBERED_APART} as varchar)"
                for column in columns
                if column.endswith(("tableid", "orderseqcolumn")) or column == "NativeId"
                if column != "sen2tableid"
            }
            numbered = range(len(codes))
            _write(
                connection, path, columns, {} if is_header else numbers, folder / name, [0] if is_header else numbered
            )
        (out / REGISTER).mkdir()
        _write_register(connection, register, out / REGISTER / register.name, own)
        (out / POSTCODES).mkdir()
        columns = _columns(connection, postcodes)
        _write(
            connection,
            postcodes,
            columns,
            {"pcds": _postcode("pcds")},
            out / POSTCODES / postcodes.name,
            numbered,
            is_once=True,
        )
    shutil.rmtree(spill, ignore_errors=True)
    shutil.copytree(borough / "deprivation", out / "deprivation")
    sync_dir(out)


def _held(path: Path) -> str:
    return quoted(path.stem)


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    return connection.sql(f"from {_held(path)}").columns


def _prepare(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], register: Path, codes: Sequence[str]
) -> None:
    """Tables `authority` (number, code), `own_school` (urn) and `turned` (kind, number, old, new), and macros of identifiers."""
    connection.execute(
        "create table authority as select unnest(range(len($codes))) as number, unnest($codes) as code",
        {"codes": list(codes)},
    )
    connection.execute(
        f'create table own_school as select "URN" as urn, row_number() over (order by "URN") as place from {_held(register)}'
        ' where "LA (code)" = ?',
        [codes[0]],
    )
    for kind, names in (("surname", _SURNAMES), ("forename", _FORENAMES)):
        held = [
            f"select {name} as name from {_held(path)}"
            for path in files
            for name in names
            if name in _columns(connection, path)
        ]
        connection.execute(
            f"create table {kind}_pool as select name, row_number() over (order by name) - 1 as place, count(*) over () as size"
            f" from (select distinct name from ({' union all '.join(held)}) where name <> '')"
        )
    # Every authority's names are the borough's, each moved on by so many places: strides without a common part, so that no two
    # authorities have both names of a child alike.
    connection.execute(
        """
        create table turned as
        select 'surname' as kind, number, old.name as old, new.name as new
        from authority, surname_pool as old
        inner join surname_pool as new on new.place = (old.place + number * 37) % old.size
        union all
        select 'forename', number, old.name, new.name
        from authority, forename_pool as old
        inner join forename_pool as new on new.place = (old.place + number * 11) % old.size
        """
    )
    # Districts 1 to 12 are the borough's and those from 90 its neighbour's: seven authorities fit beside each other, and as many more
    # as there are letters to move the last one by, twice over.
    connection.execute(
        f"""
        create macro postcode_of(given, number) as
            if(number = 0 or not regexp_full_match(given, '{POSTCODE_AREA}([1-9]|1[0-2]) [1-9][A-Z][A-Z]'), given,
                '{POSTCODE_AREA}' || (cast(given[3:-5] as integer) + 12 * (number % 7)) || ' '
                || if(number >= 140, '0', given[-3]) || given[-2]
                || '{INWARD_LETTERS}'[(instr('{INWARD_LETTERS}', given[-1]) - 1 + number // 7) % {len(INWARD_LETTERS)} + 1])
        """
    )
    weighted = " + ".join(
        f"{place + 1} * if({_character(place)} between '0' and '9', cast(ascii({_character(place)}) - 48 as integer),"
        f" instr('{UPN_LETTERS}', {_character(place)}) - 1)"
        for place in range(1, 13)
    )
    connection.execute(f"create macro with_check(body) as substr('{UPN_LETTERS}', 1 + ({weighted}) % 23, 1) || body")
    connection.execute(
        "create macro upn_of(upn, number, code) as"
        " case when number = 0 or upn is null or length(upn) <> 13 then upn else with_check(code || substr(upn, 5)) end"
    )


def _character(place: int) -> str:
    return f"substr(body, {place}, 1)"


def _write(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    columns: Sequence[str],
    changed: Mapping[str, str],
    target: Path,
    numbers: Sequence[int],
    *,
    is_once: bool = False,
) -> None:
    """Write a file of the borough for authorities, one after the other, with what is `changed` and every identifier as theirs.

    `is_once`: rows that are the same for all are written for the first alone.
    """
    joins, selected = [], []
    for column in columns:
        name = f'"{column}"'
        if column in changed:
            name = changed[column]
        elif column in (*_SURNAMES, *_FORENAMES):
            kind = "forename" if column in _FORENAMES else "surname"
            joins.append(
                f"left join turned as {column}_turned on {column}_turned.kind = '{kind}'"
                f" and {column}_turned.number = authority.number and {column}_turned.old = given.{column}"
            )
            name = f"coalesce({column}_turned.new, given.{column})"
        elif column in ("upn", "formerupn"):
            name = f"upn_of({column}, authority.number, code)"
        elif column == "uniquelearnernumber":
            name = f"if(authority.number = 0, {column}, null)"
        elif column in ("urn", "prevurn"):
            name = _school(column, _FIRST_URN, column)
        elif column == "postcode":
            name = _postcode(column)
        selected.append(f'{name} as "{column}"')
    once = f" and (authority.number = 0 or {changed['pcds']} <> pcds)" if is_once else ""
    connection.execute(
        f"copy (select {', '.join(selected)} from {_held(path)} as given cross join authority {' '.join(joins)}"
        f" where authority.number in ({', '.join(map(str, numbers))}){once} order by authority.number, given.rowid)"
        f" to {literal(str(target))} (format csv, header)"
    )


def _school(urn: str, first: int, number: str) -> str:
    """A number of a school of the borough, whose `urn` it is, as that of the school in its place in another authority."""
    place = f"(select place from own_school where own_school.urn = given.{quoted(urn)})"
    return (
        f"case when authority.number = 0 or given.{quoted(number)} is null then given.{quoted(number)}"
        f" else coalesce(cast({first} + authority.number * {_SCHOOLS_APART} + {place} as varchar), given.{quoted(number)}) end"
    )


def _postcode(column: str) -> str:
    """A postcode of the borough, in a district of another authority's own: those that the borough and its neighbour leave free."""
    return f"postcode_of({quoted(column)}, authority.number)"


def _write_register(connection: duckdb.DuckDBPyConnection, register: Path, target: Path, own: str) -> None:
    """The borough's register, with its own schools again under every authority."""
    is_own = f'"LA (code)" = {literal(own)}'
    connection.execute(
        f"""
        copy (
            select given.* replace (
                {_school("URN", _FIRST_URN, "URN")} as "URN",
                {_school("URN", _FIRST_UKPRN, "UKPRN")} as "UKPRN",
                if({is_own}, code, "LA (code)") as "LA (code)",
                if({is_own} and authority.number > 0, 'Authority ' || code, "LA (name)") as "LA (name)"
            )
            from {_held(register)} as given
            inner join authority on {is_own} or authority.number = 0
        ) to {literal(str(target))} (format csv, header)
        """
    )
