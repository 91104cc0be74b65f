"""Schema `kpi_open`: the KPI tables as `open/` releases them, with disclosure control over what was computed locally.

Schema `kpi` stays as it is and goes to analysts. What the decision rests on is kept in schema `disclosure`, which is
released nowhere: `withheld_value` (local figures below the authority, which have no row in the open tables), `cell` and
`line` (the counts and the exact sums they stand in), `value_cell` (which of them a local value shows), `suppressed_value`,
`unprotected_line`, and `applied`, the one row that the manifest repeats.
"""

from dataclasses import dataclass

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.privacy.disclosure import DisclosurePolicy, Parameters, suppress
from orchestration.release.exports import copy_comments
from orchestration.release.inventory import (
    count_rows,
    read_view,
    released_tables,
    released_views,
    relocated_select,
    relocated_view,
)
from orchestration.release.manifest import Disclosure
from orchestration.sql_text import quoted

# Every table of schema kpi says here how it enters the open schema; a new one is refused until it does.
SUPPRESSED_TABLES = ("kpi_value", "kpi_comparison")
COPIED_TABLES = ("kpi_catalogue",)
# Made anew from the open tables, by the view that makes it: what is withheld is neither counted nor called available.
DERIVED_TABLES = {"kpi_availability": ("intermediate", "int_kpi__availability")}
OPEN_TABLES = (*SUPPRESSED_TABLES, *COPIED_TABLES, *DERIVED_TABLES)

# Local figures by school, ward and the like, and by reasons for a difference, which are net of two sides that the evidence
# page shows apart; a breakdown topic that nobody has declared is withheld.
_WITHHELD = """
create table disclosure.withheld_value as
select kpi_value.kpi_value_key
from kpi.kpi_value as kpi_value
left join seed.kpi_breakdown_topic as topic  -- at most one
    on kpi_value.breakdown_topic = topic.breakdown_topic
where kpi_value.value_basis = 'local' and coalesce(topic.is_withheld, true);
"""

# The terms of a local value: the counts of one period that are added, or taken away, in its numerator or denominator.
# A count whose weight is not 1 is a term of its own.
_TERMS = """
create temp table disclosure_component as
select
    component.kpi_value_key,
    component.part,
    component.cell_key,
    sum(component.weight) as weight,
    cell.time_identifier,
    cell.time_period,
    cell.cell_count,
    cell.people_count,
    cell.is_already_published
from intermediate.int_kpi__local_component as component
left join intermediate.int_kpi__local_cell as cell using (cell_key)  -- exactly one; none is looked for below
anti join disclosure.withheld_value as withheld
    on component.kpi_value_key = withheld.kpi_value_key
group by all
having sum(component.weight) <> 0;

create temp table disclosure_term as
select
    kpi_value_key,
    part,
    time_identifier,
    time_period,
    sign(weight) as direction,
    case when count(*) = 1 then any_value(cell_key) else 'sum of ' || md5(string_agg(cell_key, '|' order by cell_key)) end
        as term_key,
    cast(sum(cell_count) as bigint) as term_count,
    cast(sum(people_count) as bigint) as term_people,
    bool_and(is_already_published) as is_fixed,
    bool_and(abs(weight) = 1) as is_sum,
    list(cell_key order by cell_key) as cell_keys
from disclosure_component
where cell_count is not null
group by
    kpi_value_key, part, time_identifier, time_period, sign(weight), case when abs(weight) <> 1 then cell_key end;

-- A numerator or denominator in one period; its count is the added term, or how far it and the one taken away are apart.
create temp table disclosure_part as
select
    kpi_value_key,
    part,
    time_identifier,
    time_period,
    max(term_key) filter (where direction > 0) as added_key,
    max(term_key) filter (where direction < 0) as taken_key,
    coalesce(max(term_count) filter (where direction > 0), 0) as added_count,
    coalesce(max(term_count) filter (where direction < 0), 0) as taken_count,
    coalesce(max(term_people) filter (where direction > 0), 0) as added_people,
    abs(added_count - taken_count) as part_count,
    if(taken_key is null, added_people, part_count) as part_people,
    if(added_count >= taken_count, added_key, taken_key) as greater_key,
    if(added_count >= taken_count, taken_key, added_key) as lesser_key,
    case
        when taken_key is null then added_key
        else 'difference of ' || md5(added_key || '|' || taken_key)
    end as part_key,
    bool_and(is_fixed) as is_fixed
from disclosure_term
group by kpi_value_key, part, time_identifier, time_period
having bool_and(is_sum) and added_key is not null;
"""

