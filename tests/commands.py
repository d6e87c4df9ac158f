"""The command line as data, and as a program: which commands there are, and running one."""

import os
import subprocess
import threading
from collections.abc import Mapping
from functools import cache

import typer
from typer.core import TyperGroup

from authn.cli import app
from authn.settings import PREFIX, Settings
from tests.command_server import CommandServer

SECRET_SETTINGS = (
    "database_url",
    "master_key",
    "national_number_key",
    "token_key",
    "audit_key",
)
# What the commands ask that look at somebody, or act on them.
WHY = ("--reason", "came-to-desk", "--ticket", "")
_starting = threading.Lock()


def exists(words: list[str]) -> bool:
    """Whether these words name a command (`db upgrade`); what follows it is free."""
    command = typer.main.get_command(app)
    for word in words:
        if not isinstance(command, TyperGroup):
            return True
        named = command.get_command(typer.Context(command), word)
        if named is None:
            return False
        command = named
    return not isinstance(command, TyperGroup)


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with these settings."""
    values = {
        PREFIX + name.upper(): getattr(settings, name).get_secret_value()
        for name in SECRET_SETTINGS
    }
    values[f"{PREFIX}DATA_DIRECTORY"] = str(settings.data_directory)
    values[f"{PREFIX}ISSUER"] = settings.issuer
    return os.environ | values


def run_command(
    settings: Settings, *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """`authn …` as a program of its own, with these settings."""
    return run_with(environment(settings), *arguments, typed=typed)


def run_with(
    variables: Mapping[str, str], *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """As `run_command`, with these variables of the environment and no other."""
    with _starting:
        server = _server()
    return server.run(list(arguments), dict(variables), typed)


@cache
def _server() -> CommandServer:
    """One for each process of tests, for as long as it runs."""
    return CommandServer.start()
