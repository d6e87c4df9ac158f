"""A JSON object with a long list in it, read an element at a time.

The metadata is 9 MB of JSON, of which a tenth is kept; as Python objects the whole would be 40 MB.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import orjson

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder(strict=False)


def read_large(
    payload: bytes | bytearray, list_name: str, each: Callable[[Any], None]
) -> dict[str, Any] | None:
    """The members of a JSON object without the list `list_name`; `each` is called per element.

    None when the object has no such list; raises `ValueError` when the payload is no JSON object.
    """
    # One character a byte, so that where an element ends in the text it ends in the bytes too;
    # what it says is read from the bytes.
    text = payload.decode("latin-1")
    members: dict[str, Any] = {}
    found = False
    at = _expect(text, 0, "{")
    while text[at : at + 1] != "}":
        if text[at : at + 1] != '"':
            raise ValueError("a name that is no string")
        name, at = _read(payload, text, at)
        at = _expect(text, at, ":")
        if name == list_name and text[at : at + 1] == "[":
            at, found = _elements(payload, text, at, each), True
        else:
            members[name], at = _read(payload, text, at)
        at = _separator(text, at, "}")
    if _after_space(text, at + 1) != len(text):
        raise ValueError("something comes after the object")
    return members if found else None


def _elements(payload: bytes | bytearray, text: str, at: int, each: Callable[[Any], None]) -> int:
    """The position behind the list that begins at `at`; `each` is called per element."""
    at = _expect(text, at, "[")
    while text[at : at + 1] != "]":
        element, at = _read(payload, text, at)
        each(element)
        at = _separator(text, at, "]")
    return at + 1


def _read(payload: bytes | bytearray, text: str, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, and the position behind the value."""
    try:
        _, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return orjson.loads(payload[start:end]), end


def _separator(text: str, at: int, end: str) -> int:
    """The position of the next member, or of the sign `end`."""
    at = _after_space(text, at)
    if text[at : at + 1] == end:
        return at
    at = _expect(text, at, ",")
    if text[at : at + 1] == end:
        raise ValueError("a comma before the end")
    return at


def _expect(text: str, at: int, sign: str) -> int:
    at = _after_space(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"no {sign} where one must be")
    return _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
