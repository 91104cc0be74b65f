"""The house rules that a reader relies on: which room imports which, and what never gets into the repository."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from orchestration.returns.spec import load_spec, return_ids
from orchestration.settings import PROJECT_DIR

DAGSTER_ROOMS = {"assets", "automation", "definitions.py", "resources.py", "run.py"}
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=PROJECT_DIR, capture_output=True, text=True, check=False
).stdout.split("\0")


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return named | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def _dagster_free() -> list[Path]:
    files = [*(PROJECT_DIR / "orchestration").rglob("*.py"), *(PROJECT_DIR / "expectations").rglob("*.py")]
    return [path for path in files if not DAGSTER_ROOMS & set(path.relative_to(PROJECT_DIR).parts)]


@pytest.mark.parametrize("path", _dagster_free(), ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_the_dagster_free_packages_never_import_dagster_or_what_needs_it(path: Path) -> None:
    wrong = {
        name
        for name in _imports(path)
        if name.split(".")[0].startswith("dagster")
        or re.match(r"orchestration\.(assets|automation|definitions|resources)\b", name)
    }
    assert not wrong


@pytest.mark.parametrize("return_id", return_ids())
def test_no_code_outside_its_own_folders_names_a_return(return_id: str) -> None:
    naming = [
        path
        for folder in ("orchestration", "expectations")
        for path in (PROJECT_DIR / folder).rglob("*.py")
        # The generator of invented returns writes particular returns; that is what it is for.
        if "synthetic" not in path.parts and return_id in path.read_text(encoding="utf-8")
    ]
    assert naming == []


@pytest.mark.parametrize("return_id", return_ids())
def test_every_column_a_return_lands_is_described(return_id: str) -> None:
    for table in load_spec(return_id).tables.values():
        assert all(column.description.strip() for column in table.columns.values())


def test_nothing_delivered_is_tracked() -> None:
    assert [name for name in TRACKED if name.startswith("raw/inbox/")] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-portable.lock"])
def test_a_lock_file_carries_hashes_and_no_index_address(name: str) -> None:
    lock = (PROJECT_DIR / name).read_text(encoding="utf-8")
    assert "://" not in lock
    assert "index-url" not in lock
    pinned = re.findall(r"^[a-z0-9][^\s=]*==", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pinned) > 50
    assert lock.count("--hash=sha256:") >= len(pinned)
