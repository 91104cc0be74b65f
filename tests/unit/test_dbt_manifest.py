"""dbt reads its project anew when anything of it changed, was added or was taken away, and otherwise not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import dbt_manifest
from orchestration.dbt_manifest import ensure_manifest, manifest_path
from orchestration.returns import spec
from orchestration.settings import Settings


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Ask for the manifest of a small project of long ago: did dbt read it?"""
    project, specs = tmp_path / "dbt_project", tmp_path / "specs"
    for path in (project / "models/staging/visits/stg.sql", project / "macros/one.sql", specs / "visits/kpis.yaml"):
        path.parent.mkdir(parents=True)
        path.write_text("")
    (project / "dbt_project.yml").write_text("")
    (specs / "visits" / "return.yaml").write_text("")
    monkeypatch.setattr(spec, "SPECS_DIR", specs)
    monkeypatch.setattr(Settings, "dbt_project_dir", property(lambda _: project))
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw")
    commands: list[list[str]] = []

    def run_dbt(of: Settings, arguments: list[str]) -> None:
        commands.append(arguments)
        manifest_path(of).parent.mkdir(exist_ok=True)
        manifest_path(of).touch()

    monkeypatch.setattr(dbt_manifest, "run_dbt", run_dbt)
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    def asked() -> bool:
        commands.clear()
        ensure_manifest(settings)
        if commands:  # read on a day before that of the test, so that what the test does next is later
            os.utime(manifest_path(settings), (1_500_000_000, 1_500_000_000))
        return commands == [["parse"]]

    return asked


def test_a_project_is_read_once(read: Callable[[], bool]) -> None:
    assert [read(), read()] == [True, False]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "dbt_project/models/staging/visits/stg.sql").write_text("select 1"),
        lambda folder: (folder / "dbt_project/macros/one.sql").unlink(),
        lambda folder: shutil.rmtree(folder / "dbt_project/models/staging/visits"),
        lambda folder: (folder / "specs/visits/kpis.yaml").unlink(),
        lambda folder: shutil.rmtree(folder / "specs/visits"),
        lambda folder: (folder / "specs/visits/kpis.yaml").write_text("kpis: {}"),
    ],
    ids=["changed", "macro taken away", "models taken away", "KPIs taken away", "return taken away", "KPIs changed"],
)
def test_a_project_that_changed_or_lost_something_is_read_anew(
    read: Callable[[], bool], change: Callable[[Path], object], tmp_path: Path
) -> None:
    read()
    change(tmp_path)
    assert read()
