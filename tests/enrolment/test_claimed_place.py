"""What the holder reads of the browser that opened their link, before they let it in.

Decisions 2.10. The place comes from an operator's database, the network from two addresses, and
neither address is kept.
"""

import re
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.enrolment.invitation_tables import Invitation, invitations
from authn.settings import Settings
from authn.web.proxies import TrustedProxies
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen, enrolled
from tests.screens import approve, claim, everything, finish_joining, invite, join
from tests.web.test_place import written

HOME, ELSEWHERE, IPV6_HOME = "9.9.9.9", "9.9.9.10", "2620:fe::fe"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The service's operator has a database of places."""
    return settings.model_copy(update={"place_database": written(tmp_path)})


def screen_at(app: ASGIApp, address: str) -> Screen:
    """A browser at this address."""
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False, client=(address, 50_000))
    return Screen(client)


@pytest.fixture
def old(site: Site, app: Starlette) -> Screen:
    """The screen on which the person is signed in, at home."""
    return enrolled(site, screen_at(app, HOME).client)[1]


def shown(screen: Screen, page: str) -> str:
    """What the page tells of the other side."""
    html = screen.client.get(page, headers={"Accept-Language": "en"}).text
    facts = re.search(r'<dl class="values">(.*?)</dl>', html, re.DOTALL)
    assert facts
    return " ".join(re.sub(r"<[^>]*>", " ", facts[1]).split())


def invitation(site: Site) -> Invitation:
    with reading(site.database) as connection:
        return Invitation(*connection.execute(select(invitations)).one())


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (HOME, "Place about Ghent, Belgium Network the same as this screen"),
        (ELSEWHERE, "Place about Ghent, Belgium Network another one than this screen"),
        ("8.8.8.8", "Network another one than this screen"),
        ("192.168.1.7", "Network another one than this screen"),
        (IPV6_HOME, "Place about Ghent, Belgium"),  # a home has a network of each version
        ("testclient", ""),
    ],
)
def test_place_and_network_are_shown(app: Starlette, old: Screen, address: str, words: str) -> None:
    page, secret = invite(old)
    claim(screen_at(app, address), secret)
    assert shown(old, page) == f"Browser not known {words}".strip()


def test_the_place_is_in_the_language_of_the_page(app: Starlette, old: Screen) -> None:
    page, secret = invite(old)
    claim(screen_at(app, ELSEWHERE), secret)
    for language, place in (("fr", "Gand, Belgique"), ("de", "Gent, Belgien"), ("nl", "België")):
        assert place in old.client.get(page, headers={"Accept-Language": language}).text


def test_no_address_is_stored(site: Site, app: Starlette, old: Screen) -> None:
    page, secret = invite(old)
    new = screen_at(app, ELSEWHERE)
    joining, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    assert finish_joining(new, joining).status_code == 200
    rows = repr(everything(site))
    assert HOME not in rows
    assert ELSEWHERE not in rows
    assert invitation(site).opened_from


def test_two_invitations_from_one_network_look_different(site: Site, old: Screen) -> None:
    invite(old)
    invite(old)
    with reading(site.database) as connection:
        kept = connection.execute(select(invitations.c.opened_from)).scalars().all()
    assert len(set(kept)) == 2


def test_an_invitation_without_a_known_network_tells_none(
    site: Site, app: Starlette, old: Screen
) -> None:
    page, secret = invite(old)
    with writing(site.database) as connection:
        connection.execute(update(invitations).values(opened_from=None))
    claim(screen_at(app, HOME), secret)
    assert "Network" not in shown(old, page)


def test_what_a_stranger_says_of_their_address_is_not_believed(app: Starlette, old: Screen) -> None:
    page, secret = invite(old)
    new = screen_at(app, "8.8.8.8")
    new.client.headers["X-Forwarded-For"] = HOME
    new.client.headers["Forwarded"] = f"for={HOME}"
    claim(new, secret)
    assert shown(old, page) == "Browser not known Network another one than this screen"


def test_what_a_trusted_proxy_says_is(app: Starlette, old: Screen) -> None:
    behind = TrustedProxies(app, Settings(trusted_proxies="10.0.0.1"))
    page, secret = invite(old)
    new = screen_at(behind, "10.0.0.1")
    new.client.headers["X-Forwarded-For"] = f"1.2.3.4, {HOME}"
    claim(new, secret)
    assert shown(old, page).endswith("Ghent, Belgium Network the same as this screen")


def test_the_old_screen_names_the_device_that_was_added(
    site: Site, app: Starlette, old: Screen
) -> None:
    new = screen_at(app, HOME)
    new.client.headers["User-Agent"] = "Mozilla/5.0 (iPhone) Version/19.0 Safari/604.1"
    assert join(old, new).status_code == 200
    page = f"/devices/add/invitation/{invitation(site).id}"
    assert "<h2>iPhone</h2>" in old.client.get(page).text
    # Removed again: the page is still there, without it.
    with writing(site.database) as connection:
        removed = update(devices).where(devices.c.name == "iPhone").values(status="unlinked")
        connection.execute(removed)
    assert "<h2>iPhone</h2>" not in old.client.get(page).text
