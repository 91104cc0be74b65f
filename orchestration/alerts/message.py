"""Alerts as one message in plain English: what happened, since when, what stands, whose it is and what to do."""

import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from orchestration.alerts.standing import Alert, moment
from orchestration.settings import Settings

NAME = "Cornerstone"


@dataclass(frozen=True)
class Told:
    """An alert with the moment since which it stands, and until when where it is over."""

    alert: Alert
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Message:
    """What one channel is told at one time."""

    store: str
    new: list[Told] = field(default_factory=list)
    reminded: list[Told] = field(default_factory=list)
    resolved: list[Told] = field(default_factory=list)
    is_trial: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.new or self.reminded or self.resolved or self.is_trial)

    @property
    def subject(self) -> str:
        """The one thing there is to tell, or how many."""
        if self.is_trial:
            return f"{NAME}: a trial message"
        parts = {"": self.new, "still: ": self.reminded, "over: ": self.resolved}
        told = [(said, one) for said, group in parts.items() for one in group]
        if len(told) == 1:
            said, one = told[0]
            return f"{NAME}: {said}{one.alert.title}"
        counted = {"new": self.new, "still standing": self.reminded, "over": self.resolved}
        return f"{NAME}: " + ", ".join(f"{len(group)} {said}" for said, group in counted.items() if group)

    @property
    def text(self) -> str:
        """For a person to read, without any markup."""
        return "\n".join(self._lines())

    @property
    def facts(self) -> dict[str, Any]:
        """For a program to read: `text` for those that show nothing else."""

        def plain(group: list[Told]) -> list[dict[str, Any]]:
            return [
                {
                    **{name: value for name, value in asdict(one.alert).items() if name != "mark"},
                    "since": one.since.isoformat(),
                    "until": one.until.isoformat() if one.until else None,
                }
                for one in group
            ]

        return {
            "subject": self.subject,
            "text": self.text,
            "store": self.store,
            "new": plain(self.new),
            "reminded": plain(self.reminded),
            "resolved": plain(self.resolved),
        }

    def _lines(self) -> Iterator[str]:
        if self.is_trial:
            yield "This is a trial: alerts of this store reach you by this way. Nothing is wrong and there is nothing to do."
            yield ""
        for heading, group in {"New": self.new, "Still standing": self.reminded}.items():
            for one in group:
                alert = one.alert
                yield f"{heading}: {alert.title}"
                yield f"  what    {alert.what}"
                yield f"  since   {moment(one.since)}"
                yield f"  stands  {alert.stands}"
                yield f"  owner   {alert.owner}"
                yield f"  to do   {alert.action}"
                yield ""
        for one in self.resolved:
            assert one.until is not None
            yield f"Over: {one.alert.title}"
            yield f"  stood   from {moment(one.since)} to {moment(one.until)}"
            yield ""
        yield f"Store {self.store}. `cornerstone alerts` shows what stands."


def store_name(settings: Settings) -> str:
    """Where the store is, for a reader who has several."""
    return f"{settings.store} on {socket.gethostname()}, authority {settings.la_code}"
