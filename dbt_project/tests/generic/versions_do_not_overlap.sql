{#- Versions (valid_from to valid_to, both days included) of what the keys name follow one another; only the last is open. -#}
{% test versions_do_not_overlap(model, keys) %}
select *
from (
    select
        {{ keys | join(', ') }},
        valid_from,
        valid_to,
        lead(valid_from) over in_order as next_from,
        lead(true) over in_order as has_next
    from {{ model }}
    window in_order as (partition by {{ keys | join(', ') }} order by valid_from nulls first)
) as versions
where
    valid_to < valid_from
    or (has_next and coalesce(valid_to >= next_from, true))
{% endtest %}
