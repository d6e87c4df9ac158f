"""Joining the consents of two accounts that turn out to be one person's."""

from typing import Any

from sqlalchemy import Row, and_, delete, func, select

from authn.consents.tables import consents
from authn.people.merge import PersonMerge
from authn.profiles.tables import profiles


def unite_consents(merger: PersonMerge) -> list[str]:
    """Moves the consents of the merged account to the one that is kept; what was done, in words.

    What both allowed counts from the earlier moment until the earlier end. Where one allowed what
    the other declined, neither counts: the person is asked again.
    """
    connection, kept = merger.connection, merger.kept.id
    own = {_key(row): row for row in connection.execute(select(consents).where(_of(kept)))}
    coming = [dict(row._mapping) for row in connection.execute(_coming(merger))]
    connection.execute(delete(consents).where(_of(merger.merged.id)))
    moved = asked_again = 0
    for values in coming:
        row = own.get((values["client_id"], values["profile_id"], values["scope"]))
        if row is None:
            connection.execute(consents.insert().values(values | {"person_id": kept}))
            moved += 1
            continue
        same = and_(
            _of(kept),
            consents.c.client_id == row.client_id,
            consents.c.profile_id == row.profile_id,
            consents.c.scope == row.scope,
        )
        if row.declined != values["declined"]:
            connection.execute(delete(consents).where(same))
            asked_again += 1
            continue
        ends = [each for each in (row.expires_at, values["expires_at"]) if each]
        connection.execute(
            consents.update()
            .where(same)
            .values(
                given_at=min(row.given_at, values["given_at"]),
                expires_at=min(ends, default=None),
            )
        )
    lines = [f"Consents that move: {moved}."]
    if asked_again:
        lines.append(f"Consents that contradict each other, and are asked again: {asked_again}.")
    return lines


def _of(person_id: Any) -> Any:
    return consents.c.person_id == person_id


def _key(row: Row[Any]) -> tuple[Any, ...]:
    return (row.client_id, row.profile_id, row.scope)


def _coming(merger: PersonMerge) -> Any:
    """The rows of the merged account; a profile that both had is that of the account kept."""
    left, own = profiles.alias("left"), profiles.alias("own")
    profile_id = func.coalesce(own.c.id, consents.c.profile_id).label("profile_id")
    columns = [profile_id if each.name == "profile_id" else each for each in consents.c]
    return (
        select(*columns)
        .outerjoin(
            left,
            and_(left.c.id == consents.c.profile_id, left.c.person_id == merger.merged.id),
        )
        .outerjoin(
            own,
            and_(
                own.c.person_id == merger.kept.id,
                own.c.kind == left.c.kind,
                own.c.key_hash == left.c.key_hash,
                own.c.ended_at.is_(None),
            ),
        )
        .where(_of(merger.merged.id))
    )
