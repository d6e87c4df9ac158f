"""The token endpoint: RFC 6749 §2.3, §3.2, §5 (https://www.rfc-editor.org/rfc/rfc6749)."""

import base64
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.oidc.relying_party import VERIFIER, Holder, RelyingParty, basic

MakeRP = Callable[..., RelyingParty]


@pytest.fixture(params=["client_secret_basic", "client_secret_post", "none"])
def any_rp(request: pytest.FixtureRequest, make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client of each way to authenticate."""
    return make_rp(token_endpoint_auth_method=request.param).allowed_by(holder)


def fields(rp: RelyingParty, **form: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": rp.code(),
        "redirect_uri": rp.redirect_uri,
        "code_verifier": VERIFIER,
        **form,
    }


def test_a_client_authenticates_as_it_is_registered(
    any_rp: RelyingParty, backchannel: TestClient
) -> None:
    answer = any_rp.redeem(any_rp.code(), backchannel)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"  # §5.1
    assert answer.headers["pragma"] == "no-cache"
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 300)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_any_other_way_is_refused_and_the_code_is_not_spent(
    any_rp: RelyingParty, method: str
) -> None:
    registered = any_rp.client.token_endpoint_auth_method
    if method == registered:
        return
    secret = any_rp.client_secret or "s" * 43
    form, headers = fields(any_rp), {}
    if method == "client_secret_basic":
        headers = {"Authorization": basic(any_rp.client.client_id, secret)}
    elif method == "client_secret_post":
        form |= {"client_id": any_rp.client.client_id, "client_secret": secret}
    else:
        form |= {"client_id": any_rp.client.client_id}
    answer = any_rp.browser.post("/token", data=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert any_rp.redeem(form["code"]).status_code == 200


def test_an_unknown_client_and_a_wrong_secret_look_alike(
    rp: RelyingParty, holder: Holder, make_rp: MakeRP
) -> None:
    public = make_rp(token_endpoint_auth_method="none")
    form = fields(rp.allowed_by(holder))
    answers = [
        rp.browser.post("/token", data=form | more, headers=headers)
        for more, headers in [
            ({}, {"Authorization": basic("nobody", "wrong")}),
            ({}, {"Authorization": basic(rp.client.client_id, "wrong")}),
            ({}, {"Authorization": basic(public.client.client_id, "wrong")}),
            ({"client_id": "nobody", "client_secret": "wrong"}, {}),
            ({"client_id": rp.client.client_id, "client_secret": rp.client_secret}, {}),
            ({"client_id": "nobody"}, {}),
            ({"client_id": rp.client.client_id}, {}),
            ({}, {}),
        ]
    ]
    assert {(each.status_code, each.text) for each in answers} == {(401, answers[0].text)}
    assert {each.headers["www-authenticate"] for each in answers} == {
        'Basic realm="token", charset="UTF-8"'
    }


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"a\x00b:c").decode(),
        "Basic " + base64.b64encode(b"%00%ff:%00").decode(),
        "Basic " + base64.b64encode(b"nocolon").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Bearer token",
        "Digest username=x",
        "x",
    ],
)
@pytest.mark.one_engine
def test_a_header_that_can_t_be_read_is_an_invalid_client(
    rp: RelyingParty, holder: Holder, header: str
) -> None:
    form = fields(rp.allowed_by(holder))
    answer = rp.browser.post("/token", data=form, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_two_ways_at_once_are_refused(rp: RelyingParty, holder: Holder) -> None:  # §2.3
    code = rp.allowed_by(holder).code()
    answer = rp.redeem(code, client_secret=rp.client_secret)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert rp.redeem(code, client_id="another").json()["error"] == "invalid_request"
    assert rp.redeem(code, client_id=rp.client.client_id).status_code == 200


def test_a_secret_in_the_query_is_not_read(make_rp: MakeRP, holder: Holder) -> None:  # §2.3.1
    rp = make_rp(token_endpoint_auth_method="client_secret_post").allowed_by(holder)
    answer = rp.browser.post(
        "/token",
        params={"client_id": rp.client.client_id, "client_secret": rp.client_secret},
        data=fields(rp),
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("refresh_token", "unauthorized_client"),
        ("client_credentials", "unauthorized_client"),
        ("implicit", "unsupported_grant_type"),
        ("password", "unsupported_grant_type"),
        ('"<script>é', "unsupported_grant_type"),
    ],
)
@pytest.mark.one_engine
def test_another_grant_type_is_unsupported(
    rp: RelyingParty, holder: Holder, grant_type: str | None, error: str
) -> None:
    answer = rp.allowed_by(holder).redeem("x", grant_type=grant_type)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.text.isascii()


def test_a_missing_code_is_an_invalid_request(rp: RelyingParty) -> None:
    assert rp.redeem(None).json()["error"] == "invalid_request"


def test_get_is_not_a_method(rp: RelyingParty) -> None:  # §3.2
    answer = rp.browser.get("/token")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_only_a_form_is_read(rp: RelyingParty, content_type: str) -> None:
    answer = rp.browser.post("/token", content=b"{}", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_parameter_that_comes_twice_is_refused(rp: RelyingParty, holder: Holder) -> None:
    code = rp.allowed_by(holder).code()
    answer = rp.browser.post(
        "/token",
        content=f"grant_type=authorization_code&code={code}&code=x",
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": basic(rp.client.client_id, rp.client_secret),
        },
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert rp.redeem(code).status_code == 200


def test_an_error_is_not_cached(rp: RelyingParty) -> None:  # §5.2
    answer = rp.redeem("x")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
