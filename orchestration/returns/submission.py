"""A submission: one supplier's return for one period. The `landing.json` beside its rows is what commits it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from orchestration.durable import write_json_durably
from orchestration.returns.spec import ReturnSpec, return_ids
from orchestration.settings import Settings
from orchestration.sql_text import literal

COMMIT_FILE = "landing.json"
UNKNOWN_PERIOD = "unknown"
People = Literal["invented", "real"]
"""Whose rows a submission holds, or a store: invented people's or real ones'."""
WHOSE: dict[People | None, str] = {
    "invented": "invented people; published figures are real",
    "real": "real people",
    None: "nobody's rows; published figures alone",
}
_ID_LENGTH = 20
_TOTALS = ("rows_read", "rows_landed", "rows_quarantined")  # in the file for people; made from `tables`


@dataclass(frozen=True)
class TableRows:
    """Rows of one landed table in a submission: `rows_read = rows_landed + rows_quarantined`."""

    rows_read: int
    rows_landed: int
    rows_quarantined: int

    def __post_init__(self) -> None:
        if self.rows_read != self.rows_landed + self.rows_quarantined:
            raise AssertionError(
                f"{self.rows_read} rows read, but {self.rows_landed} landed and {self.rows_quarantined} quarantined"
            )


@dataclass(frozen=True)
class Submission:
    """The manifest of a submission, accepted or refused.

    `rows_read = rows_landed + rows_quarantined` always, in total and for each of `tables`; a refused submission has all
    its rows quarantined. `files` are the data files it was read from, with their digests. `failures` counts failing rows
    by rule; `not_judged` says of a rule why it could not be judged. `notes` say what a reader of the landed rows has to know.
    `people` says whose rows these are; public figures and registers of real places are nobody's. `landing` names the folder
    of the landing that it came with. A draft (`is_draft`) lands to be looked at, and never counts.
    """

    submission_id: str
    return_id: str
    period: str
    supplier: str
    sequence: str
    received_at: str
    spec_version: str
    source_file: str
    sha256: str
    delivery_sha256: str
    tables: dict[str, TableRows]
    status: Literal["accepted", "refused"]
    landing: str
    reason: str | None = None
    supersedes: str | None = None
    failures: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    not_judged: dict[str, str] = field(default_factory=dict)
    people: People | None = None
    is_draft: bool = False

    @property
    def rows_read(self) -> int:
        """Rows in the files, of all tables."""
        return sum(rows.rows_read for rows in self.tables.values())

    @property
    def rows_landed(self) -> int:
        """Rows that landed, of all tables."""
        return sum(rows.rows_landed for rows in self.tables.values())

    @property
    def rows_quarantined(self) -> int:
        """Rows set aside, of all tables."""
        return sum(rows.rows_quarantined for rows in self.tables.values())

    @property
    def order(self) -> tuple[str, str, str]:
        """What decides which submission of a supplier and period counts: the highest."""
        return self.sequence, self.received_at, self.submission_id


@dataclass(frozen=True)
class Delivery:
    """The outcome of a received file: the submissions it gave."""

    return_id: str
    receipt_key: str
    file_name: str
    received_at: str
    submission_ids: list[str]


def submission_id_of(spec: ReturnSpec, sha256: str, period: str) -> str:
    """The same bytes read by the same spec as the same period are one submission, in whatever archive they came."""
    return hashlib.sha256(f"{spec.return_id}|{spec.spec_version}|{sha256}|{period}".encode()).hexdigest()[:_ID_LENGTH]


def part_id_of(submission_id: str, record: int) -> str:
    """One of several submissions in one file, by the number of its header's record and the last one's id, the file's own."""
    return hashlib.sha256(f"{submission_id}|{record}".encode()).hexdigest()[:_ID_LENGTH]


def return_dir(settings: Settings, return_id: str) -> Path:
    """Where a return's landings lie."""
    return settings.landed_dir / return_id


def landing_dir(settings: Settings, submission: Submission) -> Path:
    """The folder of the landing that a submission came with: a Parquet file a table, of all its accepted submissions."""
    return return_dir(settings, submission.return_id) / submission.landing


def landed_rows(settings: Settings, submissions: Iterable[Submission], table: str) -> str | None:
    """The relation (SQL) of a table's landed rows of some submissions; None where none of them has the table."""
    holding = [one for one in submissions if one.status == "accepted" and table in one.tables]
    if not holding:
        return None
    paths = dict.fromkeys(literal(str(landing_dir(settings, one) / f"{table}.parquet")) for one in holding)
    ids = ", ".join(literal(one.submission_id) for one in holding)
    return f"(select * from read_parquet([{', '.join(paths)}]) where submission_id in ({ids}))"


class Landing(NamedTuple):
    """The record of a landing. `replaced`: earlier readings of the same files that do not count from then on, each with the
    submission that it became; None where the file gives none for it now."""

    submissions: list[Submission]
    deliveries: list[Delivery]
    replaced: dict[str, str | None]


