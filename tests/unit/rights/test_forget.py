"""A child is forgotten everywhere, for good, and nobody else is touched."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from expectations.catalogue import load_catalogue
from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import link_children
from orchestration.linkage.decisions import Decision, read_decisions, record_decisions
from orchestration.privacy.vault import vault_file
from orchestration.returns.land import land_return
from orchestration.rights import forget as erasure
from orchestration.rights.asked import Asked, parse_asked, read_asked
from orchestration.rights.audit import read_account
from orchestration.settings import Settings
from tests.conftest import made_once, vault_connection
from tests.invented_return import Record, ada, alan, grace, header, write_workbook, xml_text
from tests.invented_therapy import bridget, contact, delivery, emmy, write_set
from tests.unit.rights.conftest import (
    ADA,
    NHS,
    RETURNS,
    SEN2,
    UPN,
    Land,
    counts,
    drop_list,
    drop_sen2,
    landed,
    landing_in,
    names_found,
    settings_below,
)

LATER = datetime(2026, 4, 1, 9, tzinfo=UTC)
WHO = {"by": "A. Lead", "reason": "request 12 of 2026", "now": LATER}
ALONE = parse_asked(f"upn: {UPN}")
# The pupil of the census has Ada's UPN and birth date, and another name: one child. Her ULN is the college student's too, by
# somebody's mistake.
BY_UPN = replace(ALONE, as_one=True)
GONE = [*ADA, "Zzcurie", "Mariella", "N372200119045", "Zzskłodo", "Zzlov"]
OTHERS = ["Zzturing", "1000102504", "Zzhopper", "Zzdarwin", "Zznoether", "9990000026"]


@pytest.fixture
def land(held: Settings) -> Land:
    return landing_in(held, LATER)


@pytest.fixture(scope="session")
def forgotten_once(held_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That store without the child, by an erasure that nothing interrupted."""

    def make(folder: Path) -> None:
        shutil.copytree(held_once, folder, dirs_exist_ok=True)
        erasure.forget(settings_below(folder), BY_UPN, **WHO)

    return made_once(tmp_path_factory, "told-of-no-more", make)


def rebuilt(settings: Settings, tmp_path: Path) -> Settings:
    """Another store with the same archive, tombstones and key, in which all is landed anew."""
    other = settings.model_copy(update={"store": tmp_path / "rebuilt"})
    for name in ("archive", "key_id", "vault/forgotten.jsonl", "vault/forgotten.key"):
        source, target = settings.store / name, other.store / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    for return_id in RETURNS:
        land_return(other, return_id, load_catalogue(other.rules_dir), now=LATER)
    return other


def settings_told(settings: Settings) -> list[tuple[str]]:
    """What senders wrote of settings that have no code."""
    with vault_connection(settings) as connection:
        [path] = (settings.vault_dir / "identity" / "sen2").glob("*/sen2_placement.parquet")
        return connection.execute(f"select sen_setting_other from {vault_file(path)} order by all").fetchall()


def test_before_it_is_done_it_is_told_how_much_it_touches(held: Settings, tmp_path: Path) -> None:
    assert names_found(held, tmp_path / "copy", [*GONE, *OTHERS]) == {*GONE, *OTHERS}
    seen = erasure.preview(held, BY_UPN)
    assert seen.rows == {"sen2": 2, "school_census": 1, "therapy_waiting_list": 2}
    assert seen.kinds == {"upn": 2, "nhs_number": 1, "name_birth_date": 3}
    assert (seen.submissions, seen.shared_numbers, seen.releases) == (4, 1, 0)
    assert sum(seen.steps.values()) == 5


