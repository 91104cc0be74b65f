"""The logs that HM Treasury's Aqua Book asks of analysis: assumptions and data (`assurance.yaml`), decisions (the README)."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, ConfigDict, Field

from orchestration.errors import CornerstoneError
from orchestration.returns.kpis import DataSource, load_kpis, local_return_ids
from orchestration.settings import PROJECT_DIR

LOGS = Path(__file__).with_suffix(".yaml")
README = PROJECT_DIR / "README.md"
DECISIONS = "Decision log"

Quality = Literal["green", "amber", "red"]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assumption(_Declared):
    """What figures take for granted; the YAML file says what each field means."""

    id: str = Field(pattern=r"^A-\d{2}$")
    area: str
    assumption: str
    why: str
    source: str
    quality: Quality
    impact: Literal["low", "medium", "high"]
    owner: str
    reviewed_on: date
    affects: list[str] = Field(min_length=1)


class Logs(_Declared):
    """`assurance.yaml`."""

    assumptions: list[Assumption]
    data: dict[str, DataSource]


@dataclass(frozen=True)
class Decision:
    """One line of the decision log; `question`, `decision` and `why` are HTML, made from the README's own text."""

    date: str
    question: str
    decision: str
    why: str


@cache
def load_logs() -> Logs:
    """The reviewed logs of assumptions and data; what is said of a local return stands beside its specification."""
    logs = Logs.model_validate(yaml.load(LOGS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    local = {return_id: load_kpis(return_id).data for return_id in local_return_ids()}
    return logs.model_copy(update={"data": logs.data | local})


def read_decisions(readme: Path = README) -> list[Decision]:
    """The decision log, read from the table of the README, where it is kept.

    Raises:
        CornerstoneError: the README has no such table.
    """
    # Text of the README is escaped: it names placeholders such as <return>.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(readme.read_text(encoding="utf-8"))
    starts = [
        place for place, token in enumerate(tokens) if token.type == "inline" and _is_heading(tokens, place, DECISIONS)
    ]
    if not starts:
        raise CornerstoneError(f"{readme} has no section '{DECISIONS}', which the portal shows.")
    rows: list[list[str]] = []
    for token, inside in zip(tokens[starts[0] :], tokens[starts[0] + 1 :], strict=False):
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(markdown.renderer.render(inside.children or [], markdown.options, {}))
    if not rows or any(len(row) != len(rows[0]) for row in rows) or len(rows[0]) != len(Decision.__dataclass_fields__):
        raise CornerstoneError(
            f"The section '{DECISIONS}' of {readme} does not begin with a table of date, question, decision and why."
        )
    return [Decision(*row) for row in rows[1:]]


def _is_heading(tokens: list[Token], place: int, text: str) -> bool:
    return tokens[place - 1].type == "heading_open" and tokens[place].content == text
