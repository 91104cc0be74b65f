-- Requests for an EHC needs assessment, and suspensions and exclusions, in the twelve months before and after the first visit
-- to the child's school. A request has no school in the EHC plans return: it is of the school at which the latest census of
-- the twelve months up to its day counts the child.
with pupils as (
    select
        pupil.la_code,
        pupil.child_key,
        pupil.census_day,
        setting.site_key
    from {{ ref('fct_census_pupil') }} as pupil
    left join {{ ref('dim_setting') }} as setting -- at most one
        on pupil.setting_key = setting.setting_key
    where pupil.is_counted
),

requests as (
    select
        request.la_code,
        request.child_key,
        request.received_date as event_date,
        arg_max(pupils.site_key, pupils.census_day) as site_key
    from {{ ref('int_journey_request__told') }} as request
    inner join pupils -- one for each census
        on
            request.la_code = pupils.la_code
            and request.child_key = pupils.child_key
            and request.received_date >= pupils.census_day
            and request.received_date < pupils.census_day + to_months(12)
    group by request.la_code, request.child_key, request.received_date
),

events as (
    select
        la_code,
        'request' as event_code,
        child_key,
        site_key,
        event_date
    from requests

    union all

    select
        suspension.la_code,
        'suspension' as event_code,
        suspension.child_key,
        setting.site_key,
        suspension.start_date as event_date
    from {{ ref('fct_suspension') }} as suspension
    inner join {{ ref('dim_setting') }} as setting -- exactly one
        on suspension.setting_key = setting.setting_key
    where
        suspension.category_code in ('SUSP', 'PERM')
        and not suspension.is_missing_from_later_return
)

select
    events.la_code,
    events.site_key,
    events.event_code,
    events.child_key,
    events.event_date,
    events.event_date >= first_visit.first_visit_date as is_after
from events
inner join {{ ref('int_outreach_activity__first_visit') }} as first_visit -- at most one
    on
        events.la_code = first_visit.la_code
        and events.site_key = first_visit.site_key
        and events.event_date between first_visit.before_from and first_visit.after_to
