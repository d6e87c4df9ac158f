"""The command line as data, and as a program: which commands there are, and running one."""

import os
import subprocess
import sys

import typer
from typer.core import TyperGroup

from authn.cli import app
from authn.settings import PREFIX, Settings

SECRET_SETTINGS = (
    "database_url",
    "master_key",
    "national_number_key",
    "token_key",
    "audit_key",
)


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
    return subprocess.run(
        [sys.executable, "-m", "authn", *arguments],
        env=environment(settings),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
