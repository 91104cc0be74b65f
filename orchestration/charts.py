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
        """The SVG as a part of a page: without namespaces, which HTML knows, and with ids that no other chart has."""
        text = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", self.svg)
        text = re.sub(r'\bid="([^"]+)"', rf'id="{self.name}-\1"', text)
        return re.sub(r"url\(#([^)]+)\)", rf"url(#{self.name}-\1)", text)


def svg_of(spec: dict[str, Any]) -> str:
    """Draw a Vega-Lite specification; it may read nothing from anywhere."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[]))
