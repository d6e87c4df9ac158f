"""Events of sign-ins, applications and the register; `device_events` has the others.

A class is an event, its docstring its public documentation. Persons, devices and
clients by internal id alone; never a national number, a name or a secret.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event may tell: about whom, with which device, for which application.

    `actor_id` is who of the staff did it to that person; none where the person did it.
    """

    name: ClassVar[str]
    person_id: UUID | None = None
    device_id: UUID | None = None
    client_id: str | None = None
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FidoMetadataUpdated(Event):
    """A newer BLOB of the FIDO metadata, of this `number`, was verified and is in force."""

    name: ClassVar[str] = "fido_metadata.updated"
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterImported(Event):
    """The rows of a file were taken into the embedded national register."""

    name: ClassVar[str] = "register.imported"
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationCodeIssued(Event):
    """An activation code was issued for a person."""

    name: ClassVar[str] = "activation.issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRefused(Event):
    """An activation code was presented and refused; `reason` is for operators."""

    name: ClassVar[str] = "activation.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """A person signed in with a device; `level` is the level of the login."""

    name: ClassVar[str] = "session.signed-in"
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused(Event):
    """A verified assertion was refused all the same; `reason` is for operators."""

    name: ClassVar[str] = "session.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Event):
    """A session was ended by its holder, here or from an application."""

    name: ClassVar[str] = "session.signed-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutEverywhere(Event):
    """A person ended all their `sessions` at once; and so many grants that would have gone on."""

    name: ClassVar[str] = "session.signed-out-everywhere"
    sessions: int
    offline_grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """A person allowed an application these scopes, and not what was `declined` of what it asked.

    `profile_id` is the capacity for which they did, "" as a citizen; `expires_at` until when (ISO
    8601), "" until they take it back.
    """

    name: ClassVar[str] = "consent.given"
    scopes: str
    declined: str = ""
    profile_id: str = ""
    expires_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDeclined(Event):
    """A person declined what an application asked."""

    name: ClassVar[str] = "consent.declined"
    scopes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Event):
    """A person withdrew all that they had allowed an application; so many grants were revoked.

    `profile_id` is the capacity for which alone they did (`NO_PROFILE` as a citizen), "" for all.
    """

    name: ClassVar[str] = "consent.withdrawn"
    grants: int
    profile_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationAuthorised(Event):
    """An application was given an authorization code for a person.

    `profile_id` is the capacity in which they act, "" as a citizen; here and in the next one.
    """

    name: ClassVar[str] = "application.authorised"
    scopes: str
    profile_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherScreenAllowed(Event):
    """A person typed the code that an application showed on another screen, and allowed it."""

    name: ClassVar[str] = "application.other-screen-allowed"
    scopes: str
    profile_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherScreenDeclined(Event):
    """Whoever typed the code that an application showed on another screen said no."""

    name: ClassVar[str] = "application.other-screen-declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReplayed(Event):
    """An authorization code came a second time; what it had obtained was revoked."""

    name: ClassVar[str] = "application.code-replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRefused(Event):
    """An authorization code, or a device's, was presented and refused; `reason` is for operators.

    `client_id` is who presented it: with the reason `client` it was another one's.
    """

    name: ClassVar[str] = "application.code-refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokenReplayed(Event):
    """A refresh token came back after its successor had taken its place; all was revoked."""

    name: ClassVar[str] = "application.refresh-replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantGivenBack(Event):
    """An application gave back what a person had allowed it (RFC 7009, Grant Management)."""

    name: ClassVar[str] = "application.grant-given-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalNumberReleased(Event):
    """The national number of a person was given to an application."""

    name: ClassVar[str] = "application.ssin-released"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistered(Event):
    """A relying application was registered, by an operator or by itself."""

    name: ClassVar[str] = "client.registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChanged(Event):
    """What is registered of an application was changed; `members` names the columns."""

    name: ClassVar[str] = "client.changed"
    members: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEnded(Event):
    """An application is none any more: all that people had allowed it was revoked."""

    name: ClassVar[str] = "client.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRotated(Event):
    """The key `kid` of the service is in use for `alg`; the one before it signs nothing more."""

    name: ClassVar[str] = "signing_key.rotated"
    kid: str
    alg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyWithdrawn(Event):
    """The key `kid` of the service was withdrawn: nothing that it signed is believed any more."""

    name: ClassVar[str] = "signing_key.withdrawn"
    kid: str
    alg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRegistered(Event):
    """A resource server was registered; `client_id` is as whom it asks about tokens."""

    name: ClassVar[str] = "resource.registered"
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceEnded(Event):
    """A resource server is none any more: no token is issued for it."""

    name: ClassVar[str] = "resource.ended"
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAllowed(Event):
    """The client may exchange the subject client's access tokens for ones for this resource."""

    name: ClassVar[str] = "exchange.allowed"
    subject_client_id: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeForbidden(Event):
    """The client may do so no more."""

    name: ClassVar[str] = "exchange.forbidden"
    subject_client_id: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchanged(Event):
    """The client exchanged an access token of the subject client for one for this resource."""

    name: ClassVar[str] = "token.exchanged"
    subject_client_id: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionIssuerRegistered(Event):
    """Assertions of this issuer are taken as grants, when the client presents them."""

    name: ClassVar[str] = "assertion_issuer.registered"
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionIssuerEnded(Event):
    """Nothing that this issuer says is taken any more."""

    name: ClassVar[str] = "assertion_issuer.ended"
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionRedeemed(Event):
    """The client got an access token about a person for an assertion of this issuer."""

    name: ClassVar[str] = "assertion.redeemed"
    issuer: str
