"""Safety valve returns land from the workbook that the template makes, whatever people do to it on the way."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter, range_boundaries

from expectations.catalogue import Rule, load_catalogue
from expectations.landing import LandingOutcome, evaluate_landing
from orchestration.check.find import check_files
from orchestration.returns import judge
from orchestration.returns.land import LandingReport, land_return
from orchestration.returns.spec import load_spec, quarter_end, quarter_period
from orchestration.returns.submission import Submission, read_submissions
from orchestration.settings import Settings
from orchestration.template.workbook import write_template
from orchestration.warehouse import prepare_store
from tests.invented_safety_valve import CLOSING, IN_YEAR, LINE_GBP, LINES, area, change, write_return
from tests.unit.returns.conftest import NOON

Land = Callable[[], LandingReport]
Landed = Callable[[Submission, str], list[dict[str, Any]]]
SPEC = load_spec("safety_valve")
CLOSING_Q1 = ("tblFinance", ("ALL", "CLOSING"), "q1_forecast_gbp")


@pytest.fixture
def inbox(settings: Settings) -> Path:
    prepare_store(settings)
    return settings.inbox_dir / "safety_valve"


@pytest.fixture
def land(settings: Settings, inbox: Path) -> Land:
    catalogue = load_catalogue(settings.rules_dir)
    hours = iter(range(1, 20))
    return lambda: land_return(settings, "safety_valve", catalogue, now=NOON.replace(hour=next(hours)))


def one(report: LandingReport) -> Submission:
    [submission] = report.committed
    assert submission.rows_read == submission.rows_landed + submission.rows_quarantined
    return submission


def opened(path: Path) -> Workbook:
    with path.open("rb") as stream:
        return load_workbook(stream)


def finance(landed: Landed, submission: Submission) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["block"], row["line_code"]): row for row in landed(submission, "sv_finance")}


def test_a_return_lands_whole_with_its_formulas_made(
    inbox: Path, land: Land, landed: Landed, settings: Settings
) -> None:
    """The workbook is as openpyxl writes it: no formula cell has a stored value."""
    write_return(inbox, settings)
    submission = one(land())
    assert (submission.status, submission.reason, submission.failures) == ("accepted", None, {})
    assert (submission.supplier, submission.period, submission.sequence) == ("372", "2025-26Q1", "0000000001")
    assert (submission.rows_quarantined, submission.people) == (0, None)
    assert {table: counted.rows_landed for table, counted in submission.tables.items()} == {
        "sv_cover": 1, "sv_finance": 26, "sv_high_needs": 14, "sv_memo": 6, "sv_ehcp": 27, "sv_flow": 7, "sv_unit_cost": 14,
        "sv_condition": 4, "sv_place": 1, "sv_demand": 72, "sv_risk": 1, "sv_narrative": 7, "sv_sign_off": 2,
    }  # fmt: skip
    for table in SPEC.tables:
        assert list(landed(submission, table)[0]) == list(SPEC.landed_types(table))
    found = finance(landed, submission)
    assert found["HNB", "IN_YEAR"]["q1_forecast_gbp"] == IN_YEAR == found["ALL", "IN_YEAR"]["plan_gbp"]
    assert found["ALL", "CLOSING"]["q1_forecast_gbp"] == CLOSING
    assert found["ALL", "CLOSING"]["q2_forecast_gbp"] is found["ALL", "CLOSING"]["q1_actual_gbp"] is None
    total = next(row for row in landed(submission, "sv_high_needs") if row["line_code"] == "TOTAL_HN")
    assert (total["budget_gbp"], total["outturn_gbp"]) == (LINE_GBP * len(LINES), None)
    costs = {(row["placement_code"], row["cost_basis"]): row for row in landed(submission, "sv_unit_cost")}
    assert costs["NMISS", "FULL"]["unit_cost_forecast_gbp"] == 30_706  # 3,700,123 over 120.5
    assert costs["NMISS", "TOPUP"]["unit_cost_forecast_gbp"] is None
    assert {row["gap_places"] for row in landed(submission, "sv_demand")} == {9}
    assert [row["score"] for row in landed(submission, "sv_risk")] == [12]


def test_a_blank_template_is_refused_in_a_sentence(inbox: Path, land: Land, settings: Settings) -> None:
    write_template(settings, "safety-valve", "2025-26Q1", inbox)
    submission = one(land())
    assert submission.status == "refused"
    assert submission.reason == (
        "rsv_372_202526_Q1_v1.xlsx: It fails SVR-001. Somebody has filled figures in."
        " Fill in the yellow cells of the quarter and drop the workbook again."
    )


def test_tables_are_found_by_name_wherever_they_stand(
    inbox: Path, land: Land, landed: Landed, settings: Settings
) -> None:
    book = opened(write_return(inbox.parent, settings))
    for sheet in book.worksheets:
        sheet.title = f"Tab {sheet.title[::-1]}"
        rows = [[(cell.value, cell.coordinate) for cell in row] for row in sheet.iter_rows()]
        sheet.delete_rows(1, sheet.max_row)
        for row in rows:
            for value, coordinate in row:
                if value is not None:
                    is_formula = isinstance(value, str) and value.startswith("=")
                    moved = sheet[coordinate].offset(3, 2)
                    moved.value = None if is_formula else value
        for table in sheet.tables.values():
            left, top, right, bottom = (int(edge or 0) for edge in range_boundaries(table.ref))
            table.ref = f"{get_column_letter(left + 2)}{top + 3}:{get_column_letter(right + 2)}{bottom + 3}"
            if table.autoFilter is not None:
                table.autoFilter.ref = table.ref
    book.move_sheet(book.worksheets[0], 5)
    book.worksheets[1].sheet_state = "hidden"
    book.create_sheet("Working", 0)["A1"] = "tblFinance"
    book.save(inbox / "rsv_372_202526_Q1_v1.xlsx")
    submission = one(land())
    assert (submission.status, submission.failures) == ("accepted", {})
    assert finance(landed, submission)["ALL", "CLOSING"]["q1_forecast_gbp"] == CLOSING
    assert landed(submission, "sv_finance")[0]["source_row"] == 8  # as the spreadsheet shows it


def test_a_row_below_a_table_is_not_lost_without_a_word(inbox: Path, land: Land, settings: Settings) -> None:
    book = opened(write_return(inbox.parent, settings))
    sheet, _, columns, bottom = area(book, "tblConditions")
    sheet.cell(bottom + 1, columns["condition_id"]).value = "SVC-99"
    book.save(inbox / "rsv_372_202526_Q1_v1.xlsx")
    refused = one(land())
    assert (refused.status, list(refused.failures)) == ("refused", ["RSV-001"])
    assert refused.reason == (
        f"rsv_372_202526_Q1_v1.xlsx, sheet 'Conditions', row {bottom + 1}, stands directly below tblConditions and is no part"
        " of it; drag the corner of the table down over it, or leave a blank row between the two."
    )
    sheet.cell(bottom + 1, columns["condition_id"]).value = None
    sheet.cell(bottom + 2, columns["condition_id"]).value = "Source: minutes"
    book.save(inbox / "rsv_372_202526_Q1_v1.xlsx")
    assert one(land()).status == "accepted"


def test_a_version_that_is_no_whole_number_is_not_rounded(inbox: Path, land: Land, settings: Settings) -> None:
    write_return(inbox, settings, changed={("tblCover", "version", "value"): 1.5})
    refused = one(land())
    assert (refused.status, "RSV-006" in refused.failures) == ("refused", True)


def agreed(given: list[Any]) -> dict[tuple[str, Any, str], Any]:
    """Cells of one optional column that say these things, from the first line of the high needs table down."""
    return {("tblHighNeeds", LINES[i], "agreement_gbp"): value for i, value in enumerate(given)}


def test_an_amount_is_read_however_people_write_it(inbox: Path, land: Land, landed: Landed, settings: Settings) -> None:
    written = ["1,321", "£ 1,000,321.00", "(£1,000,321)", "-£1,321", " 1000321 ", 1_000_321.0, "(0)", "", "\u00a31321"]
    write_return(inbox, settings, changed=agreed(written))
    submission = one(land())
    assert (submission.status, submission.failures) == ("accepted", {"RSV-054": 2})
    amounts = [row["agreement_gbp"] for row in landed(submission, "sv_high_needs")]
    assert amounts[: len(written)] == [1_321, 1_000_321, -1_000_321, -1_321, 1_000_321, 1_000_321, 0, None, 1_321]


def test_an_amount_is_read_whatever_a_ledger_or_a_word_processor_makes_of_its_signs(
    inbox: Path, land: Land, landed: Landed, settings: Settings
) -> None:
    """A minus behind, one of typography, spaces that do not break, digits as wide as they are high."""
    written = {
        "1,321-": -1_321, "\u2212 1,321": -1_321, "\u20131,321": -1_321, "1\u00a0321": 1_321, "1\u2009000\u202f321": 1_000_321,
        "\u00a3\u00a01,321\u00a0": 1_321, "\uff11\uff0c\uff13\uff12\uff11": 1_321,
        "\uff08\uff11\uff13\uff12\uff11\uff09": -1_321, "( 1,321 )": -1_321,
    }  # fmt: skip
    write_return(inbox, settings, changed=agreed(list(written)))
    submission = one(land())
    assert submission.status == "accepted"
    amounts = [row["agreement_gbp"] for row in landed(submission, "sv_high_needs")]
    assert amounts[: len(written)] == list(written.values())


def test_what_is_no_whole_amount_is_not_guessed_at(inbox: Path, land: Land, settings: Settings) -> None:
    wrong = [
        "1,00,321", "12.50", 12.5, "1.2m", "#REF!", "about 5", "1-2", "((5))", "=1/0", "#DIV/0!", True, "FALSE", "12 34",
    ]  # fmt: skip
    write_return(inbox, settings, changed=agreed(wrong))
    submission = one(land())
    assert submission.status == "refused"
    assert submission.failures == {
        "RF-009": len(wrong) - 1,
        "RSV-013": len(wrong) - 1,
    }  # a formula without a value is blank


def test_a_tick_is_no_version_and_no_version_is_said_so(inbox: Path, land: Land, settings: Settings) -> None:
    refused = {}
    for given in (True, None):
        write_return(inbox, settings, changed={("tblCover", "version", "value"): given})
        refused[given] = one(land())
    assert [submission.status for submission in refused.values()] == ["refused", "refused"]
    assert str(refused[None].reason).startswith("rsv_372_202526_Q1_v1.xlsx: It gives no version.")
    assert "RSV-006" in refused[None].failures


def test_a_refusal_says_where_and_never_what(inbox: Path, land: Land, settings: Settings) -> None:
    """Sheet, row as the spreadsheet shows it, and column of the first places of the first rules; the cover has names."""
    changed = {
        ("tblHighNeeds", line, "budget_gbp"): f"{number}.5" for number, line in enumerate(LINES[:5], start=77_777)
    } | {
        ("tblNarrative", "N1", "text"): "The pupil A820432100001 has moved",
        ("tblCover", "la_ons_code", "value"): None,
    }
    path = write_return(inbox, settings, changed=changed)
    with path.open("rb") as stream:
        sheet, top, _, _ = area(load_workbook(stream), "tblHighNeeds")
    reason = str(one(land()).reason)
    assert "RSV-002: sheet Cover, la_code, la_ons_code." in reason
    first = "; ".join(f"sheet {sheet.title}, row {top + number}, budget_gbp" for number in (1, 2, 3))
    assert f"RSV-013: {first}; and 2 more." in reason
    assert "77777" not in reason and "A820432100001" not in reason
    # Few rules are enough to begin with.
    assert len([part for part in reason.split(". ") if part.startswith(("Where: RSV", "RSV"))]) == 3


def test_rules_about_a_return_itself_are_judged_once_however_many_are_refused(
    inbox: Path, land: Land, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is compared anew without those refused; what it fails by itself cannot change."""
    judged: list[int] = []

    def counted(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], **asked: Any) -> LandingOutcome:
        judged.append(len(rules))
        return evaluate_landing(connection, rules, **asked)

    monkeypatch.setattr(judge, "evaluate_landing", counted)
    write_return(inbox, settings, "2025-26Q1")
    for quarter in (2, 3, 4):
        write_return(inbox, settings, f"2025-26Q{quarter}", changed={("tblCover", "currency", "value"): "EUR"})
    report = land()
    assert [submission.status for submission in report.committed] == ["accepted", *["refused"] * 3]
    catalogue = load_catalogue(settings.rules_dir)
    beside = len(catalogue.about_earlier("safety_valve"))
    assert judged == [len(catalogue.for_landing("safety_valve")) - beside, beside]
    assert len(list((settings.quality_dir / "validations").glob("*"))) == 2  # neither takes the place of the other


