"""What is said of every figure, whatever its chart: the value in words, its source, its change, its target, its notes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from orchestration.charts import Chart
from orchestration.figures import words
from orchestration.figures.boards import Watched
from orchestration.figures.periods import Kind, Period, Span
from orchestration.figures.pictures import NARROW
from orchestration.figures.released import LOCAL, PUBLISHED, Beside, Cell, Figures, Kpi, Value

NO_OTHERS = "No figure of other areas is held."
OTHER_SIZE = "Not set beside other areas, because they differ in size."
BEFORE_ROUNDING = "Changes are worked out before rounding."
_RATINGS = {
    "met": "met",
    "within_tolerance": "not met, but within the tolerance",
    "not_due": "not met so far, and not yet due",
    "missed": "not met",
}
_NO_AREA = {"target", "published_same_cell"}
_LARGE = 100  # a count from which a change is given in per cent too
_FORECAST = "full-year forecast"


@dataclass(frozen=True)
class Text:
    """A cell of a table; `small` stands below: the counts that a percentage is made of."""

    text: str
    small: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its heading."""

    caption: str
    columns: list[str]
    rows: list[list[Text]]


@dataclass
class Statement:
    """One page of a pack, or one part of a page.

    `glance`: latest, period, change, beside others, target for the summary at the front. `rating`: of the latest value against its
    target, as the comparison table words it. `trend`: the change in short, told of the value in large type (of a deficit: of its
    size), while that of `glance` is told of the number with its sign. `compared`: the own value beside which `areas` stand.
    """

    number: int
    watched: Watched
    kpi: Kpi | None
    unavailable: str = ""
    value: str = ""
    of: str = ""
    period: str = ""
    made: str = ""
    better: str = ""
    change: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    areas: Table | None = None
    target: str = ""
    rating: str = ""
    trend: str = ""
    compared: Value | None = None
    notes: list[str] = field(default_factory=list)
    chart: Chart | None = None
    chart_notes: list[str] = field(default_factory=list)
    table: Table | None = None
    glance: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Its id in the page."""
        return f"figure-{self.number}"


@dataclass
class Teller:
    """Fills one statement from the figures of a release."""

    statement: Statement
    kpi: Kpi
    figures: Figures
    span: Span | None

    def own(self, cell: Cell, basis: str) -> dict[Period, Value]:
        """Values of the kind of period that is followed, within the span."""
        return {
            period: value
            for period, value in self.figures.values(cell, basis).items()
            if period.kind is self.statement.watched.periods and (self.span is None or self.span.holds(period))
        }

    def told(self, cell: Cell) -> dict[Period, Value]:
        """One own value a period: that of the authority's returns, or what is published where they give no number."""
        local, published = self.own(cell, LOCAL), self.own(cell, PUBLISHED)
        return {
            period: published[period]
            if period in published and (period not in local or local[period].number is None)
            else local[period]
            for period in sorted(local.keys() | published.keys())
        }

    def shown(self, value: Value | None) -> str:
        """A value as a table shows it; nothing where there is no figure."""
        return (
            "" if value is None else words.marked(value.number, self.kpi.unit, symbol=value.symbol, label=value.label)
        )

    def cell(self, value: Value | None) -> Text:
        """A cell of a table; the counts behind a share of another area are of no interest here."""
        return Text(self.shown(value), self.counts(value, " of ") if value is not None and value.is_own else "")

    def counts(self, value: Value, between: str) -> str:
        """Numerator and denominator of a share."""
        if self.kpi.unit != "percent" or None in (value.number, value.numerator, value.denominator):
            return ""
        return between.join(
            words.amount(part, "count") for part in (value.numerator, value.denominator) if part is not None
        )

    def say_unavailable(self, cells: Sequence[Cell]) -> None:
        """Why there is nothing to show."""
        kind = self.statement.watched.periods
        held = [
            period
            for cell in cells
            for basis in (LOCAL, PUBLISHED)
            for period in self.figures.values(cell, basis)
            if period.kind is kind
        ]
        if self.span is not None and held:
            self.statement.unavailable = (
                f"No figure for {self.span.words}: figures are held of {min(held).words} to {max(held).words}."
            )
        elif self.kpi.is_available:
            self.statement.unavailable = (
                f"Not available by {kind}: the release holds this figure for other kinds of period or breakdowns alone."
            )
        else:
            self.statement.unavailable = self.kpi.reason or "Not available; the release gives no reason."

    def head(self, value: Value | None, of_what: str) -> None:
        """The value in large type and the words that follow it; `of_what`: which item it is of."""
        watched, statement = self.statement.watched, self.statement
        statement.value, statement.of = self.shown(value), f"{watched.of}{of_what}".removeprefix(": ")
        if value is not None and self.is_below(value):
            if self.kpi.polarity == "higher" and not self.kpi.is_judged_by_size:
                statement.better = "Smaller is better."  # of the size in large type
            statement.value = self._size(value)
            statement.of = f"{watched.below}{of_what}"
            statement.chart_notes.append(f"In chart and table a figure below nought is: {watched.below}.")

    def is_below(self, value: Value) -> bool:
        """Whether a value lies below nought and the board has words for that, beside which it is shown without its sign."""
        return value.number is not None and value.number < 0 and self.statement.watched.below is not None

    def worded(self, value: Value, *, beside: Value) -> str:
        """An earlier value as the latest stands in large type: without its sign, and with words where it is on the other side of nought."""
        watched = self.statement.watched
        shown = self._size(value) if self.is_below(value) else self.shown(value)
        if watched.below is None or value.number is None or self.is_below(value) == self.is_below(beside):
            return shown
        return f"{shown} ({watched.below if self.is_below(value) else watched.of})"

    def _size(self, value: Value) -> str:
        assert value.number is not None
        return words.marked(-value.number, self.kpi.unit, symbol=value.symbol, label=value.label).removeprefix("+")

    def made(self, value: Value, cell: Cell) -> str:
        """Where a value comes from, and the counts behind it."""
        if value.publisher == "Local calculation":
            _, _, how = value.method.partition("return, ")
            source = "From the authority's own returns" + (f" ({how})" if how else "")
        else:
            source = f"Published by {value.publisher}"
        counts = self.counts(value, " of ")
        text = f"{source}{': ' + counts if counts else ''}."
        published = self.own(cell, PUBLISHED).get(value.period)
        if published is None or published is value or published.number is None or value.number is None:
            return text
        if words.amount(published.number, self.kpi.unit) == words.amount(value.number, self.kpi.unit):
            return f"{text} The published figure for the period is the same."
        reasons = {one.reason for one in self.figures.beside.get(value.key, []) if one.kind == "published_same_cell"}
        why = "".join(f" {reason}" for reason in sorted(filter(None, reasons)))
        return f"{text} The published figure for the period is {self.shown(published)}.{why}"

    def difference(self, new: Decimal, old: Decimal, *, is_judged: bool = True) -> tuple[str, str]:
        """The beginning of a sentence on a change, to be ended by what it was, and the change in short.

        Not `is_judged`: an incomplete period is no better or worse than a whole one.
        """
        unit = self.kpi.unit
        by_what_is_shown = words.rounded(new, unit) - words.rounded(old, unit)
        by = by_what_is_shown if unit == "count" else new - old
        if words.rounded(by, unit) != by_what_is_shown and BEFORE_ROUNDING not in self.statement.notes:
            self.statement.notes.append(BEFORE_ROUNDING)
        amount = words.size(by, unit)
        if not words.rounded(by, "percent" if unit == "percent" else unit):
            return "No change from", "no change"
        judged = words.verdict(new, old, self.kpi.polarity, by_size=self.kpi.is_judged_by_size) if is_judged else ""
        way = "up" if by > 0 else "down"
        share = f" ({words.amount(abs(by) / old * 100, 'percent')})" if unit == "count" and old >= _LARGE else ""
        short = f"{way} {amount}{f', {judged}' if judged else ''}"
        ending = f", which is {judged}, from" if judged else " from"
        return f"{way.capitalize()} {amount}{share}{ending}", short

    def areas(self, value: Value) -> list[Beside]:
        """Other areas beside a value."""
        return [one for one in self.figures.beside.get(value.key, []) if one.kind not in _NO_AREA]

    def rating(self, value: Value | None) -> str:
        """How the comparison table rates a value against its target; empty where it does not."""
        besides = self.figures.beside.get(value.key, []) if value is not None else []
        return next((one.rating for one in besides if one.kind == "target" and one.rating), "")

    def tell_target(self, latest: Value | None) -> None:
        """The target of the catalogue, and whether it is met."""
        if not self.kpi.target:
            self.statement.target = "No target is set."
            return
        is_target = "not a target" not in self.kpi.target
        self.statement.target = f"{'Target: ' if is_target else ''}{self.kpi.target}."
        if rating := self.rating(latest):
            self.statement.rating = rating
            self.statement.target += f" {_rated(rating).capitalize()}."

    def target_short(self, latest: Value) -> str:
        """For the summary."""
        rating = self.rating(latest)
        return (self.kpi.target or "") + (f": {_rated(rating)}" if rating else "")

    def tell_notes(self, values: Sequence[Value]) -> None:
        """What to know of the figures shown, markers explained."""
        notes = self.statement.notes
        notes += dict.fromkeys(value.coverage for value in values if value.coverage)
        labels = {value.label for value in values}
        if "adverse" in labels:
            notes.append("The return calls the figure adverse: it is on the wrong side of what was planned.")

    def axis_title(self, largest: Decimal) -> str:
        """What the upright axis counts."""
        of = self.statement.watched.of
        match self.kpi.unit:
            case "percent":
                return f"Per cent {of}".strip()
            case "percentage_points":
                return "Percentage points"
            case "weeks":
                return "Weeks"
            case "gbp":
                return "Pounds, million" if largest >= 1_000_000 else "Pounds"
            case _:
                of = of or self.kpi.title
                return of[0].upper() + of[1:]

    def chart(self, draw: Callable[..., str], alt: str) -> Chart:
        """The chart with its table. `draw` takes the size."""
        table = self.statement.table
        columns, rows = (table.columns, table.rows) if table is not None else ([], [])
        texts = [[cell.text for cell in row] for row in rows]
        return Chart(
            f"chart-{self.statement.number}", self.kpi.title, alt, columns, texts, draw(), partial(draw, size=NARROW)
        )


def _rated(rating: str) -> str:
    return _RATINGS.get(rating, rating.replace("_", " "))


def is_other_year(value: Value, before: Period) -> bool:
    """Whether a forecast of a whole financial year follows one of another year."""
    return _FORECAST in value.method and value.period.kind is Kind.quarter and value.period.year != before.year


def in_sentence(text: str) -> str:
    """The text with a small first letter."""
    return text[:1].lower() + text[1:]
