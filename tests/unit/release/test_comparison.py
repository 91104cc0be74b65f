"""How much of the published tables a release reproduces, and what is said of the rest."""

from pathlib import Path

import duckdb
import pytest

from orchestration.release.comparison import Reproduction, read_reproduction
from orchestration.release.exports import RESTRICTED_DATABASE

CELLS = """
    ('caseload', '202425', 'Sex', 'Male', 'ehcplans', 2572, 2572, 'reproduced'),
    ('caseload', '202425', 'Sex', 'Female', 'ehcplans', 1051, 1051, 'reproduced'),
    ('caseload', '202425', 'Sex', 'Male', 'neet', 0, 0, 'reproduced'),
    ('ceased_plans', '2024', 'Sex', 'Female', 'employ', 53, 54, 'explained'),
    ('annual_reviews', '2024', 'Sex', 'Female', 'review_decision_outstanding', 5, 60, 'not_comparable'),
    ('phase_transfers', '2025', null, null, 'due_26', 1641, 3, 'unexplained'),
    ('newplans', '2024', 'Sex', 'Male', 'new_ehc_plans', 9, 4, 'unexplained')
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / RESTRICTED_DATABASE).parent.mkdir()
    with duckdb.connect(str(tmp_path / RESTRICTED_DATABASE)) as connection:
        connection.execute(
            "create schema marts; create table marts.fct_ehc_statistic_comparison (series_code varchar, time_period varchar,"
            " breakdown_topic varchar, breakdown varchar, measure_code varchar, published_value decimal(18, 4),"
            " local_value decimal(18, 4), outcome varchar)"
        )
    return tmp_path


def test_cells_are_counted_and_those_without_a_reason_named_without_their_numbers(release: Path) -> None:
    with duckdb.connect(str(release / RESTRICTED_DATABASE)) as connection:
        connection.execute(f"insert into marts.fct_ehc_statistic_comparison values {CELLS}")
    found = read_reproduction(release)
    assert found == Reproduction(
        7, 3, 2, 1, 1, ["newplans 2024, Sex: Male, new_ehc_plans", "phase_transfers 2025, due_26"]
    )
    assert found.sentence == (
        "3 of 7 published cells reproduced (2 above zero); 1 differ for a stated reason; 1 cannot be compared; 2 unexplained"
    )


def test_a_release_whose_returns_cover_no_published_cell_says_nothing(release: Path) -> None:
    assert read_reproduction(release) is None
