-- Question: Are children with SEN suspended more often than others?
-- Asked by: Inspectors of the area, and head teachers (inclusion)
-- Answer: One row for each school year and SEN provision: pupils in the spring census, suspensions of the year, suspensions for
--   each 100 pupils, children suspended at least once, permanent exclusions, and the terms told (3: the year is whole).
-- Caveats: Provision is that at the time of the suspension, for pupils that of the spring census; a child who changes
--   provision in between can be in both. Schools tell of a term in the next census, and in the one after whether it was
--   withdrawn, which is not counted here: never compare a year of fewer than 3 terms. Missing schools: fct_census_completeness.
with told as (
    select
        academic_year,
        sen_provision_group,
        'pupil' as told_of,
        child_key
    from marts.fct_census_pupil
    where
        is_counted
        and term_code = 'SPR'
    union all
    select
        academic_year,
        sen_provision_group,
        case when category_code in ('SUSP', 'FIXD') then 'suspension' when category_code = 'PERM' then 'exclusion' end as told_of,
        child_key
    from marts.fct_suspension
    where is_missing_from_later_return is not true
),

terms as (
    select
        academic_year,
        count(distinct term_code) as terms_told
    from marts.fct_suspension
    group by academic_year
)

select
    told.academic_year,
    coalesce(told.sen_provision_group, 'Not returned') as sen_provision,
    count(*) filter (where told.told_of = 'pupil') as pupil_count,
    count(*) filter (where told.told_of = 'suspension') as suspension_count,
    round(100.0 * suspension_count / nullif(pupil_count, 0), 1) as suspensions_per_100_pupils,
    count(distinct told.child_key) filter (where told.told_of = 'suspension') as suspended_child_count,
    count(*) filter (where told.told_of = 'exclusion') as permanent_exclusion_count,
    terms.terms_told
from told
inner join terms
    on told.academic_year = terms.academic_year
group by told.academic_year, told.sen_provision_group, terms.terms_told
qualify sum(pupil_count) over (partition by told.academic_year) > 0
order by told.academic_year, sen_provision
