"""The table of approvals: acts that wait for a second member of staff, stored, found and listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from uuid import UUID

import orjson
from sqlalchemy import Boolean, Connection, String, Uuid, and_, bindparam, or_, select

from authn.console.desk_sessions import Desk, LookReason
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
    """An act that was asked for and needs a second member of staff: a row of `approvals`.

    `payload` is what the act needs to know besides the person.
    """

    id: UUID
    act: Act
    person_id: UUID
    payload: Mapping[str, str]
    why: LookReason
    asked_by: UUID | None
    """None where a local operator asked, on the command line."""
    desk: str | None
    """The desk at which they asked, in their roles there."""
    asked_at: datetime
    expires_at: datetime
    state: State
    decided_by: UUID | None
    decided_at: datetime | None
    remark: str

    @property
    def persons_acted_on(self) -> set[UUID]:
        """The ids of the persons that the act would change."""
        merged = self.payload.get("merged_id")
        return {self.person_id, *([UUID(merged)] if merged else [])}

    @property
    def persons_to_lock(self) -> set[UUID]:
        """The ids to lock together for a decision: those acted on, and who asked, whose role may
        end at that moment."""
        return self.persons_acted_on | ({self.asked_by} if self.asked_by else set())

    def event_fields(self, desk: Desk) -> dict[str, Any]:
        """The fields that every `ApprovalEvent` has, with who took the step as its actor."""
        return {
            "actor_id": desk.person_id,
            "person_id": self.person_id,
            "approval": self.id,
            "act": self.act,
        }

    def state_at(self, now: datetime) -> State:
        """The state at this moment: "expired" once its time is over, written or not."""
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
_BY_LOCAL_OPERATOR = (
    select(approvals)
    .where(
        approvals.c.asked_by.is_(None), approvals.c.asked_at > bindparam("since", type_=UtcDateTime)
    )
    .order_by(approvals.c.asked_at.desc(), approvals.c.id)
)
# What waits, and what this member of staff asked lately, however it ended.
_VISIBLE = (
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
_STATES = _VISIBLE.with_only_columns(
    approvals.c.id, approvals.c.state, approvals.c.expires_at, maintain_column_froms=True
)


def asker_columns(desk: Desk) -> dict[str, Any]:
    """The columns that say who asks, and at which desk; both None for a local operator."""
    return {"asked_by": desk.person_id, "desk": desk.staff.desk or None}


def find_approval(occasion: Occasion, approval_id: UUID) -> Approval | None:
    """The approval with this id, in whatever state."""
    row = occasion.connection.execute(_FIND, {"approval_id": approval_id}).first()
    return approval_from_row(occasion.secrets, row) if row else None


def list_visible_approvals(occasion: Occasion, desk: Desk) -> list[Approval]:
    """The approvals that this member of staff may decide about, or asked for lately.

    Without those that others asked for about this member of staff, a merge included.
    """
    rows = occasion.connection.execute(_VISIBLE, _visible_to(desk, occasion.now))
    found = [approval_from_row(occasion.secrets, row) for row in rows]
    own = desk.person_id
    return [each for each in found if each.asked_by == own or own not in each.persons_acted_on]


def list_local_operator_approvals(occasion: Occasion) -> list[Approval]:
    """The approvals asked for on the command line lately, in any state, newest first."""
    rows = occasion.connection.execute(_BY_LOCAL_OPERATOR, {"since": occasion.now - SHOWN_FOR})
    return [approval_from_row(occasion.secrets, row) for row in rows]


def visible_approval_states(connection: Connection, desk: Desk, now: datetime) -> list[str]:
    """A line for each row of `list_visible_approvals`, by which a change is seen; one statement."""
    rows = connection.execute(_STATES, _visible_to(desk, now))
    return [f"{row.id} {row.state} {row.expires_at > now}" for row in rows]


def find_waiting_approvals(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID
) -> list[Approval]:
    """The undecided approvals of this act that this member of staff asked for about this person."""
    parameters = {
        "person_id": person_id,
        "act": act,
        **asker_columns(desk),
        "now": occasion.now,
    }
    rows = occasion.connection.execute(_WAITING_OF, parameters)
    return [approval_from_row(occasion.secrets, row) for row in rows]


def find_granted_approvals(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID
) -> list[Approval]:
    """The approvals of this act that this member of staff was given about this person, not used yet
    and not too old; newest first."""
    parameters = {
        "person_id": person_id,
        "act": act,
        **asker_columns(desk),
        "since": occasion.now - occasion.settings.desk_approval_lifetime,
    }
    rows = occasion.connection.execute(_APPROVED_OF, parameters)
    return [approval_from_row(occasion.secrets, row) for row in rows]


def _visible_to(desk: Desk, now: datetime) -> dict[str, Any]:
    decides = desk.staff.may("approve")
    return {
        "now": now,
        "asked_by": desk.person_id,
        "since": now - SHOWN_FOR,
        "decides": decides,
    }


def store_approval(occasion: Occasion, asked: Approval) -> None:
    """Insert the approval, with its payload encrypted."""
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
    """The approval of a row, its payload decrypted."""
    payload = orjson.loads(decrypt(secrets, row.payload_encrypted, _context(row.id)))
    return Approval(
        id=row.id,
        act=cast("Act", row.act),
        person_id=row.person_id,
        payload=payload,
        why=LookReason(row.reason, row.explanation, row.ticket),
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