def test_a_stored_value_that_does_not_follow_is_reported_and_not_believed(
    inbox: Path, land: Land, landed: Landed, settings: Settings
) -> None:
    changed = {
        CLOSING_Q1: 5,
        ("tblFinance", ("HNB", "IN_YEAR"), "plan_gbp"): IN_YEAR + 1,  # rounding
        ("tblHighNeeds", "TOTAL_HN", "q1_actual_gbp"): "=1/0",
        ("tblUnitCost", ("NMISS", "FULL"), "unit_cost_forecast_gbp"): 30_000,
        ("tblRisks", 1, "score"): 25,
        ("tblDemand", 1, "gap_places"): -9,
    }
    wrong = {"RSV-023": 1, "RSV-076": 1, "RSV-103": 1, "RSV-110": 1}
    write_return(inbox, settings, changed=changed)
    refused = one(land())
    assert (refused.status, refused.failures) == ("refused", wrong)
    assert refused.reason and "RSV-023, RSV-076, RSV-103, RSV-110" in refused.reason
    write_return(inbox, settings, stage="DRAFT", changed=changed)
    draft = one(land())
    assert (draft.status, draft.failures, draft.rows_quarantined) == ("accepted", wrong, 0)
    assert finance(landed, draft)["ALL", "CLOSING"]["q1_forecast_gbp"] == CLOSING
    assert finance(landed, draft)["HNB", "IN_YEAR"]["plan_gbp"] == IN_YEAR
    assert [row["score"] for row in landed(draft, "sv_risk")] == [12]


