"""The page after an act at the desk: what to tell the citizen, and a button to undo a block."""

from uuid import UUID

from starlette.responses import Response

from authn.console.act_texts import texts_for_citizen
from authn.console.acts import ActOutcome
from authn.console.confirmations import lock_desk_session
from authn.console.desk_pages import render_desk_page
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    person_endpoint,
)
from authn.console.undo import UndoableAct, read_act_token, sign_act_token, undo_suspension
from authn.devices.devices import list_devices_and_removed
from authn.people.tables import Person
from authn.web.request import Request, json_answer, redirect


def answer_next_page(request: Request, desk: DeskSession, outcome: ActOutcome) -> Response:
    """The JSON answer that leads a script on: to the approval that waits, or to the outcome."""
    if outcome.approval_id:
        return json_answer({"location": f"/desk/approvals/{outcome.approval_id}"})
    location = outcome_location(request, desk, outcome.act, outcome.person_id, outcome.device_id)
    return json_answer({"location": location})


def outcome_location(
    request: Request, desk: DeskSession, act: str, person_id: UUID, device_id: UUID | None
) -> str:
    """The path of the page that says what to tell the citizen after this act."""
    did = UndoableAct(act, person_id, device_id, request.now, desk.person_id)
    token = sign_act_token(request.secrets, request.settings, did)
    return f"/desk/people/{person_id}/done?did={token}"


@person_endpoint("see-person")
def show_outcome(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that says what to tell the citizen; for a while with a button to undo a block."""
    token = request.query.get("did", "")
    did = read_act_token(request.secrets, token, request.now)
    if did.person_id != person.id:
        return redirect(f"/desk/people/{person.id}")
    until = did.undoable_until(request.settings) if did.by == desk.person_id else None
    devices = list_devices_and_removed(request.connection, person.id)
    return render_desk_page(
        request,
        desk,
        "console/done.html",
        citizen=person,
        did=did,
        token=token,
        device=next((each for each in devices if each.id == did.device_id), None),
        says=texts_for_citizen(request, person, did.act, did.device_id),
        undo_until=until if until and until > request.now else None,
        undo_over=until is not None and until <= request.now,
    )


@desk_endpoint("suspend")
def undo_block(request: Request, desk: DeskSession) -> Response:
    """Undo a block of the wrong device, without asking for a reason again."""
    did = read_act_token(request.secrets, request.form.get("did", ""), request.now)
    desk = lock_desk_session(request, desk, "suspend", did.person_id)
    # The desk may be about somebody else by now: that reason is not the one for this.
    why = desk.why if desk.about_id == did.person_id else NO_REASON
    undo_suspension(request, Desk(desk.staff, why), did)
    act = "undo" if did.device_id else "undo-all"
    return redirect(outcome_location(request, desk, act, did.person_id, did.device_id))


routes = [
    desk_page("/desk/people/{id:uuid}/done", show_outcome),
    desk_form("/desk/undo", undo_block),
]
