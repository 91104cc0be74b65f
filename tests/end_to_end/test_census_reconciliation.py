"""School census against EHC plans: what the invented borough planted is found, child by child, for its reason, and nothing else."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage.child_key import link_children
from orchestration.privacy.vault import identity_files, vault_files
from orchestration.returns.land import land_return
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.synthetic import borough, synthesise
from orchestration.warehouse import open_warehouse, prepare_store, write_control_tables
from tests.conftest import requests_csv, vault_connection
from tests.queries import worked_queries
from tests.unit.dbt_project.conftest import build

pytestmark = [pytest.mark.end_to_end]

SPRINGS = {"2022-23": 2023, "2024-25": 2025}
# What a comparison makes of each kind of disagreement; none where both returns have the plan.
REASON_OF_KIND = {
    "school records SEN support": "on_roll_with_other_provision",
    "plan too new for the school": "plan_began_or_ended_within_30_days",
    "at another school": "in_both",
    "on no roll": "not_on_roll_where_placed",
    "plan ended": "plan_had_ceased",
    "plan of another authority": "plan_of_another_authority",
    "over school age": "not_on_roll_where_placed",
}
# Of most plans for children outside the area's schools; nobody has to plant them.
BY_PLACE = ("placed_in_another_authority", "independent_school", "post_16", "early_years", "educated_elsewhere")

# Found: each child with its reason, by name in the EHC plans return where that says who it is, else by UPN.
FOUND = """
create table found as
select
    child.census_year,
    child.reason_code,
    child.is_in_census,
    coalesce(pupil.upn, concat_ws('|', person.surname, person.forename, person.birth_date)) as who
from warehouse.marts.fct_census_plan_child as child
left join pupil using (submission_id, row_person_ref)
left join person using (submission_id, row_person_ref)
"""
# Planted: the same of the answer key. Who is in the census with a plan goes by the UPN of the census.
PLANTED = """
create table planted as
select
    case academic_year {years} end as census_year,
    case kind {kinds} end as reason_code,
    kind,
    census_provision = 'E' as is_in_census,
    if(is_in_census, planted.upn, concat_ws('|', people.surname, people.forename, cast(people.born as date))) as who
from read_csv('{out}/census_disagreements.csv', all_varchar = true, nullstr = 'none of them') as planted
left join read_parquet('{out}/truth/people.parquet') as people on planted.person = cast(people.person as varchar)
where term = 'spring' and academic_year in ({labels})
"""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables `found` and `planted` of two Januaries of a small borough that was landed, linked and built."""
    folder: Path = tmp_path_factory.mktemp("reconciled")
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "secret.key")
    out = folder / "borough"
    with pytest.MonkeyPatch.context() as patch:
        # Which published cells are met is asked of the returns elsewhere.
        patch.setattr(borough, "calibration", lambda *given: pd.DataFrame({"status": [], "reason": []}))
        synthesise(
            out,
            la=settings.la_code,
            figures=PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz",
            years=range(2023, 2027),
            seed=3,
            scale=0.05,
            faults="none",
            shapes=("xml",),
            censuses=True,
        )
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)
    # One published table names the authority and its area, for homes outside it.
    (settings.inbox_dir / "published_statistics" / "requests.csv").write_text(requests_csv())
    for label in SPRINGS:
        shutil.copytree(out / "school_census" / label / "spring", settings.inbox_dir / "school_census" / label)
    for return_id in ("published_statistics", "establishment_register", "postcode_directory", "sen2", "school_census"):
        if (out / return_id).is_dir() and return_id != "school_census":
            for path in (one for one in (out / return_id).rglob("*.*") if one.is_file()):
                shutil.copy(path, settings.inbox_dir / return_id)
        for submission in land_return(settings, return_id, catalogue, now=datetime.now(UTC)).committed:
            assert submission.status == "accepted", submission.reason
    link_children(settings)
    with open_warehouse(settings.warehouse_path, "tests", settings.database_limits) as warehouse:
        write_control_tables(warehouse, settings)
    build(settings, "+fct_census_plan_spell", "+dim_census_plan_reason")
    with vault_connection(settings) as connection:
        for name, return_id, table, columns in (
            ("person", "sen2", "sen2_person", "surname, forename, birth_date"),
            ("pupil", "school_census", "census_pupil", "upn"),
        ):
            files = vault_files(identity_files(settings, return_id, table))
            connection.execute(f"create table {name} as select submission_id, row_person_ref, {columns} from {files}")
        connection.execute(f"attach '{settings.warehouse_path}' as warehouse (read_only)")
        connection.execute(FOUND)
        years = " ".join(f"when '{label}' then {year}" for label, year in SPRINGS.items())
        kinds = " ".join(f"when '{kind}' then '{reason}'" for kind, reason in REASON_OF_KIND.items())
        labels = ", ".join(f"'{label}'" for label in SPRINGS)
        connection.execute(PLANTED.format(out=out, years=years, kinds=kinds, labels=labels))
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize("year", SPRINGS.values())
@pytest.mark.parametrize("reason", sorted({*REASON_OF_KIND.values()} - {"in_both"}))
def test_each_reason_is_given_to_those_it_was_planted_in_and_to_no_one_else(
    compared: duckdb.DuckDBPyConnection, reason: str, year: int
) -> None:
    of_reason = f"from {{}} where reason_code = '{reason}' and census_year = {year}"
    [(missed, invented)] = rows(
        compared,
        f"select (select count(*) from (select who {of_reason.format('planted')} except all select who"
        f" {of_reason.format('found')})), (select count(*) from (select who {of_reason.format('found')} except all"
        f" select who {of_reason.format('planted')}))",
    )
    assert (missed, invented) == (0, 0)


