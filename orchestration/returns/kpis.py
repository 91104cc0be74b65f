"""The KPIs that a local return brings with it, and what is said of it, read from `specs/<return>/kpis.yaml`.

A return with such a file is a local return: its definitions, recipes and breakdowns join those of the seeds when the working
database is built, and the cells that the recipes count are those of the dbt model `int_<return>__kpi_cell`. Nothing else
names the return.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import CornerstoneError
from orchestration.returns import spec as specs
from orchestration.settings import PROJECT_DIR

FILE = "kpis.yaml"
FAMILY = "local_returns"
"""The family of all of their KPIs: a page of the portal."""

TOTAL = "Total"

Row = dict[str, str | int | bool | Decimal | date | None]


class _Strict(BaseModel):
    """A misspelt key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Breakdown(_Strict):
    """What cells are broken down by: may readers of the open tables see its items? Of schools and wards they may not."""

    is_public: bool


class Target(_Strict):
    """A number to reach, by whom it was set and from when on; values are rated against it unless it is a planning figure.

    Short of it by no more than `tolerance` a value is within tolerance. A period that ends before `due_date` is not missed.
    """

    kind: Literal["statutory", "agreement", "national_ambition", "planning_figure"]
    value: Decimal = Field(max_digits=18, decimal_places=4)
    tolerance: Decimal = Field(default=Decimal(0), ge=0, max_digits=18, decimal_places=4)
    applies_from: date | None = None
    applies_to: date | None = None
    due_date: date | None = None
    label: str
    source: str

    @property
    def is_rated(self) -> bool:
        """Nobody is rated against a need that was forecast."""
        return self.kind != "planning_figure"


class Sum(_Strict):
    """Measures that KPIs of the return take and that add up to another, at most to a rest that is a count too; no two parts share
    anybody."""

    total: str
    parts: list[str] = Field(min_length=1)


class LocalKpi(_Strict):
    """One KPI: what people read of it, and which measures of the return's cells make it.

    Of each breakdown it is the count of `counts`, or 100 times that `out_of` another measure of the same item. Where the
    items of `whole_of` are set against the whole, whatever the item, it has these items, and their total where that is a cell;
    without `has_total` the items alone, as where a person is in several and the total is above the whole.
    A ratio's numerator can be the difference of two measures, `counts` and `less`, and fall below nought; no cell does.
    """

    title: str
    definition: str
    numerator: str
    denominator: str | None = None
    counts: str
    less: str | None = None
    out_of: str | None = None
    whole_of: str | None = None
    has_total: bool = True
    unit: Literal["count", "percent", "ratio"]
    breakdowns: str | None = None
    frequency: str
    polarity: Literal["higher", "lower", "neutral"]
    statutory_basis: str | None = None
    outcome_statement: str | None = None
    aspiration: str | None = None
    owner_role: str
    caveats: str
    targets: list[Target] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits_its_unit(self) -> "LocalKpi":
        if (self.unit == "count") != (self.out_of is None) or (self.out_of is None) != (self.denominator is None):
            raise ValueError("a count has neither out_of nor denominator; a percentage or ratio has both")
        if self.whole_of is not None and self.out_of is None:
            raise ValueError("only a share has a whole")
        rated = [target for target in self.targets if target.is_rated]
        if rated and self.polarity == "neutral":
            raise ValueError(
                "a KPI that has no better side is not rated: its target is a planning_figure, or has no place"
            )
        if any(target.applies_from is None for target in rated):
            raise ValueError("a target that values are rated against says from when on: applies_from")
        if self.less is not None and self.unit != "ratio":
            raise ValueError("only the numerator of a ratio is a difference")
        if self.less is not None and self.whole_of is not None:
            raise ValueError("items set against a whole are one measure each: less and whole_of do not go together")
        if self.whole_of is None and not self.has_total:
            raise ValueError("only a share of a whole can go without its total")
        return self


class DataSource(_Strict):
    """What a return is used for, how good it is and what it cannot say."""

    used_for: str
    quality: Literal["green", "amber", "red"]
    limits: str


class Word(_Strict):
    """A word, or with `for` an abbreviation, that a reader of the figures meets: what it means and who says so."""

    term: str
    stands_for: str | None = Field(default=None, alias="for")
    means: str
    source: str


class LocalKpis(_Strict):
    """`kpis.yaml`: what the return is as a source, its words, breakdowns that no other return has said of yet, sums of its
    measures by a name of their own, and the KPIs by id. `aims`: whether the dbt model `int_<return>__aim` says which KPIs
    what it tells of is meant to move."""

    data: DataSource
    aims: bool = False
    words: list[Word] = Field(default_factory=list)
    breakdowns: dict[str, Breakdown] = Field(default_factory=dict)
    adds_up: dict[str, Sum] = Field(default_factory=dict)
    kpis: dict[str, LocalKpi] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up_what_its_kpis_take(self) -> "LocalKpis":
        taken = {one for kpi in self.kpis.values() for one in (kpi.counts, kpi.less, kpi.out_of)}
        for name, line in self.adds_up.items():
            measures = [line.total, *line.parts]
            if len(set(measures)) < len(measures):
                raise ValueError(f"adds_up {name}: a measure is in it twice")
            if unknown := [measure for measure in measures if measure not in taken]:
                raise ValueError(f"adds_up {name}: no KPI of the return takes {', '.join(unknown)}")
        return self


