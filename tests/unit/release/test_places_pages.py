"""The portal's pages of places, as a release has them."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import duckdb
import pytest

from orchestration.release.build import ReleaseOutcome
from orchestration.release.manifest import read_manifest
from orchestration.settings import Settings

TUESDAY = datetime(2026, 3, 3, 12, tzinfo=UTC)
PAGES = ["places", "places_homes", "places_learning", "places_settings"]


@pytest.fixture
def children(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        """
        insert into marts.dim_area (area_level, area_code, area_name, la_code) values
            ('ward', 'E05999901', 'Invented North', '372'), ('ward', 'E05999902', 'Invented <South>', '372'),
            ('lsoa', 'E01999901', 'E01999901', '372');
        insert into marts.dim_setting (
            setting_key, setting_name, la_code, la_name, is_in_own_authority, type_code, type_name, phase_name, is_open,
            is_current, school_capacity_count, pupil_count, lsoa_code
        ) values
            ('oak', 'Oak & Sons', '372', 'Rotherham', true, '34', 'Academy', 'Primary', true, true, 200, 150, 'E01999901'),
            ('fir', 'Fir', '999', 'Neighbouring Shire', false, '10', 'Special', null, true, true, 60, null, null);
        insert into marts.fct_ehc_plan_census
        select '372', 2025, '2025-01-16', 'own_return', ward || line || number, ward, line, setting
        from (values
            ('E05999901', 'mainstream_academy', 'oak', 137), ('E05999902', 'mainstream_academy', 'oak', 61),
            ('E05999901', 'special_independent', 'fir', 3), ('E05999902', 'special_independent', 'fir', 19),
            ('E05999902', 'neet', null, 23)
        ) as given (ward, line, setting, children), range(children) as numbers (number);
        insert into marts.fct_census_pupil
        select '372', '2025-01', child_key, true, 'E01999901', 'E05999901' from marts.fct_ehc_plan_census
        where setting_key = 'oak' and ward_code = 'E05999901';
        insert into marts.fct_capital_place values
            ('372', '2025-06-30', '1', 'Oak base', 'RP', 'PRIMARY', 12, 11, 12, true);
        """
    )


def pages_of(outcome: ReleaseOutcome) -> dict[str, str]:
    folder = outcome.folder / "evidence"
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("places*.html")}


def rows_of(page: str) -> list[list[str]]:
    """The cells of every row of a page's tables."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.DOTALL)
    return [
        [
            unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


@pytest.mark.usefixtures("children")
def test_pages_answer_in_tables_where_no_boundaries_are_supplied(publish_at: Callable[..., ReleaseOutcome]) -> None:
    pages = pages_of(publish_at(TUESDAY))

    assert sorted(pages) == sorted(PAGES)
    assert "<strong>243</strong> children and young people" in pages["places"]
    assert ["Mainstream school", "198", "0", "0", "198"] in rows_of(pages["places"])
    assert ["Mainstream school, primary", "1", "200", "150", "75"] in rows_of(pages["places"])
    assert ["Oak base", "Resourced provision", "primary", "12", "11", "92", "12"] in rows_of(pages["places"])
    assert "places paid for in sen unit, special school, alternative provision" in pages["places"].lower()
    # Three of the north learn outside: the cell and what it follows from are hidden.
    homes = rows_of(pages["places_homes"])
    assert ["Invented North", "[c]", "[c]", "0", "140"] in homes
    assert ["Invented <South>", "[c]", "[c]", "23", "103"] in homes
    assert ["E01999901", "137"] not in homes  # who lives there is all who learn at Oak from the north
    assert "No boundaries have been supplied" in pages["places_homes"]
    assert "<svg" not in pages["places_homes"]
    assert ["Neighbouring Shire", "22"] in rows_of(pages["places_learning"])
    settings = rows_of(pages["places_settings"])
    assert ["Oak & Sons", "Mainstream school", "Primary", "Invented North", "200", "150", "75", "198"] in settings


@pytest.mark.usefixtures("children")
def test_a_new_boundary_file_makes_a_release_with_a_map(
    publish_at: Callable[..., ReleaseOutcome], settings: Settings
) -> None:
    first = publish_at(TUESDAY)
    assert read_manifest(first.folder).boundaries == []
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    features = [
        {"properties": {"WD24CD": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for code in ("E05999901", "E05000001")
    ]
    settings.boundaries_dir.mkdir(parents=True)
    (settings.boundaries_dir / "wards.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8"
    )
    (settings.boundaries_dir / "broken.geojson").write_text("{", encoding="utf-8")

    second = publish_at(TUESDAY.replace(hour=13))

    assert (second.status, second.release_id != first.release_id) == ("published", True)
    supplied = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in settings.boundaries_dir.iterdir()}
    assert {one.file: one.sha256 for one in read_manifest(second.folder).boundaries or []} == supplied
    first_page = (second.folder / "evidence/index.html").read_text(encoding="utf-8")
    assert all(f"<li>{file}<br><code>{digest}</code></li>" in first_page for file, digest in supplied.items())
    page = pages_of(second)["places_homes"]
    assert re.search(
        r'role="img" aria-label="Map\. Where children with a plan live, by ward, 16 January 2025\. Most: ', page
    )
    assert "The file has no boundary of: Invented &lt;South&gt;." in page
    assert "The boundary file broken.geojson cannot be used: it is not JSON" in page
    assert publish_at(TUESDAY.replace(hour=14)).status == "unchanged"


def test_without_returns_the_page_says_what_is_missing(publish_at: Callable[..., ReleaseOutcome]) -> None:
    pages = pages_of(publish_at(TUESDAY))

    assert list(pages) == ["places"]
    assert "No return of children" in pages["places"]
    assert "No schools register has come" in pages["places"]
    assert "No safety valve return has come" in pages["places"]


@pytest.mark.usefixtures("children")
def test_the_counts_behind_the_pages_are_kept_for_the_next_release_alone(
    publish_at: Callable[..., ReleaseOutcome], warehouse: duckdb.DuckDBPyConnection
) -> None:
    first = publish_at(TUESDAY)

    assert [path.parent.name for path in first.folder.rglob("*places_counts*")] == ["restricted"]
    path = first.folder / "restricted" / "places_counts.parquet"
    assert path.stat().st_mode & 0o007 == 0
    assert "restricted/places_counts.parquet" in [file.path for file in read_manifest(first.folder).files]
    told = "select cell_count, is_suppressed from read_parquet(?) where cell_key = ?"
    assert duckdb.execute(told, [str(path), "ward|E05999901"]).fetchall() == [(140, False)]
    assert duckdb.execute(told, [str(path), "ward_place|E05999901|out"]).fetchall() == [(3, True)]
    assert duckdb.execute(told, [str(path), "RP|1"]).fetchall() == [(11, False)]

    warehouse.execute("delete from marts.fct_ehc_plan_census where child_key = 'E05999901mainstream_academy0'")
    second = publish_at(TUESDAY.replace(hour=13))

    assert second.status == "published"
    page = pages_of(second)
    # 140 of the north before, 139 now, and one less in all.
    north = [row for row in rows_of(page["places_homes"]) if row[0] == "Invented North"]
    assert [row[-1] for row in north] == ["[c]"] * len(north)
    assert north
    assert "242" not in page["places"]


@pytest.mark.usefixtures("children")
def test_no_link_and_no_filter_of_the_pages_leads_nowhere(publish_at: Callable[..., ReleaseOutcome]) -> None:
    folder: Path = publish_at(TUESDAY).folder / "evidence"
    for name in PAGES:
        page = (folder / f"{name}.html").read_text(encoding="utf-8")
        for link in re.findall(r'href="([^"#:,]+)(?:#[^"]*)?"', page):
            assert (folder / link).exists() or link in ("kpis.html", "lineage.html"), link
        for table in re.findall(r'data-filters="([^"]+)"', page):
            assert f'<table id="{table}">' in page
