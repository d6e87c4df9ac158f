"""`authn demo`: the service, an application, an eID test card and a resource, on localhost."""

import os

import typer

from authn.app import create_app
from authn.cli.ground import Ground, console
from authn.cli.service.mds import take_over_configured_blob
from authn.clock import system_clock
from authn.db.engine import open_database
from authn.db.upgrade import upgrade
from authn.demo.application import create_demo_application
from authn.demo.identity_card import create_identity_card, read_cards
from authn.demo.resource import create_demo_resource
from authn.demo.serve import bind, serve_together
from authn.demo.town import (
    PEOPLE,
    TownInvitation,
    fill_sources,
    invite,
    issue_identity_card,
    own_secret,
    register_application,
    register_demo_resource,
)
from authn.demo.townspeople import read_townspeople
from authn.errors import CommandError
from authn.keys.signing_keys import ensure_signing_keys
from authn.secrets import create_secrets, load_secrets
from authn.settings import Settings, load_settings
from authn.web.logs import configure_logs

app = typer.Typer(help="Start the service with fictitious people and a demo application.")


@app.command("demo")
def run_demo() -> None:
    """Start the service with fictitious people and a demo relying application, on localhost."""
    settings = _settings()
    service = bind(settings.host, settings.port, "AUTHN_PORT")
    application = bind(settings.host, settings.demo_port, "AUTHN_DEMO_PORT")
    card_reader = bind(settings.host, settings.demo_identity_port, "AUTHN_DEMO_IDENTITY_PORT")
    resource = bind(settings.host, settings.demo_resource_port, "AUTHN_DEMO_RESOURCE_PORT")
    create_secrets(settings)
    secrets = load_secrets(settings)
    database = open_database(settings)
    now = system_clock()
    upgrade(database)
    ensure_signing_keys(database, secrets, now)
    fill_sources(database, secrets, now)
    records = register_demo_resource(database, secrets, settings, now)
    registration = register_application(database, secrets, settings, now)
    invitation = invite(database, secrets, settings, now)
    configure_logs(settings.log_level)
    take_over_configured_blob(Ground(settings, secrets, database, now))
    database.close()

    settings, agreement = issue_identity_card(settings)
    provider = create_app(settings)
    pages = provider.state.site.pages
    session_secret = own_secret(settings, "demo_session")
    relying = create_demo_application(
        registration, session_secret, pages, settings.mail_directory, read_townspeople()
    )
    _print_addresses(settings, registration.address, records.address, invitation)
    serve_together(
        settings,
        [
            (provider, service),
            (relying, application),
            (create_identity_card(agreement, read_cards(PEOPLE), pages, system_clock), card_reader),
            (create_demo_resource(records, pages, system_clock), resource),
        ],
    )


def _settings() -> Settings:
    """The settings, with an issuer that follows the port; quiet logs unless asked otherwise."""
    chosen: dict[str, object] = {}
    given = load_settings()
    if "AUTHN_ISSUER" not in os.environ:
        chosen["issuer"] = f"http://localhost:{given.port}"
    if not given.smtp_host and not given.mail_directory:
        chosen["mail_directory"] = given.data_directory / "mails"
    if "AUTHN_LOG_LEVEL" not in os.environ:
        chosen["log_level"] = "warning"
    settings = load_settings(**chosen)
    if settings.secure:
        raise CommandError("The demonstration runs on http://localhost only: unset AUTHN_ISSUER.")
    return settings


def _print_addresses(
    settings: Settings, application: str, resource: str, invitation: TownInvitation
) -> None:
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
    console.print(
        "No code, or every device lost? Prove who you are with the [bold]eID test card[/bold] "
        f"at [bold]{settings.issuer}/activate[/bold]"
    )
    console.print(
        f"Whom else you can be: [bold]{application}/town[/bold]. What the resource behind the "
        f"application is told: [bold]{resource}[/bold]"
    )
    if settings.mail_directory:
        console.print(f"Mails are not sent: read them at [bold]{application}/mails[/bold]")
    console.print()
    console.print(
        "Ctrl-C stops all of it. Your data stays in "
        f"{settings.data_directory.resolve()} for the next time."
    )
