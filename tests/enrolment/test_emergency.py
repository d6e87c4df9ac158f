"""The emergency door (decisions 3.2): it blocks everything, for as long as its proof is worth.

By mail alone 24 hours, once in 30 days; by an upstream identity or the desk without an end.
"""

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.life import resume
from authn.enrolment.emergency import BLOCKED_BY_MAIL, MAIL_BLOCKS_APART
from authn.enrolment.invitation_tables import invitations
from authn.errors import Forbidden, Refusal
from authn.settings import Settings
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE, KARIM, Screen, enrolled
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.loss import blocks, come_back, door, held, proof, statuses
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import add_here, another_screen, claim, events, invite, join, signed_in
from tests.together import at_once


def notices(site: Site) -> list[str]:
    return [mail.notice for mail in mails(site)]


def test_every_device_is_blocked_and_everything_opened_with_them_is_dead(
    site: Site, app: Starlette, client: TestClient
) -> None:
    person, laptop = enrolled(site, client)
    phone = another_screen(app)
    join(laptop, phone)
    add_here(laptop, Authenticator())
    assert door(site, person, "desk")
    assert statuses(site, person) == ["suspended"] * 3
    assert {device.suspended_why for device in held(site, person)} == {"emergency"}
    assert not signed_in(laptop)
    assert not signed_in(phone)
    assert laptop.sign_in().status_code == 403
    assert phone.sign_in().status_code == 403


def test_a_pending_invitation_is_dead_too(site: Site, app: Starlette, client: TestClient) -> None:
    person, laptop = enrolled(site, client)
    phone = another_screen(app)
    invitation, _ = claim(phone, invite(laptop)[1])
    door(site, person, "desk")
    assert phone.post_json("/join/options", {"invitation": invitation}).status_code == 410
    with reading(site.database) as connection:
        assert len(connection.execute(select(invitations)).all()) == 1


def test_other_people_are_not_touched(site: Site, app: Starlette, client: TestClient) -> None:
    person, _ = enrolled(site, client)
    other, their_screen = enrolled(site, another_screen(app).client, KARIM)
    door(site, person, "desk")
    assert statuses(site, other) == ["active"]
    assert signed_in(their_screen)


