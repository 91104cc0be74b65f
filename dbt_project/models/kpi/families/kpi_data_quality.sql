{{ kpi_family([
    'census_sen2_ehcp_difference',
    'sen2_completeness_pct',
    'quarantine_rate_pct',
    'linkage_rate_pct',
    'therapy_sitrep_difference_pct'
]) }}
