"""How a run ended, as far as it is anybody's business: never what a row, a file or an exception said."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

WHOLE_JOB = "refresh"
"""The job that does everything: its success is the end of every trouble that an earlier run had."""


@dataclass(frozen=True)
class FailedRule:
    """A rule that stopped the release: what, how much, whose, and what to do."""

    rule_id: str
    table: str
    failing_rows: int
    label: str
    owner: str
    action: str


@dataclass(frozen=True)
class RunEnd:
    """How one run of a job ended: well, stopped by rules of a gate, or at steps that failed."""

    job: str
    status: Literal["ok", "blocked", "failed"]
    at: datetime
    run_id: str | None = None
    failed_rules: tuple[FailedRule, ...] = ()
    failed_steps: tuple[str, ...] = ()
