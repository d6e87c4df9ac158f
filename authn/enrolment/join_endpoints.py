"""The pages of the new device: joined to an account by a link, with the old one at hand.

The page behind the link asks before it claims, and a browser that can't make keys says so before
it claims too: the link is then still good for another one.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.enrolment.invitation_tables import Invitation
from authn.enrolment.invitations import (
    approving_device,
    claim,
    claimed_invitation,
    inviter,
    look,
    use,
)
from authn.enrolment.new_device import all_or_nothing, naming_page, signed_in_answer, store_device
from authn.enrolment.this_browser import short_name
from authn.errors import N_, InvalidRequest
from authn.web.request import Request, json_answer, page
from authn.web.routing import json_route, page_route
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.policy import vouched_identity
from authn.webauthn.registration import creation_options, register

JOIN = "join"  # the act that challenges name
# The device that scanned is the one to add. Only a hint: a computer that can't keep a key by itself
# may still offer a security key.
HINTS = ("client-device",)


def join(request: Request) -> Response:
    """The page behind a link: its script reads the secret from the fragment."""
    return page(request, "enrolment/join.html")


def join_look(request: Request) -> Response:
    """Whose account it is, before anything is claimed."""
    return json_answer({"given_name": short_name(look(request, _secret(request)))})


def join_claim(request: Request) -> Response:
    """This browser is the one that the invitation is for; any other one ends it."""
    invitation = claim(request, _secret(request))
    query = urlencode({"invitation": str(invitation.id)})
    return json_answer({"location": f"/join/wait?{query}"})


def join_wait(request: Request) -> Response:
    """The page that shows the number, and waits for the old device."""
    invitation = claimed_invitation(request, _invitation_id(request.query))
    person = inviter(request, invitation)
    number = invitation.number or ""
    return page(
        request,
        "enrolment/join_wait.html",
        invitation=str(invitation.id),
        number=f"{number[:2]} {number[2:]}",
        name=short_name(person),
    )


def join_state(request: Request) -> Response:
    """How far the old device is."""
    invitation = claimed_invitation(request, _invitation_id(request.query))
    return json_answer({"state": invitation.state_at(request.now)})


def join_options(request: Request) -> Response:
    """Creation options, once the old device has approved this browser."""
    invitation = claimed_invitation(request, _invitation_id(request.json))
    person = inviter(request, invitation)
    approving_device(request, invitation)
    return json_answer(creation_options(request, person, _joining(invitation), hints=HINTS))


def join_registration(request: Request) -> Response:
    """The device is the person's, the invitation is used up, and the person is signed in here."""
    invitation = claimed_invitation(request, _invitation_id(request.json))
    person = inviter(request, invitation)
    approving_device(request, invitation)
    credential = register(request, person, _joining(invitation))
    with all_or_nothing(request, person):
        # Once more, now that the person is locked: who removed them meanwhile comes first.
        inviter(request, invitation)
        approved_by = approving_device(request, invitation)
        held = store_device(
            request,
            person,
            credential,
            how="invitation",
            identity_level=vouched_identity(request.site, approved_by),
            added_by=approved_by.id,
        )
        use(request, invitation, held.device.id)
    return signed_in_answer(request, held, naming_page(held))


def _joining(invitation: Invitation) -> ChallengePurpose:
    return ChallengePurpose(JOIN, str(invitation.id))


def _secret(request: Request) -> str:
    value: Any = request.json.get("secret")
    if not isinstance(value, str):
        raise InvalidRequest(
            "invalid_request", N_("What your browser sent could not be read."), detail="secret"
        )
    return value


def _invitation_id(parameters: Mapping[str, Any]) -> UUID:
    try:
        return UUID(parameters.get("invitation"))
    except (ValueError, TypeError, AttributeError):
        raise InvalidRequest("invalid_request", N_("This link is not complete.")) from None


routes = [
    page_route("/join", join),
    json_route("/join/look", join_look),
    json_route("/join/claim", join_claim, writes=True),
    page_route("/join/wait", join_wait),
    json_route("/join/state", join_state, method="GET"),
    json_route("/join/options", join_options),
    json_route("/join/registration", join_registration, writes=True),
]
