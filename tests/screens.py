"""A citizen with several screens and devices: adding one here, adding one elsewhere, removing one.

Everything goes over HTTP, as the pages' scripts do it; see `tests.citizen` for the first device.
"""

from typing import Any
from uuid import UUID

import orjson
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.metadata import metadata
from authn.db.transaction import reading
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import ORIGIN, Screen


def another_screen(app: Starlette, authenticator: Authenticator | None = None) -> Screen:
    """Another browser profile on the same service, with an authenticator of its own."""
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    return Screen(client, authenticator or Authenticator())


def ceremony(screen: Screen, options_path: str, content: dict[str, Any] | None = None) -> Any:
    """What an options endpoint gives: `{publicKey, ceremony}`."""
    answer = screen.post_json(options_path, content or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def answered(screen: Screen, options: Any, **lies: Any) -> dict[str, Any]:
    """The authenticator's assertion to these options, as a script sends it."""
    credential = screen.authenticator.get(options, screen.origin, **lies)
    return {"ceremony": options["ceremony"], "credential": credential}


def created(
    authenticator: Authenticator, options: Any, origin: str = ORIGIN, **lies: Any
) -> dict[str, Any]:
    """The authenticator's registration to these options, as a script sends it."""
    credential = authenticator.create(options, origin, **lies)
    return {
        "ceremony": options["ceremony"],
        "credential": credential,
        "client_extension_results": credential["clientExtensionResults"],
    }


def add_here(screen: Screen, authenticator: Authenticator, **lies: Any) -> Response:
    """The answer to the registration of another authenticator on the same machine."""
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    options = ceremony(screen, "/devices/add/here/options", confirmation)
    return screen.post_json(
        "/devices/add/here/registration", created(authenticator, options, **lies)
    )


def invite(screen: Screen) -> tuple[str, str]:
    """The page of a new invitation, and the secret in its link."""
    page = screen.post_form("/devices/add/invitation").headers["location"]
    link = screen.client.get(page).text.partition("data-link>")[2].partition("<")[0]
    return page, link.partition("#")[2]


def claim(screen: Screen, secret: str) -> tuple[str, str]:
    """The invitation that this screen claimed, and the number that it shows."""
    answer = screen.post_json("/join/claim", {"secret": secret})
    assert answer.status_code == 200, answer.text
    location = answer.json()["location"]
    shown = screen.client.get(location).text.partition('class="number">')[2].partition("<")[0]
    return location.partition("invitation=")[2], shown


def approve(screen: Screen, page: str, number: str, **lies: Any) -> Response:
    """The answer to the number typed on the old screen, with its device's assertion."""
    options = ceremony(screen, f"{page}/confirm-options")
    return screen.post_json(
        f"{page}/confirm", {"number": number, **answered(screen, options, **lies)}
    )


def finish_joining(screen: Screen, invitation: str, **lies: Any) -> Response:
    """The answer to the registration on the new screen."""
    options = ceremony(screen, "/join/options", {"invitation": invitation})
    return screen.post_json(
        "/join/registration",
        {
            "invitation": invitation,
            **created(screen.authenticator, options, screen.origin, **lies),
        },
    )


def join(old: Screen, new: Screen) -> Response:
    """The whole way of a second device by a link."""
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    return finish_joining(new, invitation)


def device_in(answer: Response) -> UUID:
    """The device that an answer leads to the naming page of."""
    assert answer.status_code == 200, answer.text
    return UUID(answer.json()["location"].split("/")[2])


def remove(screen: Screen, device_id: UUID, **lies: Any) -> Response:
    """The answer to the removal of a device, confirmed by this screen's authenticator."""
    options = ceremony(screen, f"/devices/{device_id}/remove/options")
    return screen.post_json(f"/devices/{device_id}/remove", answered(screen, options, **lies))


def signed_in(screen: Screen) -> bool:
    """Whether the browser has a session that is valid."""
    return screen.client.get("/devices").status_code == 200


def problem(answer: Response) -> str:
    """The last word of a problem's type: what was refused."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


def everything(site: Site) -> dict[str, list[Any]]:
    """Every row of every table: to show that nothing was written."""
    with reading(site.database) as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
        }


def events(site: Site) -> list[tuple[str, str | None]]:
    """What is on record, in order: the event, and its reason if it has one."""
    statement = select(audit_events.c.event, audit_events.c.details).order_by(audit_events.c.id)
    with reading(site.database) as connection:
        rows = connection.execute(statement).all()
    return [(event, orjson.loads(details).get("reason")) for event, details in rows]
