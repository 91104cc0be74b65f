"""Landing: nothing lost, nothing displaced by something worse, nothing done twice."""

import errno
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.privacy.keys import load_keys
from orchestration.privacy.vault import vault_file
from orchestration.returns import land
from orchestration.returns.archive import archived_path, open_archived, receipts
from orchestration.returns.land import LandingReport, has_work, land_return
from orchestration.returns.submission import Submission, current_submissions, landed_rows, read_submissions
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.chs_workbook import write_workbook
from tests.conftest import caseload_csv, requests_csv, vault_connection, write_zip
from tests.invented_return import header, people, xml_text
from tests.invented_therapy import delivery, write_set

RETURN = "published_statistics"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

Land = Callable[[], LandingReport]


@pytest.fixture
def catalogue(settings: Settings) -> Catalogue:
    return load_catalogue(settings.rules_dir)


@pytest.fixture
def land_all(settings: Settings, catalogue: Catalogue) -> Land:
    """Land what is in the inbox, each time an hour later."""
    prepare_store(settings)
    clock = iter(NOON + timedelta(hours=hour) for hour in range(100))
    return lambda: land_return(settings, RETURN, catalogue, now=next(clock))


def rows(settings: Settings, submission: Submission) -> list[tuple[object, ...]]:
    [table] = submission.tables
    return duckdb.sql(f"select * from {landed_rows(settings, [submission], table)}").fetchall()


def test_a_file_is_archived_landed_and_leaves_the_inbox(settings: Settings, inbox: Path, land_all: Land) -> None:
    (inbox / "requests.csv").write_text(requests_csv())
    content = (inbox / "requests.csv").read_bytes()
    [submission] = land_all().committed
    assert (submission.status, submission.supplier, submission.period) == ("accepted", "dfe.ehc_plans.requests", "2025")
    assert (submission.rows_read, submission.rows_landed, submission.rows_quarantined) == (3, 3, 0)
    assert len(rows(settings, submission)) == 3
    assert open_archived(settings, load_keys(settings), submission.sha256).read() == content
    assert not list(inbox.iterdir())


def test_the_same_bytes_twice_do_nothing_and_say_so(inbox: Path, land_all: Land) -> None:
    (inbox / "requests.csv").write_text(requests_csv())
    land_all()
    (inbox / "requests (1).csv").write_text(requests_csv())
    report = land_all()
    assert report.committed == []
    assert report.repeats == [
        "requests (1).csv holds the same bytes as requests.csv, received on 2026-01-05; nothing to do."
    ]
    assert not list(inbox.iterdir())


def test_a_table_that_came_alone_is_not_landed_again_from_the_whole_release(inbox: Path, land_all: Land) -> None:
    (inbox / "requests.csv").write_text(requests_csv())
    land_all()
    write_zip(inbox / "release.zip", {"data/requests.csv": requests_csv(), "data/caseload.csv": caseload_csv()})
    assert [submission.supplier for submission in land_all().committed] == ["dfe.ehc_plans.caseload"]


def test_a_later_file_supersedes_and_the_earlier_stays_queryable(
    settings: Settings, inbox: Path, land_all: Land
) -> None:
    (inbox / "requests.csv").write_text(requests_csv(requests="950"))
    [first] = land_all().committed
    (inbox / "requests.csv").write_text(requests_csv(requests="959"))
    report = land_all()
    [second] = report.committed
    assert second.supersedes == first.submission_id
    assert [submission.submission_id for submission in report.current] == [second.submission_id]
    assert len(rows(settings, first)) == 3


