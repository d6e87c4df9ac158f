"""What must be true of everything that the fuzz was given: who may still use it, and how often.

The model forbids and never demands: it says of each thing whether it may be accepted. What it does
not know exactly (when a session was seen last) it takes at its longest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SESSION_IDLE = timedelta(minutes=60)
SESSION_LIFETIME = timedelta(hours=12)
CODE_LIFETIME = timedelta(seconds=60)
ACCESS_LIFETIME = timedelta(minutes=5)
GRACE = timedelta(seconds=10)
PUSHED_LIFETIME = timedelta(seconds=90)
DEVICE_CODE_LIFETIME = timedelta(minutes=10)
TIME_TO_POLL = timedelta(minutes=1)

Detail = dict[str, Any]


@dataclass(slots=True, eq=False)
class Party:
    """A client: how it authenticates, what it may ask now, and what it was told at /register."""

    client_id: str
    kind: str  # public, secret, certificate or assertion
    redirect_uris: tuple[str, ...]
    scope: frozenset[str]
    grant_types: frozenset[str]
    secret: str = ""
    at_resource: bool = True
    ended: bool = False
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def public(self) -> bool:
        return self.kind == "public"


@dataclass(slots=True, eq=False)
class Machine:
    """A device with its one browser."""

    active: bool = True
    gone: bool = False


@dataclass(slots=True, eq=False)
class Capacity:
    """What the person is beside a citizen, while the source says so."""

    holds: bool = True


@dataclass(slots=True, eq=False)
class SignedIn:
    """A session."""

    machine: Machine
    auth_time: datetime
    seen: datetime
    ended: bool = False

    def may_live(self, now: datetime) -> bool:
        return (
            not self.ended
            and self.machine.active
            and now < self.auth_time + SESSION_LIFETIME
            and now < self.seen + SESSION_IDLE
        )


@dataclass(slots=True, eq=False)
class Allowed:
    """A grant; `grant_id` is what its client was told that it is called."""

    party: Party
    session: SignedIn
    offline: bool
    scope: frozenset[str]
    details: tuple[Detail, ...] = ()
    capacity: Capacity | None = None
    ended: bool = False
    grant_id: str = ""

    def may_live(self, now: datetime) -> bool:
        chain = self.session.may_live(now) or (self.offline and self.session.machine.active)
        holds = self.capacity is None or self.capacity.holds
        return not self.ended and not self.party.ended and chain and holds


@dataclass(slots=True, eq=False)
class AnyOf:
    """One of these grants, and nobody says which."""

    grants: tuple[Allowed, ...]

    @property
    def scope(self) -> frozenset[str]:
        return frozenset().union(*(each.scope for each in self.grants))

    @property
    def details(self) -> tuple[Detail, ...]:
        return tuple(detail for each in self.grants for detail in each.details)

    def may_live(self, now: datetime) -> bool:
        return any(each.may_live(now) for each in self.grants)


@dataclass(slots=True, eq=False)
class Code:
    """An authorization code; `verifier`, `redirect_uri` and `jkt` are what goes with it."""

    value: str
    grant: Allowed
    issued_at: datetime
    verifier: str
    redirect_uri: str
    jkt: str = ""
    used: bool = False

    def may_be_redeemed(self, now: datetime) -> bool:
        return (
            not self.used
            and now < self.issued_at + CODE_LIFETIME
            and self.redirect_uri in self.grant.party.redirect_uris
            and self.grant.may_live(now)
        )


@dataclass(slots=True, eq=False)
class Access:
    """An access token, of the client that it was issued to; `jkt` and `x5t` are what it is bound
    to."""

    value: str
    grant: Allowed | AnyOf
    party: Party
    audience: str
    expires_at: datetime
    scope: frozenset[str] = frozenset()
    details: tuple[Detail, ...] = ()
    jkt: str = ""
    x5t: str = ""
    revoked: bool = False

    def may_live(self, now: datetime) -> bool:
        return (
            not self.revoked
            and not self.party.ended
            and now < self.expires_at
            and self.grant.may_live(now)
        )


@dataclass(slots=True, eq=False)
class Refresh:
    """A refresh token; one that was replaced has a successor."""

    value: str
    grant: Allowed
    jkt: str = ""
    rotated_at: datetime | None = None
    successor: "Refresh | None" = None
    given_again: bool = False

    def may_be_used(self, now: datetime) -> bool:
        if not self.grant.may_live(now):
            return False
        if self.rotated_at is None or self.successor is None:
            return True
        return (
            now < self.rotated_at + GRACE
            and not self.given_again
            and self.successor.rotated_at is None
        )


@dataclass(slots=True, eq=False)
class Asked:
    """What an authorization request asks."""

    scope: frozenset[str]
    verifier: str
    redirect_uri: str
    details: tuple[Detail, ...] = ()
    jkt: str = ""


@dataclass(slots=True, eq=False)
class Pushed:
    """A pushed authorization request."""

    value: str
    party: Party
    pushed_at: datetime
    asked: Asked
    spent: bool = False

    def may_be_answered(self, now: datetime) -> bool:
        return not self.spent and not self.party.ended and now < self.pushed_at + PUSHED_LIFETIME


@dataclass(slots=True, eq=False)
class OtherScreenCode:
    """A device code, and what is typed for it; its grant once somebody has allowed it."""

    value: str
    typed: str
    party: Party
    asked_at: datetime
    scope: frozenset[str]
    grant: Allowed | None = None
    declined: bool = False
    spent: bool = False

    def may_be_answered(self, now: datetime) -> bool:
        answered = self.grant is not None or self.declined
        return not answered and now < self.asked_at + DEVICE_CODE_LIFETIME

    def may_be_redeemed(self, now: datetime) -> bool:
        in_time = now < self.asked_at + DEVICE_CODE_LIFETIME + TIME_TO_POLL
        return bool(in_time and not self.spent and self.grant and self.grant.may_live(now))


@dataclass(slots=True)
class Book:
    """Everything that was given in one run; `proofs` and `assertions` are those that were
    accepted, which are good for nothing any more."""

    sessions: list[SignedIn] = field(default_factory=list)
    grants: list[Allowed] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    refreshes: list[Refresh] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    other_screens: list[OtherScreenCode] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)
    assertions: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    def new(self, value: str) -> str:
        """The value, which nobody was given before."""
        assert value not in self.given, "given twice"
        self.given.add(value)
        return value

    def by_kind(self) -> dict[str, list[str]]:
        """What was given, by the parameter of /token that it is meant for; "" for none of them."""
        return {
            "code": [each.value for each in self.codes],
            "refresh_token": [each.value for each in self.refreshes],
            "subject_token": [each.value for each in self.accesses],
            "device_code": [each.value for each in self.other_screens],
            "": [each.value for each in self.pushed],
        }


def within(asked: Detail, granted: Iterable[Detail]) -> bool:
    """Whether one of these allows all that the detail asks (RFC 9396 §6.1)."""
    return any(
        asked["type"] == each["type"]
        and asked["locations"] == each["locations"]
        and {*asked["actions"]} <= {*each["actions"]}
        and each.get("identifier") in (None, asked.get("identifier"))
        for each in granted
    )
