"""Adding a device from one that the person has: here, or on another screen by a link.

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

from authn.account.invitation_view import invitation_view
from authn.account.signed_in import not_signed_in, signed_in, signed_in_script
from authn.devices.devices import find_device
from authn.devices.tables import Device
from authn.enrolment.invitation_tables import Invitation
from authn.enrolment.invitations import (
    approve,
    check_number,
    end_invitation,
    invitation_link,
    open_invitation,
    own_invitation,
)
from authn.enrolment.new_device import all_or_nothing, naming_page, store_device
from authn.errors import N_, Expired, InvalidRequest, NotFound
from authn.people.persons import find_person
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.web.user_agent import read_user_agent
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import Challenge, ChallengePurpose, read_challenge
from authn.webauthn.policy import vouched_identity
from authn.webauthn.registration import creation_options, register

ADD_HERE, APPROVE = "add-here", "approve-invitation"  # the acts that challenges name


@dataclass(frozen=True, slots=True)
class InvitationPlace:
    """Where the new key is to be kept, as the browser is told (WebAuthn §5.4.4, §5.8.7)."""

    attachment: str | None
    hints: tuple[str, ...]


PLACES: Mapping[str, InvitationPlace] = {
    "this-device": InvitationPlace("platform", ("client-device",)),
    "security-key": InvitationPlace("cross-platform", ("security-key",)),
    "nearby-phone": InvitationPlace("cross-platform", ("hybrid",)),
}
ANYWHERE = InvitationPlace(None, ())


@signed_in
def add(request: Request, session: Session) -> Response:
    """The page that asks which device to add."""
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(request, "account/add_device.html", person=session, hand_held=agent.hand_held)


@signed_in
def add_here(request: Request, session: Session) -> Response:
    """The page that confirms with an old key, then makes a new one where the person chose."""
    on = request.query.get("on", "")
    if on not in PLACES:
        return redirect("/devices/add")
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(request, "account/add_here.html", person=session, on=on, hand_held=agent.hand_held)


@signed_in_script
def add_here_confirmation(request: Request, session: Session) -> Response:
    """Options to confirm that a device is added here."""
    return json_answer(confirmation_options(request, session.person_id, _adding(session)))


@signed_in_script
def add_here_options(request: Request, session: Session) -> Response:
    """Creation options, once a device of the person has confirmed."""
    place = _place(request)
    held = confirm(request, session.person_id, _adding(session))
    options = creation_options(
        request,
        held.person,
        _adding(session),
        attachment=place.attachment,
        hints=place.hints,
        confirmed_by=held.device.id,
    )
    return json_answer(options)


@signed_in_script
def add_here_registration(request: Request, session: Session) -> Response:
    """The person has the device; the session stays the one of the device it was opened with."""
    person = find_person(request.connection, session.person_id)
    assert person is not None, "the session is alive"
    # Which device has confirmed is in the ceremony token: none is made otherwise.
    challenge = read_challenge(request, "registration", _adding(session))
    credential = register(request, person, _adding(session))
    with all_or_nothing(request, person):
        # Once more, now that the person is locked: who removed a device meanwhile comes first.
        if current_session(request) is None:
            raise not_signed_in()
        confirming = _still_active(request, session, challenge)
        held = store_device(
            request,
            person,
            credential,
            how="here",
            identity_level=vouched_identity(request.site, confirming),
            added_by=confirming.id,
        )
    touch(request.connection, session, request.now)
    return json_answer({"location": naming_page(held)})


@signed_in
def invite(request: Request, session: Session) -> Response:
    """A new invitation, and on to its page."""
    opened = open_invitation(request, session)
    touch(request.connection, session, request.now)
    return redirect(_page_of(opened))


@signed_in
def invitation(request: Request, session: Session) -> Response:
    """The invitation as far as it is: its link, its number, or how it ended."""
    found = own_invitation(request, session, request.path_params["id"])
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


@signed_in_script
def invitation_state(request: Request, session: Session) -> Response:
    """How far the new device is."""
    view = invitation_view(request, own_invitation(request, session, request.path_params["id"]))
    return json_answer({"state": view.state, "claimed_browser": view.claimed_browser})


@signed_in_script
def invitation_confirmation(request: Request, session: Session) -> Response:
    """Options to confirm this invitation for the browser that claimed it."""
    found = own_invitation(request, session, request.path_params["id"])
    return json_answer(confirmation_options(request, session.person_id, _approving(found)))


@signed_in_script
def invitation_confirmed(request: Request, session: Session) -> Response:
    """The browser that shows this number may add a device."""
    found = own_invitation(request, session, request.path_params["id"], lock=True)
    typed = request.json.get("number")
    if not isinstance(typed, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    check_number(request, found, typed)
    held = confirm(request, session.person_id, _approving(found))
    approve(request, found, held.device.id)
    touch(request.connection, session, request.now)
    return json_answer({"location": _page_of(found)})


@signed_in
def invitation_cancelled(request: Request, session: Session) -> Response:
    """Nothing can be added by it any more."""
    found = own_invitation(request, session, request.path_params["id"])
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
    """The device that confirmed; raises `Expired` when it was blocked or removed since then.

    One that was blocked, and is not any more, has to confirm again.
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
    """Bound to the invitation and to who claimed it."""
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
    page_route("/devices/add", add),
    page_route("/devices/add/here", add_here),
    json_route("/devices/add/here/confirm-options", add_here_confirmation),
    json_route("/devices/add/here/options", add_here_options, writes=True),
    json_route("/devices/add/here/registration", add_here_registration, writes=True),
    form_route("/devices/add/invitation", invite),
    page_route("/devices/add/invitation/{id:uuid}", invitation),
    json_route("/devices/add/invitation/{id:uuid}/state", invitation_state, method="GET"),
    json_route("/devices/add/invitation/{id:uuid}/confirm-options", invitation_confirmation),
    json_route("/devices/add/invitation/{id:uuid}/confirm", invitation_confirmed, writes=True),
    form_route("/devices/add/invitation/{id:uuid}/cancel", invitation_cancelled),
]
