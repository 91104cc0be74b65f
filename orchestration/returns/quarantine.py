"""Rows set aside: those that fail a quarantining rule, and whatever hangs from one of them."""

from collections import Counter

import duckdb
import pyarrow as pa

from expectations.catalogue import Catalogue
from expectations.landing import LandingFailure
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.workspace import insert_arrow

PARENT_QUARANTINED = "RF-010"


def register_failures(connection: duckdb.DuckDBPyConnection, failures: list[LandingFailure]) -> None:
    """Make the table `landing_failure` of the workspace anew, a row a failing place."""
    connection.execute(
        "create or replace table landing_failure (rule_id varchar, severity varchar, effect varchar, table_name varchar,"
        " submission_id varchar, source_file varchar, source_row bigint, cell varchar)"
    )
    _insert_failures(connection, failures)


def _insert_failures(connection: duckdb.DuckDBPyConnection, failures: list[LandingFailure]) -> None:
    if failures:
        rows = {name: [getattr(failure, name) for failure in failures] for name in LandingFailure._fields}
        types = {"source_row": pa.int64()}
        arrow = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in rows.items()})
        insert_arrow(connection, "landing_failure", arrow)


def is_quarantined(spec: ReturnSpec, table: str) -> str:
    """SQL that is true for a row of `table`, under the alias `landed`, that fails a quarantining rule."""
    cell = spec.tables[table].cell
    same_cell = f" and (failed.cell is null or failed.cell = {cell})" if cell else ""
    return (
        "exists (select 1 from landing_failure as failed where failed.effect = 'quarantine'"
        f" and failed.table_name = '{table}' and failed.submission_id = landed.submission_id"
        f" and failed.source_file = landed.source_file and failed.source_row = landed.source_row{same_cell})"
    )


def quarantine_children(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, catalogue: Catalogue, failures: list[LandingFailure]
) -> list[LandingFailure]:
    """Register, parents first, the records that hang from a quarantined one: without it they say nothing.

    Returns: these failures, which `failures`, registered before, do not hold.
    """
    rule = catalogue.rule(PARENT_QUARANTINED)
    found: list[LandingFailure] = []
    touched = _quarantining_tables(failures)
    for name, table in spec.tables.items():
        if table.parent not in touched:
            continue
        rows = connection.execute(
            f"""
            select landed.submission_id, landed.source_file, landed.source_row
            from "{name}" as landed
            inner join (select * from "{table.parent}" as landed where {is_quarantined(spec, table.parent)}) as parent
                on parent.submission_id = landed.submission_id and parent.record = landed.parent_record
            where not {is_quarantined(spec, name)}
            order by all
            """
        ).fetchall()
        inherited = [
            LandingFailure(
                rule.rule_id, rule.severity, "quarantine", name, submission_id, source_file, source_row, None
            )
            for submission_id, source_file, source_row in rows
        ]
        _insert_failures(connection, inherited)
        found += inherited
        touched |= _quarantining_tables(inherited)
    return found


def _quarantining_tables(failures: list[LandingFailure]) -> set[str]:
    return {failure.table_name for failure in failures if failure.effect == "quarantine"}


def count_quarantined(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, failures: list[LandingFailure]
) -> dict[tuple[str, str], int]:
    """Rows that `failures`, which are registered, set aside, those that could not be split among them, by table and
    submission."""
    found: Counter[tuple[str, str]] = Counter()
    touched = _quarantining_tables(failures)
    for name in (name for name in spec.tables if name in touched):
        for submission_id, count in connection.execute(
            f"""
            select submission_id, count(*) from "{name}" as landed where {is_quarantined(spec, name)} group by all
            union all
            select submission_id, count(*) from unreadable_row where table_name = '{name}' group by all
            """
        ).fetchall():
            found[name, submission_id] += count
    return dict(found)
