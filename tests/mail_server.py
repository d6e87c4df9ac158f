"""A real SMTP server on a free port of this machine: it keeps what it is given, or says no.

aiosmtpd, in a thread of its own; TLS by a certificate of the tests' own root.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser import free_socket
from tests.patience import BETWEEN_LOOKS, SECONDS


@dataclass(slots=True)
class MailServer:
    """What it was given, and what it answers: replies are used up in order, then it accepts."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    replies_to_recipient: list[str] = field(default_factory=list)
    replies_to_content: list[str] = field(default_factory=list)
    hang: Event | None = None
    close: bool = False

    # The names are aiosmtpd's.
    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """The address is taken, or the next reply is given."""
        if self.replies_to_recipient:
            return self.replies_to_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """The mail is kept, or the next reply is given."""
        while self.hang and not self.hang.is_set():
            await asyncio.sleep(BETWEEN_LOOKS)
        if self.close:
            server.transport.abort()
            return "250 never heard"
        if self.replies_to_content:
            return self.replies_to_content.pop(0)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.recipients.extend(envelope.rcpt_tos)
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        """Whoever has the password `right` is let in."""
        if data.password != b"right":
            return AuthResult(success=False, handled=False)
        self.users.append(data.login.decode())
        return AuthResult(success=True)


class _OnSocket(Controller):
    """Listens at a socket that is open already, so that nobody else can take its port."""

    def __init__(self, server: MailServer, listener: socket.socket, **options: Any) -> None:
        host, port = listener.getsockname()
        super().__init__(server, host, port, ready_timeout=SECONDS, **options)
        self.listener = listener

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(
            self._factory_invoker, sock=self.listener, ssl=self.ssl_context
        )


@contextmanager
def running(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[MailServer]:
    """A mail server for as long as the block runs."""
    listener = free_socket()
    server = MailServer(port=listener.getsockname()[1])
    options: dict[str, Any] = {"ssl_context": tls} if tls else {}
    if starttls:
        options |= {"tls_context": starttls, "require_starttls": True}
    controller = _OnSocket(
        server,
        listener,
        authenticator=server.authenticate,
        auth_require_tls=starttls is not None,
        **options,
    )
    controller.start()
    try:
        yield server
    finally:
        if server.hang:
            server.hang.set()
        controller.stop()


def certificate(directory: Path, host: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """The context of a server with a certificate for this host, and the root that vouches for it.

    The root's file is what SSL_CERT_FILE names.
    """
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server of the tests")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    root = directory / "root.pem"
    root.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file = directory / "key.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(root, key_file)
    return context, root
