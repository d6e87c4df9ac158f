"""What waits for a member of staff, on the first page of the desk."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from authn.console.approvals import count_waiting
from authn.console.desk import DeskSession
from authn.console.operator_requests import count_waiting as count_requests
from authn.console.registration_identities import count_unmatched
from authn.errors import N_
from authn.outbox.outbox import count_dead
from authn.staff.roles import Act
from authn.web.request import Request

REQUESTS: Final = "/desk/requests"
UNUSUAL_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class WaitingApproval:
    """A line of that page: for whom, in words, where it leads, and how many there are."""

    act: Act
    words: str
    path: str
    count: Callable[[Request, DeskSession], int]


def _count_failed(request: Request, desk: DeskSession) -> int:
    return count_dead(request.connection)


# One line for each thing that may wait, in the order of the page.
WAITING: Final[tuple[WaitingApproval, ...]] = (
    WaitingApproval("approve", N_("Approvals that wait for you"), "/desk/approvals", count_waiting),
    WaitingApproval(
        "match-identity",
        N_("Foreign identities to be matched"),
        "/desk/registration/identities",
        count_unmatched,
    ),
    WaitingApproval(
        "decide-requests", N_("Permissions and roles that wait for you"), REQUESTS, count_requests
    ),
    WaitingApproval(
        "retry-notices", N_("Notices that failed"), "/desk/operator/notices", _count_failed
    ),
)


@dataclass(frozen=True, slots=True)
class HomeCount:
    """A line as it is now."""

    words: str
    path: str
    count: int


def waiting_for(request: Request, desk: DeskSession) -> list[HomeCount]:
    """What this member of staff may do something about, with how many there are."""
    return [
        HomeCount(each.words, each.path, each.count(request, desk))
        for each in WAITING
        if desk.staff.may(each.act)
    ]
