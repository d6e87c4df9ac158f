"""In which capacities a person may act at this moment."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.profiles.kinds import BY_QUESTION, KINDS
from authn.profiles.profile import CITIZEN, Kind, Profile
from authn.profiles.profiles import SELECT, profile_of_row, standing
from authn.profiles.tables import profiles
from authn.secrets import Secrets
from authn.settings import Settings
from authn.sources.answers import SourceAnswer, heard_of
from authn.sources.questions import OUR_OWN, QuestionName

_OF_PERSON = SELECT.where(
    profiles.c.person_id == bindparam("of_person"), profiles.c.ended_at.is_(None)
)
_QUESTIONS_HELD = (
    select(profiles.c.question)
    .distinct()
    .where(profiles.c.person_id == bindparam("of_person"), profiles.c.ended_at.is_(None))
)
_ORDER: Final = {kind: place for place, kind in enumerate(KINDS)}


def available(
    connection: Connection, secrets: Secrets, settings: Settings, person_id: UUID, now: datetime
) -> list[Profile]:
    """The profiles in which the person may act: as a citizen first, then by kind and name.

    Only those that hold now, as their source said within its stale limit; `bring_up_to_date` has
    the sources asked first.
    """
    rows = connection.execute(_OF_PERSON, {"of_person": person_id})
    found = [profile_of_row(secrets, row) for row in rows]
    holding = [each for each in found if standing(settings, each, now) in ("holds", "due")]
    return [CITIZEN, *sorted(holding, key=_place)]


def _place(profile: Profile) -> tuple[int, str, str, str]:
    called = KINDS[profile.kind].called(profile.fact)
    return _ORDER[profile.kind], called.name.casefold(), called.title, str(profile.id)


def unchecked(
    connection: Connection,
    settings: Settings,
    person_id: UUID,
    now: datetime,
    questions: Iterable[QuestionName] = tuple(BY_QUESTION),
) -> list[QuestionName]:
    """Those of these questions of which nothing is known that may still be used.

    They were never answered, or too long ago: these capacities can't be checked now.
    """
    heard = heard_of(connection, person_id)
    return [
        each
        for each in questions
        if _unheard(heard, each) or (each in heard and not heard[each].is_usable(settings, now))
    ]


def may_miss(connection: Connection, person_id: UUID, questions: Collection[QuestionName]) -> bool:
    """Whether the person may have profiles by these questions, of which nothing is known now.

    They had some when it was last known, or nobody ever asked.
    """
    if not questions:
        return False
    held = {*connection.execute(_QUESTIONS_HELD, {"of_person": person_id}).scalars()}
    heard = heard_of(connection, person_id)
    never = any(_unheard(heard, each) for each in questions)
    return bool(never or held & {*questions})


def _unheard(heard: Mapping[QuestionName, SourceAnswer], question: QuestionName) -> bool:
    """Whether it was never answered. What is our own to say is about whom it was noted of alone."""
    if question not in heard:
        return question not in OUR_OWN
    return heard[question].answered_at is None


def questions_of(kinds: Iterable[Kind]) -> tuple[QuestionName, ...]:
    """What must be asked of somebody to know which profiles of these kinds there are."""
    wanted = set(kinds)
    return tuple(question for question, kind in BY_QUESTION.items() if kind.name in wanted)
