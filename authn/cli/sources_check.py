"""`authn sources check`."""

from authn.cli.ground import Ground, console, ground
from authn.clock import system_clock
from authn.errors import CommandError
from authn.people.ssin import BRUSSELS
from authn.sources.asking import Sources, open_sources
from authn.sources.checking import check_source
from authn.sources.outcomes import SourceOutcome, outcomes
from authn.sources.questions import QUESTIONS, SOURCES, QuestionName, SourceName

HELP = """Ask each configured source a question about a fictitious number, and say how it went.

Exit code: 0 when each that is configured answered, 1 when one did not.
"""


def check() -> None:
    """Ask each source, and say how it went."""
    with ground() as present:
        sources = open_sources(present.settings, system_clock)
        with present.reading() as connection:
            told = outcomes(connection)
        down = [source for source in SOURCES if not _answers(present, sources, source, told)]
    if down:
        raise CommandError(f"No answer from {' and '.join(_name(source) for source in down)}.")


def _answers(
    present: Ground, sources: Sources, source: SourceName, told: dict[QuestionName, SourceOutcome]
) -> bool:
    """Whether the source can be asked; says so."""
    checked = check_source(present.settings, sources, source)
    if checked.embedded:
        console.print(f"{_name(source):<18} embedded twin, filled from files")
        return True
    words = f"does not answer: {checked.failure}" if checked.failure else "answers"
    took = f"{checked.milliseconds} ms, breaker {checked.breaker}"
    console.print(f"{_name(source):<18} {checked.address} {words} ({took})", markup=False)
    for question in QUESTIONS.values():
        if question.source == source and question.name in told:
            console.print(f"{'':<18} {_in_words(told[question.name])}", markup=False)
    return not checked.failure


def _in_words(outcome: SourceOutcome) -> str:
    heard = "never answered"
    if outcome.answered_at:
        last = outcome.answered_at.astimezone(BRUSSELS)
        heard = f"answered last at {last:%Y-%m-%d %H:%M} (Brussels)"
    failing = f", people for whom asking fails: {outcome.failing}" if outcome.failing else ""
    return f"{outcome.question}: {heard}{failing}"


def _name(source: SourceName) -> str:
    return source.replace("_", " ")
