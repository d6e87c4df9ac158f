"""A citizen at a screen: a browser without JavaScript, and authenticators that do its ceremonies.

Everything goes over HTTP, as the pages' scripts do it.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import Client, Response

from authn.db.transaction import writing
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.people.persons import Citizen as RegisteredCitizen
from authn.people.persons import find_or_create_person
from authn.people.tables import Person
from authn.web.site import Site
from tests.authenticator import Authenticator

ORIGIN = "http://localhost:8000"
SSIN = "03410100128"

HANNE = RegisteredCitizen(SSIN, "Hanne", "Van der Meulen", "1903-01-01", "nl")
KARIM = RegisteredCitizen("03410100227", "Karim", "Benali", "1903-01-01", "fr")


@dataclass(slots=True)
class Screen:
    """One browser profile, with the authenticator that is at hand."""

    client: Client
    authenticator: Authenticator = field(default_factory=Authenticator)
    origin: str = ORIGIN
    known_browser: list[str] = field(default_factory=list)
    known_csrf: str = ""

    def csrf(self) -> str:
        """The token of this browser; opens a page first where it has none yet."""
        browser = self._browser()
        if not browser or browser != self.known_browser:
            page = self.client.get("/").text
            found = re.search(r'name="csrf-token" content="([^"]+)"', page)
            assert found
            self.known_browser, self.known_csrf = self._browser(), found.group(1)
        return self.known_csrf

    def _browser(self) -> list[str]:
        """The pre-login cookie, to which the token belongs."""
        cookies = self.client.cookies.jar
        return [each.value or "" for each in cookies if each.name.endswith("browser")]

    def post_form(self, path: str, **fields: str) -> Response:
        """As a form of ours is sent."""
        fields["csrf_token"] = self.csrf()
        headers = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        return self.client.post(path, data=fields, headers=headers)

    def post_json(self, path: str, content: dict[str, Any]) -> Response:
        """As a script of ours calls."""
        headers = {
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.csrf(),
        }
        return self.client.post(path, json=content, headers=headers)

    def answer_page(self, path: str, token: str, **fields: str) -> Response:
        """The form on this page of the interaction is sent, with what it carries and these
        fields."""
        html = self.client.get(f"{path}?request={token}").text
        carried = fields_of(html)
        assert carried.get("person"), "the page names whom it asks"
        return self.post_form(path, **{**carried, "request": token, **fields})

    def activate(self, code: str, ssin: str = SSIN) -> str:
        """The enrolment token that a right pair gives."""
        answer = self.post_form("/activate", code=code, ssin=ssin)
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["enrolment"][0]

    def enrol(self, code: str, ssin: str = SSIN, **lies: Any) -> Response:
        """The answer to the registration of this screen's authenticator as a first device."""
        enrolment = self.activate(code, ssin)
        options = self.post_json("/activate/options", {"enrolment": enrolment}).json()
        credential = self.authenticator.create(options, self.origin, **lies)
        return self.post_json(
            "/activate/registration",
            {
                "enrolment": enrolment,
                "ceremony": options["ceremony"],
                "credential": credential,
                "client_extension_results": credential["clientExtensionResults"],
            },
        )

    def sign_in(self, request: str = "", **lies: Any) -> Response:
        """The answer to an assertion, for the pending request under this token if there is one."""
        options = self.post_json("/login/options", {"request": request}).json()
        credential = self.authenticator.get(options, self.origin, **lies)
        return self.post_json(
            "/login/assertion",
            {"request": request, "ceremony": options["ceremony"], "credential": credential},
        )


def activation_code(site: Site, citizen: RegisteredCitizen = HANNE) -> tuple[Person, str]:
    """The person that the register knows as this citizen, and a fresh activation code."""
    now = site.clock()
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, citizen, now)
        code = issue_activation_code(connection, site.secrets, site.settings, person, now)
    return person, code


def enrolled(
    site: Site,
    client: Client,
    citizen: RegisteredCitizen = HANNE,
    *,
    origin: str = ORIGIN,
    **lies: Any,
) -> tuple[Person, Screen]:
    """The person, and the screen on which they enrolled and are signed in."""
    person, code = activation_code(site, citizen)
    screen = Screen(client, origin=origin)
    answer = screen.enrol(code, citizen.ssin, **lies)
    assert answer.status_code == 200, answer.text
    return person, screen


def fields_of(html: str) -> dict[str, str]:
    """What a browser sends of the form in the page, as it stands: hidden fields, ticked boxes and
    chosen options, the names of buttons left out."""
    form = html.partition("<main")[2].partition("</main>")[0]
    sent = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        said = {name: unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}
        ticked = said.get("type") not in ("checkbox", "radio") or re.search(r"\schecked\b", tag)
        if "name" in said and ticked and not re.search(r"\sdisabled\b", tag):
            sent[said["name"]] = said.get("value", "on")
    for name, options in re.findall(
        r'<select\b[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        sent[name] = unescape(chosen.group(1)) if chosen else ""
    return sent
