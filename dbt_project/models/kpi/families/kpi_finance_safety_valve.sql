{{ kpi_family([
    'dsg_cumulative_balance',
    'dsg_in_year_balance',
    'dsg_variance_to_agreement',
    'dsg_forecast_movement',
    'high_needs_spend_by_line',
    'inmss_unit_cost',
    'average_cost_per_ehcp',
    'top_up_spend',
    'therapy_dsg_spend',
    'safety_valve_conditions_on_track_pct'
]) }}
