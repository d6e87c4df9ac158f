"""A client is held to stricter rules while a request of it waits, or a code of it is out.

What a naive provider does: it checks how a request came when it comes, and gives the code minutes
later by what was right then. RFC 9126 §6 (https://www.rfc-editor.org/rfc/rfc9126#section-6), RFC
9101 §10.5, RFC 9700 §2.1 and §2.1.1, FAPI 2.0 Security Profile §5.3.2.2.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.db.transaction import reading, writing
from authn.grants.tables import authorization_codes, grants
from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen, fields_of
from tests.oidc.apis import PRESCRIPTIONS, details, register_api
from tests.oidc.attacks.test_waiting_requests import given, leads_to, page_token
from tests.oidc.client_keys import ClientKey
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import bring, pushed
from tests.oidc.refreshing import error
from tests.oidc.relying_party import Holder, RelyingParty, answer_of

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

KEY = ClientKey.shared("ES256")
# What the operator, or the client itself, may ask of it from now on.
STRICTER: dict[str, dict[str, Any]] = {
    "par": {"metadata": {"require_pushed_authorization_requests": True}},
    "signed": {"metadata": {"require_signed_request_object": True}},
    "fapi": {
        "profile": "fapi2",
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
        "metadata": {"dpop_bound_access_tokens": True},
    },
    "pkce": {"require_pkce": True},
    "jarm": {"metadata": {"response_modes": ("jwt",)}},
}
UNBOUND = {"code_challenge": None, "code_challenge_method": None}


def change(site: Site, rp: RelyingParty, **changes: Any) -> None:
    """The client has these values from now on; `metadata` are members of its metadata."""
    with writing(site.database) as connection:
        client = find_client(connection, rp.client.client_id)
        assert client is not None
        said = replace(client.metadata, **changes.pop("metadata", {}))
        change_client(
            connection, site.secrets, client, site.clock(), **{"metadata": said, **changes}
        )


@pytest.fixture
def rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client that need not do anything of that, and has keys."""
    return make_rp(client_id="hospital", require_pkce=False, metadata=ClientMetadata(jwks=KEY.jwks))


@pytest.mark.parametrize("rule", STRICTER)
def test_a_request_that_waits_gets_no_code_when_it_may_not_have_come_like_that(
    site: Site, rp: RelyingParty, client: TestClient, rule: str
) -> None:
    token = page_token(rp.authorize(**UNBOUND), "/consent")
    shown = fields_of(client.get("/consent", params={"request": token}).text)
    change(site, rp, **STRICTER[rule])
    answer = answer_of(client.get("/login/continue", params={"request": token}), rp.redirect_uri)
    assert (answer["error"], answer["state"]) == ("invalid_request", "af0ifjsldkj")
    allowed = Screen(client).post_form("/consent", **{**shown, "decision": "allow"})
    assert "error=invalid_request" in leads_to(allowed)
    assert given(site) == 0


@pytest.mark.parametrize("rule", STRICTER)
def test_nobody_signs_in_for_nothing(
    site: Site, rp: RelyingParty, client: TestClient, rule: str
) -> None:
    client.cookies.delete(cookie_name(site.settings, SESSION))
    token = page_token(rp.authorize(**UNBOUND), "/login")
    change(site, rp, **STRICTER[rule])
    answer = client.get("/login", params={"request": token})
    assert answer.headers["location"].startswith("/login/continue?")
    answer = client.get(answer.headers["location"])
    assert answer_of(answer, rp.redirect_uri)["error"] == "invalid_request"
    # And a form that was on the screen before is no way around that, nor a crash.
    sent = Screen(client).post_form("/consent", request=token, decision="allow")
    assert "error=invalid_request" in leads_to(sent)
    assert given(site) == 0


@pytest.mark.parametrize("rule", STRICTER)
def test_nor_does_one_that_was_posted_or_pushed_before(
    site: Site, rp: RelyingParty, client: TestClient, holder: Holder, rule: str
) -> None:
    rp.allowed_by(holder)
    posted = client.post("/authorize", data=rp.request(**UNBOUND)).headers["location"]
    plainly = pushed(rp, **UNBOUND)
    change(site, rp, **STRICTER[rule])
    assert answer_of(client.get(posted), rp.redirect_uri)["error"] == "invalid_request"
    if rule != "par":  # that is what is asked for
        answer = bring(rp, plainly)
        assert answer_of(answer, rp.redirect_uri)["error"] == "invalid_request"
        assert given(site) == 0


def test_what_came_as_it_must_goes_on(
    site: Site, rp: RelyingParty, client: TestClient, holder: Holder
) -> None:
    rp.allowed_by(holder)
    request_uri = pushed(rp)
    now = site.clock()
    claims = {"iss": "hospital", "aud": site.settings.issuer, "iat": int(now.timestamp())}
    signed = KEY.sign({**rp.request(response_mode="jwt"), **claims}, typ="oauth-authz-req+jwt")
    signed_uri = pushed_object(rp, signed)
    for rule in ("par", "pkce"):
        change(site, rp, **STRICTER[rule])
    assert "code" in answer_of(bring(rp, request_uri), rp.redirect_uri)
    for rule in ("signed", "jarm"):
        change(site, rp, **STRICTER[rule])
    assert "response" in answer_of(bring(rp, signed_uri), rp.redirect_uri)
    assert given(site) == 2


