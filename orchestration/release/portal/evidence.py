"""The evidence folder: the portal's pages a governance reader can open, Data Docs, and the rule results as Parquet."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.release.inventory import Inventory
from orchestration.release.portal.places import places_pages
from orchestration.release.portal.reference import reference_pages
from orchestration.release.portal.site import write_site
from orchestration.release.portal.this_release import this_release_page
from orchestration.release.portal.validation import DATA_DOCS, DATA_DOCS_INDEX, validation_pages
from orchestration.sql_text import literal, quoted


def write_evidence(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    database: str,
    quality_dir: Path,
    inventory: Inventory,
    release: dict[str, str | bool | datetime | None],
    left_out: dict[str, int],
    boundaries: Sequence[Path] = (),
) -> None:
    """Fill the evidence folder.

    Args:
        connection: the warehouse connection, with the open database attached as `database`.
        folder: the evidence folder of the release being built, whose restricted database is complete.
        database: alias of the attached open database, whose `meta` tables the page shows.
        quality_dir: where the gates left Data Docs (`data_docs/index.html`), and linkage what it measured.
        inventory: what is released.
        release: the one row of `meta.release`.
        left_out: KPI rows that the CSV files cannot carry, by area level.
        boundaries: GeoJSON files to draw maps with; without, there are tables alone.

    Raises:
        CornerstoneError: the gates left no Data Docs.
    """
    if not (quality_dir / DATA_DOCS_INDEX).is_file():
        raise CornerstoneError(
            f"There are no Data Docs in {quality_dir / DATA_DOCS}; run the gates again, then release."
        )
    shutil.copytree(quality_dir / DATA_DOCS, folder / DATA_DOCS, symlinks=False)
    for table in ("rule", "rule_result"):
        relation = quoted(database, "meta", table)
        path = literal(str(folder / f"{table}.parquet"))
        connection.execute(f"copy (from {relation} order by all) to {path} (format parquet, compression zstd)")
    pages = [
        this_release_page(connection, folder, database, inventory, left_out),
        *validation_pages(connection, database, quality_dir, inventory),
        *places_pages(connection, database, boundaries),
        *reference_pages(connection, database, inventory),
    ]
    write_site(folder, pages, {"release": release})
