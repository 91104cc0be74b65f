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
    with pytest.raises(
        CornerstoneError, match=r"^The settings do not go together: authority 370 has another ONS code than E08000018"
    ):
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


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "The setting CORNERSTONE_RETENTION_YEARS cannot be used: Invalid JSON"),
        ('{"sen2": 0}', "The setting CORNERSTONE_RETENTION_YEARS cannot be used: sen2: Input should be greater than"),
    ],
)
def test_a_setting_that_is_a_mapping_is_named_too(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    monkeypatch.setenv("CORNERSTONE_RETENTION_YEARS", value)
    with pytest.raises(CornerstoneError, match=said):
        load_settings()
    monkeypatch.setenv("CORNERSTONE_RETENTION_YEARS", '{"sen2": 6}')
    assert load_settings().retention_years == {"sen2": 6}


def test_a_store_that_is_a_file_is_told_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "store").touch()
    monkeypatch.setenv("CORNERSTONE_STORE", str(tmp_path / "store"))
    with pytest.raises(CornerstoneError, match=r"CORNERSTONE_STORE cannot be used: .*/store is a file"):
        load_settings()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SMTP_URL": "smtp://user:s3cret@mail.council.example"}, "a password is never sent in clear"),
        ({"SMTP_URL": "mailto://mail.council.example"}, "it has to be smtp+starttls://"),
        ({"SMTP_URL": "smtps://user:s3cret"}, "it has to be smtp+starttls://"),
        ({"SMTP_URL": "smtps://user:s3/cret@mail.council.example"}, "it has to be smtp+starttls://"),
        (
            {"SMTP_URL": "smtps://user:s3cr%C3%A9t@mail.council.example"},
            "user and password of a mail server can hold ASCII",
        ),
        (
            {"SMTP_URL": "smtps://user:s3cret@mail.council.example", "EMAIL_TO": ""},
            "it goes with CORNERSTONE_ALERT_EMAIL_FROM",
        ),
        ({"WEBHOOK_URL": "hooks.council.example/s3cret"}, "it has to begin with https://"),
    ],
)
def test_an_address_for_alerts_that_will_not_do_is_named_and_never_shown(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"EMAIL_FROM": "a@council.example", "EMAIL_TO": "b@council.example"} | variables).items():
        monkeypatch.setenv(f"CORNERSTONE_ALERT_{name}", value)
    with pytest.raises(CornerstoneError) as refused:
        load_settings()
    [named] = [name for name in variables if name.endswith("URL")]
    assert str(refused.value).startswith(f"The setting CORNERSTONE_ALERT_{named} cannot be used: {said}")
    # A traceback shows the whole chain: none of it holds what was set.
    assert "s3" not in f"{refused.value} {refused.value.__cause__}"
