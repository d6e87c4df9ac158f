"""The command line of an operator: one module a group of commands.

`COMMANDS` names every group and its module. A module is imported when its command is called, so
that `authn serve` starts in less than a second and without the demonstration. Whoever runs a
command is a local operator (who has a shell on the host): on record is what was done and why,
without an actor. A command fails with one sentence on standard error and exit code 1, never with a
traceback.

Begin with `ground`, which opens settings, secrets and database for a command, and `shared`.

    service    running the service, its database, keys, outbox and audit log
    clients    relying applications and resource servers
    people     people, their devices, the staff of the desk
    approvals  what needs a second person, whoever asks
"""

import importlib
import sys
from typing import Any

import typer
from sqlalchemy.exc import DBAPIError
from typer.core import TyperGroup

from authn.errors import CommandError, Refusal

# The name of a command or group, and the module whose `app` it is.
COMMANDS = {
    "serve": "authn.cli.service.serve",
    "demo": "authn.cli.service.demo",
    "db": "authn.cli.service.database",
    "secrets": "authn.cli.service.secrets",
    "people": "authn.cli.people.people",
    "devices": "authn.cli.people.devices",
    "approvals": "authn.cli.approvals.approvals",
    "sources": "authn.cli.service.sources",
    "activation": "authn.cli.people.activation",
    "clients": "authn.cli.clients.clients",
    "resources": "authn.cli.clients.resources",
    "exchanges": "authn.cli.clients.exchanges",
    "assertion-issuers": "authn.cli.clients.assertion_issuers",
    "keys": "authn.cli.service.keys",
    "mds": "authn.cli.service.mds",
    "outbox": "authn.cli.service.outbox",
    "audit": "authn.cli.service.audit",
    "staff": "authn.cli.people.staff",
    "cleanup": "authn.cli.service.cleanup",
}


class Commands(TyperGroup):
    """The commands of `COMMANDS`, each imported when called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, its module imported now; None when there is none.

        Any: typer keeps its copy of click, whose types these are, to itself.
        """
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = typer.main.get_command(importlib.import_module(module).app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    name="authn",
    help="WebAuthn multi-device authenticator service and OpenID Provider.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _authn() -> None:
    """WebAuthn multi-device authenticator service and OpenID Provider."""


def main() -> None:
    """The entry point of the `authn` command."""
    run(app)


def run(app: typer.Typer) -> None:
    """Run the command line; a foreseeable failure is one sentence on standard error, and exit 1."""
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
