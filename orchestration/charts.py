"""Pictures for pages: SVG from Vega-Lite, with words for who cannot see it, and the table behind."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Chart:
    """A picture. `rows` are the table behind it, texts under `columns`; `svg` stands alone. `narrow` draws it anew for a telephone,
    in whose width its words would be too small to read; None where that has not been provided for."""

    name: str
    title: str
    alt: str
    columns: list[str]
    rows: list[list[str]]
    svg: str = field(repr=False)
    narrow: Callable[[], str] | None = field(default=None, repr=False)

    @property
    def inline(self) -> str:
        """The SVG as a part of a page. The words for who cannot see it are `alt`, not those of each mark."""
        return _part_of_page(self.svg, self.name)

    @property
    def inline_narrow(self) -> str:
        """The same for a narrow screen; empty where there is none. A style sheet has to show one of the two."""
        return _part_of_page(self.narrow(), f"{self.name}-narrow") if self.narrow else ""


def _part_of_page(svg: str, name: str) -> str:
    """Without namespaces, which HTML knows, with ids that no other chart has, and without what only makes it longer."""
    text = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", svg)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = _EMPTY.sub("", _NEEDLESS.sub("", text))
    text = _PLACED.sub(lambda found: _LONG.sub(_shorter, found[0]), text)
    fonts = _FONT.findall(text)
    if len(set(fonts)) == 1:  # once for all
        text = _FONT.sub("", text).replace("<svg ", f'<svg font-family="{fonts[0]}" ', 1)
    return text


# Of marks: descriptions, and what is so anyway. Of groups: paths that draw nothing.
_NEEDLESS = re.compile(r' (?:aria-[a-z]+|role|pointer-events)="[^"]*"| opacity="1"')
_EMPTY = re.compile(r'<path class="(?:foreground|background)" d="[^"]*"(?: display="none")?/>')
# A tenth of a pixel is more than anybody sees.
_PLACED = re.compile(r' (?:d|transform|x|y|x1|y1|x2|y2|width|height)="[^"]*"')
_LONG = re.compile(r"\d+\.\d{2,}")
_FONT = re.compile(r' font-family="([^"]*)"')


def _shorter(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")


def svg_of(spec: dict[str, Any]) -> str:
    """Draw a Vega-Lite specification; it may read nothing from anywhere."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[]))
