"""What becomes of what somebody chose or confirmed in the hallway who turns out to be another."""

from sqlalchemy import delete, update

from authn.login.tables import confirmed_desk_acts, profile_choices
from authn.people.merge import PersonMerge


def move_choices(merger: PersonMerge) -> list[str]:
    """What the merged person chose last is still what is offered first."""
    merger.connection.execute(
        update(profile_choices)
        .where(profile_choices.c.person_id == merger.merged.id)
        .values(person_id=merger.kept.id)
    )
    return []


def forget_confirmations(merger: PersonMerge) -> list[str]:
    """What they confirmed at the desk, as whoever they were, lets nobody do it any more."""
    of_merged = confirmed_desk_acts.c.person_id == merger.merged.id
    merger.connection.execute(delete(confirmed_desk_acts).where(of_merged))
    return []
