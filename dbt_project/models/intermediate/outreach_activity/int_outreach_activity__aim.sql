-- What each team is meant to move: suspensions of pupils with SEN, and requests for an assessment. It began with the first visit that
-- the returns tell of; a team that visited schools before the first return began earlier than that.
select
    'team ' || lower(visit.team_code) || ' for ' || aimed_at.kpi_id as aim_id,
    'service' as aim_kind,
    'Outreach: ' || lower(team_label.code_label) as aim_label,
    min(visit.visited_on) as begun_on,
    cast(null as date) as ended_on,
    aimed_at.kpi_id,
    arg_min(visit.submission_id, visit.visited_on) as submission_id
from {{ ref('stg_outreach_activity__visit') }} as visit
inner join {{ ref('stg_outreach_activity__cover') }} as cover -- exactly one
    on visit.submission_id = cover.submission_id
inner join {{ ref('stg_control__code') }} as team_label -- exactly one
    on
        team_label.return_id = 'outreach_activity'
        and team_label.code_set = 'outreach_team'
        and visit.team_code = team_label.code
cross join (values ('sen_suspension_rate'), ('ehc_requests_received')) as aimed_at (kpi_id)
where cover.is_current
group by visit.team_code, team_label.code_label, aimed_at.kpi_id