def pushed_object(rp: RelyingParty, signed: str) -> str:
    """The `request_uri` of a request object."""
    everything = dict.fromkeys(rp.request(), None)
    return pushed(rp, **(everything | {"client_id": rp.client.client_id, "request": signed}))


def test_a_client_that_may_have_no_codes_any_more_gets_none(
    site: Site, rp: RelyingParty, client: TestClient, holder: Holder
) -> None:  # RFC 6749 §4.1.2.1 unauthorized_client
    token = page_token(rp.authorize(), "/consent")
    change(site, rp, metadata={"grant_types": ("client_credentials",)}, organisation="0406798006")
    answer = client.get("/login/continue?" + urlencode({"request": token}))
    assert answer_of(answer, rp.redirect_uri)["error"] == "unauthorized_client"
    assert given(site) == 0


def test_nobody_is_asked_for_what_was_taken_while_the_request_waits(
    site: Site, make_rp: MakeRP, client: TestClient, holder: Holder
) -> None:
    client.headers["Accept-Language"] = "en"
    register_api(site)
    rp = make_rp(client_id="hospital", scope="openid profile read write", resources=[PRESCRIPTIONS])
    claims = json.dumps({"userinfo": {"birthdate": {"essential": True}}})
    asked = {"scope": "openid read write", "claims": claims}
    token = page_token(rp.authorize(**asked, authorization_details=details("write")), "/consent")
    html = client.get("/consent", params={"request": token}).text
    assert "Renew a prescription" in html
    assert "Your date of birth" in html
    change(site, rp, scope="openid read")
    html = client.get("/consent", params={"request": token}).text
    assert "Read your prescriptions" in html
    assert "Renew a prescription" not in html
    assert "Your date of birth" not in html
    change(site, rp, resources=())
    assert "prescription" not in client.get("/consent", params={"request": token}).text
    change(site, rp, scope="openid profile", resources=(PRESCRIPTIONS,))
    leads = leads_to(Screen(client).answer_page("/consent", token, decision="allow"))
    assert "code=" in leads
    with reading(site.database) as connection:
        assert connection.execute(select(grants.c.scope)).scalars().all() == ["openid"]


def test_where_nothing_is_left_that_it_may_ask_nobody_is_asked(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:  # RFC 6749 §4.1.2.1 invalid_scope
    token = page_token(rp.authorize(scope="profile"), "/consent")
    change(site, rp, scope="openid")
    for page in ("/consent", "/login"):
        answer = client.get(page, params={"request": token})
        answer = client.get(answer.headers["location"])
        assert answer_of(answer, rp.redirect_uri)["error"] == "invalid_scope"
    assert given(site) == 0


# What is out already


def refused(site: Site) -> list[str]:
    """Why codes were refused, as it is on record."""
    with reading(site.database) as connection:
        rows = connection.execute(
            select(audit_events.c.details)
            .where(audit_events.c.event == "application.code-refused")
            .order_by(audit_events.c.id)
        )
        return list(rows.scalars())


def test_a_code_of_before_has_no_unbound_token_where_dpop_is_required_now(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # RFC 9449 §5.2
    code = rp.allowed_by(holder).code()
    change(site, rp, metadata={"dpop_bound_access_tokens": True})
    assert error(rp.redeem(code)) == "invalid_request"
    rp.browser.headers["DPoP"] = DpopKey().proof("POST", f"{ORIGIN}/token", site.clock())
    assert rp.redeem(code).json()["token_type"] == "DPoP"


def test_a_code_without_challenge_is_worth_nothing_where_one_is_required_now(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    code = rp.allowed_by(holder).code(**UNBOUND)
    change(site, rp, require_pkce=True)
    assert error(rp.redeem(code, code_verifier=None)) == "invalid_grant"
    assert refused(site) == ['{"reason":"code_challenge"}']


def test_a_code_that_went_to_an_address_that_was_taken_back_is_worth_nothing(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # RFC 9700 §2.1
    """Whoever has that address now has the code; the client itself is told to ask again."""
    code = rp.allowed_by(holder).code()
    change(site, rp, redirect_uris=("https://hospital.example/other",))
    assert error(rp.redeem(code)) == "invalid_grant"
    assert refused(site) == ['{"reason":"redirect_uri_ended"}']
    change(site, rp, redirect_uris=(rp.redirect_uri,))
    assert error(rp.redeem(code)) == "invalid_grant"  # spent, and its grant revoked
    with reading(site.database) as connection:
        used = connection.execute(select(authorization_codes.c.used_at)).scalars().all()
    assert len(used) == 1
    assert used[0] is not None


def test_the_port_of_a_native_application_is_no_other_address(
    site: Site, make_rp: MakeRP, holder: Holder
) -> None:  # RFC 8252 §7.3
    app = make_rp(
        client_id="app",
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback"],
        first_party=True,
    )
    app.redirect_uri = "http://127.0.0.1:51234/callback"
    token = page_token(app.authorize(), "/consent")
    allowed = leads_to(Screen(app.browser).answer_page("/consent", token, decision="allow"))
    code = allowed.partition("code=")[2].partition("&")[0]
    assert app.redeem(code).status_code == 200
