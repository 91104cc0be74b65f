-- KPIs of the safety valve return, for the authority: what money and services give, with the return that tells of it, and on
-- which side the value is.
with measured as (
    select
        *,
        true as is_repeated
    from {{ ref('int_kpi__safety_valve_money') }}

    union all by name

    select
        *,
        kpi_id = 'ehcp_forecast_variance_pct' as is_repeated
    from {{ ref('int_kpi__safety_valve_service') }}
),

-- The returns that count today, and of each year the one that came last: it repeats money and plans of earlier quarters as they
-- stand now; conditions, places and unit costs are of the quarter's return alone.
standing_returns as (
    select
        counted.financial_year,
        counted.quarter,
        counted.submission_id,
        row_number() over (
            partition by counted.financial_year order by counted.return_order desc
        ) = 1 as is_last_of_year
    from {{ ref('int_safety_valve_return__counted') }} as counted
    inner join {{ ref('stg_control__submission') }} as submission -- exactly one
        on counted.submission_id = submission.submission_id and submission.is_current
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on own_authority.setting_name = 'la_code' and counted.la_code = own_authority.setting_value
),

-- The deflated threshold is of no return: the last of all stands for it.
last_return as (
    select max_by(submission_id, financial_year) as submission_id
    from standing_returns
    where is_last_of_year
),

told as (
    select
        measured.*,
        coalesce(of_quarter.submission_id, of_year.submission_id, last_return.submission_id) as submission_id
    from measured
    left join standing_returns as of_quarter -- at most one
        on
            measured.financial_year = of_quarter.financial_year
            and measured.time_identifier = 'Financial year Q' || of_quarter.quarter
            and not measured.is_repeated
    left join standing_returns as of_year -- at most one
        on measured.financial_year = of_year.financial_year and of_year.is_last_of_year
    left join last_return -- exactly one
        on measured.kpi_id = 'notional_sen_threshold_real'
)

select
    told.kpi_id,
    'own_authority' as area_role,
    area.area_level,
    area.area_code,
    area.area_name,
    area.la_code,
    told.time_identifier,
    told.financial_year as time_period,
    told.breakdown_topic,
    told.breakdown,
    told.numerator,
    told.denominator,
    told.value,
    case
        when told.is_adverse then 'adverse'
        when not told.is_adverse then 'not adverse'
    end as value_label,
    case
        when told.value is not null then 'reported'
        when told.denominator = 0 then 'not_applicable'
        else 'not_available'
    end as value_status,
    told.is_adverse,
    told.is_restated,
    'safety valve return, ' || told.measure || if(told.is_restated, ', restated', '') as method,
    if(
        told.measure = 'own forecast',
        'An estimate: plans as forecast here from the last January counted, against the places funded. Ends hold 80 per cent of what may come.'
        || if(told.kpi_id = 'place_gap_mainstream', ' SEN units are among ours, and not among what the return expects.', '')
        || ' Of the January counted nothing is told here: less the places, children outside the area could be worked out.',
        null
    ) as coverage_note,
    -- Whole children behind a value; blank for money of the whole authority and other figures that no child stands behind.
    told.people_count,
    told.submission_id
from told
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
inner join {{ ref('dim_area') }} as area -- exactly one
    on area.area_level = 'local_authority' and own_authority.setting_value = area.la_code
where told.submission_id is not null
