"""Parameters that say how a person is to authenticate, and who the person must be.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest): `prompt`, `max_age`, classes of
authentication (`acr`), and `id_token_hint`. Whether a session fulfils them, `login` decides.
"""

import re
from dataclasses import dataclass

from authn.clients.clients import Client
from authn.jose import InvalidToken, verify
from authn.keys.signing_keys import SigningKeys
from authn.oidc.requests.json_parameters import ClaimsRequest
from authn.oidc.requests.refusal import AuthorizationError, Parameters
from authn.sessions.levels import acr_values as known_acr_values
from authn.settings import Settings

PROMPTS = ("none", "login", "consent", "select_account")
ID_TOKEN_TYP = "JWT"  # noqa: S105 (a name)
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """The content of an `id_token_hint`, its signature verified; the ID token may have expired."""

    client_id: str
    subject: str
    sid: str


def prompt(parameters: Parameters) -> tuple[str, ...]:
    """The values of `prompt`, each once."""
    values = tuple(dict.fromkeys(parameters.get("prompt", "").split()))
    if any(value not in PROMPTS for value in values):
        raise AuthorizationError("invalid_request", "The prompt has a value that is not supported.")
    if "none" in values and len(values) > 1:  # Core §3.1.2.1
        raise AuthorizationError("invalid_request", "prompt=none goes with no other value.")
    return values


def max_age(parameters: Parameters, client: Client) -> int | None:
    """The greatest age of the sign-in, in seconds; 0 asks for a new sign-in.

    Without the parameter, the client's `default_max_age` (Dynamic Client Registration §2).
    """
    value = parameters.get("max_age")
    if value is None:
        return client.metadata.default_max_age
    if not _SECONDS.fullmatch(value):
        raise AuthorizationError("invalid_request", "The max_age is not a number of seconds.")
    return int(value)


def acr_values(
    parameters: Parameters, client: Client, claims: ClaimsRequest, settings: Settings
) -> tuple[str, ...]:
    """The wished classes of authentication, the preferred first.

    Unknown ones are ignored (decisions 4.8).
    From `acr_values`, else from `claims`, else from the client's registration.
    """
    wished = parameters.get("acr_values", "").split() or claims.acr_values
    known = known_acr_values(settings)
    asked = wished or client.metadata.default_acr_values
    return tuple(dict.fromkeys(value for value in asked if value in known))


def essential_acr(claims: ClaimsRequest, settings: Settings) -> tuple[str, ...]:
    """The classes of authentication of which one is required (Core §5.5.1.1); () for any.

    Raises `AuthorizationError` where no such class exists, with the error of OpenID Connect Core
    Error Code unmet_authentication_requirements 1.0.
    """
    if claims.essential_acr is None:
        return ()
    known = known_acr_values(settings)
    needed = tuple(value for value in claims.essential_acr if value in known)
    if not needed:
        raise AuthorizationError(
            "unmet_authentication_requirements", "No acr that is essential exists here."
        )
    return needed


def subject_hint(
    parameters: Parameters, client: Client, hint: IdTokenHint | None, claims: ClaimsRequest
) -> str:
    """The only `sub` that the response may be about; "" for anybody's.

    From the ID token that the client sent along, or named in `claims` (Core §5.5.1).
    """
    named = set(claims.subjects)
    if "id_token_hint" in parameters:
        if hint is None or hint.client_id != client.client_id:
            raise AuthorizationError("invalid_request", "The id_token_hint is not this client's.")
        named.add(hint.subject)
    if len(named) > 1 or "" in named:
        raise AuthorizationError("login_required", "Nobody can be all that were named as sub.")
    return "".join(named)


def read_id_token_hint(keys: SigningKeys, settings: Settings, token: str) -> IdTokenHint | None:
    """The content of an ID token of ours, expired or not, by a key retired at most a year ago.

    None for anything else (decisions 4.15), also for an encrypted ID token, which only the client
    can open: the client sends the JWT inside (Core §3.1.2.1).
    """
    try:
        claims = verify(token, keys.for_hints, ID_TOKEN_TYP)
    except InvalidToken:
        return None
    # Others of our JWTs are of this type too; only ID tokens say both.
    if claims.get("iss") != settings.issuer or not {"sid", "auth_time"} <= claims.keys():
        return None
    return IdTokenHint(claims["aud"], claims["sub"], claims["sid"])
