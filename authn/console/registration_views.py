"""An activation code as the registration desk shows it: its state and the next step."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from authn.console.act_rules import needs_second, staff_status
from authn.console.approval_rows import State, list_visible_approvals
from authn.console.desk_sessions import DeskSession
from authn.enrolment.desk_code_rows import (
    latest_desk_code,
    list_codes_of_registrar,
    was_used,
    was_withdrawn,
)
from authn.enrolment.desk_codes.lifecycle import (
    code_opens_at,
    confirmed_contact_addresses,
    long_confirmed_addresses,
    may_print_again,
)
from authn.enrolment.desk_tables import DeskCode, DeskCodeState, Document, SecondHalf
from authn.enrolment.returning import has_begun_recovery
from authn.notices.mail_address import mask_address
from authn.people.tables import Person
from authn.web.request import Request

# The next step that the page offers: `check` the document, `ask` for the code, `print` it, or wait.
Step = Literal[
    "closed", "began-return", "check", "ask", "approval", "waiting", "print", "printed", "elsewhere"
]


@dataclass(frozen=True, slots=True)
class CodeView:
    """A citizen's activation code as the registrar sees it.

    `approval` is the state of a colleague's approval; `again_until` is until when the letter can be
    printed again, None if it cannot.
    """

    step: Step
    waits: bool
    second_only: bool
    id: UUID | None = None
    document: Document | None = None
    checked_at: datetime | None = None
    second_half: SecondHalf | None = None
    opens_at: datetime | None = None
    expires_at: datetime | None = None
    reference: str = ""
    approval: State | None = None
    again_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """A confirmed mail address, masked; `too_young` to receive the second half of a code or not."""

    id: UUID
    masked: str
    too_young: bool


@dataclass(frozen=True, slots=True)
class RunningCode:
    """A code of this registrar that is not printed yet, without the name of its person."""

    person_id: UUID
    reference: str
    state: DeskCodeState
    opens_at: datetime | None
    ready: bool


def code_view(request: Request, desk: DeskSession, person: Person) -> CodeView:
    """The citizen's activation code as this registrar sees it."""
    waits = code_opens_at(request, person.id) > request.now
    status = staff_status(request.connection, desk, person.id)
    second_only = needs_second(desk, "issue-code", status)
    if person.deceased or person.merged_into is not None:
        return CodeView("closed", waits, second_only)
    if has_begun_recovery(request, person.id, desk.person_id):
        return CodeView("began-return", waits, second_only)
    latest = latest_desk_code(request.connection, person.id)
    if latest is None or _is_over(request, latest):
        return CodeView("check", waits, second_only)
    approval = _approval(request, desk, latest) if latest.state == "asked" else None
    if approval in ("refused", "withdrawn", "expired", "failed"):
        return CodeView("check", waits, second_only, approval=approval)
    return CodeView(
        step=_step(request, desk, latest, approval),
        waits=waits,
        second_only=second_only,
        id=latest.id,
        document=latest.document,
        checked_at=latest.checked_at,
        second_half=latest.second_half,
        opens_at=latest.opens_at,
        expires_at=latest.expires_at,
        reference=latest.reference,
        approval=approval,
        again_until=_again_until(request, latest),
    )


def addresses_to_choose(request: Request, person: Person) -> list[ShownAddress]:
    """The confirmed addresses, with whether the second half of a code may go there."""
    known = {each.id for each in long_confirmed_addresses(request, person.id)}
    return [
        ShownAddress(each.id, mask_address(each.address), each.id not in known)
        for each in confirmed_contact_addresses(request, person.id)
    ]


def running_codes(request: Request, desk: DeskSession) -> list[RunningCode]:
    """The codes that this registrar asked for and has not printed yet, the oldest first."""
    approved = {
        approval.payload.get("desk_code_id")
        for approval in list_visible_approvals(request, desk)
        if approval.act == "issue-code" and approval.state == "approved"
    }
    return [
        RunningCode(
            person_id=each.person_id,
            reference=each.reference,
            state=each.state,
            opens_at=each.opens_at,
            ready=each.is_open_at(request.now) or str(each.id) in approved,
        )
        for each in list_codes_of_registrar(request.connection, desk.person_id, request.now)
    ]


def _is_over(request: Request, latest: DeskCode) -> bool:
    """Whether the next step is another identity check."""
    if latest.is_over_at(request.now):
        return True
    if was_used(request.connection, latest) or was_withdrawn(request.connection, latest):
        return True
    return latest.state == "printed" and latest.expires_at <= request.now


def _again_until(request: Request, latest: DeskCode) -> datetime | None:
    if latest.printed_at is None or not may_print_again(request, latest):
        return None
    return latest.printed_at + request.settings.desk_undo


def _step(request: Request, desk: DeskSession, latest: DeskCode, approval: State | None) -> Step:
    if latest.registrar_id != desk.person_id:
        return "elsewhere"
    if latest.state == "printed":
        return "printed"
    if latest.is_open_at(request.now) or approval == "approved":
        return "print"
    steps: dict[DeskCodeState, Step] = {
        "checked": "ask",
        "asked": "approval",
        "waiting": "waiting",
    }
    return steps[latest.state]


def _approval(request: Request, desk: DeskSession, latest: DeskCode) -> State | None:
    for approval in list_visible_approvals(request, desk):
        code_id = approval.payload.get("desk_code_id")
        if approval.act == "issue-code" and code_id == str(latest.id):
            return approval.state_at(request.now)
    return None
