"""A request as an endpoint gets it: read, limited and parsed, with a transaction open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from authn.errors import N_, InvalidRequest
from authn.secrets import Secrets, csrf_token, token_hash
from authn.settings import Settings
from authn.web.site import Site


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request inside its transaction.

    `query` and `form` hold each parameter once (a repeated one was refused), `json` the decoded
    body of a JSON endpoint. `browser` is the value of the pre-login cookie. `address` is the IP
    address that the connection came from ("" where there is none): a proxy's word for it is taken
    only from the proxies of the settings. It is never stored. `client_certificate` is the one that
    came with the connection, as `web.proxies` found it, not read yet; "" for none.
    """

    method: str
    path: str
    path_params: Mapping[str, Any]
    query: Mapping[str, str]
    form: Mapping[str, str]
    json: Mapping[str, Any]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    browser: str
    address: str
    language: str
    reference: str
    now: datetime
    site: Site
    open_connection: Connection | None
    client_certificate: str = ""

    @property
    def connection(self) -> Connection:
        """The connection of this request's transaction."""
        if self.open_connection is None:
            raise RuntimeError("this route said that it needs no database")
        return self.open_connection

    @property
    def settings(self) -> Settings:
        return self.site.settings

    @property
    def secrets(self) -> Secrets:
        return self.site.secrets

    @property
    def agent(self) -> str:
        """What the browser calls itself, "" when it says nothing."""
        return self.headers.get("user-agent", "")

    @property
    def browser_hash(self) -> str:
        """What signed tokens carry of this browser: the hash of its pre-login cookie."""
        return token_hash(self.browser)

    @property
    def path_and_query(self) -> str:
        """Where the browser is, for the language switch to come back to."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def translate(self, message: str) -> str:
        """The message id in the language of this request."""
        return self.site.pages.translate(message, self.language)


def inside(request: Request, connection: Connection) -> Request:
    """The request in a transaction that its endpoint opened itself, after it had called out."""
    return replace(request, open_connection=connection)


def sent_text(request: Request, name: str) -> str:
    """The member of this name that a script sent; raises `InvalidRequest` unless it is text."""
    value: Any = request.json.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(
            "invalid_request", N_("What your browser sent could not be read."), detail=name
        )
    return value


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The rendered template, with what every page needs."""
    base: dict[str, Any] = {
        "csrf_token": csrf_token(request.secrets, request.browser),
        "current_path": request.path_and_query,
        "now": request.now,
        "person": None,
        "client": None,
        "reference": request.reference,
    }
    html = request.site.pages.render(template, request.language, base | context)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def json_answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer to one of our scripts, never cached."""
    return Response(
        orjson.dumps(content),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def redirect(location: str) -> Response:
    """303: the browser goes on with GET, whatever it came with (decisions 4.16)."""
    return RedirectResponse(location, status_code=303, headers={"Cache-Control": "no-store"})
