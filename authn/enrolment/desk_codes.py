"""Codes issued at the desk, in two halves: one on paper, one by mail or by a second letter.

Protocol 2.11, 3.3: both halves together make a device of identity level `high`; the paper alone
makes one of level `substantial`, as any other code does. For a person who has or had a device the
code waits: until a second member of staff has said yes, or for 24 hours in which every address on
file can cancel it. The second half goes to an address that was confirmed earlier, or into a letter:
one that was confirmed a minute ago may be a thief's, who has the letter next.

Why a row of its own and not the code's: between the identity check and the letter there are people
and hours, and a code is to be known at the one moment when it is printed.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, update

from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.devices.devices import every_device_of
from authn.enrolment.activation import issue_code_in_halves, withdraw_code
from authn.enrolment.desk_code_rows import find_desk_code, was_used, was_withdrawn
from authn.enrolment.desk_tables import DeskCode, DeskCodeState, Document, SecondHalf, desk_codes
from authn.enrolment.returning import BY_DESK, waiting_return
from authn.errors import N_, Forbidden, NotFound
from authn.notices import kinds
from authn.notices.addresses import ContactAddress, addresses_of
from authn.notices.notices import tell, tell_address
from authn.people.persons import lock_person
from authn.people.tables import Person

CHECK_HOLDS: Final = timedelta(minutes=30)
"""How long after the identity was checked a code can be asked for."""

OPEN_FOR: Final = timedelta(days=7)
"""How long after a wait a code can be printed; without one, `desk_approval_lifetime`."""


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """A code at the one moment when it is known; never printed by `repr`.

    `second_code` is "" where a mail brings it.
    """

    code: str = field(repr=False)
    second_code: str = field(repr=False)
    desk_code: DeskCode
    expires_at: datetime


def has_history(connection: Connection, person_id: UUID) -> bool:
    """Whether the person has or had a device: then nobody issues a code alone (decisions 3.3)."""
    return bool(every_device_of(connection, person_id))


def waits_until(occasion: Occasion, person_id: UUID) -> datetime:
    """From when a code may be printed where no second member of staff agrees; now for no wait.

    A return that the desk began has warned every address as well: its wait is the code's.
    """
    if not has_history(occasion.connection, person_id):
        return occasion.now
    begun = waiting_return(occasion, person_id)
    if begun and begun.proof == BY_DESK:
        return max(begun.opens_at, occasion.now)
    return occasion.now + occasion.settings.desk_code_wait


def identity_checked(
    occasion: Occasion, person_id: UUID, registrar_id: UUID, document: Document
) -> DeskCode:
    """The registrar has seen the document; for half an hour a code can be asked for by them."""
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
    """The code may be printed now, or once a second person agreed, or 24 hours later.

    Who has no history of devices waits for nothing. What was asked for before and is not printed
    is cancelled by it. Raises `Forbidden` where the check is too old or was used, where an address
    was confirmed too lately, and where there is none that could cancel a wait; `NotFound` for an
    address that is not confirmed.
    """
    person = lock_person(occasion.connection, desk_code.person_id)
    if person is None:
        raise not_now("merged")
    if (second_half == "mail") != (address_id is not None):
        raise not_now("a mail needs an address, a letter has none")
    if address_id is not None:
        _require_known(occasion, person.id, address_id)
    opens_at = occasion.now if by_second else waits_until(occasion, person.id)
    if opens_at > occasion.now and not known_addresses(occasion, person.id):
        raise Forbidden(
            "nobody_can_cancel",
            N_("There is no address that could cancel it. Ask a second member of staff."),
        )
    state: DeskCodeState = "waiting" if opens_at > occasion.now else "open"
    history = has_history(occasion.connection, person.id)
    at_once = occasion.settings.desk_approval_lifetime
    cancel_others(occasion, desk_code)
    values: dict[str, Any] = {
        "state": "asked" if by_second else state,
        "second_half": second_half,
        "address_id": address_id,
        "opens_at": opens_at,
        "expires_at": opens_at + (OPEN_FOR if by_second or state == "waiting" else at_once),
        "guarded": by_second or history,
    }
    if not step(occasion, desk_code.id, ("checked",), values):
        raise not_now("the identity check is used, or too old")
    if history:
        tell(occasion, person.id, kinds.DeskCodeNotice(desk_code.id, opens_at))
    return replace(desk_code, **values)


def open_desk_code(occasion: Occasion, desk_code_id: UUID) -> bool:
    """Whether the code may be printed by this: a second member of staff agreed."""
    until = occasion.now + occasion.settings.desk_approval_lifetime
    values = {"state": "open", "opens_at": occasion.now, "expires_at": until}
    return step(occasion, desk_code_id, ("asked",), values)


def print_desk_code(occasion: Occasion, desk_code: DeskCode, person: Person) -> PrintedCode:
    """The code, which withdraws any earlier one; its second half is on its way, or with it.

    It can be done anew for a few minutes, unless the code was used or withdrawn. Raises `Forbidden`
    when it may not be done now.
    """
    locked = lock_person(occasion.connection, person.id)
    present = find_desk_code(occasion.connection, desk_code.id)
    if locked is None or not (
        present.is_open_at(occasion.now) or can_print_again(occasion, present)
    ):
        raise not_now("not open, too old, cancelled or used")
    if not present.guarded and has_history(occasion.connection, person.id):
        raise not_now("the person has got a device since it was asked for")
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
    if not step(occasion, present.id, ("open", "printed", "waiting"), values):
        raise not_now("it changed meanwhile")
    printed = replace(present, **values)
    second_code = issued.second_code
    if present.second_half == "mail":
        _send_second_half(occasion, present, locked, second_code, issued.expires_at)
        second_code = ""
    return PrintedCode(issued.code, second_code, printed, issued.expires_at)


def can_print_again(occasion: Occasion, desk_code: DeskCode) -> bool:
    """Whether a letter that was printed just now may be printed anew, with another code."""
    connection = occasion.connection
    return (
        desk_code.is_again_at(occasion.now, occasion.settings.desk_undo)
        and not was_used(connection, desk_code)
        and not was_withdrawn(connection, desk_code)
    )


def known_addresses(occasion: Occasion, person_id: UUID) -> list[ContactAddress]:
    """The addresses that were confirmed long enough ago to get a half of a code (decisions 3.3)."""
    since = occasion.now - occasion.settings.desk_address_age
    return [
        each
        for each in confirmed(occasion, person_id)
        if each.confirmed_at is not None and each.confirmed_at <= since
    ]


def confirmed(occasion: Occasion, person_id: UUID) -> list[ContactAddress]:
    """The person's confirmed addresses, also those of a minute ago."""
    found = addresses_of(occasion.connection, occasion.secrets, person_id, occasion.now)
    return [each for each in found if each.confirmed_at is not None]


