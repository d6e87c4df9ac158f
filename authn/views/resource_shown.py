"""A resource server as the command line shows it: what it may, and who may obtain what there."""

from collections.abc import Iterable, Iterator, Mapping

from authn.clients.exchange_pairs import ExchangePair
from authn.clients.permissions import IDENTITY_KINDS, MANDATE, QUALITY, kinds_of
from authn.clients.resources import Resource, ResourceScope
from authn.web.languages import LANGUAGES

# What people who act so are called; a person acts in one of these at a time.
KINDS = {
    "citizen": "citizens",
    "quality": "health professionals",
    "organisation": "members of an organisation",
    "mandate": "mandataries",
    "child": "parents for a child",
    "staff": "members of the help desk",
    "system": "systems",
}


def shown_resource(resource: Resource, pairs: Iterable[ExchangePair]) -> list[tuple[str, str]]:
    """Everything that is known of it, by name, in words; `pairs` are all exchanges that there are.

    A name may come several times.
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
    yield "  for", who_may(scope)
    if scope.level:
        yield "  level", _level(scope.level)


def _languages(label: str, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for language, text in texts.items():
        if language != "en":
            yield f"  {label.strip()} {language}".replace("   ", "  "), text


def who_may(scope: ResourceScope) -> str:
    """Who may obtain the scope, in words."""
    narrower = {
        QUALITY: ("only as ", scope.disciplines),
        MANDATE: ("only for ", scope.service_names),
    }
    who = []
    for kind in kinds_of(scope) or IDENTITY_KINDS:
        words, names = narrower.get(kind, ("", ()))
        who.append(KINDS.get(kind, kind) + (f" ({words}{' or '.join(names)})" if names else ""))
    return "anybody" if not kinds_of(scope) else ", ".join(who)


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
