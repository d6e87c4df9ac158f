"""A software authenticator with true signatures, and a switch for every lie.

It answers WebAuthn's JSON options (https://www.w3.org/TR/webauthn-3/, sections 5.1.8 and 5.1.9) as
browser and authenticator together would: `create` registers a discoverable credential, `get`
asserts one. Fast enough to be the benchmark's client.
"""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict, Unpack
from urllib.parse import urlsplit
from uuid import UUID

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ES256: Final = -7
EDDSA: Final = -8
RS256: Final = -257

NO_MODEL: Final = UUID(int=0)
"""The AAGUID of an authenticator that does not tell its model."""

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Options = dict[str, Any] | str | bytes

_ECDSA = ec.ECDSA(SHA256())


class NotAllowed(Exception):
    """NotAllowedError: no credential here for these options (or the holder said no)."""


class InvalidState(Exception):
    """InvalidStateError: a credential of the exclude list is on this authenticator already."""


class NotSupported(Exception):
    """NotSupportedError: none of the algorithms asked for is spoken here."""


class Lies(TypedDict, total=False):
    """What one answer may get wrong; each overrides what the truth would have been.

    A wrong origin needs no switch: `create` and `get` sign the origin that they are given.
    """

    rp_id: str  # hashed into the authenticator data instead of the options' one
    type: str  # of the client data: "webauthn.create", "webauthn.get" or anything
    challenge: str  # base64url, instead of the options' one
    cross_origin: bool | None  # None: the member is missing
    top_origin: str
    user_present: bool
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    sign_count: int  # signed now, and counted on from there
    algorithm: int  # of the key made, asked for or not
    ignore_exclude: bool  # make a second credential although the list names one of ours
    attestation: Literal["none", "packed"]  # "packed" is self attestation, asked for or not
    attests: "Attests"  # asked for or not
    attestation_object: bytes  # garbage in place of the CBOR
    authenticator_data: bytes  # anything in place of it (signed)
    truncate: int  # bytes of authenticator data that are left (signed)
    extra_bytes: bytes  # after the authenticator data (signed)
    client_data: bytes  # anything in place of the client data (signed)
    resident: bool | None  # credProps.rk; None: the extension is not answered
    credential: "Credential"  # sign with this one, whoever's it is
    credential_id: bytes  # named in the answer, whichever key signs
    user_handle: bytes | None  # None: left out
    bad_signature: bool


@dataclass(slots=True)
class Credential:
    """A discoverable credential as the authenticator keeps it."""

    id: bytes
    rp_id: str
    user_handle: bytes
    private_key: PrivateKey
    algorithm: int
    backup_eligible: bool
    backed_up: bool
    sign_count: int
    id_text: str = ""
    user_handle_text: str = ""
    rp_id_hash: bytes = b""

    def __post_init__(self) -> None:
        self.id_text = base64url(self.id)
        self.user_handle_text = base64url(self.user_handle)
        self.rp_id_hash = hashlib.sha256(self.rp_id.encode()).digest()

    def cose_key(self) -> bytes:
        """The public key as COSE_Key (RFC 9052 §7), in CTAP2's canonical form."""
        public = self.private_key.public_key()
        key: dict[int, Any]
        if isinstance(public, ec.EllipticCurvePublicKey):
            point = public.public_numbers()
            x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
            key = {1: 2, 3: self.algorithm, -1: 1, -2: x, -3: y}
        elif isinstance(public, ed25519.Ed25519PublicKey):
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            key = {1: 1, 3: self.algorithm, -1: 6, -2: raw}
        else:
            numbers = public.public_numbers()
            n, e = numbers.n.to_bytes(256, "big"), numbers.e.to_bytes(3, "big")
            key = {1: 3, 3: self.algorithm, -1: n, -2: e}
        return cbor2.dumps(key)

    def sign(self, message: bytes) -> bytes:
        """A true signature over the message, by this credential's key and algorithm."""
        key = self.private_key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, _ECDSA)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(message)
        return key.sign(message, padding.PKCS1v15(), SHA256())


