"""Work on several tables at once, in one workspace."""

from functools import partial

import duckdb
import pytest

from orchestration.returns.workspace import run_abreast


def _fill(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create table {name} as select range as number from range(10)")


def _fail(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("from missing")


def test_every_task_runs_on_the_one_database() -> None:
    with duckdb.connect(":memory:") as connection:
        run_abreast(connection, [partial(_fill, f"table_{number}") for number in range(5)])
        found = connection.execute("select table_name, estimated_size from duckdb_tables() order by all").fetchall()
    assert found == [(f"table_{number}", 10) for number in range(5)]


def test_a_task_that_fails_is_heard_of_when_the_others_are_done() -> None:
    with duckdb.connect(":memory:") as connection:
        with pytest.raises(duckdb.CatalogException, match="missing"):
            run_abreast(connection, [_fail, partial(_fill, "made")])
        assert connection.execute("select count(*) from made").fetchone() == (10,)
