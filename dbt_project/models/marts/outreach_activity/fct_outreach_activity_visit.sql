with placed as (
    select
        visit.submission_id,
        visit.visit_key,
        own_authority.setting_value as la_code,
        {{ academic_year_of_january('cast(cover.year_ending as varchar)') }} as academic_year,
        {{ census_period_key('cover.year_ending') }} as period_key,
        visit.urn,
        setting.setting_key,
        coalesce(setting.site_key, {{ surrogate_key(["'URN ' || visit.urn"]) }}) as site_key,
        visit.team_code,
        visit.activity_code,
        nullif(visit.need_code, 'SEVERAL') as need_code,
        visit.requested_on as requested_date,
        visit.visited_on as visit_date,
        -- A day asked for after the visit, or more than a year before it, is a slip of the pen (OUT-004).
        case
            when visit.requested_on between visit.visited_on - 365 and visit.visited_on
                then visit.visited_on - visit.requested_on
        end as days_waited,
        visit.pupil_count,
        visit.outcome_code
    from {{ ref('stg_outreach_activity__visit') }} as visit
    inner join {{ ref('stg_outreach_activity__cover') }} as cover -- exactly one
        on visit.submission_id = cover.submission_id
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on own_authority.setting_name = 'la_code'
    left join {{ ref('dim_setting') }} as setting -- at most one
        on visit.urn = setting.urn
    where cover.is_current
)

select
    {{ surrogate_key(['submission_id', 'visit_key']) }} as outreach_visit_key,
    la_code,
    period_key,
    academic_year,
    urn,
    setting_key,
    site_key,
    team_code,
    activity_code,
    need_code,
    requested_date,
    visit_date,
    cast(days_waited as integer) as days_waited,
    pupil_count,
    outcome_code,
    row_number() over (
        partition by academic_year, team_code, site_key
        order by visit_date, visit_key
    ) > 1 as is_repeat,
    submission_id
from placed
