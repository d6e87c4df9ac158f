"""Who may do which act at the desk to whom, and when a second member of staff must approve.

Never to oneself, never alone to a colleague; whoever began an account recovery has no part in
completing it (decisions 3.3). Removing the last device, and unblocking one that was blocked on
suspicion, are acts of their own (`act_by_risk`). Pages, API and command line all ask here.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.audit.events.staff import DeskRefused
from authn.console.desk_sessions import Desk
from authn.console.recording import record_at_desk
from authn.db.occasion import Occasion
from authn.devices.tables import SuspendedWhy
from authn.enrolment.returning import has_begun_recovery
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.tables import Person, persons
from authn.settings import Settings
from authn.staff.members import normalize_desk_name
from authn.staff.reasons import is_fraud
from authn.staff.roles import RULES, Act
from authn.staff.tables import staff

OWN_ACCOUNT = N_(
    "This is your own account. Nobody looks after their own account at the desk: use the page My "
    "devices, or ask a colleague."
)
DECEASED = N_("This person has died, or their number was cancelled. Nothing can be done any more.")
MERGED = N_("This account became part of another one. Open that one.")

# Acts that only show a person. A colleague is shown too, and supervisors are told (`looks`); also a
# person who died or was merged, since somebody may call about them.
LOOK_ACTS: Final[frozenset[Act]] = frozenset({"find", "see-person", "show-number"})

# Acts that complete an account recovery. On a member of staff, of any desk, they need a second
# person, since they open the desk to whoever recovers the account.
RECOVERY_ACTS: Final[frozenset[Act]] = frozenset({"issue-code", "match-identity"})

BEGAN_RECOVERY: Final = "began the return"
# By the act that is refused, for the member of staff.
RECOVERY_REFUSALS: Final[Mapping[Act, str]] = {
    "approve": N_(
        "You began this person's return yourself. Another supervisor must decide about it."
    ),
    "issue-code": N_(
        "You began this person's return yourself. Another registrar must issue the code."
    ),
    "match-identity": N_(
        "You began this person's return yourself. Another registrar must match the identity."
    ),
}

# Why a device was suspended, where a supervisor reinstates it with a second person; the desk's
# reasons that speak of fraud count too (`needs_two_to_resume`).
SUSPICIONS: Final = frozenset({"counter", "notice", "emergency", "return"})
REMOVING: Final[frozenset[Act]] = frozenset({"unlink", "unlink-last"})
RESUMING: Final[frozenset[Act]] = frozenset({"resume", "reinstate"})

# Built once: putting a statement together costs more than executing it.
_PERSON = select(persons).where(persons.c.id == bindparam("person_id"))
_PERSONS = select(persons).where(persons.c.id.in_(bindparam("ids", expanding=True)))
_DESKS = select(staff.c.person_id, staff.c.desk).where(
    staff.c.person_id.in_(bindparam("ids", expanding=True)), staff.c.ended_at.is_(None)
)


def find_person_at_desk(connection: Connection, person_id: UUID) -> Person | None:
    """The person with this id, also one who died or was merged into another; or None."""
    row = connection.execute(_PERSON, {"person_id": person_id}).first()
    return Person(*row) if row else None


def find_persons_at_desk(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Person]:
    """The persons with these ids, by id, also those who died or were merged."""
    found = connection.execute(_PERSONS, {"ids": list(ids)})
    return {person.id: person for person in (Person(*row) for row in found)}


@dataclass(frozen=True, slots=True)
class StaffStatus:
    """Whether a person works at a desk (`staff`), and at one of the agent's own (`colleague`)."""

    colleague: bool
    staff: bool


class SuspendedDevice(Protocol):
    """A device, or a view of one, with why it is suspended."""

    @property
    def suspended_why(self) -> SuspendedWhy | None:
        """Who or what suspended the device."""

    @property
    def suspended_reason(self) -> str | None:
        """The code of the desk's reason."""


def staff_status(connection: Connection, desk: Desk, person_id: UUID) -> StaffStatus:
    """Whether the person works at a desk now, and at one of this member of staff."""
    theirs = _desks_of(connection, [person_id]).get(person_id, set())
    return StaffStatus(colleague=bool(theirs & _own_desks(desk)), staff=bool(theirs))


def find_colleagues(connection: Connection, desk: Desk, ids: Iterable[UUID]) -> set[UUID]:
    """The ids of the persons who work at one of the desks of this member of staff."""
    own = _own_desks(desk)
    return {each for each, theirs in _desks_of(connection, ids).items() if theirs & own}


