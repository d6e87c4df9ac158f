"""`authn exchanges allow`, `forbid`, `list`: token exchanges that are allowed (RFC 8693)."""

from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Connection

from authn.cli.approvals.two_operators import (
    Reason,
    ReasonOption,
    Ticket,
    TwoOperatorPlan,
    carry_out,
)
from authn.cli.ground import Ground, console, ground
from authn.cli.shared import refusal_as_command_error
from authn.clients.resource_servers.exchange_pairs import (
    ExchangePair,
    allow_exchange,
    forbid_exchange,
    list_exchanges,
)
from authn.console.operator_request_acts import exchange_request
from authn.errors import CommandError

app = typer.Typer(
    help="Which client may exchange whose tokens, for which resource.", no_args_is_help=True
)

ClientId = Annotated[str, typer.Argument(help="The client that exchanges.")]
Subject = Annotated[str, typer.Argument(help="The client whose access tokens it presents.")]
ResourceName = Annotated[str, typer.Argument(help="The resource that the new tokens are for.")]


@app.callback()
def _exchanges() -> None:
    """Which client may exchange whose tokens, for which resource (RFC 8693)."""


@app.command()
def allow(
    client_id: ClientId,
    subject_client_id: Subject,
    resource: ResourceName,
    reason: Reason = None,
    ticket: Ticket = None,
) -> None:
    """Allow an exchange. The client also needs the grant type token-exchange.

    Where the resource reads national numbers, or is the desk's API, a second operator must agree.
    """
    pair = ExchangePair(client_id, subject_client_id, resource)
    with ground() as present:

        def plan(connection: Connection) -> TwoOperatorPlan[bool]:
            return TwoOperatorPlan(
                exchange_request(connection, present.settings, pair),
                lambda: _allow(present, connection, pair),
            )

        result = carry_out(present, ReasonOption(reason, ticket), plan)
    if result.request is None:
        console.print("Allowed." if result.value else "It was allowed before.")


def _allow(present: Ground, connection: Connection, pair: ExchangePair) -> bool:
    with refusal_as_command_error():
        return allow_exchange(connection, present.secrets, pair, present.now)


@app.command()
def forbid(client_id: ClientId, subject_client_id: Subject, resource: ResourceName) -> None:
    """Forbid it again. Tokens that were exchanged live on for five minutes at most."""
    pair = ExchangePair(client_id, subject_client_id, resource)
    with ground() as present, present.writing() as connection:
        if not forbid_exchange(connection, present.secrets, pair, present.now):
            raise CommandError("There is no such exchange; `authn exchanges list` shows all.")
    console.print("Forbidden.")


@app.command("list")
def print_exchanges() -> None:
    """Show every exchange that is allowed."""
    with ground() as present, present.reading() as connection:
        pairs = list_exchanges(connection)
    table = Table("client", "whose tokens", "resource")
    for pair in pairs:
        table.add_row(pair.client_id, pair.subject_client_id, pair.resource)
    console.print(table)
