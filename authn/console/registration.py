"""What a registrar does: checks an identity, asks for a code, prints its letter.

Protocol 3.3: for a person who has or had a device a second member of staff agrees, or the code
waits for a day; the registrar is not the agent who began the return. Each locks the person, asks
`console.targets` who may do it to whom, and leaves one event with the reason.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from authn.audit.registration_events import (
    DeskCodeAsked,
    DeskCodeCancelled,
    DeskCodePrinted,
    IdentityChecked,
)
from authn.consents.desk_acts import BY_LETTER, ConsentDeskAct, Way
from authn.console.approvals import ask, use_approval
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.returns_begun import refuse_who_began
from authn.console.targets import guard_target, note_refused, nothing_here
from authn.db.occasion import Occasion
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.desk_codes import (
    PrintedCode,
    ask_for_code,
    cancel_desk_code,
    identity_checked,
    open_desk_code,
    print_desk_code,
    waits_until,
)
from authn.enrolment.desk_tables import DeskCode, Document, SecondHalf
from authn.errors import N_, Forbidden
from authn.people.persons import lock_person
from authn.people.tables import Person


@dataclass(frozen=True, slots=True)
class CheckedIdentity:
    """What the registrar says of a document: nothing of its number but the last digits."""

    document: Document
    last_digits: str
    valid_until: date
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeskCodeInput:
    """A code as a registrar asks for it; without an address its second half is a letter."""

    desk_code_id: UUID
    address_id: UUID | None
    way: Way

    def confirmed(self, person: Person) -> ConsentDeskAct:
        """What the registrar's device confirms: nothing of it can be another one (decisions
        2.9)."""
        on = {
            "person": str(person.id),
            "half": str(self.address_id or BY_LETTER),
            "way": self.way,
            "code": str(self.desk_code_id),
        }
        return ConsentDeskAct("issue-code", on)


@dataclass(frozen=True, slots=True)
class DeskCodeRequest:
    """A code that was asked for; `approval_id` where a second member of staff must agree."""

    desk_code: DeskCode
    approval_id: UUID | None


@dataclass(frozen=True, slots=True)
class RegistrationNeeds:
    """What a code for this person needs besides the registrar."""

    waits: bool
    second: bool
    """Only a second member of staff will do: it is somebody of the staff."""


def needs_of(occasion: Occasion, desk: Desk, person: Person) -> RegistrationNeeds:
    """What a code for this person needs; raises as `guard_target`, and for who began the return."""
    second = guard_target(occasion, desk, "issue-code", person)
    refuse_who_began(occasion, desk, "issue-code", person.id)
    return RegistrationNeeds(waits_until(occasion, person.id) > occasion.now, second)


def do_check_identity(
    occasion: Occasion, desk: Desk, person: Person, checked: CheckedIdentity
) -> DeskCode:
    """The identity is checked: a code can be asked for by this registrar, for half an hour."""
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "check-identity", person)
    desk_code = identity_checked(occasion, person.id, desk.person_id, checked.document)
    event = IdentityChecked(
        **desk.on_record(person.id),
        document=checked.document,
        last_digits=checked.last_digits,
        valid_until=checked.valid_until.isoformat(),
        checked=" ".join(checked.checks),
    )
    record_at_desk(occasion, desk, event)
    return desk_code


def do_ask_for_code(
    occasion: Occasion, desk: Desk, person: Person, wanted: DeskCodeInput
) -> DeskCodeRequest:
    """The code may be printed, or waits; raises as `needs_of` and `desk_codes.ask_for_code`."""
    lock_person(occasion.connection, person.id)
    needs = needs_of(occasion, desk, person)
    desk_code = _own(occasion, desk, person, wanted.desk_code_id)
    by_second = needs.second or (needs.waits and wanted.way == "second")
    half: SecondHalf = "letter" if wanted.address_id is None else "mail"
    asked = ask_for_code(occasion, desk_code, half, wanted.address_id, by_second=by_second)
    waits = None
    if asked.state == "asked":
        waits = ask(occasion, desk, "issue-code", person.id, {"desk_code_id": str(asked.id)})
    event = DeskCodeAsked(
        **desk.on_record(person.id),
        desk_code=asked.id,
        second_half=half,
        state=asked.state,
    )
    record_at_desk(occasion, desk, event)
    return DeskCodeRequest(asked, waits.id if waits else None)


def do_print_code(
    occasion: Occasion, desk: Desk, person: Person, desk_code_id: UUID
) -> PrintedCode:
    """The code, at the one moment when it is known; raises `Forbidden` where it may not be yet.

    What a second member of staff agreed to is spent by it, once. A spoiled letter is printed anew
    for a few minutes (`desk_undo`); later, the code is asked for anew.
    """
    lock_person(occasion.connection, person.id)
    needs = needs_of(occasion, desk, person)
    desk_code = _own(occasion, desk, person, desk_code_id)
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
        **desk.on_record(person.id),
        desk_code=desk_code.id,
        approved_by=approved_by,
        again=desk_code.state == "printed",
    )
    record_at_desk(occasion, desk, event)
    return printed


def do_cancel_code(occasion: Occasion, desk: Desk, person: Person, desk_code_id: UUID) -> bool:
    """Whether the code was cancelled by this; any registrar may, since nothing is opened by it."""
    guard_target(occasion, desk, "issue-code", person)
    found = find_desk_code(occasion.connection, desk_code_id)
    if found.person_id != person.id:
        raise nothing_here()
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


def _own(occasion: Occasion, desk: Desk, person: Person, desk_code_id: UUID) -> DeskCode:
    """This registrar's, for this person: whoever saw the document issues the code."""
    found = find_desk_code(occasion.connection, desk_code_id)
    if found.person_id != person.id or found.registrar_id != desk.person_id:
        note_refused(occasion, desk, "issue-code", "another registrar's", person.id)
        raise nothing_here()
    return found
