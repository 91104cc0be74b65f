"""Numbers of forgotten persons in texts about others: stars in their place, in archived files and in what is held of them alike."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from orchestration.durable import replace_durably
from orchestration.privacy.vault import vault_file, write_vault
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import landing_dirs
from orchestration.rights.forgotten import forgotten_numbers, numbers_in
from orchestration.settings import Settings
from orchestration.sql_text import literal

MASK = "*"
# Texts that could hold such a number: fewer than `numbers_in` looks through, for RE2 does not look behind.
_COULD_NAME = r"(^|[^0-9A-Za-z])([A-Za-z]\d{12}|\d{3}[ -]?\d{3}[ -]?\d{4})($|[^0-9A-Za-z])"
_JSON_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s",:{}\[\]]+')
_PLACES = {"submission_id", "table_name", "source_file"}  # by these rows are found


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
    """Mask numbers of forgotten persons in what the vault holds of others, and in what landed of returns about nobody.

    Args:
        settings: where the store is.
        connection: a session of the vault.
        own: its cursor of `knowing`.

    Returns: how many texts were.
    """
    return sum(_mask_file(connection, own, path, is_in_vault) for path, is_in_vault in _files(settings))


def _files(settings: Settings) -> Iterator[tuple[Path, bool]]:
    for kind in ("identity", "quarantine"):
        yield from ((path, True) for path in sorted((settings.vault_dir / kind).rglob("*.parquet")))
    for spec in map(load_spec, return_ids()):
        if spec.person is None:
            for folder in landing_dirs(settings, spec.return_id):
                yield from ((path, False) for path in sorted(folder.glob("*.parquet")))


def _mask_file(
    connection: duckdb.DuckDBPyConnection, own: duckdb.DuckDBPyConnection, path: Path, is_in_vault: bool
) -> int:
    relation = vault_file(path) if is_in_vault else f"read_parquet({literal(str(path))})"
    columns = [
        name
        for name, kind, *_ in connection.execute(f"describe from {relation}").fetchall()
        if kind == "VARCHAR" and name not in _PLACES
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
