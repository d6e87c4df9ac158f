"""The layout of authenticator data (WebAuthn §6.1), checked before py_webauthn takes them apart."""

from uuid import UUID

from authn.webauthn.plain_cbor import end_of_item

ATTESTED, EXTENSIONS = 0x40, 0x80  # flags AT and ED

_FLAGS = 32
_FIXED = 37  # rpIdHash, flags, signCount
_AAGUID = slice(37, 53)  # of attested credential data
_ID_LENGTH = slice(53, 55)  # behind the AAGUID
_ID = 55


def check_asserted(data: bytes) -> None:
    """Authenticator data as an assertion has them: no credential inside; raises `ValueError`."""
    if len(data) < _FIXED or data[_FLAGS] & ATTESTED:
        raise ValueError("not the authenticator data of an assertion")
    _check_rest(data, _FIXED)


def check_attested(data: bytes) -> None:
    """Authenticator data as a registration has them: with a credential; raises `ValueError`."""
    if len(data) < _ID or not data[_FLAGS] & ATTESTED:
        raise ValueError("not the authenticator data of a registration")
    key = _ID + int.from_bytes(data[_ID_LENGTH], "big")
    _check_rest(data, end_of_item(data, key))


def aaguid_of(data: bytes) -> UUID:
    """The AAGUID in authenticator data that passed `check_attested`."""
    return UUID(bytes=data[_AAGUID])


def _check_rest(data: bytes, position: int) -> None:
    """Nothing follows but extensions, if the flag says so."""
    if data[_FLAGS] & EXTENSIONS:
        position = end_of_item(data, position)
    if position != len(data):
        raise ValueError("bytes left behind the authenticator data")
