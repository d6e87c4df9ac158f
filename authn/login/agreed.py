"""What of a pending request the person has agreed to, until when, and what is still to be asked.

OpenID Connect Core 1.0 §3.1.2.4 (https://openid.net/specs/openid-connect-core-1_0.html#Consent).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from authn.consents.asked import (
    allowed_names,
    ends_at,
    names_asked,
    narrowed,
    needed_names,
    still_to_ask,
    that_count,
)
from authn.consents.consents import ConsentAnswer, answers_of
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.acting import acting
from authn.login.passage import Passage
from authn.login.permitted import permitted

_FOUND: Final = "what the person was asked"


@dataclass(frozen=True, slots=True)
class AgreedScopes:
    """The request without what was declined; `ends_at` is None until the person takes it back."""

    request: AuthorizationRequest
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """What a request asks of its person, by the names of `consents.asked`.

    `needed` is what the client can't do without. `answers` are those of before that count, `former`
    all that hold: where everything is asked anew they tell what the person said the last time.
    """

    request: AuthorizationRequest
    names: frozenset[str]
    needed: frozenset[str]
    answers: dict[str, ConsentAnswer]
    former: dict[str, ConsentAnswer]

    @property
    def left(self) -> frozenset[str]:
        """What the person must still answer."""
        return still_to_ask(self.names, self.needed, self.answers)


def question(passage: Passage) -> ConsentQuestion | None:
    """What the person is asked; None where nobody asks them. Found out once in a request.

    With `prompt=consent`, and for an application that anybody can pretend to be, what was allowed
    before this request came does not count. One of the operator's own asks nothing otherwise.
    """
    session, pending = passage.session, passage.pending
    if session is None:
        return None
    pretender = _could_be_another(passage)
    anew = "consent" in pending.prompt or (pretender and not acted(passage))
    if passage.client.first_party and not (pretender and anew):
        return None
    found: dict[UUID, ConsentQuestion] = passage.found.setdefault(_FOUND, {})
    profile_id = acting(passage).consent_id
    if profile_id not in found:
        since = pending.arrived_at if anew else None
        found[profile_id] = _question(passage, permitted(passage), profile_id, since)
    return found[profile_id]


def _question(
    passage: Passage, asked: AuthorizationRequest, profile_id: UUID, since: datetime | None
) -> ConsentQuestion:
    assert passage.session is not None
    connection, client = passage.request.connection, passage.client
    names = names_asked(connection, asked)
    person_id = passage.session.person_id
    former = answers_of(connection, person_id, client.client_id, profile_id, passage.request.now)
    needed = frozenset(needed_names(client, asked, names))
    return ConsentQuestion(asked, names, needed, that_count(former, asked, since), former)


def ask_again(passage: Passage) -> None:
    """An answer was noted in this request: what was found out before it is forgotten."""
    passage.found.pop(_FOUND, None)


def left_to_allow(passage: Passage) -> frozenset[str]:
    """What the person must still answer, by its names in `consents.asked`."""
    asked = question(passage)
    return asked.left if asked else frozenset()


def agreed(passage: Passage) -> AgreedScopes:
    """What the grant will be of; to be asked once nothing is left to allow."""
    asked = question(passage)
    if asked is None:
        return AgreedScopes(permitted(passage))
    allowed = allowed_names(asked.names, asked.answers)
    whole = allowed == asked.names
    request = asked.request if whole else narrowed(asked.request, asked.names, allowed)
    return AgreedScopes(request, ends_at(allowed, asked.answers))


def _could_be_another(passage: Passage) -> bool:
    """Whether another app could ask in this one's name (RFC 8252 §8.6, RFC 8628 §5.4).

    Nobody else answers at an https address; a scheme of an app's own, or a port, anybody can take,
    and a code to be typed anybody can ask for and send to somebody.
    """
    native = passage.client.application_type == "native"
    elsewhere = passage.pending.response_mode == DEVICE
    return elsewhere or (native and not passage.pending.redirect_uri.startswith("https://"))


def acted(passage: Passage) -> bool:
    """Whether the person signed in, or chose an account, for this very request."""
    session = passage.session
    assert session is not None
    return passage.pending.request_id in (session.answered_request, session.selected_request)
