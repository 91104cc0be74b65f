"""Schema `kpi_open`: the KPI tables as `open/` releases them, with disclosure control over what was computed locally.

Schema `kpi` stays as it is and goes to analysts. What the decision rests on is kept in schema `disclosure`, which is
released nowhere but for what the ledger of published cells keeps: `withheld_value` (local figures below the authority, which
have no row in the open tables), `cell` and `line` (the counts and the exact sums they stand in), `value_cell` (which of them a
local value shows), `ledger_release`, `told_value`, `earlier_count`, `earlier_sum`, `line_then`, `small_difference` and
`cell_history` (what earlier releases told, and ask for), `suppressed_value`, `unprotected_line`, `attacked_cell` (what a
reader can work out), and `applied`, the one row that the manifest repeats.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.privacy.disclosure import DisclosurePolicy, Parameters, suppress
from orchestration.release.attacked import attack_open_tables
from orchestration.release.ees_rules import IDENTIFIER_FAMILIES
from orchestration.release.exports import copy_comments
from orchestration.release.inventory import (
    count_rows,
    read_view,
    released_tables,
    released_views,
    relocated_select,
    relocated_view,
)
from orchestration.release.ledger import NOTHING_PUBLISHED, Ledger
from orchestration.release.manifest import Disclosure
from orchestration.release.remembered import compare_with_earlier, read_earlier
from orchestration.rows import named_rows
from orchestration.sql_text import quoted

# Every table of schema kpi says here how it enters the open schema; a new one is refused until it does.
SUPPRESSED_TABLES = ("kpi_value", "kpi_comparison")
COPIED_TABLES = ("kpi_catalogue",)
# Made anew from the open tables, by the view that makes it: what is withheld is neither counted nor called available.
DERIVED_TABLES = {"kpi_availability": ("intermediate", "int_kpi__availability")}
OPEN_TABLES = (*SUPPRESSED_TABLES, *COPIED_TABLES, *DERIVED_TABLES)

# Local figures by school, ward and the like, and by reasons for a difference, which are net of two sides that the evidence
# page shows apart; a breakdown topic that nobody has declared is withheld. So are money by other lines than the policy's, a
# trust's figure that is not the authority's own, and every table that suppression would leave too little of.
_WITHHELD = """
create or replace table disclosure.withheld_value as
select
    kpi_value.kpi_value_key,
    case
        when
            coalesce(topic.is_withheld, true)
            or breakdown.kpi_id is not null
            then 'breakdown'
        when kpi_value.unit = 'gbp' and money.breakdown_topic is null then 'money'
        when collapsed.kpi_id is not null then if(collapsed.merged_topic is null, 'table', 'merged')
        else 'trust'
    end as reason
from kpi.kpi_value as kpi_value
left join seed.kpi_breakdown_topic as topic  -- at most one
    on kpi_value.breakdown_topic = topic.breakdown_topic
left join disclosure.withheld_breakdown as breakdown  -- at most one
    on kpi_value.kpi_id = breakdown.kpi_id and kpi_value.breakdown_topic = breakdown.breakdown_topic
left join disclosure.money_topic as money  -- at most one
    on kpi_value.breakdown_topic = money.breakdown_topic
left join disclosure.collapsed_table as collapsed  -- at most one
    on
        kpi_value.kpi_id = collapsed.kpi_id
        and kpi_value.breakdown_topic = collapsed.breakdown_topic
        and list_contains(collapsed.time_identifiers, kpi_value.time_identifier)
where
    kpi_value.value_basis = 'local'
    and (
        coalesce(topic.is_withheld, true)
        or breakdown.kpi_id is not null
        or (kpi_value.unit = 'gbp' and money.breakdown_topic is null)
        or collapsed.kpi_id is not null
        or (
            kpi_value.area_level = 'provider'
            and kpi_value.kpi_value_key not in (select kpi_value_key from intermediate.int_kpi__local_component)
        )
    );
"""

# What stands in place of a table that is merged: the counts of its items added up, and the figure made of the sums.
_MERGED = """
create temp table disclosure_merged_item as
select
    kpi_value.kpi_value_key as item_value_key,
    'merged ' || md5(concat_ws(
        '|', kpi_value.kpi_id, kpi_value.area_level, kpi_value.area_code, kpi_value.time_identifier, kpi_value.time_period,
        coarser.merged_topic, coarser.merged_breakdown
    )) as kpi_value_key,
    coarser.merged_topic,
    coarser.merged_breakdown,
    collapsed.kpi_id is not null as is_open
from kpi.kpi_value as kpi_value
inner join disclosure.coarser_item as coarser  -- at most one
    on kpi_value.breakdown_topic = coarser.breakdown_topic and kpi_value.breakdown = coarser.breakdown
