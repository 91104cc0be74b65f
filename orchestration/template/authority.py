"""The ONS code of an authority, by its DfE code, as the published figures that ship with Cornerstone give it."""

from functools import lru_cache
from pathlib import Path

import duckdb

from orchestration.returns.inbox import bundled_files
from orchestration.returns.spec import return_ids
from orchestration.settings import Settings
from orchestration.sql_text import literal

_NAMES = {"old_la_code", "new_la_code", "time_period"}


def published_ons_code(settings: Settings, la_code: str) -> str | None:
    """The code of the latest period published of the authority; None where nothing at hand is of it."""
    found = [
        code
        for return_id in return_ids()
        for path in bundled_files(settings, return_id)
        if (code := _latest_code(path, path.stat().st_mtime_ns, la_code))
    ]
    return max(found)[1] if found else None


@lru_cache
def _latest_code(path: Path, _changed_ns: int, la_code: str) -> tuple[str, str] | None:
    """The latest period and its code that one file gives; None where it names no authorities, or not this one."""
    figures = f"read_csv({literal(str(path))}, all_varchar = true)"
    with duckdb.connect(":memory:") as connection:
        if not _NAMES.issubset(connection.sql(f"from {figures}").columns):
            return None
        found = connection.execute(
            f"""
            select left(time_period, 4), new_la_code
            from {figures}
            where old_la_code = ? and regexp_full_match(new_la_code, '[EW]\\d{{8}}')
            order by all desc
            limit 1
            """,
            [la_code],
        ).fetchone()
    return None if found is None else (str(found[0]), str(found[1]))
