"""Approvals as the pages show them; to another one than who asked, showing one is a look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from authn.audit.desk_events import ApprovalSeen
from authn.console.act_views import (
    ActConfirmation,
    Effects,
    checked_shown,
    effects_if_there,
    reason_shown,
)
from authn.console.approval_rows import Approval
from authn.console.approvals import may_decide
from authn.console.deeds import ActDetails, particulars_of
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_several_at_desk
from authn.console.targets import seen_persons
from authn.devices.devices import devices_among
from authn.devices.tables import Device
from authn.enrolment.desk_code_rows import desk_codes_among
from authn.enrolment.desk_tables import DeskCode
from authn.errors import N_
from authn.federation.foreign_identities import ForeignIdentity, find_identity
from authn.notices.address import mask_address
from authn.notices.addresses import ContactAddress, addresses_among
from authn.people.tables import Person
from authn.staff.roles import Act
from authn.web.request import Request

AT_THE_MACHINE: Final = N_("The operator, at the machine of this service")
# What ends with these is told; the others open something, and end nothing.
ENDING: Final[frozenset[Act]] = frozenset({"suspend", "unlink", "unlink-last", "block-all"})
Owned = TypeVar("Owned", Device, ContactAddress)
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
    adds_address: bool
    desk_code: DeskCode | None
    identity: ForeignIdentity | None
    other: Person | None
    checked: list[ActConfirmation]


@dataclass(frozen=True, slots=True)
class ApprovalNames:
    """What approvals speak of, each by its id: read at once for all of them."""

    persons: Mapping[UUID, Person]
    devices: Mapping[UUID, Device]
    addresses: Mapping[UUID, ContactAddress]
    desk_codes: Mapping[UUID, DeskCode]


def approval_views(request: Request, desk: Desk, found: Sequence[Approval]) -> list[ApprovalView]:
    """As a list shows them, however many, for the same number of statements.

    To another one than who asked it each is a look at that person, on record.
    """
    if not found:
        return []
    looks = [
        ApprovalSeen(**each.on_record(desk), **each.why.on_record())
        for each in found
        if each.asked_by != desk.person_id
    ]
    record_several_at_desk(request, desk, looks)
    known = _known(request, found)
    return [_view(request, desk, each, known) for each in found]


def approval_view(request: Request, desk: Desk, found: Approval) -> ApprovalView:
    """One of them, with what would end by it, and the identity that would be matched."""
    (view,) = approval_views(request, desk, [found])
    effects = None
    if view.state == "waiting" and found.act in ON_A_DEVICE:
        device_id = particulars_of(found.payload).device_id
        effects = effects_if_there(request, found.person_id, device_id)
    identity = _identity(request, found) if view.decides else None
    return replace(view, effects=effects, identity=identity)


def _view(request: Request, desk: Desk, found: Approval, known: ApprovalNames) -> ApprovalView:
    particulars = particulars_of(found.payload)
    state = found.state_at(request.now)
    on_device = state == "waiting" and found.act in ON_A_DEVICE
    device = _own(found, known.devices, particulars.device_id) if on_device else None
    code_id = _desk_code_id(found)
    desk_code = known.desk_codes.get(code_id) if code_id else None
    other = particulars.merged_id
    return ApprovalView(
        id=found.id,
        act=found.act,
        state=state,
        person=known.persons[found.person_id],
        asked_by=_asker(request, found, known),
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        decided_by=known.persons[found.decided_by].full_name if found.decided_by else "",
        remark=found.remark,
        reason=reason_shown(request, found.why.reason),
        explanation=found.why.explanation,
        ticket=found.why.ticket,
        own=found.asked_by == desk.person_id,
        decides=state == "waiting" and may_decide(desk, found),
        device=device.name if device else "",
        effects=None,
        ends=found.act in ENDING,
        gone=on_device and device is None,
        address=_address(found, particulars, desk_code, known),
        adds_address=bool(particulars.address),
        desk_code=desk_code,
        identity=None,
        other=known.persons[other] if other else None,
        checked=checked_shown(request, particulars.checked),
    )


def _known(request: Request, found: Iterable[Approval]) -> ApprovalNames:
    """Four statements, whatever is asked."""
    people: set[UUID | None] = set()
    devices: set[UUID | None] = set()
    addresses: set[UUID | None] = set()
    for each in found:
        particulars = particulars_of(each.payload)
        people |= {*each.concerned, each.asked_by, each.decided_by}
        devices.add(particulars.device_id)
        addresses.add(particulars.address_id)
    connection, secrets, now = request.connection, request.secrets, request.now
    desk_codes = desk_codes_among(connection, _there(map(_desk_code_id, found)))
    addresses |= {each.address_id for each in desk_codes.values()}
    return ApprovalNames(
        seen_persons(connection, _there(people)),
        devices_among(connection, _there(devices)),
        addresses_among(connection, secrets, _there(addresses), now),
        desk_codes,
    )


def _there(ids: Iterable[UUID | None]) -> set[UUID]:
    return {each for each in ids if each}


def _own(found: Approval, known: Mapping[UUID, Owned], of_id: UUID | None) -> Owned | None:
    """What is known by this id, if it is the person's whom the approval is about."""
    one = known.get(of_id) if of_id else None
    return one if one and one.person_id == found.person_id else None


def _address(
    found: Approval, particulars: ActDetails, desk_code: DeskCode | None, known: ApprovalNames
) -> str:
    """The address that it is about, masked; "" for none, or one that is gone."""
    if particulars.address:
        return mask_address(particulars.address)
    address_id = desk_code.address_id if desk_code else particulars.address_id
    address = _own(found, known.addresses, address_id)
    return mask_address(address.address) if address else ""


def _desk_code_id(found: Approval) -> UUID | None:
    """The code that would be printed."""
    code_id = found.payload.get("desk_code_id")
    return UUID(code_id) if code_id else None


def _identity(request: Request, found: Approval) -> ForeignIdentity | None:
    """The foreign identity that would lead to the person."""
    identity_id = found.payload.get("identity_id")
    if not identity_id:
        return None
    return find_identity(request.connection, request.secrets, UUID(identity_id))


def _asker(request: Request, found: Approval, known: ApprovalNames) -> str:
    """Who asked, by name; or in words who is at the machine."""
    if found.asked_by is None:
        return request.translate(AT_THE_MACHINE)
    return known.persons[found.asked_by].full_name
