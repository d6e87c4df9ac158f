"""/revoke: a client revokes a token of its own.

RFC 7009, Token Revocation (https://www.rfc-editor.org/rfc/rfc7009). A refresh token stands for its
whole grant, whose access tokens end with it (§2.1); an access token for itself alone. Authlib's
`RevocationEndpoint` is not used: it refuses an unknown `token_type_hint`, which §2.2 ignores, and
what it leaves is the two queries below. The hint never matters: the two kinds look different.
"""

from starlette.responses import Response

from authn.audit.events.applications import GrantGivenBack
from authn.audit.log import record
from authn.clients.clients import Client
from authn.grants.access_tokens import revoke_access_token
from authn.grants.endings.ended_grants import notify_of_ended_grants
from authn.grants.grants import Grant, InvalidGrant, revoke_grant
from authn.grants.refresh_tokens import find_grant_of_refresh_token
from authn.jose import InvalidToken
from authn.oidc.client_authentication.authentication import authenticate_client
from authn.oidc.tokens.active_token import verify_access_token
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route


def revoke(request: Request) -> Response:
    """The token is revoked; the response is the same for an unknown token (§2.2).

    Raises `ProtocolError` (`invalid_client`, `invalid_request`) and, for another client's token,
    `InvalidGrant` (§2.1): whoever holds the token knows that it exists.
    """
    client = authenticate_client(request)
    token = request.form.get("token", "")
    if not token:
        raise ProtocolError("invalid_request", "The token is missing.")
    if "." in token:
        _revoke_access_token(request, client, token)
    else:
        _revoke_refresh_token(request, client, token)
    return Response(headers={"Cache-Control": "no-store"})


def _revoke_access_token(request: Request, client: Client, token: str) -> None:
    try:
        read = verify_access_token(request, token)
    except InvalidToken:
        return  # also one that has expired: there is nothing left to end
    _check_owner(client, read.client_id)
    revoke_access_token(request.connection, read.jti, read.expires_at)


def _revoke_refresh_token(request: Request, client: Client, token: str) -> None:
    grant = find_grant_of_refresh_token(request.connection, token)
    if grant is None:
        return
    _check_owner(client, grant.client_id)
    give_back_grant(request, grant)


def give_back_grant(request: Request, grant: Grant) -> bool:
    """Whether this call revoked the client's grant and its tokens, on record; resources are told.

    `grant_management` has clients give back grants too. The transaction may write.
    """
    if not revoke_grant(request.connection, grant.id, request.now):
        return False
    notify_of_ended_grants(request, [grant], client_too=False)
    event = GrantGivenBack(
        person_id=grant.person_id, device_id=grant.device_id, client_id=grant.client_id
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return True


def _check_owner(client: Client, client_id: str) -> None:
    if client.client_id != client_id:
        raise InvalidGrant("The token was issued to another client.")


routes = [protocol_route("/revoke", revoke, methods=["POST"], writes=True)]
