"""The doctor finds what is wrong with releases, the link that people read, the ledger and the journal."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration.doctor.finding import Finding
from orchestration.doctor.made import check_releases
from orchestration.release.folders import JOURNAL, LEDGER
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _alter(settings: Settings) -> None:
    with (settings.current_link / "open" / "send_kpis.duckdb").open("ab") as stream:
        stream.write(b"x")


def _lose_release(settings: Settings) -> None:
    shutil.rmtree(settings.current_link.resolve())


def _tear_manifest(settings: Settings) -> None:
    (settings.current_link / "manifest.json").write_text("{")


def _lose_ledger(settings: Settings) -> None:
    for path in (settings.store / LEDGER).glob("*.parquet"):
        path.unlink()


def _lose_ledger_and_release(settings: Settings) -> None:
    _lose_ledger(settings)
    _lose_release(settings)


def _tear_ledger(settings: Settings) -> None:
    for path in (settings.store / LEDGER).glob("*.parquet"):
        path.write_bytes(b"no table")


@pytest.mark.parametrize(
    ("breaks", "family", "severity", "words"),
    [
        (_alter, "releases", "broken", "altered: open/send_kpis.duckdb"),
        (_lose_release, "releases", "broken", "leads nowhere"),
        (_tear_manifest, "releases", "broken", "manifest"),
        (lambda s: s.current_link.unlink(), "releases", "broken", "no release to read"),
        (lambda s: (s.releases_dir / JOURNAL).write_text("{\n"), "releases", "broken", "damaged or was altered"),
        (lambda s: (s.current_link / "open").chmod(0o700), "releases", "broken", "cannot open a part that is for them"),
        (lambda s: (s.current_link / "restricted").chmod(0o755), "releases", "broken", "rows about children"),
        (_lose_ledger, "ledger", "attention", "does not know"),
        (_lose_ledger_and_release, "ledger", "broken", "its folder is gone"),
        (_tear_ledger, "ledger", "broken", "cannot be read"),
    ],
)
def test_what_is_broken_is_found(
    publish_at: Any, settings: Settings, breaks: Callable[[Settings], None], family: str, severity: str, words: str
) -> None:
    publish_at(MONDAY)
    assert list(check_releases(settings)) == []
    breaks(settings)
    found: list[Finding] = list(check_releases(settings))
    assert any((one.family, one.severity) == (family, severity) and words in one.what for one in found), found


def test_a_store_of_another_authority_is_found(publish_at: Any, settings: Settings) -> None:
    publish_at(MONDAY)
    other = settings.model_copy(update={"la_code": "373", "la_ons_code": "E08000019"})
    [found] = check_releases(other)
    assert (found.severity, found.where) == ("broken", str(settings.current_link))
    assert "is of authority 372, the settings name 373" in found.what
    assert "CORNERSTONE_LA_CODE" in found.action
