"""Opening the desk: a member of staff confirms with the device with which they signed in.

Who works at several desks chooses where, and acts in the roles that they have there.
"""

from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events.staff import DeskOpened, DeskRefused
from authn.audit.log import record
from authn.console.act_rules import not_found_error
from authn.console.desk_sessions import DeskSession, open_desk_session
from authn.console.staff_endpoints import current_desk, desk_path
from authn.devices.tables import Device
from authn.errors import N_, Forbidden, InvalidRequest, Refusal
from authn.profiles.kinds.staff import ROLE_WORDS
from authn.sessions.browser import current_session
from authn.sessions.sessions import Session, SessionDevice
from authn.staff.members import Staff, staff_by_desk
from authn.web.cookies import DESK, set_cookie
from authn.web.request import Request, json_answer, page, redirect, sent_text
from authn.web.routing import WHEN_NEEDED, json_route, page_route
from authn.webauthn.authentication import OPEN_DESK, authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.policy import UnmetPolicy, find_model, find_unmet, required_staff_policy

CHOOSE: Final = N_("Choose the desk at which you work now.")


def desk_login(request: Request) -> Response:
    """The page that asks for the device, and for the desk where there are several.

    Raises `NotFound` for who is no staff.
    """
    on = desk_path(request.query.get("next", ""))
    session = current_session(request)
    if session is None:
        return redirect("/login?" + urlencode({"return_to": _login_path(on)}))
    held = _require_staff(request, session)
    present = current_desk(request)
    if present is not None and "other" not in request.query:
        return redirect(on)
    lacking = _unmet_policy(request, session.device)
    return page(
        request,
        "console/login.html",
        person=session,
        device=session.device,
        what_is=request.translate(lacking.what_is) if lacking else "",
        what_is_needed=request.translate(lacking.what_is_needed) if lacking else "",
        on=on,
        closed="closed" in request.query,
        desks=[(each.desk, [ROLE_WORDS[role] for role in each.in_order]) for each in held.values()],
        chosen=_first_choice(held, present),
    )


def desk_login_options(request: Request) -> Response:
    """WebAuthn options to open the chosen desk with the device of the session."""
    session = _require_session(request)
    member = _require_chosen_desk(request, _require_staff(request, session))

    def good_enough(device: Device) -> bool:
        return device.id == session.device_id

    return json_answer(
        confirmation_options(request, session.person_id, _purpose(member), good_enough)
    )


def open_desk(request: Request) -> Response:
    """Open the chosen desk in this browser; another desk that was open here is closed."""
    session = _require_session(request)
    wanted = _require_chosen_desk(request, _require_staff(request, session))
    held = authenticate_confirmation(request, session.person_id, _purpose(wanted))
    session = _require_session(request)  # as it is now that nobody else acts for this person
    member = _require_chosen_desk(request, _require_staff(request, session), wanted.desk)
    if held.device.id != session.device_id:
        words = N_("Confirm it with the device that you signed in with.")
        _refuse(request, session, "not by this device", Forbidden("not_this_device", words), member)
    lacking = _unmet_policy(request, held.device)
    if lacking is not None:
        words = " ".join(map(request.translate, (lacking.what_is, lacking.what_is_needed)))
        refusal = Forbidden("device_not_good_enough", words)
        _refuse(request, session, lacking.reason, refusal, member)
    token = open_desk_session(request.connection, session, member.desk, request.now)
    event = DeskOpened(
        actor_id=session.person_id,
        person_id=session.person_id,
        device_id=session.device_id,
        desk=member.desk,
        roles=member.in_order,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    answer = json_answer({"location": desk_path(sent_text(request, "next"))})
    set_cookie(answer, request.settings, DESK, token)
    return answer


def _purpose(member: Staff) -> ChallengePurpose:
    """The purpose of the challenge: opening this desk alone (decisions 2.9)."""
    return ChallengePurpose(OPEN_DESK, member.desk)


def _first_choice(held: Mapping[str, Staff], present: DeskSession | None) -> str:
    """The desk that the page preselects: the first that is not open now."""
    return next((each for each in held if present is None or each != present.staff.desk), "")


def _require_chosen_desk(
    request: Request, held: Mapping[str, Staff], name: str | None = None
) -> Staff:
    """The roles at the chosen desk; who works at one desk alone need not choose.

    Raises `InvalidRequest` where they work at several and chose none of them.
    """
    if name is None:
        name = str(request.json.get("desk", ""))
    member = next(iter(held.values())) if not name and len(held) == 1 else held.get(name)
    if member is None:
        raise InvalidRequest("choose_desk", CHOOSE)
    return member


def _require_session(request: Request) -> Session:
    session = current_session(request)
    if session is None:
        raise Forbidden(
            "not_signed_in", N_("You are no longer signed in. Reload the page to sign in.")
        )
    return session


def _require_staff(request: Request, session: Session) -> Mapping[str, Staff]:
    """The roles at each of their desks; raises `NotFound`, on record, for who works at none."""
    held = staff_by_desk(request.connection, session.person_id)
    if not held:
        _refuse(request, session, "no staff", not_found_error())
    return held


def _refuse(
    request: Request, session: Session, why: str, refusal: Refusal, member: Staff | None = None
) -> NoReturn:
    event = DeskRefused(
        actor_id=session.person_id,
        device_id=session.device_id,
        act=OPEN_DESK,
        refused=why,
        desk=member.desk if member else "",
        role=", ".join(member.in_order) if member else "",
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    raise refusal


def _unmet_policy(request: Request, device: Device | SessionDevice) -> UnmetPolicy | None:
    return find_unmet(
        required_staff_policy(request.settings), device, find_model(request.site, device)
    )


def _login_path(on: str) -> str:
    return "/desk/login?" + urlencode({"next": on})


routes = [
    page_route("/desk/login", desk_login, writes=WHEN_NEEDED),
    json_route("/desk/login/options", desk_login_options, writes=WHEN_NEEDED),
    json_route("/desk/login", open_desk, writes=True),
]
