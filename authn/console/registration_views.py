"""What the pages of the registration desk show of a code: how far it is, and what comes next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from authn.console.approval_rows import State, shown_approvals
from authn.console.desk_sessions import DeskSession
from authn.console.targets import needs_second, standing_of
from authn.enrolment.desk_code_rows import (
    codes_of_registrar,
    latest_desk_code,
    was_used,
    was_withdrawn,
)
from authn.enrolment.desk_codes import can_print_again, confirmed, known_addresses, waits_until
from authn.enrolment.desk_tables import DeskCode, DeskCodeState, Document, SecondHalf
from authn.enrolment.returning import began_return
from authn.notices.address import mask_address
from authn.people.tables import Person
from authn.web.request import Request

# What the page offers: `check` the document, `ask` for the code, `print` it, or wait.
Step = Literal[
    "closed", "began-return", "check", "ask", "approval", "waiting", "print", "printed", "elsewhere"
]


@dataclass(frozen=True, slots=True)
class CodeView:
    """A citizen's code as the registrar sees it; `approval` is how a colleague's word stands.

    `again_until` is until when a letter that was printed can be printed anew, None for not.
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
    """A confirmed address, masked; the second half may go there unless it is `too_young`."""

    id: UUID
    masked: str
    too_young: bool


@dataclass(frozen=True, slots=True)
class RunningCode:
    """A code of this registrar that isn't printed yet: of whom is told for a reason alone."""

    person_id: UUID
    reference: str
    state: DeskCodeState
    opens_at: datetime | None
    ready: bool


def view_of(request: Request, desk: DeskSession, person: Person) -> CodeView:
    """How far the citizen's code is, for this registrar."""
    waits = waits_until(request, person.id) > request.now
    standing = standing_of(request.connection, desk, person.id)
    second_only = needs_second(desk, "issue-code", standing)
    if person.deceased or person.merged_into is not None:
        return CodeView("closed", waits, second_only)
    if began_return(request, person.id, desk.person_id):
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
    """Where the second half may go: to what was confirmed earlier; and what it is too early for."""
    known = {each.id for each in known_addresses(request, person.id)}
    return [
        ShownAddress(each.id, mask_address(each.address), each.id not in known)
        for each in confirmed(request, person.id)
    ]


def running_codes(request: Request, desk: DeskSession) -> list[RunningCode]:
    """What this registrar asked for and has not printed yet, the oldest first."""
    approved = {
        approval.payload.get("desk_code_id")
        for approval in shown_approvals(request, desk)
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
        for each in codes_of_registrar(request.connection, desk.person_id, request.now)
    ]


def _is_over(request: Request, latest: DeskCode) -> bool:
    """Whether the next thing is another identity check."""
    if latest.is_over_at(request.now):
        return True
    if was_used(request.connection, latest) or was_withdrawn(request.connection, latest):
        return True
    return latest.state == "printed" and latest.expires_at <= request.now


def _again_until(request: Request, latest: DeskCode) -> datetime | None:
    if latest.printed_at is None or not can_print_again(request, latest):
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
    for approval in shown_approvals(request, desk):
        code_id = approval.payload.get("desk_code_id")
        if approval.act == "issue-code" and code_id == str(latest.id):
            return approval.state_at(request.now)
    return None
