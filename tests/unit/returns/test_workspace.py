"""Work on several tables at once, in one workspace."""

from functools import partial
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import DISK_FULL, room_wanted
from orchestration.returns.workspace import private_database, run_abreast
from orchestration.settings import Settings


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


def test_a_database_for_identifiers_takes_no_more_than_it_may_and_leaves_nothing(tmp_path: Path) -> None:
    spill, limits = tmp_path / "vault" / "spill", Settings(memory_limit_gib=0.5, spill_limit_gib=1.5).database_limits
    names = ("memory_limit", "max_temp_directory_size", "temp_directory", "temp_file_encryption")
    with private_database(spill, limits) as connection:
        told = ", ".join(f"current_setting('{name}')" for name in names)
        assert connection.execute(f"select {told}").fetchone() == ("512.0 MiB", "1.5 GiB", str(spill), True)
        # More than the memory holds: it goes to disk, where nobody else can read.
        connection.execute("create table large as select range, md5(range::varchar) as text from range(12_000_000)")
        assert any(spill.iterdir())
        assert spill.stat().st_mode & 0o077 == 0
    assert not spill.exists()


def test_what_does_not_fit_says_which_setting_to_raise(tmp_path: Path) -> None:
    limits = {"memory_limit": "64MiB", "max_temp_directory_size": "1MiB"}
    with private_database(tmp_path / "spill", limits) as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute("create table large as select range, md5(range::varchar) as text from range(4_000_000)")
    assert "CORNERSTONE_SPILL_LIMIT_GIB" in str(room_wanted(str(caught.value)))
    assert "CORNERSTONE_MEMORY_LIMIT_GIB" in str(
        room_wanted("Out of Memory Error: could not allocate block of size 32 KB")
    )
    assert room_wanted("IO Error: No space left on device") == DISK_FULL
    assert room_wanted("Binder Error: no such column") is None
