"""Cells that a return makes from others are made again from what was given, and take its place.

What a workbook held there is kept beside it in `calculated_cell`, for the rules that compare the two.
"""

from math import prod

import duckdb

from orchestration.returns.spec import Calculation, Cells, ReturnSpec
from orchestration.sql_text import literal

_PLACE = "submission_id, source_file, source_row"


def calculate(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> None:
    """Make the calculated cells of every submission in the workspace that has none yet, in the order of the spec.

    Where something that a cell is made of is blank, or is there twice, the cell stays as it was given.
    """
    if not spec.calculated:
        return
    done = "select submission_id from calculated_cell"
    connection.execute(f"create or replace temp table calculated_before as {done}")
    for name, calculation in spec.calculated.items():
        made = _of_column(calculation) if calculation.column else _of_rows(calculation)
        connection.execute(
            f"""
            insert into calculated_cell by name
            select {_PLACE}, '{calculation.table}' as table_name, column_name, '{name}' as calculation, given, computed
            from ({made})
            where submission_id not in (from calculated_before)
            """
        )
        for column in [calculation.column] if calculation.column else calculation.columns:
            connection.execute(
                f"""
                update "{calculation.table}" as own set "{column}" = cell.computed
                from calculated_cell as cell
                where cell.calculation = '{name}' and cell.column_name = '{column}' and cell.computed is not null
                    and cell.submission_id = own.submission_id and cell.source_file = own.source_file
                    and cell.source_row = own.source_row
                """
            )


def _of_column(calculation: Calculation) -> str:
    """SQL of one column's cells, given and computed, a row each."""
    first, second = (f'"{operand}"' for operand in calculation.operands)
    if calculation.quotient:
        value = f"case when {second} > 0 then round({first} / {second}) end"
    else:
        value = f"{first} {'-' if calculation.difference else '*'} {second}"
    return (
        f"select {_PLACE}, '{calculation.column}' as column_name, \"{calculation.column}\" as given, {value} as computed"
        f' from "{calculation.table}"'
    )


def _of_rows(calculation: Calculation) -> str:
    """SQL of the cells of whole rows, given and computed, a row each."""
    added, taken = _are(calculation.adds), _are(calculation.takes) if calculation.takes else "false"
    # As many rows as there are combinations, and each of them once.
    wanted = sum(prod(map(len, cells.values())) for cells in (calculation.adds, calculation.takes) if cells)
    values = ", ".join(f'"{column}"' for column in calculation.columns)
    keys = list(dict.fromkeys([*calculation.rows, *calculation.same, *calculation.adds, *calculation.takes]))
    held = ", ".join(f'"{key}"' for key in keys)
    parts = ", ".join(f'part."{key}"' for key in dict.fromkeys([*calculation.adds, *calculation.takes]))
    same = "".join(f' and part."{column}" = own."{column}"' for column in calculation.same)
    return f"""
        with cell as (
            from (select {_PLACE}, {held}, {values} from "{calculation.table}")
            unpivot include nulls (amount for column_name in ({values}))
        ),
        part as (select *, case when {added} then 1 else -1 end as sign from cell where {added} or {taken})
        select own.submission_id, own.source_file, own.source_row, own.column_name, any_value(own.amount) as given,
            case when count(part.amount) = {wanted} and count(*) = {wanted} and count(distinct [{parts}]) = {wanted}
                then sum(part.sign * part.amount) end as computed
        from (from cell where {_are(calculation.rows)}) as own
        left join part on part.submission_id = own.submission_id and part.column_name = own.column_name{same}
        group by all
    """


def _are(cells: Cells) -> str:
    return (
        "("
        + " and ".join(f'"{column}" in ({", ".join(map(literal, values))})' for column, values in cells.items())
        + ")"
    )
