"""Where a figure comes from: from a KPI back to the tables, the returns and the files it was counted from, and onward again."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import duckdb

from orchestration.charts import Chart, svg_of
from orchestration.errors import CornerstoneError
from orchestration.release.inventory import Inventory
from orchestration.release.portal.kpis import family_title
from orchestration.release.portal.site import Page
from orchestration.returns.spec import load_spec, return_ids
from orchestration.sql_text import quoted

ROOT = "kpi_value"
DIMENSION = "dim_"
LISTS = "seed"
LAYERS = {
    "staging": "Rows as they were landed",
    "intermediate": "Steps on the way",
    "marts": "Marts",
    "kpi": "KPI tables",
    LISTS: "Reference lists",
}
"""Layers of the warehouse, by the schema that dbt builds them in, with their names for a reader."""

_COLUMNS = ["Files", "Returns", "Landed rows", "Marts", "Families of figures"]
_PICTURE = (
    "Five columns, joined by lines from what is read to what is made: files, returns, landed rows, marts and families of figures. "
    "The lists below say the same."
)
_INK, _LINE = "#0b0c0c", "#12436D"
_ROW, _WIDTH, _WORDS = 26, 1080, 0.77


@dataclass(frozen=True)
class Model:
    """A model or reference list of the dbt project. `reads`: those it is made from; `returns`: the returns whose landed rows it reads."""

    name: str
    schema: str
    room: str
    subject: str
    description: str
    reads: tuple[str, ...]
    returns: tuple[str, ...]

    @property
    def is_dimension(self) -> bool:
        """Whether it describes what others count: an area, a setting, a period."""
        return self.name.startswith(DIMENSION)


@dataclass(frozen=True)
class Lineage:
    """What one KPI is made from; names of models by what they are to it, A to Z."""

    kpi_id: str
    title: str
    family: str
    reason: str
    is_available: bool
    models: tuple[Model, ...]

    def of(self, layer: str) -> list[Model]:
        """Its models of a layer; those that only describe what is counted are left out."""
        return [model for model in self.models if model.schema == layer and not model.is_dimension]

    @property
    def described_by(self) -> list[Model]:
        """The dimensions it is described by."""
        return [model for model in self.models if model.is_dimension]

    @cached_property
    def returns(self) -> list[str]:
        """The returns it is counted from."""
        return sorted({return_id for model in self.models if not model.is_dimension for return_id in model.returns})


@dataclass(frozen=True)
class ReturnLine:
    """A return, the files of it that this release was made from and, of those, how many still count."""

    return_id: str
    title: str
    files: int
    current: int
    first_period: str
    last_period: str

    @property
    def periods(self) -> str:
        """The periods it tells of, first and last."""
        return (
            self.first_period if self.first_period == self.last_period else f"{self.first_period} to {self.last_period}"
        )


def lineage_pages(
    connection: duckdb.DuckDBPyConnection, database: str, inventory: Inventory, dbt_manifest: Path
) -> list[Page]:
    """The pages of lineage: by KPI, and by model.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        inventory: what is released.
        dbt_manifest: the manifest that dbt left when it built the KPI tables.

    Raises:
        CornerstoneError: there is no such manifest, or it is not of these KPI tables.
    """
    models = read_models(dbt_manifest)
    lineages = trace(connection, database, models)
    returns = return_lines(inventory)
    used = sorted({model for line in lineages for model in line.models}, key=lambda model: model.name)
    read_by = defaultdict(list)
    for model in used:
        for name in model.reads:
            read_by[name].append(model.name)
    counted = defaultdict(list)
    for line in lineages:
        for name in [*(model.name for model in line.of("marts")), *line.returns]:
            counted[name].append(line)
    by_kpi = {
        "families": by_family(lineages),
        "family_title": family_title,
        "returns": returns,
        "arrived": {line.return_id for line in returns},
        "counted": counted,
        "picture": picture(lineages, returns, models),
        "layers": LAYERS,
        "titles": {return_id: title_of(return_id) for return_id in return_ids()},
    }
    by_model = {
        "layers": {layer: [model for model in used if model.schema == layer] for layer in LAYERS},
        "layer_names": LAYERS,
        "returns": {line.return_id: line for line in returns},
        "read_by": read_by,
        "counted": counted,
        "used": {model.name for model in used},
    }
    return [
        Page("lineage", "Where each figure comes from", "lineage", "lineage.html.j2", by_kpi),
        Page("models", "The tables on the way", "lineage", "models.html.j2", by_model),
    ]


def read_models(dbt_manifest: Path) -> dict[str, Model]:
    """Models and reference lists of dbt's manifest, by name.

    Raises:
        CornerstoneError: there is no manifest, or it has no KPI table.
    """
    if not dbt_manifest.is_file():
        raise CornerstoneError(
            f"There is no {dbt_manifest}, by which figures are traced; build the KPI models, then release."
        )
    manifest = json.loads(dbt_manifest.read_text(encoding="utf-8"))
    nodes, sources = manifest["nodes"], manifest["sources"]
    models = {
        node["name"]: Model(
            name=node["name"],
            schema=LISTS if node["resource_type"] == "seed" else node["schema"],
            room=LISTS if node["resource_type"] == "seed" else node["fqn"][1],
            subject=node["fqn"][-2],
            description=" ".join(node["description"].split()),
            reads=tuple(sorted(nodes[one]["name"] for one in node["depends_on"].get("nodes", []) if one in nodes)),
            returns=tuple(
                sorted(
                    {sources[one]["source_name"] for one in node["depends_on"].get("nodes", []) if one in sources}
                    & set(return_ids())
                )
            ),
        )
        for node in nodes.values()
        if node["resource_type"] in ("model", "seed")
    }
    if ROOT not in models:
        raise CornerstoneError(f"{dbt_manifest} has no model {ROOT}; build the KPI models, then release.")
    return models


def trace(connection: duckdb.DuckDBPyConnection, database: str, models: Mapping[str, Model]) -> list[Lineage]:
    """The lineage of each KPI of the catalogue, in its order.

    dbt knows which model reads which; whether a model has to do with a KPI is asked of its rows. Left out are models of the KPI
    tables without a row of the KPI, and others that hold published or counted series but none of the KPI's.
    """
    behind = upstream(models, ROOT)
    columns = key_columns(connection, [models[name] for name in behind])
    held = {
        (name, column): distinct(connection, models[name], column)
        for name, found in columns.items()
        for column in found
    }
    series: dict[str, set[str]] = defaultdict(set)
    for name, found in columns.items():
        if found == {"kpi_id", "series_code"}:
            relation = quoted(models[name].schema, name)
            for kpi_id, code in connection.execute(f"select distinct kpi_id, series_code from {relation}").fetchall():
                series[kpi_id].add(code)
    every_series = set().union(*(codes for (_, column), codes in held.items() if column == "series_code"))

    def tells_of(kpi_id: str, model: Model) -> bool:
        if (model.name, "kpi_id") in held and model.room in ("kpi", LISTS):
            return kpi_id in held[model.name, "kpi_id"]
        codes = held.get((model.name, "series_code"))
        if codes is not None:
            return bool(codes & series[kpi_id])
        # A model may be named for the one series that it makes.
        named = model.name.rpartition("__")[2]
        return named not in every_series or named in series[kpi_id]

    return [
        Lineage(
            kpi_id,
            title,
            family,
            reason,
            is_available,
            tuple(
                sorted(
                    (models[name] for name in upstream(models, ROOT, partial(tells_of, kpi_id))),
                    key=lambda model: model.name,
                )
            ),
        )
        for kpi_id, title, family, reason, is_available in catalogue(connection, database)
    ]


def upstream(models: Mapping[str, Model], name: str, counts: Callable[[Model], bool] = lambda _: True) -> set[str]:
    """A model and all it is made from. What a dimension is made from describes, and is not followed; nor is what does not count."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        model = models[ahead.pop()]
        if model.name in found or not counts(model):
            continue
        found.add(model.name)
        if not model.is_dimension:
            ahead += model.reads
    return found


