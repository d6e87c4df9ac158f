"""The rules that a client keeps, whoever registers the client.

RFC 7591 §2 and §5, OpenID Connect Dynamic Client Registration 1.0 §2, RFC 8705 §2, and for
`profile: fapi2` the FAPI 2.0 Security Profile §5.3 and §5.4
(https://openid.net/specs/fapi-security-profile-2_0-final.html). Which values
each member may have is in `members`.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from stdnum.be import vat

from authn.clients.clients import (
    AUTH_METHODS,
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    CLIENT_ID,
    DEVICE_CODE,
    PRIVATE_KEY_JWT,
    REFRESH_TOKEN,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
    Client,
)
from authn.clients.resource_servers.permissions import PROFILE_KINDS
from authn.errors import N_
from authn.jose import ALGORITHMS, RS256
from authn.web.languages import LANGUAGES, SOURCE_LANGUAGE

APPLICATION_TYPES = ("web", "native")
LONGEST_NAME = 200
LONGEST_SECTOR = 255
LONGEST_REASON = 200
SYSTEM_PREFIX = "cbe-"
KEY_METHODS = (PRIVATE_KEY_JWT, TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH)

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_CBE_NUMBER = re.compile(r"[01][0-9]{9}")  # vat's check digits are the same
_TLS_NAMES = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
_ENCRYPTED = ("id_token", "userinfo", "introspection", "authorization")

ClientRule = Callable[[Client], bool]


def has_an_id(client: Client) -> bool:
    return CLIENT_ID.fullmatch(client.client_id) is not None


def has_a_name(client: Client) -> bool:
    return 0 < len(client.client_name) <= LONGEST_NAME and client.client_name.isprintable()


def has_a_scope(client: Client) -> bool:
    return client.scope != "" and all(map(_SCOPE_TOKEN.fullmatch, client.scope.split()))


def has_a_redirect_uri(client: Client) -> bool:
    return client.redirect_uris != () or not client.check_grant_type(AUTHORIZATION_CODE)


def has_grant_type_to_refresh(client: Client) -> bool:
    return not client.check_grant_type(REFRESH_TOKEN) or any(
        client.check_grant_type(each) for each in (AUTHORIZATION_CODE, DEVICE_CODE)
    )


def has_no_public_client_credentials(client: Client) -> bool:
    """RFC 6749 §4.4: a public client has no tokens of its own."""
    return not (client.public and client.check_grant_type(CLIENT_CREDENTIALS))


def has_id_of_its_organisation(client: Client) -> bool:
    """A client id `cbe-…` ends with the CBE number of the organisation of the client."""
    organisation = client.organisation
    if organisation and not (_CBE_NUMBER.fullmatch(organisation) and vat.is_valid(organisation)):
        return False
    named = organisation != "" and client.client_id == f"{SYSTEM_PREFIX}{organisation}"
    return named or not _is_system(client)


def has_tokens_of_an_organisation(client: Client) -> bool:
    """Tokens that no person allowed belong to an organisation (decisions 1.2).

    A client that only manages its own grants needs no organisation.
    """
    for_itself = client.manages_grants and client.resources == ()
    return (
        not client.check_grant_type(CLIENT_CREDENTIALS) or client.organisation != "" or for_itself
    )


def system_has_a_key(client: Client) -> bool:
    return not _is_system(client) or client.token_endpoint_auth_method in KEY_METHODS


def _is_system(client: Client) -> bool:
    return client.client_id.startswith(SYSTEM_PREFIX)


def has_keys_in_one_way(client: Client) -> bool:
    """RFC 7591 §2: `jwks` and `jwks_uri` exclude one another."""
    return client.metadata.jwks is None or not client.metadata.jwks_uri


def _has_keys(client: Client) -> bool:
    return client.metadata.jwks is not None or client.metadata.jwks_uri != ""


def has_needed_keys(client: Client) -> bool:
    metadata = client.metadata
    needed = (
        client.token_endpoint_auth_method in (PRIVATE_KEY_JWT, SELF_SIGNED_TLS_CLIENT_AUTH)
        or metadata.require_signed_request_object
        or any(getattr(metadata, f"{each}_encrypted_response_alg") for each in _ENCRYPTED)
    )
    return not needed or _has_keys(client)


def has_one_certificate_name(client: Client) -> bool:
    """A client with `tls_client_auth` names one value of its certificate (RFC 8705 §2.1.2)."""
    names = [bool(getattr(client.metadata, f"tls_client_auth_{name}")) for name in _TLS_NAMES]
    return client.token_endpoint_auth_method != TLS_CLIENT_AUTH or sum(names) == 1


def has_alg_for_each_enc(client: Client) -> bool:
    """Registration §2: an `enc` needs its `alg`."""
    pairs = [f"{each}_encrypted_response" for each in _ENCRYPTED]
    return all(
        getattr(client.metadata, f"{pair}_alg") or not getattr(client.metadata, f"{pair}_enc")
        for pair in [*pairs, "request_object_encryption"]
    )


def has_frontchannel_logout_at_its_origin(client: Client) -> bool:
    """Front-Channel Logout §2: the URI has the origin of a redirect URI of the client."""
    uri = client.metadata.frontchannel_logout_uri
    return not uri or _origin(uri) in {_origin(each) for each in client.redirect_uris}


def _origin(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.scheme, parts.netloc


def fapi_authenticates_with_key(client: Client) -> bool:
    return not client.fapi or client.token_endpoint_auth_method in KEY_METHODS


def fapi_binds_its_tokens(client: Client) -> bool:
    return not client.fapi or client.sender_constrained


def fapi_has_strong_signatures(client: Client) -> bool:
    """FAPI 2.0 §5.4.1: PS256, ES256 or EdDSA."""
    metadata = client.metadata
    algorithms = (
        client.id_token_signed_response_alg,
        metadata.token_endpoint_auth_signing_alg,
        metadata.request_object_signing_alg,
        metadata.authorization_signed_response_alg,
        metadata.userinfo_signed_response_alg,
        metadata.introspection_signed_response_alg,
    )
    return not client.fapi or RS256 not in algorithms


def fapi_fetches_no_request(client: Client) -> bool:
    """A FAPI client pushes its requests (decisions 4.3)."""
    return not client.fapi or client.metadata.request_uris == ()


def fapi_has_tls_redirect_uris(client: Client) -> bool:
    """FAPI 2.0 §5.3.2.2: https, or the loopback addresses of a native application."""
    return not client.fapi or not any(
        uri.startswith("http:") and client.application_type != "native"
        for uri in client.redirect_uris
    )


def has_known_profile_kinds(client: Client) -> bool:
    return {*client.profile_kinds, *client.required_profile_kinds} <= {*PROFILE_KINDS}


def has_required_kinds_among_allowed(client: Client) -> bool:
    return {*client.required_profile_kinds} <= {"citizen", *client.profile_kinds}


def has_default_kind_among_allowed(client: Client) -> bool:
    kind = client.default_profile_kind
    return not kind or kind in client.allowed_profile_kinds


def has_reasons_for_its_scopes(client: Client) -> bool:
    """Each reason is in English, and in no language that the pages don't have."""
    return client.scope_reasons.keys() <= {*client.scope.split()} and all(
        SOURCE_LANGUAGE in reason
        and reason.keys() <= LANGUAGES.keys()
        and all(0 < len(each) <= LONGEST_REASON and each.isprintable() for each in reason.values())
        for reason in client.scope_reasons.values()
    )


