"""/grants/{grant_id}: a client reads what it was granted, and gives the grant back.

Grant Management for OAuth 2.0, implementer's draft
(https://openid.net/specs/fapi-grant-management.html). Every authorization request makes a grant
of its own: `create` is what always happens, and `merge` and `replace` are not offered. The operator
gives a client the scopes for this; the client gets the `grant_id` with its tokens, and calls this
endpoint with an access token of its own, by client credentials (§6.1).

Why the `grant_id` is the grant's own random id: the id is no secret (§10), cannot be guessed, and
is of use only with a token of the grant's client.
"""

from typing import Any
from uuid import UUID

from starlette.responses import Response

from authn.clients.clients import (
    GRANT_MANAGEMENT_QUERY,
    GRANT_MANAGEMENT_REVOKE,
    GRANT_MANAGEMENT_SCOPES,
    Client,
)
from authn.clients.resource_servers.resources import find_resources
from authn.consents.scopes import SCOPES, permitted_claims
from authn.db.transaction import must_write
from authn.grants.grants import Grant, find_live_grant
from authn.jose import numeric_date
from authn.oidc.revoke import give_back_grant
from authn.oidc.tokens.access_token import AuthorisedAccess, capacity_detail
from authn.oidc.tokens.dpop import nonce_headers
from authn.oidc.tokens.protected_resource import require_token_of_system, token_refusal
from authn.oidc.tokens.sender_constraint import presented_confirmation
from authn.oidc.tokens.token_response import askable_details, scope_at_resource
from authn.profiles.profiles import find_profile
from authn.settings import Settings
from authn.web.protocol import ProtocolError
from authn.web.request import Request, json_answer
from authn.web.routing import WHEN_NEEDED, protocol_route


def grant_management_endpoint(settings: Settings) -> str:
    """The address of this endpoint, which is the audience of access tokens for it."""
    return f"{settings.issuer}/grants"


def management_access(request: Request, client: Client) -> AuthorisedAccess | None:
    """The access of a token for this endpoint; None where the request asks for another token.

    Raises `ProtocolError` (`invalid_scope`).
    """
    endpoint = grant_management_endpoint(request.settings)
    asked = dict.fromkeys(request.form.get("scope", "").split())
    named = request.form.get("resource", "") or request.form.get("audience", "")
    if named != endpoint and (named or not asked or not {*asked} <= {*GRANT_MANAGEMENT_SCOPES}):
        return None
    may = [each for each in GRANT_MANAGEMENT_SCOPES if client.may_ask(each)]
    if not may or not {*asked} <= {*may}:
        raise ProtocolError("invalid_scope", "The client may not manage its grants like that.")
    return AuthorisedAccess(
        client=client,
        audience=endpoint,
        subject=client.client_id,
        sector=client.sector_identifier,
        scope=" ".join(asked or may),
        confirmation=presented_confirmation(request, client),
        organisation=client.organisation,
    )


def manage_grant(request: Request) -> Response:
    """The content of the grant (§6.4); for DELETE, the grant is revoked (§6.5).

    Raises a `ProtocolError` (§6.6): without a token 401, with one for something else 403, and 404
    for a grant that is not, or no more, this client's.
    """
    token, client = require_token_of_system(request, grant_management_endpoint(request.settings))
    revoking = request.method == "DELETE"
    needed = GRANT_MANAGEMENT_REVOKE if revoking else GRANT_MANAGEMENT_QUERY
    if needed not in token.scope.split():
        raise token_refusal("insufficient_scope", f"The scope {needed} is needed.", status=403)
    grant = _require_grant(request, client.client_id)
    if not revoking:
        answer = json_answer(_grant_description(request, grant, client))
    elif _give_back(request, grant):
        answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    else:
        raise _unknown_grant()
    answer.headers.update(nonce_headers(request))
    return answer


def _require_grant(request: Request, client_id: str) -> Grant:
    try:
        named = UUID(request.path_params["grant_id"])
    except ValueError:
        raise _unknown_grant() from None
    grant = find_live_grant(request.connection, request.settings, named, request.now)
    if grant is None or grant.client_id != client_id:
        raise _unknown_grant()
    return grant


def _grant_description(request: Request, grant: Grant, client: Client) -> dict[str, Any]:
    """The members of §6.4, scopes by resource, and `expires_at` where the end is known.

    Access that was taken from the client since is left out.
    """
    allowed, registered = grant.allowed, client.scope.split()
    scope = " ".join(each for each in grant.scope.split() if each in registered)
    scopes: list[dict[str, Any]] = []
    if own := " ".join(each for each in scope.split() if each in SCOPES):
        scopes.append({"scope": own})
    askable = [each for each in allowed.resources if each in client.resources]
    known = find_resources(request.connection, askable) if askable else {}
    for identifier, resource in known.items():
        at = " ".join(
            each
            for each in scope_at_resource(resource, scope, allowed).split()
            if each not in SCOPES
        )
        scopes.append({"scope": at, "resources": [identifier]})
    claims = (*allowed.claims_id_token, *allowed.claims_userinfo)
    description = {
        "scopes": scopes,
        "claims": sorted({*permitted_claims(client.scope, claims)}),
        "authorization_details": [
            *askable_details(client, allowed.authorization_details),
            *_capacity(request, grant, client),
        ],
        "created_at": numeric_date(grant.granted_at),
    }
    return description | ({"expires_at": numeric_date(grant.ends_at)} if grant.ends_at else {})


def _capacity(request: Request, grant: Grant, client: Client) -> list[Any]:
    if grant.profile_id is None:
        return []
    profile = find_profile(request.connection, request.secrets, grant.profile_id)
    return [capacity_detail(profile, client.sector_identifier)] if profile else []


def _give_back(request: Request, grant: Grant) -> bool:
    must_write(request.connection)
    return give_back_grant(request, grant)


def _unknown_grant() -> ProtocolError:
    return ProtocolError("invalid_grant_id", "The client has no such grant.", status=404)


# A DPoP proof is spent, and a grant is revoked.
routes = [
    protocol_route(
        "/grants/{grant_id}", manage_grant, methods=["GET", "DELETE"], writes=WHEN_NEEDED
    )
]
