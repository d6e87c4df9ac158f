"""Each thing that a client may say about itself, and what it may hold, whoever writes it down.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), OpenID Connect Dynamic Client
Registration 1.0 §2 (https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)
and the specifications that `client_metadata` names. What must hold between two members is in
`client_rules`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from authn.clients.certificate_names import NAMES as CERTIFICATE_NAMES
from authn.clients.certificate_names import can_be_in_a_certificate
from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.redirect_uris import is_document_uri
from authn.errors import N_
from authn.foreign_jwt import (
    CONTENT_ENCRYPTIONS,
    KEY_ENCRYPTIONS_TO_OTHERS,
    MOST_KEYS,
    SIGNATURES,
    read_key_set,
)
from authn.jose import ALGORITHMS, KEY_ENCRYPTIONS

LONGEST_NAME = 200
LONGEST_TEXT = 500
LONGEST_REQUEST_URI = 512  # Core §6.2
MOST_IN_A_LIST = 50
MOST_LANGUAGES = 30
MOST_SECONDS = 10**9
PAIRWISE = "pairwise"

TEXT = N_("This must be a short text.")
TEXTS = N_("This must be a list of short texts.")
FLAG = N_("This must be true or false.")
SECONDS = N_("This must be a number of seconds.")
NOT_SUPPORTED = N_("This value is not supported.")
ADDRESS = N_("This must be an https address without a fragment and without a user name.")
KEY_SET = N_("This must be a JWK Set with at least one public key that we can use.")
PRIVATE_KEY = N_("This holds a private or a shared key, which nobody should ever send.")
CERTIFICATE_NAME = N_("No certificate can have this name.")
LANGUAGES = N_("What follows the # must be the tag of a language, such as nl.")

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
# RFC 7518 §6.2.2, §6.3.2, §6.4.1
_NEVER_PUBLIC = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@dataclass(frozen=True, slots=True)
class MetadataOffer:
    """What a client may be registered with; `http_hosts` are those of test beds, without TLS."""

    scopes: Collection[str]
    grant_types: Collection[str]
    auth_methods: Collection[str]
    authorization_details_types: Collection[str]
    response_modes: Collection[str]
    http_hosts: Collection[str]


Read = Callable[[Any, MetadataOffer], Any]


class MisstatedMember(ValueError):
    """A member holds what it may not; `sentence` says what it is."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def text(longest: int = LONGEST_TEXT) -> Read:
    """A line of text, without what can't be seen."""

    def read(value: Any, offer: MetadataOffer) -> str:
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise MisstatedMember(TEXT)
        return value.strip()

    return read


def texts(value: Any, offer: MetadataOffer) -> tuple[str, ...]:
    """A list of lines, each once."""
    if not isinstance(value, list) or len(value) > MOST_IN_A_LIST:
        raise MisstatedMember(TEXTS)
    if not all(isinstance(each, str) and each and each.isprintable() for each in value):
        raise MisstatedMember(TEXTS)
    if any(len(each) > LONGEST_TEXT for each in value):
        raise MisstatedMember(TEXTS)
    return tuple(dict.fromkeys(value))


def redirect_uris(value: Any, offer: MetadataOffer) -> tuple[str, ...]:
    """A list of texts; whether they are redirect URIs depends on the kind of application."""
    if not isinstance(value, list) or len(value) > MOST_IN_A_LIST:
        raise MisstatedMember(TEXTS)
    if not all(isinstance(each, str) for each in value):
        raise MisstatedMember(TEXTS)
    return tuple(dict.fromkeys(value))


def flag(value: Any, offer: MetadataOffer) -> bool:
    if not isinstance(value, bool):
        raise MisstatedMember(FLAG)
    return value


def seconds(value: Any, offer: MetadataOffer) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_SECONDS:
        raise MisstatedMember(SECONDS)
    return value


def one_of(values: Collection[str]) -> Read:
    """One word of those that there are."""

    def read(value: Any, offer: MetadataOffer) -> str:
        if not isinstance(value, str) or value not in values:
            raise MisstatedMember(NOT_SUPPORTED)
        return value

    return read


def offered(name: str) -> Read:
    """One word of those that this service offers, by the name of that list."""
    return lambda value, offer: one_of(getattr(offer, name))(value, offer)


def some_offered(name: str) -> Read:
    """A list of words that this service offers."""

    def read(value: Any, offer: MetadataOffer) -> tuple[str, ...]:
        said = texts(value, offer)
        if not set(said) <= set(getattr(offer, name)):
            raise MisstatedMember(NOT_SUPPORTED)
        return said

    return read


def address(value: Any, offer: MetadataOffer) -> str:
    """The address of a document or an endpoint of theirs."""
    if not isinstance(value, str) or not is_document_uri(value, offer.http_hosts):
        raise MisstatedMember(ADDRESS)
    return value


def request_uris(value: Any, offer: MetadataOffer) -> tuple[str, ...]:
    """Core §6.2: the fragment is the hash of what is there, so that a change has a new address."""
    said = texts(value, offer)
    for uri in said:
        if len(uri) > LONGEST_REQUEST_URI:
            raise MisstatedMember(ADDRESS)
        address(uri.partition("#")[0], offer)
    return said


