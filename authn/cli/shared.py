"""What several commands use: shared options, JSON files, refusals as failures, progress, times."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, Final

import orjson
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from authn.cli.ground import console
from authn.errors import CommandError, Refusal
from authn.people.ssin import BRUSSELS

OPTIONS: Final = "options"

Command = Callable[..., None]


def with_options(options: Callable[..., Any]) -> Callable[[Command], Command]:
    """A decorator by which a command takes the parameters of a function beside its own.

    The command gets what the function returns as its argument `options`: shared options, their help
    and their meaning are written once, in that function.
    """
    shared = signature(options, eval_str=True).parameters

    def decorate(command: Command) -> Command:
        own = signature(command, eval_str=True).parameters
        both = [each for name, each in own.items() if name != OPTIONS] + [*shared.values()]

        @wraps(command)
        def run(**values: Any) -> None:
            made = options(**{name: values.pop(name) for name in shared})
            command(**values, **{OPTIONS: made})

        # What the command line is made of, and its help.
        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in both]
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


@contextmanager
def refusal_as_command_error() -> Iterator[None]:
    """A refusal inside the block ends the command, and its transaction is rolled back.

    A `Refusal` by itself would commit the transaction. Raises `CommandError`.
    """
    try:
        yield
    except Refusal as refusal:
        raise CommandError(refusal.description) from None


def read_json_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file; raises `CommandError` for anything else."""
    try:
        value = orjson.loads(file.read_bytes())
    except ValueError:
        raise CommandError(f"{file} is not JSON.") from None
    if not isinstance(value, dict):
        raise CommandError(f"{file} holds no JSON object.")
    return value


def progress_bar() -> Progress:
    """A bar on the terminal for work that takes long."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console
    )


def brussels_minute(moment: datetime) -> str:
    """A moment in the time of Brussels, as `2026-12-31 23:59 (Brussels)`."""
    return f"{moment.astimezone(BRUSSELS):%Y-%m-%d %H:%M} (Brussels)"
