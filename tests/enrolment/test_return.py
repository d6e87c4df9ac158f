"""Coming back after losing every device: by an upstream identity, or by an activation code."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.devices.devices import MOST_DEVICES
from authn.enrolment.returning import OPEN_FOR, cancel_recovery
from authn.federation.upstreams import LONGEST_ID
from authn.people.tables import Person, persons
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE, Screen, activation_code, enrolled
from tests.conftest import MovableClock
from tests.loss import (
    ADDRESS,
    all_returns,
    begin,
    certify,
    come_back,
    door,
    held,
    proof,
    statuses,
)
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import (
    add_here,
    another_screen,
    ceremony,
    created,
    events,
    everything,
    join,
    problem,
    signed_in,
)
from tests.together import at_once

pytestmark = pytest.mark.thorough


@pytest.fixture
def hanne(site: Site, client: TestClient) -> Person:
    """Hanne, who enrolled on a laptop."""
    return enrolled(site, client)[0]


@pytest.fixture
def new(app: Starlette) -> Screen:
    """The screen on which she comes back."""
    return another_screen(app)


def notices(site: Site) -> list[str]:
    return [mail.notice for mail in mails(site)]


def cancel(site: Site) -> bool:
    """The last return is cancelled, as the link in a notice does it."""
    with writing(site.database) as connection:
        return cancel_recovery(job(site, connection), all_returns(site)[-1].id)


# At once


def test_an_upstream_identity_leads_to_a_new_device_and_blocks_the_old_ones(
    site: Site, client: TestClient, hanne: Person, new: Screen
) -> None:
    token = proof(site, new, hanne, "return", "substantial")
    page = new.client.get("/return", params={"proof": token})
    assert page.status_code == 200
    assert HANNE.given_name in page.text
    assert "data-proof" in page.text
    assert statuses(site, hanne) == ["active"], "looking does nothing"
    answer = come_back(new, token)
    assert answer.json()["location"] == "/return/devices"
    assert statuses(site, hanne) == ["suspended", "active"]
    old, added = held(site, hanne)
    assert (old.suspended_why, old.suspended_until) == ("return", None)
    assert (added.added_how, added.identity_level) == ("upstream", "substantial")
    assert signed_in(new)
    assert client.get("/devices").status_code == 303
    assert [(each.state, each.proof) for each in all_returns(site)] == [("used", "card")]
    assert ("return.completed", None) in events(site)


def test_an_upstream_may_have_as_long_a_name_as_the_setting_takes(
    site: Site, hanne: Person, new: Screen
) -> None:
    token = proof(site, new, hanne, "return", upstream="u" * LONGEST_ID)
    assert come_back(new, token).status_code == 200
    assert [each.proof for each in all_returns(site)] == ["u" * LONGEST_ID]


def test_the_application_that_waits_is_carried_along(
    site: Site, hanne: Person, new: Screen
) -> None:
    token = proof(site, new, hanne, "return")
    page = new.client.get("/return", params={"proof": token, "request": "TOKEN"})
    assert 'data-request="TOKEN"' in page.text
    assert come_back(new, token, "TOKEN").json()["location"] == "/return/devices?request=TOKEN"


def test_a_block_that_had_an_end_has_none_any_more(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    door(site, hanne, "mail")
    come_back(new, proof(site, new, hanne, "return"))
    clock.advance(days=2)
    assert statuses(site, hanne) == ["suspended", "active"]
    assert held(site, hanne)[0].suspended_until is None


def test_an_activation_code_of_who_has_devices_is_a_return(
    site: Site, app: Starlette, client: TestClient
) -> None:
    person, laptop = enrolled(site, client)
    confirm_for(site, person, ADDRESS)
    _, code = activation_code(site)
    new = another_screen(app)
    enrolment = new.activate(code)
    page = new.client.get("/activate/device", params={"enrolment": enrolment})
    assert "/activate/device" in str(page.url)
    assert 'class="callout warning"' in page.text, "it is said before it happens"
    assert statuses(site, person) == ["active"]
    options = ceremony(new, "/activate/options", {"enrolment": enrolment})
    content = {"enrolment": enrolment, **created(new.authenticator, options)}
    answer = new.post_json("/activate/registration", content)
    assert answer.json()["location"] == "/return/devices"
    assert statuses(site, person) == ["suspended", "active"]
    assert not signed_in(laptop)
    assert [(each.state, each.proof) for each in all_returns(site)] == [("used", "activation")]
    assert "device-added" in notices(site)


def test_a_first_activation_is_none(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    page = client.get("/activate/device", params={"enrolment": screen.activate(code)})
    assert 'class="callout warning"' not in page.text.partition("<noscript>")[0]
    assert screen.enrol(code).status_code == 200
    assert all_returns(site) == []


def test_the_device_that_is_blocked_may_be_the_one_to_come_back_on(
    site: Site, client: TestClient
) -> None:
    """Its old key does not stand in the way of a new one: it is not in the exclude list."""
    person, screen = enrolled(site, client)
    door(site, person, "desk")
    assert come_back(screen, proof(site, screen, person, "return")).status_code == 200
    assert statuses(site, person) == ["suspended", "active"]


def test_who_lost_twenty_devices_comes_back(site: Site, client: TestClient, new: Screen) -> None:
    person, screen = enrolled(site, client)
    for _ in range(MOST_DEVICES - 1):
        assert add_here(screen, Authenticator()).status_code == 200
    assert come_back(new, proof(site, new, person, "return")).status_code == 200
    assert statuses(site, person) == ["suspended"] * MOST_DEVICES + ["active"]
    answer = new.post_json("/devices/add/here/confirm-options", {})
    assert answer.status_code == 200
    assert add_here_is_refused(new)


def add_here_is_refused(screen: Screen) -> bool:
    """Another device only once one of the old ones is removed."""
    try:
        return add_here(screen, Authenticator()).status_code == 403
    except AssertionError as refused:
        return "too-many-devices" in str(refused)


# A proof


def test_a_proof_gives_one_device(site: Site, hanne: Person, new: Screen) -> None:
    token = proof(site, new, hanne, "return")
    assert come_back(new, token).status_code == 200
    assert problem(come_back(new, token)) == "proof-expired"
    assert statuses(site, hanne) == ["suspended", "active"]


def test_a_proof_used_twice_at_once_gives_one_device(
    site: Site, app: Starlette, hanne: Person, new: Screen
) -> None:
    token = proof(site, new, hanne, "return")
    contents = []
    for _ in range(6):
        options = ceremony(new, "/return/options", {"proof": token})
        contents.append({"proof": token, "request": "", **created(Authenticator(), options)})
    headers = {"Origin": new.origin, "X-CSRF-Token": new.csrf()}
    cookies = dict(new.client.cookies)

    def post() -> int:
        one = TestClient(app, base_url=new.origin, cookies=cookies)
        return one.post("/return/registration", json=contents.pop(), headers=headers).status_code

    assert sorted(map(str, at_once(post, threads=6))) == ["200"] + ["410"] * 5
    assert statuses(site, hanne) == ["suspended", "active"]


def test_a_proof_is_worth_nothing_elsewhere_or_for_another_purpose(
    site: Site, app: Starlette, hanne: Person, new: Screen
) -> None:
    token = proof(site, new, hanne, "return")
    other = another_screen(app)
    other.csrf()
    blocking = proof(site, new, hanne, "block")
    before = everything(site)
    assert problem(other.post_json("/return/options", {"proof": token})) == "other-browser"
    assert other.client.get("/return", params={"proof": token}).status_code == 403
    assert other.post_form("/return/begin", proof=token).status_code == 403
    assert problem(new.post_json("/return/options", {"proof": blocking})) == "invalid-proof"
    assert everything(site) == before


def test_a_proof_is_refused_after_a_quarter_of_an_hour(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    token = proof(site, new, hanne, "return")
    options = ceremony(new, "/return/options", {"proof": token})
    clock.advance(minutes=15)
    content = {"proof": token, "request": "", **created(new.authenticator, options)}
    assert new.post_json("/return/registration", content).status_code in (400, 410)
    assert statuses(site, hanne) == ["active"]


def test_a_challenge_of_one_proof_is_refused_for_another(
    site: Site, hanne: Person, new: Screen
) -> None:
    first, second = (proof(site, new, hanne, "return") for _ in range(2))
    options = ceremony(new, "/return/options", {"proof": first})
    content = {"proof": second, "request": "", **created(new.authenticator, options)}
    assert problem(new.post_json("/return/registration", content)) == "invalid-ceremony"
    assert statuses(site, hanne) == ["active"]


def test_a_refused_key_leaves_the_old_devices_and_the_proof_as_they_were(
    site: Site, hanne: Person, new: Screen
) -> None:
    token = proof(site, new, hanne, "return")
    options = ceremony(new, "/return/options", {"proof": token})
    made = created(new.authenticator, options, user_verified=False)
    answer = new.post_json("/return/registration", {"proof": token, "request": "", **made})
    assert answer.status_code == 403
    assert statuses(site, hanne) == ["active"]
    assert come_back(new, token).status_code == 200


@pytest.mark.parametrize("path", ["/return/options", "/return/registration"])
def test_a_garbled_proof_is_refused(site: Site, hanne: Person, new: Screen, path: str) -> None:
    new.csrf()
    before = everything(site)
    for token in ("", "x", "1eyJ.x", "é", 3, None, ["x"]):
        assert new.post_json(path, {"proof": token, "request": ""}).status_code == 400
    assert everything(site) == before


# A wait


def test_a_weaker_identity_waits_a_day_and_every_address_is_told(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    confirm_for(site, hanne, "hanne@example.org")
    confirm_for(site, hanne, "hanne@example.be")
    token = proof(site, new, hanne, "return", "substantial")
    assert "data-proof" not in new.client.get("/return", params={"proof": token}).text
    assert problem(come_back(new, token)) == "return-not-open"
    waiting = begin(new, token)
    assert statuses(site, hanne) == ["active"], "nothing is blocked by a return that waits"
    told = [mail.to for mail in mails(site) if mail.notice == "return-begun"]
    assert sorted(told) == ["hanne@example.be", "hanne@example.org"]
    page = new.client.get("/return/waiting", params={"return": waiting})
    assert "dinsdag 3 maart 2026" in page.text
    assert "10:30" in page.text

    clock.advance(days=1, seconds=-1)
    early = proof(site, new, hanne, "return", "substantial")
    assert "data-proof" not in new.client.get("/return", params={"proof": early}).text
    assert problem(come_back(new, early)) == "return-not-open"
    clock.advance(seconds=1)
    late = proof(site, new, hanne, "return", "substantial")
    assert "data-proof" in new.client.get("/return", params={"proof": late}).text
    assert come_back(new, late).status_code == 200
    assert statuses(site, hanne) == ["suspended", "active"]
    assert held(site, hanne)[1].identity_level == "substantial"
    assert [each.state for each in all_returns(site)] == ["used"]


def test_without_any_address_the_wait_is_the_same(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    begin(new, proof(site, new, hanne, "return", "substantial"))
    clock.advance(minutes=60 * 23)
    assert problem(come_back(new, proof(site, new, hanne, "return", "substantial")))
    clock.advance(minutes=60)
    assert come_back(new, proof(site, new, hanne, "return", "substantial")).status_code == 200


def test_a_return_that_waited_is_over_once_its_person_is_back_by_a_code(
    site: Site, app: Starlette, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    """Else whoever began it would come in later, without another wait and unannounced."""
    certify(site, held(site, hanne)[0].id)
    confirm_for(site, hanne, ADDRESS)
    begin(new, proof(site, new, hanne, "return", "substantial"))
    clock.advance(minutes=60)
    _, code = activation_code(site)
    assert another_screen(app).enrol(code).status_code == 200
    clock.advance(days=1)
    answer = come_back(new, proof(site, new, hanne, "return", "substantial"))
    assert problem(answer) == "return-not-open"
    assert statuses(site, hanne) == ["suspended", "active"]


def test_a_high_identity_does_not_wait(site: Site, hanne: Person, new: Screen) -> None:
    certify(site, held(site, hanne)[0].id)
    assert come_back(new, proof(site, new, hanne, "return", "high")).status_code == 200


def test_a_blocked_certified_key_still_makes_wait(site: Site, hanne: Person, new: Screen) -> None:
    certify(site, held(site, hanne)[0].id)
    door(site, hanne, "desk")
    answer = come_back(new, proof(site, new, hanne, "return", "substantial"))
    assert problem(answer) == "return-not-open"


def test_a_second_begin_changes_nothing_of_the_first(
    site: Site, app: Starlette, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    confirm_for(site, hanne, ADDRESS)
    begin(new, proof(site, new, hanne, "return", "substantial"))
    first = all_returns(site)
    clock.advance(minutes=700)
    other = another_screen(app)
    begin(other, proof(site, other, hanne, "return", "substantial"))
    assert all_returns(site) == first
    assert notices(site).count("return-begun") == 1


def test_returns_begun_at_once_are_one(site: Site, app: Starlette, hanne: Person) -> None:
    certify(site, held(site, hanne)[0].id)
    prepared = []
    for _ in range(5):
        screen = another_screen(app)
        prepared.append((screen, proof(site, screen, hanne, "return", "substantial")))
    at_once(lambda: begin(*prepared.pop()), threads=5)
    assert len(all_returns(site)) == 1


def test_a_return_is_open_for_seven_days_after_its_wait(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    waiting = begin(new, proof(site, new, hanne, "return", "substantial"))
    clock.now += timedelta(days=1) + OPEN_FOR - timedelta(seconds=1)
    assert new.client.get("/return/waiting", params={"return": waiting}).status_code == 200
    clock.advance(seconds=1)
    token = proof(site, new, hanne, "return", "substantial")
    assert problem(come_back(new, token)) == "return-not-open"
    begin(new, token)
    assert [each.state_at(clock.now) for each in all_returns(site)] == ["expired", "waiting"]


def test_one_wait_serves_one_return(
    site: Site, app: Starlette, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    begin(new, proof(site, new, hanne, "return", "substantial"))
    clock.advance(days=1)
    assert come_back(new, proof(site, new, hanne, "return", "substantial")).status_code == 200
    other = another_screen(app)
    answer = come_back(other, proof(site, other, hanne, "return", "substantial"))
    assert problem(answer) == "return-not-open"


def test_a_return_that_was_cancelled_is_over_and_every_address_is_told(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    confirm_for(site, hanne, ADDRESS)
    waiting = begin(new, proof(site, new, hanne, "return", "substantial"))
    assert cancel(site)
    assert not cancel(site)
    assert notices(site).count("return-cancelled") == 1
    clock.advance(days=1)
    answer = come_back(new, proof(site, new, hanne, "return", "substantial"))
    assert problem(answer) == "return-not-open"
    assert new.client.get("/return/waiting", params={"return": waiting}).status_code == 200
    assert statuses(site, hanne) == ["active"]
    begin(new, proof(site, new, hanne, "return", "substantial"))
    assert [each.state for each in all_returns(site)] == ["cancelled", "waiting"]
    assert all_returns(site)[1].opens_at == clock.now + site.settings.return_wait


def test_who_began_can_stop_it_here_and_nobody_else_by_that_page(
    site: Site, app: Starlette, hanne: Person, new: Screen
) -> None:
    certify(site, held(site, hanne)[0].id)
    waiting = begin(new, proof(site, new, hanne, "return", "substantial"))
    other = another_screen(app)
    assert other.post_form("/return/cancel", **{"return": waiting}).status_code == 403
    assert other.client.get("/return/waiting", params={"return": waiting}).status_code == 403
    assert [each.state for each in all_returns(site)] == ["waiting"]
    assert new.post_form("/return/cancel", **{"return": waiting}).status_code == 303
    assert [each.state for each in all_returns(site)] == ["cancelled"]


def test_who_still_has_a_device_sees_it_and_stops_it(
    site: Site, client: TestClient, new: Screen, clock: MovableClock
) -> None:
    person, laptop = enrolled(site, client)
    certify(site, held(site, person)[0].id)
    assert "/devices/return/cancel" not in client.get("/devices").text
    begin(new, proof(site, new, person, "return", "substantial"))
    assert "/devices/return/cancel" in client.get("/devices").text
    assert new.post_form("/devices/return/cancel").headers["location"].startswith("/login")
    assert [each.state for each in all_returns(site)] == ["waiting"]
    assert laptop.post_form("/devices/return/cancel").status_code == 303
    assert "/devices/return/cancel" not in client.get("/devices").text
    clock.advance(days=1)
    answer = come_back(new, proof(site, new, person, "return", "substantial"))
    assert problem(answer) == "return-not-open"


def test_of_a_cancellation_and_a_completion_at_once_one_happens(
    site: Site, hanne: Person, new: Screen, clock: MovableClock
) -> None:
    certify(site, held(site, hanne)[0].id)
    begin(new, proof(site, new, hanne, "return", "substantial"))
    clock.advance(days=1)
    token = proof(site, new, hanne, "return", "substantial")
    options = ceremony(new, "/return/options", {"proof": token})
    content = {"proof": token, "request": "", **created(new.authenticator, options)}
    acts = [
        lambda: cancel(site),
        lambda: new.post_json("/return/registration", content).status_code == 200,
    ]
    results = at_once(lambda: acts.pop()(), threads=2)
    assert sorted(map(bool, results)) == [False, True]
    state = all_returns(site)[-1].state
    assert statuses(site, hanne) == (["suspended", "active"] if state == "used" else ["active"])


def test_a_weaker_key_makes_nobody_wait(
    site: Site, app: Starlette, client: TestClient, new: Screen
) -> None:
    person, laptop = enrolled(site, client)
    join(laptop, another_screen(app, Authenticator(backup_eligible=True, backed_up=True)))
    assert come_back(new, proof(site, new, person, "return", "substantial")).status_code == 200


def test_who_died_meanwhile_does_not_come_back(site: Site, hanne: Person, new: Screen) -> None:
    token = proof(site, new, hanne, "return")
    options = ceremony(new, "/return/options", {"proof": token})
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))
    assert new.client.get("/return", params={"proof": token}).status_code == 403
    content = {"proof": token, "request": "", **created(new.authenticator, options)}
    assert new.post_json("/return/registration", content).status_code == 403
    assert statuses(site, hanne) == ["active"]