def test_nothing_is_made_of_what_is_blank_or_there_twice(
    inbox: Path, land: Land, landed: Landed, settings: Settings
) -> None:
    changed = {
        ("tblFinance", ("SB", "EXPENDITURE"), "plan_gbp"): None,
        ("tblFinance", ("ALL", "CLOSING"), "plan_gbp"): 7,
        ("tblFinance", ("ALL", "OTHER_ADJ"), "line_code"): "SV_PAYMENT",
    }
    write_return(inbox, settings, stage="DRAFT", changed=changed)
    draft = one(land())
    assert draft.status == "accepted"
    assert {"RSV-016", "RSV-020"} <= set(draft.failures) and "RSV-023" not in draft.failures
    found = finance(landed, draft)
    assert found["SB", "IN_YEAR"]["plan_gbp"] is found["ALL", "IN_YEAR"]["plan_gbp"] is None
    assert (found["ALL", "CLOSING"]["plan_gbp"], found["ALL", "CLOSING"]["budget_gbp"]) == (7, None)
    assert found["CSSB", "IN_YEAR"]["plan_gbp"] == 0


def test_an_identifier_in_a_text_refuses_a_draft_too(inbox: Path, land: Land, settings: Settings) -> None:
    changed = {("tblNarrative", "N1", "text"): "A pupil, A820432100001, moved to another school."}
    path = write_return(inbox, settings, stage="DRAFT", changed=changed)
    report = check_files(settings, [path], None, show_identifiers=False)
    submission = one(land())
    assert (submission.status, submission.failures) == ("refused", {"RSV-113": 1})
    assert "A820432100001" not in report.as_json() and "RSV-113" in report.as_json()
    [place] = next(rule for rule in report.files[0].rules if rule.rule_id == "RSV-113").locations
    assert (place.table, place.place) == ("sv_narrative", "sheet Risks_Narrative, row 45, text")


