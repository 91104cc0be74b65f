"""What Great Expectations leaves behind: validation results as JSON, and Data Docs that open without a network.

<quality_dir>/validations/<suite>/<run_id>/<time>/<batch>.json
<quality_dir>/data_docs/index.html
"""

import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.engine import new_context, rule_expectation_class
from orchestration.errors import CornerstoneError

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

# Validations kept of each gate, and of the landings of each return. Older ones go: every release keeps its own for good.
VALIDATIONS_KEPT = 10
LANDINGS_KEPT = 1

VALIDATIONS, SITE = "validations", "data_docs"
"""Below the quality folder: results as GX writes them, and the pages drawn of them."""

ASSETS_DIR = Path(__file__).parent / "data_docs_assets"

# What the pages of GX load from other servers, and our copy of it. Nothing is drawn with vega: no copy, no reference.
_COPIES: dict[str, str | None] = {
    "bootstrap-table.min.css": "css/bootstrap-table.min.css",
    "bootstrap.min.css": "css/bootstrap.min.css",
    "bootstrap-table-filter-control.min.css": "css/bootstrap-table-filter-control.min.css",
    "bootstrap-table-filter-control.css": "css/bootstrap-table-filter-control.min.css",
    "bootstrap-datepicker.min.css": "css/bootstrap-datepicker.min.css",
    "bootstrap-prefers-dark.css": "css/bootstrap-prefers-dark.min.css",
    "all.min.css": "css/fontawesome.min.css css/solid.min.css",
    "jquery-3.7.1.min.js": "js/jquery.min.js",
    "popper.min.js": "js/popper.min.js",
    "bootstrap.min.js": "js/bootstrap.min.js",
    "bootstrap-table.min.js": "js/bootstrap-table.min.js",
    "bootstrap-table-filter-control.min.js": "js/bootstrap-table-filter-control.min.js",
    "bootstrap-datepicker.min.js": "js/bootstrap-datepicker.min.js",
    "vega@5": None,
    "vega-lite@5": None,
    "vega-embed@6": None,
}
_LINK_OR_SCRIPT = re.compile(r'<(?:link|script)\b[^>]*?\b(?:href|src)="(?P<url>[^"]*)"[^>]*>(?P<end></script>)?')
_LOGO = re.compile(r"<img\b[^>]*great-expectations-web-assets[^>]*>", re.DOTALL)
_LOGO_BACKGROUND = re.compile(r"background: url\('https://great-expectations-web-assets[^']*'\)[^;]*;")
_SUITE_LINK = re.compile(r'<a\b[^>]*\bhref="(?:\.\./)*expectations/[^"]*"[^>]*>(?P<text>.*?)</a>', re.DOTALL)
_NEWSLETTER = re.compile(r"<footer>.*?newsletter.*?</footer>", re.DOTALL)
_REMOTE_LOAD = re.compile(
    r"""<(?!a\b)\w+\b[^>]*\b(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?\s*(?:https?:)?//|@import"""
)


class DataDocsError(CornerstoneError):
    """Data Docs that could not be built, or that would not open offline."""


@dataclass(frozen=True)
class QualityStore:
    """Where the results of one run are kept. `run_id` and `evaluated_at` (with a time zone) name the run.

    Landings of a return share a `run_id`: its results are kept for each, those of gates for all their runs together. Others may
    write beside one that is `is_abreast`.
    """

    quality_dir: Path
    run_id: str
    evaluated_at: datetime
    is_landing: bool = False
    is_abreast: bool = False

    @property
    def validations_dir(self) -> Path:
        """Validation results as GX writes them."""
        return self.quality_dir / VALIDATIONS

    def keep(self, result: "ExpectationSuiteValidationResult", suite_name: str) -> None:
        """Write one validation result, and drop the oldest of the gate, or of the return's landings, that are too many."""
        from great_expectations.core.run_identifier import RunIdentifier
        from great_expectations.data_context.types.resource_identifiers import (
            ExpectationSuiteIdentifier,
            ValidationResultIdentifier,
        )

        run = RunIdentifier(run_name=self.run_id, run_time=self.evaluated_at)
        result.meta |= {"run_id": run, "validation_time": self.evaluated_at, "batch_parameters": None}
        identifier = ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(name=suite_name),
            run_id=run,
            batch_identifier=result.batch_id,
        )
        # Written beside and moved into place: a run that is killed leaves no half result behind.
        writing = self.quality_dir / (
            f"{VALIDATIONS}.{self.run_id}.partial" if self.is_abreast else f"{VALIDATIONS}.partial"
        )
        shutil.rmtree(writing, ignore_errors=True)
        new_context(**_project(writing)).validation_results_store.set(identifier, result)
        (written,) = writing.glob(f"{suite_name}/*/*/")
        kept = self.validations_dir / written.relative_to(writing)
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        written.rename(kept)
        shutil.rmtree(writing)
        # <suite>/<run>/<time>: the time is written so that its text sorts.
        runs = self.run_id if self.is_landing else "*"
        times = sorted(self.validations_dir.glob(f"{suite_name}/{runs}/*/"), key=lambda path: path.name)
        for expired in times[: -LANDINGS_KEPT if self.is_landing else -VALIDATIONS_KEPT]:
            shutil.rmtree(expired)
            if not any(expired.parent.iterdir()):
                expired.parent.rmdir()


