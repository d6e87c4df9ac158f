"""The development server lets in who has a key of its set, and nobody else.

RFC 7523 section 3 (https://www.rfc-editor.org/rfc/rfc7523) and RFC 6750 section 3.1.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from authn import jose
from authn.demo.authentic_sources import ASSERTION_TYPE
from authn.jose import ES256, generate_key, import_private_key, numeric_date, sign
from tests.conftest import MovableClock
from tests.sources_server import MOTHER, Running

pytestmark = pytest.mark.one_engine


def key_of(real: Running) -> jose.OwnKey:
    """The private key that the server's key set knows."""
    return import_private_key(ES256, real.key.read_bytes())


def claims(real: Running, clock: MovableClock, **changes: Any) -> dict[str, Any]:
    """The claims of an assertion that is accepted, with changes; None leaves one out."""
    said = {
        "iss": "authn-test",
        "sub": "authn-test",
        "aud": f"{real.url}/token",
        "exp": numeric_date(clock() + timedelta(minutes=1)),
        "jti": "once",
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def asked(real: Running, assertion: str, **changes: str) -> httpx2.Response:
    """The answer of the token endpoint."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **changes,
    }
    return httpx2.post(f"{real.url}/token", data=form)


def test_an_assertion_of_a_known_key_is_good_once(real: Running, clock: MovableClock) -> None:
    assertion = sign(key_of(real), claims(real, clock))
    answer = asked(real, assertion)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"
    assert asked(real, assertion).json() == {"error": "invalid_client"}


WRONG: dict[str, Callable[[MovableClock], dict[str, Any]]] = {
    "another audience": lambda clock: {"aud": "http://localhost:1/token"},
    "no audience": lambda clock: {"aud": None},
    "another subject": lambda clock: {"sub": "other"},
    "no issuer": lambda clock: {"iss": None, "sub": None},
    "expired": lambda clock: {"exp": numeric_date(clock())},
    "good for a day": lambda clock: {"exp": numeric_date(clock() + timedelta(days=1))},
    "no end": lambda clock: {"exp": None},
    "no jti": lambda clock: {"jti": None},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_assertion_that_breaks_a_rule_is_refused(
    real: Running, clock: MovableClock, wrong: str
) -> None:
    assertion = sign(key_of(real), claims(real, clock, **WRONG[wrong](clock)))
    answer = asked(real, assertion)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_key_that_is_not_in_the_set_is_refused(real: Running, clock: MovableClock) -> None:
    assert asked(real, sign(generate_key(ES256), claims(real, clock))).status_code == 401
    assert asked(real, "garbage").status_code == 401


def test_other_requests_for_a_token_are_refused(real: Running, clock: MovableClock) -> None:
    assertion = sign(key_of(real), claims(real, clock))
    other = asked(real, assertion, grant_type="password")
    assert other.json() == {"error": "unsupported_grant_type"}
    assert asked(real, assertion, client_assertion_type="x").status_code == 401
    assert httpx2.post(f"{real.url}/token", content=b"\xff").status_code == 400


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic x"])
def test_no_question_is_answered_without_a_token(real: Running, header: str) -> None:
    answer = httpx2.post(
        f"{real.url}/qualities", json={"ssin": MOTHER}, headers={"Authorization": header}
    )
    assert answer.status_code == 401
    assert MOTHER not in answer.text


def test_a_token_that_expired_is_good_for_nothing(real: Running, clock: MovableClock) -> None:
    token = asked(real, sign(key_of(real), claims(real, clock))).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    question = {"ssin": MOTHER}
    assert httpx2.post(f"{real.url}/mandates", json=question, headers=headers).status_code == 200
    clock.advance(minutes=5, seconds=1)
    assert httpx2.post(f"{real.url}/mandates", json=question, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ssin": 3410100128}',
        b'{"ssin": "03410100128", "more": 1}',
        b'{"ssin": "034101001288"}',
        b'{"ssin": "03410100129"}',
        b'{"ssin": "03.41.01-001.28"}',
        b"\xff",
    ],
)
def test_a_question_that_is_none_is_a_bad_request(
    real: Running, clock: MovableClock, body: bytes
) -> None:
    token = asked(real, sign(key_of(real), claims(real, clock))).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = httpx2.post(f"{real.url}/qualities", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "03410100128" not in answer.text
