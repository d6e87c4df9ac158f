"""Who began somebody's return has no part in what lets that person in again (decisions 3.3).

The one place that refuses it: neither do they issue the code or match the identity, nor agree to
it.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from authn.console.desk_sessions import Desk
from authn.console.targets import BY_WHICH_ONE_RETURNS, note_refused
from authn.db.occasion import Occasion
from authn.enrolment.returning import began_return
from authn.errors import N_, Forbidden
from authn.staff.roles import Act

WHY_NOT: Final = "began the return"
# By what they would do, in words for them.
WORDS: Final[Mapping[Act, str]] = {
    "approve": N_(
        "You began this person's return yourself. Another supervisor must decide about it."
    ),
    "issue-code": N_(
        "You began this person's return yourself. Another registrar must issue the code."
    ),
    "match-identity": N_(
        "You began this person's return yourself. Another registrar must match the identity."
    ),
}


def began_what_ends(occasion: Occasion, staff_id: UUID, act: Act, person_id: UUID) -> bool:
    """Whether this member of staff began the return that would end by this act on the person."""
    return act in BY_WHICH_ONE_RETURNS and began_return(occasion, person_id, staff_id)


def refuse_who_began(
    occasion: Occasion, desk: Desk, does: Act, person_id: UUID, to: Act | None = None
) -> None:
    """Raises `Forbidden`, on record, for who began the return that would end.

    `does` is what this member of staff does; where that is to agree, it is to the act `to`.
    """
    if began_what_ends(occasion, desk.person_id, to or does, person_id):
        note_refused(occasion, desk, does, WHY_NOT, person_id)
        raise Forbidden("began_return", WORDS[does])
