"""Rules that compare a return with another one: judged where that one is landed, and said to be open where it is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from expectations.catalogue import load_catalogue
from orchestration.returns.land import LandingReport, land_return
from orchestration.returns.spec import load_spec, return_ids
from orchestration.settings import Settings
from orchestration.warehouse import write_control_tables
from tests.invented_return import header, people, xml_text

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)  # when the first return of people is landed

LandPeople = Callable[[], LandingReport]

REGISTER = (
    "URN,LA (code),EstablishmentName,TypeOfEstablishment (code),EstablishmentStatus (code),CloseDate,UKPRN\n"
    "999001,372,Quillmoor School,01,{status},{closed},19990001\n"
)
NEEDING = {"RS2-102", "RS2-102U", "RS2-133", "RS2-133U", "RS2-134", "RS2-141"}


def land_register(settings: Settings, status: str, closed: str, hours: int) -> None:
    inbox = settings.inbox_dir / "establishment_register"
    (inbox / f"register_2026010{hours}.csv").write_text(REGISTER.format(status=status, closed=closed))
    [committed] = land_return(
        settings, "establishment_register", load_catalogue(settings.rules_dir), now=NOON - timedelta(hours=10 - hours)
    ).committed
    assert committed.status == "accepted", committed.reason


def test_without_the_register_its_rules_are_not_judged_and_this_is_kept(
    settings: Settings, people_inbox: Path, land_people: LandPeople
) -> None:
    (people_inbox / "r.xml").write_text(xml_text(header(), people()))
    [submission] = land_people().committed
    assert submission.status == "accepted"
    assert set(submission.not_judged) == NEEDING
    assert NEEDING.isdisjoint(submission.failures)
    with duckdb.connect() as connection:
        write_control_tables(connection, settings)
        kept = connection.execute("select rule_id, submission_id from control.rule_not_judged").fetchall()
    assert sorted(kept) == [(rule_id, submission.submission_id) for rule_id in sorted(NEEDING)]


def test_with_the_latest_register_its_rules_are_judged(
    settings: Settings, people_inbox: Path, land_people: LandPeople
) -> None:
    land_register(settings, "1", "", 1)
    (people_inbox / "r.xml").write_text(xml_text(header(), people()))
    [before] = land_people().committed
    assert before.not_judged == {}
    land_register(settings, "2", "31-08-2024", 2)
    (people_inbox / "r.xml").write_text(xml_text(header(serial="2"), people()))
    [after] = land_people().committed
    assert after.not_judged == {}
    more = {
        rule_id: count - before.failures.get(rule_id, 0)
        for rule_id, count in after.failures.items()
        if count != before.failures.get(rule_id, 0)
    }
    # One child's placement and her plan are at the school that has closed in between.
    assert more == {"RS2-102": 1, "RS2-133": 1}


def test_every_return_that_a_rule_compares_with_is_reference_data(settings: Settings) -> None:
    catalogue = load_catalogue(settings.rules_dir)
    needed = {name for return_id in return_ids() for name in catalogue.needed_returns(return_id)}
    assert needed
    assert {load_spec(name).personal_data for name in needed} == {"none"}
