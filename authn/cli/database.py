"""`authn db upgrade`, `grants`."""

from typing import Annotated

import typer

from authn.audit.grants import grants
from authn.cli.ground import console
from authn.db.engine import open_database
from authn.db.upgrade import upgrade as upgrade_database
from authn.errors import CommandError
from authn.settings import load_settings

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.callback()
def _database() -> None:
    """The database."""


@app.command()
def upgrade() -> None:
    """Bring the database to the newest version; creates it when there is none."""
    database = open_database(load_settings())
    try:
        changed = upgrade_database(database)
    finally:
        database.close()
    console.print("The database is up to date." if not changed else "The database was upgraded.")


@app.command("grants")
def print_grants(
    service: Annotated[str, typer.Argument(help="The role that `authn serve` connects as.")],
    archive: Annotated[str, typer.Argument(help="The role that `authn audit archive` deletes as.")],
    schema: Annotated[str, typer.Option(help="Where the tables are.")] = "public",
) -> None:
    """Print the SQL that gives two roles of PostgreSQL what they need, and nothing more.

    To be executed by the role that owns the tables, after each `authn db upgrade`; neither role may
    be that one.
    """
    try:
        statements = grants(schema, service, archive)
    except ValueError as problem:
        raise CommandError(str(problem)) from None
    typer.echo(statements, nl=False)
