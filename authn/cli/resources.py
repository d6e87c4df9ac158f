"""`authn resources add`, `list`, `show`, `remove`."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from authn.cli.ground import console, ground
from authn.clients.resource_registration import InvalidResource, end_resource, register_resource
from authn.clients.resources import Resource, find_resource, list_resources
from authn.consents.scopes import SCOPES
from authn.errors import CommandError

app = typer.Typer(
    help="Resource servers, for which applications get access tokens.", no_args_is_help=True
)


@app.callback()
def _resources() -> None:
    """Resource servers, for which applications get access tokens."""


@app.command()
def add(
    resource: Annotated[str, typer.Argument(help="Its https address: what stands in `aud`.")],
    name: Annotated[str, typer.Option(help="The name that people see.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help='A scope and the sentence that people read: "read=Read your letters".'),
    ] = None,
    client: Annotated[
        str, typer.Option(help="As which client it asks /introspect about tokens.")
    ] = "",
    sector_identifier: Annotated[
        str, typer.Option(help="Within which a person is the same `sub`. Without: its host.")
    ] = "",
    ssin: Annotated[
        bool, typer.Option("--ssin", help="It may read the national number at /introspect.")
    ] = False,
    may_act: Annotated[
        bool, typer.Option("--may-act", help="It understands the federation's list may_act.")
    ] = False,
) -> None:
    """Register a resource server."""
    with ground() as present, present.writing() as connection:
        try:
            registered = register_resource(
                connection,
                present.secrets,
                present.settings,
                present.now,
                resource=resource,
                resource_name=name,
                scopes=_scopes(scope or ()),
                client_id=client or None,
                sector_identifier=sector_identifier,
                may_read_ssin=ssin,
                reads_may_act=may_act,
            )
        except InvalidResource as refusal:
            raise CommandError(refusal.description) from None
    _tell(registered)


def _scopes(pairs: Iterable[str]) -> dict[str, str]:
    scopes: dict[str, str] = {}
    for pair in pairs:
        scope, equals, sentence = pair.partition("=")
        if not equals:
            raise CommandError(f'A scope needs its sentence: --scope "{scope}=What it allows".')
        if scope in SCOPES:
            raise CommandError(f"The scope {scope} is the service's own.")
        scopes[scope] = sentence.strip()
    return scopes


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
def show(resource: Annotated[str, typer.Argument(help="Its address.")]) -> None:
    """Show one resource server."""
    with ground() as present, present.reading() as connection:
        found = find_resource(connection, resource)
    if found is None:
        raise CommandError(f"There is no resource {resource}.")
    _tell(found)


@app.command()
def remove(resource: Annotated[str, typer.Argument(help="Its address.")]) -> None:
    """Issue no token for a resource server any more."""
    with ground() as present, present.writing() as connection:
        if not end_resource(connection, present.secrets, resource, present.now):
            raise CommandError(f"There is no resource {resource}.")
    console.print(f"{resource} is no resource any more.", markup=False)


def _tell(resource: Resource) -> None:
    shown = {
        "resource": resource.resource,
        "name": resource.resource_name,
        "client": resource.client_id or "none: it reads tokens itself",
        "sector_identifier": resource.sector_identifier,
        "may_read_ssin": "yes" if resource.may_read_ssin else "no",
        "reads_may_act": "yes" if resource.reads_may_act else "no",
        **{f"scope {scope}": each.sentence("en") for scope, each in resource.scopes.items()},
        "registered": f"{resource.created_at:%Y-%m-%d %H:%M} UTC",
    }
    for name, value in shown.items():
        console.print(f"{name:20} {value}", markup=False)
