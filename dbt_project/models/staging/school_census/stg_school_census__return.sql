select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.return_key,
    landed.collection,
    submission.period as census_period,
    landed.census_year,
    landed.term_code,
    case
        when landed.term_code = 'AUT'
            then landed.census_year || right(cast(landed.census_year + 1 as varchar), 2)
        else (landed.census_year - 1) || right(cast(landed.census_year as varchar), 2)
    end as academic_year,
    landed.reference_date,
    landed.lea_code as la_code,
    landed.lea_code || landed.estab_code as la_estab,
    landed.urn,
    landed.source_level_code,
    landed.software_code,
    landed.created_at
from {{ source('school_census', 'census_return') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
