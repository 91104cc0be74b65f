"""The verdict on what was read: which rules fail, which rows are set aside, and whether a submission can be used."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import duckdb

from expectations.catalogue import Catalogue, Rule
from expectations.data_docs import QualityStore
from expectations.landing import LandingFailure, evaluate_landing, verdicts
from orchestration.returns.delivered import FileRefused
from orchestration.returns.earlier import accepted_before, add_judged, pair_with_earlier
from orchestration.returns.intake import ReadSubmission
from orchestration.returns.places import said_places
from orchestration.returns.quarantine import count_quarantined, quarantine_children, register_failures
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import People, Submission, TableRows, current_submissions

log = logging.getLogger("cornerstone.landing")


class Verdict(NamedTuple):
    """Whether a submission can be used, and why not."""

    status: Literal["accepted", "refused"]
    reason: str | None
    rule_ids: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What judging makes of a submission: the verdict, its rows by table, and what was found on the way.

    Failing places hold no value of a row. `not_judged` gives, by rule, why a rule could not be judged.
    """

    verdict: Verdict
    tables: dict[str, TableRows]
    failures: list[LandingFailure]
    not_judged: dict[str, str]
    people: People | None
    is_draft: bool


def judge(
    connection: duckdb.DuckDBPyConnection,
    reads: list[ReadSubmission],
    spec: ReturnSpec,
    catalogue: Catalogue,
    people: People | None,
    docs: QualityStore | None,
    before: Sequence[Submission],
) -> dict[str, Judged]:
    """Great Expectations' verdict on every submission read.

    They are judged in the order of receipt; those of a return that is compared with earlier ones, in that of their periods
    and sequences. Afterwards the workspace holds a table `landing_failure`.

    Args:
        connection: the workspace, which holds the rows read.
        reads: what was read, in the order of receipt.
        spec: the return.
        catalogue: the rules.
        people: whose rows the store holds; None while it holds nobody's.
        docs: where the validation result is kept; None keeps nothing.
        before: every submission of the return, in the order received.

    Returns: what came of each, by submission.
    """
    log.info("checking %s submission(s) against the rules of %s", len(reads), spec.title)
    drafts = _drafts(connection, spec)
    about_earlier = catalogue.about_earlier(spec.return_id)
    rules = catalogue.for_landing(spec.return_id)
    compares = bool(about_earlier) and _has_schema(connection, spec.return_id)
    alone = [rule for rule in rules if not compares or rule.rule_id not in about_earlier]
    outcome = evaluate_landing(connection, alone, docs=docs)
    failures = _softened(catalogue, drafts, outcome.failures) + _reader_failures(connection, catalogue)
    if compares:
        turns = sorted(reads, key=lambda read: (read.period, read.sequence, read.submission_id not in drafts))
        add_judged(connection, spec, [read.submission_id for read in reads])
        beside = [rule for rule in rules if rule.rule_id in about_earlier]
        judged, compared = _judge_in_turn(
            connection, turns, spec, catalogue, failures, beside, people, docs, before, drafts
        )
        failures += compared
    else:
        judged = _verdicts(connection, reads, spec, catalogue, failures, people, before, drafts)
    not_judged = _not_judged(outcome.not_judged, spec)
    register_failures(connection, failures)
    if spec.holds_records:
        failures += quarantine_children(connection, spec, catalogue, failures)
    of_submission: dict[str, list[LandingFailure]] = {read.submission_id: [] for read in reads}
    for failure in failures:
        of_submission[failure.submission_id].append(failure)
    quarantined = count_quarantined(connection, spec, failures)
    invented = _invented(connection, spec)
    return {
        read.submission_id: Judged(
            verdict=judged[read.submission_id],
            tables={
                table: _table_rows(
                    rows,
                    rows
                    if judged[read.submission_id].status == "refused"
                    else quarantined.get((table, read.submission_id), 0),
                )
                for table, rows in read.rows.items()
            },
            failures=of_submission[read.submission_id],
            not_judged=not_judged,
            people=_whose(spec, read, invented),
            is_draft=read.submission_id in drafts,
        )
        for read in reads
    }


