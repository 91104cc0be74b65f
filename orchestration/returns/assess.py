"""Read and judge data files in memory, writing nothing: what `cornerstone check` shows and what landing then commits.

Files are gathered into what becomes submissions (`gather`), read into the workspace (`intake`) and judged (`judge`).
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from expectations.catalogue import Catalogue
from expectations.data_docs import QualityStore
from expectations.landing import LandingFailure
from orchestration.returns.delivered import DeliveredFile, FileRefused
from orchestration.returns.earlier import judged_again
from orchestration.returns.gather import RefusedFile, gather
from orchestration.returns.intake import ReadSubmission, read_all
from orchestration.returns.judge import Judged, judge
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import UNKNOWN_PERIOD, People, Submission, TableRows, submission_id_of

log = logging.getLogger("cornerstone.landing")


@dataclass(frozen=True)
class Assessed:
    """A data file, or a set of them, read and judged: what its submission will say.

    `files` are the data files with their digests, `kind` the kind of file of the return that they are, `sheets` the sheet
    of a workbook that each table stands on. Failing places hold no value of a row. `not_judged` gives, by rule, why a rule
    could not be judged: that is neither a pass nor a failure.
    """

    submission_id: str
    source_file: str
    sha256: str
    tables: dict[str, TableRows]
    supplier: str
    period: str
    sequence: str
    status: Literal["accepted", "refused"]
    reason: str | None
    failures: list[LandingFailure] = field(default_factory=list)
    rule_ids: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    sheets: dict[str, str] = field(default_factory=dict)
    not_judged: dict[str, str] = field(default_factory=dict)
    people: People | None = None
    is_draft: bool = False

    @property
    def rows_read(self) -> int:
        """Rows in the file, of all tables."""
        return sum(rows.rows_read for rows in self.tables.values())

    @property
    def rows_quarantined(self) -> int:
        """Rows set aside, of all tables."""
        return sum(rows.rows_quarantined for rows in self.tables.values())

    @property
    def failures_by_rule(self) -> dict[str, int]:
        """Failing rows by rule; a rule the reader raised counts once."""
        counts = Counter(failure.rule_id for failure in self.failures)
        counts.update(rule_id for rule_id in self.rule_ids if rule_id not in counts)
        return dict(sorted(counts.items()))


@dataclass(frozen=True)
class AssessedDelivery:
    """Files received together, what their data files are, and the data files whose bytes were dealt with before."""

    delivered: list[DeliveredFile]
    assessed: list[Assessed]
    known: list[str]


@dataclass(frozen=True)
class Incomplete:
    """Files received that belong to a set whose other files have not come: what the set is called, and what it lacks."""

    name: str
    delivered: list[DeliveredFile]
    missing: list[str]


@dataclass(frozen=True)
class Assessment:
    """Every delivered file is in a delivery or in an incomplete set."""

    deliveries: list[AssessedDelivery]
    incomplete: list[Incomplete]


def assess(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[DeliveredFile],
    spec: ReturnSpec,
    catalogue: Catalogue,
    known_ids: Collection[str],
    la_code: str,
    la_ons_code: str,
    people: People | None,
    docs: QualityStore | None,
    before: Sequence[Submission] = (),
    anew: Collection[str] = (),
) -> Assessment:
    """Read delivered files into the workspace and judge them together.

    Args:
        connection: an open workspace of the return, with the landed returns that its rules compare with attached;
            afterwards it holds the rows read and a table `landing_failure`.
        files: what was delivered, in the order of receipt.
        spec: what the return is.
        catalogue: the rules.
        known_ids: submissions committed before; their data files are not read again.
        la_code: the authority of the installation: of files that do not name theirs, and what rules compare others with.
        la_ons_code: its ONS code, by which returns say where a child lives.
        people: whose rows the store holds; files of the other kind are refused. None while it holds nobody's.
        docs: where the validation result is kept; None keeps nothing.
        before: every submission of the return, in the order received: what new ones are compared with.
        anew: of `known_ids`, those whose files are read and judged anew, as other submissions.
    """
    connection.execute(
        "insert into setting values ('la_code', ?), ('la_ons_code', ?), ('people', ?)", [la_code, la_ons_code, people]
    )
    groups = gather(files, spec)
    complete = [group for group in groups if not group.missing]
    seen = set(known_ids)
    again = {one.submission_id for one in judged_again(before, catalogue.about_earlier(spec.return_id))} | set(anew)
    reads: list[list[ReadSubmission]] = [[] for _ in complete]
    known: list[list[str]] = [[] for _ in complete]
    for number, unit, outcome in read_all(connection, spec, complete, la_code, seen, again):
        if isinstance(outcome, FileRefused):
            complete[number].refused.append(RefusedFile(unit.sha256, unit.source_file, outcome.rule_id, str(outcome)))
        elif not outcome:
            known[number].append(unit.source_file)
        else:
            rows = sum(sum(read.rows.values()) for read in outcome)
            log.info("read %s: %s rows", unit.source_file, f"{rows:,}")
            reads[number] += outcome
    everything = [read for of_group in reads for read in of_group]
    judged = judge(connection, everything, spec, catalogue, people, docs, before) if everything else {}
    deliveries = []
    for group, own, dealt_with in zip(complete, reads, known, strict=True):
        assessed = [_assessed(read, judged[read.submission_id]) for read in own]
        refused = [_refused(spec, file, anew) for file in group.refused]
        # Refused before in the same words, by a run that was killed or of a file sent again.
        dealt_with += [one.source_file for one in refused if one.submission_id in seen]
        assessed += [one for one in refused if one.submission_id not in seen]
        seen |= {one.submission_id for one in refused}
        deliveries.append(AssessedDelivery(group.delivered, assessed, dealt_with))
    incomplete = [
        Incomplete(next((unit.set_name or "" for unit in group.units), ""), group.delivered, group.missing)
        for group in groups
        if group.missing
    ]
    return Assessment(deliveries, incomplete)


def _assessed(read: ReadSubmission, judged: Judged) -> Assessed:
    return Assessed(
        submission_id=read.submission_id,
        source_file=read.source_file,
        sha256=read.sha256,
        tables=judged.tables,
        supplier=read.supplier,
        period=read.period,
        sequence=read.sequence,
        status=judged.verdict.status,
        reason=judged.verdict.reason,
        failures=judged.failures,
        rule_ids=judged.verdict.rule_ids,
        files=read.files,
        kind=read.kind,
        sheets=read.sheets,
        not_judged=judged.not_judged,
        people=judged.people,
        is_draft=judged.is_draft,
    )


def _refused(spec: ReturnSpec, file: RefusedFile, anew: Collection[str]) -> Assessed:
    submission_id = submission_id_of(spec, f"{file.sha256}/{file.source_file}/{file.reason}", UNKNOWN_PERIOD)
    while submission_id in anew:
        submission_id = submission_id_of(spec, submission_id, UNKNOWN_PERIOD)
    return Assessed(
        submission_id=submission_id,
        source_file=file.source_file,
        sha256=file.sha256,
        tables={},
        supplier="",
        period=UNKNOWN_PERIOD,
        sequence="",
        status="refused",
        reason=file.reason,
        rule_ids=(spec.reader_rules.get(file.rule_id, file.rule_id),),
        files={file.source_file: file.sha256},
    )
