"""The bus matrix: which fact joins which dimension, read from the relationship tests that hold the joins to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.dbt_manifest import JOINS

FACTS = ("fct_", "bridge_")
DIMENSIONS = "dim_"


@dataclass(frozen=True)
class Fact:
    """A row of the matrix. `joins`: the columns that lead to each dimension, by the dimension's name."""

    name: str
    unique_id: str
    subject: str
    grain: str
    joins: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class BusMatrix:
    """Facts by subject and name; dimensions by how many facts join them, the most first."""

    dimensions: tuple[str, ...]
    facts: tuple[Fact, ...]


def bus_matrix(manifest: Mapping[str, Any]) -> BusMatrix:
    """The matrix of dbt's manifest (its `nodes`): facts and bridges of the marts, and the dimensions they are tested against."""
    models = {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
    joined: dict[str, dict[str, set[str]]] = {}
    for test in manifest["nodes"].values():
        if test.get("test_metadata") and test["attached_node"] in models:
            for column, dimension in joins_of(test):
                if dimension.startswith(DIMENSIONS):
                    joined.setdefault(test["attached_node"], {}).setdefault(dimension, set()).add(column)
    facts = tuple(
        Fact(
            name=node["name"],
            unique_id=unique_id,
            subject=node["fqn"][2],
            grain=node["description"].split(". ")[0].split(": ")[0].strip().rstrip("."),
            joins={name: tuple(sorted(columns)) for name, columns in sorted(joined.get(unique_id, {}).items())},
        )
        for unique_id, node in sorted(models.items(), key=lambda item: (item[1]["fqn"][2], item[1]["name"]))
        if node["name"].startswith(FACTS)
    )
    dimensions = sorted(
        (node["name"] for node in models.values() if node["name"].startswith(DIMENSIONS)),
        key=lambda name: (-sum(name in fact.joins for fact in facts), name),
    )
    return BusMatrix(
        dimensions=tuple(name for name in dimensions if any(name in fact.joins for fact in facts)), facts=facts
    )


def joins_of(test: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The joins that a generic test of dbt's manifest holds a model to: a column, and the model it is a key of."""
    told = test["test_metadata"]
    if told["name"] == JOINS:
        for column, target in told["kwargs"]["columns"].items():
            yield column, target.partition(".")[0]
    elif told["name"] == "relationships":  # one with a condition
        [parent] = [one for one in test["depends_on"]["nodes"] if one != test["attached_node"]]
        yield test["column_name"], parent.rpartition(".")[2]


def as_markdown(matrix: BusMatrix) -> str:
    """A Markdown table: a line a fact with its grain, a column a dimension; a number says that several columns lead there."""
    heads = ["Fact", "One row per", *(name.removeprefix(DIMENSIONS) for name in matrix.dimensions)]
    lines = [_line(heads), _line(["---", "---", *[":-:"] * len(matrix.dimensions)])]
    for fact in matrix.facts:
        ways = [len(fact.joins.get(name, ())) for name in matrix.dimensions]
        marks = ["" if way == 0 else "●" if way == 1 else f"●{way}" for way in ways]
        link = f"[{fact.name}](#!/model/{fact.unique_id})"
        lines.append(_line([link, fact.grain.removeprefix("One row per ").replace("|", "\\|"), *marks]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
