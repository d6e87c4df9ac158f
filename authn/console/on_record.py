"""What somebody of the staff looked at or did is on record, with the role of which desk it was.

The one place where the desk's pages and its API record such an event: so that none of them leaves
out role and desk. Which act an event is of, this table says; what the act asks, `staff.roles`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from authn.audit import desk_events as desk
from authn.audit import operator_events as operators
from authn.audit import registration_events as registration
from authn.audit import staff_events as staff
from authn.audit import watching_events as watching
from authn.audit.at_desk import DeskEvent
from authn.audit.events import Event
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
# Of the act that they name themselves.
OF_ITS_ACT: Final = (
    staff.DeskRefused,
    staff.DeskActConfirmed,
    desk.ApprovalAsked,
    desk.ApprovalWithdrawn,
    desk.ApprovalLapsed,
)


def record_at_desk(occasion: Occasion, who: Desk, event: Event) -> None:
    """The event is on record when the transaction commits, with the role in which `who` acted, and
    the desk at which that role is theirs.

    At the machine there is neither: nobody of the staff sits there.
    """
    noted = _in_role(who, event)
    record(occasion.connection, occasion.secrets, noted, occasion.now, occasion.reference)


def record_several_at_desk(occasion: Occasion, who: Desk, events: Sequence[Event]) -> None:
    """As `record_at_desk`, several by one statement; where there are none, nothing is written."""
    if events:
        noted = [_in_role(who, each) for each in events]
        at = (occasion.now, occasion.reference)
        record_several(occasion.connection, occasion.secrets, noted, *at)


def _in_role(who: Desk, event: Event) -> Event:
    if isinstance(event, DeskEvent) and event.actor_id is not None:
        return replace(event, role=role_in(who, event), desk=who.staff.desk)
    return event


def role_in(who: Desk, event: DeskEvent) -> str:
    """Those of their roles by which they might do what the event tells, with a comma between.

    Of what no role of theirs permits, all of them: as such they were refused.
    """
    act = ACTS.get(type(event)) or getattr(event, "act", None)
    held = who.staff.in_order
    permit = [each for each in held if act in RULES and each in RULES[act].roles]
    return ", ".join(permit or held)
