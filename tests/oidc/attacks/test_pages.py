"""What an application says of itself, and other sites, on and around our pages.

What a naive provider does: it shows a name as HTML, links to `javascript:`, lets itself be framed,
and lets any script read its answers. The form of `form_post` is in `test_form_post`, the policy of
frames in `test_frontchannel_logout`, where a sign-out may lead in `test_rp_initiated_logout`.
"""

import re
from collections.abc import Callable

import pytest
from httpx2 import Response
from sqlalchemy import update
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.app import ROUTES
from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.registration import InvalidResource
from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.oidc.cors import PATHS
from authn.settings import Settings
from authn.web.site import Site
from tests.oidc.apis import PRESCRIPTIONS, details, register_api
from tests.oidc.registrant import post, refused
from tests.oidc.relying_party import Holder, RelyingParty, register

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

MakeRP = Callable[..., RelyingParty]

TEMPLATE = "{{ 7 * 7 }}{% raw %}"
MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    TEMPLATE,
    "<svg/onload=alert(1)>",
    "&lt;b&gt;",
]
NO_LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "javascript://app.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "blob:https://app.example/x",
    "http://app.example/policy",
    "//app.example/policy",
    "https://user:password@app.example/",
    "https://app.example/#x",
    'https://app.example/"onclick=x',
    "https://app.example/<script>",
    "https:\\\\app.example",
]
LINKS = [
    *("logo_uri", "policy_uri", "tos_uri", "client_uri", "policy_uri#nl", "tos_uri#fr"),
    *("jwks_uri", "initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri"),
    *("sector_identifier_uri",),
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"registration": "open", "registrations_per_hour": 10_000})


@pytest.mark.parametrize("member", LINKS)
def test_no_link_is_anything_but_https(backchannel: TestClient, member: str) -> None:
    for uri in NO_LINKS:
        said = {"redirect_uris": ["https://app.example/cb"], member: uri}
        assert refused(post(backchannel, said))[0] == "invalid_client_metadata", uri


@pytest.mark.parametrize("member", ["redirect_uris", "post_logout_redirect_uris", "request_uris"])
def test_no_address_of_a_list_is_anything_else(backchannel: TestClient, member: str) -> None:
    for uri in set(NO_LINKS) - {"https://app.example/#x"}:  # a request_uri may have a fragment
        said = {"redirect_uris": ["https://app.example/cb"], member: [uri]}
        assert refused(post(backchannel, said))[0].startswith("invalid_"), uri


def is_shown_as_text(answer: Response, markup: str) -> None:
    assert answer.status_code in (200, 400), answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert markup not in answer.text or markup == TEMPLATE
    assert "49" not in re.findall(r">\s*(\d+)\s*<", answer.text)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


@pytest.mark.parametrize("markup", MARKUP)
def test_a_name_is_shown_as_text_on_every_page(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient, markup: str
) -> None:
    rp = make_rp(
        client_id="hospital",
        client_name=markup,
        post_logout_redirect_uris=["https://hospital.example/bye"],
        metadata=ClientMetadata(client_names={"nl": markup, "fr": markup}),
    )
    consent = rp.authorize()
    is_shown_as_text(client.get(consent.headers["location"]), markup)
    for prompt in ("login", "select_account"):
        is_shown_as_text(client.get(rp.authorize(prompt=prompt).headers["location"]), markup)
    rp.allowed_by(holder)
    is_shown_as_text(rp.authorize(redirect_uri="https://evil.example/" + markup), markup)
    is_shown_as_text(client.get("/applications"), markup)
    is_shown_as_text(client.get("/applications/hospital/withdraw"), markup)
    tokens = rp.tokens()
    hint = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": "https://hospital.example/bye",
    }
    is_shown_as_text(client.get("/logout", params={**hint, "state": markup}), markup)
    client.cookies.clear()
    is_shown_as_text(client.get("/logout", params={**hint, "state": markup}), markup)
    client.headers["Accept-Language"] = "fr"
    is_shown_as_text(client.get(rp.authorize().headers["location"]), markup)


@pytest.mark.parametrize("markup", MARKUP)
def test_what_a_resource_is_and_does_is_shown_as_text(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient, markup: str
) -> None:
    try:
        register_api(site, resource_name=markup, scopes={"read": markup, "write": markup})
    except InvalidResource:
        return
    rp = make_rp(client_id="hospital", scope="openid read write", resources=[PRESCRIPTIONS])
    asked = {"scope": "openid read", "resource": PRESCRIPTIONS}
    answer = rp.authorize(**asked, authorization_details=details("write", identifier="RX1"))
    is_shown_as_text(client.get(answer.headers["location"]), markup)
    refused_identifier = rp.answer(
        scope="openid", authorization_details=details("write", identifier=markup)
    )
    assert refused_identifier["error"] == "invalid_authorization_details"


def test_a_link_that_was_stored_all_the_same_runs_nothing(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    """Whatever wrote the row: no page of ours runs what is in a link."""
    rp = make_rp(client_id="hospital")
    stored = ClientMetadata(
        policy_uris={"": "javascript:alert(1)"}, tos_uris={"": "data:text/html,x"}
    )
    with writing(site.database) as connection:
        connection.execute(update(clients).values(client_metadata=stored.pack()))
    page = client.get(rp.authorize().headers["location"])
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


# Other sites


def addresses() -> list[tuple[str, str]]:
    """Every method and address that there is."""
    found = []
    for route in ROUTES:
        if isinstance(route, Route):
            path = re.sub(r"\{\w+(:uuid)?\}", "00000000-0000-0000-0000-000000000000", route.path)
            found += [(method, path) for method in sorted(route.methods or ())]
    return found


def test_nothing_can_be_framed_or_sniffed(
    client: TestClient, holder: Holder, rp: RelyingParty
) -> None:
    for method, path in addresses():
        headers = client.request(method, path).headers
        assert headers["x-frame-options"] == "DENY", path
        assert headers["x-content-type-options"] == "nosniff", path
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy or "default-src 'none'" in policy, path
    assert rp.authorize().headers["x-frame-options"] == "DENY"


# Documents about the service, the same for everybody.
OPEN_TO_ALL = ("/.well-known/", "/jwks", "/developers/example/jwks")


@pytest.mark.parametrize("origin", ["https://app.example", "https://evil.example", "null"])
def test_no_script_reads_what_is_not_for_scripts(
    site: Site, client: TestClient, holder: Holder, origin: str
) -> None:  # decisions 4.17
    register(
        site,
        client,
        client_id="app",
        token_endpoint_auth_method="none",
        redirect_uris=["https://app.example/callback"],
    )
    for method, path in [*addresses(), *(("OPTIONS", path) for _, path in addresses())]:
        headers = client.request(method, path, headers={"Origin": origin}).headers
        allowed = headers.get("access-control-allow-origin", "")
        assert "access-control-allow-credentials" not in headers, path
        if path in PATHS:
            assert allowed == ("https://app.example" if origin == "https://app.example" else "")
        elif path.startswith(OPEN_TO_ALL):
            assert allowed in ("*", ""), path
        else:
            assert not allowed, path
