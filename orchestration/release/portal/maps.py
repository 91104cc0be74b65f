"""Maps: the boundaries a council supplies as GeoJSON, and counts of areas drawn on them."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.charts import svg_of
from orchestration.errors import CornerstoneError
from orchestration.release.manifest import BoundaryFile
from orchestration.settings import Settings

LEVELS = {"WD": "ward", "LSOA": "lsoa"}
"""Levels of area by the beginning of the property that ONS files hold their code in: `WD24CD`, `LSOA21CD`."""

LARGEST_FILE = 150_000_000
GRID = 1000
"""Steps across the longer side that corners are rounded to: finer than a screen can show."""
LABELLED = 60
WIDE_MAP, NARROW_MAP = 620, 325
"""Width of a map on a page, and on a telephone."""

_PROPERTY = re.compile(r"(WD|LSOA)\d{2}CD", re.IGNORECASE)
_CODE = re.compile(r"[EWSN]\d{8}")
# The sequential palette of the Government Analysis Function, the most in the darkest; the ink that can be read on each.
_COLOURS = ["#6BACE6", "#2073BC", "#12436D"]
_INKS = ["#0b0c0c", "#ffffff", "#ffffff"]
_GREY, _INK = "#d9d9d9", "#0b0c0c"
_HEIGHT_OF_WIDTH = 0.84
_WITHHELD = "[c] not shown"

Ring = list[tuple[int, int]]
Polygon = list[Ring]


class BoundariesUnusable(CornerstoneError):
    """One sentence on a boundary file: what is wrong, and what to do."""


@dataclass(frozen=True)
class Layer:
    """The areas of one level. `shapes` has polygons by code of the area, on one grid; `missing` are areas the file has not."""

    level: str
    file: str
    digest: str
    shapes: dict[str, list[Polygon]] = field(repr=False)
    missing: list[str]


def boundary_files(settings: Settings) -> list[Path]:
    """The boundary files a council supplied; where there are none, those of the invented borough, if the store has it."""
    for folder in (settings.boundaries_dir, settings.synthetic_dir / settings.boundaries_dir.name):
        found = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".geojson", ".json"))
        if found:
            return found
    return []


def boundary_inputs(settings: Settings) -> list[BoundaryFile]:
    """Each boundary file with its digest, by which a new one is noticed."""
    return [
        BoundaryFile(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in boundary_files(settings)
    ]


def read_layers(files: Sequence[Path], areas: Mapping[str, Sequence[str]]) -> tuple[dict[str, Layer], list[str]]:
    """Read boundary files.

    Args:
        files: GeoJSON files, each of one level.
        areas: codes of the authority's areas by level.

    Returns: the layers by level, and a sentence on each file that cannot be used.
    """
    layers: dict[str, Layer] = {}
    problems = []
    for path in files:
        try:
            layer = read_layer(path, areas)
            if layer.level in layers:
                raise _unusable(
                    path, f"{layers[layer.level].file} has boundaries of the same kind already; keep one of the two"
                )
            layers[layer.level] = layer
        except BoundariesUnusable as error:
            problems.append(str(error))
    return layers, problems


def read_layer(path: Path, areas: Mapping[str, Sequence[str]]) -> Layer:
    """Read the authority's areas from a file of ONS boundaries, of any vintage, in degrees or in metres of the National Grid.

    Args:
        path: a GeoJSON file; it may hold all of England.
        areas: codes of the authority's areas by level.

    Raises:
        BoundariesUnusable: it is not such a file, or has none of the areas.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise _unusable(path, "it is larger than 150 MB; download the generalised boundaries (BGC, BSC or BUC)")
    content = path.read_bytes()
    try:
        found = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _unusable(path, "it is not JSON; download the boundaries as GeoJSON") from error
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list) or not features or not all(isinstance(one, dict) for one in features):
        raise _unusable(
            path, "it is not a GeoJSON feature collection, or has no areas; download the boundaries as GeoJSON"
        )
    level, name = _level_of(path, features[0].get("properties"))
    wanted = set(areas.get(level, ()))
    taken: dict[str, list[Any]] = {}
    for feature in features:
        properties = feature.get("properties")
        code = properties.get(name) if isinstance(properties, dict) else None
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise _unusable(path, f"an area has no ONS code (E and eight digits) in {name}; download the file again")
        if code in taken:
            raise _unusable(path, f"it has {code} twice; download the file again")
        if code in wanted:
            taken[code] = _polygons(path, code, feature.get("geometry"))
    if not taken:
        such = f", such as {min(wanted)}" if wanted else ""
        raise _unusable(
            path,
            f"it has none of the authority's {len(wanted)} {'wards' if level == 'ward' else 'neighbourhoods'}{such}; supply"
            " boundaries of the same authority and of the vintage of the postcode directory",
        )
    return Layer(
        level=level,
        file=path.name,
        digest=hashlib.sha256(content).hexdigest(),
        shapes=_on_grid(taken),
        missing=sorted(wanted - set(taken)),
    )


def _unusable(path: Path, why: str) -> BoundariesUnusable:
    return BoundariesUnusable(f"The boundary file {path.name} cannot be used: {why}.")


def _level_of(path: Path, properties: Any) -> tuple[str, str]:
    """The level of the areas, and the property that holds their codes."""
    names = [name for name in properties if _PROPERTY.fullmatch(name)] if isinstance(properties, dict) else []
    if len(names) != 1:
        what = "more than one" if names else "none"
        raise _unusable(
            path, f"of the properties that hold a code, WD24CD for wards or LSOA21CD for neighbourhoods, it has {what}"
        )
    [name] = names
    return LEVELS[name[:-4].upper()], name


