-- Children under compulsory school age with an open request on each trust's latest list, by month of birth, and how many of
-- them no return of the authority has: those whom education does not know yet, or was not found to know.
with listed as (
    select
        wait.la_code,
        wait.period_key,
        wait.snapshot_date,
        wait.provider_key,
        wait.service_key,
        wait.child_key,
        child.birth_month,
        bool_or(wait.is_known_child) as is_known,
        coalesce(bool_or(wait.has_ehc_plan), false) as has_ehc_plan,
        bool_or(wait.is_waiting) as is_waiting,
        bool_or(wait.is_over_18_weeks) as is_over_18_weeks,
        max(wait.wait_days) as wait_days
    from {{ ref('fct_therapy_wait') }} as wait
    inner join {{ ref('dim_child') }} as child -- exactly one
        on wait.child_key = child.child_key
    where
        {{ is_listed_under_school_age('wait', 'child') }}
    group by all
),

-- How the two sides were found to be one child: by the first row of the side that came second.
sides as (
    select
        link.child_key,
        delivery.submission_id is not null as is_health,
        min(submission.supply_order) as first_supply,
        arg_min(link.match_strength, (submission.supply_order, link.row_person_ref)) as match_strength
    from {{ ref('stg_control__child_key') }} as link
    semi join listed
        on
            link.child_key = listed.child_key
            and listed.is_known
    inner join {{ ref('stg_control__submission') }} as submission -- exactly one
        on link.submission_id = submission.submission_id
    left join {{ ref('stg_therapy_waiting_list__delivery') }} as delivery -- at most one
        on link.submission_id = delivery.submission_id
    group by link.child_key, is_health
),

links as (
    select
        child_key,
        arg_max(match_strength, first_supply) in ('upn', 'nhs_number', 'uln') as is_by_number
    from sides
    group by child_key
),

staged as (
    select
        listed.*,
        coalesce(links.is_by_number, false) as is_by_number,
        case
            when listed.snapshot_date <= {{ term_end_from('listed.birth_month', 3) }} then 'before_nursery'
            when listed.snapshot_date < make_date({{ reception_year('listed.birth_month') }}, 9, 1) then 'nursery'
            else 'reception'
        end as age_stage_code
    from listed
    left join links -- at most one
        on listed.child_key = links.child_key
)

select
    {{ surrogate_key(['la_code', 'birth_month', 'provider_key', 'service_key']) }} as early_years_health_key,
    la_code,
    period_key,
    snapshot_date,
    birth_month,
    age_stage_code,
    provider_key,
    service_key,
    cast(count(*) as integer) as child_count,
    cast(count(*) filter (where is_known) as integer) as known_count,
    cast(count(*) filter (where is_known and is_by_number) as integer) as known_by_number_count,
    cast(count(*) filter (where is_known and not is_by_number) as integer) as known_by_likeness_count,
    cast(count(*) filter (where has_ehc_plan) as integer) as plan_count,
    cast(count(*) filter (where not is_known) as integer) as not_known_count,
    cast(count(*) filter (where not is_known and is_waiting) as integer) as not_known_waiting_count,
    cast(count(*) filter (where not is_known and is_over_18_weeks) as integer) as not_known_over_18_weeks_count,
    max(wait_days) filter (where not is_known) as not_known_longest_wait_days
from staged
group by la_code, period_key, snapshot_date, birth_month, age_stage_code, provider_key, service_key
