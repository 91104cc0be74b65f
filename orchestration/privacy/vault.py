"""The identity vault: Parquet that DuckDB encrypts, one folder a submission, for its owner alone."""

import base64
from pathlib import Path

import duckdb

from orchestration.privacy.keys import Keys
from orchestration.settings import Settings
from orchestration.sql_text import literal

_KEY_NAME = "vault"


def open_vault(connection: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    """Let a connection read and write vault files. It must have loaded DuckDB's encryption before."""
    key = base64.b64encode(keys.vault).decode("ascii")
    connection.execute(f"pragma add_parquet_key('{_KEY_NAME}', '{key}')")


def identity_dir(settings: Settings, return_id: str, submission_id: str) -> Path:
    """Where the identifiers of a submission's persons lie."""
    return settings.vault_dir / "identity" / return_id / f"submission={submission_id}"


def quarantine_dir(settings: Settings, return_id: str, submission_id: str) -> Path:
    """Where the rows of a submission that could not be used lie, as received."""
    return settings.vault_dir / "quarantine" / return_id / f"submission={submission_id}"


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
    partial.replace(path)
    return int(row[0]) if row else 0


def vault_file(path: Path) -> str:
    """SQL of a vault file as a relation."""
    return f"read_parquet({literal(str(path))}, encryption_config = {{footer_key: '{_KEY_NAME}'}})"
