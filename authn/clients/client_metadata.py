"""The optional metadata that a client says of itself, by the names of its specifications.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), OpenID Connect Dynamic Client
Registration 1.0 §2 (https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata),
RFC 8705, RFC 9101, RFC 9126, RFC 9396, RFC 9449, RFC 9701, JARM, OpenID Connect Back- and
Front-Channel Logout. No permission is among them: those are columns of `clients`, which the
operator decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import orjson

from authn.errors import InvalidRequest

# A value in several languages (Registration §2.1), by BCP 47 tag; "" for one without a tag.
Localized = Mapping[str, str]


class InvalidClientMetadata(InvalidRequest):
    """Metadata of a client is not accepted (RFC 7591 §3.2.2); `member` is at fault, if known."""

    def __init__(self, description: str, member: str = "") -> None:
        super().__init__("invalid_client_metadata", description)
        self.member = member


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """The optional members of a registration; each default means that a member was left out.

    Lists are tuples. `jwks` is the JWK Set by value, as it was sent.
    """

    grant_types: tuple[str, ...] = ("authorization_code",)
    # What people are shown.
    client_names: Localized = field(default_factory=dict)
    client_uris: Localized = field(default_factory=dict)
    logo_uris: Localized = field(default_factory=dict)
    policy_uris: Localized = field(default_factory=dict)
    tos_uris: Localized = field(default_factory=dict)
    contacts: tuple[str, ...] = ()
    software_id: str = ""
    software_version: str = ""
    initiate_login_uri: str = ""
    # Its keys, and how it authenticates with them.
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str = ""
    token_endpoint_auth_signing_alg: str = ""
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_auth_san_ip: str = ""
    tls_client_auth_san_email: str = ""
    # What its tokens are bound to.
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    # Its authorization requests, and the answers to them.
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: str = ""
    request_object_encryption_alg: str = ""
    request_object_encryption_enc: str = ""
    request_uris: tuple[str, ...] = ()
    authorization_signed_response_alg: str = ""
    authorization_encrypted_response_alg: str = ""
    authorization_encrypted_response_enc: str = ""
    response_modes: tuple[str, ...] = ()  # FAPI 2.0 Message Signing §5.3.3; () for any
    authorization_details_types: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    # What it is given.
    id_token_encrypted_response_alg: str = ""
    id_token_encrypted_response_enc: str = ""
    userinfo_signed_response_alg: str = ""
    userinfo_encrypted_response_alg: str = ""
    userinfo_encrypted_response_enc: str = ""
    introspection_signed_response_alg: str = ""
    introspection_encrypted_response_alg: str = ""
    introspection_encrypted_response_enc: str = ""
    sector_identifier_uri: str = ""
    # How the end of a session is told to the client.
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False

    @property
    def binds_tokens(self) -> bool:
        """Whether access tokens are bound to a key or a certificate of the client."""
        return self.dpop_bound_access_tokens or self.tls_client_certificate_bound_access_tokens

    def pack(self) -> str:
        """The JSON text that is stored, without members that have their default."""
        members = {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) != getattr(DEFAULT_METADATA, each.name)
        }
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS).decode()


DEFAULT_METADATA = ClientMetadata()


@lru_cache(maxsize=4096)
def unpack_client_metadata(text: str) -> ClientMetadata:
    """The metadata in a text of `pack`; remembered by the text, so never out of date."""
    known = ClientMetadata.__dataclass_fields__
    values = {name: value for name, value in orjson.loads(text).items() if name in known}
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return ClientMetadata(**{**values, **lists})


def value_in_language(values: Localized, language: str) -> str:
    """The value for a reader of a language, else the value without a tag; "" where neither is.

    RFC 4647 §3.4, as far as the four languages of our pages need it: `nl` finds `nl`, then `nl-BE`.
    """
    by_tag = {tag.lower(): value for tag, value in values.items()}
    regional = (value for tag, value in by_tag.items() if tag.startswith(f"{language}-"))
    return by_tag.get(language) or next(regional, by_tag.get("", ""))