def _judge_in_turn(
    connection: duckdb.DuckDBPyConnection,
    turns: list[ReadSubmission],
    spec: ReturnSpec,
    catalogue: Catalogue,
    failures: list[LandingFailure],
    beside: list[Rule],
    people: People | None,
    docs: QualityStore | None,
    before: Sequence[Submission],
    drafts: Collection[str],
) -> tuple[dict[str, Verdict], list[LandingFailure]]:
    """The verdict on each submission in its turn, beside those accepted before it, and the failures that only these show.

    What is refused is nobody's earlier return. `failures` are those that a submission has by itself, whatever came before
    it: the rules that find these are judged once, and only `beside`, which compare, again for each that they refuse.
    """
    refused = {failure.submission_id for failure in failures if failure.effect == "refuse"}
    while True:
        pair_with_earlier(
            connection,
            [(one.submission_id, one.supplier) for one in accepted_before(before)],
            [(read.submission_id, read.supplier) for read in turns],
            {*drafts, *refused},
        )
        found = evaluate_landing(connection, beside, docs=docs, suite_name="landing_beside_earlier")
        compared = _softened(catalogue, drafts, found.failures)
        judged = _verdicts(connection, turns, spec, catalogue, [*failures, *compared], people, before, drafts)
        # What comes after one that is refused was compared with it: it is compared again without.
        wrong = [read.submission_id for read in turns if judged[read.submission_id].status == "refused"]
        if refused.issuperset(wrong):
            return judged, compared
        refused.add(next(submission_id for submission_id in wrong if submission_id not in refused))


def _verdicts(
    connection: duckdb.DuckDBPyConnection,
    turns: list[ReadSubmission],
    spec: ReturnSpec,
    catalogue: Catalogue,
    failures: list[LandingFailure],
    people: People | None,
    before: Sequence[Submission],
    drafts: Collection[str],
) -> dict[str, Verdict]:
    """What each submission comes to in its turn: by its failures, by whose rows the store holds, and by its sequence."""
    last = {which: submission.sequence for which, submission in current_submissions(list(before)).items()}
    by_failures = verdicts(
        failures,
        {read.submission_id: sum(read.rows.values()) for read in turns},
        refuse_above_share=catalogue.refusing_share(spec.return_id),
    )
    invented = _invented(connection, spec)
    of_submission: dict[str, list[LandingFailure]] = {read.submission_id: [] for read in turns}
    for failure in failures:
        of_submission[failure.submission_id].append(failure)
    found = {}
    for read in turns:
        own = by_failures[read.submission_id]
        whose = _whose(spec, read, invented)
        of_when = read.supplier, read.period
        if own.status == "refused":
            because = _because(own.reason, own.rule_ids, catalogue)
            where = _where(spec, read, own.rule_ids, of_submission[read.submission_id], catalogue)
            reason = f"{read.source_file}: {f'{because} {where}'.strip()}"
            found[read.submission_id] = Verdict("refused", reason, own.rule_ids)
        elif whose and people and whose != people:
            other = _of_others(read.source_file, whose)
            found[read.submission_id] = Verdict("refused", str(other), (other.rule_id,))
        elif spec.submission and (rule := spec.submission.sequence_rule) and read.sequence <= last.get(of_when, ""):
            blank = "" if read.sequence else f"It gives no {' and no '.join(spec.submission.sequence)}."
            reason = f"{read.source_file}: {_because(blank, (rule,), catalogue)}"
            found[read.submission_id] = Verdict("refused", reason, (rule,))
        else:
            people = people or whose
            if read.submission_id not in drafts:  # a draft uses up no version
                last[of_when] = max(read.sequence, last.get(of_when, ""))
            found[read.submission_id] = Verdict("accepted", None, own.rule_ids)
    return found


