"""The `cornerstone` command.

Exit status: 0 good, 1 the data has errors, 2 the file or the set-up cannot be used. Results go to standard output,
progress and errors to standard error.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.release.revisions import SmallDifference

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, which can hold values
    help="SEND data pipeline: land, check, build, release.",
)
release_app = typer.Typer(no_args_is_help=True, help="Releases: list, show, revisions, approve, roll back.")
app.add_typer(release_app, name="release")
linkage_app = typer.Typer(help="Which rows of the returns are one child: what was linked, what to review.")
app.add_typer(linkage_app, name="linkage")

NARROW, LEGIBLE = 80, 120  # columns between which running text is set
PATIENCE_SECONDS = 2.0
CELLS_NAMED = 20
WIDE = 160  # where nobody watches, tables are not cut to a window

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OutTable = Annotated[Path | None, typer.Option("--out", help="File to write to: .csv or .xlsx.")]
ByName = Annotated[
    bool,
    typer.Option(
        "--show-identifiers",
        help="List the children by name. Needs --by, --reason and --out, and is recorded; handle as the returns.",
    ),
]


class _Progress(logging.Handler):
    """Progress lines with the time since the command started."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.started = time.perf_counter()
        self._held: list[str] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        line = f"[{time.perf_counter() - self.started:6.1f} s] {record.getMessage()}"
        if record.levelno >= logging.WARNING:
            err.print(line, style="yellow", markup=False, soft_wrap=True)
        elif self._held is not None:
            self._held.append(line)
        else:
            err.print(line, style="dim", markup=False, soft_wrap=True)

    @contextmanager
    def only_if_slow(self) -> Iterator[None]:
        """Say nothing of work that is done before anyone wonders."""
        self._held = []
        timer = threading.Timer(PATIENCE_SECONDS, self._release)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._held = None

    def _release(self) -> None:
        with self.lock or nullcontext():
            held, self._held = self._held, None
        for line in held or []:
            err.print(line, style="dim", markup=False, soft_wrap=True)


progress = _Progress()


def _print_json(content: Any) -> None:
    out.print_json(json.dumps(content, default=str))


@app.command()
def run(as_json: AsJson = False) -> None:
    """Land whatever is new, build, check and release; says so when there is nothing to do.

    A store to which nothing was ever delivered gets an invented borough to try the journey on.
    """
    from orchestration.returns.submission import WHOSE
    from orchestration.run import run_journey

    settings = load_settings()
    outcome = run_journey(settings)
    if as_json:
        _print_json({**asdict(outcome), "current": str(settings.current_link)})
    else:
        for reason in outcome.refused:
            out.print(f"[yellow]refused[/yellow]  {reason}", soft_wrap=True)
        for repeat in outcome.repeats:
            out.print(f"[dim]repeated[/dim] {repeat}", soft_wrap=True)
        for sentence in outcome.left:
            out.print(f"[yellow]left[/yellow]     {sentence}", soft_wrap=True)
        for sentence in outcome.waiting:
            out.print(f"[yellow]waiting[/yellow]  {sentence}", soft_wrap=True)
        for rule in outcome.failed_rules:
            out.print(
                f"[red]blocked[/red]  {rule.rule_id} on {rule.table}: {rule.failing_rows:,} failing. {rule.label}"
            )
            out.print(f"         owner {rule.owner}. {rule.action}", soft_wrap=True)
        _print_seconds(outcome.seconds)
        gate = {"blocked": "[red]failed[/red]", "failed": "[red]not reached[/red]"}.get(
            outcome.status, "[green]passed[/green]"
        )
        out.print(f"gates    {gate}")
        out.print(f"release  {outcome.release_id or 'none yet'}")
        out.print(f"         {outcome.message}", soft_wrap=True)
        out.print(f"people   {WHOSE[outcome.people]}", style="bold" if outcome.people == "invented" else None)
        for name, held in outcome.held.items():
            out.print(f"{name:<8} {held}", soft_wrap=True)
        if outcome.cells:
            out.print(f"cells    {outcome.cells.sentence}", soft_wrap=True)
            for name in outcome.cells.unexplained[:CELLS_NAMED]:
                out.print(f"[yellow]differs[/yellow]  {name}", soft_wrap=True)
            if len(outcome.cells.unexplained) > CELLS_NAMED:
                out.print("         and others: marts.fct_ehc_statistic_comparison of the release names every one")
        if outcome.release_id:
            out.print(f"look at  {settings.current_link}/evidence/index.html (what was checked)", soft_wrap=True)
            out.print(f"         {settings.current_link}/open/ (KPI tables: DuckDB, Parquet, CSV)", soft_wrap=True)
    raise typer.Exit(outcome.exit_code)


