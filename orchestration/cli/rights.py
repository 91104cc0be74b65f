"""What is owed to the people in the data: the audit, erasure, retention, renewal of the key."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import AsJson, err, out, print_json, progress, require_yes
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings

By = Annotated[str | None, typer.Option(help="Name of the person who does it; recorded.")]
Reason = Annotated[str | None, typer.Option(help="Why; recorded for good, so without any child's name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def audit(as_json: AsJson = False) -> None:
    """Who took names, erased, deleted, decided or released, when and why; says so if a journal was altered."""
    from orchestration.rights.audit import read_account
    from orchestration.rights.shown import print_account

    account = read_account(load_settings())
    if as_json:
        print_json(asdict(account))
    else:
        print_account(account, out)


@app.command()
def forget(
    from_file: Annotated[
        Path | None,
        typer.Option("--from", help="File with the child's identifiers (mode 0600); asked for when left out."),
    ] = None,
    by: By = None,
    reason: Reason = None,
    as_one: Annotated[
        bool,
        typer.Option(
            "--as-one", help="All that stands under these identifiers is the one child, however it is told there."
        ),
    ] = False,
    erase: Annotated[
        list[str] | None,
        typer.Option(help="Receipt of a file of which nothing was accepted, as --preview names it: erase it too."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show what it would touch, and do nothing.")] = False,
    yes: Yes = False,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an erasure that was interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a child: in the archive, the vault, landed rows and releases' marts, and in whatever arrives later.

    Identifiers are read from a file or asked for, never from the command line, which shells keep.
    """
    from orchestration.rights import forget as erasure
    from orchestration.rights import shown
    from orchestration.rights.asked import HOW, parse_asked, read_asked

    settings, now = load_settings(), datetime.now(UTC)
    if resume:
        done = erasure.resume(settings, now)
        if done is None:
            raise CornerstoneError("No erasure was interrupted; there is nothing to finish.")
    else:
        if not preview and not (by and reason):
            raise CornerstoneError(
                "Say who does it (--by) and why (--reason, without any child's name), or look first with --preview."
            )
        if from_file is None:
            err.print(f"The child's identifiers, {HOW}; end with a blank line:", markup=False, soft_wrap=True)
            asked = parse_asked(
                "\n".join(iter(lambda: typer.prompt("", default="", show_default=False, prompt_suffix="> "), ""))
            )
        else:
            asked = read_asked(from_file)
        asked = replace(asked, as_one=as_one)
        with progress.only_if_slow():
            effect = erasure.preview(settings, asked)
        if preview:
            if as_json:
                print_json(asdict(effect))
            else:
                shown.print_effect(effect, out)
            return
        shown.print_effect(effect, err)
        erasure.require_clear(effect)
        require_yes("Forget this child for good?", "Nothing was changed", is_given=yes)
        done = erasure.forget(settings, asked, by=by or "", reason=reason or "", now=now, erase=erase or ())
    if as_json:
        print_json(asdict(done))
    else:
        shown.print_done(done, out)


@app.command()
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Delete what is due.")] = False,
    by: By = None,
    reason: Reason = None,
    yes: Yes = False,
    resume: Annotated[bool, typer.Option("--resume", help="Finish a deletion that was interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Until when each return about children is kept, by period, and what deleting now would touch. Nothing goes by itself."""
    from orchestration.rights import retention as kept
    from orchestration.rights import shown

    settings, now = load_settings(), datetime.now(UTC)
    if resume:
        done = kept.resume(settings, now)
        if done is None:
            raise CornerstoneError("No deletion was interrupted; there is nothing to finish.")
    else:
        effect = kept.effect(settings, now.date())
        if not apply:
            if as_json:
                print_json(asdict(effect))
            else:
                shown.print_kept(effect, out)
            return
        if not (by and reason):
            raise CornerstoneError("Say who deletes (--by) and why (--reason): both are recorded for good.")
        shown.print_kept(effect, err)
        if effect.due:
            require_yes("Delete what is due for good?", "Nothing was deleted", is_given=yes)
        done = kept.delete_due(settings, by=by, reason=reason, now=now)
    if as_json:
        print_json(asdict(done))
    else:
        shown.print_deleted(done, out)


@app.command("rotate-key")
def rotate_key(
    by: By = None,
    reason: Reason = None,
    yes: Yes = False,
    resume: Annotated[bool, typer.Option("--resume", help="Finish a change of key that was interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put the store under a new key: archive, vault and pseudonyms are made anew, then swapped in; the former key is kept aside."""
    from orchestration.rights import rotate, shown

    settings, now = load_settings(), datetime.now(UTC)
    if resume:
        done = rotate.resume(settings, now)
        if done is None:
            raise CornerstoneError("No change of key was interrupted; there is nothing to finish.")
    else:
        if not (by and reason):
            raise CornerstoneError("Say who renews the key (--by) and why (--reason): both are recorded for good.")
        rotate.require_renewable(settings)
        require_yes(
            "Land everything again under a new key? Pseudonyms and children's keys change, and releases lose their marts.",
            "Nothing was changed",
            is_given=yes,
        )
        done = rotate.rotate_key(settings, by=by, reason=reason, now=now)
    if as_json:
        print_json(asdict(done))
    else:
        shown.print_rotated(done, str(rotate.former_key_file(settings)), out)
