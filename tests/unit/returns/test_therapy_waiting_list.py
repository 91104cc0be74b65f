"""Therapy waiting lists land one list a provider and month, the same rows as a set of CSV files and as a workbook."""

import csv
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import load_workbook

from expectations.catalogue import load_catalogue
from orchestration.check.find import check_files
from orchestration.linkage.child_key import link_children
from orchestration.privacy.vault import identity_dir, vault_file
from orchestration.returns import spec as spec_module
from orchestration.returns.conform import define_macros
from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.land import LandingReport, has_work, land_return
from orchestration.returns.recognise import recognise_data_file
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import Submission
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import vault_connection
from tests.invented_therapy import (
    REFERRAL_COLUMNS,
    SENTINELS,
    Row,
    bridget,
    contact,
    delivery,
    elsewhere,
    emmy,
    tables,
    write_set,
    write_workbook,
)
from tests.sentinel import plant_control, scan
from tests.unit.returns.conftest import NOON

Land = Callable[[], LandingReport]
Landed = Callable[[Submission, str], list[dict[str, Any]]]
THERAPY = load_spec("therapy_waiting_list")
PROVENANCE = {"submission_id", "source_file", "source_row"}
OUTSIDE = ("vault", "archive")


@pytest.fixture
def inbox(settings: Settings) -> Path:
    prepare_store(settings)
    return settings.inbox_dir / "therapy_waiting_list"


@pytest.fixture
def land(settings: Settings, inbox: Path) -> Land:
    catalogue = load_catalogue(settings.rules_dir)
    hours = iter(range(1, 20))
    return lambda: land_return(settings, "therapy_waiting_list", catalogue, now=NOON.replace(hour=next(hours)))


def rows(landed: Landed, submission: Submission, table: str) -> list[str]:
    return sorted(
        str({k: v for k, v in row.items() if k not in PROVENANCE}) for row in landed(submission, table)
    )  # fmt: skip


def one(report: LandingReport) -> Submission:
    [submission] = report.committed
    return submission


def many(number: int, **changed: str) -> list[Row]:
    """Requests of as many invented children."""
    unknown = {"upn": "", "nhs_number": "", "nhs_number_status": "03"}
    return [
        bridget(service_request_id=f"SRV-1{i:03}", local_patient_id=f"PAT-1{i:03}", **unknown, **changed)
        for i in range(number)
    ]


@pytest.mark.parametrize("real_dates", [True, False])
def test_the_same_list_lands_identical_rows_as_a_set_and_as_a_workbook(
    inbox: Path, land: Land, landed: Landed, settings: Settings, real_dates: bool
) -> None:
    write_set(inbox, delivery())
    as_set = one(land())
    assert (as_set.status, as_set.reason, as_set.failures) == ("accepted", None, {})
    assert (as_set.supplier, as_set.period, as_set.sequence) == ("RFR", "2025-03", "0000000001")
    assert {name: counted.rows_landed for name, counted in as_set.tables.items()} == {
        "therapy_delivery": 1, "therapy_referral": 3, "therapy_appointment": 2, "therapy_declared_wait": 0,
    }  # fmt: skip
    assert as_set.people == "invented"
    write_workbook(inbox, delivery(submission_seq="2"), real_dates=real_dates)
    as_workbook = one(land())
    assert (as_workbook.status, as_workbook.supersedes) == ("accepted", as_set.submission_id)
    for table in ("therapy_referral", "therapy_appointment"):
        assert rows(landed, as_workbook, table) == rows(landed, as_set, table), table
    [first], [second] = (landed(submission, "therapy_delivery") for submission in (as_set, as_workbook))
    differing = {name for name in first if first[name] != second[name]} - PROVENANCE
    assert differing == {"submission_sequence"}
    assert not has_work(settings, "therapy_waiting_list")


