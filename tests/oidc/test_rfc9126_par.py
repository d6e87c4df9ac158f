"""OAuth 2.0 Pushed Authorization Requests: RFC 9126 (https://www.rfc-editor.org/rfc/rfc9126)."""

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading, writing
from authn.errors import Expired
from authn.grants.codes import issue_code
from authn.grants.pushed_requests import find_pushed_request, forget_pushed_requests
from authn.grants.tables import grants, pushed_requests
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import bring, push, push_form, pushed
from tests.oidc.relying_party import REDIRECT_URI, Holder, RelyingParty, answer_of, basic
from tests.oidc.test_rfc6749_authorization_endpoint import NOT_REGISTERED
from tests.together import at_once

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
MUST_PUSH = ClientMetadata(require_pushed_authorization_requests=True)


def fapi_rp(make_rp: MakeRP) -> tuple[RelyingParty, ClientKey]:
    """A client under the FAPI profile, and the key that it authenticates with."""
    key = ClientKey()
    rp = make_rp(
        profile="fapi2",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks=key.jwks, dpop_bound_access_tokens=True),
    )
    return rp, key


def is_page_without_redirect(response: object) -> bool:
    headers, status = response.headers, response.status_code  # type: ignore[attr-defined]
    html = headers["content-type"].startswith("text/html")
    return status == 400 and html and "location" not in headers


# ------------------------------------------------------------------------------ the PAR endpoint


def test_the_answer_is_a_request_uri_and_its_life(rp: RelyingParty) -> None:  # RFC 9126 §2.2
    answer = push(rp)
    assert answer.status_code == 201
    assert answer.json().keys() == {"request_uri", "expires_in"}
    assert re.fullmatch(
        r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}", answer.json()["request_uri"]
    )
    assert answer.json()["expires_in"] == 90
    assert answer.headers["cache-control"] == "no-store"


def test_the_browser_brings_it_and_the_client_gets_its_tokens(
    rp: RelyingParty, holder: Holder
) -> None:  # RFC 9126 §4
    rp.allowed_by(holder)
    answer = answer_of(bring(rp, pushed(rp, state="x y")), rp.redirect_uri)
    assert answer.keys() == {"code", "state", "iss"}
    assert answer["state"] == "x y"
    assert rp.redeem(answer["code"]).status_code == 200


def test_only_post_is_answered(rp: RelyingParty) -> None:  # RFC 9126 §2
    assert rp.browser.get("/par").status_code == 405


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_the_client_authenticates_as_at_the_token_endpoint(
    rp: RelyingParty, secret: str
) -> None:  # RFC 9126 §2
    headers = {"Authorization": basic(rp.client.client_id, secret)}
    for sent in (headers, {}):
        answer = rp.browser.post("/par", data=rp.request(), headers=sent)
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"


def test_a_public_client_pushes_too(make_rp: MakeRP, holder: Holder) -> None:  # RFC 9126 §2
    rp = make_rp(token_endpoint_auth_method="none").allowed_by(holder)
    assert "code" in answer_of(bring(rp, pushed(rp)), rp.redirect_uri)


def test_a_private_key_authenticates(make_rp: MakeRP, holder: Holder) -> None:
    key = ClientKey()
    rp = make_rp(
        token_endpoint_auth_method="private_key_jwt", metadata=ClientMetadata(jwks=key.jwks)
    ).allowed_by(holder)
    assert "code" in answer_of(bring(rp, pushed(rp, key)), rp.redirect_uri)


