"""What the portal says of the checks: rules and their outcomes, rows set aside, notes, history, overdue returns."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import CatalogueError, load_catalogue
from expectations.notes import NOTES_FILE, read_notes
from orchestration.privacy.disclosure import load_policy
from orchestration.release.inventory import untold_returns
from orchestration.release.manifest import InputSubmission
from orchestration.release.portal import validation
from orchestration.release.portal.history import RowsRead, count_rows, history_chart, releases_before
from orchestration.release.portal.names import said_return
from orchestration.release.portal.overdue import by_return
from orchestration.release.portal.set_aside import NO_REASON, Reason, SetAside, rows_set_aside
from orchestration.release.portal.validation import RuleOutcome, count_beneath, rule_outcomes
from orchestration.release.remembered_places import keep_counts
from orchestration.returns.calendar import Occasion
from orchestration.returns.expected import ExpectedPeriod
from orchestration.settings import Settings

BOARD = load_policy().parameters_of("evidence")
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
PEOPLE, NOBODY = "sen2", "published_statistics"


@pytest.fixture
def control() -> duckdb.DuckDBPyConnection:
    """An empty warehouse with the rules A and B, which set rows aside, R, which refuses files, and F, which flags."""
    connection = duckdb.connect()
    connection.execute(
        f"""
        create schema control;
        create table control.submission (
            submission_id varchar, return_id varchar, period varchar, supplier varchar, status varchar, rows_quarantined bigint
        );
        create table control.rule_failure (
            rule_id varchar, submission_id varchar, source_file varchar, source_row bigint, table_name varchar
        );
        create table control.rule_not_judged (rule_id varchar, submission_id varchar);
        attach ':memory:' as released;
        create schema released.meta;
        create table released.meta.rule (
            rule_id varchar, severity varchar, effect varchar, return_id varchar, owner varchar, label varchar, action varchar
        );
        insert into released.meta.rule values
            ('A', 'block', 'quarantine', '{PEOPLE}', 'Lead', 'A holds', 'Mend A'),
            ('B', 'block', 'quarantine', 'every_return', 'Lead', 'B holds', 'Mend B'),
            ('R', 'block', 'refuse', '{PEOPLE}', 'Lead', 'R holds', 'Mend R'),
            ('S', 'block', 'refuse', 'waits', 'Engineer', 'S holds', 'Mend S'),
            ('F', 'warn', 'flag', '{PEOPLE}', 'Engineer', 'F holds', 'Mend F');
        create table released.meta.rule_result (gate varchar, rule_id varchar, outcome varchar, failing_count bigint);
        insert into released.meta.rule_result values ('landing', 'F', 'failed', null);
        """
    )
    return connection


def add_file(
    connection: duckdb.DuckDBPyConnection, name: str, aside: int, *, return_id: str = PEOPLE, period: str = "2026",
    status: str = "accepted", **reasons: int,
) -> None:  # fmt: skip
    """A file of which rows were set aside: so many by each rule, one row after another."""
    connection.execute(
        "insert into control.submission values (?, ?, ?, 'la.372', ?, ?)", [name, return_id, period, status, aside]
    )
    row = 0
    for rule_id, rows in reasons.items():
        for _ in range(rows):
            row += 1
            connection.execute("insert into control.rule_failure values (?, ?, 'f.csv', ?, 't')", [rule_id, name, row])


def look(
    connection: duckdb.DuckDBPyConnection, *, untold: Collection[str] = (), earlier: Mapping[str, Path] | None = None
) -> SetAside:
    return rows_set_aside(connection, "released", BOARD, untold, earlier or {})


def test_nothing_set_aside_is_nothing_to_tell(control: duckdb.DuckDBPyConnection) -> None:
    add_file(control, "one", 0)
    assert look(control) == SetAside({}, {}, [])


def test_rows_are_counted_by_file_return_and_first_reason(control: duckdb.DuckDBPyConnection) -> None:
    add_file(control, "one", 20, A=12, B=8)
    add_file(control, "two", 30, period="2025", A=30)
    add_file(control, "refused", 9, status="refused", A=9)
    # A row that fails both rules, and one that only a flag is about.
    control.execute(
        "insert into control.rule_failure values ('B', 'one', 'f.csv', 1, 't'), ('F', 'one', 'f.csv', 99, 't')"
    )
    assert look(control) == SetAside(
        {PEOPLE: 50},
        {(PEOPLE, "la", "2025"): 30, (PEOPLE, "la", "2026"): 20},
        [Reason(PEOPLE, "A", 42), Reason(PEOPLE, "B", 8)],
    )


def test_few_rows_about_people_are_not_told_nor_what_they_follow_from(control: duckdb.DuckDBPyConnection) -> None:
    # The sum over the files is a KPI: any number about the first file, its reason's included, would tell the second's.
    add_file(control, "one", 18, A=18)
    add_file(control, "two", 2, B=2)
    assert look(control, untold={PEOPLE}) == SetAside(
        {PEOPLE: None}, {(PEOPLE, "la", "2026"): None}, [Reason(PEOPLE, "A", None), Reason(PEOPLE, "B", None)]
    )


def test_a_few_rows_by_one_reason_do_not_follow_from_the_file_and_the_other_reason(
    control: duckdb.DuckDBPyConnection,
) -> None:
    # The file's 20 rows are told: A's 18 would leave 2 for B.
    add_file(control, "one", 20, A=18, B=2)
    found = look(control)
    assert found.returns == {PEOPLE: 20}
    assert found.reasons == [Reason(PEOPLE, "A", None), Reason(PEOPLE, "B", None)]


def test_few_rows_about_nobody_are_told(control: duckdb.DuckDBPyConnection) -> None:
    add_file(control, "one", 2, return_id=NOBODY, B=2)
    assert look(control) == SetAside({NOBODY: 2}, {(NOBODY, "la", "2026"): 2}, [Reason(NOBODY, "B", 2)])


def test_rows_whose_reason_is_not_recorded_are_counted_as_such(control: duckdb.DuckDBPyConnection) -> None:
    add_file(control, "one", 10, return_id=NOBODY, B=7)
    # More places than rows: which rows they are about is not known.
    add_file(control, "two", 5, return_id=NOBODY, B=6)
    assert look(control).reasons == [Reason(NOBODY, "B", 7), Reason(NOBODY, NO_REASON, 8)]


def test_every_rule_has_an_outcome_and_those_that_failed_stand_first(control: duckdb.DuckDBPyConnection) -> None:
    add_file(control, "one", 6, A=6)
    add_file(control, "bad", 0, status="refused", R=3)
    add_file(control, "worse", 0, status="refused", R=1)
    control.execute(
        "insert into released.meta.rule values ('M', 'block', null, 'kpi', 'Engineer', 'M holds', 'Mend M')"
    )
    found = rule_outcomes(control, "released", look(control))
    assert [(one.rule_id, one.gate, one.outcome, one.failing, one.refused) for one in found] == [
        ("A", "landing", "failed", 6, 0),
        ("F", "landing", "failed", None, 0),
        ("M", "landing", "not judged", None, 0),
        ("S", "landing", "no rows", None, 0),
        ("B", "landing", "passed", None, 0),
        ("R", "landing", "passed", None, 2),
    ]
    assert {one.name: (one.rules, one.passed, one.kept_out, one.warned, one.not_judged) for one in count_beneath(found, owner)} == {
        "Lead": (3, 2, 1, 0, 0),
        "Engineer": (3, 0, 0, 1, 2),
    }  # fmt: skip


def owner(one: RuleOutcome) -> str:
    return one.owner


def test_a_rule_that_could_not_be_judged_of_an_accepted_file_is_not_called_passed(
    control: duckdb.DuckDBPyConnection,
) -> None:
    add_file(control, "one", 0)
    control.execute("insert into control.rule_not_judged values ('R', 'one')")
    assert {one.rule_id: one.outcome for one in rule_outcomes(control, "released", look(control))}["R"] == "not judged"


# --- owners' notes ----------------------------------------------------------------------------------------------

NOTE = "notes: [{rule_id: A, note: It is known., by: Head of SEND, until: 2026-03-31}]"


def notes_file(folder: Path, text: str) -> Path:
    path = folder / "notes.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_note_holds_until_its_last_day(tmp_path: Path) -> None:
    note = read_notes(notes_file(tmp_path, NOTE), {"A"})["A"]
    assert (note.note, note.by) == ("It is known.", "Head of SEND")
    assert note.holds_on(date(2026, 3, 31)) and not note.holds_on(date(2026, 4, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NOTE.replace("rule_id: A", "rule_id: Z"), "there is no rule 'Z'"),
        (NOTE.replace("]", ", {rule_id: A, note: Twice., by: Lead, until: 2026-03-31}]"), "rule A has two notes"),
        (NOTE.replace("until: 2026-03-31", "until: soon"), "until"),
        (NOTE.replace("by: ", "name: "), "name"),
        (NOTE.replace("It is known.", "' '"), "note"),
        ("[]", "cannot be used"),
        ("notes: [", "cannot be used"),
    ],
)
def test_a_note_that_is_not_right_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        read_notes(notes_file(tmp_path, text), {"A"})


def test_the_notes_that_ship_are_about_rules_of_the_catalogue() -> None:
    rules = load_catalogue(Settings().rules_dir).rules
    read_notes(NOTES_FILE, {rule.rule_id for rule in rules})


def test_a_warning_shows_its_owners_note_or_that_there_is_none(
    publish_at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = "notes:\n- {rule_id: PS-402, note: A <late> revision., by: Performance lead, until: 2026-03-02}\n"
    monkeypatch.setattr(validation, "NOTES_FILE", notes_file(tmp_path, notes))
    monday = (publish_at(MONDAY).folder / "evidence/validation.html").read_text("utf-8")
    assert "A &lt;late&gt; revision. <small>(Performance lead; until 2 March 2026)</small>" in monday
    assert monday.count("<strong>No note yet</strong>") == 3
    assert "4 warnings stand, 3 without a note of its owner." in monday
    tuesday = (publish_at(TUESDAY, code_version="1.1").folder / "evidence/validation.html").read_text("utf-8")
    assert "<strong>No note any more:</strong> the one of Performance lead ran out on 2 March 2026" in tuesday
    assert "A &lt;late&gt; revision." not in tuesday


# --- history ----------------------------------------------------------------------------------------------------


def test_the_history_holds_releases_that_people_read_and_that_are_in_the_store(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    first = publish_at(MONDAY)
    warehouse.execute("insert into control.rule_failure values ('PS-202', 's2', 'requests.csv', 3, 'ees_row')")
    second = publish_at(TUESDAY, code_version="1.1")
    pending = settings.model_copy(update={"release_approval": "required"})
    publish_at(datetime(2026, 3, 4, 9, 0, tzinfo=UTC), code_version="1.2", settings=pending)
    after = datetime(2026, 3, 5, tzinfo=UTC)
    found = releases_before(settings, after, BOARD)
    assert [one.release_id for one in found] == [first.release_id, second.release_id]
    assert [[(one.failed("warn"), one.failed("observe")) for one in found]] == [[(4, 0), (4, 1)]]
    assert found[0].rows == RowsRead(landed=19, set_aside=1, untold_files=0)
    assert releases_before(settings, TUESDAY, BOARD) == found[:1]
    page = (second.folder / "evidence/validation.html").read_text("utf-8")
    assert "warnings went from 4 to 4, rules that only count from 0 to 1" in page
    chart = history_chart(found)
    assert chart is not None and chart.rows == [["2 Mar 2026, 09:00", "4", "0"], ["3 Mar 2026, 09:00", "4", "1"]]
    assert history_chart(found[:1]) is None
    # The evidence of a release that somebody deleted is not told of, and stops nothing.
    (first.folder / "evidence/rule_result.parquet").unlink()
    assert [one.release_id for one in releases_before(settings, after, BOARD)] == [second.release_id]


def an_input(return_id: str, aside: int) -> InputSubmission:
    return InputSubmission(
        submission_id=f"{return_id}{aside}", return_id=return_id, period="2026", supplier="la.372", source_file="f",
        sha256="aa", rows_read=100, rows_landed=100 - aside, rows_quarantined=aside, is_current=True,
    )  # fmt: skip


def test_few_rows_set_aside_of_a_file_about_people_are_in_no_sum() -> None:
    files = [*(an_input(PEOPLE, aside) for aside in (2, 4, 5, 0)), an_input(NOBODY, 3)]
    untold = untold_returns(files, BOARD.threshold)
    assert untold == {PEOPLE}
    assert count_rows(files, BOARD, untold) == RowsRead(landed=486, set_aside=3, untold_files=2)


def test_the_few_rows_of_a_file_that_is_gone_do_not_follow_from_the_files_of_then() -> None:
    # 12 and 3 were a KPI of 15: told when the file of 3 is gone, the 12 would leave them.
    many, few, other = (an_input(PEOPLE, aside) for aside in (12, 3, 7))
    assert untold_returns([many], BOARD.threshold) == set()
    assert untold_returns([many], BOARD.threshold, [[many, few]]) == {PEOPLE}
    assert untold_returns([other], BOARD.threshold, [[many, few]]) == set()


def test_a_few_rows_by_which_a_reason_grew_are_not_told(control: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    add_file(control, "one", 30, A=18, B=12)
    assert look(control).reasons == [Reason(PEOPLE, "A", 18), Reason(PEOPLE, "B", 12)]
    keep_counts(control, tmp_path / "first.parquet")
    # Of the second file's 20 rows one fails B: 13 less the 12 of then.
    add_file(control, "two", 20, A=19, B=1)
    found = look(control, earlier={"first": tmp_path / "first.parquet"})
    assert found.returns == {PEOPLE: 50}
    assert found.reasons == [Reason(PEOPLE, "A", None), Reason(PEOPLE, "B", None)]


# --- overdue ----------------------------------------------------------------------------------------------------


def period(title: str, name: str, state: Any, received: int) -> ExpectedPeriod:
    day = date(2026, 1, 15)
    occasion = Occasion(
        return_id=title, period=name, said=name, academic_year="202526", described="census day", day=day,
        day_basis="published", opens_basis="statutory", due=day, due_basis="statutory", is_due_by_rule=False,
    )  # fmt: skip
    return ExpectedPeriod(
        occasion=occasion, title=title, suppliers_called="schools", expected_suppliers=None, received_suppliers=received,
        missing=[], state=state,
    )  # fmt: skip


def test_overdue_periods_are_told_by_return_the_latest_first() -> None:
    found = by_return(
        [
            period("plans", "2026", "complete", 1), period("plans", "2027", "open", 0),
            period("waits", "2025-12", "complete", 1), period("waits", "2026-01", "overdue", 0),
            period("waits", "2026-02", "overdue", 0), period("waits", "2026-03", "open", 0),
        ]
    )  # fmt: skip
    assert [
        (one.title, [each.occasion.period for each in one.overdue], one.latest and one.latest.occasion.period,
         one.next_due and one.next_due.occasion.period)
        for one in found
    ] == [("waits", ["2026-02", "2026-01"], "2025-12", "2026-03"), ("plans", [], "2026", "2027")]  # fmt: skip


def test_what_is_overdue_is_told_of_the_day_of_the_release(publish_at: Any) -> None:
    page = (publish_at(MONDAY).folder / "evidence/validation.html").read_text("utf-8")
    assert "What had been expected by 2 March 2026, the day of this release" in page
    # Nothing of it has ever come: its latest month that was due by then.
    assert f'<th scope="row">{said_return("therapy_waiting_list")}</th><td class="word">2026-01</td>' in page