RESTATED = {"submission_type": "RESTATED", "restates_version": 1, "restatement_reason": "Late invoice"}
STATEMENT = {("tblSignOff", "DCS", "statement_code"): "RESTATE"}
SPENT_Q1 = ("tblFinance", ("SB", "EXPENDITURE"), "q1_actual_gbp")
NOTE = {("tblFinance", ("SB", "EXPENDITURE"), "note"): "Late invoice of June"}


def outcomes(report: LandingReport) -> list[tuple[str, str, str, list[str]]]:
    """Period, version, status and failing rules of what was committed, in the order of the manifests."""
    return [(one.period, one.sequence[-1], one.status, list(one.failures)) for one in report.committed]


def examples(settings: Settings, submission: Submission, rule_id: str) -> list[str]:
    """The cells that a rule named in a submission."""
    path = settings.landed_dir / "safety_valve" / submission.landing / "rule_failure.parquet"
    rows = duckdb.execute(
        f"select cell from '{path}' where submission_id = ? and rule_id = ? order by cell",
        [submission.submission_id, rule_id],
    )
    return [cell for (cell,) in rows.fetchall()]


def test_a_restated_quarter_takes_the_place_of_the_first(
    inbox: Path, land: Land, landed: Landed, settings: Settings
) -> None:
    write_return(inbox, settings)
    first = one(land())
    changed = {SPENT_Q1: 47_770_000, **NOTE}
    write_return(inbox, settings, changed=changed, version=2, **RESTATED)
    unsigned = one(land())
    assert (unsigned.status, unsigned.failures) == ("refused", {"RSV-117": 1, "RSV-132": 1})
    write_return(inbox, settings, changed=changed | STATEMENT, version=2, **RESTATED)
    second = one(land())
    # What a restated return changes is listed, though the quarter was not closed yet.
    assert (second.status, second.failures, second.supersedes) == ("accepted", {"RSV-132": 1}, first.submission_id)
    assert finance(landed, second)["SB", "EXPENDITURE"]["q1_actual_gbp"] == 47_770_000
    assert finance(landed, first)["SB", "EXPENDITURE"]["q1_actual_gbp"] != 47_770_000  # kept
    write_return(inbox, settings, version=1, prepared_by_role="Somebody else")
    again = one(land())
    assert (again.status, again.failures) == ("refused", {"RSV-006": 1})


