"""What a reviewer is asked and answers: pairs of children with their names out of the vault, for a named person and a stated
reason, recorded before they are handed over; and the decisions that come back."""

import csv
import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb

from orchestration.durable import append_to_journal, read_journal_entries, write_private
from orchestration.errors import CornerstoneError
from orchestration.linkage.decisions import ANSWERS, Answer, Decision, read_decisions, record_decisions
from orchestration.linkage.index import FOR_REVIEW, Likeness, children_path, pairs_path, read_state
from orchestration.locking import exclusive_lock
from orchestration.privacy.vault import vault_file, vault_session
from orchestration.settings import Settings
from orchestration.store_lock import store_lock
from orchestration.worklist.counted import require_place
from orchestration.worklist.table import PERSONAL_DATA, table_file

LOCK_WAIT_SECONDS = 60.0
PRIVATE_MODE = 0o600
HOW = (
    "Write same or different into the column decision where you are sure, leave the others blank, and take the file in with"
    " cornerstone linkage decide."
)
DECISION, LEFT_KEY, RIGHT_KEY = "decision", "left_key", "right_key"
HEADINGS = [
    DECISION, "Why asked", "Match weight", "Names", "Names of the other", "Birth dates", "Birth dates of the other", "Sex",
    "Sex of the other", "Postcodes", "Postcodes of the other", "Numbers", "Numbers of the other", "Told by",
    "Told by, of the other", LEFT_KEY, RIGHT_KEY,
]  # fmt: skip
WHY = {
    "review": "Alike, but not enough to be joined unseen",
    "ambiguous": "As like to another child",
    "numbers": "Alike, but their numbers differ",
    "name_or_birth_date": "Alike, but forename or birth date differs",
    "weak_name": "Joined by name and birth date, but the sex differs",
    "joined": "Joined by likeness",
}


@dataclass(frozen=True)
class Reviewed:
    """One review file that was handed over. `at` is UTC; `sha256` is of the file."""

    at: str
    by: str
    reason: str
    pairs: int
    sha256: str


@dataclass(frozen=True)
class Linked:
    """How rows of a return came to their child: rows and children by strength of the match."""

    return_id: str
    match_strength: str
    rows: int
    children: int


@dataclass(frozen=True)
class LinkageStatus:
    """What linkage came to in the last run, and what reviewers decided. `likeness` none: nobody was compared yet."""

    linked: list[Linked]
    children: int
    likeness: Likeness | None
    decisions: dict[str, int]


def review_journal_path(settings: Settings) -> Path:
    """Where it is written down who was handed a review file."""
    return settings.vault_dir / "linkage_review_journal.jsonl"


def read_review_journal(settings: Settings) -> list[Reviewed]:
    """Every review file handed over, the oldest first.

    Raises:
        CornerstoneError: a line is none that Cornerstone wrote.
    """
    return read_journal_entries(review_journal_path(settings), Reviewed)


def read_status(settings: Settings) -> LinkageStatus:
    """Counts of what the last run linked, without the vault's key.

    Raises:
        CornerstoneError: nothing was linked yet.
    """
    if not settings.child_link_path.is_file():
        raise CornerstoneError("Nothing has been linked yet; `cornerstone run` links what has landed.")
    with duckdb.connect(":memory:") as connection:
        path = str(settings.child_link_path)
        rows = connection.execute(
            "select return_id, match_strength, count(*), count(distinct child_key) from read_parquet(?) group by all order by all",
            [path],
        ).fetchall()
        [(children,)] = connection.execute("select count(distinct child_key) from read_parquet(?)", [path]).fetchall()
    decided = [one.decision for one in read_decisions(settings).values()]
    return LinkageStatus(
        [Linked(*row) for row in rows],
        int(children),
        read_state(settings),
        {answer: decided.count(answer) for answer in ANSWERS},
    )


