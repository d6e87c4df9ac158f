"""`authn outbox list`, `retry`, `drop`, `send`: messages that wait or failed, and sending them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from authn.cli.ground import Ground, console, ground
from authn.clock import system_clock
from authn.console.approval_expiry import expire_overdue
from authn.errors import CommandError
from authn.notices.delivery import build_mail_work
from authn.oidc.security_events.backchannel_logout import backchannel_work
from authn.oidc.security_events.revocation_hook import revocation_work
from authn.outbox.destinations import run_once as run_by_destination
from authn.outbox.outbox import OutboxEntry, drop_unsent, list_unsent, retry_dead
from authn.outbox.smtp import can_send
from authn.outbox.worker import run_once
from authn.people.ssin import BRUSSELS
from authn.web.pages import load_pages
from authn.web.site import Site

HELP = "Mails to people, what ended to applications and resources: what waits, what failed."

app = typer.Typer(help=HELP, no_args_is_help=True)


@app.command("list")
def print_entries() -> None:
    """Show what is not sent: never to which person, nor what it says."""
    with ground() as present:
        with present.reading() as connection:
            found = list_unsent(connection)
        _warn_without_mail_server(present)
    if not found:
        console.print("Everything is sent.")
        return
    for entry in found:
        console.print("  ".join(_entry_words(entry)), markup=False)
    if any(entry.state == "dead" for entry in found):
        console.print("Try a dead one again: `authn outbox retry ROW`, or `--all`.")


@app.command("retry")
def retry_rows(
    row: Annotated[UUID | None, typer.Argument(help="The row, as `list` shows it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead row.")] = False,
) -> None:
    """Let a dead row be tried again, from now on."""
    if every == (row is not None):
        raise CommandError("Name one row, or say --all.")
    with ground() as present, present.writing() as connection:
        count = retry_dead(connection, present.now, row)
    if row is not None and not count:
        raise CommandError("There is no such dead row.")
    console.print(f"Waiting again: {count:,}.")


@app.command("drop")
def drop_row(row: Annotated[UUID, typer.Argument(help="The row, as `list` shows it.")]) -> None:
    """Delete a row that is not sent; it never will be."""
    with ground() as present, present.writing() as connection:
        gone = drop_unsent(connection, row)
    if not gone:
        raise CommandError("There is no such row, or it was sent.")
    console.print("Deleted.")


@app.command()
def send() -> None:
    """Send what is due, once; for a scheduler, where AUTHN_OUTBOX_WORKER is false.

    Approvals that nobody gave in time end by it as well.
    """
    with ground() as present:
        expire_overdue(present.database, present.settings, present.secrets, present.now)
        site = _site(present)
        reports = [run_by_destination(work(site)) for work in (backchannel_work, revocation_work)]
        _warn_without_mail_server(present)
        if can_send(present.settings):
            mails = build_mail_work(
                present.settings, present.secrets, present.database, system_clock
            )
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


def _warn_without_mail_server(present: Ground) -> None:
    if not can_send(present.settings):
        console.print("No mail is sent: AUTHN_SMTP_HOST is not set.")


def _entry_words(entry: OutboxEntry) -> list[str]:
    """The words of one line about an entry, so that a row can be copied whole."""
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
