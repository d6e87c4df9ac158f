"""Clients and resource servers as text by name, for the command line and operators' pages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from authn.clients.client_registration.document import write_client_metadata
from authn.clients.clients import Client
from authn.clients.resource_servers.exchange_pairs import ExchangePair
from authn.clients.resource_servers.permissions import (
    IDENTITY_KINDS,
    MANDATE,
    QUALITY,
    kinds_of_scope,
)
from authn.clients.resource_servers.resources import Resource, ResourceScope
from authn.web.languages import LANGUAGES

# Who acts, by kind of profile.
KINDS = {
    "citizen": "citizens",
    "quality": "health professionals",
    "organisation": "members of an organisation",
    "mandate": "mandataries",
    "child": "parents for a child",
    "staff": "members of the help desk",
    "system": "systems",
}


def describe_client(client: Client) -> dict[str, str]:
    """What a client says of itself and what operators decided, by name; no hash of a secret."""
    metadata = {name: _text(value) for name, value in write_client_metadata(client).items()}
    decided = {
        "sector_identifier": client.sector_identifier,
        "require_pkce": client.pkce_required,
        "may_read_ssin": client.may_read_ssin,
        "may_read_device_id": client.may_read_device_id,
        "first_party": client.first_party,
        "policy": client.policy or "that of the service",
        "profile": client.profile or "none",
        "organisation": client.organisation or "none",
        "resources": client.resources,
        "profile_kinds": client.profile_kinds or "citizen alone",
        "required_profile_kinds": client.required_profile_kinds or "none",
        "default_profile_kind": client.default_profile_kind or "none",
        **_reasons(client),
        "refresh_idle": f"{client.refresh_idle // 86400} days",
        "refresh_lifetime": f"{client.refresh_lifetime // 86400} days",
        "registered itself": client.registration_access_token_hash is not None,
        "registered": f"{client.created_at:%Y-%m-%d %H:%M} UTC",
    }
    return {
        "client_id": client.client_id,
        **metadata,
        **{name: _text(value) for name, value in decided.items()},
    }


def _reasons(client: Client) -> dict[str, str]:
    """The scopes that the client cannot do without, with the reason in each language."""
    return {
        f"needs {scope}": "; ".join(f"{tag}: {reason}" for tag, reason in reasons.items())
        for scope, reasons in client.scope_reasons.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, tuple | list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return orjson.dumps(value).decode()


def describe_resource(resource: Resource, pairs: Iterable[ExchangePair]) -> list[tuple[str, str]]:
    """What is registered of a resource server, as pairs of a name and a text.

    `pairs` are all token exchanges that are allowed. A name may come several times.
    """
    return [
        ("resource", resource.resource),
        ("name", resource.resource_name),
        ("client", resource.client_id or "none: it reads tokens itself"),
        ("sector_identifier", resource.sector_identifier),
        ("tokens", _tokens(resource)),
        ("level", _level(resource.level)),
        ("may_read_ssin", _yes(resource.may_read_ssin)),
        ("reads_profile", _yes(resource.reads_profile)),
        ("reads_may_act", _may_act(resource)),
        ("may_read_device_id", _yes(resource.may_read_device_id)),
        ("revocation_hook", resource.revocation_hook or "none: it hears of no withdrawal"),
        *_exchanges(resource, pairs),
        *(line for name, each in resource.scopes.items() for line in _scope(name, each)),
        ("registered", f"{resource.created_at:%Y-%m-%d %H:%M} UTC"),
    ]


def _scope(name: str, scope: ResourceScope) -> Iterator[tuple[str, str]]:
    yield f"scope {name}", scope.sentence("en")
    yield from _languages("", scope.name)
    if scope.explanation:
        yield "  explanation", scope.explanation.get("en", "")
        yield from _languages("  explanation ", scope.explanation)
    missing = [language for language in LANGUAGES if language not in scope.name]
    if missing:
        yield "  not yet in", " ".join(missing)
    yield "  for", describe_who_may_obtain(scope)
    if scope.level:
        yield "  level", _level(scope.level)


def _languages(label: str, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for language, text in texts.items():
        if language != "en":
            yield f"  {label.strip()} {language}".replace("   ", "  "), text


def describe_who_may_obtain(scope: ResourceScope) -> str:
    """Who may obtain the scope, as text."""
    narrower = {
        QUALITY: ("only as ", scope.disciplines),
        MANDATE: ("only for ", scope.service_names),
    }
    who = []
    for kind in kinds_of_scope(scope) or IDENTITY_KINDS:
        words, names = narrower.get(kind, ("", ()))
        who.append(KINDS.get(kind, kind) + (f" ({words}{' or '.join(names)})" if names else ""))
    return "anybody" if not kinds_of_scope(scope) else ", ".join(who)


def _tokens(resource: Resource) -> str:
    if resource.token_format == "opaque":  # noqa: S105 (a name)
        return "opaque: it asks /introspect what each is worth"
    return "JWT, encrypted to its client's key" if resource.encrypt_tokens else "JWT"


def _level(level: str) -> str:
    return f"{level}, or higher" if level else "any"


def _may_act(resource: Resource) -> str:
    if resource.reads_may_act and not resource.may_read_ssin:
        return "yes, but it gets the list with may_read_ssin alone"
    return _yes(resource.reads_may_act)


def _exchanges(resource: Resource, pairs: Iterable[ExchangePair]) -> Iterator[tuple[str, str]]:
    mine = [pair for pair in pairs if pair.resource == resource.resource]
    for pair in mine:
        yield "exchange", f"{pair.client_id}, of tokens of {pair.subject_client_id}"
    if not mine:
        yield "exchange", "nobody: see `authn exchanges allow`"


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
