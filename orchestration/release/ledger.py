"""The ledger of published cells: what every release that people could read has shown.

Whoever keeps an earlier release can subtract it from the new one. So each release that becomes current is entered here first,
one Parquet file in `store/ledger/` that nothing alters: the releases themselves could be asked instead, but old folders are
deleted, and one rolled back from was read all the same. A release counts as published once the journal says so, before the
link changes: one that waits for approval or died before that leaves no trace, an entry without a line in the journal none
either. The entries hold suppressed counts too, to know them again, and are closed to others as `restricted/` is.

Beside its cells stands what the release forecast of EHC plans, so that a later one can tell it as it was published.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.durable import read_journal_entries, replace_durably
from orchestration.release.exports import OPEN_DATABASE, RESTRICTED_DATABASE, existing_database
from orchestration.release.folders import (
    JOURNAL,
    LEDGER,
    RESTRICTED_DIR_MODE,
    RESTRICTED_FILE_MODE,
    complete_releases,
    current_release,
)
from orchestration.release.manifest import MANIFEST, Manifest
from orchestration.settings import Settings
from orchestration.sql_text import literal, quoted

PUBLISHING = {"published", "approved"}

# Comments on schema `disclosure` of the restricted database, by table and column.
COMMENTS = {
    (
        "value_count",
        "",
    ): "Counts behind each local value of the open tables, as the ledger of published cells keeps them.",
    ("value_count", "kpi_value_key"): "The value (kpi_value).",
    ("value_count", "cell_key"): "The count, by the key it has in disclosure control; the same in every release.",
    ("value_count", "cell_count"): "How many.",
    ("value_count", "is_suppressed"): "True where disclosure control suppresses it.",
    ("sum_count", ""): "The exact sums that counts of the open tables stand in, with the counts that no table shows.",
    ("sum_count", "line_key"): "The sum, by the key it has in disclosure control; the same in every release.",
    ("sum_count", "cell_key"): "The count (value_count).",
    ("sum_count", "is_total"): "True for the total, false for a part of it.",
    ("sum_count", "cell_count"): "How many.",
    ("sum_count", "is_published"): "True where a national body publishes it.",
    (
        "small_difference",
        "",
    ): "Figures whose count differs from one published before by so few that these could be told apart.",
    ("small_difference", "kpi_id"): "KPI (kpi_catalogue).",
    ("small_difference", "area_name"): "Name of the area.",
    ("small_difference", "time_identifier"): "Kind of period.",
    ("small_difference", "time_period"): "Period.",
    ("small_difference", "breakdown_topic"): "Topic of the breakdown.",
    ("small_difference", "breakdown"): "Item of the breakdown.",
    ("small_difference", "earlier_release_id"): "Latest release that showed the other count.",
    ("small_difference", "earlier_count"): "The count it showed.",
    ("small_difference", "cell_count"): "The count now.",
    (
        "small_difference",
        "is_shown",
    ): "True where the open tables show the figure; below ten times the threshold they do not.",
}

_ENTRY = """
select
    {release} as release_id,
    shown.kpi_value_key,
    shown.kpi_id,
    shown.area_level,
    shown.area_code,
    shown.time_identifier,
    shown.time_period,
    shown.breakdown_topic,
    shown.breakdown,
    shown.value_basis,
    shown.numerator,
    shown.denominator,
    shown.value,
    shown.value_label,
    shown.symbol,
    behind.counts
