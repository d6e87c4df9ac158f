"""Account recovery after losing every device: by an upstream identity, or by an activation code.

The result is one new device. The transaction that stores it blocks the earlier devices, until their
holder decides about each on the account pages.

Where the identity level of the upstream is lower than that of a lost key, the recovery waits, and
every contact address can cancel it meanwhile: an identity that is easier to steal must not open
alone what a certified key protected. After the wait the identity is proven again.
"""

from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, select, update

from authn.audit.events import devices as events
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.devices.devices import list_devices
from authn.devices.life import suspend_all
from authn.devices.tables import Device, IdentityLevel
from authn.enrolment.activation.lifecycle import withdraw_codes_of_person
from authn.enrolment.desk_tables import desk_codes
from authn.enrolment.recovery_tables import AccountRecovery, account_recoveries
from authn.errors import N_, Forbidden
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person
from authn.web.request import Request
from authn.webauthn.policy import current_level

OPEN_FOR = timedelta(days=7)
"""For how long after its wait a recovery can be completed."""

BY_CODE = "activation"
BY_DESK = "desk"

_BEGAN = select(account_recoveries.c.id).where(
    account_recoveries.c.person_id == bindparam("of_person"),
    account_recoveries.c.began_by == bindparam("staff"),
    account_recoveries.c.expires_at > bindparam("now", type_=UtcDateTime),
)


def lost_level(request: Request, old_devices: Iterable[Device]) -> IdentityLevel:
    """The identity level of the best of a person's devices: "high" with a certified one.

    An eIDAS level, to be compared with an upstream's.
    """
    certified = any(current_level(request.site, device) == "certified" for device in old_devices)
    return "high" if certified else "substantial"


def must_wait(request: Request, person_id: UUID, proven: IdentityLevel) -> bool:
    """Whether a recovery with an identity of a level has to wait."""
    old = list_devices(request.connection, person_id)
    return proven != "high" and lost_level(request, old) == "high"


def begin_account_recovery(
    occasion: Occasion,
    person_id: UUID,
    proof: str,
    proven: IdentityLevel,
    began_by: UUID | None = None,
) -> AccountRecovery:
    """A recovery that waits, of which every contact address gets a notice.

    `proof` is the upstream's name, or `BY_DESK` with the member of staff who began it. A recovery
    that waits already is returned as it is.
    """
    lock_person(occasion.connection, person_id)
    waiting = find_waiting_recovery(occasion, person_id)
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


def find_waiting_recovery(occasion: Occasion, person_id: UUID) -> AccountRecovery | None:
    """The person's recovery that can be completed now or after its wait; None without."""
    statement = select(account_recoveries).where(
        account_recoveries.c.person_id == person_id,
        account_recoveries.c.state == "waiting",
        account_recoveries.c.expires_at > occasion.now,
    )
    row = occasion.connection.execute(statement).first()
    return AccountRecovery(*row) if row else None


def has_begun_recovery(occasion: Occasion, person_id: UUID, staff_id: UUID) -> bool:
    """Whether a member of staff began a recovery of the person that has not expired.

    Then they may not approve what lets the person in again (decisions 3.3).
    """
    began = {"of_person": person_id, "staff": staff_id, "now": occasion.now}
    return occasion.connection.execute(_BEGAN, began).first() is not None


def is_recovery_waiting(person_id: UUID, now: datetime) -> ColumnElement[bool]:
    """Whether a person has a recovery that waits, as a part of a larger SQL statement."""
    return exists().where(
        account_recoveries.c.person_id == person_id,
        account_recoveries.c.state == "waiting",
        account_recoveries.c.expires_at > now,
    )


def find_recovery(connection: Connection, return_id: UUID) -> AccountRecovery | None:
    """The account recovery with an id."""
    row = connection.execute(
        select(account_recoveries).where(account_recoveries.c.id == return_id)
    ).first()
    return AccountRecovery(*row) if row else None


