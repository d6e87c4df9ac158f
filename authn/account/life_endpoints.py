"""What a holder does with a device that changes its life: block, allow again, remove.

Each needs a device in hand at that moment, for that act on that target (decisions 2.9). The person
is locked first of all, so that two acts are heard one after the other; and the session is looked up
again then, for the first one may have ended what the second one was asked from.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from authn.account.signed_in import not_signed_in, signed_in, signed_in_script
from authn.account.views import device_view, overview
from authn.audit.device_events import AllButOneBlocked, DeviceActRefused
from authn.audit.log import record
from authn.devices.devices import every_device_of, find_device
from authn.devices.life import resume, suspend, suspend_all, unlink
from authn.devices.tables import Device, HeldDevice
from authn.devices.transitions import may_resume
from authn.errors import N_, Forbidden
from authn.grants.on_device import live_applications
from authn.people.persons import lock_person
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, count_sessions, touch
from authn.sessions.sign_in import forget
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.signals import accepted_credentials

# The acts that challenges name.
REMOVE, BLOCK, RESUME = "remove-device", "block-device", "resume-device"
BLOCK_OTHERS = "block-other-devices"


@signed_in
def remove(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    return _asking(request, session, "account/remove_device.html")


@signed_in_script
def removal_options(request: Request, session: Session) -> Response:
    """Options to confirm the removal of this one device."""
    return _options(request, session, REMOVE)


@signed_in_script
def device_removed(request: Request, session: Session) -> Response:
    """The device is removed, and nothing opened with it is valid any more."""
    device, _ = _confirmed(request, session, REMOVE)
    unlink(request, device, "holder")
    left = every_device_of(request.connection, session.person_id)
    answer = {"accepted": accepted_credentials(request.settings, left)}
    return _done(request, session, device, "/devices?done=removed", answer)


@signed_in
def block(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    return _asking(request, session, "account/block_device.html")


@signed_in_script
def block_options(request: Request, session: Session) -> Response:
    """Options to confirm that this one device is blocked."""
    return _options(request, session, BLOCK)


@signed_in_script
def device_blocked(request: Request, session: Session) -> Response:
    """The device is blocked, and nothing opened with it is valid any more."""
    device, _ = _confirmed(request, session, BLOCK)
    suspend(request, device, "holder", "holder")
    return _done(request, session, device, f"/devices?done=blocked&device={device.id}")


@signed_in
def resume_page(request: Request, session: Session) -> Response:
    """The page that says what comes back and what does not, before it asks."""
    view = device_view(request, session, request.path_params["id"])
    if not view.resumable:
        return redirect(f"/devices/{view.id}")  # where it says why not
    return page(request, "account/resume_device.html", person=session, device=view)


@signed_in_script
def resume_options(request: Request, session: Session) -> Response:
    """Options to confirm, with a device that may, that this one is allowed again."""
    device = find_device(request.connection, session.person_id, request.path_params["id"])
    return _options(request, session, RESUME, lambda other: may_resume(device, other))


@signed_in_script
def device_resumed(request: Request, session: Session) -> Response:
    """The device works again; what was opened with it before stays ended."""
    device, held = _confirmed(request, session, RESUME)
    resume(request, device, "holder", held.device)
    return _done(request, session, device, "/devices?done=resumed")


@signed_in
def block_others(request: Request, session: Session) -> Response:
    """The page that names the devices that would be blocked, before it asks."""
    others = [view for view in overview(request, session).active if not view.current]
    if not others:
        return redirect("/devices")
    this = device_view(request, session, session.device_id)
    return page(request, "account/block_others.html", person=session, device=this, devices=others)


@signed_in_script
def block_others_options(request: Request, session: Session) -> Response:
    """Options to confirm it with this very device: whoever holds it keeps it."""
    purpose = ChallengePurpose(BLOCK_OTHERS, str(session.device_id))
    options = confirmation_options(
        request, session.person_id, purpose, lambda device: device.id == session.device_id
    )
    return json_answer(options)


@signed_in_script
def others_blocked(request: Request, session: Session) -> Response:
    """Every other device is blocked, and nothing opened with them is valid any more."""
    session = _locked(request, session)
    purpose = ChallengePurpose(BLOCK_OTHERS, str(session.device_id))
    held = confirm(request, session.person_id, purpose)
    if held.device.id != session.device_id:
        refused = DeviceActRefused(
            person_id=session.person_id,
            device_id=held.device.id,
            act="suspended",
            by="holder",
            reason="not by this device",
        )
        record(request.connection, request.secrets, refused, request.now, request.reference)
        raise Forbidden("not_this_device", N_("Confirm it with the device that you use here."))
    blocked = suspend_all(request, session.person_id, "holder", "holder", but=session.device_id)
    event = AllButOneBlocked(
        person_id=session.person_id, device_id=session.device_id, blocked=len(blocked)
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    touch(request.connection, session, request.now)
    return json_answer({"location": "/devices?done=others-blocked"})


def _asking(request: Request, session: Session, template: str) -> Response:
    view = device_view(request, session, request.path_params["id"])
    if view.only:
        return redirect("/devices")  # where it says why not
    return page(
        request,
        template,
        person=session,
        device=view,
        sessions=count_sessions(request.connection, request.settings, view.id, request.now),
        applications=live_applications(request.connection, request.settings, view.id, request.now),
    )


def _options(
    request: Request,
    session: Session,
    act: str,
    good_enough: Callable[[Device], bool] = lambda device: True,
) -> Response:
    """Options to confirm this act on the device in the address."""
    device = find_device(request.connection, session.person_id, request.path_params["id"])
    purpose = ChallengePurpose(act, str(device.id))
    return json_answer(confirmation_options(request, session.person_id, purpose, good_enough))


def _locked(request: Request, session: Session) -> Session:
    """The session, still alive now that nobody else acts for its person."""
    lock_person(request.connection, session.person_id)
    present = current_session(request)
    if present is None:
        raise not_signed_in()
    return present


def _confirmed(request: Request, session: Session, act: str) -> tuple[Device, HeldDevice]:
    """The device in the address, and the one that confirmed this act on it."""
    session = _locked(request, session)
    device_id = request.path_params["id"]
    held = confirm(request, session.person_id, ChallengePurpose(act, str(device_id)))
    return find_device(request.connection, session.person_id, device_id), held


def _done(
    request: Request,
    session: Session,
    device: Device,
    location: str,
    answer: dict[str, Any] | None = None,
) -> Response:
    """Where the page goes on; whoever did it to the device in use is signed out here."""
    if device.id == session.device_id:
        return forget(json_answer({"location": "/signed-out", **(answer or {})}), request)
    touch(request.connection, session, request.now)
    return json_answer({"location": location, **(answer or {})})


routes = [
    page_route("/devices/{id:uuid}/remove", remove),
    json_route("/devices/{id:uuid}/remove/options", removal_options),
    json_route("/devices/{id:uuid}/remove", device_removed, writes=True),
    page_route("/devices/{id:uuid}/block", block),
    json_route("/devices/{id:uuid}/block/options", block_options),
    json_route("/devices/{id:uuid}/block", device_blocked, writes=True),
    page_route("/devices/{id:uuid}/resume", resume_page),
    json_route("/devices/{id:uuid}/resume/options", resume_options),
    json_route("/devices/{id:uuid}/resume", device_resumed, writes=True),
    page_route("/devices/block-others", block_others),
    json_route("/devices/block-others/options", block_others_options),
    json_route("/devices/block-others", others_blocked, writes=True),
]
