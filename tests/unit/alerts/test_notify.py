"""People are told once, again after some days, and when it is over; whatever fails, the others are told."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr
from rich.console import Console
from typer.testing import CliRunner

from expectations.catalogue import Catalogue
from orchestration.alerts import channels as channels_module
from orchestration.alerts import standing
from orchestration.alerts.ended import WHOLE_JOB, FailedRule, RunEnd
from orchestration.alerts.notify import notify, read_entries
from orchestration.alerts.shown import print_alerts, read_alerts
from orchestration.automation.alerts import alerts_sensor
from orchestration.automation.jobs import refresh
from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.returns.submission import People, Submission, landing_dir, write_landing
from orchestration.settings import Settings
from tests import sentinel
from tests.servers import WebServer, mail_server, web_server

DAY_1 = datetime(2026, 2, 11, 6, 0, tzinfo=UTC)  # the last day of the spring census of 2026
RULE = FailedRule(
    "EM-101", "marts.fct_ehc_plan", 3, "Every plan has a child.", "sen-data-officer", "Correct the return."
)
BLOCKED = RunEnd(WHOLE_JOB, "blocked", DAY_1, "run-1", failed_rules=(RULE,), failed_steps=("mart_gate",))
FAILED = RunEnd(WHOLE_JOB, "failed", DAY_1, "run-2", failed_steps=("build_marts",))
WELL = RunEnd(WHOLE_JOB, "ok", DAY_1 + timedelta(hours=1), "run-3")


def day(number: int) -> datetime:
    return DAY_1 + timedelta(days=number - 1)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels_module, "PAUSES_SECONDS", ())


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def settings(settings: Settings, web: WebServer) -> Settings:
    settings.store.mkdir()
    # No alert of the disk on which the tests run, however full it is.
    return settings.model_copy(update={"alert_webhook_url": SecretStr(web.url), "alert_disk_free_gib": 0.0})


def census(settings: Settings, period: str, people: People | None = "real") -> None:
    one = Submission(
        f"c-{period}", "school_census", period, "school.3724001", "1", f"{period}-28T09:00:00", "1", "a.xml", "aa", "aa",
        tables={}, status="accepted", landing=f"c-{period}", people=people,
    )  # fmt: skip
    landing_dir(settings, one).mkdir(parents=True)
    write_landing(landing_dir(settings, one), [one], [])


def of_census(posts: Sequence[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """What each post said of the census: a word and the title."""
    return [
        [
            (said, one["title"])
            for said in ("new", "reminded", "resolved")
            for one in post[said]
            if one["about"] == "school_census"
        ]
        for post in posts
    ]


def titles(post: dict[str, Any], said: str) -> list[str]:
    return [one["title"] for one in post[said]]


def test_a_blocked_release_is_told_once_again_after_a_week_and_when_it_is_over(
    settings: Settings, web: WebServer
) -> None:
    census(settings, "2026-01", people="invented")  # so that no return is overdue
    for number, ends in [(1, [BLOCKED]), (1, [BLOCKED]), (2, []), (7, []), (8, []), (9, []), (10, [WELL]), (11, [])]:
        assert notify(settings, ends, day(number)) is not None
    assert [post["subject"] for post in web.posted] == [
        "Cornerstone: release blocked by EM-101",
        "Cornerstone: still: release blocked by EM-101",
        "Cornerstone: over: release blocked by EM-101",
    ]
    [new] = web.posted[0]["new"]
    assert new == {
        "kind": "gate_blocked",
        "about": "refresh",
        "title": "release blocked by EM-101",
        "what": (
            "The run of refresh that ended on 11 February 2026 06:00 UTC made no release (Dagster run run-1). EM-101 on"
            " marts.fct_ehc_plan: Every plan has a child."
        ),
        "stands": "Nothing has been released yet.",
        "owner": "sen-data-officer",
        "action": "Correct the return. Then type `cornerstone run`.",
        "since": "2026-02-11T06:00:00+00:00",
        "until": None,
    }
    [over] = web.posted[2]["resolved"]
    assert (over["since"], over["until"]) == ("2026-02-11T06:00:00+00:00", "2026-02-20T06:00:00+00:00")
    assert read_entries(settings) == {}


def test_what_came_and_went_between_two_looks_is_not_told(settings: Settings, web: WebServer) -> None:
    census(settings, "2026-01", people="invented")
    assert notify(settings, [FAILED, WELL], day(1)) is not None
    assert web.posted == []


def test_only_a_run_that_ends_well_ends_a_trouble(settings: Settings, web: WebServer) -> None:
    census(settings, "2026-01", people="invented")
    notify(settings, [BLOCKED], day(1))
    notify(settings, [FAILED], day(2))
    elsewhere = replace(FAILED, run_id="run-4", failed_steps=())
    notify(settings, [elsewhere], day(3))  # such as on a store that became read-only
    assert [(titles(post, "new"), titles(post, "resolved")) for post in web.posted] == [
        (["release blocked by EM-101"], []),
        (["run of refresh failed"], []),
    ]
    [failed] = [one.alert for one in read_entries(settings).values() if one.alert.kind == "run_failed"]
    assert "failed outside its steps (Dagster run run-4)" in failed.what
    notify(settings, [replace(WELL, job="backfill_sen2")], day(4))
    assert len(web.posted) == 2
    notify(settings, [WELL], day(4))
    assert titles(web.posted[2], "resolved") == ["release blocked by EM-101", "run of refresh failed"]


def test_other_rules_that_block_take_the_place_of_those_that_did(settings: Settings, web: WebServer) -> None:
    census(settings, "2026-01", people="invented")
    notify(settings, [BLOCKED], day(1))
    notify(settings, [replace(BLOCKED, failed_rules=(replace(RULE, rule_id="EM-102"),))], day(2))
    assert (titles(web.posted[1], "new"), titles(web.posted[1], "resolved")) == (
        ["release blocked by EM-102"],
        ["release blocked by EM-101"],
    )


def test_a_part_that_failed_is_mended_by_itself_or_by_the_whole_but_not_by_another_part(settings: Settings) -> None:
    census(settings, "2026-01", people="invented")

    def stand(*ends: RunEnd) -> list[str]:
        notified = notify(settings, ends, day(1))
        assert notified is not None
        return [entry.alert.about for entry in notified.standing]

    def end(job: str, status: Any) -> RunEnd:
        return RunEnd(job, status, DAY_1)

    assert stand(end("a", "failed"), end("b", "failed")) == ["a", "b"]
    assert stand(end("a", "ok")) == ["b"]
    assert stand(end("a", "failed")) == ["b", "a"]
    assert stand(end(WHOLE_JOB, "ok")) == []


def test_a_return_is_overdue_from_the_day_after_until_it_has_come(settings: Settings, web: WebServer) -> None:
    census(settings, "2025-10")
    for number in (1, 2, 3):
        notify(settings, [], day(number))
    census(settings, "2026-01")
    notify(settings, [], day(4))
    title = "school census overdue: spring 2026"
    assert of_census(web.posted) == [[], [("new", title)], [("resolved", title)]]
    [told] = [one for one in web.posted[1]["new"] if one["about"] == "school_census"]
    assert told["what"] == "school census, spring 2026: nothing received; expected by 11 February 2026 (statutory)."
    assert told["since"] == "2026-02-12T00:00:00+00:00"
    assert told["owner"] == "performance-and-intelligence-lead"
    assert str(settings.inbox_dir / "school_census") in told["action"]


@pytest.mark.parametrize("people", ["invented", None])
def test_a_store_without_returns_about_real_people_owes_nothing(
    settings: Settings, web: WebServer, people: People | None
) -> None:
    census(settings, "2025-10", people)
    notify(settings, [], day(900))
    assert web.posted == []


def test_a_disk_below_what_is_wanted_is_low_until_there_is_clearly_more(
    settings: Settings, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    census(settings, "2026-01", people="invented")
    settings = settings.model_copy(update={"alert_disk_free_gib": 5.0})
    for free in (5.1, 4.9, 4.4, 5.2, 5.6):
        usage = type("Usage", (), {"free": free * standing.GIB})
        monkeypatch.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
        notify(settings, [], day(1))
    assert [post["subject"] for post in web.posted] == [
        "Cornerstone: disk low",
        "Cornerstone: over: disk low",
    ]


def test_a_channel_that_fails_is_tried_again_next_time_and_the_others_are_told(
    settings: Settings, web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    census(settings, "2026-01", people="invented")
    web.answers = [500, 500]
    with mail_server() as mail:
        settings = settings.model_copy(
            update={
                "alert_smtp_url": SecretStr(mail.url),
                "alert_email_from": "a@council.example",
                "alert_email_to": "b@council.example",
            }
        )
        first = notify(settings, [FAILED], day(1))
        assert first is not None
        assert first.failed == {"webhook": "localhost answered 500"}
        notify(settings, [], day(2))
        notify(settings, [], day(3))
        assert [message["Subject"] for message in mail.mails] == ["Cornerstone: run of refresh failed"]
        assert [post["subject"] for post in web.posted] == ["Cornerstone: run of refresh failed"]
        # The end of it, too, reaches whoever was told, each by and by.
        web.answers = [500]
        notify(settings, [WELL], day(4))
        notify(settings, [], day(5))
    assert [message["Subject"] for message in mail.mails][1:] == ["Cornerstone: over: run of refresh failed"]
    assert [post["subject"] for post in web.posted][1:] == ["Cornerstone: over: run of refresh failed"]
    assert read_entries(settings) == {}
    # The log said it once, with what to do.
    said = [one.getMessage() for one in caplog.records if one.getMessage().startswith("alert: ")]
    assert said == [
        "alert: run of refresh failed. The run of refresh that ended on 11 February 2026 06:00 UTC failed at build_marts (Dagster"
        " run run-2). To do: Type `cornerstone run`: it takes up where this run stopped, and says in a sentence why it stops."
    ]


def _with(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:40],
        lambda text: "",
        lambda text: "[]",
        lambda text: "\0" * len(text),
        lambda text: _with(text, '"run_failed"', '"anything"'),
        lambda text: _with(text, "06:00:00Z", "06:00:00"),  # a moment of no time zone
        lambda text: _with(text, '"since"', '"sinse"'),
    ],
)
def test_a_state_that_is_damaged_is_said_with_what_to_do_and_made_anew(
    settings: Settings,
    web: WebServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[str], str],
) -> None:
    census(settings, "2026-01", people="invented")
    notify(settings, [FAILED], day(1))
    state = settings.store / "alerts" / "state.json"
    state.write_text(damage(state.read_text()))
    monkeypatch.setenv("CORNERSTONE_STORE", str(settings.store))
    ended = CliRunner().invoke(app, ["alerts"])
    assert isinstance(ended.exception, CornerstoneError)
    assert str(ended.exception) == (
        f"{state} is damaged, so that nobody knows what stood and who was told: type `cornerstone run`, or wait for the service's"
        " next look; what stands is found anew then, and told of again."
    )
    assert ended.exception.exit_code == 2
    notify(settings, [FAILED], day(1))
    assert [post["subject"] for post in web.posted] == ["Cornerstone: run of refresh failed"] * 2
    assert f"{state} cannot be read: what stands is found anew" in caplog.text
    assert len(read_entries(settings)) == 1


def test_a_damaged_state_is_made_anew_even_when_nothing_stands(settings: Settings) -> None:
    (settings.store / "alerts").mkdir()
    (settings.store / "alerts" / "state.json").write_text("{")
    notify(settings, [], day(1))
    assert read_entries(settings) == {}


def test_a_store_that_cannot_be_written_is_told_of_all_the_same(
    settings: Settings, web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    census(settings, "2026-01", people="invented")
    (settings.store / "alerts").write_text("a file where the folder should be, which stops root as well")
    notify(settings, [FAILED], day(1))
    assert [post["subject"] for post in web.posted] == ["Cornerstone: run of refresh failed"]
    assert "is told again" in caplog.text


def test_what_cannot_be_read_is_left_as_it_was(
    settings: Settings, web: WebServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    census(settings, "2025-10")
    notify(settings, [], day(2))

    def unreadable(*_: Any) -> None:
        raise CornerstoneError("a file of a child called Anybody cannot be read")

    monkeypatch.setattr(standing, "expected_periods", unreadable)
    notify(settings, [FAILED], day(3))
    assert titles(web.posted[1], "new") == ["run of refresh failed"]
    assert web.posted[1]["resolved"] == []
    assert "return_overdue could not be found out" in caplog.text
    assert "Anybody" not in caplog.text


def test_the_command_shows_what_stands_and_who_was_told(settings: Settings) -> None:
    census(settings, "2026-01", people="invented")
    notify(settings, [BLOCKED], day(1))
    stream = StringIO()
    print_alerts(read_alerts(settings, day(2)), Console(file=stream, width=300))
    assert stream.getvalue().splitlines() == [
        "alert    release blocked by EM-101",
        "  what   The run of refresh that ended on 11 February 2026 06:00 UTC made no release (Dagster run run-1). EM-101 on"
        " marts.fct_ehc_plan: Every plan has a child.",
        "  since  11 February 2026 06:00 UTC",
        "  stands Nothing has been released yet.",
        "  owner  sen-data-officer",
        "  to do  Correct the return. Then type `cornerstone run`.",
        "  told   log 11 February 2026 06:00 UTC, webhook 11 February 2026 06:00 UTC",
        "channels log, webhook; `cornerstone alerts --test` tries them",
    ]


# --- the daemon ---------------------------------------------------------------------------------------------------

CHILD = "Zebedee-Quillfeather"


@dg.op
def _step() -> None:
    raise ValueError(f"could not convert {CHILD} to a date")


@dg.op
def _well() -> None:
    """A step in which nothing happens."""


@dg.op
def _said() -> None:
    raise dg.Failure(f"the file {CHILD}.xml cannot be read")


def test_the_sensor_tells_of_runs_as_the_command_does_and_never_what_an_exception_said(
    settings: Settings, web: WebServer, catalogue: Catalogue, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    census(settings, "2026-01", people="invented")
    assert refresh.name == WHOLE_JOB
    caplog.set_level(logging.INFO, logger="cornerstone")
    sensor = alerts_sensor(settings, catalogue)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING

    def run(step: dg.OpDefinition) -> None:
        dg.GraphDefinition("refresh", node_defs=[step]).to_job("refresh").execute_in_process(
            instance=instance, raise_on_error=False
        )

    with dg.instance_for_test() as instance:
        run(_step)  # before the service was there, and mended since
        run(_well)
        context = dg.build_sensor_context(instance=instance)
        assert str(sensor(context).skip_message) == "alerts that stand: 0; told of now: 0"  # type: ignore[union-attr]
        run(_step)
        assert str(sensor(context).skip_message) == "alerts that stand: 1; told of now: 1"  # type: ignore[union-attr]
        assert str(sensor(context).skip_message) == "alerts that stand: 1; told of now: 0"  # type: ignore[union-attr]
        run(_said)
        sensor(context)
        run(_well)
        assert str(sensor(context).skip_message) == "alerts that stand: 0; told of now: 1"  # type: ignore[union-attr]
    told = [[*titles(post, "new"), *titles(post, "resolved")] for post in web.posted]
    assert told == [["run of refresh failed"], ["run of refresh failed"]]
    assert "failed at _step (Dagster run " in web.posted[0]["text"]
    posts = tmp_path / "posts"
    posts.mkdir()
    (posts / "posts.json").write_text(json.dumps(web.posted))
    (posts / "log.txt").write_text(
        "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("cornerstone"))
    )
    assert (posts / "log.txt").read_text().count("run of refresh failed") == 2
    sentinel.plant_control(tmp_path / "control", CHILD)
    assert sentinel.scan(tmp_path / "control", [CHILD])
    assert sentinel.scan(posts, [CHILD]) == []
    assert sentinel.scan(settings.store / "alerts", [CHILD]) == []


def test_the_log_is_always_a_channel(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    census(settings, "2026-01", people="invented")
    alone = settings.model_copy(update={"alert_webhook_url": None})
    caplog.set_level(logging.INFO)
    notify(alone, [FAILED], day(1))
    notify(alone, [], day(9))
    notify(alone, [WELL], day(10))
    said = [one.getMessage().split(":")[0] for one in caplog.records if one.name == "cornerstone.alerts"]
    assert said == ["alert", "alert still stands", "alert over"]
