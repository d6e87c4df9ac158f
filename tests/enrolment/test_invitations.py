"""A second device by a link (decisions 2.10), with each way in which somebody could cheat."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.tables import Device, devices
from authn.enrolment.invitation_tables import invitations
from authn.enrolment.invitations import forget_old_invitations
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.screens import (
    add_here,
    another_screen,
    answered,
    approve,
    ceremony,
    claim,
    created,
    device_in,
    events,
    everything,
    finish_joining,
    invite,
    join,
    problem,
    remove,
    signed_in,
)
from tests.together import at_once

pytestmark = pytest.mark.thorough


def state(site: Site) -> str:
    with reading(site.database) as connection:
        value: str = connection.execute(select(invitations.c.state)).scalar_one()
        return value


def count_devices(site: Site) -> int:
    with reading(site.database) as connection:
        count: int = connection.execute(select(func.count()).select_from(devices)).scalar_one()
        return count


@pytest.fixture
def old(site: Site, client: TestClient) -> Screen:
    """The screen on which the person is signed in."""
    return enrolled(site, client)[1]


@pytest.fixture
def new(app: Starlette) -> Screen:
    """The screen that gets a device."""
    screen = another_screen(app, Authenticator(backup_eligible=True, backed_up=True))
    screen.client.headers["user-agent"] = "Mozilla/5.0 (iPhone) Version/19.0 Safari/604.1"
    return screen


def test_the_whole_way(site: Site, old: Screen, new: Screen) -> None:
    answer = join(old, new)
    device_id = device_in(answer)
    assert signed_in(new)
    assert signed_in(old)
    with reading(site.database) as connection:
        row = connection.execute(select(devices).where(devices.c.id == device_id)).one()
    device = Device(*row)
    assert (device.name, device.kind, device.added_how) == ("iPhone", "phone", "invitation")
    assert device.identity_level == "substantial"
    assert new.sign_in().status_code == 200
    assert state(site) == "used"


def test_each_screen_shows_what_it_must(old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    shown = old.client.get(page).text
    assert f"{ORIGIN}/join#{secret}" in shown
    assert "<svg" in shown
    assert "style=" not in shown
    looked = new.post_json("/join/look", {"secret": secret}).json()
    assert looked == {"given_name": "Hanne V."}
    invitation, number = claim(new, secret)
    assert len(number.replace(" ", "")) == 5
    assert number not in old.client.get(page).text
    assert secret not in old.client.get(page).text
    assert old.client.get(f"{page}/state").json() == {
        "state": "claimed",
        "claimed_browser": "Safari op iPhone",
    }
    assert approve(old, page, number).json() == {"location": page}
    assert new.client.get(f"/join/state?invitation={invitation}").json() == {"state": "approved"}


def test_the_secret_is_stored_nowhere(site: Site, old: Screen) -> None:
    _, secret = invite(old)
    assert secret not in repr(everything(site))


def test_looking_claims_nothing(site: Site, old: Screen, new: Screen) -> None:
    _, secret = invite(old)
    before = everything(site)
    for _ in range(3):
        assert new.post_json("/join/look", {"secret": secret}).status_code == 200
        assert new.client.get("/join").status_code == 200
    assert everything(site) == before


def test_a_second_claim_ends_it(site: Site, app: Starlette, old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    thief = another_screen(app)
    assert problem(thief.post_json("/join/claim", {"secret": secret})) == "invitation-over"
    assert state(site) == "dead"
    assert events(site)[-1] == ("invitation.ended", "claimed twice")
    options = ceremony(old, f"{page}/confirm-options")
    content = {"number": number, **answered(old, options)}
    assert problem(old.post_json(f"{page}/confirm", content)) == "invitation-over"
    assert problem(new.post_json("/join/options", {"invitation": invitation})) == "invitation-over"


def test_a_claim_after_approval_ends_it_too(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    options = ceremony(new, "/join/options", {"invitation": invitation})
    another_screen(app).post_json("/join/claim", {"secret": secret})
    content = {"invitation": invitation, **created(new.authenticator, options)}
    assert problem(new.post_json("/join/registration", content)) == "invitation-over"
    assert count_devices(site) == 1


def test_the_browser_that_claimed_may_come_back_to_it(old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    assert claim(new, secret) == claim(new, secret)
    assert old.client.get(f"{page}/state").json()["state"] == "claimed"


def test_one_of_many_parallel_claims_wins_and_the_others_end_it(
    site: Site, app: Starlette, old: Screen
) -> None:
    _, secret = invite(old)
    screens = [another_screen(app) for _ in range(4)]
    headers = [{"Origin": ORIGIN, "X-CSRF-Token": screen.csrf()} for screen in screens]
    waiting = list(zip(screens, headers, strict=True))

    def post() -> int:
        screen, own = waiting.pop()
        path = "/join/claim"
        return screen.client.post(path, json={"secret": secret}, headers=own).status_code

    assert sorted(map(str, at_once(post, threads=4))) == ["200", "410", "410", "410"]
    assert state(site) == "dead"


@pytest.mark.parametrize("typed", ["wrong", "", "0", "٤٨٢١٣", "9" * 5000])
def test_one_wrong_number_ends_it(site: Site, old: Screen, new: Screen, typed: str) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    answer = approve(old, page, typed)
    assert (answer.status_code, problem(answer)) == (403, "wrong-number")
    assert state(site) == "dead"
    assert events(site)[-1] == ("invitation.ended", "wrong number")
    assert problem(approve(old, page, number)) == "invitation-over"
    assert problem(new.post_json("/join/options", {"invitation": invitation})) == "invitation-over"


def test_of_many_numbers_at_once_one_is_heard(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    page, secret = invite(old)
    _, number = claim(new, secret)
    right = int(number.replace(" ", ""))
    guesses = [str(right + step) for step in (1, 2, 0, 3)]
    options = [ceremony(old, f"{page}/confirm-options") for _ in guesses]
    contents = [
        {"number": guess, **answered(old, each)}
        for guess, each in zip(guesses, options, strict=True)
    ]
    headers = {"Origin": ORIGIN, "X-CSRF-Token": old.csrf()}
    cookies = dict(old.client.cookies)

    def post() -> int:
        one = TestClient(app, base_url=ORIGIN, cookies=cookies)
        return one.post(f"{page}/confirm", json=contents.pop(), headers=headers).status_code

    statuses = [status for status in at_once(post, threads=4) if isinstance(status, int)]
    # One was heard. Had it been the right one, the others found it approved; else it is over.
    assert statuses.count(200) + statuses.count(403) == 1
    assert state(site) == ("approved" if 200 in statuses else "dead")


def test_without_a_device_in_hand_nothing_is_approved(site: Site, old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    _, number = claim(new, secret)
    answer = old.post_json(f"{page}/confirm", {"number": number})
    assert answer.status_code == 400
    assert problem(approve(old, page, number, bad_signature=True)) == "unverified-response"
    assert problem(approve(old, page, number, user_verified=False)) == "refused-by-policy"
    assert state(site) == "claimed"


def test_an_assertion_for_another_invitation_is_refused(
    app: Starlette, old: Screen, new: Screen
) -> None:
    page, secret = invite(old)
    claim(new, secret)
    first = answered(old, ceremony(old, f"{page}/confirm-options"))
    page, secret = invite(old)
    _, number = claim(another_screen(app), secret)
    answer = old.post_json(f"{page}/confirm", {"number": number, **first})
    assert problem(answer) == "invalid-ceremony"


def test_an_assertion_from_before_the_claim_is_refused(old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    early = answered(old, ceremony(old, f"{page}/confirm-options"))
    _, number = claim(new, secret)
    answer = old.post_json(f"{page}/confirm", {"number": number, **early})
    assert problem(answer) == "invalid-ceremony"


def test_creation_options_come_only_after_approval(old: Screen, new: Screen) -> None:
    _, secret = invite(old)
    invitation, _ = claim(new, secret)
    answer = new.post_json("/join/options", {"invitation": invitation})
    assert (answer.status_code, problem(answer)) == (410, "invitation-over")


def test_only_the_claimant_sees_and_uses_it(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    other = another_screen(app)
    before = everything(site)
    assert other.client.get(f"/join/wait?invitation={invitation}").status_code == 404
    assert other.client.get(f"/join/state?invitation={invitation}").status_code == 404
    assert problem(other.post_json("/join/options", {"invitation": invitation})) == "not-found"
    options = ceremony(new, "/join/options", {"invitation": invitation})
    content = {"invitation": invitation, **created(other.authenticator, options)}
    assert problem(other.post_json("/join/registration", content)) == "not-found"
    assert everything(site) == before


def test_it_is_used_once(site: Site, old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    options = [ceremony(new, "/join/options", {"invitation": invitation}) for _ in range(2)]
    contents = [{"invitation": invitation, **created(Authenticator(), each)} for each in options]
    answers = [new.post_json("/join/registration", each) for each in contents]
    assert [each.status_code for each in answers] == [200, 410]
    assert count_devices(site) == 2
    assert problem(new.post_json("/join/claim", {"secret": secret})) == "invitation-over"


def test_of_parallel_claims_none_is_left(site: Site, app: Starlette, old: Screen) -> None:
    """The first browser wins, and whoever comes second ends it, in whatever order they come."""
    _, secret = invite(old)
    screens = [another_screen(app) for _ in range(4)]
    for each in screens:
        each.csrf()

    def post() -> int:
        return screens.pop().post_json("/join/claim", {"secret": secret}).status_code

    answers = sorted(map(str, at_once(post, threads=4)))
    assert answers == ["200", "410", "410", "410"]
    assert state(site) == "dead"


def test_parallel_registrations_store_one_device(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    contents = []
    for _ in range(4):
        options = ceremony(new, "/join/options", {"invitation": invitation})
        contents.append({"invitation": invitation, **created(Authenticator(), options)})
    headers = {"Origin": ORIGIN, "X-CSRF-Token": new.csrf()}
    cookies = dict(new.client.cookies)

    def post() -> int:
        one = TestClient(app, base_url=ORIGIN, cookies=cookies)
        return one.post("/join/registration", json=contents.pop(), headers=headers).status_code

    assert sorted(map(str, at_once(post, threads=4))) == ["200", "410", "410", "410"]
    assert count_devices(site) == 2


def test_a_link_is_valid_for_five_minutes(
    site: Site, old: Screen, new: Screen, clock: MovableClock
) -> None:
    page, secret = invite(old)
    clock.advance(minutes=5)
    before = everything(site)
    assert problem(new.post_json("/join/look", {"secret": secret})) == "invitation-over"
    assert old.client.get(f"{page}/state").json()["state"] == "dead"
    assert secret not in old.client.get(page).text
    assert everything(site) == before
    assert problem(new.post_json("/join/claim", {"secret": secret})) == "invitation-over"


def test_a_claim_that_is_left_open_ends(old: Screen, new: Screen, clock: MovableClock) -> None:
    page, secret = invite(old)
    _, number = claim(new, secret)
    clock.advance(minutes=5)
    assert problem(approve(old, page, number)) == "invitation-over"


def test_an_approval_is_valid_for_five_minutes(
    old: Screen, new: Screen, clock: MovableClock
) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    clock.advance(minutes=4)
    approve(old, page, number)
    clock.advance(minutes=4)
    options = ceremony(new, "/join/options", {"invitation": invitation})
    clock.advance(minutes=1)
    content = {"invitation": invitation, **created(new.authenticator, options)}
    assert problem(new.post_json("/join/registration", content)) == "invitation-over"


def test_another_session_does_not_see_it(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    page, secret = invite(old)
    _, number = claim(new, secret)
    _, stranger = enrolled(site, another_screen(app).client, KARIM)
    same_person = another_screen(app, old.authenticator)
    same_person.sign_in()
    before = everything(site)
    for screen in (stranger, same_person):
        assert screen.client.get(page).status_code == 404
        assert screen.client.get(f"{page}/state").status_code == 404
        assert problem(screen.post_json(f"{page}/confirm-options", {})) == "not-found"
        assert problem(screen.post_json(f"{page}/confirm", {"number": number})) == "not-found"
        assert screen.post_form(f"{page}/cancel").status_code == 404
    assert everything(site) == before


def test_signing_out_ends_it(old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    approve(old, page, number)
    old.post_form("/sign-out")
    assert problem(new.post_json("/join/options", {"invitation": invitation})) == "invitation-over"
    assert new.client.get(f"/join/wait?invitation={invitation}").status_code == 410


def test_removing_the_device_that_approved_ends_it(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    phone = another_screen(app)
    device_in(join(old, phone))
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    approve(old, page, number)
    with reading(site.database) as connection:
        first = connection.execute(
            select(devices.c.id).where(devices.c.added_how == "activation")
        ).scalar_one()
    assert remove(phone, first).status_code == 200
    assert problem(new.post_json("/join/options", {"invitation": invitation})) == "invitation-over"


def test_suspending_the_device_that_approved_ends_it(site: Site, old: Screen, new: Screen) -> None:
    security_key = Authenticator()
    key = device_in(add_here(old, security_key))
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number, credential=security_key.credentials[0]).status_code == 200
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == key).values(status="suspended"))
    assert problem(new.post_json("/join/options", {"invitation": invitation})) == "invitation-over"


def test_a_new_invitation_ends_the_one_before(old: Screen, new: Screen) -> None:
    _, earlier = invite(old)
    _, later = invite(old)
    assert problem(new.post_json("/join/look", {"secret": earlier})) == "invitation-over"
    assert new.post_json("/join/look", {"secret": later}).status_code == 200


def test_a_person_has_one_whatever_screens_they_sit_at(
    site: Site, app: Starlette, old: Screen, new: Screen
) -> None:
    page, earlier = invite(old)
    invitation, number = claim(new, earlier)
    assert approve(old, page, number).status_code == 200
    elsewhere = another_screen(app, old.authenticator)
    elsewhere.sign_in()
    _, later = invite(elsewhere)
    assert events(site)[-2:] == [
        ("invitation.ended", "another was opened"),
        ("invitation.opened", None),
    ]
    assert old.client.get(f"{page}/state").json()["state"] == "dead"
    assert problem(new.post_json("/join/options", {"invitation": invitation})) == "invitation-over"
    assert new.post_json("/join/look", {"secret": later}).status_code == 200


def test_it_leaves_those_of_others_alone(site: Site, app: Starlette, old: Screen) -> None:
    _, karim = enrolled(site, another_screen(app).client, KARIM)
    _, his = invite(karim)
    _, hers = invite(old)
    for secret in (his, hers):
        assert old.post_json("/join/look", {"secret": secret}).status_code == 200


def test_of_parallel_invitations_one_is_left(site: Site, app: Starlette, old: Screen) -> None:
    headers = {"Origin": ORIGIN}
    data = {"csrf_token": old.csrf()}
    cookies = dict(old.client.cookies)

    def post() -> int:
        one = TestClient(app, base_url=ORIGIN, cookies=cookies, follow_redirects=False)
        return one.post("/devices/add/invitation", data=data, headers=headers).status_code

    assert at_once(post, threads=6) == [303] * 6
    with reading(site.database) as connection:
        states = connection.execute(select(invitations.c.state)).scalars().all()
    assert sorted(states) == ["dead"] * 5 + ["open"]


def test_an_expired_one_is_not_ended_again(site: Site, old: Screen, clock: MovableClock) -> None:
    invite(old)
    clock.advance(minutes=6)
    invite(old)
    assert [event for event, _ in events(site)].count("invitation.ended") == 0


def test_the_new_device_is_asked_for_a_key_of_its_own(old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    assert approve(old, page, number).status_code == 200
    options = ceremony(new, "/join/options", {"invitation": invitation})
    assert options["publicKey"]["hints"] == ["client-device"]
    assert "authenticatorAttachment" not in options["publicKey"]["authenticatorSelection"]
    assert len(options["publicKey"]["excludeCredentials"]) == 1


def test_it_can_be_cancelled(site: Site, old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    claim(new, secret)
    assert old.post_form(f"{page}/cancel").headers["location"] == "/devices"
    assert events(site)[-1] == ("invitation.ended", "cancelled")
    assert old.client.get(page).status_code == 200
    assert problem(new.post_json("/join/look", {"secret": secret})) == "invitation-over"
    before = everything(site)
    old.post_form(f"{page}/cancel")
    assert everything(site) == before


def test_a_refused_registration_may_be_tried_again(site: Site, old: Screen, new: Screen) -> None:
    page, secret = invite(old)
    invitation, number = claim(new, secret)
    approve(old, page, number)
    assert problem(finish_joining(new, invitation, resident=False)) == "refused-by-policy"
    assert count_devices(site) == 1
    assert finish_joining(new, invitation).status_code == 200


@pytest.mark.parametrize("secret", ["", "x", "é", "a" * 10_000, None, 3, []])
def test_a_garbled_secret_is_refused(site: Site, new: Screen, secret: Any) -> None:
    before = everything(site)
    for path in ("/join/look", "/join/claim"):
        assert new.post_json(path, {"secret": secret}).status_code in (400, 410)
    assert everything(site) == before


@pytest.mark.parametrize("invitation", ["", "x", "00000000-0000-0000-0000-000000000000", None, 3])
def test_a_garbled_invitation_is_refused(site: Site, new: Screen, invitation: Any) -> None:
    before = everything(site)
    assert new.post_json("/join/options", {"invitation": invitation}).status_code in (400, 404)
    assert new.client.get(f"/join/wait?invitation={invitation}").status_code in (400, 404)
    assert everything(site) == before


def test_the_link_leads_to_our_own_page(old: Screen) -> None:
    page, secret = invite(old)
    text = old.client.get(page).text
    link = text.partition("data-link>")[2].partition("<")[0]
    assert urlsplit(link)._replace(fragment="").geturl() == f"{ORIGIN}/join"
    assert len(secret) == 43


def test_old_invitations_are_forgotten(site: Site, old: Screen, clock: MovableClock) -> None:
    invite(old)
    clock.advance(days=1)
    with writing(site.database) as connection:
        assert forget_old_invitations(connection, clock.now) == 0
        clock.advance(minutes=6)
        assert forget_old_invitations(connection, clock.now) == 1
