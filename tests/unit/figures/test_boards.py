"""The file of boards: every figure exists, every breakdown may be shown, every board has its sections."""

import csv
from pathlib import Path

import pytest

from orchestration.errors import CornerstoneError
from orchestration.figures.boards import TOTAL, Watched, load_boards
from orchestration.settings import PROJECT_DIR

BOARDS = load_boards()
FIGURES = [(name, figure) for name, board in BOARDS.boards.items() for figure in board.figures]


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT_DIR / "dbt_project" / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_boards_are_those_of_the_command() -> None:
    assert list(BOARDS.boards) == ["sufficiency", "executive", "scrutiny", "safety-valve"]
    assert all(len(board.sections) > 1 and board.about for board in BOARDS.boards.values())


def test_every_kpi_is_in_the_catalogue() -> None:
    catalogue = {row["kpi_id"] for row in _seed("kpi_definition")}
    assert {figure.kpi_id for _, figure in FIGURES} <= catalogue


def test_every_breakdown_is_one_that_the_open_tables_show() -> None:
    shown = {row["breakdown_topic"] for row in _seed("kpi_breakdown_topic") if row["is_withheld"] == "false"}
    assert {topic for _, figure in FIGURES for topic in figure.topics} <= shown


@pytest.mark.parametrize("name", BOARDS.boards)
def test_no_board_shows_the_same_figure_twice(name: str) -> None:
    figures = [
        (figure.kpi_id, tuple(figure.topics), figure.item, figure.periods) for figure in BOARDS.named(name).figures
    ]
    assert len(figures) == len(set(figures))


@pytest.mark.parametrize(
    "breakdown",
    [
        {"topic": "Sex"},
        {"item": "Female"},
        {"chart": "parts"},
        {"chart": "parts", "topic": "Sex", "item": "Female"},
        {"chart": "scenarios", "topic": "Sex"},
    ],
)
def test_a_breakdown_must_fit_the_chart(breakdown: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a trend is of one item"):
        Watched.model_validate({"kpi_id": "k", "question": "Q?", "periods": "month", **breakdown})


def test_a_total_and_an_item_are_trends() -> None:
    whole = Watched.model_validate({"kpi_id": "k", "question": "Q?", "periods": "month"})
    item = Watched.model_validate(
        {"kpi_id": "k", "question": "Q?", "periods": "month", "topic": "Sex", "item": "Female"}
    )
    assert (whole.topics, whole.item, item.topics) == ([TOTAL], TOTAL, ["Sex"])


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text("boards: {}\nwrods: {}\n", encoding="utf-8")
    with pytest.raises(CornerstoneError, match=r"boards\.yaml cannot be used"):
        load_boards(path)
