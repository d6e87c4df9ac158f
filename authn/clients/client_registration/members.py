"""The members of a client's document, and the values that each may have.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), OpenID Connect Dynamic Client
Registration 1.0 §2 (https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)
and the specifications that `client_metadata` names. What must hold between two members is in
`rules`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration.certificate_names import NAMES as CERTIFICATE_NAMES
from authn.clients.client_registration.certificate_names import can_be_in_a_certificate
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
class RegistrableValues:
    """The values with which a client may be registered; `http_hosts` are test beds without TLS."""

    scopes: Collection[str]
    grant_types: Collection[str]
    auth_methods: Collection[str]
    authorization_details_types: Collection[str]
    response_modes: Collection[str]
    http_hosts: Collection[str]


MemberReader = Callable[[Any, RegistrableValues], Any]


class InvalidMember(ValueError):
    """A member has a value that is not allowed; `sentence` says what is."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def text_reader(longest: int = LONGEST_TEXT) -> MemberReader:
    """A reader of one line of printable text."""

    def read(value: Any, allowed: RegistrableValues) -> str:
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise InvalidMember(TEXT)
        return value.strip()

    return read


def read_texts(value: Any, allowed: RegistrableValues) -> tuple[str, ...]:
    """A list of lines of text, without repetitions."""
    if not isinstance(value, list) or len(value) > MOST_IN_A_LIST:
        raise InvalidMember(TEXTS)
    if not all(isinstance(each, str) and each and each.isprintable() for each in value):
        raise InvalidMember(TEXTS)
    if any(len(each) > LONGEST_TEXT for each in value):
        raise InvalidMember(TEXTS)
    return tuple(dict.fromkeys(value))


def read_redirect_uris(value: Any, allowed: RegistrableValues) -> tuple[str, ...]:
    """A list of texts; `redirect_uris.check_redirect_uri` checks them by kind of application."""
    if not isinstance(value, list) or len(value) > MOST_IN_A_LIST:
        raise InvalidMember(TEXTS)
    if not all(isinstance(each, str) for each in value):
        raise InvalidMember(TEXTS)
    return tuple(dict.fromkeys(value))


def read_flag(value: Any, allowed: RegistrableValues) -> bool:
    if not isinstance(value, bool):
        raise InvalidMember(FLAG)
    return value


def read_seconds(value: Any, allowed: RegistrableValues) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_SECONDS:
        raise InvalidMember(SECONDS)
    return value


def choice_reader(values: Collection[str]) -> MemberReader:
    """A reader of one of these values."""

    def read(value: Any, allowed: RegistrableValues) -> str:
        if not isinstance(value, str) or value not in values:
            raise InvalidMember(NOT_SUPPORTED)
        return value

    return read


def registrable_choice_reader(name: str) -> MemberReader:
    """A reader of one of the values in a field of `RegistrableValues`."""
    return lambda value, allowed: choice_reader(getattr(allowed, name))(value, allowed)


def registrable_list_reader(name: str) -> MemberReader:
    """A reader of a list of values in a field of `RegistrableValues`."""

    def read(value: Any, allowed: RegistrableValues) -> tuple[str, ...]:
        values = read_texts(value, allowed)
        if not set(values) <= set(getattr(allowed, name)):
            raise InvalidMember(NOT_SUPPORTED)
        return values

    return read


def read_address(value: Any, allowed: RegistrableValues) -> str:
    """The address of a document or an endpoint of the client."""
    if not isinstance(value, str) or not is_document_uri(value, allowed.http_hosts):
        raise InvalidMember(ADDRESS)
    return value


def read_request_uris(value: Any, allowed: RegistrableValues) -> tuple[str, ...]:
    """The addresses of request objects; a fragment is the hash of the content (Core §6.2)."""
    uris = read_texts(value, allowed)
    for uri in uris:
        if len(uri) > LONGEST_REQUEST_URI:
            raise InvalidMember(ADDRESS)
        read_address(uri.partition("#")[0], allowed)
    return uris


def read_jwks(value: Any, allowed: RegistrableValues) -> Mapping[str, Any]:
    """A JWK Set by value (RFC 7517 §5), as sent."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise InvalidMember(KEY_SET)
    if any(not isinstance(key, dict) for key in keys):
        raise InvalidMember(KEY_SET)
    if any(_NEVER_PUBLIC & key.keys() for key in keys):
        raise InvalidMember(PRIVATE_KEY)
    if not read_key_set(value):
        raise InvalidMember(KEY_SET)
    return {"keys": keys}


def certificate_name_reader(member: str) -> MemberReader:
    """A reader of the certificate name by which `tls_client_auth` knows a client."""

    def read(value: Any, allowed: RegistrableValues) -> str:
        name: str = text_reader()(value, allowed)
        if not can_be_in_a_certificate(member, name):
            raise InvalidMember(CERTIFICATE_NAME)
        return name

    return read


def read_scope(value: Any, allowed: RegistrableValues) -> str:
    """The named scopes, without those that the client may not have (RFC 7591 §3.2.1)."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise InvalidMember(TEXT)
    return " ".join(each for each in dict.fromkeys(value.split()) if each in allowed.scopes)


