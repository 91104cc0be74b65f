"""Pseudonyms: HMAC-SHA-256 of a scheme and a normalised identifier (RFC 2104), computed by DuckDB over whole columns.

A plain hash of a number of known shape can be undone by trying all of them; without the secret a keyed one cannot.
"""

import duckdb

_BLOCK = 64  # bytes of an SHA-256 block
PSEUDONYM_LENGTH = 32  # hexadecimal digits kept: 128 bits


def define_pseudonym(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give the connection the macro `pseudonym(scheme, identifier)`: 32 hexadecimal digits, null for null.

    The key stays in a temporary table, not in the text of a query, so that no message can show it.
    """
    padded = key.ljust(_BLOCK, b"\0")
    connection.execute("create or replace temp table pseudonym_key (inner_pad blob, outer_pad blob)")
    connection.execute(
        "insert into pseudonym_key values (?, ?)",
        [bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)],
    )
    connection.execute(
        f"""
        create or replace temp macro pseudonym(scheme, identifier) as (
            left(
                sha256(
                    (select outer_pad from pseudonym_key)
                    || unhex(sha256((select inner_pad from pseudonym_key) || encode(scheme || ':' || identifier)))
                ),
                {PSEUDONYM_LENGTH}
            )
        )
        """
    )


def normalised_number(expression: str) -> str:
    """SQL of an identifying number as it is compared: upper case, without blanks; empty is null."""
    return f"nullif(upper(regexp_replace({expression}, '\\s', '', 'g')), '')"
