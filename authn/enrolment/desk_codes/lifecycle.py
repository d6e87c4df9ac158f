"""Codes of the desk: activation codes in two halves, from the identity check to the printed letter.

Decisions 2.11, 3.3: both halves together give a device of identity level `high`; the first half, on
paper, alone gives level `substantial`, as any other code does. For a person who has or had a device
the code waits: until a second member of staff approves, or for 24 hours in which every contact
address can cancel it. The second half goes by mail to an address that was confirmed long ago, or
into a second letter: an address of a minute ago may be a thief's, who has the letter next.

Why a row beside the activation code's: hours may pass between the identity check and the letter,
and an activation code is made only when it is printed.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, update

from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.devices.devices import list_devices_and_removed
from authn.enrolment.activation.lifecycle import issue_code_in_halves, withdraw_code
from authn.enrolment.desk_code_rows import find_desk_code, was_used, was_withdrawn
from authn.enrolment.desk_tables import DeskCode, DeskCodeState, Document, SecondHalf, desk_codes
from authn.enrolment.returning import BY_DESK, find_waiting_recovery
from authn.errors import N_, Forbidden, NotFound
from authn.notices import kinds
from authn.notices.contact_addresses import ContactAddress, list_contact_addresses
from authn.notices.notices import tell, tell_address
from authn.people.persons import lock_person
from authn.people.tables import Person

CHECK_HOLDS: Final = timedelta(minutes=30)
"""For how long after an identity check a code can be asked for."""

OPEN_FOR: Final = timedelta(days=7)
"""For how long after a wait a code can be printed; without a wait, `desk_approval_lifetime`."""


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """An activation code of the desk as it is printed once; left out of `repr`.

    `second_code` is "" where the second half goes by mail.
    """

    code: str = field(repr=False)
    second_code: str = field(repr=False)
    desk_code: DeskCode
    expires_at: datetime


def has_device_history(connection: Connection, person_id: UUID) -> bool:
    """Whether a person has or had a device: then nobody issues a code alone (decisions 3.3)."""
    return bool(list_devices_and_removed(connection, person_id))


def code_opens_at(occasion: Occasion, person_id: UUID) -> datetime:
    """The moment from which a code may be printed without a second approval; now for no wait.

    An account recovery that the desk began has warned every address too: its wait counts.
    """
    if not has_device_history(occasion.connection, person_id):
        return occasion.now
    begun = find_waiting_recovery(occasion, person_id)
    if begun and begun.proof == BY_DESK:
        return max(begun.opens_at, occasion.now)
    return occasion.now + occasion.settings.desk_code_wait


def record_identity_check(
    occasion: Occasion, person_id: UUID, registrar_id: UUID, document: Document
) -> DeskCode:
    """A registrar has checked an identity document, and can ask for a code for half an hour."""
    checked = DeskCode(
        id=uuid4(),
        person_id=person_id,
        registrar_id=registrar_id,
        document=document,
        state="checked",
        checked_at=occasion.now,
        second_half=None,
        address_id=None,
        opens_at=None,
        expires_at=occasion.now + CHECK_HOLDS,
        guarded=False,
        code_id=None,
        reference=occasion.reference,
    )
    occasion.connection.execute(insert(desk_codes), asdict(checked))
    return checked


def ask_for_code(
    occasion: Occasion,
    desk_code: DeskCode,
    second_half: SecondHalf,
    address_id: UUID | None,
    *,
    by_second: bool,
) -> DeskCode:
    """A code is asked for: it may be printed now, after a second approval, or after 24 hours.

    A person who never had a device does not wait. Earlier codes that are not printed are cancelled.
    Raises `Forbidden` where the check is too old or was used, where an address was confirmed too
    recently, and where no address could cancel a wait; `NotFound` for an address that is not
    confirmed.
    """
    person = lock_person(occasion.connection, desk_code.person_id)
    if person is None:
        raise code_not_now_refusal("merged")
    if (second_half == "mail") != (address_id is not None):
        raise code_not_now_refusal("a mail needs an address, a letter has none")
    if address_id is not None:
        _require_long_confirmed(occasion, person.id, address_id)
    opens_at = occasion.now if by_second else code_opens_at(occasion, person.id)
    if opens_at > occasion.now and not long_confirmed_addresses(occasion, person.id):
        raise Forbidden(
            "nobody_can_cancel",
            N_("There is no address that could cancel it. Ask a second member of staff."),
        )
    state: DeskCodeState = "waiting" if opens_at > occasion.now else "open"
    history = has_device_history(occasion.connection, person.id)
    at_once = occasion.settings.desk_approval_lifetime
    cancel_other_codes(occasion, desk_code)
    values: dict[str, Any] = {
        "state": "asked" if by_second else state,
        "second_half": second_half,
        "address_id": address_id,
        "opens_at": opens_at,
        "expires_at": opens_at + (OPEN_FOR if by_second or state == "waiting" else at_once),
        "guarded": by_second or history,
    }
    if not change_desk_code_state(occasion, desk_code.id, ("checked",), values):
        raise code_not_now_refusal("the identity check is used, or too old")
    if history:
        tell(occasion, person.id, kinds.DeskCodeNotice(desk_code.id, opens_at))
    return replace(desk_code, **values)


def open_desk_code(occasion: Occasion, desk_code_id: UUID) -> bool:
    """Whether the code may be printed now that a second member of staff approved."""
    until = occasion.now + occasion.settings.desk_approval_lifetime
    values = {"state": "open", "opens_at": occasion.now, "expires_at": until}
    return change_desk_code_state(occasion, desk_code_id, ("asked",), values)


def print_desk_code(occasion: Occasion, desk_code: DeskCode, person: Person) -> PrintedCode:
    """The printed code, which withdraws any earlier one; its second half is sent or printed too.

    Can be repeated for a few minutes, unless the code was used or withdrawn. Raises `Forbidden`
    when the code may not be printed now.
    """
    locked = lock_person(occasion.connection, person.id)
    present = find_desk_code(occasion.connection, desk_code.id)
    if locked is None or not (
        present.is_open_at(occasion.now) or may_print_again(occasion, present)
    ):
        raise code_not_now_refusal("not open, too old, cancelled or used")
    if not present.guarded and has_device_history(occasion.connection, person.id):
        raise code_not_now_refusal("the person has got a device since it was asked for")
    connection, now = occasion.connection, occasion.now
    issued = issue_code_in_halves(
        connection, occasion.secrets, occasion.settings, locked, now, occasion.reference
    )
    values: dict[str, Any] = {
        "state": "printed",
        "code_id": issued.id,
        "reference": occasion.reference,
        "printed_at": present.printed_at or occasion.now,
    }
    if not change_desk_code_state(occasion, present.id, ("open", "printed", "waiting"), values):
        raise code_not_now_refusal("it changed meanwhile")
    printed = replace(present, **values)
    second_code = issued.second_code
    if present.second_half == "mail":
        _send_second_half(occasion, present, locked, second_code, issued.expires_at)
        second_code = ""
    return PrintedCode(issued.code, second_code, printed, issued.expires_at)


def may_print_again(occasion: Occasion, desk_code: DeskCode) -> bool:
    """Whether a letter that was just printed may be printed again, with another code."""
    connection = occasion.connection
    return (
        desk_code.is_again_at(occasion.now, occasion.settings.desk_undo)
        and not was_used(connection, desk_code)
        and not was_withdrawn(connection, desk_code)
    )


def long_confirmed_addresses(occasion: Occasion, person_id: UUID) -> list[ContactAddress]:
    """The addresses that were confirmed long enough ago to get a second half (decisions 3.3)."""
    since = occasion.now - occasion.settings.desk_address_age
    return [
        each
        for each in confirmed_contact_addresses(occasion, person_id)
        if each.confirmed_at is not None and each.confirmed_at <= since
    ]


def confirmed_contact_addresses(occasion: Occasion, person_id: UUID) -> list[ContactAddress]:
    """The confirmed contact addresses of a person, however recent."""
    found = list_contact_addresses(occasion.connection, occasion.secrets, person_id, occasion.now)
    return [each for each in found if each.confirmed_at is not None]


def cancel_desk_code(occasion: Occasion, desk_code_id: UUID) -> bool:
    """Whether a code of the desk was cancelled now, with a printed code; False when it had ended.

    Of a cancellation and a use at the same moment only one succeeds: both lock the person.
    """
    found = find_desk_code(occasion.connection, desk_code_id)
    lock_person(occasion.connection, found.person_id)
    present = find_desk_code(occasion.connection, desk_code_id)
    if was_used(occasion.connection, present):
        return False
    if present.code_id is not None:
        withdraw_code(occasion.connection, present.code_id, occasion.now)
    return change_desk_code_state(occasion, desk_code_id, _LIVING, {"state": "cancelled"})


_LIVING: Final = ("checked", "asked", "waiting", "open", "printed")


def _require_long_confirmed(occasion: Occasion, person_id: UUID, address_id: UUID) -> None:
    if all(each.id != address_id for each in confirmed_contact_addresses(occasion, person_id)):
        raise NotFound("not_found", N_("This address is not confirmed, or was removed."))
    if all(each.id != address_id for each in long_confirmed_addresses(occasion, person_id)):
        raise Forbidden(
            "address_too_young",
            N_("This address was confirmed too recently. Choose another one, or a second letter."),
        )


def _send_second_half(
    occasion: Occasion, desk_code: DeskCode, person: Person, code: str, until: datetime
) -> None:
    """Mails the second half to the chosen address, if still the person's."""
    known = {each.id: each.address for each in confirmed_contact_addresses(occasion, person.id)}
    address = known.get(desk_code.address_id) if desk_code.address_id else None
    if address is None:
        raise Forbidden(
            "address_gone",
            N_("The address was removed meanwhile. Begin again, with another one or a letter."),
        )
    # In the fragment, which no server ever sees; a page whose button sends it (decisions 2.10).
    link = f"{occasion.settings.issuer}/activate/second#{code}"
    notice = kinds.ActivationLinkNotice(link, until)
    tell_address(occasion, address, person.language, notice, person.id, name=person.given_name)


