"""The attack on the open tables: what counts as seen, what is at stake, and that a leak stops the release."""

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.release.attacked import attack_open_tables
from orchestration.release.inventory import read_disclosure
from orchestration.release.manifest import Disclosure
from orchestration.release.open_schema import build_open_schema
from orchestration.settings import PROJECT_DIR
from tests.unit.release.test_open_schema import POLICY, add_local_values, add_waits

RULES = {rule.rule_id: rule for rule in load_catalogue(PROJECT_DIR / "expectations" / "rules").for_level("open")}


@pytest.fixture
def local(warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    add_local_values(warehouse)
    build_open_schema(warehouse, POLICY)
    return warehouse


def attack_again(connection: duckdb.DuckDBPyConnection, seconds: float = 60) -> dict[str, tuple[int, int, str]]:
    connection.execute("drop table disclosure.attacked_cell")
    attack_open_tables(connection, POLICY, seconds=seconds)
    return ends(connection)


def ends(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int, str]]:
    rows = connection.execute("from disclosure.attacked_cell").fetchall()
    return {key: (lower, upper, outcome) for key, lower, upper, outcome in rows}


def failing(connection: duckdb.DuckDBPyConnection, rule_id: str) -> set[str]:
    return {key for (key,) in connection.execute(RULES[rule_id].failing_rows).fetchall()}


def show(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    """The open tables with one value that they suppress."""
    connection.execute(
        "update kpi_open.kpi_value as open set value = kpi_value.value, numerator = kpi_value.numerator,"
        " denominator = kpi_value.denominator from kpi.kpi_value as kpi_value"
        " where open.kpi_value_key = kpi_value.kpi_value_key and kpi_value.kpi_value_key = ?",
        [value],
    )


def test_the_attack_leaves_two_numbers_at_least_to_every_count_at_stake(local: duckdb.DuckDBPyConnection) -> None:
    found = ends(local)
    # 405 girls and unknown in all; 9 whose needs were met or who transferred; each is one at least.
    assert found["requests unknown"] == (1, 404, "kept")
    assert found["requests girls"] == (1, 404, "kept")
    assert found["needs met"] == (1, 8, "kept")
    # 655 plans less 651 without exceptions, which are hidden.
    rest = [key for key in found if key.startswith("rest of timeliness")]
    assert [found[key][2] for key in rest] == ["kept"]
    assert {outcome for *_, outcome in found.values()} == {"kept"}
    assert failing(local, "DC-011") == failing(local, "DC-012") == set()


def test_the_record_says_what_the_attack_found(local: duckdb.DuckDBPyConnection) -> None:
    record, found = read_disclosure(local), ends(local)
    assert (record.attacked_cells, record.recovered_cells, record.untested_cells) == (len(found), 0, 0)
    widths = [upper - lower for lower, upper, _ in found.values() if upper is not None]
    assert record.tightest_interval == min(widths) > 0
    assert (record.given_cells, record.protection_width) == (0, 1)


@pytest.mark.parametrize(
    ("shown", "recovered"),
    [
        ("requests girls", {"requests girls", "requests unknown"}),
        ("transfer", {"transfer", "needs met"}),
        ("in time share without exceptions", {"plans without exceptions"}),
    ],
)
def test_a_value_that_should_have_been_hidden_stops_the_release(
    local: duckdb.DuckDBPyConnection, shown: str, recovered: set[str]
) -> None:
    show(local, shown)
    # Without a new attack too, where the value tells a count that was attacked.
    assert failing(local, "DC-011") <= recovered and failing(local, "DC-011")
    found = attack_again(local)
    assert recovered <= failing(local, "DC-011")
    counts = dict(local.execute("select cell_key, cell_count from disclosure.cell").fetchall())
    assert {key: found[key] for key in recovered} == {key: (counts[key], counts[key], "recovered") for key in recovered}


def test_what_is_not_tested_in_time_or_not_at_all_stops_the_release(local: duckdb.DuckDBPyConnection) -> None:
    found = attack_again(local, seconds=0)
    untested = {key for key, (*_, outcome) in found.items() if outcome == "untested"}
    assert "requests unknown" in untested
    assert failing(local, "DC-012") == untested
    local.execute("delete from disclosure.attacked_cell")
    assert failing(local, "DC-012") == set(found) - {key for key in found if key.startswith("hidden of ")}


@pytest.mark.parametrize(
    ("published", "ends_of_it"),
    [
        # 77 of 3,001 are 2.5658 per cent, and 78 of two kinds are told. 2.565 to 2.575 per cent are 76.98 to 77.28 children,
        # 2.55 to 2.65 are 76.5 to 79.5.
        ("2.57", (77, 77, "recovered")),
        ("2.6", (77, 78, "kept")),
        # 3.1 per cent are of another count than ours, and tell nothing of it.
        ("3.1", (1, 78, "kept")),
    ],
)
def test_a_percentage_published_without_its_counts_is_known(
    local: duckdb.DuckDBPyConnection, published: str, ends_of_it: tuple[int, int, str]
) -> None:
    local.execute(
        "insert into kpi.kpi_value by name select * replace ('dfe' as kpi_value_key, 'published' as value_basis,"
        f" null as numerator, null as denominator, {published} as value) from kpi.kpi_value"
        " where kpi_value_key = 'independent share'"
    )
    build_open_schema(local, POLICY)
    assert ends(local)["independent"] == ends_of_it
    assert ("independent" in failing(local, "DC-011")) == (ends_of_it[2] == "recovered")


def test_what_a_published_whole_leaves_over_is_at_stake(warehouse: duckdb.DuckDBPyConnection) -> None:
    # 40 published less 37 who live here: 3 of other authorities.
    add_waits(warehouse, (125, 30, 37, 0))
    build_open_schema(warehouse, POLICY)
    over_a_year = ends(warehouse)["apart from therapy_over_52_weeks"]
    assert over_a_year[2] == "kept" and over_a_year[0] <= 3 <= over_a_year[1] and over_a_year[0] < over_a_year[1]
    show(warehouse, "therapy_over_52_weeks of E08000018")
    assert attack_again(warehouse)["apart from therapy_over_52_weeks"] == (3, 3, "recovered")


def test_what_a_line_hides_together_is_at_stake(local: duckdb.DuckDBPyConnection) -> None:
    # 1 boy and 3 of unknown sex are 4 children: with the girls hidden as well, nobody can tell.
    for cell, count in (("requests boys", 1), ("requests", 406)):
        local.execute(
            "update intermediate.int_kpi__local_cell set cell_count = $2, people_count = $2 where cell_key = $1",
            [cell, count],
        )
    build_open_schema(local, POLICY)
    assert "hidden of Sex of requests" not in ends(local)
    show(local, "requests girls")
    found = attack_again(local)
    assert found["hidden of Sex of requests"] == (4, 4, "recovered")
    assert found["requests unknown"] == (1, 3, "kept")


def test_older_manifests_without_an_attack_can_be_read() -> None:
    before = {
        "policy_id": "p", "policy_version": "1.2", "audience": "public", "statement": "s", "threshold": 5,
        "zero_is_disclosive": False, "rounding_base": 1, "min_denominator": 10, "min_contributors": 3,
        "dominance_pct": 75, "secondary": True, "publish_extremes": False, "primary_cells": 1, "secondary_cells": 1,
        "suppressed_values": 2, "unprotected_lines": 0,
    }  # fmt: skip
    assert Disclosure.model_validate(before).attacked_cells is None
