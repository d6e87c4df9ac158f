"""FAPI 2.0 Message Signing, Final
(https://openid.net/specs/fapi-message-signing-2_0-final.html): authorization requests (§5.3), their
answers (§5.4) and introspection answers (§5.5), signed, for clients under the Security Profile.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.foreign_jwt import read_key_set, verify_jws
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import Held, issue
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey, asserted
from tests.oidc.fapi import DPOP, MTLS, PROXY, FapiParty, behind_a_proxy, fapi_party
from tests.oidc.pushing import bring
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, segment
from tests.oidc.resource_servers import API, resource_server

pytestmark = pytest.mark.thorough

FAPI_ALGORITHMS = ("ES256", "PS256", "EdDSA")
TYP = "token-introspection+jwt"


@pytest.fixture
def root(clock: MovableClock) -> Held:
    """The authority that vouches for clients."""
    return issue("Root", clock(), ca=True)


@pytest.fixture
def settings(settings: Settings, root: Held, tmp_path: Path) -> Settings:
    return behind_a_proxy(settings, root, tmp_path)


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What connects is the proxy."""
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1), follow_redirects=False) as client:
        yield client


@pytest.fixture(params=[DPOP, MTLS])
def party(
    request: pytest.FixtureRequest,
    site: Site,
    client: TestClient,
    backchannel: TestClient,
    root: Held,
    holder: Holder,
) -> FapiParty:
    """A client that must sign what it asks."""
    return fapi_party(
        site,
        client,
        backchannel,
        root,
        bound_by=request.param,
        require_signed_request_object=True,
        resources=[API],
    )


def request_object(party: FapiParty, key: ClientKey | None = None, **changes: Any) -> str:
    """A request object as it must be, changed; None leaves a claim out."""
    now = int(party.now.timestamp())
    said: dict[str, Any] = {"iss": party.client_id, "aud": ORIGIN, "nbf": now, "exp": now + 300}
    header = {"typ": "oauth-authz-req+jwt"} | changes.pop("header", {})
    claims = {**party.rp.request(), **said, **changes}
    present = {name: value for name, value in claims.items() if value is not None}
    return (key or party.key).sign(present, **header)


def push(party: FapiParty, token: str, **beside: str) -> Response:
    """The answer of /par to a request object."""
    return party.post("/par", {"request": token, **beside})


def accepted(answer: Response) -> bool:
    """Whether a request was accepted; if not, it is its request object that was refused."""
    if answer.status_code == 201:
        return True
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error in ("invalid_request_object", "invalid_request", "invalid_redirect_uri")
    return False


def verified(party: RelyingParty, token: str, alg: str = "ES256") -> dict[str, Any]:
    """The claims of what we signed, by the keys that we publish."""
    return verify_jws(token, read_key_set(party.browser.get("/jwks").json()), [alg])


# §5.3.1, signed authorization requests


def test_a_signed_request_is_pushed_and_answered(party: FapiParty) -> None:  # 1
    request_uri = push(party, request_object(party, state="inside")).json()["request_uri"]
    answer = answer_of(bring(party.rp, request_uri), party.rp.redirect_uri)
    assert answer["state"] == "inside"
    tokens = party.redeem(answer["code"]).json()
    assert party.userinfo(tokens["access_token"]).status_code == 200


def test_an_unsigned_request_is_refused(party: FapiParty) -> None:  # 1
    assert not accepted(party.push())
    assert not accepted(push(party, request_object(party, header={"alg": "none"})))


def test_only_what_is_inside_counts(party: FapiParty) -> None:  # 1, RFC 9101 §6.3
    token = request_object(party, state=None, nonce="inside")
    beside = {"client_id": party.client_id, "state": "outside", "nonce": "outside"}
    request_uri = push(party, token, **beside).json()["request_uri"]
    answer = answer_of(bring(party.rp, request_uri), party.rp.redirect_uri)
    assert "state" not in answer
    tokens = party.redeem(answer["code"]).json()
    assert segment(tokens["id_token"], 1)["nonce"] == "inside"


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"aud": [ORIGIN]}, True),  # 2
        ({"aud": [ORIGIN, "https://other.example"]}, True),
        ({"aud": None}, False),
        ({"aud": f"{ORIGIN}/par"}, False),
        ({"aud": ["https://other.example"]}, False),
        ({"iss": "other"}, False),
        ({"client_id": "other"}, False),
        ({"redirect_uri": None}, False),
        ({"redirect_uri": "https://evil.example/callback"}, False),
        ({"header": {"typ": "JWT"}}, True),
        ({"header": {"typ": "at+jwt"}}, False),
        ({"header": {"alg": "HS256"}}, False),
        ({"header": {"kid": "another"}}, False),
    ],
)
@pytest.mark.one_engine
def test_for_whom_and_from_whom_it_is(
    party: FapiParty, changes: dict[str, Any], good: bool
) -> None:
    assert accepted(push(party, request_object(party, **changes))) is good