def test_a_workbook_published_earlier_does_not_displace_one_published_later(inbox: Path, land_all: Land) -> None:
    write_workbook(inbox / "revised.xlsx")
    [kept] = land_all().committed
    older = Submission(
        **{**kept.__dict__, "submission_id": "older", "sequence": "2025-11-01", "received_at": "2026-02-01"}
    )
    assert current_submissions([kept, older]) == {(kept.supplier, kept.period): kept}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requests.csv", b""),
        ("requests.csv", requests_csv().encode()[:180]),
        ("release.zip", b"PK\x03\x04 cut"),
        ("waits.xlsx", b"PK\x03\x04 cut"),
        ("children.xml", b"<Message><Pupil/></Message>"),
        ("people.csv", b"name,height\nAda,170\n"),
        ("requests.csv", requests_csv().split("\n", maxsplit=1)[0].encode() + b"\n"),
        (
            "requests.csv",
            requests_csv().replace("requests_decided_not_to_assess", "Requests_Received_In_Year").encode(),
        ),
    ],
    ids=[
        "empty",
        "cut short",
        "corrupt zip",
        "truncated workbook",
        "wrong type",
        "of no return",
        "no rows",
        "duplicate column",
    ],
)
def test_a_bad_file_gets_one_sentence_the_others_land_and_the_good_one_stays(
    settings: Settings, inbox: Path, land_all: Land, name: str, content: bytes
) -> None:
    (inbox / "requests.csv").write_text(requests_csv())
    [good] = land_all().committed
    (inbox / name).write_bytes(content)
    (inbox / "zz_caseload.csv").write_text(caseload_csv())
    report = land_all()
    [refused] = report.refused
    assert refused.reason is not None
    assert name in refused.reason
    assert "\n" not in refused.reason
    assert refused.rows_landed == 0
    assert {submission.supplier for submission in report.current} == {
        "dfe.ehc_plans.requests",
        "dfe.ehc_plans.caseload",
    }
    assert good in report.current
    assert not list(inbox.iterdir())
    assert len(receipts(settings, RETURN)) == 3


def test_one_bad_member_of_a_release_does_not_stop_the_others(inbox: Path, land_all: Land) -> None:
    write_zip(
        inbox / "r.zip", {"data/requests.csv": requests_csv(), "data/caseload.csv": "", "data/x.csv": "a,b\n1,2\n"}
    )
    report = land_all()
    assert {submission.status for submission in report.committed} == {"accepted", "refused"}
    assert len(report.refused) == 2


def test_rows_that_cannot_be_used_are_quarantined_with_place_rule_and_action(
    settings: Settings, inbox: Path, land_all: Land
) -> None:
    content = requests_csv() + "2024,Calendar year,Local authority\n"
    (inbox / "requests.csv").write_text(content)
    [submission] = land_all().committed
    assert (submission.rows_read, submission.rows_landed, submission.rows_quarantined) == (4, 3, 1)
    [path] = settings.vault_dir.glob("quarantine/**/rows.parquet")
    with vault_connection(settings) as connection:
        [row] = connection.sql(
            f"select rule_id, source_file, source_row, row_text, action from {vault_file(path)}"
        ).fetchall()
    assert row[:4] == ("FILE-013", "requests.csv", 4, "2024,Calendar year,Local authority")
    assert row[4]


def test_rows_read_are_rows_landed_plus_rows_quarantined_for_every_shape(inbox: Path, land_all: Land) -> None:
    write_zip(inbox / "r.zip", {"data/requests.csv": requests_csv() + "short\n", "data/caseload.csv": caseload_csv()})
    write_workbook(inbox / "waits.xlsx")
    for submission in land_all().committed:
        assert submission.rows_read == submission.rows_landed + submission.rows_quarantined
        assert submission.rows_read > 0


def test_a_landing_killed_after_the_receipt_is_taken_up_again(
    settings: Settings, inbox: Path, land_all: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "requests.csv").write_text(requests_csv())

    class KilledError(RuntimeError):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(land, "write_landing", killed)
        land_all()
    assert not list(inbox.iterdir())
    assert read_submissions(settings, RETURN) == []
    assert has_work(settings, RETURN)
    [submission] = land_all().committed
    assert submission.rows_landed == 3
    assert not has_work(settings, RETURN)


def test_a_landing_killed_once_it_is_in_place_does_not_land_twice(
    settings: Settings, inbox: Path, land_all: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "requests.csv").write_text(requests_csv())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(land, "sync_dir", killed)
        land_all()
    assert len(read_submissions(settings, RETURN)) == 1
    assert land_all().committed == []
    assert len(read_submissions(settings, RETURN)) == 1


