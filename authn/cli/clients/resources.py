"""`authn resources add`, `desk-api`, `change`, `list`, `show`, `end`: resource servers."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from authn.cli.approvals.two_operators import (
    Reason,
    ReasonOption,
    Ticket,
    TwoOperatorPlan,
    carry_out,
)
from authn.cli.clients.resource_options import ResourceOptionValues, resource_option_values
from authn.cli.ground import Ground, console, ground
from authn.cli.shared import refusal_as_command_error, with_options
from authn.clients.resource_servers.desk_api import desk_api_audience, register_desk_api
from authn.clients.resource_servers.document import read_resource_document
from authn.clients.resource_servers.exchange_pairs import list_exchanges
from authn.clients.resource_servers.registration import (
    change_resource,
    changed_resource,
    end_resource,
    lock_resource,
    new_resource,
    register_resource,
)
from authn.clients.resource_servers.resources import Resource, find_resource, list_resources
from authn.console.operator_request_acts import resource_request
from authn.errors import CommandError
from authn.views.descriptions import describe_resource

ResourceName = Annotated[str, typer.Argument(metavar="RESOURCE", help="Its address.")]

app = typer.Typer(
    help="Resource servers, for which applications get access tokens.", no_args_is_help=True
)


@app.callback()
def _resources() -> None:
    """Resource servers, for which applications get access tokens."""


@app.command()
@with_options(resource_option_values)
def add(
    resource: Annotated[
        str, typer.Argument(help="Its https address: what stands in `aud`. Or the file says it.")
    ] = "",
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    options: ResourceOptionValues,
) -> None:
    """Register a resource server: what is not said is not allowed.

    One that reads national numbers waits for a second operator at the desk.
    """
    document = options.document({})
    values: dict[str, Any] = {"resource": "", "resource_name": "", "scopes": {}}
    with refusal_as_command_error():
        values |= read_resource_document(_with_address(document, resource))
    with ground() as present:

        @refusal_as_command_error()
        def plan(connection: Connection) -> TwoOperatorPlan[Resource]:
            keys, settings = present.secrets, present.settings
            after = new_resource(connection, settings, present.now, **values)

            @refusal_as_command_error()
            def do() -> Resource:
                return register_resource(connection, keys, settings, present.now, **values)

            return TwoOperatorPlan(resource_request(connection, None, after), do)

        result = carry_out(present, ReasonOption(reason, ticket), plan)
        if result.value is not None:
            _print_resource(present, result.value)


@app.command("desk-api")
def offer_desk_api() -> None:
    """Offer the desk's own API: applications that are given it as a resource can use it."""
    with ground() as present:
        with present.writing() as connection:
            new = register_desk_api(connection, present.secrets, present.settings, present.now)
        with present.reading() as connection:
            found = find_resource(connection, desk_api_audience(present.settings))
        assert found is not None, "it is there now"
        console.print("The desk's API is offered now." if new else "It was offered already.")
        _print_resource(present, found)


@app.command()
@with_options(resource_option_values)
def change(
    resource: ResourceName,
    remove_scope: Annotated[
        list[str] | None, typer.Option(help="A scope that it has no more; repeatable.")
    ] = None,
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    options: ResourceOptionValues,
) -> None:
    """Change what is said: a scope that is named is new or another; those of a file are all.

    What lets national numbers be read, or by another one, waits for a second operator at the desk.
    """
    with ground() as present:

        @refusal_as_command_error()
        def plan(connection: Connection) -> TwoOperatorPlan[Resource]:
            keys, settings = present.secrets, present.settings
            found = _require_resource(connection, resource)
            values = _changed_values(found, remove_scope or (), options)
            after = changed_resource(connection, settings, found, **values)

            @refusal_as_command_error()
            def do() -> Resource:
                return change_resource(connection, keys, settings, found, present.now, **values)

            return TwoOperatorPlan(resource_request(connection, found, after), do)

        result = carry_out(present, ReasonOption(reason, ticket), plan)
        if result.value is not None:
            _print_resource(present, result.value)


def _require_resource(connection: Connection, resource: str) -> Resource:
    """The resource server, locked; raises `CommandError` where there is none."""
    found = lock_resource(connection, resource)
    if found is None:
        raise _no_resource(resource)
    return found


def _changed_values(
    found: Resource, remove_scope: Iterable[str], options: ResourceOptionValues
) -> dict[str, Any]:
    """The changed values of a resource, from the options.

    Raises `CommandError` or `InvalidResource`.
    """
    known = {name: _scope_document(asdict(each)) for name, each in found.scopes.items()}
    removed = list(remove_scope)
    for scope in removed:
        if known.pop(scope, None) is None:
            raise CommandError(f"It has no scope {scope}.")
    document = options.document(known)
    if removed:
        document.setdefault("scopes", known)
    values = read_resource_document(_with_address(document, found.resource))
    del values["resource"]
    return values


def _with_address(document: dict[str, Any], resource: str) -> dict[str, Any]:
    """The document with the address of its resource; raises `CommandError` for another address."""
    if resource and document.setdefault("resource", resource) != resource:
        raise CommandError("The file is of another resource.")
    return document


def _scope_document(scope: dict[str, Any]) -> dict[str, Any]:
    """A scope as in a JSON document: with lists for tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in scope.items()
    }


def _no_resource(resource: str) -> CommandError:
    return CommandError(f"There is no resource {resource}.")


@app.command("list")
def print_resources() -> None:
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
            raise _no_resource(resource)
        _print_resource(present, found)


@app.command()
def end(resource: ResourceName) -> None:
    """Issue no token for a resource server any more."""
    with ground() as present, present.writing() as connection:
        if not end_resource(connection, present.secrets, resource, present.now):
            raise _no_resource(resource)
    console.print(f"{resource} is no resource any more.", markup=False)


def _print_resource(present: Ground, resource: Resource) -> None:
    with present.reading() as connection:
        pairs = list_exchanges(connection)
    for name, value in describe_resource(resource, pairs):
        console.print(f"{name:24} {value}", markup=False)
