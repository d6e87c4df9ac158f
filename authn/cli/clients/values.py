"""The values of a client, read from options and files of the command line, and checked.

What a client says of itself becomes the JSON document of RFC 7591
(`clients.client_registration.document`), so that the command line and the registration endpoint are
held against the same rules. What the operator decides is no part of that document.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection

from authn.cli.ground import Ground
from authn.cli.shared import read_json_object
from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration.document import read_client_metadata
from authn.clients.client_registration.members import (
    COMMON_MEMBERS,
    LOCALIZED_MEMBERS,
    OPTIONAL_MEMBERS,
)
from authn.clients.clients import Client, find_client
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.resource_servers.resources import find_resource
from authn.consents.registrable import registrable_by_operator
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import CommandError
from authn.policies import BUILT_IN, find_policy
from authn.settings import Settings
from authn.web.languages import LANGUAGES, SOURCE_LANGUAGE

USUAL_SCOPE = "openid profile"

Result = TypeVar("Result")


def build_client_values(
    present: Ground,
    connection: Connection,
    client_id: str,
    document: dict[str, Any],
    decided: dict[str, Any],
) -> dict[str, Any]:
    """The values of a client by the names of `Client`, from its document and what is decided.

    Raises `CommandError`.
    """
    of_resources = scopes_of_resources(connection, decided.get("resources", ()))
    usual = [*(USUAL_SCOPE.split() if document.get("redirect_uris") else ()), *of_resources]
    scopes = document["scope"].split() if document.get("scope") else usual
    if decided.get("may_read_ssin"):
        scopes.append(SSIN)
    check_scopes(scopes, of_resources, ssin=decided.get("may_read_ssin", False))
    offer = registrable_by_operator(present.settings, of_resources)
    document = {**document, "scope": " ".join(scopes)}
    read = explain_refusal(lambda: read_client_metadata(document, offer))
    return {**read.client_fields(client_id), **decided}


def explain_refusal(act: Callable[[], Result]) -> Result:
    """The result of the act; raises `CommandError` with the value that the act refuses."""
    try:
        return act()
    except (InvalidClientMetadata, InvalidRedirectUri) as refusal:
        raise CommandError(refusal_sentence(refusal)) from None


def require_client(connection: Connection, client_id: str) -> Client:
    """The client with this id; raises `CommandError` where there is none."""
    client = find_client(connection, client_id)
    if client is None:
        raise CommandError(f"There is no client {client_id}.")
    return client


def merge_scope_reasons(
    needs: Iterable[str], before: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """The reasons of scopes by scope and language, changed by `SCOPE#LANGUAGE=REASON` texts.

    An empty reason removes one. Raises `CommandError`.
    """
    reasons = {scope: dict(texts) for scope, texts in before.items()}
    for each in needs:
        name, equals, text = each.partition("=")
        scope, _, language = name.rpartition("#")
        if language not in LANGUAGES:  # a scope may have a # in it
            scope, language = name, SOURCE_LANGUAGE
        if not equals or not scope:
            raise CommandError('A need has its reason: --needs "SCOPE=Why".')
        reasons.setdefault(scope, {})[language] = text.strip()
        reasons[scope] = {tag: why for tag, why in reasons[scope].items() if why}
    return {scope: texts for scope, texts in reasons.items() if texts}


def read_operator_values(settings: Settings, **options: Any) -> dict[str, Any]:
    """What the operator decides, by the names of `Client`, without options that were not given.

    Raises `CommandError` for an unknown policy or profile.
    """
    policy, profile = options.get("policy"), options.get("profile")
    if policy and find_policy(settings.policies, policy) is None:
        names = ", ".join([*BUILT_IN, *settings.policies])
        raise CommandError(f"There is no policy {policy}; there are {names}.")
    if profile not in (None, "none", "fapi2"):
        raise CommandError(f"There is no profile {profile}; there are fapi2 and none.")
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if profile == "none":
        given["profile"] = ""
    for name in ("profile_kinds", "required_profile_kinds"):
        if name in given:
            given[name] = tuple(each for each in dict.fromkeys(given[name]) if each != "none")
    if given.get("default_profile_kind") == "none":
        given["default_profile_kind"] = ""
    for name in ("refresh_idle", "refresh_lifetime"):
        if name in given:
            given[name] = int(timedelta(days=given[name]).total_seconds())
    return given


def scopes_of_resources(connection: Connection, resources: Iterable[str]) -> tuple[str, ...]:
    """The scopes of these resources; raises `CommandError` for an unknown resource."""
    scopes: list[str] = []
    for name in resources:
        resource = find_resource(connection, name)
        if resource is None:
            raise CommandError(f"There is no resource {name}: `authn resources add` makes one.")
        scopes += resource.scopes
    return tuple(dict.fromkeys(scopes))


def check_scopes(scopes: Iterable[str], of_resources: Iterable[str], *, ssin: bool) -> None:
    """Raises `CommandError` for an unknown scope, and for `ssin` without its permission."""
    known = [*SCOPES, *of_resources]
    for scope in scopes:
        if scope not in known:
            raise CommandError(f"There is no scope {scope}; there are {', '.join(known)}.")
    if SSIN in scopes and not ssin:
        raise CommandError("The scope ssin needs the permission too: add --ssin.")


def refusal_sentence(refusal: InvalidClientMetadata | InvalidRedirectUri) -> str:
    """The sentence of a refusal, after the URI or the member at fault."""
    if isinstance(refusal, InvalidRedirectUri):
        return f"{refusal.uri}: {refusal.description}"
    return f"{refusal.member}: {refusal.description}" if refusal.member else refusal.description


def build_client_document(
    file: Path | None, pairs: Iterable[str], **options: Any
) -> dict[str, Any]:
    """The document of a client, by the names of RFC 7591: file, options, then NAME=VALUE pairs.

    Later ones replace earlier ones. Raises `CommandError`, also for an unknown name.
    """
    document: dict[str, Any] = read_json_object(file) if file else {}
    document |= {name: value for name, value in options.items() if value not in (None, [])}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        base = name.partition("#")[0]
        known = base in LOCALIZED_MEMBERS or name in COMMON_MEMBERS or name in OPTIONAL_MEMBERS
        if not equals or not known:
            raise CommandError(f"Not a value of a client: {name}. It is written NAME=VALUE.")
        document[name] = _member_value(name, text)
    return document


def _member_value(name: str, text: str) -> Any:
    """The value of a member: JSON if the text is JSON, a list where the member is a list."""
    try:
        value = orjson.loads(text)
    except ValueError:
        value = text
    # A version such as 2.1 is a text all the same.
    if isinstance(value, int | float) and not isinstance(value, bool) and name != "default_max_age":
        value = text
    if isinstance(value, str) and name in _LISTS:
        return value.split()
    return value


_LISTS = (
    "redirect_uris",
    "post_logout_redirect_uris",
    "response_types",
    "grant_types",
    "contacts",
    "request_uris",
    "authorization_details_types",
    "default_acr_values",
    "response_modes",
)


def read_key_set_file(file: Path | None) -> Mapping[str, Any] | None:
    """The JWK Set of a file; None without a file."""
    return read_json_object(file) if file else None
