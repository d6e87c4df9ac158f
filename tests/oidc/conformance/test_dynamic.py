"""The plan oidcc-dynamic-certification-test-plan, for the response type `code`.

The plan as a whole can't be passed, and this is decided. One module of it fails, whichever response
type is chosen for it, and that is oidcc-discovery-endpoint-verification. This plan runs it with
`client_registration` = `dynamic_client` (the Config plan runs it with `static_client`, and it
passes). Two of its conditions then want what is given by the front channel (Core §15.2, Discovery
§3), which is not done here (RFC 9700 §2.1.2): OIDCCCheckDiscEndpointResponseTypesSupportedDynamic
wants `code`, `id_token` and `token id_token` in `response_types_supported`, and
OIDCCCheckDiscEndpointGrantTypesSupportedDynamic `authorization_code` and `implicit` in
`grant_types_supported` (which could be left out; the first can't). Every other module can be.

oidcc-idtoken-rs256: test_rs256_is_what_a_client_gets
oidcc-idtoken-unsigned: - skipped: `none` is not one of the algorithms in the metadata
oidcc-userinfo-rs256: test_userinfo_is_signed_for_who_wants_it
oidcc-ensure-redirect-uri-in-authorization-request: test_without_a_redirect_uri_it_is_a_page
oidcc-redirect-uri-query-OK: test_the_query_of_a_redirect_uri_stays
oidcc-redirect-uri-query-mismatch: test_another_query_is_another_address
oidcc-redirect-uri-query-added: test_another_query_is_another_address
oidcc-redirect-uri-regfrag: test_a_redirect_uri_has_no_fragment
oidcc-discovery-endpoint-verification: test_the_front_channel_is_not_offered
oidcc-server: test_basic.test_the_code_flow
oidcc-registration-logo-uri: test_what_people_may_read_is_accepted
oidcc-registration-policy-uri: test_what_people_may_read_is_accepted
oidcc-registration-tos-uri: test_what_people_may_read_is_accepted
oidcc-registration-jwks-uri: test_the_keys_may_be_at_an_address
oidcc-registration-sector-uri: test_the_sector_names_each_redirect_uri
oidcc-registration-sector-bad: test_a_sector_that_does_not_name_them_is_refused
oidcc-server-rotate-keys: test_the_provider_s_keys_change
oidcc-refresh-token-rp-key-rotation: test_the_client_s_keys_change
oidcc-request-uri-unsigned: - skipped: `none` is not one of the algorithms of request objects
oidcc-request-uri-signed-rs256: test_a_request_object_at_an_address
oidcc-ensure-request-object-with-redirect-uri: - skipped: the same; signed, it is \
test_the_redirect_uri_inside_counts
oidcc-refresh-token: test_basic.test_refresh_tokens
oidcc-ensure-client-assertion-with-iss-aud-succeeds: test_an_assertion_may_be_for_the_issuer
the registration is taken back afterwards: test_a_client_unregisters
"""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from authn.keys.rotation import rotate
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.conformance import checks
from tests.oidc.conformance.party import (
    ASSERTION_TYPE,
    KEY,
    REDIRECT_URI,
    Party,
    random_value,
    unsigned,
)
from tests.published import Published

pytestmark = pytest.mark.thorough

Register = Callable[..., Party]
QUERY = "?dummy1=lorem&dummy2=ipsum"


@pytest.fixture
def new_party(new_party: Register) -> Register:
    """Clients of this plan authenticate with a key."""
    return lambda **said: new_party(**{"token_endpoint_auth_method": KEY} | said)


def named(key: RSAKey, kid: str) -> dict[str, Any]:
    """The key set of a client whose key has a name."""
    return {"keys": [{**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "RS256"}]}


@pytest.mark.one_engine
def test_the_front_channel_is_not_offered(new_party: Register) -> None:
    metadata = new_party().metadata
    assert metadata["response_types_supported"] == ["code"]
    assert "implicit" not in metadata["grant_types_supported"]


def test_rs256_is_what_a_client_gets(new_party: Register) -> None:
    party = new_party(id_token_signed_response_alg="RS256")
    assert party.told["id_token_signed_response_alg"] == "RS256"
    party.tokens()
    assert new_party().told["id_token_signed_response_alg"] == "RS256"  # and who says nothing


def test_userinfo_is_signed_for_who_wants_it(new_party: Register) -> None:
    party = new_party(userinfo_signed_response_alg="RS256")
    tokens = party.tokens()
    answer = party.userinfo(tokens["access_token"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwt"
    claims = checks.signed(answer.text, party.keys(), "RS256")
    assert claims["sub"] == tokens["claims"]["sub"]
    assert claims["iss"] == party.metadata["issuer"]
    assert claims["aud"] in (party.client_id, [party.client_id])
    assert "nonce" not in claims


def test_without_a_redirect_uri_it_is_a_page(new_party: Register) -> None:
    party = new_party()
    assert party.visit(party.request(redirect_uri=None)).is_error_page


def test_the_query_of_a_redirect_uri_stays(new_party: Register) -> None:
    party = new_party(redirect_uris=[REDIRECT_URI + QUERY])
    for parameters in ({}, {"response_type": "none"}):
        came = party.arrive(**parameters)
        assert (came.pop("dummy1"), came.pop("dummy2")) == ("lorem", "ipsum")
        assert came["state"] == party.asked["state"]
        assert ("code" in came) is not bool(parameters)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        (REDIRECT_URI + QUERY, REDIRECT_URI + "?dummy1=lorem&dummy2=other"),
        (REDIRECT_URI + "?foo=bar", REDIRECT_URI),
        (REDIRECT_URI, REDIRECT_URI + "?foo=bar"),
    ],
)
def test_another_query_is_another_address(new_party: Register, registered: str, asked: str) -> None:
    party = new_party(redirect_uris=[registered])
    assert party.visit(party.request(redirect_uri=asked)).is_error_page