def test_no_other_reason_to_follow_up_is_given(compared: duckdb.DuckDBPyConnection) -> None:
    known = (*BY_PLACE, *REASON_OF_KIND.values())
    assert rows(compared, f"select reason_code, count(*) from found where reason_code not in {known} group by 1") == []


def test_a_child_at_another_school_than_the_plan_says_is_in_both(compared: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        compared,
        "select count(*), count(found.who) from planted left join found using (census_year, who, reason_code)"
        " where planted.reason_code = 'in_both'",
    ) == [(2, 2)]


def test_something_is_planted_of_every_kind_that_is_told_by_name(compared: duckdb.DuckDBPyConnection) -> None:
    found = {kind for [kind] in rows(compared, "select distinct kind from planted")}
    assert found >= {*REASON_OF_KIND} - {"plan ended"}
    assert rows(
        compared, "select count(*) from planted where reason_code is null or who = '' or census_year is null"
    ) == [(0,)]


def test_children_outside_the_schools_have_a_reason_by_place(compared: duckdb.DuckDBPyConnection) -> None:
    [(found,)] = rows(compared, f"select count(*) from found where reason_code in {BY_PLACE} and not is_in_census")
    assert isinstance(found, int) and found > 50


def test_the_worked_query_lists_the_schools_with_whom_returns_disagree_for_two_januaries(
    compared: duckdb.DuckDBPyConnection,
) -> None:
    """By the children one by one: the same return alone has the plan in both Januaries, in the later to be followed up."""
    counted = rows(
        compared,
        """
        select school.setting_name, count(*)
        from warehouse.marts.fct_census_plan_child as later
        inner join warehouse.marts.fct_census_plan_child as earlier
            on later.child_key = earlier.child_key and later.is_in_census = earlier.is_in_census
        left join warehouse.marts.dim_setting as school on later.setting_key = school.setting_key
        where later.census_year = 2025 and earlier.census_year = 2023
            and later.is_in_census <> later.is_in_plan_return and earlier.is_in_census <> earlier.is_in_plan_return
            and later.reason_class = 'to_follow_up'
        group by all order by all
        """,
    )
    compared.execute("use warehouse")
    query = worked_queries()["schools_and_plans_disagree_for_two_januaries"].sql
    listed = rows(compared, f"select school, sum(child_count) from ({query}) group by all order by all")
    compared.execute("use memory")
    assert listed == counted != []
