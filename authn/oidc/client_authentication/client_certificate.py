"""Mutual TLS: the certificate by which a client authenticates, or to which its tokens are bound.

RFC 8705 (https://www.rfc-editor.org/rfc/rfc8705): `tls_client_auth` (§2.1), where one of our roots
vouches for a name, and `self_signed_tls_client_auth` (§2.2), where the key is one of the client's
own set. The certificate comes from the TLS layer, or from one header of a trusted proxy
(`web.proxies`), as RFC 9440 `Client-Cert` (https://www.rfc-editor.org/rfc/rfc9440#section-2.2) or
as PEM in the encoding of URLs (nginx's `$ssl_client_escaped_cert`). Whoever terminated TLS has had
the private key proven.
"""

import base64
import re
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from authn.clients.clients import Client
from authn.clients.key_sets import find_client_keys
from authn.consents.registrable import has_mutual_tls
from authn.errors import CommandError
from authn.oidc.client_authentication.credentials import Credentials, invalid_client
from authn.settings import Settings
from authn.web.outgoing import NoAnswer
from authn.web.request import Request

LONGEST_CERTIFICATE = 16 * 1024  # as text
LARGEST_ROOTS = 1024 * 1024
ALIASED = (
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "userinfo_endpoint",
    "grant_management_endpoint",
)

_RFC_9440 = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
_PEM = re.compile(
    r"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*"
)
# What cryptography raises for a certificate that it can't read, also later, part by part.
_UNREADABLE = (
    ValueError,
    TypeError,
    NotBase64,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def mtls_aliases(settings: Settings, endpoints: Mapping[str, object]) -> dict[str, str]:
    """`mtls_endpoint_aliases` (§5) of the endpoints in the metadata; {} without a host for mTLS."""
    if not settings.mtls_origin or not has_mutual_tls(settings):
        return {}
    return {
        name: settings.mtls_origin + str(endpoints[name]).removeprefix(settings.issuer)
        for name in ALIASED
        if name in endpoints
    }


def presented_certificate(request: Request) -> x509.Certificate | None:
    """The certificate with which the client connected; None also where nobody can read it."""
    return _parse_certificate(request.client_certificate) if request.client_certificate else None


def certificate_thumbprint(certificate: x509.Certificate) -> str:
    """The value of `x5t#S256` (§3.1), to which tokens are bound."""
    digest = certificate.fingerprint(SHA256())
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def check_certificate(request: Request, client: Client, credentials: Credentials) -> None:
    """A certificate of the connection leads to a configured root and names the client (§2.1).

    Raises `ProtocolError` (`invalid_client`).
    """
    certificate = _require_certificate(request)
    try:
        if not _is_trusted(certificate, certificate_roots(request.settings), request.now):
            raise invalid_client("the certificate does not lead to a root")
        if not _is_named(certificate, client):
            raise invalid_client("the certificate names somebody else")
    except _UNREADABLE:
        raise invalid_client("the certificate cannot be read") from None


def check_self_signed_certificate(
    request: Request, client: Client, credentials: Credentials
) -> None:
    """The key of the connection's certificate is in the client's key set (§2.2).

    Nothing else of the certificate counts.

    Raises `ProtocolError` (`invalid_client`), and `NeededFromOutside` for the client's key set.
    """
    certificate = _require_certificate(request)
    try:
        public_key = certificate.public_key()
        for newer in (False, True):
            keys = find_client_keys(request.site, client, request.now, newer=newer)
            if any(key.use != "enc" and key.key.public_key == public_key for key in keys):
                return
    except NoAnswer as failure:
        raise invalid_client(f"the client's key set: {failure}") from None
    except _UNREADABLE:
        raise invalid_client("the certificate cannot be read") from None
    raise invalid_client("the certificate has another key than the client's")


def certificate_roots(settings: Settings) -> list[x509.Certificate]:
    """The root certificates for `tls_client_auth`, from the file that the setting names.

    Raises `CommandError` when the file can't be read: called once when the service starts.
    """
    path = settings.client_certificate_roots
    return list(_roots(path)) if path else []


@lru_cache
def _roots(path: Path) -> tuple[x509.Certificate, ...]:
    setting = "Setting AUTHN_CLIENT_CERTIFICATE_ROOTS"
    try:
        with path.open("rb") as file:
            return tuple(x509.load_pem_x509_certificates(file.read(LARGEST_ROOTS)))
    except OSError as error:
        raise CommandError(f"{setting}: {path}: {error.strerror}.") from None
    except ValueError:
        raise CommandError(f"{setting}: {path} holds no PEM certificates.") from None


def _require_certificate(request: Request) -> x509.Certificate:
    certificate = presented_certificate(request)
    if certificate is None:
        raise invalid_client("no certificate that can be read")
    return certificate


@lru_cache(maxsize=1024)
def _parse_certificate(text: str) -> x509.Certificate | None:
    if len(text) > LONGEST_CERTIFICATE:
        return None
    try:
        if sent := _RFC_9440.fullmatch(text):
            read = x509.load_der_x509_certificate(base64.b64decode(sent[1], validate=True))
        else:
            pem = unquote(text, errors="strict")
            if not _PEM.fullmatch(pem):
                return None
            read = x509.load_pem_x509_certificate(pem.encode("ascii"))
        # RFC 5280 §4.1.2.2; cryptography only warns, which whoever runs us may have made an error.
        return read if read.serial_number > 0 else None
    except (*_UNREADABLE, CryptographyDeprecationWarning):
        return None


def _is_trusted(
    certificate: x509.Certificate, roots: list[x509.Certificate], now: datetime
) -> bool:
    """Whether a certificate leads to a root, is valid now, and is for TLS clients (RFC 5280 §6)."""
    if not roots:
        return False
    # cryptography's rules of the Web's certificates, which name no host here and may do without
    # the key identifier that older authorities leave out.
    ours = (
        ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
        .may_be_present(x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_may_sign)
    )
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(now)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ours)
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, [])
    except VerificationError:
        return False
    return True


