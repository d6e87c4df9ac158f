"""OpenID Connect Discovery 1.0 (https://openid.net/specs/openid-connect-discovery-1_0.html), RFC
8414 (https://www.rfc-editor.org/rfc/rfc8414): what is listed works, and what works is listed."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import event
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import ASSERTION_ALGORITHMS, AUTH_METHODS
from authn.clients.clients import GRANT_TYPES as GRANT_TYPE_NAMES
from authn.clients.clients import RESPONSE_MODES as RESPONSE_MODE_NAMES
from authn.consents.authorization_details import TYPES
from authn.consents.registrable import registrable_by_operator
from authn.consents.scopes import SCOPES
from authn.foreign_jwt import CONTENT_ENCRYPTIONS, KEY_ENCRYPTIONS_TO_OTHERS, SIGNATURES
from authn.grants.authorization_request import RESPONSE_MODES
from authn.jose import ALGORITHMS, KEY_ENCRYPTIONS
from authn.oidc.client_authentication.authentication import METHODS
from authn.oidc.endpoints import routes
from authn.oidc.requests.parameters import DISPLAYS
from authn.oidc.requests.request_objects import REQUEST_OBJECT_ALGORITHMS
from authn.oidc.requests.requested_authentication import PROMPTS
from authn.oidc.token import GRANT_TYPES
from authn.oidc.tokens.dpop import DPOP_ALGORITHMS
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import push
from tests.oidc.refreshing import REFRESHING
from tests.oidc.registrant import REDIRECT_URI
from tests.oidc.relying_party import Holder, RelyingParty, register, segment
from tests.oidc.resource_servers import API as LETTERS
from tests.oidc.resource_servers import SCOPE, application, resource_server

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
Metadata = dict[str, Any]
ADDRESSES = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
# Endpoints that another one's answer names, or that are no protocol's.
NAMED_ELSEWHERE = {
    "/register/{client_id}",
    "/clients/{client_id}/logo",
    "/developers/example/jwks",
    "/grants/{grant_id}",
    *ADDRESSES,
}
ANSWERS = ("id_token", "userinfo", "authorization", "introspection")


@pytest.fixture
def metadata(client: TestClient) -> Metadata:
    document: Metadata = client.get(ADDRESSES[0]).json()
    return document


# The document


def test_both_names_give_the_same_document(client: TestClient) -> None:
    answers = [client.get(address) for address in ADDRESSES]
    assert answers[0].content == answers[1].content == client.get(ADDRESSES[0]).content
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_database_is_not_asked(client: TestClient, site: Site) -> None:
    asked = []
    for engine in (site.database.reader, site.database.writer):
        event.listen(engine, "before_cursor_execute", lambda *all_of_it: asked.append(all_of_it))
    for address in ADDRESSES:
        assert client.get(address).status_code == 200
    assert asked == []


def test_the_issuer_is_ours_exactly(metadata: Metadata) -> None:  # §4.3
    assert metadata["issuer"] == ORIGIN
    assert metadata["service_documentation"] == f"{ORIGIN}/developers"


def test_every_list_is_one_that_the_code_goes_by(metadata: Metadata, site: Site) -> None:
    lists: dict[str, Iterable[str]] = {
        "scopes_supported": SCOPES,
        "grant_types_supported": GRANT_TYPES,
        "response_types_supported": ["code"],
        "response_modes_supported": RESPONSE_MODES,
        "prompt_values_supported": PROMPTS,
        "display_values_supported": DISPLAYS,
        "authorization_details_types_supported": TYPES,
        "dpop_signing_alg_values_supported": DPOP_ALGORITHMS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "request_object_signing_alg_values_supported": REQUEST_OBJECT_ALGORITHMS,
        "request_object_encryption_alg_values_supported": KEY_ENCRYPTIONS,
        "request_object_encryption_enc_values_supported": CONTENT_ENCRYPTIONS,
        "ui_locales_supported": ["nl", "fr", "de", "en"],
        "subject_types_supported": ["pairwise"],
        "code_challenge_methods_supported": ["S256"],
    }
    for answer in ANSWERS:
        lists |= {
            f"{answer}_signing_alg_values_supported": ALGORITHMS,
            f"{answer}_encryption_alg_values_supported": KEY_ENCRYPTIONS_TO_OTHERS,
            f"{answer}_encryption_enc_values_supported": CONTENT_ENCRYPTIONS,
        }
    for name, values in lists.items():
        assert metadata[name] == list(values), name
    # What a registration may name is what is listed.
    assert set(SIGNATURES) == set(ASSERTION_ALGORITHMS) == set(REQUEST_OBJECT_ALGORITHMS)
    offer = registrable_by_operator(site.settings)
    assert tuple(GRANT_TYPES) == GRANT_TYPE_NAMES
    assert tuple(RESPONSE_MODES) == RESPONSE_MODE_NAMES
    assert list(offer.auth_methods) == metadata["token_endpoint_auth_methods_supported"]
    assert list(offer.grant_types) == metadata["grant_types_supported"]


def test_every_way_to_authenticate_is_one_that_can_be_registered() -> None:
    assert set(METHODS) == set(AUTH_METHODS)


def test_every_endpoint_is_listed_and_every_listed_one_answers(
    metadata: Metadata, client: TestClient
) -> None:
    endpoints = {name: url for name, url in metadata.items() if name.endswith(("_endpoint", "uri"))}
    assert len(endpoints) >= 9
    # Nothing is at this one itself: each grant is under it.
    endpoints["grant_management_endpoint"] += "/some-grant"
    for url in endpoints.values():
        assert url.startswith(ORIGIN + "/")
        assert client.get(url).status_code in (200, 400, 401, 405)
    of_the_protocol = {route.path for route in routes if isinstance(route, Route)}
    listed = {url.removeprefix(ORIGIN) for url in metadata.values() if isinstance(url, str)}
    unlisted = {path for path in of_the_protocol if path not in NAMED_ELSEWHERE} - listed
    # The rest are pages of these endpoints.
    assert {path for path in unlisted if not path.startswith(("/logout", "/device"))} == set()


def test_the_key_set_is_open_to_all(metadata: Metadata, client: TestClient) -> None:
    answer = client.get(metadata["jwks_uri"])
    assert answer.headers["access-control-allow-origin"] == "*"
    keys = answer.json()["keys"]
    assert {key["alg"] for key in keys if key["use"] == "sig"} == set(
        metadata["id_token_signing_alg_values_supported"]
    )
    assert {key["alg"] for key in keys if key["use"] == "enc"} == set(
        metadata["request_object_encryption_alg_values_supported"]
    )


# Who calls


def test_certificates_are_listed_where_they_can_be_seen(
    settings: Settings, clock: MovableClock, metadata: Metadata
) -> None:
    assert metadata["tls_client_certificate_bound_access_tokens"] is False
    assert "mtls_endpoint_aliases" not in metadata
    methods = "token_endpoint_auth_methods_supported"
    assert not {"tls_client_auth", "self_signed_tls_client_auth"} & set(metadata[methods])
    behind_a_proxy = {
        "trusted_proxies": "127.0.0.1",
        "client_certificate_header": "Client-Cert",
        "mtls_origin": "https://mtls.example",
    }
    app = create_app(settings.model_copy(update=behind_a_proxy), clock=clock)
    document = TestClient(app).get(ADDRESSES[0]).json()
    app.state.site.database.close()
    assert document["tls_client_certificate_bound_access_tokens"] is True
    assert "self_signed_tls_client_auth" in document[methods]
    assert "tls_client_auth" not in document[methods]  # without roots nobody has one
    aliases = document["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://mtls.example/token"
    assert aliases.keys() <= document.keys()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.one_engine
def test_every_way_to_authenticate_and_every_algorithm_works(
    metadata: Metadata, make_rp: MakeRP, holder: Holder, method: str, alg: str
) -> None:
    assert method in metadata["token_endpoint_auth_methods_supported"]
    assert alg in metadata["id_token_signing_alg_values_supported"]
    rp = make_rp(token_endpoint_auth_method=method, id_token_signed_response_alg=alg)
    assert segment(rp.allowed_by(holder).tokens()["id_token"], 0)["alg"] == alg


@pytest.mark.parametrize("alg", ASSERTION_ALGORITHMS)
def test_every_algorithm_of_an_assertion_and_of_a_proof_works(
    metadata: Metadata, make_rp: MakeRP, holder: Holder, alg: str
) -> None:
    for endpoint in ("token", "revocation", "introspection"):
        assert alg in metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    key = ClientKey.shared(alg)
    rp = make_rp(
        token_endpoint_auth_method="private_key_jwt", metadata=ClientMetadata(jwks=key.jwks)
    ).allowed_by(holder)
    rp.client_secret = ""
    signed = assertion(rp.client.client_id, ORIGIN, key, rp.site.clock())
    proof = DpopKey(alg).proof("POST", metadata["token_endpoint"], rp.site.clock())
    answer = rp.browser.post(
        "/token",
        data=asserted(
            signed,
            grant_type="authorization_code",
            code=rp.code(),
            redirect_uri=rp.redirect_uri,
            code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        headers={"DPoP": proof},
    )
    assert answer.json().get("token_type") == "DPoP", answer.text


# What may be asked


def test_every_scope_gives_its_claims(metadata: Metadata, make_rp: MakeRP, holder: Holder) -> None:
    scope = " ".join(metadata["scopes_supported"])
    rp = make_rp(scope=scope, may_read_ssin=True, metadata=REFRESHING).allowed_by(holder, scope)
    tokens = rp.tokens(scope=scope)
    assert set(tokens["scope"].split()) == set(scope.split())
    told = rp.userinfo(tokens["access_token"]).json().keys()
    assert told == {"userProfile", *(claim for claims in SCOPES.values() for claim in claims)}
    # `act` is told of who acts for another.
    told |= segment(tokens["id_token"], 1).keys() | {"act"}
    assert told == set(metadata["claims_supported"])


def test_every_value_of_a_request_works(
    metadata: Metadata, rp: RelyingParty, holder: Holder
) -> None:
    rp.allowed_by(holder)
    for response_type in metadata["response_types_supported"]:
        assert "code" in rp.answer(response_type=response_type)
    for mode in metadata["response_modes_supported"]:
        assert rp.authorize(response_mode=mode).status_code in (200, 303)
    for prompt in metadata["prompt_values_supported"]:
        assert "error=" not in rp.authorize(prompt=prompt).headers["location"]
    for display in metadata["display_values_supported"]:
        assert "code" in rp.answer(display=display)
    for method in metadata["code_challenge_methods_supported"]:
        assert "code" in rp.answer(code_challenge_method=method)
    for acr in metadata["acr_values_supported"]:
        assert "error=" not in rp.authorize(acr_values=acr).headers["location"]
    for language in metadata["ui_locales_supported"]:
        assert "code" in rp.answer(ui_locales=language)


def test_every_grant_type_is_known_and_no_other(metadata: Metadata, rp: RelyingParty) -> None:
    for grant_type in metadata["grant_types_supported"]:
        assert rp.redeem(None, grant_type=grant_type).json()["error"] != "unsupported_grant_type"
    unknown = rp.redeem(None, grant_type="password").json()
    assert unknown["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("alg", REQUEST_OBJECT_ALGORITHMS)
def test_every_algorithm_of_a_request_object_works(
    metadata: Metadata, make_rp: MakeRP, holder: Holder, alg: str
) -> None:
    assert metadata["request_parameter_supported"] is True
    key = ClientKey.shared(alg)
    rp = make_rp(metadata=ClientMetadata(jwks=key.jwks)).allowed_by(holder)
    request = rp.request() | {"iss": rp.client.client_id, "aud": ORIGIN}
    assert "code" in rp.answer(request=key.sign(request))


def test_requests_may_be_pushed(metadata: Metadata, rp: RelyingParty) -> None:
    assert metadata["require_pushed_authorization_requests"] is False
    assert metadata["pushed_authorization_request_endpoint"] == f"{ORIGIN}/par"
    assert push(rp).status_code == 201


def test_the_parameter_claims_works(metadata: Metadata, rp: RelyingParty, holder: Holder) -> None:
    assert metadata["claims_parameter_supported"] is True
    rp.allowed_by(holder)
    claims = '{"id_token": {"family_name": null}}'
    assert "family_name" in segment(rp.tokens(claims=claims)["id_token"], 1)


# What is answered


@cache
def decryption_key(alg: str) -> RSAKey | ECKey:
    if alg.startswith("RSA"):
        return RSAKey.generate_key(2048, private=True)
    return ECKey.generate_key("P-256", private=True)


def jwks_for(alg: str) -> dict[str, Any]:
    public = decryption_key(alg).as_dict(private=False)
    return {"keys": [{**public, "use": "enc", "alg": alg, "kid": "enc"}]}


@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS_TO_OTHERS)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
@pytest.mark.one_engine
def test_every_way_to_encrypt_works(
    site: Site, client: TestClient, backchannel: TestClient, holder: Holder, alg: str, enc: str
) -> None:
    members: dict[str, Any] = {
        name: value
        for answer in ANSWERS
        for name, value in (
            (f"{answer}_encrypted_response_alg", alg),
            (f"{answer}_encrypted_response_enc", enc),
        )
    }
    encrypted = ClientMetadata(jwks=jwks_for(alg), **members)
    api = resource_server(site, backchannel, metadata=encrypted)
    told = application(site, client).allowed_by(holder, SCOPE)
    token = told.tokens(scope=SCOPE, resource=LETTERS)["access_token"]
    accept = "application/token-introspection+jwt"
    assert decrypted(api.introspect(token, accept).text, alg, enc)
    rp = register(site, client, redirect_uris=[REDIRECT_URI], metadata=encrypted).allowed_by(holder)
    assert decrypted(rp.answer(response_mode="jwt")["response"], alg, enc)
    tokens = rp.redeem(rp.code()).json()
    assert decrypted(tokens["id_token"], alg, enc)
    assert decrypted(rp.userinfo(tokens["access_token"]).text, alg, enc, signed=False)


def decrypted(token: str, alg: str, enc: str, *, signed: bool = True) -> bool:
    """Whether the client can open it, and finds what it should."""
    header = segment(token, 0)
    assert (header["alg"], header["enc"]) == (alg, enc)
    inside = jwe.decrypt_compact(token, decryption_key(alg), [alg, enc]).plaintext
    assert inside
    return inside.count(b".") == 2 if signed else inside.startswith(b"{")


def test_iss_is_in_every_answer(metadata: Metadata, rp: RelyingParty, holder: Holder) -> None:
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert rp.allowed_by(holder).answer()["iss"] == ORIGIN
