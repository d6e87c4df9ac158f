"""What a request's body may be: at most 64 kB, one strict form or one JSON object.

A parameter that comes twice is refused (decisions 4.4): two readers of one request must not see
two different values. Those that may come several times (RFC 8707 §2, RFC 8693 §2.1) are one value
here, with spaces between: none of theirs holds a space.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request as HttpRequest

from authn.errors import N_, InvalidRequest, Refusal

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 100
JSON_DEPTH = 12
MAY_REPEAT = frozenset({"resource", "audience"})


class TooLarge(InvalidRequest):
    """The body is larger than anything we ask for."""


def _malformed(detail: str) -> Refusal:
    return InvalidRequest(
        "invalid_request", N_("What your browser sent could not be read."), detail=detail
    )


def _too_large() -> Refusal:
    return TooLarge("request_too_large", N_("What your browser sent is too large."))


async def read_body(request: HttpRequest) -> bytes:
    """The whole body; raises `TooLarge` as soon as it is over the limit, without reading on."""
    declared = request.headers.get("content-length", "0")
    # The length first: an integer of thousands of digits is no integer to Python.
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > LARGEST_BODY):
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _too_large()
    return bytes(body)


def parse_form(body: bytes, content_type: str) -> Mapping[str, str]:
    """The fields of an `application/x-www-form-urlencoded` body, each once; none if it is empty."""
    if not body:
        return {}
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise _malformed("not a form")
    return parse_parameters(body)


def parse_parameters(encoded: bytes) -> Mapping[str, str]:
    """The parameters of a query or form, strict UTF-8, each once."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise _malformed("malformed parameters") from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in parameters:
            parameters[name] = value
        elif name in MAY_REPEAT and value:
            parameters[name] += f" {value}"
        else:
            raise InvalidRequest("invalid_request", N_("A parameter was sent twice."))
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise _malformed("NUL in a parameter")
    return parameters


def parse_json(body: bytes, content_type: str) -> Mapping[str, Any]:
    """The JSON object of an `application/json` body, not nested more deeply than any we ask for."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise _malformed("not JSON")
    try:
        document = orjson.loads(body)
    except ValueError:
        raise _malformed("malformed JSON") from None
    if not isinstance(document, dict):
        raise _malformed("not a JSON object")
    if is_deeper_than(document, JSON_DEPTH):
        raise _malformed("JSON nested too deeply")
    return document


def is_deeper_than(value: Any, levels: int) -> bool:
    """Whether decoded JSON is nested in more objects and arrays than these."""
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    children = value.values() if isinstance(value, dict) else value
    return any(is_deeper_than(child, levels - 1) for child in children)
