"""The support desk: staff, sessions, what waits for a second person; who did what in the log."""

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)
HASH = sa.String(length=64)
LIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    _audit()
    _staff()
    _desk()
    _registration()
    _search()
    with op.batch_alter_table("returns") as table:  # SQLite makes it anew
        table.add_column(sa.Column("began_by", sa.Uuid(), nullable=True))
        table.create_foreign_key(op.f("fk_returns_began_by"), "persons", ["began_by"], ["id"])


def _audit() -> None:
    op.add_column("audit_events", sa.Column("actor_id", sa.Uuid(), nullable=True))
    by_staff = sa.text("actor_id IS NOT NULL")
    op.create_index(
        op.f("ix_audit_events_actor_id_occurred_at"),
        "audit_events",
        ["actor_id", "occurred_at"],
        sqlite_where=by_staff,
        postgresql_where=by_staff,
    )
    op.create_index(
        op.f("ix_audit_events_event_occurred_at"), "audit_events", ["event", "occurred_at"]
    )
    of_client = sa.text("client_id IS NOT NULL")
    op.create_index(
        op.f("ix_audit_events_client_id_occurred_at"),
        "audit_events",
        ["client_id", "occurred_at"],
        sqlite_where=of_client,
        postgresql_where=of_client,
    )
    op.create_index(op.f("ix_audit_events_occurred_at"), "audit_events", ["occurred_at"])


def _search() -> None:
    # Who is older than the key is found by it once the register was heard, until then without.
    op.add_column("persons", sa.Column("name_key", sa.String(length=603), nullable=True))
    op.create_index(op.f("ix_persons_birthdate_name_key"), "persons", ["birthdate", "name_key"])
    op.add_column(
        "contact_addresses", sa.Column("address_hash", sa.String(length=80), nullable=True)
    )
    op.create_index(
        op.f("ix_contact_addresses_address_hash"), "contact_addresses", ["address_hash"]
    )
    op.create_index(op.f("ix_audit_events_reference"), "audit_events", ["reference"])


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("desk", sa.String(length=60), nullable=False),
        sa.Column("appointed_by", sa.Uuid(), nullable=True),
        sa.Column("appointed_at", MOMENT, nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        _person("staff", "person_id"),
        _person("staff", "appointed_by"),
        _person("staff", "ended_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_staff_person_id"), "staff", ["person_id"])
    op.create_index(
        "uq_staff_live",
        "staff",
        ["person_id", "role"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_table(
        "staff_beginning",
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        _person("staff_beginning", "person_id"),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_staff_beginning")),
        sqlite_with_rowid=False,
    )


def _desk() -> None:
    op.create_table(
        "desk_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("installation_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        *_why(),
        sa.Column("about_since", MOMENT, nullable=True),
        _person("desk_sessions", "person_id"),
        _person("desk_sessions", "about_id"),
        _key("desk_sessions", "device_id", "devices"),
        _key("desk_sessions", "installation_id", "installations"),
        _key("desk_sessions", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_desk_sessions_token_hash")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_desk_sessions_person_id"), "desk_sessions", ["person_id"])
    op.create_index(
        op.f("ix_desk_sessions_installation_id"),
        "desk_sessions",
        ["installation_id"],
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("payload_encrypted", sa.LargeBinary(), nullable=False),
        *_why(),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        _person("approvals", "person_id"),
        _person("approvals", "asked_by"),
        _person("approvals", "decided_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_approvals_state_expires_at"), "approvals", ["state", "expires_at"])
    op.create_index(op.f("ix_approvals_person_id"), "approvals", ["person_id"])
    op.create_table(
        "unmatched_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upstream", sa.String(length=100), nullable=False),
        sa.Column("identity_hash", HASH, nullable=False),
        sa.Column("claims_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("matched_at", MOMENT, nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        _person("unmatched_identities", "person_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_identities")),
        sa.UniqueConstraint("identity_hash", name=op.f("uq_unmatched_identities_identity_hash")),
        sqlite_with_rowid=False,
    )


def _registration() -> None:
    with op.batch_alter_table("activation_codes") as table:  # SQLite makes it anew
        table.add_column(sa.Column("second_hash", HASH, nullable=True))
        table.create_unique_constraint(op.f("uq_activation_codes_second_hash"), ["second_hash"])
    op.create_table(
        "desk_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("registrar_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=14), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("second_half", sa.String(length=6), nullable=True),
        sa.Column("address_id", sa.Uuid(), nullable=True),
        sa.Column("opens_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(length=40), nullable=False),
        _person("desk_codes", "person_id"),
        _person("desk_codes", "registrar_id"),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["contact_addresses.id"],
            name=op.f("fk_desk_codes_address_id"),
            ondelete="SET NULL",
        ),
        _key("desk_codes", "code_id", "activation_codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_codes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_desk_codes_person_id"), "desk_codes", ["person_id"])
    op.create_index(
        op.f("ix_desk_codes_registrar_id_state"), "desk_codes", ["registrar_id", "state"]
    )


def _why() -> list[sa.Column[str]]:
    return [
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("explanation", sa.String(length=500), nullable=False),
        sa.Column("ticket", sa.String(length=60), nullable=False),
    ]


def _person(table: str, column: str) -> sa.ForeignKeyConstraint:
    return _key(table, column, "persons")


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))
