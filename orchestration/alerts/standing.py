"""What is worth an alert at this moment: read from the store, and from how runs ended."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, get_args

import duckdb
from pydantic import AwareDatetime

from orchestration.alerts.ended import WHOLE_JOB, RunEnd
from orchestration.errors import CornerstoneError
from orchestration.release.folders import current_release
from orchestration.release.ledger import waiting_release
from orchestration.release.manifest import Manifest
from orchestration.returns.expected import ExpectedPeriod, expected_periods
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import people_in_store
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.alerts")

Kind = Literal["run_failed", "gate_blocked", "return_overdue", "release_pending", "disk_low"]
OF_RUNS: frozenset[Kind] = frozenset({"run_failed", "gate_blocked"})

GIB = 2**30
ENOUGH_AGAIN = 1.1  # above the threshold by so much, so that a disk at the threshold does not alert every time
RULES_NAMED = 3


@dataclass(frozen=True)
class Alert:
    """One trouble that stands. What it is about and its mark make it the same one the next time it is found.

    `since` is None where only the first time it was found is known.
    """

    kind: Kind
    about: str
    title: str
    what: str
    stands: str
    owner: str
    action: str
    since: AwareDatetime | None = None
    mark: str = ""

    @property
    def key(self) -> str:
        """What makes it the same alert the next time."""
        return "/".join(part for part in (self.kind, self.about, self.mark) if part)


def standing_alerts(
    settings: Settings, now: datetime, ends: Sequence[RunEnd], known: Mapping[str, Alert]
) -> list[Alert]:
    """Every alert that stands now.

    Args:
        settings: of the store.
        now: the moment of which it is said what is overdue.
        ends: how runs ended since the last time, the earliest first.
        known: what stood the last time. What cannot be found out now is left as it was.
    """
    families: dict[Kind, Callable[[], Iterable[Alert]]] = {
        "return_overdue": lambda: _overdue(settings, now),
        "release_pending": lambda: _pending(settings),
        "disk_low": lambda: _disk_low(settings, was_low=any(one.kind == "disk_low" for one in known.values())),
    }
    found = list(_of_runs(settings, ends, known))
    for kind, find in families.items():
        try:
            found += find()
        except (CornerstoneError, OSError, duckdb.Error):
            # A store that cannot be read is one that people have to be told of: the others go on.
            log.warning("whether there is an alert of %s could not be found out; `cornerstone status` says why", kind)
            found += [one for one in known.values() if one.kind == kind]
    return sorted(found, key=lambda one: get_args(Kind).index(one.kind))


def _of_runs(settings: Settings, ends: Sequence[RunEnd], known: Mapping[str, Alert]) -> Iterator[Alert]:
    """Troubles of runs, until a later run of the same job, or of the one that does everything, ends well.

    Failing at another place mends nothing: it is the same trouble. Other rules that block take the place of those that did.
    """
    found = {key: alert for key, alert in known.items() if alert.kind in OF_RUNS}
    for end in ends:
        if end.status == "ok":
            found = {key: alert for key, alert in found.items() if end.job not in (WHOLE_JOB, alert.about)}
            continue
        alert = _blocked(settings, end) if end.status == "blocked" else _failed(settings, end)
        found = {key: one for key, one in found.items() if (one.kind, one.about) != (alert.kind, alert.about)}
        found[alert.key] = alert
    yield from found.values()


def _failed(settings: Settings, end: RunEnd) -> Alert:
    where = f"at {', '.join(end.failed_steps)}" if end.failed_steps else "outside its steps"
    return Alert(
        "run_failed",
        end.job,
        title=f"run of {end.job} failed",
        what=f"The run of {end.job} that ended on {moment(end.at)} failed {where}{_run(end)}.",
        stands=_stands(settings),
        owner="data-engineering",
        action="Type `cornerstone run`: it takes up where this run stopped, and says in a sentence why it stops.",
        since=end.at,
    )


def _blocked(settings: Settings, end: RunEnd) -> Alert:
    rules = sorted(end.failed_rules, key=lambda rule: rule.rule_id)
    ids = list(dict.fromkeys(rule.rule_id for rule in rules))
    named = ", ".join(ids) if len(ids) <= RULES_NAMED else f"{len(ids)} rules"
    told = "; ".join(f"{rule.rule_id} on {rule.table}: {rule.label.rstrip('.')}" for rule in rules)
    return Alert(
        "gate_blocked",
        end.job,
        title=f"release blocked by {named}",
        what=f"The run of {end.job} that ended on {moment(end.at)} made no release{_run(end)}. {told}.",
        stands=_stands(settings),
        owner=", ".join(dict.fromkeys(rule.owner for rule in rules)),
        action=" ".join(dict.fromkeys(rule.action for rule in rules)) + " Then type `cornerstone run`.",
        since=end.at,
        mark=",".join(ids),
    )


def _run(end: RunEnd) -> str:
    return f" (Dagster run {end.run_id})" if end.run_id else ""


def _overdue(settings: Settings, now: datetime) -> Iterator[Alert]:
    # Invented people's lives end some day, and nobody can send what comes after; and a store that holds published figures
    # alone owes nothing yet. `cornerstone status` says it all the same.
    if people_in_store(settings) != "real":
        return
    for one in expected_periods(settings, now.date()):
        if one.state == "overdue":
            yield _overdue_alert(settings, one)


def _overdue_alert(settings: Settings, period: ExpectedPeriod) -> Alert:
    occasion = period.occasion
    return Alert(
        "return_overdue",
        occasion.return_id,
        title=f"{period.title} overdue: {occasion.said}",
        what=f"{period.title}, {period.counted}; expected by {occasion.due_sentence}.",
        stands="Releases are made without it, and their figures say what is missing.",
        owner=load_spec(occasion.return_id).owner,
        action=(
            f"`cornerstone status` names what is missing. Put the file into {settings.inbox_dir / occasion.return_id} and"
            " type `cornerstone run`."
        ),
        since=datetime.combine(occasion.due + timedelta(days=1), time(), UTC),
        mark=occasion.period,
    )


def _pending(settings: Settings) -> Iterator[Alert]:
    newest = waiting_release(settings)
    if newest is None:
        return
    release_id = newest.release_id
    yield Alert(
        "release_pending",
        release_id,
        title=f"release {release_id} waits for approval",
        what=f"The release {release_id}, made on {moment(newest.created_at)}, passed its gates and waits for a named person.",
        stands=_stands_of(current_release(settings)),
        owner="send-governance",
        action=(
            f'`cornerstone release show {release_id}`, then `cornerstone release approve {release_id} --by "Name" --note'
            ' "Why"`.'
        ),
        since=newest.created_at,
    )


def _disk_low(settings: Settings, *, was_low: bool) -> Iterator[Alert]:
    free = shutil.disk_usage(settings.store).free / GIB
    wanted = settings.alert_disk_free_gib
    if free >= wanted * (ENOUGH_AGAIN if was_low else 1):
        return
    yield Alert(
        "disk_low",
        "store",
        title="disk low",
        what=f"The disk that holds {settings.store} has {free:.1f} GiB free; {wanted:g} GiB are wanted.",
        stands=f"{_stands(settings)} A run that finds the disk full stops, and nothing that was received is lost.",
        owner="data-engineering",
        action=(
            "Free space on that disk, or move the store to a bigger one as docs/runbook.md says. CORNERSTONE_ALERT_DISK_FREE_GIB"
            " sets how much is wanted."
        ),
    )


def _stands(settings: Settings) -> str:
    try:
        return _stands_of(current_release(settings))
    except CornerstoneError:
        return "Which release stands could not be read."


def _stands_of(release: Manifest | None) -> str:
    if release is None:
        return "Nothing has been released yet."
    return f"The release {release.release_id} of {moment(release.created_at)} stands."


def moment(at: datetime) -> str:
    """A moment as people write it: 2 October 2025 08:15 UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y %H:%M} UTC"
