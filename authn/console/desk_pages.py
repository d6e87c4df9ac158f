"""The screens of the desk: which of them somebody sees follows from `staff.roles`."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import HTMLResponse

from authn.console.staff_endpoints import DeskSession
from authn.errors import N_
from authn.staff.members import Staff
from authn.staff.roles import Act
from authn.web.request import Request, page


@dataclass(frozen=True, slots=True)
class DeskScreen:
    """A line of the rail: where it leads, in words, for whom; `key` is pressed after `g`."""

    path: str
    words: str
    act: Act | None
    key: str


# One line a screen, in the order of the rail.
MENU: Final[tuple[DeskScreen, ...]] = (
    DeskScreen("/desk", N_("What waits for you"), None, "h"),
    DeskScreen("/desk/find", N_("Find a person"), "find", "f"),
    DeskScreen("/desk/approvals", N_("Approvals"), "find", "a"),
    DeskScreen("/desk/registration", N_("Registration desk"), "check-identity", "r"),
    DeskScreen("/desk/activity", N_("Desk activity"), "see-desk", "d"),
    DeskScreen("/desk/audit", N_("Audit log"), "see-audit", "l"),
    DeskScreen("/desk/requests", N_("Permissions and roles"), "see-requests", "q"),
    DeskScreen("/desk/operator/clients", N_("Applications"), "see-clients", "c"),
    DeskScreen("/desk/operator/resources", N_("Resource servers"), "see-clients", "o"),
    DeskScreen("/desk/operator/organisations", N_("Organisations"), "see-clients", "b"),
    DeskScreen("/desk/operator/keys", N_("Signing keys"), "see-keys", "k"),
    DeskScreen("/desk/operator/notices", N_("Notices"), "see-health", "m"),
    DeskScreen("/desk/operator/sources", N_("Authentic sources"), "see-health", "s"),
    DeskScreen("/desk/operator/policy", N_("Policy and upkeep"), "see-health", "p"),
)


def list_screens(staff: Staff) -> list[DeskScreen]:
    """The screens that this member of staff sees."""
    return [each for each in MENU if each.act is None or staff.may(each.act)]


def render_desk_page(
    request: Request, desk: DeskSession, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page of the desk: the template extends `console/base.html`, which shows the menu."""
    settings = request.settings
    # This request is itself a use of the session.
    closes_at = min(request.now + settings.desk_idle, desk.opened_at + settings.desk_lifetime)
    frame = {"desk": desk, "menu": list_screens(desk.staff), "closes_at": closes_at}
    return page(request, template, status, **(frame | context))
