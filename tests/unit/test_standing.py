"""What was built stands until something arrives that a release tells of."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from orchestration import standing
from orchestration.returns.submission import Submission
from orchestration.settings import Settings
from orchestration.standing import STATE_FILE, fingerprint, is_built, keep_built
from tests.unit.test_status import commit, submission

ACCEPTED = submission("sen2", "2025", "la.372", people="real")


def refused(submission_id: str, period: str = "2025", supplier: str = "la.372") -> Submission:
    named = replace(ACCEPTED, submission_id=submission_id, landing=submission_id, status="refused", people=None)
    return replace(named, period=period, supplier=supplier)


@pytest.fixture
def built(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A store with one accepted return, and a release of it."""
    approval = SimpleNamespace(status="approved")
    monkeypatch.setattr(
        standing, "complete_releases", lambda _: [SimpleNamespace(release_id="first", approval=approval)]
    )
    commit(settings, ACCEPTED)
    settings.warehouse_path.touch()
    keep_built(settings, "first")
    assert is_built(settings)
    return settings


def test_a_refused_return_changes_nothing_where_an_accepted_one_counts(built: Settings) -> None:
    commit(built, refused("again"))
    assert is_built(built)


def test_a_refused_file_that_is_of_no_known_period_changes_nothing(built: Settings) -> None:
    commit(built, refused("unreadable", period="", supplier=""))
    assert is_built(built)


def test_a_refused_return_of_a_period_that_nobody_returned_is_told_of(built: Settings) -> None:
    commit(built, refused("other_year", period="2024"))
    assert not is_built(built)
    keep_built(built, "first")
    commit(built, replace(refused("other_year_again", period="2024"), received_at="2026-02-01T09:00:00"))
    assert not is_built(built)


def test_an_accepted_return_is_told_of_even_where_another_counts(built: Settings) -> None:
    commit(built, replace(ACCEPTED, submission_id="older", landing="older", sequence="0"))
    assert not is_built(built)


def test_settings_and_the_working_database_are_asked_for_too(built: Settings) -> None:
    assert fingerprint(built) != fingerprint(built.model_copy(update={"link_join_weight": 12.0}))
    built.warehouse_path.unlink()
    assert not is_built(built)


def test_a_release_that_is_gone_is_made_again(built: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "complete_releases", lambda _: [])
    assert not is_built(built)


@pytest.mark.parametrize("content", ["{", "{}", "[]", '"a"'])
def test_what_is_kept_of_the_last_run_is_made_again_where_it_is_damaged(
    settings: Settings, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    settings.store.mkdir()
    settings.warehouse_path.touch()
    (settings.store / STATE_FILE).write_text(content)
    assert not is_built(settings)
    assert "last_run.json is damaged" in caplog.text