def build_site(quality_dir: Path) -> Path:
    """Draw the pages of every kept validation beside the old site, then put the new site in its place.

    Drawing takes seconds, so that a run does it once: when a gate fails, or before the release.

    Args:
        quality_dir: where gates and landings keep their results.

    Returns:
        The path of the index page.

    Raises:
        DataDocsError: GX left out a page, or a page would load something from another server.
    """
    rule_expectation_class()  # known to GX before it reads a stored result
    site, validations = quality_dir / SITE, quality_dir / VALIDATIONS
    building = site.with_name(f"{SITE}.partial")
    shutil.rmtree(building, ignore_errors=True)
    new_context(**_project(validations, site_dir=building)).build_data_docs()
    # GX logs a page that it cannot draw and carries on without it.
    drawn, kept = len(list(building.glob("validations/**/*.html"))), len(list(validations.rglob("*.json")))
    if drawn != kept or not (building / "index.html").is_file():
        raise DataDocsError(f"Data Docs hold {drawn} pages for {kept} validations: the old pages stay.")
    shutil.rmtree(building / "static")
    shutil.copytree(ASSETS_DIR, building / "static")
    for page in building.rglob("*.html"):
        depth = len(page.relative_to(building).parts) - 1
        page.write_text(offline_page(page.read_text("utf-8"), static="../" * depth + "static/"), "utf-8")
    replaced = site.with_name(f"{SITE}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if site.exists():
        site.rename(replaced)
    building.rename(site)
    shutil.rmtree(replaced, ignore_errors=True)
    return site / "index.html"


def _project(validations_dir: Path, site_dir: Path | None = None) -> dict[str, Any]:
    """GX project settings: results on disk, and the site to be drawn."""
    project: dict[str, Any] = {
        "stores": {
            "validation_results_store": {
                "class_name": "ValidationResultsStore",
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(validations_dir),
                },
            }
        }
    }
    if site_dir is not None:
        project["data_docs_sites"] = {
            "data_docs": {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site_dir)},
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                # A result's page shows its rules; the suites themselves live in the rules files.
                "site_section_builders": {"expectations": "None", "profiling": "None"},
            }
        }
    return project


def offline_page(page: str, *, static: str) -> str:
    """A page of GX that loads our copies under `static` and nothing from another server.

    Raises:
        DataDocsError: the page loads something of which there is no copy.
    """

    def local(tag: re.Match[str]) -> str:
        url = tag["url"]
        name = url.rsplit("/", 1)[-1]
        if name == "favicon.ico":
            return ""
        if not url.startswith("http"):
            return tag[0]
        if name not in _COPIES:
            raise DataDocsError(f"Data Docs load {url}, of which there is no copy: add it to {ASSETS_DIR.name}.")
        copy = _COPIES[name]
        if copy is None:
            return ""
        if tag["end"]:
            return f'<script src="{static}{copy}"></script>'
        return "".join(f'<link rel="stylesheet" href="{static}{sheet}">' for sheet in copy.split())

    page = _LINK_OR_SCRIPT.sub(local, page)
    page = _LOGO.sub("<strong>Data quality</strong>", page)
    page = _LOGO_BACKGROUND.sub("", page)
    page = _NEWSLETTER.sub("", page)
    page = _SUITE_LINK.sub(lambda link: link["text"], page)
    if remote := remote_loads(page):
        raise DataDocsError(f"Data Docs would load {remote[0]!r} from another server: add a copy to {ASSETS_DIR.name}.")
    return page


def remote_loads(text: str) -> list[str]:
    """What a page or style sheet loads from another server; links for a person to follow do not count."""
    return _REMOTE_LOAD.findall(text)
