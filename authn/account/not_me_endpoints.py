""" "This was not me": the page behind the link in a notice, without signing in.

Opening the page does nothing, since mail scanners open every link; its button does. A link blocks
the device that was just added, cancels the account recovery that was begun or the code that was
asked for at a desk, or takes away the identity that was matched there, once; it never opens
anything. The link of any other notice leads to the emergency block.
"""

from typing import Literal
from uuid import UUID

from starlette.responses import Response

from authn.audit.events import devices as events
from authn.audit.log import record
from authn.db.once import spend
from authn.devices.devices import find_device
from authn.devices.life import suspend
from authn.devices.tables import Device
from authn.enrolment.desk_code_rows import find_desk_code, was_used
from authn.enrolment.desk_codes.lifecycle import cancel_desk_code
from authn.enrolment.foreign_matches import end_match
from authn.enrolment.returning import cancel_recovery, find_recovery
from authn.errors import N_, Expired, InvalidRequest, NotFound
from authn.federation.foreign_identities import find_identity
from authn.notices.not_me_links import NotMeLink, read_not_me_link
from authn.people.persons import lock_person
from authn.web.request import Request, json_answer, page
from authn.web.routing import json_route, page_route

# What the link does; and its status: it can be done, it is done already, or it is too late.
Act = Literal["block", "cancel", "cancel-code", "part-identity", "explain"]
LinkStatus = Literal["possible", "done", "too-late"]

ACTS: dict[str, Act] = {
    "device-added": "block",
    "return-begun": "cancel",
    "code-asked": "cancel-code",
    "machine-code-asked": "cancel-code",
    "identity-matched": "part-identity",
}


def not_me_page(request: Request) -> Response:
    """The page, whose script reads the secret behind the `#`."""
    return page(request, "account/not_me.html")


def inspect_link(request: Request) -> Response:
    """What the link does, and whether that is still possible, as JSON."""
    link = _read(request)
    device = _device(request, link)
    return json_answer(
        {
            "act": ACTS.get(link.notice, "explain"),
            "standing": _link_status(request, link, device),
            "device": device.name if device else None,
        }
    )


def use_link(request: Request) -> Response:
    """Does what the link is for, once; a second time changes nothing."""
    link = _read(request)
    token = request.json["token"]
    lock_person(request.connection, link.person_id)
    device = _device(request, link)
    status = _link_status(request, link, device)
    if status == "possible":
        if not spend(request.connection, token, link.expires_at):
            raise Expired("used", N_("This link was used already. It works once."))
        status = "done" if _act(request, link, device) else "too-late"
    return json_answer({"standing": status})


def _act(request: Request, link: NotMeLink, device: Device | None) -> bool:
    if device is not None:
        done = suspend(request, device, by="notice", why="notice")
    else:
        assert link.target is not None, "only an act with a target is possible"
        done = _ended(request, link, link.target)
    if done:
        event = events.NotMe(
            person_id=link.person_id,
            device_id=device.id if device else None,
            notice=link.notice,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    return done


def _ended(request: Request, link: NotMeLink, target: UUID) -> bool:
    """Ends what the notice was about; False if that had ended before."""
    match ACTS[link.notice]:
        case "cancel-code":
            return cancel_desk_code(request, target)
        case "part-identity":
            return end_match(request, target, link.person_id, "notice") is not None
        case _:
            return cancel_recovery(request, target)


def _link_status(request: Request, link: NotMeLink, device: Device | None) -> LinkStatus:
    match ACTS.get(link.notice):
        case "block":
            if device is None:
                return "too-late"
            # A block with an end is not enough: whoever presses the button wants it for good.
            lasts = device.status != "active" and device.suspended_until is None
            return "done" if lasts else "possible"
        case "cancel":
            found = find_recovery(request.connection, link.target) if link.target else None
            if found is None or found.state == "used":
                return "too-late"
            return "possible" if found.state == "waiting" else "done"
        case "cancel-code":
            return _status_of_code(request, link.target)
        case "part-identity":
            found_one = link.target and find_identity(
                request.connection, request.secrets, link.target
            )
            return "possible" if found_one and found_one.person_id == link.person_id else "done"
        case _:
            return "done"


def _status_of_code(request: Request, desk_code_id: UUID | None) -> LinkStatus:
    if desk_code_id is None:
        return "too-late"
    try:
        found = find_desk_code(request.connection, desk_code_id)
    except NotFound:  # it ended long ago
        return "too-late"
    if was_used(request.connection, found):
        return "too-late"
    return "done" if found.is_over_at(request.now) else "possible"


def _device(request: Request, link: NotMeLink) -> Device | None:
    """The device of the notice; None if removed, or if the notice is about no device."""
    if ACTS.get(link.notice) != "block" or link.target is None:
        return None
    try:
        return find_device(request.connection, link.person_id, link.target)
    except NotFound:
        return None


def _read(request: Request) -> NotMeLink:
    token = request.json.get("token")
    if not isinstance(token, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    try:
        return read_not_me_link(request.secrets, token, request.now)
    except Expired:
        raise Expired("expired", N_("This link is too old. It worked for 30 days.")) from None


routes = [
    page_route("/not-me", not_me_page),
    json_route("/not-me/look", inspect_link),
    json_route("/not-me", use_link, writes=True),
]
