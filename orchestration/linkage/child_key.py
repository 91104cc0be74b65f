"""One child across returns: `child_key` for every pseudonymised person row, by fixed steps inside the vault.

Submissions are taken in the order they were received. A row joins a child known by then, first by permanent UPN, then
by NHS number, then by ULN, then by surname, forename and date of birth; else it is a child of its own. A child takes
one person of a submission, a value that two persons of a submission share links neither, and a row never joins a child
of another birth date by the weaker steps, nor by UPN a child of another birth date and forename, nor one of another UPN
save where NHS number, birth date and forename are the same: there the UPN was corrected. A person has one row, unless
the return says which rows are of one: then what these disagree in counts as not given.

A row that gives a UPN with an NHS number can show that two children known by then are one: one of the UPN, the other of
the number. Where birth date and forename agree with both, they are joined under the key that was first. In these fixed
steps nothing else that comes later changes the key of an earlier row, and the same receipts give the same keys.

Returns that name nobody come last, whenever they were received: their rows find the child who has their number by then, and
say nothing of who that is. Only where nobody has it, or two have, is such a row a child of its own, whom later ones find.

Children that the fixed steps keep apart are joined where they are likely one, or a reviewer says so (`index`); a reviewer
also keeps apart whom likeness, or name and birth date, would join. Every row of a child that was joined to one received
before it has the strength of that join.

Only row_person_ref, child_key, the strength of the match and a pseudonym of how the row tells the person leave the vault.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.durable import replace_durably
from orchestration.errors import CornerstoneError, room_wanted
from orchestration.linkage.decisions import read_decisions
from orchestration.linkage.index import join_likely
from orchestration.linkage.profiles import full_name, letters
from orchestration.privacy.keys import Keys, load_keys
from orchestration.privacy.pseudonyms import define_pseudonym, normalised_number
from orchestration.privacy.vault import identity_dir, open_vault, vault_files
from orchestration.returns.spec import PersonColumns, ReturnSpec, load_spec, return_ids
from orchestration.returns.submission import Submission, read_submissions
from orchestration.returns.workspace import private_database
from orchestration.settings import Settings
from orchestration.sql_text import literal

# From strongest to weakest; a row of a child not seen before is the first of its child.
MATCH_STRENGTHS = ("first_seen", "upn", "nhs_number", "uln", "reviewed", "name_birth_date", "probable")
LINK_COLUMNS = {
    "return_id": "VARCHAR",
    "submission_id": "VARCHAR",
    "row_person_ref": "VARCHAR",
    "child_key": "VARCHAR",
    "match_strength": "VARCHAR",
    "told_as": "VARCHAR",
}
# A temporary UPN ends in a letter and belongs to a school, not to a child; the 23 letters leave out I, O and S.
# Source: DfE, Unique pupil numbers guidance.
PERMANENT_UPN = r"[A-HJ-NP-RT-Z]\d{12}"
ULN = r"[1-9]\d{9}"
NHS_NUMBER = r"\d{10}"
KEY_ALONE = (
    "pseudonym('child', concat_ws('|', person.submission_id, person.row_person_ref))"  # of a child first seen there
)
GROUP_SUBMISSIONS = 250  # linked together: bounds memory


@dataclass(frozen=True)
class LinkReport:
    """How person rows were linked: rows by strength, and children in all."""

    rows_by_strength: dict[str, int]
    children: int


def link_children(settings: Settings) -> LinkReport:
    """Link every accepted submission of every return about persons, and write `settings.child_link_path`.

    Raises:
        CornerstoneError: the store's secret key is missing or not its own.
    """
    keys = load_keys(settings)
    submissions = person_submissions(settings)
    named = [pair for pair in submissions if pair[0].names_persons]
    nameless = [pair for pair in submissions if not pair[0].names_persons]
    with private_database(settings.vault_dir / "link_spill", settings.database_limits) as connection:
        _prepare(connection, keys)
        is_kept_apart = _keep_apart(connection, settings)
        for spec, group in _groups(named):
            _link(connection, settings, spec, group, is_kept_apart=is_kept_apart)
        try:
            join_likely(connection, settings, named)
        except duckdb.Error as error:  # its message can quote values
            if wanted := room_wanted(str(error)):
                raise CornerstoneError(wanted) from None
            raise CornerstoneError(
                f"Children could not be joined by likeness ({type(error).__name__}). Delete the folder linkage of the vault"
                " and run again: everything in it is made anew, under the decisions of reviewers."
            ) from None
        for spec, group in _groups(nameless):
            _link(connection, settings, spec, group, is_kept_apart=is_kept_apart)
        _tell(connection, settings, named)
        report = _report(connection)
        _write(connection, settings.child_link_path)
    return report


def person_submissions(settings: Settings) -> list[tuple[ReturnSpec, Submission]]:
    """Accepted submissions that hold persons, those that no longer count too, in the order of receipt."""
    found = [
        (spec, submission)
        for spec in map(load_spec, return_ids())
        if spec.person is not None
        for submission in read_submissions(settings, spec.return_id)
        if submission.status == "accepted"
    ]
    return sorted(found, key=lambda pair: (pair[1].received_at, pair[1].period, pair[1].submission_id))


def _groups(submissions: list[tuple[ReturnSpec, Submission]]) -> Iterator[tuple[ReturnSpec, list[Submission]]]:
    """Submissions of one return that follow one another, such as those of many schools; so many at a time."""
    for _, pairs in groupby(submissions, key=lambda pair: pair[0].return_id):
        group = list(pairs)
        for first in range(0, len(group), GROUP_SUBMISSIONS):
            yield group[0][0], [submission for _, submission in group[first : first + GROUP_SUBMISSIONS]]


def person_files(settings: Settings, spec: ReturnSpec, submissions: Iterable[Submission]) -> list[Path]:
    """Files of the vault that hold the persons of submissions."""
    assert spec.person is not None
    landings = dict.fromkeys(submission.landing for submission in submissions)
    return [identity_dir(settings, spec.return_id, landing) / f"{spec.person.table}.parquet" for landing in landings]


def _prepare(connection: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    open_vault(connection, keys)
    define_pseudonym(connection, keys.pseudonym)
    columns = ", ".join(f"{name} {type_}" for name, type_ in LINK_COLUMNS.items() if name != "told_as")
    connection.execute(f"create table child_link ({columns})")
    connection.execute("create table told (submission_id varchar, row_person_ref varchar, told_as varchar)")
    connection.execute("create table renamed_key (child_key varchar, kept_key varchar)")
    connection.execute("create table linked_submission (submission_id varchar, number integer)")
    connection.execute(
        "create table known"
        " (child_key varchar, upn varchar, nhs_number varchar, uln varchar, name varchar, birth_date date)"
    )


def _keep_apart(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Table `kept_apart` (one, other): keys of children whom a reviewer told apart, both ways; gives whether there are any."""
    apart = [pair for pair, told in read_decisions(settings).items() if told.decision == "different"]
    connection.execute(
        "create table kept_apart as select unnest($1) as one, unnest($2) as other",
        [[key for one, other in apart for key in (one, other)], [key for one, other in apart for key in (other, one)]],
    )
    return bool(apart)


