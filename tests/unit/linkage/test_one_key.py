"""One child keeps one key as more is learnt of it from waiting lists, and two children never get one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage import child_key
from orchestration.linkage.child_key import LinkReport, link_children
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.invented_census import census, marie, write_census_xml
from tests.invented_therapy import Row, bridget, delivery, write_set

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
MARIE = {"surname": "Zzcurie", "forename": "Mariella", "date_of_birth": "2014-08-31"}
INVENTED = "Invented Census"
NHS, OTHER_NHS = "9990000018", "9990000026"
MONTHS = ("2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30")


@dataclass
class Told:
    """A store in which lists of one trust arrive month after month, and a school census before or between them."""

    settings: Settings
    hours: int = 0

    def _land(self, return_id: str) -> None:
        catalogue = load_catalogue(self.settings.rules_dir)
        self.hours += 1
        report = land_return(self.settings, return_id, catalogue, now=NOON + timedelta(hours=self.hours))
        assert [submission.status for submission in report.committed] == ["accepted"], report

    def school(self, **changed: str) -> None:
        """A census of one pupil."""
        one = census([marie().but(**changed)], SoftwareCode=INVENTED)
        write_census_xml(self.settings.inbox_dir / "school_census", one)
        self._land("school_census")

    def month(self, number: int, *rows: Row, provider: str = "RFR", sequence: str = "1") -> None:
        """A list of requests for CAMHS, each with a patient of its own unless it says whose it is."""
        usual = {
            "snapshot_date": MONTHS[number],
            "provider_ods": provider,
            "service_line": "CAMHS",
            "team_type_code": "",
        }
        requests = [
            bridget(**(usual | {"service_request_id": f"S-{i}", "local_patient_id": f"P-{i}"} | row))
            for i, row in enumerate(rows)
        ]
        cover = {
            "provider_ods": provider,
            "snapshot_date": MONTHS[number],
            "extract_run_at": f"{MONTHS[number]}T09:00:00",
            "submission_seq": sequence,
        }
        write_set(self.settings.inbox_dir / "therapy_waiting_list", delivery(requests, [], **cover))
        self._land("therapy_waiting_list")

    def linked(self) -> LinkReport:
        return link_children(self.settings)

    def children(self, return_id: str = "therapy_waiting_list", table: str = "therapy_referral") -> list[list[str]]:
        """Of each submission in order of period and supplier, the keys of its rows in the order of the file."""
        self.linked()
        rows = duckdb.sql(
            f"""
            select list(child_key order by row.source_row)
            from read_parquet('{self.settings.landed_dir}/{return_id}/*/{table}.parquet', union_by_name = true) as row
            inner join read_parquet('{self.settings.child_link_path}') as link using (submission_id, row_person_ref)
            group by submission_id, snapshot_date, provider_code order by snapshot_date, provider_code
            """
            if return_id == "therapy_waiting_list"
            else f"""
            select list(child_key) from read_parquet('{self.settings.child_link_path}') as link
            where return_id = '{return_id}'
            """
        ).fetchall()
        return [found for (found,) in rows]

    def of_school(self) -> str:
        [[key]] = self.children("school_census")
        return key


@pytest.fixture
def told(settings: Settings) -> Told:
    prepare_store(settings)
    return Told(settings)


def upn() -> str:
    """The UPN of the pupil of the census."""
    return str(marie().fields["UPN"])


def patient(**changed: str) -> Row:
    """The child of the census in a list: by NHS number, without a UPN."""
    return MARIE | {"nhs_number": NHS, "upn": ""} | changed


def test_a_child_whose_upn_is_learnt_later_has_one_key_in_every_list_and_in_the_census(told: Told) -> None:
    told.school()
    # The list has another surname, so that nothing but the numbers can join the two.
    told.month(0, patient(surname="Zzkarska"))
    told.month(1, patient(surname="Zzkarska"))
    before = told.children()
    assert before[0] == before[1]
    assert before[0] != [told.of_school()]
    told.month(2, patient(surname="Zzkarska", upn=upn()))
    told.month(3, patient(surname="Zzkarska"))
    assert told.children() == [[told.of_school()]] * 4
    assert told.linked() == LinkReport({"first_seen": 1, "nhs_number": 3, "upn": 1}, children=1)


def test_the_key_that_was_first_is_kept_and_every_run_gives_it_again(told: Told) -> None:
    told.month(0, patient(surname="Zzkarska"))
    [[first]] = told.children()
    told.school()
    assert told.of_school() != first
    told.month(1, patient(surname="Zzkarska", upn=upn()))
    assert told.children() == [[first], [first]]
    assert told.of_school() == first
    written = told.settings.child_link_path.read_bytes()
    told.linked()
    assert told.settings.child_link_path.read_bytes() == written


@pytest.mark.parametrize("school_first", [True, False])
def test_lists_linked_together_are_linked_as_one_after_the_other(
    told: Told, monkeypatch: pytest.MonkeyPatch, school_first: bool
) -> None:
    if school_first:
        told.school()
    sister = {"forename": "Bronia", "date_of_birth": "2016-02-02", "nhs_number": OTHER_NHS}
    told.month(0, patient(surname="Zzkarska"), patient(**sister))
    told.month(1, patient(surname="Zzkarska", upn=upn()), patient(**sister))
    told.month(2, patient(surname="Zzkarska"), patient(**sister, upn="N372200119045"))
    told.month(3, patient(**sister, surname="Zzother", upn="N372200119045"), patient(nhs_number="", upn=upn()))
    if not school_first:
        told.school()
    together = told.children()
    assert len({key for month in together for key in month}) == 2
    monkeypatch.setattr(child_key, "_groups", lambda pairs: ((spec, [submission]) for spec, submission in pairs))
    assert told.children() == together


def test_a_child_whose_upn_is_corrected_keeps_its_key(told: Told) -> None:
    told.month(0, patient(surname="Zzkarska", upn="N372200119045"))
    told.month(1, patient(surname="Zzkarska", upn=upn()))
    assert len({key for month in told.children() for key in month}) == 1


def test_a_corrected_upn_joins_the_child_of_the_census(told: Told) -> None:
    """What stood first was told with this NHS number alone: it is nobody else's."""
    told.school()
    told.month(0, patient(surname="Zzkarska", upn="N372200119045"))
    told.month(1, patient(surname="Zzkarska", upn=upn()))
    assert told.children() == [[told.of_school()]] * 2


