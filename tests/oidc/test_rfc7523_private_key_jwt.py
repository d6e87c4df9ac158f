"""Clients that sign who they are: `private_key_jwt`.

RFC 7523 §3 (https://www.rfc-editor.org/rfc/rfc7523#section-3), RFC 7521 §4.2, OpenID Connect Core
1.0 §9, and for FAPI clients FAPI 2.0 Security Profile §5.3.2.1.
"""

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from joserfc import jws
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.clients import ASSERTION_ALGORITHMS
from authn.db.once import forget_spent_tokens, spent_tokens
from authn.db.transaction import reading, writing
from authn.oidc.client_authentication.client_assertion import LONGEST_ASSERTION
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ASSERTION_TYPE, ClientKey, asserted
from tests.oidc.relying_party import b64, basic
from tests.oidc.systems import ORGANISATION, System, add_resource, register_system
from tests.published import Published, publishing
from tests.together import at_once

pytestmark = pytest.mark.thorough

garbage = examples(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SOMEBODY_ELSE = "https://op.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing() as published:
        yield published


@pytest.fixture
def system(site: Site, backchannel: TestClient) -> System:
    add_resource(site)
    return register_system(site, backchannel)


def fapi_system(site: Site, backchannel: TestClient, key: ClientKey | None = None) -> System:
    add_resource(site)
    return register_system(
        site,
        backchannel,
        key,
        profile="fapi2",
        metadata={"dpop_bound_access_tokens": True},
    )


def authenticates(system: System, signed: str, **form: str) -> bool:
    """Whether the assertion was accepted; whatever else a FAPI client needs is not looked at."""
    answer = system.post(signed=signed, **form)
    if answer.status_code == 200:
        return True
    error = answer.json()["error"]
    if error == "invalid_client":
        assert answer.status_code == 401
        return False
    assert error == "invalid_request", answer.text
    return True


# What is accepted


def test_a_client_authenticates_with_a_jwt_that_it_signed(system: System) -> None:
    answer = system.post()
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.one_engine
@pytest.mark.parametrize("alg", ASSERTION_ALGORITHMS)
def test_each_algorithm_that_is_listed(
    site: Site, backchannel: TestClient, client: TestClient, alg: str
) -> None:
    add_resource(site)
    system = register_system(site, backchannel, ClientKey.shared(alg))
    assert system.post().status_code == 200
    discovery = client.get("/.well-known/openid-configuration").json()
    listed = discovery["token_endpoint_auth_signing_alg_values_supported"]
    assert set(listed) == set(ASSERTION_ALGORITHMS)
    assert "private_key_jwt" in discovery["token_endpoint_auth_methods_supported"]


def test_client_id_may_be_sent_beside_it_and_must_agree(system: System) -> None:  # RFC 7521 §4.2
    assert system.post(client_id=system.client.client_id).status_code == 200
    answer = system.post(client_id="hospital")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "client-authentication+jwt"])
def test_its_type_is_left_out_or_one_of_two(system: System, typ: str | None) -> None:
    assert authenticates(system, system.assertion(header={"typ": typ}))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "logout+jwt", "", 7, ["JWT"]])
def test_a_jwt_of_another_kind_is_refused(system: System, typ: Any) -> None:  # RFC 8725 §3.11
    assert not authenticates(system, system.assertion(header={"typ": typ}))


# For whom: RFC 7523 §3 (3), §5 of the architecture: the issuer or the endpoint, one string


@pytest.mark.parametrize("aud", [ORIGIN, f"{ORIGIN}/token"])
def test_it_is_for_the_issuer_or_the_token_endpoint(system: System, aud: str) -> None:
    assert authenticates(system, system.assertion(aud))


@pytest.mark.parametrize(
    "aud",
    [
        None,
        "",
        [],
        [ORIGIN],
        [ORIGIN, SOMEBODY_ELSE],
        [SOMEBODY_ELSE, f"{ORIGIN}/token"],
        {"a": ORIGIN},
        SOMEBODY_ELSE,
        f"{ORIGIN}/",
        f"{ORIGIN}/token/",
        f"{ORIGIN}/token?",
        f"{ORIGIN}/token#",
        f"{ORIGIN}/par",
        f"{ORIGIN}/introspect",
        f"{ORIGIN}/authorize",
        f"{ORIGIN}.example",
        f"{ORIGIN}@op.example",
        f" {ORIGIN}",
        f"{ORIGIN} {SOMEBODY_ELSE}",
        ORIGIN.upper(),
        ORIGIN.replace("http", "https"),
        ORIGIN.partition("://")[2],
    ],
)
@pytest.mark.one_engine
def test_it_is_for_nobody_else_beside(system: System, aud: Any) -> None:
    assert not authenticates(system, system.assertion(aud))


