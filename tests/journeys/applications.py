"""Relying applications for the journeys: registered with the service, one of them running."""

from collections.abc import Iterator
from contextlib import contextmanager

from authn.clients.client_registration.registration import register_client
from authn.db.transaction import writing
from authn.demo.application import SCOPES, DemoClientRegistration, create_demo_application
from authn.keys.signing_keys import ensure_signing_keys
from authn.secrets import new_token
from tests import browser
from tests.conftest import LiveService


def registered(
    live: LiveService, address: str, name: str, *, public: bool = False
) -> DemoClientRegistration:
    """An application at this address is a client of the service."""
    site, now = live.site, live.site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    with writing(site.database) as connection:
        made = register_client(
            connection,
            site.secrets,
            now,
            client_name=name,
            redirect_uris=[f"{address}/callback"],
            post_logout_redirect_uris=[f"{address}/"],
            token_endpoint_auth_method="none" if public else "client_secret_basic",
            scope=SCOPES,
            may_read_ssin=True,
        )
    secret = made.client_secret or ""
    return DemoClientRegistration(live.address, made.client.client_id, secret, address)


@contextmanager
def demo_application(live: LiveService) -> Iterator[str]:
    """The demo relying application runs; its address."""
    listener = browser.free_socket()
    address = f"http://localhost:{listener.getsockname()[1]}"
    registration = registered(live, address, "MaSanté demo")
    application = create_demo_application(registration, new_token(), live.site.pages)
    with browser.serving(application, listener):
        yield address
