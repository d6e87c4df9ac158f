"""`authorization_details` in token requests: RFC 9396 §6 and §7
(https://www.rfc-editor.org/rfc/rfc9396#section-6)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import TOKEN_EXCHANGE, find_client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.resource_servers.resources import ResourceScope
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, TYPES, is_within
from authn.db.transaction import writing
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from authn.web.site import Site
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api, register_reports
from tests.oidc.refreshing import GRANT_TYPES, error, refresh, refreshed
from tests.oidc.relying_party import Holder, RelyingParty, basic, register, segment
from tests.oidc.systems import ORGANISATION
from tests.oidc.test_rfc9396_rar import TODAY

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
ONE, OTHER = "rx:7f3a-0001", "rx:7f3a-0002"
INVALID = "invalid_authorization_details"
GRANTED = json.dumps(
    [
        *json.loads(details("read", "write", identifier=ONE)),
        *json.loads(details("read")),
    ]
)
LESS = [
    details("read", identifier=ONE),
    details("write", "read", identifier=ONE),
    details("read"),
    details("read", identifier=OTHER),
    GRANTED,
]
MORE = [
    details("write"),
    details("write", identifier=OTHER),
    details("read", "share"),
    details("read", location=REPORTS),
    details("read", identifier=None),
    details("read", identifier="x y"),
    details("read", identifier="03410100128"),
    details("read", unknown=1),
    details(),
    details("read", actions=["read", 1]),
    details("read", actions="read"),
    details("read", locations=[]),
    details("read", locations=[PRESCRIPTIONS, PRESCRIPTIONS]),
    details(*["read"] * 21),
    json.dumps([*json.loads(details("read")), *json.loads(details("write"))]),
    json.dumps([{"type": "urn:unknown"}]),
    json.dumps([{"type": ACTIONS_AT_RESOURCE}]),
    json.dumps([{"type": "profile", "kinds": ["mandate"]}]),
    json.dumps([{"type": "profile", "sub": "x" * 22}]),
    json.dumps([{"type": "profile"}]),
    json.dumps([{"type": "profile", "kinds": "citizen"}]),
    json.dumps([{"type": "desk_act", "act": "unlink"}]),
    "[]",
    "[1]",
    "{}",
    "x",
    "null",
    '[{"type": "a", "type": "b"}]',
    "[" * 4000,
    details("read", identifier="x" * 5000),
    json.dumps(json.loads(details("read")) * 11),
]


@pytest.fixture
def rp(site: Site, make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client of two resources that was granted two details at one of them."""
    register_api(site)
    register_reports(site)
    return make_rp(
        client_id="hospital",
        first_party=True,
        scope="openid profile read write share offline_access",
        resources=[PRESCRIPTIONS, REPORTS],
        metadata=ClientMetadata(grant_types=(*GRANT_TYPES, TOKEN_EXCHANGE)),
    )


def code(rp: RelyingParty) -> str:
    return rp.code(scope="openid offline_access", authorization_details=GRANTED)


def says(answer: Response | dict[str, Any], asked: str) -> bool:
    """Whether the answer, and the token in it, have these details and no others."""
    body = answer if isinstance(answer, dict) else answer.json()
    in_token = segment(body["access_token"], 1)["authorization_details"]
    return bool(body["authorization_details"] == in_token == json.loads(asked))


@pytest.mark.parametrize("asked", LESS)
def test_a_code_gives_a_token_for_some_of_it(rp: RelyingParty, asked: str) -> None:
    tokens = rp.redeem(code(rp), authorization_details=asked).json()
    assert says(tokens, asked)
    # The grant is as it was: a refresh may have the rest, or some other part of it.
    assert says(refreshed(rp, tokens["refresh_token"]), GRANTED)
    again = refreshed(rp, tokens["refresh_token"], authorization_details=LESS[0])
    assert says(again, LESS[0])


