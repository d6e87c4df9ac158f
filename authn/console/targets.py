"""Whom an act at the desk may be on: never oneself, never a colleague without somebody else."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.audit.staff_events import DeskRefused
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.db.occasion import Occasion
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.tables import Person, persons
from authn.staff.roles import RULES, Act
from authn.staff.staff import desk_name
from authn.staff.tables import staff

OWN_ACCOUNT = N_(
    "This is your own account. Nobody looks after their own account at the desk: use the page My "
    "devices, or ask a colleague."
)
DECEASED = N_("This person has died, or their number was cancelled. Nothing can be done any more.")
MERGED = N_("This account became part of another one. Open that one.")

# What shows somebody and does nothing to them. A colleague is shown too, and supervisors are told
# (`looks`); whoever died or became another is shown, since somebody may call about them.
LOOKING: Final[frozenset[Act]] = frozenset({"find", "see-person", "show-number"})

# By these a person comes back: who began their return is not who agrees to it (decisions 3.3). And
# who comes back as somebody of the staff has the desk open, wherever they work.
BY_WHICH_ONE_RETURNS: Final[frozenset[Act]] = frozenset({"issue-code", "match-identity"})

# Built once: putting a statement together costs more than executing it.
_PERSON = select(persons).where(persons.c.id == bindparam("person_id"))
_PERSONS = select(persons).where(persons.c.id.in_(bindparam("ids", expanding=True)))
_DESKS = select(staff.c.person_id, staff.c.desk).where(
    staff.c.person_id.in_(bindparam("ids", expanding=True)), staff.c.ended_at.is_(None)
)


def seen_person(connection: Connection, person_id: UUID) -> Person | None:
    """The person with this id, as the desk sees them: also one who died or became another."""
    row = connection.execute(_PERSON, {"person_id": person_id}).first()
    return Person(*row) if row else None


def seen_persons(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Person]:
    """Those of these who are a person, by their id, as `seen_person` shows them."""
    found = connection.execute(_PERSONS, {"ids": list(ids)})
    return {person.id: person for person in (Person(*row) for row in found)}


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What somebody is to who looks at them: a `colleague`, at a desk of both; `staff` of any."""

    colleague: bool
    staff: bool


def standing_of(connection: Connection, desk: Desk, person_id: UUID) -> DeviceStatus:
    """How the person stands to this member of staff now: one statement."""
    theirs = _desks_of(connection, [person_id]).get(person_id, set())
    return DeviceStatus(colleague=bool(theirs & _own(desk)), staff=bool(theirs))


def colleagues_among(connection: Connection, desk: Desk, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these persons who work at one of the desks of this member of staff."""
    own = _own(desk)
    return {each for each, theirs in _desks_of(connection, ids).items() if theirs & own}


def needs_second(desk: Desk, act: Act, standing: DeviceStatus) -> bool:
    """Whether an act that is so heavy, on somebody who stands so, waits for a second one.

    It does where the act always does, and on staff: on a colleague, or, for what would let somebody
    in as them, on whoever works at any desk. A look never does.
    """
    if act in LOOKING:
        return False
    if RULES[act].second and act not in desk.alone:
        return True
    return standing.staff if act in BY_WHICH_ONE_RETURNS else standing.colleague


def _desks_of(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, set[str]]:
    """Where those of these persons work who work somewhere, whatever the letters' size."""
    found: dict[UUID, set[str]] = {}
    for row in connection.execute(_DESKS, {"ids": list(ids)}):
        found.setdefault(row.person_id, set()).add(desk_name(row.desk).casefold())
    return found


def _own(desk: Desk) -> set[str]:
    """Every desk of who acts, not that alone at which they are now."""
    return {each.casefold() for each in desk.staff.desks}


def guard_target(occasion: Occasion, desk: Desk, act: Act, person: Person) -> bool:
    """Whether the act on this person has to wait for a second member of staff.

    The one place that decides is `needs_second`. Raises
    `NotFound` for a role that may not do it, `Forbidden` for oneself and, but for a look, for a
    person who died or became another; each is on record. The act itself calls this, so that it
    holds wherever the act is asked for, and so does every page and call about a person.
    """
    refusal = _refusal(desk, act, person)
    if refusal is not None:
        note_refused(occasion, desk, act, refusal.error, person.id)
        raise refusal
    if act in LOOKING:
        return False
    return needs_second(desk, act, standing_of(occasion.connection, desk, person.id))


def guard_oneself(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> None:
    """Raises `Forbidden`, on record, for oneself: known before a reason is asked for."""
    if person_id == desk.person_id:
        refusal = own_account()
        note_refused(occasion, desk, act, refusal.error, person_id)
        raise refusal


def _refusal(desk: Desk, act: Act, person: Person) -> Refusal | None:
    if not desk.staff.may(act):
        return nothing_here()
    if person.id == desk.person_id:
        return own_account()
    if act in LOOKING:
        return None
    if person.merged_into is not None:
        return Forbidden("merged", MERGED)
    if person.deceased:
        return Forbidden("deceased", DECEASED)
    return None


def own_account() -> Forbidden:
    """The refusal of whatever a member of staff asks about themselves."""
    return Forbidden("own_account", OWN_ACCOUNT)


def nothing_here() -> NotFound:
    """What is not there, and what somebody may not see, look the same: as any unknown address."""
    return NotFound("not_found", N_("The page you asked for does not exist."))


def note_refused(
    occasion: Occasion, desk: Desk, act: str, refused: str, person_id: UUID | None = None
) -> None:
    """On record that this member of staff asked for what they may not."""
    event = DeskRefused(actor_id=desk.person_id, person_id=person_id, act=act, refused=refused)
    record_at_desk(occasion, desk, event)
