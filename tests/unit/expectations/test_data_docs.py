"""Data Docs open without a network, show no value of a row, and stay bounded."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations import data_docs
from expectations.catalogue import Rule
from expectations.data_docs import (
    ASSETS_DIR,
    SITE,
    VALIDATIONS_KEPT,
    DataDocsError,
    QualityStore,
    build_site,
    offline_page,
    remote_loads,
)
from expectations.engine import evaluate

STREET = "Aardvark Street"
RULE = Rule(
    rule_id="HOME",
    official_number=None,
    return_id="waits",
    table="homes",
    level="mart",
    severity="warn",
    effect=None,
    label="Every home costs less than $5 & has a street.",
    why="It says where.",
    owner="Data engineer",
    action="Look.",
    columns=(),
    failing_rows="select * from marts.homes where street is not null",
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def keep_runs(folder: Path, count: int) -> QualityStore:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.homes as select ? as street from range(3)", [STREET])
        for number in range(count):
            store = QualityStore(folder, f"run-{number}", NOW + timedelta(minutes=number))
            evaluate(connection, [RULE], suite_name="mart", docs=store)
    return store


def site_of(store: QualityStore) -> Path:
    return store.quality_dir / SITE


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> QualityStore:
    store = keep_runs(tmp_path_factory.mktemp("quality"), VALIDATIONS_KEPT + 2)
    build_site(store.quality_dir)
    return store


def test_nothing_of_the_site_is_loaded_from_another_server(store: QualityStore) -> None:
    loaded = {
        path.relative_to(site_of(store)): remote_loads(path.read_text("utf-8", "replace"))
        for path in site_of(store).rglob("*")
        if path.suffix in {".html", ".css"}
    }
    assert len(loaded) > VALIDATIONS_KEPT
    assert {path: found for path, found in loaded.items() if found} == {}


def test_everything_a_page_loads_is_there(store: QualityStore) -> None:
    pages = list(site_of(store).rglob("*.html"))
    for page in pages:
        local = re.findall(r'<(?:link|script)\b[^>]*\b(?:href|src)="([^"]+)"', page.read_text("utf-8"))
        assert local
        assert [url for url in local if not (page.parent / url).is_file()] == []
    for sheet in site_of(store).rglob("*.css"):
        named = re.findall(r"url\(['\"]?(?!data:)([^'\")]+)", sheet.read_text("utf-8"))
        assert [url for url in named if not (sheet.parent / url).is_file()] == []


def test_pages_link_to_no_page_that_is_not_there(store: QualityStore) -> None:
    for page in site_of(store).rglob("*.html"):
        links = re.findall(r'href="([^"#]+\.html)"|\'_table_row_link_path\': \'([^\']+)\'', page.read_text("utf-8"))
        assert links
        assert [link for pair in links for link in pair if link and not (page.parent / link).is_file()] == []


def test_a_result_shows_the_rule_and_its_count_and_no_value(store: QualityStore) -> None:
    (page,) = site_of(store).glob(f"validations/mart/{store.run_id}/**/*.html")
    text = page.read_text("utf-8")
    assert "HOME (warn) Every home costs less than $5" in text and "Owner: Data engineer. Action: Look." in text
    kept = [path for path in store.quality_dir.rglob("*") if path.is_file() and ASSETS_DIR.name not in path.parts]
    assert len(kept) > 2 * VALIDATIONS_KEPT
    assert [path for path in kept if STREET.encode() in path.read_bytes()] == []


def test_only_the_newest_validations_are_kept(store: QualityStore) -> None:
    runs = sorted(path.name for path in (store.validations_dir / "mart").iterdir())
    assert runs == sorted(f"run-{number}" for number in range(2, VALIDATIONS_KEPT + 2))
    assert len(list(site_of(store).glob("validations/**/*.html"))) == VALIDATIONS_KEPT


def test_the_latest_landing_of_each_return_stays_however_often_another_lands(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts; create table marts.homes as select null as street")
        for number, return_id in enumerate(["waits", *["homes"] * VALIDATIONS_KEPT, "homes"]):
            store = QualityStore(tmp_path, f"landing-{return_id}", NOW + timedelta(minutes=number), is_landing=True)
            evaluate(connection, [RULE], suite_name="landing", docs=store)
    kept = sorted(path.relative_to(store.validations_dir).parts[:3] for path in store.validations_dir.rglob("*.json"))
    assert kept == [
        ("landing", "landing-homes", "20260101T001100.000000Z"),
        ("landing", "landing-waits", "20260101T000000.000000Z"),
    ]


def test_a_result_that_a_killed_run_left_half_written_is_never_drawn(tmp_path: Path) -> None:
    half = tmp_path / "validations.partial" / "mart" / "run-0" / "20260101T000000.000000Z" / "batch.json"
    half.parent.mkdir(parents=True)
    half.write_text('{"results": [')
    store = keep_runs(tmp_path, 1)
    build_site(store.quality_dir)
    assert len(list(site_of(store).glob("validations/**/*.html"))) == 1
    assert not half.exists()


def test_judging_again_in_one_run_replaces_the_result(tmp_path: Path) -> None:
    keep_runs(tmp_path, 1)
    store = keep_runs(tmp_path, 1)
    assert len(list(store.validations_dir.rglob("*.json"))) == 1


def test_the_old_site_stays_when_a_page_cannot_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = build_site(keep_runs(tmp_path, 1).quality_dir)
    before = index.read_text("utf-8")
    keep_runs(tmp_path, 2)
    monkeypatch.setattr(data_docs, "_COPIES", {})
    with pytest.raises(DataDocsError, match="of which there is no copy"):
        build_site(tmp_path)
    assert index.read_text("utf-8") == before


@pytest.mark.parametrize(
    "load",
    [
        '<img src="https://example.org/logo.png">',
        "<style>a {background: url('//example.org/a.png')}</style>",
        '<style>@import "https://example.org/a.css";</style>',
        "<iframe src=http://example.org></iframe>",
    ],
)
def test_a_page_that_would_load_something_else_is_refused(load: str) -> None:
    with pytest.raises(DataDocsError, match="from another server"):
        offline_page(f"<html>{load}</html>", static="static/")


def test_a_link_for_a_person_to_follow_is_no_load() -> None:
    page = '<a href="https://example.org">more</a>'
    assert offline_page(page, static="static/") == page


def test_every_asset_is_used_and_named_in_the_notice() -> None:
    copies = {name for copy in data_docs._COPIES.values() if copy for name in copy.split()}
    kept = {path.relative_to(ASSETS_DIR).as_posix() for path in ASSETS_DIR.rglob("*.*") if "licences" not in path.parts}
    notice = (ASSETS_DIR / "NOTICE").read_text()
    assert kept == copies | {"webfonts/fa-solid-900.woff2"}
    assert [name for name in kept if name not in notice] == []
