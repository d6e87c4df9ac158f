"""/userinfo: the claims of the scopes of an access token.

OpenID Connect Core 1.0 §5.3 (https://openid.net/specs/openid-connect-core-1_0.html#UserInfo), RFC
6750 (https://www.rfc-editor.org/rfc/rfc6750). The one place where a national number leaves, by
scope and permission, and each time is on record.
"""

import base64
from collections.abc import Mapping

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.audit.events import NationalNumberReleased
from authn.audit.log import record
from authn.clients.clients import find_client
from authn.consents.scopes import OPENID, SSIN, Known, claims_of
from authn.grants.access_tokens import LiveGrant, grant_of_access_token
from authn.jose import InvalidToken
from authn.keys.signing_keys import current_keys
from authn.oidc.access_token import read_access_token, userinfo_audience
from authn.people.numbers import current_ssin
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route

REALM = 'Bearer realm="userinfo"'


def userinfo(request: Request) -> Response:
    """The claims, as JSON; raises a `ProtocolError` in the form of RFC 6750 §3."""
    token = presented_token(request.headers, request.form)
    live, scope = _live_grant(request, token)
    if OPENID not in scope.split():
        raise bearer_error("insufficient_scope", "The scope openid was not granted.", status=403)
    ssin = _released_ssin(request, live, scope)
    claims = claims_of(Known(live.person, live.grant.subject, ssin), scope)
    return Response(
        orjson.dumps(claims), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


def presented_token(headers: Mapping[str, str], form: Mapping[str, str]) -> str:
    """The access token from the header or the form (RFC 6750 §2); from both is refused."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    in_form = form.get("access_token", "")
    if scheme.lower() != "bearer":
        credentials = ""
    credentials = credentials.strip()
    if credentials and in_form:
        raise bearer_error("invalid_request", "The token was sent in two ways.", status=400)
    if not credentials and not in_form:
        # §3.1: who sent none is told how, and nothing more.
        raise ProtocolError(
            "invalid_token",
            "An access token is needed.",
            status=401,
            headers={"WWW-Authenticate": REALM},
        )
    return credentials or in_form


def bearer_error(error: str, description: str, *, status: int) -> ProtocolError:
    """The refusal with its `WWW-Authenticate` header (RFC 6750 §3)."""
    challenge = f'{REALM}, error="{error}", error_description="{description}"'
    return ProtocolError(error, description, status=status, headers={"WWW-Authenticate": challenge})


def _live_grant(request: Request, token: str) -> tuple[LiveGrant, str]:
    """The token's living grant and its scope."""
    invalid = bearer_error("invalid_token", "The token is invalid, expired or ended.", status=401)
    keys = current_keys(request.site, request.connection, request.now)
    try:
        read = read_access_token(keys, request.settings, token, request.now)
    except InvalidToken:
        raise invalid from None
    if read.audience != userinfo_audience(request.settings):
        raise invalid
    live = grant_of_access_token(
        request.connection, request.secrets, request.settings, read.jti, request.now
    )
    if live is None:
        raise invalid
    return live, read.scope


def _released_ssin(request: Request, live: LiveGrant, scope: str) -> str | None:
    """The national number where scope and permission allow it, its release on record."""
    if SSIN not in scope.split():
        return None
    grant = live.grant
    client = find_client(request.connection, grant.client_id)
    if client is None or not client.may_read_ssin:
        return None
    event = NationalNumberReleased(
        person_id=grant.person_id, device_id=grant.device_id, client_id=grant.client_id
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return current_ssin(request.connection, request.secrets, grant.person_id)


def _may_release_ssin(http: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the token, not verified yet, names the scope: only then is anything written."""
    try:
        unverified_token = presented_token(http.headers, form)
    except ProtocolError:
        return False
    unverified_payload = unverified_token.split(".")[1:2]
    try:
        return any(
            SSIN.encode() in base64.urlsafe_b64decode(f"{part}===") for part in unverified_payload
        )
    except ValueError:
        return False


routes = [protocol_route("/userinfo", userinfo, methods=["GET", "POST"], writes=_may_release_ssin)]
