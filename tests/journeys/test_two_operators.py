"""One operator asks for what gives an application much; a second one, in their browser, agrees."""

import re

import pytest
from playwright.sync_api import Browser, expect

from authn.clients.clients import find_client
from authn.db.transaction import reading, writing
from authn.profiles.appointments import appoint, dismiss
from tests.conftest import LiveService
from tests.journeys.desk_pages import Colleague, colleague

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.fixture
def asking(chromium: Browser, live: LiveService) -> Colleague:
    """The operator who asks."""
    return colleague(chromium, live, "operator")


@pytest.fixture
def second(chromium: Browser, live: LiveService) -> Colleague:
    """Another operator; who is a supervisor besides sees what was done at the machine too."""
    made = colleague(chromium, live, "supervisor")
    with writing(live.site.database) as connection:
        now = live.site.clock()
        appoint(connection, live.site.secrets, made.person.id, "operator", "Ghent", now)
    return made


def fill(who: Colleague) -> None:
    """The form of an application that reads national numbers, to its confirmation."""
    page = who.page
    page.goto(f"{who.live.address}/desk/operator/new-client?kind=web")
    page.get_by_label("Name", exact=True).fill("Hospital")
    page.get_by_label("client_id").fill("hospital")
    page.get_by_label("Where people are sent back to").fill("https://hospital.example/callback")
    page.locator("#may_read_ssin").check()
    page.locator("#scope").fill("openid profile ssin")
    who.press("See what is registered")
    who.sees("Register Hospital?")


def test_an_application_that_reads_numbers_is_asked_by_one_and_agreed_to_by_another(
    asking: Colleague, second: Colleague, live: LiveService
) -> None:
    second.open("/desk/requests")
    second.sees("Permissions and roles")
    second.look("requests-none")
    asking.open()
    fill(asking)
    asking.look("request-asking")
    asking.page.get_by_label("Why is this needed?").fill("They send letters by number")
    asking.page.get_by_label("Ticket").fill("T-7")
    asking.press("Ask a second operator")
    expect(asking.page.locator("[data-secret]")).to_have_text(re.compile(r"[\w.-]{32,}"))
    asking.look("request-secret")
    asking.follow("I have kept it")
    asking.sees("Register the application Hospital")
    asking.look("request-own")
    second.follow("Look and decide")  # the list followed by itself
    second.sees("Register the application Hospital")
    second.look("request-deciding")
    second.press("Agree, and do it now")
    expect(second.page.get_by_text("Approved", exact=False)).to_be_visible()
    expect(asking.page.get_by_text("Approved", exact=False)).to_be_visible()
    second.look("request-done")
    with reading(live.site.database) as connection:
        client = find_client(connection, "hospital")
    assert client is not None
    assert client.may_ask("ssin")
    second.page.goto(f"{live.address}/desk/requests")
    second.sees("What was asked in the last week")
    second.look("requests")


def test_who_is_alone_reads_what_to_do(
    asking: Colleague, second: Colleague, live: LiveService
) -> None:
    with writing(live.site.database) as connection:
        now = live.site.clock()
        dismiss(connection, live.site.secrets, second.person.id, "operator", now)
    asking.open("/desk/requests")
    asking.sees("You are the only operator")
    asking.look("requests-alone")
    fill(asking)
    asking.sees("A second operator must agree")
    asking.look("request-alone")
    second.open()
    second.sees("Done at the machine of this service")
    second.look("told-of-the-machine")
