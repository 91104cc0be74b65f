"""What a check of a store says of what it found."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["broken", "attention"]
"""`broken`: something is lost or stands in the way of the next run; `attention`: nothing is lost, and a person should know."""


@dataclass(frozen=True)
class Finding:
    """One finding: what is wrong, where, how bad it is, and what to do. It names no child and holds no value of a row."""

    family: str
    severity: Severity
    what: str
    where: str
    action: str


@dataclass(frozen=True)
class Examined:
    """What was looked at, in words, and what was found. `not_examined` says what could not be looked at, and why."""

    store: str
    looked_at: list[str]
    not_examined: list[str]
    findings: list[Finding]

    @property
    def exit_code(self) -> int:
        """0 sound, 1 something to attend to, 2 something is broken."""
        if any(one.severity == "broken" for one in self.findings):
            return 2
        return 1 if self.findings else 0