@pytest.mark.parametrize(
    ("nbf", "exp", "good"),
    [
        (None, 300, False),  # 3
        (0, None, False),  # 4
        (-3600, 0, True),
        (-3601, -1, False),
        (0, 3600, True),
        (0, 3601, False),
        (-300, -61, False),
        (8, 300, True),  # Security Profile §5.3.2.1, point 13
        (61, 300, False),
    ],
)
@pytest.mark.one_engine
def test_when_it_is_valid(party: FapiParty, nbf: int | None, exp: int | None, good: bool) -> None:
    now = int(party.now.timestamp())
    times: dict[str, Any] = {
        "nbf": nbf if nbf is None else now + nbf,
        "exp": exp if exp is None else now + exp,
    }
    assert accepted(push(party, request_object(party, **times))) is good


def test_another_key_signs_nothing(party: FapiParty) -> None:
    other = ClientKey("ES256", kid=party.key.kid)
    assert not accepted(push(party, request_object(party, other)))


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_the_algorithms_of_a_request(
    site: Site, client: TestClient, backchannel: TestClient, root: Held, holder: Holder, alg: str
) -> None:  # Security Profile §5.4.1
    keys = [ClientKey.shared(each).jwk_public for each in ("ES256", "PS256", "EdDSA", "RS256")]
    party = fapi_party(site, client, backchannel, root, jwks={"keys": keys})
    answer = push(party, request_object(party, ClientKey.shared(alg)))
    assert accepted(answer) is (alg != "RS256")


def test_a_signed_request_that_was_not_pushed_is_refused(party: FapiParty) -> None:
    answer = party.rp.answer(request=request_object(party))
    assert answer["error"] == "invalid_request"


# §5.4.1, signed authorization responses


def response_of(party: FapiParty, **asked: Any) -> str:
    """The one parameter of the answer."""
    token = request_object(party, response_mode="jwt", **asked)
    request_uri = push(party, token).json()["request_uri"]
    answer = answer_of(bring(party.rp, request_uri), party.rp.redirect_uri)
    assert answer.keys() == {"response"}  # and `iss` is inside (note)
    return answer["response"]


def test_the_answer_is_signed(party: FapiParty) -> None:  # 1
    claims = verified(party.rp, response_of(party, state="s"))
    assert claims.keys() == {"iss", "aud", "exp", "code", "state"}
    assert (claims["iss"], claims["aud"], claims["state"]) == (ORIGIN, party.client_id, "s")
    assert 0 < claims["exp"] - party.now.timestamp() <= 600
    assert party.redeem(claims["code"]).status_code == 200


def test_an_error_is_signed_too(party: FapiParty) -> None:  # 1
    claims = verified(party.rp, response_of(party, prompt="none", max_age="0"))
    assert claims["error"] == "login_required"


@pytest.mark.parametrize("alg", FAPI_ALGORITHMS)
def test_the_algorithms_of_an_answer(
    site: Site, client: TestClient, backchannel: TestClient, root: Held, holder: Holder, alg: str
) -> None:
    party = fapi_party(site, client, backchannel, root, authorization_signed_response_alg=alg)
    assert "code" in verified(party.rp, response_of(party), alg)


@pytest.mark.parametrize("asked", [None, "query", "form_post"])
def test_who_must_be_answered_so_is_never_answered_otherwise(
    site: Site,
    client: TestClient,
    backchannel: TestClient,
    root: Held,
    holder: Holder,
    asked: str | None,
) -> None:  # 1: "require use of", by the client metadata of §5.3.3
    party = fapi_party(site, client, backchannel, root, response_modes=("jwt",))
    refused = party.push(response_mode=asked)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    for mode in ("jwt", "query.jwt"):  # JARM §2.3.4: the same, for a code
        assert "code" in verified(party.rp, party.answer(response_mode=mode)["response"])
    came = party.rp.answer(response_mode=asked)  # an error goes as it must be too
    assert verified(party.rp, came["response"])["error"] == "invalid_request"


# §5.5.1, signed introspection responses


@pytest.mark.parametrize("alg", ["", *FAPI_ALGORITHMS])
@pytest.mark.one_engine
def test_what_a_resource_server_is_told_is_signed(
    site: Site, party: FapiParty, alg: str
) -> None:  # 1, RFC 9701 §5
    server = resource_server(
        site, party.http, metadata=ClientMetadata(introspection_signed_response_alg=alg)
    )
    asked = request_object(party, scope="openid letters", resource=API)
    request_uri = push(party, asked).json()["request_uri"]
    answer = answer_of(bring(party.rp, request_uri), party.rp.redirect_uri)
    token = party.redeem(answer["code"]).json()["access_token"]
    answered = server.introspect(token, f"application/{TYP}")
    assert answered.headers["content-type"] == f"application/{TYP}"
    assert segment(answered.text, 0)["typ"] == TYP
    claims = verified(server.client, answered.text, alg or "RS256")
    told = claims["token_introspection"]
    assert (claims["iss"], claims["aud"]) == (ORIGIN, "letters")
    assert (told["active"], told["client_id"]) == (True, party.client_id)
    assert told["cnf"] == segment(token, 1)["cnf"]


def test_a_resource_server_under_the_profile_is_not_told_by_rs256(
    site: Site, client: TestClient, backchannel: TestClient, root: Held
) -> None:  # Security Profile §5.4.1
    server = fapi_party(site, client, backchannel, root, client_id="letters")
    answer = backchannel.post(
        "/introspect",
        data=asserted(server.assertion(), token="x"),
        headers={"Accept": f"application/{TYP}"},
    )
    told = verified(server.rp, answer.text, "ES256")["token_introspection"]
    assert told == {"active": False}
