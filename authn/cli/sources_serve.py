"""`authn sources serve`."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from authn.cli.ground import console
from authn.clock import system_clock
from authn.demo.authentic_sources import SourceTrouble, create_authentic_sources
from authn.demo.source_files import read_clients, twins_of
from authn.demo.source_tokens import SourceTokens

HELP = """Serve authentic sources from files, for development: docs/sources/openapi.yaml.

DIR holds clients.jwks.json (the public keys of those who may ask) and some of citizens.csv (as for
`authn people import`), organisations, children, qualities, memberships and mandates, .csv or .json
(as for `authn sources import`).
"""


def serve(
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
    with twins_of(folder, now) as (database, secrets):
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
