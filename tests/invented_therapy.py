"""Therapy waiting lists of a few invented children, written as the set of CSV files and as the workbook that trusts send."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

REFERRAL_COLUMNS = [
    "snapshot_date", "provider_ods", "service_request_id", "local_patient_id", "nhs_number", "nhs_number_status", "surname",
    "forename", "date_of_birth", "sex", "postcode", "residence_la", "gp_practice_ods", "school_urn", "upn", "service_line",
    "team_type_code", "nd_pathway", "nd_question", "referral_received_date", "source_of_referral", "referral_purpose",
    "priority", "clock_start_date", "clock_stop_date", "rtt_status", "waiting_measure_type", "first_attended_contact_date",
    "assessment_outcome_date", "referral_rejection_date", "referral_rejection_reason", "referral_closure_date",
    "referral_closure_reason", "service_discharge_date", "declared_status", "sitrep_counted", "ehcp_known",
]  # fmt: skip
APPOINTMENT_COLUMNS = [
    "provider_ods", "service_request_id", "care_contact_id", "contact_date", "consultation_type", "attendance_status",
    "notified", "location_type", "group_therapy", "cancellation_date", "earliest_offer_date",
]  # fmt: skip
DECLARED_COLUMNS = [
    "snapshot_date", "provider_ods", "service_line", "waiting_band", "children_of_other_authorities",
]  # fmt: skip
DATES = {
    name for name in [*REFERRAL_COLUMNS, *APPOINTMENT_COLUMNS, "period_start", "extract_run_at"]
    if name.endswith(("_date", "date_of_birth", "_start", "_at"))
}  # fmt: skip
SENTINELS = [
    "Zzwatson", "Bridgette", "Zznoether", "Emmeline", "9990000018", "999 000 0018", "9990000026", "E372400021001",
    "ZZ1 1AA", "ZZ2 2BB", "2019-08-31", "2012-05-17", "PAT-0001", "PAT-0002", "SRV-0001", "SRV-0002", "SRV-0003", "CC-0001",
    "Y99999", "Zzteam",
]  # fmt: skip

Row = dict[str, str]


@dataclass
class Delivery:
    """One provider's list of one month; rows have the agreed names, and what is absent is blank."""

    cover: Row
    referrals: list[Row] = field(default_factory=list)
    appointments: list[Row] = field(default_factory=list)
    declared: list[Row] = field(default_factory=list)
    """What the provider declares of other authorities' children; nothing, and there is no such table."""

    @property
    def stem(self) -> str:
        """What the agreed file names begin with."""
        return "_".join(
            ["therapy_wl", *(self.cover[key] for key in ("provider_ods", "snapshot_date", "submission_seq"))]
        )


def bridget(**changed: str) -> Row:
    """Waits for speech and language therapy since January."""
    row = {
        "snapshot_date": "2025-03-31", "provider_ods": "RFR", "service_request_id": "SRV-0001", "local_patient_id": "PAT-0001",
        "nhs_number": "9990000018", "nhs_number_status": "01", "surname": "Zzwatson", "forename": "Bridgette",
        "date_of_birth": "2019-08-31", "sex": "F", "postcode": "ZZ1 1AA", "residence_la": "E08000018",
        "gp_practice_ods": "Y99999", "school_urn": "999001", "upn": "E372400021001", "service_line": "SLT",
        "team_type_code": "33", "referral_received_date": "2025-01-10", "source_of_referral": "SCHOOL",
        "referral_purpose": "CORE", "priority": "1", "clock_start_date": "2025-01-10", "rtt_status": "20",
        "declared_status": "OPEN", "sitrep_counted": "Y", "ehcp_known": "N",
    }  # fmt: skip
    return row | changed


def emmy(**changed: str) -> Row:
    """Was seen by occupational therapy in March, after a wait."""
    row = bridget(
        service_request_id="SRV-0002", local_patient_id="PAT-0002", nhs_number="9990000026", surname="Zznoether",
        forename="Emmeline", date_of_birth="2012-05-17", postcode="ZZ2 2BB", upn="", service_line="OT", team_type_code="23",
        referral_received_date="2024-10-01", clock_start_date="2024-10-01", clock_stop_date="2025-03-04", rtt_status="30",
        first_attended_contact_date="2025-03-04", source_of_referral="GP", ehcp_known="U",
    )  # fmt: skip
    return row | changed


