"""Ending the grants of an ended profile; notifying its holder, applications and resources.

Why found, not called, as in `ended_sessions`: a profile ends in half a dozen ways (the source tells
it no more, its last day is over, a child is of age, a mandator died), some of which are nobody's
act. Each leaves a row that says so, or whose end has passed; the worker looks for such rows.

A grant whose profile has ended is refused before the worker comes: each use of a grant looks at
its profile.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from authn.audit.events.capacities import ProfileEnded
from authn.audit.log import record
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.grants.endings.ended_grants import notify_of_ended_grants
from authn.grants.endings.ended_sessions import REMEMBERED
from authn.grants.grants import COLUMNS, Grant
from authn.grants.tables import grants
from authn.notices.kinds import ProfilesEndedNotice
from authn.notices.notices import tell
from authn.people.persons import find_person
from authn.profiles.kinds import KINDS
from authn.profiles.profiles import read_fact_row
from authn.profiles.tables import profiles

AT_ONCE = 100  # profiles, in one transaction
MOST_NAMED = 20  # in one notice

_EXPIRED = and_(profiles.c.ended_at.is_(None), profiles.c.valid_to <= bindparam("now"))
_UNTOLD = and_(profiles.c.ended_at.is_not(None), profiles.c.end_told_at.is_(None))
_ANY = select(or_(exists().where(_EXPIRED), exists().where(_UNTOLD)))
_MOST = bindparam("most", type_=Integer)


def _some(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """A condition: the profile is one of those that this worker alone takes now.

    A CTE: PostgreSQL evaluates it once, where it may run a subquery, with its limit, many times.
    """
    some = select(profiles.c.id).where(condition).limit(_MOST).with_for_update(skip_locked=True)
    return profiles.c.id.in_(select(some.cte("some").c.id))


_EXPIRE = (
    update(profiles)
    .where(_some(_EXPIRED), profiles.c.ended_at.is_(None))
    .values(ended_at=profiles.c.valid_to)
)
_MARK = (
    update(profiles)
    .where(_some(_UNTOLD), profiles.c.end_told_at.is_(None))
    .values(end_told_at=bindparam("now"))
    .returning(
        profiles.c.id,
        profiles.c.person_id,
        profiles.c.kind,
        profiles.c.question,
        profiles.c.fact_encrypted,
        profiles.c.represented_id,
    )
)
# With what was revoked since by who came upon the ended profile first (`oidc.tokens.capacity`).
_ENDED_AT = (
    select(profiles.c.ended_at).where(profiles.c.id == grants.c.profile_id).scalar_subquery()
)
_REVOKE = (
    update(grants)
    .where(
        grants.c.profile_id.in_(bindparam("ids", expanding=True)),
        or_(grants.c.revoked_at.is_(None), grants.c.revoked_at >= _ENDED_AT),
    )
    .values(revoked_at=func.coalesce(grants.c.revoked_at, bindparam("now", type_=UtcDateTime)))
    .returning(*COLUMNS)
)


def has_ended_profiles(connection: Connection, now: datetime) -> bool:
    """Whether a profile has ended that nobody was notified of: two looks into small indexes."""
    return bool(connection.execute(_ANY, {"now": now}).scalar())


def notify_of_ended_profiles(occasion: Occasion) -> int:
    """Revokes the grants of ended profiles and notifies who is concerned; how many profiles.

    Each once, whoever else does the same at this moment.
    """
    connection = occasion.connection
    some = {"now": occasion.now, "most": AT_ONCE}
    connection.execute(_EXPIRE, some)
    ended = connection.execute(_MARK, some).all()
    if not ended:
        return 0
    ids = [row.id for row in ended]
    revoked = [
        Grant(*row) for row in connection.execute(_REVOKE, {"ids": ids, "now": occasion.now})
    ]
    counted = Counter(grant.profile_id for grant in revoked)
    for row in ended:
        event = ProfileEnded(
            person_id=row.person_id, profile_id=row.id, kind=row.kind, grants=counted[row.id]
        )
        record(connection, occasion.secrets, event, occasion.now, occasion.reference)
    _notify_holders(occasion, ended)
    # By the `sid` that has the profile in it: what an application has in another one goes on.
    known = occasion.now - REMEMBERED
    notify_of_ended_grants(
        occasion, [each for each in revoked if each.offline or each.granted_at > known]
    )
    return len(ended)


def _notify_holders(occasion: Occasion, ended: Iterable[Any]) -> None:
    """Sends each person one notice of all their profiles that ended now."""
    capacities: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    for row in ended:
        kind, fact = KINDS[row.kind], read_fact_row(occasion.secrets, row)
        if not kind.ends_in_silence(fact, _is_dead(occasion.connection, row.represented_id)):
            names = kind.names(fact)
            capacities[row.person_id].append((names.title, names.name))
    for person_id, named in capacities.items():
        person = find_person(occasion.connection, person_id)
        if person and not person.deceased:
            tell(occasion, person_id, ProfilesEndedNotice(tuple(named[:MOST_NAMED])))


def _is_dead(connection: Connection, person_id: UUID | None) -> bool:
    person = find_person(connection, person_id) if person_id else None
    return person is not None and person.deceased