@pytest.mark.parametrize("path", ["/par", "/introspect", "/revoke"])
def test_at_another_endpoint_its_own_address_is_right_as_well(system: System, path: str) -> None:
    for aud in (ORIGIN, f"{ORIGIN}/token", f"{ORIGIN}{path}"):
        answer = system.post(path, signed=system.assertion(aud), token="none", scope="a")
        assert answer.json() if path == "/introspect" else True
        assert answer.status_code != 401 or path == "/introspect", answer.text
    other = {"/par": "/revoke", "/introspect": "/par", "/revoke": "/introspect"}[path]
    answer = system.post(path, signed=system.assertion(f"{ORIGIN}{other}"), token="none")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_that_of_a_fapi_client_is_for_the_issuer_alone(
    site: Site, backchannel: TestClient
) -> None:  # FAPI 2.0 §5.3.2.1
    system = fapi_system(site, backchannel)
    assert authenticates(system, system.assertion(ORIGIN))
    for aud in (f"{ORIGIN}/token", [ORIGIN], f"{ORIGIN}/par"):
        assert not authenticates(system, system.assertion(aud))


# Who


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"sub": None},
        {"iss": "hospital"},
        {"iss": ""},
        {"iss": [f"cbe-{ORGANISATION}"]},
        {"iss": f"CBE-{ORGANISATION}"},
    ],
)
def test_issuer_and_subject_are_the_client(system: System, changes: dict[str, Any]) -> None:
    assert not authenticates(system, system.assertion(**changes))


@pytest.mark.parametrize("sub", ["", "nobody", "x" * 1000, 7, ["cbe-0406798006"], {"a": 1}])
def test_a_subject_that_is_no_client(system: System, sub: Any) -> None:
    assert not authenticates(system, system.assertion(sub=sub, iss=sub))


def test_one_client_cannot_sign_for_another(
    site: Site, backchannel: TestClient, system: System
) -> None:
    other = register_system(site, backchannel, ClientKey("ES256"), organisation="0308357159")
    signed = system.assertion(iss=other.client.client_id, sub=other.client.client_id)
    assert not authenticates(system, signed)


# When


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"exp": None}, False),
        ({"exp": -1}, True),  # two clocks differ a little
        ({"exp": -59}, True),
        ({"exp": -60}, False),
        ({"exp": -300}, False),
        ({"exp": 300}, True),
        ({"exp": 301}, False),
        ({"exp": 3600}, False),
        ({"exp": 360, "iat": None}, True),
        ({"exp": 361, "iat": None}, False),
        ({"exp": 290, "iat": -30}, False),
        ({"iat": None}, True),
        ({"iat": 60}, True),
        ({"iat": 61}, False),
        ({"iat": -250, "exp": 50}, True),
        ({"nbf": 60}, True),
        ({"nbf": 61}, False),
        ({"nbf": -1000}, True),
    ],
)
@pytest.mark.one_engine
def test_it_lives_five_minutes_at_most(
    system: System, clock: MovableClock, changes: dict[str, int | None], accepted: bool
) -> None:
    now = int(clock().timestamp())
    claims = {name: None if value is None else now + value for name, value in changes.items()}
    assert authenticates(system, system.assertion(**claims)) is accepted


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1772443860", True, [], {}, -1, 10**400, 1e308, "", "now"])
@pytest.mark.one_engine
def test_a_time_that_is_none_is_refused(system: System, name: str, value: Any) -> None:
    signed = raw(system.key, system, {name: value})
    assert not authenticates(system, signed)


def raw(key: ClientKey, system: System, changes: dict[str, Any]) -> str:
    """An assertion as Python's own JSON writes it: with numbers of any length."""
    claims = json.loads(base64.urlsafe_b64decode(system.assertion().split(".")[1] + "=="))
    payload = json.dumps(claims | changes).encode()
    return jws.serialize_compact({"alg": key.alg, "kid": key.kid}, payload, key.key)


# Once


def test_it_is_good_once(system: System) -> None:  # RFC 7523 §3 (7), Core §9
    signed = system.assertion()
    assert system.post(signed=signed).status_code == 200
    answer = system.post(signed=signed)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_two_at_once_are_one(app: Starlette, system: System) -> None:
    signed = system.assertion()

    def attempt() -> int:
        data = asserted(signed, grant_type="client_credentials")
        return TestClient(app, base_url=ORIGIN).post("/token", data=data).status_code

    assert sorted(map(str, at_once(attempt, threads=6))) == ["200"] + ["401"] * 5


