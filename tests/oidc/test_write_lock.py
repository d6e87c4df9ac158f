"""SQLite has one writer at a time: what nobody has verified yet never makes a request that writer.

A route that writes now and then begins by reading (`web.routing.WHEN_NEEDED`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import CLIENT_CREDENTIALS
from authn.db import engine
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.relying_party import RelyingParty, basic
from tests.oidc.systems import API, ORGANISATION, add_resource, register_system

pytestmark = pytest.mark.one_engine  # the lock is SQLite's

MakeRP = Callable[..., RelyingParty]
BATCH = "batch"
# {"alg":"none"}.{"scope":"openid ssin"}: what a token that gives a number would say.
FORGED = "eyJhbGciOiJub25lIn0.eyJzY29wZSI6Im9wZW5pZCBzc2luIn0.AAAA"

Send = Callable[[Site, TestClient], Response]


def partner(site: Site, make_rp: MakeRP) -> dict[str, str]:
    """The Authorization header of a system that has a secret."""
    add_resource(site)
    rp = make_rp(
        client_id="partner",
        redirect_uris=[],
        scope="prescriptions:read",
        organisation=ORGANISATION,
        resources=[API],
        metadata=ClientMetadata(grant_types=(CLIENT_CREDENTIALS,)),
    )
    return {"Authorization": basic("partner", rp.client_secret)}


@contextmanager
def held_write_lock(site: Site) -> Iterator[None]:
    """Somebody else is writing all the while."""
    assert site.database.write_lock is not None
    with site.database.write_lock.held():
        yield


def userinfo_with_a_forged_token(site: Site, client: TestClient) -> Response:
    return client.get("/userinfo", headers={"Authorization": f"Bearer {FORGED}"})


def userinfo_with_a_strangers_proof(site: Site, client: TestClient) -> Response:
    proof = DpopKey().proof("GET", f"{ORIGIN}/userinfo", site.clock(), access_token=FORGED)
    return client.get("/userinfo", headers={"Authorization": f"DPoP {FORGED}", "DPoP": proof})


def introspection_with_a_strangers_assertion(site: Site, client: TestClient) -> Response:
    another = ClientKey(kid=ClientKey.shared("ES256").kid)
    signed = assertion(BATCH, ORIGIN, another, site.clock())
    return client.post("/introspect", data=asserted(signed, token=FORGED))


def token_with_a_wrong_secret(site: Site, client: TestClient) -> Response:
    headers = {"Authorization": basic("hospital", "wrong")}
    return client.post("/token", data={"grant_type": "client_credentials"}, headers=headers)


@pytest.mark.parametrize(
    "send",
    [
        userinfo_with_a_forged_token,
        userinfo_with_a_strangers_proof,
        introspection_with_a_strangers_assertion,
        token_with_a_wrong_secret,
    ],
)
def test_what_is_not_verified_waits_for_no_write_lock(
    site: Site,
    rp: RelyingParty,
    backchannel: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    send: Send,
) -> None:
    register_system(site, backchannel, client_id=BATCH)
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0.1)
    with held_write_lock(site):
        assert send(site, backchannel).status_code == 401


def test_a_systems_token_is_written_nowhere_and_its_proof_is(
    site: Site, make_rp: MakeRP, backchannel: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, form = partner(site, make_rp), {"grant_type": CLIENT_CREDENTIALS}
    backchannel.post("/token", data=form, headers=headers)  # keys are read
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0.1)
    proof = DpopKey().proof("POST", f"{ORIGIN}/token", site.clock())
    with held_write_lock(site):
        assert backchannel.post("/token", data=form, headers=headers).status_code == 200
        answer = backchannel.post("/token", data=form, headers=headers | {"DPoP": proof})
        assert answer.status_code == 503
    answer = backchannel.post("/token", data=form, headers=headers | {"DPoP": proof})
    assert answer.json()["token_type"] == "DPoP"
