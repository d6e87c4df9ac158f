"""What the conformance suite checks of an answer, whatever the module is about.

Each function is named for the answer, and raises `AssertionError` for the first thing that is
wrong. RFC 6749 appendix A is where the character sets come from.
"""

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from httpx2 import Response
from joserfc import jws
from joserfc.jwk import KeySet

VSCHAR = re.compile(r"[\x20-\x7e]+")
NQSCHAR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
ENTROPY = 96  # bits, as the suite estimates them, of what nobody may guess
ERROR_MEMBERS = {"error", "error_description", "error_uri", "state", "iss"}
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def base64_of(value: bytes) -> str:
    return base64.b64encode(value).decode()


def base64url_of(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def json_answer(response: Response, status: int = 200) -> dict[str, Any]:
    """The JSON object of an answer (EnsureContentTypeJson)."""
    assert response.status_code == status, response.text
    media_type, _, parameters = response.headers["content-type"].partition(";")
    assert media_type.strip() == "application/json"
    assert parameters.strip().lower() in ("", "charset=utf-8")
    content = json.loads(response.content.decode("utf-8"))
    assert isinstance(content, dict)
    return content


def uncached(response: Response) -> None:
    """RFC 6749 §5.1 (CheckTokenEndpointCacheHeaders)."""
    assert "no-store" in response.headers["cache-control"]
    assert response.headers["pragma"] == "no-cache"


def unguessable(value: str) -> None:
    """At least so many characters and so much entropy (EnsureMinimum...Entropy, ...Length)."""
    counted = Counter(value)
    shares = [count / len(value) for count in counted.values()]
    assert -sum(share * math.log2(share) for share in shares) * len(value) > ENTROPY, value
    assert len(value) >= 16


def registration(response: Response) -> dict[str, Any]:
    """The client that was registered (CallDynamicRegistrationEndpointAndVerify...)."""
    told = json_answer(response, 201)
    uncached(response)
    assert "error" not in told
    assert VSCHAR.fullmatch(told["client_id"])
    assert isinstance(told["client_id_issued_at"], int)
    if "client_secret" in told:
        unguessable(told["client_secret"])
        assert isinstance(told["client_secret_expires_at"], int)
    assert told["registration_client_uri"].startswith("http")
    unguessable(told["registration_access_token"])
    return told


def registration_error(response: Response, *errors: str) -> None:
    """RFC 7591 §3.2.2 (CheckErrorFromDynamicRegistrationEndpointIs...)."""
    assert json_answer(response, 400)["error"] in errors


def key_set(response: Response) -> KeySet:
    """The published keys: all usable, named once each, and public (ValidateServerJWKs...)."""
    keys = json_answer(response)["keys"]
    kids = [key["kid"] for key in keys]
    assert kids
    assert len(set(kids)) == len(kids)
    for key in keys:
        assert not PRIVATE & key.keys()
        assert key["kty"] in ("RSA", "EC", "OKP")
        assert key["use"] in ("sig", "enc")
        for member in {"n", "e", "x", "y"} & key.keys():
            assert BASE64URL.fullmatch(key[member])
        if key["kty"] == "RSA":  # FAPI 2.0 Security Profile §5.4.1
            assert len(base64.urlsafe_b64decode(key["n"] + "==")) * 8 >= 2048
    return KeySet.import_key_set({"keys": keys})


def authorization_answer(came: Mapping[str, str], issuer: str, asked: Mapping[str, str]) -> None:
    """A code, and nothing that nobody asked for (ValidateSuccessfulAuthCodeFlowResponse...)."""
    assert "error" not in came, came
    expected = {"code", "state", "iss"} if "state" in asked else {"code", "iss"}
    assert came.keys() == expected
    assert came.get("state") == asked.get("state")
    assert came["iss"] == issuer  # RFC 9207 §2.4
    assert VSCHAR.fullmatch(came["code"])
    unguessable(came["code"])


def authorization_error(
    came: Mapping[str, str], issuer: str, asked: Mapping[str, str], *errors: str
) -> None:
    """An error, with the state (performGenericAuthorizationEndpointErrorResponseValidation)."""
    assert came["error"] in errors, came
    assert came.keys() <= ERROR_MEMBERS
    assert came.get("state") == asked.get("state")
    assert came["iss"] == issuer
    assert NQSCHAR.fullmatch(came["error_description"])


def token_answer(response: Response, token_type: str = "Bearer") -> dict[str, Any]:  # noqa: S107 (a name)
    """The tokens, unread."""
    answer = json_answer(response)
    uncached(response)
    assert answer["token_type"].lower() == token_type.lower()
    for name in {"access_token", "refresh_token"} & answer.keys():
        assert VSCHAR.fullmatch(answer[name])
        unguessable(answer[name])
    assert type(answer["expires_in"]) is int
    assert answer["expires_in"] > 0
    return answer


def token_error(response: Response, *errors: str) -> dict[str, Any]:
    """A refusal of the token endpoint (RFC 6749 §5.2): 401 is for `invalid_client` alone."""
    error = json_answer(response, response.status_code)
    assert "no-store" in response.headers["cache-control"]
    assert error["error"] in errors, error
    assert response.status_code == (401 if error["error"] == "invalid_client" else 400)
    if response.status_code == 401 and "authorization" in response.request.headers:
        assert response.headers["www-authenticate"].startswith("Basic ")
    assert NQSCHAR.fullmatch(error["error_description"])
    return error


def signed(token: str, keys: KeySet, alg: str, typ: Collection[str] = ()) -> dict[str, Any]:
    """The claims of a JWT of ours, verified with the one key that its header names."""
    segments = token.split(".")
    assert len(segments) == 3
    header = json.loads(base64.urlsafe_b64decode(segments[0] + "=="))
    assert header["alg"] == alg
    assert not typ or header["typ"] in typ
    (key,) = [each for each in keys.keys if each.kid == header["kid"]]
    verified = jws.deserialize_compact(token, key, algorithms=[alg])
    claims = json.loads(verified.payload)
    assert isinstance(claims, dict)
    return claims


def id_token(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    alg: str,
    now: int,
    access_token: str,
    nonce: str | None,
) -> dict[str, Any]:
    """The claims of an ID token (PerformStandardIdTokenChecks)."""
    claims = signed(token, keys, alg)
    assert claims["iss"] == issuer
    assert claims["aud"] in (client_id, [client_id])
    assert claims.get("azp", client_id) == client_id
    assert 0 < len(claims["sub"]) <= 255
    assert claims["sub"].isascii()
    for name in ("exp", "iat", "auth_time"):
        assert type(claims[name]) is int
    assert claims["auth_time"] <= claims["iat"] <= now < claims["exp"]
    assert claims.get("nonce") == nonce
    assert isinstance(claims["acr"], str)
    assert all(isinstance(each, str) for each in claims["amr"])
    digest = HASHES[alg[-3:]](access_token.encode("ascii")).digest()
    assert claims["at_hash"] == base64url_of(digest[: len(digest) // 2])
    return claims
