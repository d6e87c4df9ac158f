"""`authn serve`."""

import typer
import uvicorn

from authn.app import create_app
from authn.cli.ground import ground
from authn.cli.mds import take_over_configured_blob
from authn.clock import system_clock
from authn.federation.upstreams import upstreams
from authn.keys.upkeep import look_after_keys
from authn.settings import load_settings
from authn.sources.asking import open_sources
from authn.sources.configured import check_twins
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
        look_after_keys(present.database, settings, present.secrets, present.now)
        with present.reading() as connection:
            check_rp_id(connection, settings)
            unknown = unknown_policies(settings, connection)
        upstreams(settings)  # what is wrong in them is told once, not by each worker
        check_twins(settings)
        open_sources(settings, system_clock)  # what is wrong with its key, likewise
        configure_logs(settings.log_level)
        take_over_configured_blob(present)
    for name in unknown:  # the clients that name it are refused; the others go on
        logger.warning("unknown_policy", policy=name)
    logger.info("serving", issuer=settings.issuer, rp_id=settings.relying_party_id)
    uvicorn.run(
        "authn.cli.serve:application",
        factory=True,
        workers=settings.workers,
        **server_options(settings),
    )


def application() -> object:
    """The application of this process's settings (uvicorn calls it, once a worker)."""
    settings = load_settings()
    configure_logs(settings.log_level)
    return create_app(settings)
