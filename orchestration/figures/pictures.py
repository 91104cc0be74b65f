"""Charts of figures, by the colours and habits of the Government Analysis Function: no more than four series, told apart by shape
and dash as well as colour; gaps where a period is missing, a mark where a series breaks, [c] where a figure is withheld."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from textwrap import wrap
from typing import Any

from orchestration.charts import svg_of

_DARK_BLUE, _TURQUOISE, _DARK_PINK, _ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
OWN, SECOND, ENGLAND = range(3)
"""How a series is drawn: the authority's own figures, a second series of its own, or England's."""
_COLOURS = [_DARK_BLUE, _TURQUOISE, _DARK_PINK]
_DASHES = [[1, 0], [6, 3], [2, 2]]
_SHAPES = ["circle", "square", "diamond"]
_GREY, _INK = "#6f777b", "#0b0c0c"
_BAR = 9
_ROOM_FOR_OTHER_FONTS = 26  # where no Arial is, words are drawn wider than they were measured
_NAME_ABOVE = 24  # from the bars of one item to those of the next, where a name stands between


@dataclass(frozen=True)
class Size:
    """How large a chart is. `room_for_limits`: what the names of mean and limits take from the width; `labels`: places that have
    room for a label; `legend_columns`: entries beside each other, 0 for all; `is_labelled_above`: whether an item's name stands
    above its bars, because there is no room beside them; `title_letters`: how many of the title stand in one line."""

    width: int
    room_for_limits: int
    height: int
    bar_width: int
    labels: int
    ticks: int
    legend_columns: int
    is_labelled_above: bool
    title_letters: int


WIDE = Size(
    width=600,
    room_for_limits=0,
    height=230,
    bar_width=380,
    labels=12,
    ticks=6,
    legend_columns=0,
    is_labelled_above=False,
    title_letters=90,
)
NARROW = Size(
    width=262,
    room_for_limits=75,
    height=210,
    bar_width=300,
    labels=4,
    ticks=3,
    legend_columns=1,
    is_labelled_above=True,
    title_letters=40,
)
"""For a telephone: drawn in its width, so that letters keep their size."""
_CONFIG = {
    "font": "Arial, Helvetica, sans-serif",
    "axis": {"labelFontSize": 13, "labelColor": _INK, "titleColor": _INK, "gridColor": "#dcdcdc", "labelLimit": 300},
    "legend": {"labelFontSize": 13, "labelColor": _INK, "labelLimit": 400, "symbolSize": 90},
    "title": {"fontSize": 13, "fontWeight": "normal", "color": _INK, "anchor": "start", "offset": 8},
    "view": {"stroke": None},
    "text": {"fontSize": 12, "color": _INK},
}


@dataclass(frozen=True)
class Line:
    """One series of a chart. `points`: place on the axis, number and segment; points of one segment are joined. `style` is
    OWN, SECOND or ENGLAND, so that each looks the same in every chart."""

    name: str
    points: list[tuple[str, Decimal, int]]
    style: int


@dataclass(frozen=True)
class Band:
    """Mean and limits at one place on the axis; those of one segment are joined."""

    place: str
    mean: Decimal
    lower: Decimal
    upper: Decimal
    segment: int


def trend(
    places: Sequence[str],
    lines: Sequence[Line],
    *,
    unit: str,
    title: str,
    breaks: Sequence[str] = (),
    withheld: Sequence[str] = (),
    bands: Sequence[Band] = (),
    ringed: Sequence[tuple[str, Decimal]] = (),
    marked: Sequence[tuple[str, str]] = (),
    from_nought: bool = True,
    size: Size = WIDE,
) -> str:
    """Lines through time as SVG.

    Args:
        places: every place of the axis in order, those of missing periods included.
        lines: own figures first; at most three.
        unit: unit of the numbers.
        title: what the upright axis counts.
        breaks: places before which a series breaks.
        withheld: places where a figure is withheld.
        bands: mean and limits of a control chart.
        ringed: points outside the limits.
        marked: places at which something happened, each with a number or word of what.
        from_nought: whether the upright axis begins at nought.
        size: how large it is.
    """
    values = [
        {"place": place, "number": float(number), "series": line.name, "segment": f"{line.name} {segment}"}
        for line in lines
        for place, number, segment in line.points
    ]
    width = size.width - (size.room_for_limits if bands else 0)
    x = _places(places, size.labels)
    y = {
        "field": "number",
        "type": "quantitative",
        "title": None,
        "axis": _number_axis(unit, values, size.ticks),
        "scale": {"zero": from_nought},
    }
    series = {
        "color": _scale(lines, _COLOURS, size),
        "shape": _scale(lines, _SHAPES, size),
    }
    dash = _scale(lines, _DASHES, size)
    drawn = {"data": {"values": values}}
    layers: list[dict[str, Any]] = [
        {
            **drawn,
            "mark": {"type": "line", "strokeWidth": 2.5},
            "encoding": {"x": x, "y": y, "color": series["color"], "strokeDash": dash, "detail": {"field": "segment"}},
        },
        {
            **drawn,
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45},
            "encoding": {"x": x, "y": y, **series},
        },
    ]
    layers += _bands(bands, x, y)
    if ringed:
        layers.append(
            {
                "data": {"values": [{"place": place, "number": float(number)} for place, number in ringed]},
                "mark": {"type": "point", "filled": False, "stroke": _ORANGE, "strokeWidth": 2.5, "size": 190},
                "encoding": {"x": x, "y": y},
            }
        )
    if breaks:
        half = {"xOffset": -width / len(places) / 2}
        data = {"data": {"values": [{"place": place} for place in breaks]}}
        layers += [
            {**data, "mark": {"type": "rule", "strokeDash": [4, 3], "color": _INK, **half}, "encoding": {"x": x}},
            {
                **data,
                "mark": {"type": "text", "text": "series breaks", "align": "left", "dx": 4, "y": 8, **half},
                "encoding": {"x": x},
            },
        ]
    if marked:
        data = {"data": {"values": [{"place": place, "said": said} for place, said in marked]}}
        said = {"field": "said", "type": "nominal"}
        layers += [
            {**data, "mark": {"type": "rule", "strokeDash": [2, 3], "color": _DARK_PINK}, "encoding": {"x": x}},
            {
                **data,
                "mark": {"type": "text", "align": "left", "dx": 3, "y": 6, "color": _DARK_PINK},
                "encoding": {"x": x, "text": said},
            },
        ]
    if withheld:
        layers.append(
            {
                "data": {"values": [{"place": place} for place in withheld]},
                "mark": {"type": "text", "text": "[c]", "y": size.height - 8},
                "encoding": {"x": x},
            }
        )
    return svg_of(
        _spec(
            layers,
            title=wrap(title, size.title_letters),
            width=width,
            height=size.height,
            room_right=_ROOM_FOR_OTHER_FONTS if bands else 5,
        )
    )


def bars(
    items: Sequence[str],
    lines: Sequence[Line],
    *,
    unit: str,
    title: str,
    withheld: Sequence[tuple[str, str]] = (),
    size: Size = WIDE,
) -> str:
    """Lying bars, a group an item and a bar a series, as SVG.

    Args:
        items: items of the breakdown, from the top.
        lines: series by item; at most three.
        unit: unit of the numbers.
        title: what the bars count.
        withheld: item and series of figures that are withheld.
        size: how large it is.
    """
    names = [line.name for line in lines]
    values = [
        {"item": place, "number": float(number), "series": line.name}
        for line in lines
        for place, number, _ in line.points
    ]
    y: dict[str, Any] = {
        "field": "item",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(items)},
        "sort": None,
        "axis": {"ticks": False},
    }
    bars_of_an_item = _BAR * len(names)
    step = bars_of_an_item + 9
    if size.is_labelled_above:
        step = bars_of_an_item + _NAME_ABOVE
        # All the room that is not between items stands above the first.
        y["scale"] |= {"paddingInner": _NAME_ABOVE / step, "paddingOuter": _NAME_ABOVE / step / 2, "align": 1}
        y["axis"] |= {
            "domain": False, "labelAlign": "left", "labelBaseline": "bottom", "labelPadding": 0,
            "labelOffset": -bars_of_an_item / 2 - 2, "labelLimit": size.bar_width,
        }  # fmt: skip
    offset = {"field": "series", "type": "nominal", "scale": {"domain": names}, "sort": None}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": values},
            "mark": {"type": "bar"},
            "encoding": {
                "y": y,
                "yOffset": offset,
                "x": {
                    "field": "number",
                    "type": "quantitative",
                    "title": None,
                    "axis": _number_axis(unit, values, size.ticks),
                },
                "color": _scale(lines, _COLOURS, size),
            },
        }
    ]
    if withheld:
        layers.append(
            {
                "data": {"values": [{"item": item, "series": name, "number": 0} for item, name in withheld]},
                "mark": {"type": "text", "text": "[c]", "align": "left", "dx": 2, "fontSize": 11},
                "encoding": {"y": y, "yOffset": offset, "x": {"field": "number", "type": "quantitative"}},
            }
        )
    room = 5 if size.is_labelled_above else _ROOM_FOR_OTHER_FONTS
    return svg_of(
        _spec(
            layers,
            title=wrap(title, size.title_letters),
            width=size.bar_width,
            height=len(items) * step,
            room_left=room,
            room_right=room,
        )
    )


def _spec(
    layers: list[dict[str, Any]], *, title: list[str], width: int, height: int, room_left: int = 5, room_right: int = 5
) -> dict[str, Any]:
    padding = {"left": room_left, "top": 5, "right": room_right, "bottom": 5}
    return {"width": width, "height": height, "padding": padding, "title": title, "layer": layers, "config": _CONFIG}


def _places(places: Sequence[str], labels: int) -> dict[str, Any]:
    step = -(-len(places) // labels)
    axis: dict[str, Any] = {"labelAngle": 0, "labelOverlap": "parity", "labelSeparation": 8, "grid": False}
    if (
        step > 1
    ):  # labels up to the last place; to measure those that find no room takes as long as the rest of the chart
        axis["values"] = list(places[(len(places) - 1) % step :: step])
    return {
        "field": "place",
        "type": "ordinal",
        "title": None,
        "sort": None,
        "scale": {"type": "point", "domain": list(places), "padding": 0.5},
        "axis": axis,
    }


def _scale(lines: Sequence[Line], looks: Sequence[Any], size: Size) -> dict[str, Any]:
    return {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": [line.name for line in lines], "range": [looks[line.style] for line in lines]},
        "legend": {
            "orient": "top",
            "title": None,
            "direction": "horizontal",
            "offset": 4,
            "columns": size.legend_columns,
            "columnPadding": 24,
        },
    }


def _number_axis(unit: str, values: Sequence[dict[str, Any]], ticks: int) -> dict[str, Any]:
    largest = max((abs(value["number"]) for value in values), default=0.0)
    digits, ending = "format(abs(datum.value), ',~r')", ""
    if unit == "gbp" and largest >= 1_000_000:
        digits, ending = "'£' + format(abs(datum.value) / 1000000, ',~r')", "m"
    elif unit == "gbp":
        digits = "'£' + format(abs(datum.value), ',~r')"
    elif unit == "percent":
        ending = "%"
    return {"labelExpr": f"(datum.value < 0 ? '\u2212' : '') + {digits} + '{ending}'", "tickCount": ticks}


def _bands(bands: Sequence[Band], x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    """Mean and limits as thin grey lines, named at their end."""
    if not bands:
        return []
    values = [
        {"place": band.place, "number": float(number), "kind": kind, "segment": f"{kind} {band.segment}"}
        for band in bands
        for kind, number in (("mean", band.mean), ("lower limit", band.lower), ("upper limit", band.upper))
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [value for value in values if (value["kind"] == "mean") == is_mean]},
            "mark": {"type": "line", "color": _GREY, "strokeWidth": 1.5, "strokeDash": [1, 0] if is_mean else [5, 4]},
            "encoding": {"x": x, "y": y, "detail": {"field": "segment"}},
        }
        for is_mean in (True, False)
    ]
    ends = [value for value in values if value["place"] == bands[-1].place]
    named = {"type": "text", "align": "left", "dx": 8, "color": _INK}
    layers.append(
        {
            "data": {"values": ends},
            "mark": named,
            "encoding": {"x": x, "y": y, "text": {"field": "kind", "type": "nominal"}},
        }
    )
    return layers
