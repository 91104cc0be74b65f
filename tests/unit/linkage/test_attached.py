"""Rows that name nobody: they find the child whose number they give, and never change who is who among those whom others name."""

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage.child_key import LinkReport, link_children
from orchestration.linkage.decisions import Decision, record_decisions
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.invented_return import Record, ada, alan, header, xml_text

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
U1, U2, L1, L9 = "E372400021001", "U372400021002", "1000102504", "1000200011"
Link = tuple[str, str]


@dataclass
class Store:
    """A store in which EHC plans returns and audits arrive one after the other; each is told by the place at which it came."""

    settings: Settings
    submissions: list[str] = field(default_factory=list)

    def _land(self, return_id: str) -> None:
        now = NOON + timedelta(hours=len(self.submissions))
        [one] = land_return(self.settings, return_id, load_catalogue(self.settings.rules_dir), now=now).committed
        assert one.status == "accepted"
        self.submissions.append(one.submission_id)

    def people(self, year: int, *persons: Record) -> None:
        """An EHC plans return."""
        path = self.settings.inbox_dir / "sen2" / f"{year}.xml"
        path.write_text(xml_text(header(year, SoftwareCode="Invented Casework"), list(persons)))
        self._land("sen2")

    def audits(self, year: int, *audits: tuple[str, str, str]) -> None:
        """Audits by the number of the plan, UPN and ULN."""
        cover = {"return_name": "EHC_PLAN_AUDIT", "la_code": "372", "audit_year": year, "version": 1,
                 "prepared_by_role": "Invented officer"}  # fmt: skip
        made = {"plan_stage": "FIRST_ISSUE", "audit_stage": "FIRST", "auditor": "A01", "auditor_role": "SEND_OFFICER",
                "audited_on": f"{year}-03-04", "child_voice": "MET", "needs": "MET", "outcomes": "MET",
                "provision": "MET", "health": "MET", "care": "MET", "plain_words": "MET", "overall_grade": "GOOD"}  # fmt: skip
        files = {
            "cover": [("key", "value"), *cover.items()],
            "audits": [("plan_reference", "upn", "uln", *made), *((*one, *made.values()) for one in audits)],
        }
        for name, lines in files.items():
            with (self.settings.inbox_dir / "ehc_plan_audit" / f"{year}_{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows(lines)
        self._land("ehc_plan_audit")

    def linked(self) -> list[list[Link]]:
        """Key and strength of the rows of each submission, in the order of its file."""
        link_children(self.settings)
        landed = " union all ".join(
            f"select submission_id, row_person_ref, source_row from read_parquet('{path}')"
            for table in ("sen2_person", "plan_audit")
            for path in self.settings.landed_dir.glob(f"*/*/{table}.parquet")
        )
        rows = duckdb.sql(
            f"select submission_id, child_key, match_strength from read_parquet('{self.settings.child_link_path}')"
            f" inner join ({landed}) using (submission_id, row_person_ref) order by source_row"
        ).fetchall()
        return [[(key, step) for of, key, step in rows if of == submission] for submission in self.submissions]


@pytest.fixture
def store(settings: Settings) -> Store:
    prepare_store(settings)
    return Store(settings)


def ben(**changed: str) -> Record:
    """Nobody's brother, born two years after Ada, without a number of his own."""
    return ada(Surname="Zzbabbage", Forename="Benoid", PersonBirthDate="2016-02-03", Sex="M", **changed)


def test_an_audit_finds_the_child_whether_it_came_before_or_after(store: Store) -> None:
    store.audits(2023, ("P-1", U1, ""))
    store.people(2024, ada(), alan())
    store.audits(2024, ("P-1", U1, ""), ("P-2", "", L1))
    before, [(one, _), (other, _)], after = store.linked()
    assert before == [(one, "upn")]
    assert after == [(one, "upn"), (other, "uln")]


def test_somebody_elses_number_is_told_for_all_that_an_audit_gives_it_too(store: Store) -> None:
    store.people(2023, ada())
    store.audits(2023, ("P-1", U1, ""))
    store.people(2024, ben(UPN=U1))
    [(first, _)], _, [(second, strength)] = store.linked()
    assert first != second and strength == "first_seen"


def test_a_mistyped_number_of_an_audit_makes_nobody_the_child(store: Store) -> None:
    store.people(2023, ada())
    store.audits(2023, ("P-1", U1, L9))
    store.people(2024, alan(Forename="Zoenna", PersonBirthDate="2007-01-02", UniqueLearnerNumber=L9))
    [(first, _)], [(audited, step)], [(second, _)] = store.linked()
    assert first != second and (audited, step) == (first, "upn")


def test_a_number_of_two_children_leads_an_audit_to_neither(store: Store) -> None:
    store.audits(2023, ("P-1", U1, ""))
    store.people(2024, ada(), ben(UPN=U1))
    [(audited, step)], [(first, _), (second, _)] = store.linked()
    assert len({audited, first, second}) == 3 and step == "first_seen"


def test_two_whom_a_reviewer_joins_are_found_by_the_numbers_of_both(store: Store) -> None:
    store.people(2023, ada())
    store.people(2024, ben(UPN=U2))
    [(first, _)], [(second, _)] = store.linked()
    store.audits(2024, ("P-1", U1, ""), ("P-2", U2, ""))
    same = Decision(NOON.isoformat(), "A. Lead", first, second, "same", "0" * 64)
    record_decisions(store.settings, [same])
    assert store.linked() == [[(first, "first_seen")], [(first, "reviewed")], [(first, "upn"), (first, "upn")]]


def test_a_plan_written_in_two_ways_is_one_childs(store: Store) -> None:
    store.people(2023, ada())
    store.audits(2023, ("EHC-123", U1, ""), ("EHC123", U1, ""))
    store.people(2024, ada())
    store.audits(2024, ("EHC123", U1, ""))
    links = store.linked()
    assert {key for rows in links for key, _ in rows} == {links[0][0][0]}
    assert [step for _, step in links[2]] == ["upn"]


def test_a_child_of_whom_audits_alone_tell_is_one_too(store: Store) -> None:
    store.audits(2023, ("EHC-123", U1, ""), ("EHC123", U1, ""), ("P-9", U2, ""))
    store.audits(2024, ("EHC-123", U1, ""), ("P-9", "", ""))
    [(one, first), (again, second), (other, _)], [later, (numberless, _)] = store.linked()
    assert one == again and {first, second} == {"first_seen", "upn"} and later == (one, "upn")
    assert len({one, other, numberless}) == 3
    assert link_children(store.settings) == LinkReport({"first_seen": 3, "upn": 2}, children=3)