def _print_seconds(seconds: dict[str, float]) -> None:
    table = Table("where the time went", "seconds", box=None, header_style="dim", style="dim", pad_edge=False)
    table.columns[1].justify = "right"
    for step, taken in seconds.items():
        table.add_row(step, f"{taken:.1f}")
    table.add_row("total", f"{sum(seconds.values()):.1f}")
    out.print(table)


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
        with _written_to(out_path, private=False) as stream:
            print_report(report, Console(file=stream, highlight=False, width=min(max(out.width, NARROW), LEGIBLE)))
    else:
        with _written_to(out_path, private=show_identifiers) as stream:
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


@contextmanager
def _written_to(path: Path | None, *, private: bool) -> Iterator[TextIO]:
    """Standard output, or a file that is there whole or not at all."""
    if path is None:
        yield sys.stdout
        return
    from orchestration.check.page import opened

    with opened(path, private=private) as stream:
        yield stream


@app.command()
def worklist(
    census: Annotated[
        int | None, typer.Option(help="Year of the January census; the latest with both returns when left out.")
    ] = None,
    school: Annotated[
        str | None, typer.Option(help="One school: its URN, or authority and number in seven digits.")
    ] = None,
    out_path: OutTable = None,
    show_identifiers: ByName = False,
    by: Annotated[str | None, typer.Option(help="Name of the person who takes the list.")] = None,
    reason: Annotated[str | None, typer.Option(help="What the list is for; without any child's name.")] = None,
    audit: Annotated[bool, typer.Option("--audit", help="Show who was handed names, when and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Where school census and EHC plans return disagree on who has a plan: what is to follow up, by school."""
    from orchestration.worklist import shown

    settings = load_settings()
    if show_identifiers:
        if audit or not (by and reason and out_path):
            raise CornerstoneError(
                "--show-identifiers goes with --by (who takes the list), --reason (what for) and --out (a file): names are"
                " never printed, and each list is recorded."
            )
        from orchestration.worklist.named import write_named_worklist

        with progress.only_if_slow():
            named = write_named_worklist(
                settings, out_path, by=by, reason=reason, now=datetime.now(UTC), census=census, school=school
            )
        if as_json:
            _print_json(asdict(named))
        else:
            shown.print_named(named, out)
        return
    if by or reason:
        raise CornerstoneError("--by and --reason go with --show-identifiers; counts are not recorded.")
    if audit:
        from orchestration.worklist.journal import read_journal

        handovers = read_journal(settings)
        if as_json:
            _print_json([asdict(handover) for handover in handovers])
        else:
            shown.print_journal(handovers, out)
        return
    from orchestration.worklist.counted import count_worklist, write_counts

    counted = count_worklist(settings, census, school)
    if out_path is not None:
        write_counts(settings, counted, out_path)
    if as_json:
        _print_json(asdict(counted))
    else:
        shown.print_counts(counted, out)
        if out_path is not None:
            out.print(f"written to {out_path}", soft_wrap=True, markup=False)


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
        _print_json(asdict(written))
        return
    later = ", ".join(f"{count:,} {return_id.replace('_', ' ')}" for return_id, count in written.left_out.items())
    out.print(
        f"{written.known:,} submissions were known on {written.day:%d %B %Y}; left out, for they came later: {later or 'none'}",
        soft_wrap=True,
    )
    out.print(f"written to {written.path} (schema marts; fct_therapy_wait)", soft_wrap=True, markup=False)


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
        with _written_to(out_path, private=False) as stream:
            stream.write(made.page)
    facts = {name: value for name, value in asdict(made).items() if name != "page"}
    if as_json:
        _print_json({**facts, "path": out_path})
        return
    left = f", {made.unavailable} of them not available" if made.unavailable else ""
    out.print(f"{made.figures} figures of release {made.release_id}{left}; {made.period}", soft_wrap=True)
    out.print(f"written to {out_path}", soft_wrap=True, markup=False)


@linkage_app.callback(invoke_without_command=True)
def linkage(context: typer.Context, as_json: AsJson = False) -> None:
    """Which rows of the returns are one child: counts by strength of the match, joins by likeness, pairs to review."""
    if context.invoked_subcommand is not None:
        return
    from orchestration.linkage.review import read_status
    from orchestration.linkage.shown import print_status

    found = read_status(load_settings())
    if as_json:
        _print_json(asdict(found))
    else:
        print_status(found, out)


@linkage_app.command()
def review(
    out_path: OutTable = None,
    show_identifiers: ByName = False,
    by: Annotated[str | None, typer.Option(help="Name of the person who takes the file.")] = None,
    reason: Annotated[str | None, typer.Option(help="What the file is for; without any child's name.")] = None,
    joined: Annotated[bool, typer.Option("--joined", help="List the children joined by likeness too.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Show who was handed review files, when and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write pairs of children that only a person can tell to be one or two, to be filled in and taken in by `decide`."""
    from orchestration.linkage import shown
    from orchestration.linkage.review import read_review_journal, write_review

    settings = load_settings()
    if audit and not (show_identifiers or by or reason or out_path):
        handed = read_review_journal(settings)
        if as_json:
            _print_json([asdict(one) for one in handed])
        else:
            shown.print_review_journal(handed, out)
        return
    if audit or not (show_identifiers and by and reason and out_path):
        raise CornerstoneError(
            "A review file holds names of children: give --show-identifiers, --by (who takes it), --reason (what for) and"
            " --out (a file); each is recorded, and --audit alone shows the record."
        )
    with progress.only_if_slow():
        made = write_review(settings, out_path, by=by, reason=reason, now=datetime.now(UTC), with_joined=joined)
    if as_json:
        _print_json(asdict(made))
    else:
        shown.print_handed(made, str(out_path), out)


@linkage_app.command()
def decide(
    file: Annotated[Path, typer.Argument(help="A review file with its column decision filled in.")],
    by: Annotated[str, typer.Option(help="Name of the person who decided.")],
    as_json: AsJson = False,
) -> None:
    """Take in what a reviewer decided: same or different. It goes before likeness, from the next run on."""
    from orchestration.linkage.review import take_decisions
    from orchestration.linkage.shown import print_decisions

    with progress.only_if_slow():
        taken = take_decisions(load_settings(), file, by=by, now=datetime.now(UTC))
    if as_json:
        _print_json([asdict(one) for one in taken])
    else:
        print_decisions(taken, out)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What has arrived, what waits, what was refused, and which release people read."""
    from orchestration.status import read_status

    report = read_status(load_settings())
    if as_json:
        _print_json(asdict(report))
    else:
        report.print_to(out)


@app.command()
def prepare(
    print_dagster_home: Annotated[bool, typer.Option(help="Print only DAGSTER_HOME, for use in a shell.")] = False,
) -> None:
    """Make the store's folders, dagster.yaml and the dbt manifest, for `dagster dev` and `dagster job execute`."""
    from orchestration.dagster_home import prepare_dagster_home
    from orchestration.dbt_manifest import ensure_manifest
    from orchestration.warehouse import prepare_store

    settings = load_settings()
    prepare_store(settings)
    ensure_manifest(settings)
    home = prepare_dagster_home(settings)
    out.print(str(home) if print_dagster_home else f"ready; DAGSTER_HOME={home}", soft_wrap=True)


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
    )
    if as_json:
        _print_json(asdict(report))
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


@app.command("clean-store")
def clean_store(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything made at run time, releases and received files included. What is in the inbox stays."""
    import shutil

    settings = load_settings()
    if not settings.store.exists():
        out.print(f"{settings.store} does not exist; nothing to delete.", soft_wrap=True)
        return
    if not (settings.store / "landed").is_dir() or not (settings.store / "archive").is_dir():
        raise CornerstoneError(
            f"{settings.store} is no store of Cornerstone's (no landed/ and archive/ in it); nothing was deleted."
        )
    if not yes and not typer.confirm(f"Delete {settings.store} with every file received and every release?"):
        raise CornerstoneError("Nothing was deleted.")
    shutil.rmtree(settings.store)
    out.print(f"{settings.store} is deleted.", soft_wrap=True)


@release_app.command("list")
def release_list(as_json: AsJson = False) -> None:
    """Every release, newest first."""
    from orchestration.release.lifecycle import list_releases

    releases = list_releases(load_settings())
    if as_json:
        _print_json([asdict(release) for release in releases])
        return
    table = Table("release", "made", "approval", "", box=None, pad_edge=False)
    for release in releases:
        mark = "current" if release.is_current else "withdrawn" if release.is_withdrawn else ""
        table.add_row(
            release.release_id, f"{release.created_at:%d %B %Y %H:%M} UTC", release.approval.replace("_", " "), mark
        )
    out.print(table if releases else "No release yet; `cornerstone run` makes one.")


@release_app.command("show")
def release_show(
    release_id: str,
    verify: Annotated[bool, typer.Option(help="Read every file and compare it with the manifest.")] = False,
    as_json: AsJson = False,
) -> None:
    """One release: inputs, tables, checks, approval."""
    from orchestration.release.folders import release_folder
    from orchestration.release.lifecycle import show_release
    from orchestration.release.revisions import small_differences_of
    from orchestration.returns.submission import WHOSE

    settings = load_settings()
    manifest = show_release(settings, release_id, verify=verify)
    content = manifest.model_dump(mode="json")
    if as_json:
        _print_json(content)
        return
    out.print(f"release   {manifest.release_id}")
    out.print(f"made      {manifest.created_at:%d %B %Y %H:%M} UTC by code {manifest.code_version}")
    out.print(f"people    {WHOSE[manifest.people]}")
    out.print(f"approval  {manifest.approval.status.replace('_', ' ')}")
    for kind in ("inputs", "tables"):
        table = Table(*content[kind][0].keys() if content[kind] else ["none"], box=None, pad_edge=False, title=kind)
        for row in content[kind]:
            table.add_row(*(str(value) for value in row.values()))
        out.print(table)
    _print_small_differences(small_differences_of(release_folder(settings, release_id)))


def _print_small_differences(differences: "Sequence[SmallDifference]") -> None:
    """What an approver looks at; it names suppressed figures, so it is printed for who may read `restricted/` alone."""
    if not differences:
        out.print("No count differs from one published before by so few that they could be told apart.")
        return
    table = Table("KPI", "area", "period", "breakdown", "earlier release", "was", "is", "", box=None, pad_edge=False,
                  title="counts that differ by few from one published before; handle as restricted/")  # fmt: skip
    for one in differences:
        table.add_row(
            one.kpi_id,
            one.area_name,
            f"{one.time_identifier} {one.time_period}",
            one.breakdown or "",
            one.earlier_release_id,
            f"{one.earlier_count:,}",
            f"{one.cell_count:,}",
            "shown" if one.is_shown else "suppressed",
        )
    out.print(table)


@release_app.command("revisions")
def release_revisions(
    release_id: Annotated[
        str | None, typer.Argument(metavar="RELEASE", help="The release; the one people read when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a release tells otherwise than the one people read before it, figure by figure, and why."""
    from orchestration.release.folders import release_folder
    from orchestration.release.lifecycle import chosen_release
    from orchestration.release.revisions import revisions_of

    settings = load_settings()
    manifest = chosen_release(settings, release_id)
    revisions = revisions_of(release_folder(settings, manifest.release_id))
    if as_json:
        _print_json(
            {
                "release_id": manifest.release_id,
                "previous_release": manifest.previous_release,
                "revisions": [asdict(one) for one in revisions],
            }
        )
        return
    if manifest.previous_release is None:
        out.print(f"{manifest.release_id} is a first release: there is nothing that it could revise.")
        return
    if not revisions:
        out.print(f"{manifest.release_id} revises no figure of {manifest.previous_release}.")
        return
    table = Table("KPI", "area", "period", "breakdown", "basis", "was", "is", "kind", "cause", box=None, pad_edge=False)
    for one in revisions:
        table.add_row(
            one.kpi_id,
            one.area_name,
            f"{one.time_identifier} {one.time_period}",
            one.breakdown or "",
            one.value_basis,
            one.old,
            one.new,
            one.kind,
            one.cause,
        )
    out.print(f"{len(revisions):,} figures of {manifest.previous_release} that {manifest.release_id} revises")
    out.print(table)


@release_app.command("approve")
def release_approve(
    release_id: str,
    by: Annotated[str, typer.Option(help="Name of the person who approves.")],
    note: Annotated[str, typer.Option(help="Why; recorded in the manifest.")],
) -> None:
    """Approve a pending release; from then on it is the one people read."""
    from orchestration.release.lifecycle import approve_release

    manifest = approve_release(load_settings(), release_id, by, note, datetime.now(UTC))
    out.print(f"{manifest.release_id} is approved by {by} and current.")


@release_app.command("rollback")
def release_rollback(
    release_id: str,
    by: Annotated[str, typer.Option(help="Name of the person who rolls back.")],
    note: Annotated[str, typer.Option(help="Why; recorded in the manifest.")],
) -> None:
    """Make an earlier release the current one again."""
    from orchestration.release.lifecycle import rollback

    manifest = rollback(load_settings(), release_id, by, note, datetime.now(UTC))
    out.print(f"{manifest.release_id} is current again.")


def _guarded(command: Callable[[], None]) -> int:
    try:
        command()
    except CornerstoneError as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return error.exit_code
    return 0


def main() -> None:
    """Entry point: errors as one clear sentence, no traceback."""
    logging.getLogger("cornerstone").addHandler(progress)
    logging.getLogger("cornerstone").setLevel(logging.INFO)
    logging.getLogger("cornerstone").propagate = False
    sys.exit(_guarded(app))
