"""The landing verdict: which rows and which submissions can be used.

Great Expectations says whether a rule holds for the whole batch of new submissions; only for a rule that does not,
the places of its failing rows are fetched with the same query. One bad submission never stops the others: a verdict
is data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import duckdb

from expectations.catalogue import LANDING_LEVELS, Effect, Rule, Severity
from expectations.data_docs import QualityStore
from expectations.engine import GateError, RuleResult, evaluate


class LandingFailure(NamedTuple):
    """One place where a rule fails; never the value found there, save money and counts of an authority that were restated.

    `source_row` is None for a fault of the whole file. `cell` names the figure within the row where one row of a
    sheet holds several, `<sheet>/<service line code>`, or says what it was before and is now.
    """

    rule_id: str
    severity: Severity
    effect: Effect
    table_name: str
    submission_id: str
    source_file: str
    source_row: int | None
    cell: str | None


@dataclass(frozen=True)
class LandingOutcome:
    """What landing needs: the verdict on each rule that could be judged, every place where one fails, and the rules that
    could not be judged because a return that they compare with is not landed."""

    results: list[RuleResult]
    failures: list[LandingFailure]
    not_judged: list[Rule]


@dataclass(frozen=True)
class SubmissionVerdict:
    """Whether a submission can be used; `reason` and `rule_ids` say why not."""

    submission_id: str
    status: Literal["accepted", "refused"]
    reason: str | None
    rule_ids: tuple[str, ...]


def evaluate_landing(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    *,
    docs: QualityStore | None,
    suite_name: str = "landing",
) -> LandingOutcome:
    """Judge a batch of new submissions of one return, and find the failing rows.

    Args:
        connection: holds the rows under the names of the return's tables, and `submission_file` (submission_id,
            return_id, source_file, sha256, period, file_period, table_name, row_count, duplicate_columns,
            unknown_columns); a schema named after each landed return that a rule needs holds its tables.
        rules: the landing rules of the return, `Catalogue.for_landing`.
        docs: where the validation result is kept; None keeps nothing.
        suite_name: name of the suite in results and Data Docs; of one run the last result of a suite is kept.

    Raises:
        GateError: a rule is not a landing rule, or could not be evaluated.
    """
    if strangers := [rule.rule_id for rule in rules if rule.level not in LANDING_LEVELS]:
        raise GateError(f"{', '.join(strangers)} cannot be evaluated at landing: they are rules about marts or KPIs.")
    landed = {name for (name,) in connection.execute("select schema_name from duckdb_schemas()").fetchall()}
    judged = [rule for rule in rules if landed.issuperset(rule.needs)]
    results = evaluate(connection, judged, suite_name=suite_name, docs=docs)
    failures: list[LandingFailure] = []
    for result in results:
        if not result.success:
            failures.extend(_failing_places(connection, result))
    return LandingOutcome(results, failures, [rule for rule in rules if not landed.issuperset(rule.needs)])


def _failing_places(connection: duckdb.DuckDBPyConnection, result: RuleResult) -> list[LandingFailure]:
    rule = result.rule
    relation = connection.sql(rule.failing_rows or "")
    cell = "cell" if "cell" in relation.columns else "null::varchar as cell"
    constants = [rule.rule_id, rule.severity, rule.effect, rule.table]
    rows = connection.execute(
        f"""
        select ?, ?, ?, ?, submission_id, source_file, source_row, {cell}
        from ({rule.failing_rows}) as failing
        order by submission_id, source_file, source_row, cell
        """,
        constants,
    ).fetchall()
    if len(rows) != result.failing_count:
        raise GateError(f"{rule.rule_id} counts {result.failing_count} failing rows but finds {len(rows)}.")
    return list(map(LandingFailure._make, rows))


def verdicts(
    failures: Iterable[LandingFailure], rows_read: Mapping[str, int], *, refuse_above_share: float
) -> dict[str, SubmissionVerdict]:
    """One verdict a submission: refused by a rule that refuses, or because too many of its rows fail error rules.

    Args:
        failures: failing places of these submissions.
        rows_read: rows read, for every submission of the batch, those without a failure too.
        refuse_above_share: share of the rows read, above which a submission is refused; observed rules do not count.

    Raises:
        GateError: a failure belongs to a submission that is not in `rows_read`.
    """
    refusing: dict[str, set[str]] = {submission_id: set() for submission_id in rows_read}
    failing: dict[str, set[str]] = {submission_id: set() for submission_id in rows_read}
    wrong_rows: dict[str, set[tuple[str, str, int, str | None]]] = {submission_id: set() for submission_id in rows_read}
    for failure in failures:
        if failure.submission_id not in rows_read:
            raise GateError(f"{failure.rule_id} fails in a submission which is not being landed.")
        if failure.effect == "refuse":
            refusing[failure.submission_id].add(failure.rule_id)
        elif failure.severity != "observe" and failure.source_row is not None:
            failing[failure.submission_id].add(failure.rule_id)
            wrong_rows[failure.submission_id].add(
                (failure.table_name, failure.source_file, failure.source_row, failure.cell)
            )
    return {
        submission_id: _verdict(
            submission_id,
            refusing=sorted(refusing[submission_id]),
            failing=sorted(failing[submission_id]),
            wrong=len(wrong_rows[submission_id]),
            read=read,
            refuse_above_share=refuse_above_share,
        )
        for submission_id, read in rows_read.items()
    }


def _verdict(
    submission_id: str, *, refusing: list[str], failing: list[str], wrong: int, read: int, refuse_above_share: float
) -> SubmissionVerdict:
    if refusing:
        return SubmissionVerdict(submission_id, "refused", f"It fails {', '.join(refusing)}.", tuple(refusing))
    if wrong > read * refuse_above_share:
        reason = (
            f"{wrong} of {read} rows fail {', '.join(failing)}: more than {refuse_above_share:.0%}, above which a "
            f"submission is refused."
        )
        return SubmissionVerdict(submission_id, "refused", reason, tuple(failing))
    return SubmissionVerdict(submission_id, "accepted", None, ())
