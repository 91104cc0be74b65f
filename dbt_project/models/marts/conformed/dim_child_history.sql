-- A need that one snapshot leaves out is the one told last; a pupil without SEN has none.
with told as (
    select
        la_code,
        child_key,
        told_by,
        snapshot_number,
        snapshot_day,
        silent_number,
        silent_day,
        sen_provision_group,
        case
            when sen_provision_group in ('SEN support', 'EHC plan')
                then coalesce(
                    last_value(primary_need_code ignore nulls) over (
                        partition by la_code, child_key, told_by
                        order by snapshot_number
                        rows between unbounded preceding and current row
                    ),
                    'UNKNOWN'
                )
        end as primary_need_code,
        placement_group_code,
        site_key,
        setting_key,
        submission_id
    from {{ ref('int_child__observed') }}
),

stated as (
    select
        *,
        {{ surrogate_key(['sen_provision_group', 'primary_need_code', 'placement_group_code', 'site_key']) }} as what_is_told
    from told
),

followed as (
    select
        *,
        lag(what_is_told) over (partition by la_code, child_key, told_by order by snapshot_number) as what_was_told,
        lag(silent_number) over (partition by la_code, child_key, told_by order by snapshot_number) as silent_number_before
    from stated
),

numbered as (
    select
        *,
        -- New where the child was not told of before, has changed, or was missed by a snapshot that should have told of it.
        count_if(coalesce(what_is_told <> what_was_told, true) or coalesce(snapshot_number > silent_number_before, false))
            over (
                partition by la_code, child_key, told_by
                order by snapshot_number
                rows between unbounded preceding and current row
            ) as version_number
    from followed
),

versions as (
    select
        la_code,
        child_key,
        told_by,
        min(snapshot_day) as valid_from,
        last(silent_day order by snapshot_number) as silent_day,
        first(sen_provision_group) as sen_provision_group,
        first(primary_need_code) as primary_need_code,
        first(placement_group_code) as placement_group_code,
        first(site_key) as site_key,
        first(setting_key order by snapshot_number) as setting_key,
        count(*) as snapshot_count,
        first(submission_id order by snapshot_number) as submission_id
    from numbered
    group by la_code, child_key, told_by, version_number
),

ended as (
    select
        *,
        least(silent_day, lead(valid_from) over (partition by la_code, child_key, told_by order by valid_from)) - 1
            as valid_to
    from versions
)

select
    {{ surrogate_key(['la_code', 'child_key', 'told_by', 'valid_from']) }} as child_history_key,
    la_code,
    child_key,
    told_by,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    sen_provision_group,
    primary_need_code,
    placement_group_code,
    site_key,
    setting_key,
    cast(snapshot_count as integer) as snapshot_count,
    submission_id
from ended
