-- From when to when each return tells of what happens to children. What was before the first day is not known.
select
    person.la_code,
    'ehc' as source_code,
    make_date(cast(min(person.return_year) - 1 as integer), 1, 1) as first_day,
    max(census_view.census_day) as last_day
from {{ ref('int_ehc_person__returned') }} as person
left join {{ ref('int_ehc_census_view__described') }} as census_view -- at most one
    on
        person.submission_id = census_view.submission_id
        and census_view.view_code = 'own_return'
group by person.la_code

union all

select
    la_code,
    'census' as source_code,
    min(census_day) as first_day,
    max(census_day) as last_day
from {{ ref('int_census_return__described') }}
group by la_code

union all

select
    own_authority.setting_value as la_code,
    'therapy' as source_code,
    min(cast(date_trunc('month', delivery.snapshot_date) as date)) as first_day,
    max(delivery.snapshot_date) as last_day
from {{ ref('int_therapy_delivery__current') }} as delivery
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
group by own_authority.setting_value
