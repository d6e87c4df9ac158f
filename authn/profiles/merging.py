"""Merging of two persons: profiles of the merged person move to the kept person, or end."""

from sqlalchemy import and_, exists, select, update

from authn.people.merge import PersonMerge
from authn.profiles.tables import profiles


def move_profiles(merger: PersonMerge) -> list[str]:
    """The profiles of the merged person are the kept person's; where both had a profile, one ends.

    The merged person's ends, and its row stays theirs. Nobody acts for themselves: a mandate
    between the two ends, and its grants with it.
    """
    connection, now = merger.connection, merger.occasion.now
    merged, kept = merger.merged.id, merger.kept.id
    own = profiles.alias("own")
    known = exists(
        select(own.c.id).where(
            own.c.person_id == kept,
            own.c.kind == profiles.c.kind,
            own.c.key_hash == profiles.c.key_hash,
            own.c.ended_at.is_(None),
        )
    )
    live = profiles.c.ended_at.is_(None)
    # Their grants have ended already, and the merge as a whole is what everybody is told.
    twice = connection.execute(
        update(profiles)
        .where(profiles.c.person_id == merged, live, known)
        .values(ended_at=now, end_told_at=now)
    ).rowcount
    moved = connection.execute(
        update(profiles).where(profiles.c.person_id == merged, live).values(person_id=kept)
    ).rowcount
    # Others act for the same person as before.
    connection.execute(
        update(profiles).where(profiles.c.represented_id == merged).values(represented_id=kept)
    )
    connection.execute(
        update(profiles)
        .where(and_(profiles.c.person_id == kept, profiles.c.represented_id == kept, live))
        .values(ended_at=now)
    )
    return [f"Capacities that move: {moved}; that both had: {twice}."] if moved or twice else []
