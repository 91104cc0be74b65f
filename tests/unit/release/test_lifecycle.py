"""A release is approved by a named person, can be shown and verified, and can be rolled back from."""

import json
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from orchestration.errors import CornerstoneError
from orchestration.release import lifecycle
from orchestration.release.errors import ReleaseUnsound
from orchestration.release.exports import RESTRICTED_DATABASE
from orchestration.release.folders import JOURNAL
from orchestration.release.ledger import published_releases, read_ledger
from orchestration.release.lifecycle import approve_release, list_releases, rollback, show_release
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def revise(warehouse: duckdb.DuckDBPyConnection, value: int) -> None:
    warehouse.execute("update kpi.kpi_value set value = ? where kpi_value_key = '1'", [value])


def journal(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (settings.releases_dir / JOURNAL).read_text().splitlines()]


def current_name(settings: Settings) -> str:
    return settings.current_link.resolve().name


# --- approval ---------------------------------------------------------------------------------------------------


def test_a_release_that_needs_approval_waits_and_people_read_the_old_one(
    publish_at: Any, settings: Settings, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    old = publish_at(MONDAY)
    revise(warehouse, 960)
    new = publish_at(TUESDAY, settings=approval_settings)
    assert new.status == "pending"
    assert current_name(settings) == old.release_id
    assert publish_at(WEDNESDAY, settings=approval_settings).release_id == new.release_id
    assert len(list_releases(settings)) == 2


def test_an_approval_names_who_and_why_in_the_manifest_and_the_journal(
    publish_at: Any, approval_settings: Settings
) -> None:
    pending = publish_at(MONDAY, settings=approval_settings)
    approve_release(approval_settings, pending.release_id, " A. Head of SEND ", "Checked against SEN2", TUESDAY)
    approval = show_release(approval_settings, pending.release_id, verify=True).approval
    assert (approval.status, approval.by, approval.note, approval.at) == (
        "approved",
        "A. Head of SEND",
        "Checked against SEN2",
        TUESDAY,
    )
    assert current_name(approval_settings) == pending.release_id
    assert [(entry["action"], entry.get("by")) for entry in journal(approval_settings)] == [
        ("pending", None),
        ("approved", "A. Head of SEND"),
    ]
    assert publish_at(WEDNESDAY, settings=approval_settings).status == "unchanged"


@pytest.mark.parametrize(("approver", "note"), [("", "fine"), ("  ", "fine"), ("A. Person", ""), ("A. Person", " ")])
def test_an_approval_without_a_name_or_a_note_is_refused(
    publish_at: Any, approval_settings: Settings, approver: str, note: str
) -> None:
    pending = publish_at(MONDAY, settings=approval_settings)
    with pytest.raises(CornerstoneError, match="recorded in the manifest"):
        approve_release(approval_settings, pending.release_id, approver, note, TUESDAY)
    assert not approval_settings.current_link.exists()


def test_a_pending_release_older_than_the_current_one_cannot_be_approved(
    publish_at: Any, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    older = publish_at(MONDAY, settings=approval_settings)
    revise(warehouse, 960)
    newer = publish_at(TUESDAY, settings=approval_settings)
    approve_release(approval_settings, newer.release_id, "A. Person", "fine", WEDNESDAY)
    with pytest.raises(CornerstoneError, match=f"older than the current release {newer.release_id}"):
        approve_release(approval_settings, older.release_id, "A. Person", "fine", WEDNESDAY)
    assert current_name(approval_settings) == newer.release_id


def test_an_approval_that_died_before_the_link_changed_can_be_given_again(
    publish_at: Any, approval_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    pending = publish_at(MONDAY, settings=approval_settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(lifecycle, "point_current_to", die)
        approve_release(approval_settings, pending.release_id, "A. Person", "fine", TUESDAY)
    assert not approval_settings.current_link.exists()
    approve_release(approval_settings, pending.release_id, "A. Person", "fine", TUESDAY)
    assert current_name(approval_settings) == pending.release_id


def test_a_release_is_approved_once_and_only_if_it_waits(publish_at: Any, settings: Settings) -> None:
    released = publish_at(MONDAY)
    with pytest.raises(CornerstoneError, match="does not wait for approval"):
        approve_release(settings, released.release_id, "A. Person", "fine", TUESDAY)


def test_a_pending_release_whose_files_were_altered_cannot_be_approved(
    publish_at: Any, approval_settings: Settings
) -> None:
    pending = publish_at(MONDAY, settings=approval_settings)
    with (pending.folder / "open/csv/ehcp_process_calendar_year.csv").open("a") as stream:
        stream.write("extra\n")
    with pytest.raises(ReleaseUnsound, match=r"altered: open/csv/ehcp_process_calendar_year\.csv"):
        approve_release(approval_settings, pending.release_id, "A. Person", "fine", TUESDAY)
    assert not approval_settings.current_link.exists()


# --- list, show, verify -----------------------------------------------------------------------------------------


def test_releases_are_listed_newest_first_and_the_current_one_is_marked(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    assert list_releases(settings) == []
    first = publish_at(MONDAY)
    revise(warehouse, 960)
    second = publish_at(TUESDAY)
    (settings.releases_dir / "20260304T090000Z-dead.partial").mkdir()
    assert [(item.release_id, item.is_current) for item in list_releases(settings)] == [
        (second.release_id, True),
        (first.release_id, False),
    ]


def test_tampering_is_told_in_one_sentence(publish_at: Any, settings: Settings) -> None:
    release_id = publish_at(MONDAY).release_id
    assert show_release(settings, release_id, verify=True).release_id == release_id
    folder = settings.current_link.resolve()
    with (folder / "open/send_kpis.duckdb").open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    (folder / "evidence/index.html").unlink()
    (folder / "open/notes.txt").write_text("added")
    with pytest.raises(ReleaseUnsound) as fault:
        show_release(settings, release_id, verify=True)
    assert "altered: open/send_kpis.duckdb; missing: evidence/index.html; added: open/notes.txt" in str(fault.value)
    assert "\n" not in str(fault.value)
    assert show_release(settings, release_id).release_id == release_id


@pytest.mark.parametrize("name", ["", "..", "../store", "20990101T000000Z-00000000", "x.partial"])
def test_a_release_that_does_not_exist_is_named(publish_at: Any, settings: Settings, name: str) -> None:
    publish_at(MONDAY)
    (settings.releases_dir / "x.partial").mkdir()
    with pytest.raises(CornerstoneError, match="There is no release"):
        show_release(settings, name)


def test_a_manifest_that_was_broken_by_hand_is_named(publish_at: Any, settings: Settings) -> None:
    release = publish_at(MONDAY)
    (release.folder / "manifest.json").write_text("{}")
    with pytest.raises(CornerstoneError, match=f"manifest of release {release.release_id} cannot be read"):
        show_release(settings, release.release_id)


# --- rollback ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two_releases(publish_at: Any, warehouse: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    first = publish_at(MONDAY)
    revise(warehouse, 960)
    return first.release_id, publish_at(TUESDAY).release_id


def test_a_rollback_points_back_and_is_recorded(settings: Settings, two_releases: tuple[str, str]) -> None:
    first, second = two_releases
    rollback(settings, first, "A. Person", "Wrong denominator", WEDNESDAY)
    assert current_name(settings) == first
    withdrawal = show_release(settings, second).withdrawal
    assert withdrawal is not None
    assert (withdrawal.by, withdrawal.note, withdrawal.replaced_by) == ("A. Person", "Wrong denominator", first)
    last = journal(settings)[-1]
    assert (last["action"], last["release_id"], last["replaces"], last["by"], last["note"]) == (
        "rolled_back",
        first,
        second,
        "A. Person",
        "Wrong denominator",
    )


def test_the_next_run_with_the_same_files_does_not_undo_a_rollback(
    settings: Settings, two_releases: tuple[str, str], publish_at: Any
) -> None:
    first, second = two_releases
    rollback(settings, first, "A. Person", "Wrong denominator", WEDNESDAY)
    outcome = publish_at(WEDNESDAY)
    assert (outcome.status, current_name(settings)) == ("unchanged", first)
    assert second in outcome.message and "A. Person" in outcome.message


def test_new_content_after_a_rollback_is_released(
    settings: Settings, two_releases: tuple[str, str], publish_at: Any, warehouse: duckdb.DuckDBPyConnection
) -> None:
    rollback(settings, two_releases[0], "A. Person", "Wrong denominator", WEDNESDAY)
    revise(warehouse, 961)
    outcome = publish_at(WEDNESDAY)
    assert (outcome.status, current_name(settings)) == ("published", outcome.release_id)


def test_a_rollback_can_itself_be_taken_back(settings: Settings, two_releases: tuple[str, str]) -> None:
    first, second = two_releases
    rollback(settings, first, "A. Person", "Wrong denominator", WEDNESDAY)
    rollback(settings, second, "A. Person", "It was right after all", WEDNESDAY)
    assert current_name(settings) == second
    assert [item.is_withdrawn for item in list_releases(settings)] == [False, True]


def test_one_does_not_roll_back_to_the_current_release_or_to_one_nobody_approved(
    settings: Settings,
    approval_settings: Settings,
    two_releases: tuple[str, str],
    publish_at: Any,
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(CornerstoneError, match="is current already"):
        rollback(settings, two_releases[1], "A. Person", "again", WEDNESDAY)
    revise(warehouse, 961)
    pending = publish_at(WEDNESDAY, settings=approval_settings)
    with pytest.raises(CornerstoneError, match="never approved"):
        rollback(settings, pending.release_id, "A. Person", "skip the queue", WEDNESDAY)
    with pytest.raises(CornerstoneError, match="Say who rolls back"):
        rollback(settings, two_releases[0], "", "why", WEDNESDAY)
    assert current_name(settings) == two_releases[1]


def test_one_does_not_roll_back_to_an_altered_release(settings: Settings, two_releases: tuple[str, str]) -> None:
    (settings.releases_dir / two_releases[0] / "open/send_kpis.duckdb").write_bytes(b"")
    with pytest.raises(ReleaseUnsound, match=r"altered: open/send_kpis\.duckdb"):
        rollback(settings, two_releases[0], "A. Person", "why", WEDNESDAY)
    assert current_name(settings) == two_releases[1]


# --- a clock that is wrong --------------------------------------------------------------------------------------


def test_releases_are_told_apart_and_in_order_under_a_clock_that_runs_back(
    publish_at: Any, settings: Settings, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    ids = [publish_at(TUESDAY).release_id]
    for value, now in ((960, MONDAY), (961, TUESDAY), (962, TUESDAY)):
        revise(warehouse, value)
        ids.append(publish_at(now).release_id)
        assert current_name(settings) == ids[-1]
    assert ids == sorted(set(ids))
    assert [item.release_id for item in list_releases(settings)] == ids[::-1]
    revise(warehouse, 963)
    pending = publish_at(MONDAY, settings=approval_settings)
    assert (
        approve_release(approval_settings, pending.release_id, "A. Reader", "Checked", WEDNESDAY).release_id > ids[-1]
    )


# --- what a release loses ---------------------------------------------------------------------------------------


def test_marts_that_had_to_go_are_gone_from_every_release_which_is_sound_without_them(
    publish_at: Any, settings: Settings, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    old = publish_at(MONDAY)
    revise(warehouse, 960)
    pending = publish_at(TUESDAY, settings=approval_settings)
    kept = (old.folder / RESTRICTED_DATABASE).read_bytes()
    assert lifecycle.remove_restricted(settings, by="A. Lead", why="a child was forgotten", now=WEDNESDAY) == 2
    assert lifecycle.remove_restricted(settings, by="A. Lead", why="a child was forgotten", now=WEDNESDAY) == 0
    for release in (old, pending):
        assert not (release.folder / RESTRICTED_DATABASE).exists()
        [removal] = show_release(settings, release.release_id, verify=True).removals
        assert (removal.path, removal.by, removal.why) == (
            RESTRICTED_DATABASE.as_posix(),
            "A. Lead",
            "a child was forgotten",
        )
    assert [entry["release_id"] for entry in journal(settings) if entry["action"] == "removed_marts"] == [
        old.release_id,
        pending.release_id,
    ]
    with pytest.raises(CornerstoneError, match="were removed, because a child was forgotten; run again"):
        approve_release(approval_settings, pending.release_id, "A. Person", "fine", WEDNESDAY)
    assert published_releases(settings) == [old.release_id]
    assert read_ledger(settings).release_ids in {(), (old.release_id,)}
    # The same figures are released again, with marts.
    again = publish_at(WEDNESDAY)
    assert again.status == "published"
    assert (again.folder / RESTRICTED_DATABASE).is_file()
    (old.folder / RESTRICTED_DATABASE).write_bytes(kept)
    with pytest.raises(ReleaseUnsound, match=r"added: restricted/send_marts\.duckdb"):
        show_release(settings, old.release_id, verify=True)
