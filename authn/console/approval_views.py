"""An approval as the pages show it; to another one than who asked, showing it is a look."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from authn.audit.desk_events import ApprovalSeen
from authn.audit.log import record
from authn.console.act_views import (
    Checked,
    Effects,
    checked_shown,
    effects_if_there,
    reason_shown,
)
from authn.console.approval_rows import Approval
from authn.console.approvals import may_decide
from authn.console.deeds import particulars_of
from authn.console.desk_sessions import Desk
from authn.console.targets import seen_person
from authn.notices.address import mask_address
from authn.people.tables import Person
from authn.staff.roles import Act
from authn.web.request import Request

# What ends with these is told; the others open something, and end nothing.
ENDING: Final[frozenset[Act]] = frozenset({"suspend", "unlink", "unlink-last", "block-all"})
ON_A_DEVICE: Final[frozenset[Act]] = ENDING | {"resume", "reinstate"}


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval as a page shows it; `decides` is whether whoever looks may decide about it."""

    id: UUID
    act: str
    state: str
    person: Person
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    remark: str
    reason: str
    explanation: str
    ticket: str
    own: bool
    decides: bool
    device: str
    effects: Effects | None
    ends: bool
    gone: bool
    address: str
    other: Person | None
    checked: list[Checked]


def approval_view(request: Request, desk: Desk, found: Approval) -> ApprovalView:
    """As it is shown; to another one than who asked it is a look at that person."""
    own = found.asked_by == desk.person_id
    if not own:
        _on_record(request, desk, found)
    particulars = particulars_of(found.payload)
    state = found.state_at(request.now)
    person = _person(request, found.person_id)
    effects = None
    if state == "waiting" and found.act in ON_A_DEVICE:
        effects = effects_if_there(request, person.id, particulars.device_id)
    return ApprovalView(
        id=found.id,
        act=found.act,
        state=state,
        person=person,
        asked_by=_name(request, found.asked_by),
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        decided_by=_name(request, found.decided_by) if found.decided_by else "",
        remark=found.remark,
        reason=reason_shown(request, found.why.reason),
        explanation=found.why.explanation,
        ticket=found.why.ticket,
        own=own,
        decides=state == "waiting" and may_decide(desk, found),
        device=effects.device.name if effects and effects.device else "",
        effects=effects,
        ends=found.act in ENDING,
        gone=state == "waiting" and found.act in ON_A_DEVICE and effects is None,
        address=mask_address(particulars.address) if particulars.address else "",
        other=_person(request, particulars.merged_id) if particulars.merged_id else None,
        checked=checked_shown(request, particulars.checked),
    )


def _person(request: Request, person_id: UUID) -> Person:
    person = seen_person(request.connection, person_id)
    assert person is not None, "a person is never deleted"
    return person


def _name(request: Request, person_id: UUID) -> str:
    return _person(request, person_id).full_name


def _on_record(request: Request, desk: Desk, found: Approval) -> None:
    event = ApprovalSeen(
        person_id=found.person_id,
        actor_id=desk.person_id,
        approval=found.id,
        act=found.act,
        reason=found.why.reason,
        explanation=found.why.explanation,
        ticket=found.why.ticket,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
