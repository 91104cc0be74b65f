"""A figure through time: change, other areas, a line chart, and the limits of usual variation of months."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import groupby, pairwise

from orchestration.figures import pictures, words
from orchestration.figures.periods import Kind, Period, step_of
from orchestration.figures.released import ENGLAND, LOCAL, PUBLISHED, Beside, Cell, Limit, Value
from orchestration.figures.teller import NO_OTHERS, OTHER_SIZE, Table, Teller, Text, in_sentence, is_other_year

FEWEST_POINTS = 12
"""Months from which mean and limits are drawn."""
_WORTH_A_LOOK = Decimal("0.05")  # of the highest figure; a smaller difference drawn large would mislead
_NO_LIMITS = {
    "withheld_months": "some months are withheld",
    "missing_months": "some months are missing",
    "counting_change": "the number waiting changed by more than half from one month to the next, which is a change of counting",
    "too_few_points": f"there are fewer than {FEWEST_POINTS} months",
    "no_values": "no month has a figure",
}
_ENGLAND_ALONE = "England's figures are held only for periods of which the authority's own cannot be shown."
_KINDS_OF_AREA = {"icb": "{} integrated care board", "nhs_region": "{} (NHS region)"}


def state_trend(teller: Teller) -> None:
    """One figure through time."""
    watched, statement = teller.statement.watched, teller.statement
    cell = (watched.kpi_id, watched.topics[0], watched.item)
    told = teller.told(cell)
    if not told:
        teller.say_unavailable([cell])
        return
    latest = told[max(told)]
    teller.head(latest, "")
    statement.period = latest.period.words
    statement.made = teller.made(latest, cell)
    basis = LOCAL if teller.own(cell, LOCAL).get(latest.period) is latest else PUBLISHED
    series = teller.own(cell, basis)
    short = _tell_change(teller, latest, series)
    statement.trend = statement.trend or short
    beside = _tell_beside(teller, latest, cell, basis)
    teller.tell_target(latest)
    teller.tell_notes([latest])
    _draw(teller, cell)
    statement.glance = [teller.shown(latest), latest.period.short, short, beside, teller.target_short(latest)]


def _tell_change(teller: Teller, latest: Value, series: dict[Period, Value]) -> str:
    """Sentences on the period before and the year before; gives the first in short."""
    step, change = step_of(series), teller.statement.change
    before = latest.period.back(step)
    if latest.number is None:
        return ""
    if latest.break_note:
        change.append(f"Not compared with the period before: {latest.break_note}")
        return "series breaks"
    earlier = series.get(before)
    short = ""
    if is_other_year(latest, before):
        change.append("The quarter before was forecast for another financial year, so the two are not compared.")
    elif earlier is None:
        change.append(f"There is no figure for {before.words} to compare with.")
    elif earlier.number is None:
        change.append(f"The figure for {before.words} is {teller.shown(earlier)}.")
    else:
        is_judged = latest.is_covered_like(earlier)
        sentence, short = teller.difference(latest.number, earlier.number, is_judged=is_judged)
        if teller.is_below(latest) and teller.is_below(earlier):
            # As the figure in large type: the size of what lies below nought, which grows as the number falls.
            sentence, teller.statement.trend = (_turned(text) for text in (sentence, short))
        change.append(f"{sentence} {teller.worded(earlier, beside=latest)} in {before.words}.")
    if latest.period.kind.parts > step:
        ago = latest.period.year_before
        value = series.get(ago)
        broken = any(period.number > ago.number and item.break_note for period, item in series.items())
        if value is not None and not broken:
            change.append(f"A year before, in {ago.words}, it was {teller.worded(value, beside=latest)}.")
    return short


def _turned(text: str) -> str:
    """A change in words, the other way round."""
    ways = {"Up": "Down", "Down": "Up", "up": "down", "down": "up"}
    way, space, rest = text.partition(" ")
    return f"{ways.get(way, way)}{space}{rest}"


def _tell_beside(teller: Teller, latest: Value, cell: Cell, basis: str) -> str:
    """Sentences and table on other areas, at the latest period they are known of; gives it in short."""
    statement, unit = teller.statement, teller.kpi.unit
    other = PUBLISHED if basis == LOCAL else LOCAL
    own = [
        value
        for values in (teller.own(cell, basis), teller.own(cell, other))
        for value in values.values()
        if value.number is not None and any(area.number is not None for area in teller.areas(value))
    ]
    if not own:
        is_england = any(value.number is not None for value in teller.own(cell, ENGLAND).values())
        statement.beside.append(_ENGLAND_ALONE if is_england else NO_OTHERS)
        return ""
    if unit not in words.RATES:
        statement.beside.append(OTHER_SIZE)
        return ""
    value = max(own, key=lambda one: one.period)  # the first of equals: the basis of the latest figure
    areas = teller.areas(value)
    wider = [area for area in areas if area.kind != "statistical_neighbour"]
    similar = [area for area in areas if area.kind == "statistical_neighbour"]
    when = "" if value.period == latest.period else ", the latest with figures of other areas"
    told = [f"{_area(area)} {_beside_number(teller, area)}" for area in wider]
    statement.beside.append(
        f"In {value.period.words}{when}: {words.listed([f'{teller.figures.authority} {teller.shown(value)}', *told])}."
    )
    short = [f"{_area(area)} {_beside_number(teller, area)}" for area in wider[:1]]
    ranked = next(((area.rank, area.ranked) for area in similar if area.rank and area.ranked), None)
    if ranked and ranked[1] > 1:
        rank = words.rank(*ranked, teller.kpi.polarity)
        statement.beside.append(f"{teller.figures.authority} is {rank}.")
        short.append(rank.removesuffix(", itself included"))
    if similar:
        rows = [[Text(_area(area)), Text(_beside_number(teller, area))] for area in similar]
        statement.compared = value
        statement.areas = Table(f"Similar councils, {value.period.short}", ["Council", "Figure"], rows)
    return "; ".join([f"{value.period.short}: {short[0]}", *short[1:]]) if short else ""


def _beside_number(teller: Teller, area: Beside) -> str:
    """Its figure."""
    return words.marked(area.number, teller.kpi.unit, symbol=area.symbol, label=None)


def _draw(teller: Teller, cell: Cell) -> None:
    """Chart, notes on it, and table."""
    statement, unit = teller.statement, teller.kpi.unit
    local, published = teller.own(cell, LOCAL), teller.own(cell, PUBLISHED)
    own_periods = sorted(local.keys() | published.keys())
    step = step_of(own_periods)
    periods = own_periods[0].through(own_periods[-1], step)
    england = {period: value for period, value in teller.own(cell, ENGLAND).items() if period in set(periods)}
    series = [
        (f"{teller.figures.authority} (own returns)", local, pictures.OWN),
        (f"{teller.figures.authority} (published)", published, pictures.SECOND),
        ("England (published)", england if unit in words.RATES else {}, pictures.ENGLAND),
    ]
    statement.table = _period_table(teller, periods, {name: values for name, values, _ in series if values})
    lines = [
        line for name, values, style in series if (line := pictures.Line(name, joined(values, step), style)).points
    ]
    if len(periods) < 2 or not lines:
        statement.chart_notes.append("There are too few figures for a chart.")
        return
    own = [*local.values(), *published.values()]
    breaks = sorted({value.period for value in own if value.break_note} - {periods[0]})
    withheld = sorted({value.period for value in own if value.symbol == "c"})
    bands, ringed = _control(teller, cell, local)
    numbers = [number for line in lines for _, number, _ in line.points]
    from_nought = not bands and begins_at_nought(numbers)
    title = teller.axis_title(max(abs(number) for number in numbers))
    draw = partial(
        pictures.trend,
        [period.short for period in periods],
        lines,
        unit=unit,
        title=title,
        breaks=[period.short for period in breaks],
        withheld=[period.short for period in withheld],
        bands=bands,
        ringed=ringed,
        from_nought=from_nought,
    )
    alt = [f"Line chart: {in_sentence(title)}, {periods[0].short} to {periods[-1].short}."]
    alt += [_ends(line, unit) for line in lines]
    if bands:
        alt.append(f"Mean {words.amount(bands[-1].mean, unit)}, limits {_limits(bands[-1], unit)}.")
    statement.chart = teller.chart(draw, " ".join(alt))
    notes = statement.chart_notes
    if missing := [period.short for period in periods if period not in set(own_periods)]:
        notes.append(f"No figure is held for {words.listed(missing)}: the line has a gap.")
    for period in breaks:
        told = sorted({value.break_note for value in own if value.period == period and value.break_note})
        notes += [f"The series breaks before {period.short}. {note}" for note in told]
    if withheld:
        notes.append(
            f"[c] marks {len(withheld)} period{'' if len(withheld) == 1 else 's'} whose figure is withheld, so that no child can be"
            " found or worked out."
        )
    if any(is_other_year(value, value.period.back(step)) for value in own):
        notes.append(
            "Each figure is a forecast for the whole of its financial year, so the line begins anew every year."
        )
    if not from_nought:
        notes.append("The upright axis does not begin at nought.")


def begins_at_nought(numbers: list[Decimal]) -> bool:
    """Whether the upright axis begins at nought: unless all figures lie in its upper half, and differ enough to be worth a closer look."""
    low, high = min(numbers), max(numbers)
    return low <= high / 2 or high - low < high * _WORTH_A_LOOK


def joined(values: dict[Period, Value], step: int) -> list[tuple[str, Decimal, int]]:
    """Points of a line: a segment ends where a period is missing or has no number, where the series breaks, and where a forecast
    is of another year."""
    points: list[tuple[str, Decimal, int]] = []
    segment, last = 0, None
    for period, value in sorted(values.items()):
        if value.number is None:
            continue
        if last is not None and (period.back(step) != last or value.break_note or is_other_year(value, last)):
            segment += 1
        points.append((period.short, value.number, segment))
        last = period
    return points


def _ends(line: pictures.Line, unit: str) -> str:
    """Where a line begins and ends."""
    (first, start, _), (last, end, _) = line.points[0], line.points[-1]
    return f"{line.name}: {words.amount(start, unit)} in {first}, {words.amount(end, unit)} in {last}."


def _control(
    teller: Teller, cell: Cell, local: dict[Period, Value]
) -> tuple[list[pictures.Band], list[tuple[str, Decimal]]]:
    """Mean and limits of months, the months outside them, and sentences on them; nothing of other kinds of period."""
    notes = teller.statement.chart_notes
    limits = {period: limit for (of, period), limit in teller.figures.limits.items() if of == cell}
    if teller.statement.watched.periods is not Kind.month or not limits or not local:
        return [], []
    latest = limits.get(max(local))
    if any(period not in local for period in limits):
        notes.append("Limits of usual variation are drawn in a pack of all months alone: they rest on every month.")
        return [], []
    if latest is None or latest.mean is None or latest.points < FEWEST_POINTS:
        reason = _NO_LIMITS.get((latest.reason if latest else None) or "too_few_points", "the months do not allow it")
        notes.append(f"Limits of usual variation are not drawn: {reason}.")
        return [], []
    bands, segment, means = [], 0, None
    for period, limit in sorted(limits.items()):
        if limit.mean is None or limit.lower is None or limit.upper is None or limit.points < FEWEST_POINTS:
            continue
        segment += means not in (None, (limit.mean, limit.lower, limit.upper))
        means = (limit.mean, limit.lower, limit.upper)
        bands.append(pictures.Band(period.short, limit.mean, limit.lower, limit.upper, segment))
    ringed = [
        (period.short, number)
        for period, limit in sorted(limits.items())
        if limit.is_beyond and (number := local[period].number) is not None
    ]
    notes += _signals(teller, limits, local)
    if ringed:
        notes.append(f"Ringed: {len(ringed)} of {latest.points} months outside the limits.")
    return bands, ringed


def _signals(teller: Teller, limits: dict[Period, Limit], local: dict[Period, Value]) -> list[str]:
    """What the control chart marks: of the latest month first, then the stretches of months before it."""
    latest = limits[max(local)]
    number = local[latest.period].number
    if latest.mean is None or number is None:
        return ["The latest month has no figure to be judged."]
    within = _limits(latest, teller.kpi.unit)
    judged = words.verdict(number, latest.mean, teller.kpi.polarity, by_size=teller.kpi.is_judged_by_size)
    so = f", which is {judged} than usual" if judged else ""
    months = [(limit, value) for period, limit in sorted(limits.items()) if (value := local[period].number) is not None]
    stretches = sorted([*_runs(months), *_trends(months)], key=lambda one: one.first)
    told = []
    if latest.is_beyond:
        side = _side(latest, number)
        told.append(f"The latest month lies {side} the limits of usual month-to-month variation ({within}){so}.")
    for one in stretches:
        if one.last == latest.period:
            also = (
                "also more than month-to-month variation"
                if told
                else f"more than month-to-month variation (limits {within})"
            )
            judged_by_mean = so if one.is_run and not latest.is_beyond else ""
            told.append(f"The latest {one.months} months {one.how}{judged_by_mean}: {also}.")
    if not told:
        told.append(f"The latest month lies within the limits of usual month-to-month variation ({within}).")
    earlier = [
        f"the {one.months} months from {one.first.short} to {one.last.short} {one.how}"
        for one in stretches
        if one.last != latest.period
    ]
    if earlier:
        told.append(f"Earlier, too, there was more than month-to-month variation: {words.listed(earlier)}.")
    return told


@dataclass(frozen=True)
class _Stretch:
    """Months in a row that a control chart marks; `how` is what they do, after their number."""

    first: Period
    last: Period
    months: int
    how: str
    is_run: bool


def _runs(months: list[tuple[Limit, Decimal]]) -> list[_Stretch]:
    """Stretches of months marked as a run on one side of the mean; a new mean begins a new one."""
    found = []
    for (is_in_run, side, _), group in groupby(months, lambda one: (one[0].is_in_run, _side(*one), one[0].mean)):
        if is_in_run:
            run = [limit for limit, _ in group]
            found.append(_Stretch(run[0].period, run[-1].period, len(run), f"all lie {side} the mean", is_run=True))
    return found


def _trends(months: list[tuple[Limit, Decimal]]) -> list[_Stretch]:
    """Stretches of months marked as rising, or falling. A step between two of them belongs to neither, nor do equal months."""

    def way(step: tuple[tuple[Limit, Decimal], tuple[Limit, Decimal]]) -> tuple[bool, str]:
        (before, earlier), (now, later) = step
        is_in_trend = before.is_in_trend and now.is_in_trend and before.mean == now.mean
        return is_in_trend and later != earlier, "rise" if later > earlier else "fall"

    found = []
    for (is_in_trend, moves), group in groupby(pairwise(months), way):
        steps = list(group)
        if is_in_trend and len(steps) > 1:
            first, last = steps[0][0][0].period, steps[-1][1][0].period
            found.append(_Stretch(first, last, len(steps) + 1, f"{moves} one after the other", is_run=False))
    return found


def _side(limit: Limit, number: Decimal) -> str:
    return "" if limit.mean is None else "above" if number > limit.mean else "below"


def _period_table(teller: Teller, periods: list[Period], named: dict[str, dict[Period, Value]]) -> Table:
    """Figures by period, as the chart runs: a row a series and a column a year, or a row a year and a column a part of it."""
    parts = teller.statement.watched.periods.parts
    if parts == step_of(periods):
        rows = [
            [Text(name), *(teller.cell(values.get(period)) for period in periods)] for name, values in named.items()
        ]
        heading = teller.statement.watched.periods.capitalize()
        return Table("The figures behind the chart", [heading, *(period.short for period in periods)], rows)
    years = sorted({period.year for period in periods}, reverse=True)
    columns = [Period(periods[0].kind, part).part_words for part in range(parts)]
    rows = []
    for name, values in named.items():
        for year in years:
            of_year = [Period(periods[0].kind, year * parts + part) for part in range(parts)]
            if any(period in values for period in of_year):
                head = of_year[0].year_words + ("" if len(named) == 1 else f", {name}")
                rows.append([Text(head), *(teller.cell(values.get(period)) for period in of_year)])
    first = "Financial year" if periods[0].kind is Kind.quarter else "Year"
    return Table("The figures behind the chart", [first, *columns], rows)


def _area(area: Beside) -> str:
    return _KINDS_OF_AREA.get(area.kind, "{}").format(words.proper(area.name))


def _limits(of: Limit | pictures.Band, unit: str) -> str:
    assert of.lower is not None
    assert of.upper is not None
    return f"{words.amount(of.lower, unit)} to {words.amount(of.upper, unit)}"
