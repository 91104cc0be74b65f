"""The open KPIs as a spreadsheet that everybody can read, with a screen reader too.

Source of the habits: Analysis Function, "Releasing statistics in spreadsheets" (cover, contents, notes, one table a sheet,
marked up as a table, symbols in square brackets); its own library `gptables` lays the sheets out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.release.ees import UNITS
from orchestration.release.ees_rules import MONTHS, TERMS
from orchestration.release.meta import LICENCE
from orchestration.sql_text import literal, quoted

if TYPE_CHECKING:
    import pandas as pd

# A sheet that would have more rows leaves out its oldest periods, and says so: more is hard to read and slow to open.
ROW_LIMIT = 10_000

TITLE = "Special educational needs and disability: key performance indicators"
INVENTED = "The people behind the local figures are invented: nobody in this file exists. Published figures are real."
ONE_TABLE = "This worksheet contains one table."
SHORTHAND = (
    "Shorthand: [c] confidential, [low] above zero and rounds to zero, [u] low reliability, [x] not available, "
    "[z] not applicable.$$c$$$$low$$$$u$$$$x$$$$z$$"
)
# In the order in which the sheets first refer to them.
NOTES = {
    "c": "[c] stands for confidential: the number is about few children, or would give such a number away.",
    "low": "[low] stands for a number above zero that rounds to zero.",
    "u": "[u] in the remarks stands for low reliability: the number rests on few children, or is estimated from bands.",
    "x": "[x] stands for not available: not collected, not published, or not given for that period.",
    "z": "[z] stands for not applicable: there can be no such number.",
    "neighbours": "The statistical neighbours are the ten authorities most like this one. Rank 1 is the best of those that "
    "have a figure, or the highest where neither high nor low is better.",
    "rounding": "Percentages, percentage points and weeks are rounded to one decimal place, ratios to two, money to whole "
    "pounds, all half up and each on its own, so that parts may not add to their total.",
    "basis": "A column headed own returns is counted in the authority's or provider's own returns. A published column, and "
    "every column of another area, is the figure that the Department for Education or NHS England publishes.",
}
WHY_MISSING = {
    "[c]": "is withheld: it could tell of too few children.",
    "[low]": "is above nought and rounds to it.",
    "[x]": "is not available: not collected, not published or not given.",
    "[z]": "does not exist: there is nobody to count it of.",
}
# Areas in the order of their columns; statistical neighbours are many and stay in the CSV and Parquet files.
AREA_ROLES = ["own_authority", "own_provider", "icb", "nhs_region", "region", "england"]
# Parts of a family's name that are written in capitals.
CAPITALS = {"ehcp": "EHCP", "sen": "SEN", "nhs": "NHS"}
UNIT_NAMES = {
    "percent": "Percent",
    "percentage_points": "Percentage points",
    "count": "Number",
    "gbp": "Pounds",
    "weeks": "Weeks",
    "ratio": "Ratio",
}
TEXT_WIDTHS = {
    "KPI": 52,
    "KPI id": 38,
    "KPI family": 24,
    "Period": 36,
    "Latest period": 36,
    "Compared in": 36,
    "Basis": 16,
    "Breakdown topic": 26,
    "Breakdown": 50,
    "Unit": 20,
    "Definition": 90,
    "In this release": 90,
    "Remarks": 60,
    "Note text": 110,
    "Sheet name": 26,
    "Table description": 90,
}
NUMBER_WIDTH, COVER_WIDTH = 20, 90
# Characters of 12-point text that a unit of column width holds, and the height of a line of it in points.
CHARACTERS_PER_WIDTH, LINE_HEIGHT = 1.0, 15.75
HEADING_SCALE = 1.3  # headings are bold, and may be in capitals
_TEXT = {"text_wrap": 1, "valign": "top"}
THEME: dict[str, Any] = {
    "global": {"font_size": 12, "font_name": "Arial"},
    "cover_title": {"bold": True, "font_size": 16, **_TEXT},
    "cover_subtitle": {"bold": True, "font_size": 14, **_TEXT},
    "cover_text": _TEXT,
    "title": {"bold": True, "font_size": 16},
    "column_heading": {"bold": True, "bottom": 1, **_TEXT},
    "index_2": _TEXT,
    "data": _TEXT,
    "description_order": ["instructions", "legend", "source", "scope"],
}
COVER_LABEL, CONTENTS_LABEL, NOTES_LABEL = "Cover", "Contents", "Notes"
A4 = 9  # as spreadsheets number sizes of paper
SUMMARY_LABEL, DEFINITIONS_LABEL = "Summary", "Definitions"


@dataclass(frozen=True)
class Area:
    """An area's values on one basis: a column of a sheet."""

    heading: str
    area_code: str
    basis: str


