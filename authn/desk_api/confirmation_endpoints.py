"""The page on which a member of staff confirms an act that a tool asks for (decisions 2.9).

A check of the login interaction (`login.checks.desk_act`), with its page in this room. The page
says what will be done; then the device with which the member of staff is signed in confirms exactly
that, for this request. Only that device, so that the token ends with the device.
"""

from starlette.responses import Response

from authn.audit.events.staff import DeskActConfirmed
from authn.consents.desk_acts import ConsentDeskAct, find_desk_act
from authn.console.desk_sessions import Desk
from authn.console.recording import record_at_desk
from authn.desk_api.confirmation import (
    FOR_GOOD,
    ONLY_ASKS,
    WORDS,
    confirmation_purpose,
    find_confirmation_target,
    find_confirming_desk,
    record_refused,
    unmet_staff_policy,
)
from authn.devices.tables import Device
from authn.errors import N_, Forbidden
from authn.grants.issue import answered_before_refusal
from authn.login.checks.desk_act import CONFIRM_ACT, PATH, record_desk_act_confirmation
from authn.login.interaction import continue_interaction, next_location, next_step
from authn.login.pending import Interaction, find_interaction
from authn.sessions.sessions import Session
from authn.web.request import Request, json_answer, page, sent_text
from authn.web.routing import WHEN_NEEDED, json_route, page_route
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options


def show_act(request: Request) -> Response:
    """The page that says what will be done, and asks for the device; or why it is not possible."""
    interaction = find_interaction(request, request.query.get("request", ""))
    if next_step(interaction) != CONFIRM_ACT:
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    act, session = _act_and_session(interaction)
    desk = find_confirming_desk(interaction, act.act)
    found = unmet_staff_policy(request, session.device)
    question, button = WORDS[act.act]
    return page(
        request,
        "desk_api/confirm_act.html",
        person=session,
        client=interaction.client,
        device=session.device,
        may=desk is not None,
        what_is=request.translate(found.what_is) if found else "",
        what_is_needed=request.translate(found.what_is_needed) if found else "",
        question=request.translate(question),
        button=request.translate(button),
        for_good=act.act in FOR_GOOD,
        only_asks=request.translate(ONLY_ASKS.get(act.act, "")),
        act=act.act,
        target=find_confirmation_target(request, desk, session, act)
        if desk and not found
        else None,
        request_token=request.query["request"],
    )


def act_options(request: Request) -> Response:
    """WebAuthn options to confirm the act with the device of the session."""
    interaction = _require_waiting(request)
    act, session = _act_and_session(interaction)
    _require_staff(interaction, act)

    def of_session(device: Device) -> bool:
        return device.id == session.device_id

    purpose = confirmation_purpose(act, interaction.pending.request_id)
    options = confirmation_options(request, session.person_id, purpose, of_session)
    return json_answer(options)


def confirm_act(request: Request) -> Response:
    """Verify the confirmation, for this request alone, and lead back to the tool."""
    interaction = _require_waiting(request)
    act, session = _act_and_session(interaction)
    held = authenticate_confirmation(
        request, session.person_id, confirmation_purpose(act, interaction.pending.request_id)
    )
    interaction = _require_waiting(request)  # as it is now that nobody else acts for this person
    act, session = _act_and_session(interaction)
    desk = _require_staff(interaction, act)
    if held.device.id != session.device_id:
        record_refused(interaction, desk, act.act, "not by this device")
        words = N_("Confirm it with the device that you signed in with.")
        raise Forbidden("not_this_device", words)
    if found := unmet_staff_policy(request, held.device):
        record_refused(interaction, desk, act.act, found.reason)
        words = " ".join(map(request.translate, (found.what_is, found.what_is_needed)))
        raise Forbidden("device_not_good_enough", words, detail=found.reason)
    if not record_desk_act_confirmation(interaction, session.person_id, held.device.id):
        raise answered_before_refusal()
    event = DeskActConfirmed(
        actor_id=session.person_id,
        device_id=held.device.id,
        client_id=interaction.client.client_id,
        act=act.act,
        target=act.target,
    )
    record_at_desk(request, desk, event)
    return json_answer({"location": next_location(interaction)})


def _require_waiting(request: Request) -> Interaction:
    """The interaction that a script names, if whom the page was shown to is still signed in.

    Raises `Forbidden` where somebody else is, or nobody, and where another check comes first.
    """
    interaction = find_interaction(request, sent_text(request, "request"))
    session = interaction.session
    shown_to = sent_text(request, "person")
    if (
        session is None
        or str(session.person_id) != shown_to
        or next_step(interaction) != CONFIRM_ACT
    ):
        raise Forbidden("not_this_step", N_("Something has changed since. Reload the page."))
    return interaction


def _act_and_session(interaction: Interaction) -> tuple[ConsentDeskAct, Session]:
    act = find_desk_act(interaction.pending.authorization_details)
    assert act is not None, "the step is there for an act alone"
    assert interaction.session is not None, "somebody is signed in"
    return act, interaction.session


def _require_staff(interaction: Interaction, act: ConsentDeskAct) -> Desk:
    desk = find_confirming_desk(interaction, act.act)
    if desk is None:
        raise Forbidden("not_this_role", N_("This is for the help desk, and not for your role."))
    return desk


routes = [
    page_route(PATH, show_act, writes=WHEN_NEEDED),
    json_route(f"{PATH}/options", act_options, writes=WHEN_NEEDED),
    json_route(PATH, confirm_act, writes=True),
]