left join disclosure.collapsed_table as collapsed  -- at most one
    on
        kpi_value.kpi_id = collapsed.kpi_id
        and kpi_value.breakdown_topic = collapsed.breakdown_topic
        and coarser.merged_topic = collapsed.merged_topic
        and list_contains(collapsed.time_identifiers, kpi_value.time_identifier)
where
    kpi_value.value_basis = 'local'
    and (
        collapsed.kpi_id is not null
        or (kpi_value.kpi_id, coarser.merged_topic, kpi_value.time_identifier) in (
            select (kpi_id, breakdown_topic, time_identifier)
            from disclosure.told_value
            where starts_with(kpi_value_key, 'merged ')
        )
    );

-- Of every measure of the tables concerned, since measures add up too.
create temp table disclosure_merged_cell_item as
select
    cell.cell_key as item_cell_key,
    'merged ' || md5(concat_ws(
        '|', cell.la_code, cell.series_code, cell.measure_code, cell.time_identifier, cell.time_period,
        coarser.merged_topic, coarser.merged_breakdown
    )) as cell_key,
    coarser.merged_topic as cell_topic,
    coarser.merged_breakdown as cell_breakdown
from intermediate.int_kpi__local_cell as cell
inner join disclosure.coarser_item as coarser  -- at most one
    on cell.cell_topic = coarser.breakdown_topic and cell.cell_breakdown = coarser.breakdown
where (cell.series_code, coarser.merged_topic) in (
    select (behind.series_code, merged_item.merged_topic)
    from disclosure_merged_item as merged_item
    inner join intermediate.int_kpi__local_component as component
        on merged_item.item_value_key = component.kpi_value_key
    inner join intermediate.int_kpi__local_cell as behind using (cell_key)
);

create or replace table disclosure.merged_component as
select distinct
    merged_item.kpi_value_key,
    component.part,
    component.weight,
    -- a denominator can be the total
    coalesce(cell_item.cell_key, component.cell_key) as cell_key
from disclosure_merged_item as merged_item
inner join intermediate.int_kpi__local_component as component  -- one value to its counts
    on merged_item.item_value_key = component.kpi_value_key
left join disclosure_merged_cell_item as cell_item  -- at most one
    on component.cell_key = cell_item.item_cell_key and merged_item.merged_topic = cell_item.cell_topic;

create or replace table disclosure.merged_cell as
select
    item.cell_key,
    cell.la_code,
    cell.series_code,
    cell.measure_code,
    cell.time_identifier,
    cell.time_period,
    item.cell_topic,
    item.cell_breakdown,
    cast(sum(cell.cell_count) as bigint) as cell_count,
    cast(sum(cell.people_count) as bigint) as people_count,
    bool_and(coalesce(cell.is_already_published, false)) as is_already_published
from disclosure_merged_cell_item as item
inner join intermediate.int_kpi__local_cell as cell  -- exactly one
    on item.item_cell_key = cell.cell_key
group by all;

create temp table disclosure_any_cell as
from intermediate.int_kpi__local_cell
union all by name
from disclosure.merged_cell;

create temp table disclosure_any_merged_value as
with summed as (
    select
        merged_part.kpi_value_key,
        sum(merged_part.weight * cell.cell_count) filter (where merged_part.part = 'numerator') as numerator,
        sum(merged_part.weight * cell.cell_count) filter (where merged_part.part = 'denominator') as denominator
    from disclosure.merged_component as merged_part
    inner join disclosure_any_cell as cell using (cell_key)  -- exactly one
    group by merged_part.kpi_value_key
),

first_item as (
    select
        merged_item.kpi_value_key as merged_value_key,
        any_value(merged_item.merged_topic) as merged_topic,
        any_value(merged_item.merged_breakdown) as merged_breakdown,
        bool_and(merged_item.is_open) as is_open,
        arg_min(kpi_value, kpi_value.kpi_value_key) as item
    from disclosure_merged_item as merged_item
    inner join kpi.kpi_value as kpi_value  -- exactly one
        on merged_item.item_value_key = kpi_value.kpi_value_key
    group by merged_item.kpi_value_key
)

select item.* exclude (merged_value_key, merged_topic, merged_breakdown) replace (
    item.merged_value_key as kpi_value_key,
    item.merged_topic as breakdown_topic,
    item.merged_breakdown as breakdown,
    cast(summed.numerator as decimal(18, 4)) as numerator,
    cast(summed.denominator as decimal(18, 4)) as denominator,
    cast(
        case when item.unit = 'count' then summed.numerator else 100 * summed.numerator / nullif(summed.denominator, 0) end
        as decimal(18, 4)
    ) as value,
    if(item.unit = 'count' or summed.denominator <> 0, 'reported', 'not_applicable') as value_status,
    case
        when item.unit <> 'count' and summed.denominator = 0 then 'z'
        when item.coverage_note is not null then 'u'
    end as symbol
)
from (select merged_value_key, merged_topic, merged_breakdown, is_open, unnest(item) from first_item) as item
inner join summed  -- exactly one
    on item.merged_value_key = summed.kpi_value_key;

