"""The desk's pages as a member of staff uses them, and a citizen who is signed in somewhere."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import httpx2
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.devices.tables import devices
from authn.people.persons import Citizen
from authn.people.tables import Person
from authn.profiles.appointments import appoint
from authn.staff.roles import Role
from tests.browser import LAPTOP, assert_accessible
from tests.citizen import HANNE, Screen, enrolled
from tests.conftest import LiveService
from tests.console.desk import STAFF
from tests.journeys.handed_over import in_chromium
from tests.oidc.relying_party import hold_device

SCREENS = ((360, "dark"), (1280, "light"))
# What a person does: a field that is left changed, and a press of the mouse.
COUNT = """
for (const [done, what] of [['click', 'clicks'], ['change', 'fields']]) {
  document.addEventListener(done, (event) => {
    if (done === 'change' || (event.isTrusted && event.detail > 0)) window.counted(what);
  }, true);
}
"""


@dataclass(slots=True)
class Counted:
    """How often the mouse was pressed, and how many fields were filled in."""

    clicks: int = 0
    fields: int = 0

    def count(self, what: str) -> None:
        """One more of these."""
        setattr(self, what, getattr(self, what) + 1)


@dataclass(slots=True)
class Colleague:
    """A member of staff at a screen, who is signed in with a key of their own."""

    person: Person
    page: Page
    live: LiveService
    counted: Counted = field(default_factory=Counted)

    def count(self) -> Counted:
        """From now on, what is done by hand on each page is counted."""
        self.page.expose_function("counted", lambda what: self.counted.count(what))
        self.page.add_init_script(COUNT)
        return self.counted

    def open(self, path: str = "/desk") -> None:
        """The desk, opened with the key."""
        self.page.goto(self.live.address + path)
        self.press("Open the help desk")
        expect(self.page.get_by_role("navigation", name="Help desk")).to_be_visible()

    def press(self, name: str) -> None:
        """A button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """A link of this name."""
        self.page.get_by_role("link", name=name, exact=True).click()

    def find(self, clue: str, reason: str = "lost-device", ticket: str = "T-2031") -> None:
        """Whom this number, reference or address belongs to, and why."""
        self.follow("Find a person")
        self.page.get_by_label("National number, reference or mail address").fill(clue)
        self.page.get_by_label("Reason").select_option(reason)
        self.page.get_by_label("Ticket number").fill(ticket)
        self.page.get_by_label("Ticket number").blur()
        self.press("Find")

    def card(self, device: str) -> Locator:
        """The card of the device with this name, on the page of a person."""
        named = self.page.get_by_role("heading", name=device)
        return self.page.locator("[data-device]").filter(has=named)

    def choose(self, act: str, device: str) -> None:
        """An act on this device, to its page."""
        self.page.get_by_role("link", name=f"{act} {device}").click()

    def sees(self, heading: str) -> None:
        """The page has this heading, now or soon, and its scripts listen."""
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        self.page.wait_for_load_state("load")

    def look(self, name: str) -> None:
        """No fault on the page, at both widths, light and dark."""
        for width, scheme in SCREENS:
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert_accessible(self.page, f"desk-{name}-{width}")
            widest = self.page.evaluate("document.documentElement.scrollWidth")
            assert widest <= width, f"{name} is {widest} px wide"


@dataclass(frozen=True, slots=True)
class AtHome:
    """A citizen, and what goes to the service from the first of their devices."""

    person: Person
    devices: list[UUID]
    browser: TestClient


def colleague(chromium: Browser, live: LiveService, role: Role) -> Colleague:
    """A member of staff with this role, of the desk in Ghent, signed in in a browser."""
    site, citizen = live.site, STAFF[role]
    with httpx2.Client(base_url=live.address) as client:
        person, screen = enrolled(site, client, citizen, origin=live.address)
        with writing(site.database) as connection:
            appoint(connection, site.secrets, person.id, role, "Ghent", site.clock())
        page, _ = in_chromium(chromium, screen, LAPTOP)
    return Colleague(person, page, live)


@dataclass(frozen=True, slots=True)
class Town:
    """Citizens whom the desk may be called by, and what goes to the service from their devices."""

    live: LiveService
    opened: ExitStack

    def browser(self) -> TestClient:
        """Another browser of somebody, without a cookie, that wants English."""
        client = httpx2.Client(base_url=self.live.address, headers={"Accept-Language": "en"})
        return cast(TestClient, self.opened.enter_context(client))  # as much of one as is needed

    def citizen(self, *names: str, citizen: Citizen = HANNE) -> AtHome:
        """The citizen with a device of each name, signed in with each."""
        browsers = [self.browser() for _ in names]
        held = [hold_device(self.live.site, each, citizen).held for each in browsers]
        for each, name in zip(held, names, strict=True):
            self.rename(each.device.id, name)
        return AtHome(held[0].person, [each.device.id for each in held], browsers[0])

    def enrolled(self, citizen: Citizen = HANNE) -> tuple[Person, Screen]:
        """The citizen, and a screen with a key that really signs."""
        return enrolled(self.live.site, self.browser(), citizen, origin=self.live.address)

    def rename(self, device: UUID, name: str) -> None:
        """The device is called this; a phone where the name says so."""
        values = {"name": name} | ({"kind": "phone"} if "phone" in name else {})
        with writing(self.live.site.database) as connection:
            connection.execute(update(devices).where(devices.c.id == device).values(values))
