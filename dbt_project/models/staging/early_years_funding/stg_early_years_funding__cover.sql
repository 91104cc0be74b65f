-- Funding terms begin in September, January and April: entitlements begin with the term after the age is reached.
with landed as (
    select
        landed.submission_id,
        submission.is_current,
        landed.term_code,
        landed.headcount_year,
        landed.headcount_year - if(landed.term_code = 'AUT', 0, 1) as first_year
    from {{ source('early_years_funding', 'early_years_cover') }} as landed
    inner join {{ ref('stg_control__submission') }} as submission
        on landed.submission_id = submission.submission_id
)

select
    submission_id,
    is_current,
    case term_code when 'AUT' then 'Autumn term' when 'SPR' then 'Spring term' else 'Summer term' end as term_label,
    first_year || right(cast(first_year + 1 as varchar), 2) as academic_year,
    make_date(headcount_year, case term_code when 'AUT' then 9 when 'SPR' then 1 else 4 end, 1) as term_start_date
from landed
