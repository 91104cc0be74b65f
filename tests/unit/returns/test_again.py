"""Reading the archive again: the same comes out the same and writes nothing; what comes out otherwise takes the place of its
earlier reading alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations.catalogue import load_catalogue
from orchestration.errors import CornerstoneError
from orchestration.returns import land
from orchestration.returns.again import read_periods
from orchestration.returns.archive import archived_path
from orchestration.returns.land import LandingReport, has_work, land_return
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import current_submissions, read_submissions
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, prepare_store, write_control_tables
from tests.conftest import caseload_csv, requests_csv, write_zip
from tests.invented_census import census, write_census_xml
from tests.invented_return import header, people, xml_text
from tests.invented_safety_valve import write_return

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Lander:
    """Lands what is in the inbox of a return, each time an hour later; under changed rules where there are any."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue = load_catalogue(settings.rules_dir)
        self.clock = iter(NOON + timedelta(hours=hour) for hour in range(100))

    def __call__(self, return_id: str, again: str | None = None) -> LandingReport:
        periods = read_periods(load_spec(return_id), again) if again else None
        return land_return(self.settings, return_id, self.catalogue, now=next(self.clock), again=periods)

    def change(self, rule_id: str, **changed: Any) -> None:
        """Change a rule of the catalogue."""
        rules = tuple(replace(rule, **changed) if rule.rule_id == rule_id else rule for rule in self.catalogue.rules)
        self.catalogue = replace(self.catalogue, rules=rules)


@pytest.fixture
def lander(settings: Settings) -> Lander:
    prepare_store(settings)
    return Lander(settings)


def stamps(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and times of every file."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "waiting.json"
    }


def three_years(settings: Settings) -> None:
    for year in (2024, 2025, 2026):
        (settings.inbox_dir / "sen2" / f"{year}.xml").write_text(xml_text(header(year), people()))


def by_period(settings: Settings, return_id: str) -> dict[str, str]:
    return {
        one.period: one.submission_id for one in current_submissions(read_submissions(settings, return_id)).values()
    }


FLAG = "RS2-010"  # marks rows of persons
EVERYBODY = "select submission_id, source_file, source_row from sen2_person"


def test_what_comes_out_the_same_is_read_again_as_often_as_one_likes_and_nothing_is_written(
    settings: Settings, lander: Lander
) -> None:
    three_years(settings)
    write_census_xml(settings.inbox_dir / "school_census", census())
    write_return(settings.inbox_dir / "safety_valve", settings)
    write_zip(
        settings.inbox_dir / "published_statistics" / "release.zip",
        {"data/requests.csv": requests_csv(), "data/caseload.csv": caseload_csv()},
    )
    landed = [return_id for return_id in return_ids() if lander(return_id).committed]
    assert landed == ["published_statistics", "safety_valve", "school_census", "sen2"]
    before = stamps(settings.landed_dir), stamps(settings.vault_dir), stamps(settings.archive_dir)
    for _ in range(2):
        for return_id in landed:
            report = lander(return_id, again="all")
            assert (report.committed, report.read_again) == ([], 3 if return_id == "sen2" else len(report.current))
    assert (stamps(settings.landed_dir), stamps(settings.vault_dir), stamps(settings.archive_dir)) == before


def test_what_comes_out_otherwise_takes_the_place_of_its_earlier_reading_and_of_nothing_else(
    settings: Settings, lander: Lander
) -> None:
    three_years(settings)
    lander("sen2")
    before, first = stamps(settings.landed_dir), by_period(settings, "sen2")
    kept = stamps(settings.vault_dir)
    lander.change(FLAG, failing_rows=EVERYBODY)
    report = lander("sen2", again="2025")
    [anew] = report.committed
    assert (anew.period, report.read_again, anew.failures[FLAG]) == ("2025", 1, 3)
    now = by_period(settings, "sen2")
    assert now == first | {"2025": anew.submission_id} != first
    assert len(read_submissions(settings, "sen2")) == 3
    # Bytes and times of everything that was there are what they were.
    assert before.items() <= stamps(settings.landed_dir).items()
    assert kept.items() <= stamps(settings.vault_dir).items()
    assert not has_work(settings, "sen2")
    # Again, it comes out the same.
    assert lander("sen2", again="2025").committed == []
    # And under the rules of before it comes out as before, a third reading.
    lander.catalogue = load_catalogue(settings.rules_dir)
    [third] = lander("sen2", again="2024..2025").committed
    assert third.submission_id not in {anew.submission_id, *first.values()}
    assert third.failures.get(FLAG, 0) < 3