def local_return_ids() -> list[str]:
    """Every return that brings its KPIs with it."""
    return [return_id for return_id in specs.return_ids() if kpis_path(return_id).is_file()]


def aiming_return_ids() -> list[str]:
    """Of these, every one that says which KPIs what it tells of is meant to move."""
    return [return_id for return_id in local_return_ids() if load_kpis(return_id).aims]


def known_kpi_ids() -> list[str]:
    """Every KPI of the catalogue: those of the seed, and those that local returns bring with them."""
    with (PROJECT_DIR / "dbt_project" / "seeds" / "kpi_definition.csv").open(encoding="utf-8", newline="") as lines:
        shared = [line["kpi_id"] for line in csv.DictReader(lines)]
    return [*shared, *(kpi_id for return_id in local_return_ids() for kpi_id in load_kpis(return_id).kpis)]


def kpis_path(return_id: str) -> Path:
    """Where the KPIs of a return stand, if it brings any."""
    return specs.SPECS_DIR / return_id / FILE


@lru_cache
def load_kpis(return_id: str) -> LocalKpis:
    """The KPIs of one local return.

    Raises:
        CornerstoneError: its YAML does not describe KPIs.
    """
    try:
        return LocalKpis.model_validate(
            yaml.load(kpis_path(return_id).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        )
    except (yaml.YAMLError, ValidationError) as error:
        raise CornerstoneError(f"{FILE} of {return_id} cannot be used: {error}") from error


def seed_rows(return_ids: Iterable[str]) -> dict[str, list[Row]]:
    """What local returns add to the seeds, by seed, in its columns.

    Raises:
        CornerstoneError: two of them say otherwise of one breakdown.
    """
    definitions: list[Row] = []
    recipes: list[Row] = []
    targets: list[Row] = []
    sums: list[Row] = []
    public: dict[str, bool] = {}
    for return_id in return_ids:
        local = load_kpis(return_id)
        for topic, breakdown in local.breakdowns.items():
            if public.setdefault(topic, breakdown.is_public) != breakdown.is_public:
                raise CornerstoneError(
                    f"{FILE} of {return_id} and of another return say otherwise of who may see the breakdown {topic!r}:"
                    " agree on one, or call one of them something else."
                )
        for kpi_id, kpi in local.kpis.items():
            definitions.append(_definition(return_id, kpi_id, kpi))
            recipes.extend(_recipe(return_id, kpi_id, kpi))
            targets.extend(_target(kpi_id, kpi.unit, target) for target in kpi.targets)
        sums.extend(
            _part(return_id, name, one.total, part) for name, one in local.adds_up.items() for part in one.parts
        )
    topics: list[Row] = [
        {"breakdown_topic": topic, "is_withheld": not is_public} for topic, is_public in public.items()
    ]
    return {
        "kpi_definition": definitions,
        "kpi_source": recipes,
        "kpi_breakdown_topic": topics,
        "kpi_target": targets,
        "additive_measure": sums,
    }


def _definition(return_id: str, kpi_id: str, kpi: LocalKpi) -> Row:
    title = specs.load_spec(return_id).title
    words = kpi.model_dump(exclude={"counts", "less", "out_of", "whole_of", "has_total", "targets"})
    return {
        "kpi_id": kpi_id,
        "family": FAMILY,
        **words,
        "source_return": title[0].upper() + title[1:],
        "is_judged_by_size": False,
        "published_comparator": None,
        "evidence_confidence": "D",  # nobody else defines it
    }


def _recipe(return_id: str, kpi_id: str, kpi: LocalKpi) -> Iterator[Row]:
    """Its components in the columns of the seed `kpi_source`."""
    parts = [("numerator", kpi.counts, 1), ("numerator", kpi.less, -1), ("denominator", kpi.out_of, 1)]
    for part, measure, weight in parts:
        if measure is None:
            continue
        is_whole = part == "denominator" and kpi.whole_of is not None
        yield {
            "kpi_id": kpi_id,
            "source_rank": 1,
            "calculation": "share" if kpi.out_of else "count",
            "breakdown_topic": TOTAL,
            "breakdown": TOTAL,
            "part": part,
            "series_code": return_id,
            "measure_code": measure,
            "weight": weight,
            "is_split_by_person": kpi.has_total or not is_whole,
            "is_january_stock": False,
            "is_january_base": False,
            "whole_topic": kpi.whole_of if is_whole else None,
        }


def _target(kpi_id: str, unit: str, target: Target) -> Row:
    words = target.model_dump(exclude={"kind", "value", "label"})
    named = {"target_kind": target.kind, "target_value": target.value, "target_label": target.label}
    return {"kpi_id": kpi_id, "unit": unit, "is_rated": target.is_rated, **named, **words}


def _part(return_id: str, name: str, total: str, part: str) -> Row:
    """A sum is of the return's own series; the name of one is no other's."""
    return {
        "line_code": name,
        "total_series_code": return_id,
        "total_measure_code": total,
        "part_series_code": return_id,
        "part_measure_code": part,
    }