def test_several_people_under_one_number_are_told_before_anybody_is_forgotten(held: Settings) -> None:
    seen = erasure.preview(held, ALONE)
    assert not seen.is_clear
    assert [(one.rows, one.differs, one.goes) for one in seen.people] == [
        ({"sen2": 2, "therapy_waiting_list": 2}, [], True),
        ({"school_census": 1}, ["forename"], True),
    ]
    assert seen.people[1].steps == {"asked": 1}
    with pytest.raises(CornerstoneError, match="stands for 2 people"):
        erasure.forget(held, ALONE, **WHO)
    named = parse_asked(f"upn: {UPN}\nname: Zzlovelace, Adaxia, 2014-08-31")
    one_of_them = erasure.preview(held, named)
    assert one_of_them.is_clear
    assert [one.goes for one in one_of_them.people] == [True, False]
    assert one_of_them.rows == {"sen2": 2, "therapy_waiting_list": 2}
    both = parse_asked(f"upn: {UPN}\nname: Zzlovelace, Adaxia, 2014-08-31\nname: Zz, Mariella, 2014-08-31")
    assert (erasure.preview(held, both).is_clear, erasure.preview(held, both).rows) == (
        True, erasure.preview(held, BY_UPN).rows,
    )  # fmt: skip
    with pytest.raises(CornerstoneError, match="none of them this name"):
        erasure.preview(held, parse_asked(f"upn: {UPN}\nname: Zzlovelace, Ann, 2014-08-31"))
    assert erasure.preview(held, parse_asked("name: Zzhopper, Graceling, 2000-05-17")).people == []


def test_a_twin_who_was_once_given_the_childs_number_keeps_her_rows(settings: Settings, tmp_path: Path) -> None:
    inbox, mistaken = settings.inbox_dir / "sen2", Record("Person", ada().fields | {"Forename": "Byronica"})
    twin = Record("Person", mistaken.fields | {"UPN": "N372200119045"})
    inbox.mkdir(parents=True)
    (inbox / "y24.xml").write_text(xml_text(header(2024, **SEN2), [mistaken, alan()]))
    (inbox / "y25.xml").write_text(xml_text(header(2025, **SEN2), [ada(), twin, alan()]))
    lists = settings.inbox_dir / "therapy_waiting_list"
    lists.mkdir(parents=True)
    named = {"surname": "Zzlovelace", "forename": "Byronica", "date_of_birth": "2014-08-31", "upn": ""}
    write_set(lists, delivery([bridget(**named), emmy()], [contact()]))
    for return_id in ("sen2", "therapy_waiting_list"):
        assert not landing_in(settings)(return_id).refused
    link_children(settings)
    before = len(landed(settings, ("therapy_waiting_list",))["therapy_waiting_list.therapy_referral"])
    with pytest.raises(CornerstoneError, match="stands for 2 people"):
        erasure.forget(settings, ALONE, **WHO)
    named_too = parse_asked(f"upn: {UPN}\nname: Zzlovelace, Adaxia, 2014-08-31")
    seen = erasure.preview(settings, named_too)
    assert (seen.rows, seen.is_clear, seen.shared_numbers) == ({"sen2": 1}, True, 1)
    erasure.forget(settings, named_too, **WHO)
    after = landed(settings, ("sen2", "therapy_waiting_list"))
    assert len(after["therapy_waiting_list.therapy_referral"]) == before
    assert len(after["sen2.sen2_person"]) == 4
    assert names_found(settings, tmp_path / "copy", ["Adaxia", "Byronica"]) == {"Byronica"}
    # What stands under the number now is hers: it does not go by the number alone when somebody asks once more.
    again = erasure.preview(settings, ALONE)
    assert (again.forgotten_earlier, again.is_clear) == (True, False)
    with pytest.raises(CornerstoneError, match="a child who was forgotten earlier"):
        erasure.forget(settings, ALONE, **WHO)
    with pytest.raises(CornerstoneError, match="none of them this name"):
        erasure.preview(settings, named_too)
    # Of what arrives later, too, the child is left out and her twin lands.
    (inbox / "y26.xml").write_text(xml_text(header(2026, **SEN2), [ada(), twin, alan()]))
    [new] = landing_in(settings, LATER)("sen2").committed
    assert new.tables["sen2_person"].rows_read == 2


def test_a_child_is_forgotten_everywhere_and_stays_so_when_all_is_made_again(
    held_once: Path, forgotten_once: Path, tmp_path: Path
) -> None:
    before, settings = settings_below(held_once), settings_below(forgotten_once)
    assert names_found(settings, tmp_path / "copy", [*GONE, *OTHERS]) == set(OTHERS)
    assert not settings.warehouse_path.exists()
    keys, left = (
        {row[0] for row in duckdb.sql(f"select child_key from '{one.child_link_path}'").fetchall()}
        for one in (before, settings)
    )
    assert left < keys
    assert len(keys - left) == 1
    again = rebuilt(settings, tmp_path)
    assert names_found(again, tmp_path / "copy", [*GONE, *OTHERS]) == set(OTHERS)
    assert landed(again) == landed(settings)
    assert counts(again) == counts(settings)
    began, done = read_account(settings).events
    assert [(one.by, one.action, one.reason) for one in (began, done)] == [
        ("A. Lead", "began to forget a child", "request 12 of 2026"),
        ("A. Lead", "forgot a child", "request 12 of 2026"),
    ]
    assert (done.counts["files_cut"], done.counts["files_erased"]) == (5, 0)
    assert done.counts["set_aside_removed"] > 0


