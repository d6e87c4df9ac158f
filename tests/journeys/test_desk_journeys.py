"""What a desk is for, in a real browser, from a call to what the caller is told."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from authn.app import create_app
from authn.clients.client_metadata import ClientMetadata
from authn.clock import system_clock
from authn.console.tables import approvals
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import Settings
from authn.sources.embedded.register_import import import_register_file
from tests import browser
from tests.browser import PHONE, attach_authenticator, new_context
from tests.citizen import HANNE, KARIM
from tests.conftest import DEMO_PEOPLE, LiveService
from tests.console.acting import rows, statuses
from tests.console.pdf import read_pdf
from tests.console.test_registration import CODE
from tests.journeys.desk_pages import Town, colleague
from tests.journeys.test_keyboard import tab_to
from tests.journeys.test_registration_desk import the_letter, valid_until
from tests.logout_receiver import LogoutReceiver, receiving
from tests.mailbox import confirm_for
from tests.oidc.relying_party import register
from tests.patience import until

MOST_CLICKS, MOST_FIELDS = 6, 3
SECONDS_TO_TELL = 2
SCRIPT = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"

pytestmark = pytest.mark.journey


@pytest.fixture
def receiver() -> Iterator[LogoutReceiver]:
    """A relying application's server, which hears of sign-outs."""
    with receiving() as running:
        yield running


@pytest.fixture
def live(settings: Settings) -> Iterator[LiveService]:
    """The service with its worker, and applications on this machine."""
    listener = browser.free_socket()
    changed = {
        "issuer": f"http://localhost:{listener.getsockname()[1]}",
        "outbox_worker": True,
        "private_hosts": frozenset({"localhost"}),
    }
    application = create_app(settings.model_copy(update=changed), clock=system_clock)
    with browser.serving(application, listener) as address:
        yield LiveService(address, application.state.site)


@pytest.fixture
def town(live: LiveService) -> Iterator[Town]:
    """Citizens with devices."""
    with ExitStack() as opened:
        yield Town(live, opened)


def follows(page: Page, text: str) -> None:
    """The page, which nobody touches, has these words soon (within 2 s: console/test_expiry)."""
    expect(page.get_by_role("main").get_by_text(text).first).to_be_visible()


def test_the_phone_is_gone(
    chromium: Browser, live: LiveService, town: Town, receiver: LogoutReceiver
) -> None:
    """Counted from opening the desk; the application is told while the agent still reads."""
    ensure_signing_keys(live.site.database, live.site.secrets, live.site.clock())
    citizen = town.citizen("My phone", "My laptop")
    hospital = register(
        live.site,
        citizen.browser,
        client_id="hospital",
        metadata=ClientMetadata(backchannel_logout_uri=receiver.address + "/logout"),
        first_party=True,
    )
    assert hospital.tokens()["id_token"]
    agent = colleague(chromium, live, "agent")
    counted = agent.count()
    agent.open()
    agent.find(HANNE.ssin)
    expect(agent.card("My phone")).to_contain_text("Signed in to Hospital")
    agent.choose("Remove", "My phone")
    agent.sees("Remove this device?")
    agent.press("Remove this device")
    assert until(lambda: receiver.received, "a sign-out") < SECONDS_TO_TELL
    agent.sees("Done. Say this to the citizen")
    assert len(receiver.received) == 1
    expect(agent.page.get_by_text("“My phone” is removed for good.")).to_be_visible()
    expect(agent.page.get_by_text("You can still sign in with: My laptop.")).to_be_visible()
    assert 0 < counted.clicks <= MOST_CLICKS
    assert 0 < counted.fields <= MOST_FIELDS
    phone, laptop = citizen.devices
    assert statuses(live.site, citizen.person) == {phone: "unlinked", laptop: "active"}
    (row,) = rows(live.site, "desk.unlinked")
    assert (row["actor_id"], row["reason"], row["ticket"]) == (
        agent.person.id,
        "lost-device",
        "T-2031",
    )


