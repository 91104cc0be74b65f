"""KPI values as open data, in the tidy layout of the Department for Education's Explore Education Statistics (EES).

Source of the rules: DfE, "Explore education statistics: open data standards" (`ees_rules` checks the files against them).
A pair of files holds a KPI family, a kind of period and a basis: `ehcp_stock_academic_year.csv` and
`ehcp_stock_academic_year.meta.csv` are published figures, `ehcp_stock_academic_year_own.csv` those counted in the
authority's own returns. Each KPI is an indicator column, so each has its own unit and decimal places. A KPI whose id holds
an item that its family is broken down by (`ehcp_mainstream_pct`) has a pair of its own: a name may not hold what a row says.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.release.ees_rules import (
    COUNTRY,
    IDENTIFIER_FAMILIES,
    META_COLUMNS,
    OPTIONAL_META_COLUMNS,
    UNKNOWN_CODE,
    UNKNOWN_NAME,
    holds_item,
)
from orchestration.release.inventory import count_rows
from orchestration.sql_text import literal, quoted

# EES geographic level by the level of a KPI value. EES has none for NHS organisations: those rows stay in the DuckDB
# and Parquet files and are counted as left out.
GEOGRAPHIC_LEVELS = {"england": "National", "region": "Regional", "local_authority": "Local authority"}

# Items as DfE's harmonised variables spell them (`sen_provision`, `sen_primary_need`), by topic and our spelling. The
# Department's list has no code for Down syndrome, and no age groups: one spelling of each stands for both that are used.
OFFICIAL_ITEMS = {
    "SEN provision": {
        "All pupils": "Total",
        "EHC plan": "Education, health and care plan",
        "SEN support": "SEN support / SEN without an EHC plan",
        "No SEN": "No SEN provision",
    },
    "Primary need": {
        "Autistic spectrum disorder": "ASD",
        "Down syndrome": "DS",
        "Hearing impairment": "HI",
        "Moderate learning difficulty": "MLD",
        "Multi-sensory impairment": "MSI",
        "Not recorded": "Not reported",
        "Other difficulty": "OTH",
        "Other difficulty or disability": "OTH",
        "Physical disability": "PD",
        "Profound and multiple learning difficulty": "PMLD",
        "SEN support without a specialist assessment of need": (
            "SEN support but no specialist assessment of type of need"
        ),
        "Severe learning difficulty": "SLD",
        "Social, emotional and mental health": "SEMH",
        "Specific learning difficulty": "SPLD",
        "Speech, language and communication needs": "SLCN",
        "UKN": "Unknown",
        "Vision impairment": "VI",
    },
    "Age group": {
        "U5": "Under 5",
        "5-10": "5 to 10",
        "11-15": "11 to 15",
        "16-19": "16 to 19",
        "20-25": "20 to 25",
    },
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

FILTER_LABELS = {"breakdown_topic": "Breakdown topic", "breakdown": "Breakdown"}
# Endings of a file's name by basis of its values.
BASIS_ENDINGS = {"published": "", "local": "_own"}
# What makes a row of a data file.
ROW_COLUMNS = "time_period, time_identifier, geographic_level, area_code, breakdown_topic, breakdown"


@dataclass(frozen=True)
class Indicator:
    """One KPI as a column: `unit` and `decimals` as EES writes them."""

    kpi_id: str
    label: str
    unit: str
    decimals: int


@dataclass(frozen=True)
class Pair:
    """A data file and its meta file: KPIs of a family in one kind of period and on one basis."""

    stem: str
    period: str
    basis: str
    indicators: list[Indicator]


@dataclass(frozen=True)
class EesExport:
    """Rows by file stem, and rows left out by area level because EES has no such level."""

    rows: dict[str, int]
    left_out: dict[str, int]


def write_ees_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> EesExport:
    """Write the pairs of files of every KPI family in `kpi_open.kpi_value`.

    Args:
        connection: the warehouse; reads `kpi_open.kpi_value`, `kpi_open.kpi_catalogue` and `marts.dim_area`.
        folder: where the pairs go.

    Raises:
        CornerstoneError: a value that cannot be laid out: an unknown period or unit, or one cell given twice.
    """
    refuse_unknown_words(connection)
    connection.execute(f"create or replace temp table ees_cell as {cell_select()}")
    try:
        rows = {pair.stem: write_pair(connection, folder, pair) for pair in plan_pairs(connection)}
    finally:
        connection.execute("drop table if exists temp.ees_cell")
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


def suppressed_values(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Values with the symbol c that the files have to show as c, by KPI and time identifier."""
    rows = connection.execute(
        """
        select kpi_id, time_identifier, count(*)
        from kpi_open.kpi_value
        where symbol = 'c' and list_contains(?, area_level)
        group by kpi_id, time_identifier
        """,
        [list(GEOGRAPHIC_LEVELS)],
    ).fetchall()
    return {(kpi_id, identifier): number for kpi_id, identifier, number in rows}


