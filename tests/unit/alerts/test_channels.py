"""Channels against real servers on this machine: what arrives, and what is said when it does not."""

import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.alerts import channels as channels_module
from orchestration.alerts.channels import Channel, Email, Webhook, channels, deliver
from orchestration.alerts.message import Message, Told
from orchestration.alerts.standing import Alert
from orchestration.settings import Settings, load_settings
from tests.servers import PASSWORD, QUOTED, USER, mail_server, make_certificate, web_server

SINCE = datetime(2026, 2, 12, tzinfo=UTC)
ALERT = Alert(
    "disk_low", "store", "disk low: 1.0 GiB free", "It is low.", "The release stands.", "data-engineering", "Free some."
)
MESSAGE = Message("/srv/store on host, authority 372", new=[Told(ALERT, SINCE)])
SENDER, TO = "Cornerstone <cornerstone@council.example>", ["one@council.example", "two@council.example"]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels_module, "PAUSES_SECONDS", (0.0, 0.0))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path / "localhost.pem")


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]  # bound, and nobody listens


def test_a_plain_mail_reaches_every_address_with_its_headers() -> None:
    with mail_server() as server:
        assert deliver(Email(server.url, SENDER, TO), MESSAGE) is None
        [mail] = server.mails
        assert mail["Subject"] == "Cornerstone: disk low: 1.0 GiB free"
        assert (mail["From"], mail["Auto-Submitted"]) == (SENDER, "auto-generated")
        assert mail["Message-ID"].endswith("@council.example>")
        assert mail.get_content().splitlines() == [
            "New: disk low: 1.0 GiB free",
            "  what    It is low.",
            "  since   12 February 2026 00:00 UTC",
            "  stands  The release stands.",
            "  owner   data-engineering",
            "  to do   Free some.",
            "",
            "Store /srv/store on host, authority 372. `cornerstone alerts` shows what stands.",
        ]
        assert server.recipients == [TO]


def test_a_mail_after_starttls_and_login(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, login=True) as server:
        assert deliver(Email(server.url, SENDER, TO), MESSAGE) is None
        assert (len(server.mails), server.was_encrypted) == (1, [True])


def test_a_wrong_password_is_said_and_not_tried_again(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, login=True) as server:
        wrong = server.url.replace(QUOTED, "send:Wr0ng-secret")
        assert deliver(Email(wrong, SENDER, TO), MESSAGE) == "localhost does not accept the user or the password"
        assert server.mails == []
    assert "Wr0ng-secret" not in caplog.text
    assert [record.levelno for record in caplog.records if record.name.startswith("cornerstone")] == [logging.WARNING]


def test_a_certificate_of_a_stranger_is_not_trusted_and_gets_no_password(certificate: Path) -> None:
    with mail_server(certificate, login=True) as server:
        why = deliver(Email(server.url, SENDER, TO), MESSAGE)
        assert why is not None
        assert why.startswith("the certificate of localhost is not trusted; SSL_CERT_FILE")
        assert server.mails == []


def test_a_server_without_starttls_gets_no_mail_where_it_was_asked_for() -> None:
    with mail_server() as server:
        asked = server.url.replace("smtp://", "smtp+starttls://")
        assert "lacks what is asked of it: STARTTLS" in str(deliver(Email(asked, SENDER, TO), MESSAGE))
        assert server.mails == []


def test_a_busy_mail_server_is_tried_again_and_one_that_refuses_is_not() -> None:
    with mail_server() as server:
        server.answers = ["451 later", "451 later"]
        assert deliver(Email(server.url, SENDER, TO), MESSAGE) is None
        assert server.attempts == 2
    with mail_server() as server:
        server.answers = ["550 nobody of that name"] * 2
        assert deliver(Email(server.url, SENDER, TO), MESSAGE) == "localhost refuses every address"
        assert server.mails == []


def test_an_address_that_is_refused_does_not_keep_the_mail_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    with mail_server() as server:
        server.answers = ["550 nobody of that name"]
        assert deliver(Email(server.url, SENDER, TO), MESSAGE) is None
        assert server.recipients == [TO[1:]]
    assert "1 of 2 addresses were refused" in caplog.text


def test_a_post_carries_text_and_parts() -> None:
    with web_server() as server:
        assert deliver(Webhook(server.url), MESSAGE) is None
        [posted] = server.posted
    assert posted["text"] == MESSAGE.text
    assert posted["subject"] == MESSAGE.subject
    assert posted["new"] == [
        {
            "kind": "disk_low", "about": "store", "title": "disk low: 1.0 GiB free", "what": "It is low.",
            "stands": "The release stands.", "owner": "data-engineering", "action": "Free some.",
            "since": "2026-02-12T00:00:00+00:00", "until": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "attempts", "why"),
    [
        ([503, 429], 3, None),
        ([500] * 9, 3, "localhost answered 500"),
        ([404] * 9, 1, "localhost answered 404"),
        ([302] * 9, 1, "localhost answered 302"),
    ],
)
def test_a_post_is_tried_again_where_that_can_help(answers: list[int], attempts: int, why: str | None) -> None:
    with web_server() as server:
        server.answers = answers
        assert deliver(Webhook(server.url), MESSAGE) == why
        assert server.attempts == attempts


@pytest.mark.parametrize("name", ["e-mail", "webhook"])
def test_a_server_that_is_down_is_one_sentence_without_the_token(
    name: str, unused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    down: dict[str, Channel] = {
        "e-mail": Email(f"smtps://{QUOTED}@localhost:{unused_port}", SENDER, TO),
        "webhook": Webhook(f"http://localhost:{unused_port}/hook/s3cret-token"),
    }
    assert deliver(down[name], MESSAGE) == "localhost cannot be reached, or does not answer within 10 seconds"
    [said] = [record.getMessage() for record in caplog.records if record.name == "cornerstone.alerts"]
    assert said == (
        f"an alert could not be sent by {name}: localhost cannot be reached, or does not answer within 10 seconds; the next run tries again"
    )


@pytest.mark.parametrize("name", ["e-mail", "webhook"])
def test_a_server_that_never_answers_is_waited_for_and_no_longer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels_module, "TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        channel = (
            Email(f"smtp://127.0.0.1:{port}", SENDER, TO) if name == "e-mail" else Webhook(f"http://127.0.0.1:{port}/")
        )
        assert "does not answer within 0.2 seconds" in str(deliver(channel, MESSAGE))


def test_channels_are_those_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [channel.name for channel in channels(settings)] == ["log"]
    monkeypatch.setenv("CORNERSTONE_ALERT_EMAIL_FROM", SENDER)
    monkeypatch.setenv("CORNERSTONE_ALERT_EMAIL_TO", ", ".join(TO))
    monkeypatch.setenv("CORNERSTONE_ALERT_SMTP_URL", f"smtp+starttls://{QUOTED}@mail.council.example")
    monkeypatch.setenv("CORNERSTONE_ALERT_WEBHOOK_URL", "https://hooks.council.example/s3cret-token")
    read = load_settings()
    assert [channel.name for channel in channels(read)] == ["log", "e-mail", "webhook"]
    for secret in (PASSWORD, USER, QUOTED, "s3cret-token"):
        assert secret not in repr(read)
