"""What is known of who connects: from the connection itself, or from a proxy that is trusted.

A proxy's word is taken from the addresses of the setting `trusted_proxies` alone: the client's
address (X-Forwarded-For, read by uvicorn's middleware), and its certificate in the one header that
the setting `client_certificate_header` names. Here, since only here it is still known who connected
to us.
"""

from collections.abc import Iterable
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from authn.settings import Settings

CLIENT_CERTIFICATE = "authn.client_certificate"


class TrustedProxies:
    """The outermost layer: takes what a trusted proxy says, and nothing of anybody else."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.trusted: Any = ()
        if settings.trusted_proxies:
            forwarded = ProxyHeadersMiddleware(cast(Any, app), settings.trusted_proxies)
            self.app, self.trusted = cast(ASGIApp, forwarded), forwarded.trusted_hosts
        self.header = settings.client_certificate_header.lower().encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            certificate = self._certificate(scope)
            if certificate:
                scope[CLIENT_CERTIFICATE] = certificate
        await self.app(scope, receive, send)

    def _certificate(self, scope: Scope) -> str:
        """The client's certificate as it was sent, not read yet; "" for none."""
        if not self.header:
            return _of_the_connection(scope)
        peer = scope.get("client")
        if (peer[0] if peer else None) not in self.trusted:
            return ""
        headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        sent = [value for name, value in headers if name == self.header]
        # A proxy that adds its own to the client's, instead of replacing that, tells nothing.
        return sent[0].decode("latin-1") if len(sent) == 1 else ""


def _of_the_connection(scope: Scope) -> str:
    """ASGI TLS extension: https://asgi.readthedocs.io/en/latest/specs/tls.html."""
    tls = scope.get("extensions", {}).get("tls", {})
    chain: list[str] = tls.get("client_cert_chain") or [""]
    return chain[0]
