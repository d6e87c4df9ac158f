"""A session at the desk: opened by staff with their own device, and dead with all it hangs on."""

from datetime import timedelta

import pytest
from httpx2 import Response
from sqlalchemy import event, select, update
from starlette.applications import Starlette

from authn.console.desk_sessions import (
    find_desk_session,
    forget_old_desk_sessions,
    open_desk_session,
)
from authn.console.tables import desk_sessions
from authn.db.transaction import reading, writing
from authn.devices.devices import find_device, list_devices
from authn.devices.life import resume, suspend
from authn.devices.tables import devices, installations
from authn.people.persons import find_or_create_person, lock_person
from authn.people.tables import persons
from authn.secrets import token_hash
from authn.sessions.sessions import end_sessions_of_person, find_session
from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN
from tests.conftest import MovableClock
from tests.console.acting import dismissed
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.occasion import job
from tests.screens import add_here, another_screen, answered, ceremony, events, problem
from tests.together import at_once


def led_to_login(answer: Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/desk/login?")


def test_the_desk_is_opened_with_ones_own_device(agent: DeskScreen, site: Site) -> None:
    page = agent.get("/desk")
    assert page.status_code == 200
    assert agent.person.full_name in page.text
    assert ("desk.opened", None) in events(site)


def test_only_the_hash_of_its_cookie_is_stored(agent: DeskScreen, site: Site) -> None:
    with reading(site.database) as connection:
        stored = connection.execute(select(desk_sessions.c.token_hash)).scalar_one()
    assert agent.cookie
    assert stored == token_hash(agent.cookie)


def test_its_cookie_is_another_one_than_the_holders_own(agent: DeskScreen, site: Site) -> None:
    session = agent.screen.client.cookies.get(cookie_name(site.settings, SESSION))
    assert session and session != agent.cookie
    agent.present(session)
    assert not agent.is_open


def test_its_cookie_is_host_only_and_unread_by_scripts(make_staff: MakeStaff) -> None:
    made = make_staff("agent", opened=False)
    sent = made.open().headers["set-cookie"]
    assert "HttpOnly" in sent
    assert "Path=/" in sent
    assert "Domain" not in sent
    assert "Max-Age" not in sent


def test_of_several_roles_there_is_one_session(make_staff: MakeStaff, site: Site) -> None:
    made = make_staff("agent", "registrar")
    with reading(site.database) as connection:
        session = find_desk_session(connection, site, made.cookie, site.clock())
    assert session is not None
    assert session.staff.roles == {"agent", "registrar"}
    assert session.staff.desks == {"Ghent"}


def test_who_is_not_signed_in_signs_in_first(app: Starlette) -> None:
    stranger = another_screen(app)
    answer = stranger.client.get("/desk")
    assert led_to_login(answer)
    on = stranger.client.get(answer.headers["location"])
    assert on.headers["location"].startswith("/login?return_to=%2Fdesk%2Flogin")


def test_who_is_no_staff_finds_no_desk(citizen: CitizenAtHome, site: Site) -> None:
    """The same words and status as an address that does not exist; and on record."""

    def shown(answer: Response) -> str:
        start, _, rest = answer.text.partition('<p class="small quiet">')
        return start.replace("/desk/login", "").replace("/no/such", "") + rest.partition("</p>")[2]

    refused = citizen.screen.client.get("/desk/login")
    unknown = citizen.screen.client.get("/no/such")
    assert refused.status_code == unknown.status_code == 404
    assert shown(refused) == shown(unknown)
    assert [name for name, _ in events(site)].count("desk.refused") == 1
    answer = citizen.screen.post_json("/desk/login/options", {})
    assert (answer.status_code, problem(answer)) == (404, "not-found")


def test_who_is_no_staff_any_more_can_not_finish_opening(make_staff: MakeStaff, site: Site) -> None:
    made = make_staff("agent", opened=False)
    options = ceremony(made.screen, "/desk/login/options")
    dismissed(site, made, "agent")
    content = {"next": "/desk", **answered(made.screen, options)}
    assert made.post_json("/desk/login", content).status_code == 404
    assert not made.cookie


def test_a_device_that_is_synced_opens_no_desk(make_staff: MakeStaff) -> None:
    made = make_staff("agent", opened=False, backup_eligible=True)
    page = made.get("/desk/login")
    assert "data-ceremony" not in page.text
    assert "/devices/add/here" in page.text
    answer = made.open()
    assert (answer.status_code, problem(answer)) == (403, "device-not-good-enough")


def test_another_device_of_the_same_person_opens_no_desk(make_staff: MakeStaff) -> None:
    """The session hangs on the device and installation in use: this one is not there."""
    made = make_staff("agent", opened=False)
    other = Authenticator()
    assert add_here(made.screen, other).status_code == 200
    options = ceremony(made.screen, "/desk/login/options")
    options["publicKey"]["allowCredentials"] = []
    content = {
        "next": "/desk",
        "ceremony": options["ceremony"],
        "credential": other.get(options, ORIGIN),
    }
    answer = made.post_json("/desk/login", content)
    assert (answer.status_code, problem(answer)) == (403, "not-this-device")


def test_a_related_origin_opens_no_desk(make_staff: MakeStaff, site: Site) -> None:
    made = make_staff("agent", opened=False)
    related = "https://related.example"
    object.__setattr__(
        site, "settings", site.settings.model_copy(update={"related_origins": (related,)})
    )
    options = ceremony(made.screen, "/desk/login/options")
    credential = made.screen.authenticator.get(options, related)
    content = {"next": "/desk", "ceremony": options["ceremony"], "credential": credential}
    assert made.post_json("/desk/login", content).status_code == 400
    assert not made.cookie


def test_an_assertion_opens_it_once(make_staff: MakeStaff) -> None:
    made = make_staff("agent", opened=False)
    content = {
        "next": "/desk",
        **answered(made.screen, ceremony(made.screen, "/desk/login/options")),
    }
    assert made.post_json("/desk/login", content).status_code == 200
    answer = made.post_json("/desk/login", content)
    assert (answer.status_code, problem(answer)) == (410, "replayed")


def test_an_assertion_for_signing_in_opens_no_desk(make_staff: MakeStaff) -> None:
    made = make_staff("agent", opened=False)
    content = answered(made.screen, ceremony(made.screen, "/login/options"))
    assert made.post_json("/desk/login", {"next": "/desk", **content}).status_code == 400


def test_what_a_script_sends_without_its_token_is_refused(agent: DeskScreen) -> None:
    client = agent.screen.client
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/desk/login/options", json={}, headers=headers).status_code == 403
    assert client.post("/desk/close", data={}, headers=headers).status_code == 403
    assert agent.is_open


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example", "/devices", "/desks"]
)
def test_it_leads_to_pages_of_the_desk_alone(make_staff: MakeStaff, next_page: str) -> None:
    made = make_staff("agent", opened=False)
    assert made.open(next_page).json() == {"location": "/desk"}


