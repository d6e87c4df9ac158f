"""Coming back after losing every device: by an identity proven upstream, or by an activation code.

It ends in one new device. The old ones are blocked by the transaction that stores it, and stay so
until their holder decides about each (`account.return_endpoints`).

Where the upstream vouches for less than a lost key did, the return waits first, and every address
on file can cancel it meanwhile: an identity that is easier to steal must not open, by itself, what
a certified key protected. After the wait the identity is proven again.
"""

from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, select, update

from authn.audit import device_events as events
from authn.audit.events import Event
from authn.audit.log import record
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.devices.devices import devices_of
from authn.devices.life import suspend_all
from authn.devices.tables import Device, IdentityLevel
from authn.enrolment.activation import withdraw_codes_of
from authn.enrolment.desk_tables import desk_codes
from authn.enrolment.recovery_tables import AccountRecovery, returns
from authn.errors import N_, Forbidden
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person
from authn.web.request import Request
from authn.webauthn.policy import level_today

OPEN_FOR = timedelta(days=7)
"""How long after its wait a return can be completed."""

BY_CODE = "activation"
BY_DESK = "desk"

_BEGAN = select(returns.c.id).where(
    returns.c.person_id == bindparam("of_person"),
    returns.c.began_by == bindparam("staff"),
    returns.c.expires_at > bindparam("now", type_=UtcDateTime),
)


def lost_level(request: Request, old_devices: Iterable[Device]) -> IdentityLevel:
    """What the best of these keys was good for: "high" where it was certified for a high identity.

    An eIDAS level, so that it can be held against an upstream's.
    """
    certified = any(level_today(request.site, device) == "certified" for device in old_devices)
    return "high" if certified else "substantial"


def must_wait(request: Request, person_id: UUID, proven: IdentityLevel) -> bool:
    """Whether an identity proven at this level waits before it opens the account."""
    old = devices_of(request.connection, person_id)
    return proven != "high" and lost_level(request, old) == "high"


def begin_return(
    occasion: Occasion,
    person_id: UUID,
    proof: str,
    proven: IdentityLevel,
    began_by: UUID | None = None,
) -> AccountRecovery:
    """The return that waits, and every address on file knows of it.

    `proof` is the upstream's name, or `BY_DESK` with who of the staff began it. One that waits
    already goes on as it is: neither sooner nor later.
    """
    lock_person(occasion.connection, person_id)
    waiting = waiting_return(occasion, person_id)
    if waiting:
        return waiting
    opens_at = occasion.now + occasion.settings.return_wait
    begun = AccountRecovery(
        id=uuid4(),
        person_id=person_id,
        proof=proof,
        identity_level=proven,
        state="waiting",
        began_at=occasion.now,
        opens_at=opens_at,
        expires_at=opens_at + OPEN_FOR,
        began_by=began_by,
    )
    _store(occasion, begun)
    _record(occasion, events.AccountRecoveryBegun(person_id=person_id, proof=proof))
    by = "desk" if proof == BY_DESK else ""
    tell(occasion, person_id, kinds.AccountRecoveryBegunNotice(begun.id, opens_at, by))
    return begun


def waiting_return(occasion: Occasion, person_id: UUID) -> AccountRecovery | None:
    """The person's return that waits, or whose wait is over, for as long as it can be completed."""
    statement = select(returns).where(
        returns.c.person_id == person_id,
        returns.c.state == "waiting",
        returns.c.expires_at > occasion.now,
    )
    row = occasion.connection.execute(statement).first()
    return AccountRecovery(*row) if row else None


def began_return(occasion: Occasion, person_id: UUID, staff_id: UUID) -> bool:
    """Whether this member of staff began a return of the person that is not long over.

    Then they have no part in what lets the person in again (decisions 3.3).
    """
    began = {"of_person": person_id, "staff": staff_id, "now": occasion.now}
    return occasion.connection.execute(_BEGAN, began).first() is not None


def waits(person_id: UUID, now: datetime) -> ColumnElement[bool]:
    """Whether `waiting_return` would find one, as a part of another statement."""
    return exists().where(
        returns.c.person_id == person_id,
        returns.c.state == "waiting",
        returns.c.expires_at > now,
    )


