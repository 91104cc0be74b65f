select
    la_code,
    census_period,
    max(census_day) as census_day,
    cast(count(*) filter (where is_expected) as integer) as expected_school_count,
    cast(count(*) filter (where is_expected and is_landed) as integer) as landed_expected_school_count,
    cast(count(*) filter (where not is_expected) as integer) as unexpected_school_count,
    cast(
        100.0 * count(*) filter (where is_expected and is_landed) / nullif(count(*) filter (where is_expected), 0)
        as decimal(5, 1)
    ) as completeness_pct,
    -- The same by the pupils that the register gives the schools: one small school missing is less than one large.
    cast(
        100.0 * sum(pupil_count) filter (where is_expected and is_landed)
        / nullif(sum(pupil_count) filter (where is_expected), 0) as decimal(5, 1)
    ) as pupil_completeness_pct
from {{ ref('int_census_school__expected') }}
group by la_code, census_period
