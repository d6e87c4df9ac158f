"""A member of staff at a screen with the desk open, and a citizen whom they look after.

Everything goes over HTTP, as the pages' scripts do it.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from httpx2 import Response

from authn.people.persons import Citizen
from authn.people.tables import Person
from authn.staff.roles import Role
from authn.web.cookies import DESK, cookie_name
from authn.web.site import Site
from tests.citizen import Screen
from tests.screens import answered

STAFF: dict[Role, Citizen] = {
    "agent": Citizen("03410105274", "An", "Peeters", "1903-01-01", "nl"),
    "registrar": Citizen("03410105373", "Bert", "Dubois", "1903-01-01", "fr"),
    "supervisor": Citizen("03410105472", "Claire", "Maes", "1903-01-01", "nl"),
    "auditor": Citizen("03410105571", "Dirk", "Lambert", "1903-01-01", "fr"),
    "operator": Citizen("03410105670", "Els", "Schmitz", "1903-01-01", "de"),
}


@dataclass(slots=True)
class DeskScreen:
    """A member of staff at their own screen, with their own bound key."""

    person: Person
    screen: Screen
    site: Site

    def get(self, path: str) -> Response:
        """A page."""
        return self.screen.client.get(path)

    def post_form(self, path: str, **fields: str) -> Response:
        """As a form is sent."""
        return self.screen.post_form(path, **fields)

    def post_json(self, path: str, content: dict[str, Any] | None = None) -> Response:
        """As a script calls."""
        return self.screen.post_json(path, content or {})

    def give_reason(
        self,
        person_id: UUID,
        reason: str = "lost-device",
        explanation: str = "",
        ticket: str = "T-1",
    ) -> Response:
        """The answer to the form that asks why this person is looked at."""
        return self.post_form(
            "/desk/reason",
            person=str(person_id),
            reason=reason,
            explanation=explanation,
            ticket=ticket,
        )

    def act(self, path: str, **content: Any) -> Response:
        """The answer to an act that this member of staff confirmed with their key just now.

        As the page's script does: with what the form holds, the options too. Where there are none,
        that is the answer.
        """
        options = self.post_json(f"{path}/options", content)
        if options.status_code != 200:
            return options
        return self.post_json(path, {**content, **answered(self.screen, options.json())})

    def open(self, on: str = "/desk", desk: str = "") -> Response:
        """The desk is opened, anew if it was open; of several of theirs, this one."""
        return self.act("/desk/login", next=on, **({"desk": desk} if desk else {}))

    def close(self) -> Response:
        """The desk is closed."""
        return self.post_form("/desk/close")

    @property
    def cookie(self) -> str:
        """The value of the desk's cookie, "" for none."""
        return self.screen.client.cookies.get(cookie_name(self.site.settings, DESK)) or ""

    def present(self, cookie: str) -> None:
        """The browser has this value as the desk's cookie, whatever it had."""
        cookies = self.screen.client.cookies
        name = cookie_name(self.site.settings, DESK)
        cookies.delete(name)
        cookies.set(name, cookie)

    @property
    def is_open(self) -> bool:
        """Whether the first page of the desk is shown."""
        return self.get("/desk").status_code == 200


@dataclass(frozen=True, slots=True)
class CitizenAtHome:
    """A citizen with two devices; the first one's screen is signed in."""

    person: Person
    screen: Screen
    devices: list[UUID]


def asked_for_reason(answer: Response) -> str:
    """Whom the page that asks why would be about; "" where the answer is something else."""
    to = urlsplit(answer.headers.get("location", ""))
    return parse_qs(to.query)["person"][0] if to.path == "/desk/reason" else ""