from ledger_open.kpi.kpi_value as shown
left join (  -- at most one
    select
        kpi_value_key,
        list(struct_pack(cell_key := cell_key, cell_count := cell_count, is_suppressed := is_suppressed) order by cell_key) as counts
    from ledger_restricted.disclosure.value_count
    group by kpi_value_key
) as behind using (kpi_value_key)
order by shown.kpi_value_key
"""

_SUMS = """
select {release} as release_id, line_key, cell_key, is_total, cell_count, is_published
from ledger_restricted.disclosure.sum_count
order by line_key, cell_key
"""

# What is told of a forecast, by the columns of `fct_plan_forecast`.
FORECAST_COLUMNS = {
    "la_code": "varchar",
    "forecast_version": "varchar",
    "origin_year": "integer",
    "measure_code": "varchar",
    "census_year": "integer",
    "horizon": "integer",
    "age_group": "varchar",
    "year_group": "varchar",
    "need_code": "varchar",
    "placement_group_code": "varchar",
    "provision_code": "varchar",
    "need_table_no": "varchar",
    "ward_code": "varchar",
    "plan_count": "decimal(9, 2)",
    "low_count": "decimal(9, 2)",
    "high_count": "decimal(9, 2)",
    "total_model_code": "varchar",
}

# What was counted is no forecast, and a scenario is none that could come true.
_FORECAST = f"""
select {{release}} as release_id, release.code_version, {", ".join(f"forecast.{name}" for name in FORECAST_COLUMNS)}
from ledger_restricted.marts.fct_plan_forecast as forecast
cross join ledger_restricted.meta.release as release  -- exactly one
where forecast.is_latest_version and forecast.scenario_code = 'baseline' and forecast.horizon > 0
order by all
"""

_NO_SUMS_YET = """(
    select
        null::varchar as release_id,
        null::varchar as line_key,
        null::varchar as cell_key,
        null::boolean as is_total,
        null::bigint as cell_count,
        null::boolean as is_published
    where false
)"""

_NOTHING_YET = """(
    select
        null::varchar as release_id,
        null::varchar as kpi_value_key,
        null::varchar as kpi_id,
        null::varchar as time_identifier,
        null::varchar as breakdown_topic,
        null::decimal(18, 4) as numerator,
        null::decimal(18, 4) as denominator,
        null::decimal(18, 4) as value,
        null::varchar as symbol,
        null::struct(cell_key varchar, cell_count bigint, is_suppressed boolean)[] as counts
    where false
)"""


@dataclass(frozen=True)
class Ledger:
    """The releases that people could read, oldest first, and the relations (SQL) of all they showed and of the sums they were
    made of; a release made before these were kept has none."""

    release_ids: tuple[str, ...] = ()
    relation: str = _NOTHING_YET
    sums: str = _NO_SUMS_YET


NOTHING_PUBLISHED = Ledger()


def published_releases(settings: Settings) -> list[str]:
    """Every release that ever was the one people read, by the journal, in the order in which they were first published."""
    return list(_first_published(settings))


def _first_published(settings: Settings) -> dict[str, datetime]:
    """When each of them was first published."""
    entries: list[dict[str, Any]] = read_journal_entries(settings.releases_dir / JOURNAL, dict)
    found: dict[str, datetime] = {}
    for entry in entries:
        if entry["action"] in PUBLISHING:
            found.setdefault(entry["release_id"], datetime.fromisoformat(entry["at"]))
    return found


def read_releases(settings: Settings) -> list[Manifest]:
    """The manifests of the releases that ever were the one people read, as far as these are still in the store, oldest first."""
    published = set(published_releases(settings))
    return [one for one in complete_releases(settings) if one.release_id in published]


def is_overtaken(settings: Settings, manifest: Manifest) -> bool:
    """Whether another release was published after this one was compared with all that were published before."""
    seen = manifest.revisions.published_before if manifest.revisions else 0
    return len(set(published_releases(settings)) - {manifest.release_id}) != seen


def waiting_release(settings: Settings) -> Manifest | None:
    """The release that waits for approval and can be given it: of several the newest, unless another was published since."""
    waiting = [one for one in complete_releases(settings) if one.approval.status == "pending"]
    current = current_release(settings)
    if not waiting or (current is not None and waiting[-1].created_at < current.created_at):
        return None
    return None if is_overtaken(settings, waiting[-1]) else waiting[-1]


def settled_release(settings: Settings, content: str) -> Manifest | None:
    """The release of exactly this content about which there is nothing to do; None where there is none.

    Current; rolled back from, or every scheduled run would undo the rollback; or waiting for approval, and compared with all
    that was published.
    """
    current = current_release(settings)
    if current is not None and current.content_digest == content and not current.removals:
        return current
    latest = newest_with(settings, content, current)
    if latest is None or latest.withdrawal is not None:
        return latest
    return latest if latest.approval.status == "pending" and not is_overtaken(settings, latest) else None


def newest_with(settings: Settings, content: str, current: Manifest | None) -> Manifest | None:
    """The newest complete release with this content that was made after the current one."""
    newer = [
        manifest
        for manifest in complete_releases(settings)
        if manifest.content_digest == content
        and not manifest.removals
        and (current is None or manifest.created_at > current.created_at)
    ]
    return newer[-1] if newer else None


def read_ledger(settings: Settings) -> Ledger:
    """What has been published so far; an entry that was lost is made again while the release is there.

    A release made before there was a ledger is not in it, for it did not keep the counts behind its figures.
    """
    published = published_releases(settings)
    _enter_again(settings, published)
    found = [one for one in published if _entry_path(settings, one).is_file()]
    if not found:
        return Ledger()
    sums = [path for path in (_sums_path(settings, one) for one in found) if path.is_file()]
    return Ledger(
        tuple(found),
        _read([_entry_path(settings, one) for one in found]),
        _read(sums) if sums else _NO_SUMS_YET,
    )


def _enter_again(settings: Settings, release_ids: Iterable[str]) -> None:
    """Enter what was lost, or was not kept yet, of releases that are still there."""
    for release_id in release_ids:
        folder = settings.releases_dir / release_id
        if (folder / MANIFEST).is_file() and (folder / RESTRICTED_DATABASE).is_file():
            enter(settings, release_id)


def write_published_forecasts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tell the warehouse what the releases that people could read forecast: `control.published_forecast`, with the release, when
    it was first published (UTC) and the code that made it."""
    published = _first_published(settings)
    _enter_again(settings, published)
    columns = {"release_id": "varchar", "published_at": "timestamp", "code_version": "varchar"} | FORECAST_COLUMNS
    described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"create or replace table control.published_forecast ({described})")
    for release_id, at in published.items():
        if (path := _forecast_path(settings, release_id)).is_file():
            connection.execute(
                "insert into control.published_forecast by name select *, ?::timestamp as published_at from read_parquet(?)",
                [at.astimezone(UTC).replace(tzinfo=None), str(path)],
            )


