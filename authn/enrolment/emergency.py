"""The emergency block: a person without a device at hand blocks all their devices.

Decisions 3.2: a link to a confirmed address blocks everything for 24 hours, once in 30 days; an
identity proven upstream, or the desk, blocks without an end, also where a block by mail is running.
Blocked devices are resumed by a new proof of identity (see `devices.life.may_resume`), or when a
block by mail ends.

Why: a thief of the mailbox can lock a citizen out for a day, once a month, and do nothing more.
Activation codes and account recoveries are not blocked: the person needs them afterwards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, func, insert, select, update

from authn.audit.events import devices as events
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.db.occasion import Occasion
from authn.db.once import spend
from authn.devices.devices import list_devices
from authn.devices.life import suspend_all
from authn.devices.transitions import current_status
from authn.enrolment.recovery_tables import (
    EmergencyBlock,
    EmergencyBlockProof,
    emergency_blocks,
    emergency_links,
)
from authn.errors import N_, Expired, Forbidden
from authn.notices import kinds
from authn.notices.contact_addresses import confirmed_addresses
from authn.notices.mail_address import same_address
from authn.notices.notices import tell, tell_address
from authn.people.persons import find_person_by_ssin, lock_person
from authn.people.tables import Person
from authn.secrets import Secrets, new_token, read_token, sign_token

BLOCKED_BY_MAIL = timedelta(hours=24)
MAIL_BLOCKS_APART = timedelta(days=30)

LINK = "emergency-link"
LINK_LIFETIME = timedelta(hours=1)
LINKS_APART = timedelta(minutes=10)
MOST_LINKS_A_DAY = 5
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EmergencyAddressee:
    """The person of a national number and a mail address, and the address as it was confirmed."""

    person: Person
    address: str


def find_addressee(
    connection: Connection, secrets: Secrets, ssin: str, address: str
) -> EmergencyAddressee | None:
    """The person of a national number and a confirmed address; None for any other pair.

    Nothing is ever written.
    """
    person = find_person_by_ssin(connection, secrets, ssin)
    if person is None or person.deceased:
        return None
    confirmed = confirmed_addresses(connection, secrets, person.id)
    same = [each for each in confirmed if same_address(each, address)]
    return EmergencyAddressee(person, same[0]) if same else None


def send_emergency_link(occasion: Occasion, addressee: EmergencyAddressee, language: str) -> bool:
    """Whether a link for an emergency block will be sent; False when enough were sent recently."""
    person_id = addressee.person.id
    lock_person(occasion.connection, person_id)
    sent, last = occasion.connection.execute(
        select(func.count(), func.max(emergency_links.c.sent_at)).where(
            emergency_links.c.person_id == person_id,
            emergency_links.c.sent_at > occasion.now - DAY,
        )
    ).one()
    if sent >= MOST_LINKS_A_DAY or (last is not None and last > occasion.now - LINKS_APART):
        return False
    row = {"id": uuid4(), "person_id": person_id, "sent_at": occasion.now}
    occasion.connection.execute(insert(emergency_links), row)
    content = {"person": str(person_id), "once": new_token(16)}
    token = sign_token(occasion.secrets, LINK, content, occasion.now, LINK_LIFETIME)
    # In the fragment, which no server ever sees; a page whose button sends it (decisions 2.10).
    link = f"{occasion.settings.issuer}/lost/link#{token}"
    tell_address(
        occasion,
        addressee.address,
        language,
        kinds.EmergencyLinkNotice(link),
        person_id,
        name=addressee.person.given_name,
    )
    _record(occasion, events.EmergencyLinkSent(person_id=person_id))
    return True


def use_emergency_link(occasion: Occasion, token: str) -> EmergencyBlock | None:
    """The person of a link is blocked for a day, as by `begin_emergency_block`; the link is spent.

    Raises `InvalidRequest` for a token that is no link of ours, and `Expired` for a link that was
    used, or is an hour old. The link works in any browser: mail is read on any screen.
    """
    try:
        content = read_token(occasion.secrets, LINK, token, occasion.now)
    except Expired:
        raise _link_over_refusal("too old") from None
    if not spend(occasion.connection, token, occasion.now + LINK_LIFETIME):
        raise _link_over_refusal("used before")
    return begin_emergency_block(occasion, UUID(content["person"]), "mail")


def begin_emergency_block(
    occasion: Occasion, person_id: UUID, proof: EmergencyBlockProof, reason: str | None = None
) -> EmergencyBlock | None:
    """The emergency block that runs now: no device of the person can be used, nor any session.

    `reason` is a code of the desk's list of reasons. None when there was nothing to block, and no
    block runs. While everything is blocked, another proof by mail changes nothing. Raises
    `Forbidden` for a second block by mail within 30 days.
    """
    lock_person(occasion.connection, person_id)
    latest = find_latest_block(occasion.connection, person_id)
    running = latest if latest and latest.runs_at(occasion.now) else None
    ends_at = occasion.now + BLOCKED_BY_MAIL if proof == "mail" else None
    if proof == "mail" and _is_recently_blocked_by_mail(occasion, person_id):
        if not _has_active_device(occasion, person_id):
            return running
        raise _too_often_refusal(occasion, person_id)
    blocked = suspend_all(
        occasion, person_id, by="door", why="emergency", until=ends_at, reason=reason
    )
    if running and running.ends_at and ends_at is None:
        return _confirm_block(occasion, running, proof)
    if not blocked:
        return running
    block = EmergencyBlock(uuid4(), person_id, proof, occasion.now, ends_at, None)
    occasion.connection.execute(
        insert(emergency_blocks).values(
            id=block.id,
            person_id=person_id,
            proof=proof,
            began_at=block.began_at,
            ends_at=ends_at,
        )
    )
    _record(occasion, events.EmergencyBlockUsed(person_id=person_id, proof=proof))
    tell(occasion, person_id, kinds.EmergencyBlockNotice(proof, ends_at))
    return block


def find_latest_block(connection: Connection, person_id: UUID) -> EmergencyBlock | None:
    """The latest emergency block of a person, ended or not."""
    statement = (
        select(emergency_blocks)
        .where(emergency_blocks.c.person_id == person_id)
        .order_by(emergency_blocks.c.began_at.desc())
        .limit(1)
    )
    row = connection.execute(statement).first()
    return EmergencyBlock(*row) if row else None


def end_block_by_desk(
    connection: Connection, person_id: UUID, began_at: datetime, now: datetime
) -> bool:
    """Whether the block that the desk began by mistake at a moment was ended now."""
    statement = (
        update(emergency_blocks)
        .where(
            emergency_blocks.c.person_id == person_id,
            emergency_blocks.c.proof == "desk",
            emergency_blocks.c.began_at == began_at,
            emergency_blocks.c.ends_at.is_(None),
        )
        .values(ends_at=now)
    )
    return connection.execute(statement).rowcount == 1


def find_block(connection: Connection, block_id: UUID) -> EmergencyBlock | None:
    """The emergency block with an id."""
    statement = select(emergency_blocks).where(emergency_blocks.c.id == block_id)
    row = connection.execute(statement).first()
    return EmergencyBlock(*row) if row else None


def forget_old_links(connection: Connection, now: datetime) -> int:
    """How many rows of links were deleted that don't count any more."""
    statement = delete(emergency_links).where(emergency_links.c.sent_at < now - DAY)
    return connection.execute(statement).rowcount


