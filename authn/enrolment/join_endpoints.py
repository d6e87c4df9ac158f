"""The endpoints of an invitation in the new browser: claim the link, then register the device.

The page behind the link asks before it claims, and checks before that the browser can make
credentials: the link is then still good for another browser.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.enrolment.invitation_tables import Invitation
from authn.enrolment.invitations import (
    claim_invitation,
    find_claimed_invitation,
    find_open_inviter,
    require_approving_device,
    require_inviter,
    use_invitation,
)
from authn.enrolment.new_device import (
    naming_address,
    registration_savepoint,
    signed_in_answer,
    store_device,
)
from authn.enrolment.visitor import short_name
from authn.errors import N_, InvalidRequest
from authn.web.request import Request, json_answer, page
from authn.web.routing import json_route, page_route
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.policy import vouched_identity_level
from authn.webauthn.registration import creation_options, verify_registration

JOIN = "join"  # the act in a WebAuthn challenge
# The device that scanned is the one to add. Only a hint: a computer that can't keep a key by itself
# may still offer a security key.
HINTS = ("client-device",)


def join_page(request: Request) -> Response:
    """Shows the page behind a link; its script reads the secret from the fragment."""
    return page(request, "enrolment/join.html")


def preview_invitation(request: Request) -> Response:
    """The name of the person of an invitation, before it is claimed."""
    return json_answer({"given_name": short_name(find_open_inviter(request, _secret(request)))})


def claim_invitation_link(request: Request) -> Response:
    """Claims the invitation for the request's browser; the address of the waiting page."""
    invitation = claim_invitation(request, _secret(request))
    query = urlencode({"invitation": str(invitation.id)})
    return json_answer({"location": f"/join/wait?{query}"})


def join_waiting_page(request: Request) -> Response:
    """Shows the number, and waits for the approval by an earlier device."""
    invitation = find_claimed_invitation(request, _invitation_id(request.query))
    person = require_inviter(request, invitation)
    number = invitation.number or ""
    return page(
        request,
        "enrolment/join_wait.html",
        invitation=str(invitation.id),
        number=f"{number[:2]} {number[2:]}",
        name=short_name(person),
    )


def invitation_state(request: Request) -> Response:
    """The state of an invitation, for the waiting page."""
    invitation = find_claimed_invitation(request, _invitation_id(request.query))
    return json_answer({"state": invitation.state_at(request.now)})


def join_options(request: Request) -> Response:
    """Creation options, once an earlier device has approved the browser."""
    invitation = find_claimed_invitation(request, _invitation_id(request.json))
    person = require_inviter(request, invitation)
    require_approving_device(request, invitation)
    return json_answer(
        creation_options(request, person, _challenge_purpose(invitation), hints=HINTS)
    )


def join_registration(request: Request) -> Response:
    """Adds the device, uses the invitation up, and signs the person in."""
    invitation = find_claimed_invitation(request, _invitation_id(request.json))
    person = require_inviter(request, invitation)
    require_approving_device(request, invitation)
    credential = verify_registration(request, person, _challenge_purpose(invitation))
    with registration_savepoint(request, person):
        # Once more, now that the person is locked: a device removed meanwhile must not count.
        require_inviter(request, invitation)
        approved_by = require_approving_device(request, invitation)
        held = store_device(
            request,
            person,
            credential,
            how="invitation",
            identity_level=vouched_identity_level(request.site, approved_by),
            added_by=approved_by.id,
        )
        use_invitation(request, invitation, held.device.id)
    return signed_in_answer(request, held, naming_address(held))


def _challenge_purpose(invitation: Invitation) -> ChallengePurpose:
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
    page_route("/join", join_page),
    json_route("/join/look", preview_invitation),
    json_route("/join/claim", claim_invitation_link, writes=True),
    page_route("/join/wait", join_waiting_page),
    json_route("/join/state", invitation_state, method="GET"),
    json_route("/join/options", join_options),
    json_route("/join/registration", join_registration, writes=True),
]