_VALUE_CELLS = """
create table disclosure.value_cell as
select kpi_value_key, term_key as cell_key
from disclosure_term
union
select kpi_value_key, part_key as cell_key
from disclosure_part
"""

# Lines in code order: the items of a breakdown, then measures of one table, then what hangs together across them.
_LINES = """
create temp table disclosure_local_cell as
select cell.cell_key
from intermediate.int_kpi__local_cell as cell
left join seed.kpi_breakdown_topic as topic  -- at most one
    on cell.cell_topic = topic.breakdown_topic
where not coalesce(topic.is_withheld, false);

create temp table disclosure_line_part as
with local_cell as (
    select local_cell.*
    from intermediate.int_kpi__local_cell as local_cell
    semi join disclosure_local_cell using (cell_key)
),

breakdown_lines as (
    select 1 as line_kind, item.cell_topic || ' of ' || total.cell_key as line_key, total.cell_key as total_key,
        item.cell_key as part_key
    from local_cell as total
    inner join local_cell as item using (la_code, series_code, measure_code, time_identifier, time_period)  -- one to many
    where total.cell_topic = 'Total' and item.cell_topic <> 'Total' and item.cell_breakdown <> 'Total'
),

measure_lines as (
    select 2 as line_kind, additive.line_code || ' of ' || total.cell_key as line_key, total.cell_key as total_key,
        part.cell_key as part_key
    from seed.additive_measure as additive
    inner join local_cell as total  -- one to many
        on additive.total_series_code = total.series_code and additive.total_measure_code = total.measure_code
    inner join local_cell as part  -- at most one
        on
            additive.part_series_code = part.series_code
            and additive.part_measure_code = part.measure_code
            and total.la_code = part.la_code
            and total.time_identifier = part.time_identifier
            and total.time_period = part.time_period
            and total.cell_topic = part.cell_topic
            and total.cell_breakdown = part.cell_breakdown
    where (total.series_code, total.measure_code) <> (part.series_code, part.measure_code)
),

-- What adds up over the terms of a year, for measures declared to be parts of themselves.
term_lines as (
    select 2 as line_kind, split.line_code || ' of ' || total.cell_key as line_key, total.cell_key as total_key,
        part.cell_key as part_key
    from seed.additive_measure as additive
    inner join local_cell as total  -- one to many
        on additive.total_series_code = total.series_code and additive.total_measure_code = total.measure_code
    inner join (
        values
        ('terms', 'Academic year', ['Autumn term', 'Spring term', 'Summer term']),
        ('parts', 'Academic year', ['Autumn and spring term', 'Summer term']),
        ('terms', 'Autumn and spring term', ['Autumn term', 'Spring term'])
    ) as split (line_code, total_identifier, part_identifiers)  -- one to two
        on total.time_identifier = split.total_identifier
    inner join local_cell as part  -- one to many
        on
            total.la_code = part.la_code
            and total.series_code = part.series_code
            and total.measure_code = part.measure_code
            and total.time_period = part.time_period
            and total.cell_topic = part.cell_topic
            and total.cell_breakdown = part.cell_breakdown
            and list_contains(split.part_identifiers, part.time_identifier)
    where
        additive.total_series_code = additive.part_series_code
        and additive.total_measure_code = additive.part_measure_code
),

-- One count under two names, where both tables really give the same number.
-- What a published count of more people leaves over; or, where fewer are published than counted, what it lacks. Equal
-- numbers leave nobody, and tell nobody who does not see both.
whole_lines as (
    select 7 as line_kind, 'apart from what is published of ' || cell_key as line_key,
        if(published_whole_count > cell_count, 'published whole of ' || cell_key, cell_key) as total_key,
        unnest([
            if(published_whole_count > cell_count, cell_key, 'published whole of ' || cell_key),
            'apart from ' || cell_key
        ]) as part_key
    from local_cell
    where published_whole_count <> cell_count
),

-- The people left over are counted by the same measures: those who wait over a year among those who wait.
left_over_lines as (
    select 8 as line_kind, 'left over by ' || measure_line.line_key as line_key,
        'apart from ' || measure_line.total_key as total_key, 'apart from ' || measure_line.part_key as part_key
    from measure_lines as measure_line
    inner join local_cell as total on measure_line.total_key = total.cell_key  -- exactly one
    inner join local_cell as part on measure_line.part_key = part.cell_key  -- exactly one
    where total.published_whole_count > total.cell_count and part.published_whole_count > part.cell_count
),

counterpart_lines as (
    select 3 as line_kind, 'other name of ' || one.cell_key as line_key, one.cell_key as total_key,
        other.cell_key as part_key
    from seed.total_counterpart as pair
    inner join local_cell as one using (series_code, measure_code)  -- one to many
    inner join local_cell as other  -- at most one
        on
            pair.counterpart_series_code = other.series_code
            and pair.counterpart_measure_code = other.measure_code
            and one.la_code = other.la_code
            and one.time_identifier = other.time_identifier
            and one.time_period = other.time_period
            and one.cell_topic = other.cell_topic
            and one.cell_breakdown = other.cell_breakdown
            and one.cell_count = other.cell_count
    where one.cell_key < other.cell_key
),

sum_lines as (
    select distinct 4 as line_kind, 'parts of ' || term_key as line_key, term_key as total_key,
        unnest(cell_keys) as part_key
    from disclosure_term
    where len(cell_keys) > 1
),

difference_lines as (
    select distinct 5 as line_kind, 'parts of ' || part_key as line_key, greater_key as total_key,
        unnest([lesser_key, part_key]) as part_key
    from disclosure_part
    where taken_key is not null
),

-- The rest of the population of a share is a count as well; the numerator of a ratio (suspensions of 100 pupils) is no part
-- of its denominator.
share_lines as (
    select distinct 6 as line_kind, numerator.part_key || ' within ' || denominator.part_key as line_key,
        denominator.part_key as total_key, numerator.part_key as part_key
    from disclosure_part as numerator
    inner join disclosure_part as denominator using (kpi_value_key, time_identifier, time_period)  -- at most one
    where
        numerator.part = 'numerator'
        and denominator.part = 'denominator'
        and numerator.part_key <> denominator.part_key
        and numerator.kpi_value_key not in (select kpi_value_key from kpi.kpi_value where unit = 'ratio')
        -- a growth relates two periods
        and numerator.kpi_value_key not in (
            select kpi_value_key from disclosure_component group by kpi_value_key having count(distinct (time_identifier, time_period)) > 1
        )
)

from breakdown_lines
union all from measure_lines
union all from term_lines
union all from counterpart_lines
union all from sum_lines
union all from difference_lines
union all from share_lines
union all from whole_lines
union all from left_over_lines;

create temp table disclosure_cell as
select
    cell_key,
    cell_count,
    -- Nobody of those whom a publication counts: hidden where these are few, or a hidden count of few would be none but them.
    if(cell_count = 0, coalesce(nullif(published_whole_count, 0), people_count), people_count) as people_count,
    coalesce(is_already_published, false) as is_fixed,
    cell_key in (select cell_key from disclosure.value_cell) as is_shown,
    row_number() over (
        order by la_code, series_code, measure_code, time_identifier, time_period, cell_topic <> 'Total', cell_topic,
        cell_breakdown, cell_key
    ) as cell_order
from intermediate.int_kpi__local_cell
semi join disclosure_local_cell using (cell_key);

insert into disclosure_cell
select
    made.cell_key,
    made.cell_count,
    made.people_count,
    made.is_fixed,
    true as is_shown,
    row_number() over (order by made.cell_key) + (select count(*) from intermediate.int_kpi__local_cell) as cell_order
from (
    select term_key as cell_key, any_value(term_count) as cell_count, any_value(term_people) as people_count,
        bool_and(is_fixed) as is_fixed
    from disclosure_term
    where len(cell_keys) > 1
    group by term_key
    union all
    select part_key as cell_key, any_value(part_count) as cell_count, any_value(part_people) as people_count,
        bool_and(is_fixed) as is_fixed
    from disclosure_part
    where taken_key is not null
    group by part_key
) as made;

insert into disclosure_cell
select
    made.cell_key,
    made.made_count,
    made.made_count as people_count,
    made.is_fixed,
    made.is_fixed as is_shown,
    row_number() over (order by made.cell_key) + (select max(cell_order) from disclosure_cell) as cell_order
from (
    select 'published whole of ' || cell_key as cell_key, published_whole_count as made_count, true as is_fixed
    from intermediate.int_kpi__local_cell
    semi join disclosure_local_cell using (cell_key)
    where published_whole_count <> cell_count
    union all
    select 'apart from ' || cell_key as cell_key, abs(published_whole_count - cell_count) as made_count,
        false as is_fixed
    from intermediate.int_kpi__local_cell
    semi join disclosure_local_cell using (cell_key)
    where published_whole_count <> cell_count
) as made;

-- Parts can be people counted twice, and then add to more than the total: nothing follows from such a line. Where they
-- add to less, the rest is a count that nobody shows and that a subtraction gives. The same sum is looked at once.
create temp table disclosure_line as
select
    line.line_kind,
    line.line_key,
    line.total_key,
    list(distinct line.part_key order by line.part_key) as part_keys,
    any_value(total.cell_count) as total_count,
    any_value(total.cell_order) as total_order,
    any_value(total.people_count) as total_people,
    any_value(total.cell_count) - sum(part.cell_count) as rest
from disclosure_line_part as line
inner join disclosure_cell as total on line.total_key = total.cell_key  -- exactly one
inner join disclosure_cell as part on line.part_key = part.cell_key  -- exactly one
group by line.line_kind, line.line_key, line.total_key
having rest >= 0
qualify row_number() over (partition by line.total_key, part_keys order by line.line_kind, line.line_key) = 1;

insert into disclosure_cell
select
    'rest of ' || line_key as cell_key,
    rest as cell_count,
    least(rest, total_people) as people_count,
    false as is_fixed,
    false as is_shown,
    row_number() over (order by line_kind, total_order, line_key) + (select max(cell_order) from disclosure_cell)
        as cell_order
from disclosure_line
where rest > 0;

create table disclosure.line as
with ordered as (
    select *, row_number() over (order by line_kind, total_order, line_key) as line_order
    from disclosure_line
)

select line_key, line_order, total_key as cell_key, true as is_total from ordered
union all
select line_key, line_order, unnest(part_keys) as cell_key, false as is_total from ordered
union all
select line_key, line_order, 'rest of ' || line_key as cell_key, false as is_total from ordered where rest > 0;
"""

