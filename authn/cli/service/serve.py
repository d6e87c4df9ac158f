"""`authn serve`: the OpenID Provider and its pages, until stopped."""

import typer
import uvicorn

from authn.app import create_app
from authn.cli.ground import ground
from authn.cli.service.mds import take_over_configured_blob
from authn.clock import system_clock
from authn.federation.upstreams import upstreams
from authn.keys.upkeep import maintain_keys
from authn.settings import load_settings
from authn.sources.questions import check_twins
from authn.sources.real_sources import open_sources
from authn.web.logs import configure_logs, logger
from authn.web.server import server_options
from authn.webauthn.policy import unknown_policies
from authn.webauthn.relying_party import check_rp_id

app = typer.Typer(help="Serve the OpenID Provider and its pages until stopped.")


@app.command()
def serve() -> None:
    """Serve the OpenID Provider and its pages until stopped."""
    with ground() as present:
        settings = present.settings
        maintain_keys(present.database, settings, present.secrets, present.now)
        with present.reading() as connection:
            check_rp_id(connection, settings)
            unknown = unknown_policies(settings, connection)
        upstreams(settings)  # fails once here, not in each worker
        check_twins(settings)
        open_sources(settings, system_clock)  # likewise for a wrong key
        configure_logs(settings.log_level)
        take_over_configured_blob(present)
    for name in unknown:  # the clients that name it are refused; the others go on
        logger.warning("unknown_policy", policy=name)
    logger.info("serving", issuer=settings.issuer, rp_id=settings.relying_party_id)
    uvicorn.run(
        "authn.cli.service.serve:application",
        factory=True,
        workers=settings.workers,
        **server_options(settings),
    )


def application() -> object:
    """Create the ASGI application; uvicorn calls this function once a worker."""
    settings = load_settings()
    configure_logs(settings.log_level)
    return create_app(settings)
