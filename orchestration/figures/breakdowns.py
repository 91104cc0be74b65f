"""A figure by the items of a breakdown: side by side at the latest period, or as forecasts by year ahead."""

from decimal import Decimal
from functools import partial

from orchestration.figures import pictures, words
from orchestration.figures.periods import Period
from orchestration.figures.released import ENGLAND, Cell, Value
from orchestration.figures.teller import NO_OTHERS, OTHER_SIZE, Table, Teller, Text, in_sentence, is_other_year

_TOLD = 3  # items whose change is told in words
_MANY = 8  # items from which the bars of the period before are left to the table

Column = dict[str, Value]
"""One value an item."""


def state_parts(teller: Teller) -> None:
    """Every item of a breakdown at the latest period, beside the period before and England."""
    statement, watched = teller.statement, teller.statement.watched
    [topic] = watched.topics
    cells = {item: (watched.kpi_id, topic, item) for item in teller.figures.items(watched.kpi_id, topic)}
    told = {item: teller.told(cell) for item, cell in cells.items()}
    periods = {period for values in told.values() for period in values}
    if not periods:
        teller.say_unavailable(list(cells.values()))
        return
    latest = max(periods)
    now, before = _at(told, latest), _at(told, latest.before)
    if any(is_other_year(value, latest.before) for value in now.values()):
        before = {}
    england, compared = _england(teller, cells, latest)
    # By what is shown: items without a number stand last, so that their order tells nothing.
    items = sorted(
        now.keys() | before.keys() | england.keys(),
        key=lambda item: (item not in now or now[item].number is None, -_number(now.get(item)), item),
    )
    authority = teller.figures.authority
    series = [
        (f"{authority}, {latest.short}", now, pictures.OWN),
        (f"{authority}, {latest.before.short}", before, pictures.SECOND),
        (f"England, {compared.short if compared else ''}", england, pictures.ENGLAND),
    ]
    series = [one for one in series if one[1]]
    statement.period = latest.words
    rows = [[Text(item), *(teller.cell(values.get(item)) for _, values, _ in series)] for item in items]
    statement.table = Table("The figures behind the chart", [topic, *(name for name, _, _ in series)], rows)
    shown = [item for item in items if item in now and now[item].number is not None]
    # The item that a reader must know of: where higher is better, the lowest.
    is_lowest = teller.kpi.polarity == "higher" and not teller.kpi.is_judged_by_size
    most = shown[-1 if is_lowest else 0] if shown else items[0]
    among = f"the {len(shown)} that have a figure" if len(shown) < len(now) else str(len(shown))
    teller.head(now.get(most), f": {most} (the {'lowest' if is_lowest else 'highest'} of {among})" if shown else "")
    if shown:
        statement.made = teller.made(now[most], cells[most])
    for item in (shown[::-1] if is_lowest else shown)[:_TOLD]:
        short = _tell_change(teller, item, now[item], before.get(item))
        statement.trend = short if item == most else statement.trend
    if compared is not None and compared != latest:
        statement.beside.append(f"England's figures are of {compared.words}, the latest published.")
    teller.tell_target(now.get(most))
    teller.tell_notes(list(now.values()))
    latest_words = teller.shown(now.get(most))
    statement.glance = [f"{most}: {latest_words}" if shown else latest_words, latest.short, "see the figure", "", ""]
    _draw_parts(teller, items, series if len(items) <= _MANY else [one for one in series if one[2] != pictures.SECOND])