create or replace table disclosure.merged_value as
select * exclude (is_open)
from disclosure_any_merged_value
where is_open;

-- The local figures that have a row in the open tables.
create temp table disclosure_open_value as
from kpi.kpi_value
anti join disclosure.withheld_value using (kpi_value_key)
where value_basis = 'local'
union all by name
from disclosure.merged_value;

-- And those that had one in an earlier release: what they told holds beside what is shown now.
create temp table disclosure_counted_value as
from disclosure_open_value
union all by name
from (
    from kpi.kpi_value where value_basis = 'local'
    union all by name
    select * exclude (is_open) from disclosure_any_merged_value where not is_open
) as earlier
semi join disclosure.told_value using (kpi_value_key)
anti join disclosure_open_value using (kpi_value_key);
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
from (from intermediate.int_kpi__local_component union all by name from disclosure.merged_component) as component
semi join disclosure_counted_value using (kpi_value_key)
left join disclosure_any_cell as cell using (cell_key)  -- exactly one; none is looked for below
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
create or replace table disclosure.value_cell as
select kpi_value_key, term_key as cell_key
from disclosure_term
semi join disclosure_open_value using (kpi_value_key)
union
select kpi_value_key, part_key as cell_key
from disclosure_part
semi join disclosure_open_value using (kpi_value_key)
"""

# Lines in code order: the items of a breakdown, then measures of one table, then what hangs together across them.
_LINES = """
-- The numerator of a ratio (suspensions of 100 pupils) is no part of its denominator; a growth relates two periods.
create temp table disclosure_share as
select distinct numerator.part_key as numerator_key, denominator.part_key as denominator_key
from disclosure_part as numerator
inner join disclosure_part as denominator using (kpi_value_key, time_identifier, time_period)  -- at most one
where
    numerator.part = 'numerator'
    and denominator.part = 'denominator'
    and numerator.part_key <> denominator.part_key
    and numerator.kpi_value_key not in (select kpi_value_key from disclosure_counted_value where unit = 'ratio')
    and numerator.kpi_value_key not in (
        select kpi_value_key from disclosure_component group by kpi_value_key having count(distinct (time_identifier, time_period)) > 1
    );

create temp table disclosure_local_cell as
select cell.cell_key
from disclosure_any_cell as cell
left join seed.kpi_breakdown_topic as topic  -- at most one
    on cell.cell_topic = topic.breakdown_topic
where not coalesce(topic.is_withheld, false) or cell.cell_key in (select cell_key from disclosure.earlier_count);

create temp table disclosure_line_part as
with local_cell as (
    select local_cell.*
    from disclosure_any_cell as local_cell
    semi join disclosure_local_cell using (cell_key)
),

breakdown_lines as (
    select 1 as line_kind, item.cell_topic as line_code, line_code || ' of ' || total.cell_key as line_key,
        total.cell_key as total_key, item.cell_key as part_key
    from local_cell as total
    inner join local_cell as item using (la_code, series_code, measure_code, time_identifier, time_period)  -- one to many
    where total.cell_topic = 'Total' and item.cell_topic <> 'Total' and item.cell_breakdown <> 'Total'
),

-- An item of a merged table is the sum of those it stands for.
merged_lines as (
    select 1 as line_kind, 'merged' as line_code, 'items of ' || cell_key as line_key, cell_key as total_key,
        item_cell_key as part_key
    from disclosure_merged_cell_item
),

