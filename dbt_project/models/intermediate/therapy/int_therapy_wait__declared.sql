-- What a delivery declares beside its list, by line and band. Over 52 weeks and all bands together follow from the bands
-- where every one of them is told and they are not.
with told as (
    select
        submission_id,
        therapy_line,
        band_code,
        cast(declared_child_count as bigint) as declared_count
    from {{ ref('stg_therapy_waiting_list__declared_wait') }}
    where is_reportable
),

over_52_weeks as (
    select
        told.submission_id,
        told.therapy_line,
        'w52_plus' as band_code,
        cast(sum(told.declared_count) as bigint) as declared_count
    from told
    where told.band_code in ('w52_104', 'w104_plus')
    group by all
    having count(*) = 2
),

bands as (
    select * from told

    union all

    select over_52_weeks.*
    from over_52_weeks
    anti join told
        on
            over_52_weeks.submission_id = told.submission_id
            and over_52_weeks.therapy_line = told.therapy_line
            and over_52_weeks.band_code = told.band_code
),

-- Six bands to 52 weeks, and the one after.
added_up as (
    select
        submission_id,
        therapy_line,
        'total' as band_code,
        cast(sum(declared_count) filter (where band_code not in ('total', 'w52_104', 'w104_plus')) as bigint) as declared_count
    from bands
    group by all
    having
        count(*) filter (where band_code not in ('total', 'w52_104', 'w104_plus')) = 7
        and count(*) filter (where band_code = 'total') = 0
)

select * from bands

union all

select * from added_up
