"""Recording events of the desk in the audit log, with the roles and the desk of who acted.

The desk's pages and its API record such an event by this module alone, so that role and desk are
never left out. `ACTS` says which act an event is of; `staff.roles` which role the act needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from authn.audit.events import audit_log as watching
from authn.audit.events import desk_acts as desk
from authn.audit.events import operators, registration, staff
from authn.audit.events.event import DeskEvent, Event
from authn.audit.log import record, record_several
from authn.console.desk_sessions import Desk
from authn.db.occasion import Occasion
from authn.staff.roles import RULES, Act

ACTS: Final[Mapping[type[DeskEvent], Act]] = {
    staff.DeskReasonGiven: "see-person",
    staff.DeskSearched: "find",
    staff.DeskLookedAt: "see-person",
    staff.DeskNumberShown: "show-number",
    staff.DeskColleagueSeen: "see-person",
    desk.DeskSuspended: "suspend",
    desk.DeskSuspensionUndone: "suspend",
    desk.DeskUnlinked: "unlink",
    desk.DeskResumed: "resume",
    desk.DeskReinstated: "reinstate",
    desk.DeskBlockedAll: "block-all",
    desk.DeskAccountRecoveryBegun: "begin-return",
    desk.DeskAddressChanged: "change-address",
    desk.DeskMerged: "merge",
    desk.ApprovalSeen: "approve",
    desk.ApprovalGiven: "approve",
    desk.ApprovalRefused: "approve",
    desk.ApprovalFailed: "approve",
    registration.CitizenSearched: "check-identity",
    registration.IdentityChecked: "check-identity",
    registration.DeskCodeAsked: "issue-code",
    registration.DeskCodePrinted: "issue-code",
    registration.DeskCodeCancelled: "issue-code",
    registration.ForeignIdentitySeen: "match-identity",
    registration.ForeignIdentityMatched: "match-identity",
    registration.ForeignIdentityParted: "match-identity",
    operators.OperatorRequestAsked: "change-clients",
    operators.OperatorRequestWithdrawn: "change-clients",
    operators.OperatorRequestApproved: "decide-requests",
    operators.OperatorRequestRefused: "decide-requests",
    operators.OperatorRequestFailed: "decide-requests",
    watching.AuditSearched: "see-audit",
    watching.AuditRowSeen: "see-audit",
    watching.DeskActivitySeen: "see-desk",
}
# Events that name their act in a field.
NAMES_ITS_ACT: Final = (
    staff.DeskRefused,
    staff.DeskActConfirmed,
    desk.ApprovalAsked,
    desk.ApprovalWithdrawn,
    desk.ApprovalLapsed,
)


def record_at_desk(occasion: Occasion, who: Desk, event: Event) -> None:
    """Record the event, with the roles in which `who` acted, and the desk where they have them.

    A local operator has neither.
    """
    noted = _with_roles(who, event)
    record(occasion.connection, occasion.secrets, noted, occasion.now, occasion.reference)


def record_several_at_desk(occasion: Occasion, who: Desk, events: Sequence[Event]) -> None:
    """Record several events by one statement, as `record_at_desk`; none writes nothing."""
    if events:
        noted = [_with_roles(who, each) for each in events]
        at = (occasion.now, occasion.reference)
        record_several(occasion.connection, occasion.secrets, noted, *at)


def _with_roles(who: Desk, event: Event) -> Event:
    if isinstance(event, DeskEvent) and event.actor_id is not None:
        return replace(event, role=acting_roles(who, event), desk=who.staff.desk)
    return event


def acting_roles(who: Desk, event: DeskEvent) -> str:
    """The roles of `who` that permit the event's act, separated by ", ".

    All of their roles where none permits the act: in those they were refused.
    """
    act = ACTS.get(type(event)) or getattr(event, "act", None)
    held = who.staff.in_order
    permit = [each for each in held if act in RULES and each in RULES[act].roles]
    return ", ".join(permit or held)
