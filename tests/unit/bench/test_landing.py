"""A landing is measured in all its stages; how fast it was is no matter here."""

from pathlib import Path

import pytest

from orchestration.bench.landing import STAGES, _land, floors_of, measure_landing
from orchestration.bench.measure import apart
from orchestration.errors import CornerstoneError
from orchestration.returns import land
from orchestration.returns.land import LandingReport
from orchestration.synthetic.deliveries import Delivered
from tests.invented_census import census, write_collect
from tests.invented_return import header, people, xml_text


def plans(folder: Path) -> Delivered:
    path = folder / "return.xml"
    path.write_text(xml_text(header(), people()), encoding="utf-8")
    return Delivered("plans", "sen2", (path,))


def collect(folder: Path) -> Delivered:
    return Delivered(
        "collect", "school_census", tuple(write_collect(folder, [census(estab="4001"), census(estab="4002")]))
    )


@pytest.mark.parametrize(("deliver", "rows", "floors"), [(plans, 19, 1), (collect, 42, 2)], ids=["xml", "csv"])
def test_every_stage_of_a_landing_is_measured(tmp_path: Path, deliver: object, rows: int, floors: int) -> None:
    assert callable(deliver)
    delivered = deliver(tmp_path)
    found = apart(measure_landing, delivered, 1)
    assert (found.rows, found.files, found.is_xml) == (rows, len(delivered.files), floors == 1)
    assert found.bytes == sum(path.stat().st_size for path in delivered.files)
    assert set(found.stages) == set(STAGES)
    assert 0 < sum(found.stages.values()) <= found.whole.cpu_seconds
    assert len(found.floors) == floors
    assert found.floors[0].fields > 50
    assert found.ratio == found.whole.seconds / found.floors[0].usage.seconds > 0


def test_what_does_not_land_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = LandingReport([], [], [], ["return.xml is still being written"], [])
    monkeypatch.setattr(land, "land_return", lambda *_, **__: refused)
    with pytest.raises(CornerstoneError, match=r"did not land: return\.xml is still being written"):
        _land("sen2", [], tmp_path)


def test_a_workbook_has_no_floor(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK")
    assert floors_of([path], tmp_path, 1) == []