measure_lines as (
    select 2 as line_kind, additive.line_code, additive.line_code || ' of ' || total.cell_key as line_key,
        total.cell_key as total_key, part.cell_key as part_key
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

-- What hangs together over the terms of a year, for measures declared to be parts of themselves: what adds up; or, where
-- the children of a longer period are counted as its last term tells of them, those of that term among them.
term_lines as (
    select 2 as line_kind, split.line_code, split.line_code || ' of ' || total.cell_key as line_key,
        total.cell_key as total_key, part.cell_key as part_key
    from seed.additive_measure as additive
    inner join local_cell as total  -- one to many
        on additive.total_series_code = total.series_code and additive.total_measure_code = total.measure_code
    inner join (
        values
        ('terms', 'terms', 'Academic year', ['Autumn term', 'Spring term', 'Summer term']),
        ('terms', 'parts', 'Academic year', ['Autumn and spring term', 'Summer term']),
        ('terms', 'terms', 'Autumn and spring term', ['Autumn term', 'Spring term']),
        ('last_term', 'last_term', 'Academic year', ['Summer term']),
        ('last_term', 'last_term', 'Autumn and spring term', ['Spring term'])
    ) as split (declared_code, line_code, total_identifier, part_identifiers)  -- one to two
        on additive.line_code = split.declared_code and total.time_identifier = split.total_identifier
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
    select 7 as line_kind, null as line_code, 'apart from what is published of ' || cell_key as line_key,
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
    select 8 as line_kind, null as line_code, 'left over by ' || measure_line.line_key as line_key,
        'apart from ' || measure_line.total_key as total_key, 'apart from ' || measure_line.part_key as part_key
    from measure_lines as measure_line
    inner join local_cell as total on measure_line.total_key = total.cell_key  -- exactly one
    inner join local_cell as part on measure_line.part_key = part.cell_key  -- exactly one
    where total.published_whole_count > total.cell_count and part.published_whole_count > part.cell_count
),

counterpart_lines as (
    select 3 as line_kind, null as line_code, 'other name of ' || one.cell_key as line_key, one.cell_key as total_key,
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
    select distinct 4 as line_kind, null as line_code, 'parts of ' || term_key as line_key, term_key as total_key,
        unnest(cell_keys) as part_key
    from disclosure_term
    where len(cell_keys) > 1
),

difference_lines as (
    select distinct 5 as line_kind, null as line_code, 'parts of ' || part_key as line_key, greater_key as total_key,
        unnest([lesser_key, part_key]) as part_key
    from disclosure_part
    where taken_key is not null
),

-- The rest of the population of a share is a count as well.
share_lines as (
    select 6 as line_kind, null as line_code, numerator_key || ' within ' || denominator_key as line_key,
        denominator_key as total_key, numerator_key as part_key
    from disclosure_share
),

-- Sums and differences add up over the items of a breakdown as counts do. Where some differences are below nought, those
-- above it are as many as the others and the total difference together.
value_part as (
    select
        value.kpi_id,
        value.area_level,
        value.area_code,
        value.time_identifier as value_identifier,
        value.time_period as value_period,
        value.breakdown_topic,
        part.part,
        part.time_identifier,
        part.time_period,
        part.part_key,
        part.added_count - part.taken_count as signed_count
    from disclosure_part as part
    inner join disclosure_counted_value as value using (kpi_value_key)  -- exactly one
),

value_item as (
    select distinct
        total.kpi_id || ' by ' || item.breakdown_topic as line_code,
        total.part_key as total_key,
        total.signed_count as total_count,
        item.part_key,
        item.signed_count as part_count
    from value_part as total
    inner join value_part as item  -- one to many
        using (
            kpi_id, area_level, area_code, value_identifier, value_period, part, time_identifier, time_period
        )
    where
        total.breakdown_topic = 'Total'
        and item.breakdown_topic <> 'Total'
        and total.part_key <> item.part_key
        and (starts_with(total.part_key, 'sum of ') or starts_with(total.part_key, 'difference of '))
),

value_lines as (
    select 9 as line_kind, line_code, line_code || ' of ' || total_key as line_key, total_key, part_key
    from value_item
    qualify min(least(part_count, total_count)) over (partition by line_code, total_key) >= 0
),

balance_lines as (
    select distinct 9 as line_kind, null as line_code,
        if(is_added, 'more by ', 'less by ') || line_code || ' of ' || total_key as line_key,
        'balance by ' || line_code || ' of ' || total_key as total_key, side_key as part_key
    from (
        select line_code, total_key, part_key as side_key, part_count > 0 as is_added,
            min(least(part_count, total_count)) over (partition by line_code, total_key) as least_count
        from value_item
        where part_count <> 0
        union all
        select line_code, total_key, total_key as side_key, total_count < 0 as is_added,
            min(least(part_count, total_count)) over (partition by line_code, total_key) as least_count
        from value_item
        where total_count <> 0
    )
    where least_count < 0
)

from breakdown_lines
union all from merged_lines
union all from measure_lines
union all from term_lines
union all from counterpart_lines
union all from sum_lines
union all from difference_lines
union all from share_lines
union all from whole_lines
union all from left_over_lines
union all from value_lines
union all from balance_lines;

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
from disclosure_any_cell
semi join disclosure_local_cell using (cell_key);

insert into disclosure_cell
select
    made.cell_key,
    made.cell_count,
    made.people_count,
    made.is_fixed,
    made.cell_key in (select cell_key from disclosure.value_cell) as is_shown,
    row_number() over (order by made.cell_key) + (select count(*) from disclosure_any_cell) as cell_order
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
    from disclosure_any_cell
    semi join disclosure_local_cell using (cell_key)
    where published_whole_count <> cell_count
    union all
    select 'apart from ' || cell_key as cell_key, abs(published_whole_count - cell_count) as made_count,
        false as is_fixed
    from disclosure_any_cell
    semi join disclosure_local_cell using (cell_key)
    where published_whole_count <> cell_count
) as made;

