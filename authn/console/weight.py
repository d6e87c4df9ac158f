"""How heavy an act on a device is: the one place, for what is offered, asked, said and done.

The last device that works, and what was blocked on suspicion, need more than others. How many
people that is says `staff.roles`; whom it is on, `console.targets.needs_second`.
"""

from typing import Final, Protocol

from authn.devices.tables import SuspendedWhy
from authn.settings import Settings
from authn.staff.reasons import is_fraud
from authn.staff.roles import Act

# Blocked on suspicion, or by a proof of identity: a supervisor reinstates it, with a second person.
# So is what the desk blocked for a reason that speaks of fraud (`needs_two_to_resume`).
SUSPICIONS: Final = frozenset({"counter", "notice", "emergency", "return"})
REMOVING: Final[frozenset[Act]] = frozenset({"unlink", "unlink-last"})
RESUMING: Final[frozenset[Act]] = frozenset({"resume", "reinstate"})


class SuspendedBefore(Protocol):
    """A device, or a view of one."""

    @property
    def suspended_why(self) -> SuspendedWhy | None:
        """Who or what suspended it."""

    @property
    def suspended_reason(self) -> str | None:
        """The code of the desk's reason."""


def weigh(act: Act, device: SuspendedBefore, settings: Settings, *, last: bool) -> Act:
    """The act on this device, as heavy as it is; `last` is whether none that works would be left.

    What was lighter or heavier when somebody asked for it is weighed anew.
    """
    if act in REMOVING:
        return "unlink-last" if last else "unlink"
    if act in RESUMING:
        return "reinstate" if needs_two_to_resume(device, settings) else "resume"
    return act


def needs_two_to_resume(device: SuspendedBefore, settings: Settings) -> bool:
    """Whether it was suspended on suspicion, by this service, a proof of identity, or the desk."""
    return device.suspended_why in SUSPICIONS or is_fraud(settings, device.suspended_reason)
