"""Sources that are asked over the network while somebody is on the way to an application.

Every page of the interaction can begin again once an answer has come; a source that gives none
takes its capacities away, and nothing else (decisions 4.20).
"""

import re
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.profiles.available import questions_for_kinds
from authn.profiles.kinds import KINDS
from authn.settings import Settings
from authn.sources.answers import mark_answers_due
from authn.sources.real_sources import shared_sources
from authn.web.site import Site
from tests.capacities import EVERY_KIND, buttons, choose, open_to
from tests.citizen import KARIM, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import CLIENT_ID, register_hospital
from tests.login.test_interaction import allow, authorize, query, waiting
from tests.sources_server import Running, Said, Seen


@pytest.fixture
def settings(settings: Settings, real: Running) -> Settings:
    """The settings of a service that asks sources which know Hanne in every capacity."""
    return real.settings(settings)


@pytest.fixture
def screen(site: Site, client: TestClient) -> Iterator[Screen]:
    """Hanne, signed in on the laptop with which she enrolled."""
    register_hospital(site)
    open_to(site, CLIENT_ID, *EVERY_KIND)
    client.headers.update({"Accept-Language": "en"})
    with closing(shared_sources(site)):
        yield enrolled(site, client)[1]


def down(real: Running, *paths: str) -> None:
    """What is asked at these addresses is not answered; without any, everything is."""

    def dictated(request: Seen) -> Said | None:
        return Said(503) if any(path in request.path for path in paths) else None

    real.server.dictated = dictated


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def page_at(screen: Screen, location: str) -> str:
    return screen.client.get("/profile?request=" + waiting(location, "/profile")).text


def test_the_sources_are_asked_on_the_way(screen: Screen, real: Running) -> None:
    html = page_at(screen, authorize(screen))
    assert [*buttons(html)] == [
        "As a citizen",
        "Physician",
        "Member of AZ Sint-Fictief",
        "For Jürgen Kettenis (mandate)",
    ]
    asked = len(real.server.seen)
    page_at(screen, authorize(screen))
    assert len(real.server.seen) == asked  # what was answered is fresh


def test_every_page_begins_again_when_an_answer_is_due(
    site: Site, screen: Screen, real: Running, clock: MovableClock
) -> None:
    token = waiting(authorize(screen), "/profile")
    html = screen.client.get("/profile?request=" + token).text
    person = html.partition('name="person" value="')[2].partition('"')[0]
    for step in ("page", "choice", "consent", "allowed"):
        clock.advance(seconds=1)
        before = len(real.server.seen)
        make_due(site)
        if step == "page":
            assert screen.client.get("/profile?request=" + token).status_code == 200
        elif step == "choice":
            fields = {"request": token, "person": person, "profile": buttons(html)["Physician"]}
            location = screen.post_form("/profile", **fields).headers["location"]
            assert urlsplit(location).path == "/consent"
        elif step == "consent":
            assert "Physician" in screen.client.get("/consent?request=" + token).text
        else:
            assert query(allow(screen, token))["code"]
        assert len(real.server.seen) > before, step


def make_due(site: Site) -> None:
    """Whatever was answered is to be asked anew."""
    with writing(site.database) as connection:
        for question in questions_for_kinds(KINDS):
            mark_answers_due(connection, question, site.clock())


def test_who_signs_in_is_signed_in_before_a_source_is_asked(
    site: Site, client: TestClient, screen: Screen, real: Running
) -> None:
    screen.post_form("/sign-out")
    down(real, "/")
    token = waiting(authorize(screen), "/login")
    answer = screen.sign_in(token)
    location = answer.json()["location"]
    assert urlsplit(location).path == "/login/continue"
    assert not real.server.seen
    waiting(screen.client.get(location).headers["location"], "/profile")
    assert real.server.seen


def test_a_source_that_is_down_takes_its_own_capacities_and_no_others(
    screen: Screen, real: Running
) -> None:
    down(real, "mandates")
    html = page_at(screen, authorize(screen))
    assert [*buttons(html)][:2] == ["As a citizen", "Physician"]
    assert not any("mandate" in title for title in buttons(html))
    said = words(html)
    assert "Some capacities can't be checked now Your mandates The source" in said
    token = waiting(authorize(screen), "/profile")
    location = choose(screen, token, buttons(html)["Physician"]).headers["location"]
    assert query(allow(screen, waiting(location, "/consent")))["code"]


def test_a_citizen_goes_on_when_nothing_can_be_checked(
    screen: Screen, real: Running, clock: MovableClock
) -> None:
    down(real, "/")
    html = page_at(screen, authorize(screen))
    assert [*buttons(html)] == ["As a citizen"]
    assert query(authorize(screen, prompt="none"))["error"] == "interaction_required"
    location = choose(screen, waiting(authorize(screen), "/profile"), "citizen")
    allow(screen, waiting(location.headers["location"], "/consent"))
    # And is not asked again in this session.
    clock.advance(seconds=1)
    assert query(authorize(screen, prompt="none"))["code"]


def test_who_never_had_another_capacity_does_not_notice(
    site: Site, client: TestClient, screen: Screen, real: Running, clock: MovableClock
) -> None:
    screen.post_form("/sign-out")
    _, karim = enrolled(site, client, KARIM)
    allow(karim, waiting(authorize(karim), "/consent"))
    down(real, "/")
    clock.advance(minutes=90)  # mandates are out of date by now
    karim.sign_in()
    assert query(authorize(karim, prompt="none"))["code"]


def test_where_a_capacity_is_required_that_can_not_be_checked(
    site: Site, screen: Screen, real: Running, clock: MovableClock
) -> None:
    open_to(site, CLIENT_ID, "mandate", required=("mandate",))
    down(real, "mandates")
    token = waiting(authorize(screen), "/profile")
    said = words(screen.client.get("/profile?request=" + token).text)
    assert "We can't check your capacities now" in said
    assert "Your mandates" in said
    answer = query(authorize(screen, prompt="none"))
    assert answer["error"] == "temporarily_unavailable"
    back = screen.client.get("/profile/without?request=" + token).headers["location"]
    assert query(back)["error"] == "access_denied"
    # When it is back, the same page goes on.
    down(real)
    clock.advance(minutes=2)
    on = screen.client.get("/profile?request=" + token).headers["location"]
    waiting(screen.client.get(on).headers["location"], "/consent")


def test_what_can_not_be_checked_any_more_is_not_gone_on_with(
    screen: Screen, real: Running, clock: MovableClock
) -> None:
    html = page_at(screen, authorize(screen))
    mandated = next(value for title, value in buttons(html).items() if "mandate" in title)
    location = choose(screen, waiting(authorize(screen), "/profile"), mandated)
    allow(screen, waiting(location.headers["location"], "/consent"))
    down(real, "mandates")
    clock.advance(minutes=30)
    assert query(authorize(screen, prompt="none"))["code"]  # within the stale limit
    clock.advance(minutes=40)
    assert query(authorize(screen, prompt="none"))["error"] == "interaction_required"
    said = words(page_at(screen, authorize(screen)))
    assert "What you chose here before is not possible now" in said
    assert "Your mandates" in said
