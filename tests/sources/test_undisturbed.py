"""Whoever waits for a source holds nothing that others need (decisions 4.18).

No transaction is open meanwhile, and the threads that wait are not those that logins use.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import cast

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clock import system_clock
from authn.settings import Settings
from authn.sources.real_sources import ask_facts, shared_sources
from authn.web.request import Request
from authn.web.routing import NeededFromOutside, json_route
from authn.web.site import Site
from tests import browser, sources_server
from tests.citizen import Screen, enrolled
from tests.patience import SECONDS, until
from tests.sources_server import MOTHER, Running, Town

WAITING = 30
THREADS_OF_LOGINS = 16


def waiting_route(app: Starlette) -> None:
    """A route that needs what a source says, and asks for it each time."""
    site: Site = app.state.site
    said: dict[str, int] = {}

    def endpoint(request: Request) -> Response:
        who = request.query["who"]
        if who not in said:

            def fetch() -> None:
                said[who] = len(ask_facts(site, "qualities", MOTHER))

            raise NeededFromOutside(fetch)
        return PlainTextResponse(str(said[who]))

    route = json_route("/waits", endpoint, method="GET")
    app.router.routes.insert(0, route)


@pytest.mark.thorough
def test_thirty_wait_for_a_slow_source_while_others_sign_in(settings: Settings, town: Town) -> None:
    with sources_server.running(town, system_clock) as real:
        listener = browser.free_socket()
        issuer = f"http://localhost:{listener.getsockname()[1]}"
        changed = real.settings(settings, issuer=issuer)
        app = create_app(changed, clock=system_clock)
        waiting_route(app)
        with browser.serving(app, listener) as address:
            site: Site = app.state.site
            with httpx2.Client(base_url=address, timeout=SECONDS) as client:
                _, screen = enrolled(site, cast(TestClient, client), origin=address)
                _check_undisturbed(real, screen, address)
            shared_sources(site).close()


def _check_undisturbed(real: Running, screen: Screen, address: str) -> None:
    assert screen.sign_in().status_code == 200
    gate = real.server.gates["/qualities"] = Event()
    with ThreadPoolExecutor(WAITING) as pool:
        waiting = [pool.submit(_wait, address, str(who)) for who in range(WAITING)]
        try:
            until(lambda: real.server.at_once > THREADS_OF_LOGINS, "a crowd at the source")
            for _ in range(3):
                assert screen.sign_in().status_code == 200
            assert real.server.at_once > THREADS_OF_LOGINS, "they waited all the while"
        finally:
            gate.set()
        assert [each.result(timeout=SECONDS) for each in waiting] == ["1"] * WAITING


def _wait(address: str, who: str) -> str:
    answer = httpx2.get(f"{address}/waits?who={who}", timeout=SECONDS)
    return answer.text
