{{ kpi_family([
    'sen_suspension_rate',
    'sen_permanent_exclusion_rate',
    'sen_absence_rate_pct',
    'sen_persistent_absence_pct',
    'sen_16_17_participation_pct'
]) }}
