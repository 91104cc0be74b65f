"""Revisions: figures that a release tells otherwise than the release people read when it was built, and why.

Table `meta.revision` of the open database. A figure of a period that was not told of before is no revision, and of a figure
newly suppressed, or a local one that is gone, no number is repeated. Causes are what the two releases say of themselves, never
guessed; where several apply, all are named:

* resubmission: a submission behind the figure took the place of one behind the release before;
* late recording: a submission behind the figure, of a later period or from another file, is new;
* publisher's revision: a published figure, of which a file is new;
* method: the definition of the KPI changed; or code or rules did, and no submission behind the figure;
* another return: none of these, but a return that the KPI is not defined by is new, such as a register, or a list by which
  rows are known to be one child's;
* disclosure control: none of these, and the figure was suppressed or shown anew because others around it changed;
* other: none of these: a setting, a reviewer's decision on who is one child, or a file that was taken away.

Behind a figure stands the submission that it names, with those of the same return and period; submissions of further returns
that the KPI is defined by; and, where none of these is new, any other of its returns.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.release.exports import OPEN_DATABASE, RESTRICTED_DATABASE
from orchestration.release.manifest import RevisionCount, Revisions
from orchestration.sql_text import quoted

TOLD = ("value", "numerator", "denominator", "value_label", "symbol")
DEFINING = ("definition", "numerator", "denominator", "unit")

_REVISION = """
create temp table revision_cell as
with before as (
    select * from {before}.kpi.kpi_value
),

now as (
    select * from {now}.kpi.kpi_value
),

told_before as (
    select distinct kpi_id, value_basis, time_identifier, time_period from before
)

select
    coalesce(now.kpi_value_key, before.kpi_value_key) as kpi_value_key,
    {keys},
    {numbers},
    case
        when before.kpi_value_key is null then 'appeared'
        when now.kpi_value_key is null then 'disappeared'
        when before.symbol is distinct from 'c' and now.symbol = 'c' then 'newly suppressed'
        when before.symbol = 'c' then 'newly shown'
        else 'changed'
    end as kind,
    before.submission_id as old_submission_id,
    now.submission_id as new_submission_id
from now
full join before using (kpi_value_key)  -- one to one
left join told_before  -- at most one
    on
        now.kpi_id = told_before.kpi_id
        and now.value_basis = told_before.value_basis
        and now.time_identifier = told_before.time_identifier
        and now.time_period = told_before.time_period
where
    ({differs})
    and (before.kpi_value_key is not null or told_before.kpi_id is not null);

-- The submissions that count now and were not there before. One takes the place of another where the same supplier had told
-- of the same period.
create temp table revision_new_submission as
select
    submission_id,
    return_id,
    period,
    exists (
        select 1
        from {before}.meta.submission as earlier
        where
            earlier.return_id = submission.return_id
            and earlier.supplier = submission.supplier
            and earlier.period is not distinct from submission.period
    ) as is_resubmission
from {now}.meta.submission as submission
anti join {before}.meta.submission as earlier using (submission_id)
where
    is_current
    -- A file that was read again is no new one.
    and not exists (
        select 1
        from {before}.meta.submission as earlier
        where
            earlier.return_id = submission.return_id
            and earlier.supplier = submission.supplier
            and earlier.period is not distinct from submission.period
            and earlier.sha256 = submission.sha256
    );

-- The returns that a KPI's local figures are defined by: the catalogue names them in words.
create temp table revision_kpi_return as
select distinct catalogue.kpi_id, submission.return_id
from (
    select kpi_id, unnest(string_split(source_return, ';')) as source from {now}.kpi.kpi_catalogue
) as catalogue
inner join {now}.meta.submission as submission  -- many to many, made distinct
    on starts_with(replace(lower(trim(catalogue.source)), ' ', '_'), submission.return_id);

-- The new submissions behind each revised figure. rank 1: of its own return and period, or of a further return; 2: of another
-- period of its own return, which are asked where none of its own period is new.
create temp table revision_behind as
with own as (
    select revised.kpi_value_key, revised.kpi_id, revised.value_basis, submission.return_id, submission.period
    from revision_cell as revised
    inner join (
        from {before}.meta.submission union from {now}.meta.submission
    ) as submission  -- one to four: each of two, current and superseded
        on submission.submission_id in (revised.old_submission_id, revised.new_submission_id)
),

