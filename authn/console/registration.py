"""The acts of a registrar: checking an identity, asking for a code, printing its letter.

For a person who has or had a device a second member of staff agrees, or the code waits for a day;
the registrar is not the agent who began the account recovery (decisions 3.3). Each act locks the
person, asks `act_rules` who may do it to whom, and records one event with the reason.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from authn.audit.events.registration import (
    DeskCodeAsked,
    DeskCodeCancelled,
    DeskCodePrinted,
    IdentityChecked,
)
from authn.consents.desk_acts import BY_LETTER, ConsentDeskAct, Way
from authn.console.act_rules import (
    guard_target,
    not_found_error,
    record_desk_refusal,
    refuse_who_began_recovery,
)
from authn.console.approvals import request_approval, use_approval
from authn.console.desk_sessions import Desk
from authn.console.recording import record_at_desk
from authn.db.occasion import Occasion
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.desk_codes.lifecycle import (
    PrintedCode,
    ask_for_code,
    cancel_desk_code,
    code_opens_at,
    open_desk_code,
    print_desk_code,
    record_identity_check,
)
from authn.enrolment.desk_tables import DeskCode, Document, SecondHalf
from authn.errors import N_, Forbidden
from authn.people.persons import lock_person
from authn.people.tables import Person


@dataclass(frozen=True, slots=True)
class CheckedIdentity:
    """A document as a registrar checked it; of its number only the last digits."""

    document: Document
    last_digits: str
    valid_until: date
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeskCodeInput:
    """A request for an activation code; without an address the second half is a letter."""

    desk_code_id: UUID
    address_id: UUID | None
    way: Way

    def act_to_confirm(self, person: Person) -> ConsentDeskAct:
        """The act that the registrar's device confirms, with all its values (decisions 2.9)."""
        on = {
            "person": str(person.id),
            "half": str(self.address_id or BY_LETTER),
            "way": self.way,
            "code": str(self.desk_code_id),
        }
        return ConsentDeskAct("issue-code", on)


@dataclass(frozen=True, slots=True)
class DeskCodeRequest:
    """The code after it was asked for; `approval_id` where a second member of staff must agree."""

    desk_code: DeskCode
    approval_id: UUID | None


@dataclass(frozen=True, slots=True)
class RegistrationNeeds:
    """What a code for a person needs besides the registrar."""

    waits: bool
    second: bool
    """Waiting for a day is not enough: the person is a member of staff."""


def registration_needs(occasion: Occasion, desk: Desk, person: Person) -> RegistrationNeeds:
    """What a code for this person needs; raises as `guard_target`, and `Forbidden` for the member
    of staff who began the account recovery."""
    second = guard_target(occasion, desk, "issue-code", person)
    refuse_who_began_recovery(occasion, desk, "issue-code", person.id)
    return RegistrationNeeds(code_opens_at(occasion, person.id) > occasion.now, second)


def check_identity_at_desk(
    occasion: Occasion, desk: Desk, person: Person, checked: CheckedIdentity
) -> DeskCode:
    """The identity check is recorded: for half an hour this registrar can ask for a code."""
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "check-identity", person)
    desk_code = record_identity_check(occasion, person.id, desk.person_id, checked.document)
    event = IdentityChecked(
        **desk.event_fields(person.id),
        document=checked.document,
        last_digits=checked.last_digits,
        valid_until=checked.valid_until.isoformat(),
        checked=" ".join(checked.checks),
    )
    record_at_desk(occasion, desk, event)
    return desk_code


def request_code_at_desk(
    occasion: Occasion, desk: Desk, person: Person, wanted: DeskCodeInput
) -> DeskCodeRequest:
    """The code is asked for: it may be printed, or waits; raises as `registration_needs`."""
    lock_person(occasion.connection, person.id)
    needs = registration_needs(occasion, desk, person)
    desk_code = _find_own_code(occasion, desk, person, wanted.desk_code_id)
    by_second = needs.second or (needs.waits and wanted.way == "second")
    half: SecondHalf = "letter" if wanted.address_id is None else "mail"
    asked = ask_for_code(occasion, desk_code, half, wanted.address_id, by_second=by_second)
    waits = None
    if asked.state == "asked":
        waits = request_approval(
            occasion, desk, "issue-code", person.id, {"desk_code_id": str(asked.id)}
        )
    event = DeskCodeAsked(
        **desk.event_fields(person.id),
        desk_code=asked.id,
        second_half=half,
        state=asked.state,
    )
    record_at_desk(occasion, desk, event)
    return DeskCodeRequest(asked, waits.id if waits else None)


def print_code_at_desk(
    occasion: Occasion, desk: Desk, person: Person, desk_code_id: UUID
) -> PrintedCode:
    """The code to print, at the one moment when its text is known.

    Raises `Forbidden` where a second member of staff has not agreed yet; an approval is spent. A
    spoiled letter may be printed again for a few minutes (`desk_undo`).
    """
    lock_person(occasion.connection, person.id)
    needs = registration_needs(occasion, desk, person)
    desk_code = _find_own_code(occasion, desk, person, desk_code_id)
    approved_by = None
    if needs.second and desk_code.state in ("waiting", "open"):  # a colleague since it was asked
        raise _not_approved()
    if desk_code.state == "asked":
        payload = {"desk_code_id": str(desk_code.id)}
        approval = use_approval(occasion, desk, "issue-code", person.id, payload)
        if approval is None:
            raise _not_approved()
        open_desk_code(occasion, desk_code.id)
        approved_by = approval.decided_by
    printed = print_desk_code(occasion, desk_code, person)
    event = DeskCodePrinted(
        **desk.event_fields(person.id),
        desk_code=desk_code.id,
        approved_by=approved_by,
        again=desk_code.state == "printed",
    )
    record_at_desk(occasion, desk, event)
    return printed


def cancel_code_at_desk(occasion: Occasion, desk: Desk, person: Person, desk_code_id: UUID) -> bool:
    """Whether the code was cancelled; any registrar may, since that opens nothing."""
    guard_target(occasion, desk, "issue-code", person)
    found = find_desk_code(occasion.connection, desk_code_id)
    if found.person_id != person.id:
        raise not_found_error()
    if not cancel_desk_code(occasion, desk_code_id):
        return False
    record_at_desk(
        occasion,
        desk,
        DeskCodeCancelled(person_id=person.id, actor_id=desk.person_id, desk_code=desk_code_id),
    )
    return True


def _not_approved() -> Forbidden:
    return Forbidden("not_approved", N_("No second member of staff has agreed yet."))


def _find_own_code(occasion: Occasion, desk: Desk, person: Person, desk_code_id: UUID) -> DeskCode:
    """The code of this registrar for this person: whoever saw the document issues the code."""
    found = find_desk_code(occasion.connection, desk_code_id)
    if found.person_id != person.id or found.registrar_id != desk.person_id:
        record_desk_refusal(occasion, desk, "issue-code", "another registrar's", person.id)
        raise not_found_error()
    return found
