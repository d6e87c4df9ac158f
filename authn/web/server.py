"""How uvicorn serves an application of ours."""

import asyncio
import ssl
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from authn.settings import Settings

BACKLOG = 2048


class TlsProtocol(HttpToolsProtocol):
    """uvicorn's, which also tells the client's certificate (ASGI TLS extension).

    https://asgi.readthedocs.io/en/latest/specs/tls.html. OpenSSL has verified it against the roots;
    one that it can't verify, as every self-signed one, ends the connection.
    """

    client_cert_chain: tuple[str, ...] = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The handshake is over."""
        super().connection_made(transport)
        connection: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = connection.getpeercert(binary_form=True) if connection else None
        if certificate:
            self.client_cert_chain = (ssl.DER_cert_to_PEM_cert(certificate),)

    def on_message_begin(self) -> None:
        """A request begins: its scope is made here."""
        super().on_message_begin()
        tls: Any = {"client_cert_chain": self.client_cert_chain}
        self.scope["extensions"] = {"tls": tls}


def server_options(settings: Settings) -> dict[str, Any]:
    """uvicorn's options for these settings."""
    return {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "ws": "none",  # nothing of ours speaks it, and uvicorn logs its address and query
        "proxy_headers": False,  # `web.proxies` reads them: it must know who connected
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": 5,
        **(_tls_options(settings) if settings.tls_certificate else {}),
    }


def _tls_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "ssl_certfile": settings.tls_certificate,
        "ssl_keyfile": settings.tls_key,
    }
    if settings.asks_for_certificates:
        options |= {
            "http": TlsProtocol,
            "ssl_ca_certs": settings.client_certificate_roots,
            "ssl_cert_reqs": ssl.CERT_OPTIONAL,
        }
    return options
