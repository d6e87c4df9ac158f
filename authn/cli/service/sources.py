"""`authn sources import`, `serve`, `check`: authentic sources, real ones and embedded twins.

An embedded twin stands in for a real source and is filled from files.
"""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from authn.cli.ground import Ground, console, ground
from authn.cli.shared import brussels_minute, progress_bar
from authn.clock import system_clock
from authn.demo.authentic_sources import SourceTokens, SourceTrouble, create_authentic_sources
from authn.demo.source_files import read_clients, source_twins
from authn.errors import CommandError
from authn.sources.answers import SourceOutcome, source_outcomes
from authn.sources.embedded.fact_columns import COLUMNS, FileKind
from authn.sources.embedded.fact_files import SUFFIXES
from authn.sources.embedded.fact_import import FactImport, FactImportReport
from authn.sources.questions import QUESTIONS, SOURCES, QuestionName, SourceName, is_embedded
from authn.sources.real_sources import Sources, open_sources
from authn.sources.source_check import check_source

app = typer.Typer(help="Authentic sources, real ones and embedded ones.", no_args_is_help=True)


@app.callback()
def _sources() -> None:
    """Authentic sources, real ones and embedded ones."""


SOME_REJECTED = 3
"""The exit code when something was taken, and something was not."""
MOST_SHOWN = 100

IMPORT_HELP = """Take a CSV or JSON file into an embedded source, which stands in for a real one.

It adds facts and replaces what is known of them; the same file twice changes nothing. A line that
breaks a rule is named and left out.

Exit code: 0 when every line was taken, 3 when some were, 1 when none was.

What the columns mean, and what JSON looks like: docs/sources/files.md.

""" + "\n\n".join(
    f"{kind}: {', '.join(column.name for column in columns)}." for kind, columns in COLUMNS.items()
)


@app.command("import", help=IMPORT_HELP)
def import_facts(
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
        with progress_bar() as progress:
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


SERVE_HELP = """Serve authentic sources from files, for development: docs/sources/openapi.yaml.

DIR holds clients.jwks.json (the public keys of those who may ask) and some of citizens.csv (as for
`authn people import`), organisations, children, qualities, memberships and mandates, .csv or .json
(as for `authn sources import`).
"""


@app.command("serve", help=SERVE_HELP)
def serve_files(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, exists=True)],
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8004,
    host: Annotated[
        str, typer.Option(help="The address to listen on; others than this machine can reach it.")
    ] = "127.0.0.1",
    delay: Annotated[
        float, typer.Option(help="Seconds before each answer, to try slow sources.", min=0)
    ] = 0.0,
    failures: Annotated[
        float,
        typer.Option(help="Which share of answers fails, 0 to 1, to try outages.", min=0, max=1),
    ] = 0.0,
) -> None:
    """Serve authentic sources from files, for development, until stopped."""
    url = f"http://localhost:{port}"
    now = system_clock()
    tokens = SourceTokens(read_clients(folder), f"{url}/token", system_clock)
    with source_twins(folder, now) as (database, secrets):
        application = create_authentic_sources(
            database, secrets, tokens, SourceTrouble(delay, failures)
        )
        console.print(f"Authentic sources for development: {url} (Ctrl-C stops them).")
        console.print(f"Token endpoint: {url}/token")
        uvicorn.run(
            application,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
        )


CHECK_HELP = """\
Ask each configured source a question about a fictitious number, and say how it went.

Exit code: 0 when each that is configured answered, 1 when one did not.
"""


@app.command("check", help=CHECK_HELP)
def check_sources() -> None:
    """Ask each source, and say how it went."""
    with ground() as present:
        sources = open_sources(present.settings, system_clock)
        with present.reading() as connection:
            outcomes = source_outcomes(connection)
        down = [
            source for source in SOURCES if not _print_check(present, sources, source, outcomes)
        ]
    if down:
        raise CommandError(f"No answer from {' and '.join(_name(source) for source in down)}.")


def _print_check(
    present: Ground,
    sources: Sources,
    source: SourceName,
    outcomes: dict[QuestionName, SourceOutcome],
) -> bool:
    """Ask the source and print how that went; whether it answered."""
    checked = check_source(present.settings, sources, source)
    if checked.embedded:
        console.print(f"{_name(source):<18} embedded twin, filled from files")
        return True
    words = f"does not answer: {checked.failure}" if checked.failure else "answers"
    took = f"{checked.milliseconds} ms, breaker {checked.breaker}"
    console.print(f"{_name(source):<18} {checked.address} {words} ({took})", markup=False)
    for question in QUESTIONS.values():
        if question.source == source and question.name in outcomes:
            console.print(f"{'':<18} {_outcome_words(outcomes[question.name])}", markup=False)
    return not checked.failure


def _outcome_words(outcome: SourceOutcome) -> str:
    answered = "never answered"
    if outcome.answered_at:
        answered = f"answered last at {brussels_minute(outcome.answered_at)}"
    failing = f", people for whom asking fails: {outcome.failing}" if outcome.failing else ""
    return f"{outcome.question}: {answered}{failing}"


def _name(source: SourceName) -> str:
    return source.replace("_", " ")