@pytest.mark.parametrize("write", [write_set, write_workbook])
def test_a_delivery_may_declare_children_of_other_authorities(
    inbox: Path, land: Land, landed: Landed, write: Callable[[Path, Any], Any]
) -> None:
    """Bands by their codes or as the national tables call them; a number that cannot be read is set aside, others are flagged."""
    write(
        inbox,
        delivery(
            declared=[
                elsewhere("total", "9"),
                elsewhere("0-1 weeks", "0"),
                elsewhere(">104 weeks", "2"),
                elsewhere("W04_12", "2.5"),
                elsewhere("w18_52", "-1"),
                elsewhere("a while", "3"),
                elsewhere("w12_18", "a few"),
            ]
        ),
    )
    submission = one(land())
    assert submission.status == "accepted"
    assert submission.failures == {"RF-009": 1, "TWL-001": 1, "TWL-002": 3}
    found = landed(submission, "therapy_declared_wait")
    assert {(row["waiting_band_code"], row["declared_child_count"], row["is_reportable"]) for row in found} == {
        ("total", Decimal(9), True),
        ("w00_01", Decimal(0), True),
        ("w104_plus", Decimal(2), True),
        ("w04_12", Decimal("2.5"), False),
        ("w18_52", Decimal(-1), False),
        (None, Decimal(3), False),
    }


def test_what_is_declared_of_another_month_refuses_the_delivery(inbox: Path, land: Land) -> None:
    write_set(inbox, delivery(declared=[elsewhere("total", "9", snapshot_date="2025-02-28")]))
    refused = one(land())
    assert (refused.status, set(refused.failures)) == ("refused", {"RTW-007"})


def test_what_lands_of_a_child_is_what_the_spec_lets_out(inbox: Path, land: Land, landed: Landed) -> None:
    write_set(inbox, delivery())
    submission = one(land())
    first, second, third = landed(submission, "therapy_referral")
    assert list(first) == list(THERAPY.landed_types("therapy_referral"))
    assert (first["birth_month"], first["sex_code"], first["postcode_sector"]) == ("2019-08", "F", "ZZ1 1")
    assert (first["age_at_referral"], first["age_at_snapshot"], first["age_at_31_august"]) == (5, 5, 5)
    assert (second["age_at_referral"], second["first_attended_contact_date"]) == (12, date(2025, 3, 4))
    assert (second["upn_ref"], len(first["upn_ref"])) == (None, 32)
    assert first["patient_ref"] == third["patient_ref"] != second["patient_ref"]
    assert first["nhs_ref"] == third["nhs_ref"]
    assert len({row["service_request_ref"] for row in (first, second, third)}) == 3
    assert len({row["row_person_ref"] for row in (first, second, third)}) == 3
    assert all(row["is_reportable"] for row in (first, second, third))
    assert {row["service_request_ref"] for row in landed(submission, "therapy_appointment")} == {
        second["service_request_ref"]
    }
    assert not {"surname", "nhs_number", "gp_practice_code", "postcode", "birth_date", "local_patient_id"} & set(first)


def test_nothing_that_names_a_child_is_outside_the_vault_and_the_archive(
    inbox: Path, land: Land, settings: Settings, tmp_path: Path
) -> None:
    """In rows that land, that are flagged and that are set aside, and in a list that is refused."""
    bad = bridget(
        referral_received_date="Zzwatson", service_request_id="SRV-0003", sex="Bridgette", team_type_code="Zzteam"
    )
    write_set(inbox, delivery([bridget(), emmy(sex="Emmeline", priority="Zznoether"), bad]))
    [submission] = land().committed
    write_workbook(inbox, delivery(submission_seq="1", referral_rows="9"))
    [refused] = land().committed
    assert (submission.status, refused.status) == ("accepted", "refused")
    link_children(settings)
    control = tmp_path / "control"
    control.mkdir()
    plant_control(control, SENTINELS[0])
    assert scan(control, SENTINELS[:1])
    assert scan(settings.store, SENTINELS, leave_out=[settings.store / name for name in OUTSIDE]) == []
    assert scan(settings.store, SENTINELS) == []
    identities = identity_dir(settings, "therapy_waiting_list", submission.landing) / "therapy_referral.parquet"
    with vault_connection(settings) as connection:
        kept = connection.execute(
            f"select surname, nhs_number, gp_practice_code from {vault_file(identities)}"
        ).fetchall()
    assert sorted(kept) == [("Zznoether", "9990000026", "Y99999"), ("Zzwatson", "9990000018", "Y99999")]


