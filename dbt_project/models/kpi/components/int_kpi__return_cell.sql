-- Counts that no published table has, which KPIs show: how whole the returns are, how well they link, and the phase transfers
-- that a return made before their due date tells of.
with own_authority as (
    select setting_value as la_code
    from {{ ref('stg_control__setting') }}
    where setting_name = 'la_code'
),

-- Of each return, supplier and period the file that counts; where none was accepted, the last that was refused.
received as (
    select
        submission_id,
        return_id,
        period,
        rows_read,
        rows_quarantined as rows_held_back,
        true as is_accepted
    from {{ ref('stg_control__submission') }}
    where is_current

    union all

    select
        refused.submission_id,
        refused.return_id,
        refused.period,
        refused.rows_read,
        refused.rows_read as rows_held_back,
        false as is_accepted
    from {{ ref('stg_control__refused_submission') }} as refused
    where
        not exists (
            select 1
            from {{ ref('stg_control__submission') }} as accepted
            where
                accepted.is_current
                and accepted.return_id = refused.return_id
                and accepted.supplier = refused.supplier
                and accepted.period = refused.period
        )
    qualify row_number() over (
        partition by refused.return_id, refused.supplier, refused.period
        order by refused.received_at desc, refused.submission_id desc
    ) = 1
),

-- The calendar year that a period ends in: 2022-10, 2023, 2023-04 and 2021-22Q4 are of 2022, 2023, 2023 and 2022.
received_years as (
    select
        kpi_return.return_name,
        cast(try_cast(left(received.period, 4) as integer) + if(received.period like '%Q4', 1, 0) as varchar) as time_period,
        make_date(
            try_cast(left(received.period, 4) as integer) + if(received.period like '%Q4', 1, 0),
            case right(received.period, 2)
                when 'Q1' then 6
                when 'Q2' then 9
                when 'Q3' then 12
                when 'Q4' then 3
                -- A year alone is a January.
                else coalesce(try_cast(right(received.period, -5) as integer), 1)
            end,
            1
        ) as last_month,
        received.rows_read,
        received.rows_held_back,
        received.is_accepted,
        received.submission_id
    from received
    inner join {{ ref('kpi_return') }} as kpi_return -- exactly one
        on received.return_id = kpi_return.return_id
    where try_cast(left(received.period, 4) as integer) is not null
),

year_coverage as (
    select
        time_period,
        case
            when max(max(last_month)) over () < make_date(cast(time_period as integer), 12, 1)
                then
                    'Part of the year: the latest return is of '
                    || strftime(max(max(last_month)) over (), '%B %Y') || '.'
        end as coverage_note
    from received_years
    group by time_period
),

-- A row can be a child; few rows of money are withheld as well.
received_counts as (
    select
        'data_quality' as series_code,
        'rows_received' as measure_code,
        'Calendar year' as time_identifier,
        time_period,
        'Return' as cell_topic,
        return_name as cell_breakdown,
        sum(rows_read) as cell_count,
        sum(rows_read) as people_count,
        -- of a return of which nothing was accepted, a refused file
        coalesce(max(submission_id) filter (where is_accepted), max(submission_id)) as submission_id
    from received_years
    group by time_period, return_name

    union all

    select
        'data_quality' as series_code,
        'rows_held_back' as measure_code,
        'Calendar year' as time_identifier,
        time_period,
        'Return' as cell_topic,
        return_name as cell_breakdown,
        sum(rows_held_back) as cell_count,
        sum(rows_held_back) as people_count,
        coalesce(max(submission_id) filter (where is_accepted), max(submission_id)) as submission_id
    from received_years
    group by time_period, return_name
),

plans as (
    select
        plan.*,
        {{ academic_year_of_january('cast(plan.census_year as varchar)') }} as academic_year
    from {{ ref('fct_ehc_plan_census') }} as plan
    where plan.view_code = 'own_return'
),

