"""What becomes of what sources answered about somebody who turns out to be another."""

from sqlalchemy import delete, update

from authn.people.merge import PersonMerge
from authn.sources.tables import source_answers


def ask_again(merger: PersonMerge) -> list[str]:
    """The sources are asked again about the kept person, by all of their numbers."""
    connection = merger.connection
    connection.execute(delete(source_answers).where(source_answers.c.person_id == merger.merged.id))
    connection.execute(
        update(source_answers)
        .where(source_answers.c.person_id == merger.kept.id)
        .values(due_at=merger.occasion.now)
    )
    return []