def test_pseudonyms_of_a_request_are_of_its_provider_and_stay_from_month_to_month(
    inbox: Path, land: Land, landed: Landed
) -> None:
    write_set(inbox, delivery())
    [march] = land().committed
    april = {"snapshot_date": "2025-04-30"}
    write_set(inbox, delivery([bridget(**april), emmy(**april)], [contact()], **april))
    other = {"provider_ods": "RXE"}
    write_set(inbox, delivery([bridget(**other, service_line="CAMHS", team_type_code="")], [], **other))
    by_supplier = {(s.supplier, s.period): landed(s, "therapy_referral") for s in [march, *land().committed]}
    first, later, elsewhere = (
        by_supplier[key][0] for key in [("RFR", "2025-03"), ("RFR", "2025-04"), ("RXE", "2025-03")]
    )
    for name in ("service_request_ref", "patient_ref", "nhs_ref", "upn_ref"):
        assert first[name] == later[name], name
    assert first["service_request_ref"] != elsewhere["service_request_ref"]
    assert first["patient_ref"] != elsewhere["patient_ref"]
    assert (first["nhs_ref"], first["upn_ref"]) == (elsewhere["nhs_ref"], elsewhere["upn_ref"])


def test_a_set_waits_for_what_is_missing_and_says_so(inbox: Path, land: Land, settings: Settings) -> None:
    parts = {path.stem.rsplit("_")[-1]: path for path in write_set(inbox, delivery())}
    kept = parts["referrals"].read_bytes()
    parts["referrals"].unlink()
    report = land()
    assert report.committed == []
    [waiting] = report.waiting
    assert waiting.missing == ["referrals"]
    assert "wait(s) for the file(s) with referrals" in waiting.message
    parts["referrals"].write_bytes(kept)
    assert one(land()).status == "accepted"
    assert not has_work(settings, "therapy_waiting_list")


def test_a_set_may_come_zipped_or_under_plain_names_in_a_folder(inbox: Path, land: Land, tmp_path: Path) -> None:
    with zipfile.ZipFile(inbox / "march.zip", "w") as archive:
        for path in write_set(tmp_path, delivery()):
            archive.write(path, path.name)
    assert one(land()).status == "accepted"
    folder = inbox / "april"
    folder.mkdir()
    april = {"snapshot_date": "2025-04-30"}
    for path in write_set(folder, delivery([bridget(**april)], [], **april)):
        path.rename(folder / f"{path.stem.rsplit('_')[-1]}.csv")
    assert one(land()).period == "2025-04"


@pytest.mark.parametrize(
    ("sequence", "status"), [("2", "accepted"), ("10", "accepted"), ("1", "refused"), ("0", "refused")]
)
def test_a_later_list_of_the_month_has_a_higher_number(inbox: Path, land: Land, sequence: str, status: str) -> None:
    write_set(inbox, delivery())
    first = one(land())
    write_set(inbox, delivery([bridget()], [], submission_seq=sequence))
    report = land()
    second = one(report)
    assert second.status == status
    [counts] = report.current
    if status == "accepted":
        assert (second.supersedes, counts.submission_id) == (first.submission_id, second.submission_id)
    else:
        assert set(second.failures) == {"RTW-008"}
        assert "A delivery has a higher number than the last one accepted" in str(second.reason)
        assert counts.submission_id == first.submission_id
        assert second.rows_quarantined == second.rows_read == 2


def test_of_two_lists_received_together_the_higher_number_counts(inbox: Path, land: Land) -> None:
    write_set(inbox, delivery(submission_seq="2"))
    write_set(inbox, delivery([bridget()], [], submission_seq="1"))
    report = land()
    assert {s.sequence[-1]: s.status for s in report.committed} == {"1": "accepted", "2": "accepted"}
    assert [s.sequence[-1] for s in report.current] == ["2"]


def test_the_same_list_again_is_no_second_submission(inbox: Path, land: Land) -> None:
    write_set(inbox, delivery())
    land()
    write_set(inbox, delivery())
    report = land()
    assert report.committed == []
    assert report.repeats == [
        "therapy_wl_RFR_2025-03-31_1_appointments.csv and 2 more was dealt with before; nothing to do."
    ]


