"""Sends mails over SMTP (RFC 5321) with TLS, or into a folder while developing.

smtplib carries on the conversation; `translate_smtp_errors` decides which answer ends a mail and
which puts it off. Of a server's answer only the codes are kept or logged, for the text names the
address.
"""

import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from authn.outbox.outbox import DeliveryNotBegun, DeliveryRefused, DestinationUnreachable
from authn.settings import Settings

TIMEOUT_SECONDS = 20.0  # for each step of the conversation

GOING_AWAY = 421  # RFC 5321 §3.8: the server closes the connection

SendMail = Callable[[EmailMessage], None]

_CODE = re.compile(r"^\s*(\d\.\d{1,3}\.\d{1,3})\b")  # RFC 3463, at the beginning of a reply


def can_send(settings: Settings) -> bool:
    """Whether the settings name a mail server, or a folder for mails."""
    return bool(settings.smtp_host or settings.mail_directory)


@contextmanager
def mail_sender(settings: Settings) -> Iterator[SendMail]:
    """A function that sends a mail; all mails share one connection, opened for the first.

    The function raises `DeliveryRefused` when the server will never take the mail,
    `DeliveryNotBegun` when not now, and `DestinationUnreachable` when nothing can be sent now.
    """
    if settings.mail_directory:
        directory = settings.mail_directory
        yield lambda message: _write(directory, message)
        return
    connection = _Connection(settings)
    try:
        yield connection.send
    finally:
        connection.close()


class _Connection:
    """A connection to the mail server, opened again after a failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def send(self, message: EmailMessage) -> None:
        """The server has taken responsibility for the mail (RFC 5321 §6.1)."""
        if self._smtp is None:
            self._smtp = _connect(self._settings)
        try:
            with translate_smtp_errors():
                self._smtp.send_message(message)
        except DestinationUnreachable:
            self.close()
            raise

    def close(self) -> None:
        """The connection is closed, with QUIT where possible."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()


def _connect(settings: Settings) -> smtplib.SMTP:
    """A connection with TLS, signed in; raises `DestinationUnreachable`."""
    context = ssl.create_default_context()
    host, port = settings.smtp_host, settings.smtp_port
    try:
        smtp = (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
            if settings.smtp_security == "tls"
            else smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        )
    except (OSError, smtplib.SMTPException) as error:
        raise DestinationUnreachable(_describe("connect", error)) from error
    try:
        if settings.smtp_security == "starttls":
            # Raises when it is not offered: nothing is ever sent without it.
            smtp.starttls(context=context)
        if settings.smtp_user:
            smtp.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except (OSError, smtplib.SMTPException) as error:
        smtp.close()
        raise DestinationUnreachable(_describe("sign in", error)) from error
    return smtp


@contextmanager
def translate_smtp_errors() -> Iterator[None]:
    """An exception of smtplib in the block is raised as a `DeliveryFailed`."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refusal("recipient", code, text) from error
    except smtplib.SMTPDataError as error:
        raise _refusal("content", error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPServerDisconnected as error:
        raise DestinationUnreachable(_describe("send", error)) from error
    except smtplib.SMTPResponseException as error:
        # The sender is refused: that is about us, and an operator mends it.
        reply = _reply("sender", error.smtp_code, error.smtp_error)
        raise (
            DestinationUnreachable(reply)
            if error.smtp_code == GOING_AWAY
            else DeliveryNotBegun(reply)
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise DestinationUnreachable(_describe("send", error)) from error


def _refusal(step: str, code: int, text: bytes | str) -> Exception:
    """RFC 5321 §4.2.1: 5yz is for ever, 4yz for now; 421 ends the connection."""
    reply = _reply(step, code, text)
    if code == GOING_AWAY:
        return DestinationUnreachable(reply)
    return DeliveryRefused(reply) if 500 <= code < 600 else DeliveryNotBegun(reply)


def _reply(step: str, code: int, text: bytes | str) -> str:
    words = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    enhanced = _CODE.match(words)
    return f"{step}: {code}" + (f" {enhanced.group(1)}" if enhanced else "")


def _describe(step: str, error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(step, error.smtp_code, error.smtp_error)
    return f"{step}: {type(error).__name__}"


def _write(directory: Path, message: EmailMessage) -> None:
    """The mail is a file in the folder, whole or not at all, readable by its owner alone."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        when = parsedate_to_datetime(message["Date"])
        name = f"{when:%Y%m%dT%H%M%S}-{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
        unfinished = directory / f".{name}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        unfinished.rename(directory / name)
    except OSError as error:
        raise DestinationUnreachable(f"write: {type(error).__name__}") from error