def _has_active_device(occasion: Occasion, person_id: UUID) -> bool:
    """Whether the person has an active device; a suspension that has elapsed is over."""
    return any(
        current_status(device, occasion.now) == "active"
        for device in list_devices(occasion.connection, person_id)
    )


def _is_recently_blocked_by_mail(occasion: Occasion, person_id: UUID) -> bool:
    """Whether a block by mail began in the last 30 days, confirmed later or not."""
    statement = select(emergency_blocks.c.id).where(
        emergency_blocks.c.person_id == person_id,
        emergency_blocks.c.proof == "mail",
        emergency_blocks.c.began_at > occasion.now - MAIL_BLOCKS_APART,
    )
    return occasion.connection.execute(statement).first() is not None


def _confirm_block(
    occasion: Occasion, running: EmergencyBlock, proof: EmergencyBlockProof
) -> EmergencyBlock:
    """The running block, which has no end any more."""
    occasion.connection.execute(
        update(emergency_blocks)
        .where(emergency_blocks.c.id == running.id)
        .values(ends_at=None, confirmed_by=proof)
    )
    _record(occasion, events.EmergencyBlockConfirmed(person_id=running.person_id, proof=proof))
    tell(occasion, running.person_id, kinds.EmergencyBlockNotice(proof, None))
    return EmergencyBlock(
        running.id, running.person_id, running.proof, running.began_at, None, proof
    )


def _too_often_refusal(occasion: Occasion, person_id: UUID) -> Forbidden:
    event = events.EmergencyBlockRefused(person_id=person_id, reason="by mail within 30 days")
    _record(occasion, event)
    return Forbidden(
        "door_used_lately",
        N_(
            "By e-mail alone you can block everything once in 30 days. Prove who you are with your "
            "identity card, or ask the help desk."
        ),
    )


def _link_over_refusal(detail: str) -> Expired:
    return Expired(
        "link_over",
        N_("This link was used already, or is more than an hour old. Ask for a new one."),
        detail=detail,
    )


def _record(occasion: Occasion, event: Event) -> None:
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
