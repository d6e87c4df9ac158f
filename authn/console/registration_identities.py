"""Foreign identities at the registration desk: matched to a person, and parted from one again.

Who is matched can come back by that identity alone. So it is as with a code (decisions 3.3): the
registrar has checked an identity document of this person just now, and did not begin their return;
for a person who has or had a device, and for a colleague, a second member of staff agrees first;
and the person is told, at every address and under "My activity".

Why one registrar will do for who never had a device: so it is with their first code, which opens
no less; and such a match ends as such a code does (`enrolment.foreign_matches`). A match can be
taken away by any registrar, since that lets nobody in.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID

from authn.audit.registration_events import (
    ForeignIdentityMatched,
    ForeignIdentityParted,
    ForeignIdentitySeen,
)
from authn.consents.desk_acts import ConsentDeskAct
from authn.console.approval_rows import State, shown_approvals
from authn.console.approvals import ask, use_approval
from authn.console.desk_sessions import Desk, DeskClosedReason
from authn.console.looks import record_look
from authn.console.on_record import record_at_desk
from authn.console.returns_begun import refuse_who_began
from authn.console.targets import guard_target, note_refused, nothing_here
from authn.db.occasion import Occasion
from authn.enrolment.desk_code_rows import find_check
from authn.enrolment.desk_codes import CHECK_HOLDS, has_history
from authn.enrolment.desk_tables import DeskCode
from authn.enrolment.foreign_matches import take_match_away
from authn.errors import N_, Forbidden
from authn.federation.foreign_identities import (
    ForeignIdentity,
    count_waiting_identities,
    find_identity,
    match_identity,
)
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person
from authn.people.tables import Person

NOT_CHECKED: Final = N_("Check this person's identity document first. It holds for half an hour.")


def see_identity(
    occasion: Occasion, desk: Desk, identity_id: UUID, why: DeskClosedReason | None = None
) -> ForeignIdentity:
    """The identity, at which the registrar has looked by this; raises `NotFound`.

    `why` is the reason where it is not the desk's, which is about a person.
    """
    found = find_identity(occasion.connection, occasion.secrets, identity_id)
    if found is None:
        raise nothing_here()
    said = replace(desk, why=why) if why else desk
    event = ForeignIdentitySeen(**said.on_record(found.person_id), identity=identity_id)
    record_look(occasion, desk, event)
    return found


def match_confirmed(person: Person, identity_id: UUID) -> ConsentDeskAct:
    """What the registrar's device confirms before `do_match`."""
    return ConsentDeskAct(
        "match-identity", {"person": str(person.id), "identity": str(identity_id)}
    )


def do_match(occasion: Occasion, desk: Desk, person: Person, identity_id: UUID) -> UUID | None:
    """None when the identity leads to the person by this; else the approval that waits for it.

    Raises `Forbidden` without an identity check (`check_of`), for who began the person's return,
    and when it was matched meanwhile; `NotFound` when there is none.
    """
    lock_person(occasion.connection, person.id)
    second = guard_target(occasion, desk, "match-identity", person)
    refuse_who_began(occasion, desk, "match-identity", person.id)
    if find_identity(occasion.connection, occasion.secrets, identity_id) is None:
        raise nothing_here()
    approved_by = None
    if second or has_history(occasion.connection, person.id):
        payload = {"identity_id": str(identity_id)}
        approval = use_approval(occasion, desk, "match-identity", person.id, payload)
        if approval is None:
            _require_check(occasion, desk, person)
            return ask(occasion, desk, "match-identity", person.id, payload).id
        approved_by = approval.decided_by
    else:
        _require_check(occasion, desk, person)
    by_two = approved_by is not None
    if not match_identity(occasion.connection, identity_id, person.id, occasion.now, by_two=by_two):
        raise match_changed()
    event = ForeignIdentityMatched(
        **desk.on_record(person.id), identity=identity_id, approved_by=approved_by
    )
    record_at_desk(occasion, desk, event)
    tell(occasion, person.id, kinds.IdentityMatchedNotice(identity_id))
    return None


def do_part(occasion: Occasion, desk: Desk, person: Person, identity_id: UUID) -> None:
    """The identity leads to nobody, and waits again.

    A return that was begun with it since ends; a device that it let in stays, until somebody looks
    at it. Taking a way in away needs no second person. Raises `Forbidden` when it was not matched
    to them.
    """
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "match-identity", person)
    parted = take_match_away(occasion, identity_id, person.id, "desk")
    if parted is None:
        raise match_changed()
    event = ForeignIdentityParted(
        **desk.on_record(person.id), identity=identity_id, **parted._asdict()
    )
    record_at_desk(occasion, desk, event)
    tell(occasion, person.id, kinds.IdentityPartedNotice())


def check_of(occasion: Occasion, desk: Desk, person: Person) -> DeskCode | None:
    """The check of this person's document that this registrar did lately enough for a match."""
    since = occasion.now - CHECK_HOLDS
    return find_check(occasion.connection, person.id, desk.person_id, since)


def match_asked(occasion: Occasion, desk: Desk, person: Person, identity_id: UUID) -> State | None:
    """How it stands what this registrar asked a colleague about it; None where they did not."""
    for approval in shown_approvals(occasion, desk):
        if (
            approval.asked_by == desk.person_id
            and approval.person_id == person.id
            and approval.payload.get("identity_id") == str(identity_id)
        ):
            return approval.state_at(occasion.now)
    return None


def count_unmatched(occasion: Occasion, _: Desk) -> int:
    """How many identities wait to be matched."""
    return count_waiting_identities(occasion.connection)


def _require_check(occasion: Occasion, desk: Desk, person: Person) -> None:
    if check_of(occasion, desk, person) is None:
        note_refused(occasion, desk, "match-identity", "identity not checked", person.id)
        raise Forbidden("identity_not_checked", NOT_CHECKED)


def match_changed() -> Forbidden:
    """The refusal of a match that is not any more what it was when it was looked at."""
    return Forbidden(
        "match_changed", N_("Somebody changed this match meanwhile. Look at it again.")
    )
