"""The JWT bearer grant: RFC 7523 §2.1 and §3 (https://www.rfc-editor.org/rfc/rfc7523#section-3)."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.clients.assertion_issuers import (
    AssertionIssuer,
    InvalidIssuer,
    register_assertion_issuer,
)
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import JWT_BEARER
from authn.db.transaction import writing
from authn.secrets import new_token
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.refreshing import events
from tests.oidc.relying_party import Holder, RelyingParty, basic, register, segment
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.test_cost import counted
from tests.together import at_once

pytestmark = pytest.mark.thorough

ISSUER = "https://partner.example"
Assertion = Callable[..., str]


@pytest.fixture
def letters(site: Site, backchannel: TestClient) -> ResourceServer:
    return resource_server(site, backchannel)


@pytest.fixture
def hospital(
    site: Site, client: TestClient, holder: Holder, letters: ResourceServer
) -> RelyingParty:
    """The application by whose `sub` the issuer names people."""
    return application(site, client, scope="openid profile letters")


@pytest.fixture
def partner(site: Site, hospital: RelyingParty, backchannel: TestClient) -> RelyingParty:
    """The client that presents the issuer's assertions."""
    made = register(
        site,
        backchannel,
        client_id="partner",
        redirect_uris=[],
        metadata=ClientMetadata(grant_types=(JWT_BEARER,)),
        scope="letters",
        resources=[API],
    )
    with writing(site.database) as connection:
        register_assertion_issuer(connection, site.secrets, issuer_of(site))
    return made


def issuer_of(site: Site, **changes: Any) -> AssertionIssuer:
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "jwks": ClientKey.shared("ES256").jwks,
        "jwks_uri": None,
        "client_id": "partner",
        "subject_client_id": "hospital",
        "created_at": site.clock(),
    }
    return AssertionIssuer(**(values | changes))


@pytest.fixture
def sub(hospital: RelyingParty) -> str:
    """Hanne, as the hospital knows her; she has allowed it the letters."""
    tokens = hospital.tokens(scope="openid letters", resource=API)
    subject: str = segment(tokens["id_token"], 1)["sub"]
    return subject


@pytest.fixture
def assertion(clock: MovableClock, sub: str) -> Assertion:
    """What the issuer signs; with changes to its claims, None to leave one out."""

    def signed(
        key: ClientKey | None = None, header: dict[str, Any] | None = None, /, **changes: Any
    ) -> str:
        claims = {
            "iss": ISSUER,
            "sub": sub,
            "aud": ORIGIN,
            "jti": new_token(16),
            "iat": int(clock().timestamp()),
            "exp": int((clock() + timedelta(minutes=2)).timestamp()),
        } | changes
        said = {name: value for name, value in claims.items() if value is not None}
        return (key or ClientKey.shared("ES256")).sign(said, **(header or {}))

    return signed


def present(partner: RelyingParty, assertion: str | None, /, **form: str) -> Response:
    fields = {"grant_type": JWT_BEARER, **form}
    if assertion is not None:
        fields["assertion"] = assertion
    headers = {"Authorization": basic(partner.client.client_id, partner.client_secret)}
    return partner.browser.post("/token", data=fields, headers=headers)


def error(answer: Response) -> str:
    assert answer.status_code == 400, answer.text
    code: str = answer.json()["error"]
    return code


def test_a_token_about_the_person(
    site: Site, partner: RelyingParty, assertion: Assertion, letters: ResourceServer
) -> None:  # §2.1
    answer = present(partner, assertion())
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert given.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert given["scope"] == "letters"
    assert given["expires_in"] == 120  # never longer than the assertion
    told = letters.learns(given["access_token"])
    assert told["active"] is True
    assert told["client_id"] == "partner"
    assert told["act"] == {"sub": "partner"}
    assert events(site, "assertion.redeemed") == 1


def test_it_ends_with_what_the_person_allowed(
    site: Site,
    partner: RelyingParty,
    assertion: Assertion,
    letters: ResourceServer,
    client: TestClient,
) -> None:
    token = present(partner, assertion()).json()["access_token"]
    client.cookies.clear()  # signs nobody out: the session goes on at the service
    assert letters.learns(token)["active"] is True
    with writing(site.database) as connection:
        connection.exec_driver_sql("UPDATE sessions SET ended_at = auth_time")
    assert letters.learns(token) == {"active": False}
    assert error(present(partner, assertion())) == "invalid_grant"


def test_an_assertion_is_good_once(partner: RelyingParty, assertion: Assertion) -> None:  # §3 7
    one = assertion()
    assert present(partner, one).status_code == 200
    assert error(present(partner, one)) == "invalid_grant"


