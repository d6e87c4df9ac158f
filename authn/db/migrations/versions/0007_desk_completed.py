"""What the support desk lacked: what each act of a table's room added after its first version."""

import sqlalchemy as sa
from alembic import op

from authn.db.metadata import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime(timezone=True)
DESK_API = "/api/desk/v1"


def upgrade() -> None:
    _approvals()
    _registration()
    _devices()
    _audit()
    _profiles()
    _api()


def _approvals() -> None:
    kept = {"sqlite_with_rowid": False}
    with op.batch_alter_table("approvals", table_kwargs=kept) as table:  # SQLite makes it anew
        table.alter_column("asked_by", existing_type=sa.Uuid(), nullable=True)


def _registration() -> None:
    # Of what was printed before, nobody knows when: it is not printed anew.
    op.add_column("desk_codes", sa.Column("printed_at", MOMENT, nullable=True))


def _devices() -> None:
    # Why the desk blocked it, of what it blocked from now on.
    op.add_column("devices", sa.Column("suspended_reason", sa.String(length=40), nullable=True))
    op.add_column("devices", sa.Column("identity_id", sa.Uuid(), nullable=True))
    op.add_column("installations", sa.Column("place", sa.JSON(), nullable=True))


def _audit() -> None:
    # Up to which number a running head was signed, and when.
    op.add_column("audit_progress", sa.Column("headed", sa.BigInteger(), nullable=True))
    op.add_column(
        "audit_progress", sa.Column("headed_at", UtcDateTime(timezone=True), nullable=True)
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    # Else who may delete archived days could put temporary tables of these names before ours.
    [schema] = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalars()
    for function in ("audit_events_kept", "audit_chain_kept", "audit_unchanged"):
        op.execute(f"ALTER FUNCTION {function}() SET search_path = {schema}, pg_temp")


def _profiles() -> None:
    # Who is staff is asked as a capacity at the next look, of those who have a role now.
    answers, staff = (
        sa.table("source_answers", *map(sa.column, ("person_id", "question", "due_at"))),
        sa.table("staff", *map(sa.column, ("person_id", "appointed_at", "ended_at"))),
    )
    held = (
        sa.select(staff.c.person_id, sa.literal("staff"), sa.func.min(staff.c.appointed_at))
        .where(staff.c.ended_at.is_(None))
        .group_by(staff.c.person_id)
    )
    op.execute(answers.insert().from_select(["person_id", "question", "due_at"], held))
    # The desk's API is for them in that capacity, and so is each tool that has it.
    connection = op.get_bind()
    resources = sa.table("resources", sa.column("resource"), sa.column("scopes", sa.JSON()))
    found = connection.execute(
        sa.select(resources).where(resources.c.resource.endswith(DESK_API))
    ).all()
    for resource, scopes in found:
        told = {name: {**scope, "profile_kinds": ["staff"]} for name, scope in scopes.items()}
        connection.execute(
            resources.update().where(resources.c.resource == resource).values(scopes=told)
        )
    kinds = ("profile_kinds", "required_profile_kinds")
    clients = sa.table(
        "clients",
        sa.column("client_id"),
        *(sa.column(name, sa.JSON()) for name in ("resources", *kinds)),
    )
    for row in connection.execute(sa.select(clients)).all():
        if not any(each.endswith(DESK_API) for each in row.resources):
            continue
        # One that was for other capacities as well goes on being for them.
        wider = {"profile_kinds": [*row.profile_kinds, "staff"]}
        only = wider | {"required_profile_kinds": ["staff"]}
        values = wider if row.profile_kinds or row.required_profile_kinds else only
        connection.execute(
            clients.update().where(clients.c.client_id == row.client_id).values(**values)
        )


def _api() -> None:
    # An act that somebody confirmed for a request of a tool: one for each request.
    op.create_table(
        "confirmed_desk_acts",
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_confirmed_desk_acts_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_confirmed_desk_acts_device_id")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_confirmed_desk_acts")),
        sqlite_with_rowid=False,
    )