read_client_signature_alg = choice_reader(SIGNATURES)  # of the client, verified by this service
read_own_signature_alg = choice_reader(ALGORITHMS)
read_key_encryption_alg = choice_reader(KEY_ENCRYPTIONS_TO_OTHERS)
read_content_encryption = choice_reader(CONTENT_ENCRYPTIONS)

# Members that may be given in several languages (Registration §2.1), with the field of each.
LOCALIZED_MEMBERS: dict[str, tuple[str, MemberReader]] = {
    "client_name": ("client_names", text_reader(LONGEST_NAME)),
    "client_uri": ("client_uris", read_address),
    "logo_uri": ("logo_uris", read_address),
    "policy_uri": ("policy_uris", read_address),
    "tos_uri": ("tos_uris", read_address),
}
# Members that every client has: columns of `clients`, or what follows from them.
COMMON_MEMBERS: dict[str, MemberReader] = {
    "redirect_uris": read_redirect_uris,
    "post_logout_redirect_uris": read_redirect_uris,
    "token_endpoint_auth_method": registrable_choice_reader("auth_methods"),
    "application_type": choice_reader(("web", "native")),
    "scope": read_scope,
    "id_token_signed_response_alg": read_own_signature_alg,
    "response_types": read_texts,
    "subject_type": choice_reader((PAIRWISE,)),
}
# The fields of `ClientMetadata`.
OPTIONAL_MEMBERS: dict[str, MemberReader] = {
    "grant_types": registrable_list_reader("grant_types"),
    "contacts": read_texts,
    "software_id": text_reader(),
    "software_version": text_reader(),
    "initiate_login_uri": read_address,
    "jwks": read_jwks,
    "jwks_uri": read_address,
    "token_endpoint_auth_signing_alg": read_client_signature_alg,
    **{member: certificate_name_reader(member) for member in CERTIFICATE_NAMES},
    "dpop_bound_access_tokens": read_flag,
    "tls_client_certificate_bound_access_tokens": read_flag,
    "require_pushed_authorization_requests": read_flag,
    "require_signed_request_object": read_flag,
    "request_object_signing_alg": read_client_signature_alg,
    "request_object_encryption_alg": choice_reader(KEY_ENCRYPTIONS),  # to us
    "request_object_encryption_enc": read_content_encryption,
    "request_uris": read_request_uris,
    "authorization_signed_response_alg": read_own_signature_alg,
    "authorization_encrypted_response_alg": read_key_encryption_alg,
    "authorization_encrypted_response_enc": read_content_encryption,
    "response_modes": registrable_list_reader("response_modes"),
    "authorization_details_types": registrable_list_reader("authorization_details_types"),
    "default_max_age": read_seconds,
    "require_auth_time": read_flag,
    "default_acr_values": read_texts,
    "id_token_encrypted_response_alg": read_key_encryption_alg,
    "id_token_encrypted_response_enc": read_content_encryption,
    "userinfo_signed_response_alg": read_own_signature_alg,
    "userinfo_encrypted_response_alg": read_key_encryption_alg,
    "userinfo_encrypted_response_enc": read_content_encryption,
    "introspection_signed_response_alg": read_own_signature_alg,
    "introspection_encrypted_response_alg": read_key_encryption_alg,
    "introspection_encrypted_response_enc": read_content_encryption,
    "sector_identifier_uri": read_address,
    "backchannel_logout_uri": read_address,
    "backchannel_logout_session_required": read_flag,
    "frontchannel_logout_uri": read_address,
    "frontchannel_logout_session_required": read_flag,
}


def read_members(document: Mapping[str, Any], allowed: RegistrableValues) -> dict[str, Any]:
    """The values of a document, by member; those in several languages by the field of each.

    A null or empty member counts as missing (RFC 7592 §2.2), an unknown one is ignored
    (RFC 7591 §2). Raises `InvalidClientMetadata`.
    """
    values: dict[str, Any] = {}
    for name, value in document.items():
        try:
            _read_member(values, name, value, allowed)
        except InvalidMember as invalid:
            raise InvalidClientMetadata(invalid.sentence, name.partition("#")[0]) from None
    return values


def _read_member(values: dict[str, Any], name: str, value: Any, allowed: RegistrableValues) -> None:
    given = value is not None and value != ""
    base, mark, tag = name.partition("#")
    if base in LOCALIZED_MEMBERS and given:
        field, read = LOCALIZED_MEMBERS[base]
        in_languages = values.setdefault(field, {})
        if (mark and not _LANGUAGE_TAG.fullmatch(tag)) or len(in_languages) >= MOST_LANGUAGES:
            raise InvalidMember(LANGUAGES)
        in_languages[tag] = read(value, allowed)
    elif name in COMMON_MEMBERS and given:
        values[name] = COMMON_MEMBERS[name](value, allowed)
    elif name in OPTIONAL_MEMBERS and given:
        values[name] = OPTIONAL_MEMBERS[name](value, allowed)
