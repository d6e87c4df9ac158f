"""What is taken from a client, a resource or whoever acts is gone from tokens that are out.

RFC 7662 §2.2 (https://www.rfc-editor.org/rfc/rfc7662#section-2.2): what the introspection endpoint
says is about now; OpenID Connect Core 1.0 §5.3 for userinfo. A naive provider reads the scope from
the token until that expires.
"""

import json
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, forbid_exchange
from authn.clients.resource_servers.resources import ResourceScope
from authn.clients.tables import resources
from authn.db.transaction import writing
from authn.grants.endings.ended_grants import end_client
from authn.web.site import Site
from tests.oidc.apis import details, register_api
from tests.oidc.relying_party import Holder, RelyingParty, register, segment
from tests.oidc.resource_servers import (
    API,
    OTHER_API,
    ResourceServer,
    application,
    resource_server,
)
from tests.oidc.systems import ORGANISATION
from tests.oidc.test_cost import counted
from tests.oidc.test_rfc8693_token_exchange import allow, exchange, exchanging

pytestmark = pytest.mark.thorough

INACTIVE = {"active": False}
CREDENTIALS = ClientMetadata(grant_types=("client_credentials",))
SCOPES = {"read": "Read your letters", "write": "Write letters"}


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    return resource_server(site, backchannel, scopes=SCOPES, may_read_ssin=True)