insert into disclosure_cell
select
    made.cell_key,
    made.cell_count,
    made.cell_count as people_count,
    false as is_fixed,
    false as is_shown,
    row_number() over (order by made.cell_key) + (select max(cell_order) from disclosure_cell) as cell_order
from (
    select cell_key, max(side_count) as cell_count
    from (
        select line.total_key as cell_key, line.line_key, sum(cell.cell_count) as side_count
        from disclosure_line_part as line
        inner join disclosure_cell as cell on line.part_key = cell.cell_key  -- exactly one
        where starts_with(line.total_key, 'balance by ')
        group by all
    )
    group by cell_key
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

-- What the shares of items leave over adds up to what the share of the total leaves over.
create temp table disclosure_remainder as
select
    share.numerator_key,
    share.denominator_key,
    'rest of ' || line.line_key as rest_key
from disclosure_share as share
inner join disclosure_line as line  -- at most one
    on share.denominator_key = line.total_key and line.part_keys = [share.numerator_key]
where line.rest > 0;

create temp table disclosure_remainder_line as
select
    10 as line_kind,
    line.line_key,
    line.total_key,
    line.part_keys,
    total.cell_count as total_count,
    total.cell_order as total_order,
    total.people_count as total_people,
    total.cell_count - line.part_count as rest
from (
    select
        'left over by ' || line_code || ' of ' || total_key as line_key,
        total_key,
        list(part_key order by part_key) as part_keys,
        sum(cell.cell_count) as part_count
    from (
        select distinct numerator.line_code, total.rest_key as total_key, item.rest_key as part_key
        from disclosure_line_part as numerator
        inner join disclosure_remainder as total on numerator.total_key = total.numerator_key  -- one to few
        inner join disclosure_remainder as item on numerator.part_key = item.numerator_key  -- one to few
        semi join disclosure_line_part as denominator
            on
                numerator.line_code = denominator.line_code
                and total.denominator_key = denominator.total_key
                and item.denominator_key = denominator.part_key
    ) as part
    inner join disclosure_cell as cell on part.part_key = cell.cell_key  -- exactly one
    group by line_code, total_key
) as line
inner join disclosure_cell as total on line.total_key = total.cell_key  -- exactly one
where total.cell_count >= line.part_count
qualify row_number() over (partition by line.total_key, line.part_keys order by line.line_key) = 1;

insert into disclosure_cell
select
    'rest of ' || line_key as cell_key,
    rest as cell_count,
    least(rest, total_people) as people_count,
    false as is_fixed,
    false as is_shown,
    row_number() over (order by total_order, line_key) + (select max(cell_order) from disclosure_cell) as cell_order
from disclosure_remainder_line
where rest > 0;

insert into disclosure_line from disclosure_remainder_line;

create or replace table disclosure.line as
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

_NO_TABLE_COLLAPSED = """
create table disclosure.collapsed_table (
    kpi_id varchar, breakdown_topic varchar, period_kind varchar, time_identifiers varchar[], merged_topic varchar,
    value_count integer, suppressed_count integer
);
"""

# A table is a KPI by one breakdown in periods of one kind. It is merged where somebody has said into what, for each of its
# items, and adding up its counts gives its figures; a merged one of which suppression leaves too little is withheld.
_SMALL_TABLES = """
create temp table disclosure_table as
select
    kpi_id,
    breakdown_topic,
    coalesce(period_kind, time_identifier) as period_kind,
    list(distinct time_identifier order by time_identifier) as time_identifiers,
    count(*) as value_count,
    count(suppressed_value.kpi_value_key) as suppressed_count
from disclosure_open_value
left join disclosure.period_kind using (time_identifier)  -- at most one
left join disclosure.suppressed_value using (kpi_value_key)  -- at most one
group by kpi_id, breakdown_topic, coalesce(period_kind, time_identifier)
having ? * suppressed_count > value_count
-- a total may be hidden for its items' sake alone
qualify breakdown_topic <> 'Total' or not bool_or(breakdown_topic <> 'Total') over ()
"""

_COLLAPSE = """
create temp table disclosure_mergeable as
with computed as (
    select
        kpi_value_key,
        sum(weight * cell_count) filter (where part = 'numerator') as numerator,
        sum(weight * cell_count) filter (where part = 'denominator') as denominator
    from disclosure_component
    group by kpi_value_key
)

select small.kpi_id, small.breakdown_topic, small.period_kind, any_value(coarser.merged_topic) as merged_topic
from disclosure_table as small
inner join disclosure_open_value as value  -- one to many
    on
        small.kpi_id = value.kpi_id
        and small.breakdown_topic = value.breakdown_topic
        and list_contains(small.time_identifiers, value.time_identifier)
left join disclosure.coarser_item as coarser  -- at most one
    on value.breakdown_topic = coarser.breakdown_topic and value.breakdown = coarser.breakdown
left join computed using (kpi_value_key)  -- at most one
group by small.kpi_id, small.breakdown_topic, small.period_kind
having bool_and(
    coarser.merged_topic is not null
    and (
        value.value is null
        or coalesce(
            case value.unit
                when 'count' then value.value = computed.numerator
                else abs(value.value - 100 * computed.numerator / nullif(computed.denominator, 0)) < 0.001
            end,
            false
        )
    )
);

update disclosure.collapsed_table
set merged_topic = null
from disclosure_table
where
    collapsed_table.kpi_id = disclosure_table.kpi_id
    and collapsed_table.merged_topic = disclosure_table.breakdown_topic
    and collapsed_table.period_kind = disclosure_table.period_kind;

insert into disclosure.collapsed_table by name
select disclosure_table.*, disclosure_mergeable.merged_topic
from disclosure_table
left join disclosure_mergeable using (kpi_id, breakdown_topic, period_kind)  -- at most one
where (kpi_id, breakdown_topic, period_kind) not in (
    select (kpi_id, breakdown_topic, period_kind) from disclosure.collapsed_table
);

select count(*) from disclosure_table;
"""

# What is left to read, by KPI family. Local figures that could be shown at all are counted: not those of smaller areas, of
# other trusts or of money by provider. How many people the figures shown are about is said in steps of five per cent, of a
# thousand and more: a closer share would tell how many the hidden ones are about.
_UTILITY = """
create table disclosure.utility as
with local_value as (
    select kpi_value.kpi_value_key, catalogue.family, withheld.reason, hidden.kpi_value_key is not null as is_suppressed
    from kpi.kpi_value as kpi_value
    inner join kpi.kpi_catalogue as catalogue using (kpi_id)  -- exactly one
    left join disclosure.withheld_value as withheld using (kpi_value_key)  -- at most one
    left join disclosure.suppressed_value as hidden using (kpi_value_key)  -- at most one
    where
        kpi_value.value_basis = 'local'
        and (kpi_value.value is not null or kpi_value.numerator is not null or kpi_value.denominator is not null)
        and coalesce(withheld.reason, 'table') in ('table', 'merged')
),

people as (
    select
        component.kpi_value_key,
        coalesce(
            sum(component.weight * cell.people_count) filter (where component.part = 'denominator'),
            sum(component.weight * cell.people_count) filter (where component.part = 'numerator')
        ) as people_count
    from intermediate.int_kpi__local_component as component
    inner join intermediate.int_kpi__local_cell as cell using (cell_key)  -- exactly one
    group by component.kpi_value_key
)

select
    family as kpi_family,
    cast(count(*) as integer) as local_values,
    cast(count(*) filter (where reason is null and not is_suppressed) as integer) as shown_values,
    cast(count(*) filter (where is_suppressed) as integer) as suppressed_values,
    cast(count(*) filter (where reason = 'merged') as integer) as merged_values,
    cast(count(*) filter (where reason = 'table') as integer) as withheld_values,
    case
        when sum(greatest(people_count, 0)) >= 1000
            then cast(
                least(
                    95,
                    5 * floor(
                        20 * coalesce(
                            sum(greatest(people_count, 0)) filter (where not is_suppressed and reason is distinct from 'table'), 0
                        ) / sum(greatest(people_count, 0))
                    )
                ) as integer
            )
    end as people_shown_at_least_pct
from local_value
left join people using (kpi_value_key)  -- at most one
group by family;
"""

# Where the open tables are asked in place of the KPI tables, and what the KPI models read besides.
_AS_OPEN = {"kpi": "kpi_open"} | {schema: schema for schema in ("seed", "staging", "intermediate", "marts")}

_TEMPORARY = (
    "disclosure_merged_item",
    "disclosure_merged_cell_item",
    "disclosure_any_cell",
    "disclosure_any_merged_value",
    "disclosure_open_value",
    "disclosure_counted_value",
    "disclosure_component",
    "disclosure_term",
    "disclosure_part",
    "disclosure_share",
    "disclosure_local_cell",
    "disclosure_line_part",
    "disclosure_cell",
    "disclosure_line",
    "disclosure_remainder",
    "disclosure_remainder_line",
    "disclosure_table",
    "disclosure_mergeable",
)


@dataclass(frozen=True)
class OpenSchema:
    """What was built: rows by table, and the record for the manifest."""

    rows: dict[str, int]
    disclosure: Disclosure


def build_open_schema(
    connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy, ledger: Ledger = NOTHING_PUBLISHED
) -> OpenSchema:
    """Build `kpi_open` from `kpi`, all or nothing.

    A local value of an area below the authority has no row. Another is suppressed when a count behind it is, when its
    denominator is below the minimum (unless every count behind it is published already), or when nothing says which counts
    it was computed from, as of a trust that is not alone behind the authority's figure. Published values are untouched.

    Args:
        connection: the warehouse, open for writing, with the KPI models built.
        policy: the declared policy.
        ledger: what earlier releases have shown.

    Raises:
        CornerstoneError: a table of `kpi` for which nobody has said how it is released, or counts that contradict
            themselves; `kpi_open` is left as it was.
    """
    connection.execute("begin transaction")
    try:
        built = _build(connection, policy, ledger)
    except (duckdb.Error, CornerstoneError):
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return built


def _build(connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy, ledger: Ledger) -> OpenSchema:
    _refuse_unknown_tables(connection)
    connection.execute("drop schema if exists disclosure cascade; create schema disclosure")
    _decide(connection, policy, ledger)
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
        from (
            from kpi.kpi_value
            anti join disclosure.withheld_value using (kpi_value_key)
            union all by name
            from disclosure.merged_value
        ) as kpi_value
        left join disclosure.suppressed_value as hidden using (kpi_value_key)  -- at most one
        order by kpi_value.kpi_value_key  -- no order by what is hidden
        """
    )
    connection.execute(
        """
        create table kpi_open.kpi_comparison as
        select
            kpi_comparison.* replace (
                case when hidden.kpi_value_key is null then kpi_comparison.value end as value,
                case when hidden.kpi_value_key is null then kpi_comparison.symbol else 'c' end as symbol,
                -- the period before is a local value of its own, hidden or not
                case when hidden_comparator.kpi_value_key is null then kpi_comparison.comparator_value end
                    as comparator_value,
                case when hidden_comparator.kpi_value_key is null then kpi_comparison.comparator_symbol else 'c' end
                    as comparator_symbol,
                case when either.is_hidden then null else kpi_comparison.difference end as difference,
                case when either.is_hidden then null else kpi_comparison.neighbour_rank end as neighbour_rank,
                case when either.is_hidden then null else kpi_comparison.neighbour_quartile end as neighbour_quartile,
                case when either.is_hidden then null else kpi_comparison.direction end as direction,
                case when either.is_hidden then null else kpi_comparison.rating end as rating,
                case when either.is_hidden then null else kpi_comparison.difference_outcome end as difference_outcome,
                case when either.is_hidden then null else kpi_comparison.difference_reason end as difference_reason
            )
        from kpi.kpi_comparison as kpi_comparison
        anti join disclosure.withheld_value as withheld using (kpi_value_key)
        left join disclosure.suppressed_value as hidden using (kpi_value_key)  -- at most one
        left join disclosure.suppressed_value as hidden_comparator  -- at most one
            on kpi_comparison.comparator_value_key = hidden_comparator.kpi_value_key
        cross join lateral (
            select hidden.kpi_value_key is not null or hidden_comparator.kpi_value_key is not null as is_hidden
        ) as either
        -- a period before that has no row in the open tables is compared with nothing
        where kpi_comparison.comparator_value_key is null
            or kpi_comparison.comparator_value_key not in (select kpi_value_key from disclosure.withheld_value)
        order by kpi_comparison.kpi_comparison_key
        """
    )
    for table in COPIED_TABLES:
        connection.execute(f"create table {quoted('kpi_open', table)} as from {quoted('kpi', table)}")
    for table, (schema, view_name) in DERIVED_TABLES.items():
        select = relocated_select(connection, read_view(connection, schema, view_name), schema_names=_AS_OPEN)
        connection.execute(f"create table {quoted('kpi_open', table)} as from ({select}) order by all")
    [database] = connection.execute("select current_database()").fetchall()[0]
    for view in released_views(connection):
        if view.schema_name == "kpi":
            connection.execute(relocated_view(connection, view, database=database, schema_names={"kpi": "kpi_open"}))
    copy_comments(connection, database=database, schema_names={"kpi": "kpi_open"})
    attacked = attack_open_tables(connection, policy)
    disclosure = _record(connection, policy, attacked)
    counts = {table: count_rows(connection, quoted("kpi_open", table)) for table in OPEN_TABLES}
    return OpenSchema(rows=counts, disclosure=disclosure)


def _refuse_unknown_tables(connection: duckdb.DuckDBPyConnection) -> None:
    unknown = sorted({table for schema, table in released_tables(connection) if schema == "kpi"} - set(OPEN_TABLES))
    if unknown:
        raise CornerstoneError(
            f"Schema kpi holds {', '.join(unknown)}, and nobody has said what the public may see of it; say so in "
            f"orchestration/release/open_schema.py."
        )


def _decide(connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy, ledger: Ledger) -> None:
    """Fill schema `disclosure`: what is withheld or merged, the counts, the sums, which are suppressed and what that hides.

    A table of which suppression leaves too little is merged into a coarser one, or withheld where there is none or that
    one is no better; then all is decided again, until no table is left of which that is true.
    """
    coarser = [
        (topic, item, merging.into, merged)
        for topic, merging in policy.open_release.collapse.merge.items()
        for merged, items in merging.items.items()
        for item in items
    ]
    connection.execute(
        "create table disclosure.coarser_item"
        " (breakdown_topic varchar, breakdown varchar, merged_topic varchar, merged_breakdown varchar)"
    )
    if coarser:
        connection.executemany("insert into disclosure.coarser_item values (?, ?, ?, ?)", coarser)
    connection.execute("create table disclosure.period_kind (period_kind varchar, time_identifier varchar)")
    connection.executemany(
        "insert into disclosure.period_kind values (?, ?)",
        [(kind, identifier) for kind, (identifiers, _) in IDENTIFIER_FAMILIES.items() for identifier in identifiers],
    )
    connection.execute("create table disclosure.money_topic (breakdown_topic varchar)")
    connection.executemany(
        "insert into disclosure.money_topic values (?)", [[topic] for topic in policy.open_release.authority_money]
    )
    connection.execute("create table disclosure.withheld_breakdown (kpi_id varchar, breakdown_topic varchar)")
    connection.executemany(
        "insert into disclosure.withheld_breakdown values (?, ?)",
        [[kpi_id, topic] for kpi_id, topics in policy.open_release.withheld_breakdowns.items() for topic in topics],
    )
    connection.execute(_NO_TABLE_COLLAPSED)
    read_earlier(connection, ledger)
    attacked = False
    while True:
        _suppress(connection, policy.open_parameters, attacked=attacked)
        connection.execute(_SMALL_TABLES, [policy.open_release.collapse.more_than_one_in])
        collapsed = connection.execute(_COLLAPSE).fetchall()
        for table in _TEMPORARY:
            connection.execute(f"drop table temp.{table}")
        if collapsed == [(0,)] and attacked:
            return
        # The attack is worth its time once, on what is left.
        attacked = collapsed == [(0,)]


def _suppress(connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, attacked: bool) -> None:
    """Decide which counts, and with them which values, are suppressed, given what is withheld and merged."""
    for statements in (_WITHHELD, _MERGED, _TERMS, _VALUE_CELLS, _LINES):
        connection.execute(statements)
    compare_with_earlier(connection, parameters)
    pattern = suppress(
        connection,
        parameters,
        cells="disclosure_cell",
        lines="disclosure.line",
        history="disclosure.cell_history",
        attacked=attacked,
    )
    connection.register("disclosure_pattern", pattern.cells)
    connection.register("disclosure_unprotected", pattern.unprotected)
    try:
        connection.execute(
            """
            create or replace table disclosure.cell as
            select cell.*, pattern.kind, pattern.is_known
            from disclosure_cell as cell
            inner join disclosure_pattern as pattern using (cell_key)  -- exactly one
            """
        )
        connection.execute("create or replace table disclosure.unprotected_line as from disclosure_unprotected")
    finally:
        connection.unregister("disclosure_pattern")
        connection.unregister("disclosure_unprotected")
    connection.execute(
        """
        create or replace table disclosure.suppressed_value as
        with local_value as (
            select kpi_value_key, area_level
            from disclosure_open_value
            where value is not null or numerator is not null or denominator is not null or value_label is not null
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


def _record(connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy, attacked: dict[str, Any]) -> Disclosure:
    """Write `disclosure.utility`, what is left to read, and `disclosure.applied`: what was applied, and to how much."""
    connection.execute(_UTILITY)
    counts = connection.execute(
        """
        select
            (select count(*) from disclosure.cell where kind = 'primary') as primary_cells,
            (select count(*) from disclosure.cell where kind = 'secondary') as secondary_cells,
            (select count(*) from disclosure.suppressed_value) as suppressed_values,
            (select count(*) from disclosure.unprotected_line) as unprotected_lines,
            coalesce(cast(sum(local_values) as integer), 0) as local_values,
            coalesce(cast(sum(shown_values) as integer), 0) as shown_values,
            coalesce(cast(sum(merged_values) as integer), 0) as merged_values,
            coalesce(cast(sum(withheld_values) as integer), 0) as withheld_values
        from disclosure.utility
        """
    )
    [counted] = named_rows(counts)
    disclosure = Disclosure(
        policy_id=policy.policy_id,
        policy_version=policy.version,
        audience=policy.audience_of("open"),
        statement=policy.open_release.statement,
        **policy.open_parameters.model_dump(),
        **attacked,
        **counted,
    )
    values = disclosure.model_dump()
    types = {bool: "boolean", int: "integer", str: "varchar"}
    columns = ", ".join(f"{name} {types.get(type(value), 'integer')}" for name, value in values.items())
    connection.execute(f"create table disclosure.applied ({columns})")
    connection.execute(f"insert into disclosure.applied values ({', '.join('?' * len(values))})", list(values.values()))
    return disclosure
