"""Whatever comes in: an answer that was foreseen, never a crash, never a redirect elsewhere."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.oidc.refreshing import REFRESHING
from tests.oidc.relying_party import REDIRECT_URI, Holder, RelyingParty, basic

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

FORESEEN = {200, 303, 400, 401, 403, 410, 413}
NAMES = [
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce"),
    *("code_challenge", "code_challenge_method", "prompt", "max_age", "ui_locales", "claims"),
    *("id_token_hint", "login_hint", "request", "request_uri", "registration", "acr_values"),
]
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", "none", "login", "code", "form_post", "openid", "S256", "0", "-1", "."]),
)
# One database for all examples of a test: they may see each other's rows, as in life.
examples = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def signed_in_rp(rp: RelyingParty, holder: Holder) -> RelyingParty:
    return rp.allowed_by(holder)


@pytest.fixture
def refreshing_rp(make_rp: MakeRP) -> RelyingParty:
    return make_rp(metadata=REFRESHING)


@examples
@given(changes=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
def test_any_authorization_request(signed_in_rp: RelyingParty, changes: dict[str, str]) -> None:
    response = signed_in_rp.authorize(**changes)
    assert response.status_code in FORESEEN
    location = response.headers.get("location", "/")
    assert location.startswith(("/", REDIRECT_URI + "?"))
    assert not location.startswith("//")
    posted = signed_in_rp.browser.post("/authorize", data=signed_in_rp.request(**changes))
    assert posted.status_code in FORESEEN


@examples
@given(query=st.binary(max_size=200))
def test_any_query(client: TestClient, query: bytes) -> None:
    for path in ("/authorize", "/logout"):
        encoded = "".join(
            f"%{byte:02x}" if byte > 126 or byte < 33 else chr(byte) for byte in query
        )
        response = client.get(f"{path}?{encoded.replace('#', '')}")
        assert response.status_code in FORESEEN
        assert response.headers.get("location", "/").startswith("/")


@examples
@given(
    changes=st.dictionaries(
        st.sampled_from(
            ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"]
        ),
        VALUES | st.none(),
        max_size=4,
    )
)
def test_any_token_request(signed_in_rp: RelyingParty, changes: dict[str, str | None]) -> None:
    response = signed_in_rp.redeem(changes.pop("code", "x"), **changes)
    assert response.status_code in FORESEEN
    assert response.json().keys() == {"error", "error_description"}
    assert response.text.isascii()


@examples
@given(token=VALUES, hint=VALUES, jwt=st.booleans())
def test_any_token_that_is_asked_about_given_back_or_refreshed(
    refreshing_rp: RelyingParty, token: str, hint: str, jwt: bool
) -> None:
    client = refreshing_rp.client
    token = f"eyJhbGciOiJFUzI1NiJ9.{token}.e" if jwt else token
    headers = {"Authorization": basic(client.client_id, refreshing_rp.client_secret)}
    unreadable = not token or "\x00" in token + hint
    form = {"token": token, "token_type_hint": hint}
    for path in ("/introspect", "/revoke"):
        answer = refreshing_rp.browser.post(path, data=form, headers=headers)
        assert answer.status_code == (400 if unreadable else 200)
    refresh = {"grant_type": "refresh_token", "refresh_token": token, "scope": hint}
    answer = refreshing_rp.browser.post("/token", data=refresh, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        "invalid_request" if "\x00" in token + hint else "invalid_grant"
    )


@examples
@given(credentials=st.binary(max_size=60), scheme=st.sampled_from(["Basic", "Bearer", "basic", ""]))
def test_any_authorization_header(
    signed_in_rp: RelyingParty, credentials: bytes, scheme: str
) -> None:
    allowed = bytes(byte for byte in credentials if byte > 31 and byte != 127)
    for header in (
        f"{scheme} ".encode() + allowed,
        basic(allowed.decode("latin-1"), "x").encode(),
        f"{scheme} ".encode() + allowed.hex().encode(),
    ):
        form = {"grant_type": "authorization_code", "code": "x"}
        answers = [
            signed_in_rp.browser.post("/token", data=form, headers={b"Authorization": header}),
            signed_in_rp.browser.get("/userinfo", headers={b"Authorization": header}),
        ]
        for answer in answers:
            assert answer.status_code in (400, 401)


@examples
@given(body=st.binary(max_size=200))
def test_any_body(client: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/token", "/userinfo", "/authorize", "/logout", "/revoke", "/introspect"):
        assert client.post(path, content=body, headers=headers).status_code in FORESEEN
