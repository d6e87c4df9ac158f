"""`authn secrets create`."""

import typer

from authn.cli.ground import console
from authn.secrets import create_secrets
from authn.settings import load_settings

app = typer.Typer(help="The service's own secrets.", no_args_is_help=True)


@app.callback()
def _secrets() -> None:
    """The service's own secrets."""


@app.command()
def create() -> None:
    """Make each key that is neither set nor on file yet, readable by its owner alone."""
    settings = load_settings()
    create_secrets(settings)
    console.print(f"The secrets are in {settings.data_directory / 'secrets'}.")
