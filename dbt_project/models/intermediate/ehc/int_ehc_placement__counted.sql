-- Of the placements on the day the lowest rank counts, so that a secondary placement counts where there is no other.
with ranked as (
    select
        *,
        row_number() over (
            partition by active_plan_key, view_code
            order by placement_rank asc nulls last, entry_date desc nulls last, source_row asc, setting_row_key asc
        ) as placement_order
    from {{ ref('int_ehc_setting__classified') }}
    where is_on_census_day
)

select
    active_plan_key,
    view_code,
    count(*) as placement_count,
    {{ value_of_first('setting_row_key', 'placement_order') }} as setting_row_key,
    {{ value_of_first('placement_rank', 'placement_order') }} as placement_rank,
    {{ value_of_first('placement_line_code', 'placement_order') }} as placement_line_code,
    {{ value_of_first('register_urn', 'placement_order') }} as register_urn,
    -- A residential or work-based placement can be the second one: the first that has the code tells.
    {{ first_known('residential_code', 'placement_order') }} as residential_code,
    {{ first_known('work_based_code', 'placement_order') }} as work_based_code
from ranked
group by active_plan_key, view_code
