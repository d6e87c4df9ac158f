"""Adding a device from one that the person has: here, or on another screen by a link."""

import segno
from markupsafe import Markup
from starlette.responses import Response

from authn.account.signed_in import not_signed_in, signed_in, signed_in_script
from authn.account.views import invitation_view
from authn.devices.devices import find_device
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
from authn.errors import N_, InvalidRequest
from authn.people.persons import find_person
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import Purpose
from authn.webauthn.registration import creation_options, register

ADD_HERE, APPROVE = "add-here", "approve-invitation"  # the acts that challenges name


@signed_in
def add(request: Request, session: Session) -> Response:
    """The page that asks where the new device is."""
    return page(request, "account/add_device.html", person=session)


@signed_in
def add_here(request: Request, session: Session) -> Response:
    """The page that confirms with an old key, then makes a new one."""
    return page(request, "account/add_here.html", person=session)


@signed_in_script
def add_here_confirmation(request: Request, session: Session) -> Response:
    """Options to confirm that a device is added here."""
    return json_answer(confirmation_options(request, session.person_id, _adding(session)))


@signed_in_script
def add_here_options(request: Request, session: Session) -> Response:
    """Creation options, once a device of the person has confirmed."""
    held = confirm(request, session.person_id, _adding(session))
    return json_answer(creation_options(request, held.person, _adding(session)))


@signed_in_script
def add_here_registration(request: Request, session: Session) -> Response:
    """The person has the device; the session stays the one of the device it was opened with."""
    person = find_person(request.connection, session.person_id)
    assert person is not None, "the session is alive"
    # That a device has confirmed is in the ceremony token: none is made otherwise.
    credential = register(request, person, _adding(session))
    with all_or_nothing(request, person):
        # Once more, now that the person is locked: who removed this device meanwhile comes first.
        if current_session(request) is None:
            raise not_signed_in()
        present = find_device(request.connection, session.person_id, session.device_id)
        held = store_device(
            request, person, credential, how="here", identity_level=present.identity_level
        )
    touch(request.connection, session, request.now)
    return json_answer({"location": naming_page(held)})


@signed_in
def invite(request: Request, session: Session) -> Response:
    """A new invitation, and on to its page."""
    touch(request.connection, session, request.now)
    return redirect(_page_of(open_invitation(request, session)))


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


def _adding(session: Session) -> Purpose:
    return Purpose(ADD_HERE, str(session.id))


def _approving(found: Invitation) -> Purpose:
    """Bound to the invitation and to who claimed it."""
    return Purpose(APPROVE, f"{found.id} {found.claimant_hash}")


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