Attests = Callable[[Credential, bytes, bytes], tuple[str, dict[str, Any]]]
"""Makes `fmt` and `attStmt` for authenticator data and client data: see `tests.attestation`."""


@dataclass(slots=True)
class Authenticator:
    """A phone, a laptop or a security key, and the browser it is used in.

    `counts` False is what synced passkeys do: the counter stays 0, which is legal. `attests` is
    for options that ask for attestation; the browser leaves it out for others.
    """

    aaguid: UUID = NO_MODEL
    backup_eligible: bool = False
    backed_up: bool = False
    algorithm: int = ES256
    counts: bool = True
    attachment: Literal["platform", "cross-platform"] = "platform"
    transports: tuple[str, ...] = ("internal",)
    attests: Attests | None = None
    credentials: list[Credential] = field(default_factory=list)

    def create(self, options: Options, origin: str, **lies: Unpack[Lies]) -> dict[str, Any]:
        """The registration response (RegistrationResponseJSON) to creation options.

        Raises `InvalidState` for an excluded credential, `NotSupported` for unknown algorithms.
        """
        public_key = _public_key(options)
        rp_id = public_key["rp"].get("id") or _host(origin)
        excluded = {entry["id"] for entry in public_key.get("excludeCredentials", ())}
        if not lies.get("ignore_exclude") and any(
            mine.id_text in excluded and mine.rp_id == rp_id for mine in self.credentials
        ):
            raise InvalidState
        credential = self._new_credential(public_key, rp_id, lies)
        client_data = _client_data("webauthn.create", public_key["challenge"], origin, lies)
        attested = (
            self.aaguid.bytes
            + len(credential.id).to_bytes(2, "big")
            + credential.id
            + credential.cose_key()
        )
        authenticator_data = _authenticator_data(credential, AT, attested, lies)
        if self.attests and public_key.get("attestation") == "direct":
            lies = {"attests": self.attests, **lies}
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(authenticator_data),
            "attestationObject": base64url(
                _attestation_object(credential, authenticator_data, client_data, lies)
            ),
            "transports": list(self.transports),
            "publicKeyAlgorithm": credential.algorithm,
        }
        extensions: dict[str, Any] = {}
        resident = lies.get("resident", True)
        if public_key.get("extensions", {}).get("credProps") and resident is not None:
            extensions["credProps"] = {"rk": resident}
        return self._answer(lies.get("credential_id"), credential, response, extensions)

    def get(self, options: Options, origin: str, **lies: Unpack[Lies]) -> dict[str, Any]:
        """The authentication response (AuthenticationResponseJSON) to request options.

        Without allowCredentials the newest credential of this RP ID answers, with its user handle.
        Raises `NotAllowed` when there is none.
        """
        public_key = _public_key(options)
        credential = lies.get("credential") or self._matching(public_key, origin)
        if self.counts:
            credential.sign_count += 1
        client_data = _client_data("webauthn.get", public_key["challenge"], origin, lies)
        authenticator_data = _authenticator_data(credential, 0, b"", lies)
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        signature = credential.sign(signed + b"?" if lies.get("bad_signature") else signed)
        response: dict[str, Any] = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(authenticator_data),
            "signature": base64url(signature),
        }
        if "user_handle" not in lies:
            response["userHandle"] = credential.user_handle_text
        elif lies["user_handle"] is not None:
            response["userHandle"] = base64url(lies["user_handle"])
        return self._answer(lies.get("credential_id"), credential, response, {})

    def _new_credential(self, public_key: dict[str, Any], rp_id: str, lies: Lies) -> Credential:
        asked = [entry["alg"] for entry in public_key["pubKeyCredParams"]]
        algorithm = lies.get("algorithm", self.algorithm)
        if "algorithm" not in lies and algorithm not in asked:
            raise NotSupported
        credential = Credential(
            id=os.urandom(32),
            rp_id=rp_id,
            user_handle=unbase64url(public_key["user"]["id"]),
            private_key=_new_key(algorithm),
            algorithm=algorithm,
            backup_eligible=self.backup_eligible,
            backed_up=self.backed_up,
            sign_count=0,
        )
        self.credentials.append(credential)
        return credential

    def _matching(self, public_key: dict[str, Any], origin: str) -> Credential:
        rp_id = public_key.get("rpId") or _host(origin)
        allowed = {entry["id"] for entry in public_key.get("allowCredentials") or ()}
        for credential in reversed(self.credentials):
            if credential.rp_id == rp_id and (not allowed or credential.id_text in allowed):
                return credential
        raise NotAllowed

    def _answer(
        self,
        credential_id: bytes | None,
        credential: Credential,
        response: dict[str, Any],
        extensions: dict[str, Any],
    ) -> dict[str, Any]:
        id_text = credential.id_text if credential_id is None else base64url(credential_id)
        return {
            "id": id_text,
            "rawId": id_text,
            "type": "public-key",
            "authenticatorAttachment": self.attachment,
            "clientExtensionResults": extensions,
            "response": response,
        }


