"""The ways by which people are told: the log always, e-mail and a webhook where they are set.

A channel that cannot deliver says in a sentence why, in words of ours: what a server or a library says can hold the
password or the token of the address.
"""

import logging
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote, urlsplit

from orchestration.alerts.message import Message
from orchestration.settings import SMTP_PORTS, Settings

log = logging.getLogger("cornerstone.alerts")

TIMEOUT_SECONDS = 10.0
PAUSES_SECONDS = (1.0, 4.0)
"""Between attempts of one message, where another can help; the next run or tick of the daemon tries again anyway."""

_TEMPORARY_REPLY = range(400, 500)  # RFC 5321, 4.2.1: the sender may try again


class NotDelivered(Exception):
    """A channel could not deliver: why, in one sentence without any secret, and whether it may pass by itself."""

    def __init__(self, why: str, *, may_pass: bool) -> None:
        super().__init__(why)
        self.may_pass = may_pass


def _out_of_reach(host: str | None) -> NotDelivered:
    return NotDelivered(
        f"{host} cannot be reached, or does not answer within {TIMEOUT_SECONDS:g} seconds", may_pass=True
    )


class Channel(Protocol):
    """A way to tell people. Another one is another class here, and a line in `channels`."""

    name: str

    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            NotDelivered: it could not.
        """


def channels(settings: Settings) -> list[Channel]:
    """Every channel that is set; the log is always one."""
    found: list[Channel] = [Log()]
    if settings.alert_smtp_url is not None:
        assert settings.alert_email_from is not None
        assert settings.alert_email_to is not None
        to = [address.strip() for address in settings.alert_email_to.split(",")]
        found.append(Email(settings.alert_smtp_url.get_secret_value(), settings.alert_email_from, to))
    if settings.alert_webhook_url is not None:
        found.append(Webhook(settings.alert_webhook_url.get_secret_value()))
    return found


def deliver(channel: Channel, message: Message) -> str | None:
    """Send a message by one channel, again where that can help; why it could not be delivered, or None.

    A channel that fails is a line in the log: it stops neither the run nor the other channels.
    """
    for pause in (*PAUSES_SECONDS, None):
        try:
            channel.send(message)
        except NotDelivered as failed:
            if failed.may_pass and pause is not None:
                time.sleep(pause)
                continue
            log.warning("an alert could not be sent by %s: %s; the next run tries again", channel.name, failed)
            return str(failed)
        return None
    return None


class Log:
    """A line an alert in the log: the terminal of `cornerstone run`, the journal of a service."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write a line an alert."""
        if message.is_trial:
            log.warning("alert: this is a trial, nothing is wrong")
        for said, group in {"alert": message.new, "alert still stands": message.reminded}.items():
            for one in group:
                log.warning("%s: %s. %s To do: %s", said, one.alert.title, one.alert.what, one.alert.action)
        for one in message.resolved:
            log.info("alert over: %s", one.alert.title)


class Email:
    """A message by SMTP: with TLS from the start (smtps), after STARTTLS (smtp+starttls), or without (smtp)."""

    name = "e-mail"

    def __init__(self, url: str, sender: str, to: list[str]) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._to = to

    def send(self, message: Message) -> None:
        """Deliver to every address.

        Raises:
            NotDelivered: no address was delivered to.
        """
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, ", ".join(self._to), message.subject
        mail["Message-ID"] = make_msgid(domain=parseaddr(self._sender)[1].rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in answer
        mail.set_content(message.text)
        with self._told_plainly(), self._connected() as server:
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            if refused := server.send_message(mail):
                log.warning(
                    "an alert was sent by e-mail, but %d of %d addresses were refused", len(refused), len(self._to)
                )

    def _connected(self) -> smtplib.SMTP:
        host, port = self._url.hostname or "", self._url.port or SMTP_PORTS[self._url.scheme]
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        if self._url.scheme == "smtp+starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except (smtplib.SMTPException, OSError):
                server.close()
                raise
        return server

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        host = self._url.hostname
        try:
            yield
        except ssl.SSLCertVerificationError:
            raise NotDelivered(
                f"the certificate of {host} is not trusted; SSL_CERT_FILE names the file of your own authority",
                may_pass=False,
            ) from None
        except smtplib.SMTPAuthenticationError:
            raise NotDelivered(f"{host} does not accept the user or the password", may_pass=False) from None
        except smtplib.SMTPNotSupportedError:
            raise NotDelivered(
                f"{host} lacks what is asked of it: STARTTLS, a login, or addresses in other than ASCII signs",
                may_pass=False,
            ) from None
        except smtplib.SMTPRecipientsRefused as refused:
            may_pass = any(code in _TEMPORARY_REPLY for code, _ in refused.recipients.values())
            raise NotDelivered(f"{host} refuses every address", may_pass=may_pass) from None
        except smtplib.SMTPResponseException as answered:
            raise NotDelivered(
                f"{host} answered {answered.smtp_code}", may_pass=answered.smtp_code in _TEMPORARY_REPLY
            ) from None
        except (smtplib.SMTPServerDisconnected, OSError):
            raise _out_of_reach(host) from None


class Webhook:
    """A message as JSON by one POST: `subject`, `text` and the alerts with their parts."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post the message; the address is the one set, no other to which a server might point.

        Raises:
            NotDelivered: anything but an answer of success.
        """
        import requests

        host = urlsplit(self._url).hostname
        try:
            answer = requests.post(self._url, json=message.facts, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.exceptions.SSLError:
            raise NotDelivered(
                f"the certificate of {host} is not trusted; REQUESTS_CA_BUNDLE names the file of your own authority",
                may_pass=False,
            ) from None
        except requests.exceptions.RequestException:
            raise _out_of_reach(host) from None
        status = answer.status_code
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            may_pass = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            raise NotDelivered(f"{host} answered {status}", may_pass=may_pass)
