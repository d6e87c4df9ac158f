"""CBOR as authenticators may write it, checked before anything decodes it.

CTAP2's canonical form (https://fidoalliance.org/specs/fido-v2.2-ps-20250714/, "Message Encoding")
has neither tags nor indefinite lengths. cbor2 knows tags for shared values, and py_webauthn encodes
again what it has decoded, before it verifies any signature: twenty nested shared values, 230 bytes,
then cost seconds, and each further one doubles them.
"""

DEEPEST = 16

_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6  # major types, RFC 8949 §3.1
_FOLLOWING = {24: 1, 25: 2, 26: 4, 27: 8}  # bytes of argument behind the first one, §3


def end_of_item(data: bytes, start: int = 0) -> int:
    """Where the one item that begins at `start` ends.

    Raises `ValueError` when it is cut off, has a tag or an indefinite length, or is nested deeply.
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
