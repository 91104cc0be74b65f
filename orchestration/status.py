"""`cornerstone status`: what has arrived, what waits, what was refused, and which release people read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from rich.console import Console
from rich.table import Table

from orchestration.check.terminal import printable
from orchestration.release.folders import current_release
from orchestration.release.lifecycle import list_releases
from orchestration.returns.expected import ExpectedPeriod, expected_periods
from orchestration.returns.inbox import inbox_files, stray_entries
from orchestration.returns.land import pending_receipts
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import (
    WHOSE,
    People,
    Submission,
    current_submissions,
    people_in_store,
    read_submissions,
    read_waiting,
)
from orchestration.settings import Settings

# Above so many, suppliers of a return are told as one row; --json has each.
SUPPLIERS_NAMED = 10


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
    expected: list[ExpectedPeriod]
    not_judged: list[str]

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
        for row in self._arrived_rows():
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
        for sentence in self.not_judged:
            console.print(f"unjudged {sentence}", soft_wrap=True)
        for sentence in self._expected_lines():
            console.print(printable(sentence), soft_wrap=True)

    def _arrived_rows(self) -> Iterator[ArrivedSupplier]:
        """What has arrived, by supplier; those of a return of many suppliers are one row."""
        for return_id in dict.fromkeys(row.return_id for row in self.arrived):
            own = [row for row in self.arrived if row.return_id == return_id]
            if len(own) <= SUPPLIERS_NAMED:
                yield from own
                continue
            yield ArrivedSupplier(
                return_id,
                f"{return_id}: {len(own)} suppliers",
                max(row.latest_period for row in own),
                max(row.periods for row in own),
                sum(row.rows_landed for row in own),
                sum(row.rows_quarantined for row in own),
                max(row.received_at for row in own),
            )

    def _expected_lines(self) -> Iterator[str]:
        """By return: how complete the latest period is, what is next, and what is overdue.

        The lives of invented people end some day: their returns get a line each, however many periods are overdue.
        """
        for title in dict.fromkeys(one.title for one in self.expected):
            own = [one for one in self.expected if one.title == title]
            overdue = [one for one in own if one.state == "overdue"]
            come = [one.completeness for one in own if one.received_suppliers and one.state != "overdue"]
            next_one = next((f"next is {one.occasion.sentence}" for one in own if one.state == "open"), None)
            said = [*come[-1:], *([next_one] if next_one else [])]
            if overdue and self.people == "invented":
                earlier = f" and {len(overdue) - 1} before it" if len(overdue) > 1 else ""
                said.append(f"overdue is {overdue[-1].completeness}{earlier}")
            if said:
                yield f"expected {title}: {'; '.join(said)}"
            if self.people != "invented":
                for one in overdue:
                    yield f"overdue  {title}: {one.completeness}; expected by {one.occasion.due_sentence}"


def _not_judged(title: str, counting: Iterable[Submission]) -> list[str]:
    """Rules that could not be judged of what counts: one sentence a reason."""
    rules: dict[str, set[str]] = defaultdict(set)
    periods: dict[str, list[str]] = defaultdict(list)
    for submission in counting:
        for rule_id, reason in submission.not_judged.items():
            rules[reason].add(rule_id)
        for reason in set(submission.not_judged.values()):
            periods[reason].append(submission.period)
    return [
        f"{title}: {', '.join(sorted(rules[reason]))} of {len(told)} submission(s), {min(told)} to {max(told)}. {reason}"
        " What has landed since is used when the return is sent again."
        for reason, told in periods.items()
    ]


def read_status(settings: Settings, today: date | None = None) -> Status:
    """Read the state of the store; what is overdue is said of `today`, or of the day it is."""
    release = current_release(settings)
    arrived: list[ArrivedSupplier] = []
    waiting, received, incomplete, refused, empty, not_judged = [], [], [], [], [], []
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
        spec = load_spec(return_id)
        not_judged += _not_judged(spec.title, counting)
        if not counting:
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
        expected=expected_periods(settings, today or datetime.now(UTC).date()),
        not_judged=not_judged,
    )
