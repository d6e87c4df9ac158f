"""The kinds of act that an operator asks a second one for: how each is written down and done.

A request holds the whole row as it would be, and the values before. After approval exactly that row
is written, if nothing has changed since: no form and no option is read a second time.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, Table

from authn.clients.assertion_issuers import AssertionIssuer, register_assertion_issuer
from authn.clients.change_risks import (
    ChangeRisk,
    find_client_risks,
    find_exchange_risks,
    find_resource_risks,
)
from authn.clients.client_registration.registration import (
    RegisteredClient,
    add_client,
    change_client,
    changed_client,
)
from authn.clients.clients import Client, client_of_row, find_client, lock_client, row_of_client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.resource_servers.registration import (
    change_resource,
    lock_resource,
    register_resource,
)
from authn.clients.resource_servers.resources import Resource, resource_of_row, row_of_resource
from authn.clients.tables import clients, resources
from authn.console.operator_changes import (
    client_changes,
    client_version,
    resource_changes,
    version_of_resource,
)
from authn.console.operator_request_rows import Kind, OperatorRequest, OperatorRequestInput
from authn.db.occasion import Occasion
from authn.devices.devices import list_devices
from authn.enrolment.activation.lifecycle import withdraw_codes_of_person
from authn.enrolment.foreign_matches import end_matches_made_alone
from authn.errors import N_, Forbidden
from authn.people.tables import Person
from authn.profiles.appointments import appoint, require_desk
from authn.settings import Settings
from authn.staff.roles import Role

MEANWHILE: Final = N_("This was changed since it was asked. Look at it again, and ask anew.")
HAD_IT: Final = N_("They have this role already.")
DECIDING_ROLES: Final[Mapping[str, Role]] = {"operator": "operator", "supervisor": "supervisor"}
"""Roles that decide about others, with the role that must approve one more of each."""


def client_request(
    connection: Connection, settings: Settings, before: Client | None, after: Client
) -> OperatorRequestInput:
    """The request to register or change a client."""
    changes = client_changes(before, after)
    return OperatorRequestInput(
        kind="client" if before else "new-client",
        target=after.client_id,
        gives=find_client_risks(connection, settings, before, after),
        shown=tuple((each.name, each.before, each.after) for each in changes),
        values=_as_json(row_of_client(after)),
        version=client_version(before) if before else "",
    )


def resource_request(
    connection: Connection, before: Resource | None, after: Resource
) -> OperatorRequestInput:
    """The request to register or change a resource server."""
    changes = resource_changes(before, after)
    return OperatorRequestInput(
        kind="resource" if before else "new-resource",
        target=after.resource,
        gives=find_resource_risks(before, after),
        shown=tuple((each.name, each.before, each.after) for each in changes),
        values=_as_json(row_of_resource(after)),
        version=_version(before, find_client(connection, after.client_id or "")),
    )


def exchange_request(
    connection: Connection, settings: Settings, pair: ExchangePair
) -> OperatorRequestInput:
    """The request to allow a token exchange."""
    values = asdict(pair)
    return OperatorRequestInput(
        kind="exchange",
        target=pair.client_id,
        gives=find_exchange_risks(connection, settings, pair.resource),
        shown=tuple((name, "", value) for name, value in values.items()),
        values=values,
        version=_version(None, find_client(connection, pair.client_id)),
    )


def issuer_request(connection: Connection, issuer: AssertionIssuer) -> OperatorRequestInput:
    """The request to accept the assertions of an issuer."""
    values = _as_json(asdict(issuer))
    given = {name: value for name, value in values.items() if value and name != "created_at"}
    shown = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in given.items()
    }
    gives: tuple[ChangeRisk, ...] = ("assertions",)
    return OperatorRequestInput(
        kind="issuer",
        target=issuer.issuer,
        gives=gives,
        shown=tuple((name, "", value) for name, value in shown.items()),
        values=values,
        version=_version(None, find_client(connection, issuer.client_id)),
    )


def role_request(person: Person, role: str, desk: str) -> OperatorRequestInput | None:
    """The request to give a person a role; None for a role that needs no second operator.

    Raises `InvalidStaff`.
    """
    desk = require_desk(role, desk)
    decider = DECIDING_ROLES.get(role)
    if decider is None:
        return None
    return OperatorRequestInput(
        kind="role",
        target=role,
        gives=(),
        shown=(("role", "", role), ("desk", "", desk)),
        values={"role": role, "desk": desk},
        person_id=person.id,
        decider=decider,
    )


def carry_out_request(occasion: Occasion, request: OperatorRequest) -> None:
    """The act of an approved request is done, in the name of who asked; raises a `Refusal`."""
    _ACTS[request.wanted.kind](occasion, request)


def _register_client(occasion: Occasion, request: OperatorRequest) -> None:
    client = _client(occasion, request.wanted.values)
    changed_client(client)  # by the rules of today
    add_client(
        occasion.connection,
        occasion.secrets,
        RegisteredClient(client, None),
        occasion.now,
        occasion.reference,
        request.asked_by,
    )


def _change_client(occasion: Occasion, request: OperatorRequest) -> None:
    found = lock_client(occasion.connection, request.wanted.target)
    if found is None or client_version(found) != request.wanted.version:
        raise Forbidden("changed_meanwhile", MEANWHILE)
    after = _client(occasion, request.wanted.values)
    values = {name: getattr(after, name) for name in Client.__dataclass_fields__}
    values["created_at"] = found.created_at
    change_client(
        occasion.connection,
        occasion.secrets,
        found,
        occasion.now,
        reference=occasion.reference,
        actor_id=request.asked_by,
        **values,
    )


def _register_resource(occasion: Occasion, request: OperatorRequest) -> None:
    values = _resource(occasion, request.wanted.values)
    _require_version(occasion, request, None, values["client_id"])
    register_resource(
        occasion.connection,
        occasion.secrets,
        occasion.settings,
        occasion.now,
        reference=occasion.reference,
        actor_id=request.asked_by,
        **values,
    )


def _change_resource(occasion: Occasion, request: OperatorRequest) -> None:
    found = lock_resource(occasion.connection, request.wanted.target)
    values = _resource(occasion, request.wanted.values)
    if found is None:
        raise Forbidden("changed_meanwhile", MEANWHILE)
    _require_version(occasion, request, found, values["client_id"])
    del values["resource"]
    change_resource(
        occasion.connection,
        occasion.secrets,
        occasion.settings,
        found,
        occasion.now,
        reference=occasion.reference,
        actor_id=request.asked_by,
        **values,
    )


def _allow_exchange(occasion: Occasion, request: OperatorRequest) -> None:
    pair = ExchangePair(**request.wanted.values)
    _require_version(occasion, request, None, pair.client_id)
    allow_exchange(occasion.connection, occasion.secrets, pair, occasion.now, occasion.reference)


def _register_issuer(occasion: Occasion, request: OperatorRequest) -> None:
    issuer = AssertionIssuer(**{**request.wanted.values, "created_at": occasion.now})
    _require_version(occasion, request, None, issuer.client_id)
    register_assertion_issuer(occasion.connection, occasion.secrets, issuer, occasion.reference)


def _give_role(occasion: Occasion, request: OperatorRequest) -> None:
    person_id, values = request.wanted.person_id, request.wanted.values
    assert person_id is not None, "a role is somebody's"
    if give_role(occasion, person_id, values["role"], values["desk"]) is None:
        raise Forbidden("has_the_role", HAD_IT)


@dataclass(frozen=True, slots=True)
class RoleGiven:
    """A role began; `blocked` devices that one registrar alone had let in were blocked."""

    blocked: int


def give_role(occasion: Occasion, person_id: UUID, role: str, desk: str) -> RoleGiven | None:
    """The role begins; None if the person had the role already. See `end_single_approvals`.

    Raises `InvalidStaff`.
    """
    new = appoint(
        occasion.connection,
        occasion.secrets,
        person_id,
        role,
        desk,
        occasion.now,
        reference=occasion.reference,
    )
    return end_single_approvals(occasion, person_id) if new else None


def end_single_approvals(occasion: Occasion, person_id: UUID) -> RoleGiven:
    """Codes and matches that one registrar alone made for the person end.

    For a member of staff two must agree to each. Call this after the role began, in the same
    transaction.
    """
    if not list_devices(occasion.connection, person_id):
        withdraw_codes_of_person(occasion.connection, person_id, occasion.now)
    return RoleGiven(end_matches_made_alone(occasion, person_id, "role"))


_ACTS: Final[Mapping[Kind, Callable[[Occasion, OperatorRequest], None]]] = {
    "new-client": _register_client,
    "client": _change_client,
    "new-resource": _register_resource,
    "resource": _change_resource,
    "exchange": _allow_exchange,
    "issuer": _register_issuer,
    "role": _give_role,
}


def _require_version(
    occasion: Occasion, request: OperatorRequest, before: Resource | None, client_id: str | None
) -> None:
    """Raises `Forbidden` where the resource or its client changed since the request."""
    holder = lock_client(occasion.connection, client_id or "")
    if _version(before, holder) != request.wanted.version:
        raise Forbidden("changed_meanwhile", MEANWHILE)


def _version(before: Resource | None, holder: Client | None) -> str:
    """The versions of the resource and of the client whose keys and addresses it would use."""
    resource = version_of_resource(before) if before else ""
    return f"{resource} {client_version(holder) if holder else ''}"


def _client(occasion: Occasion, values: Mapping[str, Any]) -> Client:
    """The client of the row, registered now."""
    return client_of_row(_row(occasion, values, clients))


def _resource(occasion: Occasion, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the resource server, but for `created_at`."""
    found = resource_of_row(_row(occasion, values, resources))
    names = [each for each in Resource.__dataclass_fields__ if each != "created_at"]
    return {name: getattr(found, name) for name in names}


def _row(occasion: Occasion, values: Mapping[str, Any], table: Table) -> list[Any]:
    """The columns in order; raises `Forbidden` where an upgrade added a column since."""
    row = {**values, "created_at": occasion.now}
    if any(column.name not in row for column in table.c):
        raise Forbidden("changed_meanwhile", MEANWHILE)
    return [row[column.name] for column in table.c]


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it comes back from JSON."""
    values: dict[str, Any] = orjson.loads(orjson.dumps(row))
    return values
