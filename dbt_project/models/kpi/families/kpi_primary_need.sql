{{ kpi_family([
    'ehcp_primary_need_share_pct',
    'ehcp_asd_growth_pct',
    'ehcp_semh_growth_pct',
    'ehcp_slcn_growth_pct',
    'sen_support_primary_need_share_pct'
]) }}
