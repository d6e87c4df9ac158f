"""A member of staff who turns out to be somebody else as well."""

from sqlalchemy import bindparam, select

from authn.errors import CommandError
from authn.people.merge import Merger
from authn.staff.tables import staff

_LIVE = select(staff.c.id).where(
    staff.c.person_id == bindparam("merged"), staff.c.ended_at.is_(None)
)


def refuse_staff(merger: Merger) -> list[str]:
    """Nothing: who worked at the desk, and until when, stays on record as it was.

    Raises `CommandError` for one who works there now: a role never goes to another account unseen.
    """
    if merger.connection.execute(_LIVE, {"merged": merger.merged.id}).first() is not None:
        raise CommandError(
            "The person who would be merged is a member of staff: end their roles first "
            "(`authn staff dismiss`), and appoint the one who stays."
        )
    return []
