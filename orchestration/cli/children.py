"""Lists of children for those who may see them: worklist, linkage."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import AsJson, ByName, OutTable, out, print_json, progress
from orchestration.cli.tree import app, linkage_app
from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings


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
            print_json(asdict(named))
        else:
            shown.print_named(named, out)
        return
    if by or reason:
        raise CornerstoneError("--by and --reason go with --show-identifiers; counts are not recorded.")
    if audit:
        from orchestration.worklist.journal import read_journal

        handovers = read_journal(settings)
        if as_json:
            print_json([asdict(handover) for handover in handovers])
        else:
            shown.print_journal(handovers, out)
        return
    from orchestration.worklist.counted import count_worklist, write_counts

    counted = count_worklist(settings, census, school)
    if out_path is not None:
        write_counts(settings, counted, out_path)
    if as_json:
        print_json(asdict(counted))
    else:
        shown.print_counts(counted, out)
        if out_path is not None:
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
        print_json(asdict(found))
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
            print_json([asdict(one) for one in handed])
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
        print_json(asdict(made))
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
        print_json([asdict(one) for one in taken])
    else:
        print_decisions(taken, out)
