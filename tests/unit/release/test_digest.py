"""The content digest answers one question: do two tables hold the same rows?"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.errors import CornerstoneError
from orchestration.release import digest
from orchestration.release.digest import content_digest

Row = tuple[str | None, str | None, Decimal | None]

TEXT = st.one_of(st.none(), st.text(alphabet="ab-:0 '\"\\\n\0é£", max_size=4))
NUMBER = st.one_of(st.none(), st.decimals(min_value=-99, max_value=99, places=2))
ROWS = st.lists(st.tuples(TEXT, TEXT, NUMBER), max_size=8)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def digest_of(connection: duckdb.DuckDBPyConnection, rows: list[Row], columns: str | None = None) -> str:
    connection.execute(
        f"create or replace table figure ({columns or 'topic varchar, item varchar, value decimal(8, 2)'})"
    )
    if rows:
        connection.executemany("insert into figure values (?, ?, ?)", rows)
    return content_digest(connection, "main", "figure")


def digest_of_select(connection: duckdb.DuckDBPyConnection, select: str) -> str:
    connection.execute(f"create or replace table figure as {select}")
    return content_digest(connection, "main", "figure")


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS)
def test_two_tables_have_one_digest_exactly_when_they_hold_the_same_rows(
    connection: duckdb.DuckDBPyConnection, first: list[Row], second: list[Row]
) -> None:
    def as_multiset(rows: list[Row]) -> list[str]:
        return sorted(map(repr, rows))

    same_rows = as_multiset(first) == as_multiset(second)
    assert (digest_of(connection, first) == digest_of(connection, second)) == same_rows


@hypothesis_settings(max_examples=20, deadline=None)
@given(rows=ROWS, seed=st.randoms())
def test_the_order_of_rows_does_not_matter(connection: duckdb.DuckDBPyConnection, rows: list[Row], seed: Any) -> None:
    shuffled = rows[:]
    seed.shuffle(shuffled)
    assert digest_of(connection, rows) == digest_of(connection, shuffled)


def test_every_way_in_which_content_can_differ_changes_the_digest(connection: duckdb.DuckDBPyConnection) -> None:
    selects = [
        "select 'ab' as a, 'c' as b, 1 as n",
        "select 'a' as a, 'bc' as b, 1 as n",
        "select 'ab' as a, 'c' as b, 2 as n",
        "select 'ab' as a, 'c' as b, 1::bigint as n",
        "select 'ab' as a, 'c' as b, 1::decimal(4, 1) as n",
        "select 'ab' as a, 'c' as b, 1::decimal(4, 2) as n",
        "select 'ab' as a, 'c' as b, '1' as n",
        "select 'ab' as a, 'c' as b, 1 as m",
        "select 'c' as b, 'ab' as a, 1 as n",
        "select 'ab' as a, 'c' as b, null::integer as n",
        "select null::varchar as a, 'c' as b, 1 as n",
        "select '' as a, 'c' as b, 1 as n",
        "select '-' as a, 'c' as b, 1 as n",
        "select 'ab' as a, 'c' as b, 1 as n limit 0",
        "select 'ab' as a, 'c' as b, 1 as n from range(2)",
        "select 'ab' as a, 'c' as b, 1 as n from range(3)",
    ]
    digests = [digest_of_select(connection, select) for select in selects]
    same = [
        (first, second)
        for (first, a), (second, b) in itertools.combinations(zip(selects, digests, strict=True), 2)
        if a == b
    ]
    assert same == []


def test_every_share_of_a_larger_table_counts(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = "select i, (i * 7919) % 1000 as n from range(20000) t (i)"
    whole = digest_of_select(connection, select)
    monkeypatch.setattr(digest, "SORTED_AT_ONCE", 19_000)
    assert whole == digest_of_select(connection, f"{select} order by hash(i)")
    assert {digest_of_select(connection, f"{select} where i <> {row}") for row in range(0, 20000, 2500)}.isdisjoint(
        {whole}
    )


def test_the_digest_is_what_its_definition_says_and_so_the_same_on_every_machine(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    made = digest_of_select(
        connection, "select 'Rotherham' as la_name, 959::decimal(18, 4) as value union all select null, 0.5"
    )
    hashes = sorted(hashlib.sha256(text).hexdigest().upper() for text in (b"9:Rotherham8:959.0000", b"-6:0.5000"))
    groups = [
        [first_byte, hashlib.sha256("".join(members).encode()).hexdigest()]
        for first_byte, members in itertools.groupby(hashes, key=lambda row_hash: row_hash[:2])
    ]
    columns = [["la_name", "VARCHAR"], ["value", "DECIMAL(18,4)"]]
    assert made == hashlib.sha256(json.dumps([columns, groups]).encode()).hexdigest()


@pytest.mark.parametrize(
    ("column", "instead"),
    [
        ("1::double", "DECIMAL"),
        ("1::float", "DECIMAL"),
        ("1::hugeint", "BIGINT"),
        ("now()", "TIMESTAMP in UTC"),
        ("[1.5::double]", "exact, flat type"),
    ],
)
def test_a_column_whose_text_is_not_exact_is_refused_by_name(
    connection: duckdb.DuckDBPyConnection, column: str, instead: str
) -> None:
    connection.execute(f"create or replace table figure as select {column} as share")
    with pytest.raises(CornerstoneError, match=rf"main\.figure\.share.*{instead}"):
        content_digest(connection, "main", "figure")


def test_a_table_that_does_not_exist_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(CornerstoneError, match=r"no table main\.absent"):
        content_digest(connection, "main", "absent")
