"""The pending request that a page or a script names, with the client that sent it."""

from authn.clients.clients import Client, find_client
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import AuthorizationRequest
from authn.login.pending import read_pending
from authn.web.request import Request


def waiting(request: Request, token: str) -> tuple[AuthorizationRequest, Client]:
    """The pending request under the token and its client; raises as `read_pending` does."""
    pending = read_pending(request, token)
    client = find_client(request.connection, pending.client_id)
    if client is None:
        raise InvalidRequest("invalid_request", N_("This application is no longer registered."))
    return pending, client
