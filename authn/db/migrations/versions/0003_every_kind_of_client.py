"""Every kind of client: what they say about themselves, resources, refresh tokens, key rotation."""

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)
CLIENT_ID = sa.String(length=100)
RESOURCE = sa.String(length=500)
HASH = sa.String(length=64)


def upgrade() -> None:
    _clients()
    _allowed_between_clients()
    _consents()
    _grants()
    _waiting_requests()
    _keys()
    _ends_that_are_told()


def _clients() -> None:
    op.drop_column("clients", "logo_uri")
    for column in (
        sa.Column("client_metadata", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("profile", sa.String(length=10), nullable=False, server_default=""),
        sa.Column("organisation", sa.String(length=10), nullable=False, server_default=""),
        sa.Column("resources", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("refresh_idle", sa.Integer(), nullable=False, server_default="2592000"),
        sa.Column("refresh_lifetime", sa.Integer(), nullable=False, server_default="31536000"),
        sa.Column("registration_access_token_hash", HASH, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
    ):
        op.add_column("clients", column)
    op.create_index(op.f("ix_clients_created_at"), "clients", ["created_at"])


def _allowed_between_clients() -> None:
    op.create_table(
        "resources",
        sa.Column("resource", RESOURCE, nullable=False),
        sa.Column("resource_name", sa.String(length=200), nullable=False),
        sa.Column("client_id", CLIENT_ID, nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("sector_identifier", sa.String(length=255), nullable=False),
        sa.Column("may_read_ssin", sa.Boolean(), nullable=False),
        sa.Column("reads_may_act", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _client_key("resources", "client_id"),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_resources")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "exchange_pairs",
        sa.Column("client_id", CLIENT_ID, nullable=False),
        sa.Column("subject_client_id", CLIENT_ID, nullable=False),
        sa.Column("resource", RESOURCE, nullable=False),
        _client_key("exchange_pairs", "client_id"),
        _client_key("exchange_pairs", "subject_client_id"),
        sa.ForeignKeyConstraint(
            ["resource"], ["resources.resource"], name=op.f("fk_exchange_pairs_resource")
        ),
        sa.PrimaryKeyConstraint(
            "client_id", "subject_client_id", "resource", name=op.f("pk_exchange_pairs")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "assertion_issuers",
        sa.Column("issuer", RESOURCE, nullable=False),
        sa.Column("jwks", sa.JSON(), nullable=True),
        sa.Column("jwks_uri", sa.Text(), nullable=True),
        sa.Column("client_id", CLIENT_ID, nullable=False),
        sa.Column("subject_client_id", CLIENT_ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _client_key("assertion_issuers", "client_id"),
        _client_key("assertion_issuers", "subject_client_id"),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_assertion_issuers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "initial_access_tokens",
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_initial_access_tokens")),
        sqlite_with_rowid=False,
    )


def _consents() -> None:
    # The name of a resource's scope has the resource in it.
    kept = {"sqlite_with_rowid": False}
    with op.batch_alter_table("consents", table_kwargs=kept) as table:  # SQLite makes it anew
        table.alter_column(
            "scope", existing_type=sa.String(100), existing_nullable=False, type_=sa.Text()
        )


def _grants() -> None:
    op.add_column(
        "grants", sa.Column("offline", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("grants", sa.Column("particulars", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "authorization_codes",
        sa.Column("dpop_jkt", sa.String(length=43), nullable=False, server_default=""),
    )
    # They live five minutes, and every process that made them is stopped by now.
    op.drop_table("access_tokens")
    op.create_table(
        "revoked_tokens",
        sa.Column("jti", HASH, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_tokens")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", CLIENT_ID, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.Column("confirmation", sa.String(length=60), nullable=False),
        sa.Column("rotated_at", MOMENT, nullable=True),
        sa.Column("successor_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("successor_hash", HASH, nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.id"], name=op.f("fk_refresh_tokens_grant_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_refresh_tokens_grant_id"), "refresh_tokens", ["grant_id"])


def _waiting_requests() -> None:
    op.create_table(
        "pushed_requests",
        sa.Column("request_uri_hash", HASH, nullable=False),
        sa.Column("client_id", CLIENT_ID, nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _client_key("pushed_requests", "client_id"),
        sa.PrimaryKeyConstraint("request_uri_hash", name=op.f("pk_pushed_requests")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "device_codes",
        sa.Column("device_code_hash", HASH, nullable=False),
        sa.Column("user_code_hash", HASH, nullable=False),
        sa.Column("client_id", CLIENT_ID, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("particulars", sa.Text(), nullable=False),
        sa.Column("dpop_jkt", sa.String(length=43), nullable=False),
        sa.Column("place", sa.JSON(), nullable=True),
        sa.Column("network", HASH, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("last_polled_at", MOMENT, nullable=True),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        _client_key("device_codes", "client_id"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_device_codes_grant_id")),
        sa.PrimaryKeyConstraint("device_code_hash", name=op.f("pk_device_codes")),
        sa.UniqueConstraint("user_code_hash", name=op.f("uq_device_codes_user_code_hash")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wrong_user_codes",
        sa.Column("who", HASH, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_wrong_user_codes")),
        sqlite_with_rowid=False,
    )


def _keys() -> None:
    op.drop_index("uq_signing_keys_active", "signing_keys")
    with op.batch_alter_table("signing_keys") as table:  # SQLite makes it anew
        table.alter_column(
            "private_jwk_encrypted",
            existing_type=sa.LargeBinary(),
            existing_nullable=False,
            new_column_name="jwk_encrypted",
        )
        table.alter_column(
            "alg", existing_type=sa.String(10), existing_nullable=False, type_=sa.String(20)
        )
        table.add_column(sa.Column("activated_at", MOMENT, nullable=True))
        table.add_column(sa.Column("retired_at", MOMENT, nullable=True))
    op.execute("UPDATE signing_keys SET activated_at = created_at")
    for state in ("active", "next"):
        op.create_index(
            f"uq_signing_keys_{state}",
            "signing_keys",
            ["alg"],
            unique=True,
            sqlite_where=sa.text(f"state = '{state}'"),
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def _ends_that_are_told() -> None:
    """Sessions, installations and persons that have ended, until the applications are told."""
    ended = {
        "sessions": "ended_at IS NOT NULL",
        "installations": "ended_at IS NOT NULL",
        "persons": "deceased IS {true}",
    }
    true = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    for table, words in ended.items():
        op.add_column(table, sa.Column("end_told_at", MOMENT, nullable=True))
        condition = words.format(true=true)
        # What ended before is over: nobody is told now.
        over = f"UPDATE {table} SET end_told_at = CURRENT_TIMESTAMP WHERE {condition}"  # noqa: S608
        op.execute(over)
        waiting = sa.text(f"{condition} AND end_told_at IS NULL")
        op.create_index(
            op.f(f"ix_{table}_end_told_at"),
            table,
            ["end_told_at"],
            sqlite_where=waiting,
            postgresql_where=waiting,
        )
    op.add_column("outbox", sa.Column("destination", sa.String(length=100), nullable=True))
    op.drop_index(op.f("ix_outbox_state_due_at"), "outbox")
    op.create_index(op.f("ix_outbox_state_kind_due_at"), "outbox", ["state", "kind", "due_at"])


def _client_key(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["clients.client_id"], name=op.f(f"fk_{table}_{column}")
    )
