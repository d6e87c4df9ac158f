"""Finding a person: by what a caller can tell, for a reason, on record, and never who may not be
seen."""

import re
from dataclasses import replace
from typing import Any

import orjson
import pytest
from httpx2 import Response
from sqlalchemy import func, select, update

from authn.audit.events.devices import DeviceRenamed
from authn.audit.events.staff import DeskReasonGiven, DeskSearched
from authn.audit.log import audit_events, record
from authn.console.find import MOST_FOUND, NotSearchable, PersonSearch, read_search
from authn.console.looks import WITHIN, count_looks
from authn.db.transaction import reading, writing
from authn.notices.contact_addresses import add_address, contact_addresses, hash_addresses
from authn.notices.kinds import AddressConfirmationNotice
from authn.notices.notices import tell_address
from authn.people.merge import merge_persons
from authn.people.persons import Citizen, find_or_create_person, fold_name, name_key, name_pattern
from authn.people.ssin import today_in_brussels
from authn.people.tables import Person, persons
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import KARIM, SSIN
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.console.acting import act_path
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.oidc.test_cost import counted

ADDRESS = "hanne@example.be"
NOBODY = "Nobody was found"
NUMBER_OF_NOBODY = "03410100326"


def search(made: DeskScreen, **fields: str) -> Response:
    """The answer to the form, with a reason, in English."""
    made.screen.client.headers["Accept-Language"] = "en"
    return made.post_form("/desk/find", **{"reason": "lost-device", "ticket": "T-7", **fields})


def led_to(answer: Response) -> str:
    """Whose page it leads to, "" for none."""
    location = str(answer.headers.get("location", ""))
    return location.removeprefix("/desk/people/") if answer.status_code == 303 else ""


def known(site: Site, *citizens: Citizen) -> list[Person]:
    with writing(site.database) as connection:
        return [
            find_or_create_person(connection, site.secrets, each, site.clock()) for each in citizens
        ]


def searches(site: Site) -> list[dict[str, Any]]:
    """What is on record of each search."""
    with reading(site.database) as connection:
        rows = connection.execute(
            select(audit_events.c.person_id, audit_events.c.actor_id, audit_events.c.details)
            .where(audit_events.c.event == DeskSearched.name)
            .order_by(audit_events.c.id)
        ).all()
    return [{**orjson.loads(row[2]), "person": row[0], "actor": row[1]} for row in rows]


# By number


@pytest.mark.parametrize("typed", [SSIN, "03.41.01-001.28", " 03 41 01 001 28 "])
def test_a_number_leads_to_its_person(
    agent: DeskScreen, citizen: CitizenAtHome, typed: str
) -> None:
    answer = search(agent, clue=typed)
    assert led_to(answer) == str(citizen.person.id)
    assert agent.get(answer.headers["location"]).status_code == 200, "the reason was given"


def test_a_number_that_was_replaced_leads_to_the_same_person(agent: DeskScreen, site: Site) -> None:
    (person,) = known(site, replace(KARIM, previous_ssins=(SSIN,)))
    for ssin in (SSIN, KARIM.ssin):
        assert led_to(search(agent, clue=ssin)) == str(person.id)


