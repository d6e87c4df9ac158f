"""The parameter `claims`: OpenID Connect Core 1.0 §5.5
(https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter).

Its `acr` is in test_core_acr.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.oidc.requests.json_parameters import InvalidClaims, read_claims
from authn.secrets import read_token
from authn.web.site import Site
from tests.citizen import KARIM
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, segment, sign_in

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
NUMBER = "03410100128"


def asking(**members: Any) -> str:
    return json.dumps(members)


def told(rp: RelyingParty, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the ID token and userinfo say about the person."""
    tokens = rp.tokens(**parameters)
    return segment(tokens["id_token"], 1), rp.userinfo(tokens["access_token"]).json()


def path_of(rp: RelyingParty, **parameters: Any) -> str:
    return urlsplit(rp.authorize(**parameters).headers["location"]).path


@pytest.fixture
def ours(make_rp: MakeRP) -> RelyingParty:
    """An application of the operator's, whose people are asked nothing."""
    return make_rp(first_party=True, scope="openid profile ssin")


# §5.5: "userinfo", "id_token"
def test_a_claim_is_given_where_it_is_asked(ours: RelyingParty, holder: Holder) -> None:
    claims = asking(userinfo={"family_name": None}, id_token={"given_name": {"essential": True}})
    id_token, userinfo = told(ours, scope="openid", claims=claims)
    assert id_token["given_name"] == "Hanne"
    assert "family_name" not in id_token
    assert userinfo == {"sub": id_token["sub"], "family_name": "Van der Meulen"}


def test_claims_are_besides_those_of_the_scopes(ours: RelyingParty, holder: Holder) -> None:
    claims = asking(id_token={"birthdate": None})
    id_token, userinfo = told(ours, scope="openid profile", claims=claims)
    assert id_token["birthdate"] == userinfo["birthdate"] == "1903-01-01"
    assert userinfo["name"] == "Hanne Van der Meulen"
    assert "name" not in id_token


# §5.5: "Any members used that are not understood MUST be ignored."
@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"userinfo": {}, "id_token": {}},
        {"others": {"x": None}},
        {"userinfo": {"http://example.info/claims/groups": None, "picture": {"essential": True}}},
        {"userinfo": {"name#fr": None}, "id_token": {"auth_time": {"essential": True}}},
        {"userinfo": {"sub": None}, "id_token": {"sub": {"essential": True}, "acr": None}},
    ],
)
def test_what_is_not_understood_is_ignored(
    ours: RelyingParty, holder: Holder, claims: dict[str, Any]
) -> None:
    id_token, userinfo = told(ours, scope="openid", claims=json.dumps(claims))
    assert userinfo == {"sub": id_token["sub"]}
    assert "auth_time" in id_token


def test_an_essential_claim_that_is_not_known_is_no_error(
    ours: RelyingParty, holder: Holder
) -> None:  # §5.5.1
    claims = asking(userinfo={"birthdate": {"essential": True, "value": "1999-01-01"}})
    assert told(ours, scope="openid", claims=claims)[1]["birthdate"] == "1903-01-01"


@pytest.mark.parametrize(
    "claims",
    [
        "x",
        "[]",
        '"userinfo"',
        "null",
        "NaN",
        '{"userinfo": []}',
        '{"userinfo": null}',
        '{"id_token": "sub"}',
        '{"userinfo": {"name": true}}',
        '{"userinfo": {"name": {"essential": "yes"}}}',
        '{"userinfo": {"name": {"values": "x"}}}',
        '{"userinfo": {"name": {"value": "x", "values": ["x"]}}}',
        '{"userinfo": {}, "userinfo": {}}',
        '{"userinfo": {"name": null, "name": null}}',
        '{"userinfo": {"\\ud800": null}}',
        '{"id_token": {"sub": {"values": ["a", "b"]}}}',
        '{"userinfo": {"name": {"value": [[[[]]]]}}}',
        "[" * 4000,
        json.dumps({"userinfo": {f"claim{number}": None for number in range(101)}}),
        json.dumps({"userinfo": {"name": {"value": "x" * 4096}}}),
        '{"userinfo": {"name": {"value": ' + "9" * 4000 + "}}}",
    ],
)
@pytest.mark.one_engine
def test_what_is_malformed_is_an_invalid_request(
    rp: RelyingParty, holder: Holder, claims: str
) -> None:
    answer = rp.allowed_by(holder).answer(claims=claims)
    assert answer["error"] == "invalid_request"
    assert answer["error_description"].isascii()


# Decisions 1.5: a number that arrives in `claims` is dropped on arrival.
@pytest.mark.parametrize("name", ["ssin", "sub", "acr", "birthdate", NUMBER])
def test_no_value_but_of_acr_and_sub_is_kept(
    site: Site, ours: RelyingParty, client: TestClient, name: str
) -> None:
    individual = {"value": NUMBER}
    claims = asking(userinfo={name: individual}, id_token={name: individual})
    location = ours.authorize(claims=claims).headers["location"]
    assert NUMBER not in location
    token = parse_qs(urlsplit(location).query).get("request")
    if token is None:  # a `sub` that nobody has
        assert "login_required" in location
        return
    content = read_token(site.secrets, "authorization-request", token[0], site.clock())
    assert NUMBER not in str(content)


