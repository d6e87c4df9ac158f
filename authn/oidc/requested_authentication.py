"""How the person is to authenticate, and who may answer, as an authorization request asks it.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest): `prompt`, `max_age`, classes of
authentication, and whom it must be. Whether somebody's session is enough, `login.hallway` looks.
"""

import re
from collections.abc import Mapping

from authn.clients.clients import Client
from authn.oidc.authorization_error import AuthorizationError
from authn.oidc.claims_parameter import ClaimsRequest
from authn.oidc.id_token import IdTokenHint
from authn.sessions.levels import acr_values as known_acr_values
from authn.settings import Settings

PROMPTS = ("none", "login", "consent", "select_account")

_SECONDS = re.compile(r"[0-9]{1,9}")

Parameters = Mapping[str, str]


def prompt(parameters: Parameters) -> tuple[str, ...]:
    """What the person must be asked, each once."""
    values = tuple(dict.fromkeys(parameters.get("prompt", "").split()))
    if any(value not in PROMPTS for value in values):
        raise AuthorizationError("invalid_request", "The prompt has a value that is not supported.")
    if "none" in values and len(values) > 1:  # Core §3.1.2.1
        raise AuthorizationError("invalid_request", "prompt=none goes with no other value.")
    return values


def max_age(parameters: Parameters, client: Client) -> int | None:
    """The greatest age of the sign-in, in seconds; 0 asks for a new one.

    Where the request says nothing, what the client registered (Registration §2 default_max_age).
    """
    value = parameters.get("max_age")
    if value is None:
        return client.metadata.default_max_age
    if not _SECONDS.fullmatch(value):
        raise AuthorizationError("invalid_request", "The max_age is not a number of seconds.")
    return int(value)


def subject_hint(
    parameters: Parameters, client: Client, hint: IdTokenHint | None, claims: ClaimsRequest
) -> str:
    """The one `sub` that the answer may be about: of the ID token that the client sent along, if it
    was given it by us, or named in `claims` (Core §5.5.1)."""
    named = set(claims.subjects)
    if "id_token_hint" in parameters:
        if hint is None or hint.client_id != client.client_id:
            raise AuthorizationError("invalid_request", "The id_token_hint is not this client's.")
        named.add(hint.subject)
    if len(named) > 1 or "" in named:
        raise AuthorizationError("login_required", "Nobody can be all that were named as sub.")
    return "".join(named)


def acr_values(
    parameters: Parameters, client: Client, claims: ClaimsRequest, settings: Settings
) -> tuple[str, ...]:
    """The classes that are wished, in this order: of the request, or what the client registered.

    One that is unknown is ignored (decisions 4.8).
    """
    wished = parameters.get("acr_values", "").split() or claims.acr_values
    known = known_acr_values(settings)
    asked = wished or client.metadata.default_acr_values
    return tuple(dict.fromkeys(value for value in asked if value in known))


def essential_acr(claims: ClaimsRequest, settings: Settings) -> tuple[str, ...]:
    """The classes of which one is needed (Core §5.5.1.1); if none of them exists, nobody has one.

    The error is that of OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
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
