-- Accepted submissions of every return that had been received by the end of the day therapy_known_at; all, where it names
-- none. Whatever the therapy marts take from a return goes through here.
select
    submission_id,
    received_at
from {{ ref('stg_control__submission') }}
{% if var('therapy_known_at') -%}
    where cast(received_at as date) <= cast('{{ var("therapy_known_at") }}' as date)
{%- endif %}