def test_another_signature_of_the_same_jti_is_the_same(system: System) -> None:
    assert authenticates(system, system.assertion(jti="one"))
    assert not authenticates(system, system.assertion(jti="one"))
    assert authenticates(system, system.assertion(jti="two"))


def test_a_refusal_that_comes_later_has_spent_it(system: System) -> None:
    signed = system.assertion()
    answer = system.post(signed=signed, scope="openid")
    assert answer.json()["error"] == "invalid_scope"
    assert not authenticates(system, signed)


def test_it_is_spent_at_endpoints_that_only_read(
    site: Site, backchannel: TestClient, system: System
) -> None:
    add_resource(site, "https://other.example", client_id=system.client.client_id)
    signed = system.assertion()
    answer = system.post("/introspect", signed=signed, token="none")
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    assert not authenticates(system, signed)


def test_two_clients_may_have_the_same_jti(
    site: Site, backchannel: TestClient, system: System
) -> None:
    other = register_system(site, backchannel, ClientKey("ES256"), organisation="0308357159")
    assert authenticates(system, system.assertion(jti="one"))
    assert authenticates(other, other.assertion(jti="one"))


def test_what_was_refused_is_not_spent(system: System) -> None:
    """Else anybody could take a client's jti away by sending it without the key."""
    assert not authenticates(system, system.assertion(key=ClientKey("ES256"), jti="one"))
    assert authenticates(system, system.assertion(jti="one"))


def test_it_is_remembered_for_as_long_as_it_would_be_accepted(
    site: Site, system: System, clock: MovableClock
) -> None:
    signed = system.assertion()
    assert authenticates(system, signed)
    clock.advance(seconds=119)
    with writing(site.database) as connection:
        forget_spent_tokens(connection, clock())
    assert not authenticates(system, signed)
    clock.advance(seconds=2)
    with writing(site.database) as connection:
        assert forget_spent_tokens(connection, clock()) == 1
    assert not authenticates(system, signed)
    with reading(site.database) as connection:
        assert connection.execute(select(spent_tokens)).all() == []


@pytest.mark.parametrize("jti", [None, "", 7, ["a"], "x" * 256])
def test_it_has_a_jti(system: System, jti: Any) -> None:
    assert not authenticates(system, system.assertion(jti=jti))


# Signed with what


def test_another_key_is_refused(system: System) -> None:
    assert not authenticates(system, system.assertion(key=ClientKey("ES256")))
    stranger = ClientKey("ES256", kid=system.key.kid)
    assert not authenticates(system, system.assertion(key=stranger))


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"alg": ""},
        {"alg": None},
        {"alg": ["ES256"]},
        {"kid": "another"},
        {"kid": 7},
        {"crit": ["exp"]},
        {"crit": []},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/x5u"},
        {"jwk": ClientKey.shared("ES256").jwk_public},
        {"b64": False},
        {"zip": "DEF"},
    ],
)
def test_a_header_that_says_something_else_is_refused(
    system: System, header: dict[str, Any]
) -> None:
    assert not authenticates(system, system.assertion(header=header))


@pytest.mark.one_engine
def test_none_and_a_shared_secret_sign_nothing(system: System) -> None:
    _, claims, signature = system.assertion().split(".")
    none = b64({"alg": "none"})
    assert not authenticates(system, f"{none}.{claims}.")
    assert not authenticates(system, f"{none}.{claims}.{signature}")
    public = json.dumps(system.key.jwk_public).encode()
    for secret in (public, system.key.key.as_pem(private=False)):
        signed = f"{b64({'alg': 'HS256'})}.{claims}"
        tag = hmac.digest(secret, signed.encode(), "sha256")
        assert not authenticates(system, f"{signed}.{b64(tag)}")


def test_the_algorithm_that_is_registered_is_the_only_one(
    site: Site, backchannel: TestClient
) -> None:  # Core §9, Registration §2
    add_resource(site)
    ps256, rs256 = ClientKey.shared("PS256"), ClientKey.shared("RS256")
    jwks = {"keys": [ps256.jwk_public, rs256.jwk_public]}
    system = register_system(
        site,
        backchannel,
        ps256,
        metadata={"jwks": jwks, "token_endpoint_auth_signing_alg": "PS256"},
    )
    assert authenticates(system, system.assertion())
    assert not authenticates(system, system.assertion(key=rs256))