@dataclass(frozen=True)
class SheetContent:
    """What a sheet has to hold: rows of its table, cells that are numbers, and cells that say [c]."""

    rows: int
    numbers: int
    confidential: int


def write_spreadsheet(
    connection: duckdb.DuckDBPyConnection, path: Path, release: Mapping[str, str | bool | datetime | None]
) -> dict[str, SheetContent]:
    """Write the workbook: cover, contents, notes, the latest values, a sheet for each KPI family, and definitions.

    Args:
        connection: the warehouse; reads `kpi_open` alone, so that what is suppressed there is suppressed here.
        path: the file to write.
        release: the one row of `meta.release`.

    Returns:
        What each sheet of KPI values has to hold, by sheet name.
    """
    import gptables
    import pandas as pd

    create_cells(connection)
    try:
        own = own_name(connection)
        families = [
            name for (name,) in connection.execute("select distinct family from sheet_cell order by 1").fetchall()
        ]
        contents: dict[str, SheetContent] = {}
        tables: dict[str, Any] = {}
        if own is not None:
            tables[SUMMARY_LABEL] = summary_table(connection, own)
        for family in families:
            label = sheet_label(family)
            tables[label], contents[label] = family_table(connection, family)
        tables[DEFINITIONS_LABEL] = definitions_table(connection)
    finally:
        connection.execute("drop table if exists temp.sheet_cell")
    title = f"{TITLE}, {own}" if own else TITLE
    notes = {name: text for name, text in NOTES.items() if own or name != "neighbours"}
    invented = str(release["people"]).startswith("invented")
    created_at = release["created_at"]
    assert isinstance(created_at, datetime)
    book = gptables.produce_workbook(
        path,
        tables,
        theme=gptables.Theme(THEME),
        cover=cover(title, release, created_at, invented=invented),
        contentsheet_label=CONTENTS_LABEL,
        contentsheet_options={"title": "Contents", "table_name": "contents"},
        notes_table=pd.DataFrame({"Note reference": list(notes), "Note text": list(notes.values())}),
        notesheet_label=NOTES_LABEL,
        notesheet_options={"table_name": "notes"},
        auto_width=False,
        # Text stays text, whatever it begins with.
        workbook_options={
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties(
        {
            "title": title,
            "subject": f"Release {release['release_id']}",
            "comments": INVENTED if invented else LICENCE,
            "created": created_at,
        }
    )
    book.set_custom_property("Language", "en-GB")
    arrange_cover(book.get_worksheet_by_name(COVER_LABEL), cover(title, release, created_at, invented=invented))
    described = pd.DataFrame({"Sheet name": list(tables), "Table description": [one.title for one in tables.values()]})
    arrange(book.get_worksheet_by_name(CONTENTS_LABEL), described, head=2)
    arrange(
        book.get_worksheet_by_name(NOTES_LABEL),
        pd.DataFrame({"Note number": range(1, len(notes) + 1), "Note text": list(notes.values())}),
        head=2,
    )
    for label, table in tables.items():
        arrange(book.get_worksheet_by_name(label), table.table, head=table.data_range[0])
    book.close()
    return contents


def read_contents(path: Path) -> dict[str, SheetContent]:
    """What each sheet of a workbook holds below the header row of its table, read from the file."""
    from python_calamine import CalamineWorkbook

    contents = {}
    with CalamineWorkbook.from_path(str(path)) as book:
        for label in book.sheet_names:
            rows = book.get_sheet_by_name(label).to_python()
            heads = [number for number, row in enumerate(rows) if len(row) > 1 and all(row)]
            table = rows[heads[0] + 1 :] if heads else []
            contents[label] = SheetContent(
                rows=len(table),
                numbers=sum(isinstance(value, int | float) for row in table for value in row),
                confidential=sum(value == "[c]" for row in table for value in row),
            )
    return contents


def cover(
    title: str, release: Mapping[str, str | bool | datetime | None], created_at: datetime, *, invented: bool
) -> Any:
    """What the first sheet says."""
    import gptables

    return gptables.Cover(
        title=title,
        intro=[
            *([INVENTED] if invented else []),
            "Each KPI of the authority's special educational needs and disability service, for every period that is "
            "held, beside the region, England and the NHS where they publish the same.",
            f"Release {release['release_id']}, made on {created_at:%-d %B %Y}.",
        ],
        about=[
            "The Contents sheet lists and links every table. Each sheet has one table, with its title in the first "
            "cell. The Notes sheet explains the shorthand in square brackets.",
            "Numbers about few children are left out, in the same way as in the other files of this release.",
            "The same values, and those of statistical neighbours, are in the CSV, Parquet and DuckDB files beside this "
            "one.",
            LICENCE,
        ],
        contact=["The performance and intelligence lead of the authority answers questions about these figures."],
        cover_label=COVER_LABEL,
        width=COVER_WIDTH,
    )


def arrange_cover(sheet: Any, text: Any) -> None:
    """Rows as high as their text, and one page that prints."""
    rows = [
        text.title,
        "Introductory information",
        *text.intro,
        "About these data",
        *text.about,
        "Contact",
        *text.contact,
    ]
    for number, line in enumerate(rows):
        if number == 0:  # the title is in larger type
            sheet.set_row(number, 1.5 * LINE_HEIGHT * lines(1.4 * len(line), COVER_WIDTH))
        elif lines(len(line), COVER_WIDTH) > 1:
            sheet.set_row(number, LINE_HEIGHT * lines(len(line), COVER_WIDTH))
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)


def arrange(sheet: Any, frame: "pd.DataFrame", *, head: int) -> None:
    """Column widths, rows as high as their text, a header that stays in sight, and pages that print.

    Args:
        sheet: the worksheet that has the table.
        frame: the table.
        head: row of the table's header, from 0.
    """
    import numpy as np

    heights = np.ones(len(frame) + 1, dtype=int)
    for number, name in enumerate(frame.columns):
        width = TEXT_WIDTHS.get(name, NUMBER_WIDTH)
        sheet.set_column(number, number, width)
        heading = len(name) * HEADING_SCALE
        lengths = [heading, *frame[name].astype(str).str.len()] if name in TEXT_WIDTHS else [heading]
        needed = np.array([lines(length, width) for length in lengths])
        heights[: len(needed)] = np.maximum(heights[: len(needed)], needed)
    # Excel fits a row to wrapped text by itself; other programs do not.
    for row in np.flatnonzero(heights > 1):
        sheet.set_row(head + int(row), LINE_HEIGHT * int(heights[row]))
    sheet.freeze_panes(head + 1, 0)
    sheet.repeat_rows(head)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)


