"""Releases: list, show, revisions, approve, roll back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from orchestration.cli.console import AsJson, out, print_json
from orchestration.cli.tree import release_app
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.release.revisions import SmallDifference


@release_app.command("list")
def release_list(as_json: AsJson = False) -> None:
    """Every release, newest first."""
    from orchestration.release.lifecycle import list_releases

    releases = list_releases(load_settings())
    if as_json:
        print_json([asdict(release) for release in releases])
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
        print_json(content)
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
        print_json(
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
