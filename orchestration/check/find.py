"""Recognise, read and judge files as landing would, and keep nothing.

Of a store only what is no child's is looked at, and nothing is changed: whose people it holds, and the accepted returns that
rules of the same return compare with.
"""

import logging
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.check.places import describe_tables, find_locations
from orchestration.check.report import (
    SCHEMA_VERSION,
    CheckedFile,
    CheckReport,
    FailedRule,
    IncompleteSet,
    Location,
)
from orchestration.code_version import code_version
from orchestration.errors import CornerstoneError
from orchestration.returns.assess import Assessed, Assessment, assess
from orchestration.returns.delivered import (
    DataFile,
    DeliveredFile,
    FileRefused,
    delivered_file,
    open_delivered,
)
from orchestration.returns.earlier import accepted_before, attach_earlier
from orchestration.returns.recognise import likely_return, nobodys
from orchestration.returns.spec import ReturnSpec, Shape, load_spec
from orchestration.returns.submission import Submission, landed_rows, people_in_store, read_submissions
from orchestration.returns.workspace import open_workspace
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.landing")

_SHAPES: dict[Shape, str] = {
    "ees_csv": "published CSV table",
    "figure_csv": "CSV of figures",
    "appeals_csv": "published CSV table",
    "chs_workbook": "published workbook",
    "wait_csv": "CSV of waiting lists",
    "flat_csv": "CSV table",
    "record_xml": "XML",
    "record_csv": "set of CSV files",
    "record_flat": "CSV table",
    "record_workbook": "workbook",
}
_GRAVITY = {"refuse": 0, "quarantine": 1, "flag": 2, None: 2}


def check_files(
    settings: Settings, paths: Iterable[Path], return_id: str | None = None, *, show_identifiers: bool = False
) -> CheckReport:
    """Judge files in memory by the rules of one return, or of the return that recognises each.

    Args:
        settings: where the rules are, whose files these are where they do not say, and the store whose accepted returns
            rules compare with; it is read, where there is one, and left as it is.
        paths: files, or folders whose files are meant; hidden files and folders within folders are not.
        return_id: the return they are of; None asks each file.
        show_identifiers: whether each place says whom it is about, as the file names them.

    Raises:
        CornerstoneError: a path is no file and no folder that holds files, or the return is unknown.
    """
    delivered = [delivered_file(path) for path in _files(paths)]
    catalogue = load_catalogue(settings.rules_dir)
    checked: list[CheckedFile] = []
    if return_id is not None:
        by_return = {load_spec(return_id).return_id: delivered}
    else:
        by_return, checked = _sorted_by_return(delivered, catalogue)
    incomplete: list[IncompleteSet] = []
    repeated: list[str] = []
    for known, files in by_return.items():
        spec = load_spec(known)
        before = _accepted_earlier(settings, spec, catalogue, files)
        with (
            tempfile.TemporaryDirectory() as spill,
            open_workspace(spec, Path(spill) / "spill", settings.database_limits) as connection,
        ):
            if before:
                attach_earlier(connection, spec, {name: landed_rows(settings, before, name) for name in spec.tables})
            assessment = assess(
                connection,
                files,
                spec,
                catalogue,
                known_ids=(),
                la_code=settings.la_code,
                la_ons_code=settings.la_ons_code,
                people=people_in_store(settings),
                docs=None,
                before=before,
            )
            checked += _described(connection, spec, catalogue, assessment, before, show_identifiers)
        incomplete += [
            IncompleteSet([file.name for file in one.delivered], one.missing) for one in assessment.incomplete
        ]
        repeated += [name for delivery in assessment.deliveries for name in delivery.known]
    codes = [file.exit_code for file in checked] + [2] * bool(incomplete)
    return CheckReport(
        schema_version=SCHEMA_VERSION,
        checked_at=datetime.now(UTC).replace(microsecond=0),
        code_version=code_version(),
        holds_identifiers=show_identifiers,
        exit_code=max(codes, default=0),
        files=checked,
        incomplete=incomplete,
        repeated=repeated,
    )


def _accepted_earlier(
    settings: Settings, spec: ReturnSpec, catalogue: Catalogue, files: list[DeliveredFile]
) -> list[Submission]:
    """What the store has accepted of a return whose rules compare with earlier ones, in order; without the files checked."""
    if not catalogue.about_earlier(spec.return_id):
        return []
    checked = {file.sha256 for file in files}
    return [
        one
        for one in accepted_before(read_submissions(settings, spec.return_id))
        if checked.isdisjoint({one.sha256, one.delivery_sha256})
    ]


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files meant, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith((".", "~$")))
            if not inside:
                raise CornerstoneError(f"{path} holds no file; name the files to check, or the folder they lie in.")
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        else:
            raise CornerstoneError(f"{path} is not a file; name the files to check.")
    return list(found)


