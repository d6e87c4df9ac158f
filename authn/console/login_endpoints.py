"""Opening the desk: whoever is signed in confirms with the very device that they signed in with."""

from typing import NoReturn
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.log import record
from authn.audit.staff_events import DeskOpened, DeskRefused
from authn.console.desk import current_desk, desk_path
from authn.console.desk_sessions import open_desk_session
from authn.console.targets import nothing_here
from authn.devices.tables import Device
from authn.errors import N_, Forbidden, Refusal
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, SessionDevice
from authn.staff.staff import Staff, staff_of
from authn.web.cookies import DESK, set_cookie
from authn.web.request import Request, json_answer, page, redirect, sent_text
from authn.web.routing import WHEN_NEEDED, json_route, page_route
from authn.webauthn.authentication import OPEN_DESK, confirm, confirmation_options
from authn.webauthn.challenges import Purpose
from authn.webauthn.policy import Unmet, model_of, policy_of_staff, unmet

PURPOSE = Purpose(OPEN_DESK)


def desk_login(request: Request) -> Response:
    """The page that asks for the device; for whoever is no staff there is no such page."""
    on = desk_path(request.query.get("next", ""))
    session = current_session(request)
    if session is None:
        return redirect("/login?" + urlencode({"return_to": _login_path(on)}))
    _require_staff(request, session)
    if current_desk(request) is not None:
        return redirect(on)
    lacking = _lacking(request, session.device)
    return page(
        request,
        "console/login.html",
        person=session,
        device=session.device,
        what_is=request.translate(lacking.what_is) if lacking else "",
        what_is_needed=request.translate(lacking.what_is_needed) if lacking else "",
        on=on,
        closed="closed" in request.query,
    )


def desk_login_options(request: Request) -> Response:
    """Options to confirm it with the device of the session."""
    session = _signed_in(request)
    _require_staff(request, session)

    def good_enough(device: Device) -> bool:
        return device.id == session.device_id

    return json_answer(confirmation_options(request, session.person_id, PURPOSE, good_enough))


def desk_opened(request: Request) -> Response:
    """The desk is open in this browser, for as long as the settings say."""
    session = _signed_in(request)
    held = confirm(request, session.person_id, PURPOSE)
    session = _signed_in(request)  # as it is now that nobody else acts for this person
    member = _require_staff(request, session)
    if held.device.id != session.device_id:
        words = N_("Confirm it with the device that you signed in with.")
        _refuse(request, session, "not by this device", Forbidden("not_this_device", words))
    lacking = _lacking(request, held.device)
    if lacking is not None:
        words = " ".join(map(request.translate, (lacking.what_is, lacking.what_is_needed)))
        _refuse(request, session, lacking.reason, Forbidden("device_not_good_enough", words))
    token = open_desk_session(request.connection, session, request.now)
    event = DeskOpened(
        actor_id=session.person_id,
        person_id=session.person_id,
        device_id=session.device_id,
        desks=tuple(sorted(member.desks)),
        roles=member.in_order,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    answer = json_answer({"location": desk_path(sent_text(request, "next"))})
    set_cookie(answer, request.settings, DESK, token)
    return answer


def _signed_in(request: Request) -> Session:
    session = current_session(request)
    if session is None:
        raise Forbidden(
            "not_signed_in", N_("You are no longer signed in. Reload the page to sign in.")
        )
    return session


def _require_staff(request: Request, session: Session) -> Staff:
    """Who of the staff they are; raises `NotFound`, as of any unknown address, for anybody else."""
    member = staff_of(request.connection, session.person_id)
    if member is None:
        _refuse(request, session, "no staff", nothing_here())
    return member


def _refuse(request: Request, session: Session, why: str, refusal: Refusal) -> NoReturn:
    member = staff_of(request.connection, session.person_id)
    event = DeskRefused(
        actor_id=session.person_id,
        device_id=session.device_id,
        act=OPEN_DESK,
        refused=why,
        role=", ".join(member.in_order) if member else "",
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    raise refusal


def _lacking(request: Request, device: Device | SessionDevice) -> Unmet | None:
    return unmet(policy_of_staff(request.settings), device, model_of(request.site, device))


def _login_path(on: str) -> str:
    return "/desk/login?" + urlencode({"next": on})


routes = [
    page_route("/desk/login", desk_login, writes=WHEN_NEEDED),
    json_route("/desk/login/options", desk_login_options, writes=WHEN_NEEDED),
    json_route("/desk/login", desk_opened, writes=True),
]
