"""How the service itself does, as its operators see it: keys, sources, policies, the chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection

from authn.audit.chain import WaitingRows, waiting
from authn.audit.verification import CHAINED_WITHIN
from authn.clients.clients import Client, list_clients
from authn.console.desk import nothing_here
from authn.jose import ALGORITHMS
from authn.keys.signing_keys import StoredKey
from authn.keys.tables import ACTIVE, KEPT, NEXT, RETIRED
from authn.keys.upkeep import KEPT_FOR_HINTS, PUBLISHED_AFTERWARDS
from authn.outbox.outbox import OutboxEntry, entries
from authn.policies import BUILT_IN, Policy
from authn.settings import Settings
from authn.sources.asking import sources_of
from authn.sources.configured import is_embedded, source_url
from authn.sources.outcomes import SourceOutcome, outcomes
from authn.sources.questions import QUESTIONS, SOURCES, SourceName
from authn.sources.twins import organisation_of
from authn.sources.wire.breaker import State
from authn.web.request import Request
from authn.webauthn.metadata import Metadata, current_metadata
from authn.webauthn.policy import policy_of_staff, unknown_policies

Use = Literal["signs", "encrypts", "next", "verifies", "hints", "audit", "nothing"]
DEAD: Final = "dead"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key of ours: since when it is what it is, and what it is good for until when."""

    key: StoredKey
    since: datetime
    days: int
    use: Use
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source: how this process does with it, and how the questions of all people went."""

    name: SourceName
    address: str
    breaker: State
    failures: int
    failure: str
    failed_at: datetime | None
    outcomes: list[SourceOutcome]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy, and for what it is in force; `used_by` are applications."""

    name: str
    policy: Policy
    service: bool
    staff: bool
    used_by: list[str]


@dataclass(frozen=True, slots=True)
class PoliciesView:
    """Those in force, what is asked of staff, and names that applications use in vain."""

    named: list[PolicyView]
    of_staff: Policy
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class UpkeepView:
    """The FIDO metadata, and the rows of the log that wait to be chained."""

    metadata: Metadata
    late_by: int
    waiting: WaitingRows
    late: bool


@dataclass(frozen=True, slots=True)
class KnownOrganisation:
    """An organisation by its CBE number, what it is called if that is known here, its systems."""

    number: str
    name: str
    clients: list[Client]


def key_views(keys: Iterable[StoredKey], settings: Settings, now: datetime) -> list[KeyView]:
    """Every key, those in use first, then the newest."""
    order = (ACTIVE, NEXT, RETIRED)
    found = [_key_view(key, settings, now) for key in keys]
    return sorted(
        found,
        key=lambda view: (
            order.index(view.key.state) if view.key.state in order else len(order),
            view.key.alg,
            -view.since.timestamp(),
        ),
    )


def _key_view(key: StoredKey, settings: Settings, now: datetime) -> KeyView:
    since = key.retired_at or key.activated_at or key.created_at
    use, until = _use(key, since, settings, now)
    return KeyView(key, since, (now - since).days, use, until)


def _use(
    key: StoredKey, since: datetime, settings: Settings, now: datetime
) -> tuple[Use, datetime | None]:
    if key.state == ACTIVE:
        rotation = settings.signing_key_rotation
        return ("signs" if key.alg in ALGORITHMS else "encrypts"), since + rotation if (
            rotation
        ) else None
    if key.state == NEXT:
        return "next", None
    if key.state == RETIRED and key.retired_at is not None:
        if now < key.retired_at + PUBLISHED_AFTERWARDS:
            return "verifies", key.retired_at + PUBLISHED_AFTERWARDS
        if key.alg in ALGORITHMS:
            return "hints", key.retired_at + KEPT_FOR_HINTS
    return ("audit" if key.state == KEPT else "nothing"), None


def source_views(request: Request) -> list[SourceView]:
    """Each source; of an embedded twin there is nothing to tell but that it is one."""
    told = outcomes(request.connection)
    clients = sources_of(request.site).clients
    return [
        SourceView(
            name=source,
            address="" if is_embedded(request.settings, source) else _url(request, source),
            breaker=clients[source].breaker.state if source in clients else "closed",
            failures=clients[source].breaker.failures if source in clients else 0,
            failure=clients[source].breaker.failure if source in clients else "",
            failed_at=clients[source].breaker.failed_at if source in clients else None,
            outcomes=[
                told[each.name]
                for each in QUESTIONS.values()
                if each.source == source and each.name in told
            ],
        )
        for source in SOURCES
    ]


def _url(request: Request, source: SourceName) -> str:
    return source_url(request.settings, source)


def policies_in_force(settings: Settings, connection: Connection) -> PoliciesView:
    """The policies that something is held against today, and what they ask."""
    known: Mapping[str, Policy] = {**BUILT_IN, **settings.policies}
    users: dict[str, list[str]] = {}
    for client in list_clients(connection):
        if client.policy:
            users.setdefault(client.policy, []).append(client.client_name)
    named = [
        PolicyView(
            name,
            policy,
            name == settings.policy,
            name == settings.staff_policy,
            users.get(name, []),
        )
        for name, policy in known.items()
        if name in (settings.policy, settings.staff_policy) or name in users
    ]
    return PoliciesView(named, policy_of_staff(settings), unknown_policies(settings, connection))


def upkeep_view(request: Request) -> UpkeepView:
    """What time brings about, and whether it was seen to."""
    metadata = current_metadata(request.site)
    left = waiting(request.connection)
    return UpkeepView(
        metadata=metadata,
        late_by=(metadata.day - metadata.next_update).days,
        waiting=left,
        late=left.since is not None and request.now - left.since > CHAINED_WITHIN,
    )


def organisations_known(request: Request) -> list[KnownOrganisation]:
    """The organisations of systems, by number; a name is known where the source is embedded."""
    of: dict[str, list[Client]] = {}
    for client in list_clients(request.connection):
        if client.organisation:
            of.setdefault(client.organisation, []).append(client)
    here = is_embedded(request.settings, "organisations")
    found = []
    for number, clients in sorted(of.items()):
        known = organisation_of(request.connection, request.secrets, number) if here else None
        found.append(KnownOrganisation(number, known.name if known else "", clients))
    return found


def find_entry(connection: Connection, row_id: UUID) -> OutboxEntry:
    """A row that is not told to others yet; raises `NotFound`."""
    entry = next((each for each in entries(connection) if each.id == row_id), None)
    if entry is None:
        raise nothing_here()
    return entry
