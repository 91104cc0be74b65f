-- Filled by the local calculation of KPIs; without it there is no local figure, and nothing to suppress.
select
    cast(null as varchar) as cell_key,
    cast(null as varchar) as la_code,
    cast(null as varchar) as series_code,
    cast(null as varchar) as measure_code,
    cast(null as varchar) as time_identifier,
    cast(null as varchar) as time_period,
    cast(null as varchar) as cell_topic,
    cast(null as varchar) as cell_breakdown,
    cast(null as bigint) as cell_count,
    cast(null as bigint) as published_count,
    cast(null as boolean) as is_already_published
where false
