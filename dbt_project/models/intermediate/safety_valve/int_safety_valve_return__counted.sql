-- Drafts land so that their errors can be pointed out; no figure is ever made from one, nor displaced by one.
select
    submission_id,
    la_code,
    financial_year,
    quarter,
    period_end,
    version,
    stage,
    submission_type,
    recoupment_basis,
    agreement_total_gbp,
    received_at,
    row_number() over (
        partition by la_code, financial_year
        order by received_at, quarter, version, submission_id
    ) as return_order
from {{ ref('stg_safety_valve__cover') }}
where stage in ('SUBMITTED', 'FINAL')
