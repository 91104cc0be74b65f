"""Linkage on the terminal. Nothing here has a name of a child to show."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from orchestration.check.terminal import printable

if TYPE_CHECKING:
    from orchestration.linkage.decisions import Decision
    from orchestration.linkage.review import LinkageStatus, Reviewed


def print_status(status: "LinkageStatus", console: Console) -> None:
    """Rows and children by strength of the match, then what likeness came to."""
    table = Table("return", "match strength", "rows", "children", box=None, pad_edge=False)
    table.columns[2].justify = table.columns[3].justify = "right"
    before = None
    for row in status.linked:
        table.add_row(
            "" if row.return_id == before else row.return_id, row.match_strength, f"{row.rows:,}", f"{row.children:,}"
        )
        before = row.return_id
    console.print(table)
    console.print(f"{status.children:,} children in all")
    likeness = status.likeness
    if likeness is None:
        console.print("likeness  nobody was compared yet: there are too few children to learn from, or no run yet")
        return
    console.print(f"model     {likeness.model}")
    standing = ", ".join(f"{count:,} {basis}" for basis, count in likeness.joins.items()) or "none"
    console.print(
        f"joins     {standing}; {likeness.joined_now:,} new and {likeness.parted_now:,} parted in the run of"
        f" {likeness.at[:16].replace('T', ' ')} UTC",
        soft_wrap=True,
    )
    pairs = ", ".join(f"{count:,} {outcome}" for outcome, count in likeness.pairs.items()) or "none"
    console.print(f"pairs     {pairs}", soft_wrap=True)
    console.print(
        f"review    {likeness.for_review:,} pairs wait (match weight from {likeness.review_weight:g} to"
        f" {likeness.join_weight:g}, or contradicted above it); decided: {status.decisions['same']:,} same,"
        f" {status.decisions['different']:,} different",
        soft_wrap=True,
    )
    if likeness.overruled:
        console.print(
            f"[yellow]overruled[/yellow] {likeness.overruled:,} decisions cannot hold: numbers make the two one child, or one"
            " submission tells of both",
            soft_wrap=True,
        )


def print_handed(handed: "Reviewed", path: str, console: Console) -> None:
    """What was handed over, and that it was recorded."""
    console.print(
        f"{handed.pairs:,} pairs of children written to {printable(path)}: personal data; recorded in the journal",
        soft_wrap=True,
    )


def print_decisions(decisions: "list[Decision]", console: Console) -> None:
    """What was taken in, and what applies it."""
    same = sum(one.decision == "same" for one in decisions)
    console.print(
        f"{same:,} same, {len(decisions) - same:,} different taken in; `cornerstone run` applies them", soft_wrap=True
    )


def print_review_journal(handed: "list[Reviewed]", console: Console) -> None:
    """Who was handed review files, when and why."""
    if not handed:
        console.print("No review file was ever handed over.")
        return
    table = Table("when (UTC)", "who", "why", "pairs", "file (SHA-256)", box=None, pad_edge=False)
    for one in handed:
        when = one.at[:16].replace("T", " ")
        table.add_row(when, printable(one.by), printable(one.reason), f"{one.pairs:,}", one.sha256[:12])
    console.print(table)
