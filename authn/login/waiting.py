"""The pending request that a page or a script names, with the client that sent it."""

from authn.clients.clients import Client, find_client
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.passage import Passage
from authn.login.pending import read_pending
from authn.login.rules_of_today import without_what_was_taken
from authn.sessions.cookie import current_session
from authn.web.request import Request


def waiting(request: Request, token: str) -> tuple[AuthorizationRequest, Client]:
    """The pending request under the token and its client; raises as `read_pending` does.

    Without what was taken from the client since: nobody is asked for that.
    """
    pending = read_pending(request, token)
    client = client_of(request, pending)
    return without_what_was_taken(request.settings, client, pending), client


def passage_of(request: Request, token: str) -> Passage:
    """The pending request that waits under the token, with the session of the browser; raises as
    `read_pending` does."""
    pending, client = waiting(request, token)
    return Passage(request, pending, client, current_session(request))


def shown_to_another(passage: Passage) -> bool:
    """Whether somebody else signed in here since the page was shown: it asked another person."""
    assert passage.session is not None
    return passage.request.form.get("person") != str(passage.session.person_id)


def client_of(request: Request, pending: AuthorizationRequest) -> Client:
    """The client that sent the request; raises `InvalidRequest` when it was removed since.

    Also when it has taken its `redirect_uri` back: it may be of another sector now, and the answer
    would tell the old address by which `sub` the new one knows the person.
    """
    client = client_named(request, pending.client_id)
    if pending.response_mode != DEVICE and not client.check_redirect_uri(pending.redirect_uri):
        raise InvalidRequest(
            "invalid_redirect_uri",
            N_("The application wants you sent back to an address that it has not registered."),
            detail=f"client {client.client_id}",
        )
    return client


def client_named(request: Request, client_id: str) -> Client:
    """The client of this id; raises `InvalidRequest` when it was removed."""
    client = find_client(request.connection, client_id)
    if client is None:
        raise InvalidRequest("invalid_request", N_("This application is no longer registered."))
    return client