def contact(**changed: str) -> Row:
    """The first contact of the second child, kept."""
    row = {
        "provider_ods": "RFR", "service_request_id": "SRV-0002", "care_contact_id": "CC-0001", "contact_date": "2025-03-04",
        "consultation_type": "01", "attendance_status": "5", "notified": "Y", "location_type": "L01", "group_therapy": "N",
    }  # fmt: skip
    return row | changed


def elsewhere(band: str, children: str, **changed: str) -> Row:
    """Children of other authorities who wait for speech and language therapy, of one band."""
    row = {"snapshot_date": "2025-03-31", "provider_ods": "RFR", "service_line": "SLT"}
    return row | {"waiting_band": band, "children_of_other_authorities": children} | changed


def delivery(
    referrals: Iterable[Row] | None = None,
    appointments: Iterable[Row] | None = None,
    declared: Iterable[Row] = (),
    **changed: str,
) -> Delivery:
    """Three requests of two children with two contacts, or the rows given; `changed` is of the cover."""
    if referrals is None:
        third = {"service_request_id": "SRV-0003", "service_line": "PHYSIO", "team_type_code": "26"}
        referrals = [bridget(), emmy(), bridget(**third)]
    if appointments is None:
        later = {"care_contact_id": "CC-0002", "consultation_type": "02", "contact_date": "2025-04-08"}
        appointments = [contact(), contact(**later, attendance_status="")]
    rows, contacts = list(referrals), list(appointments)
    cover = {
        "return_name": "THERAPY_WL", "spec_version": "1.0", "provider_ods": "RFR", "snapshot_date": "2025-03-31",
        "period_start": "2023-04-01", "submission_seq": "1", "extract_run_at": "2025-04-04T07:30:00",
        "referral_rows": str(len(rows)), "appointment_rows": str(len(contacts)), "waiting_basis": "FIRST_CONTACT",
        "contact_team": "Zzteam",
    }  # fmt: skip
    return Delivery(cover | changed, rows, contacts, list(declared))


def tables(made: Delivery) -> dict[str, list[list[str]]]:
    """The tables of a delivery as rows of text, headings first."""
    parts = {
        "cover": [["key", "value"], *([key, value] for key, value in made.cover.items())],
        "referrals": [REFERRAL_COLUMNS, *([row.get(name, "") for name in REFERRAL_COLUMNS] for row in made.referrals)],
        "appointments": [
            APPOINTMENT_COLUMNS,
            *([row.get(name, "") for name in APPOINTMENT_COLUMNS] for row in made.appointments),
        ],
    }
    if made.declared:
        parts["declared"] = [
            DECLARED_COLUMNS,
            *([row.get(name, "") for name in DECLARED_COLUMNS] for row in made.declared),
        ]
    return parts


def write_set(folder: Path, made: Delivery, *, encoding: str = "utf-8-sig") -> list[Path]:
    """Write the set of CSV files under the agreed names."""
    written = []
    for part, rows in tables(made).items():
        path = folder / f"{made.stem}_{part}.csv"
        with path.open("w", encoding=encoding, newline="") as stream:
            csv.writer(stream).writerows(rows)
        written.append(path)
    return written


def write_workbook(
    folder: Path,
    made: Delivery,
    *,
    real_dates: bool = True,
    sheets: Iterable[str] = ("Cover", "Referrals", "Appointments", "Declared"),
) -> Path:
    """Write the workbook, a named table a sheet; dates in date cells, or as ISO text."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.table import Table

    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet_name, (part, rows) in zip(sheets, tables(made).items(), strict=False):
        sheet = book.create_sheet(sheet_name)
        for row in rows:
            sheet.append(row)
        for i, row in enumerate(rows[1:], start=2):
            for j, text in enumerate(row, start=1):
                name = row[0] if part == "cover" else rows[0][j - 1]
                cell = sheet.cell(i, j)
                cell.value = None if text == "" else text
                if real_dates and name in DATES and len(text) == 10:
                    cell.value = date.fromisoformat(text)
        last = f"{get_column_letter(len(rows[0]))}{len(rows)}"
        sheet.add_table(Table(displayName=f"tbl{part.capitalize()}", ref=f"A1:{last}"))
    path = folder / f"{made.stem}.xlsx"
    book.save(path)
    return path
