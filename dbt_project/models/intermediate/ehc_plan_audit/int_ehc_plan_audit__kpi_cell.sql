-- What the KPIs of the audits count, by calendar year: plans with a first audit, those graded good or better, and those that meet each
-- criterion; plans with a second audit by another auditor, and what Cohen's kappa of the two grades is made of; and of the plans
-- issued in the year by the EHC plans return, those whose first issue was audited since.
{% set criteria = ['child_voice', 'needs', 'outcomes', 'provision', 'health', 'care', 'plain_words'] %}

with audit as (
    select
        landed.*,
        cover.audit_year,
        link.child_key
    from {{ ref('stg_ehc_plan_audit__audit') }} as landed
    inner join {{ ref('stg_ehc_plan_audit__cover') }} as cover -- exactly one
        on landed.submission_id = cover.submission_id
    left join {{ ref('stg_control__child_key') }} as link -- at most one
        on
            landed.submission_id = link.submission_id
            and landed.row_person_ref = link.row_person_ref
    where cover.is_current
),

first_audit as (
    select *
    from audit
    where audit_stage_code = 'FIRST'
    qualify row_number() over (partition by submission_id, plan_ref order by audited_on, source_row) = 1
),

second_audit as (
    select
        second_audit.submission_id,
        second_audit.plan_ref,
        second_audit.overall_grade_code
    from audit as second_audit
    inner join first_audit -- exactly one
        on
            second_audit.submission_id = first_audit.submission_id
            and second_audit.plan_ref = first_audit.plan_ref
    where
        second_audit.audit_stage_code = 'MODERATION'
        and second_audit.auditor_code <> first_audit.auditor_code
        and second_audit.audited_on >= first_audit.audited_on
    qualify
        row_number() over (
            partition by second_audit.submission_id, second_audit.plan_ref
            order by second_audit.audited_on, second_audit.source_row
        ) = 1
),

audited_twice as (
    select
        first_audit.submission_id,
        first_audit.overall_grade_code as first_grade_code,
        second_audit.overall_grade_code as second_grade_code
    from first_audit
    inner join second_audit -- at most one
        on
            first_audit.submission_id = second_audit.submission_id
            and first_audit.plan_ref = second_audit.plan_ref
),

item as (
    select
        submission_id,
        plan_ref,
        unnest(['Total', 'Plan stage', 'Auditor role']) as cell_topic,
        unnest([null, 'plan_stage', 'auditor_role']) as code_set,
        unnest([null, plan_stage_code, auditor_role_code]) as item_code
    from first_audit
),

counted as (
    select
        first_audit.submission_id,
        first_audit.audit_year,
        item.cell_topic,
        coalesce(coded.code_label, 'Total') as cell_breakdown,
        count(*) as audited_count,
        count(*) filter (where first_audit.overall_grade_code in ('OUTSTANDING', 'GOOD')) as good_count
    from first_audit
    inner join item -- one for each breakdown, and the whole
        on
            first_audit.submission_id = item.submission_id
            and first_audit.plan_ref = item.plan_ref
    left join {{ ref('stg_control__code') }} as coded -- at most one
        on
            coded.return_id = 'ehc_plan_audit'
            and item.code_set = coded.code_set
            and item.item_code = coded.code
    group by first_audit.submission_id, first_audit.audit_year, item.cell_topic, cell_breakdown
),

judged as (
    {%- for criterion in criteria %}
        {% if not loop.first %}
            union all
        {% endif %}
        select
            submission_id,
            audit_year,
            '{{ criterion | upper }}' as criterion_code,
            coalesce({{ criterion }}_code = 'MET', false) as is_met
        from first_audit
    {%- endfor %}
),

criterion_cell as (
    select
        judged.submission_id,
        judged.audit_year,
        criterion.code_label as cell_breakdown,
        count(*) filter (where judged.is_met) as criterion_met
    from judged
    inner join {{ ref('stg_control__code') }} as criterion -- exactly one
        on
            criterion.return_id = 'ehc_plan_audit'
            and criterion.code_set = 'criterion'
            and judged.criterion_code = criterion.code
    group by judged.submission_id, judged.audit_year, criterion.code_label
),

