"""A member of staff who turns out to be somebody else as well."""

from sqlalchemy import bindparam, select

from authn.errors import CommandError
from authn.people.merge import PersonMerge
from authn.staff.tables import staff

_LIVE = select(staff.c.person_id).where(
    staff.c.person_id.in_(bindparam("both", expanding=True)), staff.c.ended_at.is_(None)
)


def refuse_staff(merger: PersonMerge) -> list[str]:
    """Nothing: who worked at the desk, and until when, stays on record as it was.

    Raises `CommandError` where one of the two works there now: a role never goes to another account
    unseen, and the devices of another account never come to open the desk.
    """
    both = [merger.merged.id, merger.kept.id]
    working = {*merger.connection.execute(_LIVE, {"both": both}).scalars()}
    if merger.merged.id in working:
        raise CommandError(
            "The person who would be merged is a member of staff: end their roles first "
            "(`authn staff dismiss`), and appoint the one who stays."
        )
    if working:
        raise CommandError(
            "The person who stays is a member of staff: end their roles first (`authn staff "
            "dismiss`), look at the devices that go over to them, and appoint them again."
        )
    return []