def key_columns(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> dict[str, set[str]]:
    """Which of the columns kpi_id and series_code the relations of these models have in the warehouse, by model."""
    rows = connection.execute(
        """
        select schema_name, table_name, column_name
        from duckdb_columns()
        where database_name = current_database() and column_name in ('kpi_id', 'series_code')
        """
    ).fetchall()
    of = {(model.schema, model.name) for model in models}
    found: dict[str, set[str]] = defaultdict(set)
    for schema, name, column in rows:
        if (schema, name) in of:
            found[name].add(column)
    return found


def distinct(connection: duckdb.DuckDBPyConnection, model: Model, column: str) -> set[str]:
    """The values of a column of a model's relation."""
    rows = connection.execute(f"select distinct {column} from {quoted(model.schema, model.name)}").fetchall()
    return {value for (value,) in rows}


def catalogue(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str, str, str, bool]]:
    """(KPI, title, family, what is said of its availability, whether it has figures) of the released catalogue, by family and title."""
    return connection.execute(
        f"""
        select kpi.kpi_id, kpi.title, kpi.family, available.reason, available.is_available
        from {quoted(database, "kpi", "kpi_catalogue")} as kpi
        inner join {quoted(database, "kpi", "kpi_availability")} as available using (kpi_id)  -- exactly one
        order by kpi.family, kpi.title
        """
    ).fetchall()


def by_family(lineages: Sequence[Lineage]) -> dict[str, list[Lineage]]:
    """KPIs by their family."""
    families: dict[str, list[Lineage]] = defaultdict(list)
    for line in lineages:
        families[line.family].append(line)
    return families


