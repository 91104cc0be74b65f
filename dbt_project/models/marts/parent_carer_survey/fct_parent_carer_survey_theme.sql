select
    {{ surrogate_key(['answer.submission_id', 'answer.question_code', 'answer.theme_code']) }} as parent_carer_survey_theme_key,
    own_authority.setting_value as la_code,
    {{ calendar_year_key('survey.survey_year') }} as period_key,
    survey.survey_year,
    answer.question_code,
    answer.theme_code,
    theme.code_label as theme_name,
    answer.respondent_count,
    survey.response_count,
    answer.first_choice_count,
    answer.forum_rank,
    cast(rank() over (
        partition by answer.submission_id, answer.question_code
        order by answer.respondent_count desc
    ) as integer) as count_rank,
    answer.submission_id
from {{ ref('stg_parent_carer_survey__answer') }} as answer
inner join {{ ref('stg_parent_carer_survey__survey') }} as survey -- exactly one
    on answer.submission_id = survey.submission_id
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
inner join {{ ref('stg_control__code') }} as theme -- exactly one
    on
        theme.return_id = 'parent_carer_survey'
        and theme.code_set = 'theme'
        and answer.theme_code = theme.code
where survey.is_current
