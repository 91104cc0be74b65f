"""The secret of a store is made once, kept outside it, and missed out loud."""

import errno
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestration.errors import CornerstoneError
from orchestration.privacy.keys import derive_keys, load_keys
from orchestration.settings import Settings

SECRET = "0123456789abcdef" * 4


def refusal(settings: Settings) -> str:
    with pytest.raises(CornerstoneError) as caught:
        load_keys(settings)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_the_first_run_of_an_empty_store_makes_a_key_for_its_owner_alone(settings: Settings) -> None:
    keys = load_keys(settings)
    assert settings.key_file.stat().st_mode & 0o777 == 0o600
    assert settings.key_file.parent.stat().st_mode & 0o077 == 0
    assert not settings.key_file.is_relative_to(settings.store)
    assert load_keys(settings) == keys


def test_a_store_that_holds_something_never_gets_a_new_key(settings: Settings) -> None:
    load_keys(settings)
    settings.key_file.unlink()
    assert "missing" in refusal(settings)
    assert not settings.key_file.exists()


def test_an_archive_without_its_fingerprint_is_not_taken_for_an_empty_store(settings: Settings) -> None:
    settings.archive_dir.mkdir(parents=True)
    (settings.archive_dir / "something").write_bytes(b"sealed")
    assert "missing" in refusal(settings)


def test_the_key_of_another_store_is_refused(settings: Settings) -> None:
    load_keys(settings)
    settings.key_file.write_text(SECRET)
    assert "not the one" in refusal(settings)


def test_a_key_that_others_can_read_is_refused(settings: Settings) -> None:
    load_keys(settings)
    settings.key_file.chmod(0o644)
    assert "chmod 600" in refusal(settings)


def test_what_is_not_a_key_is_refused(settings: Settings) -> None:
    settings.key_file.parent.mkdir(parents=True)
    settings.key_file.write_text("short")
    settings.key_file.chmod(0o600)
    assert "64 hexadecimal digits" in refusal(settings)


def test_the_environment_can_hold_the_secret(settings: Settings) -> None:
    keys = load_keys(settings.model_copy(update={"secret_key": SecretStr(SECRET)}))
    assert keys == derive_keys(SECRET)
    assert not settings.key_file.exists()


def test_each_purpose_has_a_key_of_its_own_and_none_is_shown() -> None:
    keys = derive_keys(SECRET)
    assert len({keys.pseudonym, keys.vault, keys.archive}) == 3
    assert keys.vault.hex() not in repr(keys)
    assert SECRET not in str(Path("x")) + repr(keys)


def test_a_first_run_that_dies_leaves_a_whole_key_or_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("orchestration.privacy.keys.os.link", die)
        load_keys(settings)
    assert not settings.key_file.exists()
    keys = load_keys(settings)
    settings.key_id_path.unlink()  # as if it died before the fingerprint was written
    assert load_keys(settings) == keys
    assert settings.key_id_path.stat().st_mode & 0o777 == 0o600


def test_where_no_key_may_be_written_the_first_run_is_a_persons(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_protected(_path: Path, _content: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("orchestration.privacy.keys.write_private", write_protected)
    assert refusal(settings).endswith("by hand; the service only reads it.")
    assert not settings.key_file.exists()
