"""A small store: three children of an EHC plans return and two pupils of a school census in the vault, and a release whose
marts say who of them is to follow up."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.release.folders import point_current_to
from orchestration.release.manifest import Approval, Manifest, write_manifest
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.invented_census import census, charles, marie, write_census_xml
from tests.invented_return import header, people, xml_text

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
RELEASE = "20250301T120000Z-11111111"
# What names the children, as it stands in the returns or could be written elsewhere.
SENTINELS = [
    "Zzlovelace", "Adaxia", "Zzturing", "Alanoid", "Zzhopper", "Graceling", "Zzcurie", "Mariella", "Zzdarwin", "Charlson",
    "2014-08-31", "31/08/2014", "2006-02-28", "28/02/2006", "2016-02-29", "E372400021001", "U372400021002", "1000102504",
]  # fmt: skip

MARTS = """
create schema marts;
create table marts.dim_submission (submission_id varchar, return_id varchar);
create table marts.dim_setting (setting_key varchar, urn varchar, setting_name varchar, la_estab varchar);
insert into marts.dim_setting values
    ('p', '900001', 'Invented Primary', '3724001'), ('m', '900002', 'Missing Academy', '3724902'),
    ('q', '900003', 'Quiet School', null);
create table marts.dim_placement_group (placement_line_code varchar, placement_line_name varchar);
insert into marts.dim_placement_group values ('academy', 'Academy');
create table marts.dim_census_plan_reason (
    reason_code varchar, reason_order integer, reason_class varchar, reason_name varchar, definition varchar, action varchar
);
insert into marts.dim_census_plan_reason values
    ('in_both', 1, 'agrees', 'Plan in both returns', '', 'Nothing to do.'),
    ('unheard', 2, 'to_follow_up', 'Not in the return', '', 'Ask the school whose plan it is.'),
    ('support', 3, 'to_follow_up', 'On roll without the plan', '', 'Tell the school of the plan.'),
    ('college', 4, 'legitimate', 'After 16', '', 'Nothing to do.'),
    ('nowhere', 5, 'to_follow_up', 'Placement not recorded', '', 'Find out where the child is.');
create table marts.fct_census_completeness (
    la_code varchar, census_period varchar, setting_key varchar, school_code varchar, is_expected boolean, is_landed boolean
);
insert into marts.fct_census_completeness values
    ('372', '2025-01', 'p', '900001', true, true), ('372', '2025-01', 'm', '900002', true, false),
    ('372', '2024-01', 'm', '900002', true, true);
create table marts.fct_census_plan_child (
    la_code varchar, census_year integer, census_day date, child_key varchar, is_in_census boolean,
    is_in_plan_return boolean, reason_code varchar, reason_class varchar, setting_key varchar, la_estab varchar,
    sen_provision_code varchar, sen_provision_group varchar, placement_setting_key varchar, placement_line_code varchar,
    plan_start_date date, plan_cease_date date, submission_id varchar, row_person_ref varchar
);
"""


@dataclass(frozen=True)
class Person:
    """Where a child stands in the vault."""

    submission_id: str
    row_person_ref: str


def _persons(settings: Settings, return_id: str, table: str) -> list[Person]:
    rows = duckdb.sql(
        f"select submission_id, row_person_ref from read_parquet('{settings.landed_dir}/{return_id}/*/{table}.parquet')"
        " order by source_row"
    ).fetchall()
    return [Person(*row) for row in rows]


def make_release(settings: Settings, marts: str) -> Path:
    """A release that holds these restricted tables and nothing else, and is current.

    Returns: the restricted database.
    """
    folder = settings.releases_dir / RELEASE
    database = folder / "restricted" / "send_marts.duckdb"
    database.parent.mkdir(parents=True)
    (folder / "open").mkdir()
    with duckdb.connect(str(database)) as connection:
        connection.execute(marts)
    write_manifest(
        folder,
        Manifest(
            release_id=RELEASE, created_at=NOON, run_id="r", code_version="1", previous_release=None, content_digest="1",
            catalogue_digest="1", duckdb_version="1", duckdb_storage_version="1", inputs=[], tables=[], views=[], gates=[],
            approval=Approval(required=False, status="not_required"), files=[],
        ),
    )  # fmt: skip
    point_current_to(settings, RELEASE)
    return database


def settings_in(folder: Path) -> Settings:
    return Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "configuration" / "secret.key")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the store as it was made."""
    folder: Path = tmp_path_factory.mktemp("worklist")
    settings = settings_in(folder)
    prepare_store(settings)
    (settings.inbox_dir / "sen2" / "return.xml").write_text(xml_text(header(2025), people()))
    write_census_xml(settings.inbox_dir / "school_census", census([marie(), charles().but(Surname="=Zzdarwin")]))
    catalogue = load_catalogue(settings.rules_dir)
    for return_id in ("sen2", "school_census"):
        assert land_return(settings, return_id, catalogue, now=NOON).committed[0].status == "accepted"
    ada, alan, grace = _persons(settings, "sen2", "sen2_person")
    mary, charlie = _persons(settings, "school_census", "census_pupil")
    gone = Person(mary.submission_id, "not there")
    database = make_release(settings, MARTS)
    in_census, in_return = ("true", "false"), ("false", "true")
    children = [
        ("c-mary", mary, 2025, in_census, "unheard", "'p', '3724001', 'E', 'EHC plan', null, null, null, null"),
        ("c-charlie", charlie, 2025, in_census, "unheard",
         "null, '3724001', 'E', 'EHC plan', null, null, '2019-05-01', '2024-07-31'"),
        ("c-ada", ada, 2025, in_return, "support",
         "'p', '3724001', 'K', 'SEN support', 'p', 'academy', '2024-06-20', null"),
        ("c-alan", alan, 2025, in_return, "nowhere", "null, null, null, null, null, 'academy', '2020-01-01', null"),
        ("c-gone", gone, 2025, in_census, "unheard", "'p', '3724001', 'E', 'EHC plan', null, null, null, null"),
        ("c-grace", grace, 2025, in_return, "college", "'m', null, null, null, 'm', 'academy', '2016-03-01', null"),
        ("c-old", grace, 2024, in_return, "nowhere", "null, null, null, null, null, null, null, null"),
    ]  # fmt: skip
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "insert into marts.dim_submission values (?, 'sen2'), (?, 'school_census')",
            [ada.submission_id, mary.submission_id],
        )
        for child, person, year, (census_has, return_has), reason, rest in children:
            connection.execute(
                f"insert into marts.fct_census_plan_child select '372', {year}, make_date({year}, 1, 16), '{child}',"
                f" {census_has}, {return_has}, reason_code, reason_class, {rest}, '{person.submission_id}',"
                f" '{person.row_person_ref}' from marts.dim_census_plan_reason where reason_code = '{reason}'"
            )
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A store of one's own, which the command finds by its environment."""
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    settings = settings_in(tmp_path)
    for name, value in (("STORE", settings.store), ("RAW", settings.raw), ("KEY_FILE", settings.key_file)):
        monkeypatch.setenv(f"CORNERSTONE_{name}", str(value))
    return settings
