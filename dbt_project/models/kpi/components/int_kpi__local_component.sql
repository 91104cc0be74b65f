-- Filled by the local calculation of KPIs; without it there is no local figure, and nothing to suppress.
select
    cast(null as varchar) as kpi_value_key,
    cast(null as varchar) as part,
    cast(null as decimal(18, 4)) as weight,
    cast(null as varchar) as cell_key
where false
