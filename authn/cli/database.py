"""`authn db upgrade`."""

import typer

from authn.cli.ground import console
from authn.db.engine import open_database
from authn.db.upgrade import upgrade as upgrade_database
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
