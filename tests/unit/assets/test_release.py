"""The release asset links to the portal and says what its first page says at the top."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

import expectations.data_docs
import orchestration.figures.headline
import orchestration.release.build
from expectations.catalogue import Catalogue
from orchestration.assets.release import RELEASE_KEY, release_asset
from orchestration.release.build import ReleaseOutcome
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings


def test_a_materialisation_links_to_the_portal_and_shows_its_first_tile(
    settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings.releases_dir / "20260301T120000Z-11111111"
    outcome = ReleaseOutcome("published", folder.name, "c" * 64, folder, "Current.")
    done: list[str] = []
    monkeypatch.setattr(expectations.data_docs, "build_site", lambda told: done.append(told.name))
    monkeypatch.setattr(orchestration.release.build, "publish", lambda *_, **__: done.append("release") or outcome)
    monkeypatch.setattr(orchestration.figures.headline, "read_headline", lambda told: f"**{told.name}**")
    settings.store.mkdir()
    duckdb.connect(str(settings.warehouse_path)).close()
    ended = dg.materialize(
        [release_asset(settings, catalogue, deps=[])],
        resources={"warehouse": WarehouseResource(database=str(settings.warehouse_path), limits={})},
    )
    [event] = ended.asset_materializations_for_node(RELEASE_KEY.path[0])
    assert event.metadata["headline"] == dg.MetadataValue.md("**20260301T120000Z-11111111**")
    assert event.metadata["evidence"] == dg.MetadataValue.path(str(folder / "evidence" / "index.html"))
    assert Path(str(event.metadata["open_tables"].value)) == folder / "open"
    # The pages that the gates left to it are drawn once, and before the release reads them.
    assert done == ["quality", "release"]