# Where the open tables are asked in place of the KPI tables, and what the KPI models read besides.
_AS_OPEN = {"kpi": "kpi_open"} | {schema: schema for schema in ("seed", "staging", "intermediate", "marts")}

_TEMPORARY = (
    "disclosure_local_cell",
    "disclosure_component",
    "disclosure_term",
    "disclosure_part",
    "disclosure_line_part",
    "disclosure_cell",
    "disclosure_line",
)


@dataclass(frozen=True)
class OpenSchema:
    """What was built: rows by table, and the record for the manifest."""

    rows: dict[str, int]
    disclosure: Disclosure


def build_open_schema(connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy) -> OpenSchema:
    """Build `kpi_open` from `kpi`, all or nothing.

    A local value of an area below the authority has no row. Another is suppressed when a count behind it is, when its
    denominator is below the minimum (unless every count behind it is published already), or when nothing says which counts
    it was computed from, as of a trust that is not alone behind the authority's figure. Published values are untouched.

    Args:
        connection: the warehouse, open for writing, with the KPI models built.
        policy: the declared policy.

    Raises:
        CornerstoneError: a table of `kpi` for which nobody has said how it is released, or counts that contradict
            themselves; `kpi_open` is left as it was.
    """
    connection.execute("begin transaction")
    try:
        built = _build(connection, policy)
    except (duckdb.Error, CornerstoneError):
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return built


