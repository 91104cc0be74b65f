"""The journey and the store: run, status, alerts, prepare, clean-store."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from orchestration.cli.console import CELLS_NAMED, AsJson, out, print_json, require_yes
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError
from orchestration.settings import Settings, load_settings

if TYPE_CHECKING:
    from orchestration.run import RunOutcome


@app.command()
def run(
    return_id: Annotated[
        str | None, typer.Option("--return", help="Read the archive of this return again, under today's rules.")
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="Of that return, these periods: one, a range as A..B, or all (the default).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Land whatever is new, build, check and release; says so when there is nothing to do.

    A store to which nothing was ever delivered gets an invented borough to try the journey on. With --return, what the archive
    holds of a return is read again first; what comes out as it stands is not written, so that it can be done twice.
    """
    if period is not None and return_id is None:
        raise CornerstoneError("--period needs --return: say of which return; periods of two returns are not the same.")
    from orchestration.run import run_journey

    settings = load_settings()
    outcome = run_journey(settings, return_id, "all" if period is None else period)
    if as_json:
        print_json({**asdict(outcome), "seconds": outcome.seconds, "current": str(settings.current_link)})
    else:
        _print_outcome(outcome, settings)
    raise typer.Exit(outcome.exit_code)


def _print_outcome(outcome: "RunOutcome", settings: Settings) -> None:
    from orchestration.returns.submission import WHOSE

    if outcome.read_again:
        out.print(f"again    {outcome.read_again.sentence}", soft_wrap=True)
    for reason in outcome.refused:
        out.print(f"[yellow]refused[/yellow]  {reason}", soft_wrap=True)
    for repeat in outcome.repeats:
        out.print(f"[dim]repeated[/dim] {repeat}", soft_wrap=True)
    for sentence in outcome.left:
        out.print(f"[yellow]left[/yellow]     {sentence}", soft_wrap=True)
    for sentence in outcome.waiting:
        out.print(f"[yellow]waiting[/yellow]  {sentence}", soft_wrap=True)
    for rule in outcome.failed_rules:
        out.print(f"[red]blocked[/red]  {rule.rule_id} on {rule.table}: {rule.failing_rows:,} failing. {rule.label}")
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
        # What waits for approval is to be looked at before it is what people read.
        is_waiting = outcome.status == "pending"
        made = settings.releases_dir / outcome.release_id if is_waiting else settings.current_link
        out.print(f"look at  {made}/evidence/index.html (what was checked)", soft_wrap=True)
        out.print(f"         {made}/open/ (KPI tables: DuckDB, Parquet, CSV)", soft_wrap=True)


def _print_seconds(seconds: dict[str, float]) -> None:
    table = Table("where the time went", "seconds", box=None, header_style="dim", style="dim", pad_edge=False)
    table.columns[1].justify = "right"
    for step, taken in seconds.items():
        table.add_row(step, f"{taken:.1f}")
    table.add_row("total", f"{sum(seconds.values()):.1f}")
    out.print(table)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What has arrived, what waits, what was refused, and which release people read."""
    from orchestration.status import read_status

    report = read_status(load_settings())
    if as_json:
        print_json(asdict(report))
    else:
        report.print_to(out)


@app.command()
def alerts(
    trial: Annotated[
        bool, typer.Option("--test", help="Send a trial message by every channel, to see whether it arrives.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What stands that somebody should know of, since when, and who was told; sends nothing unless --test is given."""
    from orchestration.alerts import shown

    settings = load_settings()
    if trial:
        sent = shown.send_trial(settings)
        if as_json:
            print_json(sent)
        else:
            shown.print_trial(sent, out)
        raise typer.Exit(2 if any(sent.values()) else 0)
    found = shown.read_alerts(settings)
    if as_json:
        print_json(asdict(found))
    else:
        shown.print_alerts(found, out)


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
    require_yes(
        f"Delete {settings.store} with every file received and every release?", "Nothing was deleted", is_given=yes
    )
    shutil.rmtree(settings.store)
    out.print(f"{settings.store} is deleted.", soft_wrap=True)
