"""What is made of it: the working database, Dagster's home, releases, the link that people read, and the ledger."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.doctor.finding import Finding
from orchestration.errors import CornerstoneError
from orchestration.release.exports import OPEN_DATABASE
from orchestration.release.folders import JOURNAL, LEDGER, PARTIAL, complete_folders
from orchestration.release.ledger import published_releases
from orchestration.release.manifest import MANIFEST, read_manifest
from orchestration.release.verify import verify_files
from orchestration.settings import Settings

RUN_AGAIN = "`cornerstone run` makes it anew."


def check_working(settings: Settings, *, is_running: bool) -> Iterator[Finding]:
    """The working database opens; Dagster's storage is sound, and no dead run holds a place in it."""
    path = settings.warehouse_path
    if path.is_file():
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                connection.execute("select count(*) from duckdb_tables()")
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                if not is_running:
                    yield Finding(
                        "warehouse", "attention", "Another program has the working database open; a run waits two minutes for it.",
                        str(path), "Close that program (a database tool, or a dbt left over from a run that was killed).",
                    )  # fmt: skip
            else:
                yield Finding(
                    "warehouse", "broken", "The working database is damaged.", str(path),
                    f"Delete the file, and its .wal if there is one; {RUN_AGAIN}",
                )  # fmt: skip
    elif (settings.store / "last_run.json").is_file():
        yield Finding("warehouse", "attention", "The working database is gone.", str(path), RUN_AGAIN)
    for database in sorted(settings.dagster_home.rglob("*.db")):
        yield from _dagster(database, is_running=is_running)


def _dagster(path: Path, *, is_running: bool) -> Iterator[Finding]:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            sound = connection.execute("pragma quick_check").fetchone() == ("ok",)
            tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
            going = "select count(*) from runs where status in ('STARTED', 'STARTING')"
            dead = connection.execute(going).fetchone()[0] if "runs" in tables else 0
            taken = "select count(*) from pending_steps where assigned_timestamp is not null"
            slots = connection.execute(taken).fetchone()[0] if "pending_steps" in tables else 0
        finally:
            connection.close()
    except sqlite3.Error:
        sound, dead, slots = False, 0, 0
    if not sound:
        yield Finding(
            "dagster", "broken", "Dagster's history of runs is damaged.", str(path),
            "Delete the folder dagster of the store: the history is lost, nothing else is.",
        )  # fmt: skip
    if (dead or slots) and not is_running:
        yield Finding(
            "dagster", "attention", f"{dead} run(s) that were killed count as going on, {slots} place(s) of a pool are held.",
            str(path), "The next `cornerstone run` ends them; one started in the UI is ended there.",
        )  # fmt: skip


def check_releases(settings: Settings) -> Iterator[Finding]:
    """Every release is what was published, the link leads to one, and the ledger knows all that people read."""
    if settings.releases_dir.is_dir():
        for folder in sorted(settings.releases_dir.iterdir()):
            if folder.is_dir() and folder.suffix != PARTIAL:
                yield from _release(folder)
    link = settings.current_link
    if link.is_symlink() and not (link / MANIFEST).is_file():
        yield Finding(
            "releases", "broken", f"The release that people read leads nowhere ({link.readlink()}).", str(link),
            "Restore that release from a backup, or delete the link and run `cornerstone release rollback` or `cornerstone run`.",
        )  # fmt: skip
    if link.is_symlink():
        yield from _authority(settings)
    try:
        published = published_releases(settings)
    except CornerstoneError as error:
        yield Finding(
            "releases", "broken", str(error), str(settings.releases_dir / JOURNAL), "Restore it from a backup: no run can go on without it."
        )  # fmt: skip
        return
    if not link.is_symlink() and published:
        yield Finding(
            "releases", "broken", "People have no release to read, although some were published.", str(link),
            f"`cornerstone release rollback {published[-1]}` points them to the last.",
        )  # fmt: skip
    yield from _ledger(settings, published)


def _authority(settings: Settings) -> Iterator[Finding]:
    try:
        with duckdb.connect(str(settings.current_link / OPEN_DATABASE), read_only=True) as connection:
            own = connection.execute(
                "select distinct la_code from kpi.kpi_value where area_role = 'own_authority' and la_code <> ?",
                [settings.la_code],
            ).fetchone()
    except duckdb.Error:
        return  # missing, torn or altered, which is told of the release
    if own:
        yield Finding(
            "releases", "broken",
            f"The release that people read is of authority {own[0]}, the settings name {settings.la_code}: the next run would take"
            " what was received for another authority's.", str(settings.current_link),
            "Correct CORNERSTONE_LA_CODE and CORNERSTONE_LA_ONS_CODE, or CORNERSTONE_STORE: each authority has a store of its own.",
        )  # fmt: skip


def _release(folder: Path) -> Iterator[Finding]:
    try:
        verify_files(folder, read_manifest(folder))
    except CornerstoneError as error:
        yield Finding(
            "releases", "broken", str(error), str(folder), "Restore it from a backup, or roll back to another."
        )
        return
    closed = [path for path in (folder / "open", folder / "evidence") if path.stat().st_mode & 0o005 != 0o005]
    bare = [path for path in (folder / "restricted",) if path.stat().st_mode & 0o007]
    for paths, what, mode in (
        (closed, "Readers cannot open a part that is for them.", "o=rX"),
        (bare, "Everybody can open rows about children.", "o="),
    ):
        for path in paths:
            yield Finding("releases", "broken", what, str(path), f"chmod -R {mode} {path}")


def _ledger(settings: Settings, published: list[str]) -> Iterator[Finding]:
    there = {folder.name for folder in complete_folders(settings)}
    gaps = [one for one in published if not (settings.store / LEDGER / f"{one}.parquet").is_file()]
    for release_id in gaps:
        can = release_id in there
        yield Finding(
            "ledger", "attention" if can else "broken",
            f"The ledger of published cells does not know {release_id}" + ("." if can else ", and its folder is gone: what it showed"
            " is not compared with what the next release shows."), str(settings.store / LEDGER),
            "The next run that builds anything enters it." if can else "Restore the ledger, or the release's folder, from a backup.",
        )  # fmt: skip
    for path in sorted((settings.store / LEDGER).glob("*.parquet")):
        try:
            with duckdb.connect(":memory:") as connection:
                connection.execute("select any_value(columns(*)) from read_parquet(?)", [str(path)])
        except duckdb.Error:
            yield Finding(
                "ledger", "broken", "An entry of the ledger cannot be read; no release can be made.", str(path),
                "Restore it from a backup; where its release is there, delete it: the next run that builds anything enters it again.",
            )  # fmt: skip
