"""`authn demo`: everything a newcomer needs, in one command."""

import os

import typer

from authn.app import create_app
from authn.cli.ground import console
from authn.clock import system_clock
from authn.db.engine import open_database
from authn.db.upgrade import upgrade
from authn.demo.application import create_demo_application
from authn.demo.serve import bind, serve_together
from authn.demo.town import Invitation, fill_register, invite, own_secret, register_application
from authn.errors import CommandError
from authn.keys.signing_keys import ensure_signing_keys
from authn.secrets import create_secrets, load_secrets
from authn.settings import Settings, load_settings
from authn.web.logs import configure_logs

app = typer.Typer(help="Start the service with fictitious people and a demo application.")


@app.command()
def demo() -> None:
    """Start the service with fictitious people and a demo relying application, on localhost."""
    settings = _settings()
    service = bind(settings.host, settings.port, "AUTHN_PORT")
    application = bind(settings.host, settings.demo_port, "AUTHN_DEMO_PORT")
    create_secrets(settings)
    secrets = load_secrets(settings)
    database = open_database(settings)
    now = system_clock()
    upgrade(database)
    ensure_signing_keys(database, secrets, now)
    fill_register(database, secrets, now)
    registration = register_application(database, secrets, settings, now)
    invitation = invite(database, secrets, settings, now)
    database.close()

    configure_logs(settings.log_level)
    provider = create_app(settings)
    pages = provider.state.site.pages
    session_secret = own_secret(settings, "demo_session")
    relying = create_demo_application(registration, session_secret, pages)
    _tell(settings, registration.address, invitation)
    serve_together(settings, [(provider, service), (relying, application)])


def _settings() -> Settings:
    """The settings, with an issuer that follows the port; quiet logs unless asked otherwise."""
    chosen: dict[str, object] = {}
    if "AUTHN_ISSUER" not in os.environ:
        chosen["issuer"] = f"http://localhost:{load_settings().port}"
    if "AUTHN_LOG_LEVEL" not in os.environ:
        chosen["log_level"] = "warning"
    settings = load_settings(**chosen)
    if settings.secure:
        raise CommandError("The demonstration runs on http://localhost only: unset AUTHN_ISSUER.")
    return settings


def _tell(settings: Settings, application: str, invitation: Invitation) -> None:
    console.print()
    console.print(
        f"[bold]authn[/bold] runs on {settings.issuer}, a demo application on {application}"
    )
    console.print()
    if invitation.link:
        console.print(f"1. Enrol this device as {invitation.name}, a fictitious person. Open")
        console.print(f"      [bold]{invitation.link}[/bold]")
        console.print(f"   and type the national number [bold]{invitation.ssin}[/bold]")
        console.print(f"2. Sign in at the demo application: [bold]{application}[/bold]")
    else:
        console.print(f"Sign in as {invitation.name} at [bold]{application}[/bold]")
        console.print(f"See your devices at [bold]{settings.issuer}/devices[/bold]")
    console.print()
    console.print(
        "Ctrl-C stops both. Your data stays in "
        f"{settings.data_directory.resolve()} for the next time."
    )
