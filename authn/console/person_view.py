"""All that an agent is shown of a person: what helps a caller, and nothing that opens anything."""

from dataclasses import dataclass

from authn.console.desk_sessions import Desk
from authn.console.looks import LOOKS
from authn.console.person_approvals import PersonApproval, approvals_about
from authn.console.person_devices import DeviceCard, device_cards
from authn.console.person_offers import ActOffer, OfferTarget, person_offers
from authn.console.targets import standing_of
from authn.devices.installations import devices_and_latest_installations
from authn.devices.tables import Device
from authn.devices.transitions import state_of
from authn.enrolment.emergency import latest_block
from authn.enrolment.recovery_tables import AccountRecovery, EmergencyBlock
from authn.enrolment.returning import waiting_return
from authn.notices.address import mask_address
from authn.notices.addresses import addresses_of
from authn.people.numbers import current_ssin
from authn.people.ssin import display, mask
from authn.people.tables import Person
from authn.profiles.available import available
from authn.profiles.words import ProfileSentence, in_words
from authn.views.activity import ActivityEntry, latest_entries
from authn.views.devices import last_applications
from authn.web.request import Request

MOST_ROWS = 40
MOST_CAPACITIES = 6


@dataclass(frozen=True, slots=True)
class AddressView:
    """A contact address that whoever has it recognises; one that is not confirmed waits."""

    masked: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person on the page of the desk; `number` is masked unless it was asked for.

    `block` is an emergency block that nobody has come back from yet. Of `capacities` there are
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
    """What is shown of the person to this member of staff."""
    connection, secrets, now = request.connection, request.secrets, request.now
    found = devices_and_latest_installations(connection, person.id)
    every = [device for device, _ in found]
    used_for = last_applications(connection, person.id, now)
    target = OfferTarget(
        desk,
        person,
        request.settings,
        standing=standing_of(connection, desk, person.id),
        devices=every,
        working=any(_to_block(each, request) for each in every),
        reachable=used_for.reachable,
        return_waits=used_for.return_waits,
    )
    number = current_ssin(connection, secrets, person.id)
    capacities = _capacities(request, person)
    return PersonView(
        person=person,
        language=request.site.pages.language_name(person.language, request.language),
        number=display(number) if with_number else mask(number),
        colleague=target.standing.colleague,
        block=_block(request, every),
        waiting=waiting_return(request, person.id) if used_for.return_waits else None,
        cards=device_cards(request, target, found, used_for.by_device),
        removed=[each for each in every if each.status == "unlinked"],
        offers=person_offers(target),
        approvals=approvals_about(request, desk, person.id),
        addresses=[
            AddressView(mask_address(each.address), each.confirmed_at is not None)
            for each in addresses_of(connection, secrets, person.id, now)
        ],
        capacities=capacities[:MOST_CAPACITIES],
        more_capacities=len(capacities[MOST_CAPACITIES:]),
        happened=latest_entries(request, person.id, {each.name for each in LOOKS}, MOST_ROWS),
    )


def _to_block(device: Device, request: Request) -> bool:
    """Whether it works, or will by itself."""
    state = state_of(device, request.now)
    return state == "active" or (state == "suspended" and device.suspended_until is not None)


def _block(request: Request, every: list[Device]) -> EmergencyBlock | None:
    """The emergency block by which a device is blocked now."""
    closed = [
        each
        for each in every
        if each.suspended_why == "emergency" and state_of(each, request.now) == "suspended"
    ]
    return latest_block(request.connection, closed[0].person_id) if closed else None


def _capacities(request: Request, person: Person) -> list[ProfileSentence]:
    """The capacities that hold now, in words, but for that of citizen, which everybody has."""
    connection, secrets, settings = request.connection, request.secrets, request.settings
    held = available(connection, secrets, settings, person.id, request.now)
    return [in_words(each, request.translate) for each in held if each.kind != "citizen"]