def test_rs256_is_not_for_fapi_clients(site: Site, backchannel: TestClient) -> None:
    system = fapi_system(site, backchannel, ClientKey.shared("RS256"))
    assert not authenticates(system, system.assertion())


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_stronger_ones_are(site: Site, backchannel: TestClient, alg: str) -> None:
    system = fapi_system(site, backchannel, ClientKey.shared(alg))
    assert authenticates(system, system.assertion())


def test_a_fapi_client_has_no_secret(site: Site, backchannel: TestClient) -> None:
    system = fapi_system(site, backchannel)
    answer = backchannel.post(
        "/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": basic(system.client.client_id, "s" * 43)},
    )
    assert answer.json()["error"] == "invalid_client"


# Keys at a jwks_uri


def at_uri(site: Site, backchannel: TestClient, published: Published, key: ClientKey) -> System:
    add_resource(site)
    uri = published.put("/jwks", key.jwks)
    return register_system(site, backchannel, key, metadata={"jwks": None, "jwks_uri": uri})


def test_keys_are_fetched_once(site: Site, backchannel: TestClient, published: Published) -> None:
    system = at_uri(site, backchannel, published, ClientKey("ES256"))
    assert [system.post().status_code for _ in range(3)] == [200] * 3
    assert published.asked == ["/jwks"]


@pytest.mark.parametrize("kid", [{}, {"kid": None}])
def test_a_new_key_is_found_within_30_seconds(
    site: Site,
    backchannel: TestClient,
    published: Published,
    clock: MovableClock,
    kid: dict[str, None],
) -> None:  # Core §10.1.1
    system = at_uri(site, backchannel, published, ClientKey("ES256"))
    assert system.post().status_code == 200
    system.key = ClientKey("ES256")
    published.put("/jwks", system.key.jwks)
    assert not authenticates(system, system.assertion(header=kid))
    clock.advance(seconds=30)
    assert authenticates(system, system.assertion(header=kid))
    assert published.asked == ["/jwks", "/jwks"]


def test_a_key_set_that_cannot_be_had_is_no_client(
    site: Site, backchannel: TestClient, published: Published
) -> None:
    system = at_uri(site, backchannel, published, ClientKey("ES256"))
    published.put("/jwks", b"", 500)
    for _ in range(3):
        assert not authenticates(system, system.assertion())
    assert published.asked == ["/jwks"]


# Beside others, and garbage


def test_one_way_at_a_time(system: System) -> None:  # RFC 6749 §2.3
    secret = system.post(client_secret="s" * 43)
    assert (secret.status_code, secret.json()["error"]) == (400, "invalid_request")
    data = asserted(system.assertion(), grant_type="client_credentials")
    header = {"Authorization": basic(system.client.client_id, "s" * 43)}
    both = system.backchannel.post("/token", data=data, headers=header)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion_type": ""},
        {"client_assertion_type": ASSERTION_TYPE.upper()},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": None},
        {"client_assertion": None},
        {"client_assertion": ""},
    ],
)
def test_the_type_is_exactly_that_of_a_jwt(
    system: System, changes: dict[str, str | None]
) -> None:  # RFC 7523 §2.2
    sent = asserted(system.assertion(), grant_type="client_credentials") | changes
    data = {name: value for name, value in sent.items() if value is not None}
    answer = system.backchannel.post("/token", data=data)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_who_is_registered_with_a_secret_does_not_sign(site: Site, backchannel: TestClient) -> None:
    add_resource(site)
    system = register_system(
        site,
        backchannel,
        client_id="batch",
        token_endpoint_auth_method="client_secret_basic",
    )
    assert not authenticates(system, system.assertion())


@pytest.mark.one_engine
@garbage
@given(st.text() | st.binary().map(lambda value: b64(value)))
def test_whatever_an_assertion_is_it_is_refused_politely(system: System, text: str) -> None:
    for sent in (text, f"{text}.{text}.{text}", "a." + text + ".b"):
        answer = system.backchannel.post(
            "/token", data=asserted(sent, grant_type="client_credentials")
        )
        assert (answer.status_code, answer.json()["error"]) in {
            (400, "invalid_request"),
            (401, "invalid_client"),
        }


@pytest.mark.one_engine
@garbage
@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
        min_size=1,
    )
)
def test_whatever_it_says_signed_it_is_answered(system: System, claims: dict[str, Any]) -> None:
    answer = system.post(signed=raw(system.key, system, claims))
    assert answer.status_code in (200, 401)


@pytest.mark.one_engine
def test_a_very_long_one_is_not_read(system: System) -> None:
    assert not authenticates(system, system.assertion(more="x" * LONGEST_ASSERTION))
    header = b64(b"[" * 8000)
    assert not authenticates(system, f"{header}.{header[:100]}.x")
