"""The identity vault: Parquet that DuckDB encrypts, one folder a landing, for its owner alone."""

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.durable import replace_durably
from orchestration.privacy.keys import Keys, load_keys
from orchestration.returns.workspace import private_database
from orchestration.settings import Settings
from orchestration.sql_text import literal

_KEY_NAME = "vault"


def open_vault(connection: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    """Let a connection read and write vault files. It must have loaded DuckDB's encryption before."""
    key = base64.b64encode(keys.vault).decode("ascii")
    connection.execute(f"pragma add_parquet_key('{_KEY_NAME}', '{key}')")


@contextmanager
def vault_session(settings: Settings, spill_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database that can read and write the vault.

    Whatever spills to disk is encrypted and goes to `spill_dir`, a folder of the vault that is emptied at start and end.

    Raises:
        CornerstoneError: the store's secret key is missing or not its own.
    """
    keys = load_keys(settings)
    with private_database(spill_dir, settings.database_limits) as connection:
        open_vault(connection, keys)
        yield connection


def identity_dir(settings: Settings, return_id: str, landing: str) -> Path:
    """Where the identifiers of the persons of a landing's submissions lie."""
    return settings.vault_dir / "identity" / return_id / landing


def identity_files(settings: Settings, return_id: str, table: str) -> list[Path]:
    """Files with the identifiers of the persons of every submission of a return that the vault still holds."""
    return sorted((settings.vault_dir / "identity" / return_id).glob(f"*/{table}.parquet"))


def quarantine_dir(settings: Settings, return_id: str, landing: str) -> Path:
    """Where the rows of a landing's submissions that could not be used lie, as received."""
    return settings.vault_dir / "quarantine" / return_id / landing


def write_vault(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the rows of a query into the vault.

    Returns: how many.
    """
    for folder in reversed([path.parent, *path.parent.parents[:2]]):
        folder.mkdir(exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".partial")
    row = connection.execute(
        f"copy ({query}) to {literal(str(partial))}"
        f" (format parquet, compression zstd, encryption_config {{footer_key: '{_KEY_NAME}'}})"
    ).fetchone()
    partial.chmod(0o600)
    replace_durably(partial, path)
    return int(row[0]) if row else 0


def vault_file(path: Path) -> str:
    """SQL of a vault file as a relation."""
    return f"read_parquet({literal(str(path))}, encryption_config = {{footer_key: '{_KEY_NAME}'}})"


def vault_files(paths: Iterable[Path]) -> str:
    """SQL of vault files as one relation, by the names of their columns."""
    # One by one: DuckDB 1.5 fails on a list of encrypted files with union_by_name.
    return "(" + " union all by name ".join(f"from {vault_file(path)}" for path in paths) + ")"
