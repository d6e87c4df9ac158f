"""The local operator, who has a shell on the host and acts on people by the command line.

A local operator could change everything anyway, and is known to the host alone: the audit log has
what was done, to whom and why, without an actor. An act that needs a second person is asked for as
at the desk, and a supervisor approves it there.

Before a first supervisor is appointed nobody can approve. Until then a local operator issues codes
and merges persons alone, is told so, and the audit log says so: a service is set up in this way,
and run without a desk. A role that was given once counts for ever.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, select

from authn.audit.events.registration import OperatorCodeIssued
from authn.audit.events.staff import DeskActedAlone
from authn.console.act_rules import guard_target
from authn.console.approval_rows import Approval, find_waiting_approvals
from authn.console.approvals import request_approval, use_approval
from authn.console.desk_sessions import Desk, LookReason
from authn.console.recording import record_at_desk
from authn.db.occasion import Occasion
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.enrolment.desk_codes.lifecycle import has_device_history
from authn.enrolment.desk_tables import DeskCode
from authn.enrolment.machine_codes import (
    ask_for_operator_code,
    find_operator_code,
    issue_operator_code,
)
from authn.people.persons import lock_person
from authn.people.tables import Person
from authn.staff.members import Staff
from authn.staff.roles import RULES, Act
from authn.staff.tables import staff

# At no desk, so that nobody is their colleague; the id is never recorded.
NOBODY: Final = Staff(UUID(int=0), frozenset({"agent", "registrar", "supervisor"}), frozenset())
# What a service needs to be set up, and to run where nobody works at a desk.
ALONE_AT_FIRST: Final[frozenset[Act]] = frozenset({"issue-code", "merge"})

_EVER = select(staff.c.id).where(staff.c.role.in_(sorted(RULES["approve"].roles))).limit(1)


@dataclass(frozen=True, slots=True)
class LocalCodeIssue:
    """An activation code to show once, or `asked`: the approval for which it waits.

    `alone` is whether a second person should have approved. The code is never in `repr`.
    """

    code: str = field(default="", repr=False)
    asked: Approval | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class LocalOperator(Desk):
    """Who acts on the command line; `first` is whether there never was a supervisor to approve."""

    first: bool = False

    @property
    def person_id(self) -> Any:
        """None: events of a local operator have no actor."""
        return None

    @property
    def alone(self) -> frozenset[Act]:
        """The acts that need no second person while there never was a supervisor."""
        return ALONE_AT_FIRST if self.first else frozenset()


def build_local_operator(connection: Connection, why: LookReason) -> LocalOperator:
    """The local operator who acts now, for this reason."""
    return LocalOperator(NOBODY, why, first=connection.execute(_EVER).first() is None)


def record_acted_alone(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> bool:
    """Whether this act, which needs two, is done by one alone; recorded if so."""
    if act not in desk.alone:
        return False
    record_at_desk(occasion, desk, DeskActedAlone(**desk.event_fields(person_id), act=act))
    return True


def do_issue_code(occasion: Occasion, desk: LocalOperator, person: Person) -> LocalCodeIssue:
    """Issue an activation code, to show once; or ask a second member of staff to approve.

    Who never had a device gets a code at once. For anybody else (decisions 3.3) an approval is
    asked for, of which they are notified, and the same call spends it once given: of two calls at
    once, one does. Raises as `guard_target`, and `Forbidden` where who approved may not any more.
    """
    lock_person(occasion.connection, person.id)
    guard_target(occasion, desk, "issue-code", person)
    if not has_device_history(occasion.connection, person.id):
        code = issue_activation_code(
            occasion.connection,
            occasion.secrets,
            occasion.settings,
            person,
            occasion.now,
            occasion.reference,
        )
        return _record_issued(occasion, desk, person, code)
    if record_acted_alone(occasion, desk, "issue-code", person.id):
        asked = ask_for_operator_code(occasion, person.id)
        code = issue_operator_code(occasion, asked, person)
        return _record_issued(occasion, desk, person, code, alone=True)
    return _issue_once_approved(occasion, desk, person)


def _issue_once_approved(occasion: Occasion, desk: LocalOperator, person: Person) -> LocalCodeIssue:
    asked = find_operator_code(occasion, person.id)
    if asked:
        payload = _payload(asked)
        approval = use_approval(occasion, desk, "issue-code", person.id, payload)
        if approval:
            code = issue_operator_code(occasion, asked, person)
            return _record_issued(occasion, desk, person, code, approved_by=approval.decided_by)
        for waiting in find_waiting_approvals(occasion, desk, "issue-code", person.id):
            if waiting.payload == payload:
                return LocalCodeIssue(asked=waiting)
    asked = ask_for_operator_code(occasion, person.id)
    return LocalCodeIssue(
        asked=request_approval(occasion, desk, "issue-code", person.id, _payload(asked))
    )


def _payload(asked: DeskCode) -> dict[str, str]:
    """What is approved: this code, and none that is asked for later."""
    return {"desk_code_id": str(asked.id)}


def _record_issued(
    occasion: Occasion,
    desk: LocalOperator,
    person: Person,
    code: str,
    *,
    approved_by: UUID | None = None,
    alone: bool = False,
) -> LocalCodeIssue:
    event = OperatorCodeIssued(**desk.event_fields(person.id), approved_by=approved_by)
    record_at_desk(occasion, desk, event)
    return LocalCodeIssue(code, alone=alone)