def _number(column: str | None, pattern: str) -> str:
    """SQL of an identifying number as it is compared; null where it has not the shape of one."""
    return "null::varchar" if column is None else number_compared(f'"{column}"', pattern)


def number_compared(expression: str, pattern: str) -> str:
    """SQL of an identifying number as it is compared; null where it has not the shape of one."""
    text = normalised_number(expression)
    return f"case when regexp_full_match({text}, '{pattern}') then {text} end"


def _person_rows(spec: ReturnSpec, person: PersonColumns, paths: list[Path]) -> str:
    """SQL of submissions' persons as they are compared, each with its rows; what cannot identify anyone is null."""
    name, birth_date = "cast(null as varchar)", "cast(null as date)"
    if (naming := person.naming) is not None:
        surname, forename, birth_date = (f'"{column}"' for column in naming)
        name = full_name(surname, forename)
    rows = f"""
        select submission_id,
            "{spec.tables[person.table].key}" as row_person_ref,
            {normalised_number(f'"{person.one_by}"') if person.one_by else "null::varchar"} as one_by,
            {_number(person.upn, PERMANENT_UPN)} as upn,
            {_number(person.nhs_number, NHS_NUMBER)} as nhs_number,
            {_number(person.uln, ULN)} as uln,
            {name} as name,
            {birth_date} as birth_date,
            {f'"{person.repeats_by}"' if person.repeats_by else "null::varchar"} as part
        from {vault_files(paths)}
    """
    if person.one_by is None:
        return f"select *, [row_person_ref] as rows from ({rows})"
    agreed = ", ".join(
        f"case when count(distinct {column}) = 1 then min({column}) end as {column}"
        for column in ("upn", "nhs_number", "uln", "name", "birth_date")
    )
    return f"""
        select submission_id, part, min(row_person_ref) as row_person_ref, list(row_person_ref) as rows, {agreed}
        from ({rows}) group by submission_id, part, coalesce(one_by, row_person_ref)
    """


