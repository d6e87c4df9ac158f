"""The approvals about a person on their page: those that wait, and those of the last day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from authn.console.approval_rows import SHOWN_FOR, WAITS, State
from authn.console.approval_views import LOCAL_OPERATOR
from authn.console.desk_sessions import Desk
from authn.console.tables import approvals
from authn.db.metadata import UtcDateTime
from authn.people.tables import persons
from authn.staff.roles import Act
from authn.web.request import Request

MOST_SHOWN: Final = 10

_ASKER, _DECIDER = persons.alias("asker"), persons.alias("decider")
# One statement: this is on the page that an agent opens most.
_ABOUT = (
    select(
        approvals.c.id,
        approvals.c.act,
        approvals.c.state,
        approvals.c.asked_by,
        approvals.c.asked_at,
        approvals.c.expires_at,
        approvals.c.decided_at,
        approvals.c.remark,
        _ASKER.c.given_name.label("asker_given"),
        _ASKER.c.family_name.label("asker_family"),
        _DECIDER.c.given_name.label("decider_given"),
        _DECIDER.c.family_name.label("decider_family"),
    )
    .select_from(
        approvals.outerjoin(_ASKER, _ASKER.c.id == approvals.c.asked_by).outerjoin(
            _DECIDER, _DECIDER.c.id == approvals.c.decided_by
        )
    )
    .where(
        approvals.c.person_id == bindparam("about"),
        or_(WAITS, approvals.c.asked_at > bindparam("since", type_=UtcDateTime)),
    )
    .order_by(approvals.c.asked_at.desc(), approvals.c.id)
    .limit(MOST_SHOWN)
)


@dataclass(frozen=True, slots=True)
class PersonApproval:
    """An approval in a line of the person's page; `opens` is whether the viewer may open it."""

    id: UUID
    act: Act
    state: State
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    remark: str
    opens: bool


def list_person_approvals(request: Request, desk: Desk, person_id: UUID) -> list[PersonApproval]:
    """The approvals about this person that wait or were asked for in the last day, newest first."""
    parameters = {"about": person_id, "since": request.now - SHOWN_FOR, "now": request.now}
    rows = request.connection.execute(_ABOUT, parameters)
    return [_person_approval(request, desk, row) for row in rows]


def _person_approval(request: Request, desk: Desk, row: Any) -> PersonApproval:
    over = row.state == "waiting" and row.expires_at <= request.now
    state = cast("State", "expired" if over else row.state)
    own = row.asked_by == desk.person_id
    asker = _name(row.asker_given, row.asker_family)
    return PersonApproval(
        id=row.id,
        act=cast("Act", row.act),
        state=state,
        asked_by=asker if row.asked_by else request.translate(LOCAL_OPERATOR),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        decided_by=_name(row.decider_given, row.decider_family),
        remark=row.remark if state == "refused" else "",
        opens=own or (state == "waiting" and desk.staff.may("approve")),
    )


def _name(given: str | None, family: str | None) -> str:
    return f"{given or ''} {family or ''}".strip()