def needs_second(desk: Desk, act: Act, status: StaffStatus) -> bool:
    """Whether the act waits for a second member of staff to approve.

    Always for the acts whose rule says so; else on a colleague, or, for `RECOVERY_ACTS`, on staff
    of any desk. Never for a look.
    """
    if act in LOOK_ACTS:
        return False
    if RULES[act].second and act not in desk.alone:
        return True
    return status.staff if act in RECOVERY_ACTS else status.colleague


def _desks_of(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, set[str]]:
    """The desks of those who work at one, by id; names are casefolded."""
    found: dict[UUID, set[str]] = {}
    for row in connection.execute(_DESKS, {"ids": list(ids)}):
        found.setdefault(row.person_id, set()).add(normalize_desk_name(row.desk).casefold())
    return found


def _own_desks(desk: Desk) -> set[str]:
    """Every desk of the member of staff, not only the one at which they act now."""
    return {each.casefold() for each in desk.staff.desks}


def guard_target(occasion: Occasion, desk: Desk, act: Act, person: Person) -> bool:
    """Whether the act on this person must wait for a second member of staff (`needs_second`).

    Raises `NotFound` for a role that may not do the act, `Forbidden` for oneself and, unless the
    act is a look, for a person who died or was merged; each refusal is recorded. Called by the act
    itself, and by every page and API call about a person.
    """
    refusal = _refusal(desk, act, person)
    if refusal is not None:
        record_desk_refusal(occasion, desk, act, refusal.error, person.id)
        raise refusal
    if act in LOOK_ACTS:
        return False
    return needs_second(desk, act, staff_status(occasion.connection, desk, person.id))


def refuse_own_account(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> None:
    """Raises `Forbidden`, and records it, where staff ask about themselves."""
    if person_id == desk.person_id:
        refusal = own_account_error()
        record_desk_refusal(occasion, desk, act, refusal.error, person_id)
        raise refusal


def _refusal(desk: Desk, act: Act, person: Person) -> Refusal | None:
    if not desk.staff.may(act):
        return not_found_error()
    if person.id == desk.person_id:
        return own_account_error()
    if act in LOOK_ACTS:
        return None
    if person.merged_into is not None:
        return Forbidden("merged", MERGED)
    if person.deceased:
        return Forbidden("deceased", DECEASED)
    return None


def own_account_error() -> Forbidden:
    """The error for a member of staff who asks about themselves."""
    return Forbidden("own_account", OWN_ACCOUNT)


def not_found_error() -> NotFound:
    """The error of an unknown page, also for what somebody may not see: both look the same."""
    return NotFound("not_found", N_("The page you asked for does not exist."))


def record_desk_refusal(
    occasion: Occasion, desk: Desk, act: str, refused: str, person_id: UUID | None = None
) -> None:
    """Records that a member of staff asked for something that they may not do."""
    event = DeskRefused(actor_id=desk.person_id, person_id=person_id, act=act, refused=refused)
    record_at_desk(occasion, desk, event)


def began_recovery_that_ends(occasion: Occasion, staff_id: UUID, act: Act, person_id: UUID) -> bool:
    """Whether this member of staff began the account recovery that the act would complete."""
    return act in RECOVERY_ACTS and has_begun_recovery(occasion, person_id, staff_id)


def refuse_who_began_recovery(
    occasion: Occasion, desk: Desk, does: Act, person_id: UUID, to: Act | None = None
) -> None:
    """Raises `Forbidden`, and records it, for who began the account recovery to be completed.

    `does` is the act of this member of staff; where that is `approve`, `to` is the approved act.
    """
    if began_recovery_that_ends(occasion, desk.person_id, to or does, person_id):
        record_desk_refusal(occasion, desk, does, BEGAN_RECOVERY, person_id)
        raise Forbidden("began_return", RECOVERY_REFUSALS[does])


def act_by_risk(act: Act, device: SuspendedDevice, settings: Settings, *, last: bool) -> Act:
    """The act that removing or unblocking this device really is, by its risk now.

    `last` is whether no working device would be left: `unlink` is then `unlink-last`. A device that
    was suspended on suspicion is not resumed but reinstated. Other acts are returned unchanged.
    """
    if act in REMOVING:
        return "unlink-last" if last else "unlink"
    if act in RESUMING:
        return "reinstate" if needs_two_to_resume(device, settings) else "resume"
    return act


def needs_two_to_resume(device: SuspendedDevice, settings: Settings) -> bool:
    """Whether the device was suspended on suspicion, by the service, an upstream or the desk."""
    return device.suspended_why in SUSPICIONS or is_fraud(settings, device.suspended_reason)
