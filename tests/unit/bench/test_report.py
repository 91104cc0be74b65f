"""What was measured is told as it was measured, and targets are judged by it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.bench.bench import COLD, NOTHING_NEW, ONE_FILE, Bench, Measured, Read
from orchestration.bench.floors import Floor
from orchestration.bench.landing import Landed
from orchestration.bench.measure import Usage
from orchestration.bench.report import (
    GROWTH_PICTURE,
    HISTORY,
    LATEST,
    PAGE,
    as_json,
    bends_first,
    each_size,
    growing,
    growth_picture,
    history_lines,
    history_picture,
    keep,
    slopes,
    tables_of,
    targets,
)
from orchestration.bench.whole_run import OUTSIDE, Run

GIB = 2**30
MACHINE: dict[str, str | int] = {"processors": 2, "memory_bytes": 8 * GIB, "python": "3.11", "duckdb": "1.5"}


def measured(scale: float, *, rows: int, cold: float, late: float) -> Measured:
    """A cold run of which half is the building of marts, a fifth a gate, a tenth imports and a twentieth what lies outside."""
    stages = {
        "imports and definitions": Usage(cold / 10, 1.0, GIB),
        "landed__plans": Usage(0.15 * cold, 1.0, GIB),
        "build_marts": Usage(cold / 2, 1.0, 3 * GIB),
        "mart_gate": Usage(cold / 5, 1.0, GIB),
        OUTSIDE: Usage(cold / 20, 1.0),
    }
    runs = [
        Run(COLD, "released", Usage(cold, 2 * cold, 3 * GIB), stages),
        Run(NOTHING_NEW, "nothing_new", Usage(4.0, 3.0, GIB), {}),
        Run(ONE_FILE, "released", Usage(late, 3.0, GIB), {}),
    ]
    walk = Floor("XML: bare walk", 1, 1000, 0, 9, Usage(2.0, 2.0, 0))
    landing = Landed("Plans, XML", True, 1, 1000, 50, Usage(7.0, 5.0, 0), {"read": 2.0, "rules": 3.0}, [walk])
    read = {"landed__plans": Read(rows, 1000, Usage(0.1, 0.1, None)), "build_marts": Read(rows, 1000, None)}
    return Measured(scale, 1, 1000, rows, [landing], [walk], runs, read)


@pytest.fixture
def bench() -> Bench:
    small, own = measured(0.02, rows=1000, cold=20.0, late=15.0), measured(1.0, rows=10_000, cold=100.0, late=24.0)
    return Bench("2026-11-22T10:00:00+00:00", "0.1.0+abc", MACHINE, [small, own])


def test_targets_are_judged_at_the_authoritys_own_size(bench: Bench) -> None:
    found = {one.what: (one.at_most, pytest.approx(one.measured), one.is_met) for one in targets(bench)}
    assert found == {
        "everything, for the first time": (90, 100.0, False),
        "memory of that": (2, 3.0, False),
        "nothing new": (10, 4.0, True),
        "one new school file: fixed cost and 10": (25.0, 24.0, True),  # 15 s at the smallest size
        "Plans, XML, beside the floor": (2, 2.5, False),
        "gates, of the run": (15, 20.0, False),
        "Dagster and imports, of the run": (20, 15.0, True),
    }
    assert targets(Bench("", "", {}, [measured(0.02, rows=1, cold=1, late=1)])) == []


def test_the_slope_is_of_time_by_rows(bench: Bench) -> None:
    # Ten times the rows took five times the time: log 5 / log 10.
    assert slopes(bench.measured)["build_marts"] == pytest.approx(0.69897)


def test_what_bends_first_takes_a_twentieth_of_the_run(bench: Bench) -> None:
    """The gate grew a hundredfold and takes 4 of 100 seconds; linkage grew tenfold and takes 60; marts grew twofold and take 36."""
    sizes = []
    for one, seconds in zip(bench.measured, ((0.04, 6.0, 18.0), (4.0, 60.0, 36.0)), strict=True):
        stages = {
            stage: Usage(each, each)
            for stage, each in zip(("mart_gate", "warehouse__control", "build_marts"), seconds, strict=True)
        }
        sizes.append(replace(one, runs=[Run(COLD, "released", Usage(sum(seconds), 1.0), stages)]))
    assert bends_first(sizes) == "warehouse__control"


def test_everything_is_told(bench: Bench) -> None:
    console = Console(record=True, width=200)
    for table in tables_of(bench):
        console.print(table)
    told = console.export_text()
    for words in (
        "10,000",
        "build_marts",
        "3.50",
        "2.50",
        "mart_gate",
        "20%",
        "slope at the end",
        "bends first",
        "kept",
        OUTSIDE,
    ):
        assert words in told
    assert as_json(bench)["targets"][0] == {
        "what": "everything, for the first time", "at_most": 90, "measured": 100.0, "unit": "s", "is_met": False
    }  # fmt: skip


def test_a_history_grows_and_its_picture_shows_every_measurement_of_one_size(bench: Bench, tmp_path: Path) -> None:
    earlier = Bench("2026-11-01T09:30:00+00:00", "0.1.0+old", MACHINE, bench.measured[1:])
    keep(earlier, tmp_path)
    keep(replace(bench, measured=bench.measured[:1]), tmp_path)  # what was measured until then
    written = keep(bench, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert lines == history_lines(earlier) + history_lines(bench)
    assert [(line["scale"], line["seconds"]) for line in lines if line["run"] == COLD] == [
        (1, 100),
        (0.02, 20),
        (1, 100),
    ]
    assert json.loads((tmp_path / LATEST).read_text())["code_version"] == "0.1.0+abc"
    assert all(path.is_file() for path in written)
    picture = history_picture(lines)
    assert "size 1" in picture
    assert ">2026-11-01 09:30<" in picture
    assert ">2026-11-22 10:00<" in picture
    assert ">build_marts<" in picture


def test_growth_is_drawn_by_stage(bench: Bench) -> None:
    assert ">build_marts<" in growth_picture(each_size(history_lines(bench)))


def test_growth_shows_each_size_as_it_was_measured_last(bench: Bench, tmp_path: Path) -> None:
    """Boroughs until authorities were measured; then these, of whichever measurement."""

    def of_authorities(count: int, cold: float) -> Measured:
        return replace(measured(1.33, rows=60_000 * count, cold=cold, late=1.0), authorities=count, landings=[])

    assert [line["scale"] for line in each_size(history_lines(bench))] == [0.02, 1]
    england = replace(bench, made_at="2026-11-20T10:00:00+00:00", measured=[of_authorities(153, 9000.0)])
    before = replace(bench, made_at="2026-11-21T10:00:00+00:00", measured=[of_authorities(1, 150.0)])
    now = replace(bench, measured=[*bench.measured, of_authorities(1, 100.0), of_authorities(15, 300.0)])
    keep(england, tmp_path)
    assert not (tmp_path / GROWTH_PICTURE).exists()
    keep(before, tmp_path)
    keep(now, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert [(line["authorities"], line["seconds"]) for line in each_size(lines)] == [
        (1, 100.0),
        (15, 300.0),
        (153, 9000.0),
    ]
    picture = (tmp_path / GROWTH_PICTURE).read_text()
    assert picture == growth_picture(each_size(lines))


def test_several_authorities_are_set_beside_each_other_and_not_beside_boroughs(bench: Bench, tmp_path: Path) -> None:
    one, five = (
        replace(measured(1.33, rows=rows, cold=cold, late=1.0), authorities=count, landings=[])
        for count, rows, cold in ((1, 60_000, 100.0), (5, 300_000, 200.0))
    )
    both = replace(bench, measured=[*bench.measured, one, five])
    assert [[of.size for of in growth] for growth in growing(both)] == [
        ["size 0.02", "size 1"],
        ["1 authority", "5 authorities"],
    ]
    assert targets(both) == targets(bench)
    keep(both, tmp_path)
    page = (tmp_path / PAGE).read_text()
    assert "| stage | 1 authority | 5 authorities | slope at the end |\n| --- | ---: | ---: | ---: |\n" in page
    assert "| build_marts | 50.0 | 100.0 | 0.43 |" in page  # log 2 / log 5
    assert f"]({GROWTH_PICTURE})" in page
    assert 'fill="white"' in (tmp_path / GROWTH_PICTURE).read_text()
