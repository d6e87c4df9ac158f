"""The check that a member of staff has confirmed the one desk act that a tool asks to do.

Decisions 2.9: bound to that act and that target, by an assertion made for this request alone. Its
page is in `desk_api`, which knows what the act means; here is whether it was done, which can be
neither skipped by a session or a consent nor brought along by another request.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select

from authn.consents.desk_acts import find_desk_act
from authn.db.once import insert_once
from authn.login.checks.authentication import LoginStep
from authn.login.findings import DeskActConfirmation
from authn.login.pending import Interaction
from authn.login.tables import confirmed_desk_acts
from authn.people.merge import PersonMerge
from authn.sessions.sessions import Session

PATH: Final = "/login/desk-act"
# OpenID Connect Core §3.1.2.6: with `prompt=none` there is nobody who could confirm it.
CONFIRM_ACT: Final = LoginStep(PATH, "interaction_required", "The person must confirm the act.")
# From the assertion on: so long the act can be done, and all that hangs on the grant lives.
LIFETIME: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=1)

_CONFIRMED: Final = select(confirmed_desk_acts.c.confirmed_at).where(
    confirmed_desk_acts.c.request_id == bindparam("of_request"),
    confirmed_desk_acts.c.person_id == bindparam("of_person"),
    confirmed_desk_acts.c.device_id == bindparam("of_device"),
)
_FORGET: Final = delete(confirmed_desk_acts).where(
    confirmed_desk_acts.c.confirmed_at < bindparam("before")
)


def desk_act_required(interaction: Interaction) -> LoginStep | None:
    """The request asks a desk act that the person has not confirmed for this request.

    No statement is executed where no act is asked.
    """
    if find_desk_act(interaction.pending.authorization_details) is None:
        return None
    ends_at = desk_act_end(interaction)
    return CONFIRM_ACT if ends_at is None or ends_at <= interaction.request.now else None


def desk_act_end(interaction: Interaction) -> datetime | None:
    """The moment until which the confirmed act can be done; None where none is confirmed.

    Confirmed by this very person, with the device that they are signed in with.
    """
    session = interaction.session
    if session is None or find_desk_act(interaction.pending.authorization_details) is None:
        return None
    findings = interaction.findings
    if findings.desk_act is None:
        findings.desk_act = DeskActConfirmation(_confirmed_at(interaction, session))
    confirmed_at = findings.desk_act.confirmed_at
    return confirmed_at + LIFETIME if confirmed_at else None


def record_desk_act_confirmation(
    interaction: Interaction, person_id: UUID, device_id: UUID
) -> bool:
    """Stores the confirmation of a request; False when the request had one before."""
    request = interaction.request
    interaction.findings.desk_act = None
    row = {
        "request_id": interaction.pending.request_id,
        "person_id": person_id,
        "device_id": device_id,
        "confirmed_at": request.now,
    }
    return insert_once(request.connection, confirmed_desk_acts, row)


def forget_desk_act_confirmations(connection: Connection, now: datetime) -> int:
    """How many confirmations were deleted: those whose requests have ended long ago."""
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


def _confirmed_at(interaction: Interaction, session: Session) -> datetime | None:
    parameters = {
        "of_request": interaction.pending.request_id,
        "of_person": session.person_id,
        "of_device": session.device_id,
    }
    found: datetime | None = interaction.request.connection.execute(_CONFIRMED, parameters).scalar()
    return found


def forget_confirmations(merger: PersonMerge) -> list[str]:
    """Deletes the desk act confirmations of a merged person: nobody can use them any more."""
    of_merged = confirmed_desk_acts.c.person_id == merger.merged.id
    merger.connection.execute(delete(confirmed_desk_acts).where(of_merged))
    return []
