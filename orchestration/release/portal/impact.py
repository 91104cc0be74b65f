"""Before and after: what figures did before and after something began that is meant to move them, and what else began in that time.

Everything is told of the figures that the open tables show: the view `kpi_internal.kpi_impact` is asked of these, so that no mean,
limit or signal tells of a figure that is withheld. The words say what was seen and never why.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import duckdb

from orchestration.charts import Chart
from orchestration.figures import words
from orchestration.figures.boards import TOTAL
from orchestration.figures.periods import Kind, Period, step_of
from orchestration.figures.pictures import NARROW, OWN, Line, trend
from orchestration.figures.released import Cell, Figures, Value, read_figures
from orchestration.figures.through_time import begins_at_nought, joined
from orchestration.release.inventory import read_view, relocated_select
from orchestration.release.portal.site import Page
from orchestration.rows import named_rows

FORECAST = "forecast"
"""In the method of a figure that is expected and has not happened; the view looks at none."""
FEWEST_BEFORE, RUN, TREND = 10, 8, 6
"""As macros/control_chart.sql has them: periods before a start from which limits are drawn; how many in a row on one side of the mean,
and rising or falling, are a signal."""
NO_CAUSE = (
    "A figure that moved after something began did not necessarily move because of it. Other things began in the same time, and"
    " figures move by themselves: one that was rising or falling before leaves its usual limits in any case. What stands here is what was"
    " seen, and nothing of why."
)
_NOTHING_SAID = {
    "no_kpi": "Nothing can be said: no figure is named that it is meant to move.",
    "unknown_kpi": "Nothing can be said: the catalogue has no KPI of this name.",
    "not_begun": "Nothing can be said: it has not begun, or nobody says when.",
    "no_series": "Nothing can be said: no such figure is told of the authority.",
    "no_period_after": "Nothing can be said yet: none of the {many} since the start has a figure.",
    "counting_changed": "Nothing can be said: counting has changed on the way.",
    "too_few_before": "Too few {many} to say: {count} with a figure had ended before the start, and {fewest} are needed.",
    "withheld_before": "Nothing can be said: some of the {many} before the start are withheld.",
    "otherwise_covered_before": "Nothing can be said: some of the {many} before the start do not cover what the others cover.",
    "missing_before": "Nothing can be said: some of the {many} before the start are missing.",
}
_STEADINESS = {True: "unsteady before", False: "steady before"}
_WAYS = {"signal_up": "higher", "signal_down": "lower"}
_SIGNALS = {"signal_up", "signal_down", "signals_both_ways"}
_KINDS = {"financial quarter": Kind.quarter}
_PERIODS = {
    Kind.month: "months",
    Kind.quarter: "quarters",
    Kind.autumn_and_spring: "autumns and springs",
}


@dataclass(frozen=True)
class Aim:
    """An action or service that is meant to move a KPI, in words; `number` marks its start in the chart. `stands`: how it does.
    `before` and `after`: the mean, and of how many periods. `was`: whether the figure moved before the start, too."""

    number: int
    label: str
    kind: str
    owner: str
    began: str
    ended: str
    stands: str
    before: tuple[str, str]
    limits: str
    was: str
    after: tuple[str, str]
    seen: str
    beside: str


@dataclass(frozen=True)
class Aimed:
    """A figure that something is meant to move: a KPI, or an item of a breakdown of it. `anchor`: of its section. `told`: of which
    periods and by whom; empty without any figure."""

    anchor: str
    title: str
    better: str
    told: str
    aims: list[Aim]
    chart: Chart | None
    notes: list[str]


def impact_page(connection: duckdb.DuckDBPyConnection, database: str) -> Page:
    """The page.

    Args:
        connection: the warehouse, with the open tables built and the open database attached as `database`.
        database: its alias.
    """
    rows = read_impact(connection)
    by_cell: dict[Cell, list[dict[str, Any]]] = {}
    without = [row for row in rows if row["kpi_id"] is None]
    for row in rows:
        if row["kpi_id"] is not None:
            by_cell.setdefault((row["kpi_id"], row["breakdown_topic"], row["breakdown"]), []).append(row)
    figures = read_figures(
        connection, {kpi_id for kpi_id, _, _ in by_cell}, {topic for _, topic, _ in by_cell}, database=database
    )
    aimed = [tell_aimed(cell, of, figures) for cell, of in by_cell.items()]
    aimed.sort(key=lambda one: (not one.told, one.title))
    facts = {
        "aimed": aimed,
        "without": [tell_aim(number, row, "periods") for number, row in enumerate(filter(is_under_way, without), 1)],
        "without_summary": without_summary(without),
        "summary": summary(rows),
        "no_cause": NO_CAUSE,
        "fewest": FEWEST_BEFORE,
        "symbols": words.SYMBOLS,
    }
    return Page("before_and_after", "Before and after", "kpis", "impact.html.j2", facts)


def read_impact(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of kpi_impact as they are of the open tables, the first to begin first."""
    view = read_view(connection, "kpi_internal", "kpi_impact")
    select = relocated_select(connection, view, schema_names={"kpi": "kpi_open", "marts": "marts"})
    return named_rows(
        connection.execute(f"from ({select}) order by kpi_id, begun_on nulls last, aim_label, kpi_aim_key")
    )


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """How many aims there are and how they stand, of how many something can be said, and of how many a figure moved."""
    rows = [row for row in rows if row["kpi_id"] is not None]
    if not rows:
        return "No return says yet of an action or a service which figure it is meant to move."
    count = Counter(row["outcome_code"] for row in rows)
    moved = sum(count[code] for code in _SIGNALS)
    judged = moved + count["no_signal"]
    kpis = len({(row["kpi_id"], row["breakdown_topic"], row["breakdown"]) for row in rows})
    first = f"{_many(len(rows), 'action or service aims', 'actions and services aim')} at {_many(kpis, 'figure', 'figures')}."
    if how := _late(rows):
        first += f" {how}"
    if not judged:
        return f"{first} Of none are there periods enough before and after its start to say anything."
    since = "it moved" if judged == 1 else "the figure moved"
    return (
        f"{first} Of {judged} there are periods enough to say something: since {moved} of these began, {since} more than it"
        " usually did before."
    )


