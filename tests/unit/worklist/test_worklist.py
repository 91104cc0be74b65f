"""`cornerstone worklist`: counts for anyone in the office; names for a named person, a reason and the journal, and nowhere else."""

import csv
import hashlib
import io
import json
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from orchestration import cli, durable
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.worklist import named
from orchestration.worklist.journal import read_journal
from tests.sentinel import plant_control, scan
from tests.unit.worklist.conftest import NOON as NOW
from tests.unit.worklist.conftest import RELEASE, SENTINELS, make_release

NAMING = ("--show-identifiers", "--by", "D. Officer", "--reason", "January follow-up")


@dataclass(frozen=True)
class Ended:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> Any:
        return json.loads(self.stdout)


@pytest.fixture
def worklist(
    store: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run the command in this process."""

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["cornerstone", "worklist", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return Ended(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the data officer's."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def table(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """Lines above the table of a CSV file, and its rows."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    head = next(place for place, row in enumerate(rows) if len(row) > 1)
    return [row[0] for row in rows[:head]], [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 :]]


def test_counts_are_of_the_latest_january_by_school_and_reason(worklist: Any) -> None:
    told = worklist("--json").result
    assert (told["census"], told["census_day"], told["children"], told["release_id"]) == (
        2025, "2025-01-16", 5, RELEASE,
    )  # fmt: skip
    fields = ("school_name", "la_estab", "urn", "reason", "children")
    assert [tuple(row[field] for field in fields) for row in told["schools"]] == [
        ("Invented Primary", "3724001", "900001", "Not in the return", 2),
        ("Invented Primary", "3724001", "900001", "On roll without the plan", 1),
        ("School 3724001", "3724001", None, "Not in the return", 1),
        ("No school known", None, None, "Placement not recorded", 1),
    ]
    assert told["schools"][0]["action"] == "Ask the school whose plan it is."
    assert (told["expected_schools"], told["received_schools"], told["missing_schools"]) == (
        2,
        1,
        ["Missing Academy (LAEstab 3724902, URN 900002)"],
    )


def test_the_terminal_says_what_to_do_and_which_school_is_missing(worklist: Any) -> None:
    told = " ".join(worklist().stdout.split())
    assert "16 January 2025" in told
    assert "5 children to follow up" in told
    assert "Returns of 1 of 2 schools expected" in told
    assert "missing Missing Academy" in told
    assert "Tell the school of the plan." in told


def test_counts_need_no_key_and_touch_no_vault(worklist: Any, store: Settings, own: Path) -> None:
    store.key_file.unlink()
    shutil.rmtree(store.vault_dir)
    assert worklist("--out", own / "counts.csv").exit_code == 0
    _, rows = table((own / "counts.csv").read_bytes())
    assert sum(int(row["Children"]) for row in rows) == 5
    assert not store.vault_dir.exists()


@pytest.mark.parametrize(
    ("chosen", "children"),
    [(("--census", "2024"), 1), (("--school", "900001"), 3), (("--school", "3724001"), 4), (("--school", "900003"), 0)],
)
def test_a_census_or_a_school_can_be_chosen(worklist: Any, chosen: tuple[str, ...], children: int) -> None:
    assert worklist("--json", *chosen).result["children"] == children


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (("--census", "2023"), "of January 2023 have not both landed; there are 2024, 2025"),
        (("--school", "999999"), "No school has the number 999999"),
        (("--by", "somebody"), "go with --show-identifiers"),
        (("--show-identifiers", "--by", "somebody", "--out", "x.csv"), "--reason (what for)"),
        (("--show-identifiers", "--reason", "why", "--out", "x.csv"), "--by (who takes the list)"),
        (("--show-identifiers", "--by", "somebody", "--reason", "why"), "--out (a file)"),
        (("--audit", *NAMING, "--out", "x.csv"), "--show-identifiers goes with"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    worklist: Any, store: Settings, chosen: tuple[str, ...], said: str
) -> None:
    ended = worklist(*chosen)
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert read_journal(store) == []


