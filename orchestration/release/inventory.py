"""What the warehouse offers for release: tables and views, the submissions behind them, the gates that passed them."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.release.digest import content_digest
from orchestration.release.errors import ReleaseRefused
from orchestration.release.manifest import (
    Disclosure,
    GateResult,
    InputSubmission,
    Manifest,
    RuleCount,
    TableContent,
    ViewContent,
)
from orchestration.returns.spec import load_spec, return_ids
from orchestration.rows import named_rows
from orchestration.sql_text import quoted

# The gates, and the schemas whose tables each must have passed together. Which tables a schema holds is asked of the
# database. The open gate compares the open tables with those they were made from, so its pass is about both. Views have no
# verdict: they hold no rows, and read released tables alone.
SCHEMAS_OF_GATE = {"mart": ("marts",), "kpi": ("kpi",), "open": ("kpi", "kpi_open")}
RELEASED_SCHEMAS = ("marts", "kpi", "kpi_internal", "kpi_open")

VIEW_HEAD = re.compile(r'^create view (?:[\w."]+) (?:\((?P<columns>[^()]*)\) )?as (?P<select>.*?);?$', re.I | re.S)


class PublishedRule(Protocol):
    """What a release needs to know of a rule of the catalogue."""

    @property
    def rule_id(self) -> str:
        """The rule's id."""
        ...

    @property
    def return_id(self) -> str:
        """The return the rule is about."""
        ...

    @property
    def severity(self) -> Any:
        """block, warn or observe."""
        ...

    @property
    def effect(self) -> Any:
        """refuse, quarantine or flag for a landing rule; None for a mart or KPI rule."""
        ...

    @property
    def judged_rows(self) -> str | None:
        """The rows of its table that it can judge; None for all."""
        ...

    def as_row(self) -> dict[str, str | None]:
        """The rule as a row of text columns."""
        ...


class PublishedCatalogue(Protocol):
    """The rule catalogue as a release sees it."""

    @property
    def digest(self) -> str:
        """SHA-256 of the catalogue."""
        ...

    @property
    def rules(self) -> tuple[Any, ...]:
        """Every rule (`PublishedRule`)."""
        ...


@dataclass(frozen=True)
class Inventory:
    """All that goes into one release, read from the warehouse."""

    tables: list[TableContent]
    views: list[ViewContent]
    inputs: list[InputSubmission]
    gates: list[GateResult]
    disclosure: Disclosure
    untold_returns: set[str]


def take_inventory(
    connection: duckdb.DuckDBPyConnection, *, catalogue_digest: str, earlier: Sequence[Manifest] = ()
) -> Inventory:
    """Read the warehouse, and recompute every digest.

    Args:
        connection: the warehouse.
        catalogue_digest: of the rule catalogue the gates ran with.
        earlier: the releases that people have read.

    Raises:
        ReleaseRefused: nothing to release, or a table without a pass for exactly this content and catalogue.
        CornerstoneError: a table whose content cannot be proven.
    """
    tables = [
        TableContent(
            schema_name=schema,
            table_name=table,
            rows=count_rows(connection, quoted(schema, table)),
            digest=content_digest(connection, schema, table),
        )
        for schema, table in released_tables(connection)
    ]
    inputs = accepted_submissions(connection)
    disclosure = read_disclosure(connection)
    return Inventory(
        tables=tables,
        views=released_views(connection),
        inputs=inputs,
        gates=[passing_gate(connection, gate, tables, catalogue_digest=catalogue_digest) for gate in SCHEMAS_OF_GATE],
        disclosure=disclosure,
        untold_returns=untold_returns(inputs, disclosure.threshold, [one.inputs for one in earlier]),
    )


def untold_returns(
    inputs: Sequence[InputSubmission], threshold: int, earlier: Iterable[Sequence[InputSubmission]] = ()
) -> set[str]:
    """Returns about people with a file of which few rows were set aside.

    Of none of their files it is told how many were: the share of rows set aside is a KPI, and the few would follow from its sum. So
    they would, from the sum of an earlier release, where such a file is gone and the others of then are told: these stay untold.

    Args:
        inputs: files of a release.
        threshold: below this many rows are few.
        earlier: files of the releases before that people have read.
    """
    about_nobody = returns_about_nobody()
    files = {item.submission_id for item in inputs}
    return {
        item.return_id
        for item in inputs
        if item.return_id not in about_nobody and 0 < item.rows_quarantined < threshold
    }.union(
        return_id
        for before in earlier
        for return_id in untold_returns(before, threshold)
        if any(item.return_id == return_id and item.submission_id in files for item in before)
    )