def _check_may_sign(
    policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    """Refuses a key that may not sign: TLS cannot have used such a key (RFC 5280 §4.2.1.3)."""
    if usage is not None and not usage.digital_signature:
        raise ValueError("its key may not sign")


def _is_named(certificate: x509.Certificate, client: Client) -> bool:
    """Whether the certificate has the single name that the client registered (§2.1.2)."""
    expected = {name: value for name in _NAMES if (value := getattr(client.metadata, name)) != ""}
    if len(expected) != 1:
        return False
    ((name, value),) = expected.items()
    return _NAMES[name](certificate, value)


def _has_subject(certificate: x509.Certificate, expected: str) -> bool:
    """Compares names, not texts: RFC 4514 has several spellings of a name."""
    return x509.Name.from_rfc4514_string(expected) == certificate.subject


def _has_dns(certificate: x509.Certificate, expected: str) -> bool:
    names = _alternative_names(certificate).get_values_for_type(x509.DNSName)
    return expected.lower() in [name.lower() for name in names]


def _has_uri(certificate: x509.Certificate, expected: str) -> bool:
    names = _alternative_names(certificate)
    return expected in names.get_values_for_type(x509.UniformResourceIdentifier)


def _has_ip(certificate: x509.Certificate, expected: str) -> bool:
    names = _alternative_names(certificate).get_values_for_type(x509.IPAddress)
    return ip_address(expected) in names


def _has_email(certificate: x509.Certificate, expected: str) -> bool:
    return expected in _alternative_names(certificate).get_values_for_type(x509.RFC822Name)


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


_NAMES: dict[str, Callable[[x509.Certificate, str], bool]] = {
    "tls_client_auth_subject_dn": _has_subject,
    "tls_client_auth_san_dns": _has_dns,
    "tls_client_auth_san_uri": _has_uri,
    "tls_client_auth_san_ip": _has_ip,
    "tls_client_auth_san_email": _has_email,
}