@pytest.mark.parametrize("asked", MORE)
def test_nothing_gives_more_than_was_granted(rp: RelyingParty, asked: str) -> None:  # §5
    assert error(rp.redeem(code(rp), authorization_details=asked)) == INVALID
    tokens = rp.redeem(code(rp)).json()
    answer = refresh(rp, tokens["refresh_token"], authorization_details=asked)
    assert error(answer) == INVALID
    assert answer.json()["error_description"].isascii()
    # It was not spent by that (decisions 5).
    assert says(refreshed(rp, tokens["refresh_token"]), GRANTED)


def test_who_was_granted_none_has_none(rp: RelyingParty) -> None:
    scopes = rp.code(scope="openid read offline_access", resource=PRESCRIPTIONS)
    assert error(rp.redeem(scopes, authorization_details=details("read"))) == INVALID


def test_nothing_said_is_all_of_it(rp: RelyingParty) -> None:  # RFC 6749 §3.2
    assert says(rp.redeem(code(rp), authorization_details=""), GRANTED)


def test_of_several_resources_the_details_say_which(rp: RelyingParty) -> None:
    both = [*json.loads(details("read")), *json.loads(details("share", location=REPORTS))]
    granted = {"scope": "openid", "authorization_details": json.dumps(both)}
    asked = details("share", location=REPORTS)
    answer = rp.redeem(rp.code(**granted), authorization_details=asked)
    assert says(answer, asked)
    assert segment(answer.json()["access_token"], 1)["aud"] == REPORTS
    # A token has one audience: what is at another resource is not for this one.
    told = {"authorization_details": asked, "resource": PRESCRIPTIONS}
    assert error(rp.redeem(rp.code(**granted), **told)) == INVALID
    told = {"authorization_details": json.dumps(both)}
    assert error(rp.redeem(rp.code(**granted), **told)) == "invalid_target"


def test_what_was_taken_from_the_client_since_is_not_granted_any_more(
    site: Site, rp: RelyingParty
) -> None:
    token = rp.redeem(code(rp)).json()["refresh_token"]
    with writing(site.database) as connection:
        client = find_client(connection, "hospital")
        assert client
        scope = "openid profile read share offline_access"
        change_client(connection, site.secrets, client, site.clock(), scope=scope)
    asked = details("read", "write", identifier=ONE)
    assert error(refresh(rp, token, authorization_details=asked)) == INVALID
    assert says(refreshed(rp, token, authorization_details=details("read")), details("read"))


def test_the_capacity_may_be_named_and_is_none_of_them(rp: RelyingParty) -> None:
    asked = json.dumps([*json.loads(details("read")), {"type": "profile", "kinds": ["citizen"]}])
    assert says(rp.redeem(code(rp), authorization_details=asked), details("read"))


def exchange(rp: RelyingParty, token: str, **more: str) -> Response:
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": PRESCRIPTIONS,
        **more,
    }
    headers = {"Authorization": basic(rp.client.client_id, rp.client_secret)}
    return rp.browser.post("/token", data=form, headers=headers)


def test_an_exchange_gives_some_of_what_was_presented(
    site: Site, rp: RelyingParty, backchannel: TestClient
) -> None:
    back_end = register(
        site,
        backchannel,
        client_id="back-end",
        redirect_uris=[],
        metadata=ClientMetadata(grant_types=(TOKEN_EXCHANGE,)),
    )
    with writing(site.database) as connection:
        pair = ExchangePair("back-end", "hospital", PRESCRIPTIONS)
        allow_exchange(connection, site.secrets, pair, site.clock())
    token = rp.redeem(code(rp), authorization_details=details("read")).json()["access_token"]
    assert says(exchange(back_end, token), details("read"))
    one = details("read", identifier=ONE)
    assert says(exchange(back_end, token, authorization_details=one), one)
    # The grant has it, the token that was presented has not.
    wider = details("write", identifier=ONE)
    assert error(exchange(back_end, token, authorization_details=wider)) == INVALID
    assert error(exchange(back_end, token, authorization_details="x")) == INVALID


# §6: "client credentials"


