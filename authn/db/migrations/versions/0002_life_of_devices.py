"""Policy, life and loss of devices; notices and their outbox."""

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)


def upgrade() -> None:
    _devices()
    op.add_column("clients", sa.Column("policy", sa.String(length=40), nullable=True))
    op.add_column(
        "clients",
        sa.Column("may_read_device_id", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    # A login without a session looks for the one of its installation that goes on.
    op.drop_index(op.f("ix_sessions_installation_id"), "sessions")
    op.drop_index(op.f("ix_grants_person_id"), "grants")
    op.create_index(op.f("ix_grants_device_id_granted_at"), "grants", ["device_id", "granted_at"])
    op.create_index(
        op.f("ix_sessions_installation_id_auth_time"),
        "sessions",
        ["installation_id", "auth_time"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("invitations", sa.Column("claimed_place", sa.JSON(), nullable=True))
    op.add_column("invitations", sa.Column("claimed_near", sa.Boolean(), nullable=True))
    op.add_column("invitations", sa.Column("opened_from", sa.String(length=64), nullable=True))
    _refer_to_device("invitations", "device_id")
    op.create_index(op.f("ix_invitations_person_id"), "invitations", ["person_id"])
    op.create_table(
        "spent_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_spent_tokens")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fido_metadata",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_update", sa.String(length=10), nullable=False),
        sa.Column("blob_compressed", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_fido_metadata")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("payload_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_state_due_at"), "outbox", ["state", "due_at"])
    _of_persons(
        "contact_addresses",
        sa.Column("address_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("confirmation_hash", sa.String(length=64), nullable=True),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.UniqueConstraint(
            "confirmation_hash", name=op.f("uq_contact_addresses_confirmation_hash")
        ),
    )
    _of_persons(
        "emergency_blocks",
        sa.Column("proof", sa.String(length=10), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("confirmed_by", sa.String(length=10), nullable=True),
    )
    _of_persons("emergency_links", sa.Column("sent_at", MOMENT, nullable=False))
    _of_persons(
        "returns",
        sa.Column("proof", sa.String(length=30), nullable=False),
        sa.Column("identity_level", sa.String(length=11), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("opens_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    )


def _devices() -> None:
    op.execute("ALTER TABLE devices RENAME COLUMN removed_at TO unlinked_at")
    op.execute("UPDATE devices SET status = 'unlinked' WHERE status = 'removed'")
    # What was enrolled before was enrolled without attestation.
    for column in (
        sa.Column(
            "attestation_format", sa.String(length=20), nullable=False, server_default="none"
        ),
        sa.Column("attested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("attestation_key_id", sa.String(length=64), nullable=True),
        sa.Column("backup_changed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("suspended_at", MOMENT, nullable=True),
        sa.Column("suspended_why", sa.String(length=10), nullable=True),
        sa.Column("suspended_until", MOMENT, nullable=True),
        sa.Column("resumed_at", MOMENT, nullable=True),
        sa.Column("dormancy_told_at", MOMENT, nullable=True),
    ):
        op.add_column("devices", column)
    _refer_to_device("devices", "added_by")


def _refer_to_device(table: str, column: str) -> None:
    """A new column that names a device, or none."""
    # By hand: SQLite takes a foreign key with a new column, but not after it.
    uuid = "UUID" if op.get_bind().dialect.name == "postgresql" else "CHAR(32)"
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} {uuid} "
        f"CONSTRAINT fk_{table}_{column} REFERENCES devices (id)"
    )


def _of_persons(name: str, *columns: sa.schema.SchemaItem) -> None:
    """A table whose rows are a person's."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f(f"fk_{name}_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_person_id"), name, ["person_id"])