def test_of_two_at_once_one_succeeds(partner: RelyingParty, assertion: Assertion) -> None:
    one = assertion()
    answers = at_once(lambda: present(partner, one), threads=4)
    statuses = [answer.status_code for answer in answers if isinstance(answer, Response)]
    assert sorted(statuses) == [200, 400, 400, 400]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://stranger.example"},
        {"iss": None},
        {"iss": 7},
        {"sub": "nobody"},
        {"sub": None},
        {"sub": ["x"]},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": [ORIGIN]},
        {"aud": [ORIGIN, "https://other.example"]},
        {"aud": ORIGIN + "/"},
        {"exp": None},
        {"exp": 0},
        {"exp": "9999999999"},
        {"exp": 99999999999},
        {"nbf": 99999999999},
        {"iat": 99999999999},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 256},
    ],
)
@pytest.mark.one_engine
def test_claims_that_are_refused(
    partner: RelyingParty, assertion: Assertion, changes: dict[str, Any]
) -> None:  # §3
    assert error(present(partner, assertion(**changes))) == "invalid_grant"


def test_signatures_that_are_refused(partner: RelyingParty, assertion: Assertion) -> None:
    stranger = ClientKey("ES256", kid=ClientKey.shared("ES256").kid)
    assert error(present(partner, assertion(stranger))) == "invalid_grant"
    for header in (
        {"alg": "none"},
        {"alg": "HS256"},
        {"typ": "at+jwt"},
        {"jwk": stranger.jwk_public},
        {"jku": "https://stranger.example/jwks"},
        {"crit": ["exp"]},
    ):
        assert error(present(partner, assertion(None, header))) == "invalid_grant"


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "a.b", "é.é.é", "e30.e30.", "." * 40, "x" * 20_000]
)
@pytest.mark.one_engine
def test_garbage(partner: RelyingParty, text: str) -> None:
    expected = "invalid_grant" if text else "invalid_request"
    assert error(present(partner, text)) == expected


def test_any_claims(partner: RelyingParty, assertion: Assertion) -> None:
    names = st.sampled_from(["iss", "sub", "aud", "exp", "jti"])
    values = st.none() | st.integers(-(2**62), 2**62) | st.text(max_size=40)

    @hypothesis.settings(max_examples=30, deadline=None)
    @given(st.dictionaries(names, values))
    def tried(changes: dict[str, Any]) -> None:
        answer = present(partner, assertion(**changes))
        assert answer.status_code in (200, 400)
        assert not changes or answer.status_code == 400 or changes.keys() <= {"jti"}

    tried()


def test_only_the_registered_client_with_the_grant_type(
    site: Site, partner: RelyingParty, assertion: Assertion, backchannel: TestClient
) -> None:
    metadata = ClientMetadata(grant_types=(JWT_BEARER,))
    other = register(
        site, backchannel, client_id="other", redirect_uris=[], metadata=metadata, resources=[API]
    )
    assert error(present(other, assertion())) == "invalid_grant"
    without = register(
        site,
        backchannel,
        client_id="without",
        redirect_uris=[],
        metadata=ClientMetadata(grant_types=()),
    )
    assert error(present(without, assertion())) == "unauthorized_client"


def test_never_more_than_the_person_allowed(
    partner: RelyingParty, hospital: RelyingParty, assertion: Assertion, clock: MovableClock
) -> None:
    answer = present(partner, assertion(), scope="letters openid")
    assert error(answer) == "invalid_scope"
    assert error(present(partner, assertion(), resource="https://x.example/")) == "invalid_target"
    clock.advance(seconds=1)
    hospital.tokens(scope="openid")  # what she allowed last has no letters
    assert "scope" not in present(partner, assertion()).json()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"subject_client_id": "nobody"},
        {"jwks": None},
        {"jwks_uri": "https://partner.example/jwks"},
        {"jwks": {"keys": []}},
        {"jwks": None, "jwks_uri": "http://partner.example/jwks"},
        {"issuer": ""},
        {"issuer": "x" * 501},
        {},  # twice
    ],
)
@pytest.mark.one_engine
def test_issuers_that_are_refused(
    site: Site, partner: RelyingParty, changes: dict[str, Any]
) -> None:
    issuer = replace(issuer_of(site), **({"issuer": "https://next.example"} | changes))
    if not changes:
        issuer = issuer_of(site)
    with writing(site.database) as connection, pytest.raises(InvalidIssuer):
        register_assertion_issuer(connection, site.secrets, issuer)


def test_the_command_line(
    site: Site, settings: Settings, partner: RelyingParty, assertion: Assertion, tmp_path: Path
) -> None:
    run_command(settings, "assertion-issuers", "remove", ISSUER)
    assert error(present(partner, assertion())) == "invalid_grant"
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(ClientKey.shared("ES256").jwks))
    run_command(
        settings,
        *("assertion-issuers", "add", ISSUER, "--client", "partner"),
        *("--subject-client", "hospital", "--jwks", str(keys)),
    )
    assert ISSUER in run_command(settings, "assertion-issuers", "list").stdout
    assert present(partner, assertion()).status_code == 200


def test_what_an_assertion_costs(site: Site, partner: RelyingParty, assertion: Assertion) -> None:
    present(partner, assertion())  # keys are read
    fresh = assertion()
    with counted(site) as seen:
        assert present(partner, fresh).status_code == 200
    # client, resource, issuer; the assertion, spent; grant; subject; the record of it
    assert len(seen) - seen.count("COMMIT") == 7, seen
    assert seen.count("COMMIT") == 1
