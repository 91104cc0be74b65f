"""Numbers of forgotten persons in texts about others: stars in their place, in archived files and in what is held of them alike."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import duckdb

from orchestration.durable import replace_durably, write_json_durably
from orchestration.privacy.vault import vault_file, write_vault
from orchestration.returns.archive import Receipt, receipts, write_receipt
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import COMMIT_FILE, landing_dirs
from orchestration.rights.forgotten import forgotten_numbers, numbers_in
from orchestration.settings import Settings
from orchestration.sql_text import literal

MASK = "*"
# Texts that could hold such a number: fewer than `numbers_in` looks through, for RE2 does not look behind.
_COULD_NAME = r"(^|[^0-9A-Za-z])([A-Za-z]\d{12}|\d{3}[ -]?\d{3}[ -]?\d{4})($|[^0-9A-Za-z])"
_JSON_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s",:{}\[\]]+')


def masked(text: str, numbers: Iterable[str], mask: str = MASK) -> str:
    """A text without some numbers."""
    for number in sorted(numbers, key=len, reverse=True):
        alone = rf"(?<![0-9A-Za-z]){re.escape(number)}(?![0-9A-Za-z])"  # within a longer one it is another's
        text = re.sub(alone, mask * len(number), text)
    return text


def masked_json(text: str, numbers: set[str]) -> str:
    """The same of JSON, which stays JSON."""

    def value(found: re.Match[str]) -> str:
        made = masked(found[0], numbers)
        return made if made == found[0] or made.startswith('"') else f'"{made}"'

    return _JSON_VALUE.sub(value, text)


def mask_what_is_held(settings: Settings, connection: duckdb.DuckDBPyConnection, own: duckdb.DuckDBPyConnection) -> int:
    """Mask numbers of forgotten persons in what the vault holds of others, in what landed of returns about nobody, and in names of
    files wherever they stand.

    Args:
        settings: where the store is.
        connection: a session of the vault.
        own: its cursor of `knowing`.

    Returns: how many texts were.
    """
    count = 0
    for kind in ("identity", "quarantine"):
        for path in sorted((settings.vault_dir / kind).rglob("*.parquet")):
            count += _mask_file(connection, own, path, is_in_vault=True, names_alone=False)
    for spec in map(load_spec, return_ids()):
        for folder in landing_dirs(settings, spec.return_id):
            for path in sorted(folder.glob("*.parquet")):
                is_about_persons = spec.person is not None
                count += _mask_file(connection, own, path, is_in_vault=False, names_alone=is_about_persons)
            _mask_record(own, folder / COMMIT_FILE)
        mask_names(settings, own, receipts(settings, spec.return_id))
    return count


def mask_names(settings: Settings, own: duckdb.DuckDBPyConnection, received: Iterable[Receipt]) -> list[Receipt]:
    """Mask numbers of forgotten persons in the names under which files were received. Returns: the receipts as they are now."""
    told = list(received)
    written = numbers_in(name for one in told for name in (one.file_name, *one.cuts))
    numbers = forgotten_numbers(own, written) if written else set()
    changed = []
    for one in told:
        cuts = {masked(name, numbers): cut for name, cut in one.cuts.items()}
        changed.append(replace(one, file_name=masked(one.file_name, numbers), cuts=cuts))
        if changed[-1] != one:
            write_receipt(settings, changed[-1])
    return changed


def _mask_record(own: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Mask numbers in the record of a landing, which names files."""
    text = path.read_text(encoding="utf-8")
    written = numbers_in([text])
    numbers = forgotten_numbers(own, written) if written else set()
    if numbers:
        write_json_durably(path, json.loads(masked_json(text, numbers)))


def _mask_file(
    connection: duckdb.DuckDBPyConnection,
    own: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    is_in_vault: bool,
    names_alone: bool,
) -> int:
    relation = vault_file(path) if is_in_vault else f"read_parquet({literal(str(path))})"
    columns = [
        name
        for name, kind, *_ in connection.execute(f"describe from {relation}").fetchall()
        if kind == "VARCHAR" and name != "submission_id" and (name == "source_file" or not names_alone)
    ]
    made: dict[str, str] = {}
    count = 0
    for name in columns:
        rows = connection.execute(
            f'select "{name}", count(*) from {relation} where regexp_matches("{name}", \'{_COULD_NAME}\') group by all'
        ).fetchall()
        numbers = forgotten_numbers(own, numbers_in(text for text, _ in rows))
        changed = {
            text: (rows_of, masked_json(text, numbers) if _is_json(text) else masked(text, numbers))
            for text, rows_of in rows
            if numbers & numbers_in([text])
        }
        if changed:
            count += sum(rows_of for rows_of, _ in changed.values())
            cases = " ".join(f"when {literal(text)} then {literal(after)}" for text, (_, after) in changed.items())
            made[name] = f'case "{name}" {cases} else "{name}" end as "{name}"'
    if made:
        query = f"select * replace ({', '.join(made.values())}) from {relation}"
        if is_in_vault:
            write_vault(connection, query, path)
        else:
            partial = path.with_name(f"{path.name}.partial")
            connection.execute(f"copy ({query}) to {literal(str(partial))} (format parquet, compression zstd)")
            replace_durably(partial, path)
    return count


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
