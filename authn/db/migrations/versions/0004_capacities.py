"""In which capacity: sources, profiles, permissions of resources, consents by profile."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)
CLIENT_ID = sa.String(length=100)
HASH = sa.String(length=80)
NO_PROFILE = "0" * 32


def upgrade() -> None:
    _persons()
    _sources()
    _profiles()
    _clients()
    _resources()
    _consents()
    _grants()
    _choices()
    _activity()


def _persons() -> None:
    _add_reference("persons", "merged_into", "persons")
    merged = _where("merged_into IS NOT NULL")
    op.create_index("ix_persons_merged_into", "persons", ["merged_into"], **merged)
    for table in ("register_citizens", "register_staged_rows"):
        op.add_column(
            table, sa.Column("cancelled", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def _sources() -> None:
    op.create_table(
        "source_facts",
        sa.Column("question", sa.String(length=20), nullable=False),
        sa.Column("subject_hash", HASH, nullable=False),
        sa.Column("key_hash", HASH, nullable=False),
        sa.Column("fact_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "question", "subject_hash", "key_hash", name=op.f("pk_source_facts")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source_staged_facts",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(length=20), nullable=False),
        sa.Column("subject_hash", HASH, nullable=False),
        sa.Column("key_hash", HASH, nullable=False),
        sa.Column("fact_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "import_id",
            "question",
            "subject_hash",
            "key_hash",
            name=op.f("pk_source_staged_facts"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source_answers",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(length=20), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("failed_at", MOMENT, nullable=True),
        _key("source_answers", "person_id", "persons.id"),
        sa.PrimaryKeyConstraint("person_id", "question", name=op.f("pk_source_answers")),
        sqlite_with_rowid=False,
    )


def _profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("question", sa.String(length=20), nullable=False),
        sa.Column("key_hash", HASH, nullable=False),
        sa.Column("fact_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("represented_id", sa.Uuid(), nullable=True),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.Column("known_since", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("end_told_at", MOMENT, nullable=True),
        _key("profiles", "person_id", "persons.id"),
        _key("profiles", "represented_id", "persons.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_profiles_person_id"), "profiles", ["person_id"])
    op.create_index(op.f("ix_profiles_represented_id"), "profiles", ["represented_id"])
    live = _where("ended_at IS NULL")
    op.create_index(
        "uq_profiles_live", "profiles", ["person_id", "kind", "key_hash"], unique=True, **live
    )
    op.create_index("ix_profiles_valid_to", "profiles", ["valid_to"], **live)
    untold = _where("ended_at IS NOT NULL AND end_told_at IS NULL")
    op.create_index("ix_profiles_end_told_at", "profiles", ["end_told_at"], **untold)


def _clients() -> None:
    for column in (
        sa.Column("profile_kinds", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("required_profile_kinds", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("default_profile_kind", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("scope_reasons", sa.JSON(), nullable=False, server_default="{}"),
    ):
        op.add_column("clients", column)


def _resources() -> None:
    for column in (
        sa.Column("level", sa.String(length=9), nullable=False, server_default=""),
        sa.Column("token_format", sa.String(length=6), nullable=False, server_default="jwt"),
        sa.Column("encrypt_tokens", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("reads_profile", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("may_read_device_id", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("revocation_hook", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("resources", column)
    # A scope's one sentence becomes its name in English.
    resources = sa.table(
        "resources", sa.column("resource", sa.String), sa.column("scopes", sa.JSON)
    )
    connection = op.get_bind()
    for resource, scopes in connection.execute(sa.select(resources)).all():
        said = json.loads(scopes) if isinstance(scopes, str) else scopes
        named = {scope: {"name": {"en": sentence}} for scope, sentence in said.items()}
        connection.execute(
            sa.update(resources).where(resources.c.resource == resource).values(scopes=named)
        )


def _consents() -> None:
    kept = {"sqlite_with_rowid": False}
    with op.batch_alter_table("consents", table_kwargs=kept) as table:  # SQLite makes it anew
        table.drop_constraint(op.f("pk_consents"), type_="primary")
        table.add_column(
            sa.Column("profile_id", sa.Uuid(), nullable=False, server_default=NO_PROFILE)
        )
        table.add_column(
            sa.Column("declined", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("expires_at", MOMENT, nullable=True))
        table.create_primary_key(
            op.f("pk_consents"), ["person_id", "client_id", "profile_id", "scope"]
        )


def _grants() -> None:
    _add_reference("grants", "profile_id", "profiles")
    op.add_column("grants", sa.Column("ends_at", MOMENT, nullable=True))
    op.create_index(op.f("ix_grants_profile_id"), "grants", ["profile_id"])
    # A token's own id has the profile in it.
    kept = {"sqlite_with_rowid": False}
    with op.batch_alter_table("revoked_tokens", table_kwargs=kept) as table:
        table.alter_column(
            "jti", existing_type=sa.String(length=64), type_=sa.String(length=255), nullable=False
        )
    op.add_column(
        "device_codes",
        sa.Column("profile", sa.String(length=64), nullable=False, server_default=""),
    )


def _choices() -> None:
    op.create_table(
        "profile_choices",
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", CLIENT_ID, nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=True),
        sa.Column("chosen_at", MOMENT, nullable=False),
        _key("profile_choices", "person_id", "persons.id"),
        _key("profile_choices", "session_id", "sessions.id"),
        _key("profile_choices", "client_id", "clients.client_id"),
        _key("profile_choices", "profile_id", "profiles.id"),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_profile_choices")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_profile_choices_person_id_client_id_chosen_at"),
        "profile_choices",
        ["person_id", "client_id", "chosen_at"],
    )


def _activity() -> None:
    # One index instead of another: no row costs more than before.
    op.drop_index(op.f("ix_audit_events_person_id"), table_name="audit_events")
    op.create_index(
        op.f("ix_audit_events_person_id_occurred_at_id"),
        "audit_events",
        ["person_id", "occurred_at", "id"],
    )


def _add_reference(table: str, column: str, to: str) -> None:
    """A nullable column that names a row of `to`.

    SQLite takes the reference with the new column, and only so: the table is not made anew.
    """
    name = op.f(f"fk_{table}_{column}")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} CHAR(32) "
            f"CONSTRAINT {name} REFERENCES {to} (id)"
        )
        return
    op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
    op.create_foreign_key(name, table, to, [column], ["id"])


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def _where(words: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(words), "postgresql_where": sa.text(words)}
