{{ kpi_family([
    'placement_share_pct',
    'placement_gap_to_england_pp',
    'ehcp_mainstream_pct',
    'ehcp_independent_nm_pct',
    'ehcp_out_of_borough_pct',
    'ehcp_educated_elsewhere_pct',
    'rp_places_commissioned',
    'rp_occupancy_pct',
    'special_occupancy_pct',
    'place_gap_mainstream',
    'place_gap_special',
    'place_gap_isp',
    'place_gap_post16'
]) }}
