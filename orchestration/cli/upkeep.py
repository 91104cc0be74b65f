"""Keeping a store in order: rebuild, doctor."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.cli.console import AsJson, out, print_json
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
    if not yes and not typer.confirm(f"Make everything landed in {settings.store} anew from its archive?"):
        raise CornerstoneError("Nothing was changed.")
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