@pytest.mark.one_engine
def test_a_redirect_uri_has_no_fragment(new_party: Register) -> None:
    refused = new_party().post_registration(redirect_uris=[REDIRECT_URI + "#foobar"])
    checks.registration_error(refused, "invalid_redirect_uri", "invalid_client_metadata")


@pytest.mark.one_engine
@pytest.mark.parametrize("name", ["logo_uri", "policy_uri", "tos_uri"])
def test_what_people_may_read_is_accepted(new_party: Register, name: str) -> None:
    party = new_party(**{name: f"https://suite.example/{name}"})
    assert party.told[name] == f"https://suite.example/{name}"
    party.tokens()


def test_the_keys_may_be_at_an_address(new_party: Register, published: Published) -> None:
    jwks = new_party().jwks
    address = published.put("/jwks", jwks, content_type="application/json")
    new_party(jwks=None, jwks_uri=address).tokens()
    assert published.asked == ["/jwks"]


@pytest.mark.parametrize("path", ["/redirect_uris.json"])
def test_the_sector_names_each_redirect_uri(
    new_party: Register, published: Published, path: str
) -> None:
    address = published.put(path, [REDIRECT_URI], content_type="application/json")
    party = new_party(subject_type="pairwise", sector_identifier_uri=address)
    assert party.told["sector_identifier_uri"] == address
    assert party.told["subject_type"] == "pairwise"


@pytest.mark.one_engine
@pytest.mark.parametrize("document", [["https://suite.example/other"], [], {}, "x"])
def test_a_sector_that_does_not_name_them_is_refused(
    new_party: Register, published: Published, document: Any
) -> None:
    address = published.put("/redirect_uris.json", document)
    refused = new_party().post_registration(subject_type="pairwise", sector_identifier_uri=address)
    checks.registration_error(refused, "invalid_client_metadata")


def test_the_provider_s_keys_change(new_party: Register, site: Site, clock: MovableClock) -> None:
    party = new_party()
    before = {key.kid for key in party.keys().keys if key.get("use") == "sig"}
    kid = rotate(site.database, site.settings, site.secrets, clock(), "RS256", at_once=True)
    clock.advance(seconds=61)
    after = {key.kid for key in party.keys().keys if key.get("use") == "sig"}
    assert before < after  # a new one, beside the old (Core §10.1.1)
    token = party.tokens()["id_token"]
    assert jws.extract_compact(token.encode()).headers()["kid"] == kid


def test_the_client_s_keys_change(
    new_party: Register, published: Published, clock: MovableClock
) -> None:
    first, second = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    address = published.put("/jwks", named(first, "first"))
    party = new_party(
        jwks=None,
        jwks_uri=address,
        grant_types=["authorization_code", "refresh_token"],
        key="first",
    )
    party.key, scope = first, "openid offline_access"
    tokens = party.tokens(scope=scope, prompt="consent")
    published.put("/jwks", named(second, "second"))
    party.key = second
    clock.advance(seconds=60)
    refreshed = checks.token_answer(
        party.ask_tokens(
            grant_type="refresh_token",
            refresh_token=tokens["refresh_token"],
            scope=scope,
            client_assertion=party.assertion(kid="second"),
        )
    )
    assert party.userinfo(refreshed["access_token"]).status_code == 200


def request_object(party: Party, **changes: Any) -> dict[str, Any]:
    """The claims of a request object, as the suite writes them."""
    audience = {"aud": party.metadata["issuer"], "iss": party.client_id}
    return {**party.request(), **audience, **changes}


def test_a_request_object_at_an_address(new_party: Register, published: Published) -> None:
    path = "/requesturi/" + random_value(96)
    address = published.address + path
    party = new_party(request_object_signing_alg="RS256", request_uris=[address])
    published.put(path, party.sign(request_object(party)).encode(), content_type="application/jose")
    beside = {name: party.asked[name] for name in ("client_id", "scope", "response_type")}
    came = party.callback(party.visit(beside | {"request_uri": address}))
    checks.authorization_answer(came, party.metadata["issuer"], party.asked)
    party.id_token(checks.token_answer(party.redeem(came["code"])))


def test_the_redirect_uri_inside_counts(new_party: Register) -> None:
    party = new_party()
    inside = party.sign(request_object(party))
    outside = party.asked | {"redirect_uri": "https://suite.example/elsewhere"}
    came = party.callback(party.visit(outside | {"request": inside}))
    assert "code" in came
    nothing = party.asked | {"request": unsigned(request_object(party))}
    assert party.callback(party.visit(nothing))["error"] == "invalid_request_object"


def test_an_assertion_may_be_for_the_issuer(new_party: Register) -> None:
    party = new_party()
    for aud in (party.metadata["issuer"], party.metadata["token_endpoint"]):
        assertion = party.assertion(aud)
        answer = party.redeem(
            party.code(), client_assertion=assertion, client_assertion_type=ASSERTION_TYPE
        )
        checks.token_answer(answer)


def test_a_client_unregisters(new_party: Register) -> None:
    party = new_party()
    token = {"Authorization": f"Bearer {party.told['registration_access_token']}"}
    path = party.told["registration_client_uri"].removeprefix(party.metadata["issuer"])
    assert checks.json_answer(party.http.get(path, headers=token))["client_id"] == party.client_id
    assert party.http.delete(path, headers=token).status_code == 204  # RFC 7592 §2.3
    assert party.http.get(path, headers=token).status_code == 401
    assert party.visit(party.request()).is_error_page
