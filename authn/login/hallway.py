"""What a person still has to do before an application gets its answer, in order.

OpenID Connect Core 1.0 §3.1.2.3 (https://openid.net/specs/openid-connect-core-1_0.html).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import ApplicationAuthorised, OtherScreenAllowed
from authn.audit.log import record
from authn.clients.clients import Client
from authn.consents.asked import still_to_allow
from authn.errors import N_
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.grants.codes import issue_code
from authn.grants.device_codes import allow_device
from authn.grants.issue import OtherPerson
from authn.login.acting import acting
from authn.login.agreed import agreed
from authn.login.jarm import can_be_sealed
from authn.login.language import speak_language_asked
from authn.login.passage import Passage, granted_level, lacking, out_of_reach
from authn.login.pending import pending_token
from authn.login.permitted import permitted
from authn.login.response import (
    BY_LOCATION,
    authorization_response,
    authorization_response_location,
)
from authn.policies import LEVELS
from authn.sessions.sessions import Session
from authn.web.logs import logger
from authn.web.request import Request, redirect
from authn.webauthn.policy import UnknownPolicy, policy_of

# Two machines of one service: the request arrived at one, the assertion at the other.
CLOCKS_DIFFER_BY_LESS_THAN = timedelta(seconds=60)
DECLINED = {"error": "access_denied", "error_description": "The person declined."}
# OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2
UNMET = {
    "error": "unmet_authentication_requirements",
    "error_description": "The person has no device that is good enough for this client.",
}
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


@dataclass(frozen=True, slots=True)
class Step:
    """A page that the person must see; `error` is said instead when `prompt=none`."""

    path: str
    error: str
    description: str


SIGN_IN = Step("/login", "login_required", "The person is not signed in.")
# Core §3.1.2.6 login_required: with a page, the person may sign in with another device. That is why
# it isn't `unmet_authentication_requirements`, which is for what nobody could meet (protocol 4.8).
DEVICE_NEEDED = Step(
    "/login/device-needed", "login_required", "The person must sign in with another device."
)
NO_SUCH_DEVICE = Step("/login/device-needed", UNMET["error"], UNMET["error_description"])
SELECT_ACCOUNT = Step(
    "/select-account", "account_selection_required", "The person must choose an account."
)
CONSENT = Step("/consent", "consent_required", "The person has not allowed this yet.")


def authentication_required(passage: Passage) -> Step | None:
    """Nobody is signed in, or not recently enough for this request."""
    return SIGN_IN if reason_to_sign_in(passage) is not None else None


def reason_to_sign_in(passage: Passage) -> str | None:
    """Why the person must sign in, in words that can be shown ("" needs none); None if not."""
    session = passage.session
    if session is None:
        return ""
    if _recent(passage, session) and not _risen(passage, session):
        return None
    return N_("This application asks you to confirm that it is you.")


def _recent(passage: Passage, session: Session) -> bool:
    """Whether the sign-in is as young as the request wants it."""
    pending = passage.pending
    if "login" in pending.prompt or pending.max_age == 0:
        # An assertion made before this request, or for another one in a second tab, is not fresh.
        answered = session.answered_request == pending.request_id
        return answered and session.auth_time >= pending.arrived_at - CLOCKS_DIFFER_BY_LESS_THAN
    if pending.max_age is None:
        return True
    # Core §3.1.2.1 max_age, in seconds
    return session.auth_time >= passage.request.now - timedelta(seconds=pending.max_age)


def _risen(passage: Passage, session: Session) -> bool:
    """Whether the device is good enough today, and was not yet when it signed in.

    Its holder proved their identity anew, or its model was certified since. What the application is
    told is of the sign-in.
    """
    enough_then = LEVELS.index(session.level) >= LEVELS.index(passage.policy.level)
    return not enough_then and not lacking(passage)


def device_needed(passage: Passage) -> Step | None:
    """The device in use is not, or no longer, what the service, client and request ask for.

    With a page the person may still get one that is; without it, nobody can meet what is asked.
    """
    if not lacking(passage):
        return None
    no_page = "none" in passage.pending.prompt
    return NO_SUCH_DEVICE if no_page and out_of_reach(passage) else DEVICE_NEEDED


def account_selection_required(passage: Passage) -> Step | None:
    """The client asked to let the person choose, and the person has not chosen for this request."""
    session, pending = passage.session, passage.pending
    if session is None or "select_account" not in pending.prompt:
        return None
    return None if _acted(passage) else SELECT_ACCOUNT


def consent_required(passage: Passage) -> Step | None:
    """Something is asked that the person has not allowed this client."""
    return CONSENT if left_to_allow(passage) else None


def left_to_allow(passage: Passage) -> frozenset[str]:
    """What the person must still allow, by its names in `consents.asked`.

    With `prompt=consent`, and for an application that anybody can pretend to be, what was allowed
    before this request came does not count.
    """
    session, pending = passage.session, passage.pending
    if session is None:
        return frozenset()
    pretender = _could_be_another(passage)
    anew = "consent" in pending.prompt or (pretender and not _acted(passage))
    if passage.client.first_party and not (pretender and anew):
        return frozenset()
    since = pending.arrived_at if anew else None
    profile_id = acting(passage).consent_id
    asked = permitted(passage)
    return still_to_allow(passage.request.connection, session.person_id, profile_id, asked, since)


def _could_be_another(passage: Passage) -> bool:
    """Whether another app could ask in this one's name (RFC 8252 §8.6, RFC 8628 §5.4).

    Nobody else answers at an https address; a scheme of an app's own, or a port, anybody can take,
    and a code to be typed anybody can ask for and send to somebody.
    """
    native = passage.client.application_type == "native"
    elsewhere = passage.pending.response_mode == DEVICE
    return elsewhere or (native and not passage.pending.redirect_uri.startswith("https://"))


def _acted(passage: Passage) -> bool:
    """Whether the person signed in, or chose an account, for this very request."""
    session = passage.session
    assert session is not None
    return passage.pending.request_id in (session.answered_request, session.selected_request)


CHECKS: tuple[Callable[[Passage], Step | None], ...] = (
    authentication_required,
    device_needed,
    account_selection_required,
    consent_required,
)


def next_step(passage: Passage) -> Step | None:
    """The first thing that is missing; None when the answer can be given, or none ever can."""
    if not policy_known(passage):
        return None
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
        error = {"error": step.error, "error_description": step.description}
        return authorization_response(request, client, pending, error)
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
    if pending.response_mode.endswith(".jwt") and not can_be_sealed(request, passage.client):
        return NOT_SEALED
    assert session is not None  # authentication_required has passed
    told = replace(session, level=granted_level(passage, session))
    event = OtherScreenAllowed if pending.response_mode == DEVICE else ApplicationAuthorised
    try:
        answer = _given(passage, told)
    except OtherPerson as refusal:
        return {"error": refusal.error, "error_description": refusal.description}
    authorised = event(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=pending.scope,
    )
    record(request.connection, request.secrets, authorised, request.now, request.reference)
    return answer


def _given(passage: Passage, session: Session) -> dict[str, str]:
    """The code; nothing where a device asks for its tokens itself. Raises as `issue_grant` does."""
    request, client = passage.request, passage.client
    given = agreed(passage)
    profile_id, ends_at = acting(passage).id, given.ends_at
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
