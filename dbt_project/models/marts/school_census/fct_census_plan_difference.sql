select
    {{ surrogate_key(['difference.la_code', 'difference.census_year', 'difference.reason_code', 'difference.setting_key']) }}
        as census_plan_difference_key,
    difference.la_code,
    {{ census_period_key('difference.census_year') }} as period_key,
    cast(difference.census_year as integer) as census_year,
    difference.census_day,
    difference.reason_code,
    difference.reason_class,
    difference.setting_key,
    cast(count(*) filter (where difference.is_in_census) as integer) as census_count,
    cast(count(*) filter (where difference.is_in_sen2) as integer) as sen2_count,
    max(completeness.completeness_pct) as completeness_pct
from {{ ref('int_ehcp__census_vs_sen2') }} as difference
left join {{ ref('int_census__completeness') }} as completeness
    on
        difference.la_code = completeness.la_code
        and difference.census_year || '-01' = completeness.census_period
group by
    difference.la_code,
    difference.census_year,
    difference.census_day,
    difference.reason_code,
    difference.reason_class,
    difference.setting_key
