"""Everything landed is made again from the archive alone, the same as it stood, whenever a rebuild is interrupted."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import rebuild as rebuild_module
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import link_children
from orchestration.rebuild import beside, finish_rebuild, rebuild_landed
from orchestration.returns.archive import archived_path, receipts
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import landing_dirs, read_submissions, read_waiting
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.landed_store import NOON, copy_of_landed

LATER = NOON + timedelta(days=30)


@pytest.fixture
def landed(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Settings:
    """A store with three days of deliveries."""
    return copy_of_landed(tmp_path_factory, tmp_path / "landed")


def content(settings: Settings) -> dict[str, Any]:
    """What was landed, whose it is, and what it was read from."""
    told: dict[str, Any] = {}
    with duckdb.connect() as connection:
        for return_id in return_ids():
            told[return_id] = [read_submissions(settings, return_id), read_waiting(settings, return_id)]
            for folder in landing_dirs(settings, return_id):
                for path in sorted(folder.glob("*.parquet")):
                    rows = connection.execute("select * from read_parquet(?) order by all", [str(path)]).fetchall()
                    told[f"{return_id}/{folder.name}/{path.name}"] = rows
        link = "select * from read_parquet(?, hive_partitioning = false) order by all"
        told["child_link"] = connection.execute(link, [str(settings.child_link_path)]).fetchall()
    told["vault"] = sorted(str(path.relative_to(settings.vault_dir)) for path in settings.vault_dir.rglob("*.parquet"))
    return told


def test_what_was_landed_is_the_same_again(landed: Settings) -> None:
    before = content(landed)
    assert len(before["sen2"][0]) == 3
    assert before["sen2"][1]
    assert len(before["child_link"]) > 3
    shutil.rmtree(landed.landed_dir)
    for part in ("identity", "quarantine"):
        shutil.rmtree(landed.vault_dir / part, ignore_errors=True)
    prepare_store(landed)
    done = rebuild_landed(landed, LATER)
    link_children(landed)
    assert content(landed) == before
    assert (done.submissions, done.otherwise, done.gone) == (4, 4, 0)
    assert not beside(landed).store.exists()


def test_what_stands_is_told_to_be_the_same(landed: Settings) -> None:
    done = rebuild_landed(landed, LATER)
    assert (done.submissions, done.otherwise, done.gone) == (4, 0, 0)


def test_interrupted_while_it_lands_nothing_has_changed(landed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(landed)
    real = rebuild_module.land_archived
    calls: list[str] = []

    def interrupted(settings: Settings, return_id: str, *rest: Any, **named: Any) -> Any:
        calls.append(return_id)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(settings, return_id, *rest, **named)

    monkeypatch.setattr(rebuild_module, "land_archived", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rebuild_landed(landed, LATER)
    finish_rebuild(landed)
    assert content(landed) == before
    assert rebuild_landed(landed, LATER).otherwise == 0


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_interrupted_while_it_is_put_in_place_the_next_run_goes_on(
    landed: Settings, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    before = content(landed)
    real: Callable[[Path, Path], Path] = Path.rename
    places: list[Path] = []

    def interrupted(path: Path, place: Path) -> Path:
        if path.is_relative_to(beside(landed).store) and (beside(landed).store / "ready").exists():
            places.append(place)
            if len(places) == moved + 1:
                raise KeyboardInterrupt
        return real(path, place)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rebuild_landed(landed, LATER)
    finish_rebuild(landed)
    link_children(landed)
    assert content(landed) == before
    assert not beside(landed).store.exists()


def test_a_damaged_archive_is_told_before_anything_is_touched(landed: Settings) -> None:
    before = content(landed)
    [first, *_] = receipts(landed, "sen2")
    path = archived_path(landed, first.sha256)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CornerstoneError, match=r"1 archived file\(s\) are missing, damaged.*first sen2/first.xml"):
        rebuild_landed(landed, LATER)
    assert content(landed) == before


def test_a_store_that_received_nothing_is_not_rebuilt(settings: Settings) -> None:
    prepare_store(settings)
    with pytest.raises(CornerstoneError, match="Nothing was ever received"):
        rebuild_landed(settings, LATER)