@pytest.mark.one_engine
def test_by_keyboard_alone_and_the_wrong_device_taken_back(
    chromium: Browser, live: LiveService, town: Town
) -> None:
    citizen = town.citizen("My phone", "My laptop")
    agent = colleague(chromium, live, "agent")
    page, keys = agent.page, agent.page.keyboard
    page.goto(f"{live.address}/desk")
    tab_to(page, "Open the help desk")
    keys.press("Enter")
    agent.sees("What waits for you")
    keys.press("/")
    agent.sees("Find a person")
    agent.look("find")
    keys.type(HANNE.ssin)
    tab_to(page, "A device was lost")
    keys.type("A device was lost")
    keys.press("Tab")
    keys.type("T-2031")
    keys.press("Enter")
    agent.sees("Hanne Van der Meulen")
    agent.look("person")
    for _ in citizen.devices:
        keys.press("j")
        if "My laptop" in page.locator(":focus").inner_text():
            break
    keys.press("b")
    agent.sees("Block this device?")
    expect(page.get_by_role("main")).to_contain_text("My laptop")
    agent.look("block")
    tab_to(page, "Block this device")
    keys.press("Enter")
    agent.sees("Done. Say this to the citizen")
    agent.look("done")
    phone, laptop = citizen.devices
    assert statuses(live.site, citizen.person) == {phone: "active", laptop: "suspended"}
    # It was the other one.
    tab_to(page, "Wrong device: unblock it again")
    keys.press("Enter")
    expect(page.get_by_text("“My laptop” works as before.")).to_be_visible()
    assert set(statuses(live.site, citizen.person).values()) == {"active"}


@pytest.mark.one_engine
def test_four_eyes_refuse_let_it_expire_and_approve(
    chromium: Browser, live: LiveService, town: Town
) -> None:
    """Two browsers; whoever waits touches nothing."""
    citizen = town.citizen("My phone")
    agent = colleague(chromium, live, "agent")
    supervisor = colleague(chromium, live, "supervisor")
    supervisor.open("/desk/approvals")
    agent.open()
    agent.find(HANNE.ssin)

    def ask() -> None:
        agent.page.goto(f"{live.address}/desk/people/{citizen.person.id}")
        agent.choose("Remove", "My phone")
        agent.press("Ask to remove it")
        agent.sees("What you asked")

    ask()
    follows(supervisor.page, "Remove the last device that works")
    supervisor.look("approvals")
    supervisor.follow("Look and decide")
    supervisor.look("approval")
    supervisor.page.get_by_label("Why not, for who asked").fill("Call back first")
    supervisor.press("Refuse")
    follows(agent.page, "Call back first")

    ask()
    with writing(live.site.database) as connection:
        connection.execute(
            update(approvals)
            .where(approvals.c.state == "waiting")
            .values(expires_at=live.site.clock())
        )
    expect(agent.page.get_by_text("Nobody decided in time")).to_be_visible()
    until(lambda: rows(live.site, "approval.expired"), "the end of what was asked")
    assert set(statuses(live.site, citizen.person).values()) == {"active"}

    ask()
    supervisor.page.goto(f"{live.address}/desk/approvals")
    supervisor.follow("Look and decide")
    supervisor.press("Approve, and do it now")
    agent.follow("It was done: what to say to the citizen")
    expect(agent.page.get_by_text("You have no other device that works")).to_be_visible()
    assert set(statuses(live.site, citizen.person).values()) == {"unlinked"}
    (row,) = rows(live.site, "desk.unlinked")
    assert row["actor_id"] == agent.person.id
    assert row["approved_by"] == str(supervisor.person.id)


@pytest.mark.one_engine
def test_everything_is_lost(chromium: Browser, live: LiveService, town: Town) -> None:
    """Blocked and begun by the agent, who hands over to a registrar; a supervisor agrees."""
    import_register_file(live.site.database, live.site.secrets, DEMO_PEOPLE, live.site.clock())
    citizen = town.citizen("My phone", "My laptop")
    confirm_for(live.site, citizen.person)
    agent, registrar, supervisor = (
        colleague(chromium, live, role) for role in ("agent", "registrar", "supervisor")
    )
    agent.open()
    agent.find(HANNE.ssin)
    agent.page.get_by_role("link", name="Block all devices").click()
    agent.look("block-all")
    agent.press("Block all devices")
    expect(agent.page.get_by_text("All your devices are blocked.")).to_be_visible()
    agent.follow("Back to the person")
    agent.page.get_by_role("link", name="Begin a return").click()
    agent.look("begin-return")
    agent.press("Begin the return")
    expect(agent.page.get_by_text("Your return has begun.")).to_be_visible()

    registrar.open("/desk/registration")
    registrar.page.get_by_label("National register number").fill(HANNE.ssin)
    registrar.press("Find")
    registrar.page.get_by_label("Reason").select_option("came-to-desk")
    registrar.press("Continue")
    registrar.page.get_by_label("Identity card", exact=True).check()
    registrar.page.get_by_label("Last 4 characters of its number").fill("4231")
    registrar.page.get_by_label("Valid until").fill(valid_until())
    registrar.page.wait_for_load_state()  # all that there is to confirm is there
    for box in registrar.page.get_by_role("main").get_by_role("checkbox").all():
        box.check()
    registrar.press("The identity is checked")
    registrar.page.get_by_label("a second member of staff, who agrees").check()
    registrar.press("Ask for the code")
    registrar.sees("A colleague must agree")
    supervisor.open("/desk/approvals")
    supervisor.follow("Look and decide")
    supervisor.press("Approve, and do it now")
    supervisor.sees("What was asked")
    registrar.page.reload()
    registrar.press("Print the letter")
    registrar.sees("The letter for Hanne Van der Meulen")
    code = CODE.findall(read_pdf(the_letter(registrar.page)).text)[0]

    new = new_context(chromium).new_page()
    attach_authenticator(new, PHONE)
    new.goto(f"{live.address}/activate#{code}")
    new.get_by_label("National register number").fill(HANNE.ssin)
    new.get_by_role("button", name="Continue").click()
    new.get_by_role("button", name="Make this device my key").click()
    expect(new.get_by_role("heading", name="You can sign in again")).to_be_visible()
    assert sorted(statuses(live.site, citizen.person).values()) == [
        "active",
        "suspended",
        "suspended",
    ]


