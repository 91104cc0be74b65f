"""What was accepted before a submission: the returns that rules of the same return compare it with.

In the workspace, for a return that has such rules: a schema named after it with the landed columns of its tables, of every
submission accepted before and of those being judged; and `earlier_return` (submission_id, earlier_id, place), which pairs each
that is judged with those accepted before it. Place 1 was accepted last. Drafts are judged and are nobody's earlier return.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import duckdb
import pyarrow as pa

from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import Submission
from orchestration.returns.workspace import insert_arrow
from orchestration.sql_text import literal, quoted


def accepted_before(submissions: Iterable[Submission]) -> list[Submission]:
    """Submissions that later ones of the return are compared with, in the order in which they were accepted."""
    return [one for one in submissions if one.status == "accepted" and not one.is_draft]


def attach_earlier(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, landed: Mapping[str, str | None]) -> None:
    """Put what was accepted before beside the rows that are judged; `landed` gives each table's relation (SQL), if any."""
    connection.execute(f"create schema {quoted(spec.return_id)}")
    connection.execute("create table earlier_return (submission_id varchar, earlier_id varchar, place integer)")
    for name, relation in landed.items():
        columns = _shared_columns(spec, name)
        table = quoted(spec.return_id, name)
        connection.execute(f"create table {table} as select {', '.join(columns)} from {quoted(name)} limit 0")
        if relation is not None:
            kept = ", ".join(map(literal, columns))
            connection.execute(f"insert into {table} by name select columns(name -> name in ({kept})) from {relation}")


def add_judged(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_ids: Collection[str]) -> None:
    """Put submissions that are judged now beside those of before: later ones of the same landing are compared with them."""
    for name in spec.tables:
        connection.execute(
            f"insert into {quoted(spec.return_id, name)} by name select {', '.join(_shared_columns(spec, name))}"
            f" from {quoted(name)} where submission_id in (select unnest(?))",
            [list(submission_ids)],
        )


def pair_with_earlier(
    connection: duckdb.DuckDBPyConnection,
    before: Sequence[tuple[str, str]],
    judged: Sequence[tuple[str, str]],
    passed_over: Collection[str],
) -> None:
    """Say of each submission which of its supplier were accepted before it.

    Args:
        connection: a workspace after `attach_earlier`.
        before: submissions of earlier landings and their suppliers, in the order in which they were accepted.
        judged: those that are judged now, in the order of their turns.
        passed_over: of `judged`, those that nothing is compared with: drafts, and what is refused.
    """
    accepted: dict[str, list[str]] = {}
    for submission_id, supplier in before:
        accepted.setdefault(supplier, []).append(submission_id)
    pairs: list[tuple[str, str, int]] = []
    for submission_id, supplier in judged:
        own = accepted.setdefault(supplier, [])
        pairs += [(submission_id, earlier, place) for place, earlier in enumerate(reversed(own), 1)]
        if submission_id not in passed_over:
            own.append(submission_id)
    connection.execute("delete from earlier_return")
    names = {"submission_id": pa.string(), "earlier_id": pa.string(), "place": pa.int32()}
    rows = {name: pa.array([pair[i] for pair in pairs], type_) for i, (name, type_) in enumerate(names.items())}
    insert_arrow(connection, "earlier_return", pa.table(rows))


def judged_again(submissions: Sequence[Submission], about_earlier: frozenset[str]) -> list[Submission]:
    """Refused submissions that can become right without a change: they failed beside earlier returns, and others may come.

    Args:
        submissions: every submission of the return, in the order they were received.
        about_earlier: the rules that compare a submission with earlier ones.
    """
    latest = {one.sha256: one for one in submissions}
    to_judge = {
        sha256
        for sha256, one in latest.items()
        if one.status == "refused" and not about_earlier.isdisjoint(one.failures)
    }
    return [one for one in submissions if one.sha256 in to_judge]


def _shared_columns(spec: ReturnSpec, table: str) -> list[str]:
    received = spec.tables[table].received_types
    return [name for name in spec.landed_types(table) if name in received]