def state_scenarios(teller: Teller) -> None:
    """Forecasts by year ahead, a line a breakdown topic; the year that is furthest ahead stands in large type."""
    statement, watched = teller.statement, teller.statement.watched
    cells = {
        topic: {item: (watched.kpi_id, topic, item) for item in teller.figures.items(watched.kpi_id, topic)}
        for topic in watched.topics
    }
    told = {topic: {item: teller.told(cell) for item, cell in of.items()} for topic, of in cells.items()}
    periods = {period for of in told.values() for values in of.values() for period in values}
    if not periods:
        teller.say_unavailable([cell for of in cells.values() for cell in of.values()])
        return
    latest = max(periods)
    series = [(topic, _condition(topic), _at(of, latest)) for topic, of in told.items()]
    series = [one for one in series if one[2]]
    items = sorted({item for _, _, values in series for item in values})
    last, (topic, condition, values) = items[-1], series[0]
    value = values.get(last)
    statement.period = f"forecast as it stood in {latest.words}"
    teller.head(value, f" by {last}, {in_sentence(condition)}")
    others = [f"{name}: {teller.shown(of[max(of)])} by {max(of)}." for _, name, of in series[1:]]
    statement.change += others
    if value is not None:
        statement.made = teller.made(value, cells[topic][last])
        statement.trend = _tell_change(teller, "", value, told[topic][last].get(latest.before))
        teller.tell_target(value)
    teller.tell_notes([value for _, _, values in series for value in values.values()])
    statement.beside.append(NO_OTHERS)
    rows = [[Text(item), *(teller.cell(values.get(item)) for _, _, values in series)] for item in items]
    statement.table = Table("The figures behind the chart", ["Academic year", *(name for _, name, _ in series)], rows)
    in_short = f"{teller.shown(value)} by {last}"
    statement.glance = [in_short, latest.short, " ".join(others).rstrip("."), "", teller.kpi.target or ""]
    looks = (pictures.OWN, pictures.SECOND, pictures.ENGLAND)
    lines = [_line(name, items, values, look) for (_, name, values), look in zip(series, looks, strict=False)]
    if not (numbers := _numbers(lines)):
        statement.chart_notes.append("No figure can be drawn.")
        return
    title = teller.axis_title(max(map(abs, numbers)))
    alt = [f"Line chart: {in_sentence(title)}, {items[0]} to {last}."]
    ends = [(line.name, line.points[-1]) for line in lines if line.points]
    alt += [f"{name}: {words.amount(end, teller.kpi.unit)} in {at}." for name, (at, end, _) in ends]
    statement.chart = teller.chart(
        partial(pictures.trend, items, lines, unit=teller.kpi.unit, title=title), " ".join(alt)
    )


def _england(teller: Teller, cells: dict[str, Cell], latest: Period) -> tuple[Column, Period | None]:
    """England's figures by item, of the latest period that has any; says so where there are none."""
    values = {item: teller.own(cell, ENGLAND) for item, cell in cells.items()}
    compared = max((period for of in values.values() for period in of if period <= latest), default=None)
    if compared is None:
        # A difference from England's figure has none of England's beside it.
        if teller.kpi.unit != "percentage_points":
            teller.statement.beside.append("No figure of England's is held.")
    elif teller.kpi.unit not in words.RATES:
        teller.statement.beside.append(OTHER_SIZE)
        compared = None
    return ({}, None) if compared is None else (_at(values, compared), compared)


def _tell_change(teller: Teller, item: str, now: Value, before: Value | None) -> str:
    """How an item's value changed, where both are shown and no break lies between; gives it in short."""
    if now.number is None or before is None or before.number is None or now.break_note:
        return ""
    sentence, short = teller.difference(now.number, before.number, is_judged=now.is_covered_like(before))
    told = f"{sentence} {teller.shown(before)} in {before.period.words}."
    teller.statement.change.append(f"{item}: {in_sentence(told)}" if item else told)
    return short


def _draw_parts(teller: Teller, items: list[str], series: list[tuple[str, Column, int]]) -> None:
    statement, unit = teller.statement, teller.kpi.unit
    lines = [_line(name, items, values, look) for name, values, look in series]
    if not (numbers := _numbers(lines)):
        statement.chart_notes.append("No figure can be drawn.")
        return
    withheld = [(item, name) for name, values, _ in series for item in values if values[item].symbol == "c"]
    title = teller.axis_title(max(map(abs, numbers)))
    draw = partial(pictures.bars, items, lines, unit=unit, title=title, withheld=withheld)
    alt = [f"Bar chart: {in_sentence(title)}, by {statement.watched.topics[0].lower()}:"]
    alt.append(f"{words.listed([line.name for line in lines])}.")
    first = lines[0].points
    if first:
        (highest, most, _), (lowest, least, _) = first[0], first[-1]
        alt.append(f"Highest: {highest}, {words.amount(most, unit)}; lowest: {lowest}, {words.amount(least, unit)}.")
    if withheld:
        statement.chart_notes.append(
            "[c] marks a figure that is withheld, so that no child can be found or worked out."
        )
    statement.chart = teller.chart(draw, " ".join(alt))


def _line(name: str, items: list[str], values: Column, look: int) -> pictures.Line:
    points = [(item, number, 0) for item in items if item in values and (number := values[item].number) is not None]
    return pictures.Line(name, points, look)


def _numbers(lines: list[pictures.Line]) -> list[Decimal]:
    return [number for line in lines for _, number, _ in line.points]


def _at(told: dict[str, dict[Period, Value]], period: Period) -> Column:
    return {item: values[period] for item, values in told.items() if period in values}


def _number(value: Value | None) -> Decimal:
    return value.number if value is not None and value.number is not None else Decimal(0)


def _condition(topic: str) -> str:
    """The condition of a scenario's topic: Academic year, if nothing changes."""
    condition = topic.partition(", ")[2] or topic
    return condition[0].upper() + condition[1:]
