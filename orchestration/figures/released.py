"""What a release's open tables hold of the KPIs that a board watches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from orchestration.figures.periods import Period
from orchestration.rows import named_rows
from orchestration.sql_text import quoted

LOCAL, PUBLISHED, ENGLAND = "local", "published", "England"
Cell = tuple[str, str, str]
"""KPI, breakdown topic and item."""


@dataclass(frozen=True)
class Value:
    """One figure of one area, period, breakdown item and basis; `number` is None beside a marker."""

    key: str
    period: Period
    number: Decimal | None
    symbol: str | None
    label: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    method: str
    coverage: str | None
    break_note: str | None
    publisher: str
    is_own: bool

    def is_covered_like(self, other: "Value") -> bool:
        """Whether both are of a whole period, or both of an incomplete one: otherwise neither is better."""
        return (self.coverage is None) == (other.coverage is None)


@dataclass(frozen=True)
class Beside:
    """Another area's figure of the same period and breakdown item as an own one; or what is published of that one, with the
    `reason` for a difference; or its target, with a `rating`. Releases made before these were told have neither."""

    kind: str
    name: str
    number: Decimal | None
    symbol: str | None
    rank: int | None
    ranked: int | None
    quartile: int | None
    rating: str | None
    reason: str | None


@dataclass(frozen=True)
class Limit:
    """A month of a control chart: mean and limits of the months between two changes of counting, and what this month signals.
    `points`: months with a value behind them. Without a mean it says in `reason` why there is none."""

    period: Period
    points: int
    mean: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    is_beyond: bool
    is_in_run: bool
    is_in_trend: bool
    reason: str | None


@dataclass(frozen=True)
class Kpi:
    """The catalogue's line of a KPI, and whether there are figures."""

    kpi_id: str
    title: str
    definition: str
    numerator: str | None
    denominator: str | None
    unit: str
    source_return: str | None
    polarity: str
    statutory_basis: str | None
    outcome_statement: str | None
    aspiration: str | None
    target: str | None
    owner_role: str
    caveats: str | None
    is_judged_by_size: bool | None
    """Whether it is best near nought, on whichever side; None in a release made before that was said."""
    is_available: bool
    reason: str | None


@dataclass(frozen=True)
class Source:
    """Published statistics that were used."""

    publisher: str
    dataset: str
    licence: str


@dataclass
class Figures:
    """All that is told of. `series`: values by cell, and by local, published or England."""

    authority: str
    people: str
    created_at: Any
    kpis: dict[str, Kpi]
    series: dict[tuple[Cell, str], dict[Period, Value]] = field(default_factory=dict)
    beside: dict[str, list[Beside]] = field(default_factory=dict)
    limits: dict[tuple[Cell, Period], Limit] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    """Words and abbreviations of the release's glossary with their meaning."""

    def values(self, cell: Cell, basis: str) -> dict[Period, Value]:
        """Values by period; none where there are none."""
        return self.series.get((cell, basis), {})

    def items(self, kpi_id: str, topic: str) -> list[str]:
        """Items of a breakdown that the authority has figures of, in alphabetical order."""
        return sorted(
            {item for (kpi, of, item), basis in self.series if (kpi, of) == (kpi_id, topic) and basis != ENGLAND}
        )


def read_figures(
    connection: duckdb.DuckDBPyConnection, kpi_ids: Iterable[str], topics: Iterable[str], *, database: str = "released"
) -> Figures:
    """Read the figures of some KPIs and breakdown topics.

    Args:
        connection: has the open database of a release attached.
        kpi_ids: which KPIs.
        topics: which breakdown topics.
        database: alias of the open database.
    """
    chosen = {"kpis": sorted(set(kpi_ids)), "topics": sorted(set(topics))}
    later = {
        name: name if name in _columns(connection, database, "kpi", table) else "null"
        for table, names in _LATER_COLUMNS.items()
        for name in names
    }

    def read(sql: str, **parameters: list[str]) -> list[dict[str, Any]]:
        return named_rows(connection.execute(sql.format(database=quoted(database), **later), parameters))

    kpis = {row["kpi_id"]: Kpi(**row) for row in read(_KPIS, kpis=chosen["kpis"])}
    [release] = read("select people, created_at from {database}.meta.release")
    [named] = read(
        "select any_value(area_name) as name from {database}.kpi.kpi_value where area_role = 'own_authority'"
    )
    figures = Figures(authority=named["name"] or "the authority", kpis=kpis, **release)
    for row in read(_VALUES, **chosen):
        period = Period.of(row.pop("time_identifier"), row.pop("time_period"))
        cell = (row.pop("kpi_id"), row.pop("breakdown_topic"), row.pop("breakdown"))
        basis = row.pop("basis")
        if period is not None:
            figures.series.setdefault((cell, basis), {})[period] = Value(period=period, **row)
    for row in read(_BESIDE, **chosen):
        figures.beside.setdefault(row.pop("key"), []).append(Beside(**row))
    for row in read(_LIMITS, **chosen):
        period = Period.of(row.pop("time_identifier"), row.pop("time_period"))
        cell = (row.pop("kpi_id"), row.pop("breakdown_topic"), row.pop("breakdown"))
        if period is not None:
            figures.limits[cell, period] = Limit(period=period, **row)
    figures.sources = [Source(**row) for row in read(_SOURCES)]
    if "kind" in _columns(connection, database, "meta", "glossary"):
        figures.words = {row["term"]: row["definition"] for row in read(_WORDS)}
    return figures


