"""The numbers of children in SQL against a maintained library: NHS numbers and UPNs."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.catalogue import Rule

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
OF_NHS_NUMBERS = ["RTW-020", "RTW-021"]


@pytest.fixture(scope="module")
def requests() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of requests with one row, of which a test sets the numbers."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create table therapy_referral"
            " (submission_id varchar, source_file varchar, source_row bigint, nhs_number varchar, upn varchar)"
        )
        yield connection


@pytest.fixture(scope="module")
def nhs() -> Any:
    """The NHS number module of python-stdnum."""
    return pytest.importorskip("stdnum.gb.nhs")


@pytest.fixture(scope="module")
def upn() -> Any:
    """The UPN module of python-stdnum."""
    return pytest.importorskip("stdnum.gb.upn")


def found(
    connection: duckdb.DuckDBPyConnection, rules: dict[str, Rule], among: list[str], column: str, number: str
) -> list[str]:
    """The rules among some that find fault with a number."""
    connection.execute("delete from therapy_referral")
    connection.execute(f"insert into therapy_referral (source_row, {column}) values (1, ?)", [number])
    return [rule_id for rule_id in among if connection.execute(str(rules[rule_id].failing_rows)).fetchall()]


@pytest.mark.parametrize(
    ("number", "rule_ids"),
    [
        # The agreement's own worked examples.
        ("943 476 5919", []),
        ("9990000018", []),
        ("9990000050", []),
        ("9990123454", []),
        ("9999999999", []),
        ("9991234560", ["RTW-021"]),
        ("9990000000", ["RTW-021"]),
        ("9434765918", ["RTW-021"]),
        ("943476591", ["RTW-020"]),
        ("94347659190", ["RTW-020"]),
        ("943-476-5919", ["RTW-020"]),
        ("9.99E+09", ["RTW-020"]),
        ("999000001٨", ["RTW-020"]),
        # The shortest of Scotland begins with nought.
        ("0101000001", ["RTW-021"]),
    ],
)
def test_a_fault_of_an_nhs_number_is_found_by_the_rule_about_it(
    number: str, rule_ids: list[str], therapy_rules: dict[str, Rule], requests: duckdb.DuckDBPyConnection
) -> None:
    assert found(requests, therapy_rules, OF_NHS_NUMBERS, "nhs_number", number) == rule_ids


@given(nine=st.text("0123456789", min_size=9, max_size=9))
@settings(max_examples=30, deadline=None)
def test_the_check_digit_is_the_one_the_library_takes(
    nine: str, nhs: Any, therapy_rules: dict[str, Rule], requests: duckdb.DuckDBPyConnection
) -> None:
    taken = [
        digit
        for digit in "0123456789"
        if found(requests, therapy_rules, OF_NHS_NUMBERS, "nhs_number", nine + digit) == []
    ]
    assert taken == [digit for digit in "0123456789" if nhs.is_valid(nine + digit)]


SHAPED = st.builds(
    lambda first, authority, body, last: first + authority + body + last,
    st.sampled_from(LETTERS),
    st.sampled_from(["201", "372", "813", "938"]),
    st.text("0123456789", min_size=8, max_size=8),
    st.sampled_from("0123456789" + LETTERS),
)


@given(number=SHAPED)
@settings(max_examples=60, deadline=None)
def test_the_check_letter_is_the_one_the_library_computes(
    number: str, upn: Any, therapy_rules: dict[str, Rule], requests: duckdb.DuckDBPyConnection
) -> None:
    assert found(requests, therapy_rules, ["RTW-034"], "upn", upn.calc_check_digit(number[1:]) + number[1:]) == []
    assert (found(requests, therapy_rules, ["RTW-034"], "upn", number) == []) == upn.is_valid(number)
