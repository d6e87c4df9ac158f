"""The tables of relying applications, of resource servers, and of what is allowed between them.

Columns of `clients` have the metadata's names in RFC 7591 §2.
"""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.policies import LONGEST_NAME as LONGEST_POLICY_NAME

LONGEST_CLIENT_ID = 100
LONGEST_RESOURCE = 500

clients = Table(
    "clients",
    metadata,
    Column("client_id", String(LONGEST_CLIENT_ID), primary_key=True),
    Column("client_name", String(200), nullable=False),
    Column("client_secret_hash", token_hash_type()),
    Column("token_endpoint_auth_method", String(30), nullable=False),
    Column("application_type", String(10), nullable=False),
    Column("redirect_uris", JSON, nullable=False),
    Column("post_logout_redirect_uris", JSON, nullable=False),
    Column("scope", Text, nullable=False),
    Column("id_token_signed_response_alg", String(10), nullable=False),
    Column("sector_identifier", String(255), nullable=False),
    # The optional members of its registration, as JSON: `ClientMetadata`.
    Column("client_metadata", Text, nullable=False),
    # What the operator decides, and an application never says of itself:
    Column("require_pkce", Boolean, nullable=False),
    Column("may_read_ssin", Boolean, nullable=False),
    Column("first_party", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The name of the policy that its logins must keep, beside the service's own.
    Column("policy", String(LONGEST_POLICY_NAME)),
    # Whether its access tokens hold a `device_id`, which is another one for each application.
    Column("may_read_device_id", Boolean, nullable=False),
    # `fapi2`: everything that FAPI 2.0 asks (decisions 4.5); "" for none.
    Column("profile", String(10), nullable=False),
    # The organisation of a system: its CBE number, ten digits; "" for none.
    Column("organisation", String(10), nullable=False),
    # The resources (RFC 8707) that it may ask access tokens for.
    Column("resources", JSON, nullable=False),
    # How long its refresh tokens live without use, and at all, in seconds.
    Column("refresh_idle", Integer, nullable=False),
    Column("refresh_lifetime", Integer, nullable=False),
    # By which a client that registered itself reads and changes its registration (RFC 7592).
    Column("registration_access_token_hash", token_hash_type()),
    # When it stopped being a client: what it was given is no longer valid.
    Column("ended_at", UtcDateTime),
    # In which capacities people may use it beside that of citizen, in which they must, and which is
    # offered first (`profiles.profile.Kind`).
    Column("profile_kinds", JSON, nullable=False),
    Column("required_profile_kinds", JSON, nullable=False),
    Column("default_profile_kind", String(20), nullable=False),
    # What it can't do without, with the reason that people read: {scope: {language: sentence}}.
    Column("scope_reasons", JSON, nullable=False),
    # For counting those that registered themselves lately.
    Index(None, "created_at"),
)

# Resource servers (RFC 8707): whom access tokens can be for, beside our own userinfo.
resources = Table(
    "resources",
    metadata,
    # Its identifier, an absolute URI: what stands in `aud`.
    Column("resource", String(LONGEST_RESOURCE), primary_key=True),
    Column("resource_name", String(200), nullable=False),
    # As whom it authenticates at the introspection endpoint; none where it reads tokens itself.
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id")),
    # Its scopes, with what people read at consent and who may obtain them: `ResourceScope`.
    Column("scopes", JSON, nullable=False),
    # Within which a person is the same `sub` to resources.
    Column("sector_identifier", String(255), nullable=False),
    Column("may_read_ssin", Boolean, nullable=False),
    # It understands the federation's list `may_act` (decisions 4.10).
    Column("reads_may_act", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The least level of a login for it; "" for any.
    Column("level", String(9), nullable=False),
    # `jwt`, or `opaque`: readable at the introspection endpoint alone.
    Column("token_format", String(6), nullable=False),
    # Whether access tokens for it are encrypted to its key.
    Column("encrypt_tokens", Boolean, nullable=False),
    # Whether it may read who acts, and for whom: `userProfile`.
    Column("reads_profile", Boolean, nullable=False),
    Column("may_read_device_id", Boolean, nullable=False),
    # Where it is told that access was revoked; "" for nowhere.
    Column("revocation_hook", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Token exchange (RFC 8693): who may exchange whose token for which audience.
exchange_pairs = Table(
    "exchange_pairs",
    metadata,
    Column(
        "client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), primary_key=True
    ),
    # Whose token is presented: the client that it was issued to.
    Column(
        "subject_client_id",
        String(LONGEST_CLIENT_ID),
        ForeignKey("clients.client_id"),
        primary_key=True,
    ),
    Column(
        "resource",
        String(LONGEST_RESOURCE),
        ForeignKey("resources.resource"),
        primary_key=True,
    ),
    sqlite_with_rowid=False,
)

# Issuers whose assertions are taken as grants (RFC 7523 §2.1); none until the operator says so.
assertion_issuers = Table(
    "assertion_issuers",
    metadata,
    Column("issuer", String(LONGEST_RESOURCE), primary_key=True),
    # Its keys: a JWK Set by value, or the address of one.
    Column("jwks", JSON),
    Column("jwks_uri", Text),
    # The one client that may present its assertions, and the client whose `sub` they speak of.
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), nullable=False),
    Column(
        "subject_client_id",
        String(LONGEST_CLIENT_ID),
        ForeignKey("clients.client_id"),
        nullable=False,
    ),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# Initial access tokens (RFC 7591 §3): who may register a client where not everybody may.
initial_access_tokens = Table(
    "initial_access_tokens",
    metadata,
    Column("token_hash", token_hash_type(), primary_key=True),
    Column("label", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("uses_left", Integer, nullable=False),
    sqlite_with_rowid=False,
)
