"""`authn clients check`: what would fail for an application, before its people find out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

import httpx2
import typer

from authn.cli.ground import Ground, console, ground
from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_metadata_document import check_sector
from authn.clients.client_rules import faults
from authn.clients.clients import PRIVATE_KEY_JWT, SECRET_METHODS, Client, find_client
from authn.clients.key_sets import keys_of_client
from authn.clients.redirect_uris import InvalidRedirectUri, check_redirect_uri
from authn.clients.resources import find_resource
from authn.clock import system_clock
from authn.consents.scopes import SCOPES
from authn.errors import CommandError, Unavailable
from authn.foreign_jwt import ExchangeKey
from authn.jose import RS256
from authn.oidc.assertion import ASSERTION_ALGORITHMS
from authn.oidc.client_assertion import FAPI_ASSERTION_ALGORITHMS
from authn.oidc.client_logo import kind_of_picture
from authn.oidc.grant_types import GRANT_TYPES
from authn.oidc.offer import auth_methods
from authn.policies import find_policy
from authn.web.documents import remembered_document
from authn.web.outgoing import NoAnswer
from authn.web.pages import load_pages
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

ENCRYPTED = ("id_token", "userinfo", "introspection", "authorization")
PATIENCE = 5  # times that a busy host is asked again

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend; or, where nothing fails, to know."""

    sentence: str
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """The client, the service, and the scopes of the resources that the client has."""

    client: Client
    site: Site
    missing_resources: tuple[str, ...]
    scopes: frozenset[str]


def check(client_id: Annotated[str, typer.Argument(help="Its client_id.")]) -> None:
    """Say what would fail: redirects, keys, algorithms, addresses. Exit code 1 if any would."""
    with ground() as present:
        findings = list(findings_of(_checked(present, client_id)))
    for finding in findings:
        console.print(f"{'fails' if finding.fails else 'note':6} {finding.sentence}", markup=False)
    if any(finding.fails for finding in findings):
        raise typer.Exit(1)
    console.print("Nothing would fail.")


def _checked(present: Ground, client_id: str) -> Checked:
    with present.reading() as connection:
        client = find_client(connection, client_id)
        if client is None:
            raise CommandError(f"There is no client {client_id}.")
        found = {name: find_resource(connection, name) for name in client.resources}
    site = Site(
        settings=present.settings,
        secrets=present.secrets,
        database=present.database,
        clock=system_clock,
        pages=load_pages(present.settings.service_name),
    )
    missing = tuple(name for name, resource in found.items() if resource is None)
    scopes = {scope for resource in found.values() if resource for scope in resource.scopes}
    return Checked(client, site, missing, frozenset(scopes) | SCOPES.keys())


def findings_of(checked: Checked) -> Iterator[Finding]:
    """Everything that was found, what fails first in each part."""
    for part in PARTS:
        yield from part(checked)


def _rules(checked: Checked) -> Iterator[Finding]:
    """What could not be registered today."""
    client = checked.client
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        try:
            check_redirect_uri(uri, client.application_type)
        except InvalidRedirectUri as refusal:
            yield Finding(f"{uri}: {refusal.description}")
        if uri.startswith("http://localhost"):
            yield Finding(f"{uri} is reached on the person's own machine alone.", fails=False)
    yield from map(Finding, faults(client))


def _what_there_is(checked: Checked) -> Iterator[Finding]:
    """What it is registered with, and this service does not have."""
    client, settings = checked.client, checked.site.settings
    for scope in client.scope.split():
        if scope not in checked.scopes:
            yield Finding(f"There is no scope {scope}, at none of its resources.")
        elif not client.may_ask(scope):
            yield Finding(f"It is not permitted to ask for the scope {scope}.")
    for resource in checked.missing_resources:
        yield Finding(f"There is no resource {resource}.")
    for grant_type in client.metadata.grant_types:
        if grant_type not in GRANT_TYPES:
            yield Finding(f"There is no grant type {grant_type}.")
    if client.token_endpoint_auth_method not in auth_methods(settings):
        method = client.token_endpoint_auth_method
        yield Finding(f"{method} does not work here: clients' certificates are not configured.")
    if client.policy and find_policy(settings.policies, client.policy) is None:
        yield Finding(f"There is no policy {client.policy}: nobody could sign in.")


