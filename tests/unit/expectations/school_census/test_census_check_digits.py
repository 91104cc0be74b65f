"""The numbers of pupils in SQL: UPNs against a maintained library, ULNs by the query that SEN2's tests check."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings

from expectations.catalogue import Catalogue, Rule
from tests.unit.expectations.upn import SHAPED

OF_UPNS = ["RC-1510", "RC-1530", "RC-1540", "RC-1550"]


@pytest.fixture(scope="module")
def pupils() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of pupils with one row, of which a test sets the numbers."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create table census_pupil"
            " (submission_id varchar, source_file varchar, source_row bigint, upn varchar, former_upn varchar)"
        )
        yield connection


def found(connection: duckdb.DuckDBPyConnection, rules: dict[str, Rule], column: str, number: str) -> list[str]:
    """The rules of UPNs that find fault with a number."""
    connection.execute("delete from census_pupil")
    connection.execute(f"insert into census_pupil (source_row, {column}) values (1, ?)", [number])
    return [rule_id for rule_id in OF_UPNS if connection.execute(str(rules[rule_id].failing_rows)).fetchall()]


@pytest.mark.parametrize("column", ["upn", "former_upn"])
@pytest.mark.parametrize(
    ("number", "rule_ids"),
    [
        ("B801200005001", []),
        ("D37240002101A", []),
        ("e37240 0021001", []),
        ("Z001000021001", []),
        ("C940000021001", []),
        ("A801200005001", ["RC-1510"]),
        ("1801200005001", ["RC-1510"]),
        ("E999400021001", ["RC-1530"]),
        ("E3724O0021001", ["RC-1540"]),
        ("E37240٣021001", ["RC-1540"]),
        ("E37240002101S", ["RC-1550"]),
        ("E37240002100", ["RC-1550"]),
        ("E3724000210011", ["RC-1550"]),
        ("372400021001", ["RC-1530", "RC-1550"]),
    ],
)
def test_a_fault_of_a_upn_is_found_by_the_rule_about_it(
    column: str, number: str, rule_ids: list[str], census_rules: dict[str, Rule], pupils: duckdb.DuckDBPyConnection
) -> None:
    assert found(pupils, census_rules, column, number) == rule_ids


def test_a_pupil_whose_two_numbers_are_wrong_is_one_failure(
    census_rules: dict[str, Rule], pupils: duckdb.DuckDBPyConnection
) -> None:
    pupils.execute("delete from census_pupil")
    pupils.execute("insert into census_pupil values ('s', 'f', 1, 'A801200005001', 'Q207000016049')")
    assert len(pupils.execute(str(census_rules["RC-1510"].failing_rows)).fetchall()) == 1


@given(number=SHAPED)
@settings(max_examples=60, deadline=None)
def test_the_check_letter_is_the_one_the_library_computes(
    number: str, library: Any, census_rules: dict[str, Rule], pupils: duckdb.DuckDBPyConnection
) -> None:
    assert found(pupils, census_rules, "upn", library.calc_check_digit(number[1:]) + number[1:]) == []
    assert (found(pupils, census_rules, "former_upn", number) == []) == library.is_valid(number)


def test_a_uln_is_checked_as_in_the_ehc_plans_return(catalogue: Catalogue, census_rules: dict[str, Rule]) -> None:
    other = catalogue.rule("RS2-019")
    queries = (
        str(rule.failing_rows).replace(table, "").replace(f"as {alias}", "")
        for rule, table, alias in (
            (census_rules["RC-1575"], "census_pupil", "pupil"),
            (other, "sen2_person", "person"),
        )
    )
    assert len(set(queries)) == 1
