-- The delivery that counts of each provider and month: the highest sequence, then the latest receipt. With the variable
-- therapy_known_at, of what had been received by the end of that day: every later model is then as it was known.
with known as (
    select *
    from {{ ref('stg_therapy_waiting_list__delivery') }}
    {%- if var('therapy_known_at') %}
        where cast(received_at as date) <= cast('{{ var("therapy_known_at") }}' as date)
    {%- endif %}
    qualify row_number() over (
        partition by provider_code, snapshot_date
        order by submission_sequence desc, received_at desc, submission_id desc
    ) = 1
)

select
    submission_id,
    provider_code,
    snapshot_date,
    time_identifier,
    time_period,
    received_at,
    waiting_basis_code,
    lag(snapshot_date) over (partition by provider_code order by snapshot_date) as previous_snapshot_date,
    snapshot_date = max(snapshot_date) over (partition by provider_code) as is_latest
from known
