-- What the KPIs of the survey count: members asked and answered, and those who named a theme. A member puts one theme first, and most
-- name three priorities, so that of both a theme of few could be worked out from all others: disclosure control has to know of their
-- totals. Of what went well and what stood in the way members name any number of themes, and those of a question make no total.
with survey as (
    select *
    from {{ ref('stg_parent_carer_survey__survey') }}
    where is_current
),

named as (
    select
        answer.submission_id,
        answer.question_code,
        theme.code_label as theme_label,
        answer.respondent_count,
        answer.first_choice_count
    from {{ ref('stg_parent_carer_survey__answer') }} as answer
    inner join {{ ref('stg_control__code') }} as theme -- exactly one
        on
            theme.return_id = 'parent_carer_survey'
            and theme.code_set = 'theme'
            and answer.theme_code = theme.code
),

themed as (
    select
        submission_id,
        case question_code
            when 'PRIORITY' then 'named_priority'
            when 'POSITIVE' then 'named_positive'
            when 'BARRIER' then 'named_barrier'
        end as measure_code,
        case question_code
            when 'PRIORITY' then 'Priority'
            when 'POSITIVE' then 'Positive experience'
            when 'BARRIER' then 'Barrier'
        end as cell_topic,
        theme_label as cell_breakdown,
        respondent_count as cell_count
    from named

    union all

    select
        submission_id,
        'named_first' as measure_code,
        'Priority' as cell_topic,
        theme_label as cell_breakdown,
        first_choice_count as cell_count
    from named
    where question_code = 'PRIORITY' and first_choice_count is not null
),

counted as (
    select
        submission_id,
        'members' as measure_code,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        member_count as cell_count
    from survey

    union all

    select
        submission_id,
        'responses' as measure_code,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        response_count as cell_count
    from survey

    union all

    select *
    from themed

    union all

    select
        submission_id,
        measure_code,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        cast(sum(cell_count) as bigint) as cell_count
    from themed
    where measure_code in ('named_first', 'named_priority')
    group by submission_id, measure_code
)

select
    counted.measure_code,
    'Calendar year' as time_identifier,
    cast(survey.survey_year as varchar) as time_period,
    counted.cell_topic,
    counted.cell_breakdown,
    counted.cell_count,
    counted.cell_count as people_count,
    cast(null as varchar) as coverage_note,
    survey.submission_id
from counted
inner join survey -- exactly one
    on counted.submission_id = survey.submission_id
