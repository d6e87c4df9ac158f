"""My devices: the list, a name, away with one; and signing out."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from authn.account.adding_endpoints import routes as adding_routes
from authn.account.applications import live_applications
from authn.account.signed_in import signed_in, signed_in_script
from authn.account.views import DeviceView, device_view, device_views
from authn.audit.events import DeviceRemovalRefused, DeviceRemoved, DeviceRenamed, SignedOut
from authn.audit.log import record
from authn.devices.devices import find_device, remove_device, rename_device
from authn.devices.names import read_device_name
from authn.errors import N_, InvalidRequest, Refusal
from authn.people.persons import lock_person
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, count_sessions, end_session, touch
from authn.sessions.sign_in import forget
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import Purpose

REMOVE = "remove-device"  # the act that challenges name

FLASHES = {
    "named": N_("The name was saved."),
    "removed": N_("The device was removed. Everything that was opened with it has ended."),
}


@signed_in
def devices(request: Request, session: Session) -> Response:
    """The devices that the person has."""
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/devices.html",
        person=session,
        devices=device_views(request, session),
        flash=request.translate(flash) or None,
    )


@signed_in
def name_device(request: Request, session: Session) -> Response:
    """The page that asks for a name, with the present one in it."""
    view = device_view(request, session, request.path_params["id"])
    return _naming_page(request, session, view, request.query)


@signed_in
def device_named(request: Request, session: Session) -> Response:
    """The device has the name; on to the application that waits, if there is one."""
    device = find_device(request.connection, session.person_id, request.path_params["id"])
    try:
        name = read_device_name(request.form.get("name", ""))
    except InvalidRequest as refusal:
        view = device_view(request, session, device.id)
        errors = [{"field": "name", "text": request.translate(refusal.description)}]
        return _naming_page(request, session, view, request.form, errors)
    touch(request.connection, session, request.now)
    if name != device.name:
        rename_device(request.connection, device, name)
        event = DeviceRenamed(person_id=session.person_id, device_id=device.id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    return redirect(_continue_to(request.form.get("request", "")) or "/devices?done=named")


@signed_in
def remove(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    view = device_view(request, session, request.path_params["id"])
    if view.only:
        return redirect("/devices")  # where it says why not
    return page(
        request,
        "account/remove_device.html",
        person=session,
        device=view,
        sessions=count_sessions(request.connection, request.settings, view.id, request.now),
        applications=live_applications(request.connection, request.settings, view.id, request.now),
    )


@signed_in_script
def removal_options(request: Request, session: Session) -> Response:
    """Options to confirm the removal of this one device."""
    device = find_device(request.connection, session.person_id, request.path_params["id"])
    purpose = Purpose(REMOVE, str(device.id))
    return json_answer(confirmation_options(request, session.person_id, purpose))


@signed_in_script
def device_removed(request: Request, session: Session) -> Response:
    """The device is removed, and nothing opened with it is valid any more."""
    # First of all, for a removal confirmed by the device that another one removes: the two would
    # wait for each other.
    lock_person(request.connection, session.person_id)
    device_id = request.path_params["id"]
    confirm(request, session.person_id, Purpose(REMOVE, str(device_id)))
    try:
        device = remove_device(request.connection, session.person_id, device_id, request.now)
    except Refusal as refusal:
        kept = DeviceRemovalRefused(
            person_id=session.person_id, device_id=device_id, reason=refusal.error
        )
        record(request.connection, request.secrets, kept, request.now, request.reference)
        raise
    event = DeviceRemoved(person_id=session.person_id, device_id=device.id)
    record(request.connection, request.secrets, event, request.now, request.reference)
    if device.id == session.device_id:
        return forget(json_answer({"location": "/signed-out"}), request)
    touch(request.connection, session, request.now)
    return json_answer({"location": "/devices?done=removed"})


def sign_out(request: Request) -> Response:
    """The session of this browser has ended."""
    session = current_session(request)
    if session is not None and end_session(request.connection, session.id, request.now):
        event = SignedOut(person_id=session.person_id, device_id=session.device_id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    return forget(redirect("/signed-out"), request)


def signed_out(request: Request) -> Response:
    """The page that says so."""
    return page(request, "account/signed_out.html")


def _naming_page(
    request: Request,
    session: Session,
    view: DeviceView,
    parameters: Mapping[str, str],
    errors: list[dict[str, str]] | None = None,
) -> Response:
    request_token = parameters.get("request", "")
    return page(
        request,
        "account/name_device.html",
        status=422 if errors else 200,
        person=session,
        device=view,
        first=bool(parameters.get("first")),
        request_token=request_token or None,
        continue_to=_continue_to(request_token),
        errors=errors or [],
    )


def _continue_to(request_token: str) -> str | None:
    """Back to the application that waits; the token is read there, and bound to this browser."""
    return "/login?" + urlencode({"request": request_token}) if request_token else None


routes = [
    page_route("/devices", devices),
    page_route("/devices/{id:uuid}/name", name_device),
    form_route("/devices/{id:uuid}/name", device_named),
    page_route("/devices/{id:uuid}/remove", remove),
    json_route("/devices/{id:uuid}/remove/options", removal_options),
    json_route("/devices/{id:uuid}/remove", device_removed, writes=True),
    form_route("/sign-out", sign_out),
    page_route("/signed-out", signed_out),
    *adding_routes,
]
