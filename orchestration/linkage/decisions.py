"""What reviewers decided of two children: one, or not. Kept in the vault, in a file that is only ever added to.

It names no child: keys, the decision, who took it and when. It lies beside the folder that linkage makes again from what
was received, because decisions cannot be.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from orchestration.durable import append_to_journal, read_journal_entries
from orchestration.settings import Settings

Answer = Literal["same", "different"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
PRIVATE_MODE = 0o600


@dataclass(frozen=True)
class Decision:
    """One decision on two children, by their keys; `at` is UTC, `sha256` is of the file it came in."""

    at: str
    by: str
    left_key: str
    right_key: str
    decision: Answer
    sha256: str

    @property
    def pair(self) -> tuple[str, str]:
        """The two keys, in one order."""
        return min(self.left_key, self.right_key), max(self.left_key, self.right_key)


def decisions_path(settings: Settings) -> Path:
    """Where decisions lie."""
    return settings.vault_dir / "linkage_decisions.jsonl"


def read_decisions(settings: Settings) -> dict[tuple[str, str], Decision]:
    """The decisions that stand, by pair: of two on one pair, the later.

    Raises:
        CornerstoneError: a line is none that Cornerstone wrote.
    """
    return {one.pair: one for one in read_journal_entries(decisions_path(settings), Decision)}


def record_decisions(settings: Settings, decisions: Iterable[Decision]) -> None:
    """Add decisions to those taken before, all of them or none."""
    append_to_journal(decisions_path(settings), *map(asdict, decisions), mode=PRIVATE_MODE)
