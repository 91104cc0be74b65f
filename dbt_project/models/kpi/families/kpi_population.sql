{{ kpi_family([
    'pupils_on_roll',
    'sen_pupils_pct',
    'sen_support_pct',
    'ehcp_pupils_pct'
]) }}