def test_it_leads_back_to_where_somebody_was(make_staff: MakeStaff) -> None:
    made = make_staff("agent", opened=False)
    assert made.open("/desk/reason?person=1").json() == {"location": "/desk/reason?person=1"}


def test_it_ends_when_nobody_used_it_for_a_while(agent: DeskScreen, clock: MovableClock) -> None:
    clock.advance(minutes=14)
    assert agent.is_open
    clock.advance(minutes=14)
    assert agent.is_open
    clock.advance(minutes=15)
    assert led_to_login(agent.get("/desk"))


def test_it_ends_after_eight_hours_however_busy(agent: DeskScreen, clock: MovableClock) -> None:
    for _ in range(47):
        clock.advance(minutes=10)
        assert agent.is_open
    clock.advance(minutes=10)
    assert led_to_login(agent.get("/desk"))


def test_the_page_says_when_it_closes(agent: DeskScreen, clock: MovableClock) -> None:
    clock.advance(minutes=5)
    assert "10:50" in agent.get("/desk").text.replace(".", ":")  # 09:35 UTC, and 15 minutes


def test_reading_writes_at_most_once_a_minute(agent: DeskScreen, site: Site) -> None:
    seen: list[str] = []

    def statement(connection: object, cursor: object, sql: str, *rest: object) -> None:
        seen.append(sql.split()[0])

    for engine in (site.database.reader, site.database.writer):
        event.listen(engine, "before_cursor_execute", statement)
    assert agent.is_open
    assert seen == ["SELECT"]  # the whole chain, and nothing else


def test_signing_out_of_it_leaves_ones_own_pages(agent: DeskScreen, site: Site) -> None:
    cookie = agent.cookie
    answer = agent.close()
    assert answer.headers["location"] == "/desk/login?closed=yes"
    assert agent.get("/devices").status_code == 200
    assert led_to_login(agent.get("/desk"))
    agent.present(cookie)
    assert led_to_login(agent.get("/desk"))
    assert ("desk.closed", None) in events(site)