def without_summary(rows: Sequence[dict[str, Any]]) -> str:
    """How many actions and services name no figure; empty without any."""
    if not rows:
        return ""
    ended = sum(not is_under_way(row) for row in rows)
    text = f"{_many(len(rows), 'action or service names', 'actions and services name')} no figure to move."
    if ended:
        text += f" Done, given up or no longer told of: {ended}."
    how = _late(rows)
    return f"{text} {how}" if how else text


def is_under_way(row: dict[str, Any]) -> bool:
    """Whether an action or service is neither done, nor given up, nor left out of what its return tells of now."""
    return row["ended_on"] is None


def _late(rows: Sequence[dict[str, Any]]) -> str:
    """How many are still to be done and overdue, or slipping; empty where no return says so of any."""
    told = [row for row in rows if row["is_overdue"] is not None and is_under_way(row)]
    if not told:
        return ""
    overdue, slipping = (sum(bool(row[name]) for row in told) for name in ("is_overdue", "is_slipping"))
    return f"Still to be done: {len(told)}; overdue: {overdue}; slipping: {slipping}."


def tell_aimed(cell: Cell, rows: Sequence[dict[str, Any]], figures: Figures) -> Aimed:
    """One figure, what aims at it, and its chart with the days on which these began."""
    kpi_id, topic, item = cell
    kpi = figures.kpis.get(kpi_id)
    title = kpi.title if kpi else kpi_id
    anchor = kpi_id
    if (topic, item) != (TOTAL, TOTAL):
        title = f"{title}: {item}"
        anchor = "-".join(re.findall(r"[a-z0-9_]+", f"{kpi_id} {topic} {item}".lower()))
    numbered = list(enumerate(rows, 1))
    series = _series(cell, rows[0], figures)
    many = _periods(rows[0])
    told = ""
    if series:
        whose = "own returns" if rows[0]["value_basis"] == "local" else "published"
        first, last = min(series), max(series)
        told = f"{many.capitalize()} from {first.words} to {last.words} ({whose})."
    notes = []
    if withheld := [period for period, value in series.items() if value.symbol == "c"]:
        notes.append(f"[c]: {_many(len(withheld), 'period', 'periods')} whose figure is withheld.")
    notes += [
        f"The series breaks before {period.short}. {value.break_note}"
        for period, value in series.items()
        if value.break_note
    ]
    return Aimed(
        anchor=anchor,
        title=title,
        better=words.better(kpi.polarity, by_size=kpi.is_judged_by_size) if kpi else "",
        told=told,
        aims=[tell_aim(number, row, many) for number, row in numbered],
        chart=_chart(f"impact-{anchor.replace('_', '-')}", title, kpi.unit, series, rows) if kpi else None,
        notes=notes,
    )


def tell_aim(number: int, row: dict[str, Any], many: str) -> Aim:
    """One action or service in words; `many` is what the periods are called."""
    unit = row["unit"]

    def mean(side: str) -> tuple[str, str]:
        value, count = row[f"{side}_mean"], row[f"{side}_count"]
        return (words.amount(value, unit), f"mean of {count}") if count else ("no figure", "")

    limits = ""
    if row["lower_limit"] is not None:
        limits = f"{words.amount(row['lower_limit'], unit)} to {words.amount(row['upper_limit'], unit)}"
    is_judged = row["outcome_code"] in _SIGNALS | {"no_signal"}
    is_told = row["begun_on"] is not None and unit is not None
    return Aim(
        number=number,
        label=row["aim_label"],
        kind=row["aim_kind"],
        owner=row["owner_role"] or "",
        began=_day(row["begun_on"]) or "no start told",
        ended=_day(row["ended_on"]),
        stands=stands(row),
        before=mean("before") if is_told else ("", ""),
        limits=limits if is_judged else "",
        was=_STEADINESS[row["is_unsteady_before"]] if is_judged else "",
        after=mean("after") if is_told else ("", ""),
        seen=seen(row, many),
        beside=row["other_labels"] or ("Nothing else that a return tells of." if row["begun_on"] else ""),
    )


