"""Rows of forgotten persons never land, in whatever shape their file comes; everybody else's do."""

import gzip
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from orchestration.privacy.keys import load_keys
from orchestration.returns.archive import archived_file, receipts
from orchestration.returns.submission import Submission, read_submissions
from orchestration.rights.forgotten import Tombstone, add_tombstones, knowing, tombstone_key
from orchestration.settings import Settings
from tests.conftest import vault_connection
from tests.invented_return import ada, alan, grace, header, xml_text
from tests.invented_therapy import write_workbook
from tests.unit.rights.conftest import (
    ADA,
    NHS,
    SEN2,
    UPN,
    Land,
    drop_census,
    drop_list,
    drop_sen2,
    names_found,
    waiting_list,
)

Drop = Callable[[Path], object]


def entomb(settings: Settings, **numbers: str) -> None:
    """Forget a person of whom nothing is held, by numbers."""
    keys = load_keys(settings)
    with vault_connection(settings) as connection, knowing(connection, tombstone_key(settings, keys), ()) as own:
        digests = [
            (scheme, own.execute("select pseudonym(?, ?)", [scheme, number]).fetchall()[0][0])
            for scheme, number in numbers.items()
        ]
    add_tombstones(settings, [Tombstone("2026-01-01T00:00:00+00:00", "p1", *one) for one in digests])


def rows_read(settings: Settings, return_id: str) -> dict[str, int]:
    [one] = read_submissions(settings, return_id)
    assert one.status == "accepted", one.reason
    return {table: rows.rows_read for table, rows in one.tables.items() if rows.rows_read}


