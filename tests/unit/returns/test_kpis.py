"""A local return brings its KPIs with it: what its file says becomes rows of the seeds, and what does not fit is refused."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import CornerstoneError
from orchestration.returns import kpis, spec
from orchestration.returns.kpis import known_kpi_ids, load_kpis, local_return_ids, seed_rows
from orchestration.returns.spec import load_spec
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import write_control_tables

KPIS = """
data: {used_for: Who visits., quality: amber, limits: Only visits that were written down.}
breakdowns:
  School: {is_public: false}
adds_up:
  in_time: {total: visit_count, parts: [in_time_count]}
kpis:
  visits:
    title: Visits
    definition: Visits made.
    numerator: Visits
    counts: visit_count
    unit: count
    frequency: yearly
    polarity: neutral
    owner_role: Head of visits
    caveats: None known.
  visits_in_time_pct:
    title: Visits in time
    definition: Share of the visits made in time.
    numerator: Visits in time
    denominator: Visits
    counts: in_time_count
    out_of: visit_count
    whole_of: School
    unit: percent
    frequency: yearly
    polarity: higher
    owner_role: Head of visits
    caveats: None known.
    targets:
      - {kind: agreement, value: 92.5, tolerance: 5, applies_from: 2024-09-01, label: 92.5% in time, source: Service agreement}
      - {kind: planning_figure, value: 97, due_date: 2028-08-31, label: 97% by 2028, source: Plan of the service}
