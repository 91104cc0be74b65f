"""The benchmark runs and accounts for a landing; how fast it was is no matter here."""

from pathlib import Path

from rich.console import Console

from tests.benchmark.landing import STAGES, _apart, benchmark, table_of, walk, walk_by_person
from tests.invented_return import header, people, xml_text


def test_every_stage_of_a_landing_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "return.xml"
    path.write_text(xml_text(header(), people()), encoding="utf-8")
    found = _apart(benchmark, path, 1.0, 1)
    assert found.rows == 19
    assert found.leaves == walk(path) > walk_by_person(path) > found.rows
    assert set(found.stages) == set(STAGES)
    assert sum(found.stages.values()) <= found.measured["whole landing"].seconds
    assert all(measured.seconds > 0 for measured in found.measured.values())
    console = Console(record=True, width=120)
    console.print(table_of(found))
    assert "whole landing" in console.export_text()
