-- What the KPIs of the headcount count, by term: children with a funded place, those for whom inclusion funding is paid, their hours,
-- settings; and, beside the last headcount that the latest therapy lists follow, the children under compulsory school age whom no
-- other return knows. The two are counts of two sources: nobody can tell how many children are in both.
--
-- School entry is the next September's reception class, the one after, and all later ones, because few children of the youngest year
-- have a place yet; year by year it is for analysts. Health's children have no total, from which a year of few could be worked out.
{% set labelled = {
    'entitlement': ('entitlement_code', 'Entitlement'),
    'inclusion_level': ('inclusion_level_code', 'Level of inclusion funding'),
    'setting_kind': ('setting_kind_code', 'Kind of setting'),
} %}

with headcount as (
    select
        submission_id,
        term_label,
        academic_year,
        term_start_date,
        term_start_date + to_months(case term_label when 'Autumn term' then 4 when 'Spring term' then 3 else 5 end)
            as next_term_start_date,
        year(term_start_date) + if(month(term_start_date) = 9, 1, 0) as next_reception
    from {{ ref('stg_early_years_funding__cover') }}
    where is_current
),

place as (
    select
        headcount.*,
        place.setting_id,
        place.entitlement_code,
        place.inclusion_level_code,
        place.child_count,
        place.funded_hours,
        place.daf_child_count,
        listed.setting_kind_code,
        {{ reception_year('place.birth_month') }} as reception
    from headcount
    inner join {{ ref('stg_early_years_funding__place') }} as place -- one to many
        on headcount.submission_id = place.submission_id
    left join {{ ref('stg_early_years_funding__setting') }} as listed -- at most one
        on
            place.submission_id = listed.submission_id
            and place.setting_id = listed.setting_id
),

paid as (
    select distinct
        submission_id,
        setting_id
    from place
    where inclusion_level_code <> 'NONE'
),

health_child as (
    select
        wait.child_key,
        wait.snapshot_date,
        wait.is_known_child,
        {{ reception_year('child.birth_month') }} as reception
    from {{ ref('fct_therapy_wait') }} as wait
    inner join {{ ref('dim_child') }} as child -- exactly one
        on wait.child_key = child.child_key
    where {{ is_listed_under_school_age('wait', 'child') }}
),

listed_on as (
    select
        min(snapshot_date) as first_day,
        max(snapshot_date) as last_day
    from health_child
),

compared as (
    select
        headcount.*,
        case
            when
                listed_on.first_day < headcount.term_start_date
                or listed_on.last_day >= headcount.next_term_start_date
                then
                    'Lists of ' || strftime(listed_on.first_day, '%-d %B %Y')
                    || if(listed_on.first_day = listed_on.last_day, '', ' to ' || strftime(listed_on.last_day, '%-d %B %Y'))
                    || ', outside the term.'
        end as coverage_note
    from headcount
    inner join listed_on -- one row
        on headcount.term_start_date <= listed_on.last_day
    qualify headcount.term_start_date = max(headcount.term_start_date) over ()
),

counted as (
    select
        place.submission_id,
        place.reception,
        measure.measure_code,
        place.setting_kind_code,
        place.entitlement_code,
        place.inclusion_level_code,
        sum(
            case measure.measure_code
                when 'hours_inclusion' then place.funded_hours
                when 'children_daf' then place.daf_child_count
                else place.child_count
            end
        ) as cell_count,
        sum(if(measure.measure_code = 'children_daf', place.daf_child_count, place.child_count)) as people_count
    from place
    cross join (
        values ('children'), ('children_inclusion'), ('hours_inclusion'), ('children_daf')
    ) as measure (measure_code)
    where
        case measure.measure_code
            when 'children' then true
            -- A blank beside a number is nobody; where all are blank nothing is told of the fund, and there is no cell.
            when 'children_daf' then place.daf_child_count is not null
            else place.inclusion_level_code <> 'NONE'
        end
    group by all
),

-- Years of one side have a row of the other too: nobody is a count as well.
reception_year as (
    select distinct
        submission_id,
        reception
    from place

    union

    select distinct
        compared.submission_id,
        health_child.reception
    from compared
    cross join health_child
),

