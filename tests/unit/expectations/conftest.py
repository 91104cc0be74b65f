"""Sound data for the rules: landed tables as the return specifies them, marts and KPIs as the dbt models promise them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.catalogue import Catalogue, Rule
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.workspace import attach_reference, open_workspace

HERE = Path(__file__).parent
PROJECT = Path(__file__).parents[3]
# Cases of landing rules that have sound records of their own, by return: the folder is named after it.
CASES_OF_RETURNS: dict[str, dict[str, Any]] = {
    path.parent.name: yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    for path in sorted(HERE.glob("*/rule_cases.yaml"))
}
# Sound rows of marts are found in the folders of returns and subjects; those of these are made of one another, in this order.
STANDING_ON_EACH_OTHER = ("sen2", "school_census", "therapy_waiting_list", "safety_valve", "journey")

CONTROL_TABLES = """
create schema control;
create table control.setting (name varchar, value varchar);
create table control.submission (
    submission_id varchar, return_id varchar, status varchar, received_at timestamp, rows_landed bigint,
    is_current boolean
);
create table control.refused_submission (submission_id varchar);
create table control.submission_table (submission_id varchar, table_name varchar, rows_landed bigint);
create schema seed;
create table seed.kpi_source (
    kpi_id varchar, calculation varchar, breakdown_topic varchar, breakdown varchar, series_code varchar,
    measure_code varchar
);
create table seed.kpi_definition (kpi_id varchar);
create table seed.kpi_target (
    kpi_id varchar, target_kind varchar, target_value decimal(18, 4), unit varchar, tolerance decimal(18, 4), due_date date,
    is_rated boolean, target_label varchar
);
create table seed.kpi_breakdown_topic (breakdown_topic varchar, is_withheld boolean);
create table seed.total_counterpart (
    series_code varchar, measure_code varchar, counterpart_series_code varchar, counterpart_measure_code varchar
);
create schema intermediate;
create table seed.additive_measure (
    line_code varchar, total_series_code varchar, total_measure_code varchar, part_series_code varchar,
    part_measure_code varchar
);
create table intermediate.int_kpi__local_cell (
    cell_key varchar, la_code varchar, series_code varchar, measure_code varchar, time_identifier varchar,
    time_period varchar, cell_topic varchar, cell_breakdown varchar, cell_count bigint, people_count bigint,
    is_already_published boolean
);
create table intermediate.int_kpi__local_component (
    kpi_value_key varchar, part varchar, weight decimal(18, 4), cell_key varchar
);
create table intermediate.int_census__completeness (
    la_code varchar, census_period varchar, expected_school_count integer, landed_expected_school_count integer,
    unexpected_school_count integer
);
create table intermediate.int_census_pupil__described (
    submission_id varchar, row_person_ref varchar, child_key varchar, la_estab varchar, site_estab varchar,
    census_period varchar, is_on_roll boolean, sessions_possible integer, second_half_sessions_possible integer
);
create table intermediate.int_therapy_delivery__current (
    submission_id varchar, provider_code varchar, snapshot_date date, previous_snapshot_date date
);
create schema staging;
create table staging.stg_school_census__suspension (
    submission_id varchar, row_person_ref varchar, is_current boolean, start_date date, category_code varchar
);
create table staging.stg_therapy_waiting_list__referral (
    submission_id varchar, row_person_ref varchar, service_request_ref varchar, nhs_ref varchar, sex_code varchar
);
create table staging.stg_control__child_key (
    submission_id varchar, row_person_ref varchar, child_key varchar, match_strength varchar, told_as varchar
);
create schema disclosure;
create table disclosure.cell (
    cell_key varchar, cell_count bigint, people_count bigint, is_fixed boolean, kind varchar, is_known boolean
);
create table disclosure.attacked_cell (cell_key varchar, lower bigint, upper bigint, outcome varchar);
create table disclosure.line (line_key varchar, cell_key varchar, is_total boolean);
create table disclosure.value_cell (kpi_value_key varchar, cell_key varchar);
create table disclosure.suppressed_value (kpi_value_key varchar);
create table disclosure.withheld_breakdown (kpi_id varchar, breakdown_topic varchar);
create table disclosure.money_topic (breakdown_topic varchar);
create table disclosure.collapsed_table (kpi_id varchar, breakdown_topic varchar, time_identifiers varchar[]);
create table disclosure.merged_value (kpi_value_key varchar);
create table disclosure.told_value (kpi_value_key varchar, rest_counts bigint[]);
create table disclosure.merged_component (
    kpi_value_key varchar, part varchar, weight decimal(18, 4), cell_key varchar
);
create table disclosure.merged_cell (
    cell_key varchar, time_identifier varchar, time_period varchar, cell_count bigint, people_count bigint,
    is_already_published boolean
);
"""
SUBMISSION_FILE = """
create table submission_file (
    submission_id varchar, return_id varchar, source_file varchar, sha256 varchar, period varchar,
    file_period varchar, table_name varchar, row_count bigint, duplicate_columns varchar[], unknown_columns varchar[]
)
"""


@pytest.fixture(scope="session")
def library() -> Any:
    """The UPN module of python-stdnum."""
    return pytest.importorskip("stdnum.gb.upn")


@pytest.fixture(scope="session")
def landing_world() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set threads = 1")  # a few rows: more threads only cost
    for return_id in return_ids():
        for name, table in load_spec(return_id).tables.items():
            connection.execute(f"create table {name} ({table.received_sql})")
    connection.execute(SUBMISSION_FILE)
    connection.execute((HERE / "sound_landing.sql").read_text())
    return connection


@pytest.fixture(scope="session")
def sound_records(
    catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], duckdb.DuckDBPyConnection]]:
    """Sound records of a return as landing holds them: the tables of its spec, with identifiers, in one connection.

    Of the returns that its rules compare with there is what the folder's SQL puts there.
    """
    with ExitStack() as opened:

        @cache
        def made(return_id: str) -> duckdb.DuckDBPyConnection:
            spill = tmp_path_factory.mktemp(return_id) / "spill"
            connection = opened.enter_context(open_workspace(load_spec(return_id), spill, {}))
            connection.execute("set threads = 1")  # a few hundred rows: more threads only cost
            connection.execute("insert into setting values ('la_code', '372'), ('la_ons_code', 'E08000018')")
            for needed in catalogue.needed_returns(return_id):
                tables = load_spec(needed).tables
                for name, table in tables.items():
                    connection.execute(f"create table empty_{name} ({table.column_sql})")
                attach_reference(connection, needed, {name: f"empty_{name}" for name in tables})
            connection.execute((HERE / return_id / "sound_returns.sql").read_text())
            return connection

        yield made


@pytest.fixture(scope="session")
def warehouse_world() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set threads = 1")  # a few rows: more threads only cost
    connection.execute(CONTROL_TABLES)
    for schema, models in (("marts", "marts"), ("kpi", "kpi"), ("kpi_open", "kpi"), ("kpi_internal", "kpi_internal")):
        connection.execute(f"create schema {schema}")
        for model in contracted_models(models):
            columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
            connection.execute(f"create table {schema}.{model['name']} ({columns})")
    of_marts = {path.parent.name: path for path in sorted(HERE.glob("*/sound_marts.sql"))}
    first = [of_marts.pop(name) for name in STANDING_ON_EACH_OTHER]
    for sound in (HERE / "sound_warehouse.sql", *first, HERE / "sound_disclosure.sql", *of_marts.values()):
        connection.execute(sound.read_text())
    return connection


def contracted_models(schema: str) -> Iterator[dict[str, Any]]:
    for path in sorted((PROJECT / "dbt_project" / "models" / schema).rglob("_*.yml")):
        for model in yaml.load(path.read_text(), Loader=yaml.CSafeLoader).get("models", []):
            if all("data_type" in column for column in model["columns"]):
                yield model


@pytest.fixture
def sound_landing(landing_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from undone(landing_world)


@pytest.fixture
def sound_warehouse(warehouse_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from undone(warehouse_world)


def findings(connection: duckdb.DuckDBPyConnection, rules: Iterable[Rule]) -> dict[str, int]:
    """Failing rows of the rules that find any.

    Every case is judged by every rule beside it, so each query is planned once for a connection. What a plan takes from
    statistics of the rows would hold of the rows at that time alone: such a step is left out.
    """
    prepared = {name for (name,) in connection.execute("select name from duckdb_prepared_statements()").fetchall()}
    counts = {}
    for rule in rules:
        if rule.rule_id not in prepared:
            connection.execute("set disabled_optimizers = 'statistics_propagation'")
            connection.execute(f'prepare "{rule.rule_id}" as select count(*) from ({rule.failing_rows})')
        [(counts[rule.rule_id],)] = connection.execute(f'execute "{rule.rule_id}"').fetchall()
    return {rule_id: count for rule_id, count in counts.items() if count}


def undone(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fixture's body: the connection, on which what a test changes is undone after it."""
    connection.execute("begin transaction")
    try:
        yield connection
    finally:
        connection.execute("rollback")