agreed as (
    select
        cover.submission_id,
        cover.audit_year,
        count(pair.submission_id) as moderated,
        count(*) filter (where pair.first_grade_code = pair.second_grade_code) as moderated_agreed
    from {{ ref('stg_ehc_plan_audit__cover') }} as cover
    left join audited_twice as pair -- one to many
        on cover.submission_id = pair.submission_id
    where cover.is_current
    group by cover.submission_id, cover.audit_year
),

-- Each pair of a first and a second grade that are one, of whichever plans.
chance as (
    select
        one.submission_id,
        count(*) as same_grades
    from audited_twice as one
    inner join audited_twice as other -- one to many
        on
            one.submission_id = other.submission_id
            and one.first_grade_code = other.second_grade_code
    group by one.submission_id
),

compared as (
    select
        agreed.*,
        agreed.moderated * agreed.moderated_agreed as kappa_agreed,
        coalesce(chance.same_grades, 0) as kappa_chance,
        agreed.moderated * agreed.moderated - coalesce(chance.same_grades, 0) as kappa_most,
        -- With kappa goes how many agreed and how many did not: the fewer of them are whom it is about.
        case
            when agreed.moderated_agreed in (0, agreed.moderated) then agreed.moderated
            else least(agreed.moderated_agreed, agreed.moderated - agreed.moderated_agreed)
        end as fewer_plans
    from agreed
    left join chance -- at most one
        on agreed.submission_id = chance.submission_id
),

plan as (
    select
        plan.child_key,
        plan.start_date,
        plan.activity_year,
        plan.is_new_in_year
    from {{ ref('fct_ehc_plan') }} as plan
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on
            own_authority.setting_name = 'la_code'
            and plan.la_code = own_authority.setting_value
),

-- A plan begins when the return of its year says so, by which it is counted as issued, whatever day a later return gives it; where no
-- return of that year is held, when any other does.
begun_plan as (
    select
        child_key,
        start_date
    from plan
    where
        year(start_date) = activity_year
        or year(start_date) not in (select held.activity_year from plan as held)
),

audited_plan as (
    select
        first_audit.child_key,
        max(begun_plan.start_date) as start_date
    from first_audit
    inner join begun_plan -- one to many
        on
            first_audit.child_key = begun_plan.child_key
            and first_audit.audited_on >= begun_plan.start_date
    where first_audit.plan_stage_code = 'FIRST_ISSUE'
    group by first_audit.submission_id, first_audit.plan_ref, first_audit.child_key
),

issue_audited as (
    select distinct
        child_key,
        start_date
    from audited_plan
),

covered as (
    select
        cover.submission_id,
        cover.audit_year,
        count(*) as issued,
        count(issue_audited.child_key) as issued_audited
    from plan
    inner join {{ ref('stg_ehc_plan_audit__cover') }} as cover -- at most one
        on
            cover.is_current
            and plan.activity_year = cover.audit_year
    left join issue_audited -- at most one
        on
            plan.child_key = issue_audited.child_key
            and plan.start_date = issue_audited.start_date
    where plan.is_new_in_year
    group by cover.submission_id, cover.audit_year
),

measured as (
    select
        submission_id,
        audit_year,
        cell_topic,
        cell_breakdown,
        unnest(['plans', 'plans_good']) as measure_code,
        unnest([audited_count, good_count]) as cell_count,
        unnest([audited_count, good_count]) as people_count
    from counted

    union all

    select
        submission_id,
        audit_year,
        'Criterion' as cell_topic,
        cell_breakdown,
        'criterion_met' as measure_code,
        criterion_met as cell_count,
        criterion_met as people_count
    from criterion_cell

    union all

    select
        submission_id,
        audit_year,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        unnest(['moderated', 'moderated_agreed', 'kappa_agreed', 'kappa_chance', 'kappa_most']) as measure_code,
        unnest([moderated, moderated_agreed, kappa_agreed, kappa_chance, kappa_most]) as cell_count,
        unnest([moderated, moderated_agreed, fewer_plans, fewer_plans, moderated]) as people_count
    from compared

    union all

    select
        submission_id,
        audit_year,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        unnest(['issued', 'issued_audited']) as measure_code,
        unnest([issued, issued_audited]) as cell_count,
        unnest([issued, issued_audited]) as people_count
    from covered
)

select
    measure_code,
    'Calendar year' as time_identifier,
    cast(audit_year as varchar) as time_period,
    cell_topic,
    cell_breakdown,
    cell_count,
    people_count,
    cast(null as varchar) as coverage_note,
    submission_id
from measured