def test_names_are_those_of_the_return_that_has_the_plan(worklist: Any, own: Path) -> None:
    ended = worklist(*NAMING, "--out", own / "list.csv")
    assert (ended.exit_code, ended.stderr) == (0, "")
    about, rows = table((own / "list.csv").read_bytes())
    assert about[0].startswith("PERSONAL DATA")
    assert "D. Officer: January follow-up" in about[1]
    assert [
        (row["School"], row["Surname"], row["Forename"], row["Date of birth"], row["UPN"], row["Reason"]) for row in rows
    ] == [
        ("Invented Primary", "Zzcurie", "Mariella", "2014-08-31", "E372400021001", "Not in the return"),
        # Who is not in the vault any more is listed all the same.
        ("Invented Primary", "not in the vault any more", "", "", "", "Not in the return"),
        ("Invented Primary", "Zzlovelace", "Adaxia", "2014-08-31", "E372400021001", "On roll without the plan"),
        # And no text is a formula.
        ("School 3724001", "'=Zzdarwin", "Charlson", "2016-02-29", "U372400021002", "Not in the return"),
        ("No school known", "Zzturing", "Alanoid", "2006-02-28", "", "Placement not recorded"),
    ]  # fmt: skip
    assert [(row["What the census says"], row["What the EHC plans return says"]) for row in rows] == [
        ("On roll, provision E: EHC plan", "No plan"),
        ("On roll, provision E: EHC plan", "No plan"),
        ("On roll, provision K: SEN support", "Plan in force since 20/06/2024; placement: Invented Primary"),
        ("On roll, provision E: EHC plan", "No plan in force on the day; a plan from 01/05/2019 to 31/07/2024"),
        ("On no roll", "Plan in force since 01/01/2020; placement: Academy"),
    ]
    assert [row["Pseudonym, where the vault has no name"] for row in rows] == ["", "c-gone", "", "", ""]
    assert rows[2]["What to do"] == "Tell the school of the plan."


def test_a_workbook_holds_the_same(worklist: Any, own: Path) -> None:
    worklist(*NAMING, "--out", own / "list.csv")
    worklist(*NAMING, "--out", own / "list.XLSX")
    sheet = openpyxl.load_workbook(own / "list.XLSX")["Worklist"]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert str(cells[0][0]).startswith("PERSONAL DATA")
    _, rows = table((own / "list.csv").read_bytes())
    assert cells[2] == list(rows[0])
    assert [row[3] for row in cells[3:]] == [row["Surname"].lstrip("'") for row in rows]
    assert {cell.data_type for row in sheet.iter_rows(min_row=4) for cell in row} <= {"s", "n", "d"}
    assert f"{cells[3][5]:%Y-%m-%d}" == "2014-08-31"


def test_the_file_is_its_owners_alone_and_takes_the_place_of_another_whole(worklist: Any, own: Path) -> None:
    path = own / "list.csv"
    path.write_text("for everyone")
    path.chmod(0o644)
    assert worklist(*NAMING, "--out", path).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in own.iterdir()] == ["list.csv"]


def test_each_list_is_in_the_journal_which_is_only_added_to(worklist: Any, store: Settings, own: Path) -> None:
    worklist(*NAMING, "--out", own / "all.csv")
    journal = store.vault_dir / "worklist_journal.jsonl"
    first = journal.read_bytes()
    told = worklist(*NAMING, "--out", own / "one.csv", "--school", "900001", "--census", "2025", "--json").result
    assert (told["children"], told["unresolved"]) == (3, 1)
    assert journal.read_bytes().startswith(first)
    assert journal.stat().st_mode & 0o777 == 0o600
    entries = read_journal(store)
    assert [(one.by, one.reason, one.census, one.school, one.children, one.unresolved) for one in entries] == [
        ("D. Officer", "January follow-up", 2025, None, 5, 1),
        ("D. Officer", "January follow-up", 2025, "900001", 3, 1),
    ]
    assert all(one.at.endswith("+00:00") and one.release_id == RELEASE for one in entries)
    assert entries[1].sha256 == told["sha256"] == hashlib.sha256((own / "one.csv").read_bytes()).hexdigest()
    assert [one["school"] for one in worklist("--audit", "--json").result] == [None, "900001"]
    shown = worklist("--audit").stdout
    assert "D. Officer" in shown
    assert entries[1].sha256[:12] in shown


def test_an_empty_journal_says_so(worklist: Any) -> None:
    assert "No list with names was ever handed over." in worklist("--audit").stdout


def test_a_journal_that_was_altered_is_not_passed_over(worklist: Any, store: Settings, own: Path) -> None:
    worklist(*NAMING, "--out", own / "list.csv")
    with (store.vault_dir / "worklist_journal.jsonl").open("a") as stream:
        stream.write('{"by": "nobody"}\n')
    ended = worklist("--audit")
    assert (ended.exit_code, "Line 2 of" in ended.stderr) == (2, True)