def recover_by_upstream(
    request: Request, person_id: UUID, upstream: str, proven: IdentityLevel
) -> bool:
    """The person may add a device in this transaction; whether there were others, now blocked.

    For a person without devices nothing is recorded. To be called before the device is stored.
    Raises `Forbidden` when a wait is needed and not over, was cancelled, or was used before.
    """
    lock_person(request.connection, person_id)
    if not list_devices(request.connection, person_id):
        return False
    if must_wait(request, person_id, proven):
        waiting = find_waiting_recovery(request, person_id)
        if waiting is None or waiting.opens_at > request.now or not _mark_used(request, waiting.id):
            raise _not_open_refusal()
    else:
        _complete(request, person_id, upstream, proven)
    _block_old_devices(request, person_id, upstream)
    return True


def recover_by_code(occasion: Occasion, person_id: UUID, proven: IdentityLevel) -> bool:
    """As `recover_by_upstream`, for an activation code that this transaction has burnt."""
    lock_person(occasion.connection, person_id)
    if not list_devices(occasion.connection, person_id):
        return False
    _complete(occasion, person_id, BY_CODE, proven)
    _block_old_devices(occasion, person_id, BY_CODE)
    return True


def cancel_recovery(occasion: Occasion, return_id: UUID) -> bool:
    """Whether a recovery was cancelled now; False when it did not wait any more.

    Of a cancellation and a completion at the same moment only one succeeds.
    """
    found = find_recovery(occasion.connection, return_id)
    if found is None:
        return False
    lock_person(occasion.connection, found.person_id)
    if not _change_state(occasion, return_id, "cancelled"):
        return False
    # A person who denies the recovery denies the codes that came of it, too.
    withdraw_codes_of_person(occasion.connection, found.person_id, occasion.now)
    occasion.connection.execute(
        update(desk_codes)
        .where(desk_codes.c.person_id == found.person_id, desk_codes.c.state != "cancelled")
        .values(state="cancelled")
    )
    _record(occasion, events.AccountRecoveryCancelled(person_id=found.person_id))
    tell(occasion, found.person_id, kinds.AccountRecoveryCancelledNotice())
    return True


def _block_old_devices(occasion: Occasion, person_id: UUID, proof: str) -> None:
    """All devices are suspended without an end, and the recovery is recorded."""
    suspend_all(occasion, person_id, by="return", why="return")
    _record(occasion, events.AccountRecovered(person_id=person_id, proof=proof))


def _mark_used(occasion: Occasion, return_id: UUID) -> bool:
    return _change_state(occasion, return_id, "used")


def _change_state(occasion: Occasion, return_id: UUID, after: str) -> bool:
    """Whether the recovery waited, and has the state `after` now."""
    statement = (
        update(account_recoveries)
        .where(
            account_recoveries.c.id == return_id,
            account_recoveries.c.state == "waiting",
            account_recoveries.c.expires_at > occasion.now,
        )
        .values(state=after)
    )
    return occasion.connection.execute(statement).rowcount == 1


def _complete(occasion: Occasion, person_id: UUID, proof: str, proven: IdentityLevel) -> None:
    """The recovery is completed without a wait; one that waited is completed by it."""
    waiting = find_waiting_recovery(occasion, person_id)
    if waiting and _mark_used(occasion, waiting.id):
        return
    now = occasion.now
    _store(occasion, AccountRecovery(uuid4(), person_id, proof, proven, "used", now, now, now))


def _store(occasion: Occasion, begun: AccountRecovery) -> None:
    row = dict(zip(account_recoveries.c.keys(), astuple(begun), strict=True))
    occasion.connection.execute(insert(account_recoveries), row)


def _not_open_refusal() -> Forbidden:
    return Forbidden(
        "return_not_open",
        N_("Your return cannot be completed now. Start again to see how it stands."),
    )


def _record(occasion: Occasion, event: Event) -> None:
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
