"""Foreign identities at the registration desk: matched to a person, and parted from one again.

Who is matched can come back by that identity alone. So it is as with a code: for a person who has
or had a device, and for a colleague, a second member of staff agrees first.
"""

from typing import Any
from uuid import UUID

from authn.audit.log import record
from authn.audit.registration_events import (
    ForeignIdentityMatched,
    ForeignIdentityParted,
    ForeignIdentitySeen,
    RegistrationEvent,
)
from authn.console.approval_rows import shown_approvals
from authn.console.approvals import ask, use_approval
from authn.console.desk_sessions import Desk
from authn.console.looks import record_look
from authn.console.targets import guard_target, nothing_here
from authn.db.occasion import Occasion
from authn.enrolment.desk_codes import has_history
from authn.errors import N_, Forbidden
from authn.federation.foreign_identities import (
    ForeignIdentity,
    count_waiting_identities,
    find_identity,
    match_identity,
    part_identity,
)
from authn.people.persons import lock_person
from authn.people.tables import Person


def see_identity(occasion: Occasion, desk: Desk, identity_id: UUID) -> ForeignIdentity:
    """The identity, which the registrar has looked at by this; raises `NotFound`."""
    found = find_identity(occasion.connection, occasion.secrets, identity_id)
    if found is None:
        raise nothing_here()
    event = ForeignIdentitySeen(
        actor_id=desk.person_id, person_id=found.person_id, identity=identity_id
    )
    record_look(occasion, desk, event)
    return found


def do_match(occasion: Occasion, desk: Desk, person: Person, identity_id: UUID) -> bool:
    """Whether the identity leads to the person by this; False when a colleague must agree first.

    Raises `Forbidden` when it was matched meanwhile, `NotFound` when there is none.
    """
    lock_person(occasion.connection, person.id)
    second = guard_target(occasion, desk, "match-identity", person)
    if find_identity(occasion.connection, occasion.secrets, identity_id) is None:
        raise nothing_here()
    approved_by = None
    if second or has_history(occasion.connection, person.id):
        approval = use_approval(occasion, desk, "match-identity", person.id)
        if approval is None or approval.payload.get("identity_id") != str(identity_id):
            payload = {"identity_id": str(identity_id)}
            ask(occasion, desk, "match-identity", person.id, payload)
            return False
        approved_by = approval.decided_by
    if not match_identity(occasion.connection, identity_id, person.id, occasion.now):
        raise _changed()
    event = ForeignIdentityMatched(
        **_why(desk, person.id), identity=identity_id, approved_by=approved_by
    )
    _record(occasion, event)
    return True


def do_part(occasion: Occasion, desk: Desk, person: Person, identity_id: UUID) -> None:
    """The identity leads to nobody, and waits again; what it opened before stays as it is.

    Taking a way in away needs no second person. Raises `Forbidden` when it was not matched to them.
    """
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "match-identity", person)
    if not part_identity(occasion.connection, identity_id, person.id):
        raise _changed()
    _record(occasion, ForeignIdentityParted(**_why(desk, person.id), identity=identity_id))


def match_waits(occasion: Occasion, desk: Desk, identity_id: UUID) -> bool:
    """Whether this registrar has asked for it, and nobody has decided yet."""
    return any(
        approval.payload.get("identity_id") == str(identity_id)
        and approval.state_at(occasion.now) == "waiting"
        for approval in shown_approvals(occasion, desk)
    )


def count_unmatched(occasion: Occasion, _: Desk) -> int:
    """How many identities wait to be matched."""
    return count_waiting_identities(occasion.connection)


def _changed() -> Forbidden:
    return Forbidden(
        "match_changed", N_("Somebody changed this match meanwhile. Look at it again.")
    )


def _why(desk: Desk, person_id: UUID) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "actor_id": desk.person_id,
        "reason": desk.why.reason,
        "explanation": desk.why.explanation,
        "ticket": desk.why.ticket,
    }


def _record(occasion: Occasion, event: RegistrationEvent) -> None:
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