def _drafts(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> set[str]:
    """The submissions in the workspace that are drafts."""
    if spec.draft is None:
        return set()
    rows = connection.execute(f'select submission_id from "{spec.draft.table}" where {spec.draft.condition}').fetchall()
    return {submission_id for (submission_id,) in rows}


def _invented(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> set[str]:
    """The submissions in the workspace that hold invented people, every row of their marking table saying so."""
    if spec.invented is None:
        return set()
    rows = connection.execute(
        f'select submission_id from "{spec.invented.table}" group by all'
        f" having bool_and(coalesce({spec.invented.condition}, false))"
    ).fetchall()
    return {submission_id for (submission_id,) in rows}


def _whose(spec: ReturnSpec, read: ReadSubmission, invented: Collection[str]) -> People | None:
    if read.submission_id in invented:
        return "invented"
    return None if spec.personal_data == "none" else "real"


def _of_others(source_file: str, whose: People) -> FileRefused:
    """A file of real people for a store of invented ones, or the other way about."""
    if whose == "real":
        what = (
            f"{source_file} is of real people, and this store holds invented ones; drop the file again after `cornerstone"
            " clean-store`, which deletes every file received, or with another folder named in CORNERSTONE_STORE."
        )
    else:
        what = (
            f"{source_file} is of the invented borough, and this store holds real people; try it in a store of its own: name"
            " another folder in CORNERSTONE_STORE, and drop the file again."
        )
    return FileRefused("FILE-015", what)


def _has_schema(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = connection.execute("select 1 from duckdb_schemas() where schema_name = ?", [name]).fetchone()
    return found is not None


def _softened(catalogue: Catalogue, drafts: Collection[str], failures: list[LandingFailure]) -> list[LandingFailure]:
    """Failures in which what would refuse a draft flags it; a rule about the file as a whole refuses a draft, too."""
    return [
        failure._replace(severity="warn", effect="flag")
        if failure.effect == "refuse"
        and failure.submission_id in drafts
        and catalogue.rule(failure.rule_id).level != "file"
        else failure
        for failure in failures
    ]


def _reader_failures(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> list[LandingFailure]:
    """Rows that the readers could not split, link or type; each is set aside by the rule that says so."""
    rows = connection.execute(
        "select rule_id, table_name, submission_id, source_file, source_row from unreadable_row"
        " union all select rule_id, table_name, submission_id, source_file, source_row from unusable_row order by all"
    ).fetchall()
    return [
        LandingFailure(rule_id, catalogue.rule(rule_id).severity, "quarantine", table, submission_id, file, row, None)
        for rule_id, table, submission_id, file, row in rows
    ]


def _not_judged(rules: list[Rule], spec: ReturnSpec) -> dict[str, str]:
    """Why rules could not be judged, by rule; said in the log, too."""
    reasons = {
        rule.rule_id: f"It compares with {' and '.join(rule.needs)}, of which nothing was at hand." for rule in rules
    }
    for reason in dict.fromkeys(reasons.values()):
        ids = ", ".join(rule_id for rule_id, why in reasons.items() if why == reason)
        log.warning("not judged of %s: %s. %s", spec.title, ids, reason)
    return reasons


def _because(reason: str | None, rule_ids: tuple[str, ...], catalogue: Catalogue) -> str:
    """Why, and of the first rule what should be and what to do."""
    first = catalogue.rule(rule_ids[0]) if rule_ids else None
    return f"{reason or ''} {first.label if first else ''} {first.action if first else ''}".strip()


def _where(
    spec: ReturnSpec,
    read: ReadSubmission,
    rule_ids: tuple[str, ...],
    failures: list[LandingFailure],
    catalogue: Catalogue,
) -> str:
    """The first few places where the rules that refuse a submission fail.

    Of a rule that compares it with others the fault may lie there: only a place that it names itself is said.
    """
    rules = [catalogue.rule(rule_id) for rule_id in rule_ids]
    return said_places(
        spec,
        spec.files[read.kind].shape,
        read.sheets,
        [failure for rule_id in rule_ids for failure in failures if failure.rule_id == rule_id],
        {rule.rule_id: rule.columns for rule in rules if not rule.needs},
    )


def _table_rows(read: int, quarantined: int) -> TableRows:
    return TableRows(read, read - quarantined, quarantined)
