"""Whether a waiting request still keeps the rules that its client is under now.

A client is put under the FAPI profile, or must push or sign its requests from now on: a request
that waits came as was allowed then, and whoever may have changed it on the way still waits for the
code. RFC 9126 §6 (https://www.rfc-editor.org/rfc/rfc9126#section-6), RFC 9101 §10.5, RFC 7636
§4.4.1, FAPI 2.0 Message Signing §5.4. The client sends it again; its `redirect_uri` is checked in
`login.pending`. What the client may not ask any more, nobody is asked to allow.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from authn.clients.clients import AUTHORIZATION_CODE, DEVICE_CODE, FAPI2, Client
from authn.clients.resource_servers.resources import userinfo_audience
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.consents.scopes import SCOPE_OF_CLAIM
from authn.grants.authorization_request import (
    DEVICE,
    PUSHED,
    SIGNED,
    AuthorizationRequest,
    registered_response_modes,
)
from authn.settings import Settings

Holds = Callable[[Client, AuthorizationRequest], bool]


def has_grant_type(client: Client, pending: AuthorizationRequest) -> bool:
    needed = DEVICE_CODE if pending.response_mode == DEVICE else AUTHORIZATION_CODE
    return client.check_grant_type(needed)


def is_pushed_if_required(client: Client, pending: AuthorizationRequest) -> bool:
    return PUSHED in pending.came_as or not client.must_push


def is_signed_if_required(client: Client, pending: AuthorizationRequest) -> bool:
    return SIGNED in pending.came_as or not client.metadata.require_signed_request_object


def is_fapi_if_required(client: Client, pending: AuthorizationRequest) -> bool:
    """Whether the rest of FAPI was checked on arrival: algorithms, and how it was pushed."""
    return FAPI2 in pending.came_as or not client.fapi


def has_code_challenge_if_required(client: Client, pending: AuthorizationRequest) -> bool:
    return pending.code_challenge != "" or not client.pkce_required


def has_registered_response_mode(client: Client, pending: AuthorizationRequest) -> bool:
    modes = registered_response_modes(client)
    return not modes or pending.response_mode in modes


# Of what a code is given for; a device has sent nothing by a browser.
RULES: Final[tuple[tuple[Holds, str], ...]] = (
    (is_pushed_if_required, "This client must push its requests to /par."),
    (is_signed_if_required, "This client must send a request object."),
    (is_fapi_if_required, "This client is under the FAPI profile since: send the request anew."),
    (has_code_challenge_if_required, "This client must send a code_challenge."),
    (has_registered_response_mode, "The response_mode is not one of the client's."),
)


def current_refusal(client: Client, pending: AuthorizationRequest) -> dict[str, str] | None:
    """The error that the client gets instead of a code (RFC 6749 §4.1.2.1); None if no rule is
    broken."""
    if not has_grant_type(client, pending):
        description = "This client may not be answered like this any more."
        return {"error": "unauthorized_client", "error_description": description}
    if not (pending.scope or pending.resource or pending.authorization_details):
        description = "No scope was asked that this client may have."
        return {"error": "invalid_scope", "error_description": description}
    if pending.response_mode == DEVICE:
        return None
    broken = next((sentence for holds, sentence in RULES if not holds(client, pending)), None)
    return {"error": "invalid_request", "error_description": broken} if broken else None


def limit_to_current_registration(
    settings: Settings, client: Client, pending: AuthorizationRequest
) -> AuthorizationRequest:
    """The request without what the client may not ask any more; the same object if nothing."""

    def claims(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each for each in names if client.may_ask(SCOPE_OF_CLAIM[each]))

    scopes = pending.scope.split()
    ours = userinfo_audience(settings)
    left = replace(
        pending,
        scope=" ".join(filter(client.may_ask, scopes)),
        resource=tuple(
            each for each in pending.resource if each == ours or each in client.resources
        ),
        claims_id_token=claims(pending.claims_id_token),
        claims_userinfo=claims(pending.claims_userinfo),
        essential_claims=claims(pending.essential_claims),
        authorization_details=tuple(
            each
            for each in pending.authorization_details
            if each["type"] != ACTIONS_AT_RESOURCE or all(map(client.may_ask, each["actions"]))
        ),
    )
    return pending if left == pending else left
