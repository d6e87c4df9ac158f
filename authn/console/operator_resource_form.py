"""The form of a resource server: its fields, reading them, and the field of each broken rule."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import orjson

from authn.clients.resource_servers import rules as rules
from authn.clients.resource_servers.document import InvalidResource, read_resource_document
from authn.clients.resource_servers.resources import Resource
from authn.consents.scopes import SCOPES
from authn.errors import N_

WORDS: Final = (
    "resource_name",
    "client_id",
    "sector_identifier",
    "level",
    "token_format",
    "revocation_hook",
)
FLAGS: Final = (
    "encrypt_tokens",
    "may_read_ssin",
    "reads_profile",
    "reads_may_act",
    "may_read_device_id",
)
NO_JSON: Final = N_(
    "The scopes are no JSON: look at line %(line)s, near character %(column)s. Often a comma or a "
    "quotation mark is missing or too many."
)
NO_OBJECT: Final = N_("The scopes are a JSON object: the name of each, and what it is.")
OWN_SCOPE: Final = N_("One of these scopes is the service's own.")
EXAMPLE: Final = """\
{
  "letters.read": {
    "name": {"en": "Read your letters", "nl": "Uw brieven lezen"},
    "profile_kinds": ["citizen", "mandate"],
    "level": "device"
  }
}"""
# The field beside which the sentence of a rule stands; by default the scopes.
FIELD_OF_RULE: Final[Mapping[Callable[[Resource], bool], str]] = {
    rules.has_an_identifier: "resource",
    rules.has_a_name: "resource_name",
    rules.has_a_sector: "sector_identifier",
    rules.has_a_token_format: "token_format",
    rules.opaque_tokens_can_be_asked_about: "client_id",
    rules.opaque_tokens_are_not_encrypted: "encrypt_tokens",
}
# The fields of the sentences of `resource_servers.registration`, by how each begins.
_OTHERS: Final = (
    ("There is a resource with this address already.", "resource"),
    ("This address is the service's own.", "resource"),
    ("A revocation hook is", "revocation_hook"),
    ("A resource asks as", "client_id"),
    ("Tokens are encrypted to", "encrypt_tokens"),
)


def read_resource_form(form: Mapping[str, str]) -> dict[str, Any]:
    """The values of a resource server in the form, by the names of `Resource`, without its address.

    Raises `InvalidResource`.
    """
    try:
        scopes = orjson.loads(form.get("scopes", "").strip() or "{}")
    except orjson.JSONDecodeError as fault:
        raise InvalidResource(NO_JSON, line=fault.lineno, column=fault.colno) from None
    if not isinstance(scopes, dict):
        raise InvalidResource(NO_OBJECT)
    if not scopes.keys().isdisjoint(SCOPES):
        raise InvalidResource(OWN_SCOPE)
    document = {
        **{name: form.get(name, "").strip() for name in WORDS},
        **{name: name in form for name in FLAGS},
        "scopes": scopes,
    }
    return read_resource_document(document)


def resource_form_fields(resource: Resource) -> dict[str, str]:
    """The fields of the form for a registered resource server."""
    scopes = {name: _without_empty(asdict(each)) for name, each in resource.scopes.items()}
    return {
        "resource": resource.resource,
        **{name: str(getattr(resource, name) or "") for name in WORDS},
        **{name: "on" for name in FLAGS if getattr(resource, name)},
        "scopes": orjson.dumps(scopes, option=orjson.OPT_INDENT_2).decode(),
    }


def refused_field(refusal: InvalidResource) -> str:
    """The field that a refusal is about."""
    sentence = refusal.words
    for holds, words in rules.RULES:
        if words == sentence:
            return FIELD_OF_RULE.get(holds, "scopes")
    for beginning, field in _OTHERS:
        if sentence.startswith(beginning):
            return field
    member = refusal.member.partition(".")[0]
    return member if member in (*WORDS, *FLAGS) else "scopes"


def _without_empty(scope: dict[str, Any]) -> dict[str, Any]:
    """A scope as a document has it, without empty members."""
    return {name: value for name, value in scope.items() if value}
