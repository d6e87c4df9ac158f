"""From what the command line was told to the values of a client, all of them checked."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from authn.cli.ground import Ground
from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_metadata_document import read_client_metadata
from authn.clients.clients import Client, find_client
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.resources import find_resource
from authn.consents.offer import offer_to_operator
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import CommandError
from authn.policies import BUILT_IN, find_policy
from authn.settings import Settings
from authn.web.languages import LANGUAGES, SOURCE_LANGUAGE

USUAL_SCOPE = "openid profile"

Result = TypeVar("Result")


def checked_values(
    present: Ground,
    connection: Connection,
    client_id: str,
    document: dict[str, Any],
    given: dict[str, Any],
) -> dict[str, Any]:
    """The values of the client, by the names of `Client`; raises `CommandError`."""
    of_resources = scopes_of_resources(connection, given.get("resources", ()))
    usual = [*(USUAL_SCOPE.split() if document.get("redirect_uris") else ()), *of_resources]
    scopes = document["scope"].split() if document.get("scope") else usual
    if given.get("may_read_ssin"):
        scopes.append(SSIN)
    check_scopes(scopes, of_resources, ssin=given.get("may_read_ssin", False))
    offer = offer_to_operator(present.settings, of_resources)
    document = {**document, "scope": " ".join(scopes)}
    return {**told(lambda: read_client_metadata(document, offer)).named(client_id), **given}


def told(act: Callable[[], Result]) -> Result:
    """What the act gives; what it refuses is said with the value that it is about."""
    try:
        return act()
    except (InvalidClientMetadata, InvalidRedirectUri) as refusal:
        raise CommandError(sentence_of(refusal)) from None


def found_client(connection: Connection, client_id: str) -> Client:
    """The client; raises `CommandError`."""
    client = find_client(connection, client_id)
    if client is None:
        raise CommandError(f"There is no client {client_id}.")
    return client


def reasons_of(
    said: Iterable[str], before: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Why the client needs which scopes, after this; raises `CommandError`."""
    reasons = {scope: dict(texts) for scope, texts in before.items()}
    for each in said:
        name, equals, text = each.partition("=")
        scope, _, language = name.rpartition("#")
        if language not in LANGUAGES:  # a scope may have a # in it
            scope, language = name, SOURCE_LANGUAGE
        if not equals or not scope:
            raise CommandError('A need has its reason: --needs "SCOPE=Why".')
        reasons.setdefault(scope, {})[language] = text.strip()
        reasons[scope] = {tag: why for tag, why in reasons[scope].items() if why}
    return {scope: texts for scope, texts in reasons.items() if texts}


def granted(settings: Settings, **options: Any) -> dict[str, Any]:
    """What the operator decides, by the names of `Client`; what was not said is left out.

    Raises `CommandError` for a policy or a profile that there is not.
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
    """The scopes of these resources; raises `CommandError` for one that there is not."""
    scopes: list[str] = []
    for name in resources:
        resource = find_resource(connection, name)
        if resource is None:
            raise CommandError(f"There is no resource {name}: `authn resources add` makes one.")
        scopes += resource.scopes
    return tuple(dict.fromkeys(scopes))


def check_scopes(scopes: Iterable[str], of_resources: Iterable[str], *, ssin: bool) -> None:
    """Raises `CommandError` unless there are all of these scopes, and `ssin` has its permission."""
    known = [*SCOPES, *of_resources]
    for scope in scopes:
        if scope not in known:
            raise CommandError(f"There is no scope {scope}; there are {', '.join(known)}.")
    if SSIN in scopes and not ssin:
        raise CommandError("The scope ssin needs the permission too: add --ssin.")


def sentence_of(refusal: InvalidClientMetadata | InvalidRedirectUri) -> str:
    """What is wrong, with what it is wrong of."""
    if isinstance(refusal, InvalidRedirectUri):
        return f"{refusal.uri}: {refusal.description}"
    return f"{refusal.member}: {refusal.description}" if refusal.member else refusal.description
