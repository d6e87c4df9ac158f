"""Rows of `profile_choices`: in which capacity a person chose to act at an application."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

from authn.db.once import insert_once
from authn.db.transaction import must_write
from authn.login.tables import profile_choices
from authn.people.merge import PersonMerge
from authn.profiles.profile import NO_PROFILE, Profile
from authn.secrets import new_token
from authn.sessions.sessions import Session

# A choice is of use to its session, which lives less long, and the newest one for longer.
KEPT: Final = timedelta(days=30)

# Built once: putting a statement together costs more than executing it.
_REMEMBERED: Final = (
    select(
        profile_choices.c.request_id,
        profile_choices.c.session_id,
        profile_choices.c.profile_id,
        profile_choices.c.chosen_at,
    )
    .where(
        profile_choices.c.person_id == bindparam("of_person"),
        profile_choices.c.client_id == bindparam("at_client"),
    )
    .order_by(profile_choices.c.chosen_at.desc())
)
_IN_SESSION: Final = (
    select(profile_choices.c.client_id, profile_choices.c.profile_id)
    .where(
        profile_choices.c.person_id == bindparam("of_person"),
        profile_choices.c.session_id == bindparam("in_session"),
    )
    .order_by(profile_choices.c.chosen_at)
)
_newer = profile_choices.alias("newer")
_FORGET: Final = delete(profile_choices).where(
    profile_choices.c.chosen_at < bindparam("before"),
    select(_newer.c.request_id)
    .where(
        _newer.c.person_id == profile_choices.c.person_id,
        _newer.c.client_id == profile_choices.c.client_id,
        _newer.c.chosen_at > profile_choices.c.chosen_at,
    )
    .exists(),
)


@dataclass(frozen=True, slots=True)
class ChosenProfile:
    """A choice, by the `consent_id` of the profile, and when it was made."""

    consent_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class RememberedProfile:
    """A person's choices at a client: for this request, in this session, and the last one.

    None where there is no such choice.
    """

    for_request: ChosenProfile | None = None
    in_session: ChosenProfile | None = None
    last: ChosenProfile | None = None


def find_remembered_profile(
    connection: Connection, session: Session, client_id: str, request_id: str
) -> RememberedProfile:
    """The choices of the session's person at a client, read in one statement."""
    parameters = {"of_person": session.person_id, "at_client": client_id}
    found = RememberedProfile()
    for row in connection.execute(_REMEMBERED, parameters):
        chosen = ChosenProfile(row.profile_id or NO_PROFILE, row.chosen_at)
        in_session = row.session_id == session.id
        found = RememberedProfile(
            chosen if in_session and row.request_id == request_id else found.for_request,
            found.in_session or (chosen if in_session else None),
            found.last or chosen,
        )
    return found


def newest_profile_by_client(connection: Connection, session: Session) -> dict[str, UUID | None]:
    """The profile chosen last in the session, by client; None as a citizen."""
    parameters = {"of_person": session.person_id, "in_session": session.id}
    return {row.client_id: row.profile_id for row in connection.execute(_IN_SESSION, parameters)}


def record_choice(
    connection: Connection,
    session: Session,
    client_id: str,
    request_id: str,
    profile: Profile,
    now: datetime,
) -> None:
    """Stores the profile for one request, in the place of an earlier choice."""
    must_write(connection)
    row = _row(session, client_id, request_id, profile.id, now)
    connection.execute(_upsert(connection.dialect.name), row)


def record_switch(
    connection: Connection, session: Session, client_id: str, profile: Profile, now: datetime
) -> None:
    """Stores the profile for the client's next requests in this session."""
    record_choice(connection, session, client_id, f"switch:{new_token(16)}", profile, now)


def keep_choice(
    connection: Connection, session: Session, client_id: str, request_id: str, chosen: ChosenProfile
) -> None:
    """Stores an earlier choice for this request too, unless the request has a choice already."""
    profile_id = None if chosen.consent_id == NO_PROFILE else chosen.consent_id
    row = _row(session, client_id, request_id, profile_id, chosen.at)
    insert_once(connection, profile_choices, row)


def forget_old_choices(connection: Connection, now: datetime) -> int:
    """How many old choices were deleted; a person's last choice at a client is kept."""
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


def _row(
    session: Session, client_id: str, request_id: str, profile_id: UUID | None, at: datetime
) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "person_id": session.person_id,
        "session_id": session.id,
        "client_id": client_id,
        "profile_id": profile_id,
        "chosen_at": at,
    }


@cache
def _upsert(dialect: str) -> Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(profile_choices)
    changed = [column.name for column in profile_choices.c if not column.primary_key]
    return statement.on_conflict_do_update(
        index_elements=[profile_choices.c.request_id],
        set_={name: statement.excluded[name] for name in changed},
    )


def move_choices(merger: PersonMerge) -> list[str]:
    """Gives the choices of a merged person to the person who is kept."""
    merger.connection.execute(
        update(profile_choices)
        .where(profile_choices.c.person_id == merger.merged.id)
        .values(person_id=merger.kept.id)
    )
    return []
