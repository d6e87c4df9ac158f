"""The demo relying application: signs in with OpenID Connect and shows what it was told."""

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
from authn.web.languages import accepted_languages, choose_language
from authn.web.pages import STATIC, Pages
from authn.web.static import VersionedFiles

SCOPES = "openid profile ssin"


@dataclass(frozen=True, slots=True)
class Registration:
    """What the operator of the OpenID Provider gave this application."""

    issuer: str
    client_id: str
    client_secret: str
    address: str
    """Where browsers reach the application, without a path."""

    @property
    def redirect_uri(self) -> str:
        return f"{self.address}/callback"


class DemoApplication:
    """Its four pages."""

    def __init__(self, registration: Registration, pages: Pages) -> None:
        self.registration = registration
        self.pages = pages
        self.oauth = OAuth()
        self.oauth.register(
            "authn",
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            server_metadata_url=f"{registration.issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPES, "code_challenge_method": "S256"},
        )

    async def home(self, request: Request) -> Response:
        """The start page, or what the provider told about who is signed in."""
        account = request.session.get("account")
        if account is None:
            return self._page(request, "home.html", 200)
        return self._page(request, "signed_in.html", 200, **account)

    async def sign_in(self, request: Request) -> Response:
        """The browser is on its way to the provider."""
        try:
            response: Response = await self.oauth.authn.authorize_redirect(
                request, self.registration.redirect_uri
            )
        except httpx2.HTTPError:
            return self._error(request, "temporarily_unavailable", "The provider does not answer.")
        return response

    async def callback(self, request: Request) -> Response:
        """The provider's answer: a code, exchanged for tokens; or an error, shown."""
        try:
            token = await self.oauth.authn.authorize_access_token(request)
            userinfo = await self.oauth.authn.userinfo(token=token)
        except OAuthError as error:
            return self._error(request, error.error or "error", error.description or "")
        except httpx2.HTTPError:
            return self._error(request, "temporarily_unavailable", "The provider does not answer.")
        request.session["account"] = {
            "userinfo": dict(userinfo),
            "id_token_claims": dict(token["userinfo"]),
        }
        # The cookie of the session holds 4 kB: the ID token alone goes into a cookie of its own.
        response = RedirectResponse("/", status_code=303)
        response.set_cookie("demo-id-token", token["id_token"], httponly=True, samesite="lax")
        return response

    async def sign_out(self, request: Request) -> Response:
        """Signed out here, and on the way to sign out at the provider too."""
        request.session.clear()
        metadata = await self.oauth.authn.load_server_metadata()
        parameters = {"post_logout_redirect_uri": self.registration.address + "/"}
        if hint := request.cookies.get("demo-id-token"):
            parameters["id_token_hint"] = hint
        location = f"{metadata['end_session_endpoint']}?{urlencode(parameters)}"
        response = RedirectResponse(location, status_code=303)
        response.delete_cookie("demo-id-token")
        return response

    def _error(self, request: Request, error: str, description: str) -> Response:
        return self._page(request, "error.html", 400, error=error, description=description)

    def _page(self, request: Request, template: str, status: int, **context: Any) -> Response:
        wishes = accepted_languages(request.headers.get("accept-language", ""))
        language = choose_language(wishes, "en")
        return HTMLResponse(self.pages.render(f"demo/{template}", language, context), status)


def create_demo_application(
    registration: Registration,
    session_secret: str,
    pages: Pages,
    mail_directory: Path | None = None,
) -> Starlette:
    """The ASGI application of the demo relying application; it shows the mails of the folder."""
    demo = DemoApplication(registration, pages)
    return Starlette(
        routes=[
            Route("/", demo.home),
            Route("/sign-in", demo.sign_in, methods=["POST"]),
            Route("/callback", demo.callback),
            Route("/sign-out", demo.sign_out, methods=["POST"]),
            *(mail_routes(mail_directory, pages) if mail_directory else []),
            Mount("/static", VersionedFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(SessionMiddleware, secret_key=session_secret, session_cookie="demo-session")
        ],
    )