def _link(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    submissions: list[Submission],
    *,
    is_kept_apart: bool,
) -> None:
    """Link the rows of submissions to the children known by now, and make the others known.

    What two submissions tell of one child has to be taken in their order, so the rows go in rounds: rows that share a
    number or name, however indirectly, with those of an earlier submission come a round later. All others go at once.
    """
    assert spec.person is not None
    paths = person_files(settings, spec, submissions)
    [(linked,)] = connection.execute("select count(*) from linked_submission").fetchall()
    connection.execute("create or replace temp table submission_order (submission_id varchar, place integer)")
    connection.executemany(
        "insert into submission_order values (?, ?)",
        [[submission.submission_id, place] for place, submission in enumerate(submissions, start=linked)],
    )
    connection.execute("insert into linked_submission from submission_order")
    # Where nobody is named there is no list of people: a child can have any number of plans there, or one typed in two ways.
    person = "person.*" if spec.names_persons else "person.* replace (row_person_ref as part)"
    connection.execute(
        f"""
        create or replace temp table arrived as
        select row_number() over () as row_id, {person}, place
        from ({_person_rows(spec, spec.person, paths)}) as person inner join submission_order using (submission_id)
        """
    )
    _label_related_rows(connection)
    connection.execute(
        """
        create or replace temp table round as
        -- A child can have a row of each part, as a pupil who left a school and came back, and of each plan.
        select row_id, dense_rank() over (partition by label order by place, part desc) as number
        from arrived inner join related using (row_id)
        """
    )
    for [number] in connection.execute("select distinct number from round order by number").fetchall():
        connection.execute(
            "create or replace temp table person as select arrived.* from arrived inner join round using (row_id)"
            " where number = ?",
            [number],
        )
        _link_rows(connection, spec, is_kept_apart=is_kept_apart)


