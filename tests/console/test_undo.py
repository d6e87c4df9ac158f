"""The wrong device was blocked: one button takes it back, within minutes, and that act alone."""

from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response

from authn.db.transaction import reading, writing
from authn.devices.devices import find_device
from authn.devices.life import resume, suspend
from authn.enrolment.emergency import begin_emergency_block, find_latest_block
from authn.settings import Settings
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.console.acting import act_path, rows, statuses
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.together import at_once


@pytest.fixture
def working(agent: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """An agent who said why they look at Hanne."""
    agent.give_reason(citizen.person.id)
    return agent


def blocked(working: DeskScreen, citizen: CitizenAtHome, path: str = "") -> str:
    """What the page afterwards carries, of the first device or of all."""
    path = path or act_path(citizen.person, citizen.devices[0], "suspend")
    location: str = working.act(path).json()["location"]
    return parse_qs(urlsplit(location).query)["did"][0]


def undo(by: DeskScreen, token: str) -> Response:
    return by.post_form("/desk/undo", did=token)


def test_one_button_unblocks_it_again(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    token = blocked(working, citizen)
    page = working.get(f"/desk/people/{citizen.person.id}/done?did={token}").text
    assert 'action="/desk/undo"' in page
    clock.advance(minutes=14)
    answer = undo(working, token)
    assert answer.status_code == 303
    assert set(statuses(site, citizen.person).values()) == {"active"}
    (row,) = rows(site, "desk.suspension-undone")
    assert (row["actor_id"], row["device_id"]) == (working.person.id, citizen.devices[0])
    assert [each.notice for each in mails(site)] == ["device-suspended", "device-resumed"]
    assert 'action="/desk/undo"' not in working.get(answer.headers["location"]).text


def test_no_reason_is_asked_again(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome, settings: Settings
) -> None:
    clock.advance(minutes=10)
    token = blocked(working, citizen)
    clock.advance(minutes=12)  # the reason that was given is too old by now
    assert working.get(f"/desk/people/{citizen.person.id}/done?did={token}").status_code == 303
    assert undo(working, token).status_code == 303
    assert set(statuses(site, citizen.person).values()) == {"active"}


def test_the_reason_for_somebody_else_is_not_put_on_record_with_it(
    site: Site, working: DeskScreen, citizen: CitizenAtHome, registrar: DeskScreen
) -> None:
    token = blocked(working, citizen)
    working.give_reason(registrar.person.id, reason="check", explanation="Somebody else")
    assert undo(working, token).status_code == 303
    (row,) = rows(site, "desk.suspension-undone")
    assert (row["reason"], row["explanation"]) == ("", "")


def test_after_the_window_it_is_too_late(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    token = blocked(working, citizen)
    clock.advance(minutes=8)
    working.get("/desk")
    clock.advance(minutes=7)
    assert undo(working, token).status_code == 410
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"


def test_another_agent_cannot_take_it_back(
    site: Site, make_staff: MakeStaff, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    other = make_staff("supervisor")
    assert undo(other, blocked(working, citizen)).status_code == 404
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"


def test_removing_has_no_undo(site: Site, working: DeskScreen, citizen: CitizenAtHome) -> None:
    token = blocked(working, citizen, act_path(citizen.person, citizen.devices[0], "unlink"))
    page = working.get(f"/desk/people/{citizen.person.id}/done?did={token}").text
    assert "/desk/undo" not in page
    assert undo(working, token).status_code == 404
    assert statuses(site, citizen.person)[citizen.devices[0]] == "unlinked"


def test_only_that_suspension_is_taken_back_and_not_a_later_one(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    token = blocked(working, citizen)
    clock.advance(minutes=1)
    with writing(site.database) as connection:
        device = find_device(connection, citizen.person.id, citizen.devices[0])
        resume(job(site, connection), device, "desk")
    clock.advance(minutes=1)
    with writing(site.database) as connection:
        suspend(job(site, connection), device, "desk", "desk")
    assert undo(working, token).status_code == 403
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"


def test_not_once_the_emergency_door_was_used_since(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    token = blocked(working, citizen)
    clock.advance(minutes=1)
    with writing(site.database) as connection:
        begin_emergency_block(job(site, connection), citizen.person.id, "upstream")
    assert undo(working, token).status_code == 403
    assert set(statuses(site, citizen.person).values()) == {"suspended"}


def test_blocking_all_of_the_wrong_person_is_taken_back_as_well(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    token = blocked(working, citizen, f"/desk/people/{citizen.person.id}/block-all")
    assert set(statuses(site, citizen.person).values()) == {"suspended"}
    clock.advance(minutes=1)
    assert undo(working, token).status_code == 303
    assert set(statuses(site, citizen.person).values()) == {"active"}
    with reading(site.database) as connection:
        block = find_latest_block(connection, citizen.person.id)
    assert block and not block.runs_at(clock())


def test_a_forged_token_takes_nothing_back(working: DeskScreen, citizen: CitizenAtHome) -> None:
    token = blocked(working, citizen)
    for forged in ("", "x", token[:-2], token + "a", "." * 500):
        assert undo(working, forged).status_code in (400, 410)


def test_pressed_twice_at_once_it_is_undone_once(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    token = blocked(working, citizen)
    working.screen.csrf()
    answers = at_once(lambda: undo(working, token).status_code, threads=2)
    assert sorted(answers) == [303, 403]  # type: ignore[type-var]
    assert len(rows(site, "desk.suspension-undone")) == 1
    assert set(statuses(site, citizen.person).values()) == {"active"}
