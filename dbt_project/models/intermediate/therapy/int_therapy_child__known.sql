-- Children of the SEN2 returns and school censuses: a request linked to none of them is of a child the authority has no
-- record of, or could not be recognised.
select distinct child_key
from {{ ref('int_ehc_person__returned') }}
where child_key is not null

union

select distinct child_key
from {{ ref('int_census_pupil__described') }}
where child_key is not null
