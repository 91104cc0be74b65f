{{ kpi_family([
    'therapy_waiting_total',
    'therapy_within_18_weeks_pct',
    'therapy_over_52_weeks',
    'therapy_over_104_weeks',
    'therapy_median_wait_weeks',
    'therapy_p92_wait_weeks',
    'therapy_referrals_received',
    'therapy_discharges',
    'therapy_dna_rate_pct',
    'ehcp_children_waiting_therapy',
    'neurodev_waiting_total',
    'neurodev_referral_to_outcome_weeks',
    'camhs_first_contact_median_weeks'
]) }}
