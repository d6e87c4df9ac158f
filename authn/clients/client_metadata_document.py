"""What a client says about itself, as the JSON document of its specifications; both ways.

RFC 7591 §3.1 and §3.2.1 (https://www.rfc-editor.org/rfc/rfc7591#section-3.1), OpenID Connect
Dynamic Client Registration 1.0 §3 (https://openid.net/specs/openid-connect-registration-1_0.html).
The one check of it: of the registration endpoint, of the command line, of whoever comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from authn.clients.client_metadata import NOTHING_SAID, ClientMetadata, InvalidClientMetadata
from authn.clients.client_metadata_members import (
    IN_LANGUAGES,
    OPTIONAL,
    PAIRWISE,
    MetadataOffer,
    read_members,
)
from authn.clients.clients import AUTHORIZATION_CODE, BASIC, Client
from authn.errors import N_
from authn.jose import RS256, Algorithm

CODE = "code"


@dataclass(frozen=True, slots=True)
class DocumentMember:
    """What a client says about itself, checked: the fields of `Client` that are its own to say.

    `client_name` is "" where it has none.
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

    def named(self, client_id: str) -> dict[str, Any]:
        """The fields by name; who has none is called by the host that it lives on, else its id."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "client_name": self.client_name or self._host() or client_id}

    def _host(self) -> str | None:
        try:
            return urlsplit(self.redirect_uris[0]).hostname if self.redirect_uris else None
        except ValueError:
            return None  # no redirect URI either, as will be said


def read_client_metadata(document: Mapping[str, Any], offer: MetadataOffer) -> DocumentMember:
    """What the document says, with the defaults of the specifications for what it does not.

    Raises `InvalidClientMetadata`. `register_client` and `change_client` check what goes together.
    """
    values = read_members(document, offer)
    names = dict(values.pop("client_names", {}))
    optional = {name: value for name, value in values.items() if name in _FIELDS}
    sector_identifier_uri = values.get("sector_identifier_uri", "")
    said = DocumentMember(
        client_name=names.pop("", "") or next(iter(names.values()), ""),
        redirect_uris=values.get("redirect_uris", ()),
        post_logout_redirect_uris=values.get("post_logout_redirect_uris", ()),
        token_endpoint_auth_method=values.get("token_endpoint_auth_method", BASIC),
        application_type=values.get("application_type", "web"),
        scope=values.get("scope", " ".join(offer.scopes)),
        id_token_signed_response_alg=cast(
            Algorithm, values.get("id_token_signed_response_alg", RS256)
        ),
        sector_identifier=urlsplit(sector_identifier_uri).hostname or "",  # Core §8.1
        metadata=ClientMetadata(**{**optional, "client_names": names}),
    )
    _check_response_types(said, values.get("response_types"))
    return said


_FIELDS = frozenset(OPTIONAL) | {field for field, _ in IN_LANGUAGES.values()}


def _check_response_types(said: DocumentMember, response_types: tuple[str, ...] | None) -> None:
    """RFC 7591 §2.1: `code` goes with the grant type `authorization_code`, and nothing else."""
    if response_types is None:
        return
    asks = AUTHORIZATION_CODE in said.metadata.grant_types
    if response_types != ((CODE,) if asks else ()):
        raise InvalidClientMetadata(
            N_("The only response type is code, and its grant type is authorization_code."),
            "response_types",
        )


def write_client_metadata(client: Client) -> dict[str, Any]:
    """All that is registered of the client and is its own to say (RFC 7591 §3.2.1)."""
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
    for name in OPTIONAL:
        if getattr(metadata, name) != getattr(NOTHING_SAID, name):
            document[name] = getattr(metadata, name)
    for name, (field, _) in IN_LANGUAGES.items():
        for tag, value in getattr(metadata, field).items():
            document[f"{name}#{tag}" if tag else name] = value
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in document.items()
    }


def check_sector(document: bytes, redirect_uris: tuple[str, ...]) -> None:
    """What is at the `sector_identifier_uri` names each of the redirect URIs (Registration §5).

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
