"""SMTP (https://www.rfc-editor.org/rfc/rfc5321) with a real server: TLS, refusals, hanging.

Each conversation is aiosmtpd's with smtplib, over a socket of this machine.
"""

import ssl
import threading
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from authn.outbox import smtp
from authn.outbox.outbox import DeliveryNotBegun, DeliveryRefused, DestinationUnreachable
from authn.outbox.smtp import mail_sender
from authn.settings import Settings
from tests import mail_server
from tests.mail_server import MailServer


def mail(to: str = "hanne@example.org") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = "no-reply@example.org"
    message["To"] = to
    message["Date"] = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    message["Subject"] = "Één toestel"
    message["Message-ID"] = "<one@example.org>"
    message.set_content("Goedendag, é", cte="quoted-printable")
    return message


def plain(server: MailServer) -> Settings:
    return Settings(smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none")


def protected(server: MailServer, security: str, password: str) -> Settings:
    return Settings(
        smtp_host="localhost",
        smtp_port=server.port,
        smtp_security=security,
        smtp_user="authn",
        smtp_password=SecretStr(password),
    )


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for localhost, which the client trusts."""
    context, root = mail_server.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    return context


def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server.running() as server, mail_sender(plain(server)) as send:
        send(mail())
        send(mail("karim@example.org"))
    first, _ = server.mails
    assert first["Subject"] == "Één toestel"
    assert first.get_content().strip() == "Goedendag, é"
    assert server.recipients == ["hanne@example.org", "karim@example.org"]


@pytest.mark.parametrize(
    ("reply", "failure", "words"),
    [
        ("550 5.1.1 <hanne@example.org>: unknown", DeliveryRefused, "recipient: 550 5.1.1"),
        ("553 no such hanne@example.org", DeliveryRefused, "recipient: 553"),
        ("451 4.7.1 greylisted, hanne@example.org", DeliveryNotBegun, "recipient: 451 4.7.1"),
        ("452 4.2.2 mailbox full", DeliveryNotBegun, "recipient: 452 4.2.2"),
        ("421 going away", DestinationUnreachable, "recipient: 421"),
    ],
)
def test_a_refused_recipient_is_for_ever_or_for_now_as_its_code_says(
    reply: str, failure: type[Exception], words: str
) -> None:
    """RFC 5321 §4.2.1; and what the server said beyond its codes is not kept."""
    with mail_server.running() as server:
        server.replies_to_recipient = [reply]
        with mail_sender(plain(server)) as send, pytest.raises(failure) as raised:
            send(mail())
    assert str(raised.value) == words
    assert server.mails == []


@pytest.mark.parametrize(
    ("reply", "failure"),
    [("554 5.7.1 looks like spam", DeliveryRefused), ("451 later", DeliveryNotBegun)],
)
def test_refused_content_is_for_ever_or_for_now(reply: str, failure: type[Exception]) -> None:
    with mail_server.running() as server:
        server.replies_to_content = [reply]
        with mail_sender(plain(server)) as send, pytest.raises(failure):
            send(mail())


def test_after_a_refusal_the_next_mail_goes_over_the_same_connection() -> None:
    with mail_server.running() as server:
        server.replies_to_recipient = ["550 no"]
        with mail_sender(plain(server)) as send:
            with pytest.raises(DeliveryRefused):
                send(mail())
            send(mail())
    assert len(server.mails) == 1


def test_a_server_that_closes_in_the_middle_is_unreachable_and_tried_anew() -> None:
    with mail_server.running() as server:
        server.close = True
        with mail_sender(plain(server)) as send:
            with pytest.raises(DestinationUnreachable):
                send(mail())
            server.close = False
            send(mail())
    assert len(server.mails) == 1


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 0.3)
    with mail_server.running() as server:
        server.hang = threading.Event()
        with (
            mail_sender(plain(server)) as send,
            pytest.raises(DestinationUnreachable, match="send"),
        ):
            send(mail())


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with mail_server.running() as server:
        pass
    with mail_sender(plain(server)) as send, pytest.raises(DestinationUnreachable, match="connect"):
        send(mail())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_over_tls_after_signing_in(trusted: ssl.SSLContext, security: str) -> None:
    options = {security: trusted}
    with (
        mail_server.running(**options) as server,
        mail_sender(protected(server, security, "right")) as send,
    ):
        send(mail())
    assert len(server.mails) == 1
    assert server.users == ["authn"]


def test_nothing_is_sent_to_a_server_without_starttls(trusted: ssl.SSLContext) -> None:
    """No downgrade: an attacker in between can strip the offer (RFC 3207 §6)."""
    with (
        mail_server.running() as server,
        mail_sender(protected(server, "starttls", "right")) as send,
        pytest.raises(DestinationUnreachable, match="sign in"),
    ):
        send(mail())
    assert server.mails == []
    assert server.users == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_an_unknown_root_is_refused(tmp_path: Path, security: str) -> None:
    context, _ = mail_server.certificate(tmp_path)
    options = {security: context}
    with (
        mail_server.running(**options) as server,
        mail_sender(protected(server, security, "right")) as send,
        pytest.raises(DestinationUnreachable, match="SSLCertVerificationError"),
    ):
        send(mail())
    assert server.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    context, root = mail_server.certificate(tmp_path, host="mail.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    options = {security: context}
    with (
        mail_server.running(**options) as server,
        mail_sender(protected(server, security, "right")) as send,
        pytest.raises(DestinationUnreachable, match="SSLCertVerificationError"),
    ):
        send(mail())
    assert server.mails == []


def test_a_wrong_password_is_unreachable_and_says_only_its_code(trusted: ssl.SSLContext) -> None:
    with (
        mail_server.running(starttls=trusted) as server,
        mail_sender(protected(server, "starttls", "wrong")) as send,
        pytest.raises(DestinationUnreachable) as raised,
    ):
        send(mail())
    assert str(raised.value) == "sign in: 535 5.7.8"


@pytest.mark.parametrize(
    "values",
    [
        {"smtp_host": "mail.example.org", "smtp_security": "none"},
        {"smtp_host": "localhost", "smtp_security": "none", "smtp_user": "authn"},
        {"smtp_host": "mail.example.org", "mail_directory": "mails"},
        {"issuer": "https://login.example.org", "mail_directory": "mails"},
        {"mail_from": "a@b.example\r\nBcc: x@y.example"},
        {"mail_from": "Authn <a@b.example>"},
        {"mail_from": "nobody"},
    ],
)
def test_settings_that_would_send_in_the_open_or_nowhere_are_refused(
    values: dict[str, str],
) -> None:
    with pytest.raises(ValidationError):
        Settings(**values)  # type: ignore[arg-type]


def test_while_developing_a_mail_is_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "mails"
    with mail_sender(Settings(mail_directory=directory)) as send:
        send(mail())
        send(mail())
    (file,) = directory.iterdir()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    assert directory.stat().st_mode & 0o077 == 0
    written = message_from_bytes(file.read_bytes(), policy=default)
    assert written["To"] == "hanne@example.org"


def test_a_folder_that_cannot_be_written_is_unreachable(tmp_path: Path) -> None:
    occupied = tmp_path / "mails"
    occupied.write_text("a file")
    with (
        mail_sender(Settings(mail_directory=occupied)) as send,
        pytest.raises(DestinationUnreachable),
    ):
        send(mail())
