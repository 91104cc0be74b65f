{#- Kind of school in the words of the national statistics; the register's type decides, then the phase the school states. -#}
{% macro census_phase(placement_group_code, phase_code) -%}
case
        when {{ placement_group_code }} = 'special_total' then 'special'
        when {{ placement_group_code }} = 'ap_pru_total' then 'alternative_provision'
        when {{ phase_code }} in ('NS', 'EY') then 'nursery'
        when {{ phase_code }} in ('PS', 'MP') then 'primary'
        when {{ phase_code }} in ('SS', 'MS') then 'secondary'
        when {{ phase_code }} = 'AT' then 'all_through'
        else 'unknown'
    end
{%- endmacro %}

{#- National curriculum year as one code: N, R, 1 to 14; unknown where mixed, not followed or not recorded. -#}
{% macro census_year_group(year_group_code) -%}
case
        when {{ year_group_code }} in ('E1', 'E2', 'N1', 'N2') then 'N'
        when {{ year_group_code }} = 'R' then 'R'
        when try_cast({{ year_group_code }} as integer) between 1 and 14
            then cast(try_cast({{ year_group_code }} as integer) as varchar)
        else 'unknown'
    end
{%- endmacro %}

{#- The same for a child without a year group: the one most children of that age (at 31 August) are in. -#}
{% macro year_group_of_age(age_at_31_august) -%}
case
        when {{ age_at_31_august }} < 4 then 'N'
        when {{ age_at_31_august }} = 4 then 'R'
        when {{ age_at_31_august }} between 5 and 18 then cast({{ age_at_31_august }} - 4 as varchar)
        else 'unknown'
    end
{%- endmacro %}

{#- The measures of one kind by SEN provision: all pupils, then each provision, and any SEN. -#}
{% macro sen_provision_filters() -%}
{{ return({
    '': 'true',
    '_no_sen': "sen_provision_group = 'No SEN'",
    '_any_sen': "sen_provision_group in ('SEN support', 'EHC plan')",
    '_sen_support': "sen_provision_group = 'SEN support'",
    '_ehc_plan': "sen_provision_group = 'EHC plan'",
}) }}
{%- endmacro %}

{#-
    Counts of one series, long: one row an authority, period, topic, item and measure, and how many people are behind the
    count. The records have la_code, submission_id, time_identifier, time_period and a column <topic>_item a topic; one whose
    item is blank is not counted under that topic. `measures`: code to (SQL of the count, SQL of the people).
-#}
{%- macro census_statistic_counts(series_code, topics, measures) -%}
{%- set keys = ['la_code', 'time_identifier', 'time_period'] -%}
with grouped as (
    select
        {{ keys | join(', ') }},
        case
            {%- for topic in topics %}
            when grouping({{ topic }}_item) = 0 then '{{ topic }}'
            {%- endfor %}
            else 'total'
        end as topic_code,
        case
            {%- for topic in topics %}
            when grouping({{ topic }}_item) = 0 then {{ topic }}_item
            {%- endfor %}
            else 'total'
        end as item_code,
        max(submission_id) as submission_id,
        [
            {%- for count, _ in measures.values() %}
            {{ count }}{{ ',' if not loop.last }}
            {%- endfor %}
        ] as measure_counts,
        [
            {%- for _, people in measures.values() %}
            {{ people }}{{ ',' if not loop.last }}
            {%- endfor %}
        ] as people_counts
    from {{ ref('int_census_statistic__' ~ series_code.removeprefix('census_')) }}
    group by
        grouping sets (
            ({{ keys | join(', ') }})
            {%- for topic in topics %},
            ({{ keys | join(', ') }}, {{ topic }}_item)
            {%- endfor %}
        )
)

select
    '{{ series_code }}' as series_code,
    {{ keys | join(', ') }},
    topic_code,
    item_code,
    submission_id,
    unnest(['{{ measures.keys() | join("', '") }}']) as measure_code,
    cast(unnest(measure_counts) as bigint) as statistic_count,
    cast(unnest(people_counts) as bigint) as people_count
from grouped
where item_code is not null
{%- endmacro -%}

{#- Phase of each school in each census; of several returns of one school the first in order of codes. -#}
{% macro school_phases() -%}
select
        la_code,
        la_estab,
        census_period,
        min(phase_code) as phase_code
    from {{ ref('int_census_return__described') }}
    group by la_code, la_estab, census_period
{%- endmacro %}
