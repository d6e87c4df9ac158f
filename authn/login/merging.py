"""What becomes of what somebody chose in the hallway who turns out to be another."""

from sqlalchemy import update

from authn.login.tables import profile_choices
from authn.people.merge import Merger


def move_choices(merger: Merger) -> list[str]:
    """What the merged person chose last is still what is offered first."""
    merger.connection.execute(
        update(profile_choices)
        .where(profile_choices.c.person_id == merger.merged.id)
        .values(person_id=merger.kept.id)
    )
    return []
