"""The demo town in a real browser: each kind of capacity, switching, and what a resource hears.

At the end of each journey a property of all bytes that were said in it: a national number stands
nowhere but where it may (decisions 1.5), and nobody is told of without being asked for.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.settings import Settings
from tests.browser import assert_accessible
from tests.journeys.town import NUMBERS, Town, running_town
from tests.recording import with_decoded

pytestmark = pytest.mark.journey

# Where numbers may stand: what the application and the resource ask by permission, and the page on
# which a person sees what would be given. At /token it is an access token for the resource alone:
# this application has the permission as well.
PERMITTED = {
    "POST /token",
    "GET /userinfo",
    "POST /introspect",
    "GET /consent",
    "POST /consent",
}


@pytest.fixture
def town(settings: Settings, capfd: pytest.CaptureFixture[str]) -> Iterator[Town]:
    """The town; afterwards no log line has a number, and what was said only where it may."""
    with running_town(settings) as running:
        yield running
    numbers = [*NUMBERS.values(), *("".join(filter(str.isdigit, n)) for n in NUMBERS.values())]
    assert running.service.where(*numbers) <= PERMITTED
    for each in running.service.said:
        assert not any(number.encode() in each.address for number in numbers)
        # What may be in an access token for the resource is never in an ID token (decisions 1.5).
        for id_token in re.findall(rb'"id_token":"([^"]+)"', each.answer):
            assert not any(number.encode() in with_decoded(id_token) for number in numbers)
    # The application shows what it was told, and whom one can be; the resource on its page alone.
    assert running.application.where(*numbers) <= {"GET /", "GET /town"}
    assert running.resource.where(*numbers) <= {"GET /"}
    written = capfd.readouterr()
    for number in numbers:
        assert number not in written.out + written.err


def ask(page: Page, words: str) -> None:
    """The button of the demo application that asks for a capacity."""
    page.get_by_role("region", name="Ask for a capacity").get_by_role(
        "button", name=words, exact=True
    ).first.click()


def go_through(page: Page, *, choose: str = "") -> None:
    """From the service back to the demo application: the capacity is chosen, and all allowed."""
    back = page.get_by_role("heading", name=re.compile("^Hello, "))
    choice = page.get_by_role("heading", name="In which capacity do you continue?")
    allow = page.get_by_role("button", name="Allow", exact=True)
    expect(back.or_(choice).or_(allow)).to_be_visible()
    if choice.is_visible():
        assert_accessible(page, "town-profile")
        assert choose, "there is a choice"
        page.get_by_role("button", name=choose).first.click()
        expect(back.or_(allow)).to_be_visible()
    if allow.is_visible():
        assert_accessible(page, "town-consent")
        allow.click()
    expect(back).to_be_visible()


def sign_in(page: Page, town: Town, *, choose: str = "") -> None:
    """At the demo application, from its start page."""
    page.goto(town.application_address)
    page.get_by_role("button", name="Sign in", exact=True).click()
    go_through(page, choose=choose)


def told(page: Page) -> str:
    """What the application shows that it was told about the person."""
    heading = page.get_by_role("heading", name="What this application was told about you")
    return page.locator("section").filter(has=heading).inner_text()


def went_on(page: Page) -> str:
    """What came of going on to the records."""
    page.get_by_role("button", name="Go on to the records").click()
    return outcome(page)


def outcome(page: Page) -> str:
    shown = page.get_by_role("status")
    expect(shown).to_be_visible()
    return shown.inner_text()


@pytest.mark.parametrize(
    ("who", "kind", "choose", "shown", "allowed", "refused"),
    [
        pytest.param(
            "Hanne",
            "In your profession",
            "Physician",
            "19999991004",
            "prescription:write",
            "planning:read",
            id="a physician",
        ),
        pytest.param(
            "Hanne",
            "For your organisation",
            "Ziekenhuis De Linde",
            "71099990",
            "planning:read",
            "prescription:write",
            id="a member of a hospital",
        ),
        pytest.param(
            "Hanne",
            "By a mandate",
            "Frans",
            "medicaldatamanagement",
            "prescription:collect",
            "prescription:write",
            id="a mandatary of her father",
        ),
        pytest.param(
            "Hanne",
            "For your child",
            "Lotte",
            "Lotte",
            "prescription:collect",
            "planning:read",
            id="a mother of two",
        ),
        pytest.param(
            "Hanne",
            "As yourself",
            "",
            "Hanne",
            "prescription:collect",
            "prescription:write",
            id="herself",
        ),
        pytest.param(
            "Élodie",
            "In your profession",
            "",
            "nurse",
            "record:read",
            "prescription:write",
            id="a nurse",
        ),
        pytest.param(
            "Jürgen",
            "By a mandate",
            "",
            "Pflegeheim Sonnenhof",
            "record:read",
            "prescription:collect",
            id="the mandatary of an organisation",
        ),
    ],
)
@pytest.mark.one_engine
def test_each_kind_of_capacity(
    chromium: Browser,
    town: Town,
    who: str,
    kind: str,
    choose: str,
    shown: str,
    allowed: str,
    refused: str,
) -> None:
    page = town.enrolled(chromium, who)
    sign_in(page, town, choose=f"{who} ")
    assert_accessible(page, "demo-signed-in")
    ask(page, kind)
    go_through(page, choose=choose)
    assert shown in told(page)
    answer = went_on(page)
    assert_accessible(page, "demo-exchanged")
    granted, _, withheld = answer.partition("allowed")[2].partition("refused")
    assert allowed in granted
    assert refused in withheld


@pytest.mark.one_engine
def test_who_has_one_capacity_is_asked_nothing(chromium: Browser, town: Town) -> None:
    page = town.enrolled(chromium, "Noor")
    sign_in(page, town)
    assert "Noor" in told(page)
    # A child of fourteen is the parent's no more (decisions 9.3), and not the mandatary's choice.
    other = town.enrolled(chromium, "Rosalie")
    sign_in(other, town, choose="Rosalie ")
    other.get_by_text("The same, as authorization_details").click()
    other.get_by_role("button", name="For your child").nth(1).click()
    expect(other.get_by_text("A child for whom you act as a parent")).to_be_visible()
    assert_accessible(other, "town-no-child")
    assert not town.service.where("Gaspard")


def test_switching_by_exchange_needs_what_was_allowed_in_that_capacity(
    chromium: Browser, town: Town
) -> None:
    page = town.enrolled(chromium, "Hanne")
    sign_in(page, town, choose="Hanne ")
    ask(page, "As yourself")
    go_through(page)
    assert "may_act" in went_on(page)
    page.get_by_role("button", name="Switch to mandators").click()
    assert "consent_required" in outcome(page)
    # Allowed once, in that capacity: from then on the switch needs no page.
    ask(page, "By a mandate")
    go_through(page)
    ask(page, "As yourself")
    go_through(page)
    went_on(page)
    page.get_by_role("button", name="Switch to mandators").click()
    switched = outcome(page)
    assert "Frans" in switched
    assert "Hanne" in switched.partition("act")[2]
    # The sign-in is what it was: another one alone changes it.
    assert "Frans" not in told(page)
    page.goto(town.resource_address)
    assert_accessible(page, "demo-resource")
    expect(page.get_by_text("Frans").first).to_be_visible()
    # A mandate that has ended, and one that was not accepted, are never told of.
    for somebody in ("Omar", "Noor"):
        words = [
            before + somebody for before in ('"', ">", " ")
        ]  # four letters stand in a token too
        for recording in (town.service, town.application, town.resource):
            assert not recording.where(*words, town.canonical(somebody))


def test_another_capacity_without_signing_out(chromium: Browser, town: Town) -> None:
    page = town.enrolled(chromium, "Hanne")
    sign_in(page, town, choose="Hanne ")
    ask(page, "In your profession")
    go_through(page)
    assert "physician" in told(page)
    page.get_by_role("button", name="Let me choose another one").click()
    page.get_by_role("button", name="Yes, continue").click()
    go_through(page, choose="Ziekenhuis De Linde")
    assert "hospital" in told(page)
    assert "physician" not in told(page)


def test_what_was_given_back_is_worth_nothing_and_my_activity_tells_of_it_all(
    chromium: Browser, town: Town
) -> None:
    page = town.enrolled(chromium, "Hanne")
    sign_in(page, town, choose="Hanne ")
    ask(page, "In your profession")
    go_through(page)
    page.get_by_role("button", name="Give the access back").click()
    assert "invalid_token" in outcome(page)
    page.goto(f"{town.address}/activity")
    assert_accessible(page, "activity")
    for words in ("You signed in to an application", "You allowed an application", "Physician"):
        expect(page.get_by_text(words).first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save all of it as a file").click()
    content = download.value.path().read_text(encoding="utf-8-sig")
    assert "You signed in to an application" in content
    assert not re.search(r"\b[0-9]{11}\b", content)


@pytest.mark.one_engine
def test_the_pages_of_the_town_fit_a_narrow_screen(chromium: Browser, town: Town) -> None:
    page = town.enrolled(chromium, "Hanne")
    sign_in(page, town, choose="Hanne ")
    ask(page, "In your profession")
    go_through(page)
    went_on(page)
    page.set_viewport_size({"width": 320, "height": 700})
    for address in (
        f"{town.address}/activity",
        f"{town.application_address}/",
        f"{town.application_address}/town",
        f"{town.resource_address}/",
    ):
        page.goto(address)
        assert_accessible(page, f"narrow-{address.partition('//')[2].partition('/')[2] or 'demo'}")
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('main *')]"
            ".map((each) => each.getBoundingClientRect().right))"
        )
        assert widest <= 320, f"{address}: {widest} px"
