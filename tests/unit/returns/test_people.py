"""Invented people and real ones are never in one store, whichever came first and in whatever shape."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.check.find import check_files
from orchestration.privacy.vault import identity_dir
from orchestration.returns.land import LandingReport, has_received_nothing, land_return
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import Submission, people_in_store
from orchestration.settings import Settings
from orchestration.synthetic import bundled_figures, synthesise
from orchestration.synthetic.borough import SHAPES
from orchestration.warehouse import open_warehouse, prepare_store, write_control_tables
from tests.conftest import requests_csv
from tests.invented_census import Census, census, write_census_xml, write_collect
from tests.invented_return import header, people, write_collect_export, xml_text

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
INVENTED = {"SoftwareCode": "Invented Casework"}
REGISTERS = {
    "invented": "URN,LA (code),EstablishmentName,TypeOfEstablishment (code)\n900001,372,Larkspindle,01\n900002,372,Moss,01\n",
    "real": "URN,LA (code),EstablishmentName,TypeOfEstablishment (code)\n900001,372,Larkspindle,01\n106800,372,A school,01\n",
}
REGISTER = "edubasealldata20260105.csv"

Land = Callable[[str], LandingReport]


@pytest.fixture
def land(settings: Settings) -> Land:
    """Land what is in the inbox of a return, each time an hour later."""
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)
    clock = iter(NOON + timedelta(hours=hour) for hour in range(100))
    return lambda return_id: land_return(settings, return_id, catalogue, now=next(clock))


def drop_return(settings: Settings, name: str, year: int, **changed: str) -> None:
    (settings.inbox_dir / "sen2" / name).write_text(xml_text(header(year, **changed), people()))


def drop_register(settings: Settings, whose: str) -> None:
    (settings.inbox_dir / "establishment_register" / REGISTER).write_text(REGISTERS[whose])


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("borough")
    figures = bundled_figures(Settings())
    synthesise(out, la="372", figures=figures, years=range(2025, 2026), seed=1, scale=0.02, faults="none", truth=False)
    yield out


@pytest.mark.parametrize("shape", SHAPES)
def test_an_invented_return_is_known_in_every_shape(settings: Settings, borough: Path, shape: str) -> None:
    paths = sorted((borough / "sen2" / "2025" / shape).iterdir())
    [checked] = check_files(settings, paths).files
    assert (checked.people, checked.supplier, checked.period) == ("invented", "la.372", "2025")


@pytest.mark.parametrize("return_id", ["establishment_register", "postcode_directory", "deprivation"])
def test_an_invented_register_is_known(settings: Settings, borough: Path, return_id: str) -> None:
    [checked] = check_files(settings, list((borough / return_id).iterdir())).files
    assert (checked.people, checked.verdict) == ("invented", "usable")


@pytest.mark.parametrize(
    ("return_id", "row"),
    [
        ("establishment_register", {"urn": "106800"}),
        ("establishment_register", {"urn": "not a number"}),
        ("postcode_directory", {"postcode": "YO1 7HH"}),
        ("deprivation", {"lsoa_code": "E01035762"}),
        ("sen2", {"software_code": "Capita One"}),
        ("school_census", {"software_code": "Arbor"}),
        ("school_census", {"software_code": "Invented Casework"}),
    ],
)
def test_the_mark_is_on_no_row_of_a_real_file(return_id: str, row: dict[str, str]) -> None:
    mark = load_spec(return_id).invented
    assert mark is not None
    [(column, value)] = row.items()
    assert duckdb.sql(f"select coalesce({mark.condition}, false) from (select '{value}' as {column})").fetchone() == (
        False,
    )


def test_a_register_with_one_real_row_is_not_invented(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / REGISTER).write_text(REGISTERS["real"])
    [checked] = check_files(settings, [tmp_path / REGISTER]).files
    assert checked.people is None


def refused_for_its_people(submission: Submission) -> bool:
    return submission.status == "refused" and set(submission.failures) >= {"FILE-015"}


def test_a_return_of_real_people_is_refused_where_invented_ones_are(settings: Settings, land: Land) -> None:
    drop_return(settings, "invented.xml", 2024, **INVENTED)
    assert [s.people for s in land("sen2").committed] == ["invented"]
    drop_return(settings, "real.xml", 2025)
    report = land("sen2")
    [refused] = report.refused
    assert refused_for_its_people(refused)
    assert refused.reason == (
        "real.xml is of real people, and this store holds invented ones; drop the file again after `cornerstone clean-store`,"
        " which deletes every file received, or with another folder named in CORNERSTONE_STORE."
    )
    assert (refused.rows_read, refused.rows_landed) == (19, 0)
    assert not identity_dir(settings, "sen2", refused.landing).exists()
    assert [(s.period, s.people) for s in report.current] == [("2024", "invented")]
    assert people_in_store(settings) == "invented"


def test_an_invented_return_is_refused_where_real_people_are_and_clearing_them_away_is_not_advised(
    settings: Settings, land: Land
) -> None:
    drop_return(settings, "real.xml", 2025)
    land("sen2")
    write_collect_export(settings.inbox_dir / "sen2", header(2024, **INVENTED), people())
    [refused] = land("sen2").refused
    assert refused_for_its_people(refused)
    assert "name another folder in CORNERSTONE_STORE" in str(refused.reason)
    assert "clean-store" not in str(refused.reason)
    assert people_in_store(settings) == "real"


def write_census_of_two(folder: Path, **first: str) -> None:
    write_collect(folder, [census(**first), census(estab="4002", SoftwareCode="Invented Census")])


@pytest.mark.parametrize("write", [write_census_xml, lambda folder, one: write_collect(folder, [one])])
def test_an_invented_census_is_known_by_its_header(
    settings: Settings, land: Land, tmp_path: Path, write: Callable[[Path, Census], object]
) -> None:
    (tmp_path / "seen").mkdir()
    write(tmp_path / "seen", census(SoftwareCode="Invented Census"))
    [checked] = check_files(settings, [tmp_path / "seen"]).files
    assert (checked.people, checked.verdict, checked.supplier) == ("invented", "usable", "school.3724001")
    drop_return(settings, "real.xml", 2025)
    land("sen2")
    write(settings.inbox_dir / "school_census", census(SoftwareCode="Invented Census"))
    [refused] = land("school_census").committed
    assert refused_for_its_people(refused)
    assert not identity_dir(settings, "school_census", refused.landing).exists()


def test_a_census_of_real_pupils_is_refused_where_invented_people_are(settings: Settings, land: Land) -> None:
    drop_return(settings, "invented.xml", 2025, **INVENTED)
    land("sen2")
    write_census_xml(settings.inbox_dir / "school_census", census())
    assert [refused_for_its_people(s) for s in land("school_census").committed] == [True]


@pytest.mark.parametrize(
    ("first", "kept"), [({"SoftwareCode": "Invented Census"}, ["invented", "invented"]), ({}, ["real"])]
)
def test_every_header_of_a_set_of_schools_says_whose_its_pupils_are(
    settings: Settings, land: Land, first: dict[str, str], kept: list[str]
) -> None:
    write_census_of_two(settings.inbox_dir / "school_census", **first)
    report = land("school_census")
    assert [s.people for s in report.current] == kept
    assert [refused_for_its_people(s) for s in report.refused] == [True] * (2 - len(kept))


def test_of_two_that_arrive_together_the_first_received_decides(settings: Settings, land: Land) -> None:
    drop_return(settings, "a.xml", 2024, **INVENTED)
    drop_return(settings, "b.xml", 2025)
    committed = land("sen2").committed
    assert [(s.source_file, s.status) for s in committed] == [("a.xml", "accepted"), ("b.xml", "refused")]


def test_a_return_that_is_refused_for_another_reason_decides_nothing(settings: Settings, land: Land) -> None:
    drop_return(settings, "a.xml", 2031, **INVENTED)
    drop_return(settings, "b.xml", 2025)
    assert {s.source_file: s.status for s in land("sen2").committed} == {"a.xml": "refused", "b.xml": "accepted"}
    assert people_in_store(settings) == "real"


@pytest.mark.parametrize("kind", [{}, INVENTED])
def test_published_figures_and_real_registers_enter_either_store(
    settings: Settings, land: Land, kind: dict[str, str]
) -> None:
    drop_return(settings, "r.xml", 2025, **kind)
    land("sen2")
    (settings.inbox_dir / "published_statistics" / "requests.csv").write_text(requests_csv())
    drop_register(settings, "real")
    for return_id in ("published_statistics", "establishment_register"):
        assert [(s.status, s.people) for s in land(return_id).committed] == [("accepted", None)]


def test_an_invented_register_makes_a_store_one_of_invented_people(settings: Settings, land: Land) -> None:
    drop_register(settings, "invented")
    assert [s.status for s in land("establishment_register").committed] == ["accepted"]
    drop_return(settings, "real.xml", 2025)
    assert [refused_for_its_people(s) for s in land("sen2").committed] == [True]


def test_an_invented_register_is_refused_where_real_people_are(settings: Settings, land: Land) -> None:
    drop_return(settings, "real.xml", 2025)
    land("sen2")
    drop_register(settings, "invented")
    assert [refused_for_its_people(s) for s in land("establishment_register").committed] == [True]


def test_checking_a_file_says_what_landing_would(settings: Settings, land: Land, tmp_path: Path) -> None:
    drop_return(settings, "real.xml", 2025)
    land("sen2")
    path = tmp_path / "borough.xml"
    path.write_text(xml_text(header(2024, **INVENTED), people()))
    report = check_files(settings, [path])
    [file] = report.files
    assert (report.exit_code, file.verdict, [rule.rule_id for rule in file.rules if rule.effect == "refuse"]) == (
        1, "refused", ["FILE-015"],
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "stated"), [(INVENTED, [("372", "caseload", 12, "fitted")]), ({}, [])])
def test_cells_that_the_borough_states_are_read_where_its_people_are_and_nowhere_else(
    settings: Settings, land: Land, kind: dict[str, str], stated: list[tuple[object, ...]]
) -> None:
    drop_return(settings, "r.xml", 2025, **kind)
    land("sen2")
    settings.synthetic_dir.mkdir(exist_ok=True)
    (settings.synthetic_dir / "calibration.csv").write_text(
        "la_code,table,period,topic,breakdown_topic,breakdown,measure,release,published,generated,status,reason\n"
        "372,caseload,202425,all,All EHC plans,All EHC plans,ehcplans,EHC plans 2025,10.0,10,met,\n"
        "372,caseload,202425,sex,Sex,Male,ehcplans,EHC plans 2025,11.0,12,differs,fitted\n"
        "372,caseload,202425,sex,Sex,Female,ehcplans,EHC plans 2025,11.0,12,differs,\n"
    )
    with open_warehouse(settings.warehouse_path, "a test", settings.database_limits) as connection:
        write_control_tables(connection, settings)
        rows = connection.execute("select la_code, series_code, stated_value, reason from control.stated_cell")
        assert rows.fetchall() == stated
        people_of_the_store = connection.execute("select value from control.setting where name = 'people'").fetchall()
        assert people_of_the_store == [("invented" if stated else "real",)]


def test_a_store_is_fresh_until_something_is_delivered(settings: Settings, land: Land) -> None:
    assert has_received_nothing(settings)
    folder = settings.seed_dir / "published_statistics"
    folder.mkdir(parents=True)
    (folder / "requests.csv").write_text(requests_csv())
    land("published_statistics")
    assert has_received_nothing(settings)
    drop_register(settings, "real")
    assert not has_received_nothing(settings)
    land("establishment_register")
    assert not has_received_nothing(settings)
