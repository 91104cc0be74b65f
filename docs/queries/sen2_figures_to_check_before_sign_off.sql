-- Question: What will the EHC plans return (SEN2) say, and what in it changed so much that somebody should check it before sign-off?
-- Asked by: Data officers, and the director who signs the return off
-- Answer: The latest return by DfE's own definitions, one row for each line and item: its count and share, those of the return before,
--   what DfE publishes of the period, and what to look at; with the release that it belongs to.
-- Caveats: Not suppressed: it counts single children. A change is called large from a quarter and ten children on, a share from ten
--   points on 30 children; smaller ones can be wrong too. Before DfE publishes the period nothing stands beside it.
with figures as (
    select *
    from kpi_internal.sen2_presubmission
    where is_latest_return
)

-- noqa: disable=RF04,RF05,RF06
select
    released.release_id as "Release",
    figures.period_label as "Period",
    figures.section_name as "Part",
    figures.line_name as "Line",
    figures.breakdown_topic as "Split by",
    figures.breakdown as "Item",
    figures.return_count as "This return",
    figures.return_pct as "Per cent",
    figures.previous_count as "Return before",
    figures.previous_pct as "Per cent before",
    figures.change_count as "Change",
    figures.change_pct as "Change in per cent",
    figures.published_count as "Published",
    figures.attention as "To check"
from figures
cross join meta.release as released
order by figures.la_code, figures.line_order
