"""Stored profiles: found, ended, and whether a profile still holds."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal, cast
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, Select, and_, bindparam, select, update

from authn.db.reencryption import EncryptedColumn
from authn.db.transaction import must_write
from authn.people.tables import persons
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Kind, Profile
from authn.profiles.tables import profiles
from authn.secrets import Secrets, decrypt, encrypt
from authn.settings import Settings
from authn.sources.answers import stale_limit
from authn.sources.fact_json import fact_from_kept_json, fact_to_json
from authn.sources.facts import Fact
from authn.sources.questions import OUR_OWN, QuestionName
from authn.sources.tables import source_answers

ProfileStatus = Literal["holds", "due", "ended", "unchecked"]


def _encryption_context(profile_id: UUID) -> str:
    """The context of a ciphertext: a fact moved to another row can't be decrypted there."""
    return f"profiles:{profile_id}"


ENCRYPTED = (EncryptedColumn(profiles.c.fact_encrypted, lambda row: _encryption_context(row.id)),)

# With the last answer to the question, and the represented person, in one statement.
SELECT_PROFILES: Final[Select[Any]] = select(
    profiles.c.id,
    profiles.c.person_id,
    profiles.c.kind,
    profiles.c.question,
    profiles.c.fact_encrypted,
    profiles.c.represented_id,
    profiles.c.valid_to,
    profiles.c.ended_at,
    source_answers.c.answered_at,
    source_answers.c.due_at,
    persons.c.deceased.label("represented_deceased"),
    persons.c.checked_at.label("represented_checked_at"),
).select_from(
    profiles.outerjoin(
        source_answers,
        and_(
            source_answers.c.person_id == profiles.c.person_id,
            source_answers.c.question == profiles.c.question,
        ),
    ).outerjoin(persons, persons.c.id == profiles.c.represented_id)
)
_FIND = SELECT_PROFILES.where(profiles.c.id == bindparam("profile_id"))
_END = (
    update(profiles)
    .where(profiles.c.id == bindparam("profile_id"), profiles.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)


def find_profile(connection: Connection, secrets: Secrets, profile_id: UUID) -> Profile | None:
    """The profile with this id, of any person; an ended profile too, which says so."""
    row = connection.execute(_FIND, {"profile_id": profile_id}).first()
    return read_profile_row(secrets, row) if row else None


def read_profile_row(secrets: Secrets, row: Row[Any]) -> Profile:
    """The profile in a row of `SELECT_PROFILES`."""
    ended_at = row.ended_at
    if row.represented_deceased and ended_at is None:
        # Nobody acts for the dead, whatever the source of mandates answers.
        ended_at = row.represented_checked_at
    return Profile(
        kind=cast(Kind, row.kind),
        id=row.id,
        fact=read_fact_row(secrets, row),
        represented_id=row.represented_id,
        valid_to=row.valid_to,
        confirmed_at=row.answered_at,
        due_at=row.due_at,
        ended_at=ended_at,
        person_id=row.person_id,
    )


def encrypt_fact(secrets: Secrets, profile_id: UUID, fact: Fact) -> bytes:
    """A fact, encrypted for the row of its profile."""
    return encrypt(secrets, orjson.dumps(fact_to_json(fact)), _encryption_context(profile_id))


def read_fact_row(secrets: Secrets, row: Any) -> Fact:
    """The fact in a row of `profiles`, decrypted: what `encrypt_fact` was given."""
    document = orjson.loads(decrypt(secrets, row.fact_encrypted, _encryption_context(row.id)))
    return fact_from_kept_json(row.question, document)


def profile_status(settings: Settings, profile: Profile, now: datetime) -> ProfileStatus:
    """The status of a profile: whether somebody may act in it at this instant.

    `due`: yes, and its source is to be asked again. `unchecked`: its source has not said so for
    longer than its stale limit, so that nobody can tell (decisions 4.20).
    """
    if profile.kind == "citizen":
        return "holds"
    if profile.ended_at is not None or (profile.valid_to is not None and profile.valid_to <= now):
        return "ended"
    kind = KINDS[profile.kind]
    if profile.fact is None or not kind.holds(profile.fact, settings, now):
        return "ended"
    if kind.question in OUR_OWN:
        return "holds"  # each change of it is in the profile at once (`appointments`)
    if profile.confirmed_at is None or profile.due_at is None:
        return "unchecked"
    limit = stale_limit(settings, kind.question)
    if limit is not None and now - profile.confirmed_at >= limit:
        return "unchecked"
    return "due" if profile.due_at <= now else "holds"


def profile_question(profile: Profile) -> QuestionName | None:
    """The question whose answer makes the profile; None for a citizen."""
    return None if profile.kind == "citizen" else KINDS[profile.kind].question


def end_profile(connection: Connection, profile_id: UUID, now: datetime) -> bool:
    """Whether the profile ended now; False when it had before.

    Its grants, its holder and the applications follow (`grants.endings.ended_profiles`).
    """
    must_write(connection)
    return connection.execute(_END, {"profile_id": profile_id, "now": now}).rowcount == 1


def public_id(profile_id: UUID, sector: str) -> str:
    """The id by which applications of a sector know a profile: `sub` of a `may_act` entry.

    A hash of the random id and the sector: nobody who doesn't know that id can guess it, and two
    sectors can't compare (decisions 1.3).
    """
    digest = hashlib.sha256(b"profile:" + profile_id.bytes + sector.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def find_by_public_id(among: Iterable[Profile], sector: str, text: str) -> Profile | None:
    """The profile that the sector knows by a presented id; None for an unknown id."""
    presented = text.encode("utf-8", "surrogatepass")
    for each in among:
        if hmac.compare_digest(public_id(each.consent_id, sector).encode(), presented):
            return each
    return None
