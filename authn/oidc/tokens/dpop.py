"""DPoP proofs: the sender of a request holds a key, and sends the request once.

RFC 9449, OAuth 2.0 Demonstrating Proof of Possession (https://www.rfc-editor.org/rfc/rfc9449). For
the token endpoint, pushed requests (§10.1) and resources (§7). A proof needs a nonce of ours where
the setting requires one, and where the proof's time is not now, so that a client with a wrong clock
can go on. Nonces are the same in every process, and stored in none.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from authn.clients.clients import Client
from authn.db.once import spend
from authn.jose import InvalidToken
from authn.oidc.tokens.embedded_key import read_with_embedded_key
from authn.secrets import Secrets, derived_token
from authn.web.protocol import ProtocolError
from authn.web.request import Request

DPOP_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519", "RS256")
FAPI_DPOP_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")  # FAPI 2.0 §5.4.1
HEADER: Final = "dpop"
NONCE_HEADER: Final = "DPoP-Nonce"
TYP = "dpop+jwt"
WINDOW = timedelta(seconds=60)  # before and after now (§11.1)
NONCE_STEP = timedelta(seconds=60)
# No proof is accepted for longer: neither by its time, nor by its nonce, which may be the one of
# the step before, and of the next one by another process's clock.
REMEMBERED = max(2 * WINDOW, 3 * NONCE_STEP)
LONGEST_URI = 2048

_PERCENT_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")
_VISIBLE_ASCII = re.compile(r"[!-~]+")


def presented_jkt(request: Request, client: Client, *, spent: bool = True) -> str:
    """The thumbprint (`jkt`) of the key whose proof is in the request; "" without a proof.

    Spends the proof, so call this once per request; `spent=False` where a second use would obtain
    nothing. Raises as `verify_proof` does.
    """
    if HEADER not in request.headers:
        return ""
    return verify_proof(request, fapi=client.fapi, spent=spent)


def verify_proof(
    request: Request, access_token: str = "", *, fapi: bool, spent: bool = True
) -> str:
    """The thumbprint (`jkt`) of the key that signed the request's proof; the proof is spent (§4.3).

    With an `access_token`, the proof must have its hash. `fapi`: whether the client is under FAPI.
    Raises `ProtocolError`: `invalid_dpop_proof`, or `use_dpop_nonce` with the nonce to be used.
    """
    algorithms = FAPI_DPOP_ALGORITHMS if fapi else DPOP_ALGORITHMS
    try:
        claims, jkt = read_with_embedded_key(_one_proof(request), TYP, algorithms)
    except InvalidToken:
        raise _invalid("The DPoP proof is not a JWT signed by the key that it names.") from None
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise _invalid("The jti of the DPoP proof is missing.")
    if claims.get("htm") != request.method:
        raise _invalid("The htm of the DPoP proof is not the method of this request.")
    if not _is_request_address(claims.get("htu"), request):
        raise _invalid("The htu of the DPoP proof is not the address of this request.")
    _check_time(request, claims, fapi=fapi)
    if access_token and not _is_hash_of(claims.get("ath"), access_token):
        raise _invalid("The ath of the DPoP proof is not the hash of the access token.")
    name = f"dpop:{jkt}:{jti}"
    if spent and not spend(request.connection, name, request.now + REMEMBERED):
        raise _invalid("The DPoP proof was used before.")
    return jkt


def nonce_headers(request: Request) -> dict[str, str]:
    """The header with a fresh nonce for the client's next proof (§8.2); {} where none is needed."""
    if request.settings.dpop_nonce == "required" and HEADER in request.headers:
        return {NONCE_HEADER: current_nonce(request.secrets, request.now)}
    return {}


def current_nonce(secrets: Secrets, now: datetime) -> str:
    """The nonce of the minute of `now`."""
    return _nonce(secrets, _step(now))


def normalise_uri(uri: str) -> str:
    """The http(s) address in its normal spelling, for comparison; "" for anything else.

    Without query and fragment (§4.2), and as RFC 3986 §6.2.2 and §6.2.3 ask: scheme and host in
    lower case, no default port, no dot segment, nothing encoded that need not be.
    """
    if len(uri) > LONGEST_URI or not _VISIBLE_ASCII.fullmatch(uri):
        return ""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    origin = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
    if port not in (None, 443 if parts.scheme == "https" else 80):
        origin += f":{port}"
    return origin + _remove_dot_segments(_PERCENT_ENCODED.sub(_decode_unreserved, parts.path))


def _one_proof(request: Request) -> str:
    proofs = [value for name, value in request.headers.items() if name == HEADER]
    if len(proofs) != 1:
        raise _invalid("One DPoP proof is needed.")
    return proofs[0]


def _is_request_address(htu: object, request: Request) -> bool:
    """Whether `htu` is the request's address as clients see it, on the issuer's or mTLS host."""
    settings = request.settings
    origins = (settings.issuer, settings.mtls_origin or settings.issuer)
    addresses = {origin + request.path for origin in origins}
    if not isinstance(htu, str):
        return False
    return htu in addresses or normalise_uri(htu) in map(normalise_uri, addresses)


def _check_time(request: Request, claims: Mapping[str, Any], *, fapi: bool) -> None:
    """Raises `ProtocolError` unless the proof is fresh, by time or nonce (§4.3, 10 and 11)."""
    now = request.now.timestamp()
    iat, nonce = claims.get("iat"), claims.get("nonce")
    if not isinstance(iat, int | float) or isinstance(iat, bool):
        raise _invalid("The iat of the DPoP proof is missing.")
    leeway = WINDOW.total_seconds()
    # FAPI 2.0 Security Profile §5.3.2.1, point 13: not even with a nonce.
    if fapi and iat > now + leeway:
        raise _invalid("The DPoP proof is of the future.")
    if nonce is None and abs(iat - now) <= leeway and request.settings.dpop_nonce == "optional":
        return
    if not _is_current(nonce, request):
        raise ProtocolError(
            "use_dpop_nonce",
            "The DPoP proof needs the nonce of this answer.",
            headers={NONCE_HEADER: current_nonce(request.secrets, request.now)},
        )


def _is_current(nonce: object, request: Request) -> bool:
    if not isinstance(nonce, str) or not nonce.isascii():
        return False
    step = _step(request.now)
    accepted = (_nonce(request.secrets, each) for each in (step, step - 1, step + 1))
    return any(hmac.compare_digest(nonce, each) for each in accepted)


def _nonce(secrets: Secrets, step: int) -> str:
    return derived_token(secrets, "dpop-nonce", str(step))


def _step(now: datetime) -> int:
    return int(now.timestamp() // NONCE_STEP.total_seconds())


def _is_hash_of(ath: object, access_token: str) -> bool:
    digest = hashlib.sha256(access_token.encode()).digest()
    return ath == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _decode_unreserved(match: re.Match[str]) -> str:
    """RFC 3986 §6.2.2.1, §6.2.2.2"""
    character = chr(int(match[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else match[0].upper()


def _remove_dot_segments(path: str) -> str:
    """RFC 3986 §5.2.4; an empty path is "/"."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _invalid(description: str) -> ProtocolError:
    return ProtocolError("invalid_dpop_proof", description)
