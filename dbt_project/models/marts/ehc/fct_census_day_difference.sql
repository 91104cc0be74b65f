-- Who is in one view of a census day and not in the other, and why: counted by what the other return says of the child.
with own_views as (
    select
        la_code,
        census_year,
        census_day,
        submission_id
    from {{ ref('int_ehc_census_view__described') }}
    where view_code = 'own_return'
),

next_views as (
    select
        la_code,
        census_year,
        submission_id
    from {{ ref('int_ehc_census_view__described') }}
    where view_code = 'next_return'
),

compared as (
    select
        own_views.la_code,
        own_views.census_year,
        own_views.census_day,
        own_views.submission_id as own_submission_id,
        next_views.submission_id as next_submission_id
    from own_views
    inner join next_views
        on
            own_views.la_code = next_views.la_code
            and own_views.census_year = next_views.census_year
),

children as (
    select
        compared.la_code,
        compared.census_year,
        compared.census_day,
        compared.own_submission_id,
        compared.next_submission_id,
        held.child_key,
        bool_or(held.view_code = 'own_return') as is_in_own,
        bool_or(held.view_code = 'next_return') as is_in_next
    from compared
    inner join {{ ref('int_ehc_plan__held') }} as held
        on
            compared.la_code = held.la_code
            and compared.census_year = held.census_year
    group by all
),

-- Of a child in one view alone, the plans in the return of the other view.
told_elsewhere as (
    select
        children.la_code,
        children.census_year,
        children.census_day,
        children.child_key,
        children.is_in_own,
        children.is_in_next,
        count(person.child_key) > 0 as is_person_there,
        count(plan.plan_key) > 0 as is_plan_there,
        coalesce(bool_or(plan.transfer_la_code is not null), false) as is_transferred_in,
        coalesce(bool_or(not {{ not_ended_on('plan.cease_date', 'children.census_day') }}), false) as is_ceased_before,
        coalesce(bool_or(plan.start_date > children.census_day), false) as is_started_after
    from children
    left join {{ ref('int_ehc_person__returned') }} as person
        on
            children.child_key = person.child_key
            and person.submission_id = if(children.is_in_own, children.next_submission_id, children.own_submission_id)
    left join {{ ref('int_ehc_plan__traced') }} as plan
        on
            children.child_key = plan.child_key
            and plan.submission_id = if(children.is_in_own, children.next_submission_id, children.own_submission_id)
    group by all
),

explained as (
    select
        la_code,
        census_year,
        census_day,
        is_in_own,
        is_in_next,
        case
            when is_in_own and is_in_next then 'in_both'
            when is_in_own and not is_person_there then 'absent_from_next_return'
            when is_in_own and not is_plan_there then 'no_plan_in_next_return'
            when is_in_own and is_transferred_in then 'transferred_in_by_next_return'
            when is_in_own and is_ceased_before then 'ceased_before_by_next_return'
            when is_in_own and is_started_after then 'started_after_by_next_return'
            when is_in_own then 'no_start_date_in_next_return'
            when not is_person_there then 'absent_from_own_return'
            when not is_plan_there then 'no_plan_in_own_return'
            when is_started_after then 'started_after_by_own_return'
            when is_ceased_before then 'ceased_before_by_own_return'
            else 'no_start_date_in_own_return'
        end as reason_code
    from told_elsewhere
)

select
    {{ surrogate_key(['la_code', 'census_year', 'reason_code']) }} as census_day_difference_key,
    la_code,
    {{ census_period_key('census_year') }} as period_key,
    cast(census_year as integer) as census_year,
    census_day,
    reason_code,
    cast(count(*) filter (where is_in_own) as integer) as own_return_count,
    cast(count(*) filter (where is_in_next) as integer) as next_return_count,
    cast(count(*) filter (where is_in_next) - count(*) filter (where is_in_own) as integer) as difference_count
from explained
group by la_code, census_year, census_day, reason_code
