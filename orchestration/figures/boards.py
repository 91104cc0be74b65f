"""Which board watches what: the reviewed file boards.yaml."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import CornerstoneError
from orchestration.figures.periods import Kind

BOARDS_FILE = Path(__file__).with_name("boards.yaml")
TOTAL = "Total"


class _Declared(BaseModel):
    """A part of the file; a misspelt key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Watched(_Declared):
    """One KPI as a board watches it; the file says what each key means."""

    kpi_id: str
    question: str = Field(pattern=r"\?$")
    periods: Kind
    of: str = ""
    below: str | None = None
    chart: Literal["trend", "parts", "scenarios"] = "trend"
    topic: str | list[str] = TOTAL
    item: str = TOTAL
    is_headline: bool = False

    @model_validator(mode="after")
    def _breakdown_fits_the_chart(self) -> "Watched":
        split = self.topic != TOTAL
        fits = {
            "trend": isinstance(self.topic, str) and split == (self.item != TOTAL),
            "parts": isinstance(self.topic, str) and split and self.item == TOTAL,
            "scenarios": isinstance(self.topic, list) and self.item == TOTAL,
        }
        if not fits[self.chart]:
            raise ValueError(
                f"{self.kpi_id}: a trend is of one item (topic and item, or neither), parts are of one topic, scenarios of a"
                " list of topics"
            )
        return self

    @property
    def topics(self) -> list[str]:
        """Its breakdown topics; one, except for scenarios."""
        return [self.topic] if isinstance(self.topic, str) else self.topic


class Section(_Declared):
    """Figures under one heading."""

    title: str
    figures: list[Watched] = Field(min_length=1)


class Board(_Declared):
    """One board: its name, what it is about, and what it watches, in order."""

    title: str
    about: str
    sections: list[Section] = Field(min_length=1)

    @property
    def figures(self) -> list[Watched]:
        """All that it watches, in order."""
        return [figure for section in self.sections for figure in section.figures]


class Boards(_Declared):
    """The file."""

    boards: dict[str, Board]

    def named(self, name: str) -> Board:
        """The board of that name.

        Raises:
            CornerstoneError: there is none.
        """
        if name not in self.boards:
            raise CornerstoneError(f"There is no board {name!r}; choose one of {', '.join(self.boards)}.")
        return self.boards[name]


def load_boards(path: Path = BOARDS_FILE) -> Boards:
    """Read the file.

    Raises:
        CornerstoneError: it is not YAML, or a key is missing, unknown or does not fit.
    """
    try:
        return Boards.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise CornerstoneError(f"The file of boards {path.name} cannot be used: {error}") from error