def test_files_of_before_and_after_stay_without_the_child(held: Settings, land: Land, tmp_path: Path) -> None:
    erasure.forget(held, BY_UPN, **WHO)
    before = counts(held)
    drop_sen2(held.inbox_dir / "sen2", "xml")
    report = land("sen2")
    assert (report.committed, len(report.repeats)) == ([], 1)
    assert counts(held) == before
    drop_sen2(held.inbox_dir / "sen2", "xml", year=2026)
    [new] = land("sen2").committed
    assert new.tables["sen2_person"].rows_read == 2
    assert names_found(held, tmp_path / "copy", GONE) == set()
    with pytest.raises(CornerstoneError, match="was forgotten on 2026-04-01"):
        erasure.forget(held, BY_UPN, **WHO)


@pytest.mark.parametrize("step", ["add_tombstones", "_clear_landing", "_recount", "leave_no_marts"])
def test_killed_at_any_step_it_is_finished_later(
    held: Settings, land: Land, forgotten_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*given: object, **named: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(erasure, step, killed)
        with pytest.raises(Killed):
            erasure.forget(held, BY_UPN, **WHO)
    with pytest.raises(CornerstoneError, match="forget --resume"):
        land("sen2")
    with pytest.raises(CornerstoneError, match="forget --resume"):
        erasure.forget(held, BY_UPN, **WHO)
    if step == "add_tombstones":
        with pytest.raises(CornerstoneError, match="nothing was changed"):
            erasure.resume(held, LATER)
        assert erasure.forget(held, BY_UPN, **WHO).files_cut == 5
    else:
        assert erasure.resume(held, LATER) is not None
    assert names_found(held, tmp_path / "copy", [*GONE, *OTHERS]) == set(OTHERS)
    assert erasure.resume(held, LATER) is None
    assert not land("sen2").committed
    assert (landed(held), counts(held)) == (
        landed(settings_below(forgotten_once)),
        counts(settings_below(forgotten_once)),
    )


def test_decisions_on_the_child_go_and_others_stay(held: Settings) -> None:
    [(key,)] = duckdb.sql(
        f"select distinct child_key from '{held.child_link_path}' where return_id = 'school_census' and match_strength = 'upn'"
    ).fetchall()
    decided = [
        Decision("2026-01-01T00:00:00+00:00", "B", *pair, "different", "x") for pair in ((key, "k1"), ("k1", "k2"))
    ]
    record_decisions(held, decided)
    done = erasure.forget(held, BY_UPN, **WHO)
    assert list(read_decisions(held)) == [("k1", "k2")]
    assert done.decisions_removed == 1
    assert {one.name: one.taken_out for one in read_account(held).journals}["linkage decisions"] == 1


@pytest.mark.parametrize("shape", ["xml", "sheets"])
def test_a_number_in_a_text_about_another_is_masked_in_what_is_held_as_in_the_archive(
    settings: Settings, tmp_path: Path, shape: str
) -> None:
    noted, aside = alan(), grace()
    noted.within[0].fields["RequestNote"] = f"brother of {UPN}"  # under a name that the return does not have
    noted.within.append(ada().within[0])
    noted.within[-1].within[-1].within[1].fields["SENSettingOther"] = f"with the sister, {UPN}."
    aside.within[0].fields["RequestNote"] = f"sister of {UPN}"
    folder = settings.inbox_dir / "sen2"
    folder.mkdir(parents=True)
    people = [ada(), noted, aside]
    if shape == "xml":
        aside.within[0].fields["ReceivedDate"] = "soon"  # is set aside
        (folder / "y25.xml").write_text(xml_text(header(2025, **SEN2), people))
    else:
        write_workbook(folder / "y25.xlsx", header(2025, **SEN2), people, stacked=False)
    assert not landing_in(settings)("sen2").refused
    link_children(settings)
    assert names_found(settings, tmp_path / "copy", [UPN, "with the sister"]) == {UPN, "with the sister"}
    done = erasure.forget(settings, ALONE, **WHO)
    assert done.texts_masked >= 1
    assert names_found(settings, tmp_path / "copy", [UPN, "with the sister"]) == {"with the sister"}
    assert settings_told(rebuilt(settings, tmp_path)) == settings_told(settings)


def test_two_children_are_not_forgotten_at_once(held: Settings) -> None:
    both = Asked([("upn", UPN), ("upn", "U372400021002")])
    with pytest.raises(CornerstoneError, match="identifies 2 children"):
        erasure.preview(held, both)


def test_rows_whose_number_stands_in_another_childs_row_go_too(settings: Settings, tmp_path: Path) -> None:
    former, inbox = "N372200119045", settings.inbox_dir / "sen2"
    other = grace()
    other.fields.pop("UPNunknown")
    other.fields["UPN"] = former
    inbox.mkdir(parents=True)
    (inbox / "y24.xml").write_text(xml_text(header(2024, **SEN2), [ada(UPN=former), alan(), other]))
    (inbox / "y25.xml").write_text(xml_text(header(2025, **SEN2), [ada(), alan()]))
    landing_in(settings)("sen2")
    link_children(settings)
    with vault_connection(settings) as connection:
        [(a,), (b,)] = [
            row
            for path in (settings.vault_dir / "identity" / "sen2").rglob("sen2_person.parquet")
            for row in connection.execute(
                f"select distinct child_key from {vault_file(path)} as held inner join '{settings.child_link_path}' as link"
                " on held.submission_id = link.submission_id and held.row_person_ref = link.row_person_ref"
                " where held.\"Surname\" = 'Zzlovelace'"
            ).fetchall()
        ]
    record_decisions(settings, [Decision(LATER.isoformat(), "B", a, b, "same", "x")])
    link_children(settings)
    seen = erasure.preview(settings, BY_UPN)
    assert (seen.rows, seen.shared_numbers) == ({"sen2": 2}, 1)
    erasure.forget(settings, BY_UPN, **WHO)
    left = ["Zzhopper", "Zzturing", former]
    assert names_found(settings, tmp_path / "copy", [*ADA, *left]) == set(left)
    again = rebuilt(settings, tmp_path)
    assert names_found(again, tmp_path / "copy", [*ADA, *left]) == set(left)


def test_what_the_preview_counted_is_looked_for_at_the_end(held: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        # By no digest is anybody known again.
        patch.setattr(erasure, "add_tombstones", lambda *_: None)
        with pytest.raises(CornerstoneError, match="still in the store"):
            erasure.forget(held, BY_UPN, **WHO)


def test_a_row_that_comes_to_light_later_is_forgotten_too(settings: Settings, tmp_path: Path) -> None:
    other, inbox = "N372200119045", settings.inbox_dir / "sen2"
    inbox.mkdir(parents=True)
    (inbox / f"zzlovelace_{UPN}.xml").write_text(xml_text(header(2025, **SEN2), [ada(), alan()]))
    (inbox / "y24.xml").write_text(xml_text(header(2024, **SEN2), [ada(UPN=other), alan()]))
    # Of an old workbook nobody can read anything but that letters take two bytes.
    (inbox / "plans.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00" + f"Ada {UPN} ".encode("utf-16-le"))
    (inbox / "other.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00")
    landing_in(settings)("sen2")
    seen = erasure.preview(settings, BY_UPN)
    assert (seen.rows, seen.namesakes, len(seen.file_names), len(seen.unread)) == ({"sen2": 1}, 1, 1, 2)
    for one in seen.unread:
        assert (one.return_id, one.received, one.bytes > 7) == ("sen2", "2026-03-01", True)
        assert (settings.store / one.receipt).is_file()
    with pytest.raises(CornerstoneError, match=r"x.json is no receipt .* Nothing was changed"):
        erasure.forget(settings, BY_UPN, **WHO, erase=["archive/receipts/sen2/x.json"])
    done = erasure.forget(settings, BY_UPN, **WHO)
    assert (done.files_cut, done.files_erased, done.file_names, done.unread) == (1, 1, 1, 1)
    with pytest.raises(CornerstoneError, match="was forgotten on 2026-04-01"):
        erasure.preview(settings, BY_UPN)
    both = parse_asked(f"upn: {UPN}\nupn: {other}")
    for asked in (both, parse_asked("name: Zzlovelace, Adaxia, 2014-08-31")):
        assert erasure.preview(settings, asked).rows == {"sen2": 1}
    [left] = erasure.preview(settings, both).unread
    last = erasure.forget(settings, both, **WHO, erase=[left.receipt])
    assert (last.files_erased, last.unread) == (1, 0)
    # The number in the name of a file is masked; the surname may be anybody's, and stays.
    found = names_found(settings, tmp_path / "copy", ["Adaxia", "zzlovelace_", UPN, other, "Zzturing"])
    assert found == {"zzlovelace_", "Zzturing"}


def test_by_name_where_nobody_gave_a_number(held: Settings, tmp_path: Path) -> None:
    done = erasure.forget(held, parse_asked("name: Zzhopper, Graceling, 2000-05-17"), **WHO)
    assert done.files_cut == 2
    assert names_found(held, tmp_path / "copy", ["Zzhopper", "Zzlovelace"]) == {"Zzlovelace"}


def test_a_set_that_waits_is_erased_for_nobody_can_cut_it(settings: Settings, tmp_path: Path) -> None:
    drop_list(settings.inbox_dir / "therapy_waiting_list")
    next((settings.inbox_dir / "therapy_waiting_list").glob("*appointments*")).unlink()
    assert len(landing_in(settings)("therapy_waiting_list").waiting) == 1
    done = erasure.forget(settings, parse_asked(f"nhs_number: {NHS}"), **WHO)
    assert (done.files_cut, done.files_erased, done.rows_removed) == (0, 1, 0)
    assert names_found(settings, tmp_path / "copy", ADA) == set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Say who is to be forgotten"),
        ("upn: 12", r"Line 1 does not have the shape of a UPN \(a letter and twelve digits\); correct it"),
        ("nhs_number: 12", r"Line 1 does not have the shape of an NHS number \(ten digits\)"),
        ("uln: 0123456789", "Line 1 does not have the shape of a ULN"),
        (f"upn: {UPN}\nAda Zzlovelace", "Line 2 is no identifier"),
        ("name: Zzlovelace, Adaxia, 31/08/2014", "Line 1 is no identifier"),
    ],
)
def test_what_is_no_identifier_is_told_by_its_line_alone(text: str, message: str) -> None:
    with pytest.raises(CornerstoneError, match=message) as told:
        parse_asked(text)
    assert "Zzlovelace" not in str(told.value)


