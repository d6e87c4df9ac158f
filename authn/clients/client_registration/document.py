"""The JSON document in which a client describes itself: read, checked, and written.

RFC 7591 §3.1 and §3.2.1 (https://www.rfc-editor.org/rfc/rfc7591#section-3.1), OpenID Connect
Dynamic Client Registration 1.0 §3 (https://openid.net/specs/openid-connect-registration-1_0.html).
The registration endpoint, the command line and the desk all read such documents here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from authn.clients.client_metadata import DEFAULT_METADATA, ClientMetadata, InvalidClientMetadata
from authn.clients.client_registration.members import (
    LOCALIZED_MEMBERS,
    OPTIONAL_MEMBERS,
    PAIRWISE,
    RegistrableValues,
    read_members,
)
from authn.clients.clients import AUTHORIZATION_CODE, BASIC, Client
from authn.errors import N_
from authn.jose import RS256, Algorithm

CODE = "code"


@dataclass(frozen=True, slots=True)
class ClientDocument:
    """A checked document of a client: the fields of `Client` that a client decides itself.

    `client_name` is "" where the document has none.
    """

    client_name: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    token_endpoint_auth_method: str
    application_type: str
    scope: str
    id_token_signed_response_alg: Algorithm
    sector_identifier: str
    metadata: ClientMetadata

    def client_fields(self, client_id: str) -> dict[str, Any]:
        """The fields by name; a client without a name is called by its host, else by its id."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "client_name": self.client_name or self._host() or client_id}

    def _host(self) -> str | None:
        try:
            return urlsplit(self.redirect_uris[0]).hostname if self.redirect_uris else None
        except ValueError:
            return None  # not a valid redirect URI either: `new_client` refuses


def read_client_metadata(document: Mapping[str, Any], allowed: RegistrableValues) -> ClientDocument:
    """The checked document, with the defaults of the specifications for missing members.

    Raises `InvalidClientMetadata`. `new_client` and `changed_client` check the rest.
    """
    values = read_members(document, allowed)
    names = dict(values.pop("client_names", {}))
    optional = {name: value for name, value in values.items() if name in _FIELDS}
    sector_identifier_uri = values.get("sector_identifier_uri", "")
    checked = ClientDocument(
        client_name=names.pop("", "") or next(iter(names.values()), ""),
        redirect_uris=values.get("redirect_uris", ()),
        post_logout_redirect_uris=values.get("post_logout_redirect_uris", ()),
        token_endpoint_auth_method=values.get("token_endpoint_auth_method", BASIC),
        application_type=values.get("application_type", "web"),
        scope=values.get("scope", " ".join(allowed.scopes)),
        id_token_signed_response_alg=cast(
            Algorithm, values.get("id_token_signed_response_alg", RS256)
        ),
        sector_identifier=urlsplit(sector_identifier_uri).hostname or "",  # Core §8.1
        metadata=ClientMetadata(**{**optional, "client_names": names}),
    )
    _check_response_types(checked, values.get("response_types"))
    return checked


_FIELDS = frozenset(OPTIONAL_MEMBERS) | {field for field, _ in LOCALIZED_MEMBERS.values()}


def _check_response_types(checked: ClientDocument, response_types: tuple[str, ...] | None) -> None:
    """RFC 7591 §2.1: `code` goes with the grant type `authorization_code`, and nothing else."""
    if response_types is None:
        return
    asks = AUTHORIZATION_CODE in checked.metadata.grant_types
    if response_types != ((CODE,) if asks else ()):
        raise InvalidClientMetadata(
            N_("The only response type is code, and its grant type is authorization_code."),
            "response_types",
        )


def write_client_metadata(client: Client) -> dict[str, Any]:
    """The document of a client: all that is registered and the client decides (RFC 7591 §3.2.1)."""
    metadata = client.metadata
    document: dict[str, Any] = {
        "client_name": client.client_name,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "application_type": client.application_type,
        "scope": client.scope,
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "grant_types": metadata.grant_types,
        "response_types": [CODE] if client.check_grant_type(AUTHORIZATION_CODE) else [],
        "subject_type": PAIRWISE,
    }
    for name in OPTIONAL_MEMBERS:
        if getattr(metadata, name) != getattr(DEFAULT_METADATA, name):
            document[name] = getattr(metadata, name)
    for name, (field, _) in LOCALIZED_MEMBERS.items():
        for tag, value in getattr(metadata, field).items():
            document[f"{name}#{tag}" if tag else name] = value
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in document.items()
    }


def check_sector_document(document: bytes, redirect_uris: tuple[str, ...]) -> None:
    """Check that the document at `sector_identifier_uri` names each redirect URI (Registration §5).

    Raises `InvalidClientMetadata`.
    """
    try:
        named = orjson.loads(document)
    except ValueError:
        named = None
    known = {each for each in named if isinstance(each, str)} if isinstance(named, list) else set()
    if not set(redirect_uris) <= known:
        raise InvalidClientMetadata(
            N_("What is at this address is no list that holds every redirect URI."),
            "sector_identifier_uri",
        )
