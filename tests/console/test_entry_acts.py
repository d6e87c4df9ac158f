"""A contact address changed, and two persons joined, at the desk: each by two of the staff."""

import pytest

from authn.db.transaction import reading
from authn.notices.contact_addresses import list_contact_addresses
from authn.people.persons import find_person, find_person_by_ssin
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, activation_code
from tests.console.acting import approve, asked, every_approval, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for, mails
from tests.screens import problem

NEW = "hanne.new@example.org"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A service that can send mail."""
    return settings.model_copy(update={"smtp_host": "localhost"})


@pytest.fixture
def boss(supervisor: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """A supervisor who said why they look at Hanne."""
    supervisor.screen.client.headers["Accept-Language"] = "en"
    supervisor.give_reason(citizen.person.id)
    return supervisor


@pytest.fixture
def second(make_staff: MakeStaff) -> DeskScreen:
    """Another supervisor."""
    return make_staff("supervisor", citizen=STAFF["auditor"])


def addresses(site: Site, citizen: CitizenAtHome) -> dict[str, bool]:
    """Each address, and whether it is confirmed."""
    with reading(site.database) as connection:
        known = list_contact_addresses(connection, site.secrets, citizen.person.id, site.clock())
    return {each.address: each.confirmed_at is not None for each in known}


def added_path(boss: DeskScreen, citizen: CitizenAtHome, address: str) -> str:
    """Where the page that asks to confirm this address sends it."""
    page = boss.post_form(f"/desk/people/{citizen.person.id}/addresses", address=address)
    assert page.status_code == 200, page.text
    return page.text.partition('data-path="')[2].partition('"')[0]


def test_an_address_is_added_once_a_second_person_approved_and_waits_for_its_link(
    site: Site, boss: DeskScreen, second: DeskScreen, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    path = added_path(boss, citizen, NEW)
    assert NEW not in path
    approval = asked(boss.act(path, address=NEW))
    assert addresses(site, citizen) == {"hanne@example.org": True}
    assert NEW not in second.get(f"/desk/approvals/{approval}").text  # masked
    assert approve(second, approval).status_code == 200
    assert addresses(site, citizen) == {"hanne@example.org": True, NEW: False}
    assert {(each.to, each.notice) for each in mails(site)} == {
        (NEW, "confirm-address"),
        ("hanne@example.org", "address-added"),
    }
    (row,) = rows(site, "desk.address-changed")
    assert (row["change"], row["approved_by"]) == ("added", str(second.person.id))
    assert NEW not in row["details"]


def test_the_confirmation_is_for_exactly_the_address_that_was_shown(
    site: Site, boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    path = added_path(boss, citizen, NEW)
    assert boss.act(path, address="thief@example.org").status_code == 404
    assert boss.act(path).status_code == 400
    assert not every_approval(site)


def test_an_address_is_removed_by_two_and_told_before(
    site: Site, boss: DeskScreen, second: DeskScreen, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    page = boss.get(f"/desk/people/{citizen.person.id}/addresses").text
    assert "hanne@example.org" not in page
    path = page.partition(f'href="/desk/people/{citizen.person.id}/addresses/')[2].partition('"')[0]
    path = f"/desk/people/{citizen.person.id}/addresses/{path}"
    assert boss.get(path).status_code == 200
    approval = asked(boss.act(path))
    assert approve(second, approval).status_code == 200
    assert addresses(site, citizen) == {}
    (mail,) = mails(site)
    assert (mail.notice, mail.to) == ("address-removed", "hanne@example.org")
    assert "help desk" in mail.text.lower() or "helpdesk" in mail.text.lower()


def test_what_is_no_address_is_said_on_the_page(boss: DeskScreen, citizen: CitizenAtHome) -> None:
    answer = boss.post_form(f"/desk/people/{citizen.person.id}/addresses", address="nowhere")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_two_who_are_one_are_joined_by_two_of_the_staff(
    site: Site, boss: DeskScreen, second: DeskScreen, citizen: CitizenAtHome
) -> None:
    other, _ = activation_code(site, KARIM)
    path = f"/desk/people/{citizen.person.id}/merge"
    page = boss.post_form(path, number=KARIM.ssin)
    assert page.status_code == 200
    assert other.full_name in page.text and KARIM.ssin not in page.text
    looked = [each["person_id"] for each in rows(site, "desk.reason-given")]
    assert looked == [citizen.person.id, other.id]
    approval = asked(boss.act(f"{path}/{other.id}"))
    with reading(site.database) as connection:
        assert find_person(connection, other.id) is not None
    assert approve(second, approval).status_code == 200
    with reading(site.database) as connection:
        assert find_person(connection, other.id) is None
        found = find_person_by_ssin(connection, site.secrets, KARIM.ssin)
    assert found and found.id == citizen.person.id
    (row,) = rows(site, "desk.merged")
    assert (row["other"], row["approved_by"]) == (str(other.id), str(second.person.id))


def test_what_cannot_be_joined_any_more_leaves_nothing_half_done(
    site: Site, boss: DeskScreen, second: DeskScreen, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    """Whoever works at the desk is never joined to another: found out after numbers have moved."""
    other = make_staff("operator", desk="Brussels", opened=False).person
    path = f"/desk/people/{citizen.person.id}/merge"
    assert boss.post_form(path, number=STAFF["operator"].ssin).status_code == 200
    approval = asked(boss.act(f"{path}/{other.id}"))
    assert approve(second, approval).status_code == 403
    assert every_approval(site)[0].state == "failed"
    with reading(site.database) as connection:
        found = find_person_by_ssin(connection, site.secrets, STAFF["operator"].ssin)
    assert found and found.id == other.id
    assert not rows(site, "desk.merged", "person.merged")


def test_nobody_joins_a_person_to_themselves_or_to_an_unknown_number(
    boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    path = f"/desk/people/{citizen.person.id}/merge"
    for number in (HANNE.ssin, STAFF["supervisor"].ssin, "05520900401", "garbage", ""):
        answer = boss.post_form(path, number=number)
        assert answer.status_code == 422
        assert number not in answer.text or not number


def test_where_no_mail_can_be_sent_no_address_is_asked_for_and_a_call_says_why(
    boss: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    path = added_path(boss, citizen, NEW)
    silent = site.settings.model_copy(update={"smtp_host": ""})
    object.__setattr__(site, "settings", silent)
    page = boss.get(f"/desk/people/{citizen.person.id}/addresses").text
    assert 'name="address"' not in page
    answer = boss.act(path, address=NEW)
    assert (answer.status_code, problem(answer)) == (403, "no-mail")
    assert addresses(site, citizen) == {}
