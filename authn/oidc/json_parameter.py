"""JSON in a request parameter: read strictly, within a size and a depth.

RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259). A member that comes twice is refused, as a
parameter that comes twice is (decisions 4.4): orjson alone would take the last one.
"""

import json
from typing import Any

import orjson

from authn.web.body import deeper_than


def read_json_parameter(text: str, *, longest: int, depth: int) -> Any:
    """The value that the text holds; raises `ValueError` without its words.

    `longest` is in characters, `depth` in objects and arrays inside each other.
    """
    if len(text) > longest:
        raise ValueError("too long")
    # First orjson: it refuses NaN, lone surrogates and any depth that would exhaust the stack.
    try:
        nested_too_deeply = deeper_than(orjson.loads(text), depth)
    except ValueError:
        raise ValueError("not JSON") from None
    if nested_too_deeply:
        raise ValueError("nested too deeply")
    return json.loads(text, object_pairs_hook=_once)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members, each of another name."""
    read = dict(members)
    if len(read) < len(members):
        raise ValueError("a member twice")
    return read
