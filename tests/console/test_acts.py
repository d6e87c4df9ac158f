"""The acts of the desk on a citizen's devices: confirmed, explained, told, and on record.

Decisions 2.9 (a fresh assertion, bound to act and target), 2.12, 3.2, 3.3; decisions 7.
"""

import pytest

from authn.console import acts
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.devices.installations import list_installations
from authn.enrolment.emergency import find_latest_block
from authn.enrolment.returning import find_waiting_recovery
from authn.errors import Forbidden, NotFound
from authn.people.tables import Person, persons
from authn.settings import Settings
from authn.web.site import Site
from tests.console.acting import (
    act_path,
    desk_of,
    device,
    rows,
    statuses,
    suspend_for,
)
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import answered, ceremony

DONE = "/done?did="


def words(html: str) -> str:
    return " ".join(html.partition("<main")[2].split())


@pytest.fixture
def working(agent: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """An agent who said why they look at Hanne."""
    agent.screen.client.headers["Accept-Language"] = "en"
    agent.give_reason(citizen.person.id, explanation="Left on the train", ticket="T-7")
    return agent


def test_blocking_a_device_ends_what_was_open_on_it_and_nothing_else(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    first, second = citizen.devices
    assert citizen.screen.client.get("/devices").status_code == 200
    answer = working.act(act_path(citizen.person, first, "suspend"))
    assert DONE in answer.json()["location"]
    assert statuses(site, citizen.person) == {first: "suspended", second: "active"}
    assert device(site, citizen.person, first).suspended_why == "desk"
    assert citizen.screen.client.get("/devices").status_code == 303  # signed out
    with reading(site.database) as connection:
        assert all(each.ended_at for each in list_installations(connection, first))


@pytest.mark.parametrize(
    ("act", "event", "became"),
    [
        ("suspend", "desk.suspended", "device.suspended"),
        ("unlink", "desk.unlinked", "device.unlinked"),
    ],
)
def test_an_act_is_on_record_with_who_did_it_and_why(
    site: Site, working: DeskScreen, citizen: CitizenAtHome, act: str, event: str, became: str
) -> None:
    working.act(act_path(citizen.person, citizen.devices[0], act))
    (row,) = rows(site, event)
    assert row["actor_id"] == working.person.id
    assert (row["person_id"], row["device_id"]) == (citizen.person.id, citizen.devices[0])
    assert (row["reason"], row["explanation"], row["ticket"]) == (
        "lost-device",
        "Left on the train",
        "T-7",
    )
    assert row["approved_by"] is None
    (of_device,) = rows(site, became)
    assert (of_device["by"], of_device["reference"]) == ("desk", row["reference"])


def test_resuming_is_on_record_and_brings_nothing_back_that_had_ended(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    first = citizen.devices[0]
    working.act(act_path(citizen.person, first, "suspend"))
    assert working.act(act_path(citizen.person, first, "resume")).status_code == 200
    assert statuses(site, citizen.person)[first] == "active"
    assert len(rows(site, "desk.resumed")) == 1
    assert citizen.screen.client.get("/devices").status_code == 303
    assert citizen.screen.sign_in().status_code == 200


def test_the_page_says_what_ends_and_what_stays_before_it_asks(
    working: DeskScreen, citizen: CitizenAtHome
) -> None:
    first = citizen.devices[0]
    html = working.get(act_path(citizen.person, first, "suspend")).text
    page = words(html)
    assert "Block this device?" in page
    assert "1 session ends at once." in page
    assert "Still signs in with:" in page
    assert "Left on the train" in page and "T-7" in page
    assert f'data-path="/desk/people/{citizen.person.id}/devices/{first}/suspend"' in html
    assert "nobody can take that back" not in page
    assert "nobody can take that back" in words(
        working.get(act_path(citizen.person, first, "unlink")).text
    )


def test_the_citizen_is_told_that_the_help_desk_did_it(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    first, second = citizen.devices
    working.act(act_path(citizen.person, first, "suspend"))
    working.act(act_path(citizen.person, first, "resume"))
    working.act(act_path(citizen.person, second, "unlink"))
    told = mails(site)
    assert sorted(each.notice for each in told) == [
        "device-resumed",
        "device-suspended",
        "device-unlinked",
    ]
    assert all("help" in each.text.lower() for each in told)


def test_what_to_say_is_told_in_the_citizen_s_language_and_the_agent_s(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    answer = working.act(act_path(citizen.person, citizen.devices[0], "suspend"))
    html = working.get(answer.json()["location"]).text
    assert html.index('class="callout say" lang="nl"') < html.index('class="callout say" lang="en"')
    name = device(site, citizen.person, citizen.devices[0]).name
    assert f"“{name}” is blocked." in words(html)
    assert "You can still sign in with:" in words(html)
    # Who reads it in the citizen's own language reads it once.
    html = working.screen.client.get(
        answer.json()["location"], headers={"Accept-Language": "nl"}
    ).text
    assert html.count('class="callout say"') == 1


def test_without_a_fresh_assertion_nothing_is_done(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    first, second = citizen.devices
    path = act_path(citizen.person, first, "unlink")
    assert working.post_json(path, {}).status_code == 400
    # Bound to this act on this device (decisions 2.9).
    for other in (
        act_path(citizen.person, second, "unlink"),
        act_path(citizen.person, first, "suspend"),
    ):
        confirmed = answered(working.screen, ceremony(working.screen, f"{other}/options"))
        assert working.post_json(path, confirmed).status_code in (400, 403)
    confirmed = answered(working.screen, ceremony(working.screen, f"{path}/options"))
    assert working.post_json(path, confirmed).status_code == 200
    assert working.post_json(path, confirmed).status_code == 410  # once
    assert statuses(site, citizen.person) == {first: "unlinked", second: "active"}


def test_without_a_reason_for_this_person_nothing_is_shown_or_done(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    path = act_path(citizen.person, citizen.devices[0], "suspend")
    assert agent.get(path).headers["location"].startswith("/desk/reason?")
    assert agent.post_json(f"{path}/options").status_code == 403
    assert agent.post_json(path).status_code == 403
    assert set(statuses(site, citizen.person).values()) == {"active"}


def test_a_device_of_somebody_else_is_not_reached_by_way_of_a_person(
    site: Site, working: DeskScreen, citizen: CitizenAtHome, supervisor: DeskScreen
) -> None:
    with reading(site.database) as connection:
        (theirs,) = list_devices(connection, supervisor.person.id)
    answer = working.act(act_path(citizen.person, theirs.id, "unlink"))
    assert answer.status_code == 404
    assert statuses(site, supervisor.person)[theirs.id] == "active"
    assert working.get(act_path(citizen.person, theirs.id, "unlink")).status_code == 303


@pytest.mark.parametrize("act", ["suspend", "unlink", "resume"])
def test_a_registrar_and_others_find_no_such_page(
    registrar: DeskScreen, citizen: CitizenAtHome, site: Site, act: str
) -> None:
    registrar.give_reason(citizen.person.id)
    path = act_path(citizen.person, citizen.devices[0], act)
    assert registrar.get(path).status_code == 404
    assert registrar.post_json(path).status_code == 404
    assert len(rows(site, "desk.refused")) == 2


def test_an_act_asks_again_who_may_do_it_wherever_it_is_asked_for(
    site: Site, agent: DeskScreen, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    """The API and the command line call the same functions, without a page before them."""

    def unlink_by(who: DeskScreen, person: Person) -> None:
        desk = desk_of(site, who, "lost-device")
        with writing(site.database) as connection:
            acts.do_unlink(job(site, connection), desk, person, citizen.devices[0])

    with pytest.raises(NotFound):
        unlink_by(registrar, citizen.person)
    with pytest.raises(Forbidden, match="own_account"):
        unlink_by(agent, agent.person)
    with writing(site.database) as connection:
        connection.execute(
            persons.update().where(persons.c.id == citizen.person.id).values(deceased=True)
        )
    with pytest.raises(Forbidden, match="deceased"):
        unlink_by(agent, citizen.person)
    assert set(statuses(site, citizen.person).values()) == {"active"}
    assert len(rows(site, "desk.refused")) == 3


def test_blocking_all_closes_the_account_until_they_come_back(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:  # decisions 3.2
    confirm_for(site, citizen.person)
    answer = working.act(f"/desk/people/{citizen.person.id}/block-all")
    assert DONE in answer.json()["location"]
    assert set(statuses(site, citizen.person).values()) == {"suspended"}
    with reading(site.database) as connection:
        block = find_latest_block(connection, citizen.person.id)
    assert block and (block.proof, block.ends_at) == ("desk", None)
    (row,) = rows(site, "desk.blocked-all")
    assert row["actor_id"] == working.person.id
    assert "All your devices are blocked." in words(working.get(answer.json()["location"]).text)
    assert [each.notice for each in mails(site)] == ["emergency-door"]
    again = working.act(f"/desk/people/{citizen.person.id}/block-all")
    assert again.status_code == 403
    assert len(rows(site, "desk.blocked-all")) == 1


def test_a_return_that_the_desk_begins_waits_and_warns_every_address(
    site: Site, settings: Settings, working: DeskScreen, citizen: CitizenAtHome
) -> None:  # decisions 3.3
    path = f"/desk/people/{citizen.person.id}/begin-return"
    assert working.act(path).status_code == 403  # nobody could be warned
    confirm_for(site, citizen.person)
    assert DONE in working.act(path).json()["location"]
    with reading(site.database) as connection:
        waiting = find_waiting_recovery(job(site, connection), citizen.person.id)
    assert waiting is not None
    assert (waiting.proof, waiting.began_by) == ("desk", working.person.id)
    assert waiting.opens_at == site.clock() + settings.return_wait
    (mail,) = mails(site)
    assert mail.notice == "return-begun"
    assert "/not-me#" in mail.text  # cancels it
    assert working.act(path).status_code == 403  # it goes on as it is
    assert set(statuses(site, citizen.person).values()) == {"active"}


def test_what_was_blocked_on_suspicion_is_not_an_agent_s_to_unblock(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    first = citizen.devices[0]
    for why in ("counter", "emergency", "notice", "return"):
        suspend_for(site, first, why)
        html = working.get(act_path(citizen.person, first, "resume")).text
        assert "A supervisor does this" in html and "data-ceremony" not in html
        assert working.act(act_path(citizen.person, first, "resume")).status_code == 404
        assert statuses(site, citizen.person)[first] == "suspended"
    assert not rows(site, "desk.resumed", "desk.reinstated")


def test_what_is_blocked_already_says_so(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    path = act_path(citizen.person, citizen.devices[0], "suspend")
    working.act(path)
    assert working.act(path).json()["type"].endswith("blocked-already")
    assert len(rows(site, "desk.suspended")) == 1


HOSTILE = "<script>alert(1)</script>\"'><img src=x>"


def test_a_script_in_the_name_of_a_device_is_only_text(
    site: Site, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    first = citizen.devices[0]
    answer = citizen.screen.post_form(f"/devices/{first}/name", name=HOSTILE)
    assert answer.status_code == 303
    assert device(site, citizen.person, first).name == HOSTILE
    pages = [working.get(act_path(citizen.person, first, act)) for act in ("suspend", "unlink")]
    done = working.act(act_path(citizen.person, first, "suspend")).json()["location"]
    for page in (*pages, working.get(done), working.get(act_path(citizen.person, first, "resume"))):
        assert page.status_code == 200
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
