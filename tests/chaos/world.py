"""The stores that are disturbed: what is delivered to them step by step, what must hold at any moment, and what they come to."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from orchestration.privacy.keys import load_keys
from orchestration.privacy.vault import open_vault, vault_file
from orchestration.returns.archive import is_archived, receipts
from orchestration.returns.inbox import inbox_files
from orchestration.returns.land import orphans_in_vault, pending_receipts
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import (
    current_submissions,
    landing_dirs,
    read_landing,
    read_submissions,
    read_waiting,
)
from orchestration.returns.workspace import load_encryption
from orchestration.settings import Settings
from orchestration.store_lock import copies_left
from tests.conftest import requests_csv
from tests.invented_census import census, marie, write_census_xml
from tests.invented_return import ada, header, people, write_collect_export, xml_text
from tests.invented_therapy import bridget, contact, delivery, write_set

STEPS = 5
BASE, LAST, EXTRA = 0, STEPS, STEPS + 1


def stage(folder: Path, step: int) -> None:
    """Write what arrives at a step into a folder laid out as the inbox. Step 0 is what a store begins with, EXTRA a waiting list."""
    inbox = {name: folder / name for name in ("sen2", "school_census", "therapy_waiting_list", "published_statistics")}
    for path in inbox.values():
        path.mkdir(parents=True, exist_ok=True)
    if step == BASE:
        (inbox["sen2"] / "return.xml").write_text(xml_text(header(2025), people()))
        write_census_xml(inbox["school_census"], census(), "one.xml")
        (inbox["published_statistics"] / "requests.csv").write_text(requests_csv())
    elif step == 1:
        # Sent again, with a row that is set aside.
        again = xml_text(header(2025, serial="2"), [*people(), ada(UPN="Zz", PersonBirthDate="Zz")])
        (inbox["sen2"] / "again.xml").write_text(again)
    elif step == 2:
        write_set(inbox["therapy_waiting_list"], delivery())
        # The same period from the same publisher: the one received last counts.
        (inbox["published_statistics"] / "requests.csv").write_text(requests_csv(requests="960"))
    elif step == 3:
        for estab in ("4002", "4003"):
            pupils = [marie().but(UPN=f"A37240002{estab}"[:13], Surname=f"Zz{estab}")]
            write_census_xml(inbox["school_census"], census(pupils, estab=estab), f"{estab}.xml")
        (inbox["school_census"] / "broken.xml").write_text("<Message><Header>")
    elif step == 4:
        write_collect_export(inbox["sen2"], header(2024), people())
        _write_list(inbox["therapy_waiting_list"], "2025-04-30")
    elif step == LAST:
        (inbox["sen2"] / "next.xml").write_text(xml_text(header(2026), people()))
        write_census_xml(inbox["school_census"], census(serial="2"), "one again.xml")
        (inbox["published_statistics"] / "requests.csv").write_text(requests_csv(requests="961"))
    elif step == EXTRA:
        _write_list(inbox["therapy_waiting_list"], "2025-05-31")


def _write_list(folder: Path, day: str) -> None:
    write_set(folder, delivery([bridget()], [contact()], snapshot_date=day, extract_run_at=f"{day}T23:30:00"))


def settings_of(home: Path) -> Settings:
    """The settings of a store in a folder of its own."""
    return Settings(store=home / "store", raw=home / "raw", key_file=home / "configuration" / "secret.key")


def variables_of(home: Path) -> dict[str, str]:
    """What moves a process to the store of a folder."""
    return {
        "CORNERSTONE_STORE": str(home / "store"),
        "CORNERSTONE_RAW": str(home / "raw"),
        "CORNERSTONE_KEY_FILE": str(home / "configuration" / "secret.key"),
        "GX_ANALYTICS_ENABLED": "false",
        "COLUMNS": "200",
    }


def shipped(folder: Path) -> dict[str, str]:
    """The files below a staged folder, by digest."""
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in folder.rglob("*") if path.is_file()}


def torn_landings(settings: Settings) -> list[str]:
    """Committed landings that do not hold the rows their record says; there must never be one."""
    found = []
    with duckdb.connect() as connection:
        for return_id in return_ids():
            for folder in landing_dirs(settings, return_id):
                submissions = read_landing(folder).submissions
                for one in submissions:
                    for table, rows in one.tables.items():
                        if one.status == "refused":
                            continue
                        [(landed,)] = connection.execute(
                            "select count(*) from read_parquet(?) where submission_id = ?",
                            [str(folder / f"{table}.parquet"), one.submission_id],
                        ).fetchall()
                        if landed != rows.rows_landed or rows.rows_read != rows.rows_landed + rows.rows_quarantined:
                            found.append(f"{return_id}/{folder.name}: {table}")
    return found


def lost_files(settings: Settings, delivered: Iterable[str]) -> list[str]:
    """Delivered files, by digest, that are neither in the inbox nor whole in the archive with a receipt."""
    keys = load_keys(settings)
    waiting = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for return_id in return_ids()
        for path in inbox_files(settings, return_id)
    }
    received = {receipt.sha256: receipt for return_id in return_ids() for receipt in receipts(settings, return_id)}
    return [
        one
        for one in delivered
        if one not in waiting and not (one in received and is_archived(settings, keys, received[one]))
    ]


def left_over(settings: Settings) -> list[str]:
    """What a clean run should have dealt with or cleared away."""
    store = settings.store
    found = [str(path.relative_to(store)) for path in store.rglob("?*.partial") if "dagster" not in path.parts]
    found += [str(path.relative_to(store)) for path in store.glob("landed/.partial/*/*")]
    found += [path.name for path in (*store.glob(".*.new"), *copies_left(settings))]
    for return_id in return_ids():
        found += [f"inbox: {path.name}" for path in inbox_files(settings, return_id)]
        waiting = {digest for one in read_waiting(settings, return_id) for digest in one.files.values()}
        pending = [one for one in pending_receipts(settings, return_id) if one.sha256 not in waiting]
        found += [f"not dealt with: {one.file_name}" for one in pending]
        found += [str(path.relative_to(store)) for path in orphans_in_vault(settings, return_id)]
    found += [str(path.relative_to(store)) for path in settings.vault_dir.glob("*spill/*")]
    return found


def _digest(rows: Iterable[Any]) -> str:
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()


def content(settings: Settings) -> dict[str, str]:
    """Digests of all that landing, linkage and control tables came to, without when it came: the order of receipt is in it."""
    told: dict[str, str] = {}
    keys = load_keys(settings)
    with duckdb.connect() as connection:
        load_encryption(connection)
        open_vault(connection, keys)
        for return_id in return_ids():
            submissions = read_submissions(settings, return_id)
            current = {one.submission_id for one in current_submissions(submissions).values()}
            told[f"submissions of {return_id}"] = json.dumps(
                [
                    {k: v for k, v in asdict(one).items() if k not in ("received_at", "landing")}
                    | {"current": one.submission_id in current}
                    for one in submissions
                ],
                sort_keys=True,
            )
            tables: dict[str, list[Path]] = {}
            for folder in landing_dirs(settings, return_id):
                for path in folder.glob("*.parquet"):
                    tables.setdefault(path.name, []).append(path)
            for name, paths in sorted(tables.items()):
                rows = connection.execute(
                    "select * from read_parquet(?, union_by_name = true)", [[str(path) for path in paths]]
                ).fetchall()
                told[f"{return_id}/{name}"] = _digest(rows)
            for part in ("identity", "quarantine"):
                held: list[Any] = []
                for path in sorted((settings.vault_dir / part / return_id).glob("*/*.parquet")):
                    held += [(path.name, *row) for row in connection.execute(f"from {vault_file(path)}").fetchall()]
                told[f"{part} of {return_id}"] = _digest(held)
        link = "select * from read_parquet(?, hive_partitioning = false)"
        told["child_link"] = _digest(connection.execute(link, [str(settings.child_link_path)]).fetchall())
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'control'"
        ).fetchall():
            columns = "columns(c -> c <> 'received_at')"
            told[f"control.{table}"] = _digest(connection.execute(f"select {columns} from control.{table}").fetchall())
    return told


def leave_archive(settings: Settings) -> None:
    """Delete what is made from the archive; what is not are the key, decisions and journals, and releases with their ledger."""
    for folder in (settings.landed_dir, settings.quality_dir, settings.dagster_home, settings.store / "dbt"):
        shutil.rmtree(folder)
    for part in ("identity", "quarantine", "linkage"):
        shutil.rmtree(settings.vault_dir / part, ignore_errors=True)
    for path in (settings.warehouse_path, settings.store / "last_run.json"):
        path.unlink(missing_ok=True)


def copy_home(source: Path, to: Path) -> Path:
    """A copy of a store with its inbox and key."""
    shutil.copytree(source, to, symlinks=True)
    return to


def owned_by(home: Path, user: int) -> None:
    """Give a folder and all below it to a user."""
    for folder, folders, files in os.walk(home):
        for name in [*folders, *files]:
            os.chown(Path(folder) / name, user, user, follow_symlinks=False)
    os.chown(home, user, user)


def writable(store: Path, *, is_writable: bool) -> None:
    """Let the owner of a store write to it, or nobody."""
    for folder, folders, files in os.walk(store):
        for path in [Path(folder), *(Path(folder) / name for name in [*folders, *files])]:
            if not path.is_symlink():
                mode = path.stat().st_mode & 0o7777
                path.chmod(mode | 0o200 if is_writable else mode & ~0o222)
