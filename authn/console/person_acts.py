"""The acts on a whole person: block all devices, begin a recovery, change an address, merge."""

from collections.abc import Mapping
from typing import Final

from authn.audit.events import desk_acts as events
from authn.audit.events.devices import AddressAdded, AddressRemoved
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.console.act_rules import find_person_at_desk, guard_target
from authn.console.device_acts import ActSetting, ActSteps
from authn.console.merging import MERGE_STEPS, register_verdict
from authn.devices.devices import list_devices, record_desk_reason
from authn.devices.tables import Device
from authn.enrolment.emergency import begin_emergency_block
from authn.enrolment.returning import BY_DESK, begin_account_recovery, find_waiting_recovery
from authn.errors import N_, CommandError, Forbidden, InvalidRequest, NotFound, Refusal
from authn.notices import kinds
from authn.notices.contact_addresses import (
    ContactAddress,
    add_address,
    confirmed_addresses,
    find_address,
    remove_address,
    require_room_for_address,
)
from authn.notices.mail_address import mask_address, read_address
from authn.notices.notices import tell, tell_address
from authn.outbox.smtp import can_send
from authn.people.merge import merge_persons
from authn.people.numbers import current_ssin
from authn.people.persons import Citizen
from authn.people.tables import Person
from authn.sources.embedded.register import EmbeddedRegister
from authn.staff.reasons import is_fraud
from authn.staff.roles import Act

NOTHING_TO_BLOCK = N_("No device of this person works. There is nothing to block.")
NO_DEVICE = N_("This person never had a device. An activation code is enough.")
RETURN_WAITS = N_("A return of this person waits already. It goes on as it is.")
NOT_REACHABLE = N_(
    "This person has no address at which we could warn them, so a return cannot wait. Issue an "
    "activation code with the approval of a second member of staff."
)
ROOM = N_("This address is in the list already, the list is full, or many were added today.")
NO_SUCH_ADDRESS = N_("This address is not there any more. Nothing was done now.")
NO_MAIL = N_(
    "This service cannot send mail yet, and a new address is confirmed by mail. Nothing was done."
)
NOBODY = N_("There is no such other person.")
TWO_CITIZENS = N_("The national register says that these are two different citizens.")
NOT_MERGED = N_(
    "These two cannot be joined: one of them has died, was joined before, or works at the desk."
)


def _require_devices_to_block(setting: ActSetting) -> list[Device]:
    """The devices that work, or will again by themselves; raises `Forbidden` for none."""
    every = list_devices(setting.occasion.connection, setting.person.id)
    found = [
        each
        for each in every
        if each.status == "active"
        or (each.status == "suspended" and each.suspended_until is not None)
    ]
    if not found:
        raise Forbidden("nothing_to_block", NOTHING_TO_BLOCK)
    return found


def _block_all(setting: ActSetting) -> events.DeskAct:
    occasion, person_id, reason = setting.occasion, setting.person.id, setting.desk.why.reason
    begin_emergency_block(occasion, person_id, "desk", reason)
    if is_fraud(occasion.settings, reason):
        record_desk_reason(occasion.connection, person_id, reason)
    return events.DeskBlockedAll(**setting.event_fields())


def _require_recovery_possible(setting: ActSetting) -> None:
    connection, person = setting.occasion.connection, setting.person
    if not list_devices(connection, person.id):
        raise Forbidden("no_device", NO_DEVICE)
    if find_waiting_recovery(setting.occasion, person.id):
        raise Forbidden("return_waits", RETURN_WAITS)
    # The wait protects by the link that cancels it, and by nothing else (decisions 3.3).
    if not confirmed_addresses(connection, setting.occasion.secrets, person.id):
        raise Forbidden("not_reachable", NOT_REACHABLE)


def _begin_recovery(setting: ActSetting) -> events.DeskAct:
    by = setting.desk.person_id
    begin_account_recovery(setting.occasion, setting.person.id, BY_DESK, "substantial", by)
    return events.DeskAccountRecoveryBegun(**setting.event_fields())


def _require_address_change_possible(setting: ActSetting) -> None:
    """Raises where the address cannot be added or removed now."""
    occasion, details = setting.occasion, setting.details
    if details.address_id:
        _find_address(setting)
        return
    if not can_send(occasion.settings):
        raise Forbidden("no_mail", NO_MAIL)
    address = read_address(details.address)
    room = (occasion.connection, occasion.secrets, setting.person.id, address, occasion.now)
    try:
        require_room_for_address(*room)
    except Refusal as refusal:
        raise Forbidden("no_room", ROOM, detail=refusal.error) from None