candidates as (
    select own.kpi_value_key, own.value_basis, own.return_id, new_submission.is_resubmission,
        if(own.period is not distinct from new_submission.period, 1, 2) as rank
    from own
    inner join revision_new_submission as new_submission using (return_id)  -- many to many
    union
    select revised.kpi_value_key, revised.value_basis, new_submission.return_id, new_submission.is_resubmission, 1 as rank
    from revision_cell as revised
    inner join revision_kpi_return as kpi_return using (kpi_id)  -- one to many
    inner join revision_new_submission as new_submission using (return_id)  -- one to many
    where
        revised.value_basis = 'local'
        and not exists (
            select 1 from own where own.kpi_value_key = revised.kpi_value_key and own.return_id = new_submission.return_id
        )
)

select distinct kpi_value_key, value_basis, is_resubmission
from candidates
qualify rank = min(rank) over (partition by kpi_value_key, return_id);

create table {now}.meta.revision as
with method as (
    select now.code_version <> before.code_version or now.catalogue_digest <> before.catalogue_digest as is_other_code
    from {now}.meta.release as now
    cross join {before}.meta.release as before  -- one row each
),

redefined as (
    select now.kpi_id
    from {now}.kpi.kpi_catalogue as now
    inner join {before}.kpi.kpi_catalogue as before using (kpi_id)  -- one to one
    where {redefined}
),

submitted as (
    select
        kpi_value_key,
        bool_or(value_basis = 'local' and is_resubmission) as is_resubmitted,
        bool_or(value_basis = 'local' and not is_resubmission) as is_recorded_late,
        bool_or(value_basis <> 'local') as is_published_anew
    from revision_behind
    group by kpi_value_key
),

caused as (
    select
        revised.*,
        [
            if(submitted.is_resubmitted, 'resubmission', null),
            if(submitted.is_recorded_late, 'late recording', null),
            if(submitted.is_published_anew, 'publisher''s revision', null),
            if(
                redefined.kpi_id is not null or submitted.kpi_value_key is null and method.is_other_code,
                'method',
                null
            )
        ] as causes
    from revision_cell as revised
    cross join method
    left join submitted using (kpi_value_key)  -- at most one
    left join redefined using (kpi_id)  -- at most one
)

select
    * exclude (causes, old_submission_id, new_submission_id),
    case
        when len(list_filter(causes, lambda cause: cause is not null)) > 0 then array_to_string(causes, '; ')
        when exists (select 1 from revision_new_submission) then 'another return'
        when kind in ('newly suppressed', 'newly shown') then 'disclosure control'
        else 'other'
    end as cause
from caused
order by kpi_id, value_basis, area_level, area_code, time_period, time_identifier, breakdown_topic, breakdown;