def returns_about_nobody() -> set[str]:
    """The returns in which no row is about a person: of those, few rows can be told of."""
    return {return_id for return_id in return_ids() if load_spec(return_id).personal_data == "none"}


def released_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(schema, table) of every base table of the released schemas."""
    return connection.execute(
        """
        select table_schema, table_name
        from information_schema.tables
        where table_catalog = current_database() and table_type = 'BASE TABLE' and list_contains(?, table_schema)
        order by table_schema, table_name
        """,
        [list(RELEASED_SCHEMAS)],
    ).fetchall()


def guarded_tables(connection: duckdb.DuckDBPyConnection, gate: str) -> list[tuple[str, str]]:
    """(schema, table) of all that a gate ('mart', 'kpi' or 'open') must pass before it can be released."""
    return [(schema, table) for schema, table in released_tables(connection) if schema in SCHEMAS_OF_GATE[gate]]


def read_disclosure(connection: duckdb.DuckDBPyConnection) -> Disclosure:
    """The record of the disclosure control that the open tables went through."""
    columns = list(Disclosure.model_fields)
    [row] = named_rows(connection.execute(f"select {', '.join(columns)} from disclosure.applied"))
    return Disclosure.model_validate(row)


def released_views(connection: duckdb.DuckDBPyConnection) -> list[ViewContent]:
    """Views of the released schemas, in the order they were made (a view may read another)."""
    rows = connection.execute(
        """
        select schema_name, view_name, sql
        from duckdb_views()
        where database_name = current_database() and list_contains(?, schema_name)
        order by view_oid
        """,
        [list(RELEASED_SCHEMAS)],
    ).fetchall()
    return [ViewContent(schema_name=schema, view_name=view, definition=definition) for schema, view, definition in rows]


def read_view(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> ViewContent:
    """A view of any schema of the warehouse.

    Raises:
        CornerstoneError: there is none of that name.
    """
    rows = connection.execute(
        "select sql from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?",
        [schema, name],
    ).fetchall()
    if not rows:
        raise CornerstoneError(f"There is no view {schema}.{name}; build the KPI models, then run again.")
    return ViewContent(schema_name=schema, view_name=name, definition=rows[0][0])


def accepted_submissions(connection: duckdb.DuckDBPyConnection) -> list[InputSubmission]:
    """Every accepted submission: superseded ones too, because the marts keep all vintages."""
    columns = list(InputSubmission.model_fields)
    accepted = connection.execute(
        f"""
        select {", ".join(columns)}
        from control.submission
        where status = 'accepted'
        order by return_id, period, supplier, submission_id
        """
    )
    return [InputSubmission.model_validate(row) for row in named_rows(accepted)]


def passing_gate(
    connection: duckdb.DuckDBPyConnection, gate: str, tables: list[TableContent], *, catalogue_digest: str
) -> GateResult:
    """The gate run that passed every table it guards as it now is.

    One run must cover them all: rules look across tables, so passes collected from several runs would be about
    combinations that no gate has seen.

    Raises:
        ReleaseRefused: a schema is empty, or a table has no pass for exactly this content and catalogue.
    """
    schemas = SCHEMAS_OF_GATE[gate]
    guarded = {
        f"{table.schema_name}.{table.table_name}": (table.digest, catalogue_digest, "pass")
        for table in tables
        if table.schema_name in schemas
    }
    for schema in schemas:
        if not any(table.schema_name == schema for table in tables):
            raise ReleaseRefused(f"There is no table in schema {schema} to release; build the models, then run again.")
    verdicts = {
        table_name: (tuple(verdict), run_id, evaluated_at)
        for table_name, *verdict, run_id, evaluated_at in verdict_rows(connection, gate)
    }
    unproven = sorted(
        table for table, needed in guarded.items() if table not in verdicts or verdicts[table][0] != needed
    )
    if unproven:
        raise ReleaseRefused(
            f"Not released: the {gate} gate holds no pass for {', '.join(unproven)} with exactly "
            f"this content and these rules. Run the {gate} gate, correct what it reports, then release again."
        )
    runs = {(run_id, evaluated_at) for table, (_, run_id, evaluated_at) in verdicts.items() if table in guarded}
    if len(runs) > 1:
        raise ReleaseRefused(
            f"Not released: the tables of schema {' and '.join(schemas)} were passed by different runs of the {gate} gate, none of "
            f"which saw them together. Run the {gate} gate, then release again."
        )
    run_id, evaluated_at = runs.pop()
    return GateResult(
        gate=gate, run_id=run_id, evaluated_at=evaluated_at, rule_counts=count_rules(connection, gate, run_id)
    )


def verdict_rows(connection: duckdb.DuckDBPyConnection, gate: str) -> list[tuple[Any, ...]]:
    """(table, content digest, catalogue digest, verdict, run id, time) of a gate's verdicts, the latest last.

    Raises:
        ReleaseRefused: no gate has ever run.
    """
    try:
        return connection.execute(
            """
            select table_name, content_digest, catalogue_digest, verdict, run_id, evaluated_at
            from gate.verdict
            where gate = ?
            order by evaluated_at
            """,
            [gate],
        ).fetchall()
    except duckdb.CatalogException as error:
        raise ReleaseRefused(f"Not released: no gate has run yet. Run the {gate} gate, then release again.") from error


def count_rules(connection: duckdb.DuckDBPyConnection, gate: str, run_id: str) -> list[RuleCount]:
    """Rules evaluated in a gate run, by severity and success."""
    rows = connection.execute(
        """
        select severity, success, count(*)
        from gate.rule_result
        where gate = ? and run_id = ?
        group by severity, success
        order by severity, success
        """,
        [gate, run_id],
    ).fetchall()
    return [RuleCount(severity=severity, success=success, rules=rules) for severity, success, rules in rows]


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of anything that can follow `from`."""
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0