def find_return(connection: Connection, return_id: UUID) -> AccountRecovery | None:
    """The return with this id, as it was written."""
    row = connection.execute(select(returns).where(returns.c.id == return_id)).first()
    return AccountRecovery(*row) if row else None


def return_by_upstream(
    request: Request, person_id: UUID, upstream: str, proven: IdentityLevel
) -> bool:
    """The person may have a new device, in this transaction; the old ones are blocked.

    Whether there were any: who had none begins, and nothing is on record. Call it before the device
    is stored. Raises `Forbidden` when a wait is due and not over, or was cancelled, or has served
    another return.
    """
    lock_person(request.connection, person_id)
    if not devices_of(request.connection, person_id):
        return False
    if must_wait(request, person_id, proven):
        waiting = waiting_return(request, person_id)
        if waiting is None or waiting.opens_at > request.now or not _used(request, waiting.id):
            raise _not_open()
    else:
        _complete(request, person_id, upstream, proven)
    _block_old_devices(request, person_id, upstream)
    return True


def return_by_code(occasion: Occasion, person_id: UUID, proven: IdentityLevel) -> bool:
    """As `return_by_upstream`, for an activation code that this transaction has burnt.

    Whether there were devices before.
    """
    lock_person(occasion.connection, person_id)
    if not devices_of(occasion.connection, person_id):
        return False
    _complete(occasion, person_id, BY_CODE, proven)
    _block_old_devices(occasion, person_id, BY_CODE)
    return True


def cancel_return(occasion: Occasion, return_id: UUID) -> bool:
    """Whether the return was cancelled by this, for good; False when it did not wait any more.

    Of a cancellation and a completion at the same moment, one alone happens.
    """
    found = find_return(occasion.connection, return_id)
    if found is None:
        return False
    lock_person(occasion.connection, found.person_id)
    if not _step(occasion, return_id, "cancelled"):
        return False
    # Who says that it was not them says so of a code that came of it, too.
    withdraw_codes_of(occasion.connection, found.person_id, occasion.now)
    occasion.connection.execute(
        update(desk_codes)
        .where(desk_codes.c.person_id == found.person_id, desk_codes.c.state != "cancelled")
        .values(state="cancelled")
    )
    _record(occasion, events.AccountRecoveryCancelled(person_id=found.person_id))
    tell(occasion, found.person_id, kinds.AccountRecoveryCancelledNotice())
    return True


def _block_old_devices(occasion: Occasion, person_id: UUID, proof: str) -> None:
    """None of them can be used, and no suspension of theirs ends by itself."""
    suspend_all(occasion, person_id, by="return", why="return")
    _record(occasion, events.AccountRecovered(person_id=person_id, proof=proof))


def _used(occasion: Occasion, return_id: UUID) -> bool:
    return _step(occasion, return_id, "used")


def _step(occasion: Occasion, return_id: UUID, after: str) -> bool:
    """Whether the return waited, and has this state now."""
    statement = (
        update(returns)
        .where(
            returns.c.id == return_id,
            returns.c.state == "waiting",
            returns.c.expires_at > occasion.now,
        )
        .values(state=after)
    )
    return occasion.connection.execute(statement).rowcount == 1


def _complete(occasion: Occasion, person_id: UUID, proof: str, proven: IdentityLevel) -> None:
    """The person is back without a wait: on record, and a return that waited is over by it."""
    waiting = waiting_return(occasion, person_id)
    if waiting and _used(occasion, waiting.id):
        return
    now = occasion.now
    _store(occasion, AccountRecovery(uuid4(), person_id, proof, proven, "used", now, now, now))


def _store(occasion: Occasion, begun: AccountRecovery) -> None:
    row = dict(zip(returns.c.keys(), astuple(begun), strict=True))
    occasion.connection.execute(insert(returns), row)


def _not_open() -> Forbidden:
    return Forbidden(
        "return_not_open",
        N_("Your return cannot be completed now. Start again to see how it stands."),
    )


def _record(occasion: Occasion, event: Event) -> None:
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
