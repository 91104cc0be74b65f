{#- Whole months from one day to another; NULL where either is missing or they are the wrong way round. -#}
{% macro whole_months(start_date, end_date) -%}
cast(case when {{ end_date }} >= {{ start_date }} then datesub('month', {{ start_date }}, {{ end_date }}) end as integer)
{%- endmacro %}

{#-
    From which day a child born in a month (YYYY-MM) is of compulsory school age, and may have a funded nursery place from
    the age of three: the prescribed days (31 March, 31 August, 31 December) and the terms after them are ends of months, so
    that the month of birth is enough. School Attendance: Education Act 1996 section 8(2); nursery: Childcare Act 2006.
-#}
{% macro term_end_from(birth_month, years) -%}
cast(
        make_date(
            cast(left({{ birth_month }}, 4) as integer) + {{ years }},
            case
                when cast(right({{ birth_month }}, 2) as integer) <= 3 then 3
                when cast(right({{ birth_month }}, 2) as integer) <= 8 then 8
                else 12
            end,
            31
        ) as date
    )
{%- endmacro %}

{#- Reception begins in the September after the fourth birthday: the year of that September. -#}
{% macro reception_year(birth_month) -%}
(cast(left({{ birth_month }}, 4) as integer) + if(cast(right({{ birth_month }}, 2) as integer) <= 8, 4, 5))
{%- endmacro %}

{#-
    Is a row of a waiting list (`wait`: fct_therapy_wait, `child`: its dim_child) about a child of ours under compulsory school
    age with an open request on the trust's latest list? Who lives elsewhere is another authority's to know; where the list
    does not say, the child is taken for ours.
-#}
{% macro is_listed_under_school_age(wait, child) -%}
{{ wait }}.is_latest
        and {{ wait }}.is_reportable
        and {{ wait }}.service_key is not null
        and coalesce({{ wait }}.is_resident, true)
        and {{ wait }}.snapshot_date < {{ term_end_from(child ~ '.birth_month', 5) }}
{%- endmacro %}