def enter(settings: Settings, release_id: str) -> None:
    """Enter a complete release, before it becomes the one people read; what is there stays as it is."""
    path, forecast = _entry_path(settings, release_id), _forecast_path(settings, release_id)
    if path.is_file() and forecast.is_file():
        return
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(RESTRICTED_DIR_MODE)
    folder = settings.releases_dir / release_id
    with (
        duckdb.connect() as connection,
        existing_database(connection, folder / OPEN_DATABASE, "ledger_open"),
        existing_database(connection, folder / RESTRICTED_DATABASE, "ledger_restricted"),
    ):
        kept = {one for (one,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        told = connection.execute(
            "select column_name from duckdb_columns() where table_name = 'fct_plan_forecast'"
        ).fetchall()
        # An old release has none, or one that was told otherwise.
        if not forecast.is_file() and FORECAST_COLUMNS.keys() <= {name for (name,) in told}:
            _write(connection, _FORECAST.format(release=literal(release_id)), forecast)
        if path.is_file() or "value_count" not in kept:
            return
        # The entry last: one that is there is whole.
        if "sum_count" in kept:
            _write(connection, _SUMS.format(release=literal(release_id)), _sums_path(settings, release_id))
        _write(connection, _ENTRY.format(release=literal(release_id)), path)


def write_counts(connection: duckdb.DuckDBPyConnection, *, database: str) -> None:
    """Write schema `disclosure` of an attached restricted database: what the ledger and the approver have to know.

    `value_count` has the counts behind each local value of the open tables and whether disclosure control suppresses them,
    `sum_count` the sums they and others stand in, without those of earlier releases, `small_difference` the figures whose count
    differs by so few from one published before, by whether they are shown.
    """
    schema = quoted(database, "disclosure")
    connection.execute(
        f"""
        create schema {schema};
        create table {schema}.value_count as
        select value_cell.kpi_value_key, cell.cell_key, cell.cell_count, cell.kind is not null as is_suppressed
        from disclosure.value_cell as value_cell
        inner join disclosure.cell as cell using (cell_key)  -- exactly one
        order by all;
        create table {schema}.sum_count as
        select line.line_key, line.cell_key, line.is_total, cell.cell_count, cell.is_fixed as is_published
        from disclosure.line as line
        inner join disclosure.cell as cell using (cell_key)  -- exactly one
        anti join disclosure.line_then as earlier using (line_key)
        order by all;
        create table {schema}.small_difference as
        select
            kpi_value.kpi_id, kpi_value.area_name, kpi_value.time_identifier, kpi_value.time_period, kpi_value.breakdown_topic,
            kpi_value.breakdown, difference.earlier_release_id, difference.earlier_count, difference.cell_count,
            kpi_value.symbol is distinct from 'c' as is_shown
        from disclosure.small_difference as difference
        inner join disclosure.value_cell as value_cell using (cell_key)  -- one to many
        inner join kpi_open.kpi_value as kpi_value using (kpi_value_key)  -- exactly one
        order by all;
        """
    )
    for (table, column), comment in COMMENTS.items():
        what = f"column {schema}.{table}.{column}" if column else f"table {schema}.{table}"
        connection.execute(f"comment on {what} is {literal(comment)}")


def _write(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    connection.execute(f"copy ({select}) to {literal(str(partial))} (format parquet, compression zstd)")
    partial.chmod(RESTRICTED_FILE_MODE)
    replace_durably(partial, path)


def _read(paths: list[Path]) -> str:
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"


def _entry_path(settings: Settings, release_id: str) -> Path:
    return settings.store / LEDGER / f"{release_id}.parquet"


def _sums_path(settings: Settings, release_id: str) -> Path:
    return settings.store / LEDGER / f"{release_id}.sums.parquet"


def _forecast_path(settings: Settings, release_id: str) -> Path:
    return settings.store / LEDGER / f"{release_id}.forecast.parquet"
