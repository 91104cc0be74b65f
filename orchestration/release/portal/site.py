"""The portal's pages as files: one shell, one style sheet, one script; no page asks anything of a network."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.pages import page_templates

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
ASSETS = "assets"

PARTS = {
    "index": "This release",
    "validation": "Validation",
    "kpis": "Figures",
    "places": "Places",
    "lineage": "Lineage",
    "methods": "Words and methods",
}
"""The navigation: pages that stand for a part of the portal, with the words of the link."""


@dataclass(frozen=True)
class Page:
    """One page.

    `name` is its file's, without the ending. `part` is the page of the navigation it belongs to; of those of one part each shows
    links to the others that are listed, in the order in which they are given. `facts` are what its template shows.
    """

    name: str
    title: str
    part: str
    template: str
    facts: dict[str, Any] = field(repr=False)
    is_listed: bool = True

    @property
    def file(self) -> str:
        """Its file name, which is also the link to it from any other page."""
        return f"{self.name}.html"


def write_site(folder: Path, pages: Sequence[Page], shell: dict[str, Any]) -> None:
    """Write the pages and what they share.

    Args:
        folder: the evidence folder.
        pages: every page; each part of the navigation has the page that stands for it.
        shell: facts that every page shows: `release`, the one row of `meta.release`.
    """
    environment = page_templates(TEMPLATES)
    shutil.copytree(STATIC, folder / ASSETS)
    for page in pages:
        siblings = [one for one in pages if one.part == page.part and one.is_listed]
        text = environment.get_template(page.template).render(
            page=page, siblings=siblings, parts=PARTS, **shell, **page.facts
        )
        (folder / page.file).write_text(text, encoding="utf-8")
