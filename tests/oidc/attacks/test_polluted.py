"""Requests that two readers would read differently, and requests that are too large.

What a naive provider does: it takes the last of two values where a firewall or a library took the
first, or the query where the form was meant; and it reads whatever comes.
"""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from authn.settings import Settings
from authn.web.body import LARGEST_BODY, MOST_FIELDS
from authn.web.routing import LONGEST_QUERY
from authn.web.site import Site
from tests.oidc.attacks.every_token import Service, everything_on, open_service
from tests.oidc.pushing import push_form
from tests.oidc.relying_party import VERIFIER, Holder, basic
from tests.oidc.resource_servers import API

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINTS = ["/token", "/par", "/revoke", "/introspect", "/device_authorization", "/userinfo"]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return everything_on(settings, tmp_path)


@pytest.fixture
def service(site: Site, client: TestClient, backchannel: TestClient, holder: Holder) -> Service:
    return open_service(site, client, backchannel, holder)


def redemption(service: Service) -> dict[str, str]:
    """A form that /token accepts."""
    return {
        "grant_type": "authorization_code",
        "code": service.rp.code(scope="openid"),
        "redirect_uri": service.rp.redirect_uri,
        "code_verifier": VERIFIER,
    }


def send(service: Service, body: str, **headers: str) -> Response:
    """The answer of /token to just this body, the hospital authenticated."""
    headers = {**FORM, "Authorization": basic("hospital", service.rp.client_secret), **headers}
    return service.backchannel.post("/token", content=body, headers=headers)


Spoil = Callable[[dict[str, str]], str]
SPOILT: dict[str, Spoil] = {
    "each twice": lambda form: urlencode([*form.items(), *form.items()]),
    "the code twice": lambda form: urlencode([*form.items(), ("code", form["code"])]),
    "another code first": lambda form: urlencode([("code", "x"), *form.items()]),
    "another code last": lambda form: urlencode([*form.items(), ("code", "x")]),
    "an empty code last": lambda form: urlencode([*form.items(), ("code", "")]),
    "an encoded name": lambda form: urlencode(form) + "&c%6fde=x",
    "an array": lambda form: urlencode(form | {"code[]": form["code"]}).replace("code=", "c="),
    "upper case": lambda form: urlencode({k.upper(): v for k, v in form.items()}),
    "semicolons": lambda form: urlencode(form).replace("&", ";"),
    "JSON": json.dumps,
    "a NUL": lambda form: urlencode(form) + "%00",
    "not UTF-8": lambda form: urlencode(form) + "%ff",
    "a byte order mark": lambda form: "%EF%BB%BF" + urlencode(form),
    "a space in the name": lambda form: "+" + urlencode(form),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_form_that_is_not_read_in_one_way_is_refused(service: Service, spoilt: str) -> None:
    """And nothing of it is spent: the form itself is good afterwards."""
    form = redemption(service)
    assert send(service, SPOILT[spoilt](form)).status_code == 400
    assert send(service, urlencode(form)).status_code == 200


def test_two_resources_are_two_and_never_one_of_them(service: Service) -> None:
    form = [*redemption(service).items(), ("resource", API), ("resource", "https://a.example")]
    assert send(service, urlencode(form)).json()["error"] == "invalid_target"


def test_the_query_of_a_post_has_no_say(service: Service) -> None:
    form = redemption(service)
    code = form.pop("code")
    headers = {**FORM, "Authorization": basic("hospital", service.rp.client_secret)}
    answer = service.backchannel.post(
        f"/token?code={quote(code)}", content=urlencode(form), headers=headers
    )
    assert answer.status_code == 400
    answer = service.backchannel.post(
        "/token?code=x&client_id=x", content=urlencode(form | {"code": code}), headers=headers
    )
    assert answer.status_code == 200
    asked = service.rp.request(scope="openid")
    answer = service.rp.browser.post("/authorize?prompt=none&client_id=x&posted=x", data=asked)
    assert answer.headers["location"].startswith("/authorize?posted=")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "application/xml"],
)
def test_another_kind_of_body_is_refused(service: Service, content_type: str) -> None:
    form = redemption(service)
    answer = send(service, urlencode(form), **{"Content-Type": content_type})
    assert answer.status_code == 400
    assert send(service, urlencode(form)).status_code == 200


def test_a_pushed_request_is_not_polluted_either(service: Service) -> None:
    rp = service.rp
    asked = rp.request(scope="openid")
    assert push_form(rp, asked).status_code == 201
    headers = {**FORM, "Authorization": basic("hospital", rp.client_secret)}
    for name in asked:
        body = urlencode([*asked.items(), (name, asked[name])])
        answer = rp.browser.post("/par", content=body, headers=headers)
        assert answer.status_code == 400, name


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        "token=" + "x" * (LARGEST_BODY - 6),
        "token=" + "x" * LARGEST_BODY,
        "&".join(f"a{number}=" for number in range(MOST_FIELDS + 1)),
        "&" * 60_000,
        "=" * 60_000,
        "%" * 60_000,
        "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        "&client_assertion=" + "a." * 30_000,
        "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        "&client_assertion=" + "W1tb" * 3000 + ".W1tb.x",
    ],
    ids=["largest", "larger", "fields", "ampersands", "equals", "percents", "dots", "nested"],
)
def test_what_is_large_is_refused_in_order(service: Service, path: str, body: str) -> None:
    answer = service.backchannel.post(path, content=body, headers=FORM)
    assert answer.status_code in (400, 401, 413)


@pytest.mark.parametrize("name", ["scope", "claims", "request", "id_token_hint", "resource"])
def test_a_parameter_that_is_large_is_refused_in_order(service: Service, name: str) -> None:
    rp = service.rp
    for value in ("a " * 4000, "[" * 12_000, "{" * 12_000, "https://a.example/" * 600):
        answer = rp.authorize(**{name: value})
        assert answer.status_code in (303, 400, 413)
    for value in ("a" * LONGEST_QUERY, "a " * 25_000):
        assert rp.authorize(**{name: value}).status_code == 413
        posted = rp.browser.post("/authorize", data=rp.request(**{name: value}))
        assert posted.status_code in (303, 400)
        assert len(posted.headers.get("location", "")) < LONGEST_QUERY


@pytest.mark.parametrize("path", ["/token", "/par", "/revoke", "/introspect"])
@pytest.mark.parametrize("first", [True, False])
def test_of_two_authorization_headers_none_counts(
    service: Service, path: str, first: bool
) -> None:  # RFC 9110 §11.6.2
    """Whoever stands before us may have looked at the other one."""
    right = basic("hospital", service.rp.client_secret)
    sent = [right, basic("somebody", "else")] if first else ["Bearer x", right]
    answer = service.backchannel.post(
        path,
        data={**redemption(service), "token": "x"},
        headers=[("Authorization", each) for each in sent],
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_of_two_access_tokens_in_headers_none_counts(service: Service) -> None:  # RFC 6750 §2
    token = service.rp.redeem(service.rp.code(scope="openid")).json()["access_token"]
    for sent in (["x", token], [token, "x"], [token, token]):
        answer = service.backchannel.get(
            "/userinfo", headers=[("Authorization", f"Bearer {each}") for each in sent]
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_of_two_registration_tokens_none_counts(service: Service) -> None:
    answer = service.backchannel.get(
        "/register/hospital",
        headers=[("Authorization", "Bearer x"), ("Authorization", "Bearer y")],
    )
    assert answer.status_code == 401
