"""The demo resource: an API that asks the provider about each token that it is sent.

It is told in which capacity somebody acts, and for whom (RFC 7662, Token Introspection), and says
what it would allow. It believes nothing of what it was sent itself.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from authn.clock import Clock
from authn.errors import N_
from authn.web.languages import accepted_languages, choose_language
from authn.web.pages import STATIC, Pages
from authn.web.static import VersionedFiles

# What there is to do, each with the scope that it needs; who may obtain it, `town` registers.
SCOPES: Final[Mapping[str, str]] = {
    "record:read": N_("Read the medical record"),
    "prescription:collect": N_("Collect prescriptions"),
    "prescription:write": N_("Write prescriptions"),
    "planning:read": N_("See the planning of the organisation"),
}
# What of an introspection answer says who it is.
IDENTITY: Final = ("sub", "ssin", "userProfile", "act", "may_act")
SECONDS: Final = 10
NO_STORE: Final = {"Cache-Control": "no-store"}
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ResourceRegistration:
    """What the operator of the provider gave this resource."""

    issuer: str
    client_id: str
    client_secret: str
    address: str
    """Where applications reach it, without a path."""

    @property
    def resource(self) -> str:
        """What access tokens for it have as their audience."""
        return f"{self.address}/records"


@dataclass(frozen=True, slots=True)
class ResourceCall:
    """One call of an application: what the provider said of its token, and what was allowed."""

    at: datetime
    client_id: str
    identity: Mapping[str, Any]
    allowed: Mapping[str, bool]


class DemoResource:
    """Its API, and a page that shows the latest calls."""

    def __init__(self, registration: ResourceRegistration, pages: Pages, clock: Clock) -> None:
        self.registration = registration
        self.pages = pages
        self.clock = clock
        self.calls: deque[ResourceCall] = deque(maxlen=SHOWN)

    async def records(self, request: Request) -> Response:
        """Who the caller acts as, and what they could do here; 401 for a token that is worth
        nothing (RFC 6750 §3.1)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _error(401, 'Bearer realm="records"', "no_token")
        try:
            told = await self._introspected(token)
        except httpx2.HTTPError:
            return _error(503, None, "temporarily_unavailable")
        if told.get("active") is not True:
            return _error(401, 'Bearer error="invalid_token"', "invalid_token")
        call = self._noted(told)
        answer = {
            "identity": without_numbers(call.identity),
            "scope": told.get("scope", ""),
            "allowed": [scope for scope, allowed in call.allowed.items() if allowed],
            "refused": [scope for scope, allowed in call.allowed.items() if not allowed],
        }
        return JSONResponse(answer, headers=NO_STORE)

    def home(self, request: Request) -> Response:
        """What this is, and the latest calls, the last one first."""
        wishes = accepted_languages(request.headers.get("accept-language", ""))
        context = {
            "resource": self.registration.resource,
            "scopes": SCOPES,
            "calls": list(reversed(self.calls)),
        }
        html = self.pages.render("demo/resource.html", choose_language(wishes, "en"), context)
        return HTMLResponse(html, headers=NO_STORE)

    async def _introspected(self, token: str) -> Mapping[str, Any]:
        registration = self.registration
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(
                f"{registration.issuer}/introspect",
                data={"token": token},
                auth=(registration.client_id, registration.client_secret),
            )
            answer.raise_for_status()
        told: Mapping[str, Any] = answer.json()
        return told

    def _noted(self, told: Mapping[str, Any]) -> ResourceCall:
        given = str(told.get("scope", "")).split()
        call = ResourceCall(
            at=self.clock(),
            client_id=str(told.get("client_id", "")),
            identity={name: told[name] for name in IDENTITY if name in told},
            allowed={scope: scope in given for scope in SCOPES},
        )
        self.calls.append(call)
        return call


def create_demo_resource(
    registration: ResourceRegistration, pages: Pages, clock: Clock
) -> Starlette:
    """The ASGI application of the demo resource."""
    demo = DemoResource(registration, pages, clock)
    return Starlette(
        routes=[
            Route("/", demo.home),
            Route("/records", demo.records),
            Mount("/static", VersionedFiles(directory=STATIC)),
        ]
    )


def without_numbers(told: Any) -> Any:
    """The same without any national number: the application has no need of it from here."""
    if isinstance(told, Mapping):
        return {name: without_numbers(each) for name, each in told.items() if name != "ssin"}
    return [without_numbers(each) for each in told] if isinstance(told, list) else told


def _error(status: int, challenge: str | None, error: str) -> Response:
    headers = {**NO_STORE, **({"WWW-Authenticate": challenge} if challenge else {})}
    return JSONResponse({"error": error}, status, headers=headers)