def test_the_models_see_one_reading_of_a_file(settings: Settings, lander: Lander) -> None:
    three_years(settings)
    lander("sen2")
    lander.change(FLAG, failing_rows=EVERYBODY)
    lander("sen2", again="2025..2026")
    with open_warehouse(settings.warehouse_path, "a test", settings.database_limits) as connection:
        assert write_control_tables(connection, settings) == 3
        told = connection.execute(
            "select period, is_current, count(*) from control.submission where return_id = 'sen2' group by all order by all"
        ).fetchall()
        assert told == [("2024", True, 1), ("2025", True, 1), ("2026", True, 1)]
        flagged = connection.execute(
            "select period, count(*) from control.rule_failure inner join control.submission using (submission_id)"
            f" where rule_id = '{FLAG}' group by all order by all"
        ).fetchall()
        assert flagged[-2:] == [("2025", 3), ("2026", 3)]
        orphans = connection.execute(
            "select count(*) from control.rule_failure anti join control.submission using (submission_id)"
        ).fetchone()
        assert orphans == (0,)


def test_what_is_refused_now_no_longer_counts_and_what_it_had_replaced_counts_again(
    settings: Settings, lander: Lander
) -> None:
    for serial in ("1", "2"):
        (settings.inbox_dir / "sen2" / "plans.xml").write_text(xml_text(header(2025, serial), people()))
        [last] = lander("sen2").committed
    first = last.supersedes
    lander.change(
        "RS2-004",
        effect="refuse",
        severity="block",
        failing_rows="select submission_id, source_file, source_row from sen2_return where serial_number = '2'",
    )
    [refused] = lander("sen2", again="2025").committed
    assert (refused.status, refused.received_at) == ("refused", last.received_at)
    assert by_period(settings, "sen2") == {"2025": first}


def test_a_file_sent_again_after_it_was_read_again_is_a_repeat(settings: Settings, lander: Lander) -> None:
    three_years(settings)
    lander("sen2")
    lander.change(FLAG, failing_rows=EVERYBODY)
    lander("sen2", again="2025")
    (settings.inbox_dir / "sen2" / "2025 (1).xml").write_text(xml_text(header(2025), people()))
    report = lander("sen2")
    assert report.committed == []
    assert len(report.repeats) == 1


