"""`authn resources add`, `desk-api`, `change`, `list`, `show`, `end`."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from authn.cli.ground import Ground, console, ground
from authn.cli.resource_options import ResourceOptionValues, said_of_resource
from authn.cli.second import Reason, ReasonOption, Ticket, TwoOperatorPlan, carry_out
from authn.cli.shared_options import takes
from authn.clients.desk_api import desk_api_audience, register_desk_api
from authn.clients.exchange_pairs import list_exchanges
from authn.clients.resource_document import InvalidResource, read_resource_document
from authn.clients.resource_registration import (
    change_resource,
    changed_resource,
    end_resource,
    locked_resource,
    new_resource,
    register_resource,
)
from authn.clients.resources import Resource, find_resource, list_resources
from authn.console.operator_request_deeds import wanted_resource
from authn.errors import CommandError
from authn.views.resource_shown import shown_resource

Result = TypeVar("Result")
ResourceName = Annotated[str, typer.Argument(metavar="RESOURCE", help="Its address.")]

app = typer.Typer(
    help="Resource servers, for which applications get access tokens.", no_args_is_help=True
)


@app.callback()
def _resources() -> None:
    """Resource servers, for which applications get access tokens."""


@app.command()
@takes(said_of_resource)
def add(
    resource: Annotated[
        str, typer.Argument(help="Its https address: what stands in `aud`. Or the file says it.")
    ] = "",
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    said: ResourceOptionValues,
) -> None:
    """Register a resource server: what is not said is not allowed.

    One that reads national numbers waits for a second operator at the desk.
    """
    document = said.document({})
    values: dict[str, Any] = {"resource": "", "resource_name": "", "scopes": {}}
    values |= _told(lambda: read_resource_document(_named(document, resource)))
    with ground() as present:

        def plan(connection: Connection) -> TwoOperatorPlan[Resource]:
            keys, settings = present.secrets, present.settings
            after = _told(lambda: new_resource(connection, settings, present.now, **values))
            return TwoOperatorPlan(
                wanted_resource(connection, None, after),
                lambda: _told(
                    lambda: register_resource(connection, keys, settings, present.now, **values)
                ),
            )

        result = carry_out(present, ReasonOption(reason, ticket), plan)
        if result.done is not None:
            _tell(present, result.done)


@app.command("desk-api")
def desk_api() -> None:
    """Offer the desk's own API: applications that are given it as a resource can use it."""
    with ground() as present:
        with present.writing() as connection:
            new = register_desk_api(connection, present.secrets, present.settings, present.now)
        with present.reading() as connection:
            found = find_resource(connection, desk_api_audience(present.settings))
        assert found is not None, "it is there now"
        console.print("The desk's API is offered now." if new else "It was offered already.")
        _tell(present, found)


@app.command()
@takes(said_of_resource)
def change(
    resource: ResourceName,
    remove_scope: Annotated[
        list[str] | None, typer.Option(help="A scope that it has no more; repeatable.")
    ] = None,
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    said: ResourceOptionValues,
) -> None:
    """Change what is said: a scope that is named is new or another; those of a file are all.

    What lets national numbers be read, or by another one, waits for a second operator at the desk.
    """
    with ground() as present:

        def plan(connection: Connection) -> TwoOperatorPlan[Resource]:
            keys, settings = present.secrets, present.settings
            found = _found(connection, resource)
            values = _values(found, remove_scope or (), said)
            after = _told(lambda: changed_resource(connection, settings, found, **values))
            return TwoOperatorPlan(
                wanted_resource(connection, found, after),
                lambda: _told(
                    lambda: change_resource(
                        connection, keys, settings, found, present.now, **values
                    )
                ),
            )

        result = carry_out(present, ReasonOption(reason, ticket), plan)
        if result.done is not None:
            _tell(present, result.done)


def _found(connection: Connection, resource: str) -> Resource:
    """The resource server; raises `CommandError`."""
    found = locked_resource(connection, resource)
    if found is None:
        raise _none(resource)
    return found


def _values(
    found: Resource, remove_scope: Iterable[str], said: ResourceOptionValues
) -> dict[str, Any]:
    """The values that it would have; raises `CommandError`."""
    known = {name: _as_said(asdict(each)) for name, each in found.scopes.items()}
    removed = list(remove_scope)
    for scope in removed:
        if known.pop(scope, None) is None:
            raise CommandError(f"It has no scope {scope}.")
    document = said.document(known)
    if removed:
        document.setdefault("scopes", known)
    values = _told(lambda: read_resource_document(_named(document, found.resource)))
    del values["resource"]
    return values


def _named(document: dict[str, Any], resource: str) -> dict[str, Any]:
    """The document, with its address; raises `CommandError` where it says another one."""
    if resource and document.setdefault("resource", resource) != resource:
        raise CommandError("The file is of another resource.")
    return document


def _as_said(scope: dict[str, Any]) -> dict[str, Any]:
    """A scope as a document has it: its lists are no tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in scope.items()
    }


def _told(act: Callable[[], Result]) -> Result:
    """What the act gives; raises `CommandError` for what it refuses."""
    try:
        return act()
    except InvalidResource as refusal:
        raise CommandError(refusal.description) from None


def _none(resource: str) -> CommandError:
    return CommandError(f"There is no resource {resource}.")


@app.command("list")
def list_registered() -> None:
    """Show every resource server."""
    with ground() as present, present.reading() as connection:
        resources = list_resources(connection)
    table = Table("resource", "name", "client", "scopes")
    for each in resources:
        scopes = escape(" ".join(each.scopes))
        table.add_row(each.resource, escape(each.resource_name), each.client_id or "", scopes)
    console.print(table)


@app.command()
def show(resource: ResourceName) -> None:
    """Show one resource server: what it may, and who may obtain what there."""
    with ground() as present:
        with present.reading() as connection:
            found = find_resource(connection, resource)
        if found is None:
            raise _none(resource)
        _tell(present, found)


@app.command()
def end(resource: ResourceName) -> None:
    """Issue no token for a resource server any more."""
    with ground() as present, present.writing() as connection:
        if not end_resource(connection, present.secrets, resource, present.now):
            raise _none(resource)
    console.print(f"{resource} is no resource any more.", markup=False)


def _tell(present: Ground, resource: Resource) -> None:
    with present.reading() as connection:
        pairs = list_exchanges(connection)
    for name, value in shown_resource(resource, pairs):
        console.print(f"{name:24} {value}", markup=False)
