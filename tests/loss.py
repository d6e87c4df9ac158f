"""Somebody loses every device: links of the emergency door, proofs of identity, certified keys."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from httpx2 import Response
from sqlalchemy import select, update

from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.devices.tables import Device, IdentityLevel, devices
from authn.enrolment.emergency import begin_emergency_block
from authn.enrolment.recovery_tables import (
    AccountRecovery,
    EmergencyBlock,
    EmergencyBlockProof,
    account_recoveries,
    emergency_blocks,
)
from authn.federation.proof import new_proof, proof_token
from authn.federation.state import Purpose
from authn.outbox.outbox import ClaimedEntry, outbox, read_payload
from authn.people.tables import Person
from authn.policies import COMPROMISED
from authn.secrets import Secrets, token_hash
from authn.web.site import Site
from authn.webauthn.metadata.current import current_metadata
from authn.webauthn.policy import current_level
from tests.citizen import SSIN, Screen
from tests.occasion import job
from tests.screens import ceremony, created

ADDRESS = "hanne@example.org"
UPSTREAM = "card"


@dataclass(frozen=True, slots=True)
class _Browser:
    """As much of a request as a proof is bound to."""

    secrets: Secrets
    now: datetime
    browser_hash: str


def proof(
    site: Site,
    screen: Screen,
    person: Person,
    purpose: Purpose,
    level: IdentityLevel = "high",
    upstream: str = UPSTREAM,
    identity_id: UUID | None = None,
) -> str:
    """A proof of identity, as an upstream's answer gives this screen's browser."""
    screen.csrf()
    return proof_in(site, screen.known_browser[0], person, purpose, level, upstream, identity_id)


def proof_in(
    site: Site,
    cookie: str,
    person: Person,
    purpose: Purpose,
    level: IdentityLevel,
    upstream: str = UPSTREAM,
    identity_id: UUID | None = None,
) -> str:
    """The same, for the browser with this pre-login cookie."""
    browser = _Browser(site.secrets, site.clock(), token_hash(cookie))
    given = new_proof(browser, person.id, upstream, level, purpose, identity_id)  # type: ignore[arg-type]
    return proof_token(browser, given)  # type: ignore[arg-type]


def door(site: Site, person: Person, by: EmergencyBlockProof) -> EmergencyBlock | None:
    """The emergency door is used on this proof."""
    with writing(site.database) as connection:
        return begin_emergency_block(job(site, connection), person.id, by)


def ask_for_link(screen: Screen, ssin: str = SSIN, address: str = ADDRESS) -> Response:
    """The answer to national number and address, typed by whoever has no device."""
    return screen.post_form("/lost/mail", ssin=ssin, address=address)


def link(site: Site) -> str:
    """The secret of the last link that was sent."""
    statement = select(outbox).order_by(outbox.c.created_at.desc())
    with reading(site.database) as connection:
        for row in connection.execute(statement):
            claimed = ClaimedEntry(
                row.id, row.kind, row.payload_encrypted, row.created_at, row.tries, row.due_at
            )
            payload = read_payload(site.secrets, claimed)
            if payload["notice"] == "emergency-link":
                found: str = payload["fields"]["link"].partition("/lost/link#")[2]
                return found
    raise AssertionError("no link was sent")


def use_link(screen: Screen, secret: str) -> Response:
    """The answer to the button on the page of the link."""
    return screen.post_form("/lost/link", link=secret)


def come_back(screen: Screen, proof_text: str, request: str = "") -> Response:
    """The answer to the registration of this screen's authenticator, with a proof of identity."""
    options = ceremony(screen, "/return/options", {"proof": proof_text})
    made = created(screen.authenticator, options)
    return screen.post_json(
        "/return/registration", {"proof": proof_text, "request": request, **made}
    )


def begin(screen: Screen, proof_text: str) -> str:
    """The token of the page of a return that now waits."""
    answer = screen.post_form("/return/begin", proof=proof_text)
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["return"][0]


def held(site: Site, person: Person) -> list[Device]:
    """The person's devices that were not removed, in the order in which they were added.

    The clock of a test stands still: of those added at one moment, the one that works comes last.
    """
    with reading(site.database) as connection:
        found = list_devices(connection, person.id)
    return sorted(found, key=lambda each: (each.added_at, each.status == "active"))


def statuses(site: Site, person: Person) -> list[str]:
    """Their statuses, in that order."""
    return [device.status for device in held(site, person)]


def blocks(site: Site) -> list[EmergencyBlock]:
    """Every block there ever was, the oldest first."""
    statement = select(emergency_blocks).order_by(emergency_blocks.c.began_at)
    with reading(site.database) as connection:
        return [EmergencyBlock(*row) for row in connection.execute(statement)]


def all_returns(site: Site) -> list[AccountRecovery]:
    """Every return there ever was, the oldest first."""
    with reading(site.database) as connection:
        rows = connection.execute(
            select(account_recoveries).order_by(account_recoveries.c.began_at)
        )
        return [AccountRecovery(*row) for row in rows]


def certify(site: Site, device_id: UUID) -> None:
    """The device is attested to be of a certified model, and its holder's identity was high."""
    metadata = current_metadata(site)
    models = ((aaguid, metadata.model(aaguid)) for aaguid in metadata.by_aaguid)
    aaguid = next(
        aaguid
        for aaguid, model in models
        if model
        and any(status.startswith("FIDO_CERTIFIED") for status in model.statuses)
        and not model.statuses & COMPROMISED
    )
    values = {"attested": True, "aaguid": aaguid, "identity_level": "high"}
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == device_id).values(values))
        row = connection.execute(select(devices).where(devices.c.id == device_id)).one()
    assert current_level(site, Device(*row)) == "certified"
