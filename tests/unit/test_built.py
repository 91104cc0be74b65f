"""What was built stands until something arrives that a release tells of; what was only begun does not."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from orchestration import built as built_module
from orchestration.built import STATE_FILE, begin_build, end_build, fingerprint, is_built
from orchestration.returns.submission import Submission
from orchestration.settings import Settings
from tests.unit.test_status import commit, submission

ACCEPTED = submission("sen2", "2025", "la.372", people="real")


def refused(submission_id: str, period: str = "2025", supplier: str = "la.372") -> Submission:
    named = replace(ACCEPTED, submission_id=submission_id, landing=submission_id, status="refused", people=None)
    return replace(named, period=period, supplier=supplier)


def build(settings: Settings, run_id: str = "run-1") -> None:
    begin_build(settings, run_id)
    end_build(settings, run_id, "first")


@pytest.fixture
def built(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A store with one accepted return, and a release of it about which there is nothing to do."""
    release = SimpleNamespace(release_id="first", content_digest="c")
    monkeypatch.setattr(built_module, "complete_releases", lambda _: [release])
    monkeypatch.setattr(built_module, "settled_release", lambda _, content: release if content == "c" else None)
    commit(settings, ACCEPTED)
    settings.warehouse_path.touch()
    build(settings)
    assert is_built(settings)
    return settings


def test_what_is_begun_or_died_on_the_way_is_not_built(built: Settings) -> None:
    begin_build(built, "run-2")
    assert not is_built(built)
    end_build(built, "run-2", "first")
    assert is_built(built)


def test_what_arrives_between_the_beginning_and_the_end_is_built_next(built: Settings) -> None:
    begin_build(built, "run-2")
    commit(built, replace(ACCEPTED, submission_id="meanwhile", landing="meanwhile", sequence="1"))
    end_build(built, "run-2", "first")
    assert not is_built(built)
    build(built, "run-3")
    assert is_built(built)


def test_a_run_ends_no_build_but_its_own(built: Settings) -> None:
    begin_build(built, "run-2")
    begin_build(built, "run-3")
    end_build(built, "run-2", "first")
    assert not is_built(built)
    end_build(built, "run-3", "first")
    assert is_built(built)


def test_an_erasure_on_the_way_leaves_nothing_built(built: Settings) -> None:
    begin_build(built, "run-2")
    (built.store / STATE_FILE).unlink()
    end_build(built, "run-2", "first")
    assert not is_built(built)
    assert not (built.store / STATE_FILE).exists()


def test_what_linking_made_is_made_again_where_it_was_deleted(built: Settings) -> None:
    begin_build(built, "run-2")
    pairs = built.linkage_dir / "pairs.parquet"
    for path in (pairs, built.child_link_path):  # as linking makes them in a first run
        path.parent.mkdir(parents=True)
        path.touch()
    end_build(built, "run-2", "first")
    assert json.loads((built.store / STATE_FILE).read_text())["links"] == [
        "landed/child_link/child_link.parquet",
        "vault/linkage/pairs.parquet",
    ]
    assert is_built(built)
    for path in (pairs, built.child_link_path):
        path.unlink()
        assert not is_built(built)
        path.touch()


def test_a_refused_return_changes_nothing_where_an_accepted_one_counts(built: Settings) -> None:
    commit(built, refused("again"))
    assert is_built(built)


def test_a_refused_file_that_is_of_no_known_period_changes_nothing(built: Settings) -> None:
    commit(built, refused("unreadable", period="", supplier=""))
    assert is_built(built)


def test_a_refused_return_of_a_period_that_nobody_returned_is_told_of(built: Settings) -> None:
    commit(built, refused("other_year", period="2024"))
    assert not is_built(built)
    build(built, "run-2")
    assert is_built(built)
    commit(built, replace(refused("other_year_again", period="2024"), received_at="2026-02-01T09:00:00"))
    assert not is_built(built)


def test_an_accepted_return_is_told_of_even_where_another_counts(built: Settings) -> None:
    commit(built, replace(ACCEPTED, submission_id="older", landing="older", sequence="0"))
    assert not is_built(built)


def test_settings_and_the_working_database_are_asked_for_too(built: Settings) -> None:
    assert fingerprint(built) != fingerprint(built.model_copy(update={"link_join_weight": 12.0}))
    built.warehouse_path.unlink()
    assert not is_built(built)


@pytest.mark.parametrize(("asked", "found"), [("complete_releases", []), ("settled_release", None)])
def test_a_release_that_is_gone_or_not_settled_is_made_again(
    built: Settings, monkeypatch: pytest.MonkeyPatch, asked: str, found: object
) -> None:
    monkeypatch.setattr(built_module, asked, lambda *_: found)
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