def test_a_upn_that_was_another_pupils_is_corrected_and_joins_nobody(told: Told) -> None:
    """The list gave the UPN of the pupil of the census to a brother; told apart by birth date, they stay two children."""
    told.school()
    brother = patient(forename="Jozef", date_of_birth="2012-09-09")
    told.month(0, brother)
    told.month(1, brother | {"upn": upn()})
    told.month(2, brother | {"upn": "N372200119045"})
    months = told.children()
    assert months[0] != [told.of_school()]
    assert told.linked().children == 2
    assert months[0] == months[2]


def test_a_brother_first_told_with_the_upn_of_the_pupil_is_not_the_pupil(told: Told) -> None:
    """Neither birth date nor forename is the pupil's: the UPN is another child's, whatever comes first."""
    told.school()
    brother = patient(forename="Jozef", date_of_birth="2012-09-09", nhs_number=OTHER_NHS)
    told.month(0, brother | {"upn": upn()})
    told.month(1, brother)
    months = told.children()
    assert months[0] == months[1] != [told.of_school()]


def test_a_twin_given_the_upn_of_the_other_is_not_joined_with_it(told: Told) -> None:
    told.school()
    told.month(0, patient(forename="Bronia"))
    told.month(1, patient(forename="Bronia", upn=upn()))
    assert told.children()[0] != [told.of_school()]
    assert told.linked().children == 2


def test_two_children_sharing_one_wrong_nhs_number_stay_two(told: Told) -> None:
    """Another child's NHS number stands beside the UPN: neither another birth date nor a twin is taken for the same child."""
    told.school()
    other = patient(surname="Zzother", forename="Ignacy", date_of_birth="2011-03-03")
    twin = patient(forename="Bronia", nhs_number=OTHER_NHS)
    told.month(0, other, twin)
    told.month(1, other, patient(upn=upn()), twin)
    told.month(2, twin, patient(nhs_number=OTHER_NHS, upn=upn()))
    months = told.children()
    assert told.linked().children == 3
    assert months[0][0] not in (told.of_school(), months[0][1])
    assert months[1][1] == told.of_school() == months[2][1]


def test_two_of_one_list_with_one_wrong_nhs_number_link_neither_by_it(told: Told) -> None:
    told.school()
    other = patient(surname="Zzother", forename="Ignacy", date_of_birth="2011-03-03")
    told.month(0, patient(surname="Zzkarska"))
    others = [
        patient(surname="Zzfaraday", forename=name, nhs_number=number)
        for name, number in (("Michael", "9990000050"), ("Margaret", "9990123454"), ("Sarah", "9999999999"))
    ]
    told.month(1, patient(surname="Zzkarska", upn=upn()), other, *others)
    months = told.children()
    assert months[1][0] == told.of_school()
    assert months[1][1] not in (months[0][0], told.of_school())


def test_two_children_of_one_list_are_never_joined(told: Told) -> None:
    """One list tells of both, one by the number and one by the UPN: so it says that they are two."""
    told.school()
    told.month(0, patient(surname="Zzkarska"), patient(surname="Zzkarska", nhs_number="", upn=upn()))
    told.month(1, patient(surname="Zzkarska", upn=upn()))
    assert len(set(told.children()[0])) == 2


def test_how_a_person_is_told_is_compared_without_being_told(told: Told) -> None:
    """Surname and birth date beside the NHS number: the same pseudonym where two trusts tell them alike."""
    told.month(0, patient(), patient(nhs_number=OTHER_NHS), patient(nhs_number=""))
    told.month(
        0, patient(surname="ZZ-CURIE"), patient(nhs_number=OTHER_NHS, date_of_birth="2014-09-01"), provider="RXE"
    )
    told.linked()
    [own, other] = duckdb.sql(
        f"""
        select list(told_as order by source_row)
        from read_parquet('{told.settings.landed_dir}/therapy_waiting_list/*/therapy_referral.parquet') as row
        inner join read_parquet('{told.settings.child_link_path}') as link using (submission_id, row_person_ref)
        group by provider_code order by provider_code
        """
    ).fetchall()
    assert own[0][0] == other[0][0] != own[0][1]
    assert own[0][1] != other[0][1]
    assert own[0][2] is None