@pytest.fixture
def rp(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> RelyingParty:
    return application(site, client, scope="openid profile read write ssin", may_read_ssin=True)


def change(site: Site, client_id: str, **changes: Any) -> None:
    with writing(site.database) as connection:
        client = find_client(connection, client_id)
        assert client
        change_client(connection, site.secrets, client, site.clock(), **changes)


def rules(site: Site, level: str = "", **scopes: ResourceScope) -> None:
    """The resource has these scopes, with these rules, from now on."""
    values = {"scopes": {name: asdict(each) for name, each in scopes.items()}, "level": level}
    with writing(site.database) as connection:
        connection.execute(update(resources).where(resources.c.resource == API).values(**values))


def scope(**said: Any) -> ResourceScope:
    return ResourceScope({"en": "Do it"}, **said)


def token(rp: RelyingParty, scope: str = "openid read write", **more: str) -> str:
    got: str = rp.tokens(scope=scope, resource=API, **more)["access_token"]
    return got


# Of the client


def test_a_scope_that_was_taken_from_the_client(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp)
    assert api.learns(out)["scope"] == "read write"
    change(site, "hospital", scope="openid read")
    with counted(site) as seen:
        assert api.learns(out)["scope"] == "read"
    assert len(seen) == 2, seen  # as before: the client, and all that is to be known
    change(site, "hospital", scope="openid")
    assert api.learns(out) == INACTIVE
    change(site, "hospital", scope="openid read write")
    assert api.learns(out)["scope"] == "read write"


def test_the_national_number_goes_with_the_scope_of_the_client(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp, "openid read ssin")
    assert "ssin" in api.learns(out)
    change(site, "hospital", scope="openid read")
    told = api.learns(out)
    assert (told["scope"], "ssin" in told) == ("read", False)


def test_a_resource_that_was_taken_from_the_client(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp)
    change(site, "hospital", resources=())
    assert api.learns(out) == INACTIVE


def test_userinfo_gives_no_claim_of_a_scope_that_was_taken(site: Site, rp: RelyingParty) -> None:
    out = rp.tokens(scope="openid profile ssin")["access_token"]
    assert {"name", "ssin"} <= rp.userinfo(out).json().keys()
    change(site, "hospital", scope="openid ssin")
    assert rp.userinfo(out).json().keys() == {"sub", "ssin"}
    change(site, "hospital", may_read_ssin=False)
    assert rp.userinfo(out).json().keys() == {"sub"}
    change(site, "hospital", scope="profile")
    assert rp.userinfo(out).status_code == 403


# Of the resource


def test_a_scope_that_the_resource_has_no_more(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp)
    rules(site, read=scope())
    assert api.learns(out)["scope"] == "read"


def test_the_number_goes_with_the_permission_of_the_resource(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp, "openid read ssin")
    with writing(site.database) as connection:
        connection.execute(update(resources).values(may_read_ssin=False))
    told = api.learns(out)
    assert (told["scope"], "ssin" in told) == ("read", False)


# Of whoever acts


@pytest.mark.parametrize(
    "rule",
    [{"profile_kinds": ("quality",)}, {"disciplines": ("physician",)}, {"level": "certified"}],
    ids=str,
)
def test_a_scope_that_is_not_for_this_identity_any_more(
    site: Site, api: ResourceServer, rp: RelyingParty, rule: dict[str, Any]
) -> None:
    out = token(rp)
    rules(site, read=scope(), write=scope(**rule))
    assert api.learns(out)["scope"] == "read"
    rules(site, read=scope(**rule), write=scope(**rule))
    assert api.learns(out) == INACTIVE


def test_a_resource_that_needs_a_higher_level_now(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp)
    rules(site, "certified", read=scope(), write=scope())
    assert api.learns(out) == INACTIVE


def test_a_detail_goes_with_any_of_its_actions(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    both, one = details("read", "write", location=API), details("read", location=API)
    asked = json.dumps([*json.loads(both), *json.loads(one)])
    out = token(rp, "openid", authorization_details=asked)
    assert api.learns(out)["authorization_details"] == json.loads(asked)
    change(site, "hospital", scope="openid read")
    assert api.learns(out)["authorization_details"] == json.loads(one)
    rules(site, read=scope(profile_kinds=("quality",)))
    assert api.learns(out) == INACTIVE


def test_a_token_that_never_had_a_scope_still_lives(
    site: Site, api: ResourceServer, rp: RelyingParty
) -> None:
    out = token(rp, "openid")
    rules(site)
    told = api.learns(out)
    assert (told["active"], told["scope"]) == (True, "")


# Of tokens that were exchanged, and of systems


def test_an_exchanged_token_gives_what_it_was_made_from_gives(
    site: Site, backchannel: TestClient, api: ResourceServer, rp: RelyingParty
) -> None:
    back_end = exchanging(site, backchannel)
    allow(site, "back-end", "hospital")
    first = token(rp)
    out = exchange(back_end, first).json()["access_token"]
    assert api.learns(out)["scope"] == "read write"
    change(site, "hospital", scope="openid read")
    assert api.learns(out)["scope"] == "read"
    # And nobody gets one that has it by presenting the first.
    assert segment(exchange(back_end, first).json()["access_token"], 1)["scope"] == "read"
    with writing(site.database) as connection:
        pair = ExchangePair("back-end", "hospital", API)
        forbid_exchange(connection, site.secrets, pair, site.clock())
    assert api.learns(out) == INACTIVE


def test_a_system_s_token_and_what_was_made_from_it(
    site: Site, backchannel: TestClient, api: ResourceServer
) -> None:
    register_api(site)
    batch = register(
        site,
        backchannel,
        client_id="batch",
        redirect_uris=[],
        scope="read write",
        organisation=ORGANISATION,
        resources=[API],
        metadata=CREDENTIALS,
    )
    back_end = exchanging(site, backchannel)
    allow(site, "back-end", "batch")
    own = batch.redeem(
        None, grant_type="client_credentials", redirect_uri=None, code_verifier=None
    ).json()["access_token"]
    exchanged = exchange(back_end, own).json()["access_token"]
    for each in (own, exchanged):
        assert api.learns(each)["scope"] == "read write"
    change(site, "batch", scope="read")
    for each in (own, exchanged):
        assert api.learns(each)["scope"] == "read"
    assert segment(exchange(back_end, own).json()["access_token"], 1)["scope"] == "read"
    rules(site, read=scope(profile_kinds=("citizen",)))
    for each in (own, exchanged):
        assert api.learns(each) == INACTIVE
    rules(site, read=scope())
    assert api.learns(exchanged)["active"]
    with writing(site.database) as connection:
        end_client(connection, site.secrets, "batch", site.clock())
    for each in (own, exchanged):
        assert api.learns(each) == INACTIVE
    assert exchange(back_end, exchanged).status_code == 400


def test_a_detail_that_was_taken_is_not_given_to_the_next_client_either(
    site: Site, backchannel: TestClient, api: ResourceServer, rp: RelyingParty
) -> None:
    back_end = exchanging(site, backchannel)
    allow(site, "back-end", "hospital")
    both, one = details("read", "write", location=API), details("read", location=API)
    asked = [*json.loads(both), *json.loads(one)]
    first = token(rp, "openid", authorization_details=json.dumps(asked))
    given = exchange(back_end, first).json()
    assert given["authorization_details"] == asked
    change(site, "hospital", scope="openid read")
    given = exchange(back_end, first).json()
    assert given["authorization_details"] == json.loads(one)
    assert segment(given["access_token"], 1)["authorization_details"] == json.loads(one)
    change(site, "hospital", scope="openid")
    assert "authorization_details" not in exchange(back_end, first).json()


def test_a_token_for_a_resource_that_was_taken_is_not_exchanged(
    site: Site, backchannel: TestClient, api: ResourceServer, rp: RelyingParty
) -> None:
    back_end = exchanging(site, backchannel)
    allow(site, "back-end", "hospital")
    allow(site, "back-end", "back-end")
    first, at_userinfo = token(rp), rp.tokens()["access_token"]
    second = exchange(back_end, first).json()["access_token"]
    assert exchange(back_end, second).status_code == 200  # by a pair, not by its registration
    change(site, "hospital", resources=())
    assert exchange(back_end, first).json()["error"] == "invalid_request"
    assert exchange(back_end, at_userinfo).status_code == 200
    for subject in ("hospital", "back-end"):
        with writing(site.database) as connection:
            pair = ExchangePair("back-end", subject, API)
            forbid_exchange(connection, site.secrets, pair, site.clock())
    resource_server(site, backchannel, OTHER_API, client_id="other", scopes=SCOPES)
    allow(site, "back-end", "back-end", OTHER_API)
    assert exchange(back_end, second, resource=OTHER_API).json()["error"] == "invalid_request"
