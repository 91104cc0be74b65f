-- A view over what is released with it: labels stand here, because seeds are not released.
-- series, measure, section, what the line counts, and the measure of the same series that it is a share of.
{% set lines = [
    ('requests', 'requests_received_in_year', 1, 'Requests received', none),
    ('requests', 'requests_decided_to_assess', 1, 'Requests: decided to assess', 'requests_received_in_year'),
    ('requests', 'requests_decided_not_to_assess', 1, 'Requests: decided not to assess', 'requests_received_in_year'),
    ('requests', 'requests_decision_not_made', 1, 'Requests: no decision yet', 'requests_received_in_year'),
    ('requests', 'requests_withdrawn', 1, 'Requests: withdrawn or ceased before the decision', 'requests_received_in_year'),
    ('requests', 'requests_rya', 1, 'Requests for a young person in youth accommodation', 'requests_received_in_year'),
    ('requests', 'request_outcome_six_weeks', 1, 'Decisions whether to assess within six weeks', 'request_outcome_six_weeks + request_outcome_over_6_weeks'),
    ('requests', 'request_outcome_over_6_weeks', 1, 'Decisions whether to assess after six weeks', 'request_outcome_six_weeks + request_outcome_over_6_weeks'),
    ('requests', 'mediation_related_request', 1, 'Requests with mediation', 'requests_received_in_year'),
    ('requests', 'tribunal_related_request', 1, 'Requests with an appeal to the tribunal', 'requests_received_in_year'),
    ('requests', 'tribunal_after_mediation_request', 1, 'Requests with an appeal after mediation', 'requests_received_in_year'),
    ('assessments', 'assess_in_year', 2, 'Assessments', none),
    ('assessments', 'assess_issued', 2, 'Assessments: plan issued', 'assess_in_year'),
    ('assessments', 'assess_not_issued', 2, 'Assessments: plan not issued', 'assess_in_year'),
    ('assessments', 'assess_not_made', 2, 'Assessments: no decision yet', 'assess_in_year'),
    ('assessments', 'assess_withdrawn', 2, 'Assessments: withdrawn', 'assess_in_year'),
    ('assessments', 'outcome_decision_within_time', 2, 'Decisions not to issue within 16 weeks', 'outcome_decision_within_time + outcome_decision_over_time'),
    ('assessments', 'outcome_decision_over_time', 2, 'Decisions not to issue after 16 weeks', 'outcome_decision_within_time + outcome_decision_over_time'),
    ('assessments', 'number_assess_mediation', 2, 'Assessments with mediation', 'assess_in_year'),
    ('assessments', 'number_assess_tribunal', 2, 'Assessments with an appeal to the tribunal', 'assess_in_year'),
    ('assessments', 'number_asssess_mediation_tribunal', 2, 'Assessments with an appeal after mediation', 'assess_in_year'),
    ('assessments', 'number_other_mediation', 2, 'Other mediation', 'assess_in_year'),
    ('assessments', 'number_other_tribunal', 2, 'Other appeals to the tribunal', 'assess_in_year'),
    ('assessments', 'number_other_mediation_tribunal', 2, 'Other appeals after mediation', 'assess_in_year'),
    ('timeliness_20_week', 'plans_issued_den', 3, 'Plans issued, all cases', none),
    ('timeliness_20_week', 'plans_issued_within_20_weeks', 3, 'Plans issued within 20 weeks, all cases', 'plans_issued_den'),
    ('timeliness_20_week', 'plans_issued_gt20weeks_ltyear', 3, 'Plans issued after 20 weeks and within a year, all cases', 'plans_issued_den'),
    ('timeliness_20_week', 'plans_issued_gt_1_year', 3, 'Plans issued after more than a year, all cases', 'plans_issued_den'),
    ('timeliness_20_week', 'plans_issued_den_ex', 3, 'Plans issued, exceptions excluded', none),
    ('timeliness_20_week', 'plans_issued_20_weeks_ex', 3, 'Plans issued within 20 weeks, exceptions excluded', 'plans_issued_den_ex'),
    ('timeliness_20_week', 'plans_issued_gt20weeks_ltyear_ex', 3, 'Plans issued after 20 weeks and within a year, exceptions excluded', 'plans_issued_den_ex'),
    ('timeliness_20_week', 'plans_issued_gt_1_year_ex', 3, 'Plans issued after more than a year, exceptions excluded', 'plans_issued_den_ex'),
    ('newplans', 'new_ehc_plans', 4, 'New plans', none),
    ('caseload', 'ehcplans', 5, 'Plans in force', none),
    ('personal_budgets', 'personal_budget', 6, 'Plans with a personal budget', none),
    ('personal_budgets', 'org_arrangments', 6, 'Personal budgets with organised arrangements', 'personal_budget'),
    ('personal_budgets', 'pb_education', 6, 'Direct payments: education', 'personal_budget'),
    ('personal_budgets', 'pb_social', 6, 'Direct payments: social care', 'personal_budget'),
    ('personal_budgets', 'pb_health', 6, 'Direct payments: health', 'personal_budget'),
    ('personal_budgets', 'pb_integrated', 6, 'Direct payments: integrated', 'personal_budget'),
    ('residential_settings', 'res_tot', 6, 'Plans with residential education', none),
    ('ceased_plans', 'total_ceased', 7, 'Plans ceased', none),
    ('ceased_plans', 'max_age', 7, 'Ceased: reached the maximum age', 'total_ceased'),
    ('ceased_plans', 'needs_met', 7, 'Ceased: needs met without a plan', 'total_ceased'),
    ('ceased_plans', 'he', 7, 'Ceased: higher education', 'total_ceased'),
    ('ceased_plans', 'employ', 7, 'Ceased: paid employment', 'total_ceased'),
    ('ceased_plans', 'transfer', 7, 'Ceased: transferred to another authority in England', 'total_ceased'),
    ('ceased_plans', 'no_engage', 7, 'Ceased: no longer wishes to engage', 'total_ceased'),
    ('ceased_plans', 'moved_outside_eng', 7, 'Ceased: moved outside England', 'total_ceased'),
    ('ceased_plans', 'deceased', 7, 'Ceased: deceased', 'total_ceased'),
    ('ceased_plans', 'other', 7, 'Ceased: other reason', 'total_ceased'),
    ('ceased_plans', 'not_rec', 7, 'Ceased: reason not recorded', 'total_ceased'),
    ('annual_reviews', 'review_expected', 8, 'Plans for which a review was expected', none),
    ('annual_reviews', 'review_not_expected', 8, 'Plans for which no review was expected', none),
    ('annual_reviews', 'total_review_meeting', 8, 'Plans with a review meeting', 'review_expected'),
    ('annual_reviews', 'no_review_meeting', 8, 'Plans without the review meeting expected', 'review_expected'),
    ('annual_reviews', 'outcome_maintan', 8, 'Reviews: plan maintained', 'total_review_meeting'),
    ('annual_reviews', 'outcome_amend', 8, 'Reviews: plan amended', 'total_review_meeting'),
    ('annual_reviews', 'outcome_cease', 8, 'Reviews: plan to cease', 'total_review_meeting'),
    ('annual_reviews', 'no_outcome', 8, 'Reviews: no outcome recorded', 'total_review_meeting'),
    ('annual_reviews', 'number_decsion_4weeks', 8, 'Review decisions within four weeks', 'number_decsion_4weeks + number_decision_gt_4weeks'),
    ('annual_reviews', 'number_decision_gt_4weeks', 8, 'Review decisions after four weeks', 'number_decsion_4weeks + number_decision_gt_4weeks'),
    ('phase_transfers', 'due_this_year', 9, 'Phase transfers due in the calendar year', none),
    ('phase_transfers', 'final_this_year', 9, 'Phase transfer plans final in the calendar year', none),
    ('phase_transfers', 'due_next_year', 9, 'Phase transfers due in the year after', none),
    ('phase_transfers', 'final_next_year', 9, 'Phase transfer plans final for the year after', none)
] %}
-- A change is large from a quarter of last year's count and ten children on, of a share from ten points and 30 children on.
{% set large_change_pct, large_change_count, large_change_points, smallest_base = 25, 10, 10, 30 %}
with total_lines (series_code, measure_code, section_order, line_order, line_name, base_codes) as (
    values
    {%- for series, measure, section, name, base in lines %}
        (
            '{{ series }}', '{{ measure }}', {{ section }}, {{ loop.index }}, '{{ name }}',
            {{ "['" ~ base.split(' + ') | join("', '") ~ "']" if base else 'cast(null as varchar[])' }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
),

-- Measures that DfE names after a year are told apart by how far the year is from that of the return.
told as (
    select
        la_code,
        series_code,
        case
            when series_code = 'phase_transfers' and regexp_matches(measure_code, '^(due|final)_[0-9]{2}$')
                then
                    regexp_extract(measure_code, '^(due|final)')
                    || if(right(measure_code, 2) = right(time_period, 2), '_this_year', '_next_year')
            else measure_code
        end as measure_code,
        -- The return is named after the year of its January: it tells of that day, and of the calendar year before.
        if(time_identifier = 'Academic year', cast(left(time_period, 4) as integer), cast(time_period as integer)) + 1
            as return_year,
        topic_code,
        item_code,
        breakdown_topic,
        breakdown,
        is_total,
        statistic_count,
        submission_id
    from {{ ref('fct_ehc_statistic') }}
    where definition_code = 'standard'
),

published as (
    select
        cell.la_code,
        cell.series_code,
        if(
            cell.series_code = 'phase_transfers' and regexp_matches(cell.measure_code, '^(due|final)_[0-9]{2}$'),
            regexp_extract(cell.measure_code, '^(due|final)')
            || if(right(cell.measure_code, 2) = right(cell.time_period, 2), '_this_year', '_next_year'),
            cell.measure_code
        ) as measure_code,
        if(cell.time_identifier = 'Academic year', cast(left(cell.time_period, 4) as integer), cast(cell.time_period as integer)) + 1
            as return_year,
        statistic.is_total,
        cell.breakdown_topic,
        cell.breakdown,
        cell.published_value,
        cell.release_name,
        cell.reason
    from {{ ref('fct_ehc_statistic_comparison') }} as cell
    inner join {{ ref('fct_published_statistic') }} as statistic -- exactly one
        on cell.published_statistic_key = statistic.published_statistic_key
    where cell.unit = 'count'
),

{% set item_topics = [
    ('requests', 'requests_received_in_year', 'age'), ('requests', 'requests_received_in_year', 'sex'),
    ('newplans', 'new_ehc_plans', 'start_age'), ('newplans', 'new_ehc_plans', 'sex'),
    ('caseload', 'ehcplans', 'age'), ('caseload', 'ehcplans', 'sex')
] %}
placements as (
    select distinct
        placement_group_code as measure_code,
        'Placement group' as breakdown_topic,
        placement_group_name as breakdown,
        100 + group_order as item_order
    from {{ ref('dim_placement_group') }}

    union all

    select
        placement_line_code as measure_code,
        'Placement' as breakdown_topic,
        placement_line_name as breakdown,
        200 + line_order as item_order
    from {{ ref('dim_placement_group') }}
),

-- Placements and needs are measures of their own in DfE's tables.
measures as (
    select
        series_code,
        measure_code,
        section_order,
        line_order,
        line_name,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        0 as item_order,
        base_codes
    from total_lines

    union all by name

    select
        whole.series_code,
        placement.measure_code,
        whole.section_order,
        whole.line_order,
        whole.line_name,
        placement.breakdown_topic,
        placement.breakdown,
        placement.item_order,
        [whole.measure_code] as base_codes
    from total_lines as whole
    cross join placements as placement
    where whole.measure_code in ('new_ehc_plans', 'ehcplans')

    union all by name

    select
        if(whole.measure_code = 'ehcplans', 'sen_needs_all_plans', 'sen_need_newplans') as series_code,
        'number_' || if(need.need_code = 'UNKNOWN', 'need_unknown', lower(need.need_code)) as measure_code,
        whole.section_order,
        whole.line_order,
        whole.line_name,
        'Primary need' as breakdown_topic,
        need.need_name as breakdown,
        300 + need.need_order as item_order,
        ['ehc_plans'] as base_codes
    from total_lines as whole
    cross join {{ ref('dim_need') }} as need
    where whole.measure_code in ('new_ehc_plans', 'ehcplans')
),

measure_counts as (
    select
        told.la_code,
        told.return_year,
        measures.*,
        told.statistic_count as return_count,
        told.submission_id,
        -- A share only where every part of what it is a share of is told.
        if(count(base.statistic_count) = any_value(len(measures.base_codes)), sum(base.statistic_count), null) as base_count
    from told
    inner join measures -- one to one of each breakdown
        on
            told.series_code = measures.series_code
            and told.measure_code = measures.measure_code
    left join told as base -- one to every part of the base
        on
            base.is_total
            and told.la_code = base.la_code
            and told.return_year = base.return_year
            and told.series_code = base.series_code
            and list_contains(measures.base_codes, base.measure_code)
    where told.is_total
    group by all
),

-- Ages and sex are items of a measure: one that nobody falls under is 0 in a return that tells of the measure.
item_counts as (
    select
        told.la_code,
        told.return_year,
        told.series_code,
        told.measure_code,
        if(told.topic_code = 'sex', 'Sex', 'Age group') as breakdown_topic,
        if(
            told.topic_code = 'sex',
            told.breakdown,
            coalesce({{ age_group(age_from('told.breakdown'), age_to('told.breakdown')) }}, 'Not recorded')
        ) as breakdown,
        sum(told.statistic_count) as return_count
    from told
    where
        (told.series_code, told.measure_code, told.topic_code) in (
            {%- for series, measure, topic in item_topics %}
                ('{{ series }}', '{{ measure }}', '{{ topic }}'){{ ',' if not loop.last }}
            {%- endfor %}
        )
    group by all
),

items as (
    select distinct
        la_code,
        series_code,
        measure_code,
        breakdown_topic,
        breakdown
    from item_counts
),

counted as (
    select
        la_code,
        return_year,
        series_code,
        measure_code,
        section_order,
        line_order,
        line_name,
        breakdown_topic,
        breakdown,
        item_order,
        return_count,
        base_count,
        submission_id
    from measure_counts

    union all by name

    select
        whole.la_code,
        whole.return_year,
        whole.series_code,
        whole.measure_code,
        whole.section_order,
        whole.line_order,
        whole.line_name,
        items.breakdown_topic,
        items.breakdown,
        400 + coalesce(
            list_position(['Under 5', '5 to 10', '11 to 15', '16 to 19', '20 to 25', 'Not recorded'], items.breakdown), 50
        ) as item_order,
        coalesce(item_counts.return_count, 0) as return_count,
        whole.return_count as base_count,
        whole.submission_id
    from measure_counts as whole
    inner join items -- one to many
        on
            whole.la_code = items.la_code
            and whole.series_code = items.series_code
            and whole.measure_code = items.measure_code
    left join item_counts -- at most one
        on
            whole.la_code = item_counts.la_code
            and whole.return_year = item_counts.return_year
            and whole.series_code = item_counts.series_code
            and whole.measure_code = item_counts.measure_code
            and items.breakdown_topic = item_counts.breakdown_topic
            and items.breakdown = item_counts.breakdown
    where whole.breakdown_topic = 'Total'
),

item_labels as (
    select distinct
        series_code,
        measure_code,
        topic_code,
        breakdown_topic
    from told
    where
        (series_code, measure_code, topic_code) in (
            {%- for series, measure, topic in item_topics %}
                ('{{ series }}', '{{ measure }}', '{{ topic }}'){{ ',' if not loop.last }}
            {%- endfor %}
        )
),

-- What is published of the whole stands beside it; of ages and sex only where every cell of the item is.
published_counts as (
    select
        la_code,
        return_year,
        series_code,
        measure_code,
        null as item_topic,
        null as item,
        max(published_value) as published_count,
        max(release_name) as release_name,
        max(reason) as reason
    from published
    where is_total
    group by la_code, return_year, series_code, measure_code

    union all by name

    select
        published.la_code,
        published.return_year,
        published.series_code,
        published.measure_code,
        if(topic.topic_code = 'sex', 'Sex', 'Age group') as item_topic,
        if(
            topic.topic_code = 'sex',
            published.breakdown,
            coalesce({{ age_group(age_from('published.breakdown'), age_to('published.breakdown')) }}, 'Not recorded')
        ) as item,
        if(count(*) = count(published.published_value), sum(published.published_value), null) as published_count,
        max(published.release_name) as release_name,
        max(published.reason) as reason
    from published
    inner join item_labels as topic -- at most one
        on
            published.series_code = topic.series_code
            and published.measure_code = topic.measure_code
            and published.breakdown_topic = topic.breakdown_topic
    group by all
),

compared as (
    select
        counted.*,
        counted.return_year = max(counted.return_year) over (partition by counted.la_code) as is_latest_return,
        {{ share_in_tenths('counted.return_count', 'counted.base_count') }} as return_pct,
        previous.return_count as previous_count,
        previous.base_count as previous_base_count,
        {{ share_in_tenths('previous.return_count', 'previous.base_count') }} as previous_pct,
        published_counts.published_count,
        published_counts.release_name as published_release_name,
        published_counts.reason as published_reason
    from counted
    left join counted as previous -- at most one
        on
            counted.la_code = previous.la_code
            and counted.return_year = previous.return_year + 1
            and counted.series_code = previous.series_code
            and counted.measure_code = previous.measure_code
            and counted.breakdown_topic = previous.breakdown_topic
            and counted.breakdown = previous.breakdown
    left join published_counts -- at most one
        on
            counted.la_code = published_counts.la_code
            and counted.return_year = published_counts.return_year
            and counted.series_code = published_counts.series_code
            and counted.measure_code = published_counts.measure_code
            and if(counted.breakdown_topic in ('Sex', 'Age group'), counted.breakdown_topic, null)
            is not distinct from published_counts.item_topic
            and if(counted.breakdown_topic in ('Sex', 'Age group'), counted.breakdown, null)
            is not distinct from published_counts.item
),

judged as (
    select
        *,
        coalesce(
            (
                abs(return_count - previous_count) >= {{ large_change_count }}
                and 100 * abs(return_count - previous_count) > {{ large_change_pct }} * previous_count
            )
            or (
                abs(return_pct - previous_pct) >= {{ large_change_points }}
                and least(base_count, previous_base_count) >= {{ smallest_base }}
            ),
            false
        ) as is_large_change,
        coalesce(return_count <> published_count, false) as differs_from_published
    from compared
)

select
    {{ surrogate_key(['la_code', 'return_year', 'series_code', 'measure_code', 'breakdown_topic', 'breakdown']) }}
        as sen2_presubmission_key,
    la_code,
    cast(return_year as integer) as return_year,
    is_latest_return,
    case
        when series_code in ('caseload', 'sen_needs_all_plans', 'personal_budgets', 'residential_settings', 'annual_reviews')
            then 'January ' || return_year
        else 'Calendar year ' || (return_year - 1)
    end as period_label,
    cast(
        row_number() over (
            partition by la_code, return_year
            order by section_order, line_order, item_order, breakdown, series_code, measure_code
        ) as integer
    ) as line_order,
    case section_order
        when 1 then 'Requests'
        when 2 then 'Assessments'
        when 3 then 'Plans issued within 20 weeks'
        when 4 then 'New plans'
        when 5 then 'Plans in force'
        when 6 then 'Personal budgets and residential education'
        when 7 then 'Plans ceased'
        when 8 then 'Annual reviews'
        else 'Phase transfers'
    end as section_name,
    series_code,
    measure_code,
    line_name,
    breakdown_topic,
    breakdown,
    cast(return_count as bigint) as return_count,
    cast(base_count as bigint) as base_count,
    cast(return_pct as decimal(9, 1)) as return_pct,
    cast(previous_count as bigint) as previous_count,
    cast(previous_pct as decimal(9, 1)) as previous_pct,
    cast(return_count - previous_count as bigint) as change_count,
    cast(round(100 * (return_count - previous_count) / nullif(previous_count, 0), 1) as decimal(9, 1)) as change_pct,
    cast(published_count as bigint) as published_count,
    cast(return_count - published_count as bigint) as published_difference,
    published_release_name,
    is_large_change,
    differs_from_published,
    nullif(
        concat_ws(
            ' ',
            if(is_large_change, 'Changed much since the return before: check, and note why.', null),
            if(
                differs_from_published,
                'Differs from what is published: ' || coalesce(published_reason, 'no reason is known.'),
                null
            )
        ),
        ''
    ) as attention,
    submission_id
from judged
