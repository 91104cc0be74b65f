"""Settings are typed and read once."""

from pathlib import Path

import pytest

from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings


def test_rotherham_is_the_default_and_a_release_needs_no_approval() -> None:
    settings = load_settings()
    assert (settings.la_code, settings.release_approval) == ("372", "none")


def test_the_store_moves_with_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(tmp_path))
    assert load_settings().warehouse_path == tmp_path / "warehouse.duckdb"


def test_a_wrong_setting_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNERSTONE_LA_CODE", "370")
    with pytest.raises(CornerstoneError, match="authority 370 has another ONS code than E08000018"):
        load_settings()
    monkeypatch.setenv("CORNERSTONE_LA_ONS_CODE", "E08000016")
    assert load_settings().la_ons_code == "E08000016"
    monkeypatch.setenv("CORNERSTONE_LA_CODE", "Rotherham")
    with pytest.raises(CornerstoneError, match="CORNERSTONE_LA_CODE cannot be used"):
        load_settings()


def test_a_review_begins_below_the_weight_that_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNERSTONE_LINK_REVIEW_WEIGHT", "12")
    with pytest.raises(CornerstoneError, match="CORNERSTONE_LINK_REVIEW_WEIGHT is above CORNERSTONE_LINK_JOIN_WEIGHT"):
        load_settings()
