"""Foreign identities at the registration desk: matching one to a person, and undoing a match.

A matched identity alone recovers the account. So a match needs what a code needs (decisions 3.3):
the registrar has just checked an identity document of this person and did not begin the account
recovery; for a person who has or had a device, and for a colleague, a second member of staff
agrees first. The person is notified at every address.

Why one registrar is enough for a person who never had a device: their first activation code opens
no less, and such a match ends as such a code does (`enrolment.foreign_matches`). Any registrar may
undo a match, since that lets nobody in.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID

from authn.audit.events.registration import (
    ForeignIdentityMatched,
    ForeignIdentityParted,
    ForeignIdentitySeen,
)
from authn.consents.desk_acts import ConsentDeskAct
from authn.console.act_rules import (
    guard_target,
    not_found_error,
    record_desk_refusal,
    refuse_who_began_recovery,
)
from authn.console.approval_rows import State, list_visible_approvals
from authn.console.approvals import request_approval, use_approval
from authn.console.desk_sessions import Desk, LookReason
from authn.console.looks import record_look
from authn.console.recording import record_at_desk
from authn.db.occasion import Occasion
from authn.enrolment.desk_code_rows import find_identity_check
from authn.enrolment.desk_codes.lifecycle import CHECK_HOLDS, has_device_history
from authn.enrolment.desk_tables import DeskCode
from authn.enrolment.foreign_matches import end_match
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
    occasion: Occasion, desk: Desk, identity_id: UUID, why: LookReason | None = None
) -> ForeignIdentity:
    """The foreign identity, after recording that the registrar looks at it; raises `NotFound`.

    `why` is the reason for the look, by default that of the session, which is about a person.
    """
    found = find_identity(occasion.connection, occasion.secrets, identity_id)
    if found is None:
        raise not_found_error()
    looking = replace(desk, why=why) if why else desk
    event = ForeignIdentitySeen(**looking.event_fields(found.person_id), identity=identity_id)
    record_look(occasion, desk, event)
    return found


def match_to_confirm(person: Person, identity_id: UUID) -> ConsentDeskAct:
    """The act that the registrar's device confirms before a match."""
    return ConsentDeskAct(
        "match-identity", {"person": str(person.id), "identity": str(identity_id)}
    )


def match_identity_at_desk(
    occasion: Occasion, desk: Desk, person: Person, identity_id: UUID
) -> UUID | None:
    """The identity is matched to the person: None; or the id of the approval that it waits for.

    Raises `Forbidden` without a recent identity check, for who began the account recovery, and when
    the identity was matched meanwhile; `NotFound` when there is none.
    """
    lock_person(occasion.connection, person.id)
    second = guard_target(occasion, desk, "match-identity", person)
    refuse_who_began_recovery(occasion, desk, "match-identity", person.id)
    if find_identity(occasion.connection, occasion.secrets, identity_id) is None:
        raise not_found_error()
    approved_by = None
    if second or has_device_history(occasion.connection, person.id):
        payload = {"identity_id": str(identity_id)}
        approval = use_approval(occasion, desk, "match-identity", person.id, payload)
        if approval is None:
            _require_check(occasion, desk, person)
            return request_approval(occasion, desk, "match-identity", person.id, payload).id
        approved_by = approval.decided_by
    else:
        _require_check(occasion, desk, person)
    by_two = approved_by is not None
    if not match_identity(occasion.connection, identity_id, person.id, occasion.now, by_two=by_two):
        raise match_changed_error()
    event = ForeignIdentityMatched(
        **desk.event_fields(person.id), identity=identity_id, approved_by=approved_by
    )
    record_at_desk(occasion, desk, event)
    tell(occasion, person.id, kinds.IdentityMatchedNotice(identity_id))
    return None


def unmatch_identity_at_desk(
    occasion: Occasion, desk: Desk, person: Person, identity_id: UUID
) -> None:
    """The match is undone: the identity leads to nobody, and waits again.

    An account recovery that was begun with the identity ends; devices that it let in stay until
    somebody looks at them. Needs no second person. Raises `Forbidden` when there was no match.
    """
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "match-identity", person)
    parted = end_match(occasion, identity_id, person.id, "desk")
    if parted is None:
        raise match_changed_error()
    event = ForeignIdentityParted(
        **desk.event_fields(person.id), identity=identity_id, **parted._asdict()
    )
    record_at_desk(occasion, desk, event)
    tell(occasion, person.id, kinds.IdentityPartedNotice())


def find_recent_check(occasion: Occasion, desk: Desk, person: Person) -> DeskCode | None:
    """The identity check of this person by this registrar that is recent enough for a match."""
    since = occasion.now - CHECK_HOLDS
    return find_identity_check(occasion.connection, person.id, desk.person_id, since)


def match_approval_state(
    occasion: Occasion, desk: Desk, person: Person, identity_id: UUID
) -> State | None:
    """The state of the approval that this registrar asked for this match; None without one."""
    for approval in list_visible_approvals(occasion, desk):
        if (
            approval.asked_by == desk.person_id
            and approval.person_id == person.id
            and approval.payload.get("identity_id") == str(identity_id)
        ):
            return approval.state_at(occasion.now)
    return None


def count_unmatched(occasion: Occasion, _: Desk) -> int:
    """How many foreign identities wait to be matched."""
    return count_waiting_identities(occasion.connection)


def _require_check(occasion: Occasion, desk: Desk, person: Person) -> None:
    if find_recent_check(occasion, desk, person) is None:
        record_desk_refusal(occasion, desk, "match-identity", "identity not checked", person.id)
        raise Forbidden("identity_not_checked", NOT_CHECKED)


def match_changed_error() -> Forbidden:
    """The error for a match that somebody changed since the page was made."""
    return Forbidden(
        "match_changed", N_("Somebody changed this match meanwhile. Look at it again.")
    )
