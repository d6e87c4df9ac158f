"""The ordered checks of a login, and the answer once none of them asks for a page.

OpenID Connect Core 1.0 §3.1.2.3 (https://openid.net/specs/openid-connect-core-1_0.html).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events.applications import ApplicationAuthorised, OtherScreenAllowed
from authn.audit.log import record
from authn.clients.clients import Client
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.grants.codes import issue_code
from authn.grants.device_codes import allow_device
from authn.grants.issue import OtherPerson
from authn.login.checks.authentication import (
    LoginStep,
    account_selection_required,
    authentication_required,
    device_needed,
)
from authn.login.checks.capacity import acting_profile, profile_required
from authn.login.checks.consent import agreed_scopes, consent_required
from authn.login.checks.desk_act import desk_act_end, desk_act_required
from authn.login.checks.permission import (
    NOT_PERMITTED,
    level_for_client,
    permission_required,
    record_refused_permissions,
)
from authn.login.current_client_rules import current_refusal
from authn.login.jarm import can_encrypt_response
from authn.login.pending import Interaction, pending_token
from authn.login.response import (
    BY_LOCATION,
    authorization_response,
    authorization_response_location,
)
from authn.profiles.refreshing import refresh_citizen
from authn.sessions.sessions import Session
from authn.web.cookies import LANGUAGE, cookie_name, set_cookie
from authn.web.languages import choose_language
from authn.web.logs import logger
from authn.web.request import Request, redirect
from authn.webauthn.policy import UnknownPolicy, required_policy

DECLINED = {"error": "access_denied", "error_description": "The person declined."}
# RFC 6749 §4.1.2.1 server_error; only this client's people are turned away.
MISCONFIGURED = {
    "error": "server_error",
    "error_description": "The policy that this client is registered with does not exist.",
}
# The code is given to nobody in the clear who asked to have it encrypted.
NOT_ENCRYPTED = {
    "error": "server_error",
    "error_description": "The keys of this client to encrypt the answer to could not be read.",
}


CHECKS: tuple[Callable[[Interaction], LoginStep | None], ...] = (
    authentication_required,
    device_needed,
    account_selection_required,
    profile_required,
    permission_required,
    consent_required,
    desk_act_required,
)


def next_step(interaction: Interaction) -> LoginStep | None:
    """The page for the first check that is not met; None when the answer, or an error, is next.

    Raises `NeededFromOutside` when a source must be asked first, also whether the person lives.
    """
    if not is_policy_known(interaction) or current_refusal(interaction.client, interaction.pending):
        return None
    if session := interaction.session:
        refresh_citizen(interaction.request, session.person_id, session.checked_at)
    return next((step for check in CHECKS if (step := check(interaction))), None)


def is_policy_known(interaction: Interaction) -> bool:
    """Whether the policy that the client is registered with exists; logs an error if not."""
    try:
        required_policy(interaction.request.settings, interaction.client)
    except UnknownPolicy as refusal:
        logger.error("unknown_policy", detail=refusal.detail)
        return False
    return True


def continue_interaction(
    request: Request, pending: AuthorizationRequest, client: Client, session: Session | None
) -> Response:
    """A redirect to the next page, or back to the application with a code or an error."""
    interaction = Interaction(request, pending, client, session)
    step = next_step(interaction)
    if step is None:
        return authorization_response(request, client, pending, _answer(interaction))
    if "none" in pending.prompt:
        if step == NOT_PERMITTED:
            record_refused_permissions(interaction)
        return authorization_response(request, client, pending, step.parameters)
    return _in_ui_locales(interaction, redirect(_address(interaction, step.path)))


def next_location(interaction: Interaction) -> str:
    """The address that a script or a page goes to next; decides as `continue_interaction` does.

    An answer in the query is that address itself, so that a login with no further step commits
    once. An answer in a form is fetched from `/login/continue`.
    """
    step = next_step(interaction)
    if step is not None:
        return _address(interaction, step.path)
    if interaction.pending.response_mode not in BY_LOCATION:
        return _address(interaction, "/login/continue")
    return _location(interaction, _answer(interaction))


def decline_location(interaction: Interaction) -> str:
    """The address that takes `access_denied` to the application after the person declined."""
    if interaction.pending.response_mode not in BY_LOCATION:
        return _address(interaction, "/login/declined")
    return _location(interaction, DECLINED)


def _location(interaction: Interaction, parameters: Mapping[str, str]) -> str:
    request, client, pending = interaction.request, interaction.client, interaction.pending
    return authorization_response_location(request, client, pending, parameters)


def _in_ui_locales(interaction: Interaction, response: Response) -> Response:
    """The pages speak the client's `ui_locales`, unless the person chose a language here before."""
    return set_language_cookie(interaction.request, response, interaction.pending.ui_locales)


def _address(interaction: Interaction, path: str) -> str:
    token = pending_token(interaction.request, interaction.pending)
    return path + "?" + urlencode({"request": token})


def _answer(interaction: Interaction) -> dict[str, str]:
    """The code; or `login_required` when the client asks for another person (Core §3.1.2.2)."""
    request, pending, session = interaction.request, interaction.pending, interaction.session
    if not is_policy_known(interaction):
        return MISCONFIGURED
    if error := current_refusal(interaction.client, pending):
        return error
    if pending.response_mode.endswith(".jwt") and not can_encrypt_response(
        request, interaction.client
    ):
        return NOT_ENCRYPTED
    assert session is not None  # authentication_required has passed
    level = level_for_client(interaction, session)
    reported = session if level == session.level else replace(session, level=level)
    event = OtherScreenAllowed if pending.response_mode == DEVICE else ApplicationAuthorised
    try:
        answer = _issue(interaction, reported)
    except OtherPerson as refusal:
        return {"error": refusal.error, "error_description": refusal.description}
    authorised = event(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=interaction.client.client_id,
        scopes=agreed_scopes(interaction).request.scope,
        profile_id=str(acting_profile(interaction).id or ""),
    )
    record(request.connection, request.secrets, authorised, request.now, request.reference)
    record_refused_permissions(interaction)
    return answer


def _issue(interaction: Interaction, session: Session) -> dict[str, str]:
    """The code; nothing where a device asks for its tokens itself. Raises as `issue_grant` does."""
    request, client = interaction.request, interaction.client
    given = agreed_scopes(interaction)
    ends = [each for each in (given.ends_at, desk_act_end(interaction)) if each]
    profile_id, ends_at = acting_profile(interaction).id, min(ends, default=None)
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


def request_in_ui_locales(request: Request, ui_locales: str) -> Request:
    """The request in the first language of `ui_locales` that the service has (Core §3.1.2.1).

    Unchanged where the person chose a language in this browser before, or none is known.
    """
    language = _asked(request, ui_locales)
    return replace(request, language=language) if language else request


def set_language_cookie(request: Request, response: Response, ui_locales: str) -> Response:
    """The response with a cookie that keeps the language of `ui_locales` in this browser."""
    if language := _asked(request, ui_locales):
        set_cookie(response, request.settings, LANGUAGE, language)
    return response


def _asked(request: Request, ui_locales: str) -> str:
    if cookie_name(request.settings, LANGUAGE) in request.cookies:
        return ""
    return choose_language(ui_locales.split(), default="")
