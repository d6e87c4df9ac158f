"""/grants/{grant_id}: a client asks what it was granted, and gives it back.

Grant Management for OAuth 2.0, implementer's draft
(https://openid.net/specs/fapi-grant-management.html). Every authorization request has a grant of
its own here, so that `create` is what always happens, and `merge` and `replace` are not offered. A
client has the scopes below from the operator; it is told the `grant_id` with its tokens, and comes
here with an access token of its own, by client credentials, for this endpoint (§6.1).

Why the `grant_id` is the grant's own random id: it is no secret (§10), nobody can guess it, and it
is worth something with a token of its own client alone.
"""

from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from authn.audit.events import GrantGivenBack
from authn.audit.log import record
from authn.clients.clients import (
    GRANT_MANAGEMENT_QUERY,
    GRANT_MANAGEMENT_REVOKE,
    GRANT_MANAGEMENT_SCOPES,
    Client,
)
from authn.clients.resources import find_resources
from authn.consents.scopes import SCOPES, claims_within
from authn.db.transaction import must_write
from authn.grants.ended_grants import tell_of_ended_grants
from authn.grants.grants import Grant, find_live_grant, revoke_grant
from authn.jose import seconds
from authn.oidc.access_token import AuthorisedAccess, capacity_detail
from authn.oidc.authorization_error import AuthorizationError
from authn.oidc.confirmation import presented_confirmation
from authn.oidc.dpop import nonce_headers
from authn.oidc.protected_resource import accepted_token_of_system, refused
from authn.oidc.token_answer import scope_at, still_askable
from authn.profiles.profiles import find_profile
from authn.settings import Settings
from authn.web.protocol import ProtocolError
from authn.web.request import Request, json_answer
from authn.web.routing import WHEN_NEEDED, protocol_route

# What discovery says (§7.1).
ACTIONS: Final = ("create", "query", "revoke")
# What an authorization request may ask (§5.2).
CREATE: Final = "create"


def grant_management_endpoint(settings: Settings) -> str:
    """The address under which grants are; access tokens for it have it as their audience."""
    return f"{settings.issuer}/grants"


def check_action(client: Client, action: str | None) -> None:
    """Raises `AuthorizationError` for a `grant_management_action` that there is not (§5.3)."""
    if action is None:
        return
    if not client.manages_grants:
        raise AuthorizationError("invalid_request", "This client does not manage its grants.")
    if action != CREATE:
        raise AuthorizationError("invalid_request", "The grant_management_action is not supported.")


def authorised_to_manage(request: Request, client: Client) -> AuthorisedAccess | None:
    """What an access token for this endpoint says; None where none is asked for.

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


def manage(request: Request) -> Response:
    """What was granted (§6.4); or, for DELETE, it is worth nothing from now on (§6.5).

    Raises a `ProtocolError` (§6.6): without a token 401, with one for something else 403, and 404
    for a grant that is not, or no more, this client's.
    """
    token, client = accepted_token_of_system(request, grant_management_endpoint(request.settings))
    revoking = request.method == "DELETE"
    needed = GRANT_MANAGEMENT_REVOKE if revoking else GRANT_MANAGEMENT_QUERY
    if needed not in token.scope.split():
        raise refused("insufficient_scope", f"The scope {needed} is needed.", status=403)
    grant = _grant(request, client.client_id)
    if not revoking:
        answer = json_answer(_granted(request, grant, client))
    elif _revoked(request, grant):
        answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    else:
        raise _unknown()
    answer.headers.update(nonce_headers(request))
    return answer


def _grant(request: Request, client_id: str) -> Grant:
    try:
        named = UUID(request.path_params["grant_id"])
    except ValueError:
        raise _unknown() from None
    grant = find_live_grant(request.connection, request.settings, named, request.now)
    if grant is None or grant.client_id != client_id:
        raise _unknown()
    return grant


def _granted(request: Request, grant: Grant, client: Client) -> dict[str, Any]:
    """The members of §6.4, scopes by resource; and when it ends, if that is known.

    What was taken from the client since is not among them: nothing is given for it any more.
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
            each for each in scope_at(resource, scope, allowed).split() if each not in SCOPES
        )
        scopes.append({"scope": at, "resources": [identifier]})
    claims = (*allowed.claims_id_token, *allowed.claims_userinfo)
    told = {
        "scopes": scopes,
        "claims": sorted({*claims_within(client.scope, claims)}),
        "authorization_details": [
            *still_askable(client, allowed.authorization_details),
            *_capacity(request, grant, client),
        ],
        "created_at": seconds(grant.granted_at),
    }
    return told | ({"expires_at": seconds(grant.ends_at)} if grant.ends_at else {})


def _capacity(request: Request, grant: Grant, client: Client) -> list[Any]:
    if grant.profile_id is None:
        return []
    profile = find_profile(request.connection, request.secrets, grant.profile_id)
    return [capacity_detail(profile, client.sector_identifier)] if profile else []


def _revoked(request: Request, grant: Grant) -> bool:
    """Whether it was revoked now, with all its tokens, on record; the resources will be told."""
    must_write(request.connection)
    if not revoke_grant(request.connection, grant.id, request.now):
        return False
    tell_of_ended_grants(request, [grant], client_too=False)
    event = GrantGivenBack(
        person_id=grant.person_id, device_id=grant.device_id, client_id=grant.client_id
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return True


def _unknown() -> ProtocolError:
    return ProtocolError("invalid_grant_id", "The client has no such grant.", status=404)


# A DPoP proof is spent, and a grant is revoked.
routes = [
    protocol_route("/grants/{grant_id}", manage, methods=["GET", "DELETE"], writes=WHEN_NEEDED)
]
