"""Pictures of how rows are linked by likeness: SVG from Vega-Lite, with words for who cannot see it, and the table behind."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.charts import Chart, svg_of

WITHHELD = "c"
_COLOURS = ["#1d4f91", "#d17f00", "#00703c", "#8e2c48", "#6f777b", "#28a197", "#801650", "#b8a900", "#3d3d3d"]
_HEIGHT = 260
_POWERS = {"values": [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000], "format": ",d"}
_BELOW, _EVEN, _ABOVE = "#b35806", "#bbbbbb", "#1d4f91"


def match_weight_chart(model: dict[str, Any]) -> Chart:
    """What agreement or difference in each item counts for, in powers of two. `model`: Splink's settings, trained."""
    from splink.internals.settings_creator import SettingsCreator

    trained: Any = SettingsCreator.from_path_or_dict(model).get_settings("duckdb")
    drawn = trained.match_weights_chart()
    spec = drawn.chart_dict
    spec["title"] = {"text": "What each agreement or difference counts for", "anchor": "middle"}
    for part in spec["vconcat"]:
        part["encoding"]["color"]["scale"]["range"] = [_BELOW, _EVEN, _ABOVE]
    rows = [
        [str(one.comparison_name), str(one.label_for_charts), f"{one.log2_bayes_factor:.1f}"]
        for one in drawn.chart_data
        if one.log2_bayes_factor is not None
    ]
    alt = (
        f"Bars of the match weight of each of {len(rows)} levels of comparison: right of the middle speaks for one child, left"
        " against."
    )
    return Chart(
        "match_weights",
        "What counts for one child and what against",
        alt,
        ["Item", "How alike", "Match weight"],
        rows,
        svg_of(spec),
    )


def weight_histogram(counts: Sequence[tuple[int, str, int | None]], limits: Mapping[str, float]) -> Chart:
    """Scored pairs by match weight and outcome. `counts`: whole weight, outcome, pairs (None: too few to be shown); `limits`: what
    begins at a weight. Pairs are drawn on a scale of powers of ten, so that few are seen beside many."""
    counts = [(weight, outcome.replace("_", " "), pairs) for weight, outcome, pairs in counts]
    outcomes = sorted({outcome for _, outcome, _ in counts})
    values = [
        {"weight": weight + (place + 0.5) / len(outcomes), "outcome": outcome, "pairs": pairs}
        for weight, of, pairs in counts
        for place, outcome in enumerate(outcomes)
        if of == outcome and pairs is not None
    ]
    spec = {
        "width": 640,
        "height": _HEIGHT,
        "title": "Scored pairs by match weight",
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "bar", "width": max(3, 16 // len(outcomes))},
                "encoding": {
                    "x": {"field": "weight", "type": "quantitative", "title": "Match weight"},
                    "y": {
                        "field": "pairs",
                        "type": "quantitative",
                        "title": "Pairs",
                        "scale": {"type": "symlog"},
                        "axis": _POWERS,
                    },
                    "color": _coloured("outcome", outcomes, "Outcome"),
                },
            },
            *_lines(limits, at_bottom=False),
        ],
    }
    rows = [[str(weight), outcome, WITHHELD if pairs is None else f"{pairs:,}"] for weight, outcome, pairs in counts]
    alt = f"Bars: how many scored pairs have each match weight, by what became of them: {', '.join(outcomes)}. {_told(limits)}"
    return Chart(
        "weights", "Scored pairs by match weight", alt, ["Match weight from", "Outcome", "Pairs"], rows, svg_of(spec)
    )


def threshold_chart(points: Sequence[tuple[int, int, int, int]], limits: Mapping[str, float]) -> Chart:
    """Precision and recall of joining all pairs from a weight on. `points`: (weight, pairs, right pairs, all right pairs); `limits`:
    what begins at a weight."""
    values, rows = [], []
    for weight, pairs, right, whole in points:
        shares = {"precision": right / pairs, "recall": right / whole if whole else None}
        values += [
            {"weight": weight, "measure": measure, "value": value}
            for measure, value in shares.items()
            if value is not None
        ]
        shown = ["" if value is None else f"{value:.4f}" for value in shares.values()]
        rows.append([str(weight), f"{pairs:,}", f"{right:,}", *shown])
    spec = {
        "width": 640,
        "height": _HEIGHT,
        "title": "Joining all pairs from a match weight on",
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "line", "point": {"size": 25}},
                "encoding": {
                    "x": {
                        "field": "weight",
                        "type": "quantitative",
                        "title": "Match weight from which pairs are joined",
                    },
                    "y": {"field": "value", "type": "quantitative", "title": "Share", "scale": {"domain": [0, 1]}},
                    "color": _coloured("measure", ["precision", "recall"], None),
                    "strokeDash": {"field": "measure", "type": "nominal", "legend": None},
                },
            },
            *_lines(limits, at_bottom=True),
        ],
    }
    alt = (
        "Lines: precision and recall among the scored pairs that the weight decides, for every threshold; precision rises with it and"
        f" recall falls. {_told(limits)}"
    )
    columns = ["Match weight from", "Pairs", "Right", "Precision", "Recall of right pairs scored"]
    return Chart("thresholds", "What each threshold would give", alt, columns, rows, svg_of(spec))


def _coloured(column: str, names: list[str], title: str | None) -> dict[str, Any]:
    return {
        "field": column,
        "type": "nominal",
        "title": title,
        "scale": {"domain": names, "range": _COLOURS[: len(names)]},
    }


def _lines(limits: Mapping[str, float], *, at_bottom: bool) -> list[dict[str, Any]]:
    """A line at each limit, with what begins there."""
    if not limits:
        return []
    data = {"values": [{"at": at, "name": f"{name} {at:g}"} for name, at in limits.items()]}
    x = {"field": "at", "type": "quantitative"}
    return [
        {"data": data, "mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": x}},
        {
            "data": data,
            "mark": {"type": "text", "align": "left", "dx": 4, "y": _HEIGHT - 10 if at_bottom else 10},
            "encoding": {"x": x, "text": {"field": "name", "type": "nominal"}},
        },
    ]


def _told(limits: Mapping[str, float]) -> str:
    return " ".join(f"Pairs are {name} a weight of {at:g}." for name, at in limits.items())
