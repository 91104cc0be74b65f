"""A release is settled, and so counts as built, only while `publish` would do nothing about the same content."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration import built
from orchestration.built import begin_build, end_build, is_built
from orchestration.release.build import ReleaseOutcome
from orchestration.release.lifecycle import approve_release, remove_restricted, rollback
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)

Build = Callable[..., ReleaseOutcome]


@pytest.fixture
def build(publish_at: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Build:
    """A whole run of some code: `build(MONDAY, "A")`."""

    def run(now: datetime, code: str, settings: Settings = settings) -> ReleaseOutcome:
        monkeypatch.setattr(built, "code_version", lambda: code)
        begin_build(settings, f"run-{now:%d}")
        outcome: ReleaseOutcome = publish_at(now, settings=settings, code_version=code)
        end_build(settings, f"run-{now:%d}", outcome.release_id)
        return outcome

    return run


def test_code_that_was_put_back_is_built_again(
    build: Build, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(MONDAY, "A")
    assert is_built(settings)
    kept = (settings.store / built.STATE_FILE).read_text()
    build(TUESDAY, "B")
    monkeypatch.setattr(built, "code_version", lambda: "A")
    assert not is_built(settings)
    # Nor where what is kept is of the first build: something else is what people read.
    (settings.store / built.STATE_FILE).write_text(kept)
    assert not is_built(settings)
    again = build(WEDNESDAY, "A")
    assert (again.status, again.content_digest, is_built(settings)) == ("published", first.content_digest, True)


def test_a_link_that_is_gone_is_set_again_by_the_next_run(build: Build, settings: Settings) -> None:
    first = build(MONDAY, "A")
    settings.current_link.unlink()
    assert not is_built(settings)
    again = build(TUESDAY, "A")
    assert (again.release_id, settings.current_link.resolve(), is_built(settings)) == (
        first.release_id,
        first.folder,
        True,
    )


def test_a_release_that_was_rolled_back_from_stays_so(build: Build, settings: Settings) -> None:
    first = build(MONDAY, "A")
    build(TUESDAY, "B")
    rollback(settings, first.release_id, "A. Person", "Wrong", WEDNESDAY)
    assert is_built(settings)
    assert build(WEDNESDAY, "B").status == "unchanged"
    assert is_built(settings)


def test_a_release_that_waits_is_built_until_another_was_published_since(
    build: Build, settings: Settings, approval_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = build(MONDAY, "A", approval_settings)
    assert (waits.status, is_built(approval_settings)) == ("pending", True)
    approve_release(approval_settings, waits.release_id, "A. Person", "fine", TUESDAY)
    assert is_built(approval_settings)
    build(TUESDAY, "B", approval_settings)
    kept = (settings.store / built.STATE_FILE).read_text()
    assert is_built(approval_settings)
    build(WEDNESDAY, "C")
    (settings.store / built.STATE_FILE).write_text(kept)
    monkeypatch.setattr(built, "code_version", lambda: "B")
    assert not is_built(approval_settings)


def test_a_release_whose_marts_were_removed_is_built_again(build: Build, settings: Settings) -> None:
    build(MONDAY, "A")
    assert remove_restricted(settings, by="A. Person", why="of an erasure", now=TUESDAY) == 1
    assert not is_built(settings)
