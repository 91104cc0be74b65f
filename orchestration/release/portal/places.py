"""Places: which settings there are and how full, where children with a plan live, and where they learn."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb

from orchestration.charts import Chart
from orchestration.figures.pictures import NARROW, OWN, Line, bars
from orchestration.privacy.disclosure import load_policy
from orchestration.release.portal.maps import NARROW_MAP, Layer, choropleth, read_layers
from orchestration.release.portal.site import Page
from orchestration.release.portal.sufficiency import sufficiency_page
from orchestration.release.provision import (
    BEYOND,
    NOWHERE,
    OUTSIDE,
    PROVISION_TYPES,
    UNTOLD,
    WITHIN,
    Area,
    Children,
    count_capacity,
    count_children,
    count_places,
)

LEVEL_WORDS = {"ward": "wards", "lsoa": "neighbourhoods (LSOA)"}


def places_pages(
    connection: duckdb.DuckDBPyConnection, database: str, boundaries: Sequence[Path], earlier: Mapping[str, Path]
) -> list[Page]:
    """The pages of places.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        boundaries: GeoJSON files to draw maps with; without, there are tables alone.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.
    """
    board = load_policy().parameters_of("evidence")
    children = count_children(connection, board, database=database, earlier=earlier)
    told = count_places(connection, board, database=database, earlier=earlier)
    known = {
        "children": children,
        "threshold": board.threshold,
        "within": WITHIN,
        "beyond": BEYOND,
        "nowhere": NOWHERE,
        "outside": OUTSIDE,
        "untold": UNTOLD,
    }
    places = {
        **known,
        "capacity": count_capacity(connection),
        "quarter_end": told[0] if told else None,
        "provisions": told[1] if told else [],
        "provision_types": PROVISION_TYPES,
        "min_places": board.min_denominator,
        "chart": kinds_chart(children) if children and not children.is_withheld else None,
    }
    pages = [
        Page("places", "Places and how full they are", "places", "places.html.j2", places),
        sufficiency_page(connection, database, children, least=board.min_denominator),
    ]
    if children is not None and not children.is_withheld:
        areas = {"ward": children.wards, "lsoa": children.lsoas}
        layers, problems = read_layers(boundaries, {level: [area.code for area in areas[level]] for level in areas})
        homes = {
            **known,
            "maps": {level: homes_map(children, layer, areas[level]) for level, layer in layers.items()},
            "learning_map": learning_map(children, layers["ward"])
            if "ward" in layers and is_placed(children)
            else None,
            "is_placed": is_placed(children),
            "layers": layers,
            "missing": {
                level: [area.name for area in areas[level] if area.code in layer.missing]
                for level, layer in layers.items()
            },
            "problems": problems,
            "level_words": LEVEL_WORDS,
        }
        pages += [
            Page("places_homes", "Where children live", "places", "places_homes.html.j2", homes),
            Page("places_learning", "Where they learn", "places", "places_learning.html.j2", homes),
            Page("places_settings", "Every setting", "places", "places_settings.html.j2", known),
        ]
    return pages


def written(count: int | None) -> str:
    """A count for a cell of a table."""
    return "[c]" if count is None else f"{count:,}"


def is_placed(children: Children) -> bool:
    """Whether the ward of any setting is known."""
    return any(children.count("learning", ward.code) != 0 for ward in children.wards)


def kinds_chart(children: Children) -> Chart:
    """How many children are in each kind of setting."""
    counts = [(kind.name, children.count("kind", kind.code)) for kind in children.kinds]
    shown = [(name, count) for name, count in counts if count is not None]
    title = f"Children with a plan by kind of setting, {_day(children)}"
    draw = partial(
        bars,
        [name for name, _ in counts],
        [Line("Children", [(name, Decimal(count), 0) for name, count in shown], OWN)],
        unit="count",
        title="Children",
        withheld=[(name, "Children") for name, count in counts if count is None],
    )
    return Chart(
        name="kinds",
        title=title,
        alt=f"Bar chart. {title}. {_extremes(shown)} The table below has every figure.",
        columns=["Kind of setting", "Children"],
        rows=[[name, written(count)] for name, count in counts],
        svg=draw(),
        narrow=partial(draw, size=NARROW),
    )


def homes_map(children: Children, layer: Layer, areas: Sequence[Area]) -> Chart:
    """Where children with a plan live, on a map of one level."""
    title = (
        f"Where children with a plan live, by {'ward' if layer.level == 'ward' else 'neighbourhood'}, {_day(children)}"
    )
    return _map(layer, title, [(area, children.count(layer.level, area.code)) for area in areas])


def learning_map(children: Children, layer: Layer) -> Chart:
    """Where children with a plan learn within the authority, by the ward of the setting."""
    title = f"Where children with a plan learn, by ward of the setting, {_day(children)}"
    return _map(
        layer, title, [(area, children.count("learning", area.code)) for area in children.wards], name="learning"
    )


def _map(layer: Layer, title: str, counts: Sequence[tuple[Area, int | None]], *, name: str = "homes") -> Chart:
    shown = [(area.name, count) for area, count in counts if count is not None]
    withheld = len(counts) - len(shown)
    said = (
        f" {withheld} {'area is' if withheld == 1 else 'areas are'} grey: the number is not shown." if withheld else ""
    )
    draw = partial(choropleth, layer, {area.code: count for area, count in counts}, what="Children with a plan")
    return Chart(
        name=f"{name}-{layer.level}",
        title=title,
        alt=f"Map. {title}. {_extremes(shown)}{said} The table below has every figure.",
        columns=["Area", "Children"],
        rows=[[area.name, written(count)] for area, count in counts],
        svg=draw(),
        narrow=partial(draw, width=NARROW_MAP),
    )


def _extremes(shown: Sequence[tuple[str, int]]) -> str:
    if not shown:
        return "No number is shown."
    most, fewest = max(shown, key=lambda one: one[1]), min(shown, key=lambda one: one[1])
    return f"Most: {most[0]}, {most[1]:,}. Fewest: {fewest[0]}, {fewest[1]:,}."


def _day(children: Children) -> str:
    return f"{children.census_day:%-d %B %Y}"
