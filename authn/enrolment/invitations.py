"""An invitation, step by step: opened, claimed, approved, used (decisions 2.10).

The old screen opens it and shows a link. The first browser that claims it shows a number, which the
holder types on the old screen and confirms with a device; then alone the new browser gets creation
options. A second claim, or one wrong number, ends it. Each step is one statement that finds the
state it needs, or is refused. A person has one that is pending, whatever screens they sit at.
"""

import hmac
import secrets as random
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from authn.audit.device_events import InvitationEnded, InvitationOpened
from authn.audit.log import record
from authn.devices.devices import find_device
from authn.devices.tables import Device
from authn.enrolment.invitation_tables import PENDING, Invitation, State, invitations
from authn.errors import N_, Expired, Forbidden, NotFound
from authn.people.persons import find_person, lock_person
from authn.people.tables import Person
from authn.secrets import derived_token, token_hash
from authn.sessions.sessions import Session, is_alive
from authn.web.place import network_hash, same_network
from authn.web.request import Request
from authn.web.user_agent import read_user_agent

LIFETIME = timedelta(minutes=5)
KEPT = timedelta(days=1)
NUMBERS = range(10_000, 100_000)


def open_invitation(request: Request, session: Session) -> Invitation:
    """A new invitation of this session, for five minutes; any other of the person has ended."""
    lock_person(request.connection, session.person_id)  # decisions 2.12: two at once, one is left
    _end_where(request, invitations.c.person_id == session.person_id, "another was opened")
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
        claimed_place=None,
        claimed_near=None,
        opened_from=network_hash(request.secrets, request.address, str(invitation_id)),
        device_id=None,
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

    With the person locked, two answers to one invitation are heard one after the other.
    """
    if lock:
        lock_person(request.connection, session.person_id)
    statement = select(invitations).where(
        invitations.c.id == invitation_id, invitations.c.session_id == session.id
    )
    row = request.connection.execute(statement).first()
    if row is None:
        raise NotFound("not_found", N_("There is no such invitation."))
    return Invitation(*row)


def look(request: Request, secret: str) -> Person:
    """Whose account a link that nobody has claimed yet adds a device to."""
    found = _by_secret(request, secret)
    if found is None or found.state_at(request.now) != "open":
        raise _no_longer_valid("not open")
    return inviter(request, found)


def claim(request: Request, secret: str) -> Invitation:
    """The invitation belongs to this browser alone, and has a number.

    From where it was claimed is for the holder to judge. Whoever comes second ends it: then one of
    the two is not the holder's.
    """
    found = _by_secret(request, secret)
    invitation = found and _claim(request, found)
    if invitation is None:
        invitation = _claimed_before(request, secret)
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
    # What it had begun before it was suspended has ended, and does not come back with it.
    if device.resumed_at and device.resumed_at >= invitation.expires_at - LIFETIME:
        raise _no_longer_valid("the device that approved was suspended since")
    return device


def use(request: Request, invitation: Invitation, device_id: UUID) -> None:
    """The invitation became this device, in this transaction alone; raises `Expired` otherwise."""
    if not _step(request, invitation, "approved", state="used", device_id=device_id):
        raise _no_longer_valid("not approved any more")


def end_invitation(request: Request, invitation: Invitation, reason: str) -> None:
    """Nothing can be added by it any more; on record, unless it had ended before."""
    _end_where(request, invitations.c.id == invitation.id, reason)


def forget_old_invitations(connection: Connection, now: datetime) -> int:
    """How many invitations were deleted: those that expired a day ago."""
    statement = delete(invitations).where(invitations.c.expires_at < now - KEPT)
    return connection.execute(statement).rowcount


def _by_secret(request: Request, secret: str) -> Invitation | None:
    found = select(invitations).where(invitations.c.secret_hash == token_hash(secret))
    row = request.connection.execute(found).first()
    return Invitation(*row) if row else None


def _claim(request: Request, found: Invitation) -> Invitation | None:
    """The invitation, claimed by this browser; None unless it was open up to this statement."""
    agent = read_user_agent(request.headers.get("user-agent", ""))
    here = network_hash(request.secrets, request.address, str(found.id))
    claimed = request.connection.execute(
        update(invitations)
        .where(
            invitations.c.id == found.id,
            invitations.c.state == "open",
            invitations.c.expires_at > request.now,
        )
        .values(
            state="claimed",
            claimant_hash=request.browser_hash,
            claimed_browser=agent.browser,
            claimed_system=agent.system,
            claimed_place=request.site.places.find(request.address) or None,
            claimed_near=same_network(found.opened_from, here),
            number=str(random.choice(NUMBERS)),
        )
        .returning(invitations)
    ).first()
    return Invitation(*claimed) if claimed else None


def _end_where(request: Request, which: ColumnElement[bool], reason: str) -> None:
    ended = request.connection.execute(
        update(invitations)
        .where(which, invitations.c.state.in_(PENDING))
        .values(state="dead")
        .returning(invitations.c.person_id, invitations.c.expires_at)
    ).all()
    for person_id, expires_at in ended:
        if expires_at > request.now:  # otherwise it had ended by itself
            event = InvitationEnded(person_id=person_id, reason=reason)
            record(request.connection, request.secrets, event, request.now, request.reference)


def _claimed_before(request: Request, secret: str) -> Invitation:
    """The invitation, if this same browser claimed it before; any other one ends it."""
    invitation = _by_secret(request, secret)
    if invitation is not None:
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