def cancel_desk_code(occasion: Occasion, desk_code_id: UUID) -> bool:
    """Whether it was cancelled by this, with the code if one was printed; False when it is over.

    Of a cancellation and a use at the same moment, one alone happens: both lock the person.
    """
    found = find_desk_code(occasion.connection, desk_code_id)
    lock_person(occasion.connection, found.person_id)
    present = find_desk_code(occasion.connection, desk_code_id)
    if was_used(occasion.connection, present):
        return False
    if present.code_id is not None:
        withdraw_code(occasion.connection, present.code_id, occasion.now)
    return step(occasion, desk_code_id, _LIVING, {"state": "cancelled"})


_LIVING: Final = ("checked", "asked", "waiting", "open", "printed")


def _require_known(occasion: Occasion, person_id: UUID, address_id: UUID) -> None:
    if all(each.id != address_id for each in confirmed(occasion, person_id)):
        raise NotFound("not_found", N_("This address is not confirmed, or was removed."))
    if all(each.id != address_id for each in known_addresses(occasion, person_id)):
        raise Forbidden(
            "address_too_young",
            N_("This address was confirmed too recently. Choose another one, or a second letter."),
        )


def _send_second_half(
    occasion: Occasion, desk_code: DeskCode, person: Person, code: str, until: datetime
) -> None:
    """The link, to the address that was chosen, if it is the person's still."""
    known = {each.id: each.address for each in confirmed(occasion, person.id)}
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


def cancel_others(occasion: Occasion, desk_code: DeskCode) -> None:
    """What was asked for this person before, and is not printed, leads to no code any more."""
    occasion.connection.execute(
        update(desk_codes)
        .where(
            desk_codes.c.person_id == desk_code.person_id,
            desk_codes.c.id != desk_code.id,
            desk_codes.c.state.in_(("asked", "waiting", "open")),
        )
        .values(state="cancelled")
    )


def step(
    occasion: Occasion, desk_code_id: UUID, before: tuple[str, ...], values: dict[str, Any]
) -> bool:
    """Whether it was in one of these states, not too old, and is now as the values say."""
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


def not_now(detail: str) -> Forbidden:
    """The refusal of a code that may not be asked for or printed, or not any more."""
    return Forbidden(
        "code_not_now",
        N_("No code can be issued by this any more. Check the identity again, and begin anew."),
        detail=detail,
    )
