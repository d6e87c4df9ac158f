"""The eID test card of the demonstration, over real HTTP, with the service that believes it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.demo.identity_card import CardAgreement, create_identity_card, read_cards
from authn.demo.town import PEOPLE, issue_identity_card
from authn.settings import Settings
from authn.web.languages import LANGUAGES
from authn.web.pages import load_pages
from tests import browser
from tests.conftest import MovableClock
from tests.federation.journey import Journey, enrol, query_of


@pytest.fixture
def card(settings: Settings, clock: MovableClock) -> Iterator[tuple[Settings, CardAgreement]]:
    """The card is in its reader, and the service knows of it."""
    listener = browser.free_socket()
    (settings.data_directory / "secrets").mkdir(parents=True)
    alone = settings.model_copy(
        update={"upstreams": "", "demo_identity_port": listener.getsockname()[1]}
    )
    known, agreement = issue_identity_card(alone)
    app = create_identity_card(agreement, read_cards(PEOPLE), load_pages("authn"), clock)
    with browser.serving(app, listener):
        yield known, agreement


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without the providers of the other tests."""
    return settings.model_copy(update={"upstreams": ""})


@pytest.fixture
def app(card: tuple[Settings, CardAgreement], clock: MovableClock) -> Iterator[Starlette]:
    """The service that believes the card."""
    application = create_app(card[0], clock=clock)
    yield application
    application.state.site.database.close()


def choose(address: str, name: str) -> str:
    """Where the browser is sent to when this button is pressed."""
    page = httpx2.get(address)
    assert page.status_code == 200
    assert "Test card: not a real identity" in page.text
    action = re.search(r'action="([^"]+)"', page.text)
    assert action
    button = re.search(rf'value="(\w+)">[^§]*?{name}', page.text[page.text.rindex("<form") :])
    assert button
    value = re.findall(r'name="card" value="(\w+)"', page.text.partition(name)[0])[-1]
    origin = "/".join(address.split("/")[:3])
    target = origin + action[1].replace("&amp;", "&")
    answer = httpx2.post(target, data={"card": value})
    assert answer.status_code == 303
    location: str = answer.headers["location"]
    return location


def test_whoever_is_chosen_enrols_without_a_code(journey: Journey) -> None:
    began = journey.client.get("/identity/test-card?purpose=enrol")
    back = choose(began.headers["location"], "Noor")
    proven = journey.client.get(back)
    assert proven.headers["location"].startswith("/activate/identity?proof=")
    assert "Welcome, Noor" in journey.client.get(proven.headers["location"]).text
    proof = query_of(proven.headers["location"])["proof"]
    assert enrol(journey.screen(), proof).status_code == 200


def test_the_deceased_can_be_chosen_and_are_refused(journey: Journey) -> None:
    began = journey.client.get("/identity/test-card?purpose=enrol")
    answer = journey.client.get(choose(began.headers["location"], "Marcel"))
    assert answer.status_code == 403


def test_cancelling_there_is_told_here(journey: Journey) -> None:
    began = journey.client.get("/identity/test-card?purpose=enrol")
    answer = journey.client.get(choose(began.headers["location"], "Cancel"))
    assert answer.status_code == 403
    assert "You stopped before the end" in answer.text


def test_the_card_answers_one_service_alone(card: tuple[Settings, CardAgreement]) -> None:
    asked = {
        "client_id": card[1].client_id,
        "redirect_uri": card[1].redirect_uri,
        "response_type": "code",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    address = f"{card[1].issuer}/authorize"
    assert httpx2.get(address, params=asked).status_code == 200
    for name in asked:
        changed = {**asked, name: "other"} if name != "code_challenge" else {**asked, name: ""}
        answer = httpx2.get(address, params=changed)
        assert answer.status_code == 400
        assert "Test card: not a real identity" in answer.text
        assert httpx2.post(address, params=changed, data={"card": "0"}).status_code == 400


def test_a_code_of_the_card_is_redeemed_once_by_whoever_asked(
    card: tuple[Settings, CardAgreement],
) -> None:
    agreement = card[1]
    asked = {
        "client_id": agreement.client_id,
        "redirect_uri": agreement.redirect_uri,
        "response_type": "code",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B

    def code() -> str:
        answer = httpx2.post(f"{agreement.issuer}/authorize", params=asked, data={"card": "1"})
        return query_of(answer.headers["location"])["code"]

    def redeem(given: str, secret: str = agreement.client_secret, **changes: str) -> int:
        form = {"code": given, "code_verifier": verifier, "redirect_uri": agreement.redirect_uri}
        auth = (agreement.client_id, secret)
        address = f"{agreement.issuer}/token"
        return httpx2.post(address, data={**form, **changes}, auth=auth).status_code

    first = code()
    assert redeem(first) == 200
    assert redeem(first) == 400
    assert redeem(code(), secret="wrong") == 401
    assert redeem(code(), code_verifier="x" * 43) == 400
    assert redeem(code(), redirect_uri="http://localhost/") == 400
    assert httpx2.get(f"{agreement.issuer}/userinfo").status_code == 401


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.one_engine
def test_every_page_of_the_card_says_that_it_is_none(
    card: tuple[Settings, CardAgreement], language: str
) -> None:
    answer = httpx2.get(f"{card[1].issuer}/authorize", headers={"Accept-Language": language})
    warning = load_pages("authn").translate("Test card: not a real identity", language)
    assert warning in answer.text


def test_the_card_comes_before_what_an_operator_configured(
    settings: Settings, tmp_path: Path
) -> None:
    (settings.data_directory / "secrets").mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text("x")
    fas = {"kind": "fas", "client_id": "us", "client_secret_file": str(secret)}
    configured = settings.model_copy(update={"upstreams": json.dumps([fas])})
    known, _ = issue_identity_card(configured)
    assert [entry["kind"] for entry in json.loads(known.upstreams)] == ["twin", "fas"]


def test_the_cards_are_those_of_the_people(client: TestClient) -> None:
    cards = read_cards(PEOPLE)
    assert [card.deceased for card in cards].count(True) == 1
    assert all(len(card.ssin) == 11 for card in cards)
    assert cards[0].ssin not in repr(cards[0])
    assert replace(cards[0], name="x").number.count(".") == 3
