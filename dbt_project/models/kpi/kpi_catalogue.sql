with told as (
    select
        kpi_id,
        target_value,
        target_label,
        if(target_kind = 'planning_figure', 'Planning figure, not a target: ', '') || target_label || ' ('
        || if(target_kind = 'planning_figure', '', replace(target_kind, '_', ' ') || '; ') || source || ')' as target_text
    from {{ ref('kpi_target') }}
),

targets as (
    select
        kpi_id,
        {{ joined_text('target_text', '. ', 'target_value asc nulls last, target_label asc nulls last') }} as target -- noqa: RF04
    from told
    group by kpi_id
)

select
    kpi.kpi_id,
    kpi.title,
    kpi.family,
    kpi.definition,
    kpi.numerator,
    kpi.denominator,
    kpi.unit,
    kpi.source_return,
    kpi.breakdowns,
    kpi.frequency,
    kpi.polarity,
    kpi.is_judged_by_size,
    kpi.statutory_basis,
    kpi.outcome_statement,
    kpi.aspiration,
    kpi.published_comparator,
    targets.target,
    kpi.owner_role,
    kpi.caveats,
    kpi.evidence_confidence
from {{ ref('kpi_definition') }} as kpi
left join targets -- at most one
    on kpi.kpi_id = targets.kpi_id
