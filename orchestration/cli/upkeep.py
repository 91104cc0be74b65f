"""Keeping a store in order: rebuild, doctor."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.cli.console import AsJson, out, print_json, progress, require_yes
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings


@app.command()
def rebuild(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make everything anew from the archive: landed files, vault, links, working database and, where it differs, a release.

    What stands counts until the new is complete; killed at any moment, run it again. Decisions, journals and releases stay.
    """
    from orchestration.rebuild import rebuild_landed
    from orchestration.run import run_journey
    from orchestration.warehouse import prepare_store

    settings = load_settings()
    if not settings.archive_dir.is_dir():
        raise CornerstoneError(f"{settings.store} has no archive; there is nothing to rebuild from.")
    require_yes(
        f"Make everything landed in {settings.store} anew from its archive?", "Nothing was changed", is_given=yes
    )
    prepare_store(settings)
    rebuilt = rebuild_landed(settings, datetime.now(UTC))
    outcome = run_journey(settings)
    if as_json:
        print_json(asdict(rebuilt) | {"run": asdict(outcome)})
    else:
        out.print(
            f"rebuilt  {rebuilt.submissions:,} submissions from {rebuilt.files:,} files;"
            f" {rebuilt.otherwise:,} came out otherwise than they stood, {rebuilt.gone:,} are gone"
        )
        for sentence in rebuilt.kept:
            out.print(f"kept     {sentence}", soft_wrap=True)
        out.print(f"release  {outcome.release_id or 'none yet'}: {outcome.message}", soft_wrap=True)
    raise typer.Exit(outcome.exit_code)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look for what is wrong with the store, and say how bad it is and what to do. Changes nothing.

    Exit status: 0 sound, 1 something to attend to, 2 something is broken.
    """
    from orchestration.doctor.examine import examine

    with progress.only_if_slow():
        examined = examine(load_settings())
    if as_json:
        print_json(asdict(examined) | {"exit_code": examined.exit_code})
    else:
        for one in sorted(examined.findings, key=lambda found: found.severity != "broken"):
            style = "red" if one.severity == "broken" else "yellow"
            out.print(f"[{style}]{one.severity:<10}[/{style}]", end="")
            out.print(f"{one.family}: {one.what}", soft_wrap=True, markup=False)
            out.print(f"          at {one.where}", soft_wrap=True, markup=False)
            out.print(f"          {one.action}", soft_wrap=True, markup=False)
        for sentence in examined.not_examined:
            out.print(f"note      {sentence}", soft_wrap=True, markup=False)
        if examined.looked_at:
            found = f"{len(examined.findings)} finding(s)" if examined.findings else "nothing is wrong"
            out.print(f"looked at {', '.join(examined.looked_at)}: {found}", soft_wrap=True, markup=False)
    raise typer.Exit(examined.exit_code)
