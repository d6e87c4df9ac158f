"""My devices: the list, one of them, its name, and the browsers in which it was used."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from authn.account.signed_in import signed_in
from authn.account.views import (
    AccountDeviceView,
    AccountOverview,
    device_view,
    installation_views,
    overview,
)
from authn.audit.device_events import DeviceRenamed, InstallationEnded
from authn.audit.log import record
from authn.devices.devices import find_device, rename_device
from authn.devices.installations import end_installation
from authn.devices.names import read_device_name
from authn.errors import N_, InvalidRequest
from authn.grants.on_device import live_applications
from authn.sessions.sessions import Session, touch
from authn.sessions.sign_in import forget
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route
from authn.webauthn.signals import accepted_credentials, user_details

FLASHES = {
    "named": N_("The name was saved."),
    "removed": N_("The device was removed. Everything that was opened with it has ended."),
    "blocked": N_("The device is blocked. Everything that was opened with it has ended."),
    "resumed": N_("The device works again. Sign in with it where you need it."),
    "others-blocked": N_("Your other devices are blocked. Only this one works now."),
    "return-stopped": N_("It was stopped. Nobody comes in by it."),
    "ended": N_("It is signed out there. The device itself still works."),
}


@signed_in
def devices(request: Request, session: Session) -> Response:
    """The devices that the person has and had."""
    found = overview(request, session)
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


@signed_in
def device(request: Request, session: Session) -> Response:
    """One device: what is known of it, and where it was used."""
    view = device_view(request, session, request.path_params["id"])
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/device.html",
        person=session,
        device=view,
        installations=installation_views(request, session, view.id),
        applications=live_applications(request.connection, request.settings, view.id, request.now),
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
    touch(request.connection, session, request.now)
    return redirect(_continue_to(request.form.get("request", "")) or "/devices?done=named")


@signed_in
def installation_ended(request: Request, session: Session) -> Response:
    """One browser or app of the device is signed out, for good; the device still works there.

    Without a device in hand, as signing out is: it takes nothing that cannot be had again at once,
    and whoever is afraid must be quick (decisions 2.9 names what needs one).
    """
    found = find_device(request.connection, session.person_id, request.path_params["id"])
    installation_id = request.path_params["installation"]
    if end_installation(request.connection, found.id, installation_id, request.now):
        event = InstallationEnded(person_id=session.person_id, device_id=found.id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    if installation_id == session.installation_id:
        return forget(redirect("/signed-out"), request)
    touch(request.connection, session, request.now)
    return redirect(f"/devices/{found.id}?done=ended")


def _to_undo(request: Request, found: AccountOverview) -> AccountDeviceView | None:
    """The device that was blocked a moment ago, while it can be allowed again."""
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
    """Back to the application that waits; the token is read there, and bound to this browser."""
    return "/login?" + urlencode({"request": request_token}) if request_token else None


routes = [
    page_route("/devices", devices),
    page_route("/devices/{id:uuid}", device),
    page_route("/devices/{id:uuid}/name", name_device),
    form_route("/devices/{id:uuid}/name", device_named),
    form_route("/devices/{id:uuid}/installations/{installation:uuid}/end", installation_ended),
]
