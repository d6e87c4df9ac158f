"""`authn clients add`, `change`, `check`, `list`, `show`, `end`, and `initial-access-token`."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from authn.cli import initial_access_tokens
from authn.cli.client_change import ClientId, change
from authn.cli.client_checks import check
from authn.cli.client_kinds import ask_for_what_is_missing, client_id_of, kind_of, organisation_of
from authn.cli.client_options import ClientOptionValues, said_of_client
from authn.cli.client_values import checked_values, found_client, told
from authn.cli.ground import Ground, console, ground
from authn.cli.second import Reason, ReasonOption, Ticket, TwoOperatorPlan, carry_out
from authn.cli.shared_options import takes
from authn.clients.clients import FAPI2, PUBLIC, list_clients, new_client_id
from authn.clients.desk_api import as_desk_tool
from authn.clients.kinds import with_defaults
from authn.clients.registration import RegisteredClient, add_client, new_client
from authn.console.operator_request_deeds import wanted_client
from authn.errors import CommandError
from authn.grants.ended_clients import end_client
from authn.views.client_sample import sample_configuration
from authn.views.client_shown import shown_client

app = typer.Typer(help="Relying applications.", no_args_is_help=True)
app.command()(change)
app.command()(check)
app.add_typer(initial_access_tokens.app, name="initial-access-token")


@app.callback()
def _clients() -> None:
    """Relying applications."""


@app.command()
@takes(said_of_client)
def add(
    name: Annotated[str, typer.Argument(help="The name that people see. Without: asked.")] = "",
    kind: Annotated[
        str, typer.Option(help="web, browser, native, system or resource. Without: web, or asked.")
    ] = "",
    client_id: Annotated[str, typer.Option(help="A readable id. Without: a random one.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="It runs in the browser or on a phone: no secret.")
    ] = False,
    native: Annotated[
        bool, typer.Option("--native", help="It is an app: private-use schemes, any local port.")
    ] = False,
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    said: ClientOptionValues,
) -> None:
    """Register an application; what its kind needs and was not said is asked for.

    What gives it much, such as the national number, waits for a second operator at the desk.
    """
    more = {"token_endpoint_auth_method": PUBLIC} if public else {}
    document = said.document(
        client_name=name, application_type="native" if native else None, **more
    )
    with ground() as present:
        given = said.given(present.settings, {})
        given = as_desk_tool(present.settings, given.get("resources", ())) | given
        organisation = given.pop("organisation", None)
        why = ReasonOption(reason, ticket)
        registered = _add(present, kind, client_id, document, organisation, given, why)
        _tell(registered, present.settings.issuer)


def _add(
    present: Ground,
    kind: str,
    client_id: str,
    document: dict[str, Any],
    organisation: str | None,
    given: dict[str, Any],
    why: ReasonOption,
) -> RegisteredClient:
    """The client, registered or asked for; everything is asked before a transaction is open."""
    if not document.get("client_name"):
        document["client_name"] = typer.prompt("The name that people see", err=True)
    kind = kind_of(kind, document, organisation)
    document = with_defaults(kind, document, fapi=given.get("profile") == FAPI2)
    organisation = organisation_of(kind, organisation)
    if organisation:
        given["organisation"] = organisation
    ask_for_what_is_missing(document)
    client_id = client_id_of(kind, client_id, organisation) or new_client_id()

    def plan(connection: Connection) -> TwoOperatorPlan[None]:
        values = checked_values(present, connection, client_id, document, given)
        registered = told(lambda: new_client(present.now, client_id=client_id, **values))
        made.append(registered)
        return TwoOperatorPlan(
            wanted_client(connection, present.settings, None, registered.client),
            lambda: told(lambda: add_client(connection, present.secrets, registered, present.now)),
        )

    made: list[RegisteredClient] = []
    carry_out(present, why, plan)
    return made[-1]


def _tell(registered: RegisteredClient, issuer: str) -> None:
    client = registered.client
    console.print(f"issuer         {issuer}")
    console.print(f"client_id      {client.client_id}")
    if registered.client_secret:
        console.print(f"client_secret  {registered.client_secret}")
        console.print("Keep the secret now: it is stored as a hash and never shown again.")
    console.print()
    console.print(sample_configuration(issuer, client), markup=False)


@app.command("list")
def list_registered() -> None:
    """Show every application."""
    with ground() as present, present.reading() as connection:
        clients = list_clients(connection)
    table = Table("client_id", "name", "type", "scope")
    for client in clients:
        kind = "public" if client.public else "confidential"
        table.add_row(client.client_id, escape(client.client_name), kind, escape(client.scope))
    console.print(table)


@app.command()
def show(client_id: ClientId) -> None:
    """Show one application, by the names of RFC 7591; of its secret not even the hash."""
    with ground() as present, present.reading() as connection:
        client = found_client(connection, client_id)
    for name, value in shown_client(client).items():
        console.print(f"{name:44} {value}", markup=False)


@app.command()
def end(
    client_id: ClientId,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """End an application: it is none any more, and all that people allowed it is revoked."""
    with ground() as present:
        with present.reading() as connection:
            client = found_client(connection, client_id)
        if not yes:
            typer.confirm(f"End {client.client_name} ({client_id}) for good?", abort=True, err=True)
        with present.writing() as connection:
            revoked = end_client(connection, present.secrets, client_id, present.now)
    if revoked is None:
        raise CommandError(f"There is no client {client_id}.")
    console.print(f"{client_id} is no client any more; {revoked:,} grants were revoked.")
