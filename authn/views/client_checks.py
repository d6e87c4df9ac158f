"""Checks of a registered client: what would fail for its users (`authn clients check`)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from sqlalchemy import Connection

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration.document import check_sector_document
from authn.clients.client_registration.rules import find_client_faults
from authn.clients.clients import (
    ASSERTION_ALGORITHMS,
    CLIENT_CREDENTIALS,
    FAPI_ASSERTION_ALGORITHMS,
    GRANT_TYPES,
    PRIVATE_KEY_JWT,
    SECRET_METHODS,
    Client,
)
from authn.clients.key_sets import find_client_keys
from authn.clients.redirect_uris import InvalidRedirectUri, check_redirect_uri
from authn.clients.resource_servers.permissions import IDENTITY_KINDS, SYSTEM, kinds_of_scope
from authn.clients.resource_servers.resources import (
    Resource,
    find_resource,
    list_resources_of_client,
)
from authn.clock import system_clock
from authn.consents.registrable import available_auth_methods
from authn.consents.scopes import SCOPES
from authn.errors import Unavailable
from authn.foreign_jwt import KEY_ENCRYPTIONS_TO_OTHERS, ExchangeKey
from authn.jose import RS256
from authn.policies import find_policy
from authn.web.documents import remembered_document
from authn.web.outgoing import NoAnswer
from authn.web.pictures import picture_media_type
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

ENCRYPTED = ("id_token", "userinfo", "introspection", "authorization")
MOST_TRIES = 5  # of a host that is busy

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ClientFinding:
    """A fault of a client, or with `fails` False a remark."""

    sentence: str
    fails: bool = True


@dataclass(frozen=True, slots=True)
class ClientCheckInput:
    """A client, with what the checks need to know of its resource servers.

    `scopes` are ours and those of the `resources` that the client may ask for; for `own_resources`
    the client introspects tokens; `missing_resources` do not exist.
    """

    client: Client
    site: Site
    missing_resources: tuple[str, ...]
    scopes: frozenset[str]
    resources: tuple[Resource, ...]
    own_resources: tuple[Resource, ...]


def read_check_input(site: Site, connection: Connection, client: Client) -> ClientCheckInput:
    """The input of `list_findings`, read from the database: that asks other services, so runs in
    no transaction."""
    found = {name: find_resource(connection, name) for name in client.resources}
    own = tuple(list_resources_of_client(connection, client.client_id))
    missing = tuple(name for name, resource in found.items() if resource is None)
    scopes = {scope for resource in found.values() if resource for scope in resource.scopes}
    there = tuple(resource for resource in found.values() if resource)
    return ClientCheckInput(client, site, missing, frozenset(scopes) | SCOPES.keys(), there, own)


def list_findings(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """What the checks find, in the order of `CHECKS`."""
    for check in CHECKS:
        yield from check(checked)


def _check_rules(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Values that the rules of registration refuse today."""
    client = checked.client
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        try:
            check_redirect_uri(uri, client.application_type)
        except InvalidRedirectUri as refusal:
            yield ClientFinding(f"{uri}: {refusal.description}")
        if uri.startswith("http://localhost"):
            yield ClientFinding(f"{uri} is reached on the person's own machine alone.", fails=False)
    yield from map(ClientFinding, find_client_faults(client))


