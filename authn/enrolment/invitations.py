"""An invitation, step by step: opened, claimed, approved, used (protocol 2.10).

The old screen opens it and shows a link. The first browser that claims it shows a number, which the
holder types on the old screen and confirms with a device; then alone the new browser gets creation
options. A second claim, or one wrong number, ends it. Each step is one statement that finds the
state it needs, or is refused.
"""

import hmac
import secrets as random
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, insert, select, update

from authn.audit.events import InvitationEnded, InvitationOpened
from authn.audit.log import record
from authn.devices.devices import find_device
from authn.devices.tables import Device
from authn.devices.user_agent import read_user_agent
from authn.enrolment.invitation_tables import PENDING, Invitation, State, invitations
from authn.errors import N_, Expired, Forbidden, NotFound
from authn.people.persons import find_person
from authn.people.tables import Person
from authn.secrets import derived_token, token_hash
from authn.sessions.sessions import Session, is_alive
from authn.web.request import Request

LIFETIME = timedelta(minutes=5)
KEPT = timedelta(days=1)
NUMBERS = range(10_000, 100_000)


def open_invitation(request: Request, session: Session) -> Invitation:
    """A new invitation of this session, for five minutes; an earlier one of it has ended."""
    request.connection.execute(
        update(invitations)
        .where(invitations.c.session_id == session.id, invitations.c.state.in_(PENDING))
        .values(state="dead")
    )
    invitation_id = uuid4()
    invitation = Invitation(
        id=invitation_id,
        person_id=session.person_id,
        session_id=session.id,
        secret_hash=token_hash(_secret(request, invitation_id)),
        state="open",
        expires_at=request.now + LIFETIME,
        claimant_hash=None,
        claimed_browser=None,
        claimed_system=None,
        number=None,
        approved_by=None,
    )
    request.connection.execute(insert(invitations).values(asdict(invitation)))
    event = InvitationOpened(person_id=session.person_id, device_id=session.device_id)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return invitation


def invitation_link(request: Request, invitation: Invitation) -> str:
    """The link for the other screen. Its secret is in the fragment, which no server ever sees."""
    return f"{request.settings.issuer}/join#{_secret(request, invitation.id)}"


def own_invitation(
    request: Request, session: Session, invitation_id: UUID, *, lock: bool = False
) -> Invitation:
    """The invitation that this same session opened; raises `NotFound` for any other.

    Locked, two answers to one invitation are heard one after the other.
    """
    statement = select(invitations).where(
        invitations.c.id == invitation_id, invitations.c.session_id == session.id
    )
    row = request.connection.execute(statement.with_for_update() if lock else statement).first()
    if row is None:
        raise NotFound("not_found", N_("There is no such invitation."))
    return Invitation(*row)


def look(request: Request, secret: str) -> Person:
    """Whose account a link that nobody has claimed yet adds a device to."""
    found = select(invitations).where(invitations.c.secret_hash == token_hash(secret))
    row = request.connection.execute(found).first()
    if row is None or Invitation(*row).state_at(request.now) != "open":
        raise _no_longer_valid("not open")
    return inviter(request, Invitation(*row))


def claim(request: Request, secret: str) -> Invitation:
    """The invitation belongs to this browser alone, and has a number.

    Whoever comes second ends it: then one of the two is not the holder's.
    """
    agent = read_user_agent(request.headers.get("user-agent", ""))
    claimed = request.connection.execute(
        update(invitations)
        .where(
            invitations.c.secret_hash == token_hash(secret),
            invitations.c.state == "open",
            invitations.c.expires_at > request.now,
        )
        .values(
            state="claimed",
            claimant_hash=request.browser_hash,
            claimed_browser=agent.browser,
            claimed_system=agent.system,
            number=str(random.choice(NUMBERS)),
        )
        .returning(invitations)
    ).first()
    invitation = Invitation(*claimed) if claimed else _claimed_before(request, secret)
    inviter(request, invitation)
    return invitation


def claimed_invitation(request: Request, invitation_id: UUID) -> Invitation:
    """The invitation that this same browser claimed; raises `NotFound` for any other."""
    row = request.connection.execute(
        select(invitations).where(
            invitations.c.id == invitation_id,
            invitations.c.claimant_hash == request.browser_hash,
        )
    ).first()
    if row is None:
        raise NotFound("not_found", N_("There is no such invitation."))
    return Invitation(*row)


