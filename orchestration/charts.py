"""Pictures for pages: SVG from Vega-Lite, with words for who cannot see it, and the table behind."""

import json
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Chart:
    """A picture. `rows` are the table behind it, texts under `columns`; `svg` stands alone."""

    name: str
    title: str
    alt: str
    columns: list[str]
    rows: list[list[str]]
    svg: str = field(repr=False)

    @property
    def inline(self) -> str:
        """The SVG as a part of a page: without namespaces, which HTML knows, with ids that no other chart has, and without what
        only makes it longer. The words for who cannot see it are `alt`, not those of each mark."""
        text = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", self.svg)
        text = re.sub(r'\bid="([^"]+)"', rf'id="{self.name}-\1"', text)
        text = re.sub(r"url\(#([^)]+)\)", rf"url(#{self.name}-\1)", text)
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
