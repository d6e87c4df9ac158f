"""Adding a device, confirmed by one that the person has: in this browser, or by an invitation.

Three plain choices: this device, a phone or another computer, a security key. "Another" is our own
QR code: the phone opens our page, makes its own key there and is signed in, which needs neither
Bluetooth nor a browser that knows how, and shows a number that proves whose hand it is in. The QR
code that browsers draw themselves (hybrid transport) stands behind "another way": the key is made
on the phone too, but the phone never sees our page.

The choice becomes `authenticatorAttachment` and `hints`, so that the browser opens the right
window. What it says afterwards of the authenticator is its own word, which no signature covers and
a password manager may give differently: so it decides nothing and refuses nobody. The device is
named and drawn by what came.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import segno
from markupsafe import Markup
from starlette.responses import Response

from authn.account.devices.views import invitation_view
from authn.account.required_session import (
    not_signed_in_refusal,
    require_session,
    require_session_for_script,
)
from authn.devices.devices import find_device
from authn.devices.tables import Device
from authn.enrolment.invitation_tables import Invitation
from authn.enrolment.invitations import (
    approve_invitation,
    check_number,
    end_invitation,
    find_own_invitation,
    invitation_link,
    open_invitation,
)
from authn.enrolment.new_device import naming_address, registration_savepoint, store_device
from authn.errors import N_, Expired, InvalidRequest, NotFound
from authn.people.persons import find_person
from authn.sessions.browser import current_session
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.web.user_agent import read_user_agent
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import Challenge, ChallengePurpose, read_challenge
from authn.webauthn.policy import vouched_identity_level
from authn.webauthn.registration import creation_options, verify_registration

ADD_HERE, APPROVE = "add-here", "approve-invitation"  # the acts that challenges name


@dataclass(frozen=True, slots=True)
class InvitationPlace:
    """The kind of authenticator that the browser is asked for (WebAuthn §5.4.4, §5.8.7)."""

    attachment: str | None
    hints: tuple[str, ...]


PLACES: Mapping[str, InvitationPlace] = {
    "this-device": InvitationPlace("platform", ("client-device",)),
    "security-key": InvitationPlace("cross-platform", ("security-key",)),
    "nearby-phone": InvitationPlace("cross-platform", ("hybrid",)),
}
ANYWHERE = InvitationPlace(None, ())


@require_session
def add_device_page(request: Request, session: Session) -> Response:
    """The page that asks what kind of device to add."""
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(request, "account/add_device.html", person=session, hand_held=agent.hand_held)


@require_session
def add_here_page(request: Request, session: Session) -> Response:
    """The page that confirms with an old key, then makes the new one in this browser."""
    on = request.query.get("on", "")
    if on not in PLACES:
        return redirect("/devices/add")
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(request, "account/add_here.html", person=session, on=on, hand_held=agent.hand_held)


@require_session_for_script
def add_here_confirmation_options(request: Request, session: Session) -> Response:
    """Options for the assertion that confirms a device added in this browser."""
    return json_answer(confirmation_options(request, session.person_id, _adding(session)))


@require_session_for_script
def add_here_creation_options(request: Request, session: Session) -> Response:
    """Options to create the new key, after a device of the person has confirmed."""
    place = _place(request)
    held = authenticate_confirmation(request, session.person_id, _adding(session))
    options = creation_options(
        request,
        held.person,
        _adding(session),
        attachment=place.attachment,
        hints=place.hints,
        confirmed_by=held.device.id,
    )
    return json_answer(options)


@require_session_for_script
def register_device_here(request: Request, session: Session) -> Response:
    """Stores the new device; the session stays that of the device that opened the session."""
    person = find_person(request.connection, session.person_id)
    assert person is not None, "the session is alive"
    # Which device has confirmed is in the ceremony token: none is made otherwise.
    challenge = read_challenge(request, "registration", _adding(session))
    credential = verify_registration(request, person, _adding(session))
    with registration_savepoint(request, person):
        # Once more, now that the person is locked: who removed a device meanwhile comes first.
        if current_session(request) is None:
            raise not_signed_in_refusal()
        confirming = _still_active(request, session, challenge)
        held = store_device(
            request,
            person,
            credential,
            how="here",
            identity_level=vouched_identity_level(request.site, confirming),
            added_by=confirming.id,
        )
    record_session_use(request.connection, session, request.now)
    return json_answer({"location": naming_address(held)})


@require_session
def invite_device(request: Request, session: Session) -> Response:
    """Opens an invitation for a device on another screen, and leads to its page."""
    opened = open_invitation(request, session)
    record_session_use(request.connection, session, request.now)
    return redirect(_page_of(opened))


@require_session
def invitation_page(request: Request, session: Session) -> Response:
    """The page of an invitation: its link, its number, or how the invitation ended."""
    found = find_own_invitation(request, session, request.path_params["id"])
    view = invitation_view(request, found)
    link = invitation_link(request, found) if view.state == "open" else None
    return page(
        request,
        "account/invitation.html",
        person=session,
        invitation=view,
        link=link,
        qr_svg=_qr_code(link) if link else None,
    )


@require_session_for_script
def invitation_state(request: Request, session: Session) -> Response:
    """The state of an invitation, as JSON that the page polls."""
    view = invitation_view(
        request, find_own_invitation(request, session, request.path_params["id"])
    )
    return json_answer({"state": view.state, "claimed_browser": view.claimed_browser})


@require_session_for_script
def invitation_confirmation_options(request: Request, session: Session) -> Response:
    """Options for the assertion that approves the browser that claimed the invitation."""
    found = find_own_invitation(request, session, request.path_params["id"])
    return json_answer(confirmation_options(request, session.person_id, _approving(found)))


@require_session_for_script
def confirm_invitation(request: Request, session: Session) -> Response:
    """Approves the browser that claimed the invitation, if the number typed is that browser's."""
    found = find_own_invitation(request, session, request.path_params["id"], lock=True)
    typed = request.json.get("number")
    if not isinstance(typed, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    check_number(request, found, typed)
    held = authenticate_confirmation(request, session.person_id, _approving(found))
    approve_invitation(request, found, held.device.id)
    record_session_use(request.connection, session, request.now)
    return json_answer({"location": _page_of(found)})


@require_session
def cancel_invitation(request: Request, session: Session) -> Response:
    """Cancels an invitation: no device can be added with it any more."""
    found = find_own_invitation(request, session, request.path_params["id"])
    end_invitation(request, found, "cancelled")
    return redirect("/devices")


def _place(request: Request) -> InvitationPlace:
    on = request.json.get("on")
    if on is None:
        return ANYWHERE
    if not isinstance(on, str) or on not in PLACES:
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    return PLACES[on]


def _still_active(request: Request, session: Session, challenge: Challenge) -> Device:
    """The device that confirmed; raises `Expired` if blocked or removed since.

    A device that was blocked and resumed since must confirm again.
    """
    assert challenge.confirmed_by is not None, "no creation options without"
    try:
        device = find_device(request.connection, session.person_id, challenge.confirmed_by)
    except NotFound:
        device = None
    resumed = device is not None and device.resumed_at and device.resumed_at >= challenge.issued_at
    if device is None or device.status != "active" or resumed:
        raise Expired(
            "confirmation_over",
            N_("The device that you confirmed with was blocked or removed. Nothing was added."),
        )
    return device


def _adding(session: Session) -> ChallengePurpose:
    return ChallengePurpose(ADD_HERE, str(session.id))


def _approving(found: Invitation) -> ChallengePurpose:
    """The purpose of the challenge, bound to the invitation and to who claimed it."""
    return ChallengePurpose(APPROVE, f"{found.id} {found.claimant_hash}")


def _page_of(found: Invitation) -> str:
    return f"/devices/add/invitation/{found.id}"


def _qr_code(link: str) -> Markup:
    """The link as inline SVG; black on white in dark mode too, for cameras want it so."""
    svg = segno.make(link, error="m", micro=False).svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return Markup(svg)  # noqa: S704  made by segno from a link of ours, digits and letters


routes = [
    page_route("/devices/add", add_device_page),
    page_route("/devices/add/here", add_here_page),
    json_route("/devices/add/here/confirm-options", add_here_confirmation_options),
    json_route("/devices/add/here/options", add_here_creation_options, writes=True),
    json_route("/devices/add/here/registration", register_device_here, writes=True),
    form_route("/devices/add/invitation", invite_device),
    page_route("/devices/add/invitation/{id:uuid}", invitation_page),
    json_route("/devices/add/invitation/{id:uuid}/state", invitation_state, method="GET"),
    json_route(
        "/devices/add/invitation/{id:uuid}/confirm-options", invitation_confirmation_options
    ),
    json_route("/devices/add/invitation/{id:uuid}/confirm", confirm_invitation, writes=True),
    form_route("/devices/add/invitation/{id:uuid}/cancel", cancel_invitation),
]
