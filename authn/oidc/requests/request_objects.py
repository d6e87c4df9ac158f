"""Request objects: authorization requests that their client signed, by value or by reference.

The OAuth 2.0 Authorization Framework: JWT-Secured Authorization Request, RFC 9101
(https://www.rfc-editor.org/rfc/rfc9101), OpenID Connect Core 1.0 §6, and for FAPI clients FAPI 2.0
Message Signing §5.3 (https://openid.net/specs/fapi-message-signing-2_0.html). Parameters outside a
request object are ignored (RFC 9101 §6.3).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from authn.clients import key_sets
from authn.clients.clients import Client
from authn.foreign_jwt import OtherTokenType, decrypt_jwe
from authn.jose import KEY_ENCRYPTIONS, InvalidToken
from authn.keys.signing_keys import current_keys
from authn.oidc.requests.parameters import NOT_SUPPORTED, PARAMETERS
from authn.oidc.requests.refusal import AuthorizationError, Parameters
from authn.settings import Settings
from authn.web.documents import remembered_document
from authn.web.outgoing import NoAnswer
from authn.web.request import Request

REQUEST_OBJECT_ALGORITHMS: Final = ("ES256", "PS256", "EdDSA", "RS256")
NOT_FOR_FAPI: Final = "RS256"  # FAPI 2.0 Security Profile §5.4
TYPES: Final = ("oauth-authz-req+jwt", "jwt")  # RFC 9101 §10.8
CLOCKS_DIFFER_BY_LESS_THAN: Final = timedelta(seconds=60)
LONGEST_LIFETIME: Final = timedelta(minutes=60)
# Members that are objects or lists in a request object, and JSON as parameters.
_JSON: Final = {"claims": dict, "authorization_details": list}

Claims = Mapping[str, Any]


def effective_parameters(request: Request, client: Client, parameters: Parameters) -> Parameters:
    """The parameters that count: those of the request object, where there is one.

    Raises `AuthorizationError`, and `NeededFromOutside` for keys and for what is at `request_uri`.
    """
    if "request" in parameters and "request_uri" in parameters:  # RFC 9101 §5
        raise AuthorizationError("invalid_request", "Send either request or request_uri.")
    if "request_uri" in parameters:
        token = fetch_request_object(request, client, parameters["request_uri"])
    elif "request" in parameters:
        token = parameters["request"]
    elif client.metadata.require_signed_request_object:  # RFC 9101 §10.5
        raise AuthorizationError("invalid_request", "This client must send a request object.")
    else:
        return parameters
    claims = verify_request_object(request, client, token)
    return read_parameters(claims)


def fetch_request_object(request: Request, client: Client, request_uri: str) -> str:
    """The request object at `request_uri`, an address that the client registered for that.

    Decisions 4.3: nothing else is fetched, and nothing for clients under FAPI, who push.
    """
    if client.fapi or request_uri not in client.metadata.request_uris:
        raise AuthorizationError("invalid_request_uri", "The request_uri is not registered.")
    try:
        document = remembered_document(request.site, request_uri, request.now)
        return document.decode("ascii").strip()
    except (NoAnswer, UnicodeDecodeError):
        raise AuthorizationError(
            "invalid_request_uri", "There is no request object at the request_uri."
        ) from None


def verify_request_object(request: Request, client: Client, token: str) -> Claims:
    """The claims of a request object, signed by the client, for this provider, and valid now."""
    try:
        token = decrypt_request_object(request, token)
        claims = key_sets.verified_claims(
            request.site,
            client.metadata,
            token,
            request.now,
            algorithms=signing_algorithms(client),
            types=TYPES,
        )
    except OtherTokenType:
        raise invalid_request_object("Its typ is that of something else.") from None
    except InvalidToken:
        raise invalid_request_object("It is not a JWT that this client signed.") from None
    except NoAnswer:
        raise invalid_request_object("The keys of the client could not be read.") from None
    check_parties(claims, client, request.settings)
    check_times(claims, client, request.now)
    if "request" in claims or "request_uri" in claims:  # RFC 9101 §4
        raise invalid_request_object("It holds another request object.")
    return claims


def decrypt_request_object(request: Request, token: str) -> str:
    """The signed JWT, decrypted where encrypted to a key of ours (RFC 9101 §6.1)."""
    if token.count(".") != 4:  # RFC 7516 §9
        return token
    keys = current_keys(request.site, request.connection, request.now)
    return decrypt_jwe(token, keys.decrypting, KEY_ENCRYPTIONS)


def signing_algorithms(client: Client) -> tuple[str, ...]:
    """The algorithms by which the client may sign: the registered one, or else all."""
    registered = client.metadata.request_object_signing_alg
    allowed = (registered,) if registered else REQUEST_OBJECT_ALGORITHMS
    return tuple(alg for alg in allowed if not (client.fapi and alg == NOT_FOR_FAPI))


def check_parties(claims: Claims, client: Client, settings: Settings) -> None:
    """Raises `AuthorizationError` unless the claims are from the client, to this provider."""
    if claims.get("client_id") != client.client_id:  # RFC 9101 §6.3
        raise invalid_request_object("Its client_id is not that of the request.")
    if claims.get("iss", client.client_id) != client.client_id:
        raise invalid_request_object("Its iss is not the client_id.")
    if claims.get("sub") == client.client_id:  # RFC 9101 §10.8: it would be a client assertion
        raise invalid_request_object("Its sub is the client_id.")
    audience = claims.get("aud", None if client.fapi else settings.issuer)
    if settings.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise invalid_request_object("Its aud is not the issuer.")


def check_times(claims: Claims, client: Client, now: datetime) -> None:
    """Raises `AuthorizationError` unless `now` is between `nbf` and `exp`.

    A client under FAPI sends both, at most 60 minutes apart.
    """
    at, leeway = now.timestamp(), CLOCKS_DIFFER_BY_LESS_THAN.total_seconds()
    exp, nbf = _moment(claims, "exp"), _moment(claims, "nbf")
    if exp is not None and exp <= at - leeway:
        raise invalid_request_object("It has expired.")
    if nbf is not None and nbf > at + leeway:
        raise invalid_request_object("It is not valid yet.")
    if not client.fapi:
        return
    if exp is None or nbf is None:  # FAPI 2.0 Message Signing §5.3.1
        raise invalid_request_object("It has no exp or no nbf.")
    longest = LONGEST_LIFETIME.total_seconds()
    if exp - nbf > longest or at - nbf > longest:
        raise invalid_request_object("It is valid for more than 60 minutes.")


def _moment(claims: Claims, name: str) -> float | None:
    """A NumericDate (RFC 7519 §2) in seconds, None without the claim."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_request_object("One of its times is not a number.")
    return value


def read_parameters(claims: Claims) -> dict[str, str]:
    """The parameters in the claims, each as text, in the form of a parameter of the query."""
    parameters = {name: _as_parameter(name, claims[name]) for name in PARAMETERS if name in claims}
    parameters |= {name: "-" for name in NOT_SUPPORTED if name in claims}
    return {name: value for name, value in parameters.items() if value}


def _as_parameter(name: str, value: object) -> str:
    if isinstance(value, str) and "\x00" not in value:
        return value
    if name == "max_age" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if name == "resource" and isinstance(value, list) and all(_is_word(each) for each in value):
        return " ".join(value)
    if name in _JSON and isinstance(value, _JSON[name]):
        return orjson.dumps(value).decode()
    raise invalid_request_object("One of its values is of another type than it must be.")


def _is_word(value: object) -> bool:
    return isinstance(value, str) and not any(each in value for each in " \x00")


def invalid_request_object(description: str) -> AuthorizationError:
    """The error `invalid_request_object` (RFC 9101 §7)."""
    return AuthorizationError("invalid_request_object", f"The request object: {description}")