def test_a_run_killed_while_it_reads_again_leaves_what_stood(
    settings: Settings, lander: Lander, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_years(settings)
    lander("sen2")
    before, first = stamps(settings.landed_dir), by_period(settings, "sen2")
    lander.change(FLAG, failing_rows=EVERYBODY)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(land, "sync_tree", killed)
        lander("sen2", again="all")
    assert by_period(settings, "sen2") == first
    assert not has_work(settings, "sen2")
    assert len(lander("sen2", again="all").committed) == 3
    assert before.items() <= stamps(settings.landed_dir).items()
    assert not list(settings.landed_dir.glob(".partial/*/*"))


def test_late_data_touches_no_file_of_another_period_or_return(settings: Settings, lander: Lander) -> None:
    three_years(settings)
    write_census_xml(settings.inbox_dir / "school_census", census())
    for return_id in ("sen2", "school_census"):
        lander(return_id)
    before, first = stamps(settings.landed_dir), by_period(settings, "sen2")
    (settings.inbox_dir / "sen2" / "late.xml").write_text(xml_text(header(2025, serial="2"), people()[:2]))
    for return_id in return_ids():
        lander(return_id)
    assert before.items() <= stamps(settings.landed_dir).items()
    now = by_period(settings, "sen2")
    assert {period for period, one in now.items() if one != first[period]} == {"2025"}


def test_a_return_is_judged_beside_what_came_before_it_and_nothing_that_came_after(
    settings: Settings, lander: Lander
) -> None:
    inbox = settings.inbox_dir / "safety_valve"
    for quarter in ("2025-26Q1", "2025-26Q2", "2025-26Q3"):
        write_return(inbox, settings, quarter)
        lander("safety_valve")
    before = read_submissions(settings, "safety_valve")
    assert [one.status for one in before] == ["accepted"] * 3
    assert lander("safety_valve", again="2025-26Q1..2025-26Q2").committed == []
    assert lander("safety_valve", again="2025-26").read_again == 3
    assert read_submissions(settings, "safety_valve") == before


def test_a_file_missing_from_the_archive_is_named_and_nothing_is_read_again(settings: Settings, lander: Lander) -> None:
    three_years(settings)
    [gone] = [one for one in lander("sen2").committed if one.period == "2025"]
    archived_path(settings, gone.sha256).unlink()
    assert lander("sen2", again="2026").read_again == 1
    with pytest.raises(CornerstoneError, match=r"2025\.xml, received on 2026-01-05, is missing or damaged; restore it"):
        lander("sen2", again="all")


@pytest.mark.parametrize(
    ("return_id", "text", "said"),
    [
        (
            "sen2",
            "2025-01",
            "2025-01 is no period of the EHC plans return .SEN2.: give a year as 2025, a range of them as A..B",
        ),
        ("school_census", "2025-02", "give a term as 2025-01 .spring., 2025-05 .summer., 2025-10 .autumn., or a year"),
        ("therapy_waiting_list", "2025-13", "give a month as 2025-10, or a year"),
        ("safety_valve", "2025-26Q5", "give a quarter as 2025-26Q3, or a financial year as 2025-26"),
        ("sen2", "2025..", r"The range 2025\.\. lacks an end: give a year as 2025, a range of them as A\.\.B, or all"),
        ("sen2", "..", r"The range \.\. lacks an end"),
        ("sen2", "", "No period is given: give a year as 2025"),
        ("sen2", "2026..2024", r"The range 2026..2024 ends before it begins; give it as 2024..2026"),
    ],
)
def test_what_is_no_period_of_a_return_is_said_with_its_form(return_id: str, text: str, said: str) -> None:
    with pytest.raises(CornerstoneError, match=said):
        read_periods(load_spec(return_id), text)


def test_a_range_of_which_nothing_came_says_what_did(settings: Settings, lander: Lander) -> None:
    with pytest.raises(
        CornerstoneError, match=r"holds nothing of the EHC plans return .SEN2. for 2025; nothing has arrived"
    ):
        lander("sen2", again="2025")
    with pytest.raises(CornerstoneError, match=r"holds nothing of the EHC plans return .SEN2.; nothing has arrived"):
        lander("sen2", again="all")
    three_years(settings)
    lander("sen2")
    with pytest.raises(CornerstoneError, match=r"for 2019\.\.2022; what has arrived is of 2024 to 2026"):
        lander("sen2", again="2019..2022")


def test_a_year_alone_stands_for_all_of_its_periods() -> None:
    terms = read_periods(load_spec("school_census"), "2024..2025-05")
    assert [one for one in ("2023-10", "2024-01", "2024-10", "2025-05", "2025-10", "unknown") if one in terms] == [
        "2024-01", "2024-10", "2025-05",
    ]  # fmt: skip
    quarters = read_periods(load_spec("safety_valve"), "2024-25")
    assert [one for one in ("2023-24Q4", "2024-25Q1", "2024-25Q4", "2025-26Q1") if one in quarters] == [
        "2024-25Q1", "2024-25Q4",
    ]  # fmt: skip
