"""Who runs the journey is told how it ended, and so is whom it concerns."""

import sqlite3
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from orchestration import run
from orchestration.alerts.ended import FailedRule
from orchestration.alerts.notify import read_entries
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.privacy.keys import load_keys
from orchestration.run import RunOutcome, run_journey
from orchestration.settings import Settings

RULE = FailedRule(
    "EM-101", "marts.fct_ehc_plan", 3, "Every plan has a child.", "sen-data-officer", "Correct the return."
)
OUTCOME = RunOutcome("released", "A release was made.", "20260105T120000Z-1a2b3c4d", run_id="run-1")


def standing(settings: Settings) -> list[str]:
    return [entry.alert.title for entry in read_entries(settings).values()]


@pytest.fixture
def comes_to(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    """Makes the journey come to something, which the run then tells."""
    settings = settings.model_copy(update={"alert_disk_free_gib": 0.0})

    def journey(what: RunOutcome | Exception) -> list[str]:
        def end(*_: object) -> RunOutcome:
            if isinstance(what, Exception):
                raise what
            return what

        monkeypatch.setattr(run, "_journey", end)
        if isinstance(what, Exception):
            with pytest.raises(type(what)):
                run_journey(settings)
        else:
            assert run_journey(settings) is what
        return standing(settings)

    return journey


def test_an_alert_of_a_run_stands_until_a_run_ends_well(comes_to: Any) -> None:
    blocked = replace(OUTCOME, status="blocked", failed_rules=[RULE])
    failed = replace(OUTCOME, status="failed", failed_steps=["build_marts"])
    assert comes_to(blocked) == ["release blocked by EM-101"]
    assert comes_to(failed) == ["release blocked by EM-101", "run of refresh failed"]
    assert comes_to(OUTCOME) == []
    for status in ("pending", "unchanged", "nothing_new"):
        assert comes_to(failed) == ["run of refresh failed"]
        assert comes_to(replace(OUTCOME, status=status)) == []


def test_an_error_outside_dagster_is_told_without_its_words(
    comes_to: Any, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert comes_to(CornerstoneError("Zebedee Quillfeather.xml cannot be read")) == ["run of refresh failed"]
    assert comes_to(OSError("Zebedee Quillfeather.xml: no space left on device")) == ["run of refresh failed"]
    [entry] = read_entries(settings).values()
    assert "failed outside its steps" in entry.alert.what
    told = caplog.text + (settings.store / "alerts" / "state.json").read_text()
    assert "Quillfeather" not in told


def test_a_run_that_finds_another_at_work_is_no_alert(settings: Settings) -> None:
    with (
        exclusive_lock(settings.store / "run.lock", wait_seconds=0, holder="a test"),
        pytest.raises(CornerstoneError, match="held by a test"),
    ):
        run_journey(settings)
    assert standing(settings) == []


def test_reading_again_is_told_of_by_the_whole_run_alone_that_it_goes_on_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"alert_disk_free_gib": 0.0})
    failed = replace(OUTCOME, status="failed")
    event = SimpleNamespace(
        asset_key=SimpleNamespace(path=["landed", "sen2"]),
        materialization=SimpleNamespace(
            metadata={name: SimpleNamespace(value=1) for name in ("read_again", "submissions_new")}
        ),
    )
    result = SimpleNamespace(get_asset_materialization_events=lambda: [event])
    monkeypatch.setattr(run, "to_read_again", lambda *_: None)
    monkeypatch.setattr(run, "_execute", lambda *_: (result, {}))
    monkeypatch.setattr(run, "_made", lambda *_: None)

    def comes_to(landed: RunOutcome, whole: RunOutcome) -> list[str]:
        monkeypatch.setattr(run, "_outcome", lambda *_, **__: landed)
        monkeypatch.setattr(run, "_whatever_is_new", lambda _: whole)
        run_journey(settings, "sen2")
        return standing(settings)

    assert comes_to(failed, OUTCOME) == []
    assert comes_to(OUTCOME, failed) == ["run of refresh failed"]
    assert comes_to(failed, OUTCOME) == ["run of refresh failed"]
    assert comes_to(OUTCOME, OUTCOME) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("orchestration.errors.CornerstoneError: The key is missing.\n", "land: The key is missing."),
        ("expectations.engine.GateError: No such table.\n", "land: No such table."),
        ("KeyError: 'a'\n", "land: KeyError: 'a'"),
    ],
)
def test_an_error_of_ours_is_told_without_its_class(text: str, told: str) -> None:
    failure = SimpleNamespace(error=SimpleNamespace(message=text, cause=None), user_failure_data=None)
    event: Any = SimpleNamespace(step_key="land", step_failure_data=failure)
    assert run._reason(event) == told


@pytest.mark.parametrize(
    ("words", "raised", "said"),
    [
        ("database or disk is full", CornerstoneError, r"^The disk is full\."),
        ("no such table: runs", OperationalError, "no such table"),
    ],
)
def test_a_disk_that_is_full_when_dagster_opens_its_history_is_told_as_that(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, words: str, raised: type[Exception], said: str
) -> None:
    def full() -> None:
        raise OperationalError("create table runs", {}, sqlite3.OperationalError(words))

    # Neither variables of this process nor the store of its settings are to be made.
    monkeypatch.setattr(run, "prepare_dagster_home", lambda _: None)
    monkeypatch.setitem(sys.modules, "orchestration.definitions", SimpleNamespace(defs=None))
    monkeypatch.setattr(dg.DagsterInstance, "get", full)
    with pytest.raises(raised, match=said):
        run._execute(settings, "refresh")


@pytest.mark.parametrize("asked", [(), ("sen2", "2025")])
def test_a_key_that_is_missing_is_told_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    """Before anything is imported that takes seconds, and on a night with nothing new too."""
    settings = settings.model_copy(update={"alert_disk_free_gib": 0.0})
    load_keys(settings)
    settings.key_file.unlink()
    monkeypatch.setitem(sys.modules, "orchestration.definitions", None)  # whoever imports it stops
    monkeypatch.setitem(sys.modules, "orchestration.assets.landing", None)
    monkeypatch.setattr(run, "to_read_again", lambda *_: None)
    monkeypatch.setattr(run, "_is_nothing_new", lambda _: True)
    with pytest.raises(CornerstoneError, match=r"^The secret key of this store is missing: put back"):
        run_journey(settings, *asked)
    assert standing(settings) == ([] if asked else ["run of refresh failed"])