def test_by_mail_it_lasts_a_day_to_the_second(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    person, screen = enrolled(site, client)
    block = door(site, person, "mail")
    assert block
    assert block.ends_at == clock.now + BLOCKED_BY_MAIL
    clock.advance(days=1, seconds=-1)
    assert screen.sign_in().status_code == 403
    clock.advance(seconds=1)
    assert not signed_in(screen), "what was opened before stays dead"
    assert screen.sign_in().status_code == 200
    assert signed_in(screen)


def test_by_mail_it_works_once_in_thirty_days(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    person, screen = enrolled(site, client)
    began = clock.now
    door(site, person, "mail")
    clock.advance(days=1)
    assert screen.sign_in().status_code == 200
    with pytest.raises(Forbidden):
        door(site, person, "mail")
    clock.advance(days=28, seconds=86399)
    assert clock.now < began + MAIL_BLOCKS_APART
    with pytest.raises(Forbidden):
        door(site, person, "mail")
    assert statuses(site, person) == ["active"]
    clock.advance(seconds=1)
    assert door(site, person, "mail")
    assert statuses(site, person) == ["suspended"]
    assert events(site).count(("emergency.refused", "by mail within 30 days")) == 2


def test_a_second_time_while_it_runs_changes_nothing(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    person, screen = enrolled(site, client)
    first = door(site, person, "mail")
    clock.advance(minutes=600)
    assert door(site, person, "mail") == first
    clock.advance(minutes=840)
    assert screen.sign_in().status_code == 200, "the day was not counted anew"
    assert len(blocks(site)) == 1


@pytest.mark.parametrize("by", ["upstream", "desk"])
def test_a_stronger_proof_takes_its_end_away(
    site: Site, client: TestClient, clock: MovableClock, by: str
) -> None:
    person, screen = enrolled(site, client)
    first = door(site, person, "mail")
    confirmed = door(site, person, by)  # type: ignore[arg-type]
    assert first
    assert confirmed
    assert (confirmed.id, confirmed.ends_at, confirmed.confirmed_by) == (first.id, None, by)
    assert blocks(site) == [confirmed]
    clock.advance(days=400)
    assert screen.sign_in().status_code == 403
    assert ("emergency.confirmed", None) in events(site)


def test_mail_does_not_give_an_endless_block_an_end(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    person, screen = enrolled(site, client)
    door(site, person, "desk")
    door(site, person, "mail")
    clock.advance(days=2)
    assert screen.sign_in().status_code == 403
    assert [block.proof for block in blocks(site)] == ["desk"]


def test_a_block_that_was_confirmed_still_counts_as_one_by_mail(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    person, screen = enrolled(site, client)
    door(site, person, "mail")
    door(site, person, "upstream")
    assert come_back(screen, proof(site, screen, person, "return")).status_code == 200
    clock.advance(days=2)
    with pytest.raises(Forbidden):
        door(site, person, "mail")


def test_who_has_nothing_to_block_hears_so(site: Site, client: TestClient) -> None:
    person, _ = enrolled(site, client)
    door(site, person, "desk")
    before = events(site)
    assert door(site, person, "desk") == blocks(site)[0]
    assert events(site) == before


def test_every_address_on_file_is_told(site: Site, client: TestClient) -> None:
    person, _ = enrolled(site, client)
    confirm_for(site, person, "hanne@example.org")
    confirm_for(site, person, "hanne@example.be")
    door(site, person, "mail")
    told = [mail.to for mail in mails(site) if mail.notice == "emergency-door"]
    assert sorted(told) == ["hanne@example.be", "hanne@example.org"]
    assert "device-suspended" not in notices(site), "one mail, not one for each device"


def test_the_door_used_twice_at_once_blocks_once(site: Site, client: TestClient) -> None:
    person, _ = enrolled(site, client)
    confirm_for(site, person)
    results = at_once(lambda: door(site, person, "mail"))
    assert len(set(results)) == 1
    assert len(blocks(site)) == 1
    assert notices(site).count("emergency-door") == 1


def test_a_login_at_the_same_moment_does_not_outlive_the_door(
    site: Site, app: Starlette, client: TestClient
) -> None:
    person, screen = enrolled(site, client)
    screens = [screen, *(another_screen(app, screen.authenticator) for _ in range(3))]
    prepared = []
    for each in screens:
        options = each.post_json("/login/options", {"request": ""}).json()
        credential = each.authenticator.get(options, each.origin)
        content = {"request": "", "ceremony": options["ceremony"], "credential": credential}
        prepared.append((each, content))

    def act() -> object:
        if not prepared:
            return door(site, person, "desk")
        each, content = prepared.pop()
        return each.post_json("/login/assertion", content)

    at_once(act, threads=len(screens) + 1)
    assert [device.suspended_why for device in held(site, person)] == ["emergency"]
    assert not any(signed_in(each) for each in screens)


def test_a_blocked_device_is_not_resumed_by_another_one_of_before(
    site: Site, app: Starlette, client: TestClient, clock: MovableClock
) -> None:
    person, laptop = enrolled(site, client)
    join(laptop, another_screen(app))
    first, second = held(site, person)
    assert (first.status, second.status) == ("active", "active"), "as they were before"
    clock.advance(seconds=1)
    door(site, person, "desk")
    with pytest.raises(Refusal), writing(site.database) as connection:
        resume(job(site, connection), first, "holder", second)
    with pytest.raises(Refusal), writing(site.database) as connection:
        resume(job(site, connection), first, "door")
    assert statuses(site, person) == ["suspended", "suspended"]


def test_the_desk_blocks_by_command(site: Site, settings: Settings, client: TestClient) -> None:
    person, screen = enrolled(site, client)
    done = run_command(
        settings, "people", "block", "--reason", "lost-device", typed=f"{HANNE.ssin}\nT-1\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Every device is blocked: Hanne Van der Meulen." in done.stdout
    assert HANNE.ssin not in done.stdout
    assert statuses(site, person) == ["suspended"]
    assert not signed_in(screen)
    assert [block.proof for block in blocks(site)] == ["desk"]


def test_an_upstream_identity_opens_the_door(site: Site, client: TestClient) -> None:
    person, screen = enrolled(site, client)
    token = proof(site, screen, person, "block", "substantial")
    page = client.get("/lost/block", params={"proof": token})
    assert page.status_code == 200
    assert "Hanne V." in page.text
    assert "Van der Meulen" not in page.text.partition('id="main"')[2]
    assert statuses(site, person) == ["active"], "looking does nothing"
    answer = screen.post_form("/lost/block", proof=token)
    assert answer.status_code == 303
    assert statuses(site, person) == ["suspended"]
    assert client.get(answer.headers["location"]).status_code == 200
    assert blocks(site)[0].proof == "upstream"
    assert blocks(site)[0].ends_at is None


def test_a_proof_works_once_here_and_for_this_purpose(
    site: Site, app: Starlette, client: TestClient
) -> None:
    person, screen = enrolled(site, client)
    other = another_screen(app)
    token = proof(site, screen, person, "block")
    assert other.post_form("/lost/block", proof=token).status_code == 403
    assert other.client.get("/lost/block", params={"proof": token}).status_code == 403
    returning = proof(site, screen, person, "return")
    assert screen.post_form("/lost/block", proof=returning).status_code == 400
    assert statuses(site, person) == ["active"]
    assert screen.post_form("/lost/block", proof=token).status_code == 303
    assert screen.post_form("/lost/block", proof=token).status_code == 410
    assert len(blocks(site)) == 1


def test_the_page_of_a_block_is_for_the_browser_that_used_the_door(
    site: Site, app: Starlette, client: TestClient
) -> None:
    person, screen = enrolled(site, client)
    answer = screen.post_form("/lost/block", proof=proof(site, screen, person, "block"))
    page: str = answer.headers["location"]
    assert another_screen(app).client.get(page).status_code == 403
    assert Screen(client).client.get(page).status_code == 200
