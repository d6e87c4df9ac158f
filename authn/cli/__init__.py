"""The command line: one module a group of commands, each imported when it is asked for.

Why: `authn serve` should start in less than a second, and need not know the demonstration.
"""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from authn.cli.failures import run

# The name of a command or group, and the module whose `app` it is.
COMMANDS = {
    "serve": "authn.cli.serve",
    "demo": "authn.cli.demo",
    "db": "authn.cli.database",
    "secrets": "authn.cli.secrets",
    "people": "authn.cli.people",
    "devices": "authn.cli.devices",
    "approvals": "authn.cli.approvals",
    "sources": "authn.cli.sources",
    "activation": "authn.cli.activation",
    "clients": "authn.cli.clients",
    "resources": "authn.cli.resources",
    "exchanges": "authn.cli.exchanges",
    "assertion-issuers": "authn.cli.assertion_issuers",
    "keys": "authn.cli.keys",
    "mds": "authn.cli.mds",
    "outbox": "authn.cli.outbox",
    "audit": "authn.cli.audit",
    "staff": "authn.cli.staff",
    "cleanup": "authn.cli.cleanup",
}


class Commands(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its module imported now; None when there is no such command.

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
