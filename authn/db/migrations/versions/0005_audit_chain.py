"""The audit log: its chain, its signed days, and triggers that refuse to change what is written."""

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)
LINK = sa.String(length=80)
DAY = sa.String(length=10)

# A row that is in the archive may go; nothing else ever does.
ARCHIVED = {
    "audit_events": "SELECT 1 FROM audit_chain JOIN audit_days ON audit_days.day = audit_chain.day "
    "WHERE audit_chain.event_id = OLD.id AND audit_days.archived_at IS NOT NULL",
    "audit_chain": "SELECT 1 FROM audit_days "
    "WHERE audit_days.day = OLD.day AND audit_days.archived_at IS NOT NULL",
}
NEVER_CHANGED = "audit rows are never changed"
NEVER_DELETED = "audit rows are deleted of archived days only"


def upgrade() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("day", DAY, nullable=False),
        sa.Column("link", LINK, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_chain_event_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_audit_chain_day_sequence"), "audit_chain", ["day", "sequence"])
    op.create_table(
        "audit_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("link", LINK, nullable=False),
        sa.Column("complete_below", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("chained_at", MOMENT, nullable=False),
        sa.Column("streamed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_progress")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_days",
        sa.Column("day", DAY, nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", LINK, nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("exported_at", MOMENT, nullable=True),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_days")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        _triggers_of_sqlite()
    else:
        _triggers_of_postgresql()


def _triggers_of_sqlite() -> None:
    for table, archived in ARCHIVED.items():
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{NEVER_CHANGED}'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"WHEN NOT EXISTS ({archived}) "
            f"BEGIN SELECT RAISE(ABORT, '{NEVER_DELETED}'); END"
        )
    op.execute(
        "CREATE TRIGGER audit_days_kept BEFORE DELETE ON audit_days "
        f"BEGIN SELECT RAISE(ABORT, '{NEVER_DELETED}'); END"
    )


def _triggers_of_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{NEVER_CHANGED}'; END $$"
    )
    for table, archived in ARCHIVED.items():
        op.execute(
            f"CREATE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN IF EXISTS ({archived}) THEN RETURN OLD; END IF; "
            f"RAISE EXCEPTION '{NEVER_DELETED}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_unchanged()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_kept()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_unchanged()"
        )
    op.execute(
        "CREATE TRIGGER audit_days_kept BEFORE DELETE ON audit_days "
        "FOR EACH ROW EXECUTE FUNCTION audit_unchanged()"
    )
