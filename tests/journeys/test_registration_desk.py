"""A citizen at the registration desk: document, code, letter; and the two halves on their phone."""

from datetime import timedelta
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.audit.events.registration import DeskCodePrinted
from authn.clock import system_clock
from authn.db.transaction import reading, writing
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.foreign_identities import keep_unmatched_identity
from authn.people.persons import find_person_by_ssin
from authn.sources.embedded.register_import import import_register_file
from tests.browser import PHONE, assert_accessible, attach_authenticator, new_context
from tests.citizen import KARIM
from tests.conftest import DEMO_PEOPLE, LiveService
from tests.console.acting import rows
from tests.console.pdf import read_pdf
from tests.console.test_registration import CODE
from tests.console.test_registration_identities import CLAIMS, upstream
from tests.journeys.test_desk import at_the_desk
from tests.mailbox import confirm_for, mails
from tests.occasion import job

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

SIZES: Final = ((360, "dark"), (1280, "light"))


def look(page: Page, name: str) -> None:
    """The page at both widths, and what axe says of it."""
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert_accessible(page, f"registration-{name}-{width}")
        right = page.evaluate("document.documentElement.scrollWidth")
        assert right <= width, (name, right)


def the_letter(page: Page) -> bytes:
    """The PDF that the form opens, as the browser is sent it."""
    form = page.locator('form[target="_blank"]')
    sent: dict[str, str | float | bool] = {
        name: form.locator(f'input[name="{name}"]').input_value()
        for name in ("csrf_token", "ticket")
    }
    answer = page.request.post(
        page.url.partition("?")[0],
        form=sent,
        headers={"Origin": page.url.partition("/desk")[0], "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status == 200, answer.text()
    assert answer.headers["content-type"] == "application/pdf"
    return answer.body()


def valid_until() -> str:
    """The last day of somebody's identity card."""
    return (system_clock() + timedelta(days=1000)).date().isoformat()


def check_document(page: Page) -> None:
    """The form about the document, filled in and sent."""
    page.get_by_label("Identity card", exact=True).check()
    page.get_by_label("Last 4 characters of its number").fill("4231")
    page.get_by_label("Valid until").fill(valid_until())
    page.wait_for_load_state()  # all that there is to confirm is there
    for box in page.get_by_role("checkbox").all():
        if box.get_attribute("id") != "keys-on":
            box.check()
    page.get_by_role("button", name="The identity is checked").click()


def test_from_the_identity_card_to_a_phone_of_level_high(
    chromium: Browser, live: LiveService
) -> None:
    site = live.site
    import_register_file(site.database, site.secrets, DEMO_PEOPLE, site.clock())
    page = at_the_desk(new_context(chromium), live, "registrar")
    page.get_by_role("link", name="Registration desk").click()
    look(page, "home")
    page.get_by_label("National register number").fill(KARIM.ssin)
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Reason").select_option("came-to-desk")
    page.get_by_role("button", name="Continue").click()
    with reading(site.database) as connection:
        person = find_person_by_ssin(connection, site.secrets, KARIM.ssin)
    assert person
    confirm_for(site, person, "karim@example.org")
    confirm_for(site, person, "new@example.org", ago=timedelta(0))
    page.get_by_role("button", name="The identity is checked").click()
    look(page, "wrong")
    check_document(page)
    expect(page.get_by_label("to k•••@example.org")).to_be_checked()
    expect(page.get_by_text("Not to n•••@example.org")).to_be_visible()
    look(page, "ask")
    page.get_by_role("button", name="Issue the code").click()
    expect(page.get_by_role("button", name="Open the letter")).to_be_focused()
    look(page, "letter")
    (code,) = CODE.findall(read_pdf(the_letter(page)).text)
    page.get_by_role("link", name="Back to the citizen").click()
    expect(page.get_by_role("heading", name="The letter is printed")).to_be_visible()
    look(page, "printed")
    assert len(rows(site, DeskCodePrinted.name)) == 1

    (mail,) = mails(site, "karim@example.org")
    phone = new_context(chromium).new_page()
    attach_authenticator(phone, PHONE)
    phone.goto(f"{live.address}/activate/second#{mail.link('/activate/second')}")
    assert "#" not in phone.url
    look(phone, "second")
    phone.get_by_role("button", name="Continue").click()
    look(phone, "second-proven")
    phone.get_by_label("Activation code").fill(code)
    phone.get_by_label("National register number").fill(KARIM.ssin)
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("button", name="Make this device my key").click()
    expect(phone.get_by_role("textbox")).to_be_visible()


def test_a_foreign_identity_is_matched(chromium: Browser, live: LiveService) -> None:
    site = live.site
    import_register_file(site.database, site.secrets, DEMO_PEOPLE, site.clock())
    with writing(site.database) as connection:
        answered = UpstreamAnswer({"sub": "somebody"}, {**CLAIMS, "family_name": "x" * 60})
        keep_unmatched_identity(job(site, connection), upstream(), answered)
    page = at_the_desk(new_context(chromium), live, "registrar")
    look(page, "waiting")
    page.get_by_role("link", name="Foreign identities to be matched").click()
    look(page, "identities")
    page.get_by_role("link", name="Look").click()
    look(page, "identity-why")
    page.get_by_role("button", name="Look").click()
    look(page, "identity-wrong")
    page.get_by_label("Reason").select_option("came-to-desk")
    page.get_by_role("button", name="Look").click()
    look(page, "identity")
    page.get_by_label("National register number").fill(KARIM.ssin)
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("Reason").select_option("came-to-desk")
    page.get_by_role("button", name="Continue").click()
    look(page, "match-check")
    check_document(page)
    look(page, "match")
    page.get_by_role("button", name="It is the same person").click()
    expect(page.get_by_role("heading", name="They are matched")).to_be_visible()
    look(page, "matched")
    page.get_by_role("button", name="Take the match away").click()
    expect(page.get_by_role("button", name="It is the same person")).to_be_visible()
