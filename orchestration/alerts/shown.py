"""What `cornerstone alerts` shows: what stands now, who was told of it, and whether the channels work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from orchestration.alerts.channels import channels, deliver
from orchestration.alerts.message import Message, store_name
from orchestration.alerts.notify import read_entries
from orchestration.alerts.standing import Kind, moment, standing_alerts
from orchestration.settings import Settings


@dataclass(frozen=True)
class ShownAlert:
    """An alert that stands; `told` says by which channel it was told of when, and is empty until the next run or tick."""

    kind: Kind
    about: str
    title: str
    what: str
    since: datetime
    stands: str
    owner: str
    action: str
    told: dict[str, datetime]


@dataclass(frozen=True)
class Shown:
    """The channels that are set, and what stands."""

    channels: list[str]
    alerts: list[ShownAlert]


def read_alerts(settings: Settings, now: datetime | None = None) -> Shown:
    """What stands at this moment; sends and changes nothing.

    Raises:
        CornerstoneError: the state of alerts is damaged.
    """
    now = now or datetime.now(UTC)
    used = [channel.name for channel in channels(settings)]
    if not settings.store.is_dir():
        return Shown(used, [])
    entries = {key: one for key, one in read_entries(settings).items() if one.until is None}
    standing = standing_alerts(settings, now, [], {key: one.alert for key, one in entries.items()})
    alerts = []
    for one in standing:
        entry = entries.get(one.key)
        since = entry.since if entry else one.since or now
        told = entry.told if entry else {}
        alerts.append(
            ShownAlert(one.kind, one.about, one.title, one.what, since, one.stands, one.owner, one.action, told)
        )
    return Shown(used, alerts)


def print_alerts(found: Shown, console: Console) -> None:
    """For a person."""

    def line(text: str, style: str | None = None) -> None:
        console.print(text, style=style, soft_wrap=True, markup=False)

    for one in found.alerts:
        line(f"alert    {one.title}", "yellow")
        line(f"  what   {one.what}")
        line(f"  since  {moment(one.since)}")
        line(f"  stands {one.stands}")
        line(f"  owner  {one.owner}")
        line(f"  to do  {one.action}")
        told = ", ".join(f"{channel} {moment(at)}" for channel, at in one.told.items())
        line(f"  told   {told or 'nobody yet; the next run does'}", "dim")
    if not found.alerts:
        line("Nothing stands that anybody should be told of.")
    line(f"channels {', '.join(found.channels)}; `cornerstone alerts --test` tries them")


def send_trial(settings: Settings) -> dict[str, str | None]:
    """Send a trial message by every channel; by name, why it was not delivered, or None."""
    trial = Message(store_name(settings), is_trial=True)
    return {channel.name: deliver(channel, trial) for channel in channels(settings)}


def print_trial(sent: Mapping[str, str | None], console: Console) -> None:
    """For a person."""
    for name, why in sent.items():
        console.print(
            f"{name}: {'sent' if why is None else why}", style="red" if why else "green", markup=False, soft_wrap=True
        )
    if len(sent) == 1:
        console.print("No e-mail and no webhook is set: CORNERSTONE_ALERT_SMTP_URL, CORNERSTONE_ALERT_WEBHOOK_URL.")
