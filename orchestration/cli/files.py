"""Files to send and to try with: check, template, synthesise."""

import logging
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.cli.console import LEGIBLE, NARROW, AsJson, out, print_json, progress, written_to
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings


class Format(StrEnum):
    """How a check is reported."""

    terminal = "terminal"
    html = "html"
    json = "json"


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(help="Files to check, or a folder that holds them, as you would send them.")
    ],
    return_id: Annotated[
        str | None, typer.Option("--return", help="The return the files are of; recognised when left out.")
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="html: a page to work from; json: every place, for programs.")
    ] = Format.terminal,
    out_path: Annotated[Path | None, typer.Option("--out", help="File to write to; html needs one.")] = None,
    show_identifiers: Annotated[
        bool,
        typer.Option(
            "--show-identifiers", help="html and json: say whom each row is about. Needs --out; handle as the return."
        ),
    ] = False,
) -> None:
    """Check files before they are sent: what they are, what is wrong, where and what to do. Changes no store, needs no key.

    A return that is compared with earlier ones is compared with those the store at hand has accepted, and the report says so.

    Exit status: 0 clean or queries only, 1 errors, 2 a file cannot be read or recognised.
    """
    from orchestration.check.find import check_files
    from orchestration.check.terminal import print_report, printable

    _require_place_for(format_, out_path, files, show_identifiers)
    with progress.only_if_slow():
        report = check_files(load_settings(), files, return_id, show_identifiers=show_identifiers)
        if format_ is Format.html:
            from orchestration.check.page import render_page

            text = render_page(report)
        elif format_ is Format.json:
            text = report.as_json() + "\n"
    if format_ is Format.terminal:
        with written_to(out_path, private=False) as stream:
            print_report(report, Console(file=stream, highlight=False, width=min(max(out.width, NARROW), LEGIBLE)))
    else:
        with written_to(out_path, private=show_identifiers) as stream:
            stream.write(text)
    if out_path is not None:
        for file in report.files:
            out.print(f"{file.headline}: {printable(file.name)}", soft_wrap=True)
        out.print(f"written to {printable(str(out_path))}", soft_wrap=True)
    raise typer.Exit(report.exit_code)


def _require_place_for(format_: Format, out_path: Path | None, files: list[Path], show_identifiers: bool) -> None:
    if show_identifiers and format_ is Format.terminal:
        raise CornerstoneError("--show-identifiers goes with --format html or json; a terminal keeps what it shows.")
    if out_path is None and (format_ is Format.html or show_identifiers):
        what = "names of children" if show_identifiers else "a page"
        raise CornerstoneError(f"Say where to write {what}: add --out and the name of a file.")
    if out_path is None:
        return
    if not out_path.absolute().parent.is_dir():
        raise CornerstoneError(
            f"There is no folder {out_path.absolute().parent}; make it, or choose another for --out."
        )
    taken = {file.resolve() for file in files}
    if out_path.is_dir() or {out_path.resolve(), out_path.resolve().parent} & taken:
        raise CornerstoneError(f"--out {out_path} is a folder, or among the files to be checked; choose another place.")


@app.command()
def template(
    slug: Annotated[str, typer.Argument(help="The return, such as safety-valve.")],
    quarter: Annotated[str, typer.Option(help="Financial year and quarter, such as 2025-26Q4.")],
    out_path: Annotated[Path, typer.Option("--out", help="File to write to, or a folder for it.")],
) -> None:
    """Write the blank workbook of a return that is filled in by hand, with last quarter's accepted figures in place."""
    from orchestration.template.workbook import write_template

    written = write_template(load_settings(), slug, quarter, out_path)
    repeated = f", with the figures accepted of {written.repeats}" if written.repeats else ""
    out.print(f"written to {written.path}{repeated}", soft_wrap=True, markup=False)


class Faults(StrEnum):
    """Which faults are planted, with an answer key."""

    none = "none"
    standard = "standard"


@app.command()
def synthesise(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder to write to; made when it is absent.")],
    la: Annotated[
        str | None, typer.Option(help="DfE code of the authority whose published tables are reproduced.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Published figures; the bundled ones when left out.")] = None,
    years: Annotated[str, typer.Option(help="Returns to write, first-last.")] = "2023-2026",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    scale: Annotated[float, typer.Option(help="Size of the population; 1 is the authority's own.")] = 1.0,
    faults: Annotated[
        Faults, typer.Option(help="Plant faults in a copy of a return, with an answer key.")
    ] = Faults.none,
    censuses: Annotated[
        bool, typer.Option("--censuses", help="Write twelve school censuses of the same children too.")
    ] = False,
    therapy: Annotated[
        bool,
        typer.Option("--therapy", help="Write two providers' monthly therapy waiting lists of the same children too."),
    ] = False,
    valve: Annotated[
        bool,
        typer.Option(
            "--safety-valve", help="Write the authority's quarterly safety valve returns with the same plans too."
        ),
    ] = False,
    local: Annotated[bool, typer.Option("--local", help="Write the local returns of the same borough too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Invent a borough: EHC plan returns of fictional people that reproduce the published tables."""
    from orchestration.synthetic import bundled_figures
    from orchestration.synthetic import synthesise as invent

    settings = load_settings()
    first, _, last = years.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise CornerstoneError(f"--years {years} is no run of years; write it as 2023-2026.")
    logging.getLogger("cornerstone.synthetic").info("inventing a borough (about half a minute)")
    report = invent(
        out_dir,
        la=la or settings.la_code,
        figures=figures or bundled_figures(settings),
        years=range(int(first), int(last or first) + 1),
        seed=seed,
        scale=scale,
        faults=faults.value,
        censuses=censuses,
        therapy=therapy,
        valve=valve,
        local=local,
    )
    if as_json:
        print_json(asdict(report))
        return
    out.print(f"{report.people:,} invented people in {report.files} files under {report.out}", soft_wrap=True)
    out.print(
        f"{report.met:,} of {report.cells:,} published cells reproduced; {report.explained:,} differ or are left out, each with its"
        f" reason in {report.out}/calibration.csv; {report.unexplained:,} unexplained",
        soft_wrap=True,
    )
    if report.pupils:
        out.print(
            f"{report.pupils:,} invented pupils in the school censuses; where these and the returns disagree on purpose is in"
            f" {report.out}/census_disagreements.csv",
            soft_wrap=True,
        )
    if report.requests:
        out.print(
            f"{report.requests:,} service requests in the therapy waiting lists; what the published waits are made of is in"
            f" {report.out}/therapy_declared.csv",
            soft_wrap=True,
        )
    if report.valve_returns:
        out.print(
            f"{report.valve_returns} safety valve returns; published balances are kept, what is invented says so in its note",
            soft_wrap=True,
        )
    if report.faults:
        kinds = {"": True, "census_": report.pupils, "therapy_": report.requests, "valve_": report.valve_returns}
        keys = " and ".join(f"{report.out}/{kind}answer_key.csv" for kind, written in kinds.items() if written)
        out.print(f"{report.faults} planted faults; the answer key is {keys}", soft_wrap=True)
