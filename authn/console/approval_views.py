"""An approval as the pages show it; to another one than who asked, showing it is a look."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from authn.audit.desk_events import ApprovalSeen
from authn.console.act_views import (
    Checked,
    Effects,
    checked_shown,
    effects_if_there,
    reason_shown,
)
from authn.console.approval_rows import Approval
from authn.console.approvals import may_decide
from authn.console.deeds import Particulars, particulars_of
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.targets import seen_person
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.desk_tables import DeskCode
from authn.errors import N_
from authn.federation.foreign_identities import ForeignIdentity, find_identity
from authn.notices.address import mask_address
from authn.notices.addresses import addresses_of
from authn.people.tables import Person
from authn.staff.roles import Act
from authn.web.request import Request

AT_THE_MACHINE: Final = N_("The operator, at the machine of this service")
# What ends with these is told; the others open something, and end nothing.
ENDING: Final[frozenset[Act]] = frozenset({"suspend", "unlink", "unlink-last", "block-all"})
ON_A_DEVICE: Final[frozenset[Act]] = ENDING | {"resume", "reinstate"}


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval as a page shows it; `decides` is whether whoever looks may decide about it.

    `address` is what would be added or removed, or what gets the second half of a code; `identity`
    what would lead to the person, for who decides alone.
    """

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
    desk_code: DeskCode | None
    identity: ForeignIdentity | None
    other: Person | None
    checked: list[Checked]


def approval_view(request: Request, desk: Desk, found: Approval) -> ApprovalView:
    """As it is shown; to another one than who asked it is a look at that person."""
    own = found.asked_by == desk.person_id
    if not own:
        _on_record(request, desk, found)
    particulars = particulars_of(found.payload)
    state = found.state_at(request.now)
    decides = state == "waiting" and may_decide(desk, found)
    desk_code = _desk_code(request, found)
    person = _person(request, found.person_id)
    effects = None
    if state == "waiting" and found.act in ON_A_DEVICE:
        effects = effects_if_there(request, person.id, particulars.device_id)
    return ApprovalView(
        id=found.id,
        act=found.act,
        state=state,
        person=person,
        asked_by=asker_shown(request, found),
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        decided_by=_name(request, found.decided_by) if found.decided_by else "",
        remark=found.remark,
        reason=reason_shown(request, found.why.reason),
        explanation=found.why.explanation,
        ticket=found.why.ticket,
        own=own,
        decides=decides,
        device=effects.device.name if effects and effects.device else "",
        effects=effects,
        ends=found.act in ENDING,
        gone=state == "waiting" and found.act in ON_A_DEVICE and effects is None,
        address=_address(request, found, particulars, desk_code),
        desk_code=desk_code,
        identity=_identity(request, found) if decides else None,
        other=_person(request, particulars.merged_id) if particulars.merged_id else None,
        checked=checked_shown(request, particulars.checked),
    )


def _address(
    request: Request, found: Approval, particulars: Particulars, desk_code: DeskCode | None
) -> str:
    """The address that it is about, masked; "" for none, or one that is gone."""
    if particulars.address:
        return mask_address(particulars.address)
    address_id = desk_code.address_id if desk_code else particulars.address_id
    if address_id is None:
        return ""
    known = addresses_of(request.connection, request.secrets, found.person_id, request.now)
    return next((mask_address(each.address) for each in known if each.id == address_id), "")


def _desk_code(request: Request, found: Approval) -> DeskCode | None:
    """The code that would be printed."""
    code_id = found.payload.get("desk_code_id")
    return find_desk_code(request.connection, UUID(code_id)) if code_id else None


def _identity(request: Request, found: Approval) -> ForeignIdentity | None:
    """The foreign identity that would lead to the person."""
    identity_id = found.payload.get("identity_id")
    if not identity_id:
        return None
    return find_identity(request.connection, request.secrets, UUID(identity_id))


def _person(request: Request, person_id: UUID) -> Person:
    person = seen_person(request.connection, person_id)
    assert person is not None, "a person is never deleted"
    return person


def _name(request: Request, person_id: UUID) -> str:
    return _person(request, person_id).full_name


def asker_shown(request: Request, found: Approval) -> str:
    """Who asked, by name; or in words who is at the machine."""
    if found.asked_by is None:
        return request.translate(AT_THE_MACHINE)
    return _name(request, found.asked_by)


def _on_record(request: Request, desk: Desk, found: Approval) -> None:
    event = ApprovalSeen(**found.on_record(desk), **found.why.on_record())
    record_at_desk(request, desk, event)
