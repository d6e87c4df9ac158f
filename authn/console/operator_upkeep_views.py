"""The state of the service as operators see it: keys, sources, policies, audit chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection

from authn.audit.chain import WaitingRows, find_waiting_rows
from authn.audit.verification import CHAINED_WITHIN
from authn.clients.clients import Client, list_clients
from authn.console.staff_endpoints import not_found_error
from authn.jose import ALGORITHMS
from authn.keys.signing_keys import StoredKey
from authn.keys.tables import ACTIVE, KEPT, NEXT, RETIRED
from authn.keys.upkeep import KEPT_FOR_HINTS, PUBLISHED_AFTERWARDS
from authn.outbox.outbox import OutboxEntry, list_unsent
from authn.policies import BUILT_IN, Policy
from authn.settings import Settings
from authn.sources.answers import SourceOutcome, source_outcomes
from authn.sources.embedded.facts import find_organisation
from authn.sources.questions import QUESTIONS, SOURCES, SourceName, is_embedded, source_url
from authn.sources.real_sources import shared_sources
from authn.sources.wire.circuit_breaker import State
from authn.web.request import Request
from authn.webauthn.metadata.current import current_metadata
from authn.webauthn.metadata.entries import Metadata
from authn.webauthn.policy import required_staff_policy, unknown_policies

Use = Literal["signs", "encrypts", "next", "verifies", "hints", "audit", "nothing"]
DEAD: Final = "dead"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A signing key: since when it is in its state, and its use until when."""

    key: StoredKey
    since: datetime
    days: int
    use: Use
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source: the state of this process's circuit breaker, and the outcomes of all questions."""

    name: SourceName
    address: str
    breaker: State
    failures: int
    failure: str
    failed_at: datetime | None
    outcomes: list[SourceOutcome]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy in force: for the service, for staff, for the clients named in `used_by`."""

    name: str
    policy: Policy
    service: bool
    staff: bool
    used_by: list[str]


@dataclass(frozen=True, slots=True)
class PoliciesView:
    """The policies in force, that of staff, and names used by clients that do not exist."""

    named: list[PolicyView]
    of_staff: Policy
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class UpkeepView:
    """The FIDO metadata, and the audit rows that wait to be chained; `late_by` in days."""

    metadata: Metadata
    late_by: int
    waiting: WaitingRows
    late: bool


@dataclass(frozen=True, slots=True)
class KnownOrganisation:
    """An organisation by CBE number, with its name ("" if unknown) and its systems."""

    number: str
    name: str
    clients: list[Client]


def key_views(keys: Iterable[StoredKey], settings: Settings, now: datetime) -> list[KeyView]:
    """All keys, those in use first, then the newest."""
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
    """All sources; an embedded twin has no address and no breaker."""
    by_question = source_outcomes(request.connection)
    clients = shared_sources(request.site).clients
    return [
        SourceView(
            name=source,
            address="" if is_embedded(request.settings, source) else _url(request, source),
            breaker=clients[source].breaker.state if source in clients else "closed",
            failures=clients[source].breaker.failures if source in clients else 0,
            failure=clients[source].breaker.failure if source in clients else "",
            failed_at=clients[source].breaker.failed_at if source in clients else None,
            outcomes=[
                by_question[each.name]
                for each in QUESTIONS.values()
                if each.source == source and each.name in by_question
            ],
        )
        for source in SOURCES
    ]


def _url(request: Request, source: SourceName) -> str:
    return source_url(request.settings, source)


def policies_view(settings: Settings, connection: Connection) -> PoliciesView:
    """The policies in force, with who uses each."""
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
    return PoliciesView(
        named, required_staff_policy(settings), unknown_policies(settings, connection)
    )


def upkeep_view(request: Request) -> UpkeepView:
    """The state of what must be kept up over time."""
    metadata = current_metadata(request.site)
    left = find_waiting_rows(request.connection)
    return UpkeepView(
        metadata=metadata,
        late_by=(metadata.day - metadata.next_update).days,
        waiting=left,
        late=left.since is not None and request.now - left.since > CHAINED_WITHIN,
    )


def known_organisations(request: Request) -> list[KnownOrganisation]:
    """The organisations of systems, by number; names are known where the source is embedded."""
    of: dict[str, list[Client]] = {}
    for client in list_clients(request.connection):
        if client.organisation:
            of.setdefault(client.organisation, []).append(client)
    here = is_embedded(request.settings, "organisations")
    found = []
    for number, clients in sorted(of.items()):
        known = find_organisation(request.connection, request.secrets, number) if here else None
        found.append(KnownOrganisation(number, known.name if known else "", clients))
    return found


def require_outbox_entry(connection: Connection, row_id: UUID) -> OutboxEntry:
    """The row of the outbox with this id; raises `NotFound`."""
    entry = next((each for each in list_unsent(connection) if each.id == row_id), None)
    if entry is None:
        raise not_found_error()
    return entry