def _polygons(path: Path, code: str, geometry: Any) -> list[Any]:
    given = geometry if isinstance(geometry, dict) else {}
    of_kind = {"Polygon": [given.get("coordinates")], "MultiPolygon": given.get("coordinates")}
    try:
        polygons: Any = of_kind[given["type"]]
        made = [[[(float(point[0]), float(point[1])) for point in ring] for ring in polygon] for polygon in polygons]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _unusable(path, f"{code} has no boundary that can be read; download the file again") from error
    points = [number for polygon in made for ring in polygon for point in ring for number in point]
    if not points or not all(math.isfinite(number) for number in points):
        raise _unusable(path, f"{code} has no boundary that can be read; download the file again")
    return made


def _on_grid(taken: Mapping[str, list[Any]]) -> dict[str, list[Polygon]]:
    """The polygons on one grid, one step the same length both ways; corners that fall together are one."""
    points = [point for polygons in taken.values() for polygon in polygons for ring in polygon for point in ring]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    bottom, top = min(y for _, y in points), max(y for _, y in points)
    # Degrees of longitude are shorter than degrees of latitude; metres are metres.
    is_degrees = max(abs(left), abs(right)) <= 180 and max(abs(bottom), abs(top)) <= 90
    narrowing = math.cos(math.radians((bottom + top) / 2)) if is_degrees else 1.0
    step = max((right - left) * narrowing, top - bottom) / GRID or 1.0

    def on_grid(ring: list[tuple[float, float]]) -> Ring:
        rounded = [(round((x - left) * narrowing / step), round((y - bottom) / step)) for x, y in ring]
        return [point for at, point in enumerate(rounded) if at == 0 or point != rounded[at - 1]]

    return {
        code: [[ring for ring in map(on_grid, polygon) if len(ring) > 3] for polygon in polygons]
        for code, polygons in taken.items()
    }


def choropleth(layer: Layer, counts: Mapping[str, int | None], *, what: str, width: int = WIDE_MAP) -> str:
    """Areas shaded by their count as SVG: no more than three classes, of as many areas each as can be.

    Withheld counts are grey and say so in words; where there are few enough areas, each has its number written on it.

    Args:
        layer: the boundaries.
        counts: by code of the area, None where withheld; an area without one is left out.
        what: what is counted, over the legend.
        width: how wide it is drawn.
    """
    values = {code: counts[code] for code in layer.shapes if code in counts}
    classes = _classes([count for count in values.values() if count is not None])
    words = [label for _, label in classes]

    def of(count: int | None) -> tuple[str, str]:
        """Class of a count, and the ink on it."""
        if count is None:
            return _WITHHELD, _INK
        at = next(at for at, (highest, _) in enumerate(classes) if count <= highest)
        return words[at], _INKS[at]

    features = [
        {
            "type": "Feature",
            "geometry": {"type": "MultiPolygon", "coordinates": [polygon for polygon in layer.shapes[code] if polygon]},
            "class": of(count)[0],
        }
        for code, count in values.items()
    ]
    legend = {
        "title": what,
        "orient": "bottom",
        "direction": "horizontal",
        "columns": 2,
        "columnPadding": 24,
        "symbolType": "square",
    }
    domain = words + ([_WITHHELD] if None in values.values() else [])
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": features},
            "mark": {"type": "geoshape", "stroke": "#ffffff", "strokeWidth": 1.5},
            "encoding": {
                "color": {
                    "field": "class",
                    "type": "nominal",
                    "scale": {"domain": domain, "range": [*_COLOURS[: len(words)], _GREY][: len(domain)]},
                    "legend": legend,
                }
            },
        }
    ]
    if len(values) <= LABELLED:
        written = [
            {"x": x, "y": y, "text": "[c]" if count is None else f"{count:,}", "ink": of(count)[1]}
            for code, count in values.items()
            for x, y in [_middle(layer.shapes[code])]
        ]
        layers.append(
            {
                "data": {"values": written},
                "mark": {"type": "text", "fontSize": 13},
                "encoding": {
                    "longitude": {"field": "x", "type": "quantitative"},
                    "latitude": {"field": "y", "type": "quantitative"},
                    "text": {"field": "text", "type": "nominal"},
                    "color": {"field": "ink", "type": "nominal", "scale": None},
                },
            }
        )
    return svg_of(
        {
            "width": width,
            "height": round(width * _HEIGHT_OF_WIDTH),
            "projection": {"type": "identity", "reflectY": True},
            "layer": layers,
            "config": {
                "font": "Arial, Helvetica, sans-serif",
                "view": {"stroke": None},
                "legend": {
                    "labelFontSize": 14, "titleFontSize": 14, "labelColor": _INK, "titleColor": _INK, "symbolSize": 220,
                    "titleLimit": 600, "labelLimit": 400,
                },
            },
        }
    )  # fmt: skip


def _classes(counts: Sequence[int]) -> list[tuple[int, str]]:
    """Highest count and words of each class; equal counts are in one class."""
    ranked = sorted(counts)
    groups: dict[int, list[int]] = {}
    for count in ranked:
        groups.setdefault(len(_COLOURS) * ranked.index(count) // len(ranked), []).append(count)
    return [
        (group[-1], f"{group[0]:,}" if group[0] == group[-1] else f"{group[0]:,} to {group[-1]:,}")
        for group in groups.values()
    ]


def _middle(polygons: list[Polygon]) -> tuple[float, float]:
    """The middle of the box around the largest part."""
    boxes = []
    for polygon in polygons:
        if polygon:
            xs, ys = [x for x, _ in polygon[0]], [y for _, y in polygon[0]]
            boxes.append(((max(xs) - min(xs)) * (max(ys) - min(ys)), (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2))
    _, x, y = max(boxes, default=(0, 0.0, 0.0))
    return x, y
