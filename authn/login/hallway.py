"""What a person still has to do before an application gets its answer, in order.

OpenID Connect Core 1.0 §3.1.2.3 (https://openid.net/specs/openid-connect-core-1_0.html).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import ApplicationAuthorised, OtherScreenAllowed
from authn.audit.log import record
from authn.clients.clients import Client
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.grants.codes import issue_code
from authn.grants.device_codes import allow_device
from authn.grants.issue import OtherPerson
from authn.login.acting import acting
from authn.login.agreed import acted, agreed, left_to_allow
from authn.login.desk_act import act_ends_at, desk_act_required
from authn.login.jarm import can_be_sealed
from authn.login.language import speak_language_asked
from authn.login.passage import Passage
from authn.login.pending import pending_token
from authn.login.permission_required import NOT_PERMITTED, permission_required
from authn.login.permitted import level_told, note_refused
from authn.login.profile_step import profile_required
from authn.login.response import (
    BY_LOCATION,
    authorization_response,
    authorization_response_location,
)
from authn.login.rules_of_today import refused_today
from authn.login.steps import LoginStep, authentication_required, device_needed
from authn.profiles.refreshing import hear_of_citizen
from authn.sessions.sessions import Session
from authn.web.logs import logger
from authn.web.request import Request, redirect
from authn.webauthn.policy import UnknownPolicy, policy_of

DECLINED = {"error": "access_denied", "error_description": "The person declined."}
# RFC 6749 §4.1.2.1 server_error; only this client's people are turned away.
MISCONFIGURED = {
    "error": "server_error",
    "error_description": "The policy that this client is registered with does not exist.",
}
# The code is given to nobody in the clear who asked to have it encrypted.
NOT_SEALED = {
    "error": "server_error",
    "error_description": "The keys of this client to encrypt the answer to could not be read.",
}


SELECT_ACCOUNT = LoginStep(
    "/select-account", "account_selection_required", "The person must choose an account."
)
CONSENT = LoginStep("/consent", "consent_required", "The person has not allowed this yet.")


def account_selection_required(passage: Passage) -> LoginStep | None:
    """The client asked to let the person choose, and the person has not chosen for this request."""
    session, pending = passage.session, passage.pending
    if session is None or "select_account" not in pending.prompt:
        return None
    return None if acted(passage) else SELECT_ACCOUNT


def consent_required(passage: Passage) -> LoginStep | None:
    """Something is asked that the person has not allowed this client."""
    return CONSENT if left_to_allow(passage) else None


CHECKS: tuple[Callable[[Passage], LoginStep | None], ...] = (
    authentication_required,
    device_needed,
    account_selection_required,
    profile_required,
    permission_required,
    consent_required,
    desk_act_required,
)


def next_step(passage: Passage) -> LoginStep | None:
    """The first thing that is missing; None when the answer can be given, or none ever can.

    Raises `NeededFromOutside` when a source is to be asked first: also whether the person lives.
    """
    if not policy_known(passage) or refused_today(passage.client, passage.pending):
        return None
    if session := passage.session:
        hear_of_citizen(passage.request, session.person_id, session.heard_at)
    return next((step for check in CHECKS if (step := check(passage))), None)


def policy_known(passage: Passage) -> bool:
    """Whether anybody can say what is enough for this client; on record where not."""
    try:
        policy_of(passage.request.settings, passage.client)
    except UnknownPolicy as refusal:
        logger.error("unknown_policy", detail=refusal.detail)
        return False
    return True


def proceed(
    request: Request, pending: AuthorizationRequest, client: Client, session: Session | None
) -> Response:
    """On to the next page, or back to the application with a code or an error."""
    passage = Passage(request, pending, client, session)
    step = next_step(passage)
    if step is None:
        return authorization_response(request, client, pending, _answer(passage))
    if "none" in pending.prompt:
        if step == NOT_PERMITTED:
            note_refused(passage)
        return authorization_response(request, client, pending, step.parameters)
    return _in_language_asked(passage, redirect(_address(passage, step.path)))


def next_location(passage: Passage) -> str:
    """As `proceed`, for a script or a page that navigates: the address to go to.

    An answer in the query is that address itself, so that a login whose hallway is empty commits
    once; an answer in a form is fetched from `/login/continue`.
    """
    step = next_step(passage)
    if step is not None:
        return _address(passage, step.path)
    if passage.pending.response_mode not in BY_LOCATION:
        return _address(passage, "/login/continue")
    return _location(passage, _answer(passage))


def decline(passage: Passage) -> str:
    """Where to go once the person has said no: back, with `access_denied`."""
    if passage.pending.response_mode not in BY_LOCATION:
        return _address(passage, "/login/declined")
    return _location(passage, DECLINED)


def _location(passage: Passage, parameters: Mapping[str, str]) -> str:
    request, client, pending = passage.request, passage.client, passage.pending
    return authorization_response_location(request, client, pending, parameters)


def _in_language_asked(passage: Passage, response: Response) -> Response:
    """The pages speak the client's `ui_locales`, unless the person chose a language here before."""
    return speak_language_asked(passage.request, response, passage.pending.ui_locales)


def _address(passage: Passage, path: str) -> str:
    token = pending_token(passage.request, passage.pending)
    return path + "?" + urlencode({"request": token})


def _answer(passage: Passage) -> dict[str, str]:
    """The code; or `login_required` when the client asks for another person (Core §3.1.2.2)."""
    request, pending, session = passage.request, passage.pending, passage.session
    if not policy_known(passage):
        return MISCONFIGURED
    if error := refused_today(passage.client, pending):
        return error
    if pending.response_mode.endswith(".jwt") and not can_be_sealed(request, passage.client):
        return NOT_SEALED
    assert session is not None  # authentication_required has passed
    level = level_told(passage, session)
    told = session if level == session.level else replace(session, level=level)
    event = OtherScreenAllowed if pending.response_mode == DEVICE else ApplicationAuthorised
    try:
        answer = _given(passage, told)
    except OtherPerson as refusal:
        return {"error": refusal.error, "error_description": refusal.description}
    authorised = event(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=agreed(passage).request.scope,
        profile_id=str(acting(passage).id or ""),
    )
    record(request.connection, request.secrets, authorised, request.now, request.reference)
    note_refused(passage)
    return answer


def _given(passage: Passage, session: Session) -> dict[str, str]:
    """The code; nothing where a device asks for its tokens itself. Raises as `issue_grant` does."""
    request, client = passage.request, passage.client
    given = agreed(passage)
    ends = [each for each in (given.ends_at, act_ends_at(passage)) if each]
    profile_id, ends_at = acting(passage).id, min(ends, default=None)
    issue = allow_device if given.request.response_mode == DEVICE else issue_code
    code = issue(
        request.connection,
        given.request,
        client,
        session,
        request.now,
        profile_id=profile_id,
        ends_at=ends_at,
    )
    return {"code": code} if code else {}
