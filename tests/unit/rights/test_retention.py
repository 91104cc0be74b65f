"""What was kept long enough goes when somebody asks for it; the rest stays as it was."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.returns.archive import receipts
from orchestration.rights import retention
from orchestration.rights.audit import read_account
from orchestration.settings import Settings
from tests.invented_return import ada
from tests.unit.rights.conftest import counts, drop_list, drop_sen2, landing_in, names_found

# The census was of 16 January 2025 and the plans of that day too; the waiting list of 31 March 2025.
WHO = {"by": "A. Lead", "reason": "yearly review"}


def after(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, tzinfo=UTC)


def shortened(settings: Settings, **years: int) -> Settings:
    return settings.model_copy(update={"retention_years": years})


def test_each_period_is_kept_so_many_years_after_the_day_it_describes(held: Settings) -> None:
    seen = retention.effect(shortened(held, sen2=2), date(2027, 1, 17))
    assert {(one.return_id, one.period): (one.until, one.is_due) for one in seen.kept} == {
        ("sen2", "2025"): (date(2027, 1, 16), True),
        ("school_census", "2025-01"): (date(2035, 1, 16), False),
        ("therapy_waiting_list", "2025-03"): (date(2033, 3, 31), False),
    }
    assert [(one.files, one.submissions) for one in seen.due] == [(2, 2)]
    assert {one.return_id: one.basis for one in seen.policies}["sen2"] == "setting"
    assert not retention.effect(shortened(held, sen2=2), date(2027, 1, 16)).due


def test_what_is_due_goes_and_its_files_are_not_taken_back(held: Settings) -> None:
    settings = shortened(held, sen2=2)
    done = retention.delete_due(settings, **WHO, now=after(2027, 2, 1))
    assert (done.submissions, done.files, done.releases) == (2, 2, 0)
    assert not list(settings.landed_dir.glob("sen2/*/*.parquet"))
    assert len(counts(settings)) == 2
    assert names_found(settings, held.store.parent / "copy", ["Zzhopper", "Zzturing", "Zznoether"]) == {"Zznoether"}
    assert {one.erased for one in receipts(settings, "sen2")} == {
        "on 2027-02-01, at the end of the years that EHC plans return (SEN2) is kept"
    }
    drop_sen2(settings.inbox_dir / "sen2", "xml")
    report = landing_in(settings)("sen2")
    assert (report.committed, report.current) == ([], [])
    assert report.left == [
        "sen2_2025.xml was received before and erased on 2027-02-01, at the end of the years that EHC plans return (SEN2) is"
        " kept; take it out of the inbox."
    ]
    assert [one.action for one in read_account(settings).events] == [
        "began to delete what was kept long enough",
        "deleted what was kept long enough",
    ]
    with pytest.raises(CornerstoneError, match="Nothing is due"):
        retention.delete_due(settings, **WHO, now=after(2027, 2, 1))


def test_of_a_landing_the_other_submissions_stay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for year in (2024, 2025):
        drop_sen2(settings.inbox_dir / "sen2", "xml", year=year)
    landing_in(settings)("sen2")
    short = shortened(settings, sen2=1)
    with monkeypatch.context() as patch:
        patch.setattr(retention, "leave_no_marts", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            retention.delete_due(short, **WHO, now=after(2025, 6, 1))
    with pytest.raises(CornerstoneError, match="retention --resume"):
        landing_in(short)("sen2")
    assert retention.resume(short, after(2025, 6, 2)) is not None
    assert retention.resume(short, after(2025, 6, 2)) is None
    [left] = retention.effect(short, date(2025, 6, 2)).kept
    assert (left.period, left.submissions, left.rows > 10) == ("2025", 1, True)
    [(_, tables)] = [one for one in counts(short) if one[1]]
    assert tables["sen2_person"]["rows_landed"] == 3
    assert ada().fields["Surname"] in names_found(short, settings.store.parent / "copy", ["Zzlovelace"])


def test_files_that_never_said_of_when_they_are_go_by_the_year_of_their_receipt(settings: Settings) -> None:
    inbox = settings.inbox_dir / "sen2"
    inbox.mkdir(parents=True)
    for year in (2026, 2030):
        (inbox / f"bad{year}.xml").write_text(f"<a>Zzlovelace {year}</a>")
        landing_in(settings, after(year, 3, 1))("sen2")
    short = shortened(settings, sen2=2)
    assert [(one.until, one.is_due) for one in retention.effect(short, date(2031, 1, 1)).kept] == [
        (date(2028, 3, 1), True),
        (date(2032, 3, 1), False),
    ]
    assert retention.delete_due(short, **WHO, now=after(2031, 1, 1)).files == 1
    assert [bool(one.erased) for one in receipts(short, "sen2")] == [True, False]
    assert read_account(short).events[0].counts["submissions of sen2 unknown (received 2026)"] == 1


def test_a_set_that_never_became_complete_goes_by_the_year_of_its_receipt(settings: Settings, tmp_path: Path) -> None:
    inbox = settings.inbox_dir / "therapy_waiting_list"
    drop_list(inbox)
    for path in inbox.glob("*appointments*"):
        path.unlink()
    assert len(landing_in(settings, after(2026, 3, 1))("therapy_waiting_list").waiting) == 1
    short = shortened(settings, therapy_waiting_list=2)
    [waiting] = retention.effect(short, date(2028, 3, 1)).kept
    assert (waiting.period, waiting.until, waiting.submissions, waiting.is_due) == (
        "in no submission (received 2026)", date(2028, 3, 1), 0, False,
    )  # fmt: skip
    assert names_found(short, tmp_path / "copy", ["Zznoether"]) == {"Zznoether"}
    done = retention.delete_due(short, **WHO, now=after(2028, 3, 2))
    assert (done.submissions, done.files) == (0, waiting.files)
    assert names_found(short, tmp_path / "copy", ["Zznoether"]) == set()
    assert retention.effect(short, date(2030, 1, 1)).kept == []
    [began, _] = read_account(short).events
    assert began.counts["files of therapy_waiting_list in no submission (received 2026)"] == waiting.files
    later = landing_in(short, after(2028, 4, 1))("therapy_waiting_list")
    assert (later.committed, later.waiting) == ([], [])


def test_a_setting_for_a_return_without_persons_is_refused(settings: Settings) -> None:
    with pytest.raises(CornerstoneError, match="names safety_valve, which is no return about persons"):
        retention.effect(shortened(settings, safety_valve=3), date(2030, 1, 1))


def test_the_command_shows_what_is_kept_and_asks(held: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(held.store))
    monkeypatch.setenv("CORNERSTONE_KEY_FILE", str(held.key_file))
    monkeypatch.setenv("CORNERSTONE_RETENTION_YEARS", '{"sen2": 1}')
    run = CliRunner().invoke
    seen = run(app, ["retention"])
    assert "goes      sen2 of 2025" in seen.stdout
    assert "school_census  10 years (assumption)" in seen.stdout
    assert "--by" in str(run(app, ["retention", "--apply"]).exception)
    who = ["--by", "A. Lead", "--reason", "yearly review"]
    assert "Nothing was deleted" in str(run(app, ["retention", "--apply", *who], input="n\n").exception)
    done = run(app, ["retention", "--apply", "--yes", *who])
    assert "2 submission(s)" in done.stdout