def inviter(request: Request, invitation: Invitation) -> Person:
    """The person whose account it is; the session that opened it must still be alive."""
    if not is_alive(request.connection, request.settings, invitation.session_id, request.now):
        raise _no_longer_valid("its session has ended")
    person = find_person(request.connection, invitation.person_id)
    assert person is not None, "a foreign key"
    return person


def check_number(request: Request, invitation: Invitation, typed: str) -> None:
    """The number is the one on the claimant's screen; a wrong one ends the invitation."""
    if invitation.state_at(request.now) != "claimed":
        raise _no_longer_valid(f"{invitation.state}, not claimed")
    digits = "".join(character for character in typed if character in "0123456789")
    if not hmac.compare_digest(digits, invitation.number or "?"):
        end_invitation(request, invitation, "wrong number")
        raise Forbidden(
            "wrong_number",
            N_("That is not the number on the other screen. Nothing was added. Make a new link."),
        )


def approve(request: Request, invitation: Invitation, device_id: UUID) -> None:
    """The claimant may add a device, for five minutes; `device_id` confirmed it just now."""
    approved = _step(
        request,
        invitation,
        "claimed",
        state="approved",
        approved_by=device_id,
        expires_at=request.now + LIFETIME,
    )
    if not approved:
        raise _no_longer_valid("not claimed any more")


def approving_device(request: Request, invitation: Invitation) -> Device:
    """The device that approved; raises a `Refusal` unless it did, in time, and is still active."""
    if invitation.state_at(request.now) != "approved":
        raise _no_longer_valid(f"{invitation.state}, not approved")
    assert invitation.approved_by is not None, "approved by a device"
    device = find_device(request.connection, invitation.person_id, invitation.approved_by)
    if device.status != "active":
        raise _no_longer_valid("the device that approved is suspended")
    return device


def use(request: Request, invitation: Invitation) -> None:
    """The invitation is used up by this transaction alone; raises `Expired` otherwise."""
    if not _step(request, invitation, "approved", state="used"):
        raise _no_longer_valid("not approved any more")


def end_invitation(request: Request, invitation: Invitation, reason: str) -> None:
    """Nothing can be added by it any more; on record, unless it had ended before."""
    ended = request.connection.execute(
        update(invitations)
        .where(invitations.c.id == invitation.id, invitations.c.state.in_(PENDING))
        .values(state="dead")
        .returning(invitations.c.id)
    ).first()
    if ended:
        event = InvitationEnded(person_id=invitation.person_id, reason=reason)
        record(request.connection, request.secrets, event, request.now, request.reference)


def forget_old_invitations(connection: Connection, now: datetime) -> int:
    """How many invitations were deleted: those that expired a day ago."""
    statement = delete(invitations).where(invitations.c.expires_at < now - KEPT)
    return connection.execute(statement).rowcount


def _claimed_before(request: Request, secret: str) -> Invitation:
    """The invitation, if this same browser claimed it before; any other one ends it."""
    found = select(invitations).where(invitations.c.secret_hash == token_hash(secret))
    row = request.connection.execute(found).first()
    if row is not None:
        invitation = Invitation(*row)
        mine = invitation.claimant_hash == request.browser_hash
        if mine and invitation.state_at(request.now) in ("claimed", "approved"):
            return invitation
        end_invitation(request, invitation, "claimed twice")
    raise _no_longer_valid("claimed before, expired or unknown")


def _step(request: Request, invitation: Invitation, before: State, **values: Any) -> bool:
    """Whether the claimant's invitation went from one state to the next, in this transaction."""
    stepped = request.connection.execute(
        update(invitations)
        .where(
            invitations.c.id == invitation.id,
            invitations.c.state == before,
            invitations.c.claimant_hash == invitation.claimant_hash,
            invitations.c.expires_at > request.now,
        )
        .values(**values)
        .returning(invitations.c.id)
    ).first()
    return stepped is not None


def _secret(request: Request, invitation_id: UUID) -> str:
    """Found again when the page is reloaded, and stored nowhere."""
    return derived_token(request.secrets, "invitation", str(invitation_id))


def _no_longer_valid(detail: str) -> Expired:
    return Expired(
        "invitation_over",
        N_("This link is no longer valid. Make a new one on your other device, in My devices."),
        detail=detail,
    )
