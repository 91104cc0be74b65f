"""Under a new key everything is as it was but for what the key is in, and nothing of the old key is left."""

import shutil
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import link_children
from orchestration.linkage.decisions import Decision, read_decisions, record_decisions
from orchestration.privacy.keys import load_keys
from orchestration.rights import forget as erasure
from orchestration.rights import rotate
from orchestration.rights.asked import parse_asked
from orchestration.rights.audit import read_account
from orchestration.settings import Settings
from tests.conftest import made_once
from tests.sentinel import scan
from tests.unit.rights.conftest import clear_copy, counts, drop_list, landing_in, names_found, settings_below

LATER = datetime(2026, 4, 1, 9, tzinfo=UTC)
WHO = {"by": "A. Lead", "reason": "a key file was seen", "now": LATER}
HOPPER = parse_asked("name: Zzhopper, Graceling, 2000-05-17")

Row = tuple[str, int]


def children(settings: Settings) -> tuple[set[frozenset[Row]], dict[Row, str], list[str]]:
    """Rows of one child, each by submission and place; the key of each row; and every pseudonym."""
    found: dict[str, set[Row]] = defaultdict(set)
    refs: set[str] = set()
    for return_id, table in (
        ("sen2", "sen2_person"),
        ("school_census", "census_pupil"),
        ("therapy_waiting_list", "therapy_referral"),
    ):
        rows = duckdb.sql(
            f"""
            select child_key, submission_id, row_number() over (partition by submission_id order by source_row), row_person_ref
            from read_parquet('{settings.landed_dir}/{return_id}/*/{table}.parquet') as landed
            inner join read_parquet('{settings.child_link_path}') as link using (submission_id, row_person_ref)
            """
        ).fetchall()
        for key, submission_id, place, ref in rows:
            found[key].add((submission_id, place))
            refs |= {key, ref}
    landed = f"{settings.landed_dir}/therapy_waiting_list/*/therapy_referral.parquet"
    for row in duckdb.sql(
        f"select upn_ref, nhs_ref, patient_ref, service_request_ref from read_parquet('{landed}')"
    ).fetchall():
        refs |= {ref for ref in row if ref}
    keys = {row: key for key, rows in found.items() for row in rows}
    return {frozenset(rows) for rows in found.values()}, keys, sorted(refs)


@pytest.fixture(scope="session")
def reviewed_once(held_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That store, with one child forgotten and a reviewer's decision on two others."""

    def make(folder: Path) -> None:
        shutil.copytree(held_once, folder, dirs_exist_ok=True)
        settings = settings_below(folder)
        erasure.forget(settings, HOPPER, **WHO)
        first, other = sorted(set(children(settings)[1].values()))[:2]
        at = LATER.isoformat()
        record_decisions(
            settings,
            [Decision(at, "B", first, other, "different", "x"), Decision(at, "B", first, "0" * 32, "same", "x")],
        )
        link_children(settings)

    return made_once(tmp_path_factory, "reviewed", make)


@pytest.fixture
def reviewed(reviewed_once: Path, tmp_path: Path) -> Settings:
    shutil.copytree(reviewed_once, tmp_path, dirs_exist_ok=True)
    return settings_below(tmp_path)


def test_a_store_under_a_new_key_is_the_same_but_for_its_pseudonyms(reviewed: Settings, tmp_path: Path) -> None:
    old, before, was, pseudonyms = load_keys(reviewed), children(reviewed), counts(reviewed), children(reviewed)[2]
    done = rotate.rotate_key(reviewed, **WHO)
    assert (done.submissions, done.otherwise, done.decisions, done.lost_decisions) == (4, 0, 1, 1)
    assert load_keys(reviewed).key_id != old.key_id
    now = children(reviewed)
    assert now[0] == before[0]
    assert counts(reviewed) == was
    new_key = {before[1][row]: key for row, key in now[1].items()}
    assert [set(pair) for pair in read_decisions(reviewed)] == [
        {new_key[key] for key in sorted(set(before[1].values()))[:2]}
    ]
    assert scan(clear_copy(reviewed, tmp_path / "copy"), pseudonyms) == []
    assert rotate.former_key_file(reviewed).stat().st_mode & 0o777 == 0o600
    assert not [path.name for path in reviewed.store.iterdir() if path.name.startswith(".")]
    # Whoever was forgotten before stays forgotten, and what arrives lands under the new key.
    drop_list(reviewed.inbox_dir / "therapy_waiting_list", submission_seq="2")
    assert len(landing_in(reviewed)("therapy_waiting_list").committed) == 1
    assert names_found(reviewed, tmp_path / "copy", ["Zzhopper", "Zznoether"]) == {"Zznoether"}
    with pytest.raises(CornerstoneError, match="was forgotten on 2026-04-01"):
        erasure.preview(reviewed, HOPPER)
    told = [one.action for one in read_account(reviewed).events if "key" in one.action]
    assert told == ["began to renew the key", "renewed the key"]
    with pytest.raises(CornerstoneError, match="destroy it"):
        rotate.rotate_key(reviewed, **WHO)


def test_killed_before_all_is_made_nothing_is_changed_and_while_it_is_swapped_it_is_finished(
    held: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, before = load_keys(held), children(held)
    with monkeypatch.context() as patch:
        patch.setattr(rotate, "_carry_truth", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rotate.rotate_key(held, **WHO)
    assert load_keys(held) == old
    assert children(held) == before
    rename, renames = Path.rename, iter(range(4))

    def killed(self: Path, target: Path) -> Path:
        if self.name in (*rotate._PARTS, "secret.key.new") and next(renames, None) is None:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate.rotate_key(held, **WHO)
    with pytest.raises(CornerstoneError, match="rotate-key --resume"):
        landing_in(held)("sen2")
    assert rotate.resume(held, LATER) is not None
    assert rotate.resume(held, LATER) is None
    assert load_keys(held).key_id != old.key_id
    assert children(held)[0] == before[0]
    assert not landing_in(held)("sen2").committed


def test_a_key_that_is_in_no_file_cannot_be_renewed(held: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(held.store))
    monkeypatch.setenv("CORNERSTONE_SECRET_KEY", held.key_file.read_text().strip())
    ended = CliRunner().invoke(app, ["rotate-key", "--by", "A. Lead", "--reason", "seen", "--yes"])
    assert "CORNERSTONE_SECRET_KEY" in str(ended.exception)


def test_nobody_is_asked_to_renew_a_key_that_is_not_there(
    held: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = held.key_file.read_text()
    monkeypatch.setenv("CORNERSTONE_KEY_FILE", str(held.key_file))
    asked = ["rotate-key", "--by", "A. Lead", "--reason", "seen"]

    def refused(store: Path) -> str:
        monkeypatch.setenv("CORNERSTONE_STORE", str(store))
        ended = CliRunner().invoke(app, asked, input="n\n")
        assert "Land everything again" not in ended.output
        assert not held.key_file.with_name("secret.key.new").exists()
        return str(ended.exception)

    held.key_file.unlink()
    assert "is missing" in refused(held.store)
    assert "there is none to renew" in refused(tmp_path / "empty")
    assert not held.key_file.exists()
    held.key_file.write_text("0" * 64)
    held.key_file.chmod(0o600)
    assert "not the one this store was made with" in refused(held.store)
    held.key_file.write_text(key)
    rotate.former_key_file(held).touch()
    assert "earlier change of key" in refused(held.store)
