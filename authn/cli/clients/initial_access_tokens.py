"""`authn clients initial-access-token create`, `list`, `withdraw` (RFC 7591 §3)."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from authn.cli.ground import console, ground
from authn.clients.client_registration.initial_access_tokens import (
    create_initial_access_token,
    list_initial_access_tokens,
    withdraw_initial_access_token,
)
from authn.errors import CommandError

app = typer.Typer(help="Who may register an application by itself.", no_args_is_help=True)


@app.callback()
def _initial_access_tokens() -> None:
    """Who may register an application by itself (RFC 7591 §3)."""


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="For whom it is: shown in the list.")],
    uses: Annotated[int, typer.Option(help="For how many registrations.", min=1, max=10_000)] = 1,
    days: Annotated[int, typer.Option(help="For how many days.", min=1, max=365)] = 7,
) -> None:
    """Make a token, and show it this one time."""
    with ground() as present, present.writing() as connection:
        expires_at = present.now + timedelta(days=days)
        token = create_initial_access_token(connection, label, uses, expires_at, present.now)
    console.print(f"initial_access_token  {token}", markup=False)
    console.print("Keep it now: it is stored as a hash and never shown again.")
    if present.settings.registration != "token":
        console.print(f"It is not needed: AUTHN_REGISTRATION is {present.settings.registration}.")


@app.command("list")
def print_tokens() -> None:
    """Show every token: a name for each, not the token itself."""
    with ground() as present, present.reading() as connection:
        tokens = list_initial_access_tokens(connection)
    table = Table("name", "label", "uses left", "until")
    for token in tokens:
        until = f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
        table.add_row(token.name, escape(token.label), str(token.uses_left), until)
    console.print(table)


@app.command()
def withdraw(name: Annotated[str, typer.Argument(help="Its name in the list.")]) -> None:
    """Take a token back; who has registered with it stays."""
    with ground() as present, present.writing() as connection:
        if not withdraw_initial_access_token(connection, name):
            raise CommandError(f"There is no initial access token {name}.")
    console.print(f"{name} allows nothing any more.", markup=False)
