"""`cornerstone status`: what has arrived, what waits, what was refused, and which release people read."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from orchestration.release.folders import current_release
from orchestration.release.lifecycle import list_releases
from orchestration.returns.inbox import inbox_files, stray_entries
from orchestration.returns.land import pending_receipts
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import (
    WHOSE,
    People,
    current_submissions,
    people_in_store,
    read_submissions,
    read_waiting,
)
from orchestration.settings import Settings


@dataclass(frozen=True)
class ArrivedSupplier:
    """What counts of one supplier: its latest period, and all of them."""

    return_id: str
    supplier: str
    latest_period: str
    periods: int
    rows_landed: int
    rows_quarantined: int
    received_at: str


@dataclass(frozen=True)
class Status:
    """The state of a store, read without changing it."""

    store: str
    people: People | None
    current_release: str | None
    released_at: str | None
    pending_releases: list[str]
    waiting: list[str]
    received_not_landed: list[str]
    incomplete: list[str]
    arrived: list[ArrivedSupplier]
    refused: list[str]
    absent: list[str]

    def print_to(self, console: Console) -> None:
        """For a person."""
        console.print(f"store    {self.store}", soft_wrap=True)
        console.print(f"people   {WHOSE[self.people]}", style="bold" if self.people == "invented" else None)
        console.print(
            f"release  {self.current_release or 'none yet'}"
            + (f", made {self.released_at}" if self.released_at else "")
        )
        for release_id in self.pending_releases:
            console.print(f"pending  {release_id} waits for approval: cornerstone release approve {release_id}")
        for name in self.waiting:
            console.print(f"waiting  {name}", soft_wrap=True)
        for name in self.received_not_landed:
            console.print(f"waiting  {name}: received, and not landed yet; the next run does", soft_wrap=True)
        for message in self.incomplete:
            console.print(f"waiting  {message}", soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        table.add_column("supplier", no_wrap=True)
        table.add_column("latest", no_wrap=True)
        for heading in ("periods", "rows", "set aside"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("received", no_wrap=True)
        for row in self.arrived:
            table.add_row(
                row.supplier,
                row.latest_period,
                str(row.periods),
                f"{row.rows_landed:,}",
                f"{row.rows_quarantined:,}",
                row.received_at[:16].replace("T", " "),
            )
        if self.arrived:
            console.print(table)
        for reason in self.refused:
            console.print(f"refused  {reason}", soft_wrap=True)
        for sentence in self.absent:
            console.print(f"absent   {sentence}", soft_wrap=True)


def read_status(settings: Settings) -> Status:
    """Read the state of the store."""
    release = current_release(settings)
    arrived: list[ArrivedSupplier] = []
    waiting, received, incomplete, refused, empty = [], [], [], [], []
    for return_id in return_ids():
        submissions = read_submissions(settings, return_id)
        counting = list(current_submissions(submissions).values())
        sets = read_waiting(settings, return_id)
        incomplete += [f"{return_id}: {one.message}" for one in sets]
        known = {submission.delivery_sha256 for submission in submissions}
        known |= {digest for one in sets for digest in one.files.values()}
        pending = pending_receipts(settings, return_id)
        received += [f"{return_id}/{receipt.file_name}" for receipt in pending if receipt.sha256 not in known]
        waiting += [f"{return_id}/{path.name}: the next run lands it" for path in inbox_files(settings, return_id)]
        waiting += [
            f"{return_id}/{path.name}: a link or no file; put the file itself there"
            for path in stray_entries(settings, return_id)
        ]
        refused += [str(submission.reason) for submission in submissions if submission.status == "refused"]
        if not counting:
            spec = load_spec(return_id)
            empty.append(f"{spec.title}: nothing has arrived; left out: {spec.feeds}")
        for supplier in sorted({submission.supplier for submission in counting}):
            own = [submission for submission in counting if submission.supplier == supplier]
            latest = max(own, key=lambda submission: submission.period)
            arrived.append(
                ArrivedSupplier(
                    return_id,
                    supplier,
                    latest.period,
                    len(own),
                    sum(submission.rows_landed for submission in own),
                    sum(submission.rows_quarantined for submission in own),
                    max(submission.received_at for submission in own),
                )
            )
    return Status(
        store=str(settings.store),
        people=people_in_store(settings),
        current_release=release.release_id if release else None,
        released_at=f"{release.created_at:%d %B %Y %H:%M} UTC" if release else None,
        pending_releases=[summary.release_id for summary in list_releases(settings) if summary.approval == "pending"],
        waiting=waiting,
        received_not_landed=received,
        incomplete=incomplete,
        arrived=arrived,
        refused=refused,
        absent=empty,
    )
