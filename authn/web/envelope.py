"""Around every request: a reference number, security headers, one log line, no traceback out.

A plain ASGI middleware: Starlette's BaseHTTPMiddleware would cost more than a login's signature.
"""

import os
from collections.abc import Callable, Iterable

from starlette.requests import Request as HttpRequest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authn.settings import Settings
from authn.web.failures import answer_failure
from authn.web.logs import logger, route_path

# No 0, 1, I, L, O, U: a reference is read aloud to the help desk.
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 10


def new_reference() -> str:
    """A number for one request: ten characters, random, not a secret."""
    size = len(REFERENCE_ALPHABET)
    return "".join([REFERENCE_ALPHABET[byte % size] for byte in os.urandom(REFERENCE_LENGTH)])


def content_security_policy(form_action: str = "'self'", frames: Iterable[str] = ()) -> str:
    """Scripts and styles from our own files alone; framed by nobody (CSP Level 3).

    `frames` are the origins that the page may show in frames: none, but on one page.
    """
    frame_src = f"frame-src {' '.join(sorted(frames))}; " if frames else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; {frame_src}form-action {form_action}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def _security_headers(settings: Settings) -> list[tuple[bytes, bytes]]:
    headers = {
        "content-security-policy": content_security_policy(),
        "x-content-type-options": "nosniff",
        # Not `no-referrer`: browsers then send `Origin: null` with our own forms (Fetch, "append a
        # request `Origin` header"), and the check that they come from us would refuse them.
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": (
            "publickey-credentials-get=(self), publickey-credentials-create=(self)"
        ),
        "x-frame-options": "DENY",
    }
    if settings.secure:
        headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class Envelope:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, settings: Settings, monotonic: Callable[[], float]) -> None:
        self.app = app
        self.headers = _security_headers(settings)
        self.monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; a crash inside becomes a clean answer with its reference."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = self.monotonic()
        reference = new_reference()
        scope.setdefault("state", {})["reference"] = reference
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                ours = [header for header in self.headers if header[0] not in present]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if status:
                raise  # the answer had begun; nothing better can be said
            response = await answer_failure(HttpRequest(scope), error)
            await response(scope, receive, send_with_headers)
        finally:
            logger.info(
                "request",
                reference=reference,
                method=scope["method"],
                path=route_path(scope),
                status=status,
                milliseconds=round((self.monotonic() - started) * 1000, 1),
            )
