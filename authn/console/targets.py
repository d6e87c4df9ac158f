"""Whom an act at the desk may be on: never oneself, never a colleague without somebody else."""

from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.audit.log import record
from authn.audit.staff_events import DeskRefused
from authn.console.desk_sessions import Desk
from authn.db.occasion import Occasion
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.tables import Person, persons
from authn.staff.roles import RULES, Act
from authn.staff.tables import staff

OWN_ACCOUNT = N_(
    "This is your own account. Nobody looks after their own account at the desk: use the page My "
    "devices, or ask a colleague."
)
DECEASED = N_("This person has died, or their number was cancelled. Nothing can be done any more.")
MERGED = N_("This account became part of another one. Open that one.")

# Built once: putting a statement together costs more than executing it.
_PERSON = select(persons).where(persons.c.id == bindparam("person_id"))
_DESKS = select(staff.c.desk).where(
    staff.c.person_id == bindparam("person_id"), staff.c.ended_at.is_(None)
)


def seen_person(connection: Connection, person_id: UUID) -> Person | None:
    """The person with this id, as the desk sees them: also one who died or became another."""
    row = connection.execute(_PERSON, {"person_id": person_id}).first()
    return Person(*row) if row else None


def is_colleague(connection: Connection, desk: Desk, person_id: UUID) -> bool:
    """Whether the person works at one of the desks at which this member of staff works."""
    desks = connection.execute(_DESKS, {"person_id": person_id}).scalars()
    own = {each.casefold() for each in desk.staff.desks}
    return any(each.casefold() in own for each in desks)


def guard_target(occasion: Occasion, desk: Desk, act: Act, person: Person) -> bool:
    """Whether the act on this person has to wait for a second member of staff.

    It has where the act always has, and for staff of one's own desk. Raises `NotFound` for a role
    that may not do it, `Forbidden` for oneself and for a person who died or became another; each is
    on record. The act itself calls this, so that it holds wherever the act is asked for.
    """
    refusal = _refusal(desk, act, person)
    if refusal is not None:
        note_refused(occasion, desk, act, refusal.error, person.id)
        raise refusal
    return RULES[act].second or is_colleague(occasion.connection, desk, person.id)


def _refusal(desk: Desk, act: Act, person: Person) -> Refusal | None:
    if not desk.staff.may(act):
        return nothing_here()
    if person.id == desk.person_id:
        return own_account()
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
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
