"""My devices: the list, one device, its name, and the browsers in which a device was used."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from authn.account.devices.views import (
    AccountDeviceView,
    AccountOverview,
    device_overview,
    device_view,
    installation_views,
)
from authn.account.required_session import require_session
from authn.audit.events.devices import DeviceRenamed, InstallationEnded
from authn.audit.log import record
from authn.devices.devices import find_device, rename_device
from authn.devices.installations import end_installation
from authn.devices.names import read_device_name
from authn.errors import N_, InvalidRequest
from authn.grants.grants import applications_of_device
from authn.sessions.browser import forget_session_cookie
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route
from authn.webauthn.credentials import accepted_credentials, user_details

FLASHES = {
    "named": N_("The name was saved."),
    "removed": N_("The device was removed. Everything that was opened with it has ended."),
    "blocked": N_("The device is blocked. Everything that was opened with it has ended."),
    "resumed": N_("The device works again. Sign in with it where you need it."),
    "others-blocked": N_("Your other devices are blocked. Only this one works now."),
    "return-stopped": N_("It was stopped. Nobody comes in by it."),
    "ended": N_("It is signed out there. The device itself still works."),
}


@require_session
def devices_page(request: Request, session: Session) -> Response:
    """The page with the devices that the person has and had."""
    found = device_overview(request, session)
    done = request.query.get("done", "")
    return page(
        request,
        "account/devices.html",
        person=session,
        devices=found,
        signals={
            "accepted": accepted_credentials(request.settings, found.every),
            "details": user_details(request.settings, found.every, session.name),
        },
        flash=request.translate(FLASHES.get(done, "")) or None,
        undo=_to_undo(request, found) if done == "blocked" else None,
    )


@require_session
def device_page(request: Request, session: Session) -> Response:
    """The page of one device: its facts, and where the device was used."""
    view = device_view(request, session, request.path_params["id"])
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/device.html",
        person=session,
        device=view,
        installations=installation_views(request, session, view.id),
        applications=applications_of_device(
            request.connection, request.settings, view.id, request.now
        ),
        flash=request.translate(flash) or None,
    )


@require_session
def name_device_page(request: Request, session: Session) -> Response:
    """The page that asks for a device's name, with the present name filled in."""
    view = device_view(request, session, request.path_params["id"])
    return _naming_page(request, session, view, request.query)


@require_session
def name_device(request: Request, session: Session) -> Response:
    """Stores the device's name; leads to the application that waits, if there is one."""
    found = find_device(request.connection, session.person_id, request.path_params["id"])
    try:
        name = read_device_name(request.form.get("name", ""))
    except InvalidRequest as refusal:
        view = device_view(request, session, found.id)
        errors = [{"field": "name", "text": request.translate(refusal.description)}]
        return _naming_page(request, session, view, request.form, errors)
    if name != found.name:
        rename_device(request.connection, found, name)
        event = DeviceRenamed(person_id=session.person_id, device_id=found.id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    record_session_use(request.connection, session, request.now)
    return redirect(_continue_to(request.form.get("request", "")) or "/devices?done=named")


@require_session
def sign_out_installation(request: Request, session: Session) -> Response:
    """Ends an installation: one browser or app of a device is signed out for good.

    The device still works there. A session is enough, as for signing out: what is taken can be had
    again at once, and whoever is afraid must be quick (decisions 2.9).
    """
    found = find_device(request.connection, session.person_id, request.path_params["id"])
    installation_id = request.path_params["installation"]
    if end_installation(request.connection, found.id, installation_id, request.now):
        event = InstallationEnded(person_id=session.person_id, device_id=found.id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    if installation_id == session.installation_id:
        return forget_session_cookie(redirect("/signed-out"), request)
    record_session_use(request.connection, session, request.now)
    return redirect(f"/devices/{found.id}?done=ended")


def _to_undo(request: Request, found: AccountOverview) -> AccountDeviceView | None:
    """The device that was blocked a moment ago, if it may be resumed."""
    named = request.query.get("device", "")
    return next((view for view in found.resting if str(view.id) == named and view.resumable), None)


def _naming_page(
    request: Request,
    session: Session,
    view: AccountDeviceView,
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
        added=bool(parameters.get("added")),
        request_token=request_token or None,
        continue_to=_continue_to(request_token),
        errors=errors or [],
    )


def _continue_to(request_token: str) -> str | None:
    """The address of the application that waits; None without one. Its page verifies the token."""
    return "/login?" + urlencode({"request": request_token}) if request_token else None


routes = [
    page_route("/devices", devices_page),
    page_route("/devices/{id:uuid}", device_page),
    page_route("/devices/{id:uuid}/name", name_device_page),
    form_route("/devices/{id:uuid}/name", name_device),
    form_route("/devices/{id:uuid}/installations/{installation:uuid}/end", sign_out_installation),
]
