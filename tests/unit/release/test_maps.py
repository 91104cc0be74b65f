"""Boundary files as councils have them, and the map drawn from them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orchestration.charts import Chart
from orchestration.release.portal.maps import (
    BoundariesUnusable,
    boundary_files,
    boundary_inputs,
    choropleth,
    read_layer,
    read_layers,
)
from orchestration.settings import Settings
from orchestration.synthetic.boundaries import write_boundaries

NORTH, SOUTH, ELSEWHERE = "E05999901", "E05999902", "E05000001"
AREAS = {"ward": [NORTH, SOUTH], "lsoa": ["E01999901"]}


def square(
    code: object, left: float = 0, bottom: float = 0, side: float = 1, *, name: str = "WD24CD"
) -> dict[str, Any]:
    ring = [[left, bottom], [left + side, bottom], [left + side, bottom + side], [left, bottom + side], [left, bottom]]
    return {"type": "Feature", "properties": {name: code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def written(folder: Path, features: list[dict[str, Any]], name: str = "wards.geojson") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_the_authoritys_areas_are_taken_from_a_file_of_all_england(tmp_path: Path) -> None:
    path = written(tmp_path, [square(ELSEWHERE, 5), square(NORTH, 1, side=2)])

    layer = read_layer(path, AREAS)

    assert (layer.level, layer.file, list(layer.shapes), layer.missing) == ("ward", "wards.geojson", [NORTH], [SOUTH])


@pytest.mark.parametrize("name", ["WD22CD", "wd25cd"])
def test_any_vintage_of_the_property_will_do(tmp_path: Path, name: str) -> None:
    assert read_layer(written(tmp_path, [square(NORTH, name=name)]), AREAS).level == "ward"
    assert read_layer(written(tmp_path, [square("E01999901", name="LSOA21CD")]), AREAS).level == "lsoa"


def test_degrees_are_narrowed_and_metres_are_not(tmp_path: Path) -> None:
    # At 60 degrees north a degree of longitude is half as long as one of latitude.
    degrees = read_layer(written(tmp_path, [square(NORTH, -1, 59.5)]), AREAS).shapes[NORTH][0][0]
    metres = read_layer(written(tmp_path, [square(NORTH, 440_000, 390_000, 5_000)]), AREAS).shapes[NORTH][0][0]
    assert degrees == [(0, 0), (500, 0), (500, 1000), (0, 1000), (0, 0)]
    assert metres == [(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0)]


def test_corners_finer_than_a_screen_are_one(tmp_path: Path) -> None:
    feature = square(NORTH, 440_000, 390_000, 5_000)
    feature["geometry"]["coordinates"][0][1:1] = [[440_000.5, 390_000.5], [440_001, 390_000]]
    speck = [[[440_000, 390_000], [440_001, 390_000], [440_001, 390_001], [440_000, 390_000]]]
    feature["geometry"] = {"type": "MultiPolygon", "coordinates": [feature["geometry"]["coordinates"], speck]}
    shape = read_layer(written(tmp_path, [feature]), AREAS).shapes[NORTH]
    assert shape == [[[(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0)]], []]


NORTHERN = b'{"features": [{"properties": {"WD24CD": "E05999901"}, "geometry": %s}]}'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe not json", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"[]", "not a GeoJSON feature collection"),
        (b'{"features": []}', "has no areas"),
        (b'{"features": [1]}', "not a GeoJSON feature collection"),
        (b'{"features": [{"type": "Feature"}]}', "LSOA21CD for neighbourhoods, it has none"),
        (b'{"features": [{"properties": {"LAD24CD": "E08000018"}}]}', "it has none"),
        (b'{"features": [{"properties": {"WD24CD": "E05999901", "LSOA21CD": "E01999901"}}]}', "it has more than one"),
        (b'{"features": [{"properties": {"WD24CD": "372"}}]}', "an area has no ONS code"),
        (b'{"features": [{"properties": {"WD24CD": null}}]}', "an area has no ONS code"),
        (b'{"features": [{"properties": {"WD24CD": "E05999901"}}]}', "E05999901 has no boundary that can be read"),
        (NORTHERN % b'{"type": "Point", "coordinates": [1, 2]}', "no boundary"),
        (NORTHERN % b'{"type": "Polygon", "coordinates": [[["a"]]]}', "no boundary"),
        (NORTHERN % b'{"type": "Polygon", "coordinates": []}', "no boundary"),
        (NORTHERN % b'{"type": "Polygon", "coordinates": [[[NaN, 1]]]}', "no boundary"),
        (b'{"features": [{"properties": {"WD24CD": "E05000001"}}]}', "none of the authority's 2 wards, such as E05999901"),
        (b'{"features": [{"properties": ["WD24CD", 1]}]}', "it has none"),
        (b'{"features": [{"properties": {"WD24CD": "E05999909"}}, {"properties": []}]}', "an area has no ONS code"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_gets_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "given.geojson"
    path.write_bytes(content)

    with pytest.raises(BoundariesUnusable, match=re.escape(sentence)) as raised:
        read_layer(path, AREAS)

    assert re.fullmatch(r"The boundary file given\.geojson cannot be used: [^.]*\.", str(raised.value))


def test_an_area_given_twice_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(BoundariesUnusable, match=f"it has {NORTH} twice"):
        read_layer(written(tmp_path, [square(NORTH), square(NORTH, 3)]), AREAS)


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    good = written(tmp_path, [square(NORTH)], "a.geojson")
    same = written(tmp_path, [square(SOUTH)], "b.geojson")
    bad = written(tmp_path, [], "c.geojson")
    areas = written(tmp_path, [square("E01999901", name="LSOA21CD")], "d.geojson")

    layers, problems = read_layers([good, same, bad, areas], AREAS)

    assert {level: layer.file for level, layer in layers.items()} == {"ward": "a.geojson", "lsoa": "d.geojson"}
    assert [re.findall(r"\w+\.geojson", problem) for problem in problems] == [["b.geojson", "a.geojson"], ["c.geojson"]]


def test_a_councils_files_come_before_the_invented_ones(settings: Settings) -> None:
    assert boundary_files(settings) == []
    write_boundaries(settings.synthetic_dir / "boundaries")
    assert [path.name for path in boundary_files(settings)] == ["neighbourhoods.geojson", "wards.geojson"]
    before = boundary_inputs(settings)
    own = written(settings.boundaries_dir, [square(NORTH)])
    (settings.boundaries_dir / "README.md").touch()
    assert boundary_files(settings) == [own]
    assert len(before) == 2
    assert boundary_inputs(settings) not in (before, [])


def test_the_invented_wards_are_squares_of_two_neighbourhoods(tmp_path: Path) -> None:
    write_boundaries(tmp_path / "made")
    wards = [f"E0599{9000 + number}" for number in range(12)]
    layers, problems = read_layers(
        sorted((tmp_path / "made").iterdir()),
        {"ward": wards, "lsoa": [f"E0199{9000 + number}" for number in range(24)]},
    )
    assert problems == []
    assert [len(layers[level].shapes) for level in ("ward", "lsoa")] == [12, 24]
    assert [layers[level].missing for level in ("ward", "lsoa")] == [[], []]


def test_a_map_says_shown_numbers_and_no_withheld_one(tmp_path: Path) -> None:
    codes = [f"E0599990{number}" for number in range(1, 6)]
    path = written(tmp_path, [square(code, at) for at, code in enumerate(codes)])
    layer = read_layer(path, {"ward": codes})

    svg = choropleth(layer, dict(zip(codes, [10, 20, 1234, None, 0], strict=True)), what="Children")

    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert set(words) == {"10", "20", "1,234", "[c]", "0", "Children", "0 to 10", "[c] not shown"}
    assert "http" not in Chart("a", "", "", [], [], svg).inline


def test_a_map_may_have_nothing_but_withheld_areas(tmp_path: Path) -> None:
    svg = choropleth(read_layer(written(tmp_path, [square(NORTH)]), AREAS), {NORTH: None, SOUTH: 7}, what="Children")
    assert "[c] not shown" in svg
    assert ">7<" not in svg
