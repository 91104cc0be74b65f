"""The borough of a fresh store: a whole one or none."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.linkage.quality import TRUTH_COLUMNS, truth_path
from orchestration.privacy.vault import vault_file
from orchestration.returns.inbox import inbox_files
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.synthetic import SynthesisReport, first_run
from orchestration.synthetic.first_run import invent_for
from tests.conftest import vault_connection


@pytest.fixture
def with_figures(settings: Settings) -> Settings:
    settings.store.mkdir()
    shutil.copytree(PROJECT_DIR / "raw" / "seed", settings.seed_dir)
    return settings


def writes_a_little(out: Path, **asked: Any) -> SynthesisReport:
    (out / "sen2" / "2025" / "xml").mkdir(parents=True)
    (out / "sen2" / "2025" / "xml" / "r.xml").write_text("<Message/>")
    row = dict.fromkeys(TRUTH_COLUMNS) | {"surname": "Zzinvented", "person": 1}
    pq.write_table(pa.Table.from_pylist([row]), out / "linkage_truth.parquet")
    return SynthesisReport(out, asked["la"], (2025,), 1, 1, 0, 0, 0, 0, 0, 0.0)


def test_what_is_invented_waits_in_the_store_as_if_it_had_been_dropped(
    with_figures: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def remembers(out: Path, **named: Any) -> SynthesisReport:
        asked.update(named)
        return writes_a_little(out, **named)

    monkeypatch.setattr(first_run, "synthesise", remembers)
    assert invent_for(with_figures)
    assert (asked["censuses"], asked["therapy"], asked["valve"], asked["scale"]) == (True, True, True, 1.0)
    assert (asked["shapes"], asked["faults"]) == (("xml",), "none")
    [waiting] = inbox_files(with_figures, "sen2")
    assert waiting.is_relative_to(with_figures.store)
    assert list(with_figures.inbox_dir.rglob("*.xml")) == []


def test_one_that_is_killed_half_way_leaves_nothing_to_land_and_the_next_begins_anew(
    with_figures: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_killed(out: Path, **asked: Any) -> SynthesisReport:
        writes_a_little(out, **asked)
        raise KeyboardInterrupt

    monkeypatch.setattr(first_run, "synthesise", is_killed)
    with pytest.raises(KeyboardInterrupt):
        invent_for(with_figures)
    assert inbox_files(with_figures, "sen2") == []
    monkeypatch.setattr(first_run, "synthesise", writes_a_little)
    assert invent_for(with_figures)
    assert sorted(path.name for path in with_figures.store.iterdir()) == ["key_id", "synthetic", "vault"]


def test_who_the_invented_people_are_lies_in_the_vault_and_nowhere_else(
    with_figures: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_run, "synthesise", writes_a_little)
    assert invent_for(with_figures)
    assert [path.name for path in with_figures.store.rglob("*truth*")] == [truth_path(with_figures).name]
    assert b"Zzinvented" not in truth_path(with_figures).read_bytes()
    with vault_connection(with_figures) as connection:
        told = connection.execute(f"select surname, person from {vault_file(truth_path(with_figures))}").fetchall()
    assert told == [("Zzinvented", 1)]


def test_without_the_bundled_figures_there_is_none(settings: Settings) -> None:
    assert not invent_for(settings)
    assert not settings.store.exists()


def test_only_the_authority_with_an_agreement_gets_safety_valve_returns(
    with_figures: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def remembers(out: Path, **named: Any) -> SynthesisReport:
        asked.update(named)
        return writes_a_little(out, **named)

    monkeypatch.setattr(first_run, "synthesise", remembers)
    assert invent_for(with_figures.model_copy(update={"la_code": "373"}))
    assert asked["valve"] is False


def test_an_authority_without_published_tables_gets_none_and_is_told_why(
    with_figures: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert not invent_for(with_figures.model_copy(update={"la_code": "001"}))
    assert "no borough is invented" in caplog.text
    assert "holds no figures of authority 001" in caplog.text
    assert not with_figures.synthetic_dir.exists()
