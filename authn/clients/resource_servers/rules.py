"""The rules that a resource server keeps.

RFC 8707 §2 (https://www.rfc-editor.org/rfc/rfc8707#section-2).
"""

import re
from collections.abc import Callable, Collection, Mapping

from authn.clients.redirect_uris import LOOPBACK_HOSTS, is_document_uri
from authn.clients.resource_servers.permissions import IDENTITY_KINDS, MANDATE, QUALITY
from authn.clients.resource_servers.resources import Resource, ResourceScope
from authn.clients.tables import LONGEST_RESOURCE
from authn.errors import N_
from authn.policies import LEVELS
from authn.sources.facts import DISCIPLINES
from authn.web.languages import LANGUAGES, SOURCE_LANGUAGE

HTTP_HOSTS = ("localhost", *LOOPBACK_HOSTS)  # on a developer's machine
LONGEST_NAME = 200
LONGEST_SENTENCE = 200
LONGEST_EXPLANATION = 500
LONGEST_SECTOR = 255
MOST_SERVICE_NAMES = 50

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3
_SERVICE_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,100}")


def has_an_identifier(resource: Resource) -> bool:
    """An absolute URI without fragment; without query too, which RFC 8707 §2 advises against."""
    identifier = resource.resource
    return (
        len(identifier) <= LONGEST_RESOURCE
        and is_document_uri(identifier, HTTP_HOSTS)
        and "?" not in identifier
    )


def has_a_name(resource: Resource) -> bool:
    return _is_shown(resource.resource_name, LONGEST_NAME)


def has_scopes_with_sentences(resource: Resource) -> bool:
    return all(
        _SCOPE_TOKEN.fullmatch(scope)
        and SOURCE_LANGUAGE in each.name
        and _are_shown(each.name, LONGEST_SENTENCE)
        for scope, each in resource.scopes.items()
    )


def has_explanations(resource: Resource) -> bool:
    return all(
        (not each.explanation or SOURCE_LANGUAGE in each.explanation)
        and _are_shown(each.explanation, LONGEST_EXPLANATION)
        for each in resource.scopes.values()
    )


def has_a_sector(resource: Resource) -> bool:
    return 0 < len(resource.sector_identifier) <= LONGEST_SECTOR


def has_known_kinds(resource: Resource) -> bool:
    return _each(resource, lambda scope: {*scope.profile_kinds} <= {*IDENTITY_KINDS})


def has_known_disciplines(resource: Resource) -> bool:
    return _each(resource, lambda scope: {*scope.disciplines} <= {*DISCIPLINES})


def has_service_names(resource: Resource) -> bool:
    return _each(
        resource,
        lambda scope: (
            len(scope.service_names) <= MOST_SERVICE_NAMES
            and all(map(_SERVICE_NAME.fullmatch, scope.service_names))
        ),
    )


def disciplines_are_of_qualities(resource: Resource) -> bool:
    return _each(resource, lambda scope: not scope.disciplines or QUALITY in scope.profile_kinds)


def service_names_are_of_mandates(resource: Resource) -> bool:
    return _each(resource, lambda scope: not scope.service_names or MANDATE in scope.profile_kinds)


def has_known_levels(resource: Resource) -> bool:
    known: Collection[str] = ("", *LEVELS)
    return resource.level in known and _each(resource, lambda scope: scope.level in known)


def has_a_token_format(resource: Resource) -> bool:
    return resource.token_format in ("jwt", "opaque")


def opaque_tokens_can_be_asked_about(resource: Resource) -> bool:
    return resource.token_format != "opaque" or resource.client_id is not None  # noqa: S105


def opaque_tokens_are_not_encrypted(resource: Resource) -> bool:
    return resource.token_format != "opaque" or not resource.encrypt_tokens  # noqa: S105


def _each(resource: Resource, holds: Callable[[ResourceScope], bool]) -> bool:
    return all(map(holds, resource.scopes.values()))


def _are_shown(texts: Mapping[str, str], longest: int) -> bool:
    return texts.keys() <= LANGUAGES.keys() and all(
        _is_shown(text, longest) for text in texts.values()
    )


def _is_shown(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()


# All rules, with the sentence for a resource server that does not keep one.
RULES: tuple[tuple[Callable[[Resource], bool], str], ...] = (
    (
        has_an_identifier,
        N_("A resource is named by an https address of at most 500 characters, without ? and #."),
    ),
    (has_a_name, N_("A resource has a name of at most 200 characters.")),
    (
        has_scopes_with_sentences,
        N_(
            "Each scope has a sentence of at most 200 characters, which people read: in English, "
            "and in Dutch, French and German."
        ),
    ),
    (
        has_explanations,
        N_("An explanation of a scope has at most 500 characters, and is in English too."),
    ),
    (has_a_sector, N_("A sector identifier is a host name.")),
    (
        has_known_kinds,
        N_("A scope is for citizen, quality, organisation, mandate, child, staff or system."),
    ),
    (has_known_disciplines, N_("There is no such discipline.")),
    (has_service_names, N_("A service name has at most 100 letters, digits and ._:/- in it.")),
    (
        disciplines_are_of_qualities,
        N_("Disciplines are of the kind quality, which this scope is not for."),
    ),
    (
        service_names_are_of_mandates,
        N_("Service names are of the kind mandate, which this scope is not for."),
    ),
    (has_known_levels, N_("A level is synced, device or certified.")),
    (has_a_token_format, N_("A token is jwt or opaque.")),
    (
        opaque_tokens_can_be_asked_about,
        N_("Who gets opaque tokens asks about them: name the client as which it does."),
    ),
    (opaque_tokens_are_not_encrypted, N_("An opaque token holds nothing to encrypt.")),
)


def find_resource_faults(resource: Resource) -> list[str]:
    """The sentences of the rules that the resource server does not keep."""
    return [sentence for holds, sentence in RULES if not holds(resource)]
