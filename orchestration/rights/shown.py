"""Erasure, retention, keys and the audit on the terminal. Nothing here has a name of a child to show."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from orchestration.check.terminal import printable

if TYPE_CHECKING:
    from orchestration.rights.audit import Account
    from orchestration.rights.forget import Done, Effect, HeldFile
    from orchestration.rights.retention import Deleted
    from orchestration.rights.retention import Effect as KeptEffect
    from orchestration.rights.rotate import Rotated

TOLD = {"forename": "forename", "birth_date": "birth date", "nhs_number": "NHS number"}
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
        "Each line of a journal holds the digest of the one before it, and that of the last is kept beside: in all of them they agree, so"
        " none was altered, moved, taken out or cut off and the rest left as it was. Erasures and renewals of the key take lines about a"
        " child out of the journals of linkage and chain the rest anew; how many is said here. Somebody who can write in the store could"
        " do the same: digests noted elsewhere tell.",
        soft_wrap=True,
    )
    heads = Table("journal", "lines", "taken out", "digest of the last line", box=None, pad_edge=False)
    heads.columns[1].justify = heads.columns[2].justify = "right"
    for journal in account.journals:
        heads.add_row(journal.path, f"{journal.lines:,}", f"{journal.taken_out:,}", journal.head or "empty")
    console.print(heads)


def print_effect(effect: "Effect", console: Console) -> None:
    """What forgetting a child would touch."""
    by_return = ", ".join(f"{count:,} {name}" for name, count in effect.rows.items()) or "none"
    console.print(f"rows      {by_return}; in {effect.submissions:,} submission(s)")
    steps = _steps(effect.steps)
    console.print(f"known by  {steps or 'nothing: no row has these identifiers'}", soft_wrap=True)
    _print_people(effect, console)
    if effect.steps.get("probable"):
        console.print(
            "[yellow]beware[/yellow]    likeness joined some of these rows; `cornerstone linkage review --joined` shows them to a"
            " person who may see names, and a decision `different` parts them",
            soft_wrap=True,
        )
    kinds = ", ".join(f"{count:,} {KINDS.get(kind, kind.replace('_', ' '))}" for kind, count in effect.kinds.items())
    console.print(
        f"refused   from now on, wherever they arrive: rows with {kinds}; known again by keyed digests, against which whoever holds the"
        " store's key can try numbers",
        soft_wrap=True,
    )
    if effect.shared_numbers:
        console.print(
            f"[yellow]beware[/yellow]    {effect.shared_numbers:,} number(s) of the child stand in a row about somebody else as"
            " well; by these alone nobody is known again",
            soft_wrap=True,
        )
    if effect.namesakes:
        console.print(
            f"[yellow]beware[/yellow]    {effect.namesakes:,} row(s) of the same name and birth date give another number; they stay:"
            " where they are the child's, ask with that number as well",
            soft_wrap=True,
        )
    _print_left(len(effect.file_names), 0, console)
    _print_files(effect.file_names, console)
    _print_left(0, len(effect.unread), console)
    _print_files(effect.unread, console)
    console.print(f"releases  {effect.releases:,} lose their marts (restricted/send_marts.duckdb)")
    console.print(STAYS, soft_wrap=True)


def _steps(steps: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {KINDS.get(step, step.replace('_', ' '))}" for step, count in steps.items())


def _print_people(effect: "Effect", console: Console) -> None:
    """Of how many people the rows tell, and whose rows go."""
    if effect.forgotten_earlier:
        console.print(
            "[yellow]beware[/yellow]    a child who was forgotten earlier gave a number of these rows as well: they may be somebody"
            " else's",
            soft_wrap=True,
        )
    if not effect.people:
        return
    console.print(
        f"[yellow]beware[/yellow]    the rows tell of {len(effect.people):,} different people: twins, a number keyed by mistake, or one"
        " child told in several ways",
        soft_wrap=True,
    )
    for number, one in enumerate(effect.people, 1):
        by_return = ", ".join(f"{count:,} {name}" for name, count in one.rows.items())
        otherwise = f"; another {', '.join(TOLD[name] for name in one.differs)}" if one.differs else ""
        goes = "goes" if one.goes and effect.is_clear else "would go" if one.goes else "stays"
        console.print(
            f"          {number}: {goes}: {by_return} (known by {_steps(one.steps)}){otherwise}", soft_wrap=True
        )
    if not effect.is_clear:
        console.print(
            "          nothing is forgotten until it is told who is meant: by a line `name: Surname, Forename, birth date` for each"
            " way in which the child is told, or by --as-one",
            soft_wrap=True,
        )


def _print_left(file_names: int, unread: int, console: Console) -> None:
    """What an erasure cannot reach, and what to do about it."""
    if file_names:
        console.print(
            f"[yellow]beware[/yellow]    {file_names:,} file(s) were received under a name that may hold the surname of the child; it stays"
            " in receipts and landed rows (a number in a name is masked). Have files sent under names that name nobody",
            soft_wrap=True,
        )
    if unread:
        console.print(
            f"[yellow]beware[/yellow]    {unread:,} archived file(s) of which not all was accepted: numbers are looked for in their text,"
            " and in what nobody could read nothing else can be. Look at what was sent; `--erase <receipt>` erases one of which"
            " nothing was accepted with the child",
            soft_wrap=True,
        )


def _print_files(files: "list[HeldFile]", console: Console) -> None:
    for one in files:
        part = "" if one.is_in_use else "; nothing of it was accepted"
        console.print(
            f"          {one.return_id}, received {one.received}, {one.bytes:,} bytes, named in {one.receipt}{part}",
            soft_wrap=True,
            markup=False,
        )


STAYS = (
    "stays     what releases counted (open/, evidence/, the ledger): it names nobody, and a figure moves with the next release."
    " Copies outside the store, and backups, are yours to deal with."
)


def print_done(done: "Done", console: Console) -> None:
    """What forgetting a child did."""
    console.print(
        f"forgotten {done.rows_removed:,} landed row(s) and {done.set_aside_removed:,} set aside; a number masked in"
        f" {done.texts_masked:,} text(s) about others; {done.files_cut:,} archived file(s) cut, {done.files_erased:,} erased whole;"
        f" {done.releases:,} release(s) without marts",
        soft_wrap=True,
    )
    _print_left(done.file_names, done.unread, console)
    console.print(STAYS, soft_wrap=True)
    console.print("next      `cornerstone run` builds the marts again and makes a release without the child")


def print_kept(effect: "KeptEffect", console: Console) -> None:
    """Until when each period of each return is kept, and what is due."""
    for policy in effect.policies:
        console.print(
            f"{policy.return_id}  {policy.years} years ({policy.basis}): {policy.reason}", soft_wrap=True, markup=False
        )
    table = Table("return", "period", "kept until", "files", "submissions", "rows", "", box=None, pad_edge=False)
    for column in table.columns[3:6]:
        column.justify = "right"
    for one in effect.kept:
        due = "[yellow]due[/yellow]" if one.is_due else ""
        counts = (f"{count:,}" for count in (one.files, one.submissions, one.rows))
        table.add_row(one.return_id, one.period, one.until.isoformat(), *counts, due)
    if effect.kept:
        console.print(table)
    if not effect.due:
        console.print("Nothing is due to be deleted.")
        return
    feeds = {policy.return_id: policy.feeds for policy in effect.policies}
    for return_id in dict.fromkeys(one.return_id for one in effect.due):
        periods = ", ".join(one.period for one in effect.due if one.return_id == return_id)
        console.print(
            f"goes      {return_id} of {periods}: the next release counts nothing from it in {feeds[return_id]}",
            soft_wrap=True,
        )
    console.print(f"releases  {effect.releases:,} lose their marts (restricted/send_marts.duckdb)")
    console.print(STAYS, soft_wrap=True)


def print_deleted(done: "Deleted", console: Console) -> None:
    """What was deleted."""
    console.print(
        f"deleted   {done.submissions:,} submission(s) with {done.rows:,} landed row(s), {done.files:,} archived file(s);"
        f" {done.releases:,} release(s) without marts",
        soft_wrap=True,
    )
    console.print(STAYS, soft_wrap=True)
    console.print("next      `cornerstone run` builds the marts again and makes a release of what is kept")


def print_rotated(done: "Rotated", former: str, console: Console) -> None:
    """What a change of key made anew, and what is left to do."""
    console.print(
        f"renewed   {done.files:,} archived file(s) sealed and {done.submissions:,} submission(s) landed under the new key;"
        f" {done.decisions:,} decision(s) on children carried over; {done.releases:,} release(s) without marts",
        soft_wrap=True,
    )
    if done.otherwise:
        console.print(
            f"[yellow]beware[/yellow]    {done.otherwise:,} submission(s) came out otherwise than before, by the rules of today",
            soft_wrap=True,
        )
    if done.lost_decisions:
        console.print(
            f"          {done.lost_decisions:,} decision(s) were on children of whom nothing is told any more"
        )
    console.print(
        f"next      back up the new key; `cornerstone run`; then destroy the former key, {printable(former)}, with every copy:"
        " backups of the store made before open with it alone",
        soft_wrap=True,
    )