def test_who_signs_out_of_their_own_pages_is_not_at_the_desk_either(
    agent: DeskScreen,
) -> None:
    agent.post_form("/sign-out")
    assert led_to_login(agent.get("/desk"))


def test_it_ends_when_its_holder_signs_out_everywhere(agent: DeskScreen, site: Site) -> None:
    with writing(site.database) as connection:
        assert end_sessions_of_person(connection, site.settings, agent.person.id, site.clock()) == 1
    assert not agent.is_open


def test_it_ends_with_the_last_role(make_staff: MakeStaff, site: Site) -> None:
    made = make_staff("agent", "registrar")
    dismissed(site, made, "agent")
    assert made.is_open
    dismissed(site, made, "registrar")
    assert led_to_login(made.get("/desk"))
    assert made.get("/desk/login").status_code == 404


def test_it_ends_with_the_device_for_good(agent: DeskScreen, site: Site) -> None:
    with writing(site.database) as connection:
        (device,) = list_devices(connection, agent.person.id)
        assert suspend(job(site, connection), device, "desk", "desk")
    assert not agent.is_open
    with writing(site.database) as connection:
        suspended = find_device(connection, agent.person.id, device.id)
        resume(job(site, connection), suspended, "desk")
    assert not agent.is_open


def test_it_ends_with_the_installation(agent: DeskScreen, site: Site) -> None:
    with writing(site.database) as connection:
        connection.execute(update(installations).values(ended_at=site.clock()))
    assert not agent.is_open


def test_it_ends_with_a_device_that_is_another_persons(agent: DeskScreen, site: Site) -> None:
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock()).id
        connection.execute(
            update(devices).where(devices.c.person_id == agent.person.id).values(person_id=other)
        )
    assert not agent.is_open


@pytest.mark.parametrize("how", ["deceased", "merged"])
def test_it_ends_with_the_person(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, how: str
) -> None:
    values = {"deceased": True} if how == "deceased" else {"merged_into": citizen.person.id}
    with writing(site.database) as connection:
        connection.execute(update(persons).where(persons.c.id == agent.person.id).values(values))
    assert not agent.is_open


def test_it_ends_once_its_key_turns_out_to_be_synced(agent: DeskScreen, site: Site) -> None:
    with writing(site.database) as connection:
        connection.execute(
            update(devices)
            .where(devices.c.person_id == agent.person.id)
            .values(backup_eligible=True)
        )
    assert not agent.is_open


def test_opening_it_anew_ends_the_one_before(agent: DeskScreen, site: Site) -> None:
    before = agent.cookie
    assert agent.open().status_code == 200
    assert agent.cookie != before
    assert agent.is_open
    agent.present(before)
    assert not agent.is_open


def test_opened_twice_at_once_one_session_is_left(agent: DeskScreen, site: Site) -> None:
    own = agent.screen.client.cookies.get(cookie_name(site.settings, SESSION)) or ""
    with reading(site.database) as connection:
        session = find_session(connection, site, own, site.clock())
    assert session

    def open_it() -> str:
        with writing(site.database) as connection:
            lock_person(connection, session.person_id)
            return open_desk_session(connection, session, "Ghent", site.clock())

    tokens = at_once(open_it)
    assert len(set(tokens)) == len(tokens)
    with reading(site.database) as connection:
        live = desk_sessions.c.ended_at.is_(None)
        assert len(connection.execute(select(desk_sessions).where(live)).all()) == 1


def test_an_unknown_cookie_is_nobodys(agent: DeskScreen) -> None:
    agent.present("x" * 43)
    assert led_to_login(agent.get("/desk"))


def test_a_form_that_comes_too_late_opens_the_desk_first(
    agent: DeskScreen, clock: MovableClock
) -> None:
    clock.advance(minutes=15)
    assert led_to_login(agent.close())


def test_the_limits_are_settings(agent: DeskScreen, site: Site, clock: MovableClock) -> None:
    object.__setattr__(
        site, "settings", site.settings.model_copy(update={"desk_idle": timedelta(minutes=2)})
    )
    clock.advance(minutes=2)
    assert not agent.is_open


def test_what_ended_long_ago_is_deleted(agent: DeskScreen, site: Site, clock: MovableClock) -> None:
    def forgotten() -> int:
        with writing(site.database) as connection:
            return forget_old_desk_sessions(connection, clock())

    clock.advance(days=1)
    assert forgotten() == 0
    clock.advance(days=1, minutes=1)
    assert forgotten() == 1
