"""The working database says in one sentence why it cannot be used."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml
from jinja2 import Environment

from orchestration import warehouse
from orchestration.dbt_manifest import dbt_environment
from orchestration.errors import Busy, CornerstoneError
from orchestration.privacy.vault import vault_session
from orchestration.resources import WarehouseResource
from orchestration.returns.spec import load_spec
from orchestration.returns.workspace import open_workspace
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, prepare_store


def test_a_disk_that_fills_while_it_is_written_is_told_as_that(tmp_path: Path) -> None:
    with (
        pytest.raises(CornerstoneError, match="The disk is full"),
        open_warehouse(tmp_path / "warehouse.duckdb", "a test", {}),
    ):
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")


def test_one_that_another_program_has_open_may_be_free_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "OPEN_WAIT_SECONDS", 0.0)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    path = tmp_path / "warehouse.duckdb"
    holder = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(Busy, match="another program has it open"), open_warehouse(path, "a test", {}):
            pass
    finally:
        holder.communicate()


def test_one_that_is_damaged_will_not_be_free_later(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"no database")
    with pytest.raises(CornerstoneError, match="it is damaged") as caught, open_warehouse(path, "a test", {}):
        pass
    assert not isinstance(caught.value, Busy)


@pytest.mark.parametrize(
    ("part", "setting"),
    [("store", "CORNERSTONE_STORE"), ("store/archive", "CORNERSTONE_STORE"), ("raw/inbox/sen2", "CORNERSTONE_RAW")],
)
def test_a_folder_that_cannot_be_made_is_named_with_its_setting(
    settings: Settings, tmp_path: Path, part: str, setting: str
) -> None:
    (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / part).touch()
    with pytest.raises(CornerstoneError, match=rf"{part} cannot be made: .* Correct {setting}"):
        prepare_store(settings)


def test_a_place_that_takes_no_folders_is_named(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"store": Path("/proc/nope/store")})
    with pytest.raises(CornerstoneError, match=r"The folder /proc/nope/store cannot be made"):
        prepare_store(nowhere)


def test_every_connection_of_a_run_takes_no_more_than_it_may(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "store", key_file=tmp_path / "key", memory_limit_gib=0.75, spill_limit_gib=1.5)
    asked = "select current_setting('memory_limit'), current_setting('max_temp_directory_size')"
    expected = ("768.0 MiB", "1.5 GiB")
    prepare_store(settings)
    resource = WarehouseResource(database=str(settings.warehouse_path), limits=settings.database_limits)
    with resource.get_connection() as connection:
        assert connection.execute(asked).fetchone() == expected
    with vault_session(settings, settings.vault_dir / "spill") as connection:
        assert connection.execute(asked).fetchone() == expected
    with open_workspace(load_spec("sen2"), settings.vault_dir / "spill", settings.database_limits) as connection:
        assert connection.execute(asked).fetchone() == expected
    # dbt reads them from its profile, in a process of its own.
    told = yaml.safe_load((settings.dbt_project_dir / "profiles.yml").read_text())["cornerstone"]["outputs"][
        "warehouse"
    ]
    for environment, limits in (
        (dbt_environment(settings), {"memory_limit": "0.75GiB", "max_temp_directory_size": "1.5GiB"}),
        ({}, Settings.model_construct().database_limits),  # whoever types dbt by hand has what the settings begin with
    ):
        assert limits == {
            name: Environment(autoescape=True).from_string(value).render(env_var=environment.get)
            for name, value in told["settings"].items()
        }
