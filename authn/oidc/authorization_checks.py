"""What an authorization request must be, parameter by parameter, once its client is known.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest), RFC 6749 §4.1.1, RFC 7636
§4.3, RFC 9700 §2.1 (https://www.rfc-editor.org/rfc/rfc9700). A check that fails is an error that
the client gets on its verified `redirect_uri`. What access is asked is in `requested_access`, how
the person is to authenticate in `requested_authentication`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

from authn.clients.clients import Client
from authn.consents.authorization_details import PROFILE_SUB
from authn.consents.scopes import OPENID, SCOPE_OF_CLAIM, SSIN
from authn.grants.authorization_request import AuthorizationRequest, ResponseMode
from authn.login.response import RESPONSE_MODES, modes_of
from authn.oidc.authorization_error import AuthorizationError
from authn.oidc.claims_parameter import NO_CLAIMS, ClaimsRequest, InvalidClaims, read_claims
from authn.oidc.grant_management import check_action
from authn.oidc.id_token import IdTokenHint
from authn.oidc.requested_access import RequestedAccess, requested_access
from authn.oidc.requested_authentication import (
    acr_values,
    essential_acr,
    max_age,
    prompt,
    subject_hint,
)
from authn.profiles.profile import Kind
from authn.secrets import new_token
from authn.web.request import Request

RESPONSE_TYPES = ("code",)
# Core §3.1.2.1: how the pages are to be shown. They fit each of these as they are, so which one is
# asked makes no difference, and neither does one that is unknown.
DISPLAYS = ("page", "popup", "touch", "wap")

NOT_SUPPORTED = {"registration": "registration_not_supported"}
# Every parameter that is read. Any other is dropped on arrival: `login_hint` may be a national
# number (decisions 1.5). `display` and `claims_locales` would change nothing.
PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "resource",
    "authorization_details",
    "claims",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "acr_values",
    "ui_locales",
    "id_token_hint",
    "dpop_jkt",
    "grant_management_action",
    "profile",
)

LONGEST: Final = {"state": 4096, "nonce": 1024}
_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")  # in base64url
_LANGUAGE_TAGS = re.compile(r"[A-Za-z0-9 -]{1,100}")

Parameters = Mapping[str, str]


def checked_request(
    request: Request, parameters: Parameters, client: Client, hint: IdTokenHint | None
) -> AuthorizationRequest:
    """The request, every parameter of it checked; raises `AuthorizationError` for the first fault.

    `hint` is what `id_token_hint` says, None when it is not an ID token of ours.
    """
    refuse_what_is_not_supported(parameters)
    refuse_other_response_types(parameters)
    check_action(client, parameters.get("grant_management_action"))
    access = requested_access(request, client, parameters)
    claims = claims_asked(parameters, client, access)
    return AuthorizationRequest(
        request_id=new_token(16),
        client_id=client.client_id,
        redirect_uri=parameters["redirect_uri"],
        response_mode=response_mode(parameters, client),
        scope=scope(access, claims),
        state=bounded("state", parameters),
        nonce=bounded("nonce", parameters),
        code_challenge=code_challenge(parameters, client),
        prompt=prompt(parameters),
        max_age=max_age(parameters, client),
        ui_locales=ui_locales(parameters),
        subject_hint=subject_hint(parameters, client, hint, claims),
        arrived_at=request.now,
        acr_values=acr_values(parameters, client, claims, request.settings),
        essential_acr=essential_acr(claims, request.settings),
        resource=access.resource,
        claims_id_token=claims.id_token,
        claims_userinfo=tuple(name for name in claims.userinfo if name != SSIN),
        essential_claims=claims.essential,
        authorization_details=access.authorization_details,
        dpop_jkt=dpop_jkt(parameters),
        profile=profile_hint(parameters),
    )


def refuse_what_is_not_supported(parameters: Parameters) -> None:
    for name, error in NOT_SUPPORTED.items():  # Core §3.1.2.6
        if name in parameters:
            raise AuthorizationError(error, f"The parameter {name} is not supported.")


def refuse_other_response_types(parameters: Parameters) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise AuthorizationError("invalid_request", "The response_type is missing.")
    if response_type not in RESPONSE_TYPES:
        raise AuthorizationError("unsupported_response_type", "The response_type must be code.")


def response_mode(parameters: Parameters, client: Client) -> ResponseMode:
    """How the answer travels: as this client may be answered, by a form only where one can go."""
    mode = RESPONSE_MODES.get(parameters.get("response_mode", "query"))
    if mode is None:
        raise AuthorizationError("invalid_request", "The response_mode is not supported.")
    registered = modes_of(client)
    if registered and mode not in registered:  # FAPI 2.0 Message Signing §5.3.3, §5.4.1
        raise AuthorizationError("invalid_request", "The response_mode is not one of the client's.")
    web = parameters["redirect_uri"].startswith(("https://", "http://"))
    if mode.startswith("form_post") and not web:
        raise AuthorizationError("invalid_request", "form_post needs an https redirect_uri.")
    return mode


def error_mode(parameters: Parameters, client: Client) -> ResponseMode:
    """How an error travels: as the client asked, in the query if it asked for what is not."""
    try:
        return response_mode(parameters, client)
    except AuthorizationError:
        return next((mode for mode in modes_of(client) if mode.startswith("query")), "query")


def claims_asked(parameters: Parameters, client: Client, access: RequestedAccess) -> ClaimsRequest:
    """What `claims` asks, of what this client may ask; nothing where it is plain OAuth 2.0."""
    try:
        asked = read_claims(parameters.get("claims", ""))
    except InvalidClaims as invalid:
        raise AuthorizationError("invalid_request", str(invalid)) from None
    if asked is NO_CLAIMS or OPENID not in access.scope.split():
        return NO_CLAIMS

    def of_this_client(names: tuple[str, ...]) -> tuple[str, ...]:
        # Who may not ask the scope of a claim may not ask the claim.
        return tuple(name for name in names if client.may_ask(SCOPE_OF_CLAIM[name]))

    return replace(
        asked,
        id_token=of_this_client(asked.id_token),
        userinfo=of_this_client(asked.userinfo),
        essential=of_this_client(asked.essential),
    )


def scope(access: RequestedAccess, claims: ClaimsRequest) -> str:
    """What may be granted. A national number has one way out: asked as a claim, it is the scope.

    Without `openid` it is plain OAuth 2.0: no ID token, and nothing from userinfo.
    """
    asked_as_claim = [SSIN] if SSIN in claims.userinfo else []
    return " ".join(dict.fromkeys([*access.scope.split(), *asked_as_claim]))


def bounded(name: str, parameters: Parameters) -> str:
    """A value that is given back as it came; longer than anyone needs, it is refused."""
    value = parameters.get(name, "")
    if len(value) > LONGEST[name]:
        raise AuthorizationError("invalid_request", f"The {name} is too long.")
    return value


def code_challenge(parameters: Parameters, client: Client) -> str:
    """The S256 challenge; "" where none was sent and none is required (decisions 4.1)."""
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
    if not _SHA256.fullmatch(challenge):
        raise AuthorizationError("invalid_request", "The code_challenge is not an S256 one.")
    return challenge


def ui_locales(parameters: Parameters) -> str:
    """Language tags by preference; what is none is not an error (Core §3.1.2.1)."""
    value = parameters.get("ui_locales", "")
    return value if _LANGUAGE_TAGS.fullmatch(value) else ""


def profile_hint(parameters: Parameters) -> str:
    """In which capacity the client would like the person to act; "" for what names none."""
    hint = parameters.get("profile", "")
    return hint if hint in get_args(Kind) or PROFILE_SUB.fullmatch(hint) else ""


def dpop_jkt(parameters: Parameters) -> str:
    """The thumbprint of the DPoP key that the code is bound to (RFC 9449 §10); "" for none."""
    thumbprint = parameters.get("dpop_jkt", "")
    if thumbprint and not _SHA256.fullmatch(thumbprint):
        raise AuthorizationError("invalid_request", "The dpop_jkt is not a SHA-256 thumbprint.")
    return thumbprint
