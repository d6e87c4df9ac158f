"""CORS: the origins whose scripts may read the answers of /token, /userinfo and /revoke.

They are the origins of public clients' redirect URIs, whose applications run in the browser. CORS
does not protect these endpoints, whose callers bring a code or a token and no cookie; so the origin
of any public client will do. Discovery and JWKS are open to all origins, /authorize to none
(decisions 4.17). https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from dataclasses import dataclass
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authn.clients.clients import public_client_origins
from authn.db.transaction import reading
from authn.oidc.tokens.dpop import NONCE_HEADER
from authn.web.site import Site

PATHS = frozenset({"/token", "/userinfo", "/revoke"})
REMEMBERED = timedelta(minutes=1)
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
    "Access-Control-Max-Age": "3600",
}


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """The origins of all public clients, read from the database less than a minute ago."""

    known: frozenset[str]


class Cors:
    """A middleware that adds the headers of CORS to answers, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a preflight, and adds the headers to any other answer."""
        origin = Headers(scope=scope).get("origin") if _concerned(scope) else None
        if origin is None:
            await self.app(scope, receive, send)
            return
        headers = {"Vary": "Origin"}
        if origin in await _origins(scope["app"].state.site):
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Expose-Headers": f"WWW-Authenticate, {NONCE_HEADER}",
            }

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)


def _concerned(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] in PATHS


async def _origins(site: Site) -> frozenset[str]:
    origins = site.memory.recall(AllowedOrigins, site.clock(), REMEMBERED)
    if origins is None:
        origins = await run_in_threadpool(_read_origins, site)
    return origins.known


def _read_origins(site: Site) -> AllowedOrigins:
    with reading(site.database) as connection:
        return site.memory.keep(AllowedOrigins(public_client_origins(connection)), site.clock())