def refuse_unknown_words(connection: duckdb.DuckDBPyConnection) -> None:
    """Stop at a time identifier or unit that EES has no word for.

    Raises:
        CornerstoneError: naming it.
    """
    known = [name for names, _ in IDENTIFIER_FAMILIES.values() for name in names]
    for column, words, told in (
        ("time_identifier", known, "Academic year, Calendar year, Financial year, a term or the name of a month"),
        ("unit", list(UNITS), ", ".join(UNITS)),
    ):
        unknown = connection.execute(
            f"""
            select kpi_id, {column}
            from kpi_open.kpi_value
            where list_contains(?, area_level) and not list_contains(?, {column})
            order by all
            limit 1
            """,
            [list(GEOGRAPHIC_LEVELS), words],
        ).fetchone()
        if unknown:
            raise CornerstoneError(
                f"KPI {unknown[0]} has the {column.replace('_', ' ')} {unknown[1]!r}, which open data files cannot "
                f"carry; use one of {told}."
            )


def plan_pairs(connection: duckdb.DuckDBPyConnection) -> list[Pair]:
    """Which KPIs of `ees_cell` share a pair of files, by stem."""
    groups: dict[tuple[str, str, str], list[Indicator]] = {}
    columns = "family, period, basis, kpi_id"
    for family, period, basis, kpi_id, title, unit in connection.execute(
        f"select distinct {columns}, title, unit from ees_cell order by all"
    ).fetchall():
        group = groups.setdefault((family, period, basis), [])
        if group and group[-1].kpi_id == kpi_id:
            raise CornerstoneError(f"A KPI of family {family} has values in two units ({kpi_id}); a KPI has one unit.")
        group.append(Indicator(kpi_id, title, *UNITS[unit]))
    items: dict[tuple[str, str], set[str]] = {}
    for family, period, item in connection.execute(
        "select distinct family, period, breakdown from ees_cell"
    ).fetchall():
        items.setdefault((family, period), set()).add(item)
    pairs = []
    for (family, period, basis), indicators in groups.items():
        alone = [one for one in indicators if any(holds_item(one.kpi_id, item) for item in items[family, period])]
        ending = f"{period}{BASIS_ENDINGS[basis]}"
        pairs += [Pair(f"{one.kpi_id}_{ending}", period, basis, [one]) for one in alone]
        if together := [one for one in indicators if one not in alone]:
            pairs.append(Pair(f"{family}_{ending}", period, basis, together))
    return sorted(pairs, key=lambda pair: pair.stem)


def write_pair(connection: duckdb.DuckDBPyConnection, folder: Path, pair: Pair) -> int:
    """Write a data file and its meta file; return the rows of data."""
    columns = ", ".join(literal(indicator.kpi_id) for indicator in pair.indicators)
    connection.execute(
        f"""
        create or replace temp table ees_pair as
        from ees_cell
        where period = {literal(pair.period)} and basis = {literal(pair.basis)} and kpi_id in ({columns})
        """
    )
    try:
        refuse_unfit_cells(connection, pair.stem, digits=IDENTIFIER_FAMILIES[pair.period][1])
        defaults = {name: default_item(connection, name) for name in FILTER_LABELS if count_items(connection, name) > 1}
        select = tidy_select(pair.indicators, list(defaults))
        path = literal(str(folder / f"{pair.stem}.csv"))
        connection.execute(f"copy ({select}) to {path} (header, delimiter ',')")
        rows = count_rows(connection, f"({select})")
    finally:
        connection.execute("drop table if exists temp.ees_pair")
    write_meta_file(folder / f"{pair.stem}.meta.csv", pair.indicators, defaults)
    return rows


