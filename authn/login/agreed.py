"""What of a pending request the person has agreed to, and until when."""

from dataclasses import dataclass
from datetime import datetime

from authn.grants.authorization_request import AuthorizationRequest
from authn.login.passage import Passage
from authn.login.permitted import permitted


@dataclass(frozen=True, slots=True)
class Agreed:
    """The request without what was declined; `ends_at` is None until the person takes it back."""

    request: AuthorizationRequest
    ends_at: datetime | None = None


def agreed(passage: Passage) -> Agreed:
    """What the grant will be of; asked once nothing is left to allow."""
    return Agreed(permitted(passage))