def test_identifiers_come_from_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "who.txt"
    path.write_text(f"\nUPN = {UPN.lower()}\nnhs_number: 999 000 0018\nname: O'Zz, Ann, 2014-08-31\n")
    path.chmod(0o640)
    with pytest.raises(CornerstoneError, match="chmod 600"):
        read_asked(path)
    path.chmod(0o600)
    asked = read_asked(path)
    assert asked.numbers == [("upn", UPN), ("nhs_number", NHS)]
    assert "E3724" not in repr(asked)
    assert replace(asked) == asked


def test_the_command_shows_the_effect_asks_and_tells_nobody(
    held: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(held.store))
    monkeypatch.setenv("CORNERSTONE_KEY_FILE", str(held.key_file))
    path = tmp_path / "who.txt"
    path.write_text(f"upn: {UPN}\n")
    path.chmod(0o600)
    run = CliRunner().invoke
    assert isinstance(run(app, ["forget", "--from", str(path)]).exception, CornerstoneError)
    seen = run(app, ["forget", "--from", str(path), "--preview"])
    assert "2 sen2" in seen.stdout
    who = ["--by", "A. Lead", "--reason", "request 12"]
    refused = run(app, ["forget", "--from", str(path), "--as-one", *who], input="n\n")
    assert "Nothing was changed" in str(refused.exception)
    unclear = run(app, ["forget", "--from", str(path), *who, "--yes"])
    assert "stands for 2 people" in str(unclear.exception)
    assert "2: would go: 1 school_census (known by 1 asked); another forename" in unclear.output
    done = run(app, ["forget", *who, "--as-one", "--yes"], input=f"upn: {UPN}\n\n")
    assert done.exit_code == 0, done.exception
    assert "5 archived file(s) cut" in done.stdout
    printed = "".join(one.output for one in (seen, refused, unclear, done)).replace(f"upn: {UPN}", "")
    assert [name for name in GONE if name in printed] == []
