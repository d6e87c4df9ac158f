"""What pages, files, mails and logs make of whom somebody acts for: their names, no numbers.

A source's names are not ours to trust: an organisation may be called anything. And in one run, with
every kind of capacity, no byte of what people are shown or sent has a national number (decisions
1.5), but where the person is asked about just that.
"""

import csv
import html
import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.grants.endings.ended_profiles import notify_of_ended_profiles
from authn.sources.facts import NaturalPerson, Organisation
from authn.web.site import Site
from tests.capacities import (
    EVERY_KIND,
    LEA,
    MARIE,
    buttons,
    child,
    knows,
    knows_no,
    mandate,
    member,
    open_to,
    physician,
)
from tests.citizen import SSIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import CLIENT_ID, register_hospital
from tests.login.test_interaction import allow, authorize, query, waiting
from tests.mailbox import confirm_for, mails
from tests.occasion import job

pytestmark = pytest.mark.thorough

SCRIPT = '<script>alert("x")</script>'
NAMES = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "=HYPERLINK(A1)",
    "@SUM(1)",
    "%(name)s %s %d {0} {name}",
    "{{ 7*7 }} {% raw %}",
    "O'Neil & Zonen «bvba»",
    "מרים بن علي",
    "A" * 100,
]
NUMBERS = [SSIN, MARIE.ssin, LEA.ssin]
LANGUAGES = ["en", "nl", "fr", "de"]
PAGES = ["/profiles", f"/profiles/{CLIENT_ID}", "/applications", "/activity", "/devices"]
WITHDRAWN = f"/applications/{CLIENT_ID}/withdraw"


def holds_a_number(text: str) -> bool:
    """In any of the ways in which people write them."""
    digits = re.sub(r"(?<=\d)[ .\-]{1,3}(?=\d)", "", text)
    return any(number in text or number in digits for number in NUMBERS)


def walk(screen: Screen, clock: MovableClock) -> dict[str, str]:
    """Every page and file on which a capacity is told of, after each was used once."""
    seen: dict[str, str] = {}
    titles = ["As a citizen"]
    for number in range(len(EVERY_KIND) + 2):
        clock.advance(seconds=1)
        token = query(authorize(screen, prompt="consent"))["request"]
        page = screen.client.get(f"/profile?change=1&request={token}").text
        seen[f"choice {number}"] = page
        person = page.partition('name="person" value="')[2].partition('"')[0]
        titles = [*buttons(page)]
        title, value = titles[number], buttons(page)[titles[number]]
        answer = screen.post_form("/profile", request=token, person=person, profile=value)
        seen[f"consent {title}"] = screen.client.get("/consent?request=" + token).text
        allow(screen, waiting(answer.headers["location"], "/consent"))
    assert len(titles) == len(EVERY_KIND) + 2
    for path in [*PAGES, WITHDRAWN, "/activity/all.csv"]:
        told = screen.client.get(path)
        assert told.status_code == 200, path
        seen[path] = told.text
    return seen


def everything(site: Site, name: str) -> None:
    """Hanne in each kind of capacity, of those who are called so."""
    mandator = NaturalPerson(MARIE.ssin, name, name)
    knows(
        site,
        SSIN,
        physician(),
        member(Organisation("hospital", name, nihii="71000012")),
        mandate(mandator),
        mandate(Organisation("enterprise", name, cbe="0406798006"), number="M-2"),
        child(NaturalPerson(LEA.ssin, name, name)),
    )


def nothing_any_more(site: Site, screen: Screen) -> None:
    """All of them end, and their holder is told."""
    knows_no(site, SSIN, "qualities", "memberships", "mandates", "children")
    screen.client.get("/profiles")
    with writing(site.database) as connection:
        assert notify_of_ended_profiles(job(site, connection)) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_wherever_it_is_shown(
    site: Site,
    client: TestClient,
    clock: MovableClock,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    register_hospital(site, scope="openid profile")
    open_to(site, CLIENT_ID, *EVERY_KIND)
    client.headers.update({"Accept-Language": "en"})
    everything(site, name)
    person, screen = enrolled(site, client)
    confirm_for(site, person)
    seen = walk(screen, clock)
    nothing_any_more(site, screen)
    assert name in html.unescape(seen["choice 0"])
    shown = {key: page for key, page in seen.items() if key != "/activity/all.csv"}
    for key, page in shown.items():
        if escaped(name) != name:
            assert name not in page, key
    for line in seen["/activity/all.csv"].splitlines():
        for cell in next(csv.reader([line])):
            assert not cell.startswith(("=", "+", "-", "@", "\t")), cell
    (mail,) = mails(site, "hanne@example.org")
    assert name in mail.text
    assert not any("\n" in value or "\r" in value for value in mail.message.values())
    written = "".join(capfd.readouterr())
    with reading(site.database) as connection:
        written += "".join(connection.execute(select(audit_events.c.details)).scalars())
    assert name not in written  # persons by id, profiles by id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_number_is_anywhere_in_a_whole_run(
    site: Site,
    client: TestClient,
    clock: MovableClock,
    capfd: pytest.CaptureFixture[str],
    language: str,
) -> None:
    register_hospital(site, scope="openid profile")
    open_to(site, CLIENT_ID, *EVERY_KIND)
    client.headers.update({"Accept-Language": language})
    everything(site, "Dubois")
    person, screen = enrolled(site, client)
    confirm_for(site, person)
    capfd.readouterr()  # of the enrolment, where the number was typed
    for key, page in walk(screen, clock).items():
        assert not holds_a_number(page), key
    nothing_any_more(site, screen)
    for mail in mails(site):
        assert not holds_a_number(str(mail.message) + mail.text)
    with reading(site.database) as connection:
        written = "".join(connection.execute(select(audit_events.c.details)).scalars())
    assert not holds_a_number(written + "".join(capfd.readouterr()))


def escaped(name: str) -> str:
    return html.escape(name, quote=True)
