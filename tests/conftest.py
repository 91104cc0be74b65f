"""Shared fixtures: a store and an inbox of one's own, and small invented files in the shapes publishers use."""

import csv
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.locking import exclusive_lock
from orchestration.privacy.keys import load_keys
from orchestration.privacy.vault import open_vault
from orchestration.returns.workspace import load_encryption
from orchestration.settings import PROJECT_DIR, Settings

os.environ["GX_ANALYTICS_ENABLED"] = "false"

SHARED = PROJECT_DIR.parent / "shared"

EES_FIXED = [
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "new_la_code", "old_la_code", "la_name", "breakdown_topic", "breakdown",
]  # fmt: skip
ENGLAND = ["National", "E92000001", "England", "", "", "", "", ""]
YORKSHIRE = ["Regional", "E92000001", "England", "E12000003", "Yorkshire and The Humber", "", "", ""]
ROTHERHAM = [
    "Local authority", "E92000001", "England", "E12000003", "Yorkshire and The Humber", "E08000018", "372", "Rotherham",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes is begun first, so that no worker is left alone with it at the end. The portal follows: its modules read
    one store, and side by side at the start one worker would wait for minutes until the other has made it."""
    items.sort(key=lambda item: (item.get_closest_marker("end_to_end") is None, "portal" in item.path.parts))


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills: by the worker that asks for it first, for all of them, to be read or copied alone."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = shared / f"made-{name}", shared / f"made-{name}.done"
    with exclusive_lock(shared / f"made-{name}.lock", wait_seconds=1800, holder="a test"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session", autouse=True)
def key_file_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test makes or reads a key in the configuration folder of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORNERSTONE_KEY_FILE", str(tmp_path_factory.mktemp("configuration") / "secret.key"))
        yield


@pytest.fixture(scope="session", autouse=True)
def files_are_settled() -> Iterator[None]:
    """What a test delivers is whole: no landing in its process waits for the last bytes. Who tries the waiting sets it back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestration.returns.inbox.SETTLE_SECONDS", 0.0)
        yield


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The rules of every return."""
    return load_catalogue(PROJECT_DIR / "expectations" / "rules")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty store with no bundled figures."""
    (tmp_path / "raw" / "inbox" / "published_statistics").mkdir(parents=True)
    return Settings(store=tmp_path / "store", raw=tmp_path / "raw", key_file=tmp_path / "configuration" / "secret.key")


@contextmanager
def vault_connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read the vault of a store."""
    with duckdb.connect(":memory:") as connection:
        load_encryption(connection)
        open_vault(connection, load_keys(settings))
        yield connection


@pytest.fixture
def inbox(settings: Settings) -> Path:
    """The inbox of published statistics."""
    return settings.inbox_dir / "published_statistics"


def csv_text(header: list[str], rows: list[list[str]]) -> str:
    """Rows as CSV text."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()


def requests_csv(requests: str = "959", refused: str = "304", period: str = "2024") -> str:
    """A table of EHC needs assessment requests as DfE lays it out: England, the region and Rotherham."""
    header = [*EES_FIXED, "requests_received_in_year", "requests_decided_not_to_assess"]
    topic = ["All requests for EHC needs assessments"] * 2
    return csv_text(
        header,
        [
            [period, "Calendar year", *ENGLAND, *topic, "154489", "38960"],
            [period, "Calendar year", *YORKSHIRE, *topic, "14000", "3500"],
            [period, "Calendar year", *ROTHERHAM, *topic, requests, refused],
        ],
    )


def caseload_csv(rotherham: str = "3623", period: str = "202425") -> str:
    """A table of EHC plans in January as DfE lays it out."""
    topic = ["All EHC plans"] * 2
    return csv_text(
        [*EES_FIXED, "ehcplans", "special_total"],
        [
            [period, "Academic year", *ENGLAND, *topic, "638745", "200000"],
            [period, "Academic year", *YORKSHIRE, *topic, "60000", "20000"],
            [period, "Academic year", *ROTHERHAM, *topic, rotherham, "1200"],
        ],
    )


def write_zip(path: Path, members: dict[str, str | bytes]) -> Path:
    """A zip of text members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """A file of the published data held beside the project; the test skips where it is absent."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"needs the published file {relative}, which is held beside the project and not part of it")
        return path

    return find
