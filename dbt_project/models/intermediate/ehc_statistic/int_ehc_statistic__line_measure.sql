-- The measures that one placement or need counts in: its own line, the line of earlier releases, and its group.
with line_measures as (
    select
        'placement' as line_kind,
        placement_line_code as line_code,
        'standard' as definition_code,
        {{ row_each(array_of(['placement_line_code', 'comparable_line_code', 'placement_group_code'])) }} as measure_code
    from {{ ref('dim_placement_group') }}

    union all

    select
        'need' as line_kind,
        need_code as line_code,
        'standard' as definition_code,
        'number_' || if(need_code = 'UNKNOWN', 'need_unknown', lower(need_code)) as measure_code
    from {{ ref('dim_need') }}
    where first_return_year is not null

    union all

    -- Down syndrome was counted in other until the release of 2026.
    select
        'need' as line_kind,
        need_code as line_code,
        'down_syndrome_in_other' as definition_code,
        'number_' || lower(comparable_need_code) as measure_code
    from {{ ref('dim_need') }}
    where comparable_need_code = 'OTH'
)

select distinct
    line_kind,
    line_code,
    definition_code,
    measure_code
from line_measures
