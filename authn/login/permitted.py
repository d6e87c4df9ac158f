"""What of a pending request the chosen identity may obtain at all: the operator's rules."""

from authn.grants.authorization_request import AuthorizationRequest
from authn.login.passage import Passage


def permitted(passage: Passage) -> AuthorizationRequest:
    """The request, without what the acting identity may not obtain."""
    return passage.pending
