"""What a person still has to do before an application gets its answer, in order.

OpenID Connect Core 1.0 §3.1.2.3 (https://openid.net/specs/openid-connect-core-1_0.html).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import ApplicationAuthorised
from authn.audit.log import record
from authn.clients.clients import Client
from authn.consents.consents import missing_scopes
from authn.errors import N_
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.codes import OtherPerson, issue_code
from authn.login.pending import pending_token
from authn.login.response import authorization_response, authorization_response_location
from authn.policies import LEVELS, Policy
from authn.sessions.sessions import Session
from authn.web.cookies import LANGUAGE, cookie_name, set_cookie
from authn.web.languages import choose_language
from authn.web.logs import logger
from authn.web.request import Request, redirect
from authn.webauthn.policy import UnknownPolicy, Unmet, model_of, policy_of, unmet

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


@dataclass(frozen=True, slots=True)
class Passage:
    """A pending request in the hallway, with the session of its browser."""

    request: Request
    pending: AuthorizationRequest
    client: Client
    session: Session | None

    @property
    def policy(self) -> Policy:
        """What the key must be for this application; raises `UnknownPolicy`."""
        return policy_of(self.request.settings, self.client)


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
    """The device in use is not, or no longer, what the service and the client ask for."""
    return DEVICE_NEEDED if lacking(passage) else None


def lacking(passage: Passage) -> Unmet | None:
    """What the session's device lacks today for this application; None when it is good enough."""
    if passage.session is None:
        return None
    device = passage.session.device
    return unmet(passage.policy, device, model_of(passage.request.site, device))


def account_selection_required(passage: Passage) -> Step | None:
    """The client asked to let the person choose, and the person has not chosen for this request."""
    session, pending = passage.session, passage.pending
    if session is None or "select_account" not in pending.prompt:
        return None
    chosen = pending.request_id in (session.answered_request, session.selected_request)
    return None if chosen else SELECT_ACCOUNT


def consent_required(passage: Passage) -> Step | None:
    """Something is asked that the person has not allowed this client."""
    return CONSENT if scopes_to_allow(passage) else None


def scopes_to_allow(passage: Passage) -> frozenset[str]:
    """What the person must still allow; with `prompt=consent`, since the request came."""
    session, pending = passage.session, passage.pending
    if session is None or passage.client.first_party:
        return frozenset()
    since = pending.arrived_at if "consent" in pending.prompt else None
    return missing_scopes(
        passage.request.connection,
        session.person_id,
        passage.client.client_id,
        frozenset(pending.scope.split()),
        since,
    )


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
        return authorization_response(request, pending, _answer(passage))
    if "none" in pending.prompt:
        error = {"error": step.error, "error_description": step.description}
        return authorization_response(request, pending, error)
    return _in_language_asked(passage, redirect(_address(passage, step.path)))


def next_location(passage: Passage) -> str:
    """As `proceed`, for a script or a page that navigates: the address to go to.

    An answer in the query is that address itself, so that a login whose hallway is empty commits
    once; an answer in a form is fetched from `/login/continue`.
    """
    step = next_step(passage)
    if step is not None:
        return _address(passage, step.path)
    if passage.pending.response_mode != "query":
        return _address(passage, "/login/continue")
    return authorization_response_location(passage.request, passage.pending, _answer(passage))


def decline(passage: Passage) -> str:
    """Where to go once the person has said no: back, with `access_denied`."""
    if passage.pending.response_mode != "query":
        return _address(passage, "/login/declined")
    return authorization_response_location(passage.request, passage.pending, DECLINED)


def _in_language_asked(passage: Passage, response: Response) -> Response:
    """The pages speak the client's `ui_locales`, unless the person chose a language here before."""
    request, wishes = passage.request, passage.pending.ui_locales.split()
    language = choose_language(wishes, default="")
    if language and cookie_name(request.settings, LANGUAGE) not in request.cookies:
        set_cookie(response, request.settings, LANGUAGE, language)
    return response


def _address(passage: Passage, path: str) -> str:
    token = pending_token(passage.request, passage.pending)
    return path + "?" + urlencode({"request": token})


def _answer(passage: Passage) -> dict[str, str]:
    """The code; or `login_required` when the client asks for another person (Core §3.1.2.2)."""
    request, pending, session = passage.request, passage.pending, passage.session
    if not policy_known(passage):
        return MISCONFIGURED
    assert session is not None  # authentication_required has passed
    try:
        code = issue_code(request.connection, pending, passage.client, session, request.now)
    except OtherPerson as refusal:
        return {"error": refusal.error, "error_description": refusal.description}
    event = ApplicationAuthorised(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=pending.scope,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return {"code": code}
