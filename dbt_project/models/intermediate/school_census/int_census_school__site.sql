-- Schools by where they stand. A school that becomes an academy is closed and opened again in the register, as a rule with
-- another number: of a closed record, the one opened last since under the same name and postcode of its authority is the
-- same site. Names are compared without the words that a conversion changes.
with establishments as (
    select
        la_code || establishment_number as la_estab,
        urn,
        la_code,
        {{ replace_matches(
            replace_matches('lower(establishment_name)', '\\b(the|school|academy)\\b', ''), '[^a-z0-9]', ''
        ) }} as name_text,
        replace(upper(postcode), ' ', '') as postcode_text,
        open_date,
        close_date,
        coalesce(status_code in ('1', '3'), false) as is_open
    from {{ ref('stg_establishment_register__establishment') }}
    where establishment_number is not null
),

-- Of several records of one number the open one stands for it.
schools as (
    select *
    from establishments
    qualify row_number() over (partition by la_estab order by is_open desc, urn desc) = 1
)

select
    school.la_estab,
    coalesce({{ last_known('successor.la_estab', '(successor.open_date, successor.urn)') }}, school.la_estab) as site_estab
from schools as school
left join schools as successor
    on
        not school.is_open
        and school.la_code = successor.la_code
        and school.name_text = successor.name_text
        and school.postcode_text = successor.postcode_text
        and school.close_date <= successor.open_date
        and school.la_estab <> successor.la_estab
group by school.la_estab
