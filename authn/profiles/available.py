"""The profiles in which a person may act at a moment, and their names for pages."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.profiles.kinds import BY_QUESTION, KINDS
from authn.profiles.profile import CITIZEN, Kind, Profile
from authn.profiles.profiles import SELECT_PROFILES, profile_status, read_profile_row
from authn.profiles.tables import profiles
from authn.secrets import Secrets
from authn.settings import Settings
from authn.sources.answers import SourceAnswer, find_source_answers
from authn.sources.questions import OUR_OWN, QuestionName

_OF_PERSON = SELECT_PROFILES.where(
    profiles.c.person_id == bindparam("of_person"), profiles.c.ended_at.is_(None)
)
_QUESTIONS_HELD = (
    select(profiles.c.question)
    .distinct()
    .where(profiles.c.person_id == bindparam("of_person"), profiles.c.ended_at.is_(None))
)
_ORDER: Final = {kind: place for place, kind in enumerate(KINDS)}


def available_profiles(
    connection: Connection, secrets: Secrets, settings: Settings, person_id: UUID, now: datetime
) -> list[Profile]:
    """The profiles in which the person may act now: as a citizen first, then by kind and name.

    Only profiles that hold, as their source said within its stale limit; `refresh_from_sources` has
    the sources asked first.
    """
    rows = connection.execute(_OF_PERSON, {"of_person": person_id})
    found = [read_profile_row(secrets, row) for row in rows]
    holding = [each for each in found if profile_status(settings, each, now) in ("holds", "due")]
    return [CITIZEN, *sorted(holding, key=_sort_key)]


def _sort_key(profile: Profile) -> tuple[int, str, str, str]:
    names = KINDS[profile.kind].names(profile.fact)
    return _ORDER[profile.kind], names.name.casefold(), names.title, str(profile.id)


def list_unusable_questions(
    connection: Connection,
    settings: Settings,
    person_id: UUID,
    now: datetime,
    questions: Iterable[QuestionName] = tuple(BY_QUESTION),
) -> list[QuestionName]:
    """The questions without an answer that may still be used: such profiles can't be checked now.

    They were never answered, or too long ago.
    """
    answers = find_source_answers(connection, person_id)
    return [
        each
        for each in questions
        if _is_unanswered(answers, each)
        or (each in answers and not answers[each].is_usable(settings, now))
    ]


def may_have_unknown_profiles(
    connection: Connection, person_id: UUID, questions: Collection[QuestionName]
) -> bool:
    """Whether the person may have profiles by questions without a usable answer.

    They had some by the last answer, or there was never any answer.
    """
    if not questions:
        return False
    held = {*connection.execute(_QUESTIONS_HELD, {"of_person": person_id}).scalars()}
    answers = find_source_answers(connection, person_id)
    never = any(_is_unanswered(answers, each) for each in questions)
    return bool(never or held & {*questions})


def _is_unanswered(answers: Mapping[QuestionName, SourceAnswer], question: QuestionName) -> bool:
    """Whether a question was never answered; our own registers speak of their entries alone."""
    if question not in answers:
        return question not in OUR_OWN
    return answers[question].answered_at is None


def questions_for_kinds(kinds: Iterable[Kind]) -> tuple[QuestionName, ...]:
    """The questions whose answers make profiles of these kinds."""
    wanted = set(kinds)
    return tuple(question for question, kind in BY_QUESTION.items() if kind.name in wanted)


@dataclass(frozen=True, slots=True)
class ProfileSentence:
    """The name of a profile in the language of the page; `group` is the heading above."""

    title: str
    subtitle: str
    group: str


def describe_profile(
    profile: Profile, translate: Callable[[str], str], name: str = ""
) -> ProfileSentence:
    """The name of a profile, without numbers; `name` is the person's own, beside "as a citizen"."""
    kind = KINDS[profile.kind]
    names = kind.names(profile.fact)
    details = [translate(each) for each in names.details] or [name] * (profile.kind == "citizen")
    return ProfileSentence(
        title=translate(names.title) % {"name": names.name},
        subtitle=", ".join(each for each in details if each),
        group=translate(kind.group),
    )