def _sorted_by_return(
    delivered: list[DeliveredFile], catalogue: Catalogue
) -> tuple[dict[str, list[DeliveredFile]], list[CheckedFile]]:
    """Files by the return that knows them, and those that cannot be opened or that no return knows."""
    by_return: dict[str, list[DeliveredFile]] = {}
    unknown: list[CheckedFile] = []
    for file in delivered:
        try:
            members = open_delivered(file)
        except FileRefused as refused:
            unknown.append(_unread(file, file.name, refused, catalogue))
            continue
        known = [return_id for one in members if isinstance(one, DataFile) and (return_id := likely_return(one))]
        if known:  # of an archive, the return of its first file; assess says it of the others
            by_return.setdefault(known[0], []).append(file)
        else:
            unknown += [
                _unread(file, file.name, one, catalogue)
                if isinstance(one, FileRefused)
                else _unread(file, one.source_file, nobodys(one), catalogue)
                for one in members
            ]
    return by_return, unknown


def _unread(file: DeliveredFile, name: str, refused: FileRefused, catalogue: Catalogue) -> CheckedFile:
    rule = _failed(catalogue, refused.rule_id, 1, [])
    return CheckedFile(
        name=name, files=[name], sha256=file.sha256, verdict="unreadable", reason=str(refused), rules=[rule]
    )


def _described(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    catalogue: Catalogue,
    assessment: Assessment,
    before: list[Submission],
    show_identifiers: bool,
) -> list[CheckedFile]:
    described = []
    for delivery in assessment.deliveries:
        for assessed in delivery.assessed:
            xml = _xml_of(spec, assessed, delivery.delivered)
            file = _checked_file(connection, spec, catalogue, assessed, xml, show_identifiers)
            compared = [one.source_file for one in before if assessed.tables and one.supplier == assessed.supplier]
            described.append(replace(file, compared_with=compared))
    return described


def _xml_of(spec: ReturnSpec, assessed: Assessed, delivered: list[DeliveredFile]) -> DataFile | None:
    """The data file of a submission that was read from XML."""
    if not assessed.kind or spec.files[assessed.kind].shape != "record_xml":
        return None
    members = [member for file in delivered for member in open_delivered(file)]
    return next(
        member for member in members if isinstance(member, DataFile) and member.source_file == assessed.source_file
    )


def _checked_file(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    catalogue: Catalogue,
    assessed: Assessed,
    xml: DataFile | None,
    show_identifiers: bool,
) -> CheckedFile:
    was_read = bool(assessed.tables)
    is_refused = assessed.status == "refused"
    locations = find_locations(connection, spec, assessed, xml, show_identifiers=show_identifiers) if was_read else {}
    rules = [
        _failed(catalogue, rule_id, count, locations.get(rule_id, []))
        for rule_id, count in assessed.failures_by_rule.items()
    ]
    authority = None
    if was_read and spec.submission is not None and spec.submission.is_authoritys:
        authority = assessed.supplier.removeprefix(spec.submission.supplier_prefix)
    return CheckedFile(
        name=assessed.source_file,
        files=sorted(assessed.files),
        sha256=assessed.sha256,
        verdict=("refused" if is_refused else "usable") if was_read else "unreadable",
        reason=assessed.reason,
        return_id=spec.return_id,
        return_title=spec.title,
        period=assessed.period if was_read else None,
        supplier=assessed.supplier or None,
        authority=authority,
        shape=_SHAPES[spec.files[assessed.kind].shape] if was_read else None,
        rows_read=assessed.rows_read,
        people=assessed.people,
        not_judged=assessed.not_judged,
        rows_set_aside=assessed.rows_quarantined,
        tables=describe_tables(connection, spec, assessed) if was_read else [],
        rules=sorted(rules, key=lambda rule: (rule.kind, _GRAVITY[rule.effect], rule.rule_id)),
    )


def _failed(catalogue: Catalogue, rule_id: str, failing: int, locations: list[Location]) -> FailedRule:
    rule = catalogue.rule(rule_id)
    return FailedRule(
        rule_id=rule_id,
        official_number=rule.official_number,
        kind="query" if rule.severity == "observe" else "error",
        severity=rule.severity,
        effect=rule.effect,
        label=rule.label,
        why=rule.why,
        action=rule.action,
        owner=rule.owner,
        failing=failing,
        locations=locations,
    )
