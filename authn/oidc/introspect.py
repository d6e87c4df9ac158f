"""/introspect: a resource server asks whether an access token is active, and for its claims.

RFC 7662, Token Introspection (https://www.rfc-editor.org/rfc/rfc7662), answered as JSON, or as a
JWT that the resource server can keep: RFC 9701 (https://www.rfc-editor.org/rfc/rfc9701). Only the
client of a resource may ask, and only tokens for that resource are active to it. Person, device,
session, consent, grant, client and capacity are checked each time. The claims are those of the
moment: access that was taken from the client, from its resource or from the person is left out at
once, while a resource that reads tokens without asking has them for their five minutes.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from authn.clients.client_tokens import ResponseAlgorithms, build_client_token
from authn.clients.clients import Client
from authn.clients.resource_servers.permissions import (
    SYSTEM,
    ClientIdentity,
    find_refused_permission,
    find_refused_permissions,
)
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.consents.scopes import SSIN
from authn.grants.introspection import IntrospectedToken, TokenAtResource, find_token_at_resource
from authn.jose import RS256, InvalidToken, numeric_date
from authn.oidc.client_authentication.authentication import authenticate_client, invalid_client
from authn.oidc.tokens.active_token import AccessToken, verify_access_token
from authn.oidc.tokens.capacity import CapacityEnded, CapacityUnchecked, require_capacity_of_token
from authn.oidc.tokens.capacity_claims import ClaimsReceiver, introspection_claims
from authn.profiles.profile import CITIZEN, Profile, acting_identity
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import WHEN_NEEDED, protocol_route

TYP = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYP}"
NO_STORE = {"Cache-Control": "no-store"}
INACTIVE: Mapping[str, Any] = {"active": False}
_DETAILS: Final = "authorization_details"


def introspect(request: Request) -> Response:
    """The claims of an active token, as JSON or as a JWT; `{"active": false}` for any other.

    Raises `ProtocolError`: `invalid_client`, `invalid_request`.
    """
    client = authenticate_client(request)
    if client.public:  # §2.1: who asks has to be known
        raise invalid_client()
    token = request.form.get("token", "")
    if not token:
        raise ProtocolError("invalid_request", "The token is missing.")
    answer = _introspection(request, client, token)
    if MEDIA_TYPE in request.headers.get("accept", "").lower():
        body = introspection_jwt(request, client, answer)
        return Response(body, media_type=MEDIA_TYPE, headers=NO_STORE)
    return Response(orjson.dumps(answer), media_type="application/json", headers=NO_STORE)


def _introspection(request: Request, client: Client, token: str) -> Mapping[str, Any]:
    """The members of the response (RFC 7662 §2.2), with every claim that is in the token."""
    try:
        read = verify_access_token(request, token)
    except InvalidToken:
        return INACTIVE
    asked = IntrospectedToken(
        read.jti,
        read.client_id,
        read.audience,
        client.client_id,
        read.subject,
        bound=bool(read.confirmation),
    )
    living = find_token_at_resource(
        request.connection, request.secrets, request.settings, asked, request.now
    )
    if living is None:
        return INACTIVE
    if living.person_id is None or living.device_id is None:
        return _members(read, restrict_claims_to_permissions(read, living, CITIZEN))
    try:
        profile = require_capacity_of_token(
            request,
            living.person_id,
            living.profile_id,
            living.granted_kinds,
            living.switched_by,
        )
    except (CapacityEnded, CapacityUnchecked):
        return INACTIVE
    answer = _members(read, restrict_claims_to_permissions(read, living, profile))
    if answer == INACTIVE:
        return answer
    to = ClaimsReceiver(
        client_id=client.client_id,
        person_id=living.person_id,
        device_id=living.device_id,
        with_ssin=SSIN in answer["scope"].split(),
    )
    return {**answer, **introspection_claims(request, to, living, read, profile)}


def _members(read: AccessToken, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The members of the response that every active token has; `INACTIVE` for None."""
    if given is None:
        return INACTIVE
    # The token has some of the list `may_act`, of when it was made.
    claims = {name: value for name, value in given.items() if name != "may_act"}
    return {"active": True, **claims, "token_type": read.confirmation.token_type}


def restrict_claims_to_permissions(
    token: AccessToken, living: TokenAtResource, profile: Profile
) -> Mapping[str, Any] | None:
    """The claims of the token, its scope and details limited to what is still permitted.

    None where nothing of them is left, or where nothing of the resource is permitted.
    """
    level = living.level
    identity = ClientIdentity(SYSTEM, None) if level is None else acting_identity(profile, level)
    if find_refused_permission(identity, "", living.rules):
        return None
    scopes = token.scope.split()
    left = [each for each in scopes if _may_have(each, identity, living)]
    details = token.claims.get(_DETAILS, ())
    kept = [each for each in details if _may_do(each, identity, living)]
    if left == scopes and len(kept) == len(details):
        return token.claims
    if not left and not any(each["type"] == ACTIONS_AT_RESOURCE for each in kept):
        return None
    claims = {name: value for name, value in token.claims.items() if name != _DETAILS}
    return claims | {"scope": " ".join(left)} | ({_DETAILS: kept} if kept else {})


def _may_have(scope: str, identity: ClientIdentity, living: TokenAtResource) -> bool:
    if scope not in living.askable:
        return False
    if scope == SSIN:
        return living.may_read_ssin
    return find_refused_permission(identity, scope, living.rules) is None


def _may_do(detail: Mapping[str, Any], identity: ClientIdentity, living: TokenAtResource) -> bool:
    """Whether all actions of the detail are permitted; True for a detail without actions."""
    if detail["type"] != ACTIONS_AT_RESOURCE:
        return True
    actions = detail["actions"]
    return living.askable.issuperset(actions) and not find_refused_permissions(
        identity, actions, living.rules
    )


def introspection_jwt(request: Request, client: Client, answer: Mapping[str, Any]) -> str:
    """The response as a JWT, signed and, where the resource server registered so, encrypted.

    RFC 9701 §5. Neither `sub` nor `exp` is at the top, so that the JWT can be mistaken for no other
    (§8.1). Raises as `build_client_token` does.
    """
    claims = {
        "iss": request.settings.issuer,
        "aud": client.client_id,
        "iat": numeric_date(request.now),
        "token_introspection": answer,
    }
    return build_client_token(request, client, claims, _sealing(client), TYP)


def _sealing(client: Client) -> ResponseAlgorithms:
    """The registered algorithms; else RS256 (RFC 9701 §6), which a FAPI client never uses."""
    metadata = client.metadata
    default = client.id_token_signed_response_alg if client.fapi else RS256
    return ResponseAlgorithms(
        metadata.introspection_signed_response_alg or default,
        metadata.introspection_encrypted_response_alg,
        metadata.introspection_encrypted_response_enc,
    )


# A client assertion is spent, and the release of a national number is on record.
routes = [protocol_route("/introspect", introspect, methods=["POST"], writes=WHEN_NEEDED)]