drop table temp.revision_cell;
drop table temp.revision_new_submission;
drop table temp.revision_kpi_return;
drop table temp.revision_behind;
"""

_KEYS = ("kpi_id", "area_level", "area_code", "area_name", "time_identifier", "time_period", "breakdown_topic", "breakdown",
         "value_basis", "unit")  # fmt: skip


@dataclass(frozen=True)
class Revision:
    """One revised figure; a number is None where a symbol stands for it, or nothing."""

    kpi_id: str
    title: str
    area_name: str
    time_identifier: str
    time_period: str
    breakdown_topic: str | None
    breakdown: str | None
    value_basis: str
    kind: str
    cause: str
    unit: str
    old: str
    new: str


@dataclass(frozen=True)
class SmallDifference:
    """A figure whose count differs from one published before by so few that they could be told apart."""

    kpi_id: str
    area_name: str
    time_identifier: str
    time_period: str
    breakdown_topic: str | None
    breakdown: str | None
    earlier_release_id: str
    earlier_count: int
    cell_count: int
    is_shown: bool


@dataclass(frozen=True)
class FamilyRevisions:
    """Revised figures of one family of KPIs and one cause, by kind."""

    cause: str
    family: str
    changed: int
    appeared: int
    disappeared: int
    newly_suppressed: int
    newly_shown: int


def write_revisions(connection: duckdb.DuckDBPyConnection, *, database: str, before: str) -> None:
    """Write `meta.revision` into an attached open database.

    Args:
        connection: has both databases attached.
        database: alias of the open database being written; `kpi`, `meta.release` and `meta.submission` are there.
        before: alias of the open database of the release people read; `database` itself for a first release, which revises
            nothing.
    """
    differs = " or ".join(f"now.{column} is distinct from before.{column}" for column in TOLD)
    redefined = " or ".join(f"now.{column} is distinct from before.{column}" for column in DEFINING)
    numbers = [
        # Nor of a local figure that is gone: beside the coarser one in its place it would tell what was suppressed.
        *(
            f"case when now.symbol is distinct from 'c' and (now.kpi_value_key is not null or before.value_basis <> 'local')"
            f" then before.{column} end as old_{column}"
            for column in TOLD
        ),
        *(f"now.{column} as new_{column}" for column in TOLD),
    ]
    connection.execute(
        _REVISION.format(
            now=quoted(database),
            before=quoted(before),
            keys=",\n    ".join(f"coalesce(now.{key}, before.{key}) as {key}" for key in _KEYS),
            numbers=",\n    ".join(numbers),
            redefined=redefined,
            differs=f"now.kpi_value_key is null or before.kpi_value_key is null or {differs}",
        )
    )


def count_revisions(folder: Path, *, published_before: int) -> Revisions:
    """What the manifest says of the revisions of a release folder."""
    with (
        duckdb.connect(str(folder / OPEN_DATABASE), read_only=True) as opened,
        duckdb.connect(str(folder / RESTRICTED_DATABASE), read_only=True) as restricted,
    ):
        counts = opened.execute(
            "select kind, cause, count(*) from meta.revision group by kind, cause order by kind, cause"
        ).fetchall()
        [(shown, held_back)] = restricted.execute(
            "select count(*) filter (where is_shown), count(*) filter (where not is_shown) from disclosure.small_difference"
        ).fetchall()
    return Revisions(
        published_before=published_before,
        counts=[RevisionCount(kind=kind, cause=cause, figures=figures) for kind, cause, figures in counts],
        small_differences_shown=shown,
        small_differences_suppressed=held_back,
    )


def read_revisions(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> list[Revision]:
    """Every revised figure of an open database; one suppressed, and a local one that is gone, without a number.

    Totals come before breakdowns, own figures before published ones, and of these what moved most as a share of itself.
    """
    meta, kpi = (quoted(*([database] if database else []), schema) for schema in ("meta", "kpi"))
    rows = connection.execute(
        f"""
        with shown as (
            select
                *,
                rtrim(rtrim(cast(old_value as varchar), '0'), '.') as old_number,
                rtrim(rtrim(cast(new_value as varchar), '0'), '.') as new_number
            from {meta}.revision
        )

        select
            kpi_id, title, area_name, time_identifier, time_period, breakdown_topic, breakdown, value_basis, kind, cause,
            shown.unit,
            case
                when kind = 'newly suppressed' then 'shown'
                when kind = 'disappeared' and value_basis = 'local' then 'told of'
                else coalesce(old_number, old_value_label, old_symbol, '')
            end,
            coalesce(new_number, new_value_label, new_symbol, '')
        from shown
        left join {kpi}.kpi_catalogue using (kpi_id)  -- at most one; a KPI can go
        order by
            coalesce(breakdown_topic, 'Total') <> 'Total', value_basis,
            abs(new_value - old_value) / nullif(greatest(abs(new_value), abs(old_value)), 0) desc nulls last,
            kpi_id, area_name, time_period desc, time_identifier, breakdown_topic, breakdown
        """
    ).fetchall()
    return [Revision(*row) for row in rows]


def family_revisions(connection: duckdb.DuckDBPyConnection, database: str) -> list[FamilyRevisions]:
    """Revised figures of an attached open database by cause and family."""
    kinds = ("changed", "appeared", "disappeared", "newly suppressed", "newly shown")
    counts = ", ".join(f"count(*) filter (where kind = '{kind}')" for kind in kinds)
    rows = connection.execute(
        f"""
        select cause, coalesce(family, 'no longer in the catalogue') as kpi_family, {counts}
        from {quoted(database, "meta", "revision")}
        left join {quoted(database, "kpi", "kpi_catalogue")} using (kpi_id)  -- at most one
        group by cause, kpi_family
        order by cause, kpi_family
        """
    ).fetchall()
    return [FamilyRevisions(*row) for row in rows]


def revisions_of(folder: Path) -> list[Revision]:
    """The revised figures of a release folder.

    Raises:
        CornerstoneError: it was made before there were revisions.
    """
    with duckdb.connect(str(folder / OPEN_DATABASE), read_only=True) as connection:
        if not connection.execute("select 1 from duckdb_tables() where table_name = 'revision'").fetchall():
            raise CornerstoneError(f"Release {folder.name} was made before releases listed their revisions.")
        return read_revisions(connection)


def small_differences_of(folder: Path) -> list[SmallDifference]:
    """Every figure of a release folder whose count moved by so few, shown or not; none where it was made before they were listed."""
    with duckdb.connect(str(folder / RESTRICTED_DATABASE), read_only=True) as connection:
        if not connection.execute("select 1 from duckdb_tables() where table_name = 'small_difference'").fetchall():
            return []
        rows = connection.execute("from disclosure.small_difference order by all").fetchall()
    return [SmallDifference(*row) for row in rows]
