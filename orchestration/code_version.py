"""Which code made a release: the package version and a digest of the code, models, rules and specs that shape content."""

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from orchestration.settings import PROJECT_DIR

_SHAPING = ("orchestration", "expectations", "dbt_project")
_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".csv", ".j2", ".html"}
_NOT_SOURCE = {"target", "logs", "__pycache__"}
_DIGITS = 12


@lru_cache
def code_version() -> str:
    """For instance `0.1.0+3f2a9c01d4e5`: the same content, whatever the checkout or its history, gives the same text."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version('cornerstone-send')}+{digest.hexdigest()[:_DIGITS]}"


def _sources() -> list[Path]:
    return [
        path
        for folder in _SHAPING
        for path in (PROJECT_DIR / folder).rglob("*")
        if path.is_file() and path.suffix in _SUFFIXES and not _NOT_SOURCE & set(path.relative_to(PROJECT_DIR).parts)
    ]