def test_no_name_is_anywhere_but_in_the_file_asked_for(
    worklist: Any, store: Settings, own: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endings = [
        worklist(*NAMING, "--out", own / "list.csv"),
        worklist(*NAMING, "--out", own / "list.xlsx", "--json"),
        worklist(),
        worklist("--json"),
        worklist("--out", store.store.parent / "counts.csv"),
        worklist("--audit"),
        worklist("--audit", "--json"),
    ]
    assert [ended.exit_code for ended in endings] == [0] * 7
    printed = "".join([*(ended.stdout + ended.stderr for ended in endings), caplog.text]).lower()
    assert [sentinel for sentinel in SENTINELS if sentinel.lower() in printed] == []
    # The vault with its journal and the spill folder are searched too.
    assert scan(tmp_path, SENTINELS, leave_out=[own]) == []
    assert {found.path for found in scan(own, ["Zzlovelace"])} == {str(own / "list.csv"), str(own / "list.xlsx")}
    controls = plant_control(tmp_path / "control", "Zzlovelace")
    assert {found.path for found in scan(tmp_path / "control", ["Zzlovelace"])} >= {str(path) for path in controls}
    assert sorted(path.name for path in store.vault_dir.iterdir() if path.name.startswith("worklist")) == [
        "worklist.lock",
        "worklist_journal.jsonl",
    ]


@pytest.mark.parametrize(
    "place",
    ["store", "vault", "release", "open", "current", "inbox", "repository", "link", "missing", "folder", "kind"],
)
@pytest.mark.parametrize("arguments", [NAMING, ()], ids=["names", "counts"])
def test_a_list_is_not_written_where_it_could_be_passed_on_or_cannot_be(
    worklist: Any, store: Settings, own: Path, place: str, arguments: tuple[str, ...]
) -> None:
    (own / "link").symlink_to(store.current_link / "open")
    (own / "folder.csv").mkdir()
    out = {
        "store": store.store / "list.csv",
        "vault": store.vault_dir / "list.csv",
        "release": store.releases_dir / RELEASE / "list.csv",
        "open": store.releases_dir / RELEASE / "open" / "list.csv",
        "current": store.current_link / "open" / "list.csv",
        "inbox": store.inbox_dir / "sen2" / "list.csv",
        "repository": PROJECT_DIR / "tests" / "list.csv",
        "link": own / "link" / "list.csv",
        "missing": own / "not there" / "list.csv",
        "folder": own / "folder.csv",
        "kind": own / "list.pdf",
    }[place]
    ended = worklist(*arguments, "--out", out)
    assert ended.exit_code == 2
    assert "choose" in ended.stderr or "end its name" in ended.stderr or "name of a file" in ended.stderr
    assert not out.is_file()
    assert read_journal(store) == []


def test_nothing_is_handed_over_that_the_journal_has_not(
    worklist: Any, store: Settings, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(named, "record_handover", full)
        with pytest.raises(OSError, match="no space"):
            named.write_named_worklist(store, own / "list.csv", by="D", reason="r", now=NOW)
    assert list(own.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr(named, "write_private", full)
        with pytest.raises(OSError, match="no space"):
            named.write_named_worklist(store, own / "list.csv", by="D", reason="r", now=NOW)
    assert list(own.iterdir()) == []
    assert [one.children for one in read_journal(store)] == [5]


def test_the_journal_is_on_disk_before_the_file_has_its_name(
    store: Settings, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        durable.os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
    )
    named.write_named_worklist(store, own / "list.csv", by="D", reason="r", now=NOW)
    assert synced[0] == "worklist_journal.jsonl"
    assert synced[-1] == "own"


def test_nothing_to_follow_up_writes_nothing(worklist: Any, store: Settings, own: Path) -> None:
    ended = worklist(*NAMING, "--school", "900003", "--out", own / "list.csv")
    assert (ended.exit_code, "Nothing is to follow up" in ended.stderr) == (2, True)
    assert list(own.iterdir()) == []
    assert read_journal(store) == []


def test_identifiers_that_are_gone_leave_everybody_on_the_list(worklist: Any, store: Settings, own: Path) -> None:
    shutil.rmtree(store.vault_dir / "identity" / "sen2")
    told = worklist(*NAMING, "--out", own / "list.csv", "--json").result
    assert (told["children"], told["unresolved"]) == (5, 3)
    said = " ".join(worklist(*NAMING, "--out", own / "list.csv").stdout.split())
    assert "3 of them are not in the vault any more" in said


def test_a_damaged_vault_is_said_without_a_value_of_it(worklist: Any, store: Settings, own: Path) -> None:
    for path in (store.vault_dir / "identity").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:40] + b"Zzlovelace" + path.read_bytes()[50:-60])
    ended = worklist(*NAMING, "--out", own / "list.csv")
    assert (ended.exit_code, "restore it from a backup" in ended.stderr) == (2, True)
    assert "Zzlovelace" not in ended.stderr
    assert list(own.iterdir()) == []


def test_without_its_key_no_list_is_made(worklist: Any, store: Settings, own: Path) -> None:
    store.key_file.unlink()
    ended = worklist(*NAMING, "--out", own / "list.csv")
    assert (ended.exit_code, "secret key of this store is missing" in ended.stderr) == (2, True)


def test_without_a_release_or_with_an_earlier_one_it_says_what_to_do(worklist: Any, store: Settings) -> None:
    store.current_link.unlink()
    assert "There is no release yet" in worklist().stderr
    shutil.rmtree(store.releases_dir)
    make_release(store, "create schema marts")
    assert "has no comparison of school census and EHC plans" in worklist().stderr
    shutil.rmtree(store.releases_dir)
    make_release(
        store,
        "create schema marts; create table marts.fct_census_plan_child (la_code varchar);"
        "create table marts.dim_setting (setting_key varchar)",
    )
    assert "does not say which LAEstab a school has" in worklist().stderr
