"""Audit events of what applications ask for, get, and give back."""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events.event import Event


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
class TokenExchanged(Event):
    """The client exchanged an access token of the subject client for one for this resource."""

    name: ClassVar[str] = "token.exchanged"
    subject_client_id: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionRedeemed(Event):
    """The client got an access token about a person for an assertion of this issuer."""

    name: ClassVar[str] = "assertion.redeemed"
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRefused(Event):
    """An application asked what the person may not obtain in the capacity in which they act.

    `scopes` are those, each after its resource, `reasons` why, in the same order; `access_denied`
    whether the application was sent away with nothing, or went on without them.
    """

    name: ClassVar[str] = "scope.refused"
    scopes: str
    reasons: str
    access_denied: bool
