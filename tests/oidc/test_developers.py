"""/developers: the values of this service, and tokens to try a resource server with."""

import re
from datetime import datetime
from html import unescape
from typing import Any

import pytest
from httpx2 import Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.testclient import TestClient

from authn.oidc.developers import example_tokens
from authn.web.site import Site
from tests.conftest import MovableClock

AUDIENCE = "https://api.example/records"
PRE = re.compile(r"<pre[^>]*><code>(ey[^<]+)</code></pre>")


def accepted(token: str, key_set: KeySet, issuer: str, now: datetime) -> int:
    """What a careful resource server answers: the steps that the page names, on another library."""
    try:
        read = jwt.decode(token, key_set, algorithms=["ES256"])
    except (JoseError, ValueError):
        return 401
    claims: dict[str, Any] = read.claims
    if read.header["typ"] != "at+jwt" or claims["iss"] != issuer or claims["aud"] != AUDIENCE:
        return 401
    if claims["exp"] + 60 <= now.timestamp():
        return 401
    return 200 if "records.read" in claims["scope"].split() else 403


@pytest.fixture
def developers(client: TestClient) -> Response:
    return client.get("/developers")


def test_the_page_names_every_endpoint_scope_and_claim(
    client: TestClient, developers: Response
) -> None:
    metadata = client.get("/.well-known/openid-configuration").json()
    text = unescape(developers.text)
    for name, value in metadata.items():
        if name.endswith("_endpoint") or name in ("issuer", "jwks_uri"):
            assert f"<code>{value}</code>" in text, name
    said = ("scopes_supported", "acr_values_supported", "profile_kinds_supported")
    for each in [each for name in said for each in metadata[name]]:
        assert f"<code>{each}</code>" in text


def test_it_is_an_access_sheet(client: TestClient) -> None:  # decisions 9.7
    """Issuer, audience, scopes, claims, how to register, who may exchange, leeway; the tokens to
    accept and to refuse are tested below."""
    metadata = client.get("/.well-known/openid-configuration").json()
    page = client.get("/developers", headers={"Accept-Language": "en"}).text
    text = unescape(re.sub(r"\s+", " ", page))
    assert f"<code>{metadata['issuer']}</code>" in text
    assert "aud is your own identifier, exactly" in text
    for claim in {"name", "given_name", "family_name", "birthdate", "locale", "ssin"}:
        assert f"<code>{claim}</code>" in text
    assert 'authn clients add "My application"' in text
    assert "authn exchanges allow CLIENT_ID SUBJECT_CLIENT_ID RESOURCE" in text
    assert "Allow 60 seconds for clocks that differ." in text


def test_one_example_is_accepted_and_each_other_refused(
    client: TestClient, developers: Response, clock: MovableClock
) -> None:  # RFC 9068 §4
    key_set = KeySet.import_key_set(client.get("/developers/example/jwks").json())
    tokens = PRE.findall(unescape(developers.text))
    issuer = "http://localhost:8000/developers/example"
    answers = [accepted(token, key_set, issuer, clock()) for token in tokens]
    assert answers == [200, 401, 401, 401, 401, 403]


def test_no_example_is_worth_anything_here(client: TestClient, site: Site) -> None:
    for example in example_tokens(site.settings, site.secrets, site.clock()):
        answer = client.get("/userinfo", headers={"Authorization": f"Bearer {example.token}"})
        assert answer.status_code == 401
    published = {key["kid"] for key in client.get("/jwks").json()["keys"]}
    examples = {key["kid"] for key in client.get("/developers/example/jwks").json()["keys"]}
    assert not published & examples


@pytest.mark.parametrize("language", ["nl", "fr", "de", "en"])
def test_it_speaks_the_reader_s_language(client: TestClient, language: str) -> None:
    answer = client.get("/developers", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
