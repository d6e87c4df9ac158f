"""Confirming an act at the desk, on the way back to the tool that asks for it (decisions 2.9).

A step of the hallway (`login.desk_act`), with its page in this room: what is to be done is said in
words, then the device with which the member of staff is signed in confirms exactly that, for this
request. The same device, so that the token ends with it.
"""

from starlette.responses import Response

from authn.audit.staff_events import DeskActConfirmed
from authn.consents.desk_acts import ConsentDeskAct, desk_act_of
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.desk_api.confirmation import (
    FOR_GOOD,
    ONLY_ASKS,
    WORDS,
    confirming_desk,
    lacking,
    purpose_of,
    refused,
    target_of,
)
from authn.devices.tables import Device
from authn.errors import N_, Forbidden
from authn.grants.issue import answered_before
from authn.login.desk_act import CONFIRM_ACT, PATH, note_confirmed
from authn.login.hallway import next_location, next_step, proceed
from authn.login.passage import Passage
from authn.login.waiting import passage_of
from authn.sessions.sessions import Session
from authn.web.request import Request, json_answer, page, sent_text
from authn.web.routing import WHEN_NEEDED, json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options


def act_to_confirm(request: Request) -> Response:
    """The page that says what will be done, and asks for the device; or why it is not possible."""
    passage = passage_of(request, request.query.get("request", ""))
    if next_step(passage) != CONFIRM_ACT:
        return proceed(request, passage.pending, passage.client, passage.session)
    act, session = _asked(passage)
    desk = confirming_desk(passage, act.act)
    found = lacking(request, session.device)
    question, button = WORDS[act.act]
    return page(
        request,
        "desk_api/confirm_act.html",
        person=session,
        client=passage.client,
        device=session.device,
        may=desk is not None,
        what_is=request.translate(found.what_is) if found else "",
        what_is_needed=request.translate(found.what_is_needed) if found else "",
        question=request.translate(question),
        button=request.translate(button),
        for_good=act.act in FOR_GOOD,
        only_asks=request.translate(ONLY_ASKS.get(act.act, "")),
        act=act.act,
        target=target_of(request, desk, session, act) if desk and not found else None,
        request_token=request.query["request"],
    )


def act_options(request: Request) -> Response:
    """Options to confirm it with the device of the session."""
    passage = _waiting(request)
    act, session = _asked(passage)
    _require_staff(passage, act)

    def of_session(device: Device) -> bool:
        return device.id == session.device_id

    purpose = purpose_of(act, passage.pending.request_id)
    options = confirmation_options(request, session.person_id, purpose, of_session)
    return json_answer(options)


def act_confirmed(request: Request) -> Response:
    """It is confirmed, for this request alone; and on the way back to the tool."""
    passage = _waiting(request)
    act, session = _asked(passage)
    held = confirm(request, session.person_id, purpose_of(act, passage.pending.request_id))
    passage = _waiting(request)  # as it is now that nobody else acts for this person
    act, session = _asked(passage)
    desk = _require_staff(passage, act)
    if held.device.id != session.device_id:
        refused(passage, desk, act.act, "not by this device")
        words = N_("Confirm it with the device that you signed in with.")
        raise Forbidden("not_this_device", words)
    if found := lacking(request, held.device):
        refused(passage, desk, act.act, found.reason)
        words = " ".join(map(request.translate, (found.what_is, found.what_is_needed)))
        raise Forbidden("device_not_good_enough", words, detail=found.reason)
    if not note_confirmed(passage, session.person_id, held.device.id):
        raise answered_before()
    event = DeskActConfirmed(
        actor_id=session.person_id,
        device_id=held.device.id,
        client_id=passage.client.client_id,
        act=act.act,
        target=act.target,
    )
    record_at_desk(request, desk, event)
    return json_answer({"location": next_location(passage)})


def _waiting(request: Request) -> Passage:
    """The request that a script names, with whom the page was shown to still signed in.

    Raises `Forbidden` where somebody else is, or nobody, and where another step comes first.
    """
    passage = passage_of(request, sent_text(request, "request"))
    session = passage.session
    shown_to = sent_text(request, "person")
    if session is None or str(session.person_id) != shown_to or next_step(passage) != CONFIRM_ACT:
        raise Forbidden("not_this_step", N_("Something has changed since. Reload the page."))
    return passage


def _asked(passage: Passage) -> tuple[ConsentDeskAct, Session]:
    act = desk_act_of(passage.pending.authorization_details)
    assert act is not None, "the step is there for an act alone"
    assert passage.session is not None, "somebody is signed in"
    return act, passage.session


def _require_staff(passage: Passage, act: ConsentDeskAct) -> Desk:
    desk = confirming_desk(passage, act.act)
    if desk is None:
        raise Forbidden("not_this_role", N_("This is for the help desk, and not for your role."))
    return desk


routes = [
    page_route(PATH, act_to_confirm, writes=WHEN_NEEDED),
    json_route(f"{PATH}/options", act_options, writes=WHEN_NEEDED),
    json_route(PATH, act_confirmed, writes=True),
]