def _check_references(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Scopes, resources, grant types, methods and policies that do not exist here."""
    client, settings = checked.client, checked.site.settings
    for scope in client.scope.split():
        if scope not in checked.scopes:
            yield ClientFinding(f"There is no scope {scope}, at none of its resources.")
        elif not client.may_ask(scope):
            yield ClientFinding(f"It is not permitted to ask for the scope {scope}.")
    for resource in checked.missing_resources:
        yield ClientFinding(f"There is no resource {resource}.")
    for grant_type in client.metadata.grant_types:
        if grant_type not in GRANT_TYPES:
            yield ClientFinding(f"There is no grant type {grant_type}.")
    if client.token_endpoint_auth_method not in available_auth_methods(settings):
        method = client.token_endpoint_auth_method
        yield ClientFinding(
            f"{method} does not work here: clients' certificates are not configured."
        )
    if client.policy and find_policy(settings.policies, client.policy) is None:
        yield ClientFinding(f"There is no policy {client.policy}: nobody could sign in.")


def _check_algorithms(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Settings that work, and could be stronger."""
    client = checked.client
    if client.id_token_signed_response_alg == RS256 and not client.fapi:
        yield ClientFinding("Its ID tokens are signed with RS256: ES256 is shorter.", fails=False)
    if client.token_endpoint_auth_method in SECRET_METHODS:
        yield ClientFinding("It has a secret, that we and it know: a key is safer.", fails=False)
    if not client.pkce_required:
        yield ClientFinding("It need not use PKCE: --pkce has it do so.", fails=False)
    if client.public and not client.sender_constrained:
        yield ClientFinding(
            "Its tokens are worth something to a thief: DPoP binds them.", fails=False
        )


def _check_capacities(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Scopes that nobody may obtain in the client's kinds of profile, and kinds without a scope."""
    client, kinds = checked.client, checked.client.allowed_profile_kinds
    useless = set(client.profile_kinds)
    for resource in checked.resources:
        for scope in filter(resource.scopes.get, client.scope.split()):
            may = kinds_of_scope(resource.scopes[scope]) or IDENTITY_KINDS
            useless -= {*may}
            system = SYSTEM in may and client.check_grant_type(CLIENT_CREDENTIALS)
            if not system and kinds.isdisjoint(may):
                asked = "can't do without" if scope in client.scope_reasons else "asks for"
                yield ClientFinding(
                    f"Nobody may obtain {scope}, which it {asked}, in a capacity in which it is "
                    f"used: it is for {', '.join(may)}.",
                    fails=scope in client.scope_reasons,
                )
    if checked.resources:
        for kind in sorted(useless):
            yield ClientFinding(f"No scope that it may ask is for {kind}.", fails=False)


def _check_token_encryption(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Whether there is a key to encrypt access tokens for the client's own resources to."""
    encrypted = [each.resource for each in checked.own_resources if each.encrypt_tokens]
    if not encrypted:
        return
    try:
        keys = retry_after_fetching(
            lambda: find_client_keys(checked.site, checked.client, system_clock())
        )
    except NoAnswer:
        return  # `_check_keys` says so
    if not _any_may(keys, "enc", KEY_ENCRYPTIONS_TO_OTHERS):
        yield ClientFinding(
            f"There is no key to encrypt access tokens to, for {' '.join(encrypted)}."
        )


def _check_keys(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Whether the client's keys can be fetched and fit its metadata."""
    client, metadata = checked.client, checked.client.metadata
    if metadata.jwks is None and not metadata.jwks_uri:
        return
    try:
        keys = retry_after_fetching(lambda: find_client_keys(checked.site, client, system_clock()))
    except NoAnswer as failure:
        yield ClientFinding(f"{metadata.jwks_uri} gives no keys: {failure}.")
        return
    if not keys:
        yield ClientFinding("There is no key in its key set that we can use.")
    if client.token_endpoint_auth_method == PRIVATE_KEY_JWT:
        usual = FAPI_ASSERTION_ALGORITHMS if client.fapi else ASSERTION_ALGORITHMS
        said = metadata.token_endpoint_auth_signing_alg
        if not _any_may(keys, "sig", (said,) if said else usual):
            yield ClientFinding("None of its keys can sign what it authenticates with.")
    if metadata.require_signed_request_object and not _any_may(keys, "sig", ASSERTION_ALGORITHMS):
        yield ClientFinding("None of its keys can sign a request object.")
    for answer in ENCRYPTED:
        alg = getattr(metadata, f"{answer}_encrypted_response_alg")
        if alg and not _any_may(keys, "enc", (alg,)):
            yield ClientFinding(f"None of its keys can be encrypted to by {alg}, for {answer}.")


def _any_may(keys: tuple[ExchangeKey, ...], use: str, algorithms: tuple[str, ...]) -> bool:
    return any(key.may(use, alg) for key in keys for alg in algorithms)


def _check_addresses(checked: ClientCheckInput) -> Iterator[ClientFinding]:
    """Whether the addresses answer that this service calls (not the pages for people)."""
    client, metadata, site = checked.client, checked.client.metadata, checked.site
    if metadata.sector_identifier_uri:
        uri = metadata.sector_identifier_uri
        try:
            document = retry_after_fetching(lambda: remembered_document(site, uri, system_clock()))
            check_sector_document(document, client.redirect_uris)
        except NoAnswer as failure:
            yield ClientFinding(f"{uri} does not answer: {failure}.")
        except InvalidClientMetadata as refusal:
            yield ClientFinding(f"{uri}: {refusal.description}")
    for uri in dict.fromkeys(metadata.logo_uris.values()):
        yield from _check_logo(site, uri)
    if metadata.backchannel_logout_uri:
        why = _unreachable(site, metadata.backchannel_logout_uri)
        if why:
            yield ClientFinding(f"{metadata.backchannel_logout_uri} cannot be reached: {why}.")


def _check_logo(site: Site, uri: str) -> Iterator[ClientFinding]:
    try:
        picture = retry_after_fetching(lambda: remembered_document(site, uri, system_clock()))
    except NoAnswer as failure:
        yield ClientFinding(f"{uri} gives no logo: {failure}; people see a letter.", fails=False)
        return
    if picture_media_type(picture) is None:
        yield ClientFinding(f"{uri} is no PNG, JPEG or WebP: people see a letter.", fails=False)


def _unreachable(site: Site, uri: str) -> str:
    """Why nothing answers a GET of the address; "" for any answer."""
    hosts = site.settings.private_hosts
    try:
        with site.outgoing.documents(private_hosts=hosts, largest=64 * 1024) as transport:
            transport.handle_request(httpx2.Request("GET", uri))
    except NoAnswer as failure:
        return str(failure)
    return ""


def retry_after_fetching(ask: Callable[[], Result]) -> Result:
    """The value of `ask`, after fetching each document that it needs from another host.

    Raises `NoAnswer`.
    """
    for _ in range(MOST_TRIES):
        try:
            return ask()
        except NeededFromOutside as needed:
            try:
                needed.fetch()
            except Unavailable:
                time.sleep(0.2)
    raise NoAnswer("the host is busy")


CHECKS: tuple[Callable[[ClientCheckInput], Iterator[ClientFinding]], ...] = (
    _check_rules,
    _check_references,
    _check_capacities,
    _check_keys,
    _check_token_encryption,
    _check_addresses,
    _check_algorithms,
)
