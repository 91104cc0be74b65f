{{ config(materialized='table') }}
{#-
    The published tables, and the two that KPIs alone need (setting_location, phase_transfers_due): the topics each is broken down by, and each boolean of its records with the measure that counts it.
    Some names of measures carry the last two digits of a year: of the activity year, or of the census year after it.
-#}
{%- set activity_year = "right(time_period, 2)" -%}
{%- set census_year = "right(cast(cast(time_period as integer) + 1 as string), 2)" -%}
{%- set tables = {
    'caseload': {
        'topics': ['sex', 'ethnicity', 'age', 'start_age', 'years'],
        'lines': {'kind': 'placement', 'column': 'placement_line_code', 'total': 'ehcplans'},
    },
    'sen_needs_all_plans': {
        'topics': ['sex', 'ethnicity', 'age', 'years', 'placement'],
        'lines': {'kind': 'need', 'column': 'primary_need_code', 'total': 'ehc_plans'},
    },
    'newplans': {
        'topics': ['sex', 'ethnicity', 'start_age'],
        'lines': {'kind': 'placement', 'column': 'placement_line_code', 'total': 'new_ehc_plans'},
    },
    'sen_need_newplans': {
        'topics': ['sex', 'ethnicity', 'start_age', 'placement'],
        'lines': {'kind': 'need', 'column': 'primary_need_code', 'total': 'ehc_plans'},
    },
    'requests': {
        'topics': ['sex', 'ethnicity', 'age'],
        'measures': {
            'is_received': "'requests_received_in_year'",
            'is_received_in_youth_accommodation': "'requests_rya'",
            'is_decided_to_assess': "'requests_decided_to_assess'",
            'is_decided_not_to_assess': "'requests_decided_not_to_assess'",
            'is_decision_not_made': "'requests_decision_not_made'",
            'is_withdrawn': "'requests_withdrawn'",
            'is_with_mediation': "'mediation_related_request'",
            'is_with_tribunal': "'tribunal_related_request'",
            'is_with_tribunal_after_mediation': "'tribunal_after_mediation_request'",
            'is_decided_in_time': "'request_outcome_six_weeks'",
            'is_decided_late': "'request_outcome_over_6_weeks'",
        },
    },
    'assessments': {
        'topics': ['sex', 'ethnicity', 'age'],
        'measures': {
            'is_assessed': "'assess_in_year'",
            'is_issued': "'assess_issued'",
            'is_not_issued': "'assess_not_issued'",
            'is_not_decided': "'assess_not_made'",
            'is_withdrawn': "'assess_withdrawn'",
            'is_not_issued_in_time': "'outcome_decision_within_time'",
            'is_not_issued_late': "'outcome_decision_over_time'",
            'is_with_mediation': "'number_assess_mediation'",
            'is_with_tribunal': "'number_assess_tribunal'",
            'is_with_mediation_and_tribunal': "'number_asssess_mediation_tribunal'",
            'is_with_other_mediation': "'number_other_mediation'",
            'is_with_other_tribunal': "'number_other_tribunal'",
            'is_with_other_mediation_and_tribunal': "'number_other_mediation_tribunal'",
        },
    },
    'timeliness_20_week': {
        'topics': ['sex', 'ethnicity', 'age', 'need'],
        'measures': {
            'is_issued': "'plans_issued_den'",
            'is_issued_without_exception': "'plans_issued_den_ex'",
            'is_in_time': "'plans_issued_within_20_weeks'",
            'is_in_time_without_exception': "'plans_issued_20_weeks_ex'",
            'is_late': "'plans_issued_gt20weeks_ltyear'",
            'is_late_without_exception': "'plans_issued_gt20weeks_ltyear_ex'",
            'is_over_a_year': "'plans_issued_gt_1_year'",
            'is_over_a_year_without_exception': "'plans_issued_gt_1_year_ex'",
        },
    },
    'annual_reviews': {
        'topics': ['sex', 'ethnicity', 'age', 'years', 'placement'],
        'measures': {
            'is_in_force': "'total_ehc_plans'",
            'is_review_expected': "'review_expected'",
            'is_review_not_expected': "'review_not_expected'",
            'is_review_held': "'total_review_meeting'",
            'is_review_not_held': "'no_review_meeting'",
            'is_met_earlier': "'review_meeting_prior_' || " ~ activity_year,
            'is_met_in_activity_year': "'review_meeting_' || " ~ activity_year,
            'is_met_in_census_year': "'review_meeting_' || " ~ census_year,
            'is_decided_earlier': "'review_decision_prior' || " ~ activity_year,
            'is_decided_in_activity_year': "'review_decision' || " ~ activity_year,
            'is_decided_in_census_year': "'review_decision' || " ~ census_year,
            'is_decision_not_due': "'review_decision_not_due'",
            'is_decision_outstanding': "'review_decision_outstanding'",
            'is_amended': "'outcome_amend'",
            'is_ceased': "'outcome_cease'",
            'is_maintained': "'outcome_maintan'",
            'is_without_outcome': "'no_outcome'",
            'is_decided_in_time': "'number_decsion_4weeks'",
            'is_decided_late': "'number_decision_gt_4weeks'",
        },
    },
    'personal_budgets': {
        'topics': ['sex', 'ethnicity', 'age', 'placement'],
        'measures': {
            'has_personal_budget': "'personal_budget'",
            'has_organised_arrangements': "'org_arrangments'",
            'has_health_payment': "'pb_health'",
            'has_education_payment': "'pb_education'",
            'has_social_care_payment': "'pb_social'",
            'has_integrated_payment': "'pb_integrated'",
        },
    },
    'residential_settings': {
        'topics': ['sex', 'ethnicity', 'age', 'placement'],
        'measures': {
            'is_shorter_residential': "'res_3851'",
            'is_longer_residential': "'res_52'",
            'is_residential': "'res_tot'",
        },
    },
    'work_based_placements': {
        'topics': ['sex', 'ethnicity', 'age', 'placement'],
        'measures': {
            'is_supported_internship': "'open_supp_intern'",
            'is_apprenticeship': "'open_apprentice'",
            'is_traineeship': "'open_trainee'",
            'is_work_based': "'open_wbp'",
        },
    },
    'ceased_plans': {
        'topics': ['sex', 'ethnicity', 'age', 'years', 'placement'],
        'measures': {
            'is_ceased': "'total_ceased'",
            'is_without_reason': "'not_rec'",
            'is_at_maximum_age': "'max_age'",
            'is_with_needs_met': "'needs_met'",
            'is_in_higher_education': "'he'",
            'is_in_paid_employment': "'employ'",
            'is_transferred': "'transfer'",
            'is_no_longer_engaging': "'no_engage'",
            'is_outside_england': "'moved_outside_eng'",
            'is_deceased': "'deceased'",
            'is_other': "'other'",
        },
    },
    'phase_transfers': {
        'topics': [],
        'measures': {
            'is_in_force': "'number_plans'",
            'is_due_in_activity_year': "'due_' || " ~ activity_year,
            'is_due_in_census_year': "'due_' || " ~ census_year,
            'is_final_in_activity_year': "'final_' || " ~ activity_year,
            'is_final_in_census_year': "'final_' || " ~ census_year,
        },
    },
    'setting_location': {
        'topics': ['sex', 'ethnicity', 'age', 'need', 'placement'],
        'measures': {
            'is_located': "'located_plans'",
            'is_in_another_authority': "'located_in_another_authority'",
        },
    },
    'phase_transfers_due': {
        'topics': ['sex', 'ethnicity', 'need', 'placement'],
        'measures': {
            'is_due': "'phase_transfers_due'",
            'is_final_in_time': "'phase_transfers_final_in_time'",
        },
    },
} -%}
{% for series_code, table in tables.items() %}
    ({{ ehc_statistic_counts(series_code, table.topics, table.measures, table.lines) }})
    {{ 'union all' if not loop.last }}
{% endfor %}