@pytest.mark.one_engine
def test_a_copied_key(chromium: Browser, live: LiveService, town: Town) -> None:
    """Two copies count differently: the service blocks both, the agent sees why and removes it."""
    person, screen = town.enrolled()
    assert screen.sign_in(sign_count=9).status_code == 200
    assert screen.sign_in(sign_count=4).status_code == 403
    (device,) = statuses(live.site, person)
    town.rename(device, "My phone")
    town.citizen("My laptop")
    agent = colleague(chromium, live, "agent")
    agent.open()
    agent.find(HANNE.ssin, reason="copied-key")
    card = agent.card("My phone")
    expect(card).to_contain_text("its key may have been copied")
    expect(card.get_by_role("link", name="Unblock")).to_have_count(0)
    agent.look("copied-key")
    agent.choose("Remove", "My phone")
    agent.press("Remove this device")
    expect(agent.page.get_by_text("“My phone” is removed for good.")).to_be_visible()
    assert statuses(live.site, person)[device] == "unlinked"


@pytest.mark.one_engine
def test_a_neighbour_is_not_shown_without_a_reason(
    chromium: Browser, live: LiveService, town: Town
) -> None:
    caller = town.citizen("My phone")
    neighbour = town.citizen("His phone", citizen=KARIM)
    agent = colleague(chromium, live, "agent")
    agent.open()
    agent.find(HANNE.ssin)
    agent.sees("Hanne Van der Meulen")
    # The reason was for the caller alone.
    for path in ("", f"/devices/{neighbour.devices[0]}/unlink", "/block-all"):
        agent.page.goto(f"{live.address}/desk/people/{neighbour.person.id}{path}")
        assert "/desk/reason?" in agent.page.url
        for secret in ("Karim", "Benali", "phone"):
            expect(agent.page.get_by_role("main")).not_to_contain_text(secret)
    agent.look("reason")
    agent.press("Continue")
    expect(agent.page.get_by_role("alert")).to_contain_text("Choose why you look at this person.")
    assert [each["person_id"] for each in rows(live.site, "desk.looked-at")] == [caller.person.id]
    # One is given, and is what the neighbour reads about it.
    agent.page.get_by_label("Reason").select_option("question")
    agent.press("Continue")
    expect(agent.page.get_by_role("heading", name="Block all devices?")).to_be_visible()
    neighbour_sees = neighbour.browser.get("/activity").text
    assert "A question was asked" in neighbour_sees


@pytest.mark.one_engine
def test_a_script_in_the_name_of_a_device_is_only_a_name(
    chromium: Browser, live: LiveService, town: Town
) -> None:
    town.citizen(SCRIPT)
    agent = colleague(chromium, live, "agent")
    supervisor = colleague(chromium, live, "supervisor")
    agent.open()
    agent.find(HANNE.ssin)

    def harmless(page: Page) -> None:
        expect(page.get_by_role("main").get_by_text(SCRIPT).first).to_be_visible()
        assert page.evaluate("window.hacked") is None
        assert page.locator("main img[src=x], main script").count() == 0

    harmless(agent.page)
    agent.choose("Block", SCRIPT)
    harmless(agent.page)
    agent.press("Block this device")
    agent.sees("Done. Say this to the citizen")
    harmless(agent.page)
    agent.follow("Back to the person")
    agent.choose("Remove", SCRIPT)
    agent.press("Ask to remove it")
    agent.sees("What you asked")
    harmless(agent.page)
    supervisor.open("/desk/approvals")
    harmless(supervisor.page)
    supervisor.follow("Look and decide")
    harmless(supervisor.page)