def lines(characters: float, width: float) -> int:
    """Lines that a text takes in a column."""
    return max(1, math.ceil(characters / (width * CHARACTERS_PER_WIDTH)))


def sheet_label(family: str) -> str:
    """`ehcp_stock` as `EHCP stock`: 31 characters at most, as spreadsheets have it."""
    words = [CAPITALS.get(word, word) for word in family.split("_")]
    text = " ".join(words)
    return (text[0].upper() + text[1:])[:31]


def rounded(value: str, unit: str) -> str:
    """SQL: a value as a number with the decimal places of its unit, rounded half up."""
    places = " ".join(
        f"when {literal(name)} then ({value})::decimal(18, {count})::double" for name, (_, count) in UNITS.items()
    )
    return f"case {unit} {places} end"


def create_cells(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `sheet_cell`: the open KPI values of the areas shown, rounded, with their periods in words."""
    names = " ".join(f"when {literal(unit)} then {literal(name)}" for unit, name in UNIT_NAMES.items())
    months, terms = (", ".join(map(literal, words)) for words in (MONTHS, TERMS))
    connection.execute(
        f"""
        create or replace temp table sheet_cell as
        select
            kpi_value.kpi_value_key,
            kpi_catalogue.family,
            kpi_catalogue.title,
            kpi_value.kpi_id,
            kpi_value.area_role,
            kpi_value.area_code,
            kpi_value.area_name,
            kpi_value.value_basis as basis,
            kpi_value.period_end,
            kpi_value.time_identifier,
            case
                when time_identifier in ({months}) then time_identifier || ' ' || time_period
                when time_identifier in ({terms}) then time_identifier || ' ' || years
                when time_identifier like '% Q_' then 'Financial year ' || years || ', quarter ' || time_identifier[-1]
                else time_identifier || ' ' || years
            end as period,
            coalesce(kpi_value.breakdown_topic, 'Total') as breakdown_topic,
            coalesce(kpi_value.breakdown, 'Total') as breakdown,
            kpi_value.unit,
            case kpi_value.unit {names} end as unit_name,
            {rounded("kpi_value.value", "kpi_value.unit")} as number,
            if(kpi_value.value is null, '[' || coalesce(kpi_value.symbol, 'x') || ']', null) as shorthand,
            nullif(concat_ws(
                ', ',
                if(kpi_value.value is not null and symbol is not null, '[' || symbol || ']', null),
                kpi_value.value_label
            ), '') as remark,
            kpi_value.coverage_note
        from kpi_open.kpi_value
        inner join kpi_open.kpi_catalogue using (kpi_id)
        cross join lateral (
            select if(len(time_period) = 6, time_period[:4] || '/' || time_period[5:], time_period) as years
        )
        where kpi_value.area_role in ({", ".join(map(literal, AREA_ROLES))})
        """
    )


def own_name(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Name of the authority whose KPIs these are; None where no value of its own is held."""
    row = connection.execute("select max(area_name) from sheet_cell where area_role = 'own_authority'").fetchone()
    return row[0] if row else None


def family_areas(connection: duckdb.DuckDBPyConnection, family: str) -> list[Area]:
    """The columns of values of a family's sheet."""
    rows = connection.execute(
        """
        select area_code, max(area_name), basis, count(*) over (partition by area_code) > 1
        from sheet_cell
        where family = ?
        group by area_role, area_code, basis
        order by list_position(?, area_role), area_code, basis
        """,
        [family, AREA_ROLES],
    ).fetchall()
    endings = {("local", True): ", own returns", ("local", False): ", own returns", ("published", True): ", published"}
    return [Area(f"{name}{endings.get((basis, is_both), '')}", code, basis) for code, name, basis, is_both in rows]


def family_table(connection: duckdb.DuckDBPyConnection, family: str) -> tuple[Any, SheetContent]:
    """A family's sheet: a row for each KPI, period and breakdown, a column for each area and basis."""
    areas = family_areas(connection, family)
    cutoff, left_out = first_period_shown(connection, family)
    shown = f"family = {literal(family)} and period_end >= {literal(str(cutoff))}::date"
    values = ", ".join(
        f"max({part}) filter (where area_code = {literal(area.area_code)} and basis = {literal(area.basis)}) "
        f"as {quoted(f'{part} {number}')}"
        for number, area in enumerate(areas)
        for part in ("number", "shorthand")
    )
    frame = connection.execute(
        f"""
        select
            title as "KPI",
            period as "Period",
            breakdown_topic as "Breakdown topic",
            breakdown as "Breakdown",
            unit_name as "Unit",
            unit as unit_code,
            {values},
            coalesce(string_agg(distinct area_name || ': ' || remark, '; ' order by area_name || ': ' || remark), '')
                as said,
            coalesce(string_agg(distinct coverage_note, ' ' order by coverage_note), '') as coverage
        from sheet_cell
        where {shown}
        group by kpi_id, title, time_identifier, period, breakdown_topic, breakdown, unit_name, unit
        order by title, breakdown_topic <> 'Total', breakdown_topic, breakdown <> 'Total', breakdown, max(period_end), period
        """
    ).df()
    remarks = (frame.pop("said") + " " + frame.pop("coverage")).str.strip()
    units = frame.pop("unit_code")
    for number, area in enumerate(areas):
        frame[area.heading] = cells(frame.pop(f"number {number}"), frame.pop(f"shorthand {number}"))
    frame["Remarks"] = remarks.where(remarks != "", "None")
    [(numbers, confidential)] = connection.execute(
        f"select count(number), count(*) filter (shorthand = '[c]') from sheet_cell where {shown}"
    ).fetchall()
    label = sheet_label(family)
    limit = f" The {left_out:,} oldest values are in the CSV files only." if left_out else ""
    return (
        as_table(
            frame,
            name=family,
            title=f"{label}: every KPI by period and breakdown",
            scope=f"Periods of each KPI are in order of time.{limit}$$rounding$$$$basis$$",
            units=units,
        ),
        SheetContent(rows=len(frame), numbers=numbers, confidential=confidential),
    )


def first_period_shown(connection: duckdb.DuckDBPyConnection, family: str) -> tuple[Any, int]:
    """The end of the first period that a sheet of `ROW_LIMIT` rows can show, and how many values end before it."""
    row = connection.execute(
        """
        with line as (
            select distinct kpi_id, period, period_end, breakdown_topic, breakdown from sheet_cell where family = $family
        ),
        counted as (
            select period_end, sum(count(*)) over (order by period_end desc) as line_count from line group by period_end
        ),
        shown as (
            select coalesce(min(period_end) filter (line_count <= $limit), max(period_end)) as first_end from counted
        )
        select first_end, count(*) filter (sheet_cell.period_end < first_end)
        from shown
        inner join sheet_cell on sheet_cell.family = $family
        group by first_end
        """,
        {"family": family, "limit": ROW_LIMIT},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def summary_table(connection: duckdb.DuckDBPyConnection, own: str) -> Any:
    """The latest total of every KPI of the authority, and the latest beside region, England and neighbours, with why a cell is empty."""
    names = ("region", "england", "neighbours")
    latest_missing, compared_missing = (
        f"case {one}.shorthand "
        + " ".join(f"when {literal(mark)} then {literal(f'{which} {why}')}" for mark, why in WHY_MISSING.items())
        + " end"
        for one, which in (("latest", "The latest figure"), ("compared", "The own figure to compare"))
    )
    unheld = ", ".join(
        f"if(compared.{name} is null, {literal(words)}, null)"
        for name, words in zip(names, ("the region", "England", "statistical neighbours"), strict=True)
    )
    compared = ", ".join(f"{rounded(f'compared.{name}', 'latest.unit')} as {name}" for name in names)
    frame = connection.execute(
        f"""
        with total as (
            select
                sheet_cell.*,
                max(comparator_value) filter (comparator_type = 'region') as region,
                max(comparator_value) filter (comparator_type = 'england') as england,
                median(comparator_value) filter (comparator_type = 'statistical_neighbour') as neighbours,
                max(neighbour_rank)::double as rank,
                max(neighbour_count)::double as ranked
            from sheet_cell
            left join kpi_open.kpi_comparison as comparison using (kpi_value_key)  -- one to many
            where
                sheet_cell.area_role = 'own_authority'
                and sheet_cell.breakdown_topic = 'Total'
                and sheet_cell.breakdown = 'Total'
            group by all
        ),
        latest as (
            from total
            qualify row_number() over (
                partition by kpi_id order by period_end desc, basis = 'published' desc, time_identifier
            ) = 1
        ),
        compared as (
            from total
            where coalesce(region, england, neighbours) is not null
            qualify row_number() over (
                partition by kpi_id order by period_end desc, basis = 'published' desc, time_identifier
            ) = 1
        )
        select
            latest.family as "KPI family",
            latest.title as "KPI",
            latest.unit_name as "Unit",
            latest.unit as unit_code,
            latest.period as "Latest period",
            if(latest.basis = 'local', 'Own returns', 'Published') as "Basis",
            latest.number as "number latest",
            latest.shorthand as "shorthand latest",
            coalesce(compared.period, '[x]') as "Compared in",
            compared.number as "number own",
            compared.shorthand as "shorthand own",
            {compared},
            compared.rank,
            compared.ranked,
            concat_ws(
                ' ',
                latest.remark || '.',
                {latest_missing},
                latest.coverage_note,
                if(latest.period <> compared.period, {compared_missing}, null),
                case
                    when compared.kpi_id is null then 'No figure of another area is held.'
                    else 'No figure is held of ' || nullif(concat_ws(' or ', {unheld}), '') || '.'
                end,
                case
                    when compared.rank is not null or compared.neighbours is null then null
                    when latest.unit not in ('percent', 'percentage_points', 'ratio')
                        then 'Not ranked, because authorities differ in size.'
                    else 'Not ranked, because there is no own figure to rank.'
                end
            ) as said
        from latest
        left join compared using (kpi_id)  -- one to one
        order by latest.family, latest.title
        """
    ).df()
    units = frame.pop("unit_code")
    frame["KPI family"] = frame["KPI family"].map(sheet_label)
    frame.insert(6, f"{own}, latest", cells(frame.pop("number latest"), frame.pop("shorthand latest")))
    frame[f"{own}, compared"] = cells(frame.pop("number own"), frame.pop("shorthand own"))
    headings = {
        **dict(zip(names, ("Region", "England", "Median of statistical neighbours"), strict=True)),
        "rank": "Rank among neighbours",
        "ranked": "Authorities ranked",
    }
    for name, heading in headings.items():
        frame[heading] = cells(frame.pop(name), None)
    said = frame.pop("said")
    frame["Remarks"] = said.where(said != "", "None")
    return as_table(
        frame,
        name="summary",
        title=f"Summary: the latest total of each KPI, {own}",
        scope="Each KPI that has a total, and the last period for which the same is published for other areas."
        "$$neighbours$$$$rounding$$",
        units=units,
        whole=[headings["rank"], headings["ranked"]],
    )


def definitions_table(connection: duckdb.DuckDBPyConnection) -> Any:
    """Every KPI of the catalogue: what it means, and whether this release has it."""
    names = " ".join(f"when {literal(unit)} then {literal(name)}" for unit, name in UNIT_NAMES.items())
    frame = connection.execute(
        f"""
        select
            kpi_catalogue.family as "KPI family",
            title as "KPI",
            kpi_id as "KPI id",
            case kpi_catalogue.unit {names} else kpi_catalogue.unit end as "Unit",
            coalesce(definition, '[x]') as "Definition",
            coalesce(kpi_availability.reason, '[x]') as "In this release"
        from kpi_open.kpi_catalogue
        left join kpi_open.kpi_availability using (kpi_id)  -- one to one
        order by kpi_catalogue.family, title
        """
    ).df()
    frame["KPI family"] = frame["KPI family"].map(sheet_label)
    return as_table(frame, name="definitions", title="Definitions: what each KPI means", scope=None, units=None)


def cells(number: "pd.Series[Any]", shorthand: "pd.Series[Any] | None") -> "pd.Series[Any]":
    """Numbers, and where there is none its shorthand; not available where that is missing too."""
    instead = "[x]" if shorthand is None else shorthand.fillna("[x]")
    return number.astype(object).where(number.notna(), instead)


def as_table(
    frame: "pd.DataFrame",
    *,
    name: str,
    title: str,
    scope: str | None,
    units: "pd.Series[Any] | None",
    whole: list[str] | None = None,
) -> Any:
    """A sheet as `gptables` writes it; `units` give the number format of each row, columns in `whole` are integers."""
    import gptables

    formats: list[dict[str, Any]] = []
    if units is not None:
        for unit, (_, places) in UNITS.items():
            # The header is row 0.
            if rows := [int(position) + 1 for position in (units == unit).to_numpy().nonzero()[0]]:
                number_format = "#,##0" + (f".{'0' * places}" if places else "")
                formats.append({"row": {"rows": rows, "format": {"num_format": number_format}, "include_names": True}})
    # A column of symbols alone stands to the right, too, and text after it keeps its distance.
    for columns, format_ in (
        ([name for name in frame.columns if name not in TEXT_WIDTHS], {"align": "right"}),
        ([name for name in ("Basis", "Remarks") if name in frame.columns], {"indent": 1}),
    ):
        if columns:
            formats.append({"column": {"columns": columns, "format": format_, "include_names": True}})
    if whole:
        formats.append({"column": {"columns": whole, "format": {"num_format": "0"}}})
    return gptables.GPTable(
        table=frame.astype(object),
        table_name=name,
        title=title,
        instructions=ONE_TABLE,
        legend=[SHORTHAND],
        source="Source: the authority's own returns, the Department for Education and NHS England.",
        scope=scope,
        index_columns={2: 0},
        additional_formatting=formats,
    )
