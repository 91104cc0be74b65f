"""Erasure, retention, keys and the audit on the terminal. Nothing here has a name of a child to show."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from orchestration.check.terminal import printable

if TYPE_CHECKING:
    from orchestration.rights.audit import Account
    from orchestration.rights.forget import Done, Effect

KINDS = {"upn": "UPN", "nhs_number": "NHS number", "uln": "ULN", "name_birth_date": "name and birth date"}


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


def print_effect(effect: "Effect", console: Console) -> None:
    """What forgetting a child would touch."""
    by_return = ", ".join(f"{count:,} {name}" for name, count in effect.rows.items()) or "none"
    console.print(f"rows      {by_return}; in {effect.submissions:,} submission(s)")
    steps = ", ".join(f"{count:,} {KINDS.get(step, step.replace('_', ' '))}" for step, count in effect.steps.items())
    console.print(f"known by  {steps or 'nothing: no row has these identifiers'}", soft_wrap=True)
    if effect.steps.get("probable"):
        console.print(
            "[yellow]beware[/yellow]    likeness joined some of these rows; `cornerstone linkage review --joined` shows them to a"
            " person who may see names, and a decision `different` parts them",
            soft_wrap=True,
        )
    kinds = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in effect.kinds.items())
    console.print(f"refused   from now on, wherever they arrive: rows with {kinds}", soft_wrap=True)
    if effect.shared_numbers:
        console.print(
            f"[yellow]beware[/yellow]    {effect.shared_numbers:,} number(s) of the child stand in a row about somebody else as"
            " well; by these alone nobody is known again",
            soft_wrap=True,
        )
    console.print(f"releases  {effect.releases:,} lose their marts (restricted/send_marts.duckdb)")
    console.print(STAYS, soft_wrap=True)


STAYS = (
    "stays     what releases counted (open/, evidence/, the ledger): it names nobody, and a figure moves with the next release."
    " Copies outside the store, and backups, are yours to deal with."
)


def print_done(done: "Done", console: Console) -> None:
    """What forgetting a child did."""
    console.print(
        f"forgotten {done.rows_removed:,} landed row(s) and {done.set_aside_removed:,} set aside; {done.files_cut:,} archived"
        f" file(s) cut, {done.files_erased:,} erased whole; {done.releases:,} release(s) without marts",
        soft_wrap=True,
    )
    console.print(STAYS, soft_wrap=True)
    console.print("next      `cornerstone run` builds the marts again and makes a release without the child")
