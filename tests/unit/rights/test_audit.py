"""One account of who did what, from every journal."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.linkage.decisions import Decision, record_decisions
from orchestration.release.folders import record_in_journal
from orchestration.rights.audit import audit_path, named_person, read_account, record
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from orchestration.worklist.journal import Handover, record_handover

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_every_journal_is_told_in_the_order_of_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_store(settings)
    settings.releases_dir.mkdir(exist_ok=True)
    record(settings, "forgot a child", by="A. Lead", reason="request 12", now=NOON, files=3, releases=0)
    record_handover(
        settings, Handover("2026-01-05T10:00:00+00:00", "B. Officer", "January", "r", 2026, None, 5, 1, "ab")
    )
    at = "2026-02-01T09:00:00+00:00"
    record_decisions(settings, [Decision(at, "C. Analyst", "k1", key, "same", "cd") for key in ("k2", "k3")])
    record_in_journal(settings, "rolled_back", at=NOON, release_id="r1", by="D. Head", note="wrong file", replaces=None)
    account = read_account(settings)
    assert [(one.by, one.action, one.counts) for one in account.events] == [
        ("B. Officer", "took a worklist with names", {"children": 5}),
        ("C. Analyst", "decided on children to be one or two", {"same": 2, "different": 0}),
        ("A. Lead", "forgot a child", {"files": 3, "releases": 0}),
        ("D. Head", "rolled back release r1", {}),
    ]
    lines = {one.name: one.lines for one in account.journals}
    assert lines == {
        "rights": 1, "worklists": 1, "linkage reviews": 0, "linkage decisions": 2, "linkage joins": 0, "releases": 1
    }  # fmt: skip
    assert audit_path(settings).stat().st_mode & 0o777 == 0o600
    assert audit_path(settings).parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("CORNERSTONE_STORE", str(settings.store))
    shown = CliRunner().invoke(app, ["audit"])
    assert shown.exit_code == 0
    assert "3 files" in shown.stdout
    assert account.journals[0].head in shown.stdout


def test_lines_that_an_erasure_took_out_are_told(settings: Settings) -> None:
    prepare_store(settings)
    record(
        settings, "forgot a child", by="A. Lead", reason="request 12", now=NOON, decisions_removed=2, joins_removed=1
    )
    record(settings, "renewed the key", by="A. Lead", reason="seen", now=NOON, lost_decisions=1, lost_joins=0)
    out = {one.name: one.taken_out for one in read_account(settings).journals if one.taken_out}
    assert out == {"linkage decisions": 3, "linkage joins": 1}


def test_an_account_with_an_altered_line_is_refused(settings: Settings) -> None:
    for count in (1, 2):
        record(settings, "forgot a child", by="A. Lead", reason="request", now=NOON, files=count)
    path = audit_path(settings)
    path.write_text(path.read_text().replace("A. Lead", "B. Lead", 1))
    with pytest.raises(CornerstoneError, match=r"Line 2 of .*altered"):
        read_account(settings)


@pytest.mark.parametrize(("by", "reason"), [("", "why"), (" ", "why"), ("who", "\t")])
def test_nothing_is_done_without_a_name_and_a_reason(by: str, reason: str) -> None:
    with pytest.raises(CornerstoneError, match="both are recorded"):
        named_person(by, reason)
