"""Clients that go on with refresh tokens, and what /token answers to these."""

from typing import Any

from httpx2 import Response
from sqlalchemy import func, select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading
from authn.web.site import Site
from tests.oidc.relying_party import RelyingParty

GRANT_TYPES = ("authorization_code", "refresh_token")
REFRESHING = ClientMetadata(grant_types=GRANT_TYPES)
OFFLINE = "openid profile offline_access"
PUBLIC_CLIENT: dict[str, Any] = {
    "client_id": "app",
    "token_endpoint_auth_method": "none",
    "redirect_uris": ["https://app.example/callback"],
    "scope": OFFLINE,
    "metadata": REFRESHING,
}


def refresh(
    rp: RelyingParty,
    refresh_token: str | None,
    browser: TestClient | None = None,
    /,
    **form: str | None,
) -> Response:
    """The answer of /token to this refresh token."""
    fields: dict[str, str | None] = {
        "grant_type": "refresh_token",
        "redirect_uri": None,
        "code_verifier": None,
        "refresh_token": refresh_token,
    }
    return rp.redeem(None, browser, **(fields | form))


def refreshed(rp: RelyingParty, refresh_token: str, **form: str) -> dict[str, Any]:
    """What /token gave for this refresh token."""
    answer = refresh(rp, refresh_token, **form)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def error(answer: Response) -> str:
    """The error of a refusal, which is in the form of RFC 6749 §5.2."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["cache-control"] == "no-store"
    code: str = answer.json()["error"]
    return code


def events(site: Site, name: str) -> int:
    """How many events of this name are on record."""
    counting = select(func.count()).where(audit_events.c.event == name)
    with reading(site.database) as connection:
        count: int = connection.execute(counting).scalar_one()
    return count
