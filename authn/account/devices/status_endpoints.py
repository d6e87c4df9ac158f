"""Changing the status of a device by its holder: block, resume, remove.

Each needs a device in hand at that moment, for that act on that target (decisions 2.9). The person
is locked first of all, so that two acts are done one after the other; and the session is looked up
again then, for the first act may have ended the session of the second.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from authn.account.devices.views import device_overview, device_view
from authn.account.required_session import (
    not_signed_in_refusal,
    require_session,
    require_session_for_script,
)
from authn.audit.events.devices import AllButOneBlocked, DeviceActRefused
from authn.audit.log import record
from authn.devices.devices import find_device, list_devices_and_removed
from authn.devices.life import resume, suspend, suspend_all, unlink
from authn.devices.tables import Device, HeldDevice
from authn.devices.transitions import may_resume
from authn.errors import N_, Forbidden
from authn.grants.grants import applications_of_device
from authn.people.persons import lock_person
from authn.sessions.browser import current_session, forget_session_cookie
from authn.sessions.sessions import Session, count_sessions, record_session_use
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import json_route, page_route
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.credentials import accepted_credentials

# The acts that challenges name.
REMOVE, BLOCK, RESUME = "remove-device", "block-device", "resume-device"
BLOCK_OTHERS = "block-other-devices"


@require_session
def remove_device_page(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    return _asking(request, session, "account/remove_device.html")


@require_session_for_script
def remove_device_options(request: Request, session: Session) -> Response:
    """Options for the assertion that confirms the removal of a device."""
    return _options(request, session, REMOVE)


@require_session_for_script
def remove_device(request: Request, session: Session) -> Response:
    """Removes a device: nothing that was opened with the device is valid any more."""
    device, _ = _confirmed(request, session, REMOVE)
    unlink(request, device, "holder")
    left = list_devices_and_removed(request.connection, session.person_id)
    answer = {"accepted": accepted_credentials(request.settings, left)}
    return _done(request, session, device, "/devices?done=removed", answer)


@require_session
def block_device_page(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    return _asking(request, session, "account/block_device.html")


@require_session_for_script
def block_device_options(request: Request, session: Session) -> Response:
    """Options for the assertion that confirms the block of a device."""
    return _options(request, session, BLOCK)


@require_session_for_script
def block_device(request: Request, session: Session) -> Response:
    """Blocks a device: nothing that was opened with the device is valid any more."""
    device, _ = _confirmed(request, session, BLOCK)
    suspend(request, device, "holder", "holder")
    return _done(request, session, device, f"/devices?done=blocked&device={device.id}")


@require_session
def resume_device_page(request: Request, session: Session) -> Response:
    """The page that says what resuming a device brings back, before it asks."""
    view = device_view(request, session, request.path_params["id"])
    if not view.resumable:
        return redirect(f"/devices/{view.id}")  # where it says why not
    return page(request, "account/resume_device.html", person=session, device=view)


@require_session_for_script
def resume_device_options(request: Request, session: Session) -> Response:
    """Options for the assertion, by a device that may do so, that confirms resuming a device."""
    device = find_device(request.connection, session.person_id, request.path_params["id"])
    return _options(request, session, RESUME, lambda other: may_resume(device, other))


@require_session_for_script
def resume_device(request: Request, session: Session) -> Response:
    """Resumes a device; what was opened with the device before stays ended."""
    device, held = _confirmed(request, session, RESUME)
    resume(request, device, "holder", held.device)
    return _done(request, session, device, "/devices?done=resumed")


@require_session
def block_others_page(request: Request, session: Session) -> Response:
    """The page that names the devices that would be blocked, before it asks."""
    others = [view for view in device_overview(request, session).active if not view.current]
    if not others:
        return redirect("/devices")
    this = device_view(request, session, session.device_id)
    return page(request, "account/block_others.html", person=session, device=this, devices=others)


@require_session_for_script
def block_others_options(request: Request, session: Session) -> Response:
    """Options for the assertion of the current device, which stays active."""
    purpose = ChallengePurpose(BLOCK_OTHERS, str(session.device_id))
    options = confirmation_options(
        request, session.person_id, purpose, lambda device: device.id == session.device_id
    )
    return json_answer(options)


@require_session_for_script
def block_others(request: Request, session: Session) -> Response:
    """Blocks every other device of the person."""
    session = _locked(request, session)
    purpose = ChallengePurpose(BLOCK_OTHERS, str(session.device_id))
    held = authenticate_confirmation(request, session.person_id, purpose)
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
    record_session_use(request.connection, session, request.now)
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
        applications=applications_of_device(
            request.connection, request.settings, view.id, request.now
        ),
    )


def _options(
    request: Request,
    session: Session,
    act: str,
    good_enough: Callable[[Device], bool] = lambda device: True,
) -> Response:
    """Options for the assertion that confirms an act on the device in the address."""
    device = find_device(request.connection, session.person_id, request.path_params["id"])
    purpose = ChallengePurpose(act, str(device.id))
    return json_answer(confirmation_options(request, session.person_id, purpose, good_enough))


def _locked(request: Request, session: Session) -> Session:
    """The session, read again under the lock of its person; raises `Forbidden` if ended."""
    lock_person(request.connection, session.person_id)
    present = current_session(request)
    if present is None:
        raise not_signed_in_refusal()
    return present


def _confirmed(request: Request, session: Session, act: str) -> tuple[Device, HeldDevice]:
    """The device in the address, and the one that confirmed this act on it."""
    session = _locked(request, session)
    device_id = request.path_params["id"]
    held = authenticate_confirmation(
        request, session.person_id, ChallengePurpose(act, str(device_id))
    )
    return find_device(request.connection, session.person_id, device_id), held


def _done(
    request: Request,
    session: Session,
    device: Device,
    location: str,
    answer: dict[str, Any] | None = None,
) -> Response:
    """The next address as JSON; signs this browser out if its own device was changed."""
    if device.id == session.device_id:
        return forget_session_cookie(
            json_answer({"location": "/signed-out", **(answer or {})}), request
        )
    record_session_use(request.connection, session, request.now)
    return json_answer({"location": location, **(answer or {})})


routes = [
    page_route("/devices/{id:uuid}/remove", remove_device_page),
    json_route("/devices/{id:uuid}/remove/options", remove_device_options),
    json_route("/devices/{id:uuid}/remove", remove_device, writes=True),
    page_route("/devices/{id:uuid}/block", block_device_page),
    json_route("/devices/{id:uuid}/block/options", block_device_options),
    json_route("/devices/{id:uuid}/block", block_device, writes=True),
    page_route("/devices/{id:uuid}/resume", resume_device_page),
    json_route("/devices/{id:uuid}/resume/options", resume_device_options),
    json_route("/devices/{id:uuid}/resume", resume_device, writes=True),
    page_route("/devices/block-others", block_others_page),
    json_route("/devices/block-others/options", block_others_options),
    json_route("/devices/block-others", block_others, writes=True),
]
