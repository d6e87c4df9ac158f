"""Views of approvals for the pages; shown to anybody but who asked, each is recorded as a look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from authn.audit.events.desk_acts import ApprovalSeen
from authn.console.act_rules import find_persons_at_desk
from authn.console.act_views import (
    ActEffects,
    CallerAnswer,
    caller_answer_views,
    find_effects_or_none,
    reason_sentence,
)
from authn.console.approval_rows import Approval
from authn.console.approvals import may_decide
from authn.console.desk_sessions import Desk
from authn.console.device_acts import ActDetails, details_from_payload
from authn.console.recording import record_several_at_desk
from authn.devices.devices import find_devices
from authn.devices.tables import Device
from authn.enrolment.desk_code_rows import find_desk_codes
from authn.enrolment.desk_tables import DeskCode
from authn.errors import N_
from authn.federation.foreign_identities import ForeignIdentity, find_identity
from authn.notices.contact_addresses import ContactAddress, find_contact_addresses
from authn.notices.mail_address import mask_address
from authn.people.tables import Person
from authn.staff.roles import Act
from authn.web.request import Request

LOCAL_OPERATOR: Final = N_("The operator, at the machine of this service")
# The page says what ends by these acts; the others end nothing.
ENDING: Final[frozenset[Act]] = frozenset({"suspend", "unlink", "unlink-last", "block-all"})
Owned = TypeVar("Owned", Device, ContactAddress)
DEVICE_ACTS: Final[frozenset[Act]] = ENDING | {"resume", "reinstate"}


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval as a page shows it; `decides` is whether the viewer may decide about it.

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
    effects: ActEffects | None
    ends: bool
    gone: bool
    address: str
    adds_address: bool
    desk_code: DeskCode | None
    identity: ForeignIdentity | None
    other: Person | None
    checked: list[CallerAnswer]


@dataclass(frozen=True, slots=True)
class ApprovalNames:
    """The persons, devices, addresses and codes that a list of approvals names, each by its id."""

    persons: Mapping[UUID, Person]
    devices: Mapping[UUID, Device]
    addresses: Mapping[UUID, ContactAddress]
    desk_codes: Mapping[UUID, DeskCode]


def approval_views(request: Request, desk: Desk, found: Sequence[Approval]) -> list[ApprovalView]:
    """The views of a list of approvals, in a fixed number of statements.

    Each is recorded as a look at its person, but for who asked.
    """
    if not found:
        return []
    looks = [
        ApprovalSeen(**each.event_fields(desk), **each.why.event_fields())
        for each in found
        if each.asked_by != desk.person_id
    ]
    record_several_at_desk(request, desk, looks)
    known = _find_names(request, found)
    return [_view(request, desk, each, known) for each in found]


def approval_view(request: Request, desk: Desk, found: Approval) -> ApprovalView:
    """The view of an approval, with what would end by it, and the identity to be matched."""
    (view,) = approval_views(request, desk, [found])
    effects = None
    if view.state == "waiting" and found.act in DEVICE_ACTS:
        device_id = details_from_payload(found.payload).device_id
        effects = find_effects_or_none(request, found.person_id, device_id)
    identity = _identity(request, found) if view.decides else None
    return replace(view, effects=effects, identity=identity)


def _view(request: Request, desk: Desk, found: Approval, known: ApprovalNames) -> ApprovalView:
    details = details_from_payload(found.payload)
    state = found.state_at(request.now)
    on_device = state == "waiting" and found.act in DEVICE_ACTS
    device = _owned_by_person(found, known.devices, details.device_id) if on_device else None
    code_id = _desk_code_id(found)
    desk_code = known.desk_codes.get(code_id) if code_id else None
    other = details.merged_id
    return ApprovalView(
        id=found.id,
        act=found.act,
        state=state,
        person=known.persons[found.person_id],
        asked_by=_asker_name(request, found, known),
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        decided_by=known.persons[found.decided_by].full_name if found.decided_by else "",
        remark=found.remark,
        reason=reason_sentence(request, found.why.reason),
        explanation=found.why.explanation,
        ticket=found.why.ticket,
        own=found.asked_by == desk.person_id,
        decides=state == "waiting" and may_decide(desk, found),
        device=device.name if device else "",
        effects=None,
        ends=found.act in ENDING,
        gone=on_device and device is None,
        address=_address(found, details, desk_code, known),
        adds_address=bool(details.address),
        desk_code=desk_code,
        identity=None,
        other=known.persons[other] if other else None,
        checked=caller_answer_views(request, details.checked),
    )


def _find_names(request: Request, found: Iterable[Approval]) -> ApprovalNames:
    """Everything that the approvals name, in four statements."""
    people: set[UUID | None] = set()
    devices: set[UUID | None] = set()
    addresses: set[UUID | None] = set()
    for each in found:
        details = details_from_payload(each.payload)
        people |= {*each.persons_acted_on, each.asked_by, each.decided_by}
        devices.add(details.device_id)
        addresses.add(details.address_id)
    connection, secrets, now = request.connection, request.secrets, request.now
    desk_codes = find_desk_codes(connection, _present_ids(map(_desk_code_id, found)))
    addresses |= {each.address_id for each in desk_codes.values()}
    return ApprovalNames(
        find_persons_at_desk(connection, _present_ids(people)),
        find_devices(connection, _present_ids(devices)),
        find_contact_addresses(connection, secrets, _present_ids(addresses), now),
        desk_codes,
    )


def _present_ids(ids: Iterable[UUID | None]) -> set[UUID]:
    return {each for each in ids if each}


def _owned_by_person(
    found: Approval, known: Mapping[UUID, Owned], of_id: UUID | None
) -> Owned | None:
    """The value with this id, if it belongs to the person whom the approval is about."""
    one = known.get(of_id) if of_id else None
    return one if one and one.person_id == found.person_id else None


def _address(
    found: Approval, details: ActDetails, desk_code: DeskCode | None, known: ApprovalNames
) -> str:
    """The address that the approval is about, masked; "" for none, or for one that is gone."""
    if details.address:
        return mask_address(details.address)
    address_id = desk_code.address_id if desk_code else details.address_id
    address = _owned_by_person(found, known.addresses, address_id)
    return mask_address(address.address) if address else ""


def _desk_code_id(found: Approval) -> UUID | None:
    """The id of the desk code that would be printed."""
    code_id = found.payload.get("desk_code_id")
    return UUID(code_id) if code_id else None


def _identity(request: Request, found: Approval) -> ForeignIdentity | None:
    """The foreign identity that would be matched to the person."""
    identity_id = found.payload.get("identity_id")
    if not identity_id:
        return None
    return find_identity(request.connection, request.secrets, UUID(identity_id))


def _asker_name(request: Request, found: Approval, known: ApprovalNames) -> str:
    """The name of who asked, or that a local operator did."""
    if found.asked_by is None:
        return request.translate(LOCAL_OPERATOR)
    return known.persons[found.asked_by].full_name
