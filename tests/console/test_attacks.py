"""What somebody of the staff, or who has their cookie, might try: each finds a closed door.

Decisions 2.9 (a fresh assertion, for one act on one target), 3.3 (who else agrees).
"""

from typing import Final
from uuid import UUID

import pytest

from authn.console.looks import WITHIN, count_looks
from authn.db.transaction import reading, writing
from authn.enrolment.emergency import begin_emergency_block
from authn.notices.mail_address import mask_address
from authn.people.persons import find_or_create_person, find_person_by_ssin
from authn.profiles.appointments import appoint
from authn.web.site import Site
from tests.citizen import KARIM, SSIN
from tests.conftest import MovableClock
from tests.console.acting import act_path, asked, every_approval, rows, statuses
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen, asked_for_reason
from tests.console.test_find import many, search
from tests.console.test_reason import limited
from tests.console.test_registration import (
    HOME,
    a_day_later,
    address_id,
    ask,
    checked,
    desk_code,
    letter,
    ticket_in,
)
from tests.console.test_registration_identities import identity as identity
from tests.console.test_registration_identities import path, proposed
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.screens import answered, ceremony

QUEUE: Final = "/desk/registration/identities"

pytestmark = pytest.mark.usefixtures("register")


def test_what_is_blocked_on_suspicion_does_not_become_the_agents_by_blocking_it_again(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    first, second = citizen.devices
    with writing(site.database) as connection:
        begin_emergency_block(job(site, connection), citizen.person.id, "mail")  # for a day
    agent.give_reason(citizen.person.id)
    assert agent.act(act_path(citizen.person, first, "suspend")).status_code == 200  # for good
    assert agent.act(act_path(citizen.person, first, "resume")).status_code == 404
    assert statuses(site, citizen.person) == {first: "suspended", second: "suspended"}


def test_each_look_at_a_foreign_identity_is_on_record_however_it_is_reached(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity, check=False)
    assert len(rows(site, "identity.seen")) == 1
    assert "Müller" in registrar.get(path(person, identity)).text
    looks = rows(site, "identity.seen")
    assert [(row["identity"], row["reason"]) for row in looks] == [
        (str(identity), "came-to-desk")
    ] * 2


def test_a_reason_for_one_person_shows_no_identity_that_is_anothers(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    with writing(site.database) as connection:
        karim = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    hanne = proposed(registrar, site, identity)
    registrar.act(path(hanne, identity))
    registrar.give_reason(karim.id)
    assert "Müller" not in registrar.get(path(karim, identity)).text
    answer = registrar.get(f"{QUEUE}/{identity}")
    assert "Müller" not in answer.text
    assert answer.headers["location"] == path(hanne, identity)
    assert asked_for_reason(registrar.get(path(hanne, identity))) == str(hanne.id)
    typed = registrar.post_form(f"{QUEUE}/{identity}/propose", ssin="garbage")
    assert "Müller" not in typed.text


def test_what_was_confirmed_for_one_citizen_prints_no_letter_of_another(
    site: Site, registrar: DeskScreen
) -> None:
    hanne = checked(registrar, site)
    assert ask(registrar, site, hanne).status_code == 200
    with writing(site.database) as connection:
        karim = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    registrar.give_reason(karim.id, reason="came-to-desk")
    content = {"desk_code": str(desk_code(site, hanne).id)}
    assert registrar.act(f"{HOME}/{karim.id}/print", **content).status_code == 404


def test_a_code_of_who_became_a_colleague_while_it_waited_needs_a_second_one(
    site: Site, clock: MovableClock, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    person = checked(registrar, site)
    assert ask(registrar, site, person, way="wait").status_code == 200
    a_day_later(registrar, clock, person)
    with writing(site.database) as connection:
        appoint(connection, site.secrets, person.id, "agent", "Ghent", site.clock())
    content = {"desk_code": str(desk_code(site, person).id)}
    ticket = ticket_in(registrar.act(f"{HOME}/{person.id}/print", **content))
    assert letter(registrar, person, ticket).status_code == 403
    assert not rows(site, "registration.code-printed")


@pytest.mark.parametrize("way", ["/sign-out", "/sign-out/everywhere"])
def test_a_copied_cookie_of_the_desk_is_dead_once_its_holder_signs_out_and_in_again(
    site: Site, agent: DeskScreen, way: str
) -> None:
    copied = agent.cookie
    assert agent.post_form(way).status_code in (200, 303)
    assert not agent.is_open
    assert agent.screen.sign_in().status_code == 200
    agent.present(copied)
    assert not agent.is_open


def test_signing_in_anew_without_signing_out_leaves_the_desk_open(agent: DeskScreen) -> None:
    assert agent.screen.sign_in().status_code == 200
    assert agent.is_open


def test_who_is_to_be_joined_is_looked_at_and_on_record_when_only_their_id_is_known(
    site: Site, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    supervisor = make_staff("supervisor")
    with writing(site.database) as connection:
        karim = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    supervisor.give_reason(citizen.person.id)
    supervisor.act(f"/desk/people/{citizen.person.id}/merge/{karim.id}")
    looks = rows(site, "desk.reason-given")
    assert karim.id in {each["person_id"] for each in looks}


def test_a_desk_is_the_same_however_its_name_is_written(
    make_staff: MakeStaff, agent: DeskScreen
) -> None:
    other = make_staff("registrar", desk="GHENT")
    agent.give_reason(other.person.id)
    waits = asked(agent.act(f"/desk/people/{other.person.id}/block-all"))
    assert [each.id for each in every_approval(agent.site)] == [waits]


def test_who_was_stopped_asks_the_register_about_nobody(site: Site, registrar: DeskScreen) -> None:
    limited(site, 1, 1)
    assert registrar.post_form(f"{HOME}/find", ssin=SSIN).status_code == 303
    assert registrar.post_form(f"{HOME}/find", ssin=KARIM.ssin).status_code == 403
    with reading(site.database) as connection:
        assert find_person_by_ssin(connection, site.secrets, KARIM.ssin) is None


def test_who_approves_a_match_sees_what_would_lead_to_the_person(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    person = proposed(registrar, site, identity)
    registrar.act(path(person, identity))
    (waiting,) = every_approval(site)
    page = supervisor.get(f"/desk/approvals/{waiting.id}").text
    assert "Müller" in page
    assert "<script>alert" not in page
    assert "Müller" not in registrar.get(f"/desk/approvals/{waiting.id}").text


@pytest.mark.parametrize("half", ["mail", "letter"])
def test_who_approves_a_code_sees_where_its_second_half_goes(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome, half: str
) -> None:
    supervisor.screen.client.headers["Accept-Language"] = "en"
    confirm_for(site, citizen.person, "hanne@example.org")
    person = checked(registrar, site)
    chosen = address_id(site, person) if half == "mail" else half
    assert ask(registrar, site, person, chosen, way="second").status_code == 200
    (waiting,) = every_approval(site)
    page = supervisor.get(f"/desk/approvals/{waiting.id}").text
    assert ("in a second letter" in page) == (half == "letter")
    assert (mask_address("hanne@example.org") in page) == (half == "mail")


def test_who_approves_that_an_address_is_removed_sees_which(
    site: Site, make_staff: MakeStaff, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    supervisor = make_staff("supervisor")
    confirm_for(site, citizen.person, "hanne@example.org")
    registrar.give_reason(citizen.person.id)
    chosen = address_id(site, citizen.person)
    waits = asked(registrar.act(f"/desk/people/{citizen.person.id}/addresses/{chosen}/remove"))
    page = supervisor.get(f"/desk/approvals/{waits}").text
    assert mask_address("hanne@example.org") in page


def test_each_one_of_a_list_is_on_record_and_counted(site: Site, agent: DeskScreen) -> None:
    people = many(site, 3)
    page = search(agent, name="Smit", birthdate="02.01.1903").text
    assert all(each.given_name in page for each in people)
    searched = rows(site, "desk.searched")
    assert {row["person_id"] for row in searched} == {each.id for each in people}
    assert {row["found"] for row in searched} == {3}
    with reading(site.database) as connection:
        assert count_looks(connection, agent.person.id, site.clock() - WITHIN) == 3


def test_what_was_confirmed_to_part_an_identity_matches_none(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    options = ceremony(registrar.screen, f"{path(person, identity)}/part/options")
    sent = answered(registrar.screen, options)
    assert registrar.post_json(path(person, identity), sent).status_code == 400
    assert not rows(site, "identity.matched")