def stands(row: dict[str, Any]) -> str:
    """How an action or service stands: status, and, while it is to be done, the day by which, and whether it is late."""
    parts = [row["status_label"]] if row["status_label"] else []
    if is_under_way(row):
        if row["due_on"]:
            parts.append(f"due {_day(row['due_on'])}")
        if row["is_overdue"]:
            parts.append("overdue")
        if row["is_slipping"]:
            parts.append("slipping (later than first said)")
    return ", ".join(parts)


def seen(row: dict[str, Any], many: str) -> str:
    """What was seen since the start, or why nothing can be said."""
    if row["outcome_code"] in _NOTHING_SAID:
        return _NOTHING_SAID[row["outcome_code"]].format(many=many, count=row["before_count"], fewest=FEWEST_BEFORE)
    text = _signals(row, many)
    if row["is_unsteady_before"] and row["outcome_code"] in _SIGNALS:
        text += " The figure was already moving before the start, by the same signs."
    if row["after_withheld_count"]:
        text += f" Withheld since the start: {row['after_withheld_count']}."
    if row["after_otherwise_covered_count"]:
        text += f" Left out because they do not cover what the others cover: {row['after_otherwise_covered_count']}."
    if row["after_break_count"]:
        text += f" Left out because counting has changed: {row['after_break_count']}."
    return text


def _signals(row: dict[str, Any], many: str) -> str:
    if row["outcome_code"] == "no_signal":
        text = f"Nothing beyond what is usual in {row['after_count']} of the {many} since the start."
        return (
            text if row["after_count"] >= RUN else f"{text} A lasting change shows in {RUN} in a row at the earliest."
        )
    since = f"of {row['after_count']} {many} since the start"
    parts = [
        (row["above_limits_count"], f"{row['above_limits_count']} {since} above the usual limits"),
        (row["below_limits_count"], f"{row['below_limits_count']} {since} below the usual limits"),
        (row["is_run_above"], f"{RUN} {many} in a row or more above the mean of before"),
        (row["is_run_below"], f"{RUN} {many} in a row or more below the mean of before"),
        (row["is_rising"], f"{TREND} {many} in a row or more rising"),
        (row["is_falling"], f"{TREND} {many} in a row or more falling"),
    ]
    text = f"More than is usual: {words.listed([said for is_so, said in parts if is_so])}."
    if row["outcome_code"] == "signals_both_ways":
        return f"{text} These point both ways."
    if (row["outcome_code"] == "signal_up") is not (row["after_mean"] > row["before_mean"]):
        return f"{text} The mean since the start is not {_WAYS[row['outcome_code']]} than before all the same."
    return f"{text} That is {row['signal_is']} than before." if row["signal_is"] else text


def _series(cell: Cell, row: dict[str, Any], figures: Figures) -> dict[Period, Value]:
    """The figures that the view chose, by period."""
    if row["value_basis"] is None:
        return {}
    kind = _kind(row)
    values = figures.values(cell, row["value_basis"])
    return {
        period: value
        for period, value in sorted(values.items())
        if period.kind is kind and FORECAST not in value.method
    }


def _kind(row: dict[str, Any]) -> Kind:
    return _KINDS.get(row["period_kind"]) or Kind(row["period_kind"])


def _periods(row: dict[str, Any]) -> str:
    return "periods" if row["period_kind"] is None else _PERIODS.get(_kind(row), "years")


def _chart(
    name: str, title: str, unit: str, series: dict[Period, Value], rows: Sequence[dict[str, Any]]
) -> Chart | None:
    """The figure through time, with a line where something began; None of fewer than two figures."""
    told = [value for value in series.values() if value.number is not None]
    if len(told) < 2:
        return None
    step = step_of(series)
    periods = min(series).through(max(series), step)
    marks: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        day = row["begun_on"]
        if day is not None and (at := next((one for one in periods if one.start <= day <= one.end), None)):
            marks.setdefault(at.short, []).append(str(number))
    draw = partial(
        trend,
        [period.short for period in periods],
        [Line("The authority's figure", joined(series, step), OWN)],
        unit=unit,
        title=title,
        withheld=[period.short for period, value in series.items() if value.symbol == "c"],
        marked=[(place, ", ".join(numbers)) for place, numbers in marks.items()],
        from_nought=begins_at_nought([value.number for value in told if value.number is not None]),
    )
    first, last = told[0], told[-1]
    began = (
        f"Upright lines mark the start of {words.listed([of for at in marks.values() for of in at])} in the table."
        if marks
        else ""
    )
    return Chart(
        name=name,
        title=title,
        alt=f"Line chart: {title}, {_shown(first, unit)} in {first.period.short}, {_shown(last, unit)} in"
        f" {last.period.short}. {began}".strip(),
        columns=[],
        rows=[],
        svg=draw(),
        narrow=partial(draw, size=NARROW),
    )


def _shown(value: Value, unit: str) -> str:
    return words.amount(value.number or Decimal(0), unit)


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else ""


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
