select
    landed.submission_id,
    submission.is_current,
    submission.received_at,
    landed.la_code,
    landed.financial_year,
    landed.quarter,
    landed.period_end,
    landed.version,
    landed.stage,
    landed.submission_type,
    landed.restates_version,
    landed.recoupment_basis,
    landed.agreement_total_gbp,
    landed.prepared_on
from {{ source('safety_valve', 'sv_cover') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