def relocated_view(
    connection: duckdb.DuckDBPyConnection, view: ViewContent, *, database: str, schema_names: dict[str, str]
) -> str:
    """The `create view` statement of a warehouse view as it must stand in a released database.

    Args:
        connection: an open connection.
        view: the view as it stands in the warehouse.
        database: alias under which the released database is attached.
        schema_names: released schema by warehouse schema.

    Raises:
        ReleaseRefused: the view reads a schema that is not in this database.
    """
    head = _view_head(view)
    columns = f" ({head['columns']})" if head["columns"] else ""
    name = quoted(database, schema_names[view.schema_name], view.view_name)
    return f"create view {name}{columns} as {relocated_select(connection, view, schema_names=schema_names)}"


def relocated_select(connection: duckdb.DuckDBPyConnection, view: ViewContent, *, schema_names: dict[str, str]) -> str:
    """The `select` of a warehouse view over other schemas.

    dbt writes the working database's name into every reference; whoever opens a release names it differently, so the
    name is taken out, and schemas are renamed by `schema_names`. DuckDB's own parser does the rewriting.

    Args:
        connection: an open connection.
        view: the view as it stands in the warehouse.
        schema_names: schema to read by schema of the warehouse.

    Raises:
        ReleaseRefused: the view reads a schema that is not among them.
    """
    head = _view_head(view)
    parsed = connection.execute("select json_serialize_sql(?)", [head["select"]]).fetchone()
    syntax = json.loads(parsed[0]) if parsed else {"error": True}
    if syntax["error"]:
        raise CornerstoneError(f"The definition of view {view.schema_name}.{view.view_name} cannot be parsed.")
    for reference in base_tables(syntax):
        # A reference without a schema is a common table expression of the view itself.
        if reference["schema_name"]:
            if reference["schema_name"] not in schema_names:
                raise ReleaseRefused(
                    f"View {view.schema_name}.{view.view_name} reads {reference['schema_name']}."
                    f"{reference['table_name']}, which is not released with it; make it read "
                    f"{' or '.join(schema_names)} only."
                )
            reference["catalog_name"] = ""
            reference["schema_name"] = schema_names[reference["schema_name"]]
    [select] = connection.execute("select json_deserialize_sql(?)", [json.dumps(syntax)]).fetchall()[0]
    return str(select)


def _view_head(view: ViewContent) -> re.Match[str]:
    head = VIEW_HEAD.match(view.definition)
    if head is None:
        raise CornerstoneError(f"The definition of view {view.schema_name}.{view.view_name} cannot be read.")
    return head


def base_tables(node: Any) -> list[dict[str, Any]]:
    """Every table reference in a statement serialised by DuckDB; the nodes themselves, to be changed in place."""
    if isinstance(node, list):
        return [found for child in node for found in base_tables(child)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("type") == "BASE_TABLE" else []
    return own + [found for child in node.values() for found in base_tables(child)]
