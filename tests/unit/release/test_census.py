"""What the school census of a release holds, in a sentence."""

from pathlib import Path

import duckdb
import pytest

from orchestration.release.census import CensusHeld, read_census
from orchestration.release.exports import RESTRICTED_DATABASE


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / RESTRICTED_DATABASE).parent.mkdir()
    with duckdb.connect(str(tmp_path / RESTRICTED_DATABASE)) as connection:
        connection.execute(
            "create schema marts; create table marts.fct_census_pupil (census_period varchar, is_counted boolean);"
            "create table marts.fct_census_plan_difference (census_year integer, completeness_pct decimal(5, 1))"
        )
    return tmp_path


def fill(release: Path, *statements: str) -> None:
    with duckdb.connect(str(release / RESTRICTED_DATABASE)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_pupils_are_those_counted_in_the_latest_census_and_completeness_that_of_the_latest_january(
    release: Path,
) -> None:
    fill(
        release,
        "insert into marts.fct_census_pupil select '2025-01', true from range(9)",
        "insert into marts.fct_census_pupil select '2025-05', i <> 0 from range(1235) t(i)",
        "insert into marts.fct_census_plan_difference values (2024, 100.0), (2025, 98.3), (2025, 98.3), (2026, null)",
    )
    found = read_census(release)
    assert found == CensusHeld(2, "2025-01", "2025-05", 1234, 2025, 98.3)
    assert found.sentence == (
        "2 school censuses, 2025-01 to 2025-05; 1,234 pupils on roll in the last; 98.3% of the schools expected in January 2025 sent theirs"
    )


def test_without_the_register_it_is_not_said_that_all_schools_are_there(release: Path) -> None:
    fill(release, "insert into marts.fct_census_pupil values ('2025-10', true)")
    found = read_census(release)
    assert found is not None
    assert found.completeness_pct is None
    assert found.sentence == (
        "the school census of 2025-10; 1 pupils on roll in the last; which schools are missing cannot be told without the schools register"
    )


def test_a_release_without_a_census_says_nothing_of_it(release: Path) -> None:
    assert read_census(release) is None
