{#-
    The topics of the published EHC plan tables: what one record counts under, as (definition, SQL of the item). A placement
    is an item at three levels: its line, the line of releases before 2026, and the group. The age at the start is counted
    in two ways (seed statistic_definition).
-#}
{%- macro ehc_topic_items(topic_code) -%}
    {%- set items = {
        'sex': [('standard', "case when record.sex_code in ('F', 'M') then record.sex_code else 'U' end")],
        'ethnicity': [('standard', "coalesce(ethnicity.ethnicity_group_code, 'NOBT')")],
        'age': [('standard', "coalesce(cast(record.age as string), 'unknown')")],
        'start_age': [
            ('standard', "coalesce(cast(record.age_at_start as string), 'unknown')"),
            ('calendar_year_difference', "coalesce(cast(record.calendar_age_at_start as string), 'unknown')"),
        ],
        'years': [('standard', "coalesce(cast(record.years_held as string), 'unknown')")],
        'need': [('standard', 'record.primary_need_code')],
        'placement': [
            ('standard', 'line.placement_line_code'),
            ('standard', 'nullif(line.comparable_line_code, line.placement_line_code)'),
            ('standard', 'nullif(line.placement_group_code, line.placement_line_code)'),
        ],
    } -%}
    {{ return(items[topic_code]) }}
{%- endmacro -%}

{#-
    Counts of one published table, long: one row a return, topic, item, definition and measure. The records have one row a
    plan, request or review, with la_code, submission_id, time_identifier, time_period and an attribute a topic.

    Measures are given in one of two ways. `measures`: boolean column to the SQL of the measure's published name; one that is
    blank throughout is not held by that return and gives no row. `lines`: the measures are the lines of one attribute
    themselves (placements, needs), as int_ehc_statistic__line_measure names them, beside the total.
-#}
{%- macro ehc_statistic_counts(series_code, topics, measures=none, lines=none) -%}
{%- set keys = ['la_code', 'submission_id', 'time_identifier', 'time_period'] -%}
{%- set items = [] -%}
{%- for topic_code in topics -%}
    {%- for definition_code, item in ehc_topic_items(topic_code) -%}
        {%- do items.append((topic_code, definition_code, item)) -%}
    {%- endfor -%}
{%- endfor -%}
with described as (
    select
        record.*
        {%- for _, _, item in items %},
        {{ item }} as item_{{ loop.index }}
        {%- endfor %}
    from {{ ref('int_ehc_statistic__' ~ series_code) }} as record
    {%- if 'ethnicity' in topics %}
    left join {{ ref('dim_ethnicity') }} as ethnicity -- at most one
        on record.ethnicity_code = ethnicity.ethnicity_code
    {%- endif %}
    {%- if 'placement' in topics %}
    left join {{ ref('dim_placement_group') }} as line -- exactly one
        on record.placement_line_code = line.placement_line_code
    {%- endif %}
),

grouped as (
    select
        {{ keys | join(', ') }},
        {%- if items %}
        case
            {%- for topic_code, _, _ in items %}
            when grouping(item_{{ loop.index }}) = 0 then '{{ topic_code }}'
            {%- endfor %}
            else 'total'
        end as topic_code,
        case
            {%- for _ in items %}
            when grouping(item_{{ loop.index }}) = 0 then item_{{ loop.index }}
            {%- endfor %}
            else 'total'
        end as item_code,
        case
            {%- for _, definition_code, _ in items %}
            {%- if definition_code != 'standard' %}
            when grouping(item_{{ loop.index }}) = 0 then '{{ definition_code }}'
            {%- endif %}
            {%- endfor %}
            when true then 'standard'
        end as definition_code,
        {%- else %}
        'total' as topic_code,
        'total' as item_code,
        'standard' as definition_code,
        {%- endif %}
        {%- if lines %}
        {{ lines.column }} as line_code,
        count(*) as record_count
        {%- else %}
        {%- for measure in measures %}
        case when count({{ measure }}) > 0 then count_if({{ measure }}) end as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    from described
    group by
        grouping sets (
            ({{ keys | join(', ') }}{{ ', ' ~ lines.column if lines }})
            {%- for _ in items %},
            ({{ keys | join(', ') }}, item_{{ loop.index }}{{ ', ' ~ lines.column if lines }})
            {%- endfor %}
        )
),
{% if lines %}
cells as (
    select
        {{ keys | join(', ') }},
        topic_code,
        item_code,
        definition_code,
        sum(record_count) as record_count
    from grouped
    group by all
),

measured as (
    select
        {{ keys | join(', ') }},
        topic_code,
        item_code,
        definition_code,
        '{{ lines.total }}' as measure_code,
        record_count as measure_count
    from cells

    union all

    -- A line that nobody is on is a zero. A cell differs from the standard by its topic or by its measure, never by both.
    select
        {% for key in keys %}cells.{{ key }}, {% endfor %}
        cells.topic_code,
        cells.item_code,
        if(cells.definition_code = 'standard', line_measure.definition_code, cells.definition_code) as definition_code,
        line_measure.measure_code,
        coalesce(sum(grouped.record_count), 0) as measure_count
    from cells
    inner join {{ ref('int_ehc_statistic__line_measure') }} as line_measure
        on
            line_measure.line_kind = '{{ lines.kind }}'
            and 'standard' in (cells.definition_code, line_measure.definition_code)
    left join grouped
        on
            cells.submission_id = grouped.submission_id
            and cells.topic_code = grouped.topic_code
            and cells.item_code = grouped.item_code
            and cells.definition_code = grouped.definition_code
            and line_measure.line_code = grouped.line_code
    group by all
)
{% else %}
measured as (
    select
        {{ keys | join(', ') }},
        topic_code,
        item_code,
        definition_code,
        {{ row_each_pair(measures.values() | list, measures.keys() | list, 'measure_code', 'measure_count') }}
    from grouped
)
{% endif %}
select
    '{{ series_code }}' as series_code,
    {{ keys | join(', ') }},
    topic_code,
    item_code,
    definition_code,
    measure_code,
    cast(measure_count as bigint) as measure_count
from measured
where item_code is not null and measure_count is not null
{%- endmacro -%}
