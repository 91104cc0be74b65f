{#-
    Periods of Explore Education Statistics: a period is always identifier and period together.
    Six digits (202425) are two consecutive years: academic 1 September to 31 August, financial 1 April to 31 March,
    tax 6 April to 5 April. A term takes the academic year it is part of; its dates are those the school census collects
    suspensions by: autumn from 1 August, spring from 1 January, summer from 1 April to 31 July. Four digits are a calendar or reporting year, or the year of a month. Anything else has no dates.
-#}
{% macro period_first_year(time_period) -%}
try_cast(left({{ time_period }}, 4) as integer)
{%- endmacro %}

{% macro is_consecutive_years(time_period) -%}
(
    {{ matches_whole(time_period, '[0-9]{6}') }}
    and (try_cast(left({{ time_period }}, 4) as integer) + 1) % 100 = try_cast(right({{ time_period }}, 2) as integer)
)
{%- endmacro %}

{#- Number of the month an identifier names, NULL where it is not a month. -#}
{% macro month_number(time_identifier) -%}
case lower({{ time_identifier }})
        {%- for month in [
            'january', 'february', 'march', 'april', 'may', 'june',
            'july', 'august', 'september', 'october', 'november', 'december'
        ] %}
        when '{{ month }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}

{#- Name of the month of a YYYY-MM text, as Explore Education Statistics spells the identifier. -#}
{% macro month_identifier(data_month) -%}
monthname(cast({{ data_month }} || '-01' as date))
{%- endmacro %}

{% macro period_kind(time_identifier) -%}
case
        when lower({{ time_identifier }}) = 'academic year' then 'academic year'
        when lower({{ time_identifier }}) = 'financial year' then 'financial year'
        when lower({{ time_identifier }}) = 'tax year' then 'tax year'
        when {{ matches_whole('lower(' ~ time_identifier ~ ')', 'financial year q[1-4]') }} then 'financial quarter'
        when lower({{ time_identifier }}) in ('calendar year', 'reporting year') then 'calendar year'
        when lower({{ time_identifier }}) in ('autumn term', 'spring term', 'summer term', 'autumn and spring term')
            then 'term'
        when {{ month_number(time_identifier) }} is not null then 'month'
    end
{%- endmacro %}

{#- PS-103 and PS-104: does the period have the digits its identifier asks for? NULL where either is not known at all. -#}
{% macro is_period_consistent(time_identifier, time_period) -%}
case
        when {{ period_kind(time_identifier) }} is null then null
        when not {{ matches_whole(time_period, '[0-9]{4}([0-9]{2})?') }} then null
        when {{ period_kind(time_identifier) }} in ('calendar year', 'month') then length({{ time_period }}) = 4
        else {{ is_consecutive_years(time_period) }}
    end
{%- endmacro %}

{% macro period_start(time_identifier, time_period) -%}
case
        when {{ is_period_consistent(time_identifier, time_period) }} is not true then null
        when {{ period_kind(time_identifier) }} = 'academic year'
            then make_date({{ period_first_year(time_period) }}, 9, 1)
        when {{ period_kind(time_identifier) }} = 'financial year'
            then make_date({{ period_first_year(time_period) }}, 4, 1)
        when {{ period_kind(time_identifier) }} = 'tax year'
            then make_date({{ period_first_year(time_period) }}, 4, 6)
        when {{ period_kind(time_identifier) }} = 'financial quarter'
            then {{ months_later(
                'make_date(' ~ period_first_year(time_period) ~ ', 4, 1)',
                '3 * (cast(right(' ~ time_identifier ~ ', 1) as integer) - 1)'
            ) }}
        when {{ period_kind(time_identifier) }} = 'calendar year'
            then make_date({{ period_first_year(time_period) }}, 1, 1)
        when lower({{ time_identifier }}) in ('autumn term', 'autumn and spring term')
            then make_date({{ period_first_year(time_period) }}, 8, 1)
        when lower({{ time_identifier }}) = 'spring term' then make_date({{ period_first_year(time_period) }} + 1, 1, 1)
        when lower({{ time_identifier }}) = 'summer term' then make_date({{ period_first_year(time_period) }} + 1, 4, 1)
        else make_date({{ period_first_year(time_period) }}, {{ month_number(time_identifier) }}, 1)
    end
{%- endmacro %}

{% macro period_end(time_identifier, time_period) -%}
{%- set months -%}
            case
                when {{ period_kind(time_identifier) }} = 'month' then 1
                when {{ period_kind(time_identifier) }} = 'financial quarter' then 3
                when lower({{ time_identifier }}) = 'autumn and spring term' then 8
                when lower({{ time_identifier }}) = 'autumn term' then 5
                when lower({{ time_identifier }}) = 'spring term' then 3
                when lower({{ time_identifier }}) = 'summer term' then 4
                else 12
            end
{%- endset -%}
({{ months_later(period_start(time_identifier, time_period), months) }} - 1)
{%- endmacro %}

{#- The academic year (202425) that holds the January of a calendar year (2025): EHC plans are counted each January. -#}
{% macro academic_year_of_january(calendar_year) -%}
cast(try_cast({{ calendar_year }} as integer) - 1 as string) || right({{ calendar_year }}, 2)
{%- endmacro %}
