"""The form of a client: its fields, reading them, and the field of each broken rule.

What a client says of itself is the metadata of RFC 7591; what only operators decide stands beside,
by the names of `Client`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration import rules
from authn.clients.client_registration.document import read_client_metadata, write_client_metadata
from authn.clients.client_registration.members import LOCALIZED_MEMBERS, OPTIONAL_MEMBERS
from authn.clients.clients import AUTH_METHODS, GRANT_MANAGEMENT_SCOPES, GRANT_TYPES, Client
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.resource_servers.permissions import PROFILE_KINDS
from authn.clients.resource_servers.resources import find_resources, list_resources
from authn.consents.registrable import available_auth_methods, registrable_by_operator
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import N_
from authn.jose import ALGORITHMS
from authn.policies import BUILT_IN, find_policy
from authn.settings import Settings
from authn.web.languages import LANGUAGES, SOURCE_LANGUAGE

NO_NAME: Final = N_("A client has a name of at most 200 characters.")
NO_OBJECT: Final = N_("This is not a JSON object.")
NO_SUCH_NAME: Final = N_("Nobody knows one of these names.")
NO_RESOURCE: Final = N_("There is no such resource server.")
NO_SCOPE: Final = N_("One of these scopes does not exist, here or at its resource servers.")
SSIN_NEEDS_PERMISSION: Final = N_("The scope ssin needs the permission for national numbers too.")
NO_POLICY: Final = N_("There is no such policy.")
NO_PROFILE: Final = N_("There is no such profile.")
NO_DAYS: Final = N_("This must be a number of days, from 1 to 3650.")
NO_REASON: Final = N_("Write one scope a line, with its reason: read=To show your letters.")
DAY: Final = 86400
MOST_DAYS: Final = 3650

NAMES: Final = ("client_name", *(f"client_name#{each}" for each in ("nl", "fr", "de")))
WORDS: Final = (
    "token_endpoint_auth_method",
    "id_token_signed_response_alg",
    "application_type",
    "jwks_uri",
    "backchannel_logout_uri",
    *NAMES,
)
LISTS: Final = ("redirect_uris", "post_logout_redirect_uris")
FLAGS: Final = ("require_pkce", "may_read_ssin", "may_read_device_id", "first_party")
KINDS_OF_PROFILE: Final = ("profile_kinds", "required_profile_kinds")
DAYS: Final = ("refresh_idle", "refresh_lifetime")
# Metadata with a field of its own, or that follows from one; the rest stands in `more`.
OWN: Final = frozenset(
    {*WORDS, *LISTS, "grant_types", "scope", "jwks", "response_types", "subject_type"}
)
# The field beside which the sentence of a rule stands; by default the top of the form.
FIELD_OF_RULE: Final = {
    rules.has_an_id: "client_id",
    rules.has_a_name: "client_name",
    rules.has_a_scope: "scope",
    rules.has_a_redirect_uri: "redirect_uris",
    rules.has_grant_type_to_refresh: "grant_types",
    rules.has_no_public_client_credentials: "grant_types",
    rules.has_id_of_its_organisation: "organisation",
    rules.has_tokens_of_an_organisation: "organisation",
    rules.system_has_a_key: "token_endpoint_auth_method",
    rules.has_keys_in_one_way: "jwks_uri",
    rules.has_needed_keys: "jwks",
    rules.has_one_certificate_name: "more",
    rules.has_alg_for_each_enc: "more",
    rules.has_frontchannel_logout_at_its_origin: "more",
    rules.fapi_authenticates_with_key: "token_endpoint_auth_method",
    rules.fapi_binds_its_tokens: "more",
    rules.fapi_has_strong_signatures: "id_token_signed_response_alg",
    rules.fapi_fetches_no_request: "more",
    rules.fapi_has_tls_redirect_uris: "redirect_uris",
    rules.has_known_profile_kinds: "profile_kinds",
    rules.has_required_kinds_among_allowed: "required_profile_kinds",
    rules.has_default_kind_among_allowed: "default_profile_kind",
    rules.has_reasons_for_its_scopes: "needs",
}
_BY_SENTENCE: Final = {
    sentence: FIELD_OF_RULE[holds] for holds, sentence in rules.RULES if holds in FIELD_OF_RULE
}


def read_client_form(
    connection: Connection, settings: Settings, client_id: str, form: Mapping[str, str]
) -> dict[str, Any]:
    """The values of a client in the form, by the names of `Client`.

    Raises `InvalidClientMetadata`, whose `member` is the field.
    """
    decided = _read_decided(settings, form)
    found = find_resources(connection, decided["resources"])
    if len(found) < len(decided["resources"]):
        raise InvalidClientMetadata(NO_RESOURCE, "resources")
    of_resources = tuple(scope for resource in found.values() for scope in resource.scopes)
    document = _read_document(form)
    if not document.get("client_name"):
        raise InvalidClientMetadata(NO_NAME, "client_name")
    asked = document.get("scope", "").split()
    if not {*asked} <= {*SCOPES, *GRANT_MANAGEMENT_SCOPES, *of_resources}:
        raise InvalidClientMetadata(NO_SCOPE, "scope")
    if SSIN in asked and not decided["may_read_ssin"]:
        raise InvalidClientMetadata(SSIN_NEEDS_PERMISSION, "scope")
    metadata = read_client_metadata(document, registrable_by_operator(settings, of_resources))
    return {**metadata.client_fields(client_id), **decided}


def client_form_choices(
    connection: Connection, settings: Settings, now_used: str = ""
) -> dict[str, Any]:
    """The choices of the client form; `now_used` is the client's authentication method."""
    methods = available_auth_methods(settings)
    return {
        "auth_methods": [each for each in AUTH_METHODS if each in (*methods, now_used)],
        "algorithms": ALGORITHMS,
        "grant_types": GRANT_TYPES,
        "profile_kinds": PROFILE_KINDS,
        "policies": [*BUILT_IN, *settings.policies],
        "resources": [each.resource for each in list_resources(connection)],
    }


