"""A form of ours is accepted from a page of ours alone."""

import re

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from authn.errors import Forbidden
from authn.settings import Settings
from authn.web.csrf import check_same_origin

ORIGIN = "http://localhost:8000"


def token_of(client: TestClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    assert found
    return found.group(1)


def switch(client: TestClient, token: str, **headers: str) -> int:
    fields = {"language": "fr", "return_to": "/", "csrf_token": token}
    return client.post("/language", data=fields, headers=headers).status_code


def test_a_form_with_its_token_is_accepted(client: TestClient) -> None:
    assert switch(client, token_of(client), Origin=ORIGIN) == 303


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 43])
def test_a_form_without_its_token_is_refused(client: TestClient, token: str) -> None:
    token_of(client)
    assert switch(client, token) == 403


def test_a_token_of_another_browser_is_refused(client: TestClient) -> None:
    stolen = token_of(client)
    client.cookies.clear()
    token_of(client)
    assert switch(client, stolen) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN + ".attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_from_another_site_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert switch(client, token_of(client), **headers) == 403


def test_a_foreign_origin_of_any_length_is_a_short_word_in_the_log() -> None:
    foreign = Headers({"Origin": "https://" + "x" * 60_000})
    with pytest.raises(Forbidden) as refused:
        check_same_origin(foreign, Settings())
    assert len(refused.value.detail) <= 200


@pytest.mark.parametrize(
    "location", ["https://attacker.example", "//attacker.example", "/\\attacker.example", "x", ""]
)
def test_the_language_switch_leads_to_our_own_pages_only(client: TestClient, location: str) -> None:
    fields = {"language": "fr", "return_to": location, "csrf_token": token_of(client)}
    answer = client.post("/language", data=fields)
    assert answer.headers["location"] == "/"
