"""Sessions of staff at the desk: opened with a device, found by their cookie, closed.

A session lives as long as the person, their device, its installation, the sign-in there, and at
least one role at the desk for which it was opened: each use reads all of them in one JOIN. Who
works at several desks is at one of them at a time, in the roles that they have there. The cookie is
another one than that of the holder's own pages, and only its hash is stored.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, and_, bindparam, delete, exists, select, update

from authn.console.tables import desk_sessions
from authn.db.metadata import UtcDateTime
from authn.db.transaction import must_write
from authn.devices.tables import devices, installations
from authn.people.tables import persons
from authn.secrets import new_token, token_hash
from authn.sessions.sessions import Session, SessionDevice
from authn.sessions.tables import sessions
from authn.settings import Settings
from authn.staff.members import Staff, group_by_desk
from authn.staff.roles import Act
from authn.staff.tables import staff
from authn.web.site import Site
from authn.webauthn.policy import find_model, find_unmet, required_staff_policy

TOUCH_EVERY: Final = timedelta(minutes=1)
# Longer than any may last; the reasons given in them are in the audit log.
KEPT: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class LookReason:
    """Why a member of staff looks at a person: a code of `staff.reasons`, and their own words."""

    reason: str = ""
    explanation: str = ""
    ticket: str = ""

    def event_fields(self) -> dict[str, Any]:
        """The fields of an event with a reason (`audit.events.event.ReasonedEvent`)."""
        return asdict(self)


NO_REASON: Final = LookReason()


@dataclass(frozen=True, slots=True)
class Desk:
    """The member of staff who acts, and why.

    A page has a `DeskSession`; the API and the command line make their own.
    """

    staff: Staff
    why: LookReason

    @property
    def person_id(self) -> UUID:
        """The id of the member of staff: the `actor_id` of events."""
        return self.staff.person_id

    def event_fields(self, person_id: UUID | None) -> dict[str, Any]:
        """The fields of an event about this person: who acts, on whom, and why."""
        return {"actor_id": self.person_id, "person_id": person_id, **self.why.event_fields()}

    @property
    def alone(self) -> frozenset[Act]:
        """The acts that need no second person, contrary to the rule: none for a member of staff."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class DeskSession(Desk):
    """A session at the desk that was alive when it was looked up.

    `why` is the reason to look at `about_id` alone; both are empty once the reason is too old.
    """

    id: UUID
    device_id: UUID
    installation_id: UUID
    opened_at: datetime
    last_seen_at: datetime
    about_id: UUID | None
    name: str
    language: str
    device: SessionDevice


