"""The tables `devices` and `installations`, and the frozen values that their rows become."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    and_,
)

from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.people.tables import Person

LONGEST_DEVICE_NAME = 60
LONGEST_REASON_CODE = 40
LONGEST_CREDENTIAL_ID = 1023  # bytes; WebAuthn §4, "Credential ID"

Kind = Literal["phone", "laptop", "security-key", "keyring"]
Status = Literal["active", "suspended", "dormant", "unlinked"]
# Why a device is suspended; "elapsed" and the like end a suspension, and are no reasons for one.
SuspendedWhy = Literal["holder", "counter", "emergency", "return", "notice", "desk"]
HowAdded = Literal["activation", "here", "invitation", "upstream"]
IdentityLevel = Literal["high", "substantial"]
KeyLevel = Literal["certified", "device", "synced"]

devices = Table(
    "devices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", ForeignKey("persons.id"), nullable=False, index=True),
    Column("name", String(LONGEST_DEVICE_NAME), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("status", String(9), nullable=False),
    Column("credential_id", LargeBinary(LONGEST_CREDENTIAL_ID), unique=True),
    Column("public_key", LargeBinary),
    Column("user_handle", LargeBinary(64), nullable=False),
    Column("aaguid", Uuid, nullable=False),
    Column("algorithm", Integer, nullable=False),
    Column("transports", String(60), nullable=False),
    Column("rp_id", String(253), nullable=False),
    Column("origin", String(300), nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("backup_eligible", Boolean, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("identity_level", String(11), nullable=False),
    Column("added_how", String(10), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    Column("unlinked_at", UtcDateTime),
    # What attestation said at enrolment: its format ("none" without), whether its chain ended in
    # trusted metadata, and the key identifier by which a FIDO U2F model is found there.
    Column("attestation_format", String(20), nullable=False),
    Column("attested", Boolean, nullable=False),
    Column("attestation_key_id", String(64)),
    # Whether an assertion's backup-eligible flag ever differed from the one at enrolment.
    Column("backup_changed", Boolean, nullable=False),
    # Since when, why and until when it is suspended; without an end, until somebody resumes it.
    Column("suspended_at", UtcDateTime),
    Column("suspended_why", String(10)),
    Column("suspended_until", UtcDateTime),
    # When it was last active again; what was begun with it before has ended.
    Column("resumed_at", UtcDateTime),
    # When its holder was told that it will be dormant soon, since its last use.
    Column("dormancy_told_at", UtcDateTime),
    # The device that confirmed this one.
    Column("added_by", Uuid, ForeignKey("devices.id")),
    # Why the desk suspended it, as a code of its list: some let it be resumed by two alone.
    Column("suspended_reason", String(LONGEST_REASON_CODE)),
    # The foreign identity by which it was let in; no key of that table, which stands above.
    Column("identity_id", Uuid),
)

# One browser profile or app that used a device; the hash is that of its cookie.
installations = Table(
    "installations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("device_id", ForeignKey("devices.id"), nullable=False),
    Column("cookie_hash", token_hash_type(), nullable=False),
    Column("browser", String(30), nullable=False),
    Column("system", String(30), nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # As in `sessions`: since when its end is told.
    Column("end_told_at", UtcDateTime),
    # From where it was last seen, roughly, in each of our languages (`web.place`).
    Column("place", JSON(none_as_null=True)),
    UniqueConstraint("device_id", "cookie_hash"),
)
Index(
    "ix_installations_end_told_at",
    installations.c.end_told_at,
    sqlite_where=and_(installations.c.ended_at.is_not(None), installations.c.end_told_at.is_(None)),
    postgresql_where=and_(
        installations.c.ended_at.is_not(None), installations.c.end_told_at.is_(None)
    ),
)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A new credential, verified by a registration ceremony.

    `public_key` is a COSE_Key (RFC 9052 §7), `algorithm` its COSE identifier; `attachment` is what
    the browser said, "" when it said nothing.
    """

    credential_id: bytes
    public_key: bytes
    user_handle: bytes
    aaguid: UUID
    algorithm: int
    transports: tuple[str, ...]
    attachment: str
    rp_id: str
    origin: str
    sign_count: int
    backup_eligible: bool
    backed_up: bool
    attestation_format: str = "none"
    attested: bool = False
    attestation_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A row of `devices`.

    `credential_id` and `public_key` are None once it is unlinked. `backup_eligible` stays true once
    it was seen (decisions 2.4), `backed_up` is what the last assertion said. `last_used_at` is the
    last accepted login, at first the enrolment.
    """

    id: UUID
    person_id: UUID
    name: str
    kind: Kind
    status: Status
    credential_id: bytes | None
    public_key: bytes | None
    user_handle: bytes
    aaguid: UUID
    algorithm: int
    transports: str
    rp_id: str
    origin: str
    sign_count: int
    backup_eligible: bool
    backed_up: bool
    identity_level: IdentityLevel
    added_how: HowAdded
    added_at: datetime
    last_used_at: datetime
    unlinked_at: datetime | None
    attestation_format: str
    attested: bool
    attestation_key_id: str | None
    backup_changed: bool = False
    suspended_at: datetime | None = None
    suspended_why: SuspendedWhy | None = None
    suspended_until: datetime | None = None
    resumed_at: datetime | None = None
    dormancy_told_at: datetime | None = None
    added_by: UUID | None = None
    suspended_reason: str | None = None
    identity_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """A row of `installations`; `browser` and `system` are words, "" when not recognised.

    `place` is from where it was last seen, by language; None where nothing is known of it.
    """

    id: UUID
    device_id: UUID
    cookie_hash: str
    browser: str
    system: str
    first_seen: datetime
    last_seen: datetime
    ended_at: datetime | None
    end_told_at: datetime | None = None
    place: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HeldDevice:
    """A device and its holder, as a verified assertion proves both."""

    device: Device
    person: Person
