"""Audit events of what is registered: clients, resource servers, exchanges, assertion issuers."""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events.event import Event


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
class ResourceChanged(Event):
    """What is registered of a resource server was changed; `members` names the columns."""

    name: ClassVar[str] = "resource.changed"
    resource: str
    members: str
