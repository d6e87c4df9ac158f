"""`authn assertion-issuers add`, `list`, `remove`: issuers of assertions as grants (RFC 7523)."""

from pathlib import Path
from typing import Annotated, Any

import orjson
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
from authn.clients.assertion_issuers import (
    AssertionIssuer,
    end_assertion_issuer,
    list_assertion_issuers,
    register_assertion_issuer,
)
from authn.console.operator_request_acts import issuer_request
from authn.errors import CommandError

app = typer.Typer(
    help="Issuers whose assertions are taken as grants (RFC 7523).", no_args_is_help=True
)

Issuer = Annotated[str, typer.Argument(help="What stands in `iss`.")]


@app.callback()
def _assertion_issuers() -> None:
    """Issuers whose assertions are taken as grants (RFC 7523)."""


@app.command()
def add(
    issuer: Issuer,
    client: Annotated[str, typer.Option(help="The one client that may present its assertions.")],
    subject_client: Annotated[str, typer.Option(help="The client by whose `sub` it names people.")],
    jwks: Annotated[Path | None, typer.Option(help="A file with its JWK Set.")] = None,
    jwks_uri: Annotated[str, typer.Option(help="Or where it publishes one.")] = "",
    reason: Reason = None,
    ticket: Ticket = None,
) -> None:
    """Take an issuer's assertions. The client also needs the grant type jwt-bearer.

    By them it gets tokens about people who have not signed in: a second operator must agree.
    """
    with ground() as present:
        described = AssertionIssuer(
            issuer=issuer,
            jwks=_key_set(jwks) if jwks else None,
            jwks_uri=jwks_uri or None,
            client_id=client,
            subject_client_id=subject_client,
            created_at=present.now,
        )

        def plan(connection: Connection) -> TwoOperatorPlan[bool]:
            return TwoOperatorPlan(
                issuer_request(connection, described),
                lambda: _register(present, connection, described),
            )

        result = carry_out(present, ReasonOption(reason, ticket), plan)
    if result.value:
        console.print("Registered.")


def _register(present: Ground, connection: Connection, issuer: AssertionIssuer) -> bool:
    with refusal_as_command_error():
        register_assertion_issuer(connection, present.secrets, issuer)
    return True


def _key_set(path: Path) -> dict[str, Any]:
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        raise CommandError(f"{path} is not a file with a JWK Set.") from None
    if not isinstance(document, dict):
        raise CommandError(f"{path} is not a file with a JWK Set.")
    return document


@app.command("list")
def print_issuers() -> None:
    """Show every issuer."""
    with ground() as present, present.reading() as connection:
        issuers = list_assertion_issuers(connection)
    table = Table("issuer", "client", "names people as", "keys")
    for each in issuers:
        keys = each.jwks_uri or "by value"
        table.add_row(each.issuer, each.client_id, each.subject_client_id, keys)
    console.print(table)


@app.command()
def remove(issuer: Issuer) -> None:
    """Take its assertions no more."""
    with ground() as present, present.writing() as connection:
        if not end_assertion_issuer(connection, present.secrets, issuer, present.now):
            raise CommandError("There is no such issuer; `authn assertion-issuers list` shows all.")
    console.print("Removed.")
