"""What is expected of each return, as a check of what was received: overdue periods show in the UI."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from orchestration.assets.landing import landed_key, received_key, show_periods
from orchestration.returns.calendar import Calendar, long_date
from orchestration.returns.expected import ExpectedPeriod, expected_of
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import people_in_store
from orchestration.settings import Settings

CHECK = "nothing_overdue"


def expected_check(spec: ReturnSpec, calendar: Calendar, settings: Settings) -> dg.AssetChecksDefinition:
    """Fails, as a warning, while a period is overdue. It also shows each period that is expected by now as a partition, so that
    one that never came is seen as missing."""

    @dg.asset_check(
        asset=received_key(spec.return_id),
        name=CHECK,
        additional_deps=[landed_key(spec.return_id)],
        description=(
            f"Every period of the {spec.title} has come by its last day ({calendar.due_basis}). {calendar.due_source.strip()}"
        ),
    )
    def nothing_overdue(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        today = datetime.now(UTC).date()
        periods = list(expected_of(settings, spec, today))
        show_periods(context.instance, spec, [one.occasion.period for one in periods if one.occasion.day <= today])
        overdue = [one for one in periods if one.state == "overdue"]
        return dg.AssetCheckResult(
            passed=not overdue,
            severity=dg.AssetCheckSeverity.WARN,
            description=_said(overdue, is_invented=people_in_store(settings) == "invented"),
            metadata={"overdue": len(overdue), "expected": _table(periods)},
        )

    return nothing_overdue


def _said(overdue: Sequence[ExpectedPeriod], *, is_invented: bool) -> str:
    if not overdue:
        return "Nothing is overdue."
    if is_invented:
        earlier = f" and {len(overdue) - 1} before it" if len(overdue) > 1 else ""
        return f"Overdue is {overdue[-1].completeness}{earlier}. The lives of invented people end some day."
    return "\n".join(f"{one.completeness}; expected by {one.occasion.due_sentence}" for one in overdue)


def _table(periods: Sequence[ExpectedPeriod]) -> dg.TableMetadataValue:
    """Periods, the latest first."""
    rows = [
        {
            "period": one.occasion.said,
            "state": one.state,
            "expected by": long_date(one.occasion.due),
            "by whom": one.occasion.due_basis,
            "what came": one.completeness.removeprefix(f"{one.occasion.said}: "),
        }
        for one in reversed(periods)
    ]
    columns = ("period", "state", "expected by", "by whom", "what came")
    return dg.MetadataValue.table(
        records=[dg.TableRecord(row) for row in rows], schema=dg.TableSchema([dg.TableColumn(name) for name in columns])
    )
