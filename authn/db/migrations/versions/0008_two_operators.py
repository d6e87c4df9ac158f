"""What gives much is asked by one operator and confirmed by a second one."""

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)


def upgrade() -> None:
    _audit()
    _operator_requests()
    _desks()
    _machine_codes()
    _refresh_tokens()
    _matches()


def _operator_requests() -> None:
    op.create_table(
        "operator_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("decider", sa.String(length=10), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("ticket", sa.String(length=60), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_operator_requests_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["persons.id"], name=op.f("fk_operator_requests_asked_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["persons.id"], name=op.f("fk_operator_requests_decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_requests")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_operator_requests_state_expires_at"),
        "operator_requests",
        ["state", "expires_at"],
    )


def _desks() -> None:
    op.add_column(
        "desk_sessions",
        sa.Column("desk", sa.String(length=60), nullable=False, server_default=""),
    )
    op.add_column("approvals", sa.Column("desk", sa.String(length=60), nullable=True))
    # Who works at one desk alone is at that one; who works at several opens it anew, and asks anew.
    only = (
        "SELECT MIN(staff.desk) FROM staff WHERE staff.person_id = {} "
        "AND staff.ended_at IS NULL HAVING COUNT(DISTINCT staff.desk) = 1"
    )
    sessions, asked = only.format("desk_sessions.person_id"), only.format("approvals.asked_by")
    op.execute(f"UPDATE desk_sessions SET desk = COALESCE(({sessions}), '')")  # noqa: S608
    op.execute(f"UPDATE approvals SET desk = ({asked})")  # noqa: S608


def _machine_codes() -> None:
    # A code that is asked for at the machine has no registrar, who saw no document.
    with op.batch_alter_table("desk_codes", table_kwargs={"sqlite_with_rowid": False}) as table:
        table.alter_column("registrar_id", existing_type=sa.Uuid(), nullable=True)
        table.alter_column("document", existing_type=sa.String(length=14), nullable=True)


def _matches() -> None:
    # Who agreed to a match was in the audit log alone: those of before count as made by one. So
    # whoever works at the desk is matched anew, by two.
    op.add_column(
        "unmatched_identities",
        sa.Column("matched_by_two", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE unmatched_identities SET person_id = NULL, matched_at = NULL WHERE person_id IN "
        "(SELECT person_id FROM staff WHERE ended_at IS NULL)"
    )


def _refresh_tokens() -> None:
    # Those of a client that has to authenticate say so, and are of no use once it is a public one.
    op.execute(
        "UPDATE refresh_tokens SET confirmation = 'client' WHERE confirmation = '' "
        "AND client_id IN (SELECT client_id FROM clients "
        "WHERE token_endpoint_auth_method <> 'none')"
    )


def _audit() -> None:
    # Which ids of rows were passed over when the chain came past them, in place of how far all was
    # looked at again each time.
    with op.batch_alter_table(
        "audit_progress", table_kwargs={"sqlite_with_rowid": False}
    ) as table:  # SQLite makes it anew
        table.add_column(sa.Column("missing", sa.JSON(), nullable=True))
        table.drop_column("seen")
        table.drop_column("seen_at")
    # The hash of a day's file, signed: by who serves, before who archives may say that it is there.
    op.add_column("audit_days", sa.Column("archive_signed", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        _marks_of_sqlite()
    else:
        _marks_of_postgresql()


UNSIGNED_FILE = "a day is archived once its file is signed, and for good"


def _marks(differ: str) -> str:
    """When a change of a day is refused; `differ` is how the engine compares what may be NULL."""
    return (
        f"(OLD.archived_at {differ} NEW.archived_at "
        "AND (OLD.archived_at IS NOT NULL OR NEW.archive_signed IS NULL)) "
        f"OR (OLD.archive_signed {differ} NEW.archive_signed "
        "AND OLD.archived_at IS NOT NULL AND OLD.archive_signed IS NOT NULL)"
    )


def _marks_of_sqlite() -> None:
    for name, moment, condition in (
        ("marked", "UPDATE", _marks("IS NOT")),
        ("unmarked", "INSERT", "NEW.archived_at IS NOT NULL"),
    ):
        op.execute(
            f"CREATE TRIGGER audit_days_{name} BEFORE {moment} ON audit_days WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{UNSIGNED_FILE}'); END"
        )


def _marks_of_postgresql() -> None:
    [schema] = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalars()
    op.execute(
        "CREATE FUNCTION audit_days_marked() RETURNS trigger LANGUAGE plpgsql "
        f"SET search_path = {schema}, pg_temp AS $$ "
        f"BEGIN RAISE EXCEPTION '{UNSIGNED_FILE}'; END $$"
    )
    for name, moment, condition in (
        ("marked", "UPDATE", _marks("IS DISTINCT FROM")),
        ("unmarked", "INSERT", "NEW.archived_at IS NOT NULL"),
    ):
        op.execute(
            f"CREATE TRIGGER audit_days_{name} BEFORE {moment} ON audit_days "
            f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION audit_days_marked()"
        )
