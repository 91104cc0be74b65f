"""The check digits of UPN and ULN in SQL, against a maintained library and by hand."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.catalogue import Rule
from tests.unit.expectations.upn import SHAPED


@pytest.fixture(scope="module")
def persons() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of persons with one row, of which a test sets the numbers."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create table sen2_person"
            " (submission_id varchar, source_file varchar, source_row bigint, upn varchar, uln varchar)"
        )
        yield connection


def is_found(connection: duckdb.DuckDBPyConnection, rule: Rule, column: str, number: str) -> bool:
    """Whether a rule finds fault with a number."""
    connection.execute("delete from sen2_person")
    connection.execute(f"insert into sen2_person (source_row, {column}) values (1, ?)", [number])
    return bool(connection.execute(str(rule.failing_rows)).fetchall())


def upn_is_sound(connection: duckdb.DuckDBPyConnection, rules: dict[str, Rule], number: str) -> bool:
    return not any(is_found(connection, rules[rule_id], "upn", number) for rule_id in ("RS2-017", "RS2-018"))


@pytest.mark.parametrize(
    "number",
    ["B801200005001", "A950000178301", "H243278544154", "X845212818005", "P207000016049", "E372400021001",
     "U372400021002", "D37240002101A", "N372200119045", "R372700022007", "e372400021001", " E3724000 21001"],
)  # fmt: skip
def test_a_upn_with_its_check_letter_is_sound(
    number: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    assert upn_is_sound(persons, sen2_rules, number)


@pytest.mark.parametrize("number", ["A801200005001", "R247962919251", "X428558133462", "Q207000016049"])
def test_a_upn_with_another_check_letter_is_found(
    number: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    assert is_found(persons, sen2_rules["RS2-018"], "upn", number)
    assert not is_found(persons, sen2_rules["RS2-017"], "upn", number)


@pytest.mark.parametrize(
    "number",
    [
        "372400021001",
        "I372400021001",
        "E37240002100",
        "E3724000210011",
        "E37240002101S",
        "E37240002A001",
        "E372400021٣01",
        "O",
        "-",
    ],
)
def test_what_has_not_the_shape_of_a_upn_is_found_by_its_shape_alone(
    number: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    assert is_found(persons, sen2_rules["RS2-017"], "upn", number)
    assert not is_found(persons, sen2_rules["RS2-018"], "upn", number)


@given(number=SHAPED)
@settings(max_examples=150, deadline=None)
def test_the_check_letter_is_the_one_the_library_computes(
    number: str, library: Any, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    assert upn_is_sound(persons, sen2_rules, library.calc_check_digit(number[1:]) + number[1:])
    assert upn_is_sound(persons, sen2_rules, number) == library.is_valid(number)


@given(
    number=st.one_of(
        st.text("ABIOSZ0123456789 ", max_size=15), SHAPED.map(lambda n: n[:-1]), SHAPED.map(lambda n: n + "0")
    )
)
@settings(max_examples=100, deadline=None)
def test_the_rules_refuse_the_shapes_that_the_library_refuses(
    number: str, library: Any, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    assert upn_is_sound(persons, sen2_rules, number) == library.is_valid(number)


def test_an_authority_that_the_library_does_not_know_is_no_fault(
    library: Any, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    """940, North Northamptonshire since 2021, is not in its list; 001 to 005 are codes of authorities that are none."""
    for digits in ("940000021001", "001000021001"):
        number = library.calc_check_digit(digits) + digits
        assert upn_is_sound(persons, sen2_rules, number)
        assert not library.is_valid(number)


# Worked by hand: the weights are 10 down to 2, the check digit is 10 less the remainder of the sum by 11.
@pytest.mark.parametrize(
    "number",
    [
        "1000102504",  # 10 + 6 + 8 + 15 = 39, remainder 6
        "1234567899",  # 10 + 18 + 24 + 28 + 30 + 30 + 28 + 24 + 18 = 210, remainder 1
        "1100000002",  # 10 + 9 = 19, remainder 8
        "1000000000",  # 10, remainder 10: the check digit nought is legal
        "10001 02504",
    ],
)
def test_a_uln_with_its_check_digit_is_sound(
    number: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    assert not is_found(persons, sen2_rules["RS2-019"], "uln", number)


@pytest.mark.parametrize(
    "number",
    ["1000102505", "1234567890", "9999999999", "0000000000", "100010250", "10001025040", "A000102504", "", "-"],
)
def test_any_other_uln_is_found(number: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection) -> None:
    assert is_found(persons, sen2_rules["RS2-019"], "uln", number)


@pytest.mark.parametrize("last", "0123456789")
def test_no_last_digit_makes_a_uln_of_a_sum_without_remainder(
    last: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    """10 + 6 x 2 = 22."""
    assert is_found(persons, sen2_rules["RS2-019"], "uln", "100000006" + last)


@given(digits=st.text("0123456789", min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_at_most_one_last_digit_makes_a_uln_and_the_weighted_sum_of_all_ten_is_then_ten(
    digits: str, sen2_rules: dict[str, Rule], persons: duckdb.DuckDBPyConnection
) -> None:
    sound = [last for last in "0123456789" if not is_found(persons, sen2_rules["RS2-019"], "uln", digits + last)]
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=True))
    assert sound == [last for last in "0123456789" if (total + int(last)) % 11 == 10]
