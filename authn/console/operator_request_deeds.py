"""What an operator asks a second one for: how each kind is said, and how it is done.

Said as it would be: the whole row, and what each value of it was before. Done is exactly that row,
where nothing of it has changed since: no form and no option is read a second time.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, Table

from authn.clients.assertion_issuers import AssertionIssuer, register_assertion_issuer
from authn.clients.clients import Client, client_of_row, find_client, locked_client, row_of_client
from authn.clients.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.registration import RegisteredClient, add_client, change_client, changed_client
from authn.clients.resource_registration import change_resource, locked_resource, register_resource
from authn.clients.resources import Resource, resource_of_row, row_of_resource
from authn.clients.tables import clients, resources
from authn.clients.weight import Gives, client_gives, exchange_gives, resource_gives
from authn.console.operator_client_views import changes_between, version_of
from authn.console.operator_request_rows import Kind, OperatorRequest, OperatorRequestInput
from authn.console.operator_resource_views import resource_changes, version_of_resource
from authn.db.occasion import Occasion
from authn.devices.devices import devices_of
from authn.enrolment.activation import withdraw_codes_of
from authn.enrolment.foreign_matches import end_matches_made_alone
from authn.errors import N_, Forbidden
from authn.people.tables import Person
from authn.profiles.appointing import appoint, checked_desk
from authn.settings import Settings
from authn.staff.roles import Role

MEANWHILE: Final = N_("This was changed since it was asked. Look at it again, and ask anew.")
HAD_IT: Final = N_("They have this role already.")
TWO_AT_A_TIME: Final[Mapping[str, Role]] = {"operator": "operator", "supervisor": "supervisor"}
"""The roles by which somebody decides about others, and in which one agrees to one more."""


def wanted_client(
    connection: Connection, settings: Settings, before: Client | None, after: Client
) -> OperatorRequestInput:
    """The application as it would be."""
    changes = changes_between(before, after)
    return OperatorRequestInput(
        kind="client" if before else "new-client",
        target=after.client_id,
        gives=client_gives(connection, settings, before, after),
        shown=tuple((each.name, each.before, each.after) for each in changes),
        values=_as_json(row_of_client(after)),
        version=version_of(before) if before else "",
    )


def wanted_resource(
    connection: Connection, before: Resource | None, after: Resource
) -> OperatorRequestInput:
    """The resource server as it would be."""
    changes = resource_changes(before, after)
    return OperatorRequestInput(
        kind="resource" if before else "new-resource",
        target=after.resource,
        gives=resource_gives(before, after),
        shown=tuple((each.name, each.before, each.after) for each in changes),
        values=_as_json(row_of_resource(after)),
        version=_version(before, find_client(connection, after.client_id or "")),
    )


def wanted_exchange(
    connection: Connection, settings: Settings, pair: ExchangePair
) -> OperatorRequestInput:
    """The exchange that would be allowed."""
    values = asdict(pair)
    return OperatorRequestInput(
        kind="exchange",
        target=pair.client_id,
        gives=exchange_gives(connection, settings, pair.resource),
        shown=tuple((name, "", value) for name, value in values.items()),
        values=values,
        version=_version(None, find_client(connection, pair.client_id)),
    )


def wanted_issuer(connection: Connection, issuer: AssertionIssuer) -> OperatorRequestInput:
    """The issuer whose assertions would be taken."""
    values = _as_json(asdict(issuer))
    said = {name: value for name, value in values.items() if value and name != "created_at"}
    shown = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in said.items()
    }
    gives: tuple[Gives, ...] = ("assertions",)
    return OperatorRequestInput(
        kind="issuer",
        target=issuer.issuer,
        gives=gives,
        shown=tuple((name, "", value) for name, value in shown.items()),
        values=values,
        version=_version(None, find_client(connection, issuer.client_id)),
    )


def wanted_role(person: Person, role: str, desk: str) -> OperatorRequestInput | None:
    """The role that the person would have; None for one by which nobody decides about others.

    Raises `NoStaff`.
    """
    desk = checked_desk(role, desk)
    decider = TWO_AT_A_TIME.get(role)
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


def do(occasion: Occasion, request: OperatorRequest) -> None:
    """It is done, by who asked it; raises a `Refusal` where it can't be done any more."""
    _DEEDS[request.wanted.kind](occasion, request)