def test_an_error_lands_and_is_not_reportable_and_a_query_is(inbox: Path, land: Land, landed: Landed) -> None:
    wrong = emmy(priority="9")
    lone = contact(care_contact_id="CC-0009", service_request_id="SRV-0009")
    asked = bridget(service_request_id="SRV-0003", service_line="PHYSIO", team_type_code="33")
    later = contact(care_contact_id="CC-0003", contact_date="2025-03-18", consultation_type="02")
    write_set(inbox, delivery([bridget(), wrong, asked], [contact(), later, lone]))
    submission = one(land())
    assert (submission.status, submission.rows_quarantined) == ("accepted", 0)
    assert submission.failures == {"RTW-043": 1, "RTW-047": 1, "RTW-080": 1}
    assert [row["is_reportable"] for row in landed(submission, "therapy_referral")] == [True, False, True]
    assert [row["is_reportable"] for row in landed(submission, "therapy_appointment")] == [True, True, False]
    assert landed(submission, "therapy_referral")[1]["priority_code_raw"] == "9"


def test_a_request_given_twice_lands_twice_and_is_not_reportable(inbox: Path, land: Land, landed: Landed) -> None:
    write_set(inbox, delivery([bridget(), bridget(priority="2"), *many(4)], []))
    submission = one(land())
    assert submission.failures["RTW-040"] == 2
    assert [row["is_reportable"] for row in landed(submission, "therapy_referral")] == [False, False] + [True] * 4


def test_rows_read_are_rows_landed_and_rows_set_aside(inbox: Path, land: Land, landed: Landed) -> None:
    """A date that cannot be read sets its row aside, and is told by the rule about the date too."""
    write_set(
        inbox, delivery([bridget(date_of_birth="31/31/2019"), *many(3)], [contact(service_request_id="SRV-0001")])
    )
    submission = one(land())
    assert submission.status == "accepted"
    assert {"RF-009": 1, "RTW-027": 1}.items() <= submission.failures.items()
    counted = submission.tables["therapy_referral"]
    assert (counted.rows_read, counted.rows_landed, counted.rows_quarantined) == (4, 3, 1)
    assert len(landed(submission, "therapy_referral")) == 3
    # The appointment's request was delivered; it lands.
    assert submission.tables["therapy_appointment"].rows_landed == 1