def _build(connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy) -> OpenSchema:
    _refuse_unknown_tables(connection)
    connection.execute("drop schema if exists disclosure cascade; create schema disclosure")
    _decide(connection, policy.open_parameters)
    disclosure = _record(connection, policy)
    connection.execute("drop schema if exists kpi_open cascade; create schema kpi_open")
    connection.execute(
        """
        create table kpi_open.kpi_value as
        select
            kpi_value.* replace (
                case when hidden.kpi_value_key is null then kpi_value.numerator end as numerator,
                case when hidden.kpi_value_key is null then kpi_value.denominator end as denominator,
                case when hidden.kpi_value_key is null then kpi_value.value end as value,
                case when hidden.kpi_value_key is null then kpi_value.value_label end as value_label,
                case when hidden.kpi_value_key is null then kpi_value.value_status else 'confidential' end as value_status,
                case when hidden.kpi_value_key is null then kpi_value.symbol else 'c' end as symbol,
                -- a note about how many are linked is of a hundred or more, which a hidden count does not tell
                case when hidden.kpi_value_key is null then kpi_value.coverage_note end as coverage_note
            )
        from kpi.kpi_value as kpi_value
        anti join disclosure.withheld_value as withheld using (kpi_value_key)
        left join disclosure.suppressed_value as hidden using (kpi_value_key)  -- at most one
        """
    )
    connection.execute(
        """
        create table kpi_open.kpi_comparison as
        select
            kpi_comparison.* replace (
                case when hidden.kpi_value_key is null then kpi_comparison.value end as value,
                case when hidden.kpi_value_key is null then kpi_comparison.symbol else 'c' end as symbol,
                case when hidden.kpi_value_key is null then kpi_comparison.difference end as difference,
                case when hidden.kpi_value_key is null then kpi_comparison.neighbour_rank end as neighbour_rank,
                case when hidden.kpi_value_key is null then kpi_comparison.neighbour_quartile end as neighbour_quartile
            )
        from kpi.kpi_comparison as kpi_comparison
        anti join disclosure.withheld_value as withheld using (kpi_value_key)
        left join disclosure.suppressed_value as hidden using (kpi_value_key)  -- at most one
        """
    )
    for table in COPIED_TABLES:
        connection.execute(f"create table {quoted('kpi_open', table)} as from {quoted('kpi', table)}")
    for table, (schema, view_name) in DERIVED_TABLES.items():
        select = relocated_select(connection, read_view(connection, schema, view_name), schema_names=_AS_OPEN)
        connection.execute(f"create table {quoted('kpi_open', table)} as {select}")
    [database] = connection.execute("select current_database()").fetchall()[0]
    for view in released_views(connection):
        if view.schema_name == "kpi":
            connection.execute(relocated_view(connection, view, database=database, schema_names={"kpi": "kpi_open"}))
    copy_comments(connection, database=database, schema_names={"kpi": "kpi_open"})
    counts = {table: count_rows(connection, quoted("kpi_open", table)) for table in OPEN_TABLES}
    return OpenSchema(rows=counts, disclosure=disclosure)


