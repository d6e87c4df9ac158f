"""Responses of a browser to a ceremony, read strictly: each member has a type and a limit.

WebAuthn §5.1.8.1 (RegistrationResponseJSON, AuthenticationResponseJSON). Of their content the
client data alone are checked here; the rest is verified by `registration` and `authentication`.
What py_webauthn raises on bytes from outside becomes a refusal in `refuse_library_errors`.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from OpenSSL import crypto
from pyasn1.error import PyAsn1Error
from webauthn.helpers.exceptions import WebAuthnException

from authn.devices.tables import LONGEST_CREDENTIAL_ID
from authn.errors import N_, InvalidRequest

LONGEST_CLIENT_DATA = 4096  # bytes, as all limits here
LONGEST_AUTHENTICATOR_DATA = 4096
LONGEST_ATTESTATION_OBJECT = 24 * 1024
LONGEST_SIGNATURE = 1024
LONGEST_USER_HANDLE = 64
MOST_TRANSPORTS = 20

# WebAuthn §5.8.4 AuthenticatorTransport
TRANSPORTS = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
ATTACHMENTS = frozenset({"platform", "cross-platform"})

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")

# What py_webauthn was seen to raise on bytes from outside: exceptions of its own and of others.
LIBRARY_ERRORS = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
    # of the certificates and TPM or Android structures of attestation
    x509.AttributeNotFound,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    crypto.Error,
    PyAsn1Error,
    CryptographyDeprecationWarning,  # an error where warnings are, and in its later releases
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class AssertionResponse:
    """The response to an authentication ceremony, unverified."""

    credential_id: bytes
    client_data_json: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes | None


@dataclass(frozen=True, slots=True)
class RegistrationResponse:
    """The response to a registration ceremony, unverified.

    `resident` is the browser's `credProps.rk`; None when it does not say.
    """

    credential_id: bytes
    client_data_json: bytes
    attestation_object: bytes
    transports: tuple[str, ...]
    attachment: str
    resident: bool | None


def read_assertion(document: Mapping[str, Any]) -> AssertionResponse:
    """The assertion in a request's `credential`; raises `InvalidRequest`."""
    credential = _member(document, "credential")
    response = _member(credential, "response")
    user_handle = response.get("userHandle")
    return AssertionResponse(
        credential_id=_credential_id(credential),
        client_data_json=_bytes(response, "clientDataJSON", LONGEST_CLIENT_DATA),
        authenticator_data=_bytes(response, "authenticatorData", LONGEST_AUTHENTICATOR_DATA),
        signature=_bytes(response, "signature", LONGEST_SIGNATURE),
        user_handle=(
            None if user_handle is None else _bytes(response, "userHandle", LONGEST_USER_HANDLE)
        ),
    )


def read_registration(document: Mapping[str, Any]) -> RegistrationResponse:
    """The registration in a request's `credential`; raises `InvalidRequest`."""
    credential = _member(document, "credential")
    response = _member(credential, "response")
    attachment = credential.get("authenticatorAttachment")
    return RegistrationResponse(
        credential_id=_credential_id(credential),
        client_data_json=_bytes(response, "clientDataJSON", LONGEST_CLIENT_DATA),
        attestation_object=_bytes(response, "attestationObject", LONGEST_ATTESTATION_OBJECT),
        transports=_transports(response.get("transports")),
        attachment=(
            attachment if isinstance(attachment, str) and attachment in ATTACHMENTS else ""
        ),
        resident=_resident(document, credential),
    )


def check_client_data(
    client_data_json: bytes, ceremony: str, challenge: str, origins: Collection[str]
) -> str:
    """The origin in the client data, once type, challenge, origin and frame are as they must be.

    `ceremony` is "webauthn.create" or "webauthn.get"; the origin is one of `origins`, sign for
    sign, in a page that nobody frames. py_webauthn compares the first three as well, more loosely,
    and does not look at the frame. Raises `InvalidRequest`.
    """
    try:
        client_data = orjson.loads(client_data_json)
    except ValueError:
        raise invalid_response("client data are not JSON") from None
    if not isinstance(client_data, dict):
        raise invalid_response("client data are not an object")
    # WebAuthn §7.1 and §7.2, in their order
    if client_data.get("type") != ceremony:
        raise unverified_response("type")
    if client_data.get("challenge") != challenge:
        raise unverified_response("challenge")
    origin = client_data.get("origin")
    if not isinstance(origin, str) or origin not in origins:
        raise unverified_response("origin")
    if client_data.get("crossOrigin", False) is not False:
        raise unverified_response("crossOrigin")
    if client_data.get("topOrigin") is not None:
        raise unverified_response("topOrigin")
    return origin


def base64url(value: bytes) -> str:
    """Base64url without padding (RFC 4648 §5)."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def invalid_response(detail: str) -> InvalidRequest:
    """The refusal of a response that can't be read."""
    return InvalidRequest(
        "invalid_response", N_("What your device sent could not be read."), detail=detail
    )


def unverified_response(detail: str) -> InvalidRequest:
    """The refusal of a response that can be read, and is not true."""
    return InvalidRequest(
        "unverified_response",
        N_("The answer of your device could not be verified. Please try again."),
        detail=detail,
    )


@contextmanager
def refuse_library_errors() -> Iterator[None]:
    """Inside the block an exception of py_webauthn is `unverified_response`; its text is logged."""
    try:
        yield
    except LIBRARY_ERRORS as error:
        raise unverified_response(f"{type(error).__name__}: {error}"[:200]) from None


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise invalid_response(f"{name} is not an object")
    return value


def _bytes(document: Mapping[str, Any], name: str, longest: int) -> bytes:
    text = document.get(name)
    if not isinstance(text, str) or len(text) * 3 // 4 > longest:
        raise invalid_response(f"{name} is missing or too long")
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise invalid_response(f"{name} is not base64url")
    return urlsafe_b64decode(text + "==")


def _credential_id(credential: Mapping[str, Any]) -> bytes:
    if credential.get("type") != "public-key":
        raise invalid_response("type is not public-key")
    credential_id = _bytes(credential, "rawId", LONGEST_CREDENTIAL_ID)
    if credential.get("id") != base64url(credential_id):
        raise invalid_response("id and rawId differ")
    return credential_id


def _transports(listed: Any) -> tuple[str, ...]:
    """The known transports among those listed: WebAuthn §5.2.1 lets a browser name others."""
    if not isinstance(listed, list) or len(listed) > MOST_TRANSPORTS:
        return ()
    return tuple(sorted(TRANSPORTS.intersection(each for each in listed if isinstance(each, str))))


def _resident(document: Mapping[str, Any], credential: Mapping[str, Any]) -> bool | None:
    """WebAuthn §10.1.3 `credProps`: sent beside the credential by our script, in it by browsers."""
    for results in (
        document.get("client_extension_results"),
        credential.get("clientExtensionResults"),
    ):
        properties = results.get("credProps") if isinstance(results, dict) else None
        resident = properties.get("rk") if isinstance(properties, dict) else None
        if isinstance(resident, bool):
            return resident
    return None
