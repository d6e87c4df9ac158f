"""`authn db upgrade`, `grants`: the schema of the database, and what its roles may do."""

from typing import Annotated

import typer

from authn.audit.roles import Role, grant_statements, prepare_roles, read_role
from authn.cli.ground import console
from authn.db.engine import open_database
from authn.db.upgrade import upgrade as upgrade_database
from authn.errors import CommandError
from authn.settings import PREFIX, Settings, load_settings

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.callback()
def _database() -> None:
    """The database."""


@app.command()
def upgrade() -> None:
    """Bring the database to the newest version; creates it when there is none.

    With AUTHN_DATABASE_OWNER_URL as the role that it names; then the other two roles have what they
    need, and their passwords.
    """
    settings = load_settings()
    owner = settings.database_owner_url
    roles = _roles(settings) if owner.get_secret_value() else None
    database = open_database(
        settings.model_copy(update={"database_url": owner}) if roles else settings
    )
    try:
        changed = upgrade_database(database)
        if roles:
            with database.reader.connect() as connection:
                prepare_roles(connection, *roles)
    finally:
        database.close()
    console.print("The database is up to date." if not changed else "The database was upgraded.")


def _roles(settings: Settings) -> tuple[Role, Role]:
    """The roles as which the service and the archive connect."""
    return (
        read_role(settings.database_url.get_secret_value(), f"{PREFIX}DATABASE_URL"),
        read_role(
            settings.audit_archive_database_url.get_secret_value(),
            f"{PREFIX}AUDIT_ARCHIVE_DATABASE_URL",
        ),
    )


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
        statements = grant_statements(schema, service, archive)
    except ValueError as problem:
        raise CommandError(str(problem)) from None
    typer.echo(statements, nl=False)