def base64url(value: bytes) -> str:
    """Base64url without padding, as WebAuthn's JSON has it."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """The bytes of `base64url`."""
    return urlsafe_b64decode(text + "==")


def _public_key(options: Options) -> dict[str, Any]:
    parsed: dict[str, Any] = options if isinstance(options, dict) else json.loads(options)
    inner: dict[str, Any] = parsed.get("publicKey", parsed)
    return inner


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _new_key(algorithm: int) -> PrivateKey:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _client_data(ceremony: str, challenge: str, origin: str, lies: Lies) -> bytes:
    """CollectedClientData in the order of section 5.8.1.1."""
    if "client_data" in lies:
        return lies["client_data"]
    client_data: dict[str, Any] = {
        "type": lies.get("type", ceremony),
        "challenge": lies.get("challenge", challenge),
        "origin": origin,
    }
    cross_origin = lies.get("cross_origin", False)
    if cross_origin is not None:
        client_data["crossOrigin"] = cross_origin
    if "top_origin" in lies:
        client_data["topOrigin"] = lies["top_origin"]
    return json.dumps(client_data, separators=(",", ":")).encode()


def _authenticator_data(credential: Credential, flags: int, attested: bytes, lies: Lies) -> bytes:
    """Authenticator data, section 6.1: rpIdHash, flags, signCount, attestedCredentialData."""
    if "authenticator_data" in lies:
        return lies["authenticator_data"]
    for bit, true in (
        (UP, lies.get("user_present", True)),
        (UV, lies.get("user_verified", True)),
        (BE, lies.get("backup_eligible", credential.backup_eligible)),
        (BS, lies.get("backed_up", credential.backed_up)),
    ):
        flags |= bit if true else 0
    rp_id_hash = credential.rp_id_hash
    if "rp_id" in lies:
        rp_id_hash = hashlib.sha256(lies["rp_id"].encode()).digest()
    if "sign_count" in lies:
        credential.sign_count = lies["sign_count"]
    data = rp_id_hash + bytes((flags,)) + credential.sign_count.to_bytes(4, "big") + attested
    return data[: lies.get("truncate")] + lies.get("extra_bytes", b"")


def _attestation_object(
    credential: Credential, authenticator_data: bytes, client_data: bytes, lies: Lies
) -> bytes:
    if "attestation_object" in lies:
        return lies["attestation_object"]
    statement: dict[str, Any] = {}
    attestation: str = lies.get("attestation", "none")
    if attestation == "packed":
        # Self attestation (section 8.2): signed by the new key itself, without a certificate.
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        signature = credential.sign(signed + b"?" if lies.get("bad_signature") else signed)
        statement = {"alg": credential.algorithm, "sig": signature}
    elif "attests" in lies:
        attestation, statement = lies["attests"](credential, authenticator_data, client_data)
    return cbor2.dumps({"fmt": attestation, "attStmt": statement, "authData": authenticator_data})
