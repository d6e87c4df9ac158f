"""Who acts at the machine, on the command line: nobody of the staff, by the acts of the desk.

Who is at the machine has it all in hand anyway, and is known to the machine alone: on record is
what was done, to whom and why, without an actor. What two must do is asked there as anywhere, and
a supervisor approves it at the desk.

Until there was a first supervisor nobody could: so a service is begun, and one without a desk is
kept. Codes are issued then, and persons merged, by whoever is at the machine alone, who is told so,
and it is on record as such. A role that was given once is never forgotten: after that, never again.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, select

from authn.audit.registration_events import OperatorCodeIssued
from authn.audit.staff_events import DeskActedAlone
from authn.console.approval_rows import Approval, waiting_of
from authn.console.approvals import ask, use_approval
from authn.console.desk_sessions import Desk, DeskClosedReason
from authn.console.on_record import record_at_desk
from authn.console.targets import guard_target
from authn.db.occasion import Occasion
from authn.enrolment.activation import issue_activation_code
from authn.enrolment.desk_codes import has_history
from authn.enrolment.desk_tables import DeskCode
from authn.enrolment.machine_codes import ask_at_machine, asked_at_machine, issue_asked
from authn.people.persons import lock_person
from authn.people.tables import Person
from authn.staff.roles import RULES, Act
from authn.staff.staff import Staff
from authn.staff.tables import staff

# Of no desk, so that nobody is their colleague; the id is never on record.
NOBODY: Final = Staff(UUID(int=0), frozenset({"agent", "registrar", "supervisor"}), frozenset())
# Without these no service is begun, nor kept where nobody works at a desk.
ALONE_AT_FIRST: Final[frozenset[Act]] = frozenset({"issue-code", "merge"})

_EVER = select(staff.c.id).where(staff.c.role.in_(sorted(RULES["approve"].roles))).limit(1)


@dataclass(frozen=True, slots=True)
class IssuedByCommand:
    """A code as it is shown once, "" while it waits as `asked`; `alone` is whether two should have.

    The code is never printed by `repr`.
    """

    code: str = field(default="", repr=False)
    asked: Approval | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class OperatorRequestByCommand(Desk):
    """Who acts on the command line; `first` is whether nobody could ever approve."""

    first: bool = False

    @property
    def person_id(self) -> Any:
        """Nobody: what is on record has no actor."""
        return None

    @property
    def alone(self) -> frozenset[Act]:
        """What needs no second one, since there never was one."""
        return ALONE_AT_FIRST if self.first else frozenset()


def at_the_machine(connection: Connection, why: DeskClosedReason) -> OperatorRequestByCommand:
    """Whoever is at the machine now, for this reason."""
    return OperatorRequestByCommand(NOBODY, why, first=connection.execute(_EVER).first() is None)


def note_alone(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> bool:
    """Whether one did alone what needs two; on record if so."""
    if act not in desk.alone:
        return False
    record_at_desk(occasion, desk, DeskActedAlone(**desk.on_record(person_id), act=act))
    return True


def do_issue_code(
    occasion: Occasion, desk: OperatorRequestByCommand, person: Person
) -> IssuedByCommand:
    """The code, as it is shown once; or what waits for a second one, by whom it is then printed.

    Who never had a device gets one at once. For another (decisions 3.3) it is asked, of which they
    are told as of a desk's, and once it was approved the same call spends that approval: of two at
    once, one. Raises as `guard_target`, and `Forbidden` where who approved it may not approve any
    more.
    """
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "issue-code", person)
    if not has_history(occasion.connection, person.id):
        code = issue_activation_code(
            occasion.connection,
            occasion.secrets,
            occasion.settings,
            person,
            occasion.now,
            occasion.reference,
        )
        return _issued(occasion, desk, person, code)
    if note_alone(occasion, desk, "issue-code", person.id):
        asked = ask_at_machine(occasion, person.id)
        code = issue_asked(occasion, asked, person)
        return _issued(occasion, desk, person, code, alone=True)
    return _once_approved(occasion, desk, person)


def _once_approved(
    occasion: Occasion, desk: OperatorRequestByCommand, person: Person
) -> IssuedByCommand:
    asked = asked_at_machine(occasion, person.id)
    if asked:
        payload = _payload(asked)
        approval = use_approval(occasion, desk, "issue-code", person.id, payload)
        if approval:
            code = issue_asked(occasion, asked, person)
            return _issued(occasion, desk, person, code, approved_by=approval.decided_by)
        for waiting in waiting_of(occasion, desk, "issue-code", person.id):
            if waiting.payload == payload:
                return IssuedByCommand(asked=waiting)
    asked = ask_at_machine(occasion, person.id)
    return IssuedByCommand(asked=ask(occasion, desk, "issue-code", person.id, _payload(asked)))


def _payload(asked: DeskCode) -> dict[str, str]:
    """What exactly is approved: this code, and none that is asked for later."""
    return {"desk_code_id": str(asked.id)}


def _issued(
    occasion: Occasion,
    desk: OperatorRequestByCommand,
    person: Person,
    code: str,
    *,
    approved_by: UUID | None = None,
    alone: bool = False,
) -> IssuedByCommand:
    event = OperatorCodeIssued(**desk.on_record(person.id), approved_by=approved_by)
    record_at_desk(occasion, desk, event)
    return IssuedByCommand(code, alone=alone)
