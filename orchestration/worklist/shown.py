"""A worklist on the terminal. Nothing here has a name of a child to show."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from orchestration.check.terminal import printable

if TYPE_CHECKING:
    from orchestration.worklist.counted import Worklist
    from orchestration.worklist.journal import Handover
    from orchestration.worklist.named import NamedWorklist


def print_counts(worklist: "Worklist", console: Console) -> None:
    """Counts by school and reason, then what to do for each reason."""
    console.print(
        f"School census of {worklist.census_day:%d %B %Y} against the EHC plans return, release {worklist.release_id}:"
        f" {worklist.children:,} children to follow up",
        soft_wrap=True,
    )
    if worklist.expected_schools:
        console.print(
            f"Returns of {worklist.received_schools:,} of {worklist.expected_schools:,} schools expected",
            soft_wrap=True,
        )
    if worklist.missing_schools:
        missing = printable("; ".join(worklist.missing_schools))
        console.print(f"[yellow]missing[/yellow]  {missing}: their pupils are not counted", soft_wrap=True)
    if not worklist.schools:
        return
    table = Table("school", "LAEstab", "URN", "reason", "children", box=None, pad_edge=False)
    table.columns[4].justify = "right"
    before = None
    for row in worklist.schools:
        school = (row.school_name, row.la_estab or "", row.urn or "")
        said = ("", "", "") if school == before else map(printable, school)
        table.add_row(*said, row.reason, f"{row.children:,}")
        before = school
    console.print(table)
    console.print("What to do")
    for reason, action in dict.fromkeys((row.reason, row.action) for row in worklist.schools):
        console.print(f"[bold]{reason}[/bold]: {action}", soft_wrap=True)
    console.print(
        "Counts are exact and for use inside the authority alone. --show-identifiers lists the children.", style="dim"
    )


def print_named(named: "NamedWorklist", console: Console) -> None:
    """What was handed over, and that it was recorded."""
    console.print(
        f"{named.children:,} children of January {named.census} written to {printable(str(named.path))}: personal data;"
        " recorded in the journal",
        soft_wrap=True,
    )
    if named.unresolved:
        console.print(
            f"[yellow]unresolved[/yellow]  {named.unresolved:,} of them are not in the vault any more and stand there by a"
            " pseudonym",
            soft_wrap=True,
        )


def print_journal(handovers: "list[Handover]", console: Console) -> None:
    """Who was handed names, when and why."""
    if not handovers:
        console.print("No list with names was ever handed over.")
        return
    table = Table(
        "when (UTC)", "who", "why", "census", "school", "children", "file (SHA-256)", box=None, pad_edge=False
    )
    for one in handovers:
        table.add_row(
            one.at[:16].replace("T", " "),
            printable(one.by),
            printable(one.reason),
            f"January {one.census}",
            printable(one.school or "all"),
            f"{one.children:,}",
            one.sha256[:12],
        )
    console.print(table)
