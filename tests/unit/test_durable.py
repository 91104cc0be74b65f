"""Journals: lines are added whole or not at all, and one altered, moved or taken out is noticed."""

import errno
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from orchestration import durable
from orchestration.durable import (
    append_to_journal,
    copy_journal,
    journal_head,
    make_dir_durably,
    read_journal_entries,
    rewrite_journal,
    write_private,
)
from orchestration.errors import CornerstoneError


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    append_to_journal(path, {"n": 1}, {"n": 2}, mode=0o600)
    append_to_journal(path, {"n": 3}, mode=0o600)
    return path


def numbers(path: Path) -> list[int]:
    return [line["n"] for line in read_journal_entries(path, dict)]


def test_each_line_holds_the_digest_of_the_one_before(journal: Path) -> None:
    lines = journal.read_bytes().splitlines()
    assert [json.loads(line)["before"] for line in lines] == [
        "",
        sha256(lines[0]).hexdigest(),
        sha256(lines[1]).hexdigest(),
    ]
    assert journal_head(journal) == sha256(lines[2]).hexdigest()
    assert numbers(journal) == [1, 2, 3]
    assert journal.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0].replace(b'"n": 1', b'"n": 7'), *lines[1:]], 2),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: [*lines[:2], b'{"n": 3}'], 3),
        (lambda lines: [*lines, b"7"], 4),
    ],
)
def test_a_line_altered_taken_out_or_moved_is_noticed(journal: Path, change: object, line: int) -> None:
    lines = change(journal.read_bytes().splitlines())  # type: ignore[operator]
    journal.write_bytes(b"".join(one + b"\n" for one in lines))
    with pytest.raises(CornerstoneError, match=f"Line {line} of .*altered"):
        numbers(journal)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:2], lines[2].replace(b'"n": 3', b'"n": 7')],
        lambda lines: lines[:2],
        lambda lines: [],
    ],
    ids=["the last line altered", "the last line cut off", "all cut off"],
)
def test_the_last_line_too_is_looked_after(journal: Path, change: object) -> None:
    lines = change(journal.read_bytes().splitlines())  # type: ignore[operator]
    journal.write_bytes(b"".join(one + b"\n" for one in lines))
    with pytest.raises(CornerstoneError, match="not the one that was written last"):
        numbers(journal)
    journal.unlink()
    with pytest.raises(CornerstoneError, match="not the one that was written last"):
        numbers(journal)


def test_a_line_of_a_writer_that_was_killed_before_it_wrote_it_down_counts(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(durable, "_write_heads", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            append_to_journal(journal, {"n": 4}, mode=0o600)
    assert numbers(journal) == [1, 2, 3, 4]
    append_to_journal(journal, {"n": 5}, mode=0o600)
    assert numbers(journal) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("step", ["replace_durably", "_write_heads"])
def test_a_journal_that_is_written_anew_can_be_read_whenever_the_writer_is_killed(
    journal: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(durable, step)
    calls: list[object] = []

    def killed(*given: object) -> None:
        calls.append(given)
        if (step == "replace_durably" and given[1] == journal) or (step == "_write_heads" and len(calls) == 2):
            raise KeyboardInterrupt
        real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(durable, step, killed)
        with pytest.raises(KeyboardInterrupt):
            rewrite_journal(journal, [{"n": 1}, {"n": 3}], mode=0o600)
    assert numbers(journal) == ([1, 2, 3] if step == "replace_durably" else [1, 3])
    rewrite_journal(journal, [], mode=0o600)
    assert numbers(journal) == []


def test_a_journal_is_copied_with_what_is_kept_beside_it(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copy_journal(journal, tmp_path / "copy")
    copied = tmp_path / "copy" / journal.name
    assert numbers(copied) == [1, 2, 3]
    copied.write_bytes(b"".join(copied.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(CornerstoneError, match="not the one that was written last"):
        numbers(copied)


def test_lines_of_before_there_was_a_chain_are_read_and_chained_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"n": 1}\n{"n": 2}\n')
    append_to_journal(path, {"n": 3}, mode=0o600)
    assert numbers(path) == [1, 2, 3]
    path.write_text(path.read_text().replace('"n": 2', '"n": 9'))
    with pytest.raises(CornerstoneError, match="Line 3"):
        numbers(path)


def test_what_a_killed_writer_left_unfinished_is_not_read_and_is_written_over(journal: Path) -> None:
    with journal.open("ab") as stream:
        stream.write(b'{"n": 4, "bef')
    assert numbers(journal) == [1, 2, 3]
    append_to_journal(journal, {"n": 5}, mode=0o600)
    assert numbers(journal) == [1, 2, 3, 5]


def test_on_a_full_disk_a_journal_stays_as_it_was_and_says_so(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = journal.read_bytes()
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 40:  # the disk takes a part, then no more
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:-20])

    monkeypatch.setattr(durable.os, "write", full)
    with pytest.raises(CornerstoneError, match=r"No space left on device.*nothing was recorded"):
        append_to_journal(journal, {"n": 4}, mode=0o600)
    assert journal.read_bytes() == before


def test_a_journal_written_anew_is_chained_among_its_own(journal: Path) -> None:
    rewrite_journal(journal, [{"n": 1}, {"n": 3}], mode=0o600)
    assert numbers(journal) == [1, 3]
    assert sorted(path.name for path in journal.parent.iterdir()) == [".journal.jsonl.head", "journal.jsonl"]


def test_a_write_that_is_cut_short_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:3]))
        append_to_journal(path, {"n": 1}, {"n": 2}, mode=0o600)
    assert numbers(path) == [1, 2]


def test_what_a_dead_process_of_the_same_number_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".state.json.{os.getpid()}.partial").write_text("half")
    write_private(tmp_path / "state.json", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_every_folder_on_the_way_is_made_and_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("orchestration.durable.sync_dir", synced.append)
    make_dir_durably(tmp_path / "a" / "b", mode=0o700)
    assert synced == [tmp_path, tmp_path / "a"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
