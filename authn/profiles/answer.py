"""The answer of a source becomes profiles of a person: new, unchanged and ended profiles.

Why a diff, and not the answer itself: a profile has an id by which grants and consents hang on it,
and its end must be found and reported. Nothing is kept of a fact that doesn't hold when the source
answers.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, select, update

from authn.db.transaction import must_write
from authn.people.persons import find_persons_by_ssin_hash, lock_person
from authn.people.tables import Person
from authn.profiles.kinds import BY_QUESTION
from authn.profiles.kinds.kind import ProfileKind
from authn.profiles.profiles import encrypt_fact, read_fact_row
from authn.profiles.tables import profiles
from authn.secrets import Secrets, national_number_hash
from authn.settings import Settings
from authn.sources.answers import find_source_answers, note_answer
from authn.sources.facts import Fact, Mandate
from authn.sources.questions import OUR_OWN, QuestionName

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_LIVE = select(
    profiles.c.id,
    profiles.c.question,
    profiles.c.key_hash,
    profiles.c.fact_encrypted,
    profiles.c.represented_id,
    profiles.c.valid_to,
).where(
    profiles.c.person_id == bindparam("of_person"),
    profiles.c.question == bindparam("of_question"),
    profiles.c.ended_at.is_(None),
)
_INSERT = profiles.insert()
_CHANGE = (
    update(profiles)
    .where(profiles.c.id == bindparam("profile_id"), profiles.c.ended_at.is_(None))
    .values(
        key_hash=bindparam("new_key_hash"),
        fact_encrypted=bindparam("new_fact"),
        represented_id=bindparam("new_represented_id"),
        valid_to=bindparam("new_valid_to"),
    )
)
_END = (
    update(profiles)
    .where(
        profiles.c.id.in_(bindparam("ids", expanding=True)),
        profiles.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class _AnsweredProfile:
    """A profile in the answer; `person` is the person whom it represents, where known here."""

    fact: Fact
    key_hash: str
    valid_to: datetime | None
    person: Person | None

    @property
    def person_id(self) -> UUID | None:
        return self.person.id if self.person else None


@dataclass(frozen=True, slots=True)
class _StoredProfile:
    """A row of `profiles` that has not ended."""

    id: UUID
    fact: Fact
    key_hash: str
    valid_to: datetime | None
    represented_id: UUID | None


def apply_answer(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person_id: UUID,
    question: QuestionName,
    facts: Iterable[Fact],
    now: datetime,
) -> None:
    """The person's profiles of a question are those that its answer, all these facts, makes.

    `now` is when the question was asked: an answer older than the last one is left aside. The
    person is locked, so that answers come one after another. Answers of our own registers were
    read under that lock: they are the newest, whatever the clocks of two hosts say.
    """
    must_write(connection)
    if lock_person(connection, person_id) is None:
        return
    last = find_source_answers(connection, person_id).get(question)
    if last and last.answered_at and last.answered_at > now and question not in OUR_OWN:
        return
    kind, told = BY_QUESTION[question], tuple(facts)
    wanted = {
        key: each
        for key, each in _select_holding_facts(
            connection, secrets, settings, kind, told, now
        ).items()
        if each.person_id != person_id  # nobody acts for themselves
    }
    silent = {_key_hash(secrets, kind, fact): fact for fact in told if _is_silent(kind, fact)}
    _update_profiles(connection, secrets, (person_id, kind), wanted, silent, now)
    note_answer(connection, person_id, question, settings, now)


def _select_holding_facts(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    kind: ProfileKind[Any],
    facts: Iterable[Fact],
    now: datetime,
) -> dict[str, _AnsweredProfile]:
    """By key: the facts that hold, of each key that which holds longest; none for the dead."""
    holding = [fact for fact in facts if kind.holds(fact, settings, now)]
    people = _find_represented(connection, secrets, kind, holding)
    found: dict[str, _AnsweredProfile] = {}
    for fact in holding:
        named = kind.represents(fact)
        person = people.get(national_number_hash(secrets, named.ssin)) if named else None
        if person and person.deceased:
            continue
        ends_at = kind.ends_at(fact, settings)
        each = _AnsweredProfile(fact, _key_hash(secrets, kind, fact), ends_at, person)
        other = found.get(each.key_hash)
        if other is None or (ends_at or _NEVER) > (other.valid_to or _NEVER):
            found[each.key_hash] = each
    return found


def _find_represented(
    connection: Connection, secrets: Secrets, kind: ProfileKind[Any], facts: Iterable[Fact]
) -> dict[str, Person]:
    """By the hash of a number: the represented persons of these facts who are known here."""
    named = [person for fact in facts if (person := kind.represents(fact))]
    hashes = {national_number_hash(secrets, person.ssin) for person in named}
    return find_persons_by_ssin_hash(connection, hashes) if hashes else {}


def _is_silent(kind: ProfileKind[Any], fact: Fact) -> bool:
    return kind.ends_in_silence(fact, False)


def _key_hash(secrets: Secrets, kind: ProfileKind[Any], fact: Fact) -> str:
    return national_number_hash(secrets, json.dumps(["profile", kind.name, *kind.key(fact)]))


def _update_profiles(
    connection: Connection,
    secrets: Secrets,
    of: tuple[UUID, ProfileKind[Any]],
    wanted: Mapping[str, _AnsweredProfile],
    silent: Mapping[str, Fact],
    now: datetime,
) -> None:
    """The rows become as wanted; rows that end in silence keep the fact that says so."""
    person_id, kind = of
    kept = _read_live_profiles(connection, secrets, person_id, kind)
    pairs, ended = _match_profiles(kept, wanted, now)
    changes = [_change(secrets, *pair) for pair in pairs if _differs(*pair)]
    changes += [
        _change(
            secrets, row, _AnsweredProfile(silent[row.key_hash], row.key_hash, row.valid_to, None)
        )
        for row in kept
        if row.key_hash in silent and row.id in ended
    ]
    if changes:
        connection.execute(_CHANGE, changes)
    if ended:
        connection.execute(_END, {"ids": ended, "now": now})
    matched = {each.key_hash for _, each in pairs}
    rows = [
        _row(secrets, person_id, kind, each, now)
        for each in wanted.values()
        if each.key_hash not in matched
    ]
    if rows:
        connection.execute(_INSERT, rows)


def _read_live_profiles(
    connection: Connection, secrets: Secrets, person_id: UUID, kind: ProfileKind[Any]
) -> list[_StoredProfile]:
    rows = connection.execute(_LIVE, {"of_person": person_id, "of_question": kind.question})
    return [
        _StoredProfile(
            row.id, read_fact_row(secrets, row), row.key_hash, row.valid_to, row.represented_id
        )
        for row in rows
    ]


def _match_profiles(
    kept: Iterable[_StoredProfile], wanted: Mapping[str, _AnsweredProfile], now: datetime
) -> tuple[list[tuple[_StoredProfile, _AnsweredProfile]], list[UUID]]:
    """The rows paired with what they become, and the ids of rows that have ended.

    A row whose end has passed has ended, though not marked yet: a fact of the same key is another
    profile now.
    """
    rows = list(kept)
    live = [row for row in rows if row.valid_to is None or row.valid_to > now]
    pairs = [(row, wanted[row.key_hash]) for row in live if row.key_hash in wanted]
    left = [row for row in live if row.key_hash not in wanted]
    taken = {each.key_hash for _, each in pairs}
    fresh = [each for each in wanted.values() if each.key_hash not in taken]
    pairs += _match_renumbered(left, fresh)
    matched = {row.id for row, _ in pairs}
    return pairs, [row.id for row in rows if row.id not in matched]


def _match_renumbered(
    left: Iterable[_StoredProfile], fresh: Iterable[_AnsweredProfile]
) -> list[tuple[_StoredProfile, _AnsweredProfile]]:
    """Rows of a represented person whose number was replaced: the same profiles (decisions 9.5)."""
    renumbered = {
        (each.person_id, _mandate_id(each.fact)): each for each in fresh if each.person_id
    }
    keys = ((row, (row.represented_id, _mandate_id(row.fact))) for row in left)
    return [(row, renumbered.pop(key)) for row, key in keys if key in renumbered]


def _mandate_id(fact: Fact) -> str:
    """The id of a mandate, of which a person may give several; "" for a child."""
    return fact.mandate_id if isinstance(fact, Mandate) else ""


def _differs(row: _StoredProfile, wanted: _AnsweredProfile) -> bool:
    return (
        row.fact != wanted.fact
        or row.key_hash != wanted.key_hash
        or row.valid_to != wanted.valid_to
        or (row.represented_id is None and wanted.person_id is not None)
    )


def _change(secrets: Secrets, row: _StoredProfile, wanted: _AnsweredProfile) -> dict[str, Any]:
    return {
        "profile_id": row.id,
        "new_key_hash": wanted.key_hash,
        "new_fact": encrypt_fact(secrets, row.id, wanted.fact),
        "new_represented_id": row.represented_id or wanted.person_id,
        "new_valid_to": wanted.valid_to,
    }


def _row(
    secrets: Secrets,
    person_id: UUID,
    kind: ProfileKind[Any],
    wanted: _AnsweredProfile,
    now: datetime,
) -> dict[str, Any]:
    profile_id = uuid4()
    return {
        "id": profile_id,
        "person_id": person_id,
        "kind": kind.name,
        "question": kind.question,
        "key_hash": wanted.key_hash,
        "fact_encrypted": encrypt_fact(secrets, profile_id, wanted.fact),
        "represented_id": wanted.person_id,
        "valid_to": wanted.valid_to,
        "known_since": now,
        "ended_at": None,
        "end_told_at": None,
    }