def cell_select() -> str:
    """One row a KPI, place, period and breakdown, with the place spelt out and the value as the text of the cell."""
    levels = " ".join(
        f"when {literal(level)} then {literal(ees_level)}" for level, ees_level in GEOGRAPHIC_LEVELS.items()
    )
    periods = " ".join(
        f"when time_identifier in ({', '.join(map(literal, names))}) then {literal(period)}"
        for period, (names, _) in IDENTIFIER_FAMILIES.items()
    )
    rounded = " ".join(
        f"when {literal(unit)} then value::decimal(18, {decimals})::varchar" for unit, (_, decimals) in UNITS.items()
    )
    items = " ".join(
        f"when breakdown_topic = {literal(topic)} and breakdown = {literal(ours)} then {literal(official)}"
        for topic, names in OFFICIAL_ITEMS.items()
        for ours, official in names.items()
    )
    return f"""
        select
            kpi_catalogue.family,
            kpi_catalogue.title,
            kpi_value.kpi_id,
            kpi_value.unit,
            case {periods} end as period,
            kpi_value.value_basis as basis,
            kpi_value.time_period,
            kpi_value.time_identifier,
            case kpi_value.area_level {levels} end as geographic_level,
            kpi_value.area_code,
            coalesce(dim_area.area_name, kpi_value.area_name) as area_name,
            kpi_value.la_code,
            coalesce(dim_area.region_code, {literal(UNKNOWN_CODE)}) as region_code,
            coalesce(dim_area.region_name, {literal(UNKNOWN_NAME)}) as region_name,
            coalesce(kpi_value.breakdown_topic, 'Total') as breakdown_topic,
            case {items} else coalesce(kpi_value.breakdown, 'Total') end as breakdown,
            -- a symbol stands where there is no number: an estimate (u in the DuckDB and Parquet files) is shown; a value
            -- that is simply absent is "not available", never blank and never 0
            coalesce(case kpi_value.unit {rounded} end, kpi_value.symbol, 'x') as cell
        from kpi_open.kpi_value
        inner join kpi_open.kpi_catalogue using (kpi_id)
        left join marts.dim_area  -- many to one
            on kpi_value.area_level = dim_area.area_level and kpi_value.area_code = dim_area.area_code
        where kpi_value.area_level in ({", ".join(map(literal, GEOGRAPHIC_LEVELS))})
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
        from ees_pair
        where case when regexp_full_match(time_period, '[0-9]{{{digits}}}') then false {consecutive} else true end
        limit 1
        """
    ).fetchone()
    if period:
        raise CornerstoneError(f"kpi_value holds the period {period[0]!r}, which {stem}.csv cannot carry.")
    twice = connection.execute(
        f"""
        select kpi_id, time_period, area_code, breakdown
        from ees_pair
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
    return count_rows(connection, f"(select distinct {quoted(filter_name)} from ees_pair)")


def default_item(connection: duckdb.DuckDBPyConnection, filter_name: str) -> str:
    """The item of a filter that is shown first: blank where it is Total, which is first unless said otherwise."""
    total = f"bool_or({filter_name} = 'Total')"
    first = f"arg_min({filter_name}, (breakdown_topic, breakdown))"
    row = connection.execute(f"select if({total}, '', {first}) from ees_pair").fetchone()
    assert row is not None
    return str(row[0])


def tidy_select(indicators: list[Indicator], filters: list[str]) -> str:
    """The data file: one row for each breakdown in each place and period; one column a KPI.

    Where a KPI has no cell: `z` (not applicable) if it is never broken down that way, else `x` (not available).
    """
    own_level = "geographic_level = 'Local authority'"
    columns = [
        "time_period",
        "time_identifier",
        "geographic_level",
        f"{literal(COUNTRY[0])} as country_code",
        f"{literal(COUNTRY[1])} as country_name",
        "case geographic_level when 'Regional' then area_code when 'Local authority' then region_code end as region_code",
        "case geographic_level when 'Regional' then area_name when 'Local authority' then region_name end as region_name",
        f"case when {own_level} then la_code end as old_la_code",
        # an authority whose ONS code nobody published goes by its DfE code in the warehouse
        f"case when {own_level} then coalesce(nullif(area_code, la_code), {literal(UNKNOWN_CODE)}) end as new_la_code",
        f"case when {own_level} then area_name end as la_name",
        *filters,
        *(
            f"coalesce({quoted(indicator.kpi_id)}, case when (breakdown_topic, breakdown) in "
            f"(select (breakdown_topic, breakdown) from ees_pair where kpi_id = {literal(indicator.kpi_id)}) "
            f"then 'x' else 'z' end) as {quoted(indicator.kpi_id)}"
            for indicator in indicators
        ),
    ]
    cells = ", ".join(
        f"any_value(cell) filter (where kpi_id = {literal(indicator.kpi_id)}) as {quoted(indicator.kpi_id)}"
        for indicator in indicators
    )
    place = "time_period, time_identifier, geographic_level, area_code"
    return f"""
        with place as (
            select
                {place}, max(area_name) as area_name, max(la_code) as la_code, max(region_code) as region_code,
                max(region_name) as region_name
            from ees_pair
            group by {place}
        ),
        item as (
            select distinct breakdown_topic, breakdown from ees_pair
        ),
        given as (
            select {ROW_COLUMNS}, {cells} from ees_pair group by {ROW_COLUMNS}
        )
        select {", ".join(columns)}
        from place
        cross join item
        left join given using ({ROW_COLUMNS})
        order by {ROW_COLUMNS}
    """


def write_meta_file(path: Path, indicators: list[Indicator], defaults: dict[str, str]) -> None:
    """The meta file: what each filter (its default item by name) and indicator column is."""
    parents = {"breakdown": "breakdown_topic"} if "breakdown_topic" in defaults else {}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*META_COLUMNS, *OPTIONAL_META_COLUMNS])
        writer.writerows(
            [name, "Filter", FILTER_LABELS[name], "", "", "", "", "", default, parents.get(name, "")]
            for name, default in defaults.items()
        )
        writer.writerows(
            [indicator.kpi_id, "Indicator", indicator.label, "", indicator.unit, indicator.decimals, "", "", "", ""]
            for indicator in indicators
        )
