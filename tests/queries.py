"""The worked queries that ship with Cornerstone, and what the head of each says."""

import re
from dataclasses import dataclass

from orchestration.settings import PROJECT_DIR

FOLDER = PROJECT_DIR / "docs" / "queries"
LABELS = ("Question", "Asked by", "Answer", "Caveats")


@dataclass(frozen=True)
class WorkedQuery:
    """A query as it stands in its file."""

    sql: str
    head: dict[str, str]
    """What its comment says, by label."""


def head_of(sql: str) -> dict[str, str]:
    """What the comment at the top of a query says, by label; a line without a label goes on with the one before."""
    comment = re.match(r"(?:--.*\n)*", sql)
    lines = " ".join(line.removeprefix("--").strip() for line in (comment.group() if comment else "").splitlines())
    labelled = re.split(rf"(?:^| )({'|'.join(LABELS)}): ", lines)
    return dict(zip(labelled[1::2], labelled[2::2], strict=True))


def worked_queries() -> dict[str, WorkedQuery]:
    """Every query, by the name of its file."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))}
    return {name: WorkedQuery(sql, head_of(sql)) for name, sql in texts.items()}
