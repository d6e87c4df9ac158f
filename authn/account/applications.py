"""The applications of a person, with what each may do and since when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select

from authn.clients.clients import Client, find_client
from authn.consents.scopes import SCOPES
from authn.consents.tables import consents
from authn.devices.tables import devices
from authn.grants.grants import live_chain, live_condition, live_parameters
from authn.grants.tables import grants, refresh_tokens
from authn.login.pages.scope_texts import ScopeSentence, describe_scopes
from authn.people.persons import find_person
from authn.profiles.available import ProfileSentence as ProfileInWords
from authn.profiles.available import available_profiles
from authn.profiles.available import describe_profile as profile_in_words
from authn.profiles.profile import CITIZEN, NO_PROFILE, Profile
from authn.profiles.profiles import find_profile
from authn.web.request import Request

# An application without a consent is left out when it was not used for longer.
SHOWN_FOR = timedelta(days=400)
# A consent ends at the midnight after the last day on which it holds.
ENDS_BEFORE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class AllowedScope:
    """What an application may do in one capacity (`consent_id` is that of the profile).

    `may` is what the person allowed it, or of one that asks nobody what the operator did. `since`
    is when that began, `last_day` a moment of the day on which the first of it still holds, None
    where nothing ends by itself.
    `last_used_at` is the last sign-in or, of one that goes on without its person (`offline`), its
    last use.
    """

    consent_id: UUID
    capacity: ProfileInWords
    may: ScopeSentence
    since: datetime
    last_day: datetime | None
    last_used_at: datetime | None
    offline: bool


@dataclass(frozen=True, slots=True)
class AllowedApplication:
    """An application that the person allowed something, or signs in to; `name` is in the
    language of the page.

    `asks`: it may do nothing before the person has said yes. `allowed` has what it may in each
    capacity, the last used first.
    """

    client_id: str
    name: str
    domain: str
    asks: bool
    allowed: list[AllowedScope]

    @property
    def last_used_at(self) -> datetime | None:
        """When the application was used last, in any capacity."""
        return self.allowed[0].last_used_at

    @property
    def offline(self) -> bool:
        """Whether the application has offline access in any capacity."""
        return any(each.offline for each in self.allowed)

    @property
    def in_capacities(self) -> bool:
        """Whether the application is used in any capacity but that of citizen."""
        return any(each.consent_id != NO_PROFILE for each in self.allowed)


@dataclass(slots=True)
class _ApplicationTraces:
    """The consents and grants of an application in one capacity."""

    names: list[str] = field(default_factory=list)
    began: list[datetime] = field(default_factory=list)
    used: list[datetime] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    offline: bool = False


_DEVICES = select(devices.c.id).where(devices.c.person_id == bindparam("person_id"))
_CONSENTS = select(
    consents.c.client_id,
    consents.c.profile_id,
    consents.c.scope,
    consents.c.given_at,
    consents.c.expires_at,
).where(
    consents.c.person_id == bindparam("person_id"),
    consents.c.declined.is_(False),
    or_(consents.c.expires_at.is_(None), consents.c.expires_at > bindparam("now")),
)
# One step down an index for each device, to what is not too long ago.
_GRANTS = (
    select(
        grants.c.client_id,
        grants.c.profile_id,
        func.min(grants.c.granted_at),
        func.max(grants.c.granted_at),
    )
    .where(
        grants.c.device_id.in_(_DEVICES),
        grants.c.granted_at > bindparam("shown_since"),
        grants.c.revoked_at.is_(None),
        or_(grants.c.ends_at.is_(None), grants.c.ends_at > bindparam("now")),
    )
    .group_by(grants.c.client_id, grants.c.profile_id)
)
_OFFLINE = (
    select(
        grants.c.client_id,
        grants.c.profile_id,
        func.min(grants.c.granted_at),
        func.max(refresh_tokens.c.last_used_at),
    )
    .select_from(live_chain().join(refresh_tokens, refresh_tokens.c.grant_id == grants.c.id))
    .where(
        grants.c.device_id.in_(_DEVICES),
        grants.c.offline.is_(True),
        refresh_tokens.c.rotated_at.is_(None),
        refresh_tokens.c.expires_at > bindparam("now"),
        live_condition(),
    )
    .group_by(grants.c.client_id, grants.c.profile_id)
)


def list_applications(request: Request, person_id: UUID) -> list[AllowedApplication]:
    """The applications of a person, the last used first, without ended clients and profiles."""
    traces = _traces(request, person_id)
    capacities = _capacities(request, person_id, {consent_id for _, consent_id in traces})
    by_client: dict[str, dict[UUID, _ApplicationTraces]] = {}
    for (client_id, consent_id), found in traces.items():
        if consent_id in capacities:
            by_client.setdefault(client_id, {})[consent_id] = found
    applications = [
        AllowedApplication(
            client_id=client.client_id,
            name=client.display_name(request.language),
            domain=client.domain,
            asks=not client.first_party,
            allowed=_allowed(request, client, in_capacities, capacities),
        )
        for client_id, in_capacities in by_client.items()
        if (client := find_client(request.connection, client_id))
    ]
    return sorted(
        applications,
        key=lambda each: (each.last_used_at or each.allowed[0].since, each.name),
        reverse=True,
    )


def _traces(request: Request, person_id: UUID) -> dict[tuple[str, UUID], _ApplicationTraces]:
    """The traces of consents and grants, by client and `consent_id`."""
    connection, now = request.connection, request.now
    parameters = {"person_id": person_id, "now": now, "shown_since": now - SHOWN_FOR}
    parameters |= live_parameters(request.settings, now)
    found: dict[tuple[str, UUID], _ApplicationTraces] = {}
    for client_id, profile_id, name, given_at, expires_at in connection.execute(
        _CONSENTS, parameters
    ):
        trace = found.setdefault((client_id, profile_id), _ApplicationTraces())
        trace.names.append(name)
        trace.began.append(given_at)
        trace.ends += [expires_at] if expires_at else []
    for statement in (_GRANTS, _OFFLINE):
        for client_id, profile_id, first, last in connection.execute(statement, parameters):
            trace = found.setdefault((client_id, profile_id or NO_PROFILE), _ApplicationTraces())
            trace.began.append(first)
            trace.used.append(last)
            trace.offline = statement is _OFFLINE
    return found


def _capacities(
    request: Request, person_id: UUID, consent_ids: set[UUID]
) -> dict[UUID, ProfileInWords]:
    """The capacities that have not ended, in words, by `consent_id`."""
    person = find_person(request.connection, person_id)
    name = f"{person.given_name} {person.family_name}".strip() if person else ""
    known: dict[UUID, Profile | None] = {NO_PROFILE: CITIZEN}
    if consent_ids - known.keys():
        connection, secrets = request.connection, request.secrets
        held = available_profiles(connection, secrets, request.settings, person_id, request.now)
        known |= {each.consent_id: each for each in held}
        for consent_id in consent_ids - known.keys():  # ended, or can't be checked now
            known[consent_id] = find_profile(connection, secrets, consent_id)
    return {
        consent_id: profile_in_words(profile, request.translate, name)
        for consent_id in consent_ids
        if (profile := known[consent_id]) and profile.ended_at is None
    }


def _allowed(
    request: Request,
    client: Client,
    traces: Mapping[UUID, _ApplicationTraces],
    capacities: Mapping[UUID, ProfileInWords],
) -> list[AllowedScope]:
    found = [
        AllowedScope(
            consent_id=consent_id,
            capacity=capacities[consent_id],
            may=describe_scopes(request, None, trace.names or _may_unasked(client)),
            since=min(trace.began),
            last_day=min(trace.ends) - ENDS_BEFORE if trace.ends else None,
            last_used_at=max(trace.used, default=None),
            offline=trace.offline,
        )
        for consent_id, trace in traces.items()
    ]
    return sorted(found, key=lambda each: each.last_used_at or each.since, reverse=True)


def _may_unasked(client: Client) -> list[str]:
    """The scopes that a first-party client has without a consent."""
    return [scope for scope in SCOPES if client.first_party and client.may_ask(scope)]
