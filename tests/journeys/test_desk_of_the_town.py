"""The support desk in the demo town, as docs/desk.md tells a newcomer to open it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from authn.settings import Settings
from tests.commands import run_command
from tests.console.pdf import read_pdf
from tests.journeys.test_registration_desk import check_document, the_letter
from tests.journeys.town import NUMBERS, Town, running_town

DOCS = Path(__file__).parents[2] / "docs" / "desk.md"

pytestmark = pytest.mark.journey


@pytest.fixture
def town(settings: Settings) -> Iterator[Town]:
    """The town, where nobody is staff yet."""
    with running_town(settings) as running:
        yield running


def commands() -> list[list[str]]:
    """What the page says to type."""
    text = DOCS.read_text(encoding="utf-8").partition("## In the demo town\n")[2]
    block = text.partition("```console\n")[2].partition("```")[0]
    return [line.partition(" -m authn ")[2].split() for line in block.splitlines()]


def test_a_newcomer_opens_the_desk_and_looks_after_a_neighbour(
    chromium: Browser, town: Town
) -> None:
    at_desk = town.enrolled(chromium, "Hanne")
    neighbour = town.enrolled(chromium, "Élodie")
    for words in commands():
        ran = run_command(town.site.settings, *words, typed=NUMBERS["Hanne"] + "\n")
        assert ran.returncode == 0, ran.stdout + ran.stderr
    at_desk.goto(f"{town.address}/desk")
    at_desk.get_by_role("button", name="Open the help desk").click()
    at_desk.get_by_role("link", name="Find a person", exact=True).click()
    by_number = "National number, reference or mail address"
    at_desk.get_by_label(by_number).fill(NUMBERS["Élodie"])
    at_desk.get_by_label("Reason").select_option("lost-device")
    at_desk.get_by_role("button", name="Find", exact=True).click()
    expect(at_desk.get_by_role("heading", name="Élodie Dubrulle")).to_be_visible()
    neighbour.goto(f"{town.address}/devices")
    expect(neighbour.locator('a[href^="/devices/"]').first).to_be_visible()
    at_desk.get_by_role("link", name=re.compile("^Block (?!all)")).click()
    at_desk.get_by_role("button", name=re.compile("^Block")).click()
    expect(at_desk.get_by_text("est bloqué").first).to_be_visible()  # what to tell her
    neighbour.goto(f"{town.address}/devices")
    expect(neighbour).to_have_url(re.compile("/login"))

    at_desk.get_by_role("link", name="Registration desk", exact=True).click()
    at_desk.get_by_label("National register number").fill(NUMBERS["Frans"])
    at_desk.get_by_role("button", name="Find", exact=True).click()
    at_desk.get_by_label("Reason").select_option("came-to-desk")
    at_desk.get_by_role("button", name="Continue").click()
    check_document(at_desk)
    at_desk.get_by_role("button", name="Issue the code").click()
    assert "Frans" in read_pdf(the_letter(at_desk)).text