def client_form_fields(client: Client) -> dict[str, str]:
    """The fields of the form for a registered client."""
    return {
        **document_form_fields(write_client_metadata(client)),
        "policy": client.policy or "",
        "profile": client.profile,
        "organisation": client.organisation,
        "sector_identifier": client.sector_identifier,
        "resources": "\n".join(client.resources),
        "default_profile_kind": client.default_profile_kind,
        "needs": _reasons_text(client),
        **{name: str(getattr(client, name) // DAY) for name in DAYS},
        **{name: "on" for name in FLAGS if getattr(client, name)},
        **{f"{name}:{kind}": "on" for name in KINDS_OF_PROFILE for kind in getattr(client, name)},
    }


def document_form_fields(document: Mapping[str, Any]) -> dict[str, str]:
    """The fields of the form for client metadata (RFC 7591)."""
    more = {name: value for name, value in document.items() if name not in OWN}
    jwks = document.get("jwks")
    return {
        **{name: str(document.get(name, "")) for name in WORDS},
        **{name: "\n".join(document.get(name, ())) for name in LISTS},
        **{f"grant_types:{each}": "on" for each in document.get("grant_types", ())},
        "scope": str(document.get("scope", "")),
        "jwks": _pretty(jwks) if jwks else "",
        "more": _pretty(more) if more else "",
    }


def refused_field(
    refusal: InvalidClientMetadata | InvalidRedirectUri, form: Mapping[str, str]
) -> tuple[str, str]:
    """The field that a refusal is about, "" for none, and the sentence (a message id)."""
    if isinstance(refusal, InvalidRedirectUri):
        after = refusal.uri in form.get("post_logout_redirect_uris", "").split()
        return ("post_logout_redirect_uris" if after else "redirect_uris"), refusal.description
    field = refusal.member or _BY_SENTENCE.get(refusal.description, "")
    known = field in OWN or field in _DECIDED or not field
    return (field if known else "more"), refusal.description


_DECIDED: Final = frozenset(
    {
        "client_id",
        "more",
        "needs",
        "policy",
        "profile",
        "organisation",
        "resources",
        "default_profile_kind",
        *KINDS_OF_PROFILE,
        *DAYS,
    }
)


def _read_document(form: Mapping[str, str]) -> dict[str, Any]:
    more = _read_object(form.get("more", ""), "more")
    for name in more:
        known = name in OPTIONAL_MEMBERS or name.partition("#")[0] in LOCALIZED_MEMBERS
        if not known or name in OWN:
            raise InvalidClientMetadata(NO_SUCH_NAME, "more")
    document = {**more, **{name: form.get(name, "").strip() for name in (*WORDS, "scope")}}
    document = {name: value for name, value in document.items() if value != ""}
    document |= {name: form.get(name, "").split() for name in LISTS}
    document["grant_types"] = [each for each in GRANT_TYPES if f"grant_types:{each}" in form]
    jwks = _read_object(form.get("jwks", ""), "jwks")
    return {**document, "jwks": jwks} if jwks else document


def _read_decided(settings: Settings, form: Mapping[str, str]) -> dict[str, Any]:
    """The values that only operators decide."""
    policy, profile = form.get("policy", ""), form.get("profile", "")
    if policy and find_policy(settings.policies, policy) is None:
        raise InvalidClientMetadata(NO_POLICY, "policy")
    if profile not in ("", "fapi2"):
        raise InvalidClientMetadata(NO_PROFILE, "profile")
    return {
        **{name: name in form for name in FLAGS},
        **{name: DAY * _read_days(form.get(name, ""), name) for name in DAYS},
        **{
            name: tuple(kind for kind in PROFILE_KINDS if f"{name}:{kind}" in form)
            for name in KINDS_OF_PROFILE
        },
        "policy": policy or None,
        "profile": profile,
        "organisation": form.get("organisation", "").replace(".", "").strip(),
        "sector_identifier": form.get("sector_identifier", "").strip(),
        "resources": tuple(dict.fromkeys(form.get("resources", "").split())),
        "default_profile_kind": form.get("default_profile_kind", ""),
        "scope_reasons": _read_reasons(form.get("needs", "").splitlines()),
    }


def _read_reasons(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Reasons for needed scopes: a scope a line, with `#nl` and the like for a language."""
    reasons: dict[str, dict[str, str]] = {}
    for line in filter(None, map(str.strip, lines)):
        name, equals, text = line.partition("=")
        scope, _, language = name.rpartition("#")
        if language not in LANGUAGES:  # a scope may have a # in it
            scope, language = name, SOURCE_LANGUAGE
        if not equals or not scope or not text.strip():
            raise InvalidClientMetadata(NO_REASON, "needs")
        reasons.setdefault(scope, {})[language] = text.strip()
    return reasons


def _reasons_text(client: Client) -> str:
    return "\n".join(
        f"{scope}={text}" if language == SOURCE_LANGUAGE else f"{scope}#{language}={text}"
        for scope, texts in client.scope_reasons.items()
        for language, text in texts.items()
    )


def _read_days(text: str, name: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise InvalidClientMetadata(NO_DAYS, name)
    if not 1 <= int(text) <= MOST_DAYS:
        raise InvalidClientMetadata(NO_DAYS, name)
    return int(text)


def _read_object(text: str, name: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = orjson.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidClientMetadata(NO_OBJECT, name)
    return value


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
