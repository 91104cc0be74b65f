-- What each team is meant to move: suspensions of pupils with SEN, and requests for an assessment. It began with its first visit where
-- the return of the year before tells of none: a team that the first return finds at work began nobody knows when.
with visited as (
    select
        visit.team_code,
        min(visit.visited_on) as first_visited_on,
        arg_min(visit.submission_id, visit.visited_on) as submission_id,
        min(cover.year_ending) as first_year_ending
    from {{ ref('stg_outreach_activity__visit') }} as visit
    inner join {{ ref('stg_outreach_activity__cover') }} as cover -- exactly one
        on visit.submission_id = cover.submission_id
    where cover.is_current
    group by visit.team_code
)

select
    'team ' || lower(visited.team_code) || ' for ' || aimed_at.kpi_id as aim_id,
    'service' as aim_kind,
    'Outreach: ' || lower(team_label.code_label) as aim_label,
    if(year_before.submission_id is not null, visited.first_visited_on, null) as begun_on,
    cast(null as date) as ended_on,
    if(
        year_before.submission_id is not null, 'At work', 'At work; it is not told since when'
    ) as status_label,
    aimed_at.kpi_id,
    visited.submission_id
from visited
inner join {{ ref('stg_control__code') }} as team_label -- exactly one
    on
        team_label.return_id = 'outreach_activity'
        and team_label.code_set = 'outreach_team'
        and visited.team_code = team_label.code
left join {{ ref('stg_outreach_activity__cover') }} as year_before -- at most one
    on
        year_before.is_current
        and visited.first_year_ending - 1 = year_before.year_ending
cross join (values ('sen_suspension_rate'), ('ehc_requests_received')) as aimed_at (kpi_id)
