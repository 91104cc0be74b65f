"""KPI values as open data, in the tidy layout of the Department for Education's Explore Education Statistics (EES).

Source of the rules: DfE, "Explore education statistics: open data standards" (file pairs, time and geography columns,
filters and indicators, symbols). One pair of files a KPI family and kind of period: `ehcp_stock_academic_year.csv` and
`ehcp_stock_academic_year.meta.csv`. Each KPI is an indicator column, so each has its own unit and decimal places.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.release.inventory import count_rows
from orchestration.sql_text import literal, quoted

COUNTRY_CODE, COUNTRY_NAME = "E92000001", "England"

# EES geographic level by the level of a KPI value. EES has none for NHS organisations: those rows stay in the DuckDB
# and Parquet files and are counted as left out.
GEOGRAPHIC_LEVELS = {"england": "National", "region": "Regional", "local_authority": "Local authority"}

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
# A file holds one family of time identifiers; value: the identifiers of the family, and the digits of its periods.
IDENTIFIER_FAMILIES: dict[str, tuple[list[str], int]] = {
    "academic_year": (["Academic year"], 6),
    "calendar_year": (["Calendar year"], 4),
    "financial_year": (["Financial year"], 6),
    "tax_year": (["Tax year"], 6),
    "reporting_year": (["Reporting year"], 4),
    "financial_quarter": ([f"Financial year Q{quarter}" for quarter in range(1, 5)], 6),
    "term": (["Autumn term", "Spring term", "Summer term", "Autumn and spring term"], 6),
    "month": (MONTHS, 4),
}

# EES unit and decimal places by the unit of a KPI: percentages, their differences and weeks to one place, money in whole
# pounds.
UNITS = {
    "percent": ("%", 1),
    "percentage_points": ("pp", 1),
    "count": ("", 0),
    "gbp": ("£", 0),
    "weeks": ("", 1),
    "ratio": ("", 2),
}

META_COLUMNS = [
    "col_name",
    "col_type",
    "label",
    "indicator_grouping",
    "indicator_unit",
    "indicator_dp",
    "filter_hint",
    "filter_grouping_column",
    "filter_default",
]
FILTER_LABELS = {"value_basis": "Basis of the figure", "breakdown_topic": "Breakdown topic", "breakdown": "Breakdown"}
# The item shown first, where it is not the one called Total.
FILTER_DEFAULTS = {"value_basis": "Published"}
# What makes a row of a data file.
ROW_COLUMNS = "time_period, time_identifier, geographic_level, area_code, value_basis, breakdown_topic, breakdown"


@dataclass(frozen=True)
class Indicator:
    """One KPI as a column: `unit` and `decimals` as EES writes them."""

    kpi_id: str
    label: str
    unit: str
    decimals: int


@dataclass(frozen=True)
class EesExport:
    """Rows by file stem, and rows left out by area level because EES has no such level."""

    rows: dict[str, int]
    left_out: dict[str, int]


def write_ees_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> EesExport:
    """Write a data file and a meta file for every KPI family and kind of period in `kpi_open.kpi_value`.

    Args:
        connection: the warehouse; reads `kpi_open.kpi_value`, `kpi_open.kpi_catalogue` and `marts.dim_area`.
        folder: where the pairs go.

    Raises:
        CornerstoneError: a value that cannot be laid out: an unknown period or unit, or one cell given twice.
    """
    families = connection.execute(
        """
        select distinct kpi_catalogue.family, kpi_value.time_identifier
        from kpi_open.kpi_value
        inner join kpi_open.kpi_catalogue using (kpi_id)
        where list_contains(?, kpi_value.area_level)
        """,
        [list(GEOGRAPHIC_LEVELS)],
    ).fetchall()
    pairs = sorted({(family, identifier_family(identifier)) for family, identifier in families})
    rows = {f"{family}_{period}": write_pair(connection, folder, family, period) for family, period in pairs}
    left_out = connection.execute(
        """
        select area_level, count(*)
        from kpi_open.kpi_value
        where not list_contains(?, area_level)
        group by area_level
        order by area_level
        """,
        [list(GEOGRAPHIC_LEVELS)],
    ).fetchall()
    return EesExport(rows=rows, left_out=dict(left_out))


def identifier_family(time_identifier: str) -> str:
    """The family a time identifier belongs to.

    Raises:
        CornerstoneError: EES has no such identifier.
    """
    for family, (identifiers, _) in IDENTIFIER_FAMILIES.items():
        if time_identifier in identifiers:
            return family
    raise CornerstoneError(
        f"kpi_value holds the time identifier {time_identifier!r}, which open data files cannot carry; use one of "
        f"Academic year, Calendar year, Financial year, a term or the name of a month."
    )


def write_pair(connection: duckdb.DuckDBPyConnection, folder: Path, family: str, period: str) -> int:
    """Write `<family>_<period>.csv` and its meta file; return the rows of data."""
    stem = f"{family}_{period}"
    indicators = family_indicators(connection, family, period)
    connection.execute(f"create or replace temp table ees_cell as {cell_select(indicators, family, period)}")
    try:
        refuse_unfit_cells(connection, stem, digits=IDENTIFIER_FAMILIES[period][1])
        filters = [name for name in FILTER_LABELS if count_items(connection, name) > 1]
        path = literal(str(folder / f"{stem}.csv"))
        connection.execute(f"copy ({tidy_select(indicators, filters)}) to {path} (header, delimiter ',')")
        rows = count_rows(
            connection,
            f"(select distinct {ROW_COLUMNS} from ees_cell)",
        )
    finally:
        connection.execute("drop table if exists temp.ees_cell")
    write_meta_file(folder / f"{stem}.meta.csv", indicators, filters)
    return rows


def family_indicators(connection: duckdb.DuckDBPyConnection, family: str, period: str) -> list[Indicator]:
    """The KPIs of a family that have values in this kind of period."""
    rows = connection.execute(
        """
        select distinct kpi_value.kpi_id, kpi_catalogue.title, kpi_value.unit
        from kpi_open.kpi_value
        inner join kpi_open.kpi_catalogue using (kpi_id)
        where
            kpi_catalogue.family = ?
            and list_contains(?, kpi_value.time_identifier)
            and list_contains(?, kpi_value.area_level)
        order by all
        """,
        [family, IDENTIFIER_FAMILIES[period][0], list(GEOGRAPHIC_LEVELS)],
    ).fetchall()
    indicators = []
    for kpi_id, title, unit in rows:
        if unit not in UNITS:
            raise CornerstoneError(f"KPI {kpi_id} has the unit {unit!r}; use one of {', '.join(UNITS)}.")
        indicators.append(Indicator(kpi_id, title, *UNITS[unit]))
    if len({indicator.kpi_id for indicator in indicators}) < len(indicators):
        raise CornerstoneError(f"A KPI of family {family} has values in two units; a KPI has one unit.")
    return indicators


def cell_select(indicators: list[Indicator], family: str, period: str) -> str:
    """One row a KPI, place, period and breakdown, with the place spelt out and the value as the text of the cell."""
    levels = " ".join(
        f"when {literal(level)} then {literal(ees_level)}" for level, ees_level in GEOGRAPHIC_LEVELS.items()
    )
    rounded = " ".join(
        f"when {literal(indicator.kpi_id)} then value::decimal(18, {indicator.decimals})::varchar"
        for indicator in indicators
    )
    return f"""
        select
            kpi_value.kpi_id,
            kpi_value.time_period,
            kpi_value.time_identifier,
            case kpi_value.area_level {levels} end as geographic_level,
            kpi_value.area_code,
            kpi_value.area_name,
            kpi_value.la_code,
            coalesce(dim_area.region_code, 'x') as region_code,
            coalesce(dim_area.region_name, 'Not available') as region_name,
            case kpi_value.value_basis when 'local' then 'Local' else 'Published' end as value_basis,
            coalesce(kpi_value.breakdown_topic, 'Total') as breakdown_topic,
            coalesce(kpi_value.breakdown, 'Total') as breakdown,
            -- a symbol stands where there is no number: an estimate (u in the DuckDB and Parquet files) is shown; a value
            -- that is simply absent is "not available", never blank and never 0
            coalesce(case kpi_value.kpi_id {rounded} end, kpi_value.symbol, 'x') as cell
        from kpi_open.kpi_value
        inner join kpi_open.kpi_catalogue using (kpi_id)
        left join marts.dim_area  -- many to one
            on kpi_value.area_level = dim_area.area_level and kpi_value.area_code = dim_area.area_code
        where
            kpi_catalogue.family = {literal(family)}
            and kpi_value.time_identifier in ({", ".join(map(literal, IDENTIFIER_FAMILIES[period][0]))})
            and kpi_value.area_level in ({", ".join(map(literal, GEOGRAPHIC_LEVELS))})
    """


def refuse_unfit_cells(connection: duckdb.DuckDBPyConnection, stem: str, *, digits: int) -> None:
    """Stop before a file that EES would refuse is written.

    Raises:
        CornerstoneError: a period that is not a whole year (or two consecutive ones), or one cell given twice.
    """
    consecutive = "or (time_period[3:4]::integer + 1) % 100 <> time_period[5:6]::integer" if digits == 6 else ""
    period = connection.execute(
        f"""
        select time_period
        from ees_cell
        where case when regexp_full_match(time_period, '[0-9]{{{digits}}}') then false {consecutive} else true end
        limit 1
        """
    ).fetchone()
    if period:
        raise CornerstoneError(f"kpi_value holds the period {period[0]!r}, which {stem}.csv cannot carry.")
    twice = connection.execute(
        f"""
        select kpi_id, time_period, area_code, breakdown
        from ees_cell
        group by kpi_id, {ROW_COLUMNS}
        having count(*) > 1
        order by all
        limit 1
        """
    ).fetchone()
    if twice:
        raise CornerstoneError(
            f"kpi_value gives KPI {twice[0]} twice for period {twice[1]}, area {twice[2]}, breakdown {twice[3]!r}; "
            f"one cell has one value."
        )


def count_items(connection: duckdb.DuckDBPyConnection, filter_name: str) -> int:
    """Different items of a filter: a filter with one item says nothing and is dropped."""
    return count_rows(connection, f"(select distinct {quoted(filter_name)} from ees_cell)")


def tidy_select(indicators: list[Indicator], filters: list[str]) -> str:
    """The data file: one row a place, period and breakdown; one column a KPI.

    Where a KPI has no cell: `z` (not applicable) if it is never given on that basis and broken down that way, else `x`
    (not available).
    """
    own_level = "geographic_level = 'Local authority'"
    columns = [
        "time_period",
        "time_identifier",
        "geographic_level",
        f"{literal(COUNTRY_CODE)} as country_code",
        f"{literal(COUNTRY_NAME)} as country_name",
        "case geographic_level when 'Regional' then area_code when 'Local authority' then any_value(region_code) end"
        " as region_code",
        "case geographic_level when 'Regional' then any_value(area_name)"
        " when 'Local authority' then any_value(region_name) end as region_name",
        f"case when {own_level} then any_value(la_code) end as old_la_code",
        # an authority whose ONS code nobody published goes by its DfE code in the warehouse
        f"case when {own_level} then coalesce(nullif(area_code, any_value(la_code)), 'x') end as new_la_code",
        f"case when {own_level} then any_value(area_name) end as la_name",
        *filters,
        *(
            f"coalesce(any_value(cell) filter (where kpi_id = {literal(indicator.kpi_id)}), "
            f"case when (value_basis, breakdown_topic, breakdown) in "
            f"(select (value_basis, breakdown_topic, breakdown) from ees_cell where kpi_id = {literal(indicator.kpi_id)}) "
            f"then 'x' else 'z' end) as {quoted(indicator.kpi_id)}"
            for indicator in indicators
        ),
    ]
    return f"""
        select {", ".join(columns)}
        from ees_cell
        group by {ROW_COLUMNS}
        order by {ROW_COLUMNS}
    """


def write_meta_file(path: Path, indicators: list[Indicator], filters: list[str]) -> None:
    """The meta file: what each filter and indicator column is."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(META_COLUMNS)
        writer.writerows(
            [name, "Filter", FILTER_LABELS[name], "", "", "", "", "", FILTER_DEFAULTS.get(name, "")] for name in filters
        )
        writer.writerows(
            [indicator.kpi_id, "Indicator", indicator.label, "", indicator.unit, indicator.decimals, "", "", ""]
            for indicator in indicators
        )
