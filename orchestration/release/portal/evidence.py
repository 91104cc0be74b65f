"""The evidence folder: the portal's pages a governance reader can open, Data Docs among them, and the rule results as Parquet."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.dbt_manifest import built_manifest
from orchestration.release.exports import PLACES_COUNTS
from orchestration.release.inventory import Inventory
from orchestration.release.manifest import BoundaryFile
from orchestration.release.portal.impact import impact_page
from orchestration.release.portal.kpis import figure_pages, tell_kpis
from orchestration.release.portal.lineage import lineage_pages
from orchestration.release.portal.maps import boundary_files
from orchestration.release.portal.places import places_pages
from orchestration.release.portal.reference import reference_pages
from orchestration.release.portal.site import write_site
from orchestration.release.portal.this_release import this_release_page
from orchestration.release.portal.validation import check_release, validation_pages
from orchestration.release.remembered_places import earlier_files, keep_counts
from orchestration.settings import Settings
from orchestration.sql_text import literal, quoted


def write_evidence(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    database: str,
    settings: Settings,
    inventory: Inventory,
    release: dict[str, str | bool | datetime | None],
    boundaries: Sequence[BoundaryFile],
    left_out: dict[str, int],
) -> None:
    """Fill the evidence folder, and keep the counts behind the pages in `restricted/` beside it for the next release.

    Args:
        connection: the warehouse connection, with the open database attached as `database`.
        folder: the evidence folder of the release being built, whose restricted database is complete.
        database: alias of the attached open database, whose `meta` tables the page shows.
        settings: the store: what the gates and linkage left, and the releases before.
        inventory: what is released.
        release: the one row of `meta.release`.
        boundaries: the files that maps are drawn with.
        left_out: KPI rows that the CSV files cannot carry, by area level.

    Raises:
        CornerstoneError: the gates left no Data Docs, an owner's note is of no rule, or dbt left no manifest.
    """
    for table in ("rule", "rule_result"):
        relation = quoted(database, "meta", table)
        path = literal(str(folder / f"{table}.parquet"))
        connection.execute(f"copy (from {relation} order by all) to {path} (format parquet, compression zstd)")
    earlier = earlier_files(settings)
    checks = check_release(connection, database, settings, inventory, release, earlier)
    told = tell_kpis(connection, database)
    pages = [
        this_release_page(connection, folder, database, inventory, boundaries, left_out, checks, told),
        *validation_pages(connection, database, settings.quality_dir, inventory, checks, earlier),
        *figure_pages(told),
        impact_page(connection, database),
        *places_pages(connection, database, boundary_files(settings), earlier),
        *lineage_pages(connection, database, inventory, built_manifest(settings)),
        *reference_pages(connection, database, inventory),
    ]
    keep_counts(connection, folder.parent / PLACES_COUNTS)
    write_site(folder, pages, {"release": release})
