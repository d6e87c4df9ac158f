"""What pages show of an application: name, logo and links in the reader's language.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), OpenID Connect Dynamic Client
Registration 1.0 §2.1
(https://openid.net/specs/openid-connect-registration-1_0.html#LanguagesAndScripts).
"""

from collections.abc import Callable, Iterator

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata, value_in_language
from authn.settings import Settings
from tests.conftest import MovableClock
from tests.oidc.relying_party import RelyingParty
from tests.published import Published, publishing

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)
PICTURES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(40),
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(40),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing() as server:
        yield server


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("values", "language", "shown"),
    [
        ({}, "nl", ""),
        ({"": "a"}, "nl", "a"),
        ({"": "a", "nl": "b"}, "nl", "b"),
        ({"": "a", "NL": "b"}, "nl", "b"),
        ({"": "a", "nl-BE": "b"}, "nl", "b"),
        ({"": "a", "nl-BE": "b", "nl": "c"}, "nl", "c"),
        ({"": "a", "nld": "b"}, "nl", "a"),
        ({"fr": "a"}, "nl", ""),
    ],
)
def test_the_value_for_a_reader(values: dict[str, str], language: str, shown: str) -> None:
    assert value_in_language(values, language) == shown


def sign_in_page(browser: TestClient, rp: RelyingParty, language: str) -> str:
    browser.headers["Accept-Language"] = language
    page = browser.get(rp.authorize().headers["location"])
    assert page.status_code == 200
    return page.text


def test_the_page_that_asks_speaks_of_it_in_the_reader_s_language(
    client: TestClient, make_rp: MakeRP
) -> None:
    metadata = ClientMetadata(
        client_names={"nl": "Ziekenhuis"},
        policy_uris={"": "https://hospital.example/privacy", "nl": "https://hospital.example/nl"},
        tos_uris={"": "https://hospital.example/terms?a=1&b=2"},
    )
    rp = make_rp(metadata=metadata)
    dutch = sign_in_page(client, rp, "nl")
    assert "Ziekenhuis" in dutch
    assert 'href="https://hospital.example/nl"' in dutch
    assert 'href="https://hospital.example/terms?a=1&amp;b=2" rel="noopener noreferrer"' in dutch
    english = sign_in_page(client, rp, "en")
    assert "Ziekenhuis" not in english
    assert "Hospital" in english
    assert 'href="https://hospital.example/privacy"' in english


def test_a_client_that_says_nothing_has_its_letter_and_no_links(
    client: TestClient, rp: RelyingParty
) -> None:
    page = sign_in_page(client, rp, "en")
    assert '<span class="logo" aria-hidden="true">H</span>' in page
    assert "privacy policy" not in page
    assert "terms of use" not in page


@pytest.mark.parametrize("media_type", PICTURES)
def test_a_logo_comes_from_us_and_is_a_picture_alone(
    client: TestClient, make_rp: MakeRP, published: Published, media_type: str
) -> None:
    uri = published.put("/logo", PICTURES[media_type], Content_Type="text/html")
    rp = make_rp(client_id="hospital", metadata=ClientMetadata(logo_uris={"": uri}))
    page = sign_in_page(client, rp, "fr")
    path = "/clients/hospital/logo?language=fr"
    assert f'<img class="logo" src="{path}" alt="">' in page
    assert published.address not in page
    for _ in range(2):
        assert client.get(path).status_code == 200
    answer = client.get(path)
    assert answer.content == PICTURES[media_type]
    assert published.asked == ["/logo"]  # once
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html>",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n<script>",
        b"RIFF\x00\x00\x00\x00AVI ",
        PNG + bytes(64 * 1024),
    ],
)
@pytest.mark.one_engine
def test_what_is_no_picture_is_not_shown(
    client: TestClient, make_rp: MakeRP, published: Published, document: bytes
) -> None:
    logo = ClientMetadata(
        logo_uris={"": published.put("/logo", document, Content_Type="image/png")}
    )
    make_rp(client_id="hospital", metadata=logo)
    assert_letter(client.get("/clients/hospital/logo?language=nl"), "H")


def assert_letter(answer: Response, letter: str) -> None:
    """The answer is our own drawing, and soon asked for again."""
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "public, max-age=30"
    drawing = answer.text
    assert drawing.count("<") == 5
    assert f">{letter}</text>" in drawing


def test_a_letter_is_nothing_but_a_letter(
    client: TestClient, make_rp: MakeRP, published: Published
) -> None:
    logo = ClientMetadata(logo_uris={"": published.address + "/none"})
    make_rp(client_id="hospital", client_name="<script>", metadata=logo)
    assert_letter(client.get("/clients/hospital/logo?language=nl"), "&lt;")


def test_there_is_a_logo_only_where_a_client_has_one(
    client: TestClient, rp: RelyingParty, make_rp: MakeRP, published: Published
) -> None:
    logo = ClientMetadata(logo_uris={"nl": published.put("/logo", PNG)})
    make_rp(client_id="dutch", metadata=logo)
    for path in (
        "/clients/hospital/logo?language=nl",
        "/clients/nobody/logo?language=nl",
        "/clients/dutch/logo?language=fr",
        "/clients/dutch/logo?language=xx",
        "/clients/dutch/logo",
    ):
        assert client.get(path).status_code == 404
    assert client.get("/clients/dutch/logo?language=nl").status_code == 200


def test_a_logo_that_does_not_come_is_asked_for_again_later(
    client: TestClient, make_rp: MakeRP, published: Published, clock: MovableClock
) -> None:
    logo = ClientMetadata(logo_uris={"": f"{published.address}/later"})
    make_rp(client_id="hospital", metadata=logo)
    path = "/clients/hospital/logo?language=nl"
    assert_letter(client.get(path), "H")
    published.put("/later", PNG)
    assert_letter(client.get(path), "H")
    clock.advance(seconds=31)
    assert client.get(path).content == PNG