def test_bundled_figures_are_landed_once_and_stay_where_they_are(settings: Settings, land_all: Land) -> None:
    bundled = settings.seed_dir / RETURN / "requests.csv"
    bundled.parent.mkdir(parents=True)
    bundled.write_text(requests_csv())
    assert has_work(settings, RETURN)
    assert len(land_all().committed) == 1
    assert bundled.is_file()
    assert not has_work(settings, RETURN)
    report = land_all()
    assert (report.committed, report.repeats) == ([], [])


def test_hidden_files_and_notes_are_no_deliveries(inbox: Path, settings: Settings, land_all: Land) -> None:
    for name in (".gitkeep", ".~lock.requests.csv#", "README.md"):
        (inbox / name).write_text("not a delivery")
    assert land_all().committed == []
    assert len(list(inbox.iterdir())) == 3


def test_the_store_keeps_what_is_not_shared_to_its_owner(settings: Settings, inbox: Path, land_all: Land) -> None:
    land_all()
    for folder in (settings.archive_dir, settings.vault_dir, settings.landed_dir, inbox):
        assert folder.stat().st_mode & 0o077 == 0


# Files that once broke a reader: each must be refused, or read, without keeping the next file from landing.
ROGUES: dict[str, bytes] = {
    "line ends of old systems.csv": requests_csv().replace("\n", "\r").encode(),
    "own word.csv": requests_csv().replace("la_name", "source_row", 1).encode(),
    "every row malformed.csv": b"time_period,time_identifier,geographic_level,country_code,country_name,ehc_plans,number_asd\na\nb\n",
    "long cell.csv": (requests_csv() + '2024,"' + "x" * 3_000_000 + '"\n').encode(),
    "long appeals cell.csv": (
        "SEND Appeal rate table 1\nArea,LA code,2024\n,,Appeals registered\n" + "x" * 200_000 + ",372,1\n"
    ).encode(),
    "semicolons.csv": requests_csv().replace(",", ";").encode(),
    'it\'s "quoted"; drop table ees_row; --.csv': requests_csv(requests="960").encode(),
    "line\nbreak \u00e9.csv": requests_csv(requests="961").encode(),
}


@pytest.mark.parametrize("name", ROGUES)
def test_a_rogue_file_never_keeps_the_others_from_landing(inbox: Path, land_all: Land, name: str) -> None:
    (inbox / name).write_bytes(ROGUES[name])
    (inbox / "zz_caseload.csv").write_text(caseload_csv())
    report = land_all()
    assert "dfe.ehc_plans.caseload" in {submission.supplier for submission in report.current}
    assert len(report.committed) == 2
    assert not list(inbox.iterdir())
    assert land_all().committed == []


def test_a_file_name_that_is_no_text_is_received_and_shown_as_text(
    inbox: Path, land_all: Land, caplog: pytest.LogCaptureFixture
) -> None:
    (inbox / os.fsdecode(b"bad\xff.csv")).write_text(requests_csv())
    (inbox / os.fsdecode(b"link\xff.csv")).symlink_to(inbox / "nowhere.csv")
    with caplog.at_level("INFO"):
        report = land_all()
    # Compared as bytes: a failing test must not have to show what cannot be shown.
    assert [one.source_file.encode("utf-8") for one in report.committed] == [rb"bad\udcff.csv"]
    assert b"received bad\\udcff.csv" in caplog.text.encode("utf-8")
    assert [sentence.encode("utf-8")[:13] for sentence in report.left] == [rb"link\udcff.csv"[:13]]