def test_a_figure_of_a_closed_quarter_is_restated_with_a_reason_or_not_at_all(
    inbox: Path, land: Land, settings: Settings
) -> None:
    write_return(inbox, settings)
    one(land())
    write_return(inbox, settings, "2025-26Q2", changed={SPENT_Q1: 47_770_000})
    silent = one(land())
    assert (silent.status, silent.failures) == ("refused", {"RSV-131": 1, "RSV-132": 1})
    write_return(inbox, settings, "2025-26Q2", changed={SPENT_Q1: 47_770_000, **STATEMENT}, **RESTATED)
    without_note = one(land())
    assert (without_note.status, without_note.failures) == ("refused", {"RSV-131": 1, "RSV-132": 1})
    write_return(inbox, settings, "2025-26Q2", changed={SPENT_Q1: 47_770_000, **STATEMENT, **NOTE}, **RESTATED)
    restated = one(land())
    assert (restated.status, restated.failures) == ("accepted", {"RSV-132": 1})
    assert examples(settings, restated, "RSV-132") == [
        "sv_finance.q1_actual_gbp, row 9 (SB EXPENDITURE): 47,770,151 became 47,770,000"
    ]
    # The next quarter repeats what was restated; going back to the old figure would be another restatement.
    write_return(inbox, settings, "2025-26Q3")
    back = one(land())
    assert (back.status, back.failures) == ("refused", {"RSV-131": 1, "RSV-132": 1})
    write_return(inbox, settings, "2025-26Q3", changed={SPENT_Q1: 47_770_000, **NOTE})
    assert one(land()).status == "accepted"


def test_workbooks_that_come_together_are_judged_in_the_order_of_their_quarters(
    inbox: Path, land: Land, settings: Settings
) -> None:
    quarters = ["2026-27Q1", "2025-26Q4", "2025-26Q3", "2025-26Q2", "2025-26Q1"]
    for number, quarter in enumerate(quarters):
        (inbox / str(number)).mkdir()
        write_return(inbox / str(number), settings, quarter)
    write_return(inbox / "0", settings, "2025-26Q4", final=True)
    report = land()
    assert outcomes(report) == [
        *((f"2025-26Q{quarter}", "1", "accepted", []) for quarter in (1, 2, 3, 4)),
        ("2025-26Q4", "2", "accepted", []),
        ("2026-27Q1", "1", "accepted", ["RSV-028"]),  # the deficit is gone
    ]
    provisional, final = report.committed[3:5]
    assert final.supersedes == provisional.submission_id and final.received_at > provisional.received_at
    assert len(report.current) == 5


