"""What an authorization request must be, parameter by parameter, once its client is known.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest), RFC 6749 §4.1.1, RFC 7636
§4.3, RFC 9700 §2.1 (https://www.rfc-editor.org/rfc/rfc9700). A check that fails is an error that
the client gets on its verified `redirect_uri`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from authn.clients.clients import Client
from authn.consents.scopes import SCOPES
from authn.errors import Refusal
from authn.grants.authorization_request import AuthorizationRequest, ResponseMode
from authn.oidc.id_token import Hint
from authn.secrets import new_token

RESPONSE_TYPES = ("code",)
RESPONSE_MODES: tuple[ResponseMode, ...] = ("query", "form_post")
PROMPTS = ("none", "login", "consent", "select_account")

# Every parameter that is read. Any other is dropped on arrival: `login_hint` and `claims` may
# carry a national number (protocol 1.5).
NOT_SUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "ui_locales",
    "id_token_hint",
)

LONGEST: Final = {"state": 4096, "nonce": 1024}
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_LANGUAGE_TAGS = re.compile(r"[A-Za-z0-9 -]{1,100}")

Parameters = Mapping[str, str]


class AuthorizationError(Refusal):
    """An error that the client is told; `description` is for its developer, in ASCII."""


def checked_request(
    parameters: Parameters, client: Client, hint: Hint | None, now: datetime
) -> AuthorizationRequest:
    """The request, every parameter of it checked; raises `AuthorizationError` for the first fault.

    `hint` is what `id_token_hint` says, None when it is not an ID token of ours.
    """
    refuse_request_objects(parameters)
    refuse_other_response_types(parameters)
    return AuthorizationRequest(
        request_id=new_token(16),
        client_id=client.client_id,
        redirect_uri=parameters["redirect_uri"],
        response_mode=response_mode(parameters),
        scope=scope(parameters, client),
        state=bounded("state", parameters),
        nonce=bounded("nonce", parameters),
        code_challenge=code_challenge(parameters, client),
        prompt=prompt(parameters),
        max_age=max_age(parameters),
        ui_locales=ui_locales(parameters),
        subject_hint=subject_hint(parameters, client, hint),
        arrived_at=now,
    )


def refuse_request_objects(parameters: Parameters) -> None:
    for name, error in NOT_SUPPORTED.items():  # Core §3.1.2.6
        if name in parameters:
            raise AuthorizationError(error, f"The parameter {name} is not supported.")


def refuse_other_response_types(parameters: Parameters) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise AuthorizationError("invalid_request", "The response_type is missing.")
    if response_type not in RESPONSE_TYPES:
        raise AuthorizationError("unsupported_response_type", "The response_type must be code.")


def response_mode(parameters: Parameters) -> ResponseMode:
    """How the answer travels; by a form only to where a browser can post one."""
    mode = parameters.get("response_mode", "query")
    if mode not in RESPONSE_MODES:
        raise AuthorizationError("invalid_request", "The response_mode is not supported.")
    if mode == "form_post" and not parameters["redirect_uri"].startswith(("https://", "http://")):
        raise AuthorizationError("invalid_request", "form_post needs an https redirect_uri.")
    return mode


def error_mode(parameters: Parameters) -> ResponseMode:
    """How an error travels: as the client asked, in the query if it asked for what is not."""
    try:
        return response_mode(parameters)
    except AuthorizationError:
        return "query"


def scope(parameters: Parameters, client: Client) -> str:
    """What the client may get of what it asks: Core §3.1.2.1 has unknown values ignored.

    Without `openid` it is plain OAuth 2.0: no ID token, and nothing from userinfo.
    """
    asked = dict.fromkeys(parameters.get("scope", "").split(" "))
    granted = [each for each in asked if each in SCOPES and client.may_ask(each)]
    if not granted:
        raise AuthorizationError("invalid_scope", "No scope was asked that this client may have.")
    return " ".join(granted)


def bounded(name: str, parameters: Parameters) -> str:
    """A value that is given back as it came; longer than anyone needs, it is refused."""
    value = parameters.get(name, "")
    if len(value) > LONGEST[name]:
        raise AuthorizationError("invalid_request", f"The {name} is too long.")
    return value


def code_challenge(parameters: Parameters, client: Client) -> str:
    """The S256 challenge; "" where none was sent and none is required (protocol 4.1)."""
    challenge = parameters.get("code_challenge", "")
    method = parameters.get("code_challenge_method")
    if not challenge and method is not None:
        raise AuthorizationError("invalid_request", "The code_challenge is missing.")
    if not challenge:
        if client.pkce_required:
            raise AuthorizationError("invalid_request", "This client must send a code_challenge.")
        return ""
    if method != "S256":  # RFC 7636 §4.3: without a method it would be plain
        raise AuthorizationError("invalid_request", "The code_challenge_method must be S256.")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise AuthorizationError("invalid_request", "The code_challenge is not an S256 one.")
    return challenge


def prompt(parameters: Parameters) -> tuple[str, ...]:
    """What the person must be asked, each once."""
    values = tuple(dict.fromkeys(parameters.get("prompt", "").split()))
    if any(value not in PROMPTS for value in values):
        raise AuthorizationError("invalid_request", "The prompt has a value that is not supported.")
    if "none" in values and len(values) > 1:  # Core §3.1.2.1
        raise AuthorizationError("invalid_request", "prompt=none goes with no other value.")
    return values


def max_age(parameters: Parameters) -> int | None:
    """The greatest age of the sign-in, in seconds; 0 asks for a new one."""
    value = parameters.get("max_age")
    if value is None:
        return None
    if not _SECONDS.fullmatch(value):
        raise AuthorizationError("invalid_request", "The max_age is not a number of seconds.")
    return int(value)


def ui_locales(parameters: Parameters) -> str:
    """Language tags by preference; what is none is not an error (Core §3.1.2.1)."""
    value = parameters.get("ui_locales", "")
    return value if _LANGUAGE_TAGS.fullmatch(value) else ""


def subject_hint(parameters: Parameters, client: Client, hint: Hint | None) -> str:
    """The `sub` of the ID token that the client sent along, if it was given it by us."""
    if "id_token_hint" not in parameters:
        return ""
    if hint is None or hint.client_id != client.client_id:
        raise AuthorizationError("invalid_request", "The id_token_hint is not this client's.")
    return hint.subject