"""
RETURN = """
return_id: {name}
title: visits
description: Visits.
owner: head-of-visits
publishers: [visitors]
personal_data: none
frequency: yearly
feeds: visits
links: []
spec_version: "1"
every_year_since: 2024
tables: {{visit: {{grain: One visit., columns: {{visited_on: {{type: DATE, description: Day.}}}}}}}}
files: {{}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of specifications with one local return, and one that is none."""
    for name in ("visits", "registers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "return.yaml").write_text(RETURN.format(name=name))
    (tmp_path / "visits" / "kpis.yaml").write_text(KPIS)
    monkeypatch.setattr(spec, "SPECS_DIR", tmp_path)
    for cached in (spec._load, kpis.load_kpis):
        cached.cache_clear()
    yield tmp_path
    for cached in (spec._load, kpis.load_kpis):
        cached.cache_clear()


def test_a_return_with_kpis_beside_its_specification_is_a_local_one(folder: Path) -> None:
    assert local_return_ids() == ["visits"]
    assert known_kpi_ids()[-2:] == ["visits", "visits_in_time_pct"]


def test_a_kpi_becomes_a_definition_and_a_recipe_of_the_returns_own_series(folder: Path) -> None:
    rows = seed_rows(["visits"])
    [count, share] = rows["kpi_definition"]
    assert (count["kpi_id"], count["family"], count["source_return"], count["denominator"]) == (
        "visits", "local_returns", "Visits", None,
    )  # fmt: skip
    assert (share["unit"], share["owner_role"], share["evidence_confidence"]) == ("percent", "Head of visits", "D")
    told = [
        (row["kpi_id"], row["calculation"], row["part"], row["series_code"], row["measure_code"], row["whole_topic"])
        for row in rows["kpi_source"]
    ]
    assert told == [
        ("visits", "count", "numerator", "visits", "visit_count", None),
        ("visits_in_time_pct", "share", "numerator", "visits", "in_time_count", None),
        ("visits_in_time_pct", "share", "denominator", "visits", "visit_count", "School"),
    ]
    assert rows["kpi_breakdown_topic"] == [{"breakdown_topic": "School", "is_withheld": True}]
    assert {row["weight"] for row in rows["kpi_source"]} == {1}


def test_the_numerator_of_a_ratio_can_be_a_difference(folder: Path) -> None:
    ratio = KPIS.replace("whole_of: School\n    unit: percent", "less: late_count\n    unit: ratio")
    (folder / "visits" / "kpis.yaml").write_text(ratio)
    told = [(row["part"], row["measure_code"], row["weight"]) for row in seed_rows(["visits"])["kpi_source"]]
    assert told[1:] == [
        ("numerator", "in_time_count", 1),
        ("numerator", "late_count", -1),
        ("denominator", "visit_count", 1),
    ]


def test_targets_become_rows_in_the_unit_of_their_kpi_and_a_planning_figure_is_not_rated(folder: Path) -> None:
    [agreed, planned] = seed_rows(["visits"])["kpi_target"]
    assert agreed == {
        "kpi_id": "visits_in_time_pct",
        "target_kind": "agreement",
        "target_value": Decimal("92.5"),
        "unit": "percent",
        "tolerance": 5,
        "applies_from": date(2024, 9, 1),
        "applies_to": None,
        "due_date": None,
        "is_rated": True,
        "target_label": "92.5% in time",
        "source": "Service agreement",
    }
    assert (planned["is_rated"], planned["due_date"], planned["tolerance"]) == (False, date(2028, 8, 31), 0)


def test_parts_that_add_up_become_lines_of_the_returns_own_series(folder: Path) -> None:
    both = KPIS.replace("    counts: visit_count", "    counts: late_count", 1)
    (folder / "visits" / "kpis.yaml").write_text(both.replace("[in_time_count]", "[in_time_count, late_count]"))
    rows = seed_rows(["visits"])["additive_measure"]
    assert [tuple(row.values()) for row in rows] == [
        ("in_time", "visits", "visit_count", "visits", "in_time_count"),
        ("in_time", "visits", "visit_count", "visits", "late_count"),
    ]


def test_what_a_return_brings_joins_the_seeds_in_their_columns(folder: Path, tmp_path: Path) -> None:
    """As `with_local_returns` inserts it after a seed is loaded, where nothing but the names and types has to fit."""
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw")
    with duckdb.connect() as connection:
        write_control_tables(connection, settings)
        for seed, added in (("kpi_target", 2), ("additive_measure", 1)):
            path = PROJECT_DIR / "dbt_project" / "seeds" / f"{seed}.csv"
            before = connection.execute(f"create table {seed} as from read_csv('{path}', header = true)").fetchall()
            connection.execute(f"insert into {seed} by name from control.{seed}")
            assert connection.execute(f"select count(*) from {seed}").fetchall() == [(before[0][0] + added,)]
        assert connection.execute("select target_value from control.kpi_target order by 1").fetchall() == [
            (Decimal("92.5"),), (Decimal(97),),
        ]  # fmt: skip


def test_a_share_whose_items_are_more_than_the_whole_goes_without_a_total(folder: Path) -> None:
    (folder / "visits" / "kpis.yaml").write_text(
        KPIS.replace("whole_of: School", "whole_of: School\n    has_total: false")
    )
    told = [(row["kpi_id"], row["part"], row["is_split_by_person"]) for row in seed_rows(["visits"])["kpi_source"]]
    assert told == [
        ("visits", "numerator", True),
        ("visits_in_time_pct", "numerator", True),
        ("visits_in_time_pct", "denominator", False),
    ]


def test_two_returns_agree_on_who_may_see_a_breakdown(folder: Path) -> None:
    (folder / "registers" / "kpis.yaml").write_text(KPIS)
    assert len(seed_rows(local_return_ids())["kpi_breakdown_topic"]) == 1
    (folder / "registers" / "kpis.yaml").write_text(KPIS.replace("is_public: false", "is_public: true"))
    kpis.load_kpis.cache_clear()
    with pytest.raises(CornerstoneError, match="otherwise of who may see the breakdown 'School'"):
        seed_rows(local_return_ids())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("unit: count", "unit: percent"),
        ("    out_of: visit_count\n", ""),
        ("polarity: neutral", "polarity: better"),
        ("    caveats: None known.\n  visits_in", "    caveat: None known.\n  visits_in"),
        ("    unit: count\n", "    unit: count\n    whole_of: School\n"),
        ("    unit: count\n", "    unit: count\n    has_total: false\n"),
        ("quality: amber", "quality: good"),
        ("kind: agreement", "kind: hope"),
        ("applies_from: 2024-09-01, label", "label"),
        ("polarity: higher", "polarity: neutral"),
        ("tolerance: 5", "tolerance: -5"),
        ("parts: [in_time_count]", "parts: []"),
        ("parts: [in_time_count]", "parts: [in_time_count, in_time_count]"),
        ("parts: [in_time_count]", "parts: [visit_count]"),
        ("parts: [in_time_count]", "parts: [in_tiem_count]"),
        ("total: visit_count", "total: visits"),
        ("    whole_of: School\n", "    less: late_count\n"),
        ("    unit: percent\n", "    less: late_count\n    unit: ratio\n"),
    ],
)
def test_kpis_that_do_not_fit_are_refused_by_the_name_of_their_return(folder: Path, right: str, wrong: str) -> None:
    assert right in KPIS
    (folder / "visits" / "kpis.yaml").write_text(KPIS.replace(right, wrong, 1))
    with pytest.raises(CornerstoneError, match=r"kpis\.yaml of visits cannot be used"):
        load_kpis("visits")


def test_a_return_of_every_year_alike_has_one_specification_from_its_first_year_on(folder: Path) -> None:
    visits = load_spec("visits")
    assert [visits.knows_period(year) for year in ("2023", "2024", "2031")] == [False, True, True]
    assert visits.for_period("2031") == visits
    assert visits.period_of(2031, None) == "2031"


@pytest.mark.parametrize("return_id", local_return_ids())
def test_the_models_and_the_steps_of_a_local_return_carry_its_name(return_id: str) -> None:
    """The list of definitions leaves out what carries the name of a local return, and no more."""
    models = PROJECT_DIR / "dbt_project" / "models"
    own = [path for folder in models.rglob(return_id) for path in folder.rglob("*.sql")]
    assert f"int_{return_id}__kpi_cell" in {path.stem for path in own}
    assert [path.stem for path in own if return_id not in path.stem] == []


@pytest.mark.parametrize("return_id", local_return_ids())
def test_every_kpi_of_a_local_return_says_what_a_reader_needs(return_id: str) -> None:
    local = load_kpis(return_id)
    for kpi in local.kpis.values():
        assert kpi.definition.endswith(".") and kpi.caveats.endswith(".")