def test_one_that_is_refused_is_nobodys_earlier_return(inbox: Path, land: Land, settings: Settings) -> None:
    write_return(inbox, settings, "2025-26Q3")
    write_return(inbox, settings, "2025-26Q1")
    write_return(inbox, settings, "2025-26Q2", changed={SPENT_Q1: 5})
    first, second, third = land().committed
    assert (first.status, second.status, third.status) == ("accepted", "refused", "refused")
    assert third.failures == {"RSV-130": 1}
    assert third.reason == (
        "rsv_372_202526_Q3_v1.xlsx: It fails RSV-130. A return waits for the one of the quarter before, which has not been"
        " accepted yet. Send the return of the quarter before, then this workbook again as it is."
    )


def test_workbooks_that_come_newest_first_land_when_they_are_sent_again(
    inbox: Path, land: Land, settings: Settings
) -> None:
    third = write_return(inbox, settings, "2025-26Q3").read_bytes()
    assert outcomes(land()) == [("2025-26Q3", "1", "refused", ["RSV-130"])]
    (inbox / "again.xlsx").write_bytes(third)
    report = land()  # nothing has come since
    assert (report.committed, len(report.repeats)) == ([], 1)
    write_return(inbox, settings, "2025-26Q1")
    assert outcomes(land()) == [("2025-26Q1", "1", "accepted", [])]
    (inbox / "rsv_372_202526_Q3_v1.xlsx").write_bytes(third)
    assert outcomes(land()) == [("2025-26Q3", "1", "refused", ["RSV-130"])]
    write_return(inbox, settings, "2025-26Q2")
    (inbox / "rsv_372_202526_Q3_v1.xlsx").write_bytes(third)
    assert outcomes(land()) == [("2025-26Q2", "1", "accepted", []), ("2025-26Q3", "1", "accepted", [])]
    (inbox / "rsv_372_202526_Q3_v1.xlsx").write_bytes(third)
    report = land()  # dealt with
    assert (report.committed, len(report.repeats)) == ([], 1)
    every = read_submissions(settings, "safety_valve")
    assert len({submission.submission_id for submission in every}) == len(every) == 5


