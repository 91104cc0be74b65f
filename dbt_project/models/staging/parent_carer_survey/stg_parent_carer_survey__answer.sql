select
    landed.submission_id,
    landed.answer_key,
    landed.question as question_code,
    landed.theme as theme_code,
    landed.respondent_count,
    landed.first_choice_count,
    landed.rank as forum_rank
from {{ source('parent_carer_survey', 'survey_answer') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
