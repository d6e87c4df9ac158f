"""The demo relying application: people sign in with OpenID Connect and see the claims.

The buttons ask for what a relying application may ask: a level, a capacity, an exchange of the
access token for a token of the demo resource, a revocation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from authn.demo.mails import mail_routes
from authn.demo.oauth_client import (
    KINDS,
    LEVELS,
    SCOPES,
    DemoAccount,
    DemoAccounts,
    DemoAnswer,
    DemoAuthorization,
    DemoCaller,
    DemoLoginOutcome,
    call,
)
from authn.demo.townspeople import Townsperson
from authn.errors import Refusal
from authn.web.body import parse_form, read_body
from authn.web.languages import accepted_languages, choose_language
from authn.web.pages import STATIC, Pages
from authn.web.static import VersionedFiles

__all__ = ["SCOPES", "DemoClientRegistration", "create_demo_application"]


@dataclass(frozen=True, slots=True)
class DemoClientRegistration:
    """The registration of the demo application at the OpenID Provider."""

    issuer: str
    client_id: str
    client_secret: str
    address: str
    """Where browsers reach the application, without a path."""
    resource: str = ""
    """The address of the demo resource's API; "" where there is none."""

    @property
    def redirect_uri(self) -> str:
        return f"{self.address}/callback"


class DemoApplication:
    """The pages and buttons of the demo application."""

    def __init__(
        self, registration: DemoClientRegistration, pages: Pages, town: Sequence[Townsperson]
    ) -> None:
        self.registration = registration
        self.pages = pages
        self.people = town
        self.accounts = DemoAccounts()
        self.oauth = OAuth()
        self.oauth.register(
            "authn",
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            server_metadata_url=f"{registration.issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPES, "code_challenge_method": "S256"},
        )

    async def home(self, request: Request) -> Response:
        """The start page, or the claims of whoever is signed in."""
        account = self._account(request)
        if account is None:
            return self._page(request, "home.html", 200, town=bool(self.people))
        try:
            metadata = await self.oauth.authn.load_server_metadata()
        except httpx2.HTTPError:
            metadata = {}
        return self._page(
            request,
            "signed_in.html",
            200,
            account=account,
            levels=_offered_levels(metadata),
            kinds=KINDS,
            resource=self.registration.resource,
            switches=_switches(account),
        )

    async def town(self, request: Request) -> Response:
        """The page of the fictitious people, with the roles of each."""
        issuer = self.registration.issuer
        return self._page(request, "town.html", 200, people=self.people, issuer=issuer)

    async def sign_in(self, request: Request) -> Response:
        """A redirect to the provider, with the wishes of the button."""
        asked = DemoAuthorization.of_form(await _form(request))
        try:
            response: Response = await self.oauth.authn.authorize_redirect(
                request,
                self.registration.redirect_uri,
                **asked.parameters(self.registration.resource),
            )
        except httpx2.HTTPError:
            return self._silent(request)
        return response

    async def callback(self, request: Request) -> Response:
        """Exchanges the code in the provider's response for tokens, or shows the error."""
        try:
            metadata = await self.oauth.authn.load_server_metadata()
            # RFC 8707 §2.2: the token is for userinfo, whatever else was granted.
            token = await self.oauth.authn.authorize_access_token(
                request, resource=metadata["userinfo_endpoint"]
            )
            userinfo = await self.oauth.authn.userinfo(token=token)
        except OAuthError as error:
            return self._error(request, error.error or "error", error.description or "")
        except httpx2.HTTPError:
            return self._silent(request)
        self.accounts.remove(request.session.get("account"))
        account = DemoAccount.of_token(token, dict(userinfo))
        request.session["account"] = self.accounts.add(account)
        return _redirect_home()

    async def exchange(self, request: Request) -> Response:
        """Exchanges the access token for one of the resource, and calls the resource.

        In the capacity of the sign-in, or in another capacity that the resource named.
        """
        account = self._account(request)
        subject = (await _form(request)).get("subject", "")
        if account and self.registration.resource:
            try:
                account.outcome = await self._exchanged(account, subject)
            except httpx2.HTTPError:
                return self._silent(request)
        return _redirect_home()

    async def _exchanged(self, account: DemoAccount, subject: str) -> DemoLoginOutcome:
        caller, resource = await self._caller(), self.registration.resource
        given = await caller.exchange(account.access_token, resource, subject)
        answers: dict[str, Mapping[str, Any]] = {"token": _body_without_token(given)}
        refused = given.refused
        if not given.refused:
            called = await call(resource, given.body["access_token"])
            answers["resource"], refused = called.body, called.refused
        return DemoLoginOutcome("switch" if subject else "exchange", answers, refused=refused)

    async def revoke(self, request: Request) -> Response:
        """Revokes the access token, and tries the token once more."""
        account = self._account(request)
        if account:
            try:
                caller = await self._caller()
                given_back = await caller.revoke(account.access_token)
                tried = await call(caller.endpoints["userinfo_endpoint"], account.access_token)
            except httpx2.HTTPError:
                return self._silent(request)
            answers = {
                "revocation": {"status": given_back.status},
                "userinfo": {"status": tried.status, **_body_without_token(tried)},
            }
            account.outcome = DemoLoginOutcome("revoke", answers, refused=given_back.refused)
        return _redirect_home()

    async def sign_out(self, request: Request) -> Response:
        """Signs out of the application, and redirects to sign out at the provider."""
        account = self.accounts.remove(request.session.get("account"))
        request.session.clear()
        metadata = await self.oauth.authn.load_server_metadata()
        parameters = {"post_logout_redirect_uri": self.registration.address + "/"}
        if account:
            parameters["id_token_hint"] = account.id_token
        location = f"{metadata['end_session_endpoint']}?{urlencode(parameters)}"
        return RedirectResponse(location, status_code=303)

    def _account(self, request: Request) -> DemoAccount | None:
        return self.accounts.find(request.session.get("account"))

    async def _caller(self) -> DemoCaller:
        own = self.registration
        metadata = await self.oauth.authn.load_server_metadata()
        return DemoCaller(own.client_id, own.client_secret, metadata)

    def _silent(self, request: Request) -> Response:
        return self._error(request, "temporarily_unavailable", "The provider does not answer.")

    def _error(self, request: Request, error: str, description: str) -> Response:
        return self._page(request, "error.html", 400, error=error, description=description)

    def _page(self, request: Request, template: str, status: int, **context: Any) -> Response:
        wishes = accepted_languages(request.headers.get("accept-language", ""))
        language = choose_language(wishes, "en")
        return HTMLResponse(self.pages.render(f"demo/{template}", language, context), status)