def return_lines(inventory: Inventory) -> list[ReturnLine]:
    """The returns with accepted files, by title."""
    lines = []
    for return_id in {item.return_id for item in inventory.inputs}:
        items = [item for item in inventory.inputs if item.return_id == return_id]
        periods = sorted(item.period for item in items if item.period)
        lines.append(
            ReturnLine(
                return_id,
                title_of(return_id),
                len(items),
                sum(item.is_current for item in items),
                periods[0] if periods else "",
                periods[-1] if periods else "",
            )
        )
    return sorted(lines, key=lambda line: line.title)


def title_of(return_id: str) -> str:
    """A return's title, as the beginning of a sentence."""
    title = load_spec(return_id).title
    return title[0].upper() + title[1:]


def spoken(name: str) -> str:
    """The name of a subject in words: `ehc_statistic` is EHC statistic."""
    words = " ".join({"ehcp": "EHC plan", "ehc": "EHC"}.get(word, word) for word in name.split("_"))
    return words[0].upper() + words[1:]


def subjects_of(
    lineages: Sequence[Lineage], models: Mapping[str, Model]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Which return feeds which subject of the marts, and which subject which family: (return, subject) and (subject, family)."""
    marts = {model for line in lineages for model in line.of("marts")}
    into = {
        (return_id, model.subject)
        for model in marts
        for name in upstream(models, model.name)
        if not models[name].is_dimension
        for return_id in models[name].returns
    }
    return into, {(model.subject, line.family) for line in lineages for model in line.of("marts")}


def picture(lineages: Sequence[Lineage], returns: Sequence[ReturnLine], models: Mapping[str, Model]) -> Chart:
    """Files, returns, landed rows, marts and families of figures side by side, with lines from what is read to what is made."""
    into, onward = subjects_of(lineages, models)
    place = {line.return_id: number for number, line in enumerate(returns)}
    fed = {subject: [place[one] for one, other in into if other == subject and one in place] for _, subject in into}
    subjects = sorted(fed, key=lambda subject: (sum(fed[subject]) / max(len(fed[subject]), 1), subject))
    families = sorted({family for _, family in onward})
    landed = {
        line.return_id: sum(model.schema == "staging" and line.return_id in model.returns for model in models.values())
        for line in returns
    }
    texts = [
        [f"{line.files:,} {'file' if line.files == 1 else 'files'}" for line in returns],
        [line.title for line in returns],
        [f"{landed[line.return_id]} {'table' if landed[line.return_id] == 1 else 'tables'}" for line in returns],
        [spoken(subject) for subject in subjects],
        [family_title(family) for family in families],
    ]
    tallest = max(len(column) for column in texts)
    # Columns of different length are spread over one height.
    y = [[(row + 0.5) * tallest / len(column) for row in range(len(column))] for column in texts]
    links = [(column, row, row) for column in (0, 1) for row in range(len(returns))]
    links += [(2, place[one], subjects.index(other)) for one, other in sorted(into) if one in place]
    links += [(3, subjects.index(one), families.index(other)) for one, other in sorted(onward)]
    lines = [
        {"x": column + _WORDS, "y": y[column][start], "x2": column + 0.97, "y2": y[column + 1][end]}
        for column, start, end in links
    ]
    words = [
        {"x": column, "y": y[column][row], "text": text}
        for column, names in enumerate(texts)
        for row, text in enumerate(names)
    ]
    heads = [{"x": column, "y": -0.5, "text": text} for column, text in enumerate(_COLUMNS)]
    svg = svg_of(_spec(lines, words, heads, rows=tallest))
    return Chart("lineage", "From files to figures", _PICTURE, [], [], svg)


def _spec(
    lines: list[dict[str, float]], words: list[dict[str, Any]], heads: list[dict[str, Any]], *, rows: int
) -> dict[str, Any]:
    x = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [0, len(_COLUMNS)], "nice": False}}
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [rows, -1], "nice": False}}
    text = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 14, "color": _INK}
    to = {"text": {"field": "text", "type": "nominal"}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": _WIDTH,
        "height": (rows + 1) * _ROW,
        "padding": 2,
        "config": {"font": "Arial, Helvetica, sans-serif", "view": {"stroke": None}},
        "layer": [
            {
                "data": {"values": lines},
                "mark": {"type": "rule", "color": _LINE, "opacity": 0.55},
                "encoding": {"x": x, "y": y, "x2": {"field": "x2"}, "y2": {"field": "y2"}},
            },
            {"data": {"values": words}, "mark": text, "encoding": {"x": x, "y": y, **to}},
            {"data": {"values": heads}, "mark": {**text, "fontWeight": "bold"}, "encoding": {"x": x, "y": y, **to}},
        ],
    }