def key_set(value: Any, offer: MetadataOffer) -> Mapping[str, Any]:
    """A JWK Set by value (RFC 7517 §5), as it was sent."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise MisstatedMember(KEY_SET)
    if any(not isinstance(key, dict) for key in keys):
        raise MisstatedMember(KEY_SET)
    if any(_NEVER_PUBLIC & key.keys() for key in keys):
        raise MisstatedMember(PRIVATE_KEY)
    if not read_key_set(value):
        raise MisstatedMember(KEY_SET)
    return {"keys": keys}


def certificate_name(member: str) -> Read:
    """The name by which `tls_client_auth` knows a client."""

    def read(value: Any, offer: MetadataOffer) -> str:
        name: str = text()(value, offer)
        if not can_be_in_a_certificate(member, name):
            raise MisstatedMember(CERTIFICATE_NAME)
        return name

    return read


def scope(value: Any, offer: MetadataOffer) -> str:
    """Of the scopes that were said, those that there are for this client (RFC 7591 §3.2.1)."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise MisstatedMember(TEXT)
    return " ".join(each for each in dict.fromkeys(value.split()) if each in offer.scopes)


signature = one_of(SIGNATURES)  # theirs, which we verify
our_signature = one_of(ALGORITHMS)
key_encryption = one_of(KEY_ENCRYPTIONS_TO_OTHERS)
content_encryption = one_of(CONTENT_ENCRYPTIONS)

# Said once, or once in each language (Registration §2.1): by its name, the field that holds it.
IN_LANGUAGES: dict[str, tuple[str, Read]] = {
    "client_name": ("client_names", text(LONGEST_NAME)),
    "client_uri": ("client_uris", address),
    "logo_uri": ("logo_uris", address),
    "policy_uri": ("policy_uris", address),
    "tos_uri": ("tos_uris", address),
}
# What every client has: columns of `clients`, or what follows from them.
OF_EVERY_CLIENT: dict[str, Read] = {
    "redirect_uris": redirect_uris,
    "post_logout_redirect_uris": redirect_uris,
    "token_endpoint_auth_method": offered("auth_methods"),
    "application_type": one_of(("web", "native")),
    "scope": scope,
    "id_token_signed_response_alg": our_signature,
    "response_types": texts,
    "subject_type": one_of((PAIRWISE,)),
}
# The fields of `ClientMetadata`.
OPTIONAL: dict[str, Read] = {
    "grant_types": some_offered("grant_types"),
    "contacts": texts,
    "software_id": text(),
    "software_version": text(),
    "initiate_login_uri": address,
    "jwks": key_set,
    "jwks_uri": address,
    "token_endpoint_auth_signing_alg": signature,
    **{member: certificate_name(member) for member in CERTIFICATE_NAMES},
    "dpop_bound_access_tokens": flag,
    "tls_client_certificate_bound_access_tokens": flag,
    "require_pushed_authorization_requests": flag,
    "require_signed_request_object": flag,
    "request_object_signing_alg": signature,
    "request_object_encryption_alg": one_of(KEY_ENCRYPTIONS),  # to us
    "request_object_encryption_enc": content_encryption,
    "request_uris": request_uris,
    "authorization_signed_response_alg": our_signature,
    "authorization_encrypted_response_alg": key_encryption,
    "authorization_encrypted_response_enc": content_encryption,
    "response_modes": some_offered("response_modes"),
    "authorization_details_types": some_offered("authorization_details_types"),
    "default_max_age": seconds,
    "require_auth_time": flag,
    "default_acr_values": texts,
    "id_token_encrypted_response_alg": key_encryption,
    "id_token_encrypted_response_enc": content_encryption,
    "userinfo_signed_response_alg": our_signature,
    "userinfo_encrypted_response_alg": key_encryption,
    "userinfo_encrypted_response_enc": content_encryption,
    "introspection_signed_response_alg": our_signature,
    "introspection_encrypted_response_alg": key_encryption,
    "introspection_encrypted_response_enc": content_encryption,
    "sector_identifier_uri": address,
    "backchannel_logout_uri": address,
    "backchannel_logout_session_required": flag,
    "frontchannel_logout_uri": address,
    "frontchannel_logout_session_required": flag,
}


def read_members(document: Mapping[str, Any], offer: MetadataOffer) -> dict[str, Any]:
    """What the document says, by the names of `IN_LANGUAGES`'s fields and of the other two tables.

    What is null or empty was not said (RFC 7592 §2.2), and what nobody knows is ignored
    (RFC 7591 §2). Raises `InvalidClientMetadata`.
    """
    values: dict[str, Any] = {}
    for name, value in document.items():
        try:
            _read_member(values, name, value, offer)
        except MisstatedMember as misstated:
            raise InvalidClientMetadata(misstated.sentence, name.partition("#")[0]) from None
    return values


def _read_member(values: dict[str, Any], name: str, value: Any, offer: MetadataOffer) -> None:
    said = value is not None and value != ""
    base, mark, tag = name.partition("#")
    if base in IN_LANGUAGES and said:
        field, read = IN_LANGUAGES[base]
        in_languages = values.setdefault(field, {})
        if (mark and not _LANGUAGE_TAG.fullmatch(tag)) or len(in_languages) >= MOST_LANGUAGES:
            raise MisstatedMember(LANGUAGES)
        in_languages[tag] = read(value, offer)
    elif name in OF_EVERY_CLIENT and said:
        values[name] = OF_EVERY_CLIENT[name](value, offer)
    elif name in OPTIONAL and said:
        values[name] = OPTIONAL[name](value, offer)
