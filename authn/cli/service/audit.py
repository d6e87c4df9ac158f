"""`authn audit verify`, `chain`, `work`, `status`, `days`, `archive`: the audit log."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from sqlalchemy.exc import ProgrammingError

from authn.audit.archive import (
    archive_path,
    delete_archived,
    finish_archive,
    verify_archive,
    write_archive,
)
from authn.audit.chain import BEGINNING, ChainFinding, find_waiting_rows
from authn.audit.days import SignedDay, chain_day, mark_archived, record_signed_file, signed_days
from authn.audit.events.audit_log import AuditArchived, AuditVerified
from authn.audit.heads import ChainHeads, last_head
from authn.audit.log import record
from authn.audit.verification import CHAINED_WITHIN, VerifiedChain, chain_length, verify_log
from authn.cli.ground import Ground, console, ground
from authn.clock import system_clock
from authn.db.engine import Database, open_database
from authn.db.occasion import NO_REFERENCE
from authn.db.transaction import writing
from authn.errors import CommandError
from authn.jose import ES256, OwnKey
from authn.keys.audit_days import (
    chain_all,
    check_head,
    export_days,
    is_signed,
    maintain_audit_log,
    sign_days,
    stream_new_rows,
)
from authn.keys.audit_files import check_file, sign_file
from authn.keys.audit_heads import read_heads, sign_running_head
from authn.keys.signing_keys import load_audit_keys, load_keys
from authn.people.ssin import BRUSSELS
from authn.web.logs import configure_logs
from authn.web.threads import background_thread

HELP = "The audit log: verify it, show its signed days, archive what is old."
MOST_SHOWN = 50
NO_RIGHT = "42501"  # insufficient_privilege
LACKS_RIGHT = (
    "The database role may not delete archived days: set AUTHN_AUDIT_ARCHIVE_DATABASE_URL to one "
    "that may (`authn db grants`). Nothing was deleted."
)

app = typer.Typer(help=HELP, no_args_is_help=True)

Archive = Annotated[Path | None, typer.Option("--archive", help="The folder of the archived days.")]
ExportedHeads = Annotated[
    Path | None,
    typer.Option(
        "--heads",
        help="A copy of the signed heads that was kept elsewhere: a folder, or a file of the "
        "stream. Those in AUTHN_AUDIT_DIRECTORY are read in any case.",
        exists=True,
    ),
]


@app.command()
def verify(archive: Archive = None, heads: ExportedHeads = None) -> None:
    """Check every row, link and signed head; what is wrong is named, and the command fails.

    That it was checked, and what was found, is on record itself.
    """
    found, first = 0, ""
    with ground() as present:
        checked = VerifiedChain(0, BEGINNING)
        for finding in _findings(present, checked, archive, heads):
            found, first = found + 1, first or str(finding)
            if found <= MOST_SHOWN:
                console.print(f"WRONG: {finding}", markup=False)
        with present.writing() as connection:
            left = find_waiting_rows(connection)
            event = AuditVerified(rows=checked.rows, findings=found, first=first)
            record(connection, present.secrets, event, present.now, NO_REFERENCE)
    console.print(f"{checked.rows:,} rows checked; {left.rows:,} wait to be chained.")
    if found:
        raise CommandError(f"The audit log is not as it was written: {found:,} findings.")
    console.print("The audit log is whole.")


def _findings(
    present: Ground, checked: VerifiedChain, archive: Path | None, copy: Path | None
) -> Iterator[ChainFinding]:
    exported, ours = ChainHeads(), present.settings.audit_heads
    with present.reading() as connection:
        keys = load_audit_keys(connection, present.secrets)
        for path in (ours, copy):
            if path is not None and (path is copy or path.is_dir()):
                yield from read_heads(exported, path, keys)
        console.print(f"Checking {chain_length(connection):,} rows.")
        days = signed_days(connection)
    before = BEGINNING
    for each in days:
        yield from check_head(keys, present.settings, each)
        if each.archived_at is not None:
            yield from _check_archived_day(present, keys, each, before, archive, exported)
        before = each.day.head
    with present.reading() as connection:
        yield from verify_log(connection, present.secrets, present.now, checked, exported)


def _check_archived_day(
    present: Ground,
    keys: Mapping[str, OwnKey],
    signed: SignedDay,
    before: str,
    archive: Path | None,
    exported: ChainHeads,
) -> Iterator[ChainFinding]:
    """The findings about a day that is archived."""
    path = archive_path(archive, signed.day.day) if archive else None
    yield from check_file(keys, signed, path)
    if path is None:
        yield ChainFinding(f"{signed.day.day} is archived: give its folder with --archive")
        return
    yield from verify_archive(path, present.secrets, signed.day, before, exported)


@app.command()
def chain() -> None:
    """Chain, sign and stream what waits, as `authn serve` does each second."""
    with ground() as present:
        chained = chain_all(present.database, present.secrets, present.now)
        signed = sign_days(present.database, present.settings, present.secrets, present.now)
        try:
            sign_running_head(present.database, present.settings, present.secrets, present.now)
            streamed = stream_new_rows(present.database, present.settings)
        except OSError as problem:
            raise CommandError(f"Nobody takes what is exported: {problem.strerror}.") from None
    console.print(f"Chained {chained:,} rows, signed {signed:,} days, streamed {streamed:,} rows.")


@app.command("work")
def run_worker() -> None:
    """Chain, sign and stream each second until stopped: the worker as a process of its own.

    For a service with AUTHN_AUDIT_WORKER=false. Several at once, also beside `authn serve`, do the
    work once.
    """
    stopping = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)  # before any thread: they inherit it
    with ground() as present:
        configure_logs(present.settings.log_level)
        look_after = partial(
            maintain_audit_log, present.database, present.settings, present.secrets, system_clock
        )
        with background_thread("audit", look_after):
            signal.sigwait(stopping)


@app.command("status")
def print_status() -> None:
    """Show how far the chain has come, and what waits."""
    with ground() as present, present.reading() as connection:
        left = find_waiting_rows(connection)
        days = signed_days(connection)
        head = last_head(connection)
    since = f", the oldest since {_moment(left.since)}" if left.since else ""
    console.print(f"Waiting to be chained: {left.rows:,}{since}.")
    bound = int(CHAINED_WITHIN.total_seconds() / 60)
    console.print(f"A row that waits for {bound} minutes is a finding of `authn audit verify`.")
    if head:
        console.print(f"Last running head: number {head[0]:,}, at {_moment(head[1])}.")
    console.print(f"Days signed: {len(days):,}; the last is {days[-1].day.day if days else '-'}.")


@app.command("days")
def print_days() -> None:
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
def archive_days(
    directory: Annotated[Path, typer.Argument(help="The folder that the days are written to.")],
) -> None:
    """Move days that are older than `AUTHN_AUDIT_KEPT` into files; then delete them here."""
    with ground() as present, _open_deleting_database(present) as deleting:
        kept_since = chain_day(present.now - present.settings.audit_kept)
        with present.reading() as connection:
            days = signed_days(connection)
            keys = load_audit_keys(connection, present.secrets)
        before, moved = BEGINNING, 0
        # The newest day stays: SQLite gives the number of a row anew once no higher one is left.
        old = [each for each in days[:-1] if each.day.day < kept_since]
        for each in track(old, "Archiving", console=console, transient=True):
            if each.archived_at is None:
                if not is_signed(keys, each):
                    raise CommandError(f"The signed head of {each.day.day} is not ours.")
                moved += _archive(present, deleting, each, before, directory)
            elif is_signed(keys, each) and each.archive_signed is None:
                _sign_former(present, each, before, directory)
            before = each.day.head
        gone = chain_day(present.now - present.settings.audit_archived)
    console.print(f"Moved {moved:,} rows into {directory}.", markup=False, soft_wrap=True)
    for path in sorted(directory.glob("*.jsonl.gz")):
        if path.name[: len(gone)] < gone:
            console.print(f"May be deleted now: {path.name}", markup=False)


@contextmanager
def _open_deleting_database(present: Ground) -> Iterator[Database]:
    """The database as the role that may delete archived days."""
    url = present.settings.audit_archive_database_url
    if not url.get_secret_value():
        yield present.database
        return
    if present.database.write_lock:
        raise CommandError("AUTHN_AUDIT_ARCHIVE_DATABASE_URL is for PostgreSQL alone.")
    database = open_database(present.settings.model_copy(update={"database_url": url}))
    try:
        yield database
    finally:
        database.close()


def _archive(
    present: Ground, deleting: Database, signed: SignedDay, before: str, directory: Path
) -> int:
    """Move the rows of a day into a file, which is verified before any row is deleted; how many."""
    with present.reading() as connection:
        written = write_archive(connection, directory, signed)
    for finding in verify_archive(written, present.secrets, signed.day, before):
        written.unlink()
        raise CommandError(f"{signed.day.day} can't be archived: {finding}.")
    path = archive_path(directory, signed.day.day)
    finish_archive(written, path)
    _sign(present, signed, path)
    try:
        with writing(deleting) as connection:
            mark_archived(connection, signed.day.day, present.now)
            deleted = delete_archived(connection, signed.day.day)
            if deleted != signed.day.rows:
                raise CommandError(
                    f"{signed.day.day} has {signed.day.rows:,} rows, and {deleted:,} were found to "
                    "delete: nothing was."
                )
    except ProgrammingError as problem:
        if getattr(problem.orig, "sqlstate", "") != NO_RIGHT:
            raise
        raise CommandError(LACKS_RIGHT) from None
    with present.writing() as connection:
        event = AuditArchived(day=signed.day.day, rows=deleted)
        record(connection, present.secrets, event, present.now, NO_REFERENCE)
    return deleted


def _sign(present: Ground, signed: SignedDay, path: Path) -> None:
    """Sign and keep the statement that a verified file holds the day."""
    with present.writing() as connection:
        key = load_keys(connection, present.secrets).active[ES256]
        token = sign_file(key, present.settings.issuer, signed.day, path, present.now)
        record_signed_file(connection, signed.day.day, token)


def _sign_former(present: Ground, signed: SignedDay, before: str, directory: Path) -> None:
    """Sign the file of a day that was archived before files were signed; prints why it can't."""
    path = archive_path(directory, signed.day.day)
    for finding in verify_archive(path, present.secrets, signed.day, before):
        console.print(f"The file of {signed.day.day} can't be signed: {finding}.", markup=False)
        return
    _sign(present, signed, path)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(BRUSSELS):%d/%m/%Y %H:%M:%S}"