def test_plain_oauth_has_no_claims(site: Site, make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(first_party=True)
    tokens = rp.tokens(scope="profile", claims=asking(id_token={"name": None}))
    assert "id_token" not in tokens


def test_who_may_not_ask_the_scope_may_not_ask_its_claims(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(first_party=True, scope="openid")
    claims = asking(userinfo={"name": None, "ssin": None}, id_token={"birthdate": None})
    id_token, userinfo = told(rp, scope="openid", claims=claims)
    assert userinfo == {"sub": id_token["sub"]}
    assert "birthdate" not in id_token


# Decisions 1.5: the national number at userinfo alone, by permission.
def test_the_national_number_as_a_claim_is_the_scope(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(first_party=True, scope="openid ssin", may_read_ssin=True)
    asked = {"ssin": {"essential": True}}
    tokens = rp.tokens(scope="openid", claims=asking(userinfo=asked, id_token=asked))
    assert tokens["scope"] == "openid ssin"
    assert "ssin" not in segment(tokens["id_token"], 1)
    assert rp.userinfo(tokens["access_token"]).json()["ssin"] == NUMBER


def test_without_the_permission_it_is_not_given(ours: RelyingParty, holder: Holder) -> None:
    tokens = ours.tokens(scope="openid", claims=asking(userinfo={"ssin": None}))
    assert tokens["scope"] == "openid"
    assert "ssin" not in ours.userinfo(tokens["access_token"]).json()


def test_in_the_id_token_alone_it_is_asked_nowhere(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(first_party=True, scope="openid ssin", may_read_ssin=True)
    tokens = rp.tokens(scope="openid", claims=asking(id_token={"ssin": None}))
    assert tokens["scope"] == "openid"


# §5.5.1: the answer is about this person, or there is none.
@pytest.mark.parametrize("place", ["id_token", "userinfo"])
@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_sub_that_is_named_is_the_only_one_answered(
    site: Site,
    ours: RelyingParty,
    holder: Holder,
    client: TestClient,
    place: str,
    prompt: str | None,
) -> None:
    sub = told(ours)[0]["sub"]
    claims = asking(**{place: {"sub": {"value": sub}}})
    assert told(ours, claims=claims, prompt=prompt)[0]["sub"] == sub
    hold_device(site, client, KARIM)
    assert ours.answer(claims=claims, prompt=prompt)["error"] == "login_required"
    sign_in(site, client, holder.held)
    assert "code" in ours.answer(claims=asking(**{place: {"sub": {"values": [sub]}}}))


@pytest.mark.parametrize("value", ["", "x", NUMBER, 1, None, ["x"], "é" * 30, "x" * 65])
def test_a_sub_that_nobody_has_is_login_required(
    ours: RelyingParty, holder: Holder, value: object
) -> None:
    claims = asking(id_token={"sub": {"value": value}})
    assert ours.answer(claims=claims)["error"] == "login_required"


def test_two_persons_cannot_be_one(ours: RelyingParty, holder: Holder) -> None:
    hint = ours.tokens()["id_token"]
    other = asking(id_token={"sub": {"value": "x" * 43}})
    assert ours.answer(claims=other, id_token_hint=hint)["error"] == "login_required"
    own = asking(id_token={"sub": {"value": segment(hint, 1)["sub"]}})
    assert "code" in ours.answer(claims=own, id_token_hint=hint)


# §5.5: what is not in a granted scope is allowed by the person, each claim by itself.
def test_a_claim_that_was_not_allowed_is_asked(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder, "openid")
    claims = asking(userinfo={"birthdate": None})
    assert path_of(rp, scope="openid", claims=claims) == "/consent"
    refused = rp.answer(scope="openid", claims=claims, prompt="none")
    assert refused["error"] == "consent_required"
    rp.allowed_by(holder, "claim/birthdate")
    assert told(rp, scope="openid", claims=claims, prompt="none")[1]["birthdate"] == "1903-01-01"
    assert path_of(rp, scope="openid", claims=asking(id_token={"name": None})) == "/consent"


def test_a_claim_of_an_allowed_scope_is_not_asked_again(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder, "openid profile")
    claims = asking(id_token={"birthdate": None})
    assert "code" in rp.answer(scope="openid profile", claims=claims)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id_token", "userinfo", "sub", "acr", "name", "value", "values"])
            | st.text(max_size=6),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.one_engine
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(max_size=60) | _JSON.map(json.dumps))
def test_garbage_is_read_or_refused(text: str) -> None:
    try:
        read = read_claims(text)
    except InvalidClaims:
        return
    assert "ssin" not in read.id_token
    assert all(isinstance(value, str) for value in (*read.acr_values, *(read.essential_acr or ())))
