"""`authn keys list`."""

import typer
from rich.table import Column, Table

from authn.cli.ground import console, ground
from authn.keys.signing_keys import ensure_signing_keys, list_keys

app = typer.Typer(help="The service's signing keys.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """The service's signing keys."""


@app.command("list")
def list_signing_keys() -> None:
    """Show every signing key; makes the first ones when there are none."""
    with ground() as present:
        ensure_signing_keys(present.database, present.secrets, present.now)
        with present.reading() as connection:
            keys = list_keys(connection)
    # A kid is copied: it stays on one line, however narrow the terminal is.
    kid = Column("kid", no_wrap=True, min_width=max(len(key.kid) for key in keys))
    table = Table(kid, "alg", "state", "created")
    for key in keys:
        table.add_row(key.kid, key.alg, key.state, f"{key.created_at:%Y-%m-%d}")
    console.print(table)