# All rules, with the sentence for a client that does not keep one.
RULES: tuple[tuple[ClientRule, str], ...] = (
    (
        has_an_id,
        N_("A client id has at most 100 letters, digits, dots, dashes and underscores."),
    ),
    (has_a_name, N_("A client has a name of at most 200 characters.")),
    (
        lambda client: client.token_endpoint_auth_method in AUTH_METHODS,
        N_("This way to authenticate is not supported."),
    ),
    (
        lambda client: client.id_token_signed_response_alg in ALGORITHMS,
        N_("This algorithm is not supported."),
    ),
    (
        lambda client: client.application_type in APPLICATION_TYPES,
        N_("An application is web or native."),
    ),
    (has_a_scope, N_("A client has at least one scope, of ASCII characters.")),
    (
        # A resource server has none: all that it does is ask about tokens.
        lambda client: client.metadata.grant_types != () or not client.public,
        N_("A public client has at least one grant type."),
    ),
    (
        has_grant_type_to_refresh,
        N_("Refresh tokens need a grant type by which people are asked."),
    ),
    (has_a_redirect_uri, N_("A client has at least one redirect URI.")),
    (has_no_public_client_credentials, N_("A public client has no client credentials.")),
    (
        has_id_of_its_organisation,
        N_("A client id that begins with cbe- goes on with the CBE number of its organisation."),
    ),
    (
        has_tokens_of_an_organisation,
        N_("A client with client_credentials has the CBE number of an organisation."),
    ),
    (system_has_a_key, N_("A system authenticates with a key: private_key_jwt or a certificate.")),
    (has_keys_in_one_way, N_("A client has jwks or jwks_uri, not both.")),
    (has_needed_keys, N_("This client needs keys: jwks or jwks_uri.")),
    (
        has_one_certificate_name,
        N_("With tls_client_auth a client names exactly one value of its certificate."),
    ),
    (has_alg_for_each_enc, N_("An encryption enc needs its alg.")),
    (
        has_frontchannel_logout_at_its_origin,
        N_("The frontchannel_logout_uri has the origin of a redirect URI."),
    ),
    (
        fapi_authenticates_with_key,
        N_("A FAPI client authenticates with a key: private_key_jwt or a certificate."),
    ),
    (fapi_binds_its_tokens, N_("The tokens of a FAPI client are bound, by DPoP or by mTLS.")),
    (fapi_has_strong_signatures, N_("A FAPI client uses PS256, ES256 or EdDSA, never RS256.")),
    (fapi_fetches_no_request, N_("A FAPI client pushes its requests: it has no request_uris.")),
    (fapi_has_tls_redirect_uris, N_("The redirect URIs of a FAPI client are https.")),
    (
        lambda client: len(client.sector_identifier) <= LONGEST_SECTOR,
        N_("A sector identifier is a host name."),
    ),
    (
        has_known_profile_kinds,
        N_("A profile kind is citizen, quality, organisation, mandate, child or staff."),
    ),
    (
        has_required_kinds_among_allowed,
        N_("A profile kind that is required is one that is allowed."),
    ),
    (has_default_kind_among_allowed, N_("The default profile kind is one that is allowed.")),
    (
        has_reasons_for_its_scopes,
        N_(
            "What a client needs is a scope of its own, with a reason of at most 200 characters in "
            "English, and in Dutch, French and German."
        ),
    ),
)


def find_client_faults(client: Client) -> list[str]:
    """The sentences of the rules that the client does not keep."""
    return [sentence for holds, sentence in RULES if not holds(client)]