def cancel_other_codes(occasion: Occasion, desk_code: DeskCode) -> None:
    """The person's other codes that are not printed yet are cancelled."""
    occasion.connection.execute(
        update(desk_codes)
        .where(
            desk_codes.c.person_id == desk_code.person_id,
            desk_codes.c.id != desk_code.id,
            desk_codes.c.state.in_(("asked", "waiting", "open")),
        )
        .values(state="cancelled")
    )


def change_desk_code_state(
    occasion: Occasion, desk_code_id: UUID, before: tuple[str, ...], values: dict[str, Any]
) -> bool:
    """Whether a code was in one of the states `before`, not too old, and has the values now."""
    must_write(occasion.connection)
    statement = (
        update(desk_codes)
        .where(desk_codes.c.id == desk_code_id, _living_in(before, occasion.now))
        .values(values)
    )
    return occasion.connection.execute(statement).rowcount == 1


def _living_in(before: tuple[str, ...], now: datetime) -> ColumnElement[bool]:
    return and_(
        desk_codes.c.state.in_(before),
        or_(desk_codes.c.expires_at > now, desk_codes.c.state == "printed"),
    )


def code_not_now_refusal(detail: str) -> Forbidden:
    """The refusal of a code that may not be asked for or printed now."""
    return Forbidden(
        "code_not_now",
        N_("No code can be issued by this any more. Check the identity again, and begin anew."),
        detail=detail,
    )
