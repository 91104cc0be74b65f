"""Landing the EHC plans return and the school census in a store of one's own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.returns.land import LandingReport, land_return
from orchestration.returns.submission import Submission, landed_rows
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

LandPeople = Callable[[], LandingReport]


@pytest.fixture
def people_inbox(settings: Settings) -> Path:
    """The inbox of the EHC plans return."""
    prepare_store(settings)
    return settings.inbox_dir / "sen2"


@pytest.fixture
def land_people(settings: Settings, people_inbox: Path) -> LandPeople:
    """Land what is in it, each time an hour later."""
    catalogue = load_catalogue(settings.rules_dir)
    clock = iter(NOON + timedelta(hours=hour) for hour in range(100))
    return lambda: land_return(settings, "sen2", catalogue, now=next(clock))


@pytest.fixture
def census_inbox(settings: Settings) -> Path:
    """The inbox of the school census."""
    prepare_store(settings)
    return settings.inbox_dir / "school_census"


@pytest.fixture
def land_census(settings: Settings, census_inbox: Path) -> LandPeople:
    """Land what is in it, each time an hour later."""
    catalogue = load_catalogue(settings.rules_dir)
    clock = iter(NOON + timedelta(hours=hour) for hour in range(100))
    return lambda: land_return(settings, "school_census", catalogue, now=next(clock))


@pytest.fixture
def landed(settings: Settings) -> Callable[..., list[dict[str, Any]]]:
    """Landed rows of a table, by column."""

    def rows(submission: Submission, table: str) -> list[dict[str, Any]]:
        result = duckdb.sql(f"select * from {landed_rows(settings, [submission], table)}")
        return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    return rows
