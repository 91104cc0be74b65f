{#-
    The total row of a published file: the topic repeats as the breakdown ("All EHC plans"; the label differs by file),
    both are blank (phase_transfers), or the age group of the 2022 files is Total.
-#}
{% macro is_total_row(breakdown_topic, breakdown) -%}
(
        ({{ breakdown_topic }} is null and {{ breakdown }} is null)
        or coalesce({{ breakdown_topic }} = {{ breakdown }}, false)
        or coalesce({{ breakdown_topic }} = 'Age group' and {{ breakdown }} = 'Total', false)
    )
{%- endmacro %}

{#-
    Age of a label: files write "age 10", "Aged 10", "10", "under 3", "Aged 2 and under", "age 20 and over", and in 2022
    groups ("Age 11 to 15", "Under 5"). The lower age of the label; "under 3" and "2 and under" start at 0.
-#}
{% macro age_from(breakdown) -%}
case
        when lower({{ breakdown }}) like '%unknown%' then null
        when regexp_matches(lower({{ breakdown }}), '(^under [0-9]+)|(and under$)') then 0
        else try_cast(nullif(regexp_extract({{ breakdown }}, '[0-9]+'), '') as integer)
    end
{%- endmacro %}

{#- The upper age of the label; open ends run to 25, the last year a plan can cover. -#}
{% macro age_to(breakdown) -%}
case
        when lower({{ breakdown }}) like '%unknown%' then null
        when regexp_matches(lower({{ breakdown }}), '^under [0-9]+')
            then try_cast(regexp_extract({{ breakdown }}, '[0-9]+') as integer) - 1
        when lower({{ breakdown }}) like '%over%' then 25
        else try_cast(nullif(regexp_extract({{ breakdown }}, '([0-9]+)[^0-9]*$', 1), '') as integer)
    end
{%- endmacro %}

{#- The age groups of the national statistics. NULL for a label that straddles two groups. -#}
{% macro age_group(age_from, age_to) -%}
case
        when {{ age_to }} <= 4 then 'Under 5'
        when {{ age_from }} between 5 and 10 and {{ age_to }} <= 10 then '5 to 10'
        when {{ age_from }} between 11 and 15 and {{ age_to }} <= 15 then '11 to 15'
        when {{ age_from }} between 16 and 19 and {{ age_to }} <= 19 then '16 to 19'
        when {{ age_from }} between 20 and 25 then '20 to 25'
    end
{%- endmacro %}

{#- A label in letters and digits alone: releases differ in case and punctuation. -#}
{% macro plain_label(label) -%}
trim({{ replace_matches('lower(' ~ label ~ ')', '[^a-z0-9]+', ' ') }})
{%- endmacro %}

{#- The single age of a label: an open end ("under 3", "20 and over") stands for the age next to it. -#}
{% macro single_age(breakdown) -%}
case when regexp_matches(lower({{ breakdown }}), '(^under [0-9]+)|(and under$)')
        then {{ age_to(breakdown) }} else {{ age_from(breakdown) }}
    end
{%- endmacro %}

{#- An item that is a number (an age, years), between the open ends of its table; any other item as it is. -#}
{% macro bounded_item(item, lowest, highest) -%}
case
        when {{ lowest }} is not null and try_cast({{ item }} as integer) is not null
            then cast(least(greatest(try_cast({{ item }} as integer), {{ lowest }}), {{ highest }}) as string)
        else {{ item }}
    end
{%- endmacro %}