def create_demo_application(
    registration: DemoClientRegistration,
    session_secret: str,
    pages: Pages,
    mail_directory: Path | None = None,
    town: Sequence[Townsperson] = (),
) -> Starlette:
    """The ASGI application of the demo relying application; it shows the mails of the folder."""
    demo = DemoApplication(registration, pages, town)
    return Starlette(
        routes=[
            Route("/", demo.home),
            Route("/town", demo.town),
            Route("/sign-in", demo.sign_in, methods=["POST"]),
            Route("/callback", demo.callback),
            Route("/exchange", demo.exchange, methods=["POST"]),
            Route("/revoke", demo.revoke, methods=["POST"]),
            Route("/sign-out", demo.sign_out, methods=["POST"]),
            *(mail_routes(mail_directory, pages) if mail_directory else []),
            Mount("/static", VersionedFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(SessionMiddleware, secret_key=session_secret, session_cookie="demo-session")
        ],
    )


async def _form(request: Request) -> Mapping[str, str]:
    """The form that a button sent; {} where nobody can read it."""
    try:
        return parse_form(await read_body(request), request.headers.get("content-type", ""))
    except Refusal:
        return {}


def _redirect_home() -> Response:
    return RedirectResponse("/", status_code=303)


def _body_without_token(answered: DemoAnswer) -> Mapping[str, Any]:
    """The body of an answer without its access token."""
    return {name: value for name, value in answered.body.items() if name != "access_token"}


def _offered_levels(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The values that the provider lists (Discovery §3), with our words where we have some."""
    values = metadata.get("acr_values_supported", [])
    return {each: LEVELS.get(each.rpartition(":")[2], each) for each in values}


def _switches(account: DemoAccount) -> list[tuple[str, str]]:
    """The other capacities that the resource named: the `sub` of each, with kind and services."""
    outcome = account.outcome
    answer = outcome.answers.get("resource", {}) if outcome else {}
    found = []
    for entry in answer.get("identity", {}).get("may_act", []):
        for kind, others in entry.get("userProfile", {}).items():
            services = [name for each in others for name in each.get("serviceNames", [])]
            found.append((str(entry["sub"]), f"{kind}: {', '.join(services)}"))
    return found