def latest_day(figures: Figures) -> date | None:
    """The last day of the latest period that the authority has a figure of; of a period that was not over, the day of the release."""
    ends = [period.end for (_, basis), values in figures.series.items() if basis != ENGLAND for period in values]
    return min(max(ends), figures.created_at.date()) if ends else None


def _columns(connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> set[str]:
    found = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ?",
        [database, schema, table],
    ).fetchall()
    return {name for (name,) in found}


# Columns that releases did not have from the beginning.
_LATER_COLUMNS = {"kpi_catalogue": ["is_judged_by_size"], "kpi_comparison": ["rating", "difference_reason"]}
_KPIS = """
select
    kpi.kpi_id,
    kpi.title,
    kpi.definition,
    kpi.numerator,
    kpi.denominator,
    kpi.unit,
    kpi.source_return,
    kpi.polarity,
    kpi.statutory_basis,
    kpi.outcome_statement,
    kpi.aspiration,
    kpi.target,
    kpi.owner_role,
    kpi.caveats,
    {is_judged_by_size} as is_judged_by_size,
    availability.is_available,
    availability.reason
from {database}.kpi.kpi_catalogue as kpi
inner join {database}.kpi.kpi_availability as availability using (kpi_id)  -- exactly one
where list_contains($kpis, kpi.kpi_id)
"""
# The authority's own figures by basis, and England's.
_VALUES = """
select
    kpi_value_key as key,
    kpi_id,
    breakdown_topic,
    breakdown,
    if(area_role = 'england', 'England', value_basis) as basis,
    time_identifier,
    time_period,
    value as number,
    symbol,
    value_label as label,
    numerator,
    denominator,
    method,
    coverage_note as coverage,
    series_break_note as break_note,
    publisher,
    area_role = 'own_authority' as is_own
from {database}.kpi.kpi_value
where
    area_role in ('own_authority', 'england')
    and list_contains($kpis, kpi_id)
    and list_contains($topics, breakdown_topic)
"""
_BESIDE = """
select
    kpi_value_key as key,
    comparator_type as kind,
    comparator_name as name,
    comparator_value as number,
    comparator_symbol as symbol,
    neighbour_rank as rank,
    neighbour_count as ranked,
    neighbour_quartile as quartile,
    {rating} as rating,
    {difference_reason} as reason
from {database}.kpi.kpi_comparison
where
    area_level = 'local_authority'
    and comparator_type in (
        'england', 'region', 'statistical_neighbour', 'icb', 'nhs_region', 'target', 'published_same_cell'
    )
    and list_contains($kpis, kpi_id)
    and list_contains($topics, breakdown_topic)
order by comparator_type, comparator_value desc nulls last, comparator_name
"""
_LIMITS = """
select
    kpi_id,
    breakdown_topic,
    breakdown,
    time_identifier,
    time_period,
    point_count as points,
    mean_value as mean,
    lower_limit as lower,
    upper_limit as upper,
    coalesce(is_beyond_limits, false) as is_beyond,
    coalesce(is_in_run, false) as is_in_run,
    coalesce(is_in_trend, false) as is_in_trend,
    not_interpretable_reason as reason
from {database}.kpi.kpi_control_chart
where
    area_role = 'own_authority'
    and value_basis = 'local'
    and list_contains($kpis, kpi_id)
    and list_contains($topics, breakdown_topic)
"""
_SOURCES = "select publisher, dataset, licence from {database}.meta.source order by publisher, dataset"
# A glossary that does not say what kind of word each is holds columns and KPIs alone.
_WORDS = (
    "select term, definition from {database}.meta.glossary where kind in ('abbreviation', 'term') order by lower(term)"
)
