"""What is written for readers from a release or the store: pack, docs, known-at."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import AsJson, out, print_json, progress, written_to
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings


@app.command()
def pack(
    board: Annotated[str, typer.Option(help="sufficiency, executive, scrutiny or safety-valve.")],
    out_path: Annotated[Path, typer.Option("--out", help="File to write to: .html.")],
    period: Annotated[
        str | None,
        typer.Option(
            help="Only periods that had ended by the end of 2025/26 (academic), 2025-26 (financial), 2025-26Q3, 2025 or 2025-10;"
            " from A to B: A..B. All that is held when left out."
        ),
    ] = None,
    release_id: Annotated[
        str | None, typer.Option("--release", help="The release; the current one when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a board's pack: the KPIs it watches, with charts and room for commentary, as one page to print or send."""
    from orchestration.packs.pack import make_pack

    if out_path.suffix != ".html" or out_path.is_dir() or not out_path.absolute().parent.is_dir():
        raise CornerstoneError(
            f"--out {out_path} will not do; name a file that ends in .html, in a folder that exists."
        )
    with progress.only_if_slow():
        made = make_pack(load_settings(), board, period=period, release_id=release_id)
        with written_to(out_path, private=False) as stream:
            stream.write(made.page)
    facts = {name: value for name, value in asdict(made).items() if name != "page"}
    if as_json:
        print_json({**facts, "path": out_path})
        return
    left = f", {made.unavailable} of them not available" if made.unavailable else ""
    out.print(f"{made.figures} figures of release {made.release_id}{left}; {made.period}", soft_wrap=True)
    out.print(f"written to {out_path}", soft_wrap=True, markup=False)


@app.command()
def docs(
    out_path: Annotated[
        Path | None, typer.Option("--out", help="File to write; docs.html in the store unless given.")
    ] = None,
) -> None:
    """Write the documentation of the warehouse, lineage and bus matrix, as one page that needs no server and no network."""
    from orchestration.docs.page import default_page, write_docs

    settings = load_settings()
    out.print(f"written to {write_docs(settings, out_path or default_page(settings))}", soft_wrap=True, markup=False)


@app.command("known-at")
def known_at(
    day: Annotated[
        datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day such as 2025-11-30: what was received by its end.")
    ],
    out_path: Annotated[
        Path, typer.Option("--out", help="File to write to: .duckdb. It holds rows about children, without names.")
    ],
    as_json: AsJson = False,
) -> None:
    """The therapy marts as they were known on a past day, from the submissions received by then. Changes no release."""
    from orchestration.known_at import write_known_at

    with progress.only_if_slow():
        written = write_known_at(load_settings(), day.date(), out_path)
    if as_json:
        print_json(asdict(written))
        return
    later = ", ".join(f"{count:,} {return_id.replace('_', ' ')}" for return_id, count in written.left_out.items())
    out.print(
        f"{written.known:,} submissions were known on {written.day:%d %B %Y}; left out, for they came later: {later or 'none'}",
        soft_wrap=True,
    )
    out.print(f"written to {written.path} (schema marts; fct_therapy_wait)", soft_wrap=True, markup=False)