def system(site: Site, browser: TestClient, **more: Any) -> RelyingParty:
    """An organisation's batch; what only people may do at the API is not for it."""
    scopes = {
        "read": ResourceScope({"en": "Read"}),
        "write": ResourceScope({"en": "Write"}, profile_kinds=("citizen",)),
    }
    register_api(site, scopes=scopes)
    values: dict[str, Any] = {
        "client_id": "batch",
        "redirect_uris": [],
        "scope": "read write",
        "organisation": ORGANISATION,
        "resources": [PRESCRIPTIONS],
        "metadata": ClientMetadata(grant_types=("client_credentials",)),
    }
    return register(site, browser, **(values | more))


def obtained(rp: RelyingParty, **more: str) -> Response:
    headers = {"Authorization": basic(rp.client.client_id, rp.client_secret)}
    return rp.browser.post(
        "/token", data={"grant_type": "client_credentials", **more}, headers=headers
    )


def test_a_system_may_name_what_it_may_do_and_have_no_more(
    site: Site, backchannel: TestClient
) -> None:
    batch = system(site, backchannel)
    asked = details("read", identifier=ONE)
    answer = obtained(batch, authorization_details=asked)
    assert says(answer, asked)
    assert "scope" not in answer.json()
    assert segment(answer.json()["access_token"], 1)["scope"] == ""
    both = obtained(batch, authorization_details=asked, scope="read")
    assert says(both, asked)
    assert both.json()["scope"] == "read"
    assert "authorization_details" not in obtained(batch).json()


@pytest.mark.parametrize(
    "asked",
    [
        details("write"),
        details("read", "write"),
        details("unknown"),
        details("read", location=REPORTS),
        details("read", identifier="03410100128"),
        json.dumps([{"type": "profile", "kinds": ["citizen"]}]),
        "x",
        "[]",
    ],
)
def test_a_system_has_nothing_that_is_for_people_or_for_others(
    site: Site, backchannel: TestClient, asked: str
) -> None:
    assert error(obtained(system(site, backchannel), authorization_details=asked)) == INVALID


def test_a_system_may_use_the_types_alone_that_it_registered(
    site: Site, backchannel: TestClient
) -> None:  # §10
    said = ClientMetadata(
        grant_types=("client_credentials",), authorization_details_types=("profile",)
    )
    batch = system(site, backchannel, metadata=said)
    assert error(obtained(batch, authorization_details=details("read"))) == INVALID


def test_who_manages_grants_has_no_details(site: Site, backchannel: TestClient) -> None:
    manager = register(
        site,
        backchannel,
        client_id="manager",
        scope="openid grant_management_query",
        metadata=ClientMetadata(grant_types=("authorization_code", "client_credentials")),
    )
    scope = "grant_management_query"
    assert obtained(manager, scope=scope).status_code == 200
    answer = obtained(manager, scope=scope, authorization_details=details("read"))
    assert error(answer) == INVALID


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "locations", "actions", "identifier", "kinds", "sub"])
            | st.text(max_size=6),
            children
            | st.sampled_from([*TYPES, "read", "write", "citizen", [PRESCRIPTIONS], ["read"]]),
            max_size=5,
        )
    ),
    max_leaves=14,
)
HELD: list[dict[str, Any]] = [
    *json.loads(GRANTED),
    {"type": "profile", "kind": "citizen", "sub": "c" * 22},
    {"type": "desk_act", "locations": [PRESCRIPTIONS], "act": "block-all", "person": "x"},
]


@pytest.mark.one_engine
@examples(max_examples=300, suppress_health_check=[HealthCheck.differing_executors])
@given(asked=st.dictionaries(st.text(max_size=8), _JSON) | _JSON.filter(lambda x: type(x) is dict))
def test_whatever_is_asked_is_compared_without_a_crash(asked: dict[str, Any]) -> None:
    for granted in HELD:
        if is_within(asked, granted, TODAY):
            assert asked["type"] == granted["type"]
            assert {*asked.get("actions", ())} <= {*granted.get("actions", ())}
