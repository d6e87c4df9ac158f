"""OAuth 2.0 Form Post Response Mode
(https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlencode

from httpx2 import Response

from tests.citizen import ORIGIN
from tests.oidc.relying_party import Holder, RelyingParty

MakeRP = Callable[..., RelyingParty]
FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def posted(response: Response) -> tuple[str, dict[str, str]]:
    """Where the page's form goes, and with what."""
    assert response.status_code == 200, response.text
    form = response.text.partition('<form method="post" action="https')[2].partition("</form>")[0]
    action = "https" + form.partition('"')[0]
    return unescape(action), {unescape(n): unescape(v) for n, v in FIELD.findall(form)}


def test_the_answer_is_a_form_to_the_redirect_uri(rp: RelyingParty, holder: Holder) -> None:
    action, fields = posted(rp.allowed_by(holder).authorize(response_mode="form_post"))
    assert action == rp.redirect_uri
    assert fields.keys() == {"code", "state", "iss"}
    assert rp.redeem(fields["code"]).status_code == 200


def test_an_error_is_one_too(rp: RelyingParty) -> None:
    response = rp.authorize(response_mode="form_post", prompt="none")
    assert posted(response)[1]["error"] == "login_required"
    response = rp.authorize(response_mode="form_post", response_type="token")
    assert posted(response)[1]["error"] == "unsupported_response_type"


def test_whatever_the_state_says_stays_text(rp: RelyingParty, holder: Holder) -> None:
    state = '"><script>alert(1)</script>'  # authentik CVE-2024-21637
    response = rp.allowed_by(holder).authorize(response_mode="form_post", state=state)
    assert posted(response)[1]["state"] == state
    assert "<script>alert" not in response.text


def test_only_the_client_s_origin_may_be_posted_to(rp: RelyingParty, holder: Holder) -> None:
    response = rp.allowed_by(holder).authorize(response_mode="form_post")
    policy = response.headers["content-security-policy"]
    assert "form-action 'self' https://hospital.example;" in policy
    assert "script-src 'self';" in policy
    assert response.headers["cache-control"] == "no-store"


def test_the_page_repeats_nothing_of_the_request(rp: RelyingParty, holder: Holder) -> None:
    request = rp.allowed_by(holder).request(response_mode="form_post", login_hint="03410100128")
    assert "03410100128" not in rp.browser.get("/authorize?" + urlencode(request)).text


def test_a_private_use_scheme_can_t_be_posted_to(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["be.hospital.app:/cb"],
    ).allowed_by(holder)
    response = rp.authorize(response_mode="form_post")
    assert response.status_code == 400 or "error=invalid_request" in response.headers["location"]


def test_it_ends_the_login_page_s_way_too(rp: RelyingParty, holder: Holder) -> None:
    response = rp.authorize(response_mode="form_post")
    token = response.headers["location"].partition("request=")[2]
    rp.allowed_by(holder)
    action, fields = posted(rp.browser.get("/login/continue?request=" + token))
    assert (action, fields["iss"]) == (rp.redirect_uri, ORIGIN)