def _algorithms(checked: Checked) -> Iterator[Finding]:
    """What works, and could be stronger."""
    client = checked.client
    if client.id_token_signed_response_alg == RS256 and not client.fapi:
        yield Finding("Its ID tokens are signed with RS256: ES256 is shorter.", fails=False)
    if client.token_endpoint_auth_method in SECRET_METHODS:
        yield Finding("It has a secret, that we and it know: a key is safer.", fails=False)
    if not client.pkce_required:
        yield Finding("It need not use PKCE: --pkce has it do so.", fails=False)
    if client.public and not client.sender_constrained:
        yield Finding("Its tokens are worth something to a thief: DPoP binds them.", fails=False)


def _keys(checked: Checked) -> Iterator[Finding]:
    """Whether its keys can be had, and fit what it is registered with."""
    client, metadata = checked.client, checked.client.metadata
    if metadata.jwks is None and not metadata.jwks_uri:
        return
    try:
        keys = from_outside(lambda: keys_of_client(checked.site, client, system_clock()))
    except NoAnswer as failure:
        yield Finding(f"{metadata.jwks_uri} gives no keys: {failure}.")
        return
    if not keys:
        yield Finding("There is no key in its key set that we can use.")
    if client.token_endpoint_auth_method == PRIVATE_KEY_JWT:
        usual = FAPI_ASSERTION_ALGORITHMS if client.fapi else ASSERTION_ALGORITHMS
        said = metadata.token_endpoint_auth_signing_alg
        if not _any_may(keys, "sig", (said,) if said else usual):
            yield Finding("None of its keys can sign what it authenticates with.")
    if metadata.require_signed_request_object and not _any_may(keys, "sig", ASSERTION_ALGORITHMS):
        yield Finding("None of its keys can sign a request object.")
    for answer in ENCRYPTED:
        alg = getattr(metadata, f"{answer}_encrypted_response_alg")
        if alg and not _any_may(keys, "enc", (alg,)):
            yield Finding(f"None of its keys can be encrypted to by {alg}, for {answer}.")


def _any_may(keys: tuple[ExchangeKey, ...], use: str, algorithms: tuple[str, ...]) -> bool:
    return any(key.may(use, alg) for key in keys for alg in algorithms)


def _addresses(checked: Checked) -> Iterator[Finding]:
    """Whether its addresses answer: those that we ask, and not its pages for people."""
    client, metadata, site = checked.client, checked.client.metadata, checked.site
    if metadata.sector_identifier_uri:
        uri = metadata.sector_identifier_uri
        try:
            document = from_outside(lambda: remembered_document(site, uri, system_clock()))
            check_sector(document, client.redirect_uris)
        except NoAnswer as failure:
            yield Finding(f"{uri} does not answer: {failure}.")
        except InvalidClientMetadata as refusal:
            yield Finding(f"{uri}: {refusal.description}")
    for uri in dict.fromkeys(metadata.logo_uris.values()):
        yield from _logo(site, uri)
    if metadata.backchannel_logout_uri:
        why = _unreachable(site, metadata.backchannel_logout_uri)
        if why:
            yield Finding(f"{metadata.backchannel_logout_uri} cannot be reached: {why}.")


def _logo(site: Site, uri: str) -> Iterator[Finding]:
    try:
        picture = from_outside(lambda: remembered_document(site, uri, system_clock()))
    except NoAnswer as failure:
        yield Finding(f"{uri} gives no logo: {failure}; people see a letter.", fails=False)
        return
    if kind_of_picture(picture) is None:
        yield Finding(f"{uri} is no PNG, JPEG or WebP: people see a letter.", fails=False)


def _unreachable(site: Site, uri: str) -> str:
    """Why nothing answers there; "" where something does, whatever it says to a GET."""
    hosts = site.settings.private_hosts
    try:
        with site.outgoing.documents(private_hosts=hosts, largest=64 * 1024) as transport:
            transport.handle_request(httpx2.Request("GET", uri))
    except NoAnswer as failure:
        return str(failure)
    return ""


def from_outside(ask: Callable[[], Result]) -> Result:
    """What the act gives, once all that it needs from elsewhere is at hand."""
    for _ in range(PATIENCE):
        try:
            return ask()
        except NeededFromOutside as needed:
            try:
                needed.fetch()
            except Unavailable:
                time.sleep(0.2)
    raise NoAnswer("the host is busy")


PARTS: tuple[Callable[[Checked], Iterator[Finding]], ...] = (
    _rules,
    _what_there_is,
    _keys,
    _addresses,
    _algorithms,
)