def _new_client(occasion: Occasion, request: OperatorRequest) -> None:
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


def _client_changed(occasion: Occasion, request: OperatorRequest) -> None:
    found = locked_client(occasion.connection, request.wanted.target)
    if found is None or version_of(found) != request.wanted.version:
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


def _new_resource(occasion: Occasion, request: OperatorRequest) -> None:
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


def _resource_changed(occasion: Occasion, request: OperatorRequest) -> None:
    found = locked_resource(occasion.connection, request.wanted.target)
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


def _exchange_allowed(occasion: Occasion, request: OperatorRequest) -> None:
    pair = ExchangePair(**request.wanted.values)
    _require_version(occasion, request, None, pair.client_id)
    allow_exchange(occasion.connection, occasion.secrets, pair, occasion.now, occasion.reference)


def _issuer_taken(occasion: Occasion, request: OperatorRequest) -> None:
    issuer = AssertionIssuer(**{**request.wanted.values, "created_at": occasion.now})
    _require_version(occasion, request, None, issuer.client_id)
    register_assertion_issuer(occasion.connection, occasion.secrets, issuer, occasion.reference)


def _role_given(occasion: Occasion, request: OperatorRequest) -> None:
    person_id, values = request.wanted.person_id, request.wanted.values
    assert person_id is not None, "a role is somebody's"
    if give_role(occasion, person_id, values["role"], values["desk"]) is None:
        raise Forbidden("has_the_role", HAD_IT)


@dataclass(frozen=True, slots=True)
class RoleGiven:
    """A role began; `blocked` is how many devices of who has it were let in on the word of one."""

    blocked: int


def give_role(occasion: Occasion, person_id: UUID, role: str, desk: str) -> RoleGiven | None:
    """None for who had the role; else what one alone began for them has ended.

    Raises `NoStaff`.
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
    return end_what_one_began(occasion, person_id) if new else None


def end_what_one_began(occasion: Occasion, person_id: UUID) -> RoleGiven:
    """For somebody of the staff two must agree to a code and to a match: what one did alone ends.

    Call it once the role is theirs, in its transaction.
    """
    if not devices_of(occasion.connection, person_id):
        withdraw_codes_of(occasion.connection, person_id, occasion.now)
    return RoleGiven(end_matches_made_alone(occasion, person_id, "role"))


_DEEDS: Final[Mapping[Kind, Callable[[Occasion, OperatorRequest], None]]] = {
    "new-client": _new_client,
    "client": _client_changed,
    "new-resource": _new_resource,
    "resource": _resource_changed,
    "exchange": _exchange_allowed,
    "issuer": _issuer_taken,
    "role": _role_given,
}


def _require_version(
    occasion: Occasion, request: OperatorRequest, before: Resource | None, client_id: str | None
) -> None:
    """Raises `Forbidden` where it is about another resource, or for another client, than then."""
    holder = locked_client(occasion.connection, client_id or "")
    if _version(before, holder) != request.wanted.version:
        raise Forbidden("changed_meanwhile", MEANWHILE)


def _version(before: Resource | None, holder: Client | None) -> str:
    """Of what it is on, and of the client that would have it: whose keys and addresses it has."""
    resource = version_of_resource(before) if before else ""
    return f"{resource} {version_of(holder) if holder else ''}"


def _client(occasion: Occasion, values: Mapping[str, Any]) -> Client:
    """The client of the row; it begins now."""
    return client_of_row(_row(occasion, values, clients))


def _resource(occasion: Occasion, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is registered of the resource, but for when."""
    found = resource_of_row(_row(occasion, values, resources))
    names = [each for each in Resource.__dataclass_fields__ if each != "created_at"]
    return {name: getattr(found, name) for name in names}


def _row(occasion: Occasion, values: Mapping[str, Any], table: Table) -> list[Any]:
    """The columns in their order; raises `Forbidden` where the service was given more since."""
    row = {**values, "created_at": occasion.now}
    if any(column.name not in row for column in table.c):
        raise Forbidden("changed_meanwhile", MEANWHILE)
    return [row[column.name] for column in table.c]


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it comes back from JSON."""
    values: dict[str, Any] = orjson.loads(orjson.dumps(row))
    return values
