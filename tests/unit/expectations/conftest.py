"""Sound data for the rules: landed tables as the return specifies them, marts and KPIs as the dbt models promise them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.returns.spec import load_spec, return_ids

HERE = Path(__file__).parent
PROJECT = Path(__file__).parents[3]

CONTROL_TABLES = """
create schema control;
create table control.setting (name varchar, value varchar);
create table control.submission (
    submission_id varchar, return_id varchar, status varchar, received_at timestamp, rows_landed bigint,
    is_current boolean
);
create table control.submission_table (submission_id varchar, table_name varchar, rows_landed bigint);
create schema seed;
create table seed.kpi_source (
    kpi_id varchar, calculation varchar, breakdown_topic varchar, breakdown varchar, series_code varchar,
    measure_code varchar
);
create table seed.kpi_breakdown_topic (breakdown_topic varchar, is_smaller_area boolean);
create table seed.total_counterpart (
    series_code varchar, measure_code varchar, counterpart_series_code varchar, counterpart_measure_code varchar
);
create schema intermediate;
create table intermediate.int_kpi__local_cell (
    cell_key varchar, time_identifier varchar, time_period varchar, cell_count bigint, people_count bigint,
    is_already_published boolean
);
create table intermediate.int_kpi__local_component (
    kpi_value_key varchar, part varchar, weight decimal(18, 4), cell_key varchar
);
create schema disclosure;
create table disclosure.cell (cell_key varchar, cell_count bigint, is_known boolean);
create table disclosure.line (line_key varchar, cell_key varchar, is_total boolean);
create table disclosure.value_cell (kpi_value_key varchar, cell_key varchar);
create table disclosure.suppressed_value (kpi_value_key varchar);
"""
SUBMISSION_FILE = """
create table submission_file (
    submission_id varchar, return_id varchar, source_file varchar, sha256 varchar, period varchar,
    file_period varchar, table_name varchar, row_count bigint, duplicate_columns varchar[], unknown_columns varchar[]
)
"""


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue(PROJECT / "expectations" / "rules")


@pytest.fixture(scope="session")
def landing_world() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for return_id in return_ids():
        for name, table in load_spec(return_id).tables.items():
            connection.execute(f"create table {name} ({table.received_sql})")
    connection.execute(SUBMISSION_FILE)
    connection.execute((HERE / "sound_landing.sql").read_text())
    return connection


@pytest.fixture(scope="session")
def warehouse_world() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(CONTROL_TABLES)
    for schema, models in (("marts", "marts"), ("kpi", "kpi"), ("kpi_open", "kpi")):
        connection.execute(f"create schema {schema}")
        for model in contracted_models(models):
            columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
            connection.execute(f"create table {schema}.{model['name']} ({columns})")
    for sound in ("sound_warehouse.sql", "sound_ehc_marts.sql", "sound_disclosure.sql"):
        connection.execute((HERE / sound).read_text())
    return connection


def contracted_models(schema: str) -> Iterator[dict[str, Any]]:
    for path in sorted((PROJECT / "dbt_project" / "models" / schema).rglob("_models.yml")):
        for model in yaml.safe_load(path.read_text())["models"]:
            if all("data_type" in column for column in model["columns"]):
                yield model


@pytest.fixture
def sound_landing(landing_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from undone(landing_world)


@pytest.fixture
def sound_warehouse(warehouse_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from undone(warehouse_world)


def undone(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fixture's body: the connection, on which what a test changes is undone after it."""
    connection.execute("begin transaction")
    try:
        yield connection
    finally:
        connection.execute("rollback")
