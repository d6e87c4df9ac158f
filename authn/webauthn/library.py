"""The border with py_webauthn: what goes in, and its exceptions turned into one refusal."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn.helpers.exceptions import WebAuthnException

from authn.webauthn.responses import unverified

# All that it was seen to raise on bytes from outside, its own and others'.
FOREIGN = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
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
