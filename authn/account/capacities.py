"""The capacities of a person by the sources, and the one in use at each application."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from authn.clients.clients import Client, find_client
from authn.errors import N_
from authn.grants.endings.ended_grants import notify_of_ended_grants
from authn.grants.grants import (
    COLUMNS,
    Grant,
    live_chain,
    live_condition,
    live_parameters,
    revoke_grant,
)
from authn.grants.tables import grants
from authn.login.profile_choices import newest_profile_by_client
from authn.profiles.available import (
    available_profiles,
    describe_profile,
    list_unusable_questions,
    questions_for_kinds,
)
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.profiles.profiles import find_profile
from authn.profiles.refreshing import refresh_from_sources
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
        live_condition(),
    )
    .order_by(grants.c.granted_at.desc())
)


@dataclass(frozen=True, slots=True)
class CapacityDescription:
    """The source of a profile, when the source last confirmed it, and a moment of its last day."""

    source: str
    checked_at: datetime | None
    last_day: datetime | None


@dataclass(frozen=True, slots=True)
class CapacityInUse:
    """An application of the session, with its capacity now and for its next request.

    `now` is that of the newest grant, `next` a different one that was chosen since; None for
    none."""

    client: Client
    name: str
    now: str | None
    next: str | None


def list_capacities(request: Request, session: Session) -> tuple[list[Profile], list[QuestionName]]:
    """The profiles of the person, and the questions about them that no source can answer now.

    Raises `NeededFromOutside` when a source is to be asked first.
    """
    questions = questions_for_kinds(KINDS)
    refresh_from_sources(request, session.person_id, questions)
    connection, settings = request.connection, request.settings
    found = available_profiles(
        connection, request.secrets, settings, session.person_id, request.now
    )
    open_questions = list_unusable_questions(
        connection, settings, session.person_id, request.now, questions
    )
    return found, open_questions


def describe_source(request: Request, profile: Profile) -> CapacityDescription:
    """The source of a profile, as a page shows it beside the name."""
    source = QUESTIONS[KINDS[profile.kind].question].source
    return CapacityDescription(
        source=request.translate(SOURCE_WORDS[source]),
        checked_at=profile.confirmed_at,
        last_day=profile.valid_to - _A_MOMENT if profile.valid_to else None,
    )


def list_capacities_in_use(request: Request, session: Session) -> list[CapacityInUse]:
    """The applications of the session that can be used in several capacities, by name."""
    given = {each.client_id: each for each in reversed(list_grants_of_session(request, session))}
    chosen = newest_profile_by_client(request.connection, session)
    found = []
    for client_id in {**given, **chosen}:
        client = find_client(request.connection, client_id)
        if client is None or not client.profile_kinds:
            continue
        now = _called(request, session, given[client_id].profile_id) if client_id in given else None
        later = _called(request, session, chosen[client_id]) if client_id in chosen else None
        other = later if later != now else None
        found.append(CapacityInUse(client, client.display_name(request.language), now, other))
    return sorted(found, key=lambda each: each.name)


def list_grants_of_session(request: Request, session: Session) -> list[Grant]:
    """The live grants of the session, the newest first."""
    parameters = {"of_device": session.device_id, "of_session": session.id}
    parameters |= live_parameters(request.settings, request.now)
    return [Grant(*row) for row in request.connection.execute(_GIVEN_HERE, parameters)]


def end_grants(request: Request, ending: Iterable[Grant]) -> int:
    """Revokes grants and notifies who is concerned; how many ended now."""
    ended = [each for each in ending if revoke_grant(request.connection, each.id, request.now)]
    notify_of_ended_grants(request, ended)
    return len(ended)


def _called(request: Request, session: Session, profile_id: UUID | None) -> str | None:
    """The title of a profile of the session's person; None where the profile is gone."""
    if profile_id is None:
        return request.translate(N_("As a citizen"))
    profile = find_profile(request.connection, request.secrets, profile_id)
    return describe_profile(profile, request.translate, session.name).title if profile else None
