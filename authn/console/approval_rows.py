"""What waits for a second member of staff, as it is kept: written, found, listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from uuid import UUID

import orjson
from sqlalchemy import Boolean, Connection, String, Uuid, and_, bindparam, or_, select

from authn.console.desk_sessions import Desk, DeskClosedReason
from authn.console.tables import approvals
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.reencryption import EncryptedColumn
from authn.secrets import Secrets, decrypt, encrypt
from authn.staff.roles import Act

# "failed": approved, but it could not be done any more. "used": who asked carried it out since.
State = Literal["waiting", "approved", "refused", "withdrawn", "expired", "failed", "used"]
SHOWN_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Approval:
    """A row of `approvals`; `payload` is what the act needs to know besides the person."""

    id: UUID
    act: Act
    person_id: UUID
    payload: Mapping[str, str]
    why: DeskClosedReason
    asked_by: UUID | None
    """None where it was asked at the machine, on the command line."""
    desk: str | None
    """At which of their desks they asked, in the roles that they have there."""
    asked_at: datetime
    expires_at: datetime
    state: State
    decided_by: UUID | None
    decided_at: datetime | None
    remark: str

    @property
    def concerned(self) -> set[UUID]:
        """Whom the act is on."""
        merged = self.payload.get("merged_id")
        return {self.person_id, *([UUID(merged)] if merged else [])}

    @property
    def involved(self) -> set[UUID]:
        """Who is locked, together, where it is decided: whom it is on, and who asked, whose role
        may end at that moment."""
        return self.concerned | ({self.asked_by} if self.asked_by else set())

    def on_record(self, desk: Desk) -> dict[str, Any]:
        """What every event tells of it, as of who did the step (`ApprovalEvent`)."""
        return {
            "actor_id": desk.person_id,
            "person_id": self.person_id,
            "approval": self.id,
            "act": self.act,
        }

    def state_at(self, now: datetime) -> State:
        """Its state, "expired" once nobody decided in time, though that may not be written yet."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state


OF_ID = approvals.c.id == bindparam("approval_id")
WAITS = and_(
    approvals.c.state == "waiting", approvals.c.expires_at > bindparam("now", type_=UtcDateTime)
)
# At this desk: what somebody asked at another one of theirs, they asked in other roles.
_OF_ASKER = (
    approvals.c.asked_by.is_not_distinct_from(bindparam("asked_by", type_=Uuid)),
    approvals.c.desk.is_not_distinct_from(bindparam("desk", type_=String)),
)
_FIND = select(approvals).where(OF_ID)
_WAITING_OF = select(approvals).where(
    approvals.c.person_id == bindparam("person_id"),
    approvals.c.act == bindparam("act"),
    *_OF_ASKER,
    WAITS,
)
_APPROVED_OF = (
    select(approvals)
    .where(
        approvals.c.person_id == bindparam("person_id"),
        approvals.c.act == bindparam("act"),
        *_OF_ASKER,
        approvals.c.state == "approved",
        approvals.c.decided_at > bindparam("since", type_=UtcDateTime),
    )
    .order_by(approvals.c.decided_at.desc(), approvals.c.id)
)
_AT_THE_MACHINE = (
    select(approvals)
    .where(
        approvals.c.asked_by.is_(None), approvals.c.asked_at > bindparam("since", type_=UtcDateTime)
    )
    .order_by(approvals.c.asked_at.desc(), approvals.c.id)
)
# What waits, and what this member of staff asked lately, however it ended.
_SHOWN = (
    select(approvals)
    .where(
        or_(
            and_(
                WAITS,
                bindparam("decides", type_=Boolean),
                approvals.c.person_id != bindparam("asked_by"),
            ),
            and_(
                approvals.c.asked_by == bindparam("asked_by"),
                approvals.c.asked_at > bindparam("since", type_=UtcDateTime),
            ),
        )
    )
    .order_by(approvals.c.asked_at.desc(), approvals.c.id)
)
_STATES = _SHOWN.with_only_columns(
    approvals.c.id, approvals.c.state, approvals.c.expires_at, maintain_column_froms=True
)


