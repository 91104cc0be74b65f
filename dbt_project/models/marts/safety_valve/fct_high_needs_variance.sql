-- Section 251 budgets have the places of academies in, outturns leave them out: the two are only ever compared with what is
-- deducted at source added back to whichever leaves it out.
with full_year as (
    select *
    from {{ ref('fct_high_needs_line') }}
    where measure in ('budget', 'forecast', 'outturn')
)

select
    {{ surrogate_key([
        'spending.la_code', 'spending.financial_year', 'spending.line_code', 'spending.measure', 'spending.quarter'
    ]) }} as high_needs_variance_key,
    spending.la_code,
    {{ financial_period_key('spending.financial_year', 'spending.quarter') }} as period_key,
    spending.financial_year,
    spending.line_code,
    spending.line_label,
    spending.hn_group,
    spending.is_memo,
    spending.measure as basis,
    spending.quarter as forecast_quarter,
    budget.value_gbp as budget_gbp,
    budget.recoupment_basis as budget_recoupment_basis,
    budget.recoupment_gbp as budget_recoupment_gbp,
    budget.value_with_recoupment_gbp as budget_with_recoupment_gbp,
    spending.value_gbp as spending_gbp,
    spending.recoupment_basis as spending_recoupment_basis,
    spending.recoupment_gbp as spending_recoupment_gbp,
    spending.value_with_recoupment_gbp as spending_with_recoupment_gbp,
    spending.value_with_recoupment_gbp - budget.value_with_recoupment_gbp as variance_gbp,
    spending.value_with_recoupment_gbp <= budget.value_with_recoupment_gbp as is_favourable,
    spending.is_restated or budget.is_restated as is_restated,
    budget.submission_id as budget_submission_id,
    spending.submission_id as spending_submission_id
from full_year as spending
-- At most one: beside a forecast the budget as it was known when the forecast was told, beside the outturn the one that stands.
inner join full_year as budget
    on
        spending.la_code = budget.la_code
        and spending.financial_year = budget.financial_year
        and spending.line_code = budget.line_code
        and budget.measure = 'budget'
        and if(
            spending.measure = 'outturn',
            budget.is_current,
            spending.known_from >= budget.known_from and (budget.known_to is null or spending.known_from < budget.known_to)
        )
where spending.is_current and spending.measure <> 'budget'
