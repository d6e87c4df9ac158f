"""The emergency door by mail: one answer for everybody, a link that blocks once, and its limits."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.enrolment.emergency import (
    LINK,
    LINK_LIFETIME,
    LINKS_APART,
    MOST_LINKS_A_DAY,
    forget_old_links,
)
from authn.enrolment.lost_endpoints import LOOK_UPS, MOST_LOOK_UPS
from authn.enrolment.recovery_tables import emergency_links
from authn.people.tables import Person
from authn.secrets import sign_token
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, Screen, activation_code, enrolled
from tests.conftest import MovableClock
from tests.loss import ADDRESS, ask_for_link, blocks, link, statuses, use_link
from tests.mailbox import Mail, confirm_for, mails
from tests.screens import another_screen, events, everything, signed_in
from tests.together import at_once

pytestmark = pytest.mark.thorough


@pytest.fixture
def hanne(site: Site, client: TestClient) -> Person:
    """Hanne has a device and a confirmed address."""
    person, _ = enrolled(site, client)
    confirm_for(site, person, ADDRESS)
    return person


@pytest.fixture
def stranger(app: Starlette) -> Screen:
    """A browser that nobody is signed in with."""
    return another_screen(app)


def links(site: Site) -> int:
    return sum(mail.notice == "emergency-link" for mail in mails(site))


def link_mail(site: Site) -> Mail:
    """The one mail with a link."""
    (mail,) = (mail for mail in mails(site) if mail.notice == "emergency-link")
    return mail


def test_number_and_address_together_get_a_link(
    site: Site, hanne: Person, stranger: Screen
) -> None:
    assert ask_for_link(stranger).status_code == 200
    assert [mail.to for mail in mails(site, ADDRESS) if mail.notice == "emergency-link"] == [
        ADDRESS
    ]
    assert statuses(site, hanne) == ["active"], "a link that was sent has blocked nothing"
    assert use_link(stranger, link(site)).status_code == 303
    assert statuses(site, hanne) == ["suspended"]
    assert blocks(site)[0].proof == "mail"


def test_the_link_goes_to_the_address_as_it_was_confirmed(
    site: Site, hanne: Person, stranger: Screen
) -> None:
    ask_for_link(stranger, "03.41.01-001.28", " Hanne@EXAMPLE.org ")
    assert link_mail(site).to == ADDRESS


def test_every_pair_gets_the_same_answer_and_a_wrong_one_writes_nothing(
    site: Site, app: Starlette, hanne: Person, stranger: Screen
) -> None:
    karim, _ = activation_code(site, KARIM)
    confirm_for(site, karim, "karim@example.org")
    stranger.csrf()
    before = everything(site)
    pages = set()
    for ssin, address in (
        (HANNE.ssin, "other@example.org"),
        (HANNE.ssin, "karim@example.org"),
        (KARIM.ssin, ADDRESS),
        ("85073003328", ADDRESS),
        ("85073003328", "nobody@example.org"),
    ):
        answer = ask_for_link(stranger, ssin, address)
        assert answer.status_code == 200
        pages.add(answer.text)
    assert everything(site) == before
    pages.add(ask_for_link(stranger).text)
    assert links(site) == 1
    pages.add(ask_for_link(stranger).text)  # too soon after the first
    assert len(pages) == 1


def test_the_answer_leaves_before_anything_is_looked_up(
    site: Site, hanne: Person, stranger: Screen
) -> None:
    """So that the time it takes says nothing: what is done comes after its last byte."""
    done_when_sent: list[int] = []
    app = stranger.client.app  # type: ignore[attr-defined]

    async def watching(scope, receive, send):  # type: ignore[no-untyped-def]
        async def seen(message):  # type: ignore[no-untyped-def]
            await send(message)
            if message["type"] == "http.response.body":
                done_when_sent.append(links(site))

        await app(scope, receive, seen)

    stranger.csrf()
    watched = Screen(
        TestClient(watching, base_url=stranger.origin, cookies=dict(stranger.client.cookies)),
        known_csrf=stranger.known_csrf,
        known_browser=stranger.known_browser,
    )
    assert ask_for_link(watched).status_code == 200
    assert done_when_sent[-1] == 0
    assert links(site) == 1


def test_not_more_are_looked_up_than_can_be(site: Site, hanne: Person, stranger: Screen) -> None:
    """Who is answered at once could otherwise ask without end, and fill the threads of logins."""
    with ExitStack() as busy:
        for _ in range(MOST_LOOK_UPS):
            busy.enter_context(LOOK_UPS)
        assert ask_for_link(stranger).status_code == 503
    assert links(site) == 0
    for _ in range(MOST_LOOK_UPS + 1):
        assert ask_for_link(stranger).status_code == 200
    assert links(site) == 1


def test_what_cannot_be_a_number_or_an_address_is_said(stranger: Screen) -> None:
    answer = ask_for_link(stranger, "85073003300", "nobody")
    assert answer.status_code == 422
    assert 'id="ssin-error"' in answer.text
    assert 'id="address-error"' in answer.text


def test_an_address_that_is_not_confirmed_or_was_removed_gets_none(
    site: Site, hanne: Person, stranger: Screen
) -> None:
    ask_for_link(stranger, address="new@example.org")
    assert links(site) == 0


def test_links_are_ten_minutes_apart_and_five_a_day(
    site: Site, hanne: Person, stranger: Screen, clock: MovableClock
) -> None:
    for sent in range(1, MOST_LINKS_A_DAY + 1):
        ask_for_link(stranger)
        assert links(site) == sent
        clock.advance(seconds=LINKS_APART.total_seconds() - 1)
        ask_for_link(stranger)
        assert links(site) == sent
        clock.advance(seconds=1)
    ask_for_link(stranger)
    assert links(site) == MOST_LINKS_A_DAY
    clock.advance(days=1)
    ask_for_link(stranger)
    assert links(site) == MOST_LINKS_A_DAY + 1


def test_links_asked_for_at_once_are_one(site: Site, app: Starlette, hanne: Person) -> None:
    screens = [another_screen(app) for _ in range(6)]
    for each in screens:
        each.csrf()
    at_once(lambda: ask_for_link(screens.pop()), threads=6)
    assert links(site) == 1
    with reading(site.database) as connection:
        assert connection.execute(select(func.count()).select_from(emergency_links)).scalar() == 1


def test_links_that_do_not_count_any_more_are_forgotten(
    site: Site, hanne: Person, stranger: Screen, clock: MovableClock
) -> None:
    ask_for_link(stranger)
    with writing(site.database) as connection:
        assert forget_old_links(connection, clock.now) == 0
    clock.advance(days=1, seconds=1)
    with writing(site.database) as connection:
        assert forget_old_links(connection, clock.now) == 1


def test_a_link_works_once_and_for_an_hour(
    site: Site, hanne: Person, stranger: Screen, clock: MovableClock
) -> None:
    ask_for_link(stranger)
    secret = link(site)
    clock.advance(seconds=LINK_LIFETIME.total_seconds())
    assert use_link(stranger, secret).status_code == 410
    ask_for_link(stranger)
    secret = link(site)
    clock.advance(seconds=LINK_LIFETIME.total_seconds() - 1)
    assert use_link(stranger, secret).status_code == 303
    assert use_link(stranger, secret).status_code == 410
    assert len(blocks(site)) == 1


def test_a_link_may_be_opened_in_any_browser(
    site: Site, app: Starlette, hanne: Person, stranger: Screen
) -> None:
    ask_for_link(stranger)
    assert use_link(another_screen(app), link(site)).status_code == 303
    assert statuses(site, hanne) == ["suspended"]


def test_a_link_pressed_in_several_tabs_at_once_is_used_once(
    site: Site, app: Starlette, hanne: Person, stranger: Screen
) -> None:
    ask_for_link(stranger)
    secret = link(site)
    screens = [another_screen(app) for _ in range(4)]
    for each in screens:
        each.csrf()
    answers = at_once(lambda: use_link(screens.pop(), secret).status_code, threads=4)
    assert sorted(map(str, answers)) == ["303", "410", "410", "410"]
    assert len(blocks(site)) == 1


def test_opening_the_page_of_a_link_does_nothing(
    site: Site, hanne: Person, stranger: Screen
) -> None:
    ask_for_link(stranger)
    before = everything(site)
    for path in ("/lost", "/lost/mail", "/lost/link", f"/lost/link?link={link(site)}"):
        assert stranger.client.get(path).status_code == 200
    assert stranger.client.head("/lost/link").status_code == 200
    assert everything(site) == before


def test_the_secret_of_a_link_is_in_no_address_that_a_server_sees(
    site: Site, hanne: Person, stranger: Screen
) -> None:
    ask_for_link(stranger)
    mail = link_mail(site)
    assert f"{site.settings.issuer}/lost/link#" in mail.text
    assert HANNE.ssin not in mail.message.as_string()
    answer = use_link(stranger, link(site))
    assert link(site) not in answer.headers["location"]


def test_a_thief_of_the_mailbox_locks_out_for_a_day_a_month_and_opens_nothing(
    site: Site, client: TestClient, clock: MovableClock, stranger: Screen
) -> None:
    person, owner = enrolled(site, client)
    confirm_for(site, person, ADDRESS)
    locked = timedelta()
    for _ in range(60 + 60):  # twice a day, for 60 days
        ask_for_link(stranger)
        use_link(stranger, link(site))
        clock.advance(minutes=720)
        if owner.sign_in().status_code != 200:
            locked += timedelta(hours=12)
    assert timedelta() < locked <= timedelta(days=2)
    assert not signed_in(stranger)
    assert {event for event, _ in events(site)} <= {
        "activation.issued", "device.added", "session.signed-in", "session.refused",
        "emergency.link-sent", "emergency.used", "emergency.refused", "device.suspended",
        "device.resumed",
    }  # fmt: skip


def test_a_thief_of_an_unlocked_phone_is_out_with_the_block(
    site: Site, app: Starlette, client: TestClient, stranger: Screen
) -> None:
    person, phone = enrolled(site, client)
    confirm_for(site, person, ADDRESS)
    assert signed_in(phone), "the thief has the session"
    ask_for_link(stranger)
    use_link(stranger, link(site))
    before = statuses(site, person)
    assert not signed_in(phone)
    for path in ("/devices/add/here/confirm-options", "/return/devices/options"):
        assert phone.post_json(path, {"choices": {}}).status_code == 403
    assert phone.client.get("/return/devices").status_code == 303
    assert statuses(site, person) == before == ["suspended"]


@pytest.mark.parametrize(
    "garbled", ["", "x", "1eyJ.x", "é", "A" * 20_000, "1eyJwZXJzb24iOiIxIn0.AAAA"]
)
def test_a_garbled_link_is_refused(
    site: Site, hanne: Person, stranger: Screen, garbled: str
) -> None:
    stranger.csrf()
    before = everything(site)
    assert use_link(stranger, garbled).status_code == 400
    assert everything(site) == before


def test_a_token_of_another_purpose_is_no_link(
    site: Site, hanne: Person, stranger: Screen, clock: MovableClock
) -> None:
    content = {"person": str(hanne.id), "once": "x"}
    for purpose in ("enrolment", "identity-proof", "return-waiting", f"{LINK}:"):
        token = sign_token(site.secrets, purpose, content, clock.now, LINK_LIFETIME)
        assert use_link(stranger, token).status_code == 400
    assert statuses(site, hanne) == ["active"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ssin=st.text(max_size=40), address=st.text(max_size=80))
def test_whatever_is_typed_gets_a_page(
    site: Site, stranger: Screen, ssin: str, address: str
) -> None:
    before = everything(site)
    assert ask_for_link(stranger, ssin, address).status_code in (200, 400, 422)
    assert everything(site) == before
