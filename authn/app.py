"""The whole service on one screen: routes, middleware, error handlers, lifespan."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from authn.account.devices.identity_endpoints import routes as account_identity_routes
from authn.account.endpoints import routes as account_routes
from authn.clock import Clock, system_clock
from authn.console.approval_expiry import approval_expiry_thread
from authn.console.endpoints import routes as console_routes
from authn.db.engine import open_database
from authn.desk_api.endpoints import routes as desk_api_routes
from authn.enrolment.activation.endpoints import routes as enrolment_routes
from authn.enrolment.identity_endpoints import routes as enrolment_identity_routes
from authn.errors import Refusal
from authn.federation.endpoints import routes as federation_routes
from authn.federation.upstreams import upstreams
from authn.keys.audit_days import audit_maintenance
from authn.keys.upkeep import key_maintenance
from authn.login.endpoints import routes as login_routes
from authn.notices.delivery import deliver_in_background
from authn.oidc.client_authentication.client_certificate import certificate_roots
from authn.oidc.cors import Cors
from authn.oidc.endpoints import routes as oidc_routes
from authn.oidc.security_events.backchannel_logout import backchannel_worker
from authn.oidc.security_events.revocation_hook import revocation_worker
from authn.secrets import load_secrets
from authn.settings import Settings
from authn.sources.real_sources import shared_sources
from authn.web.endpoints import routes as web_routes
from authn.web.envelope import Envelope
from authn.web.failures import answer_failure
from authn.web.pages import STATIC, load_pages
from authn.web.paths import index_routes
from authn.web.place import open_places
from authn.web.proxies import TrustedProxies
from authn.web.site import Site
from authn.web.static import VersionedFiles
from authn.webauthn.endpoints import routes as webauthn_routes
from authn.webauthn.metadata.current import keep_metadata_fresh

ROUTES: list[BaseRoute] = [
    *oidc_routes,
    *login_routes,
    *federation_routes,
    *enrolment_routes,
    *enrolment_identity_routes,
    *account_routes,
    *account_identity_routes,
    *console_routes,
    *desk_api_routes,
    *webauthn_routes,
    *web_routes,
    Mount("/static", VersionedFiles(directory=STATIC)),
]


def create_app(settings: Settings, clock: Clock = system_clock) -> Starlette:
    """The ASGI application of these settings.

    Raises `CommandError` when a secret is missing, or a file that a setting names.
    """
    upstreams(settings)  # read once, and refused now rather than when somebody needs one
    certificate_roots(settings)
    site = Site(
        settings=settings,
        secrets=load_secrets(settings),
        database=open_database(settings),
        clock=clock,
        pages=load_pages(settings.service_name),
        places=open_places(settings),
    )
    shared_sources(site)  # their key is read now as well
    app = Starlette(
        routes=index_routes(ROUTES),
        middleware=[
            Middleware(TrustedProxies, settings=settings),
            Middleware(Envelope, settings=settings, monotonic=time.perf_counter),
            Middleware(Cors),
        ],
        exception_handlers={Refusal: answer_failure, HTTPException: answer_failure},
        lifespan=_lifespan(site),
    )
    # Starlette would send "/devices/" on to "/devices" at whatever host the request names.
    app.router.redirect_slashes = False
    app.state.site = site
    return app


def _lifespan(site: Site) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # Starlette's 40 threads double the 99th percentile; as many threads as connections do not.
        anyio.to_thread.current_default_thread_limiter().total_tokens = site.settings.threads
        async with keep_metadata_fresh(site), key_maintenance(site):
            with (
                deliver_in_background(site),
                backchannel_worker(site),
                revocation_worker(site),
                audit_maintenance(site),
                approval_expiry_thread(site),
            ):
                yield
        shared_sources(site).close()
        site.database.close()

    return lifespan
