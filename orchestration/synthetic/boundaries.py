"""Boundaries of the invented wards and neighbourhoods: squares in the sea where the equator meets the meridian of Greenwich."""

import json
from pathlib import Path
from typing import Any

from orchestration.synthetic.registers import AREAS, lsoa_code, ward_code, ward_name

_SIDE = 0.02
"""Of a ward, in degrees; two neighbourhoods share one."""
_WARDS_IN_A_ROW = 4


def write_boundaries(folder: Path) -> None:
    """Write `wards.geojson` and `neighbourhoods.geojson`, laid out as those of the ONS."""
    wards, neighbourhoods = [], []
    for area in range(AREAS):
        ward, half = divmod(area, 2)
        left, bottom = _SIDE * (ward % _WARDS_IN_A_ROW), _SIDE * (ward // _WARDS_IN_A_ROW)
        if not half:
            names = {"WD24CD": ward_code(area), "WD24NM": ward_name(area)}
            wards.append(_feature(names, left, bottom, _SIDE))
        names = {"LSOA21CD": lsoa_code(area), "LSOA21NM": f"Invented Neighbourhood {area + 1}"}
        neighbourhoods.append(_feature(names, left + half * _SIDE / 2, bottom, _SIDE / 2))
    folder.mkdir(parents=True)
    for name, features in (("wards", wards), ("neighbourhoods", neighbourhoods)):
        text = json.dumps({"type": "FeatureCollection", "features": features}, indent=1)
        (folder / f"{name}.geojson").write_text(text, encoding="utf-8")


def _feature(names: dict[str, str], left: float, bottom: float, width: float) -> dict[str, Any]:
    right, top = left + width, bottom + _SIDE
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    return {"type": "Feature", "properties": names, "geometry": {"type": "Polygon", "coordinates": [ring]}}