def _change_address(setting: ActSetting) -> events.DeskAct:
    change = _remove_address if setting.details.address_id else _add_address
    address = change(setting)
    kind = "removed" if setting.details.address_id else "added"
    common = setting.event_fields()
    return events.DeskAddressChanged(**common, change=kind, address_id=str(address.id))


def _add_address(setting: ActSetting) -> ContactAddress:
    """The address waits to be confirmed by its link; the other addresses are notified."""
    occasion, person = setting.occasion, setting.person
    address = read_address(setting.details.address)
    waiting, secret = add_address(
        occasion.connection, occasion.secrets, person.id, address, occasion.now
    )
    _record(setting, AddressAdded(person_id=person.id, address_id=str(waiting.id)))
    link = f"{occasion.settings.issuer}/addresses/confirm#{secret}"
    notice = kinds.AddressConfirmationNotice(link, waiting.confirmable_until)
    tell_address(occasion, address, person.language, notice, person.id)
    tell(occasion, person.id, kinds.AddressAddedNotice(mask_address(address), "desk"))
    return waiting


def _remove_address(setting: ActSetting) -> ContactAddress:
    """The address is removed; if it was confirmed, after a mail to all that says so."""
    occasion, person = setting.occasion, setting.person
    address = _find_address(setting)
    if address.confirmed_at:
        tell(occasion, person.id, kinds.AddressRemovedNotice(mask_address(address.address), "desk"))
    remove_address(occasion.connection, address, occasion.now)
    _record(setting, AddressRemoved(person_id=person.id, address_id=str(address.id)))
    return address


def _find_address(setting: ActSetting) -> ContactAddress:
    occasion, address_id = setting.occasion, setting.details.address_id
    assert address_id is not None
    try:
        return find_address(
            occasion.connection, occasion.secrets, setting.person.id, address_id, occasion.now
        )
    except NotFound:
        raise NotFound("address_gone", NO_SUCH_ADDRESS) from None


def _require_one_citizen(setting: ActSetting) -> Citizen | None:
    """The citizen that the two persons are, by the national register; None where unknown.

    Raises `Forbidden` for two citizens, and as `guard_target` for the person to be merged.
    """
    other = _find_other_person(setting)
    guard_target(setting.occasion, setting.desk, "merge", other)
    merged, kept = (_find_in_register(setting, each) for each in (other, setting.person))
    verdict, citizen = register_verdict(merged, kept)
    if verdict == "two":
        raise Forbidden("two_citizens", TWO_CITIZENS)
    return citizen


def _merge(setting: ActSetting) -> events.DeskAct:
    citizen, other = _require_one_citizen(setting), _find_other_person(setting)
    occasion = setting.occasion
    savepoint = occasion.connection.begin_nested()
    try:
        merge_persons(occasion, other.id, setting.person.id, MERGE_STEPS.values(), citizen)
    except CommandError as error:
        savepoint.rollback()  # a part may refuse after another has moved what it has
        raise Forbidden("not_merged", NOT_MERGED, detail=str(error)) from None
    savepoint.commit()
    return events.DeskMerged(**setting.event_fields(), other=other.id)


def _find_other_person(setting: ActSetting) -> Person:
    merged_id = setting.details.merged_id
    assert merged_id is not None
    other = find_person_at_desk(setting.occasion.connection, merged_id)
    if other is None or other.id == setting.person.id:
        raise InvalidRequest("no_other_person", NOBODY)
    return other


def _find_in_register(setting: ActSetting, person: Person) -> Citizen | None:
    connection, secrets = setting.occasion.connection, setting.occasion.secrets
    ssin = current_ssin(connection, secrets, person.id)
    return EmbeddedRegister(connection, secrets).entry(ssin)


def _record(setting: ActSetting, event: Event) -> None:
    occasion = setting.occasion
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)


ON_PERSONS: Final[Mapping[Act, ActSteps]] = {
    "block-all": ActSteps(_require_devices_to_block, _block_all),
    "begin-return": ActSteps(_require_recovery_possible, _begin_recovery),
    "change-address": ActSteps(_require_address_change_possible, _change_address),
    "merge": ActSteps(_require_one_citizen, _merge),
}
