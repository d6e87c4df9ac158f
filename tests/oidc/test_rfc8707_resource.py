"""Which resource an authorization request asks for.

RFC 8707, Resource Indicators (https://www.rfc-editor.org/rfc/rfc8707). What /token makes of it is
in the tests of refresh tokens and of introspection too.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.registration import end_resource
from authn.db.transaction import writing
from authn.web.site import Site
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, register_api, register_reports
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, segment

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
BOTH = f"{PRESCRIPTIONS} {REPORTS}"


@pytest.fixture
def rp(site: Site, make_rp: MakeRP) -> RelyingParty:
    """A client of two resources, both of which have a scope `read`."""
    register_api(site)
    register_reports(site)
    register_api(site, "https://other.example/", resource_name="Another", scopes={"other": "More"})
    return make_rp(
        client_id="hospital",
        first_party=True,
        scope="openid profile read write share other",
        resources=[PRESCRIPTIONS, REPORTS],
    )


def access_token(rp: RelyingParty, code: str, **form: str | None) -> dict[str, Any]:
    answer = rp.redeem(code, **form)
    assert answer.status_code == 200, answer.text
    return segment(answer.json()["access_token"], 1)


# §2: "resource"
def test_the_token_is_for_the_resource_and_its_scopes(rp: RelyingParty, holder: Holder) -> None:
    code = rp.code(scope="openid read share", resource=PRESCRIPTIONS)
    claims = access_token(rp, code)
    assert claims["aud"] == PRESCRIPTIONS
    assert claims["scope"] == "read"


def test_several_are_asked_and_one_is_named_at_the_token_endpoint(
    rp: RelyingParty, holder: Holder
) -> None:
    request = [*rp.request(scope="openid read write share").items()]
    request += [("resource", PRESCRIPTIONS), ("resource", REPORTS)]

    def code() -> str:
        answer = rp.browser.get("/authorize?" + urlencode(request))
        return answer_of(answer, rp.redirect_uri)["code"]

    reports = access_token(rp, code(), resource=REPORTS)
    assert (reports["aud"], reports["scope"]) == (REPORTS, "read share")
    prescriptions = access_token(rp, code(), resource=PRESCRIPTIONS)
    assert (prescriptions["aud"], prescriptions["scope"]) == (PRESCRIPTIONS, "read write")
    assert prescriptions["sub"] != reports["sub"]
    assert rp.redeem(code()).json()["error"] == "invalid_target"


def test_a_resource_that_was_not_asked_is_not_given(rp: RelyingParty, holder: Holder) -> None:
    code = rp.code(scope="openid read", resource=PRESCRIPTIONS)
    assert rp.redeem(code, resource=REPORTS).json()["error"] == "invalid_target"


def test_userinfo_is_a_resource_too(site: Site, rp: RelyingParty, holder: Holder) -> None:
    userinfo = f"{site.settings.issuer}/userinfo"
    code = rp.code(scope="openid read", resource=f"{userinfo} {PRESCRIPTIONS}")
    token = rp.redeem(code, resource=userinfo).json()["access_token"]
    assert rp.userinfo(token).status_code == 200
    assert access_token(rp, rp.code(resource=userinfo))["aud"] == userinfo


# §2: "invalid_target"
@pytest.mark.parametrize(
    "resource",
    [
        "x",
        "/relative",
        "//prescriptions.example/api",
        "https:",
        "http://[",
        f"{PRESCRIPTIONS}#",
        f"{PRESCRIPTIONS}#read",
        f"{PRESCRIPTIONS}/",
        PRESCRIPTIONS.upper(),
        f"{PRESCRIPTIONS}?x=1",
        "https://other.example/",
        "urn:unknown",
        "é",
        f"{PRESCRIPTIONS} https://other.example/",
        f"{PRESCRIPTIONS} x",
    ],
)
@pytest.mark.one_engine
def test_what_the_client_may_not_ask_for_is_an_invalid_target(
    rp: RelyingParty, holder: Holder, resource: str
) -> None:
    answer = rp.answer(scope="openid read", resource=resource)
    assert answer["error"] == "invalid_target"
    assert answer["state"] == "af0ifjsldkj"
    assert answer["error_description"].isascii()


def test_a_resource_that_has_ended_is_an_invalid_target(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    with writing(site.database) as connection:
        assert end_resource(connection, site.secrets, PRESCRIPTIONS, site.clock())
    assert rp.answer(resource=PRESCRIPTIONS)["error"] == "invalid_target"


def test_a_client_without_resources_has_none(
    rp: RelyingParty, other_rp: RelyingParty, holder: Holder
) -> None:
    assert other_rp.answer(resource=PRESCRIPTIONS)["error"] == "invalid_target"


# RFC 6749 §3.3: what a scope is worth.
def test_a_scope_brings_its_resource_along(rp: RelyingParty, holder: Holder) -> None:
    claims = access_token(rp, rp.code(scope="openid profile write"))
    assert (claims["aud"], claims["scope"]) == (PRESCRIPTIONS, "write")


def test_a_scope_of_several_resources_needs_its_resource_named(
    rp: RelyingParty, holder: Holder
) -> None:
    assert rp.answer(scope="openid read")["error"] == "invalid_target"
    code = rp.code(scope="openid read", resource=BOTH)
    assert access_token(rp, code, resource=REPORTS)["scope"] == "read"


def test_a_scope_of_a_resource_that_was_not_named_is_ignored(
    rp: RelyingParty, holder: Holder
) -> None:
    tokens = rp.redeem(rp.code(scope="openid share", resource=PRESCRIPTIONS)).json()
    assert tokens.get("scope", "") == ""
    assert segment(tokens["access_token"], 1)["aud"] == PRESCRIPTIONS


def test_a_scope_of_a_resource_of_others_is_ignored(rp: RelyingParty, holder: Holder) -> None:
    assert rp.redeem(rp.code(scope="openid other")).json()["scope"] == "openid"
    assert rp.answer(scope="other")["error"] == "invalid_scope"


def test_a_scope_that_is_not_registered_for_the_client_is_ignored(
    site: Site, rp: RelyingParty, make_rp: MakeRP, holder: Holder
) -> None:
    narrow = make_rp(first_party=True, scope="openid write", resources=[PRESCRIPTIONS])
    code = narrow.code(scope="openid read write", resource=PRESCRIPTIONS)
    assert access_token(narrow, code)["scope"] == "write"
    assert narrow.answer(scope="read")["error"] == "invalid_scope"


def test_a_resource_may_be_asked_without_any_scope(rp: RelyingParty, holder: Holder) -> None:
    claims = access_token(rp, rp.code(scope=None, resource=PRESCRIPTIONS))
    assert claims["aud"] == PRESCRIPTIONS


def test_neither_scope_nor_resource_is_an_invalid_scope(rp: RelyingParty, holder: Holder) -> None:
    assert rp.answer(scope=None)["error"] == "invalid_scope"


# Core §11: offline_access where it can be used.
@pytest.mark.parametrize("grant_types", [(), ("refresh_token",)])
def test_offline_access_is_ignored_without_refresh_tokens(
    make_rp: MakeRP, holder: Holder, grant_types: tuple[str, ...]
) -> None:
    rp = make_rp(
        first_party=True,
        scope="openid offline_access",
        metadata=ClientMetadata(grant_types=("authorization_code", *grant_types)),
    )
    scope = rp.tokens(scope="openid offline_access")["scope"]
    assert ("offline_access" in scope) == bool(grant_types)


# §4: a consent is for a resource, and for one of its scopes.
def test_who_allowed_one_resource_has_not_allowed_the_other(
    site: Site, rp: RelyingParty, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    rp = make_rp(scope="openid read write", resources=[PRESCRIPTIONS, REPORTS])
    rp.allowed_by(holder, "openid")

    def missing(scope: str, resource: str) -> bool:
        answer = rp.answer(scope=scope, resource=resource, prompt="none")
        return answer.get("error") == "consent_required"

    assert missing("openid read", PRESCRIPTIONS)
    rp.allowed_by(holder, f"{PRESCRIPTIONS}#read")
    assert not missing("openid read", PRESCRIPTIONS)
    assert missing("openid read", REPORTS)
    assert missing("openid read", BOTH)
    assert missing("openid read write", PRESCRIPTIONS)
    assert missing("openid", PRESCRIPTIONS)
    rp.allowed_by(holder, PRESCRIPTIONS)
    assert not missing("openid", PRESCRIPTIONS)
    # The scope of that name of ours, or of nobody's, was not allowed with it.
    rp.allowed_by(holder, "write read")
    assert missing("openid read", REPORTS)


def test_the_page_names_the_resource_and_what_is_done_there(
    rp: RelyingParty, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    rp = make_rp(scope="openid read write share", resources=[PRESCRIPTIONS, REPORTS])
    location = rp.authorize(scope="openid read share", resource=BOTH).headers["location"]
    assert urlsplit(location).path == "/consent"
    html = client.get(location, headers={"Accept-Language": "en"}).text
    assert "In your name, at Prescriptions" in html
    assert "Read your prescriptions" in html
    assert "In your name, at Medical reports" in html
    assert "Read your medical reports" in html
    assert "Share a report" in html
    assert "Renew a prescription" not in html