def _refuse_unknown_tables(connection: duckdb.DuckDBPyConnection) -> None:
    unknown = sorted({table for schema, table in released_tables(connection) if schema == "kpi"} - set(OPEN_TABLES))
    if unknown:
        raise CornerstoneError(
            f"Schema kpi holds {', '.join(unknown)}, and nobody has said what the public may see of it; say so in "
            f"orchestration/release/open_schema.py."
        )


def _decide(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Fill schema `disclosure`: the counts, the sums, which are suppressed and which values that hides."""
    for statements in (_WITHHELD, _TERMS, _VALUE_CELLS, _LINES):
        connection.execute(statements)
    pattern = suppress(connection, parameters, cells="disclosure_cell", lines="disclosure.line")
    connection.register("disclosure_pattern", pattern.cells)
    connection.register("disclosure_unprotected", pattern.unprotected)
    try:
        connection.execute(
            """
            create table disclosure.cell as
            select cell.*, pattern.kind, pattern.is_known
            from disclosure_cell as cell
            inner join disclosure_pattern as pattern using (cell_key)  -- exactly one
            """
        )
        connection.execute("create table disclosure.unprotected_line as from disclosure_unprotected")
    finally:
        connection.unregister("disclosure_pattern")
        connection.unregister("disclosure_unprotected")
    connection.execute(
        """
        create table disclosure.suppressed_value as
        with local_value as (
            select kpi_value_key, area_level
            from kpi.kpi_value
            anti join disclosure.withheld_value using (kpi_value_key)
            where
                value_basis = 'local'
                and (value is not null or numerator is not null or denominator is not null or value_label is not null)
        ),

        -- Without the counts behind it nothing says that a value is safe (a trust's has them where it is the authority's
        -- own), and the policy's parameters for smaller areas (rounding) are not applied to anything yet.
        explained as (
            select kpi_value_key
            from disclosure_component
            group by kpi_value_key
            having bool_and(cell_count is not null)
        ),

        hidden as (
            select value_cell.kpi_value_key
            from disclosure.value_cell as value_cell
            inner join disclosure.cell as cell using (cell_key)  -- exactly one
            where cell.kind is not null
            group by value_cell.kpi_value_key
        ),

        small_base as (
            select kpi_value_key
            from disclosure_component
            group by kpi_value_key
            having
                sum(weight * people_count) filter (where part = 'denominator') < ?
                and not bool_and(is_already_published)
        )

        select
            local_value.kpi_value_key,
            case
                when explained.kpi_value_key is null or local_value.area_level not in ('local_authority', 'provider')
                    then 'not_assessed'
                when hidden.kpi_value_key is not null then 'count'
                else 'small_base'
            end as reason
        from local_value
        left join explained using (kpi_value_key)  -- at most one
        left join hidden using (kpi_value_key)  -- at most one
        left join small_base using (kpi_value_key)  -- at most one
        where
            explained.kpi_value_key is null
            or local_value.area_level not in ('local_authority', 'provider')
            or hidden.kpi_value_key is not null
            or small_base.kpi_value_key is not null
        """,
        [parameters.min_denominator],
    )
    for table in _TEMPORARY:
        connection.execute(f"drop table temp.{table}")


def _record(connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy) -> Disclosure:
    """Write `disclosure.applied`: what was applied, and to how much."""
    counts = connection.execute(
        """
        select
            (select count(*) from disclosure.cell where kind = 'primary') as primary_cells,
            (select count(*) from disclosure.cell where kind = 'secondary') as secondary_cells,
            (select count(*) from disclosure.suppressed_value) as suppressed_values,
            (select count(*) from disclosure.unprotected_line) as unprotected_lines
        """
    ).fetchall()[0]
    primary_cells, secondary_cells, suppressed_values, unprotected_lines = counts
    disclosure = Disclosure(
        policy_id=policy.policy_id,
        policy_version=policy.version,
        audience=policy.open_release.audience,
        statement=policy.open_release.statement,
        **policy.open_parameters.model_dump(),
        primary_cells=primary_cells,
        secondary_cells=secondary_cells,
        suppressed_values=suppressed_values,
        unprotected_lines=unprotected_lines,
    )
    values = disclosure.model_dump()
    types = {bool: "boolean", int: "integer", str: "varchar"}
    columns = ", ".join(f"{name} {types.get(type(value), 'integer')}" for name, value in values.items())
    connection.execute(f"create table disclosure.applied ({columns})")
    connection.execute(f"insert into disclosure.applied values ({', '.join('?' * len(values))})", list(values.values()))
    return disclosure
