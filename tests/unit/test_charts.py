"""Pictures inside a page."""

import re

from orchestration.charts import Chart, svg_of

SPEC = {
    "config": {"font": "Arial", "view": {"stroke": None}},
    "data": {"values": [{"place": "a 12.345", "number": 1.23456}, {"place": "b", "number": 2}]},
    "mark": {"type": "line", "clip": True},
    "encoding": {
        "x": {"field": "place", "type": "nominal"},
        "y": {"field": "number", "type": "quantitative"},
    },
}


def _chart(name: str) -> Chart:
    return Chart(name, "A title", "What is seen.", [], [], svg_of(SPEC))


def test_a_picture_inside_a_page_is_shorter_and_draws_the_same() -> None:
    chart = _chart("one")
    assert len(chart.inline) < 0.8 * len(chart.svg)
    assert "aria-" not in chart.inline
    assert "xmlns" not in chart.inline
    assert chart.inline.count("font-family") == 1
    [told], [drawn] = (
        re.findall(r'<path [^>]*d="(M[^"]*)"[^>]*stroke="#4c78a8"', text) for text in (chart.svg, chart.inline)
    )
    exact, shown = ([float(one) for one in re.findall(r"[0-9.]+", path)] for path in (told, drawn))
    assert len(exact) == len(shown) == 4
    assert all(abs(one - other) <= 0.05 for one, other in zip(exact, shown, strict=True))


def test_what_a_label_says_is_never_rounded() -> None:
    assert ">a 12.345</text>" in _chart("one").inline


def test_two_pictures_of_a_page_share_no_id() -> None:
    pages = [_chart(name).inline for name in ("one", "two")]
    ids = [set(re.findall(r'\bid="([^"]*)"', page)) for page in pages]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert [set(re.findall(r"url\(#([^)]*)\)", page)) for page in pages] == ids
