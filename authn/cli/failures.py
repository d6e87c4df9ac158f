"""How a command fails: one clear sentence on standard error and exit code 1, never a traceback."""

import sys

import typer
from sqlalchemy.exc import DBAPIError

from authn.errors import CommandError, Refusal


def run(app: typer.Typer) -> None:
    """The command ran; every foreseeable failure is one sentence on standard error, and exit 1."""
    try:
        app()
    except CommandError as error:
        _fail(str(error))
    except Refusal as refusal:
        _fail(refusal.description)
    except DBAPIError as error:
        _fail(f"The database cannot be used: {str(error.orig).strip().splitlines()[0]}")
    except OSError as error:
        _fail(f"{error.filename or 'A file'}: {error.strerror or error}.")


def _fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    raise SystemExit(1)
