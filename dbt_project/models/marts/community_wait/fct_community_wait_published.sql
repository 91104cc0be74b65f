with waits as (
    select
        wait.*,
        coalesce(wait.org_code, organisation.org_code, wait.org_name_key) as org_natural_code
    from {{ ref('stg_published_statistics__community_wait') }} as wait
    left join {{ ref('nhs_organisation') }} as organisation -- at most one: a name has one code at a level
        on
            wait.org_level = organisation.org_level
            and wait.org_name_key = organisation.org_name_key
),

-- A later file that has a service line in a month revises it; a workbook has every line, of one month.
vintages as (
    select
        submission_id,
        time_identifier,
        time_period,
        age_group,
        service_line_code,
        row_number() over (
            partition by time_identifier, time_period, age_group, service_line_code
            order by published_date desc, revised_date desc nulls last, supply_order desc
        ) as vintage_rank
    from (
        select distinct
            submission_id,
            time_identifier,
            time_period,
            age_group,
            service_line_code,
            published_date,
            revised_date,
            supply_order
        from waits
    ) as files
),

-- PS-111 and PS-112: the bands of a reported total should add up to it.
reconciliations as (
    select
        waits.submission_id,
        waits.time_identifier,
        waits.time_period,
        waits.org_level,
        waits.org_natural_code,
        waits.age_group,
        waits.service_line_code,
        sum(case when waits.band_code = 'total' then waits.waiting_count end) as total_count,
        coalesce(sum(case when waits.band_code <> 'total' then waits.waiting_count end), 0) as band_count
    from waits
    group by
        waits.submission_id, waits.time_identifier, waits.time_period, waits.org_level, waits.org_natural_code,
        waits.age_group, waits.service_line_code
)

select
    {{ surrogate_key([
        'waits.submission_id', 'waits.time_identifier', 'waits.time_period', 'waits.org_level',
        'waits.org_natural_code', 'waits.age_group', 'waits.service_line_code', 'waits.band_code'
    ]) }} as community_wait_key,
    {{ surrogate_key(['waits.org_level', 'waits.org_natural_code']) }} as provider_key,
    {{ surrogate_key(['waits.age_group', 'waits.service_line_code']) }} as service_key,
    {{ surrogate_key(['lower(waits.time_identifier)', 'waits.time_period']) }} as period_key,
    provider.la_code,
    waits.band_code,
    waits.waiting_count,
    waits.value_text,
    waits.value_status,
    'NHS England' as publisher,
    'Community Health Services waiting times' as dataset,
    'Community Health Services waiting times, ' || waits.time_identifier || ' ' || waits.time_period as release_name,
    waits.layout_era,
    waits.published_date,
    waits.revised_date,
    cast(vintages.vintage_rank as integer) as vintage_rank,
    vintages.vintage_rank = 1 as is_latest_vintage,
    case
        when reconciliations.band_count > reconciliations.total_count then 'PS-112'
        when reconciliations.band_count < 0.99 * reconciliations.total_count then 'PS-111'
    end as fault_rule_id,
    -- The total itself stands: it is the bands that are not the whole of it.
    waits.band_code = 'total'
    or coalesce(
        reconciliations.band_count between 0.99 * reconciliations.total_count and reconciliations.total_count,
        true
    ) as is_usable,
    waits.submission_id
from waits
inner join vintages -- exactly one
    on
        waits.submission_id = vintages.submission_id
        and waits.time_identifier = vintages.time_identifier
        and waits.time_period = vintages.time_period
        and waits.age_group = vintages.age_group
        and waits.service_line_code = vintages.service_line_code
inner join reconciliations -- exactly one
    on
        waits.submission_id = reconciliations.submission_id
        and waits.time_identifier = reconciliations.time_identifier
        and waits.time_period = reconciliations.time_period
        and waits.org_level = reconciliations.org_level
        and waits.org_natural_code = reconciliations.org_natural_code
        and waits.age_group = reconciliations.age_group
        and waits.service_line_code = reconciliations.service_line_code
left join {{ ref('dim_provider') }} as provider -- exactly one
    on {{ surrogate_key(['waits.org_level', 'waits.org_natural_code']) }} = provider.provider_key