def write_landing(
    folder: Path,
    submissions: list[Submission],
    deliveries: list[Delivery],
    replaced: Mapping[str, str | None] | None = None,
) -> None:
    """Write the record of a landing into its folder, last of all."""
    content = {
        "submissions": [asdict(one) | {name: getattr(one, name) for name in _TOTALS} for one in submissions],
        "deliveries": [asdict(one) for one in deliveries],
        "replaced": dict(replaced or {}),
    }
    write_json_durably(folder / COMMIT_FILE, content)


def _submission(content: dict[str, Any]) -> Submission:
    for total in _TOTALS:
        del content[total]
    content["tables"] = {name: TableRows(**rows) for name, rows in content["tables"].items()}
    return Submission(**content)


def read_landing(folder: Path) -> Landing:
    """The record of a landing."""
    content = json.loads((folder / COMMIT_FILE).read_text(encoding="utf-8"))
    return Landing(
        [_submission(one) for one in content["submissions"]],
        [Delivery(**one) for one in content["deliveries"]],
        content.get("replaced", {}),
    )


def landing_dirs(settings: Settings, return_id: str) -> list[Path]:
    """The folders of a return's landings."""
    return sorted(path.parent for path in return_dir(settings, return_id).glob(f"*/{COMMIT_FILE}"))


def read_submissions(settings: Settings, return_id: str) -> list[Submission]:
    """Every committed submission of a return, in the order they were received; of files that were read again, as they were
    read last."""
    landings = [read_landing(folder) for folder in landing_dirs(settings, return_id)]
    replaced = _replaced(landings)
    found = [
        replace(one, supersedes=_read_last(one.supersedes, replaced)) if one.supersedes in replaced else one
        for landing in landings
        for one in landing.submissions
        if one.submission_id not in replaced
    ]
    return sorted(found, key=lambda submission: (submission.received_at, submission.source_file))


def all_readings(settings: Settings, return_id: str, submission_ids: Iterable[str]) -> set[str]:
    """These submissions with the earlier readings of their files, which lie on disk though nothing counts them."""
    replaced = _replaced(read_landing(folder) for folder in landing_dirs(settings, return_id))
    last = set(submission_ids)
    return last | {earlier for earlier in replaced if _read_last(earlier, replaced) in last}


def _replaced(landings: Iterable[Landing]) -> dict[str, str | None]:
    return {old: new for landing in landings for old, new in landing.replaced.items()}


def _read_last(submission_id: str | None, replaced: Mapping[str, str | None]) -> str | None:
    while submission_id is not None and submission_id in replaced:
        submission_id = replaced[submission_id]
    return submission_id


def committed_ids(settings: Settings, return_id: str) -> set[str]:
    """Every submission of a return that was ever committed, those among them whose files were read again since."""
    return {
        one.submission_id for folder in landing_dirs(settings, return_id) for one in read_landing(folder).submissions
    }


def read_deliveries(settings: Settings, return_id: str) -> dict[str, Delivery]:
    """The last outcome of each received file that is dealt with, by the key of its receipt."""
    found = [one for folder in landing_dirs(settings, return_id) for one in read_landing(folder).deliveries]
    return {one.receipt_key: one for one in sorted(found, key=lambda delivery: delivery.received_at)}


def current_submissions(submissions: list[Submission]) -> dict[tuple[str, str], Submission]:
    """The accepted submission that counts for each (supplier, period): the highest sequence, then the latest receipt; no draft."""
    current: dict[tuple[str, str], Submission] = {}
    for submission in submissions:
        if submission.status != "accepted" or submission.is_draft:
            continue
        key = (submission.supplier, submission.period)
        if key not in current or submission.order > current[key].order:
            current[key] = submission
    return current


def people_in(submissions: Iterable[Submission]) -> People | None:
    """Whose rows the accepted among these submissions hold; landing never lets both in."""
    return next((one.people for one in submissions if one.status == "accepted" and one.people is not None), None)


def people_in_store(settings: Settings) -> People | None:
    """Whether a store is of invented people or of real ones: what its first accepted return made it; None before that."""
    return people_in(one for return_id in return_ids() for one in read_submissions(settings, return_id))


@dataclass(frozen=True)
class WaitingSet:
    """Files received that are part of a set whose other files have not come; none of them is landed yet."""

    return_id: str
    name: str
    files: dict[str, str]
    missing: list[str]
    since: str

    @property
    def message(self) -> str:
        """What a person should know."""
        return (
            f"{', '.join(sorted(self.files))} wait(s) for the file(s) with {', '.join(self.missing)} of the same set;"
            f" received {self.since[:10]}."
        )


def _waiting_path(settings: Settings, return_id: str) -> Path:
    return return_dir(settings, return_id) / "waiting.json"


def write_waiting(settings: Settings, return_id: str, sets: list[WaitingSet]) -> None:
    """Record which sets of a return wait; replaces what was recorded before."""
    write_json_durably(_waiting_path(settings, return_id), {"sets": [asdict(waiting) for waiting in sets]})


def read_waiting(settings: Settings, return_id: str) -> list[WaitingSet]:
    """The sets of a return that wait for files."""
    path = _waiting_path(settings, return_id)
    if not path.is_file():
        return []
    return [WaitingSet(**waiting) for waiting in json.loads(path.read_text(encoding="utf-8"))["sets"]]
