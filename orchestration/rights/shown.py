"""Erasure, retention, keys and the audit on the terminal. Nothing here has a name of a child to show."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from orchestration.check.terminal import printable

if TYPE_CHECKING:
    from orchestration.rights.audit import Account


def print_account(account: "Account", console: Console) -> None:
    """Who did what, when and why, and the state of each journal."""
    if account.events:
        table = Table("when (UTC)", "who", "what", "why", "how much", box=None, pad_edge=False)
        for one in account.events:
            counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in one.counts.items() if count)
            table.add_row(
                one.at[:16].replace("T", " "), printable(one.by), printable(one.action), printable(one.reason), counts
            )
        console.print(table)
    else:
        console.print("Nothing was recorded yet.")
    console.print(
        "No line of the journals was altered, moved or taken out. To prove later that none was cut off, note:"
    )
    heads = Table("journal", "lines", "digest of the last line", box=None, pad_edge=False)
    heads.columns[1].justify = "right"
    for journal in account.journals:
        heads.add_row(journal.path, f"{journal.lines:,}", journal.head or "empty")
    console.print(heads)
