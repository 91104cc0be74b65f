"""The one path by which people are told, from the command line and from the daemon: each alert once by each channel, again
after some days while it stands, and when it is over. What was told to whom is in the store, so that both agree."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from orchestration.alerts.channels import channels, deliver
from orchestration.alerts.ended import RunEnd
from orchestration.alerts.message import Message, Told, store_name
from orchestration.alerts.standing import Alert, standing_alerts
from orchestration.durable import write_json_durably
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.alerts")

LOCK_WAIT_SECONDS = 120.0  # as long as another may need to reach servers that do not answer


@dataclass(frozen=True)
class Entry:
    """An alert in the state: since when, until when, and when each channel was told last."""

    alert: Alert
    since: AwareDatetime
    until: AwareDatetime | None = None
    told: dict[str, AwareDatetime] = field(default_factory=dict)

    @property
    def as_told(self) -> Told:
        """For a message."""
        return Told(self.alert, self.since, self.until)


_ENTRIES = TypeAdapter(dict[str, Entry])


@dataclass(frozen=True)
class Notified:
    """What stands, how many of it a channel was told now, and which channels could not be reached, with why."""

    standing: list[Entry]
    told: int
    failed: dict[str, str]

    @property
    def sentence(self) -> str:
        """For a line in a list."""
        failed = "".join(f"; not sent by {name}: {why}" for name, why in self.failed.items())
        return f"alerts that stand: {len(self.standing)}; told of now: {self.told}{failed}"


def notify(settings: Settings, ends: Sequence[RunEnd] = (), now: datetime | None = None) -> Notified | None:
    """Find what stands now and tell every channel what it has not been told; None where another process is at it.

    A store that cannot be written is worth an alert more than any other, so it is told of each time rather than not at all.

    Args:
        settings: of the store.
        ends: how runs ended since the last time, the earliest first.
        now: the moment of which it is said what is overdue.
    """
    now = now or datetime.now(UTC)
    with ExitStack() as held:
        try:
            _folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(
                exclusive_lock(_folder(settings) / "lock", wait_seconds=LOCK_WAIT_SECONDS, holder="alerts")
            )
        except CornerstoneError as busy:
            log.warning("nobody is told of alerts now: %s", busy)
            return None
        except OSError:
            log.warning("%s cannot be written: what was told of before is told again", _folder(settings))
        known = _known(settings)
        entries, notified = _tell(settings, _now(settings, now, ends, known or {}), now)
        if entries != known:
            try:
                write_json_durably(_state(settings), _ENTRIES.dump_python(entries, mode="json"))
            except OSError:
                log.warning("%s cannot be written: what was told of now is told again", _state(settings))
        return notified


def _known(settings: Settings) -> dict[str, Entry] | None:
    """The state of the last time; None where it cannot be read, so that it is written anew even when nothing stands."""
    try:
        return read_entries(settings)
    except (CornerstoneError, OSError):
        log.warning("%s cannot be read: what stands is found anew, and told of again", _state(settings))
    return None


def _tell(settings: Settings, entries: dict[str, Entry], now: datetime) -> tuple[dict[str, Entry], Notified]:
    """Tell every channel what it has not been told; the state after that, without what is over and told."""
    told, failed = set[str](), dict[str, str]()
    used = channels(settings)
    for channel in used:
        message, keys = _message_for(settings, channel.name, entries, now)
        if not message:
            continue
        if why := deliver(channel, message):
            failed[channel.name] = why
            continue
        told |= keys
        entries = {key: _after_telling(one, channel.name, now) if key in keys else one for key, one in entries.items()}
    names = {channel.name for channel in used}
    entries = {key: one for key, one in entries.items() if one.until is None or names & one.told.keys()}
    return entries, Notified([one for one in entries.values() if one.until is None], len(told), failed)


def read_entries(settings: Settings) -> dict[str, Entry]:
    """What stood the last time by key, and what is over and not told to every channel yet; nothing where none was ever told.

    Raises:
        CornerstoneError: the state is damaged.
    """
    path = _state(settings)
    if not path.is_file():
        return {}
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except ValidationError:
        raise CornerstoneError(
            f"{path} is damaged, so that nobody knows what stood and who was told: type `cornerstone run`, or wait for the service's"
            " next look; what stands is found anew then, and told of again."
        ) from None


def _folder(settings: Settings) -> Path:
    return settings.store / "alerts"


def _state(settings: Settings) -> Path:
    return _folder(settings) / "state.json"


def _now(settings: Settings, now: datetime, ends: Sequence[RunEnd], known: dict[str, Entry]) -> dict[str, Entry]:
    """The state as of now, nobody told yet: what is new, what goes on, and what is over."""
    before = {key: entry.alert for key, entry in known.items() if entry.until is None}
    standing = {alert.key: alert for alert in standing_alerts(settings, now, ends, before)}
    entries = {}
    for key, alert in standing.items():
        entry = known.get(key)
        if entry is None:
            entries[key] = Entry(alert, alert.since or now)
        else:
            since = entry.since if entry.until is None else alert.since or now
            entries[key] = replace(entry, alert=alert, since=since, until=None)
    for key, entry in known.items():
        if key not in standing:
            entries[key] = replace(entry, until=entry.until or now)
    return entries


def _message_for(
    settings: Settings, channel: str, entries: dict[str, Entry], now: datetime
) -> tuple[Message, set[str]]:
    """What a channel has not been told, and the keys of it."""
    again = timedelta(days=settings.alert_remind_days)
    new, reminded, resolved = {}, {}, {}
    for key, entry in entries.items():
        told = entry.told.get(channel)
        if entry.until is not None:
            if told is not None:
                resolved[key] = entry.as_told
        elif told is None:
            new[key] = entry.as_told
        elif now - told >= again:
            reminded[key] = entry.as_told
    message = Message(store_name(settings), list(new.values()), list(reminded.values()), list(resolved.values()))
    return message, new.keys() | reminded.keys() | resolved.keys()


def _after_telling(entry: Entry, channel: str, now: datetime) -> Entry:
    others = {name: when for name, when in entry.told.items() if name != channel}
    return replace(entry, told=others if entry.until is not None else {**others, channel: now})