def test_the_number_of_who_became_another_leads_there(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    (other,) = known(site, KARIM)
    with writing(site.database) as connection:
        merge_persons(job(site, connection), other.id, citizen.person.id, [])
    assert led_to(search(agent, clue=KARIM.ssin)) == str(citizen.person.id)


def test_no_number_is_in_an_address_a_page_or_on_record(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    page = search(agent, clue=NUMBER_OF_NOBODY)
    answer = search(agent, clue=SSIN)
    assert NUMBER_OF_NOBODY not in page.text
    assert SSIN not in answer.headers["location"]
    with reading(site.database) as connection:
        told = str(connection.execute(select(audit_events)).all())
    assert SSIN not in told
    assert NUMBER_OF_NOBODY not in told
    assert agent.get(f"/desk/find?clue={SSIN}").status_code == 200
    assert NOBODY not in agent.get(f"/desk/find?clue={SSIN}").text, "a query searches nothing"


# Who is no person yet


@pytest.mark.usefixtures("register")
def test_a_citizen_without_an_account_is_nobody_to_an_agent(
    agent: DeskScreen, registrar: DeskScreen, site: Site
) -> None:
    shown = search(agent, clue=KARIM.ssin)
    assert NOBODY in shown.text
    assert plain(shown) == plain(search(agent, clue=NUMBER_OF_NOBODY))
    told = search(registrar, clue=KARIM.ssin)
    assert "No account yet" in told.text
    assert "Dubrulle" not in told.text, "that there is a citizen, and no more"
    assert NOBODY in search(registrar, clue=NUMBER_OF_NOBODY).text
    with reading(site.database) as connection:
        count = connection.execute(select(func.count()).select_from(persons)).scalar_one()
    assert count == 2, "the staff alone: nobody was made of a citizen"
    assert [each["citizen"] for each in searches(site)] == [False, False, True, False]


@pytest.mark.usefixtures("register")
def test_what_is_no_person_costs_an_agent_the_same_statements(
    agent: DeskScreen, site: Site
) -> None:
    agent.screen.csrf()
    seen = []
    for clue in (NUMBER_OF_NOBODY, KARIM.ssin, STAFF["agent"].ssin):
        with counted(site) as statements:
            search(agent, clue=clue)
        seen.append(statements)
    assert seen[0] == seen[1] == seen[2]


def plain(answer: Response) -> str:
    """The page without the number of its request and the tokens of its forms."""
    text = re.sub(r'(name="csrf_token" value|name="csrf-token" content)="[^"]*"', "", answer.text)
    assert answer.status_code == 200
    return text


# Who may not be seen


@pytest.mark.parametrize("by", ["number", "reference", "address", "name"])
def test_oneself_is_nobody(agent: DeskScreen, site: Site, by: str) -> None:
    confirm_for(site, agent.person, ADDRESS)
    happened(site, agent.person, "ABCDEFGHJK")
    own: dict[str, dict[str, str]] = {
        "number": {"clue": STAFF["agent"].ssin},
        "reference": {"clue": "ABCDEFGHJK"},
        "address": {"clue": ADDRESS},
        "name": {"name": "Peeters", "birthdate": "1903-01-01"},
    }
    nobody: dict[str, dict[str, str]] = {
        "number": {"clue": NUMBER_OF_NOBODY},
        "reference": {"clue": "ABCDEFGHJX"},
        "address": {"clue": "xanne@example.be"},
        "name": {"name": "Xeeters", "birthdate": "1903-01-01"},
    }
    typed = [*own[by].values(), *nobody[by].values()]
    pages = [plain(search(agent, **fields)) for fields in (own[by], nobody[by])]
    for text in typed:
        pages = [page.replace(text, "") for page in pages]
    assert pages[0] == pages[1]
    assert NOBODY in pages[0]
    assert [each["person"] for each in searches(site)] == [agent.person.id, None]
    assert [each["found"] for each in searches(site)] == [0, 0]


# By reference


def happened(site: Site, person: Person, reference: str) -> None:
    with writing(site.database) as connection:
        event = DeviceRenamed(person_id=person.id)
        record(connection, site.secrets, event, site.clock(), reference)


@pytest.mark.parametrize("typed", ["ABCDEFGHJK", "abcde fghjk", "ABCDE-FGHJK"])
def test_a_reference_leads_to_whom_it_is_about(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, typed: str
) -> None:
    happened(site, citizen.person, "ABCDEFGHJK")
    assert led_to(search(agent, clue=typed)) == str(citizen.person.id)


def test_the_reference_of_an_error_page_leads_to_who_saw_it(
    agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    page = citizen.screen.sign_in(user_verified=False)
    assert page.status_code >= 400
    reference = page.json()["instance"].rpartition(":")[2]
    assert led_to(search(agent, clue=reference)) == str(citizen.person.id)


def test_the_reference_in_a_mail_leads_to_whom_it_told(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    confirm_for(site, citizen.person)
    agent.give_reason(citizen.person.id)
    agent.act(act_path(citizen.person, citizen.devices[0], "suspend"))
    (mail,) = mails(site)
    (reference,) = re.findall(r"Referentie, voor de helpdesk: ([A-Z0-9]{10})", mail.text)
    assert reference in mail.html
    assert led_to(search(agent, clue=reference)) == str(citizen.person.id)


def test_a_mail_to_an_address_that_nobody_confirmed_has_no_reference(
    citizen: CitizenAtHome, site: Site
) -> None:
    notice = AddressConfirmationNotice("https://example.org/x#y", site.clock())
    with writing(site.database) as connection:
        occasion = replace(job(site, connection), reference="ABCDEFGHJK")
        tell_address(occasion, "new@example.org", "en", notice, citizen.person.id)
    (mail,) = mails(site)
    assert "ABCDEFGHJK" not in mail.text and "Reference" not in mail.text


def test_an_old_reference_leads_nowhere(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, clock: MovableClock
) -> None:
    happened(site, citizen.person, "ABCDEFGHJK")
    clock.advance(days=200)
    agent.screen.sign_in()
    agent.open()
    assert NOBODY in search(agent, clue="ABCDEFGHJK").text


# By mail address


@pytest.mark.parametrize("typed", [ADDRESS, "Hanne@Example.BE", f" {ADDRESS} "])
def test_a_confirmed_address_leads_to_its_person(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, typed: str
) -> None:
    confirm_for(site, citizen.person, ADDRESS)
    assert led_to(search(agent, clue=typed)) == str(citizen.person.id)


def test_an_address_that_nobody_confirmed_leads_nowhere(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        add_address(connection, site.secrets, citizen.person.id, ADDRESS, site.clock())
    assert NOBODY in search(agent, clue=ADDRESS).text


def test_an_address_that_was_removed_leads_nowhere(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    confirm_for(site, citizen.person, ADDRESS)
    with writing(site.database) as connection:
        connection.execute(update(contact_addresses).values(removed_at=site.clock()))
    assert NOBODY in search(agent, clue=ADDRESS).text


def test_a_mailbox_of_several_people_leads_to_a_list(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    (other,) = known(site, KARIM)
    for person in (citizen.person, other):
        confirm_for(site, person, ADDRESS)
    page = search(agent, clue=ADDRESS).text
    assert "Karim Benali" in page
    assert "Hanne Van der Meulen" in page
    assert "**.**.**-***.28" in page


def test_an_address_older_than_its_hash_is_found(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    confirm_for(site, citizen.person, ADDRESS)
    with writing(site.database) as connection:
        connection.execute(update(contact_addresses).values(address_hash=None))
    assert led_to(search(agent, clue=ADDRESS)) == str(citizen.person.id)
    with writing(site.database) as connection:
        assert hash_addresses(connection, site.secrets, 10) == 0


def test_the_stored_hash_of_an_address_tells_nothing_without_the_key(
    citizen: CitizenAtHome, site: Site
) -> None:
    confirm_for(site, citizen.person, ADDRESS)
    with reading(site.database) as connection:
        row = str(connection.execute(select(contact_addresses)).one())
    assert "hanne" not in row


# By name and date of birth


@pytest.mark.parametrize(
    ("name", "birthdate"),
    [
        ("Van der Meulen", "01.01.1903"),
        ("vandermeulen", "1903-01-01"),
        ("van der meu", "1/1/1903"),
        ("Hanne Van der Meulen", "01011903"),
        ("Van der Meulen Hanne", "1-1-1903"),
        ("HANNE", "01 01 1903"),
    ],
)
def test_a_name_with_the_date_of_birth_leads_to_its_person(
    agent: DeskScreen, citizen: CitizenAtHome, name: str, birthdate: str
) -> None:
    assert led_to(search(agent, name=name, birthdate=birthdate)) == str(citizen.person.id)


@pytest.mark.parametrize(
    ("name", "birthdate"),
    [
        ("Van der Meulen", "02.01.1903"),
        ("Meulen", "01.01.1903"),
        ("%%", "01.01.1903"),
        ("||", "01.01.1903"),
    ],
)
def test_another_name_or_date_leads_to_nobody(
    agent: DeskScreen, citizen: CitizenAtHome, name: str, birthdate: str
) -> None:
    answer = search(agent, name=name, birthdate=birthdate)
    assert led_to(answer) == ""
    assert citizen.person.given_name not in answer.text.replace(name, "")


def test_who_has_a_year_alone_is_found_by_the_year_and_by_any_date_in_it(
    agent: DeskScreen, site: Site
) -> None:
    (person,) = known(site, Citizen(SSIN, "Noor", "Lenaerts-Haddad", "1907", "nl"))
    for birthdate in ("1907", "03.05.1907"):
        assert led_to(search(agent, name="Lenaerts", birthdate=birthdate)) == str(person.id)


def test_a_name_alone_or_a_date_alone_searches_nothing(agent: DeskScreen, site: Site) -> None:
    for fields in ({"name": "Van der Meulen"}, {"birthdate": "01.01.1903"}):
        assert search(agent, **fields).status_code == 422
    assert searches(site) == []


def test_a_person_older_than_the_key_is_found_by_name(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        connection.execute(update(persons).values(name_key=None))
    found = search(agent, name="meulen van der hanne", birthdate="01.01.1903")
    assert NOBODY in found.text
    found = search(agent, name="Hanne van der", birthdate="01.01.1903")
    assert led_to(found) == str(citizen.person.id)


def many(site: Site, count: int) -> list[Person]:
    return known(
        site,
        *(
            Citizen(f"{nine}{97 - int(nine) % 97:02}", f"Jan {nine}", "Smit", "1903-01-02", "nl")
            for nine in (f"0341022{index:02}" for index in range(1, count + 1))
        ),
    )


def test_twenty_are_a_list_and_more_are_none(agent: DeskScreen, site: Site) -> None:
    people = many(site, MOST_FOUND)
    page = search(agent, name="Smit", birthdate="02.01.1903").text
    assert page.count('action="/desk/reason"') == MOST_FOUND
    assert all(str(each.id) in page for each in people)
    known(site, Citizen("03410201119", "Jan", "Smit", "1903-01-02", "nl"))
    page = search(agent, name="Smit", birthdate="02.01.1903").text
    assert "Too many people" in page
    assert "Jan " not in page


def test_one_of_a_list_is_opened_with_the_reason_that_was_given(
    agent: DeskScreen, site: Site
) -> None:
    people = many(site, 2)
    page = search(agent, name="Smit", birthdate="02.01.1903").text
    form = page.partition('action="/desk/reason"')[2].partition("</form>")[0]
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert (sent["reason"], sent["ticket"]) == ("lost-device", "T-7")
    answer = agent.post_form("/desk/reason", **sent)
    assert led_to(answer) in {str(each.id) for each in people}


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Élodie", "ELODIE"),
        ("Müller", "muller"),
        ("Straße", "STRASSE"),
        ("Søren Ågård", "soren agard"),
        ("O’Neill", "O'Neill"),
        ("Łukasz", "lukasz"),
        ("Αλέξης", "ΑΛΕΞΗΣ"),
        ("D'Hondt-Çelik", "dhondt celik"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other) != ""


@pytest.mark.one_engine
def test_a_pattern_has_no_wildcards_of_its_own() -> None:
    assert name_pattern("a%b_c|d") == "%|abcd%"
    assert name_key("Anna Maria", "De Smet") == "|desmetannamaria|annamariadesmet|annadesmet"
    assert len(name_key("\ufdfa" * 200, "\ufdfa" * 200)) <= 603


# What was typed


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "clue"),
        ({"clue": "12345678901"}, "clue"),
        ({"clue": "ABCDEFGH01"}, "clue"),
        ({"clue": "a@b"}, "clue"),
        ({"clue": "x" * 5000}, "clue"),
        ({"clue": "\x00"}, "clue"),
        ({"clue": SSIN, "name": "x"}, "clue"),
        ({"name": "x", "birthdate": "1903"}, "name"),
        ({"name": "…", "birthdate": "1903"}, "name"),
        ({"name": "Smit", "birthdate": "31.02.1903"}, "birthdate"),
        ({"name": "Smit", "birthdate": "1.1.03"}, "birthdate"),
        ({"name": "Smit", "birthdate": "٠١.٠١.١٩٠٣"}, "birthdate"),
        ({"name": "Smit", "birthdate": "0000-00-00"}, "birthdate"),
    ],
)
def test_what_cannot_be_searched_by_names_the_field(
    fields: dict[str, str], wrong: str, clock: MovableClock
) -> None:
    with pytest.raises(NotSearchable) as refused:
        read_search(fields, today_in_brussels(clock()))
    assert refused.value.field == wrong
    assert not any(value and value in str(refused.value) for value in fields.values())


@pytest.mark.one_engine
def test_what_is_looked_for_is_in_no_repr() -> None:
    assert SSIN not in repr(PersonSearch("number", SSIN))


def test_nothing_is_searched_without_a_reason(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    answer = search(agent, clue=SSIN, reason="")
    assert answer.status_code == 422
    assert citizen.person.given_name not in answer.text
    assert searches(site) == []


# On record, and counted


def test_every_search_is_on_record_with_its_kind_and_reason(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    search(agent, clue=SSIN, explanation="by phone")
    search(agent, clue="xanne@example.be")
    search(agent, clue="ABCDEFGHJX")
    search(agent, name="Van der Meulen", birthdate="01.01.1903")
    common = {"citizen": False, "reason": "lost-device", "ticket": "T-7", "actor": agent.person.id}
    assert searches(site) == [
        {
            **common,
            "role": "agent",
            "desk": "Ghent",
            "kind": kind,
            "found": found,
            "person": person,
            "explanation": words,
        }
        for kind, found, person, words in [
            ("number", 1, citizen.person.id, "by phone"),
            ("address", 0, None, ""),
            ("reference", 0, None, ""),
            ("name", 1, citizen.person.id, ""),
        ]
    ]


@pytest.mark.usefixtures("citizen")
def test_who_is_found_alone_is_one_look_and_so_is_nobody(agent: DeskScreen, site: Site) -> None:
    def looks() -> int:
        with reading(site.database) as connection:
            return count_looks(connection, agent.person.id, site.clock() - WITHIN)

    agent.get(search(agent, clue=SSIN).headers["location"])
    assert looks() == 1
    search(agent, clue=NUMBER_OF_NOBODY)
    search(agent, clue=NUMBER_OF_NOBODY)
    assert looks() == 3


def test_who_looked_too_often_is_told_so_whether_somebody_is_found_or_not(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    limit = {"desk_looks_warning": 1, "desk_looks_most": 1}
    object.__setattr__(site, "settings", site.settings.model_copy(update=limit))
    search(agent, clue=NUMBER_OF_NOBODY)
    for clue in (SSIN, NUMBER_OF_NOBODY):
        answer = search(agent, clue=clue)
        assert answer.status_code == 403
        assert citizen.person.family_name not in answer.text
    with reading(site.database) as connection:
        names = connection.execute(select(audit_events.c.event)).scalars().all()
    assert DeskReasonGiven.name not in names


@pytest.mark.thorough
def test_cleaning_up_makes_old_addresses_findable(
    citizen: CitizenAtHome, site: Site, settings: Settings
) -> None:
    confirm_for(site, citizen.person, ADDRESS)
    with writing(site.database) as connection:
        connection.execute(update(contact_addresses).values(address_hash=None))
    result = run_command(settings, "cleanup")
    assert "contact addresses: 1 made findable" in result.stdout, result.stderr
    with reading(site.database) as connection:
        assert connection.execute(select(contact_addresses.c.address_hash)).scalar_one()
