"""A release in one line: what its first page says at the top."""

from pathlib import Path

import duckdb

from orchestration.figures.boards import load_boards
from orchestration.figures.released import read_figures
from orchestration.figures.statements import state
from orchestration.release.exports import OPEN_DATABASE
from orchestration.release.manifest import read_manifest
from orchestration.sql_text import literal


def read_headline(release: Path) -> str:
    """Gates, number of figures and the first figure that boards watch, as Markdown; from the open tables alone.

    Args:
        release: a complete release folder.
    """
    gates = [gate.gate for gate in read_manifest(release).gates]
    watched = next(iter(load_boards().boards.values())).figures[0]
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(release / OPEN_DATABASE))} as released (read_only)")
        [(count,)] = connection.execute("select count(value) from released.kpi.kpi_value").fetchall()
        figures = read_figures(connection, [watched.kpi_id], watched.topics)
    told = state(1, watched, figures, None)
    if told.kpi is None or told.unavailable:
        first = "no figure of what boards watch first"
    else:
        first = f"**{told.kpi.title} {told.value}** ({told.period[0].lower()}{told.period[1:]})"
    return f"Gates passed: {', '.join(gates)}; {count:,} figures; {first}"