-- What every return since 2023 has to say of every child with a plan. A code for not known fills nothing.
plan_items as (
    {%- for item, is_filled in [
        ('Sex', "sex_code in ('M', 'F')"),
        ('Ethnicity', "ethnicity_code <> 'NOBT'"),
        ('Primary need', "primary_need_code <> 'UNKNOWN'"),
        ('Placement', "placement_line_code <> 'placement_unknown'")
    ] %}
        select
            la_code,
            academic_year,
            '{{ item }}' as item,
            coalesce({{ is_filled }}, false) as is_filled,
            submission_id
        from plans

        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

item_counts as (
    select
        la_code,
        academic_year,
        item,
        count(*) as required_count,
        count(*) filter (where is_filled) as filled_count,
        max(submission_id) as submission_id
    from plan_items
    group by la_code, academic_year, item
),

-- Who should be found in another return: children with a plan at a school whose January census came, and residents of
-- compulsory school age (5 to 15) who wait for therapy in January, whom a census or SEN2 knows unless they are in no state school.
links as (
    select
        la_code,
        {{ academic_year_of_january('cast(census_year as varchar)') }} as academic_year,
        'SEN2 to school census' as pair,
        child_key,
        reason_code <> 'not_on_roll_where_placed' as is_linked,
        submission_id
    from {{ ref('fct_census_plan_child') }}
    where reason_code in ('in_both', 'on_roll_with_other_provision', 'not_on_roll_where_placed')

    union all

    select
        la_code,
        {{ academic_year_of_january('cast(year(snapshot_date) as varchar)') }} as academic_year,
        'Therapy waiting list to school census or SEN2' as pair,
        child_key,
        coalesce(is_known_child, false) as is_linked,
        submission_id
    from {{ ref('fct_therapy_wait') }}
    where
        month(snapshot_date) = 1
        and is_waiting
        and is_reportable
        and is_resident
        and age_at_snapshot between 5 and 15
),

link_counts as (
    select
        la_code,
        academic_year,
        pair,
        count(distinct child_key) as expected_count,
        count(distinct child_key) filter (where is_linked) as linked_count,
        max(submission_id) as submission_id
    from links
    group by la_code, academic_year, pair
),

items as (
    select
        own_authority.la_code,
        received_counts.*,
        year_coverage.coverage_note
    from received_counts
    inner join year_coverage -- exactly one
        on received_counts.time_period = year_coverage.time_period
    cross join own_authority

    {%- for source, topic, item, counts in [
        ('item_counts', 'Item', 'item', {'items_required': 'required_count', 'items_filled': 'filled_count'}),
        ('link_counts', 'Pair of returns', 'pair', {'children_to_link': 'expected_count', 'children_linked': 'linked_count'})
    ] %}
        {%- for measure, column in counts.items() %}

            union all by name

            select
                la_code,
                'data_quality' as series_code,
                '{{ measure }}' as measure_code,
                'Academic year' as time_identifier,
                academic_year as time_period,
                '{{ topic }}' as cell_topic,
                {{ item }} as cell_breakdown,
                {{ column }} as cell_count,
                {{ column }} as people_count,
                submission_id
            from {{ source }}
        {%- endfor %}
    {%- endfor %}
),

-- Pairs of returns are withheld from the open tables, because other tables have parts of theirs: the total of one pair alone
-- would show it.
totals as (
    select
        la_code,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        sum(cell_count) as cell_count,
        sum(people_count) as people_count,
        max(coverage_note) as coverage_note,
        max(submission_id) as submission_id
    from items
    group by la_code, series_code, measure_code, time_identifier, time_period
    having any_value(cell_topic) <> 'Pair of returns' or count(*) > 1
),

-- Of the transfers due in the year of a return, the plans that were final by its census day, which comes first.
transfers as (
    select
        la_code,
        cast(census_year as varchar) as time_period,
        count(*) as due_count,
        count(*) filter (where phase_transfer_final_date <= census_day) as final_count,
        max(submission_id) as submission_id
    from plans
    where year(phase_transfer_due_date) = census_year and phase_transfer_due_date > census_day
    group by la_code, census_year
    -- The date was voluntary in 2025: a return that gives none at all says nothing.
    having census_year >= 2026 or count(phase_transfer_final_date) > 0
),

counted as (
    select *
    from items

    union all by name

    select *
    from totals

    {%- for measure, column in {'due_after_census_day': 'due_count', 'final_by_census_day': 'final_count'}.items() %}

        union all by name

        select
            la_code,
            'phase_transfers_known' as series_code,
            '{{ measure }}' as measure_code,
            'Calendar year' as time_identifier,
            time_period,
            'Total' as cell_topic,
            'Total' as cell_breakdown,
            {{ column }} as cell_count,
            {{ column }} as people_count,
            submission_id
        from transfers
    {%- endfor %}
)

select counted.*
from counted
inner join own_authority
    on counted.la_code = own_authority.la_code