def _label_related_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `related` (row_id, label): rows have one label that share a number, or name and date of birth, with one
    another or with one child known by now, or are joined by rows between them that do."""
    connection.execute(
        """
        create or replace temp table row_value as
        select row_id, unnest([
            'upn ' || upn, 'nhs ' || nhs_number, 'uln ' || uln, 'name ' || name || ' ' || birth_date::varchar
        ]) as value from arrived
        """
    )
    connection.execute("delete from row_value where value is null")
    connection.execute(
        """
        insert into row_value
        select row_id, 'child ' || child_key from arrived inner join known using (upn)
        union select row_id, 'child ' || child_key from arrived inner join known using (nhs_number)
        union select row_id, 'child ' || child_key from arrived inner join known using (uln)
        union select row_id, 'child ' || child_key from arrived inner join known using (name, birth_date)
        """
    )
    connection.execute("create or replace temp table related as select row_id, row_id as label from arrived")
    while True:
        connection.execute(
            """
            create or replace temp table closer as
            with lowest as (
                select value, min(label) as label from row_value inner join related using (row_id) group by value
            ),
            of_row as (select row_id, min(label) as label from row_value inner join lowest using (value) group by row_id)
            select row_id, coalesce(of_row.label, related.label) as label
            from related left join of_row using (row_id)
            """
        )
        changed = connection.execute(
            "select count(*) from related inner join closer using (row_id) where related.label <> closer.label"
        ).fetchone()
        connection.execute("create or replace temp table related as from closer")
        if changed is None or not changed[0]:
            return


def _link_rows(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, *, is_kept_apart: bool) -> None:
    connection.execute(
        "create or replace temp table matched (row_id bigint, child_key varchar, match_strength varchar)"
    )
    agrees = "(person.birth_date = known.birth_date or person.birth_date is null or known.birth_date is null)"
    # The UPN of a brother or sister, given by mistake: neither birth date nor forename is the child's.
    _match(connection, "upn", "upn", f"({agrees} or coalesce({_same_forename('known')}, true))")
    corrected = (
        "(not exists (select 1 from known as other where other.child_key = known.child_key and other.upn <> person.upn)"
        " or exists (select 1 from known as other where other.child_key = known.child_key"
        f" and other.nhs_number = person.nhs_number and {_alike('other')}))"
    )
    _match(connection, "nhs_number", "nhs_number", f"{agrees} and {corrected}")
    _match(connection, "uln", "uln", agrees)
    no_other_number = (
        "person.birth_date = known.birth_date"
        " and not exists (select 1 from known as other where other.child_key = known.child_key"
        " and (other.upn <> person.upn or other.nhs_number <> person.nhs_number or other.uln <> person.uln))"
    )
    if is_kept_apart:
        no_other_number += f" and {KEY_ALONE} not in (select other from kept_apart)"
    _match(connection, "name_birth_date", "name", no_other_number)
    connection.execute(
        f"""
        insert into matched
        select row_id, {KEY_ALONE}, 'first_seen'
        from person anti join matched using (row_id)
        """
    )
    connection.execute(
        "insert into child_link by name"
        " select ? as return_id, submission_id, unnest(rows) as row_person_ref, child_key, match_strength"
        " from person inner join matched using (row_id)",
        [spec.return_id],
    )
    _find_one_child(connection)
    # A number that a row without a name gives besides, or gives too, must not make others the child.
    taught = "" if spec.names_persons else " where match_strength = 'first_seen'"
    connection.execute(
        "insert into known select distinct child_key, upn, nhs_number, uln, name, birth_date"
        f" from person inner join matched using (row_id){taught} except select * from known"
    )
    _join_children(connection)


def _same_forename(known: str) -> str:
    """SQL: a person and a child known by then have one forename, or one has the beginning of the other's; null: not given."""
    forenames = [f"split_part({row}.name, ' ', 2)" for row in ("person", known)]
    return f"(starts_with({forenames[0]}, {forenames[1]}) or starts_with({forenames[1]}, {forenames[0]}))"


def _alike(known: str) -> str:
    """SQL: a person and a child known by then have one birth date, and one forename or its beginning."""
    return f"(person.birth_date = {known}.birth_date and {_same_forename(known)})"


