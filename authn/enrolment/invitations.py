"""The states of an invitation: opened, claimed, approved, used (decisions 2.10).

A signed-in browser opens an invitation and shows a link. The first browser that claims the link
shows a number, which the holder types in the signed-in browser and confirms with a device; only
then the new browser gets creation options. A second claim, or one wrong number, ends the
invitation. Each step is one statement that requires the state before. A person has at most one
pending invitation.
"""

import hmac
import secrets as random
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from authn.audit.events.devices import InvitationEnded, InvitationOpened
from authn.audit.log import record
from authn.devices.devices import find_device
from authn.devices.tables import Device
from authn.enrolment.invitation_tables import PENDING, Invitation, State, invitations
from authn.errors import N_, Expired, Forbidden, NotFound
from authn.people.persons import find_person, lock_person
from authn.people.tables import Person
from authn.secrets import derived_token, token_hash
from authn.sessions.sessions import Session, is_session_valid
from authn.web.place import network_hash, same_network
from authn.web.request import Request
from authn.web.user_agent import read_user_agent

LIFETIME = timedelta(minutes=5)
KEPT = timedelta(days=1)
NUMBERS = range(10_000, 100_000)


def open_invitation(request: Request, session: Session) -> Invitation:
    """A new invitation by a session, for five minutes; any other of the person has ended."""
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
    """The link for the new browser; the secret is in the fragment, which no server ever sees."""
    return f"{request.settings.issuer}/join#{_secret(request, invitation.id)}"


def find_own_invitation(
    request: Request, session: Session, invitation_id: UUID, *, lock: bool = False
) -> Invitation:
    """The invitation that a session opened; raises `NotFound` for any other.

    With `lock` the person is locked, so that two answers to an invitation follow one another.
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


def find_open_inviter(request: Request, secret: str) -> Person:
    """The person of an invitation that is open and not claimed yet; raises `Expired` otherwise."""
    found = _find_by_secret(request, secret)
    if found is None or found.state_at(request.now) != "open":
        raise _invitation_over_refusal("not open")
    return require_inviter(request, found)


def claim_invitation(request: Request, secret: str) -> Invitation:
    """The invitation belongs to the request's browser alone from now on, and has a number.

    The holder judges the place of the claim. A second browser ends the invitation: one of the two
    is not the holder's.
    """
    found = _find_by_secret(request, secret)
    invitation = found and _claim(request, found)
    if invitation is None:
        invitation = _find_claimed_before(request, secret)
    require_inviter(request, invitation)
    return invitation


def find_claimed_invitation(request: Request, invitation_id: UUID) -> Invitation:
    """The invitation that the request's browser claimed; raises `NotFound` for any other."""
    row = request.connection.execute(
        select(invitations).where(
            invitations.c.id == invitation_id,
            invitations.c.claimant_hash == request.browser_hash,
        )
    ).first()
    if row is None:
        raise NotFound("not_found", N_("There is no such invitation."))
    return Invitation(*row)


def require_inviter(request: Request, invitation: Invitation) -> Person:
    """The person of an invitation; raises `Expired` when the session that opened it has ended."""
    if not is_session_valid(
        request.connection, request.settings, invitation.session_id, request.now
    ):
        raise _invitation_over_refusal("its session has ended")
    person = find_person(request.connection, invitation.person_id)
    assert person is not None, "a foreign key"
    return person


def check_number(request: Request, invitation: Invitation, typed: str) -> None:
    """The typed number is that of the claimant's screen; a wrong number ends the invitation."""
    if invitation.state_at(request.now) != "claimed":
        raise _invitation_over_refusal(f"{invitation.state}, not claimed")
    digits = "".join(character for character in typed if character in "0123456789")
    if not hmac.compare_digest(digits, invitation.number or "?"):
        end_invitation(request, invitation, "wrong number")
        raise Forbidden(
            "wrong_number",
            N_("That is not the number on the other screen. Nothing was added. Make a new link."),
        )


def approve_invitation(request: Request, invitation: Invitation, device_id: UUID) -> None:
    """The claimant may add a device, for five minutes; `device_id` confirmed it just now."""
    approved = _change_state(
        request,
        invitation,
        "claimed",
        state="approved",
        approved_by=device_id,
        expires_at=request.now + LIFETIME,
    )
    if not approved:
        raise _invitation_over_refusal("not claimed any more")


def require_approving_device(request: Request, invitation: Invitation) -> Device:
    """The active device that approved an invitation in time; raises `Expired` otherwise."""
    if invitation.state_at(request.now) != "approved":
        raise _invitation_over_refusal(f"{invitation.state}, not approved")
    assert invitation.approved_by is not None, "approved by a device"
    device = find_device(request.connection, invitation.person_id, invitation.approved_by)
    if device.status != "active":
        raise _invitation_over_refusal("the device that approved is suspended")
    # What it had begun before it was suspended has ended, and does not come back with it.
    if device.resumed_at and device.resumed_at >= invitation.expires_at - LIFETIME:
        raise _invitation_over_refusal("the device that approved was suspended since")
    return device


def use_invitation(request: Request, invitation: Invitation, device_id: UUID) -> None:
    """The invitation is used up for a device, by this transaction alone; or raises `Expired`."""
    if not _change_state(request, invitation, "approved", state="used", device_id=device_id):
        raise _invitation_over_refusal("not approved any more")


def end_invitation(request: Request, invitation: Invitation, reason: str) -> None:
    """The invitation has ended, with an event unless it had ended before."""
    _end_where(request, invitations.c.id == invitation.id, reason)


def forget_old_invitations(connection: Connection, now: datetime) -> int:
    """How many invitations were deleted: those that expired a day ago."""
    statement = delete(invitations).where(invitations.c.expires_at < now - KEPT)
    return connection.execute(statement).rowcount


def _find_by_secret(request: Request, secret: str) -> Invitation | None:
    found = select(invitations).where(invitations.c.secret_hash == token_hash(secret))
    row = request.connection.execute(found).first()
    return Invitation(*row) if row else None


def _claim(request: Request, found: Invitation) -> Invitation | None:
    """The invitation, claimed by the request's browser; None unless it was open until now."""
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


def _find_claimed_before(request: Request, secret: str) -> Invitation:
    """The invitation that the request's browser claimed before; another browser ends it."""
    invitation = _find_by_secret(request, secret)
    if invitation is not None:
        mine = invitation.claimant_hash == request.browser_hash
        if mine and invitation.state_at(request.now) in ("claimed", "approved"):
            return invitation
        end_invitation(request, invitation, "claimed twice")
    raise _invitation_over_refusal("claimed before, expired or unknown")


def _change_state(request: Request, invitation: Invitation, before: State, **values: Any) -> bool:
    """Whether the claimant's invitation was in the state `before`, and has the values now."""
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
    """The secret in the link: derived, so that it is stored nowhere and a reload finds it again."""
    return derived_token(request.secrets, "invitation", str(invitation_id))


def _invitation_over_refusal(detail: str) -> Expired:
    return Expired(
        "invitation_over",
        N_("This link is no longer valid. Make a new one on your other device, in My devices."),
        detail=detail,
    )
