"""This was not me: what the link in a notice leads to, without signing in.

Opening the page does nothing, since mail scanners open every link; its button does. A link blocks
the device that was just added, cancels the return that was begun or the code that was asked for at
a desk, or takes away the identity that was matched there, once; it never opens anything.
Every other notice's leads to the emergency door.
"""

from typing import Literal
from uuid import UUID

from starlette.responses import Response

from authn.audit import device_events as events
from authn.audit.log import record
from authn.db.spent import spend
from authn.devices.devices import find_device
from authn.devices.life import suspend
from authn.devices.tables import Device
from authn.enrolment.desk_code_rows import find_desk_code, was_used
from authn.enrolment.desk_codes import cancel_desk_code
from authn.enrolment.foreign_matches import take_match_away
from authn.enrolment.returning import cancel_return, find_return
from authn.errors import N_, Expired, InvalidRequest, NotFound
from authn.federation.foreign_identities import find_identity
from authn.notices.links import NotMeLink, read_not_me
from authn.people.persons import lock_person
from authn.web.request import Request, json_answer, page
from authn.web.routing import json_route, page_route

# What the link does; and how it stands: it can be done, it is so already, or it is too late.
Act = Literal["block", "cancel", "cancel-code", "part-identity", "explain"]
Standing = Literal["possible", "done", "too-late"]

ACTS: dict[str, Act] = {
    "device-added": "block",
    "return-begun": "cancel",
    "code-asked": "cancel-code",
    "machine-code-asked": "cancel-code",
    "identity-matched": "part-identity",
}


def not_me(request: Request) -> Response:
    """The page; its script reads the secret behind the `#`."""
    return page(request, "account/not_me.html")


def look(request: Request) -> Response:
    """What the link does, and whether it still can."""
    said = _read(request)
    device = _device(request, said)
    return json_answer(
        {
            "act": ACTS.get(said.notice, "explain"),
            "standing": _standing(request, said, device),
            "device": device.name if device else None,
        }
    )


def act(request: Request) -> Response:
    """The device is blocked, or the return cancelled; a second time changes nothing."""
    said = _read(request)
    token = request.json["token"]
    lock_person(request.connection, said.person_id)
    device = _device(request, said)
    standing = _standing(request, said, device)
    if standing == "possible":
        if not spend(request.connection, token, said.expires_at):
            raise Expired("used", N_("This link was used already. It works once."))
        standing = "done" if _act(request, said, device) else "too-late"
    return json_answer({"standing": standing})


def _act(request: Request, said: NotMeLink, device: Device | None) -> bool:
    if device is not None:
        done = suspend(request, device, by="notice", why="notice")
    else:
        assert said.target is not None, "only an act with a target is possible"
        done = _ended(request, said, said.target)
    if done:
        event = events.NotMe(
            person_id=said.person_id,
            device_id=device.id if device else None,
            notice=said.notice,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    return done


def _ended(request: Request, said: NotMeLink, target: UUID) -> bool:
    """Whether what the notice told of ended by this."""
    match ACTS[said.notice]:
        case "cancel-code":
            return cancel_desk_code(request, target)
        case "part-identity":
            return take_match_away(request, target, said.person_id, "notice") is not None
        case _:
            return cancel_return(request, target)


def _standing(request: Request, said: NotMeLink, device: Device | None) -> Standing:
    match ACTS.get(said.notice):
        case "block":
            if device is None:
                return "too-late"
            # A block with an end is not enough: whoever presses the button wants it for good.
            lasts = device.status != "active" and device.suspended_until is None
            return "done" if lasts else "possible"
        case "cancel":
            found = find_return(request.connection, said.target) if said.target else None
            if found is None or found.state == "used":
                return "too-late"
            return "possible" if found.state == "waiting" else "done"
        case "cancel-code":
            return _standing_of_code(request, said.target)
        case "part-identity":
            found_one = said.target and find_identity(
                request.connection, request.secrets, said.target
            )
            return "possible" if found_one and found_one.person_id == said.person_id else "done"
        case _:
            return "done"


def _standing_of_code(request: Request, desk_code_id: UUID | None) -> Standing:
    if desk_code_id is None:
        return "too-late"
    try:
        found = find_desk_code(request.connection, desk_code_id)
    except NotFound:  # it ended long ago
        return "too-late"
    if was_used(request.connection, found):
        return "too-late"
    return "done" if found.is_over_at(request.now) else "possible"


def _device(request: Request, said: NotMeLink) -> Device | None:
    """The device that the notice told of; None once it was removed."""
    if ACTS.get(said.notice) != "block" or said.target is None:
        return None
    try:
        return find_device(request.connection, said.person_id, said.target)
    except NotFound:
        return None


def _read(request: Request) -> NotMeLink:
    token = request.json.get("token")
    if not isinstance(token, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    try:
        return read_not_me(request.secrets, token, request.now)
    except Expired:
        raise Expired("expired", N_("This link is too old. It worked for 30 days.")) from None


routes = [
    page_route("/not-me", not_me),
    json_route("/not-me/look", look),
    json_route("/not-me", act, writes=True),
]