def test_a_workbook_whose_sheet_is_cut_off_is_refused(inbox: Path, land_all: Land, tmp_path: Path) -> None:
    whole = write_workbook(tmp_path / "whole.xlsx")
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(inbox / "cut.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if name == "xl/worksheets/sheet5.xml" else content)
    [refused] = land_all().refused
    assert refused.failures == {"FILE-003": 1}


@pytest.mark.parametrize("step", ["gather.recognise_data_file", "intake.read_recognised"])
def test_what_a_reader_did_not_expect_is_refused_by_its_kind_and_shows_no_value(
    inbox: Path, land_all: Land, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a value of the file")

    (inbox / "requests.csv").write_text(requests_csv())
    monkeypatch.setattr(f"orchestration.returns.{step}", broken)
    [refused] = land_all().refused
    assert refused.failures == {"FILE-014": 1}
    assert refused.reason == "requests.csv cannot be read (KeyError); save or download it again."


def test_a_file_that_changes_while_it_is_received_stays_in_the_inbox(
    inbox: Path, land_all: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inbox / "requests.csv"
    path.write_text(requests_csv())
    original = land.receive

    def still_written(*arguments: Any, **options: Any) -> object:
        received = original(*arguments, **options)
        path.write_text(requests_csv() + "2024,one more line\n")
        return received

    with monkeypatch.context() as patch:
        patch.setattr(land, "receive", still_written)
        assert "changed while it was received" in land_all().left[0]
    assert path.is_file()
    assert [submission.rows_read for submission in land_all().committed] == [4]


def test_the_archive_copy_is_made_good_before_a_repeated_file_is_taken_away(
    settings: Settings, inbox: Path, land_all: Land
) -> None:
    (inbox / "requests.csv").write_text(requests_csv())
    [submission] = land_all().committed
    archived_path(settings, submission.sha256).write_bytes(b"cut short")
    (inbox / "requests.csv").write_text(requests_csv())
    assert len(land_all().repeats) == 1
    assert open_archived(settings, load_keys(settings), submission.sha256).read().decode() == requests_csv()


def test_a_file_that_may_not_be_read_is_left_and_told_of(
    inbox: Path, land_all: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("requests.csv", "zz_caseload.csv"):
        (inbox / name).write_text(requests_csv() if name == "requests.csv" else caseload_csv())
    original = land.receive

    def without_right(*arguments: Any, **options: Any) -> object:
        name = arguments[4]
        if name == "requests.csv":  # root may read everything, so the refusal is the system's in name only
            raise PermissionError(13, "Permission denied", name)
        return original(*arguments, **options)

    monkeypatch.setattr(land, "receive", without_right)
    report = land_all()
    assert report.left == ["requests.csv cannot be read: give the user that runs Cornerstone the right to read it."]
    assert [submission.supplier for submission in report.committed] == ["dfe.ehc_plans.caseload"]


def test_links_and_pipes_are_left_and_told_of_and_never_followed(inbox: Path, land_all: Land, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_text(requests_csv())
    (inbox / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(inbox / "pipe.csv")
    report = land_all()
    assert report.committed == []
    assert [sentence.split(" ")[0] for sentence in report.left] == ["link.csv", "pipe.csv"]


def test_of_two_files_of_one_table_in_one_landing_the_later_received_counts_and_folders_tell_them_apart(
    inbox: Path, land_all: Land
) -> None:
    for folder, plans in (("a", "1111"), ("b", "2222")):
        (inbox / folder).mkdir()
        (inbox / folder / "caseload.csv").write_text(caseload_csv(plans))
    report = land_all()
    assert [submission.source_file for submission in report.committed] == ["a/caseload.csv", "b/caseload.csv"]
    assert [submission.source_file for submission in report.current] == ["b/caseload.csv"]
    assert report.committed[1].supersedes == report.committed[0].submission_id
    assert not list(inbox.iterdir())


def test_the_same_bytes_in_a_release_of_another_year_are_another_submission(inbox: Path, land_all: Land) -> None:
    (inbox / "requests.csv").write_text(requests_csv())
    guidance = {"data-guidance/data-guidance.txt": "Reporting year 2026\n"}
    assert [submission.period for submission in land_all().committed] == ["2025"]
    write_zip(inbox / "release.zip", {"data/requests.csv": requests_csv(), **guidance})
    assert [submission.period for submission in land_all().committed] == ["2026"]


def test_a_mistyped_year_is_refused_and_the_corrected_file_counts(inbox: Path, land_all: Land) -> None:
    (inbox / "requests.csv").write_text(requests_csv(period="2204"))
    [refused] = land_all().refused
    assert "PS-023" in refused.failures
    (inbox / "requests.csv").write_text(requests_csv(period="2024"))
    assert [submission.period for submission in land_all().current] == ["2025"]


def test_a_store_whose_path_holds_a_quote_works(tmp_path: Path, catalogue: Catalogue) -> None:
    settings = Settings(store=tmp_path / "it's a store", raw=tmp_path / "its raw")
    folder = settings.inbox_dir / RETURN
    folder.mkdir(parents=True)
    (folder / "requests.csv").write_text(requests_csv() + "short\n")
    prepare_store(settings)
    assert [s.rows_quarantined for s in land_return(settings, RETURN, catalogue, now=NOON).committed] == [1]


# --- a clock that is wrong, and what a landing that died left ------------------------------------------------------


@pytest.mark.parametrize("back", [timedelta(0), timedelta(hours=1), timedelta(days=366)])
def test_what_is_received_later_counts_whatever_the_clock_says(
    settings: Settings, catalogue: Catalogue, inbox: Path, back: timedelta,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    prepare_store(settings)
    (inbox / "requests.csv").write_text(requests_csv(requests="959"))
    land_return(settings, RETURN, catalogue, now=NOON)
    (inbox / "requests.csv").write_text(requests_csv(requests="960"))
    with caplog.at_level("WARNING", "cornerstone.landing"):
        second = land_return(settings, RETURN, catalogue, now=NOON - back)
    [committed] = second.committed
    assert second.current == [committed]
    assert committed.supersedes
    first, later = receipts(settings, RETURN)
    # More than lies between files of one landing, by which a rebuild tells landings apart.
    assert datetime.fromisoformat(later.received_at) - datetime.fromisoformat(first.received_at) >= timedelta(seconds=1)
    assert ("set it right" in caplog.text) == (back > timedelta(minutes=1))


def test_a_file_of_a_set_received_again_under_a_clock_set_back_is_dealt_with(
    settings: Settings, catalogue: Catalogue
) -> None:
    prepare_store(settings)
    therapy = settings.inbox_dir / "therapy_waiting_list"
    write_set(therapy, delivery())
    land_return(settings, "therapy_waiting_list", catalogue, now=NOON)
    write_set(therapy, delivery())
    again = land_return(settings, "therapy_waiting_list", catalogue, now=NOON - timedelta(hours=1))
    assert again.repeats
    assert not has_work(settings, "therapy_waiting_list")


def test_what_a_landing_that_died_put_into_the_vault_is_removed_by_the_next(
    settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_store(settings)
    inbox = settings.inbox_dir / "sen2"
    (inbox / "first.xml").write_text(xml_text(header(2025), people()))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(land, "write_landing", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        land_return(settings, "sen2", catalogue, now=NOON)
    [orphan] = land.orphans_in_vault(settings, "sen2")
    # What comes meanwhile makes it another landing.
    (inbox / "second.xml").write_text(xml_text(header(2024), people()))
    report = land_return(settings, "sen2", catalogue, now=NOON + timedelta(hours=1))
    assert len(report.committed) == 2
    assert not orphan.exists()
    assert land.orphans_in_vault(settings, "sen2") == []


def test_a_disk_that_fills_while_a_file_is_archived_keeps_no_half_copy(
    settings: Settings, catalogue: Catalogue, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_store(settings)
    (inbox / "requests.csv").write_text(requests_csv())

    def full(source: Any, target: Path, key: bytes) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr("orchestration.returns.archive.seal", full)
        land_return(settings, RETURN, catalogue, now=NOON)
    assert [path for path in settings.archive_dir.rglob("*") if path.is_file()] == []
    assert len(land_return(settings, RETURN, catalogue, now=NOON).committed) == 1
