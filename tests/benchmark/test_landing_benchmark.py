"""The benchmark runs and accounts for a landing; how fast it was is no matter here."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmark.landing import (
    FIRST,
    STAGES,
    Delivered,
    _apart,
    benchmark,
    copy_csv,
    table_of,
    walk,
    walk_by_person,
)
from tests.invented_census import census, write_census_xml, write_collect
from tests.invented_return import header, people, xml_text


def plans(folder: Path) -> Delivered:
    path = folder / "return.xml"
    path.write_text(xml_text(header(), people()), encoding="utf-8")
    return Delivered("plans", "sen2", (path,), (path,))


def schools(folder: Path) -> Delivered:
    files = tuple(write_census_xml(folder, census(estab=estab)) for estab in ("4001", "4002"))
    return Delivered("schools", "school_census", files, files[:1])


def collect(folder: Path) -> Delivered:
    small = write_census_xml(folder, census())
    files = write_collect(folder, [census(estab="4001"), census(estab="4002")])
    return Delivered("collect", "school_census", tuple(files), (small,))


@pytest.mark.parametrize(("deliver", "rows"), [(plans, 19), (schools, 42), (collect, 42)])
def test_every_stage_of_a_landing_is_measured(tmp_path: Path, deliver: object, rows: int) -> None:
    assert callable(deliver)
    delivered = deliver(tmp_path)
    found = _apart(benchmark, delivered, 1.0, 1)
    assert (found.rows, found.files) == (rows, len(delivered.files))
    assert set(found.stages) == set(STAGES)
    assert 0 < sum(found.stages.values()) <= found.measured["whole landing"].cpu_seconds
    assert all(measured.seconds > 0 for measured in found.measured.values())
    assert found.floor is next(measured for name, measured in found.measured.items() if name != FIRST)
    console = Console(record=True, width=120)
    console.print(table_of(found))
    assert "whole landing" in console.export_text()


def test_the_floors_see_every_field(tmp_path: Path) -> None:
    for path in (*plans(tmp_path).files, *schools(tmp_path).files):
        assert walk(path) > walk_by_person(path) > 50
    (tmp_path / "three.csv").write_text("a,b\n1,2\n3,\n5,6\n")
    assert copy_csv(tmp_path / "three.csv", tmp_path / "three.parquet") == 6