_DEVICE = tuple(devices.c[name] for name in SessionDevice.__dataclass_fields__)
# Signing out of one's own pages, here or everywhere, closes the desk too.
_SIGNED_IN = exists().where(
    sessions.c.id == desk_sessions.c.session_id, sessions.c.ended_at.is_(None)
)
_ALIVE = and_(
    desk_sessions.c.ended_at.is_(None),
    desk_sessions.c.opened_at > bindparam("opened_after", type_=UtcDateTime),
    desk_sessions.c.last_seen_at > bindparam("seen_after", type_=UtcDateTime),
    installations.c.ended_at.is_(None),
    devices.c.status == "active",
    persons.c.deceased.is_(False),
    persons.c.merged_into.is_(None),
    staff.c.ended_at.is_(None),
    _SIGNED_IN,
)
# A row for each role, of whatever desk. Built once: putting a statement together costs more than
# executing it.
_FIND = (
    select(
        desk_sessions,
        persons.c.given_name,
        persons.c.family_name,
        persons.c.language,
        staff.c.role.label("has_role"),
        staff.c.desk.label("at_desk"),
        *(column.label(f"device_{column.name}") for column in _DEVICE),
    )
    .select_from(
        desk_sessions.join(
            installations,
            and_(
                installations.c.id == desk_sessions.c.installation_id,
                installations.c.device_id == desk_sessions.c.device_id,
            ),
        )
        .join(devices, devices.c.id == desk_sessions.c.device_id)
        .join(
            persons,
            and_(
                persons.c.id == desk_sessions.c.person_id,
                # A device that became another person's opens nothing for this one.
                persons.c.id == devices.c.person_id,
            ),
        )
        .join(staff, staff.c.person_id == persons.c.id)
    )
    .where(desk_sessions.c.token_hash == bindparam("token_hash"), _ALIVE)
)
_OPEN = desk_sessions.insert()
_END = (
    update(desk_sessions)
    .where(
        desk_sessions.c.installation_id == bindparam("of_installation"),
        desk_sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)
_CLOSE = (
    update(desk_sessions)
    .where(desk_sessions.c.id == bindparam("of_id"), desk_sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_TOUCH = (
    update(desk_sessions)
    .where(desk_sessions.c.id == bindparam("of_id"), desk_sessions.c.ended_at.is_(None))
    .values(last_seen_at=bindparam("now"))
)
_FORGET = delete(desk_sessions).where(
    desk_sessions.c.opened_at < bindparam("opened_before", type_=UtcDateTime)
)
_GIVE_REASON = (
    update(desk_sessions)
    .where(desk_sessions.c.id == bindparam("of_id"), desk_sessions.c.ended_at.is_(None))
    .values(
        about_id=bindparam("about"),
        reason=bindparam("because"),
        explanation=bindparam("explained"),
        ticket=bindparam("under"),
        about_since=bindparam("now"),
    )
)


def find_desk_session(
    connection: Connection, site: Site, token: str, now: datetime
) -> DeskSession | None:
    """The live session of this cookie, within its time limits, on a device that meets the policy
    for staff today; one statement."""
    if not token:
        return None
    parameters = {
        "token_hash": token_hash(token),
        "opened_after": now - site.settings.desk_lifetime,
        "seen_after": now - site.settings.desk_idle,
    }
    rows = connection.execute(_FIND, parameters).all()
    if not rows:
        return None
    row = rows[0]
    held = group_by_desk(row.person_id, ((each.has_role, each.at_desk) for each in rows))
    member = held.get(row.desk)
    if member is None:  # no role of theirs is left at this desk
        return None
    device = SessionDevice(*(row._mapping[f"device_{column.name}"] for column in _DEVICE))
    if (
        find_unmet(required_staff_policy(site.settings), device, find_model(site, device))
        is not None
    ):
        return None
    return _session(site.settings, row, member, device, now)


def _session(
    settings: Settings, row: Any, member: Staff, device: SessionDevice, now: datetime
) -> DeskSession:
    holds = row.about_since is not None and now - row.about_since < settings.desk_reason_lifetime
    return DeskSession(
        staff=member,
        why=LookReason(row.reason, row.explanation, row.ticket) if holds else NO_REASON,
        id=row.id,
        device_id=row.device_id,
        installation_id=row.installation_id,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        about_id=row.about_id if holds else None,
        name=f"{row.given_name} {row.family_name}".strip(),
        language=row.language,
        device=device,
    )


def open_desk_session(connection: Connection, signed_in: Session, desk: str, now: datetime) -> str:
    """Open a session at this desk and return its cookie's value; an earlier one of the same
    installation ends, at whatever desk."""
    must_write(connection)
    connection.execute(_END, {"of_installation": signed_in.installation_id, "now": now})
    token = new_token()
    row = {
        "id": uuid4(),
        "token_hash": token_hash(token),
        "person_id": signed_in.person_id,
        "device_id": signed_in.device_id,
        "installation_id": signed_in.installation_id,
        "session_id": signed_in.id,
        "desk": desk,
        "opened_at": now,
        "last_seen_at": now,
        "reason": "",
        "explanation": "",
        "ticket": "",
    }
    connection.execute(_OPEN, row)
    return token


def record_use(connection: Connection, session: DeskSession, now: datetime) -> None:
    """Record that the session was used now, at most once a minute.

    Raises `NeedsToWrite` where a write is due in a transaction that only reads.
    """
    if now - session.last_seen_at >= TOUCH_EVERY:
        must_write(connection)
        connection.execute(_TOUCH, {"of_id": session.id, "now": now})


def close_desk_session(connection: Connection, session: DeskSession, now: datetime) -> bool:
    """Close the session; False when it had ended before."""
    must_write(connection)
    return connection.execute(_CLOSE, {"of_id": session.id, "now": now}).rowcount == 1


def keep_reason(
    connection: Connection,
    session: DeskSession,
    about_id: UUID,
    why: LookReason,
    now: datetime,
) -> None:
    """Store the reason to look at this person, in place of any other person and reason."""
    must_write(connection)
    parameters = {
        "of_id": session.id,
        "about": about_id,
        "because": why.reason,
        "explained": why.explanation,
        "under": why.ticket,
        "now": now,
    }
    connection.execute(_GIVE_REASON, parameters)


def forget_old_desk_sessions(connection: Connection, now: datetime) -> int:
    """Delete the sessions that were opened long ago; returns how many."""
    return connection.execute(_FORGET, {"opened_before": now - KEPT}).rowcount
