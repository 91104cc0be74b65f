"""A board pack: one self-contained, print-ready page of what a board watches, of one release.

It reads the release's open database and nothing else. Those tables went through disclosure control for the public, which is at
least as strict as what the policy asks for a board, so whatever stands in them may stand in a pack.
"""

import base64
import hashlib
import logging
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.figures import words
from orchestration.figures.boards import Board, load_boards
from orchestration.figures.periods import parse_span
from orchestration.figures.released import Figures, Kpi, latest_day, read_figures
from orchestration.figures.statements import state
from orchestration.figures.teller import Statement
from orchestration.pages import page_templates
from orchestration.privacy.disclosure import load_policy
from orchestration.release.exports import OPEN_DATABASE, existing_database
from orchestration.release.folders import release_folder
from orchestration.release.lifecycle import chosen_release
from orchestration.release.manifest import Manifest
from orchestration.release.verify import file_record
from orchestration.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
log = logging.getLogger("cornerstone.packs")


@dataclass(frozen=True)
class Pack:
    """A pack that was made: `figures` shown, and how many of them are `unavailable`. `page` is its HTML."""

    board: str
    release_id: str
    period: str
    figures: int
    unavailable: int
    page: str = field(repr=False)


def make_pack(settings: Settings, board: str, *, period: str | None = None, release_id: str | None = None) -> Pack:
    """Make the pack of a board.

    Args:
        settings: where the store is.
        board: its name in boards.yaml.
        period: limits the pack to periods that had ended by then (or lie from A to B, as A..B); all that is held when left out.
        release_id: the release; the current one when left out.

    Raises:
        CornerstoneError: no such board, period or release, or a release that cannot be read.
    """
    watched = load_boards().named(board)
    span = parse_span(period) if period is not None else None
    # By its own folder and not by the link: the release that is read is the one that is named.
    manifest = chosen_release(settings, release_id)
    folder = release_folder(settings, manifest.release_id)
    log.info("reading release %s", manifest.release_id)
    figures = _read(folder, manifest, watched)
    log.info("drawing %d figures", len(watched.figures))
    statements = [state(number, figure, figures, span) for number, figure in enumerate(watched.figures, 1)]
    unavailable = sum(bool(statement.unavailable) for statement in statements)
    if span is not None and unavailable == len(statements):
        raise CornerstoneError(
            f"Release {manifest.release_id} holds no figure of the board for {span.words}; leave --period out for all that is held."
        )
    told = span.words if span is not None else _up_to(latest_day(figures))
    page = render_pack(watched, statements, figures, manifest, told)
    return Pack(board, manifest.release_id, told, len(statements), unavailable, page)


def render_pack(board: Board, statements: list[Statement], figures: Figures, manifest: Manifest, period: str) -> str:
    """The page; every value is escaped, and the browser itself refuses every request and every script."""
    environment = page_templates(TEMPLATES)
    running = _css_text(f"{board.title}, release {manifest.release_id}")
    style = (TEMPLATES / "pack.css").read_text(encoding="utf-8")
    style += f"@page {{ @bottom-left {{ content: {running}; }} }}"
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode()
    remaining = iter(statements)
    sections = [(section.title, [next(remaining) for _ in section.figures]) for section in board.sections]
    kpis = {statement.kpi.kpi_id: statement.kpi for statement in statements if statement.kpi is not None}
    return environment.get_template("pack.html.j2").render(
        board=board,
        sections=sections,
        statements=statements,
        figures=figures,
        manifest=manifest,
        period=period,
        kpis=sorted(kpis.values(), key=lambda kpi: kpi.title),
        glossary=used_words(figures.words, board, list(kpis.values())),
        symbols=words.SYMBOLS,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )


def used_words(glossary: dict[str, str], board: Board, kpis: list[Kpi]) -> dict[str, str]:
    """The words of a glossary that a pack uses. Abbreviations count as they are written, other words in small letters too."""
    texts = [board.title, board.about, *(section.title for section in board.sections)]
    texts += [text for figure in board.figures for text in (figure.question, figure.of)]
    texts += [
        text
        for kpi in kpis
        for text in (kpi.title, kpi.definition, kpi.numerator, kpi.denominator, kpi.caveats)
        if text
    ]
    text = "\n".join(texts)
    return {
        term: meaning
        for term, meaning in glossary.items()
        if re.search(rf"(?<!\w){re.escape(term)}s?(?!\w)", text, re.NOFLAG if term[1:2].isupper() else re.IGNORECASE)
    }


def _read(folder: Path, manifest: Manifest, board: Board) -> Figures:
    """The figures of a release, from the very file that was published."""
    database = folder / OPEN_DATABASE
    recorded = {record.path: record for record in manifest.files}.get(OPEN_DATABASE.as_posix())
    if recorded is None or not database.is_file() or file_record(folder, database) != recorded:
        raise CornerstoneError(
            f"{OPEN_DATABASE} of release {manifest.release_id} is not what was published; restore it from a backup, or choose another"
            " release with --release."
        )
    _require_protected(manifest)
    topics = [topic for figure in board.figures for topic in figure.topics]
    with duckdb.connect(":memory:") as connection, existing_database(connection, database, "released"):
        try:
            return read_figures(connection, [figure.kpi_id for figure in board.figures], topics)
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise CornerstoneError(
                f"The KPI tables of release {manifest.release_id} lack what a pack shows; `cornerstone run` makes a release that has it."
            ) from error


def _require_protected(manifest: Manifest) -> None:
    """A pack shows what stands in the open tables, so these must be as safe as the policy asks of what a board sees."""
    asked, applied = load_policy().parameters_of("packs"), manifest.disclosure
    if (
        applied is None
        or applied.threshold < asked.threshold
        or applied.min_denominator < asked.min_denominator
        or applied.secondary < asked.secondary
    ):
        raise CornerstoneError(
            f"The open tables of release {manifest.release_id} protect small numbers less than the disclosure policy asks for a board;"
            " `cornerstone run` makes a release that can be shown."
        )


def _up_to(day: date | None) -> str:
    return "no figure is held" if day is None else f"all that the release holds, up to {day:%-d %B %Y}"


def _css_text(text: str) -> str:
    """A text inside a style sheet: nothing in it can end it."""
    return '"' + re.sub(r"[^A-Za-z0-9 ,.\-]", " ", text) + '"'