def zipped(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # The name of the archive and that of a member hold numbers; what no reader reads tells of her.
    with zipfile.ZipFile(folder / f"sen2_{NHS}.zip", "w") as archive:
        archive.writestr(f"2025/sen2_{UPN}.xml", xml_text(header(2025, **SEN2), [ada(), alan(), grace()]))
        archive.writestr("read me.txt", f"Zzlovelace Adaxia has {UPN}")
        archive.writestr("minutes/Zzlovelace.docx", "on Adaxia")


def gzipped(folder: Path) -> None:
    (folder / "sen2.xml.gz").write_bytes(
        gzip.compress(xml_text(header(2025, **SEN2), [alan(), ada()]).encode("utf-16"))
    )


WITHOUT_ADA = {
    "sen2_return": 1, "sen2_person": 2, "sen2_request": 3, "sen2_assessment": 1, "sen2_plan": 1, "sen2_plan_setting": 1,
}  # fmt: skip
SHAPES: dict[str, tuple[str, Drop, dict[str, int]]] = {
    **{shape: ("sen2", lambda at, shape=shape: drop_sen2(at, shape), WITHOUT_ADA) for shape in ("xml", "collect", "sheets", "stacked")},  # type: ignore[misc]
    "zip": ("sen2", zipped, WITHOUT_ADA),
    "gz": ("sen2", gzipped, {"sen2_return": 1, "sen2_person": 1, "sen2_request": 2}),
    "csv set": ("therapy_waiting_list", drop_list, {"therapy_delivery": 1, "therapy_referral": 1, "therapy_appointment": 1}),
    "workbook": (
        "therapy_waiting_list",
        lambda at: write_workbook(at, waiting_list()),
        {"therapy_delivery": 1, "therapy_referral": 1, "therapy_appointment": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_forgotten_child_is_cut_out_of_a_new_delivery(
    settings: Settings, land: Land, tmp_path: Path, shape: str
) -> None:
    return_id, drop, left = SHAPES[shape]
    entomb(settings, upn=UPN, nhs_number=NHS)
    drop(settings.inbox_dir / return_id)
    report = land(return_id)
    assert report.left == []
    assert rows_read(settings, return_id) == left
    assert names_found(settings, tmp_path / "copy", ADA) == set()
    others = ["Zznoether"] if return_id.startswith("therapy") else ["Zzturing"]
    assert names_found(settings, tmp_path / "copy", others) == set(others)
    cut = [one for one in receipts(settings, return_id) if one.archived_as]
    assert all(one.archived_as != one.sha256 for one in cut)
    assert sum(sum(rows.values()) for one in cut for rows in [c.rows for c in one.cuts.values()]) > 0


@pytest.mark.parametrize("shape", ["xml", "collect"])
def test_a_census_lands_without_the_pupil(settings: Settings, land: Land, tmp_path: Path, shape: str) -> None:
    entomb(settings, upn=UPN)
    one = drop_census(settings.inbox_dir / "school_census", shape)
    land("school_census")
    read = rows_read(settings, "school_census")
    assert (read["census_pupil"], read["census_suspension"]) == (len(one.pupils) - 1, 1)
    assert "census_need" not in read
    gone = [UPN, "Zzcurie", "Mariella", "Zzskłodo", "N372200119045", "Zzelm Street"]
    assert names_found(settings, tmp_path / "copy", [*gone, "Zzdarwin"]) == {"Zzdarwin"}


def same(one: Submission) -> tuple[str, str, int]:
    return one.submission_id, one.received_at, one.rows_landed


@pytest.mark.parametrize("shape", ["collect", "sheets", "zip"])
def test_the_same_file_sent_again_changes_nothing(settings: Settings, land: Land, tmp_path: Path, shape: str) -> None:
    return_id, drop, _ = SHAPES[shape]
    entomb(settings, upn=UPN, nhs_number=NHS)
    drop(tmp_path / "sent")
    shutil.copytree(tmp_path / "sent", settings.inbox_dir / return_id, dirs_exist_ok=True)
    land(return_id)
    before = list(map(same, read_submissions(settings, return_id)))
    shutil.copytree(tmp_path / "sent", settings.inbox_dir / return_id, dirs_exist_ok=True)
    again = land(return_id)
    assert again.committed == []
    assert again.repeats
    assert list(map(same, read_submissions(settings, return_id))) == before
    assert names_found(settings, tmp_path / "copy", ADA) == set()


def test_a_sheet_that_no_reader_reads_is_left_blank(settings: Settings, land: Land, tmp_path: Path) -> None:
    entomb(settings, upn=UPN)
    drop_sen2(settings.inbox_dir / "sen2", "sheets")
    path = settings.inbox_dir / "sen2" / "sen2_2025.xlsx"
    workbook = openpyxl.load_workbook(path)
    workbook.create_sheet("Working notes").append(["Zzlovelace Adaxia", "zz1 1aa, born 2014-08-31"])
    workbook.save(path)
    land("sen2")
    assert rows_read(settings, "sen2")["sen2_person"] == 2
    [receipt] = receipts(settings, "sen2")
    with archived_file(settings, load_keys(settings), receipt).open() as stream, zipfile.ZipFile(stream) as archive:
        text = b"".join(map(archive.read, archive.namelist()))
    assert [one for one in ADA if one.encode() in text] == []
    assert b"Zzturing" in text


def test_a_former_number_is_the_childs(settings: Settings, land: Land, tmp_path: Path) -> None:
    entomb(settings, upn="N372200119045")
    drop_census(settings.inbox_dir / "school_census")
    land("school_census")
    assert names_found(settings, tmp_path / "copy", ["Zzcurie", UPN]) == set()


def test_a_file_nobody_can_read_is_not_kept(settings: Settings, land: Land, tmp_path: Path) -> None:
    entomb(settings, upn=UPN)
    broken = xml_text(header(2025, **SEN2), [ada(), alan()])[:-40]
    path = settings.inbox_dir / "sen2" / "broken.xml"
    path.write_text(broken)
    report = land("sen2")
    assert report.left == ["broken.xml cannot be read and names a person who was forgotten; it was not kept."]
    assert (report.committed, names_found(settings, tmp_path / "copy", ADA)) == ([], set())
    path.write_text(broken)
    [sentence] = land("sen2").left
    assert sentence.startswith("broken.xml was received before and erased on 2026-03-01")
    assert path.is_file()


def test_a_number_in_a_note_on_somebody_else_is_masked(settings: Settings, land: Land, tmp_path: Path) -> None:
    entomb(settings, upn=UPN, nhs_number=NHS)
    noted = alan()
    noted.within[0].fields["RequestNote"] = f"see the brother of {UPN}, NHS 999 000 0018"
    (settings.inbox_dir / "sen2" / "noted.xml").write_text(xml_text(header(2025, **SEN2), [noted, grace()]))
    land("sen2")
    assert rows_read(settings, "sen2")["sen2_person"] == 2
    assert names_found(settings, tmp_path / "copy", [UPN, "999 000 0018", "see the brother of"]) == {
        "see the brother of"
    }


def test_without_anybody_forgotten_no_file_is_looked_through(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.rights.leave_out._find", lambda *_: pytest.fail("looked through"))
    drop_sen2(settings.inbox_dir / "sen2", "xml")
    assert len(land("sen2").committed) == 1
