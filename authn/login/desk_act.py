"""The step in which a member of staff confirms one act at the desk that a tool asks to do.

Protocol 2.9: bound to that act and that target, by an assertion made for this request alone. Its
page is in `desk_api`, which knows what the act means; here is whether it was done, which can be
neither skipped by a session or a consent nor brought along by another request.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select

from authn.consents.desk_acts import desk_act_of
from authn.db.once import insert_once
from authn.login.passage import Passage
from authn.login.steps import LoginStep
from authn.login.tables import confirmed_desk_acts
from authn.sessions.sessions import Session

PATH: Final = "/login/desk-act"
# OpenID Connect Core §3.1.2.6: with `prompt=none` there is nobody who could confirm it.
CONFIRM_ACT: Final = LoginStep(PATH, "interaction_required", "The person must confirm the act.")
# From the assertion on: so long the act can be done, and all that hangs on the grant lives.
LIFETIME: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=1)

_FOUND: Final = "when the act at the desk was confirmed"
_CONFIRMED: Final = select(confirmed_desk_acts.c.confirmed_at).where(
    confirmed_desk_acts.c.request_id == bindparam("of_request"),
    confirmed_desk_acts.c.person_id == bindparam("of_person"),
    confirmed_desk_acts.c.device_id == bindparam("of_device"),
)
_FORGET: Final = delete(confirmed_desk_acts).where(
    confirmed_desk_acts.c.confirmed_at < bindparam("before")
)


def desk_act_required(passage: Passage) -> LoginStep | None:
    """An act at the desk is asked that the person has not confirmed for this request.

    It costs no statement where none is asked.
    """
    if desk_act_of(passage.pending.authorization_details) is None:
        return None
    ends_at = act_ends_at(passage)
    return CONFIRM_ACT if ends_at is None or ends_at <= passage.request.now else None


def act_ends_at(passage: Passage) -> datetime | None:
    """Until when the act that was confirmed can be done; None where none is, or none is asked.

    Confirmed by this very person, with the device that they are signed in with.
    """
    session = passage.session
    if session is None or desk_act_of(passage.pending.authorization_details) is None:
        return None
    if _FOUND not in passage.found:
        passage.found[_FOUND] = _confirmed_at(passage, session)
    confirmed_at: datetime | None = passage.found[_FOUND]
    return confirmed_at + LIFETIME if confirmed_at else None


def note_confirmed(passage: Passage, person_id: UUID, device_id: UUID) -> bool:
    """Whether the request has this confirmation by now; False when it had one before."""
    request = passage.request
    passage.found.pop(_FOUND, None)
    row = {
        "request_id": passage.pending.request_id,
        "person_id": person_id,
        "device_id": device_id,
        "confirmed_at": request.now,
    }
    return insert_once(request.connection, confirmed_desk_acts, row)


def forget_confirmed_acts(connection: Connection, now: datetime) -> int:
    """How many confirmations were deleted: those whose requests have ended long ago."""
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


def _confirmed_at(passage: Passage, session: Session) -> datetime | None:
    parameters = {
        "of_request": passage.pending.request_id,
        "of_person": session.person_id,
        "of_device": session.device_id,
    }
    found: datetime | None = passage.request.connection.execute(_CONFIRMED, parameters).scalar()
    return found
