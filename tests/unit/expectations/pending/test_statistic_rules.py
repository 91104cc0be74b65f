"""The pending rules on tables made from the contract, beside the sound warehouse of the other rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.catalogue import load_catalogue
from tests.unit.expectations.conftest import CONTROL_TABLES, contracted_models

HERE = Path(__file__).parent
SOUND = HERE.parent
PROJECT = Path(__file__).parents[4]
CASES: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "ehc_statistic_rule_cases.yaml").read_text())
CONTRACT = """
create table marts.fct_ehc_statistic (
    ehc_statistic_key varchar, la_code varchar, area_key varchar, period_key varchar, series_code varchar,
    measure_code varchar, measure_key varchar, time_identifier varchar, time_period varchar, breakdown_topic varchar,
    breakdown varchar, is_total boolean, definition_code varchar, statistic_count bigint, submission_id varchar
);
create table marts.fct_ehc_statistic_comparison (
    published_statistic_key varchar, la_code varchar, series_code varchar, measure_code varchar, unit varchar,
    time_identifier varchar, time_period varchar, breakdown_topic varchar, breakdown varchar, release_name varchar,
    published_value decimal(18, 4), local_value decimal(18, 4), difference decimal(18, 4), outcome varchar,
    reason varchar, submission_id varchar
);
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("rules")
    for path in [*(PROJECT / "expectations" / "rules").glob("*.yaml"), HERE / "ehc_statistic_rules.yaml"]:
        (folder / path.name).write_bytes(path.read_bytes())
    return {rule.rule_id: rule for rule in load_catalogue(folder).for_level("mart", "kpi")}


@pytest.fixture(scope="module")
def world() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(CONTROL_TABLES)
    for schema in ("marts", "kpi"):
        connection.execute(f"create schema {schema}")
        for model in contracted_models(schema):
            columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
            connection.execute(f"create table {schema}.{model['name']} ({columns})")
    connection.execute(CONTRACT)
    for sound in (SOUND / "sound_warehouse.sql", SOUND / "sound_ehc_marts.sql", HERE / "ehc_statistic_sound.sql"):
        connection.execute(sound.read_text())
    return connection


@pytest.fixture
def sound(world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    world.execute("begin")
    yield world
    world.execute("rollback")


def findings(connection: duckdb.DuckDBPyConnection, rules: Any) -> dict[str, int]:
    counts = {r.rule_id: connection.execute(f"select count(*) from ({r.failing_rows})").fetchall()[0][0] for r in rules}
    return {rule_id: count for rule_id, count in counts.items() if count}


def test_nothing_is_found_in_what_is_sound(sound: duckdb.DuckDBPyConnection, rules: dict[str, Any]) -> None:
    assert set(CASES) < set(rules)
    assert findings(sound, rules.values()) == {}


@pytest.mark.parametrize("rule_id", CASES)
def test_passes(rule_id: str, sound: duckdb.DuckDBPyConnection, rules: dict[str, Any]) -> None:
    sound.execute(CASES[rule_id]["passes"])
    assert findings(sound, [rules[rule_id]]) == {}


@pytest.mark.parametrize("rule_id", CASES)
def test_fails(rule_id: str, sound: duckdb.DuckDBPyConnection, rules: dict[str, Any]) -> None:
    case = CASES[rule_id]
    sound.execute(case["fails"])
    beside = [rule for rule in rules.values() if rule.level == rules[rule_id].level]
    assert findings(sound, beside) == {rule_id: case.get("places", 1), **case.get("also", {})}
