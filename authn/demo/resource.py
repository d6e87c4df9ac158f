"""The demo resource: an API that asks the provider about each access token.

By introspection (RFC 7662) the resource learns in which capacity and for whom somebody acts, and
answers what it would allow. It reads nothing from the token itself.
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

# The scopes, each with what it allows; `town` registers who may obtain each.
SCOPES: Final[Mapping[str, str]] = {
    "record:read": N_("Read the medical record"),
    "prescription:collect": N_("Collect prescriptions"),
    "prescription:write": N_("Write prescriptions"),
    "planning:read": N_("See the planning of the organisation"),
}
# The members of an introspection response about the person.
IDENTITY: Final = ("sub", "ssin", "userProfile", "act", "may_act")
SECONDS: Final = 10
NO_STORE: Final = {"Cache-Control": "no-store"}
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ResourceRegistration:
    """The registration of the demo resource at the provider."""

    issuer: str
    client_id: str
    client_secret: str
    address: str
    """Where applications reach it, without a path."""

    @property
    def resource(self) -> str:
        """The audience of access tokens for the resource."""
        return f"{self.address}/records"


@dataclass(frozen=True, slots=True)
class ResourceCall:
    """A call of an application: the provider's answer about the token, and what was allowed."""

    at: datetime
    client_id: str
    identity: Mapping[str, Any]
    allowed: Mapping[str, bool]


class DemoResource:
    """The API of the demo resource, and a page that shows the latest calls."""

    def __init__(self, registration: ResourceRegistration, pages: Pages, clock: Clock) -> None:
        self.registration = registration
        self.pages = pages
        self.clock = clock
        self.calls: deque[ResourceCall] = deque(maxlen=SHOWN)

    async def records(self, request: Request) -> Response:
        """The caller's identity and permissions; 401 without an active token (RFC 6750 §3.1)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _error(401, 'Bearer realm="records"', "no_token")
        try:
            response = await self._introspect(token)
        except httpx2.HTTPError:
            return _error(503, None, "temporarily_unavailable")
        if response.get("active") is not True:
            return _error(401, 'Bearer error="invalid_token"', "invalid_token")
        call = self._keep_call(response)
        answer = {
            "identity": remove_numbers(call.identity),
            "scope": response.get("scope", ""),
            "allowed": [scope for scope, allowed in call.allowed.items() if allowed],
            "refused": [scope for scope, allowed in call.allowed.items() if not allowed],
        }
        return JSONResponse(answer, headers=NO_STORE)

    def home(self, request: Request) -> Response:
        """The page about the resource, with the latest calls, the last first."""
        wishes = accepted_languages(request.headers.get("accept-language", ""))
        context = {
            "resource": self.registration.resource,
            "scopes": SCOPES,
            "calls": list(reversed(self.calls)),
        }
        html = self.pages.render("demo/resource.html", choose_language(wishes, "en"), context)
        return HTMLResponse(html, headers=NO_STORE)

    async def _introspect(self, token: str) -> Mapping[str, Any]:
        registration = self.registration
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(
                f"{registration.issuer}/introspect",
                data={"token": token},
                auth=(registration.client_id, registration.client_secret),
            )
            answer.raise_for_status()
        response: Mapping[str, Any] = answer.json()
        return response

    def _keep_call(self, response: Mapping[str, Any]) -> ResourceCall:
        given = str(response.get("scope", "")).split()
        call = ResourceCall(
            at=self.clock(),
            client_id=str(response.get("client_id", "")),
            identity={name: response[name] for name in IDENTITY if name in response},
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


def remove_numbers(value: Any) -> Any:
    """The JSON value without any national number, which the application needs not get from here."""
    if isinstance(value, Mapping):
        return {name: remove_numbers(each) for name, each in value.items() if name != "ssin"}
    return [remove_numbers(each) for each in value] if isinstance(value, list) else value


def _error(status: int, challenge: str | None, error: str) -> Response:
    headers = {**NO_STORE, **({"WWW-Authenticate": challenge} if challenge else {})}
    return JSONResponse({"error": error}, status, headers=headers)
