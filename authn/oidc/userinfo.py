"""/userinfo: the claims about a person, of the granted scopes and of the parameter `claims`.

OpenID Connect Core 1.0 §5.3 (https://openid.net/specs/openid-connect-core-1_0.html#UserInfo). A
national number is released by scope and permission alone, each time on record.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from authn.clients.client_tokens import ResponseAlgorithms, build_client_token, encrypt_for_client
from authn.clients.clients import find_client
from authn.clients.resource_servers.resources import userinfo_audience
from authn.consents.scopes import (
    OPENID,
    SSIN,
    ClaimSources,
    claims_by_name,
    claims_of_scope,
    permitted_claims,
)
from authn.grants.access_tokens import LiveGrant
from authn.oidc.tokens.capacity_claims import ClaimsReceiver, release_ssin, userinfo_capacity_claims
from authn.oidc.tokens.dpop import nonce_headers
from authn.oidc.tokens.protected_resource import require_token_of_person, token_refusal
from authn.web.request import Request
from authn.web.routing import WHEN_NEEDED, protocol_route

JWT = "application/jwt"


def userinfo(request: Request) -> Response:
    """The claims as JSON or as the client's kind of JWT; raises `ProtocolError` (RFC 6750 §3)."""
    token, live, profile = require_token_of_person(request, userinfo_audience(request.settings))
    scopes, grant = token.scope.split(), live.grant
    if OPENID not in scopes:
        raise token_refusal("insufficient_scope", "The scope openid was not granted.", status=403)
    to = ClaimsReceiver(
        client_id=grant.client_id,
        person_id=grant.person_id,
        device_id=grant.device_id,
        with_ssin=live.may_read_ssin and SSIN in scopes,
    )
    ssin = release_ssin(request, to)
    known = ClaimSources(live.person, grant.subject, ssin or None)
    claims: dict[str, Any] = {
        **claims_of_scope(known, " ".join(scopes)),
        **claims_by_name(known, permitted_claims(live.client_scope, grant.allowed.claims_userinfo)),
    }
    if "profile" in scopes:
        claims |= userinfo_capacity_claims(request, to, live.person, ssin, profile, grant.subject)
    content, media_type = _content(request, live, claims)
    headers = {"Cache-Control": "no-store", **nonce_headers(request)}
    return Response(content, media_type=media_type, headers=headers)


def _content(
    request: Request, live: LiveGrant, claims: Mapping[str, Any]
) -> tuple[str | bytes, str]:
    """The claims in the form that the client registered, and the media type (§5.3.2)."""
    sealing = ResponseAlgorithms(
        live.metadata.userinfo_signed_response_alg,
        live.metadata.userinfo_encrypted_response_alg,
        live.metadata.userinfo_encrypted_response_enc,
    )
    if not sealing.signed_response_alg and not sealing.encrypted_response_alg:
        return orjson.dumps(claims), "application/json"
    client = find_client(request.connection, live.grant.client_id)
    if client is None:  # ended just now
        raise token_refusal("invalid_token", "The application has ended.")
    if sealing.signed_response_alg:
        about = {"iss": request.settings.issuer, "aud": client.client_id}
        return build_client_token(request, client, {**about, **claims}, sealing), JWT
    text = orjson.dumps(claims).decode()
    return encrypt_for_client(request, client, text, sealing, cty=""), JWT


# A DPoP proof is spent, and the release of a national number is on record.
routes = [protocol_route("/userinfo", userinfo, methods=["GET", "POST"], writes=WHEN_NEEDED)]
