"""/userinfo: the claims of the scopes of an access token, and those that were asked one by one.

OpenID Connect Core 1.0 §5.3 (https://openid.net/specs/openid-connect-core-1_0.html#UserInfo). The
one place where a national number leaves, by scope and permission, and each time is on record.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from authn.clients.client_tokens import SealingKeys, sealed_for_client, token_for_client
from authn.clients.clients import find_client
from authn.clients.resources import userinfo_audience
from authn.consents.scopes import OPENID, SSIN, KnownScopes, claims_named, claims_of, claims_within
from authn.grants.access_tokens import LiveGrant
from authn.oidc.capacity_claims import ClaimsReceiver, released_ssin, told_at_userinfo
from authn.oidc.dpop import nonce_headers
from authn.oidc.protected_resource import accepted_token, refused
from authn.web.request import Request
from authn.web.routing import WHEN_NEEDED, protocol_route

JWT = "application/jwt"


def userinfo(request: Request) -> Response:
    """The claims, as the client wants them; raises a `ProtocolError` in the form of RFC 6750 §3."""
    token, live, profile = accepted_token(request, userinfo_audience(request.settings))
    scopes, grant = token.scope.split(), live.grant
    if OPENID not in scopes:
        raise refused("insufficient_scope", "The scope openid was not granted.", status=403)
    to = ClaimsReceiver(
        client_id=grant.client_id,
        person_id=grant.person_id,
        device_id=grant.device_id,
        with_ssin=live.may_read_ssin and SSIN in scopes,
    )
    ssin = released_ssin(request, to)
    known = KnownScopes(live.person, grant.subject, ssin or None)
    claims: dict[str, Any] = {
        **claims_of(known, " ".join(scopes)),
        **claims_named(known, claims_within(live.client_scope, grant.allowed.claims_userinfo)),
    }
    if "profile" in scopes:
        claims |= told_at_userinfo(request, to, live.person, ssin, profile, grant.subject)
    content, media_type = _content(request, live, claims)
    headers = {"Cache-Control": "no-store", **nonce_headers(request)}
    return Response(content, media_type=media_type, headers=headers)


def _content(
    request: Request, live: LiveGrant, claims: Mapping[str, Any]
) -> tuple[str | bytes, str]:
    """The claims as the client registered for, and the media type of that (§5.3.2)."""
    sealing = SealingKeys(
        live.metadata.userinfo_signed_response_alg,
        live.metadata.userinfo_encrypted_response_alg,
        live.metadata.userinfo_encrypted_response_enc,
    )
    if not sealing.signed_response_alg and not sealing.encrypted_response_alg:
        return orjson.dumps(claims), "application/json"
    client = find_client(request.connection, live.grant.client_id)
    if client is None:  # ended just now
        raise refused("invalid_token", "The application has ended.")
    if sealing.signed_response_alg:
        about = {"iss": request.settings.issuer, "aud": client.client_id}
        return token_for_client(request, client, {**about, **claims}, sealing), JWT
    text = orjson.dumps(claims).decode()
    return sealed_for_client(request, client, text, sealing, cty=""), JWT


# A DPoP proof is spent, and the release of a national number is on record.
routes = [protocol_route("/userinfo", userinfo, methods=["GET", "POST"], writes=WHEN_NEEDED)]
