"""In which capacities a person may act, as the sources say; and which one each application has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from authn.clients.clients import Client, find_client
from authn.errors import N_
from authn.grants.ended_grants import tell_of_ended_grants
from authn.grants.grants import COLUMNS, Grant, limits, live, live_chain, revoke_grant
from authn.grants.tables import grants
from authn.login.profile_choices import newest_in_session
from authn.profiles.available import available, questions_of, unchecked
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.profiles.profiles import find_profile
from authn.profiles.refreshing import bring_up_to_date
from authn.profiles.words import in_words
from authn.sessions.sessions import Session
from authn.sources.questions import QUESTIONS, QuestionName, SourceName
from authn.web.request import Request

SOURCE_WORDS: Final[dict[SourceName, str]] = {
    "national_register": N_("National register"),
    "professions": N_("Register of health professions"),
    "organisations": N_("Register of organisations"),
    "mandates": N_("Register of mandates"),
    "staff": N_("Help desk"),
}
_A_MOMENT: Final = timedelta(seconds=1)
# By the device, which has an index by time: a session alone has none.
_GIVEN_HERE: Final = (
    select(*COLUMNS)
    .select_from(live_chain())
    .where(
        grants.c.device_id == bindparam("of_device"),
        grants.c.session_id == bindparam("of_session"),
        live(),
    )
    .order_by(grants.c.granted_at.desc())
)


@dataclass(frozen=True, slots=True)
class CapacityDescription:
    """Of one profile: who says so, when they last did, and a moment of its last day."""

    source: str
    checked_at: datetime | None
    last_day: datetime | None


@dataclass(frozen=True, slots=True)
class CapacityInUse:
    """An application of this session: the capacity in which it was last answered, and the one that
    was chosen for its next request where that is another; None for none yet."""

    client: Client
    name: str
    now: str | None
    next: str | None


def held(request: Request, session: Session) -> tuple[list[Profile], list[QuestionName]]:
    """In which capacities the person may act, and which of them can't be checked now.

    Raises `NeededFromOutside` when a source is to be asked first.
    """
    questions = questions_of(KINDS)
    bring_up_to_date(request, session.person_id, questions)
    connection, settings = request.connection, request.settings
    found = available(connection, request.secrets, settings, session.person_id, request.now)
    open_questions = unchecked(connection, settings, session.person_id, request.now, questions)
    return found, open_questions


def about(request: Request, profile: Profile) -> CapacityDescription:
    """What a page tells of a profile beside how it is called."""
    source = QUESTIONS[KINDS[profile.kind].question].source
    return CapacityDescription(
        source=request.translate(SOURCE_WORDS[source]),
        checked_at=profile.confirmed_at,
        last_day=profile.valid_to - _A_MOMENT if profile.valid_to else None,
    )


def in_use(request: Request, session: Session) -> list[CapacityInUse]:
    """The applications of this session that people use in several capacities, by name."""
    given = {each.client_id: each for each in reversed(given_here(request, session))}
    chosen = newest_in_session(request.connection, session)
    found = []
    for client_id in {**given, **chosen}:
        client = find_client(request.connection, client_id)
        if client is None or not client.profile_kinds:
            continue
        now = _called(request, session, given[client_id].profile_id) if client_id in given else None
        later = _called(request, session, chosen[client_id]) if client_id in chosen else None
        other = later if later != now else None
        found.append(CapacityInUse(client, client.shown_name(request.language), now, other))
    return sorted(found, key=lambda each: each.name)


def given_here(request: Request, session: Session) -> list[Grant]:
    """The grants of this session that are alive, the last first."""
    parameters = {"of_device": session.device_id, "of_session": session.id}
    parameters |= limits(request.settings, request.now)
    return [Grant(*row) for row in request.connection.execute(_GIVEN_HERE, parameters)]


def end_what_was_given(request: Request, ending: Iterable[Grant]) -> int:
    """How many of these grants ended now; whom that concerns is told."""
    ended = [each for each in ending if revoke_grant(request.connection, each.id, request.now)]
    tell_of_ended_grants(request, ended)
    return len(ended)


def _called(request: Request, session: Session, profile_id: UUID | None) -> str | None:
    """How the session's person is called in this profile; None where it is gone."""
    if profile_id is None:
        return request.translate(N_("As a citizen"))
    profile = find_profile(request.connection, request.secrets, profile_id)
    return in_words(profile, request.translate, session.name).title if profile else None
