"""The layout of authenticator data (WebAuthn §6.1), checked before py_webauthn takes them apart.

They end in CBOR as CTAP2 has it (canonical form,
https://fidoalliance.org/specs/fido-v2.2-ps-20250714/, "Message Encoding"): without tags, without
indefinite lengths. cbor2 knows tags for shared values, and py_webauthn encodes again what it has
decoded, before it verifies any signature: twenty nested shared values, 230 bytes, then cost
seconds, and each further one doubles them.
"""

from uuid import UUID

ATTESTED, EXTENSIONS = 0x40, 0x80  # flags AT and ED

_FLAGS = 32
_FIXED = 37  # rpIdHash, flags, signCount
_AAGUID = slice(37, 53)  # of attested credential data
_ID_LENGTH = slice(53, 55)  # behind the AAGUID
_ID = 55

DEEPEST = 16  # levels of CBOR
_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6  # major types, RFC 8949 §3.1
_FOLLOWING = {24: 1, 25: 2, 26: 4, 27: 8}  # bytes of argument behind the first one, §3


def check_assertion_data(data: bytes) -> None:
    """Authenticator data of an assertion contain no credential; raises `ValueError` otherwise."""
    if len(data) < _FIXED or data[_FLAGS] & ATTESTED:
        raise ValueError("not the authenticator data of an assertion")
    _check_rest(data, _FIXED)


def check_attested_data(data: bytes) -> None:
    """Authenticator data of a registration contain a credential; raises `ValueError` otherwise."""
    if len(data) < _ID or not data[_FLAGS] & ATTESTED:
        raise ValueError("not the authenticator data of a registration")
    key = _ID + int.from_bytes(data[_ID_LENGTH], "big")
    _check_rest(data, end_of_item(data, key))


def read_aaguid(data: bytes) -> UUID:
    """The AAGUID in authenticator data that passed `check_attested_data`."""
    return UUID(bytes=data[_AAGUID])


def _check_rest(data: bytes, position: int) -> None:
    """Nothing follows but extensions, if the flag says so."""
    if data[_FLAGS] & EXTENSIONS:
        position = end_of_item(data, position)
    if position != len(data):
        raise ValueError("bytes left behind the authenticator data")


def end_of_item(data: bytes, start: int = 0) -> int:
    """The position behind the CBOR item that begins at `start`; nothing is decoded.

    Raises `ValueError` when the item is cut off, has a tag or an indefinite length, or is nested
    more than 16 levels deep.
    """
    position = start
    to_come = [1]  # items, at each level
    while to_come:
        if to_come[-1] == 0:
            to_come.pop()
            continue
        to_come[-1] -= 1
        major, argument, position = _head(data, position)
        if major == _TAG:
            raise ValueError("CBOR tag")
        if major in (_BYTES, _TEXT):
            position += argument
        elif major in (_ARRAY, _MAP):
            to_come.append(argument * 2 if major == _MAP else argument)
        if position > len(data) or len(to_come) > DEEPEST:
            raise ValueError("CBOR cut off or nested deeply")
    return position


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type, argument, and where the rest of the item begins."""
    if position >= len(data):
        raise ValueError("CBOR cut off")
    major, short = data[position] >> 5, data[position] & 31
    position += 1
    if short < 24:
        return major, short, position
    if short not in _FOLLOWING:
        raise ValueError("CBOR of indefinite length")
    end = position + _FOLLOWING[short]
    return major, int.from_bytes(data[position:end], "big"), end
