"""From what the command line was told to the values of a client, all of them checked."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from authn.cli.client_options import check_scopes, scopes_of_resources, sentence_of
from authn.cli.ground import Ground
from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_metadata_document import read_client_metadata
from authn.clients.clients import Client, find_client
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.consents.scopes import SSIN
from authn.errors import CommandError
from authn.oidc.offer import offer_to_operator

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