def write_review(
    settings: Settings, out: Path, *, by: str, reason: str, now: datetime, with_joined: bool = False
) -> Reviewed:
    """Write the pairs of children that only a person can judge, with their names, to a file that its owner alone can read.

    The handover is in the journal before the file is there.

    Args:
        settings: where the store is.
        out: file to write, .csv or .xlsx.
        by: who takes the file.
        reason: what for. Names no child: it stays in the journal.
        now: the time, with a time zone.
        with_joined: list the children joined by likeness too, the least sure first.

    Raises:
        CornerstoneError: no name or reason, a place where names must not lie, nothing to review, or a vault that cannot be read.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise CornerstoneError("Say who takes the file (--by) and what for (--reason): both are recorded.")
    require_place(settings, out)
    with _locked(settings), vault_session(settings, settings.vault_dir / "review_spill") as connection:
        rows = _asked(connection, settings, with_joined=with_joined)
        if not rows:
            raise CornerstoneError("No pair of children waits for a reviewer; no file was written.")
        about = [PERSONAL_DATA, HOW, f"Made {now.astimezone(UTC):%d %B %Y %H:%M} UTC for {by}: {reason}"]
        content = table_file(
            out.suffix, HEADINGS, rows, title="Review", about=about, group_by=HEADINGS.index("Why asked")
        )
        handed = Reviewed(
            at=now.astimezone(UTC).isoformat(),
            by=by,
            reason=reason,
            pairs=len(rows),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        append_to_journal(review_journal_path(settings), asdict(handed), mode=PRIVATE_MODE)
        write_private(out, content)
    return handed


def _locked(settings: Settings) -> Any:
    return exclusive_lock(
        settings.vault_dir / "linkage_review.lock", wait_seconds=LOCK_WAIT_SECONDS, holder="another review"
    )


def _require_linked(settings: Settings) -> None:
    if not (pairs_path(settings).is_file() and children_path(settings).is_file()):
        raise CornerstoneError(
            "Children were not compared for likeness yet: `cornerstone linkage` says why, `cornerstone run` compares them."
        )


def _asked(connection: duckdb.DuckDBPyConnection, settings: Settings, *, with_joined: bool) -> list[tuple[Any, ...]]:
    """Rows in the columns of HEADINGS: what reviewers have not answered yet, the likeliest first within each reason."""
    _require_linked(settings)
    answered = [f"{one}|{other}" for one, other in read_decisions(settings)]
    whys = ", ".join(f"'{outcome}': '{why}'" for outcome, why in WHY.items())
    told = ", ".join(
        f"{side}.{column}"
        for columns in ("names", "birth_dates", "sex", "postcodes", "numbers", "told_by")
        for side in ("one", "other")
        for column in [columns]
    )
    try:
        return connection.execute(
            f"""
            with child as (
                select child_key, sex, array_to_string(names, '; ') as names, array_to_string(birth_dates, '; ') as birth_dates,
                    array_to_string(postcodes, '; ') as postcodes, array_to_string(return_ids, '; ') as told_by,
                    concat_ws('; ', 'UPN ' || nullif(array_to_string(upns, ', '), ''),
                        'NHS ' || nullif(array_to_string(nhs_numbers, ', '), ''),
                        'ULN ' || nullif(array_to_string(ulns, ', '), '')) as numbers
                from {vault_file(children_path(settings))}
            )
            select null, map {{{whys}}}[outcome], match_weight, {told}, left_key, right_key
            from {vault_file(pairs_path(settings))} as pair
            inner join child as one on one.child_key = left_key
            inner join child as other on other.child_key = right_key
            where ({FOR_REVIEW} or $with_joined and outcome = 'joined')
                and not list_contains($answered, least(left_key, right_key) || '|' || greatest(left_key, right_key))
            order by outcome = 'joined', outcome, if(outcome = 'joined', match_weight, -match_weight), left_key, right_key
            """,
            {"with_joined": with_joined, "answered": answered},
        ).fetchall()
    except (duckdb.IOException, duckdb.InvalidInputException):
        # Its message would quote the file.
        raise CornerstoneError(
            f"{settings.linkage_dir} cannot be read; delete the folder, and the next `cornerstone run` makes it anew."
        ) from None


def take_decisions(settings: Settings, path: Path, *, by: str, now: datetime) -> list[Decision]:
    """Take in what a reviewer answered; `cornerstone run` applies it.

    A later decision on a pair replaces an earlier one.

    Args:
        settings: where the store is.
        path: a review file, .csv or .xlsx, with the column `decision` filled in.
        by: who decided.
        now: the time, with a time zone.

    Returns: the decisions of the file.

    Raises:
        CornerstoneError: it is no review file, has no decision, names children nobody knows, or contradicts itself or what was
            decided before.
    """
    by = by.strip()
    if not by:
        raise CornerstoneError("Say who decided (--by): it is recorded.")
    if not path.is_file():
        raise CornerstoneError(f"There is no file {path}.")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    found: dict[tuple[str, str], Decision] = {}
    answers = {answer: answer for answer in ANSWERS}
    for line, text, one, other in _answers(path):
        answer = answers.get(cast(Answer, text))
        if answer is None:
            raise CornerstoneError(
                f"Line {line} of {path.name}: the decision is neither same nor different; correct it."
            )
        if one == other:
            raise CornerstoneError(f"Line {line} of {path.name} compares a child with itself; leave out its decision.")
        decision = Decision(now.astimezone(UTC).isoformat(), by, min(one, other), max(one, other), answer, sha256)
        if found.setdefault(decision.pair, decision).decision != answer:
            raise CornerstoneError(
                f"Line {line} of {path.name} says {answer} of two children of whom a line above says the opposite; keep one."
            )
    if not found:
        raise CornerstoneError(f"{path.name} holds no decision; write same or different into its column {DECISION}.")
    # Not while a run is linking: it would end without them, and the next would take them for applied.
    with _locked(settings), store_lock(settings, "a review"):
        _require_known(settings, path, found)
        _require_consistent(path, read_decisions(settings) | found)
        record_decisions(settings, found.values())
    return list(found.values())


def _answers(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """Line, answer and keys of every row that has an answer."""
    places: list[int] | None = None
    for line, row in enumerate(_rows(path), 1):
        cells = [str(cell if cell is not None else "").strip() for cell in row]
        if places is None:
            if {DECISION, LEFT_KEY, RIGHT_KEY} <= set(cells):
                places = [cells.index(name) for name in (DECISION, LEFT_KEY, RIGHT_KEY)]
            continue
        answer, one, other = (cells[place] if place < len(cells) else "" for place in places)
        if answer:
            yield line, answer.lower(), one, other
    if places is None:
        raise CornerstoneError(
            f"{path.name} is no review file: it has no line of headings with {DECISION}, {LEFT_KEY} and {RIGHT_KEY}."
        )


def _rows(path: Path) -> Iterator[Sequence[Any]]:
    if path.suffix.lower() == ".xlsx":
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            book = load_workbook(path, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError):
            raise CornerstoneError(f"{path.name} is no workbook that can be read; save it as .xlsx or .csv.") from None
        try:
            yield from book.worksheets[0].iter_rows(values_only=True)
        finally:
            book.close()
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.reader(stream)
    except (UnicodeDecodeError, csv.Error):
        raise CornerstoneError(f"{path.name} is no CSV file in UTF-8; save it as .xlsx, or as CSV in UTF-8.") from None


def _require_known(settings: Settings, path: Path, found: dict[tuple[str, str], Decision]) -> None:
    _require_linked(settings)
    keys = sorted({key for pair in found for key in pair})
    with vault_session(settings, settings.vault_dir / "review_spill") as connection:
        unknown = connection.execute(
            f"select count(*) from (select unnest($1) as child_key)"
            f" anti join {vault_file(children_path(settings))} using (child_key)",
            [keys],
        ).fetchall()[0][0]
    if unknown:
        raise CornerstoneError(
            f"{path.name} names {unknown} {'key' if unknown == 1 else 'keys'} of no child known now; nothing was taken in."
            " Make a new review file: children that were joined since have another key."
        )


def _require_consistent(path: Path, decisions: dict[tuple[str, str], Decision]) -> None:
    """Raise a CornerstoneError where two children who are different are one by way of others."""
    group: dict[str, str] = {}

    def first(key: str) -> str:
        while (further := group.get(key, key)) != key:
            key = further
        return key

    for one, other in (pair for pair, told in decisions.items() if told.decision == "same"):
        group[first(one)] = first(other)
    for (one, other), told in decisions.items():
        if told.decision == "different" and first(one) == first(other):
            raise CornerstoneError(
                f"{path.name} contradicts itself or an earlier decision: {one} and {other} are said to be different, and to be"
                " the same by way of other pairs. Correct one of these; nothing was taken in."
            )
