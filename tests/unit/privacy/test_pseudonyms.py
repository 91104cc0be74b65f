"""A pseudonym is HMAC-SHA-256 and nothing else."""

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.privacy.pseudonyms import PSEUDONYM_LENGTH, define_pseudonym, normalised_number

KEY = b"a key of thirty-two bytes in all"


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    define_pseudonym(made, KEY)
    return made


def pseudonym(connection: duckdb.DuckDBPyConnection, scheme: str, identifier: str | None) -> str | None:
    [(made,)] = connection.execute("select pseudonym(?, cast(? as varchar))", [scheme, identifier]).fetchall()
    return None if made is None else str(made)


@given(identifier=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_it_is_the_hmac_of_scheme_and_identifier(connection: duckdb.DuckDBPyConnection, identifier: str) -> None:
    expected = hmac.new(KEY, f"upn:{identifier}".encode(), hashlib.sha256).hexdigest()
    assert pseudonym(connection, "upn", identifier) == expected[:PSEUDONYM_LENGTH]


def test_it_has_at_least_128_bits_and_is_null_for_null(connection: duckdb.DuckDBPyConnection) -> None:
    assert PSEUDONYM_LENGTH * 4 >= 128
    assert pseudonym(connection, "upn", None) is None


def test_one_number_in_two_schemes_has_two_pseudonyms(connection: duckdb.DuckDBPyConnection) -> None:
    assert pseudonym(connection, "upn", "1000102504") != pseudonym(connection, "uln", "1000102504")


@pytest.mark.parametrize(
    ("given", "compared"), [(" e3724 00021001 ", "E372400021001"), ("ZZ1\u00091aa", "ZZ11AA"), ("  ", None)]
)
def test_a_number_is_compared_without_blanks_in_capitals(given: str, compared: str | None) -> None:
    assert duckdb.execute(f"select {normalised_number('$1')}", [given]).fetchall() == [(compared,)]
