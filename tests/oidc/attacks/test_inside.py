"""Addresses that a registrant wrote down, and that lead to where only we can go (SSRF).

What a naive provider does: it looks at the name alone, follows redirects, or believes that what was
public when it looked is public when it connects. Names that lead to private addresses, redirects
and second look-ups are in `web/test_documents`. Here a port of this machine counts who knocks.
"""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.oidc.security_events.backchannel_logout import backchannel_work
from authn.outbox.destinations import run_once
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.registrant import post
from tests.oidc.relying_party import Holder, RelyingParty

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

KEY = ClientKey.shared("ES256")
# All of them are this machine, to somebody's resolver at least.
HOSTS = [
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0.0.0.0",  # noqa: S104 (an address that is not listened at)
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
]


class Door:
    """A port of this machine, on every address of it; `knocks` counts connections."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self.listener.getsockname()[1]
        self.knocks = 0
        self.thread = threading.Thread(target=self._count)
        self.thread.start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.knocks += 1
            connection.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"registration": "open", "registrations_per_hour": 10_000})


def test_the_door_counts(door: Door) -> None:
    with (
        socket.create_connection(("127.0.0.1", door.port)),
        socket.create_connection(("::1", door.port)),
    ):
        pass
    for _ in range(100):
        if door.knocks == 2:
            return
        threading.Event().wait(0.02)
    raise AssertionError("nobody was counted")


@pytest.mark.parametrize("host", HOSTS)
def test_nobody_knocks(
    site: Site,
    make_rp: Callable[..., RelyingParty],
    holder: Holder,
    client: TestClient,
    backchannel: TestClient,
    door: Door,
    host: str,
) -> None:
    """Key set, request object, logo, logout, and what names a sector: each is asked for."""
    uri = f"https://{host}:{door.port}/x"
    metadata = ClientMetadata(
        jwks_uri=uri,
        request_uris=(uri,),
        logo_uris={"": uri},
        backchannel_logout_uri=uri,
        id_token_encrypted_response_alg="ECDH-ES",
    )
    rp = make_rp(client_id="hospital", metadata=metadata, first_party=True)
    signer = make_rp(
        client_id="signer",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks_uri=uri),
    )
    assert "error=invalid_request_uri" in rp.authorize(request_uri=uri).headers["location"]
    assert (
        "error=invalid_request_object"
        in rp.authorize(request=KEY.sign({**rp.request(), "aud": ORIGIN})).headers["location"]
    )
    assert client.get("/clients/hospital/logo").status_code == 404
    assert rp.redeem(rp.code()).status_code == 503
    signed = assertion(signer.client.client_id, ORIGIN, KEY, site.clock())
    assert backchannel.post("/revoke", data=asserted(signed, token="x")).status_code == 401
    said = {"redirect_uris": ["https://app.example/cb"], "sector_identifier_uri": uri}
    assert post(backchannel, said).status_code == 400
    assert Screen(client).post_form("/sign-out").status_code == 303
    report = run_once(backchannel_work(site))
    assert (report.sent, report.put_off) == (0, 1)
    assert door.knocks == 0
