"""dbt's documentation of the warehouse as one file: no server, no network, no path of the machine it was made on."""

import json
import logging
import re
from pathlib import Path

from orchestration.dbt_manifest import run_dbt
from orchestration.docs.bus_matrix import as_markdown, bus_matrix
from orchestration.errors import CornerstoneError
from orchestration.settings import Settings
from orchestration.warehouse import warehouse_lock

log = logging.getLogger("cornerstone.docs")

# Where the overview (dbt_project/models/overview.md) wants the bus matrix.
MATRIX_MARK = "[[bus_matrix]]"
# The browser itself refuses every request: whatever the page's script might want, nothing is fetched and nothing is sent.
OFFLINE = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' "
    "'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; base-uri 'none'\">"
)
# What dbt's page has of its maker's analytics, and a favicon that is never there.
_TRACKERS = ("//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js", "fishtownanalytics.sinter-collect.com")
_HEAD_LINKS = re.compile(r"<link rel=\"(?:canonical|shortcut icon)\"[^>]*>")


def default_page(settings: Settings) -> Path:
    """Where the page goes unless told otherwise."""
    return settings.store / "docs.html"


def write_docs(settings: Settings, out_path: Path) -> Path:
    """Describe the warehouse as it stands: dbt's page of every model, column, test and lineage, the bus matrix in front.

    Waits for a run that is building. Returns: the file written.

    Raises:
        CornerstoneError: there is no warehouse yet, the place cannot be written to, or dbt ended with an error.
    """
    if not settings.warehouse_path.is_file():
        raise CornerstoneError("There is no working database to describe yet; run `cornerstone run` first.")
    if out_path.is_dir() or not out_path.parent.is_dir():
        raise CornerstoneError(f"{out_path} cannot be written: name a file in a folder that exists.")
    target = settings.store / "dbt" / "docs"
    log.info("describing the warehouse with dbt")
    with warehouse_lock(settings.warehouse_path, "docs"):
        run_dbt(
            settings, ["docs", "generate", "--static", "--target-path", str(target), "--log-path", str(target / "logs")]
        )
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    page = (target / "static_index.html").read_text(encoding="utf-8")
    matrix = as_markdown(bus_matrix(manifest))
    out_path.write_text(offline_page(page, matrix=matrix, settings=settings), encoding="utf-8")
    return out_path


def offline_page(page: str, *, matrix: str, settings: Settings) -> str:
    """dbt's static page with the bus matrix in its overview, and without anything that would leave the machine.

    Raises:
        CornerstoneError: dbt's page is not as expected (another version of dbt): it is not handed out unchecked.
    """
    if "<head>" not in page or MATRIX_MARK not in page or any(tracker not in page for tracker in _TRACKERS):
        raise CornerstoneError(
            "dbt's documentation page is not the one that Cornerstone knows how to keep offline; compare "
            "orchestration/docs/page.py with the installed dbt."
        )
    for tracker in _TRACKERS:
        page = page.replace(tracker, "")
    for folder, name in ((settings.store, "store"), (settings.dbt_project_dir, "dbt_project")):
        page = page.replace(json.dumps(str(folder))[1:-1], name)
    page = _HEAD_LINKS.sub("", page)
    page = page.replace(MATRIX_MARK, json.dumps(matrix)[1:-1])
    return page.replace("<head>", f"<head>{OFFLINE}", 1)
