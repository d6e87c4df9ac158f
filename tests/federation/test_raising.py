"""A device that is worth more after its holder proved who they are."""

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading
from authn.devices.tables import devices
from authn.web.site import Site
from tests.citizen import HANNE, ORIGIN, Screen, enrolled
from tests.federation.journey import Journey
from tests.federation.upstream import SUBSTANTIAL, Provider
from tests.screens import answered
from tests.together import at_once

pytestmark = pytest.mark.thorough


@pytest.fixture
def screen(journey: Journey, site: Site) -> Screen:
    """Hanne, signed in with a device that was enrolled with a code."""
    _, screen = enrolled(site, journey.client, HANNE)
    return screen


def raise_level(screen: Screen, proof: str) -> Response:
    options = screen.post_json("/devices/identity/options", {"proof": proof})
    if options.status_code != 200:
        return options
    content = answered(screen, options.json())
    return screen.post_json("/devices/identity", {"proof": proof, **content})


def levels(site: Site) -> list[str]:
    with reading(site.database) as connection:
        return sorted(connection.execute(select(devices.c.identity_level)).scalars())


def test_the_device_that_confirms_rises(
    journey: Journey, screen: Screen, provider: Provider, site: Site
) -> None:
    assert levels(site) == ["substantial"]
    proof = journey.proof(provider, "raise")
    assert "Confirm with the device" in journey.client.get(f"/devices/identity?proof={proof}").text
    answer = raise_level(screen, proof)
    assert answer.status_code == 200, answer.text
    assert levels(site) == ["high"]
    assert "at the highest level" in journey.client.get(answer.json()["location"]).text
    with reading(site.database) as connection:
        raised = select(audit_events).where(audit_events.c.event == "device.identity-raised")
        row = connection.execute(raised).one()
    assert (row.person_id is None, row.device_id is None) == (False, False)


def test_a_proof_raises_once(journey: Journey, screen: Screen, fas: Provider, site: Site) -> None:
    proof = journey.proof(fas, "raise")
    assert raise_level(screen, proof).status_code == 200
    assert raise_level(screen, proof).status_code in (403, 410)


def test_one_proof_twice_at_once_raises_once(
    journey: Journey, screen: Screen, fas: Provider, app: Starlette, site: Site
) -> None:
    proof = journey.proof(fas, "raise")
    cookies = dict(journey.client.cookies)
    asked = [
        answered(screen, screen.post_json("/devices/identity/options", {"proof": proof}).json())
        for _ in range(3)
    ]
    contents = iter(asked)
    token = screen.csrf()

    def once() -> int:
        client = TestClient(app, base_url=ORIGIN, cookies=cookies)
        headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token}
        content = {"proof": proof, **next(contents)}
        return client.post("/devices/identity", json=content, headers=headers).status_code

    statuses = at_once(once, threads=3)
    assert statuses.count(200) == 1
    with reading(site.database) as connection:
        raised = select(audit_events).where(audit_events.c.event == "device.identity-raised")
        assert len(connection.execute(raised).all()) == 1


def test_a_substantial_proof_raises_nothing(
    journey: Journey, screen: Screen, fas: Provider, site: Site
) -> None:
    fas.acr = SUBSTANTIAL["fas"]
    proof = journey.proof(fas, "raise")
    assert "We need stronger proof" in journey.client.get(f"/devices/identity?proof={proof}").text
    assert raise_level(screen, proof).status_code == 403
    assert levels(site) == ["substantial"]


def test_a_session_without_its_device_raises_nothing(
    journey: Journey, screen: Screen, fas: Provider, site: Site
) -> None:
    proof = journey.proof(fas, "raise")
    answer = screen.post_json("/devices/identity", {"proof": proof})
    assert answer.status_code == 400
    assert levels(site) == ["substantial"]


def test_an_answer_to_another_act_raises_nothing(
    journey: Journey, screen: Screen, fas: Provider, site: Site
) -> None:
    first, second = journey.proof(fas, "raise"), journey.proof(fas, "raise")
    options = screen.post_json("/devices/identity/options", {"proof": first}).json()
    content = answered(screen, options)
    answer = screen.post_json("/devices/identity", {"proof": second, **content})
    assert answer.status_code == 400
    assert levels(site) == ["substantial"]


@pytest.mark.parametrize("purpose", ["return", "block"])
def test_a_proof_for_something_else_raises_nothing(
    journey: Journey, screen: Screen, fas: Provider, site: Site, purpose: str
) -> None:
    assert raise_level(screen, journey.proof(fas, purpose)).status_code == 400
    assert levels(site) == ["substantial"]


def test_the_page_offers_the_upstreams_until_there_is_nothing_to_raise(
    journey: Journey, screen: Screen, fas: Provider
) -> None:
    html = journey.client.get("/devices/identity").text
    assert 'href="/identity/fas?purpose=raise"' in html
    assert raise_level(screen, journey.proof(fas, "raise")).status_code == 200
    assert "/identity/" not in journey.client.get("/devices/identity").text
