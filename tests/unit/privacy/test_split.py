"""What names a child stays in the vault, encrypted; nothing of it is anywhere else."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import link_children
from orchestration.privacy.vault import identity_dir, quarantine_dir, vault_file
from orchestration.returns import land
from orchestration.returns.land import LandingReport, land_return
from orchestration.returns.submission import landing_dir
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import vault_connection
from tests.invented_return import ada, header, people, write_collect_export, xml_text
from tests.sentinel import plant_control, scan

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
SENTINELS = [
    "Zzlovelace", "Adaxia", "2014-08-31", "E372400021001", "ZZ1 1AA", "ZZ11AA", "Zztherapy", "Zzturing", "Alanoid",
    "2006-02-28", "1000102504", "ZZ2 2BB", "Zzhopper", "Graceling", "2000-05-17", "31/08/2014", "Zzuntypable",
]  # fmt: skip

Land = Callable[[], LandingReport]


@pytest.fixture
def inbox(settings: Settings) -> Path:
    prepare_store(settings)
    return settings.inbox_dir / "sen2"


@pytest.fixture
def land_people(settings: Settings, inbox: Path) -> Land:
    return lambda: land_return(settings, "sen2", load_catalogue(settings.rules_dir), now=NOW)


def test_no_planted_identifier_is_in_the_store_in_clear(
    settings: Settings, inbox: Path, land_people: Land, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = "Zzuntypable"
    girl.within[0].fields["RequestOutcome"] = "Adaxia"
    (inbox / "r.xml").write_text(xml_text(header(), [*people(), girl]))
    write_collect_export(inbox, header(2024), people())
    (inbox / "cut.xml").write_text(xml_text(header(), people())[:-100])
    report = land_people()
    assert [s.status for s in report.committed].count("accepted") == 2
    link_children(settings)
    # Nothing is left out of the search: the vault and the archive hold them encrypted.
    assert scan(tmp_path, SENTINELS) == []
    assert not [sentinel for sentinel in SENTINELS if sentinel.lower() in caplog.text.lower()]
    controls = plant_control(tmp_path / "control", SENTINELS[0])
    assert {found.path for found in scan(tmp_path, SENTINELS[:1])} >= {str(path) for path in controls}


def test_the_vault_gives_the_identifiers_back_to_who_holds_the_key(
    settings: Settings, inbox: Path, land_people: Land
) -> None:
    (inbox / "r.xml").write_text(xml_text(header(), people()))
    [submission] = land_people().committed
    path = identity_dir(settings, "sen2", submission.landing) / "sen2_person.parquet"
    landed = landing_dir(settings, submission) / "sen2_person.parquet"
    with vault_connection(settings) as connection:
        rows = connection.sql(
            f"select surname, forename, birth_date, upn, uln from {vault_file(path)}"
            f" inner join read_parquet('{landed}') using (row_person_ref) order by source_row"
        ).fetchall()
        assert [row[0] for row in rows] == ["Zzlovelace", "Zzturing", "Zzhopper"]
        assert (str(rows[0][2]), rows[0][3], rows[1][4]) == ("2014-08-31", "E372400021001", "1000102504")
    with pytest.raises(duckdb.Error):
        duckdb.sql(f"select * from read_parquet('{path}')").fetchall()


def test_rows_set_aside_are_in_the_vault_as_received_with_what_to_do(
    settings: Settings, inbox: Path, land_people: Land
) -> None:
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = "soon"
    (inbox / "r.xml").write_text(xml_text(header(), [girl, *people(), *people()]))
    [submission] = land_people().committed
    path = quarantine_dir(settings, "sen2", submission.landing) / "rows.parquet"
    with vault_connection(settings) as connection:
        rows = connection.sql(
            f"select table_name, rule_id, source_row, row_text, action from {vault_file(path)}"
        ).fetchall()
    assert len(rows) == submission.rows_quarantined == 9
    [wrong] = [row for row in rows if row[1] == "RF-009"]
    assert wrong[:3] == ("sen2_request", "RF-009", 1)
    assert json.loads(wrong[3])["received_date_raw"] == "soon"
    assert "YYYY-MM-DD" in wrong[4]


def test_only_its_owner_can_enter_the_vault(settings: Settings, inbox: Path, land_people: Land) -> None:
    (inbox / "r.xml").write_text(xml_text(header(), people()))
    land_people()
    for path in [settings.vault_dir, *settings.vault_dir.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0


REFERENCE_FILES = {
    "postcode_directory": (
        "ONSPD_NOV_2024_UK.csv",
        "pcds,oslaua,osward,lsoa21\nZZ1 1AA,E08000018,E05000001,E01000001\n",
    ),
    "deprivation": (
        "File_7_IoD2025.csv",
        "LSOA code (2021),LSOA name (2021),Index of Multiple Deprivation (IMD) Decile\nE01000001,Invented 1A,3\n",
    ),
}
NO_DIRECTORY = "lsoa_code, ward_code are blank: no postcode_directory was landed."
NO_DECILES = "imd_decile are blank: no deprivation was landed."


@pytest.mark.parametrize("order", list(permutations(["sen2", *REFERENCE_FILES])), ids="-".join)
def test_the_areas_of_a_postcode_come_from_the_reference_returns_in_whatever_order_they_land(
    settings: Settings, inbox: Path, land_people: Land, order: tuple[str, ...]
) -> None:
    catalogue = load_catalogue(settings.rules_dir)
    absent = {"postcode_directory": NO_DIRECTORY, "deprivation": NO_DECILES}
    for return_id in order:
        if return_id == "sen2":
            (inbox / "r.xml").write_text(xml_text(header(), people()))
            [submission] = land_people().committed
            assert submission.notes == list(absent.values())
        else:
            name, content = REFERENCE_FILES[return_id]
            (settings.inbox_dir / return_id / name).write_text(content)
            assert [s.status for s in land_return(settings, return_id, catalogue, now=NOW).committed] == ["accepted"]
            del absent[return_id]
    [current] = land_people().current
    assert current.notes == []
    path = landing_dir(settings, current) / "sen2_person.parquet"
    areas = duckdb.sql(
        f"select postcode_sector, lsoa_code, ward_code, imd_decile from read_parquet('{path}') order by source_row"
    ).fetchall()
    assert areas == [("ZZ1 1", "E01000001", "E05000001", 3), ("ZZ2 2", None, None, None), ("ZZ3 3", None, None, None)]
    assert not list(settings.landed_dir.rglob("*.parquet.partial"))


def test_a_fault_of_the_database_is_told_without_its_words(
    inbox: Path, land_people: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "r.xml").write_text(xml_text(header(), people()))

    def fails(*_: object, **__: object) -> None:
        raise duckdb.ConversionException("Could not convert string 'Zzlovelace' to INT32")

    monkeypatch.setattr(land, "assess", fails)
    with pytest.raises(CornerstoneError, match="ConversionException") as caught:
        land_people()
    assert "Zzlovelace" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
