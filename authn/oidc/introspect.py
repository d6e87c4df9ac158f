"""/introspect: a resource server asks whether an access token for it lives, and what it says.

RFC 7662, Token Introspection (https://www.rfc-editor.org/rfc/rfc7662). Only a client that is some
resource's own may ask, and learns something only of tokens for that resource; for all else the
answer is the same word. Person, device, session, consent, grant, client and the capacity in which
the person acts are looked at each time.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from authn.clients.clients import Client
from authn.consents.scopes import SSIN
from authn.grants.introspection import AskedToken, token_at_resource
from authn.jose import InvalidToken
from authn.oidc.access_token import AccessToken, our_access_token
from authn.oidc.acting_token import CapacityEnded, CapacityUnchecked, capacity_of_token
from authn.oidc.capacity_claims import ClaimsReceiver, told_at_resource
from authn.oidc.client_authentication import authenticated_client, invalid_client
from authn.oidc.given_today import given_today
from authn.oidc.introspection_jwt import MEDIA_TYPE, introspection_jwt
from authn.profiles.profile import CITIZEN
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import WHEN_NEEDED, protocol_route

NO_STORE = {"Cache-Control": "no-store"}
INACTIVE: Mapping[str, Any] = {"active": False}


def introspect(request: Request) -> Response:
    """What the token says, as JSON or as a JWT (RFC 9701); `{"active": false}` for any other.

    Raises `ProtocolError`: `invalid_client`, `invalid_request`.
    """
    client = authenticated_client(request)
    if client.public:  # §2.1: who asks has to be known
        raise invalid_client()
    token = request.form.get("token", "")
    if not token:
        raise ProtocolError("invalid_request", "The token is missing.")
    answer = _introspected(request, client, token)
    if MEDIA_TYPE in request.headers.get("accept", "").lower():
        body = introspection_jwt(request, client, answer)
        return Response(body, media_type=MEDIA_TYPE, headers=NO_STORE)
    return Response(orjson.dumps(answer), media_type="application/json", headers=NO_STORE)


def _introspected(request: Request, client: Client, token: str) -> Mapping[str, Any]:
    """The members of §2.2. Every claim of the token is the resource's: it could read it itself."""
    try:
        read = our_access_token(request, token)
    except InvalidToken:
        return INACTIVE
    asked = AskedToken(
        read.jti,
        read.client_id,
        read.audience,
        client.client_id,
        read.subject,
        bound=bool(read.confirmation),
    )
    living = token_at_resource(
        request.connection, request.secrets, request.settings, asked, request.now
    )
    if living is None:
        return INACTIVE
    if living.person_id is None or living.device_id is None:
        return _members(read, given_today(read, living, CITIZEN))
    try:
        profile = capacity_of_token(
            request,
            living.person_id,
            living.profile_id,
            living.granted_kinds,
            living.switched_by,
        )
    except (CapacityEnded, CapacityUnchecked):
        return INACTIVE
    answer = _members(read, given_today(read, living, profile))
    if answer == INACTIVE:
        return answer
    to = ClaimsReceiver(
        client_id=client.client_id,
        person_id=living.person_id,
        device_id=living.device_id,
        with_ssin=SSIN in answer["scope"].split(),
    )
    return {**answer, **told_at_resource(request, to, living, read, profile)}


def _members(read: AccessToken, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What is told of any token, by what it gives now."""
    if given is None:
        return INACTIVE
    # The token has some of the list `may_act`, of when it was made.
    claims = {name: value for name, value in given.items() if name != "may_act"}
    return {"active": True, **claims, "token_type": read.confirmation.token_type}


# A client assertion is spent, and the release of a national number is on record.
routes = [protocol_route("/introspect", introspect, methods=["POST"], writes=WHEN_NEEDED)]
