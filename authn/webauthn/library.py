"""The border with py_webauthn: all that it may raise, turned into one refusal."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from OpenSSL import crypto
from pyasn1.error import PyAsn1Error
from webauthn.helpers.exceptions import WebAuthnException

from authn.webauthn.responses import unverified

# All that it was seen to raise on bytes from outside, its own and others'.
FOREIGN = (
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


@contextmanager
def refusing_what_it_raises() -> Iterator[None]:
    """Whatever py_webauthn raises is `unverified_response`; its text is for the log alone."""
    try:
        yield
    except FOREIGN as error:
        raise unverified(f"{type(error).__name__}: {error}"[:200]) from None
