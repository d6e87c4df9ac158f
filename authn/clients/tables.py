"""The table of relying applications; columns have the metadata's names in RFC 7591 §2."""

from sqlalchemy import JSON, Boolean, Column, String, Table, Text

from authn.db.metadata import Instant, metadata, token_hash_type
from authn.policies import LONGEST_NAME as LONGEST_POLICY_NAME

LONGEST_CLIENT_ID = 100

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
    Column("logo_uri", Text),
    # What the operator decides, and an application never says about itself:
    Column("require_pkce", Boolean, nullable=False),
    Column("may_read_ssin", Boolean, nullable=False),
    Column("first_party", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    # The name of the policy that its logins must keep, beside the service's own.
    Column("policy", String(LONGEST_POLICY_NAME)),
    # Whether its access tokens name the device, by a word that no other application's have.
    Column("may_read_device_id", Boolean, nullable=False),
)