@pytest.mark.parametrize(
    ("rule_id", "changed"),
    [
        ("RTW-002", {"provider_ods": "RCU"}),
        ("RTW-003", {"snapshot_date": "2025-03-30"}),
        ("RTW-005", {"referral_rows": "4"}),
        ("RTW-005", {"appointment_rows": ""}),
        ("RF-005", {"snapshot_date": "March"}),
        ("RF-011", {"snapshot_date": "2019-03-31"}),
    ],
)
def test_a_cover_that_is_wrong_refuses_the_list(inbox: Path, land: Land, rule_id: str, changed: Row) -> None:
    of_rows = {name: changed[name] for name in ("provider_ods", "snapshot_date") if name in changed}
    made = delivery([bridget(**of_rows)], [], **changed)
    for path, rows_of_part in zip(("cover", "referrals", "appointments"), tables(made).values(), strict=True):
        with (inbox / f"{path}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows_of_part)
    submission = one(land())
    assert submission.status == "refused"
    assert rule_id in submission.failures
    assert "Zzwatson" not in str(submission.reason)


def test_a_name_or_a_row_that_says_otherwise_than_the_cover_refuses_the_list(inbox: Path, land: Land) -> None:
    for path in write_set(inbox, delivery()):
        path.rename(path.with_name(path.name.replace("2025-03-31", "2025-02-28")))
    assert set(one(land()).failures) == {"RTW-007"}
    write_set(inbox, delivery([bridget(snapshot_date="2025-02-28")], [], submission_seq="2"))
    assert "RTW-007" in one(land()).failures


def test_an_empty_list_and_a_list_cut_short_are_refused(inbox: Path, land: Land) -> None:
    write_set(inbox, delivery([], []))
    assert set(one(land()).failures) == {"RTW-009"}
    _, referrals, _ = write_set(inbox, delivery(submission_seq="2"))
    referrals.write_text(referrals.read_text() + "2025-03-31,RFR\n")
    refused = one(land())
    assert {"RTW-013", "FILE-013"} <= set(refused.failures)
    assert refused.status == "refused"


def test_text_in_another_encoding_is_refused(inbox: Path, land: Land) -> None:
    write_set(inbox, delivery([bridget(surname="Zzskłodo")], [], submission_seq="1"), encoding="utf-8")
    assert one(land()).status == "accepted"
    made = delivery([bridget(surname="Zzpiaf-é")], [], submission_seq="2")
    write_set(inbox, made, encoding="cp1252")
    refused = one(land())
    assert set(refused.failures) == {"RTW-013"}
    assert "not UTF-8" in str(refused.reason)
    write_set(inbox, delivery(submission_seq="3"), encoding="utf-16")
    assert set(one(land()).failures) == {"RTW-013"}


def test_a_missing_column_is_refused_and_an_unknown_one_is_told(inbox: Path, land: Land, settings: Settings) -> None:
    cover, referrals, _ = write_set(inbox, delivery())
    referrals.write_text(referrals.read_text(encoding="utf-8-sig").replace("priority,", "urgency,", 1))
    refused = one(land())
    assert set(refused.failures) == {"RTW-004"}
    assert "has no priority;" in str(refused.reason)
    cover, referrals, _ = write_set(inbox, delivery(submission_seq="2"))
    referrals.write_text(referrals.read_text(encoding="utf-8-sig").replace("upn,", "pupil ref,", 1))
    cover.write_text(cover.read_text(encoding="utf-8-sig") + "mood,good\n")
    taken = one(land())
    assert (taken.status, taken.failures) == ("accepted", {"RTW-006": 1})
    kept = identity_dir(settings, "therapy_waiting_list", taken.landing) / "unknown_text.parquet"
    with vault_connection(settings) as connection:
        found = connection.execute(
            f"select distinct column_name, given from {vault_file(kept)} order by 1, 2"
        ).fetchall()
    assert found == [("mood", "good"), ("pupilref", "E372400021001")]


def test_a_council_adds_the_names_that_its_provider_uses(
    inbox: Path, land: Land, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A list that was refused for a missing column lands once its local name is told."""

    def write(name: str) -> None:
        _, referrals, _ = write_set(inbox, delivery())
        referrals.write_text(referrals.read_text(encoding="utf-8-sig").replace("referral_received_date", name))

    write("Date Referral Received (dd/mm)")
    # The column by which the file is told is not there under any name.
    report = land()
    assert [s.status for s in report.committed] == ["refused"]
    specs = tmp_path / "specs"
    shutil.copytree(spec_module.SPECS_DIR, specs)
    (specs / "therapy_waiting_list" / "local_names.yaml").write_text(
        "therapy_referral:\n  referral_received_date: [Date Referral Received (dd/mm)]\n"
    )
    monkeypatch.setattr(spec_module, "SPECS_DIR", specs)
    spec_module._load.cache_clear()
    try:
        assert load_spec("therapy_waiting_list").spec_version.startswith("1.0+")
        write("Date Referral Received (dd/mm)")
        assert [s.status for s in land().committed] == ["accepted"]
        (specs / "therapy_waiting_list" / "local_names.yaml").write_text("therapy_referral: {colour: [x]}")
        spec_module._load.cache_clear()
        with pytest.raises(Exception, match=r"local_names.yaml .* there is no therapy_referral.colour"):
            load_spec("therapy_waiting_list")
    finally:
        monkeypatch.undo()
        spec_module._load.cache_clear()


def test_numbers_that_name_somebody_must_be_text_in_a_workbook(inbox: Path, land: Land) -> None:
    path = write_workbook(inbox, delivery())
    book = load_workbook(path)
    book["Referrals"].cell(2, 1 + REFERRAL_COLUMNS.index("nhs_number")).value = 9990000018
    book.save(path)
    refused = one(land())
    assert set(refused.failures) == {"RTW-010"}
    assert "row 2, holds 'nhs_number' as a number" in str(refused.reason)
    assert "9990000018" not in str(refused.reason)


def test_a_workbook_without_a_table_is_refused_and_named_tables_stand_for_names_of_sheets(
    inbox: Path, land: Land
) -> None:
    write_workbook(inbox, delivery(), sheets=("Front page", "Sheet2", "Sheet3"))
    assert one(land()).status == "accepted"
    path = write_workbook(inbox, delivery(submission_seq="2"))
    book = load_workbook(path)
    del book["Appointments"]
    book.save(path)
    refused = one(land())
    assert set(refused.failures) == {"RTW-001"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-03-04", "2025-03-04"),
        ("04/03/2025", "2025-03-04"),
        ("04/03/2025 14:30", "2025-03-04"),
        ("04/03/2025 14:30:59", "2025-03-04"),
        ("04-Mar-2025", "2025-03-04"),
        ("04-MAR-2025 09:15", "2025-03-04"),
        ("04-Mar-2025 09:15:00", "2025-03-04"),
        ("2025-03-04T09:15:00", "2025-03-04"),
        ("2025-03-04 09:15", "2025-03-04"),
        ("4 Mar 2025", "2025-03-04"),
        ("45720", "2025-03-04"),
        ("45720.5", "2025-03-04"),
        ("03/31/2025", None),
        ("soon", None),
        ("0", None),
    ],
)
def test_dates_are_read_as_trusts_write_them(written: str, read: str | None) -> None:
    with duckdb.connect() as connection:
        define_macros(connection)
        [(found,)] = connection.execute("select cast(as_moment(?) as date)", [written]).fetchall()
    assert found == (date.fromisoformat(read) if read else None)


def test_blank_and_nought_are_kept_apart(inbox: Path, land: Land, landed: Landed) -> None:
    made = delivery([bridget(ehcp_known="", sitrep_counted="0")], [], appointment_rows="0")
    write_set(inbox, made)
    submission = one(land())
    [row] = landed(submission, "therapy_referral")
    assert (row["ehcp_known_code"], row["sitrep_counted_code"]) == (None, "N")
    [cover] = landed(submission, "therapy_delivery")
    assert cover["appointment_row_count"] == 0


def test_a_store_of_invented_children_takes_no_real_number(inbox: Path, land: Land, settings: Settings) -> None:
    write_set(inbox, delivery())
    assert one(land()).people == "invented"
    write_set(inbox, delivery([bridget(nhs_number="943 476 5919")], [], submission_seq="2"))
    refused = one(land())
    assert (refused.status, set(refused.failures)) == ("refused", {"RTW-025"})


def test_a_number_that_was_never_issued_is_an_error_among_real_ones(inbox: Path, land: Land, landed: Landed) -> None:
    real = bridget(nhs_number="943 476 5919")
    write_set(inbox, delivery([real, emmy(), *many(3)], [contact()]))
    submission = one(land())
    assert (submission.status, submission.people) == ("accepted", "real")
    assert submission.failures["RTW-024"] == 1
    assert [row["is_reportable"] for row in landed(submission, "therapy_referral")][:2] == [True, False]


def test_a_list_of_invented_children_does_not_enter_a_store_of_real_ones(inbox: Path, land: Land) -> None:
    write_set(inbox, delivery([bridget(nhs_number="943 476 5919")], []))
    assert one(land()).people == "real"
    write_set(inbox, delivery(submission_seq="2"))
    refused = one(land())
    assert (refused.status, set(refused.failures)) == ("refused", {"FILE-015"})


def test_requests_of_one_child_are_one_child_and_others_their_own(
    inbox: Path, land: Land, settings: Settings, landed: Landed
) -> None:
    nobody = {
        "upn": "",
        "nhs_number": "",
        "nhs_number_status": "03",
        "surname": "",
        "forename": "",
        "local_patient_id": "",
    }
    ot = {"service_line": "OT", "team_type_code": "23", "service_request_id": "SRV-0003"}
    unknown = [bridget(**nobody, service_request_id=f"SRV-{number}") for number in (7, 8)]
    write_set(
        inbox, delivery([bridget(), bridget(**ot, upn=""), emmy(), *unknown, *many(3, surname="Zzeuler")], [contact()])
    )
    [march] = land().committed
    # At the other provider the child has the NHS number alone, and another name.
    other = {"provider_ods": "RXE"}
    elsewhere = bridget(
        **other, upn="", surname="Zzhopper", local_patient_id="X-1", service_line="CAMHS", team_type_code=""
    )
    write_set(inbox, delivery([elsewhere], [], **other))
    [rxe] = land().committed
    report = link_children(settings)
    link = duckdb.sql(f"select row_person_ref, child_key, match_strength from '{settings.child_link_path}'").fetchall()
    by_row = {row: (key, strength) for row, key, strength in link}
    refs = [row["row_person_ref"] for row in landed(march, "therapy_referral")]
    [other_ref] = [row["row_person_ref"] for row in landed(rxe, "therapy_referral")]
    keys = [by_row[ref][0] for ref in refs]
    assert keys[0] == keys[1]
    assert len(set(keys)) == len(keys) - 1
    assert by_row[other_ref] == (keys[0], "nhs_number")
    assert report.rows_by_strength == {"first_seen": 8, "nhs_number": 1}


def test_a_list_of_any_month_from_the_first_on_is_known_and_is_of_its_last_day() -> None:
    assert not THERAPY.knows_period("2023-03")
    assert THERAPY.knows_period("2023-04")
    assert THERAPY.knows_period("2031-12")
    assert [THERAPY.for_period(month).census_day for month in ("2024-02", "2025-02", "2025-12")] == [
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2025, 12, 31),
    ]
    codes = {(row["code_set"], row["code"]): row for row in THERAPY.code_validity()}
    assert codes["service_line", "SLT"]["valid_from"] == "2023-04"
    assert codes["service_line", "SLT"]["valid_to"] is None


def test_rules_of_the_readers_go_by_the_numbers_of_the_agreement() -> None:
    assert THERAPY.reader_rules == {
        "RF-013": "RTW-001",
        "RF-015": "RTW-004",
        "RF-016": "RTW-010",
        "FILE-010": "RTW-013",
    }
    assert THERAPY.submission is not None
    assert THERAPY.submission.sequence_rule == "RTW-008"


def test_a_list_is_told_from_other_files(tmp_path: Path) -> None:
    cover, referrals, appointments = write_set(tmp_path, delivery())
    found = []
    for path in (cover, referrals, appointments):
        _, held = recognise_data_file(DataFile(path.name, path.read_bytes(), "text"), THERAPY)
        assert not isinstance(held, str)
        found.append(held)
    assert [held.tables for held in found] == [("cover",), ("referrals",), ("appointments",)]
    assert len({held.set_name for held in found}) == 1
    other = cover.read_bytes().replace(b"THERAPY_WL", b"ANOTHER")
    with pytest.raises(FileRefused) as refused:
        recognise_data_file(DataFile("cover.csv", other, "text"), THERAPY)
    assert refused.value.rule_id == "FILE-008"
    twice = cover.read_bytes() + b"snapshot_date,2025-04-30\r\n"
    with pytest.raises(FileRefused, match="gives 'snapshotdate' twice") as refused:
        recognise_data_file(DataFile("cover.csv", twice, "text"), THERAPY)
    assert refused.value.rule_id == "FILE-007"


def test_check_judges_a_set_a_part_and_a_workbook(settings: Settings, tmp_path: Path) -> None:
    parts = write_set(tmp_path, delivery([bridget(), emmy(priority="9"), *many(2)], [contact()]))
    report = check_files(settings, parts)
    [checked] = report.files
    assert (checked.return_id, checked.verdict, checked.shape) == ("therapy_waiting_list", "usable", "set of CSV files")
    assert (checked.supplier, checked.period, checked.authority) == ("RFR", "2025-03", None)
    assert checked.recognised_as.startswith("therapy waiting list, 2025-03, RFR, set of CSV files, ")
    [priority] = [rule for rule in checked.rules if rule.rule_id == "RTW-047"]
    assert (priority.official_number, priority.kind, priority.failing) == ("RTW-047", "error", 1)
    [place] = priority.locations
    assert place.row == 2
    report = check_files(settings, parts[:1])
    assert (report.exit_code, report.files) == (2, [])
    assert [sorted(one.missing) for one in report.incomplete] == [["appointments", "referrals"]]
    workbook = write_workbook(tmp_path, delivery())
    [checked] = check_files(settings, [workbook]).files
    assert (checked.verdict, checked.shape, checked.rules) == ("usable", "workbook", [])
    assert not any(sentinel in str(report) for sentinel in SENTINELS)
