"""RFC 9396, OAuth 2.0 Rich Authorization Requests (https://www.rfc-editor.org/rfc/rfc9396)."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.resources import find_resources
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, DetailRequest, has_ssin
from authn.db.transaction import reading
from authn.oidc.requests.json_parameters import (
    InvalidAuthorizationDetails,
    check_details,
    read_details,
)
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api, register_reports
from tests.oidc.relying_party import Holder, RelyingParty, basic, segment

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
ONE = "rx:7f3a-0001"
TODAY = date(2026, 3, 2)


@pytest.fixture
def rp(site: Site, make_rp: MakeRP) -> RelyingParty:
    """A client of one resource."""
    register_api(site)
    register_reports(site)
    return make_rp(
        client_id="hospital",
        first_party=True,
        scope="openid profile read write",
        resources=[PRESCRIPTIONS],
    )


def redeemed(rp: RelyingParty, code: str, **form: str | None) -> dict[str, Any]:
    answer = rp.redeem(code, **form)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


# §7, §9.1: in the token answer, and in the access token.
def test_what_was_granted_is_in_the_answer_and_in_the_token(
    rp: RelyingParty, holder: Holder
) -> None:
    asked = details("read", "write", identifier=ONE)
    tokens = redeemed(rp, rp.code(scope="openid", authorization_details=asked))
    assert tokens["authorization_details"] == json.loads(asked)
    claims = segment(tokens["access_token"], 1)
    assert claims["authorization_details"] == json.loads(asked)
    assert claims["aud"] == PRESCRIPTIONS
    # It gives no scope: those actions, on that one thing.
    assert claims.get("scope", "") == ""


def test_the_resource_reads_them_at_introspection(
    site: Site, make_rp: MakeRP, holder: Holder
) -> None:  # §9.2
    api = make_rp(client_id="api", redirect_uris=["https://prescriptions.example/cb"])
    register_api(site, client_id="api")
    rp = make_rp(first_party=True, scope="openid read", resources=[PRESCRIPTIONS])
    asked = details("read", identifier=ONE)
    tokens = redeemed(rp, rp.code(scope="openid", authorization_details=asked))
    answer = rp.browser.post(
        "/introspect",
        data={"token": tokens["access_token"]},
        headers={"Authorization": basic("api", api.client_secret)},
    ).json()
    assert answer["active"]
    assert answer["authorization_details"] == json.loads(asked)


def test_they_may_be_all_that_is_asked(rp: RelyingParty, holder: Holder) -> None:  # §3
    code = rp.code(scope=None, authorization_details=details("read"))
    assert "authorization_details" in redeemed(rp, code)


def test_another_resource_does_not_learn_of_them(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # §9.1
    userinfo = f"{site.settings.issuer}/userinfo"
    code = rp.code(resource=userinfo, authorization_details=details("read"))
    tokens = redeemed(rp, code, resource=userinfo)
    assert "authorization_details" not in tokens
    assert "authorization_details" not in segment(tokens["access_token"], 1)


# §5: "invalid_authorization_details"
@pytest.mark.parametrize(
    "asked",
    [
        "x",
        "{}",
        "[]",
        "null",
        "[1]",
        "[[]]",
        "[{}]",
        '[{"type": 1}]',
        '[{"type": null}]',
        '[{"type": "urn:unknown"}]',
        '[{"type": "openid"}]',
        '[{"type": "a", "type": "b"}]',
        json.dumps([{"type": ACTIONS_AT_RESOURCE}]),
        json.dumps([{"type": ACTIONS_AT_RESOURCE, "locations": [PRESCRIPTIONS]}]),
        json.dumps([{"type": ACTIONS_AT_RESOURCE, "actions": ["read"]}]),
        details(),
        details("unknown"),
        details("openid"),
        details("share", location=REPORTS),
        details("read", location=f"{PRESCRIPTIONS}/"),
        details("read", locations=[PRESCRIPTIONS, REPORTS]),
        details("read", locations=[PRESCRIPTIONS, PRESCRIPTIONS]),
        details("read", locations=PRESCRIPTIONS),
        details("read", locations=[1]),
        details("read", actions="read"),
        details("read", actions=[["read"]]),
        details(*["read"] * 21),
        details("read", unknown="x"),
        details("read", privileges=["admin"]),
        details("read", identifier=1),
        details("read", identifier=""),
        details("read", identifier="a b"),
        details("read", identifier="<script>"),
        details("read", identifier="x" * 101),
        details("read", identifier="é"),
        details("read", identifier="\n"),
        json.dumps(json.loads(details("read")) * 11),
        json.dumps([*json.loads(details("read")), {"type": "urn:unknown"}]),
        "[" * 4000,
        details("read", identifier="x" * 5000),
    ],
)
@pytest.mark.one_engine
def test_what_is_not_a_detail_of_a_known_type_is_refused(
    rp: RelyingParty, holder: Holder, asked: str
) -> None:
    answer = rp.answer(authorization_details=asked)
    assert answer["error"] == "invalid_authorization_details"
    assert answer["error_description"].isascii()


def test_an_action_that_is_not_registered_for_the_client_is_refused(
    rp: RelyingParty, make_rp: MakeRP, holder: Holder
) -> None:
    narrow = make_rp(first_party=True, scope="openid read", resources=[PRESCRIPTIONS])
    assert "code" in narrow.answer(authorization_details=details("read"))
    refused = narrow.answer(authorization_details=details("read", "write"))
    assert refused["error"] == "invalid_authorization_details"


@pytest.mark.parametrize(("types", "allowed"), [((ACTIONS_AT_RESOURCE,), True), (("x",), False)])
def test_the_types_that_a_client_registered_are_all_that_it_may_use(
    rp: RelyingParty, make_rp: MakeRP, holder: Holder, types: tuple[str, ...], allowed: bool
) -> None:  # §10
    metadata = ClientMetadata(authorization_details_types=types)
    limited = make_rp(
        first_party=True, scope="openid read", resources=[PRESCRIPTIONS], metadata=metadata
    )
    assert ("code" in limited.answer(authorization_details=details("read"))) == allowed


# Decisions 1.5: no national number in a token, nor in an address.
@pytest.mark.parametrize(
    "identifier", ["03410100128", "03.41.01-001.28", "patient:03410100128", "1/03410100128/2"]
)
def test_a_national_number_is_no_identifier(
    rp: RelyingParty, holder: Holder, identifier: str
) -> None:
    asked = details("read", identifier=identifier)
    assert rp.answer(authorization_details=asked)["error"] == "invalid_authorization_details"


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "text", ["", "-", "12345678901", "0341010012", "a0341b0100128", "6f9619ff-8b86-d011-b42d"]
)
def test_not_every_number_is_a_national_one(text: str) -> None:
    assert not has_ssin(text, TODAY)


# §3, §6: people read what they allow, each time.
def test_they_are_asked_each_time(
    rp: RelyingParty, make_rp: MakeRP, holder: Holder, client: TestClient, clock: MovableClock
) -> None:
    rp = make_rp(scope="openid read write", resources=[PRESCRIPTIONS])
    rp.allowed_by(holder, f"openid {PRESCRIPTIONS} {PRESCRIPTIONS}#read {PRESCRIPTIONS}#write")
    asked = details("write", identifier=ONE)
    for _ in range(2):
        answer = rp.authorize(scope="openid", authorization_details=asked)
        location = answer.headers["location"]
        assert urlsplit(location).path == "/consent"
        html = client.get(location, headers={"Accept-Language": "en"}).text
        assert "This one time, at Prescriptions" in html
        assert "Renew a prescription" in html
        assert ONE in html
        clock.advance(seconds=5)
    refused = rp.answer(scope="openid", authorization_details=asked, prompt="none")
    assert refused["error"] == "consent_required"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "locations", "actions", "identifier"]) | st.text(max_size=6),
            children | st.just(ACTIONS_AT_RESOURCE),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.one_engine
@examples(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(max_size=60) | _JSON.map(json.dumps) | st.lists(_JSON).map(json.dumps))
def test_garbage_is_read_or_refused(site: Site, rp: RelyingParty, text: str) -> None:
    with reading(site.database) as connection:
        asking = DetailRequest(rp.client, find_resources(connection, rp.client.resources), TODAY)
    try:
        read = check_details(read_details(text), asking)
    except InvalidAuthorizationDetails:
        return
    assert all(set(each["actions"]) <= {"read", "write"} for each in read)


@pytest.mark.one_engine
@examples(max_examples=200)
@given(text=st.text(alphabet="0123456789 .-/:_x", max_size=40))
def test_looking_for_a_national_number_never_fails(text: str) -> None:
    has_ssin(text, TODAY)