def test_a_request_uri_can_t_be_pushed(rp: RelyingParty) -> None:  # RFC 9126 §2.1
    for request_uri in (pushed(rp), "https://hospital.example/request.jwt"):
        answer = push(rp, request_uri=request_uri)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_the_client_id_is_the_one_that_authenticates(
    rp: RelyingParty, other_rp: RelyingParty
) -> None:  # RFC 9126 §2.1
    headers = {"Authorization": basic(rp.client.client_id, rp.client_secret)}
    form = rp.request(client_id=other_rp.client.client_id)
    answer = rp.browser.post("/par", data=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_the_client_id_may_be_left_out(rp: RelyingParty) -> None:
    """Who authenticates with a header has said it."""
    assert push_form(rp, rp.request(client_id=None)).status_code == 201


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"id_token_hint": "garbage"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"state": "s" * 4097}, "invalid_request"),
    ],
)
@pytest.mark.one_engine
def test_what_authorize_would_refuse_is_refused_here(
    rp: RelyingParty, parameters: dict[str, str | None], error: str
) -> None:  # RFC 9126 §2.1, §2.3
    answer = push(rp, **parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.text.isascii()
    assert "evil." not in answer.text


@pytest.mark.parametrize("redirect_uri", NOT_REGISTERED)
@pytest.mark.one_engine
def test_a_redirect_uri_that_is_not_registered_is_refused(
    rp: RelyingParty, redirect_uri: str | None
) -> None:  # RFC 9126 §2.3
    answer = push(rp, redirect_uri=redirect_uri)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_body_that_is_too_large_is_refused(rp: RelyingParty) -> None:  # RFC 9126 §2.3
    assert push(rp, other="x" * 70_000).status_code == 413


def test_a_request_that_no_address_could_hold_is_refused(rp: RelyingParty) -> None:
    """It goes through the addresses of the interaction, as the token of a pending request."""
    answer = push(rp, state="\N{SNOWMAN}" * 4000)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    request_uri = pushed(rp, state="\N{SNOWMAN}" * 3000, nonce="n" * 1024)
    location = bring(rp, request_uri).headers["location"]
    assert rp.browser.get(location).status_code == 200


def test_of_the_request_uri_the_hash_alone_is_stored(site: Site, rp: RelyingParty) -> None:
    """Nor anything that may hold a national number (decisions 1.5)."""
    request_uri = pushed(rp, login_hint="03410100128")
    with reading(site.database) as connection:
        rows = connection.execute(select(pushed_requests)).all()
    stored = json.dumps([[str(value) for value in row] for row in rows])
    assert len(rows) == 1
    assert request_uri.rpartition(":")[2] not in stored
    assert "03410100128" not in stored


# ------------------------------------------------------------------ the authorization endpoint


def test_it_may_be_loaded_again_until_its_code_is_issued(
    rp: RelyingParty, holder: Holder
) -> None:  # RFC 9126 §7.3
    request_uri = pushed(rp)
    for _ in range(2):  # a browser that reloads
        assert urlsplit(bring(rp, request_uri).headers["location"]).path == "/consent"
    rp.allowed_by(holder)
    assert "code" in answer_of(bring(rp, request_uri), rp.redirect_uri)
    again = bring(rp, request_uri)
    assert is_page_without_redirect(again)


def test_every_page_that_it_opened_belongs_to_the_same_request(
    rp: RelyingParty, holder: Holder
) -> None:
    request_uri = pushed(rp)
    tokens = [
        parse_qs(urlsplit(bring(rp, request_uri).headers["location"]).query)["request"][0]
        for _ in range(2)
    ]
    rp.allowed_by(holder)
    answers = [rp.browser.get("/login/continue?" + urlencode({"request": t})) for t in tokens]
    assert [answer.status_code for answer in answers] == [303, 410]


def test_it_is_loaded_within_90_seconds_and_then_has_its_ten_minutes(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:  # decisions 4.6
    request_uri = pushed(rp)
    clock.advance(seconds=89)
    location = bring(rp, request_uri).headers["location"]
    token = parse_qs(urlsplit(location).query)["request"][0]
    clock.advance(seconds=1)
    assert is_page_without_redirect(bring(rp, request_uri))
    clock.advance(minutes=9)
    rp.allowed_by(holder)
    answer = rp.browser.get("/login/continue?" + urlencode({"request": token}))
    assert "code" in answer_of(answer, rp.redirect_uri)


def test_another_client_can_t_use_it(
    rp: RelyingParty, other_rp: RelyingParty, holder: Holder
) -> None:  # RFC 9126 §2.2, §4
    rp.allowed_by(holder)
    other_rp.allowed_by(holder)
    request_uri = pushed(rp)
    assert is_page_without_redirect(bring(other_rp, request_uri))
    assert "code" in answer_of(bring(rp, request_uri), rp.redirect_uri)


@pytest.mark.parametrize(
    "change", [lambda uri: uri[:-1], lambda uri: uri + "A", lambda uri: uri.upper(), lambda uri: ""]
)
def test_a_request_uri_that_nobody_pushed_is_a_page(
    rp: RelyingParty, holder: Holder, change: Callable[[str], str]
) -> None:
    rp.allowed_by(holder)
    prefix = "urn:ietf:params:oauth:request_uri:"
    value = pushed(rp).removeprefix(prefix)
    assert is_page_without_redirect(bring(rp, prefix + change(value)))


def test_without_its_client_it_is_a_page(rp: RelyingParty) -> None:  # RFC 9126 §4
    query = urlencode({"request_uri": pushed(rp)})
    assert is_page_without_redirect(rp.browser.get("/authorize?" + query))


def test_nothing_else_in_the_query_has_a_say(rp: RelyingParty, holder: Holder) -> None:
    """RFC 9126 §4, RFC 9101 §6.3: not what only the browser brought."""
    rp.allowed_by(holder, "openid profile")
    response = bring(
        rp,
        pushed(rp, scope="openid", state="mine"),
        scope="openid profile",
        state="other",
        redirect_uri="https://evil.example/",
        response_mode="form_post",
        prompt="consent",
        request="garbage",
    )
    answer = answer_of(response, rp.redirect_uri)
    assert answer["state"] == "mine"
    assert rp.redeem(answer["code"]).json()["scope"] == "openid"


def test_it_may_come_by_post(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder)
    form = {"client_id": rp.client.client_id, "request_uri": pushed(rp)}
    first = rp.browser.post("/authorize", data=form)
    assert "code" in answer_of(rp.browser.get(first.headers["location"]), rp.redirect_uri)
    assert rp.browser.post("/authorize", data=form).status_code == 400
    assert rp.browser.get(first.headers["location"]).status_code == 410


def test_errors_go_to_the_pushed_redirect_uri(rp: RelyingParty) -> None:
    answer = answer_of(bring(rp, pushed(rp, prompt="none", state="s")), rp.redirect_uri)
    assert (answer["error"], answer["state"], answer["iss"]) == ("login_required", "s", ORIGIN)


def test_an_error_does_not_spend_it(rp: RelyingParty, holder: Holder) -> None:
    request_uri = pushed(rp, prompt="none")
    assert answer_of(bring(rp, request_uri), rp.redirect_uri)["error"] == "consent_required"
    rp.allowed_by(holder)
    assert "code" in answer_of(bring(rp, request_uri), rp.redirect_uri)


def test_two_answers_at_once_to_one_pushed_request_are_one_code(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # decisions 4.6
    request_uri, now = pushed(rp), site.clock()

    def answer() -> str:
        with writing(site.database) as connection:
            # As two tabs that loaded it before either of them was answered.
            pending = find_pushed_request(connection, request_uri, rp.client.client_id, now)
            if pending is None:
                raise Expired("replayed", "The one that came first is finished.")
            return issue_code(connection, pending, rp.client, holder.session, now)

    results = at_once(answer)
    assert sum(isinstance(result, str) for result in results) == 1
    with reading(site.database) as connection:
        assert connection.execute(select(func.count()).select_from(grants)).scalar_one() == 1


def test_the_cleanup_forgets_what_nobody_can_bring(
    site: Site, settings: Settings, rp: RelyingParty, clock: MovableClock
) -> None:
    pushed(rp)
    clock.advance(seconds=60)
    pushed(rp)
    with writing(site.database) as connection:
        assert forget_pushed_requests(connection, site.clock()) == 0
    clock.advance(seconds=31)
    with writing(site.database) as connection:
        assert forget_pushed_requests(connection, site.clock()) == 1
    # The tests' clock stands in the past: for the command, the other one is of long ago too.
    result = run_command(settings, "cleanup")
    assert "pushed authorization requests: 1 deleted" in result.stdout, result.stderr


# ------------------------------------------------------------------ clients that must push


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_must_push_can_t_come_otherwise(
    make_rp: MakeRP, holder: Holder, method: str
) -> None:  # RFC 9126 §5, §6
    rp = make_rp(metadata=MUST_PUSH).allowed_by(holder)
    query = urlencode(rp.request())
    address = "/authorize" if method == "POST" else "/authorize?" + query
    response = rp.browser.request(method, address, data=rp.request() if method == "POST" else None)
    answer = answer_of(response, rp.redirect_uri)
    assert (answer["error"], answer["iss"]) == ("invalid_request", ORIGIN)
    assert is_page_without_redirect(rp.authorize(redirect_uri="https://evil.example/"))
    assert "code" in answer_of(bring(rp, pushed(rp)), rp.redirect_uri)


def test_who_must_push_can_t_sign_its_request_instead(make_rp: MakeRP, holder: Holder) -> None:
    key = ClientKey()
    rp = make_rp(
        metadata=ClientMetadata(jwks=key.jwks, require_pushed_authorization_requests=True)
    ).allowed_by(holder)
    token = key.sign({**rp.request(), "aud": ORIGIN})
    assert rp.answer(request=token)["error"] == "invalid_request"


def test_a_fapi_client_must_push(
    make_rp: MakeRP, holder: Holder
) -> None:  # FAPI 2.0 Security Profile §5.3.2.2
    rp, key = fapi_rp(make_rp)
    rp.allowed_by(holder)
    assert rp.answer()["error"] == "invalid_request"
    assert "code" in answer_of(bring(rp, pushed(rp, key)), rp.redirect_uri)


def test_a_fapi_client_s_pushed_request_needs_its_redirect_uri(make_rp: MakeRP) -> None:
    rp, key = fapi_rp(make_rp)  # FAPI 2.0 Security Profile §5.3.2.2
    assert push(rp, key, redirect_uri=None).json()["error"] == "invalid_request"


# ------------------------------------------------------------------ RFC 9449 §10.1


def test_a_dpop_proof_binds_the_code(rp: RelyingParty, holder: Holder, site: Site) -> None:
    rp.allowed_by(holder)
    key, other = DpopKey(), DpopKey()
    proof = key.proof("POST", f"{ORIGIN}/par", site.clock())
    answer = answer_of(bring(rp, pushed(rp, dpop=proof)), rp.redirect_uri)
    headers = {
        "Authorization": basic(rp.client.client_id, rp.client_secret),
        "DPoP": other.proof("POST", f"{ORIGIN}/token", site.clock()),
    }
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": rp.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    refused = rp.browser.post("/token", data=form, headers=headers)
    assert refused.json()["error"] == "invalid_grant"


def test_a_dpop_proof_and_dpop_jkt_agree(rp: RelyingParty, site: Site) -> None:
    key, other = DpopKey(), DpopKey()

    def proof() -> str:
        return key.proof("POST", f"{ORIGIN}/par", site.clock())

    assert push(rp, dpop=proof(), dpop_jkt=key.jkt).status_code == 201
    refused = push(rp, dpop=proof(), dpop_jkt=other.jkt)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_a_dpop_proof_for_another_address_is_refused(rp: RelyingParty, site: Site) -> None:
    proof = DpopKey().proof("POST", f"{ORIGIN}/token", site.clock())
    assert push(rp, dpop=proof).json()["error"] == "invalid_dpop_proof"


# ------------------------------------------------------------------ whatever comes

NAMES = [
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce"),
    *("code_challenge", "code_challenge_method", "prompt", "max_age", "claims", "request"),
    *("request_uri", "resource", "authorization_details", "acr_values", "dpop_jkt"),
]
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", "none", "code", "jwt", "openid", "{}", "[]", "[[[[", "a.b.c", "...."]),
)


@pytest.mark.thorough
@hypothesis_settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
def test_any_pushed_request(rp: RelyingParty, changes: dict[str, str]) -> None:
    answer = push_form(rp, rp.request(**changes))
    assert answer.status_code in (201, 400)
    if answer.status_code == 201:
        location = bring(rp, answer.json()["request_uri"]).headers["location"]
        assert location.startswith(("/login?", REDIRECT_URI + "?"))
    else:
        assert answer.json().keys() == {"error", "error_description"}
        assert answer.text.isascii()


@pytest.mark.thorough
@hypothesis_settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=st.binary(max_size=200))
def test_any_pushed_body(client: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/par", content=body, headers=headers).status_code in (400, 401)
