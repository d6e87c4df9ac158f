"""`authn sources import`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from authn.cli.ground import Ground, console, ground
from authn.errors import CommandError
from authn.sources.configured import is_embedded
from authn.sources.files.columns import COLUMNS, FileKind
from authn.sources.files.importing import FactImport, FactImportReport
from authn.sources.files.reading import SUFFIXES
from authn.sources.questions import QUESTIONS, SourceName

SOME_REJECTED = 3
"""The exit code when something was taken, and something was not."""
MOST_SHOWN = 100

HELP = """Take a CSV or JSON file into an embedded source, which stands in for a real one.

It adds facts and replaces what is known of them; the same file twice changes nothing. A line that
breaks a rule is named and left out.

Exit code: 0 when every line was taken, 3 when some were, 1 when none was.

What the columns mean, and what JSON looks like: docs/sources/files.md.

""" + "\n\n".join(
    f"{kind}: {', '.join(column.name for column in columns)}." for kind, columns in COLUMNS.items()
)


def import_(
    kind: Annotated[FileKind, typer.Argument(help="Of what it tells.", metavar="KIND")],
    file: Annotated[Path, typer.Argument(metavar="FILE.csv|FILE.json")],
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="This file is everything: what it leaves out ends. A rejected line then refuses "
            "the whole file.",
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take nothing when a line is rejected.")
    ] = False,
) -> None:
    """Take a file into an embedded source."""
    with ground() as present:
        _warn_of_real_source(present, kind)
        with _progress() as progress:
            task = progress.add_task("Reading", total=file.stat().st_size)
            report = FactImport(
                present.database,
                present.secrets,
                kind,
                file,
                present.now,
                complete=complete,
                strict=strict,
                progress=lambda bytes_read: progress.update(task, completed=bytes_read),
            ).run()
    _print_report(report, SUFFIXES[file.suffix.lower()])


def _warn_of_real_source(present: Ground, kind: FileKind) -> None:
    source: SourceName = "organisations" if kind == "organisations" else QUESTIONS[kind].source
    if not is_embedded(present.settings, source):
        console.print(f"Note: AUTHN_{source.upper()}_URL is set, so this file answers nobody.")


def _print_report(report: FactImportReport, unit: str) -> None:
    for rejected in report.rejected[:MOST_SHOWN]:
        console.print(f"{unit} {rejected.line}: {rejected.rule}.", markup=False)
    more = len(report.rejected) - MOST_SHOWN
    if more > 0:
        console.print(f"And {more:,} more.")
    if not report.facts:
        raise CommandError(f"Rejected: {len(report.rejected):,}. Nothing was imported.")
    console.print(f"Imported: {report.facts:,}.")
    if report.ended:
        console.print(f"Left out of the file, and ended: {report.ended:,}.")
    if report.rejected:
        console.print(f"Rejected: {len(report.rejected):,}.")
        raise typer.Exit(SOME_REJECTED)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console
    )
