"""The view of a person for an agent: what helps a caller, and nothing that gives access."""

from dataclasses import dataclass

from authn.console.act_rules import staff_status
from authn.console.desk_sessions import Desk
from authn.console.looks import LOOKS
from authn.console.person_approvals import PersonApproval, list_person_approvals
from authn.console.person_devices import DeviceCard, device_cards
from authn.console.person_offers import ActOffer, OfferTarget, person_offers
from authn.devices.installations import devices_and_latest_installations
from authn.devices.tables import Device
from authn.devices.transitions import current_status
from authn.enrolment.emergency import find_latest_block
from authn.enrolment.recovery_tables import AccountRecovery, EmergencyBlock
from authn.enrolment.returning import find_waiting_recovery
from authn.notices.contact_addresses import list_contact_addresses
from authn.notices.mail_address import mask_address
from authn.people.numbers import current_ssin
from authn.people.ssin import format_ssin, mask_ssin
from authn.people.tables import Person
from authn.profiles.available import ProfileSentence, available_profiles, describe_profile
from authn.views.activity import ActivityEntry, latest_entries
from authn.views.devices import last_applications
from authn.web.request import Request

MOST_ROWS = 40
MOST_CAPACITIES = 6


@dataclass(frozen=True, slots=True)
class AddressView:
    """A contact address, masked so that only its holder recognises it."""

    masked: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person on the page of the desk; `number` is masked unless it was asked for.

    `block` is an emergency block before any account recovery. Of `capacities` there are
    `more_capacities`.
    """

    person: Person
    language: str
    number: str
    colleague: bool
    block: EmergencyBlock | None
    waiting: AccountRecovery | None
    cards: list[DeviceCard]
    removed: list[Device]
    offers: list[ActOffer]
    approvals: list[PersonApproval]
    addresses: list[AddressView]
    capacities: list[ProfileSentence]
    more_capacities: int
    happened: list[ActivityEntry]


def person_view(
    request: Request, desk: Desk, person: Person, *, with_number: bool = False
) -> PersonView:
    """The view of the person for this member of staff."""
    connection, secrets, now = request.connection, request.secrets, request.now
    found = devices_and_latest_installations(connection, person.id)
    every = [device for device, _ in found]
    used_for = last_applications(connection, person.id, now)
    target = OfferTarget(
        desk,
        person,
        request.settings,
        status=staff_status(connection, desk, person.id),
        devices=every,
        working=any(_can_be_blocked(each, request) for each in every),
        reachable=used_for.reachable,
        return_waits=used_for.recovery_waits,
    )
    number = current_ssin(connection, secrets, person.id)
    capacities = _capacities(request, person)
    return PersonView(
        person=person,
        language=request.site.pages.language_name(person.language, request.language),
        number=format_ssin(number) if with_number else mask_ssin(number),
        colleague=target.status.colleague,
        block=_block(request, every),
        waiting=find_waiting_recovery(request, person.id) if used_for.recovery_waits else None,
        cards=device_cards(request, target, found, used_for.by_device),
        removed=[each for each in every if each.status == "unlinked"],
        offers=person_offers(target),
        approvals=list_person_approvals(request, desk, person.id),
        addresses=[
            AddressView(mask_address(each.address), each.confirmed_at is not None)
            for each in list_contact_addresses(connection, secrets, person.id, now)
        ],
        capacities=capacities[:MOST_CAPACITIES],
        more_capacities=len(capacities[MOST_CAPACITIES:]),
        happened=latest_entries(request, person.id, {each.name for each in LOOKS}, MOST_ROWS),
    )


def _can_be_blocked(device: Device, request: Request) -> bool:
    """Whether the device works, or will again by itself."""
    state = current_status(device, request.now)
    return state == "active" or (state == "suspended" and device.suspended_until is not None)


def _block(request: Request, every: list[Device]) -> EmergencyBlock | None:
    """The emergency block by which a device is blocked now."""
    closed = [
        each
        for each in every
        if each.suspended_why == "emergency" and current_status(each, request.now) == "suspended"
    ]
    return find_latest_block(request.connection, closed[0].person_id) if closed else None


def _capacities(request: Request, person: Person) -> list[ProfileSentence]:
    """The capacities that hold now, in words, but for that of citizen, which everybody has."""
    connection, secrets, settings = request.connection, request.secrets, request.settings
    held = available_profiles(connection, secrets, settings, person.id, request.now)
    return [describe_profile(each, request.translate) for each in held if each.kind != "citizen"]
