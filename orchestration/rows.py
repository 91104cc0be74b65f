"""Rows of a query by the names of their columns."""

from typing import Any

import duckdb


def named_rows(answered: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """All rows of what `execute` gave, each by the names of its columns."""
    names = [column[0] for column in answered.description]
    return [dict(zip(names, row, strict=True)) for row in answered.fetchall()]
