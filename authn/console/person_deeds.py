"""The desk's acts on a whole person: all devices, the return, an address, two who are one."""

from collections.abc import Mapping
from typing import Final

from authn.audit import desk_events as events
from authn.audit.device_events import AddressAdded, AddressRemoved
from authn.audit.events import Event
from authn.audit.log import record
from authn.console.deeds import ActSetting, ApprovalAct
from authn.console.merge_parts import PARTS, register_verdict
from authn.console.targets import guard_target, seen_person
from authn.devices.devices import devices_of, note_reason
from authn.devices.tables import Device
from authn.enrolment.emergency import use_emergency_door
from authn.enrolment.returning import BY_DESK, begin_return, waiting_return
from authn.errors import N_, CommandError, Forbidden, InvalidRequest, NotFound, Refusal
from authn.notices import kinds
from authn.notices.address import mask_address, read_address
from authn.notices.addresses import (
    ContactAddress,
    add_address,
    check_room,
    confirmed_addresses,
    find_address,
    remove_address,
)
from authn.notices.notices import tell, tell_address
from authn.outbox.smtp import can_send
from authn.people.citizen import Citizen
from authn.people.merge import merge_persons
from authn.people.numbers import current_ssin
from authn.people.tables import Person
from authn.sources.embedded import EmbeddedRegister
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


def _to_block(setting: ActSetting) -> list[Device]:
    """The devices that work, or would by themselves."""
    every = devices_of(setting.occasion.connection, setting.person.id)
    found = [
        each
        for each in every
        if each.status == "active"
        or (each.status == "suspended" and each.suspended_until is not None)
    ]
    if not found:
        raise Forbidden("nothing_to_block", NOTHING_TO_BLOCK)
    return found


def _blocked_all(setting: ActSetting) -> events.DeskAct:
    occasion, person_id, reason = setting.occasion, setting.person.id, setting.desk.why.reason
    use_emergency_door(occasion, person_id, "desk", reason)
    if is_fraud(occasion.settings, reason):
        note_reason(occasion.connection, person_id, reason)
    return events.DeskBlockedAll(**setting.on_record())


def _may_return(setting: ActSetting) -> None:
    connection, person = setting.occasion.connection, setting.person
    if not devices_of(connection, person.id):
        raise Forbidden("no_device", NO_DEVICE)
    if waiting_return(setting.occasion, person.id):
        raise Forbidden("return_waits", RETURN_WAITS)
    # The wait protects by the link that cancels it, and by nothing else (decisions 3.3).
    if not confirmed_addresses(connection, setting.occasion.secrets, person.id):
        raise Forbidden("not_reachable", NOT_REACHABLE)


def _return_begun(setting: ActSetting) -> events.DeskAct:
    by = setting.desk.person_id
    begin_return(setting.occasion, setting.person.id, BY_DESK, "substantial", by)
    return events.DeskAccountRecoveryBegun(**setting.on_record())


def _room_for_address(setting: ActSetting) -> None:
    """The address can be added or removed now; an added one has still to be confirmed by mail."""
    occasion, particulars = setting.occasion, setting.particulars
    if particulars.address_id:
        _address(setting)
        return
    if not can_send(occasion.settings):
        raise Forbidden("no_mail", NO_MAIL)
    address = read_address(particulars.address)
    room = (occasion.connection, occasion.secrets, setting.person.id, address, occasion.now)
    try:
        check_room(*room)
    except Refusal as refusal:
        raise Forbidden("no_room", ROOM, detail=refusal.error) from None


def _address_changed(setting: ActSetting) -> events.DeskAct:
    change = _removed if setting.particulars.address_id else _added
    address = change(setting)
    kind = "removed" if setting.particulars.address_id else "added"
    common = setting.on_record()
    return events.DeskAddressChanged(**common, change=kind, address_id=str(address.id))


def _added(setting: ActSetting) -> ContactAddress:
    """The address waits for its link; whoever reads the others is told (as account.addresses)."""
    occasion, person = setting.occasion, setting.person
    address = read_address(setting.particulars.address)
    waiting, secret = add_address(
        occasion.connection, occasion.secrets, person.id, address, occasion.now
    )
    _record(setting, AddressAdded(person_id=person.id, address_id=str(waiting.id)))
    link = f"{occasion.settings.issuer}/addresses/confirm#{secret}"
    notice = kinds.AddressConfirmationNotice(link, waiting.confirmable_until)
    tell_address(occasion, address, person.language, notice, person.id)
    tell(occasion, person.id, kinds.AddressAddedNotice(mask_address(address), "desk"))
    return waiting


def _removed(setting: ActSetting) -> ContactAddress:
    """The address gets nothing more, after the mail that says so."""
    occasion, person = setting.occasion, setting.person
    address = _address(setting)
    if address.confirmed_at:
        tell(occasion, person.id, kinds.AddressRemovedNotice(mask_address(address.address), "desk"))
    remove_address(occasion.connection, address, occasion.now)
    _record(setting, AddressRemoved(person_id=person.id, address_id=str(address.id)))
    return address


def _address(setting: ActSetting) -> ContactAddress:
    occasion, address_id = setting.occasion, setting.particulars.address_id
    assert address_id is not None
    try:
        return find_address(
            occasion.connection, occasion.secrets, setting.person.id, address_id, occasion.now
        )
    except NotFound:
        raise NotFound("address_gone", NO_SUCH_ADDRESS) from None


def _both(setting: ActSetting) -> Citizen | None:
    """Whom the register says that the two are; the one who is merged may be acted on, too."""
    other = _other(setting)
    guard_target(setting.occasion, setting.desk, "merge", other)
    merged, kept = (_in_register(setting, each) for each in (other, setting.person))
    verdict, citizen = register_verdict(merged, kept)
    if verdict == "two":
        raise Forbidden("two_citizens", TWO_CITIZENS)
    return citizen


def _merged(setting: ActSetting) -> events.DeskAct:
    citizen, other = _both(setting), _other(setting)
    occasion = setting.occasion
    savepoint = occasion.connection.begin_nested()
    try:
        merge_persons(occasion, other.id, setting.person.id, PARTS.values(), citizen)
    except CommandError as error:
        savepoint.rollback()  # a part may refuse after another has moved what it has
        raise Forbidden("not_merged", NOT_MERGED, detail=str(error)) from None
    savepoint.commit()
    return events.DeskMerged(**setting.on_record(), other=other.id)


def _other(setting: ActSetting) -> Person:
    merged_id = setting.particulars.merged_id
    assert merged_id is not None
    other = seen_person(setting.occasion.connection, merged_id)
    if other is None or other.id == setting.person.id:
        raise InvalidRequest("no_other_person", NOBODY)
    return other


def _in_register(setting: ActSetting, person: Person) -> Citizen | None:
    connection, secrets = setting.occasion.connection, setting.occasion.secrets
    ssin = current_ssin(connection, secrets, person.id)
    return EmbeddedRegister(connection, secrets).entry(ssin)


def _record(setting: ActSetting, event: Event) -> None:
    occasion = setting.occasion
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)


ON_PERSONS: Final[Mapping[Act, ApprovalAct]] = {
    "block-all": ApprovalAct(_to_block, _blocked_all),
    "begin-return": ApprovalAct(_may_return, _return_begun),
    "change-address": ApprovalAct(_room_for_address, _address_changed),
    "merge": ApprovalAct(_both, _merged),
}
