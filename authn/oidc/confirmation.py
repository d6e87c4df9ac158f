"""What the tokens of a request are to be bound to: the key or certificate that came with it."""

from authn.clients.clients import Client
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.web.request import Request


def presented_confirmation(request: Request, client: Client) -> Confirmation:
    """What the tokens that this request obtains for the client are bound to."""
    return UNBOUND