by_reception as (
    select
        reception_year.submission_id,
        reception_year.reception,
        measure.measure_code,
        coalesce(sum(counted.cell_count), 0) as cell_count,
        coalesce(sum(counted.people_count), 0) as people_count
    from reception_year
    cross join (values ('children'), ('children_inclusion'), ('hours_inclusion')) as measure (measure_code)
    left join counted -- one to many
        on
            reception_year.submission_id = counted.submission_id
            and reception_year.reception = counted.reception
            and measure.measure_code = counted.measure_code
    group by all

    union all

    select
        reception_year.submission_id,
        reception_year.reception,
        'health_only' as measure_code,
        count(distinct health_child.child_key) as cell_count,
        count(distinct health_child.child_key) as people_count
    from reception_year
    inner join compared -- exactly one, or none
        on reception_year.submission_id = compared.submission_id
    left join health_child -- one to many
        on
            reception_year.reception = health_child.reception
            and not health_child.is_known_child
    group by all
),

entered as (
    select
        by_reception.*,
        case
            when by_reception.reception <= headcount.next_reception then 'by September ' || headcount.next_reception
            when by_reception.reception = headcount.next_reception + 1 then 'in September ' || by_reception.reception
            else 'from September ' || (headcount.next_reception + 2) || ' on'
        end as entry_label
    from by_reception
    inner join headcount -- exactly one
        on by_reception.submission_id = headcount.submission_id
),

cells as (
    select
        submission_id,
        measure_code,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        sum(cell_count) as cell_count,
        sum(people_count) as people_count
    from counted
    group by all

    union all

    select
        submission_id,
        measure_code,
        'School entry' as cell_topic,
        'Reception ' || entry_label as cell_breakdown,
        sum(cell_count) as cell_count,
        sum(people_count) as people_count
    from entered
    group by all

    union all

    select
        submission_id,
        measure_code,
        'Academic year of birth' as cell_topic,
        'Born ' || (reception - 5) || '/' || right(cast(reception - 4 as varchar), 2) || ', reception from September ' || reception
            as cell_breakdown,
        cell_count,
        people_count
    from by_reception
    {%- for code_set, (column, topic) in labelled.items() %}

        union all

        select
            counted.submission_id,
            counted.measure_code,
            '{{ topic }}' as cell_topic,
            coalesce(item_code.code_label, 'Not recorded') as cell_breakdown,
            sum(counted.cell_count) as cell_count,
            sum(counted.people_count) as people_count
        from counted
        left join {{ ref('stg_control__code') }} as item_code -- at most one
            on
                item_code.return_id = 'early_years_funding'
                and item_code.code_set = '{{ code_set }}'
                and counted.{{ column }} = item_code.code
        where
            counted.measure_code in (
                {%- if topic == 'Level of inclusion funding' %}'children_inclusion'
                {%- elif topic == 'Entitlement' %}'children', 'children_inclusion'
                {%- else %}'children'{% endif -%}
            )
        group by all
    {%- endfor %}

    union all

    select
        listed.submission_id,
        measure.measure_code,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        count(*) filter (where measure.measure_code = 'settings' or paid.setting_id is not null) as cell_count,
        count(*) filter (where measure.measure_code = 'settings' or paid.setting_id is not null) as people_count
    from {{ ref('stg_early_years_funding__setting') }} as listed
    semi join headcount
        on listed.submission_id = headcount.submission_id
    left join paid -- at most one
        on
            listed.submission_id = paid.submission_id
            and listed.setting_id = paid.setting_id
    cross join (values ('settings'), ('settings_inclusion')) as measure (measure_code)
    group by all
)

select
    cells.measure_code,
    headcount.term_label as time_identifier,
    headcount.academic_year as time_period,
    cells.cell_topic,
    cells.cell_breakdown,
    cast(cells.cell_count as bigint) as cell_count,
    cast(cells.people_count as bigint) as people_count,
    if(cells.measure_code = 'health_only', compared.coverage_note, null) as coverage_note,
    cells.submission_id
from cells
inner join headcount -- exactly one
    on cells.submission_id = headcount.submission_id
left join compared -- at most one
    on cells.submission_id = compared.submission_id
