"""After an act at the desk: what to tell the citizen, and the button for the wrong device."""

from uuid import UUID

from starlette.responses import Response

from authn.console.acts import ActOutcome
from authn.console.confirming import hold_desk
from authn.console.desk import DeskSession, about_person, at_desk
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.routes import desk_form, desk_page
from authn.console.said import what_to_say
from authn.console.shown import desk_answer
from authn.console.undo import UndoableAct, done_token, read_done, undo_suspension
from authn.devices.devices import every_device_of
from authn.people.tables import Person
from authn.web.request import Request, json_answer, redirect


def go_on(request: Request, desk: DeskSession, outcome: ActOutcome) -> Response:
    """Where the page goes on: to what waits now, or to what to say."""
    if outcome.approval_id:
        return json_answer({"location": f"/desk/approvals/{outcome.approval_id}"})
    location = said_at(request, desk, outcome.act, outcome.person_id, outcome.device_id)
    return json_answer({"location": location})


def said_at(
    request: Request, desk: DeskSession, act: str, person_id: UUID, device_id: UUID | None
) -> str:
    """The page that tells what to say after this act."""
    did = UndoableAct(act, person_id, device_id, request.now, desk.person_id)
    token = done_token(request.secrets, request.settings, did)
    return f"/desk/people/{person_id}/done?did={token}"


@about_person("see-person")
def what_was_done(request: Request, desk: DeskSession, person: Person) -> Response:
    """What to tell the citizen now; and, for a while, a button for the wrong device."""
    token = request.query.get("did", "")
    did = read_done(request.secrets, token, request.now)
    if did.person_id != person.id:
        return redirect(f"/desk/people/{person.id}")
    until = did.undoable_until(request.settings) if did.by == desk.person_id else None
    devices = every_device_of(request.connection, person.id)
    return desk_answer(
        request,
        desk,
        "console/done.html",
        citizen=person,
        did=did,
        token=token,
        device=next((each for each in devices if each.id == did.device_id), None),
        says=what_to_say(request, person, did.act, did.device_id),
        undo_until=until if until and until > request.now else None,
        undo_over=until is not None and until <= request.now,
    )


@at_desk("suspend")
def undone(request: Request, desk: DeskSession) -> Response:
    """The wrong device works again: one button, and no reason is asked again."""
    did = read_done(request.secrets, request.form.get("did", ""), request.now)
    desk = hold_desk(request, desk, "suspend", did.person_id)
    # The desk may be about somebody else by now: that reason is not the one for this.
    why = desk.why if desk.about_id == did.person_id else NO_REASON
    undo_suspension(request, Desk(desk.staff, why), did)
    act = "undo" if did.device_id else "undo-all"
    return redirect(said_at(request, desk, act, did.person_id, did.device_id))


routes = [
    desk_page("/desk/people/{id:uuid}/done", what_was_done),
    desk_form("/desk/undo", undone),
]
