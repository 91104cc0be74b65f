{{ kpi_family([
    'ehc_requests_received',
    'ehc_requests_refused_pct',
    'ehc_decision_6_weeks_pct',
    'ehc_assessments',
    'ehc_not_issued_pct',
    'ehcp_new',
    'ehcp_20_weeks_excl_exceptions_pct',
    'ehcp_20_weeks_all_pct',
    'ehcp_over_52_weeks_pct',
    'ehc_mediation_cases',
    'send_appeal_rate_pct',
    'annual_reviews_held_pct',
    'annual_review_decision_4_weeks_pct',
    'phase_transfer_by_due_date_pct',
    'ehc_health_advice_6_weeks_pct'
]) }}
