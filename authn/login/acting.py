"""In which capacity the person acts towards the application of a pending request."""

from sqlalchemy import bindparam, select

from authn.login.passage import Passage
from authn.login.tables import profile_choices
from authn.profiles.profile import CITIZEN, Profile

_CHOSEN = select(profile_choices.c.profile_id).where(
    profile_choices.c.request_id == bindparam("request_id")
)


def acting(passage: Passage) -> Profile:
    """The profile that was chosen for this request, or holds for this session at this client.

    A citizen where the application asks for nothing else.
    """
    if not passage.client.profile_kinds:
        return CITIZEN
    chosen = {"request_id": passage.pending.request_id}
    profile_id = passage.request.connection.execute(_CHOSEN, chosen).scalar()
    return Profile("quality", profile_id) if profile_id else CITIZEN