def test_one_that_is_sent_again_survives_a_kill(
    inbox: Path, land: Land, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = write_return(inbox, settings, "2025-26Q2").read_bytes()
    assert one(land()).status == "refused"
    write_return(inbox, settings)
    assert one(land()).status == "accepted"
    (inbox / "rsv_372_202526_Q2_v1.xlsx").write_bytes(second)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("orchestration.returns.land.received_anew", killed)
        land()
    assert outcomes(land()) == [("2025-26Q2", "1", "accepted", [])]


def test_a_draft_lands_and_counts_nowhere(inbox: Path, land: Land, landed: Landed, settings: Settings) -> None:
    write_return(inbox, settings, stage="DRAFT", changed={SPENT_Q1: 1})
    draft = one(land())
    assert (draft.status, draft.is_draft, finance(landed, draft)["SB", "EXPENDITURE"]["q1_actual_gbp"]) == (
        "accepted",
        True,
        1,
    )
    write_return(inbox, settings, "2025-26Q2", stage="DRAFT")
    early = one(land())
    assert (early.status, early.failures) == ("accepted", {"RSV-130": 1})
    write_return(inbox, settings)
    submitted = one(report := land())  # a draft uses up no version
    assert (submitted.status, submitted.supersedes, report.current) == ("accepted", None, [submitted])
    write_return(inbox, settings, stage="DRAFT", version=2, changed={SPENT_Q1: 2})
    late = one(report := land())
    assert (late.status, late.supersedes, report.current) == ("accepted", None, [submitted])
    write_return(inbox, settings, stage="DRAFT", changed={SPENT_Q1: 3})
    assert one(land()).failures == {"RSV-006": 1}
    write_return(inbox, settings, "2025-26Q2")  # compared with what was submitted
    second = one(land())
    assert (second.status, second.failures) == ("accepted", {})


def test_an_older_quarter_that_is_sent_anew_is_closed(inbox: Path, land: Land, settings: Settings) -> None:
    write_return(inbox, settings)
    write_return(inbox, settings, "2025-26Q2")
    assert [submission.status for submission in land().committed] == ["accepted", "accepted"]
    write_return(inbox, settings, version=2, changed={SPENT_Q1: 47_770_000})
    assert one(land()).failures == {"RSV-131": 1, "RSV-132": 1}
    write_return(inbox, settings, version=2, changed={SPENT_Q1: 47_770_000, **STATEMENT, **NOTE}, **RESTATED)
    assert one(land()).status == "accepted"
    # From now on that is what was accepted last of the first quarter.
    write_return(inbox, settings, "2025-26Q3")
    assert one(land()).failures == {"RSV-131": 1, "RSV-132": 1}


def test_a_year_begins_with_what_the_last_one_closed_with(inbox: Path, land: Land, settings: Settings) -> None:
    for quarter in range(1, 5):
        write_return(inbox, settings, f"2024-25Q{quarter}")
    assert {submission.status for submission in land().committed} == {"accepted"}
    brought = {
        ("tblFinance", ("ALL", "OPENING"), column): -1_700_326
        for column in ("plan_gbp", "budget_gbp", "q1_forecast_gbp")
    }
    write_return(inbox, settings, "2025-26Q1", changed=brought)
    wrong = one(land())
    assert (wrong.status, wrong.failures) == ("refused", {"RSV-026": 1})
    write_return(inbox, settings, "2025-26Q1")
    right = one(land())
    assert (right.status, right.failures) == ("accepted", {})
    assert right.not_judged.keys() == {"RSV-108R"}  # no schools register


def test_the_final_return_carries_the_outturn(inbox: Path, land: Land, landed: Landed, settings: Settings) -> None:
    for quarter in range(1, 5):
        write_return(inbox, settings, f"2025-26Q{quarter}")
    *_, provisional = land().committed
    write_return(inbox, settings, "2025-26Q4", final=True)
    final = one(land())
    assert (provisional.failures, final.failures) == ({}, {})
    assert (final.period, final.supersedes) == ("2025-26Q4", provisional.submission_id)
    assert finance(landed, provisional)["ALL", "CLOSING"]["outturn_gbp"] is None
    assert finance(landed, final)["ALL", "CLOSING"]["outturn_gbp"] == CLOSING


@pytest.mark.parametrize(
    ("key", "value", "rule_id"),
    [
        ("financial_year", "2025/26", "RSV-003"),
        ("financial_year", "202527", "RSV-003"),
        ("quarter", 5, "RSV-003"),
        ("quarter", None, "RSV-003"),
        ("financial_year", "202021", "RF-011"),
    ],
)
def test_a_return_says_which_quarter_it_is_for(
    key: str, value: Any, rule_id: str, inbox: Path, land: Land, settings: Settings
) -> None:
    write_return(inbox, settings, changed={("tblCover", key, "value"): value})
    submission = one(land())
    assert (submission.status, list(submission.failures)) == ("refused", [rule_id])


def test_a_table_or_a_column_that_is_missing_is_named(inbox: Path, land: Land, settings: Settings) -> None:
    book = opened(write_return(inbox.parent, settings))
    sheet, *_ = area(book, "tblMemo")
    del sheet.tables["tblMemo"]
    book.save(inbox / "one.xlsx")
    refused = one(land())
    assert (list(refused.failures), "tblMemo" in str(refused.reason)) == (["RSV-001"], True)
    book = opened(write_return(inbox.parent, settings))
    sheet, top, columns, _ = area(book, "tblFinance")
    sheet.cell(top, columns["budget_gbp"]).value = "budget"
    book.save(inbox / "two.xlsx")
    refused = one(land())
    assert (list(refused.failures), "budget_gbp" in str(refused.reason)) == (["RSV-001"], True)


def test_a_return_is_known_by_its_cover_not_by_its_name(inbox: Path, land: Land, settings: Settings) -> None:
    write_return(inbox, settings, name="December figures.xlsx")
    submission = one(land())
    assert (submission.status, submission.failures) == ("accepted", {"RSV-008": 1})
    book = opened(write_return(inbox.parent, settings, version=2))
    change(book, "tblCover", "return_id", "value", "LSRP")
    book.save(inbox / "rsv_372_202526_Q1_v2.xlsx")
    assert list(one(land()).failures) == ["FILE-008"]


def test_quarters_of_the_financial_year() -> None:
    assert quarter_period("202526", "4") == "2025-26Q4"
    assert quarter_period("209900", "1") == "2099-00Q1"
    assert [quarter_period(*given) for given in (("202527", "1"), ("202526", "0"), ("2025", "1"))] == [None] * 3
    assert str(quarter_end("2025-26Q4")) == "2026-03-31"
    assert SPEC.knows_period("2021-22Q1") and not SPEC.knows_period("2020-21Q4")
    assert str(SPEC.for_period("2023-24Q3").census_day) == "2023-12-31"
