"""The tables of the desk: sessions of staff, approvals, and requests of operators."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, Text, Uuid

from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.staff.tables import LONGEST_DESK

LONGEST_REASON = 500
LONGEST_TICKET = 60

# Their cookie is another one than that of the holder's own session.
desk_sessions = Table(
    "desk_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_hash", token_hash_type(), nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("device_id", Uuid, ForeignKey("devices.id"), nullable=False),
    Column("installation_id", Uuid, ForeignKey("installations.id"), nullable=False),
    # Being signed in when it was opened: whoever signs out, and in again, opens it anew.
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    # At which of their desks they are: in the roles that they have there.
    Column("desk", String(LONGEST_DESK), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # About whom the agent works now, and why: asked before any person is shown.
    Column("about_id", Uuid, ForeignKey("persons.id")),
    Column("reason", String(100), nullable=False),
    Column("explanation", String(LONGEST_REASON), nullable=False),
    Column("ticket", String(LONGEST_TICKET), nullable=False),
    Column("about_since", UtcDateTime),
    sqlite_with_rowid=False,
)
# The live one of an installation, which the next one ends.
Index(
    None,
    desk_sessions.c.installation_id,
    sqlite_where=desk_sessions.c.ended_at.is_(None),
    postgresql_where=desk_sessions.c.ended_at.is_(None),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Uuid, primary_key=True),
    # An act of `staff.roles`, about whom, and what else it needs, as JSON.
    Column("act", String(20), nullable=False),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("payload_encrypted", LargeBinary, nullable=False),
    Column("reason", String(100), nullable=False),
    Column("explanation", String(LONGEST_REASON), nullable=False),
    Column("ticket", String(LONGEST_TICKET), nullable=False),
    # By whom of the staff; null for a local operator, on the command line.
    Column("asked_by", Uuid, ForeignKey("persons.id")),
    # At which of their desks they asked.
    Column("desk", String(LONGEST_DESK)),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # `approval_rows.State`
    Column("state", String(10), nullable=False),
    Column("decided_by", Uuid, ForeignKey("persons.id")),
    Column("decided_at", UtcDateTime),
    Column("remark", Text, nullable=False),
    Index(None, "state", "expires_at"),
    Index(None, "person_id"),
    sqlite_with_rowid=False,
)

# What gives much, and waits for a second operator; or a role for somebody (`operator_requests`).
operator_requests = Table(
    "operator_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    # `operator_request_rows.Kind`, what it is on, and whom it gives a role.
    Column("kind", String(20), nullable=False),
    Column("target", String(500), nullable=False),
    Column("person_id", Uuid, ForeignKey("persons.id")),
    # In which role somebody decides.
    Column("decider", String(10), nullable=False),
    # All that would be done and all that is shown of it, as JSON, with a keyed hash of the row.
    Column("content", Text, nullable=False),
    Column("seal", String(64), nullable=False),
    Column("reason", String(LONGEST_REASON), nullable=False),
    Column("ticket", String(LONGEST_TICKET), nullable=False),
    # By whom of the staff; null for a local operator, on the command line.
    Column("asked_by", Uuid, ForeignKey("persons.id")),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("decided_by", Uuid, ForeignKey("persons.id")),
    Column("decided_at", UtcDateTime),
    Column("remark", Text, nullable=False),
    Index(None, "state", "expires_at"),
    sqlite_with_rowid=False,
)
