"""The document of RFC 7591 that the command line was told: a file, options, and single members.

It is the one of `clients.client_metadata_document`, so that the command line and the registration
endpoint are held against the same rules. What is the operator's to decide is no part of it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from authn.clients.client_metadata_members import IN_LANGUAGES, OF_EVERY_CLIENT, OPTIONAL
from authn.errors import CommandError


def document_of(file: Path | None, pairs: Iterable[str], **options: Any) -> dict[str, Any]:
    """What is said of the client, by the names of RFC 7591: a file, then options, then pairs.

    Raises `CommandError` for what is no document, and for a name that nobody knows.
    """
    document: dict[str, Any] = dict(_read_object(file)) if file else {}
    document |= {name: value for name, value in options.items() if value not in (None, [])}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        base = name.partition("#")[0]
        known = base in IN_LANGUAGES or name in OF_EVERY_CLIENT or name in OPTIONAL
        if not equals or not known:
            raise CommandError(f"Not a value of a client: {name}. It is written NAME=VALUE.")
        document[name] = _value(name, text)
    return document


def _value(name: str, text: str) -> Any:
    """The text as the member's type: JSON where it is JSON, a list where one is wanted."""
    try:
        value = orjson.loads(text)
    except ValueError:
        value = text
    # A version such as 2.1 is a text all the same.
    if isinstance(value, int | float) and not isinstance(value, bool) and name != "default_max_age":
        value = text
    lists = ("redirect_uris", "post_logout_redirect_uris", "response_types")
    if isinstance(value, str) and (name in lists or name in _LISTS):
        return value.split()
    return value


_LISTS = (
    "grant_types",
    "contacts",
    "request_uris",
    "authorization_details_types",
    "default_acr_values",
    "response_modes",
)


def key_set(file: Path | None) -> Mapping[str, Any] | None:
    """The JWK Set of a file; None without a file."""
    return _read_object(file) if file else None


def _read_object(file: Path) -> Mapping[str, Any]:
    try:
        value = orjson.loads(file.read_bytes())
    except ValueError:
        raise CommandError(f"{file} is not JSON.") from None
    if not isinstance(value, dict):
        raise CommandError(f"{file} holds no JSON object.")
    return value
