"""What is told of each child that the fixed steps found, put together for comparison: names, birth date, homes and sex."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import duckdb
import yaml

from orchestration.privacy.pseudonyms import normalised_number
from orchestration.privacy.vault import identity_dir, vault_files
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import Submission
from orchestration.settings import Settings
from orchestration.sql_text import literal

NICKNAMES = files("orchestration.linkage").joinpath("nicknames.yaml")
POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}"
NO_ADDRESS = "ZZ99"  # begins postcodes of people without one. Source: NHS Data Dictionary, postcode of usual address.


def letters(expression: str) -> str:
    """SQL of a name as it is compared: its letters alone, lower case, without accents."""
    return f"regexp_replace(strip_accents(lower({expression})), '[^a-z]', '', 'g')"


def full_name(surname: str, forename: str) -> str:
    """SQL of a surname and a forename as they are compared; null where one is not given."""
    surname, forename = letters(surname), letters(forename)
    return f"case when {surname} <> '' and {forename} <> '' then {surname} || ' ' || {forename} end"


def gather_profiles(
    connection: duckdb.DuckDBPyConnection, settings: Settings, submissions: list[tuple[ReturnSpec, Submission]]
) -> None:
    """Make the tables that comparison needs from `child_link` and `linked_submission` as the fixed steps left them.

    Tables: `profile` (one row a child and way in which its names and birth date were told in any return), `told_profile`
    (the same by return, to train on), `given_name` (a child's names as they were written, to be shown to a reviewer),
    `child_sex` (the sex most told, but for rows that name and birth date alone joined), `weak_name` (those of them that say
    the other sex), `child_unit` (submission that told of a child, by number) and `child_number` (its permanent UPNs, NHS
    numbers and ULNs).
    """
    read_told(connection, settings, submissions)
    make_profiles(connection)


def read_told(
    connection: duckdb.DuckDBPyConnection, settings: Settings, submissions: list[tuple[ReturnSpec, Submission]]
) -> None:
    """Read from the vault, and sex from the landed rows, what was told of the children of `child_link`.

    Tables: `told_row` (names, birth date and postcode as written), `told_sex` (rows by sex) and `weak_row` (rows that name and
    birth date alone joined, with their sex).
    """
    make_told_tables(connection)
    for spec in {spec.return_id: spec for spec, _ in submissions}.values():
        own = [submission for of, submission in submissions if of.return_id == spec.return_id]
        _read_persons(connection, settings, spec, own)


def make_told_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of `read_told`, empty."""
    connection.execute(
        "create or replace table told_row"
        " (return_id varchar, child_key varchar, surname varchar, forename varchar, birth_date date, postcode varchar)"
    )
    connection.execute("create or replace table told_sex (child_key varchar, sex varchar, rows bigint)")
    connection.execute(
        "create or replace table weak_row (child_key varchar, submission_id varchar, row_person_ref varchar, sex varchar)"
    )


def make_profiles(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of `gather_profiles` of what was told."""
    _make_names(connection)
    _make_profiles(connection)
    _make_units(connection)
    connection.execute(
        "create or replace table child_number as"
        " select child_key, list_sort(list(distinct upn) filter (where upn is not null)) as upns,"
        " list_sort(list(distinct nhs_number) filter (where nhs_number is not null)) as nhs_numbers,"
        " list_sort(list(distinct uln) filter (where uln is not null)) as ulns from known group by child_key"
    )


def _landings(settings: Settings, spec: ReturnSpec, submissions: Iterable[Submission]) -> tuple[list[Path], list[Path]]:
    """Folders of submissions' landings: in the vault, and of the landed rows."""
    names = list(dict.fromkeys(submission.landing for submission in submissions))
    return (
        [identity_dir(settings, spec.return_id, name) for name in names],
        [settings.landed_dir / spec.return_id / name for name in names],
    )


def _landed(folders: list[Path], table: str) -> str:
    """SQL of landed rows of a table; landings that have none of it do not count."""
    paths = [literal(str(folder / f"{table}.parquet")) for folder in folders if (folder / f"{table}.parquet").is_file()]
    return f"read_parquet([{', '.join(paths)}], union_by_name = true, hive_partitioning = false)"


def _read_persons(
    connection: duckdb.DuckDBPyConnection, settings: Settings, spec: ReturnSpec, submissions: list[Submission]
) -> None:
    person = spec.person
    assert person is not None, "only returns about persons have children"
    if not person.is_named:
        return
    identities, landed = _landings(settings, spec, submissions)
    key = f'"{spec.tables[person.table].key}"'
    linked = f"(select * from child_link where return_id = {literal(spec.return_id)}) as link"
    surnames = ", ".join(f'given."{column}"' for column in [person.surname, *person.other_surnames])
    postcode, home = "null", ""
    if person.addresses is not None:
        addresses = [folder / f"{person.addresses}.parquet" for folder in identities]
        if found := [path for path in addresses if path.is_file()]:
            own_key = f'"{spec.tables[person.addresses].key}"'
            postcode = "home.postcode"
            home = f"""
                left join (
                    select landed.submission_id, landed.{key} as row_person_ref, address."{person.postcode}" as postcode
                    from {vault_files(found)} as address
                    inner join {_landed(landed, person.addresses)} as landed using (submission_id, {own_key})
                ) as home on home.submission_id = link.submission_id and home.row_person_ref = link.row_person_ref
            """
    elif person.postcode is not None:
        postcode = f'given."{person.postcode}"'
    connection.execute(
        f"""
        insert into told_row
        select distinct
            {literal(spec.return_id)}, link.child_key, unnest(list_distinct([{surnames}])), given."{person.forename}",
            given."{person.birth_date}", {postcode}
        from {vault_files([folder / f"{person.table}.parquet" for folder in identities])} as given
        inner join {linked} on link.submission_id = given.submission_id and link.row_person_ref = given.{key}
        {home}
        """
    )
    if person.sex is not None:
        sexes = f"""
            from {_landed(landed, person.table)} as landed
            inner join {linked} on link.submission_id = landed.submission_id and link.row_person_ref = landed.{key}
            where landed."{person.sex}" in ('M', 'F')
        """
        connection.execute(
            f'insert into told_sex select link.child_key, landed."{person.sex}", count(*) {sexes}'
            " and link.match_strength <> 'name_birth_date' group by all"
        )
        connection.execute(
            "insert into weak_row"
            f' select link.child_key, link.submission_id, min(link.row_person_ref), min(landed."{person.sex}") {sexes}'
            " and link.match_strength = 'name_birth_date' group by link.submission_id, link.child_key"
        )


def _make_names(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `name` (given, name): a name as written and as compared. Table `name_form` (name, forms): what it can stand for."""
    connection.execute(
        f"""
        create or replace table name as
        select given, nullif({letters("given")}, '') as name
        from (select surname as given from told_row union select forename from told_row)
        where given is not null
        """
    )
    nicknames: dict[str, list[str]] = yaml.load(NICKNAMES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    pairs = [[short, name] for name, shorts in nicknames.items() for short in shorts]
    connection.execute("create or replace table nickname (name varchar, stands_for varchar)")
    connection.execute(
        "insert into nickname select unnest($1), unnest($2)", [[one for one, _ in pairs], [of for _, of in pairs]]
    )
    connection.execute(
        """
        create or replace table name_form as
        select name, list_prepend(name, list_sort(coalesce(list(stands_for) filter (where stands_for is not null), [])))
            as forms
        from (select distinct name from name where name is not null) left join nickname using (name)
        group by name
        """
    )


def _make_profiles(connection: duckdb.DuckDBPyConnection) -> None:
    compact = normalised_number("postcode")
    connection.execute(
        f"""
        create or replace table told_home as
        select distinct
            return_id, child_key, family.name as surname, first.name as forename, birth_date,
            case when regexp_full_match({compact}, '{POSTCODE}') and not starts_with({compact}, '{NO_ADDRESS}')
                then {compact} end as postcode
        from told_row
        left join name as family on family.given = surname
        left join name as first on first.given = forename
        """
    )
    connection.execute(
        """
        create or replace table given_name as
        select child_key, list_sort(list(distinct concat_ws(', ', surname, forename))) as names,
            list_sort(list(distinct birth_date)) as birth_dates, list_sort(list(distinct postcode)) as postcodes,
            list_sort(list(distinct return_id)) as return_ids
        from told_row group by child_key
        """
    )
    connection.execute(
        "create or replace table child_sex as select child_key, arg_max(sex, (rows, sex)) as sex"
        " from (select child_key, sex, sum(rows) as rows from told_sex group by all) group by child_key"
    )
    connection.execute(
        """
        create or replace table weak_name as
        select child_key, pseudonym('child', concat_ws('|', submission_id, row_person_ref)) as own_key, weak_row.sex
        from weak_row inner join child_sex using (child_key) where weak_row.sex <> child_sex.sex
        """
    )
    for table, by in (("profile", ""), ("told_profile", "return_id, ")):
        connection.execute(
            f"""
            create or replace table {table} as
            with named as (select distinct {by}child_key, surname, forename, birth_date from told_home),
            home as (
                select {by}child_key, list_sort(list(distinct postcode)) as postcodes,
                    list_sort(list(distinct left(postcode, length(postcode) - 2))) as sectors
                from told_home where postcode is not null group by {by}child_key
            )
            select
                row_number() over (order by {by}child_key, surname, forename, birth_date) as unique_id,
                {by}child_key, surname, forename, birth_date, sex, postcodes, sectors, forms,
                case when day(birth_date) <= 12
                    then make_date(year(birth_date), day(birth_date), month(birth_date)) end as turned_birth_date,
                strftime(birth_date, '%Y%m%d') as birth_digits,
                left(surname, 2) as surname_start, left(forename, 2) as forename_start,
                year(birth_date) as birth_year, strftime(birth_date, '%m%d') as birthday
            from named
            left join home using ({by}child_key)
            left join child_sex using (child_key)
            left join name_form on name_form.name = forename
            """
        )


def _make_units(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create or replace table child_unit as"
        " select distinct child_key, number as unit from child_link inner join linked_submission using (submission_id)"
    )
