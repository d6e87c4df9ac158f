"""`authn audit`: whether the log is whole, its signed days, its archive."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from authn.audit.archive import archive_path, delete_archived, verify_archive, write_archive
from authn.audit.chain import BEGINNING, waiting
from authn.audit.days import SignedDay, mark_archived, signed_days, today
from authn.audit.log import record
from authn.audit.verification import Checked, Finding, rows_of, verify_log
from authn.audit.watching_events import AuditVerified
from authn.cli.ground import Ground, console, ground
from authn.errors import CommandError
from authn.keys.audit_days import chain_all, check_head, export_days, sign_days, stream_new
from authn.keys.signing_keys import load_keys
from authn.people.ssin import BRUSSELS

HELP = "The audit log: verify it, show its signed days, archive what is old."
MOST_SHOWN = 50

app = typer.Typer(help=HELP, no_args_is_help=True)

Archive = Annotated[Path | None, typer.Option("--archive", help="The folder of the archived days.")]


@app.command()
def verify(archive: Archive = None) -> None:
    """Check every row, link and signed day; what is wrong is named, and the command fails.

    That it was checked, and what was found, is on record itself.
    """
    found, first = 0, ""
    with ground() as present:
        checked = Checked(0, BEGINNING)
        for finding in _findings(present, checked, archive):
            found, first = found + 1, first or str(finding)
            if found <= MOST_SHOWN:
                console.print(f"WRONG: {finding}", markup=False)
        with present.writing() as connection:
            left = waiting(connection)
            event = AuditVerified(rows=checked.rows, findings=found, first=first)
            record(connection, present.secrets, event, present.now, "-")
    console.print(f"{checked.rows:,} rows checked; {left.rows:,} wait to be chained.")
    if found:
        raise CommandError(f"The audit log is not as it was written: {found:,} findings.")
    console.print("The audit log is whole.")


def _findings(present: Ground, checked: Checked, archive: Path | None) -> Iterator[Finding]:
    with present.reading() as connection:
        console.print(f"Checking {rows_of(connection):,} rows.")
        days = signed_days(connection)
        keys = load_keys(connection, present.secrets)
        yield from verify_log(connection, present.secrets, present.now, checked)
    before = BEGINNING
    for each in days:
        yield from check_head(keys, present.settings, each)
        if each.archived_at is not None:
            yield from _archived(present, each, before, archive)
        before = each.day.head


def _archived(
    present: Ground, signed: SignedDay, before: str, archive: Path | None
) -> Iterator[Finding]:
    if archive is None:
        yield Finding(f"{signed.day.day} is archived: give its folder with --archive")
        return
    path = archive_path(archive, signed.day.day)
    yield from verify_archive(path, present.secrets, signed.day, before)


@app.command()
def chain() -> None:
    """Chain, sign and stream what waits, as `authn serve` does each second."""
    with ground() as present:
        chained = chain_all(present.database, present.secrets, present.now)
        signed = sign_days(present.database, present.settings, present.secrets, present.now)
        try:
            streamed = stream_new(present.database, present.settings)
        except OSError as problem:
            raise CommandError(f"Nobody takes the stream: {problem.strerror}.") from None
    console.print(f"Chained {chained:,} rows, signed {signed:,} days, streamed {streamed:,} rows.")


@app.command()
def status() -> None:
    """Show how far the chain has come, and what waits."""
    with ground() as present, present.reading() as connection:
        left = waiting(connection)
        days = signed_days(connection)
    since = f", the oldest since {_moment(left.since)}" if left.since else ""
    console.print(f"Waiting to be chained: {left.rows:,}{since}.")
    console.print(f"Days signed: {len(days):,}; the last is {days[-1].day.day if days else '-'}.")


@app.command()
def days() -> None:
    """Show each signed day: its rows, its head, whether it was exported and archived."""
    with ground() as present:
        export_days(present.database, present.settings.audit_heads, present.now)
        with present.reading() as connection:
            found = signed_days(connection)
    for each in found:
        archived = ", archived" if each.archived_at else ""
        words = f"{each.day.day}  {each.day.rows:>9,} rows  {each.day.head}{archived}"
        console.print(words, markup=False, soft_wrap=True)


@app.command("archive")
def archive_(
    directory: Annotated[Path, typer.Argument(help="The folder that the days are written to.")],
) -> None:
    """Move days that are older than `AUTHN_AUDIT_KEPT` into files; then delete them here."""
    with ground() as present:
        kept_since = today(present.now - present.settings.audit_kept)
        with present.reading() as connection:
            days = signed_days(connection)
        before, moved = BEGINNING, 0
        # The newest day stays: SQLite gives the number of a row anew once no higher one is left.
        old = [each for each in days[:-1] if each.day.day < kept_since]
        for each in track(old, "Archiving", console=console, transient=True):
            if each.archived_at is None:
                moved += _archive(present, each, before, directory)
            before = each.day.head
        gone = today(present.now - present.settings.audit_archived)
    console.print(f"Moved {moved:,} rows into {directory}.", markup=False, soft_wrap=True)
    for path in sorted(directory.glob("*.jsonl.gz")):
        if path.name[: len(gone)] < gone:
            console.print(f"May be deleted now: {path.name}", markup=False)


def _archive(present: Ground, signed: SignedDay, before: str, directory: Path) -> int:
    """How many rows were moved: the file is read back, and verified, before any is deleted."""
    with present.reading() as connection:
        path = write_archive(connection, directory, signed)
    for finding in verify_archive(path, present.secrets, signed.day, before):
        raise CommandError(f"{signed.day.day} can't be archived: {finding}.")
    with present.writing() as connection:
        mark_archived(connection, signed.day.day, present.now)
        return delete_archived(connection, signed.day.day)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(BRUSSELS):%d/%m/%Y %H:%M:%S}"
