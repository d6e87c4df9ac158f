"""`authn outbox`: what waits to be told, what could not be, and telling it now."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from authn.cli.ground import Ground, console, ground
from authn.clock import system_clock
from authn.console.expiry import expire_due
from authn.errors import CommandError
from authn.notices.delivery import outbox_work
from authn.oidc.backchannel_logout import backchannel_work
from authn.oidc.revocation_hook import revocation_work
from authn.outbox.destinations import run_once as run_by_destination
from authn.outbox.outbox import OutboxEntry, drop, entries, retry
from authn.outbox.smtp import can_send
from authn.outbox.worker import run_once
from authn.people.ssin import BRUSSELS
from authn.web.pages import load_pages
from authn.web.site import Site

HELP = "Mails to people, what ended to applications and resources: what waits, what failed."

app = typer.Typer(help=HELP, no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Show what is not sent: never to which person, nor what it says."""
    with ground() as present:
        with present.reading() as connection:
            found = entries(connection)
        _warn(present)
    if not found:
        console.print("Everything is sent.")
        return
    for entry in found:
        console.print("  ".join(_words(entry)), markup=False)
    if any(entry.state == "dead" for entry in found):
        console.print("Try a dead one again: `authn outbox retry ROW`, or `--all`.")


@app.command("retry")
def retry_(
    row: Annotated[UUID | None, typer.Argument(help="The row, as `list` shows it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead row.")] = False,
) -> None:
    """Let a dead row be tried again, from now on."""
    if every == (row is not None):
        raise CommandError("Name one row, or say --all.")
    with ground() as present, present.writing() as connection:
        count = retry(connection, present.now, row)
    if row is not None and not count:
        raise CommandError("There is no such dead row.")
    console.print(f"Waiting again: {count:,}.")


@app.command("drop")
def drop_(row: Annotated[UUID, typer.Argument(help="The row, as `list` shows it.")]) -> None:
    """Delete a row that is not sent; it never will be."""
    with ground() as present, present.writing() as connection:
        gone = drop(connection, row)
    if not gone:
        raise CommandError("There is no such row, or it was sent.")
    console.print("Deleted.")


@app.command()
def send() -> None:
    """Send what is due, once; for a scheduler, where AUTHN_OUTBOX_WORKER is false.

    Approvals that nobody gave in time end by it as well.
    """
    with ground() as present:
        expire_due(present.database, present.settings, present.secrets, present.now)
        site = _site(present)
        reports = [run_by_destination(work(site)) for work in (backchannel_work, revocation_work)]
        _warn(present)
        if can_send(present.settings):
            mails = outbox_work(present.settings, present.secrets, present.database, system_clock)
            reports.append(run_once(mails))
    sent, put_off, dead = (
        sum(getattr(report, name) for report in reports) for name in ("sent", "put_off", "dead")
    )
    console.print(f"Sent: {sent:,}. Put off: {put_off:,}. Dead: {dead:,}.")
    if any(report.unreachable for report in reports):
        raise CommandError("The mail server does not answer as it must; see `authn outbox list`.")


def _site(present: Ground) -> Site:
    settings = present.settings
    pages = load_pages(settings.service_name)
    return Site(settings, present.secrets, present.database, system_clock, pages)


def _warn(present: Ground) -> None:
    if not can_send(present.settings):
        console.print("No mail is sent: AUTHN_SMTP_HOST is not set.")


def _words(entry: OutboxEntry) -> list[str]:
    """The entry on one line, so that a row can be copied whole."""
    next_try = [] if entry.state == "dead" else [f"next try {_minute(entry.due_at)}"]
    failure = [entry.last_error] if entry.last_error else []
    return [
        str(entry.id),
        f"{entry.state:<7}",
        entry.kind,
        *([entry.destination] if entry.destination else []),
        f"since {_minute(entry.created_at)}",
        f"tries {entry.tries}",
        *next_try,
        *failure,
    ]


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(BRUSSELS):%Y-%m-%d %H:%M}"
