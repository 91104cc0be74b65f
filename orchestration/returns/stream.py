"""Records on their way from a reader into the workspace: small batches wait to be typed with others, large ones are typed
as they come."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.returns.conform import batch_in_view, conform, headers_received, name_submissions, of_unit
from orchestration.returns.gather import Unit
from orchestration.returns.readers.records import Batch, Keep, without_blanks
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.workspace import insert_arrow

TYPED_AT_ONCE = 20_000  # records of one file that are worth typing by themselves
_BATCHES_AHEAD = 1  # batches of records that may wait to be taken: bounds memory


class WaitingRecords:
    """Records that wait in tables of text to be typed with those of other units; small batches go there together."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: dict[str, list[pa.Table]] = {}
        self._count = 0

    def add(self, batch: Batch) -> None:
        """Let a batch wait."""
        for name, rows in batch.items():
            self._rows.setdefault(name, []).append(rows)
            self._count += rows.num_rows
        if self._count >= TYPED_AT_ONCE:
            self.insert()

    def insert(self) -> None:
        """Put into the tables what is not in them yet."""
        for name, rows in self._rows.items():
            together = without_blanks(pa.concat_tables(rows, promote_options="default"))
            insert_arrow(self._connection, f"raw_{name}", together)
        self._rows.clear()
        self._count = 0


class _Arriving:
    """Takes batches of the records of a unit, whose numbers come after `after`.

    Small batches wait. Many records at a time are typed as they come instead, where the one header that a file of the kind
    has came first, which says of when they are. Headers always wait.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        spec: ReturnSpec,
        unit: Unit,
        after: int,
        waiting: WaitingRecords,
    ) -> None:
        self._connection, self._spec, self._unit, self._after = connection, spec, unit, after
        self._waiting = waiting
        self._period: str | None = None

    def take(self, batch: Batch) -> None:
        """Type a batch, or let it wait."""
        assert self._spec.submission is not None
        batch = {name: _numbered_after(rows, self._after) for name, rows in batch.items()}
        if self._spec.submission.header in batch:
            self._waiting.add({self._spec.submission.header: batch.pop(self._spec.submission.header)})
        is_large = sum(rows.num_rows for rows in batch.values()) >= TYPED_AT_ONCE
        if is_large and (period := self._known_period()) is not None:
            batch = {name: without_blanks(rows) for name, rows in batch.items()}
            with batch_in_view(self._connection, self._spec, batch) as held:
                conform(self._connection, self._spec, [period], held)
        else:
            self._waiting.add(batch)

    def _known_period(self) -> str | None:
        """The period of the records, once their one header has come; None while it is not known."""
        if self._period is None and not self._spec.files[self._unit.kind].holds_several:
            self._waiting.insert()
            headers = headers_received(self._connection, self._spec, of_unit(self._after))
            if len(headers) == 1 and headers[0].period and self._spec.knows_period(headers[0].period):
                self._period = headers[0].period
                name_submissions(self._connection, [(headers[0].record, self._unit.submission_id, str(self._period))])
        return self._period


@contextmanager
def taking(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: Unit, after: int, waiting: WaitingRecords
) -> Iterator[Keep]:
    """Take batches of a unit's records while the next are read: DuckDB works beside Python, a batch behind it.

    Records are numbered after `after`; small batches, and headers, go to `waiting`.

    Yields: what to hand each batch to. What broke with one batch is raised with a later one, or at the end.
    """
    arriving = _Arriving(connection, spec, unit, after, waiting)
    with ThreadPoolExecutor(max_workers=1) as worker:
        ahead: list[Future[None]] = []

        def keep(batch: Batch) -> None:
            while len(ahead) > _BATCHES_AHEAD:
                ahead.pop(0).result()
            ahead.append(worker.submit(arriving.take, batch))

        yield keep
        for taken in ahead:
            taken.result()


def _numbered_after(rows: pa.Table, after: int) -> pa.Table:
    """Records with their numbers moved up by `after`; one of no header that can be told counts as the first one's."""
    roots = rows.column("root_record") if "root_record" in rows.column_names else pa.nulls(rows.num_rows, pa.int64())
    numbers = {
        "record": rows.column("record"),
        "parent_record": rows.column("parent_record"),
        "root_record": pc.coalesce(roots, pa.scalar(1, pa.int64())),
    }
    others = {name: rows.column(name) for name in rows.column_names if name not in numbers}
    return pa.table(others | {name: pc.add(column, after) for name, column in numbers.items()})
