"""Each way in which a store can break is found, named with its place, and answered with what to do; nothing is changed."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.doctor.examine import examine
from orchestration.doctor.finding import Finding
from orchestration.linkage.decisions import decisions_path
from orchestration.rebuild import BESIDE
from orchestration.returns.archive import archived_path, receipts
from orchestration.returns.submission import landing_dirs
from orchestration.settings import Settings
from tests.end_to_end.journey import digests
from tests.landed_store import copy_of_landed


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Settings:
    return copy_of_landed(tmp_path_factory, tmp_path / "landed")


def told(settings: Settings) -> list[Finding]:
    """What is found but the room on the disk, which is the machine's."""
    before = digests(settings.store)
    found = [one for one in examine(settings).findings if "MB are free" not in one.what]
    assert digests(settings.store) == before
    for one in found:
        assert one.where
        assert one.action
    return found


def landing(settings: Settings) -> Path:
    return landing_dirs(settings, "sen2")[0]


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_sound_store_has_nothing_wrong(store: Settings) -> None:
    assert told(store) == []


def test_where_there_is_no_store_it_says_so(settings: Settings) -> None:
    examined = examine(settings)
    assert (examined.exit_code, [one.what for one in examined.findings]) == (2, ["There is no store here."])
    assert not settings.store.exists()
    assert not settings.key_file.exists()


def _tamper(settings: Settings) -> None:
    path = archived_path(settings, receipts(settings, "sen2")[0].sha256)
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def _lose_a_landed_table(settings: Settings) -> None:
    (landing(settings) / "sen2_person.parquet").unlink()


def _lose_rows(settings: Settings) -> None:
    path = landing(settings) / "sen2_person.parquet"
    duckdb.sql(f"copy (from read_parquet('{path}') limit 0) to '{path}.new' (format parquet)")
    Path(f"{path}.new").replace(path)


def _interrupt_a_run(settings: Settings) -> None:
    shutil.copytree(landing(settings), settings.landed_dir / ".partial" / "sen2" / "20250301T120000-aaaa")


def _orphan_in_vault(settings: Settings) -> None:
    (settings.vault_dir / "identity" / "sen2" / "20250301T120000-aaaa").mkdir()


def _tear_a_decision(settings: Settings) -> None:
    decisions_path(settings).write_text('{"at": "2025\n')


def _let_everybody_in(settings: Settings) -> None:
    settings.vault_dir.chmod(0o755)


def _forget_a_receipt(settings: Settings) -> None:
    next((settings.archive_dir / "receipts" / "therapy_waiting_list").glob("*.json")).unlink()


BREAKAGES: list[tuple[Callable[[Settings], None], str, str, str]] = [
    (_tamper, "archive", "broken", "was altered"),
    (lambda s: archived_path(s, receipts(s, "sen2")[0].sha256).unlink(), "archive", "broken", "is not in the archive"),
    (_forget_a_receipt, "archive", "attention", "no receipt"),
    (lambda s: tear(next((s.archive_dir / "receipts" / "sen2").glob("*.json"))), "archive", "broken", "receipt(s) cannot be read"),
    (lambda s: tear(landing(s) / "landing.json"), "landed", "broken", "no record"),
    (_lose_a_landed_table, "landed", "broken", "missing or cannot be read"),
    (_lose_rows, "landed", "broken", "does not hold the rows"),
    (lambda s: shutil.rmtree(s.vault_dir / "identity" / "sen2" / landing(s).name), "vault", "broken", "whom a landing is about"),
    (lambda s: shutil.rmtree(landing(s)), "landed", "attention", "not landed yet"),
    (_interrupt_a_run, "store", "attention", "run that died"),
    (lambda s: (s.store / ".rekeyed").mkdir(), "store", "attention", "left behind"),
    (lambda s: (s.store / ".known_at_x").mkdir(), "store", "attention", "left behind."),
    (_orphan_in_vault, "vault", "attention", "never committed"),
    (lambda s: (s.store / BESIDE).mkdir(), "store", "attention", "rebuild was interrupted"),
    (_tear_a_decision, "journals", "broken", "damaged or was altered"),
    (lambda s: tear(s.child_link_path), "links", "attention", "cannot be read"),
    (_let_everybody_in, "store", "broken", "Others than its owner"),
    (lambda s: archived_path(s, receipts(s, "sen2")[0].sha256).chmod(0o644), "store", "attention", "copied elsewhere"),
    (lambda s: s.store.chmod(0o700), "store", "attention", "pass through the store"),
    (lambda s: s.key_file.unlink(), "key", "broken", "is missing"),
    (lambda s: s.key_file.write_text("0123456789abcdef" * 4), "key", "broken", "not the one"),
    (lambda s: s.warehouse_path.write_bytes(b"no database"), "warehouse", "broken", "damaged"),
    (lambda s: (s.store / "last_run.json").write_text("{}"), "warehouse", "attention", "is gone"),
    (lambda s: (s.dagster_home / "runs.db").write_bytes(b"no database at all, " * 90), "dagster", "broken", "history of runs"),
]  # fmt: skip


@pytest.mark.parametrize(("breaks", "family", "severity", "words"), BREAKAGES, ids=[words for *_, words in BREAKAGES])
def test_what_is_broken_is_found(
    store: Settings, breaks: Callable[[Settings], None], family: str, severity: str, words: str
) -> None:
    breaks(store)
    found = told(store)
    assert any((one.family, one.severity) == (family, severity) and words in one.what for one in found), found
    assert examine(store).exit_code == (2 if severity == "broken" else examine(store).exit_code) != 0


def test_a_database_that_another_program_has_open_is_no_damage(store: Settings) -> None:
    import subprocess
    import sys

    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(store.warehouse_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        [found] = [one for one in examine(store).findings if one.family == "warehouse"]
    finally:
        holder.communicate()
    assert (found.severity, "open" in found.what) == ("attention", True)


def test_a_run_that_goes_on_is_told_of(store: Settings) -> None:
    with (store.store / "run.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert any("run is going on" in one for one in examine(store).not_examined)


def test_a_full_disk_is_told_of(store: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(store.store)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1024**2))
    assert any(one.severity == "broken" and "1 MB are free" in one.what for one in examine(store).findings)


def test_what_is_found_names_no_child(store: Settings) -> None:
    for breaks in (_tamper, _lose_a_landed_table, _orphan_in_vault, _tear_a_decision):
        breaks(store)
    said = json.dumps([vars(one) for one in examine(store).findings])
    assert not any(name in said for name in ("Zzlovelace", "Adaxia", "Zzturing", "Zzhopper"))
