"""What the warehouse makes of the known cases of an invented borough: known_cases.csv against the records counted."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

PLAN, REQUEST = "ehc_plan_key", "ehc_request_key"

COUNTED_WHERE = {
    "caseload": (PLAN, {"ehcplans": "true", "placement_unknown": "placement_line_code = 'placement_unknown'"}),
    "newplans": (PLAN, {"new_ehc_plans": "true"}),
    "ceased_plans": (PLAN, {"total_ceased": "is_ceased", "transfer": "is_transferred"}),
    "requests": (
        REQUEST,
        {"requests_received_in_year": "is_received", "requests_decided_not_to_assess": "is_decided_not_to_assess"},
    ),
    "assessments": (REQUEST, {"assess_in_year": "is_assessed", "assess_issued": "is_issued"}),
    "timeliness_20_week": (
        REQUEST,
        {"plans_issued_den": "is_issued", "plans_issued_den_ex": "is_issued_without_exception"},
    ),
}
"""Published table -> the key of its records, and by measure those it counts. Held against the statistics: `miscounted`."""

COUNTED = " union all ".join(
    f"select '{table}:{measure}' as measure, time_period, {key} as record_key"
    f" from intermediate.int_ehc_statistic__{table} where {condition}"
    for table, (key, measures) in COUNTED_WHERE.items()
    for measure, condition in measures.items()
)

# The rows of a case are those of the file; keys are pseudonyms, and marts hold their digests. Another return can tell of the
# same plan: the same child's, begun on the same day.
TABLES = f"""
create temp table counted as
{COUNTED}
union all
select 'rebuilt:ehcplans', cast(census_year as varchar), ehc_plan_key
from marts.fct_ehc_plan_census where view_code = 'next_return';

create temp table listed as
select case_number, kind, year, requests_row, is_expected, split_part(cell, ':', 1) || ':' || split_part(cell, ':', 3) as measure,
    split_part(cell, ':', 2) as time_period
from (
    select *, true as is_expected, unnest(string_split(counted_in, ';')) as cell from known
    union all
    select *, false, unnest(string_split(not_counted_in, ';')) from known
);

create temp table traced as
select known.case_number, request.request_key, plan.plan_key
from known
join staging.stg_sen2__return as sen2_return on sen2_return.is_current and sen2_return.return_year = cast(known.year as integer)
join staging.stg_sen2__request as request
    on request.submission_id = sen2_return.submission_id and request.source_row = cast(known.requests_row as integer)
join staging.stg_sen2__person as person
    on person.submission_id = request.submission_id and person.row_person_ref = request.row_person_ref
    and person.source_row = cast(known.person_row as integer)
left join staging.stg_sen2__assessment as assessment on assessment.request_key = request.request_key
left join staging.stg_sen2__plan as plan on plan.assessment_key = assessment.assessment_key
where coalesce(assessment.source_row, 0) = cast(known.assessment_row as integer)
    and coalesce(plan.source_row, 0) = cast(known.namedplan_row as integer);

create temp table case_record as
select case_number, md5(request_key) as record_key from traced
union
select case_number, md5(plan_key) from traced where plan_key is not null
union
select traced.case_number, md5(told.plan_key)
from traced
join intermediate.int_ehc_plan__traced as own on own.plan_key = traced.plan_key
join intermediate.int_ehc_plan__traced as told on told.child_key = own.child_key and told.start_date = own.start_date;
"""


@dataclass(frozen=True)
class Counted:
    """How the known cases were counted."""

    kinds: Counter[str]
    """Cases of each kind."""
    not_found: list[tuple[str, str, str]]
    """Kind, year and request row of cases that are no record of the warehouse."""
    miscounted: list[tuple[str, str, str]]
    """Measure, period and number of its records where the statistics give another number, or none."""
    otherwise: list[str]
    """A sentence for each cell that counts a case it should not, or does not count one it should."""


def count_known_cases(warehouse: Path, listed: Path) -> Counted:
    """Look for every case of `listed` (known_cases.csv) in the cells that it names."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only); use warehouse")
        connection.execute(
            "create temp table known as select row_number() over () as case_number, *"
            " from read_csv(?, header = true, all_varchar = true, nullstr = '')",
            [str(listed)],
        )
        connection.execute(TABLES)
        kinds = connection.execute("select kind, count(*) from known group by kind").fetchall()
        not_found = connection.execute(
            """
            select kind, year, requests_row from known
            left join traced using (case_number)
            left join marts.fct_ehc_request as request on request.ehc_request_key = md5(traced.request_key)
            left join marts.fct_ehc_plan as plan on plan.ehc_plan_key = md5(traced.plan_key)
            where request.ehc_request_key is null or (plan.ehc_plan_key is null and namedplan_row <> '0')
            """
        ).fetchall()
        miscounted = connection.execute(
            """
            with cells as (select distinct measure, time_period from listed),
            counts as (select measure, time_period, count(*) as records from counted group by all),
            statistics as (
                select series_code || ':' || measure_code as measure, time_period, statistic_count
                from marts.fct_ehc_statistic where is_total and definition_code = 'standard'
                union all
                select 'rebuilt:ehcplans', cast(census_year as varchar), sum(next_return_count)
                from marts.fct_census_day_difference group by census_year
            )
            select measure, time_period, coalesce(records, 0) from cells
            left join counts using (measure, time_period)
            left join statistics using (measure, time_period)
            where statistic_count is distinct from coalesce(records, 0)
            """
        ).fetchall()
        otherwise = connection.execute(
            """
            with judged as (
                select *, exists (
                    select 1 from counted join case_record using (record_key)
                    where case_record.case_number = listed.case_number
                        and counted.measure = listed.measure and counted.time_period = listed.time_period
                ) as is_counted
                from listed
            )
            select kind || ', request row ' || requests_row || ' of ' || year || ': '
                || if(is_counted, '', 'not ') || 'counted in ' || measure || ' of ' || time_period
            from judged where is_counted <> is_expected
            order by all
            """
        ).fetchall()
    return Counted(Counter(dict(kinds)), not_found, miscounted, [sentence for (sentence,) in otherwise])
