"""Dagster resources."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import duckdb
from dagster_dbt import DbtCliResource
from dagster_duckdb import DuckDBResource
from packaging.version import Version

from orchestration.warehouse import open_warehouse, warehouse_lock


class InstalledDbtResource(DbtCliResource):
    """The dbt of this environment, whose version is known.

    The parent class asks `dbt --version` before every build, some seconds, and that asks the package index for newer ones. It
    also loads dbt into this process, to look at the tables that were built; nothing here asks it to.
    """

    @property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, _: Sequence[str]) -> None:  # type: ignore[override]
        return None


class WarehouseResource(DuckDBResource):
    """The working database under an operating-system lock.

    The parent class leaves the file locked when the body raises, retries a wrong path for minutes, and opens with a
    configuration that clashes with the other connections of the process; opening it ourselves avoids all three.
    """

    limits: dict[str, str]

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-write connection, closed and unlocked whatever the body does."""
        with open_warehouse(Path(self.database), "a Dagster step", self.limits) as connection:
            yield connection

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only the lock, for a step whose dbt process opens the file itself."""
        with warehouse_lock(Path(self.database), holder="a Dagster step running dbt"):
            yield
