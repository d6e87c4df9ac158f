"""The parameters of an authorization request whose client is known: each read and checked.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest), RFC 6749 §4.1.1, RFC 7636
§4.3, RFC 9700 §2.1 (https://www.rfc-editor.org/rfc/rfc9700). A failed check is an error that
the client gets on its verified `redirect_uri`. The requested access is read in `requested_access`,
how the person is to authenticate in `requested_authentication`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

import orjson

from authn.clients.clients import (
    AUTHORIZATION_CODE,
    FAPI2,
    Client,
)
from authn.consents.authorization_details import PROFILE_SUB
from authn.consents.scopes import OPENID, SCOPE_OF_CLAIM, SSIN
from authn.grants.authorization_request import (
    PUSHED,
    SIGNED,
    AuthorizationRequest,
    CameAs,
)
from authn.keys.signing_keys import current_keys
from authn.oidc.requests.json_parameters import NO_CLAIMS, ClaimsRequest, InvalidClaims, read_claims
from authn.oidc.requests.refusal import (
    AuthorizationError,
    Parameters,
    response_mode,
    verify_redirect_uri,
)
from authn.oidc.requests.requested_access import RequestedAccess, requested_access
from authn.oidc.requests.requested_authentication import (
    IdTokenHint,
    acr_values,
    essential_acr,
    max_age,
    prompt,
    read_id_token_hint,
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
# Grant Management for OAuth 2.0 §7.1: what discovery lists.
ACTIONS: Final = ("create", "query", "revoke")
# What an authorization request may ask (§5.2 there).
CREATE: Final = "create"
LONGEST: Final = {"state": 4096, "nonce": 1024}
# Bytes of a checked request as JSON, which is in the addresses of the interaction's pages.
LONGEST_REQUEST: Final = 11_000
_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")  # in base64url
_LANGUAGE_TAGS = re.compile(r"[A-Za-z0-9 -]{1,100}")


def check_authorization_request(
    request: Request, client: Client, parameters: Parameters, ways: tuple[CameAs, ...]
) -> AuthorizationRequest:
    """The authorization request, checked in both phases of /authorize; `ways` is how it arrived.

    Raises `InvalidRequest` for the `redirect_uri`, `AuthorizationError` for anything else.
    """
    verify_redirect_uri(client, parameters.get("redirect_uri", ""))
    if not client.check_grant_type(AUTHORIZATION_CODE):  # RFC 6749 §4.1.2.1
        raise AuthorizationError("unauthorized_client", "This client has no authorization codes.")
    pending = build_authorization_request(request, parameters, client, _hint(request, parameters))
    pending = replace(pending, came_as=ways)
    if len(orjson.dumps(pending.pack())) > LONGEST_REQUEST:
        raise AuthorizationError("invalid_request", "The request is too long.")
    return pending


def build_authorization_request(
    request: Request, parameters: Parameters, client: Client, hint: IdTokenHint | None
) -> AuthorizationRequest:
    """The request with every parameter checked; raises `AuthorizationError` for the first fault.

    `hint` is the content of `id_token_hint`, None where that is not an ID token of ours.
    """
    refuse_unsupported_parameters(parameters)
    refuse_other_response_types(parameters)
    check_grant_management_action(client, parameters.get("grant_management_action"))
    access = requested_access(request, client, parameters)
    claims = requested_claims(parameters, client, access)
    return AuthorizationRequest(
        request_id=new_token(16),
        client_id=client.client_id,
        redirect_uri=parameters["redirect_uri"],
        response_mode=response_mode(parameters, client),
        scope=scope(access, claims),
        state=echoed_value("state", parameters),
        nonce=echoed_value("nonce", parameters),
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


def _hint(request: Request, parameters: Mapping[str, str]) -> IdTokenHint | None:
    if "id_token_hint" not in parameters:
        return None
    keys = current_keys(request.site, request.connection, request.now)
    return read_id_token_hint(keys, request.settings, parameters["id_token_hint"])


def drop_empty_parameters(parameters: Parameters) -> dict[str, str]:
    """The parameters that have a value: an empty parameter counts as omitted (RFC 6749 §3.1)."""
    return {name: value for name, value in parameters.items() if value}


def ways_of_arrival(
    client: Client, sent: Parameters, *, pushed: bool = False
) -> tuple[CameAs, ...]:
    """How a request arrived, by the parameters that were `sent`: pushed, signed, under FAPI 2.0."""
    ways: dict[CameAs, bool] = {
        PUSHED: pushed,
        SIGNED: "request" in sent or "request_uri" in sent,
        FAPI2: client.fapi,
    }
    return tuple(way for way, was in ways.items() if was)


def refuse_unsupported_parameters(parameters: Parameters) -> None:
    for name, error in NOT_SUPPORTED.items():  # Core §3.1.2.6
        if name in parameters:
            raise AuthorizationError(error, f"The parameter {name} is not supported.")


def refuse_other_response_types(parameters: Parameters) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise AuthorizationError("invalid_request", "The response_type is missing.")
    if response_type not in RESPONSE_TYPES:
        raise AuthorizationError("unsupported_response_type", "The response_type must be code.")


def requested_claims(
    parameters: Parameters, client: Client, access: RequestedAccess
) -> ClaimsRequest:
    """The parameter `claims`, as far as the client may ask; nothing without the scope `openid`."""
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
    """The scope that may be granted; a national number asked as a claim becomes the scope `ssin`.

    Without `openid` the request is plain OAuth 2.0: no ID token, and nothing from userinfo.
    """
    asked_as_claim = [SSIN] if SSIN in claims.userinfo else []
    return " ".join(dict.fromkeys([*access.scope.split(), *asked_as_claim]))


def echoed_value(name: str, parameters: Parameters) -> str:
    """The value of `state` or `nonce`, which is sent back unchanged; refused where too long."""
    value = parameters.get(name, "")
    if len(value) > LONGEST[name]:
        raise AuthorizationError("invalid_request", f"The {name} is too long.")
    return value


def code_challenge(parameters: Parameters, client: Client) -> str:
    """The S256 challenge of PKCE; "" where none was sent and none is required (decisions 4.1)."""
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
    """Language tags by preference; "" for anything else, which is no error (Core §3.1.2.1)."""
    value = parameters.get("ui_locales", "")
    return value if _LANGUAGE_TAGS.fullmatch(value) else ""


def profile_hint(parameters: Parameters) -> str:
    """The capacity in which the client would like the person to act: a kind or a `sub`; or ""."""
    hint = parameters.get("profile", "")
    return hint if hint in get_args(Kind) or PROFILE_SUB.fullmatch(hint) else ""


def dpop_jkt(parameters: Parameters) -> str:
    """The thumbprint of the DPoP key that the code is bound to (RFC 9449 §10); "" for none."""
    thumbprint = parameters.get("dpop_jkt", "")
    if thumbprint and not _SHA256.fullmatch(thumbprint):
        raise AuthorizationError("invalid_request", "The dpop_jkt is not a SHA-256 thumbprint.")
    return thumbprint


def check_grant_management_action(client: Client, action: str | None) -> None:
    """Raises `AuthorizationError` for a `grant_management_action` that is not offered.

    Grant Management for OAuth 2.0 §5.3; None where the request has no such parameter.
    """
    if action is None:
        return
    if not client.manages_grants:
        raise AuthorizationError("invalid_request", "This client does not manage its grants.")
    if action != CREATE:
        raise AuthorizationError("invalid_request", "The grant_management_action is not supported.")