def asker(desk: Desk) -> dict[str, Any]:
    """Who asks, and at which desk, as it is kept; at the machine nobody, at none."""
    return {"asked_by": desk.person_id, "desk": desk.staff.desk or None}


def find_approval(occasion: Occasion, approval_id: UUID) -> Approval | None:
    """The approval with this id, whatever became of it."""
    row = occasion.connection.execute(_FIND, {"approval_id": approval_id}).first()
    return approval_from_row(occasion.secrets, row) if row else None


def shown_approvals(occasion: Occasion, desk: Desk) -> list[Approval]:
    """What waits for somebody to decide, and what this member of staff asked lately.

    Nothing that others asked about themselves: neither of two who would be one sees it.
    """
    rows = occasion.connection.execute(_SHOWN, _shown_to(desk, occasion.now))
    found = [approval_from_row(occasion.secrets, row) for row in rows]
    own = desk.person_id
    return [each for each in found if each.asked_by == own or own not in each.concerned]


def asked_at_the_machine(occasion: Occasion) -> list[Approval]:
    """What was asked on the command line lately, however it ended, the newest first."""
    rows = occasion.connection.execute(_AT_THE_MACHINE, {"since": occasion.now - SHOWN_FOR})
    return [approval_from_row(occasion.secrets, row) for row in rows]


def states_shown(connection: Connection, desk: Desk, now: datetime) -> list[str]:
    """What tells, in one statement, whether `shown_approvals` has changed."""
    rows = connection.execute(_STATES, _shown_to(desk, now))
    return [f"{row.id} {row.state} {row.expires_at > now}" for row in rows]


def waiting_of(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> list[Approval]:
    """What this member of staff asked of this kind about this person, and nobody decided yet."""
    parameters = {
        "person_id": person_id,
        "act": act,
        **asker(desk),
        "now": occasion.now,
    }
    rows = occasion.connection.execute(_WAITING_OF, parameters)
    return [approval_from_row(occasion.secrets, row) for row in rows]


def approved_of(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> list[Approval]:
    """What this member of staff asked of this kind about this person, and somebody approved lately
    enough; who asked has not carried it out. The newest first."""
    parameters = {
        "person_id": person_id,
        "act": act,
        **asker(desk),
        "since": occasion.now - occasion.settings.desk_approval_lifetime,
    }
    rows = occasion.connection.execute(_APPROVED_OF, parameters)
    return [approval_from_row(occasion.secrets, row) for row in rows]


def _shown_to(desk: Desk, now: datetime) -> dict[str, Any]:
    decides = desk.staff.may("approve")
    return {
        "now": now,
        "asked_by": desk.person_id,
        "since": now - SHOWN_FOR,
        "decides": decides,
    }


def store_approval(occasion: Occasion, asked: Approval) -> None:
    """The approval is in the table, its payload encrypted."""
    columns = [column.name for column in approvals.c]
    row = {name: getattr(asked, name) for name in columns if hasattr(asked, name)}
    payload = orjson.dumps(asked.payload)
    row |= {
        "payload_encrypted": encrypt(occasion.secrets, payload, _context(asked.id)),
        "reason": asked.why.reason,
        "explanation": asked.why.explanation,
        "ticket": asked.why.ticket,
    }
    occasion.connection.execute(approvals.insert(), row)


def approval_from_row(secrets: Secrets, row: Any) -> Approval:
    """A row of `approvals` as a value."""
    payload = orjson.loads(decrypt(secrets, row.payload_encrypted, _context(row.id)))
    return Approval(
        id=row.id,
        act=cast("Act", row.act),
        person_id=row.person_id,
        payload=payload,
        why=DeskClosedReason(row.reason, row.explanation, row.ticket),
        asked_by=row.asked_by,
        desk=row.desk,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        state=cast("State", row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        remark=row.remark,
    )


def _context(approval_id: UUID) -> str:
    return f"approvals.payload {approval_id}"


ENCRYPTED = (EncryptedColumn(approvals.c.payload_encrypted, lambda row: _context(row.id)),)
