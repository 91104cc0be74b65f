{{ kpi_family([
    'ehcp_total',
    'ehcp_growth_12m_pct',
    'ehcp_forecast_variance_pct',
    'ehcp_year_9_11_share_pct',
    'ehcp_year_9_11_growth_pct',
    'ehcp_ceased_by_reason'
]) }}
