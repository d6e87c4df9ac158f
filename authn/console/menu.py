"""The screens of the desk: which of them somebody sees follows from `staff.roles`."""

from dataclasses import dataclass
from typing import Final

from authn.errors import N_
from authn.staff.roles import Act
from authn.staff.staff import Staff


@dataclass(frozen=True, slots=True)
class Screen:
    """A line of the rail: where it leads, in words, for whom; `key` is pressed after `g`."""

    path: str
    words: str
    act: Act | None
    key: str


# One line a screen, in the order of the rail.
MENU: Final[tuple[Screen, ...]] = (
    Screen("/desk", N_("What waits for you"), None, "h"),
    Screen("/desk/find", N_("Find a person"), "find", "f"),
    Screen("/desk/approvals", N_("Approvals"), "find", "a"),
    Screen("/desk/registration", N_("Registration desk"), "check-identity", "r"),
    Screen("/desk/activity", N_("Desk activity"), "see-desk", "d"),
    Screen("/desk/audit", N_("Audit log"), "see-audit", "l"),
    Screen("/desk/requests", N_("Permissions and roles"), "see-requests", "q"),
    Screen("/desk/operator/clients", N_("Applications"), "see-clients", "c"),
    Screen("/desk/operator/resources", N_("Resource servers"), "see-clients", "o"),
    Screen("/desk/operator/organisations", N_("Organisations"), "see-clients", "b"),
    Screen("/desk/operator/keys", N_("Signing keys"), "see-keys", "k"),
    Screen("/desk/operator/notices", N_("Notices"), "see-health", "m"),
    Screen("/desk/operator/sources", N_("Authentic sources"), "see-health", "s"),
    Screen("/desk/operator/policy", N_("Policy and upkeep"), "see-health", "p"),
)


def menu_of(staff: Staff) -> list[Screen]:
    """The screens that this member of staff sees."""
    return [each for each in MENU if each.act is None or staff.may(each.act)]