def _find_one_child(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `one_child` (of_upn, of_number): children known by now that a row with both numbers shows to be one.

    Nobody is joined to a child whose other UPN is told without the NHS number, who is in one submission with the other,
    or of whom the row is not the only one.
    """
    connection.execute(
        f"""
        create or replace temp table one_child as
        with shown as (
            select distinct person.submission_id, person.row_id, matched.child_key as of_upn, known.child_key as of_number
            from person
            inner join matched on matched.row_id = person.row_id and matched.match_strength = 'upn'
            inner join known
                on known.nhs_number = person.nhs_number and known.child_key <> matched.child_key and {_alike("known")}
            where
                exists (select 1 from known as own where own.child_key = matched.child_key and {_alike("own")})
                and not exists (
                    select 1 from known as other
                    where other.child_key = known.child_key and other.upn <> person.upn
                        and other.nhs_number is distinct from person.nhs_number
                )
                and not exists (
                    select 1 from person as second
                    where second.submission_id = person.submission_id and second.nhs_number = person.nhs_number
                        and second.row_id <> person.row_id
                )
        ),

        alone as (
            select * from shown
            qualify count(*) over (partition by submission_id, of_upn) = 1
                and count(*) over (partition by submission_id, of_number) = 1
        ),

        told_of as (
            select distinct child_key, submission_id from child_link
            where child_key in (select of_upn from alone union all select of_number from alone)
        )

        select of_upn, of_number from alone
        where not exists (
            select 1 from told_of as one inner join told_of as two using (submission_id)
            where one.child_key = alone.of_upn and two.child_key = alone.of_number
        )
        -- Of three that are shown to be one at once, none is joined: a later list shows what is left.
        and of_upn not in (select of_number from alone)
        and of_number not in (select of_upn from alone)
        """
    )


def _join_children(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the children of `one_child` the key of the one whose first submission was received first."""
    if not connection.execute("select count(*) from one_child").fetchall()[0][0]:
        return
    connection.execute(
        """
        create or replace temp table renamed as
        with first as (
            select child_key, min(number) as number
            from child_link inner join linked_submission using (submission_id)
            where child_key in (select of_upn from one_child union all select of_number from one_child)
            group by child_key
        )
        select
            case when (a.number, a.child_key) < (b.number, b.child_key) then b.child_key else a.child_key end as child_key,
            case when (a.number, a.child_key) < (b.number, b.child_key) then a.child_key else b.child_key end as kept_key
        from one_child
        inner join first as a on a.child_key = of_upn
        inner join first as b on b.child_key = of_number
        """
    )
    connection.execute(
        "update child_link set child_key = kept_key,"
        " match_strength = if(match_strength = 'first_seen', 'nhs_number', match_strength)"
        " from renamed where child_link.child_key = renamed.child_key"
    )
    connection.execute(
        "update renamed_key set kept_key = renamed.kept_key from renamed where renamed_key.kept_key = renamed.child_key"
    )
    connection.execute("insert into renamed_key select child_key, kept_key from renamed")
    connection.execute("update known set child_key = kept_key from renamed where known.child_key = renamed.child_key")


def _match(connection: duckdb.DuckDBPyConnection, strength: str, column: str, condition: str) -> None:
    """Match the rows left by one column, one row of a submission to one child: what fits two rows or two children matches
    none."""
    connection.execute(
        f"""
        insert into matched
        with taken as (select submission_id, part, child_key from matched inner join person using (row_id)),
        pairs as (
            select distinct person.row_id, person.submission_id, person.part, known.child_key
            from person
            inner join known on known."{column}" = person."{column}" and {condition}
            anti join taken
                on taken.child_key = known.child_key and taken.submission_id = person.submission_id
                and taken.part is not distinct from person.part
            where person.row_id not in (select row_id from matched)
        )
        select row_id, child_key, '{strength}'
        from pairs
        qualify count(*) over (partition by row_id) = 1
            and count(*) over (partition by submission_id, part, child_key) = 1
        """
    )


def _tell(
    connection: duckdb.DuckDBPyConnection, settings: Settings, submissions: list[tuple[ReturnSpec, Submission]]
) -> None:
    """Table `told`: a pseudonym of NHS number, surname and birth date together, the same where two rows tell a person alike.

    Of rows that tell a person differently nothing but that leaves the vault; null where one of the three is not given.
    """
    for spec in {spec.return_id: spec for spec, _ in submissions}.values():
        if spec.person is None or spec.person.nhs_number is None or spec.person.naming is None:
            continue
        own = [submission for of, submission in submissions if of.return_id == spec.return_id]
        surname, _, birth_date = (f'"{column}"' for column in spec.person.naming)
        connection.execute(
            f"""
            insert into told
            select submission_id, "{spec.tables[spec.person.table].key}", pseudonym('told_as',
                {_number(spec.person.nhs_number, NHS_NUMBER)} || '|' || nullif({letters(surname)}, '')
                || '|' || {birth_date}::varchar)
            from {vault_files(person_files(settings, spec, own))}
            """
        )


def _report(connection: duckdb.DuckDBPyConnection) -> LinkReport:
    rows = connection.execute("select match_strength, count(*) from child_link group by all order by all").fetchall()
    [(children,)] = connection.execute("select count(distinct child_key) from child_link").fetchall()
    return LinkReport(dict(rows), int(children))


def _write(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    connection.execute(
        f"copy (select {', '.join(LINK_COLUMNS)} from child_link left join told using (submission_id, row_person_ref)"
        " order by return_id, submission_id, row_person_ref)"
        f" to {literal(str(partial))} (format parquet, compression zstd)"
    )
    replace_durably(partial, path)
