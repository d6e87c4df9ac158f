"""Why somebody is looked at: asked before anything is shown, for one person, not for long."""

from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select

from authn.audit.events.staff import DeskLooksUnusual, DeskReasonGiven, DeskRefused
from authn.audit.log import audit_events
from authn.console.desk_sessions import Desk, LookReason, find_desk_session
from authn.console.looks import WITHIN, count_looks, record_look
from authn.console.staff_endpoints import DeskSession
from authn.db.transaction import reading, writing
from authn.errors import CommandError, Forbidden, Refusal
from authn.people.persons import Citizen, find_or_create_person
from authn.settings import load_settings
from authn.staff.members import Staff
from authn.staff.reasons import REASONS, reason_text
from authn.staff.roles import Role
from authn.web.site import Site
from tests.citizen import KARIM, SSIN
from tests.conftest import MovableClock
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.occasion import job
from tests.together import at_once


def session_of(made: DeskScreen) -> DeskSession:
    site = made.site
    with reading(site.database) as connection:
        found = find_desk_session(connection, site, made.cookie, site.clock())
    assert found is not None
    return found


def rows(site: Site, name: str) -> list[dict[str, object]]:
    columns = (audit_events.c.actor_id, audit_events.c.person_id, audit_events.c.details)
    named = select(*columns).where(audit_events.c.event == name).order_by(audit_events.c.id)
    with reading(site.database) as connection:
        found = connection.execute(named).all()
    return [
        {"actor_id": row.actor_id, "person_id": row.person_id, **orjson.loads(row.details)}
        for row in found
    ]


def test_a_reason_is_kept_for_this_person_alone_and_on_record(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    answer = agent.give_reason(citizen.person.id, "lost-device", "called", "T-7")
    assert answer.headers["location"] == f"/desk/people/{citizen.person.id}"
    session = session_of(agent)
    assert session.about_id == citizen.person.id
    assert session.why == LookReason("lost-device", "called", "T-7")
    assert rows(site, DeskReasonGiven.name) == [
        {
            "actor_id": agent.person.id,
            "person_id": citizen.person.id,
            "role": "agent",
            "desk": "Ghent",
            "reason": "lost-device",
            "explanation": "called",
            "ticket": "T-7",
        }
    ]


def test_it_is_gone_a_while_later(
    agent: DeskScreen, citizen: CitizenAtHome, clock: MovableClock
) -> None:
    agent.give_reason(citizen.person.id)
    clock.advance(minutes=14)
    assert session_of(agent).about_id == citizen.person.id
    assert agent.is_open
    clock.advance(minutes=1)
    session = session_of(agent)
    assert (session.about_id, session.why) == (None, LookReason())


def test_it_is_gone_when_another_person_is_opened(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    agent.give_reason(citizen.person.id)
    agent.give_reason(other.id, "question")
    session = session_of(agent)
    assert (session.about_id, session.why.reason) == (other.id, "question")


def test_it_goes_with_the_session(agent: DeskScreen, citizen: CitizenAtHome) -> None:
    agent.give_reason(citizen.person.id)
    agent.open()
    assert session_of(agent).about_id is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "no-such"}, "reason"),
        ({"ticket": "x" * 61}, "ticket"),
        ({"explanation": "x" * 501}, "explanation"),
        ({"explanation": "bell\x07"}, "explanation"),
        ({"explanation": f"her number is {SSIN}"}, "explanation"),
        ({"ticket": "03.41.01-001.28"}, "ticket"),
    ],
    ids=["none", "unknown", "long-ticket", "long-words", "control", "number", "number-as-printed"],
)
def test_what_is_no_reason_is_asked_again(
    agent: DeskScreen, citizen: CitizenAtHome, fields: dict[str, str], wrong: str, site: Site
) -> None:
    answer = agent.give_reason(citizen.person.id, **fields)
    assert answer.status_code == 422
    assert f'id="{wrong}-error"' in answer.text
    assert session_of(agent).about_id is None
    assert rows(site, DeskReasonGiven.name) == []


def test_the_page_tells_nothing_of_the_person_nor_whether_there_is_one(
    agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    def shown(person_id: UUID) -> str:
        answer = agent.get(f"/desk/reason?person={person_id}")
        assert answer.status_code == 200
        return answer.text.replace(str(person_id), "")

    assert citizen.person.family_name not in shown(citizen.person.id)
    assert shown(citizen.person.id) == shown(uuid4())


@pytest.mark.parametrize("person", ["", "x", "0" * 200])
def test_what_names_no_person_is_not_there(agent: DeskScreen, person: str) -> None:
    assert agent.get(f"/desk/reason?person={person}").status_code == 404
    answer = agent.post_form("/desk/reason", person=person, reason="question")
    assert answer.status_code == 404


def test_a_person_who_does_not_exist_is_not_there_and_it_is_on_record(
    agent: DeskScreen, site: Site
) -> None:
    assert agent.give_reason(uuid4()).status_code == 404
    assert rows(site, DeskRefused.name) == [
        {
            "actor_id": agent.person.id,
            "person_id": None,
            "role": "agent",
            "desk": "Ghent",
            "act": "see-person",
            "refused": "no such person",
        }
    ]


def test_nobody_gives_a_reason_to_look_at_themselves(agent: DeskScreen, site: Site) -> None:
    assert agent.give_reason(agent.person.id).status_code == 403
    assert session_of(agent).about_id is None
    assert [row["refused"] for row in rows(site, DeskRefused.name)] == ["own_account"]


def test_it_leads_to_pages_of_the_desk_alone(agent: DeskScreen, citizen: CitizenAtHome) -> None:
    def led(to: str) -> str:
        fields = {"person": str(citizen.person.id), "reason": "question", "next": to}
        location: str = agent.post_form("/desk/reason", **fields).headers["location"]
        return location

    assert led("https://evil.example/") == "/desk"
    assert led("/devices") == "/desk"
    assert led("/desk/find?page=2") == "/desk/find?page=2"


def test_the_citizen_reads_who_looked_and_why(agent: DeskScreen, citizen: CitizenAtHome) -> None:
    agent.give_reason(citizen.person.id, "lost-device", "a secret of the desk", "T-9")
    citizen.screen.client.headers["Accept-Language"] = "en"
    page = citizen.screen.client.get("/activity?kind=staff").text
    assert REASONS["lost-device"] in page
    assert "a secret of the desk" not in page
    assert agent.person.family_name not in page


@pytest.mark.one_engine
def test_the_operators_own_reasons_take_the_place_of_those_built_in(site: Site) -> None:
    own = '{"phone": {"en": "Lost phone", "nl": "Telefoon kwijt"}}'
    settings = load_settings(desk_reasons=own)

    def words(code: str, language: str) -> str:
        return reason_text(settings, code, language, lambda text: text)

    assert words("phone", "nl") == "Telefoon kwijt"
    assert words("phone", "de") == "Lost phone"
    assert words("lost-device", "nl") == REASONS["lost-device"], "what is on record keeps its words"
    assert words("gone", "nl") == "gone"


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "value",
    [
        "x",
        "[]",
        '{"Phone": {"en": "x"}}',
        '{"phone": {}}',
        '{"phone": {"xx": "x"}}',
        '{"phone": {"en": ""}}',
    ],
)
def test_reasons_that_are_none_are_refused_at_start(value: str) -> None:
    with pytest.raises(CommandError, match="DESK_REASONS"):
        load_settings(desk_reasons=value)


@pytest.mark.one_engine
def test_a_stop_before_the_warning_is_refused_at_start() -> None:
    with pytest.raises(CommandError, match="DESK_LOOKS_MOST"):
        load_settings(desk_looks_warning=30, desk_looks_most=29)


# How many


def limited(site: Site, warning: int, most: int) -> None:
    update = {"desk_looks_warning": warning, "desk_looks_most": most}
    object.__setattr__(site, "settings", site.settings.model_copy(update=update))


def strangers(site: Site, how_many: int) -> list[UUID]:
    with writing(site.database) as connection:
        return [
            find_or_create_person(
                connection,
                site.secrets,
                Citizen(f"{number}{97 - int(number) % 97:02d}", "Jan", "Smit", "1903-01-01", "nl"),
                site.clock(),
            ).id
            for number in (f"0341012{index:02d}" for index in range(10, 10 + how_many))
        ]


def test_many_looks_are_told_once_and_then_stopped(
    agent: DeskScreen, site: Site, clock: MovableClock
) -> None:
    limited(site, 3, 5)
    people = strangers(site, 7)
    for each in people[:2]:
        agent.give_reason(each)
    assert rows(site, DeskLooksUnusual.name) == []
    for each in people[2:5]:
        assert agent.give_reason(each).status_code == 303
    told = {"actor_id": agent.person.id, "person_id": None, "looks": 3, "stopped": False}
    assert rows(site, DeskLooksUnusual.name) == [told]
    agent.screen.client.headers["Accept-Language"] = "en"
    for each in people[5:]:
        answer = agent.give_reason(each)
        assert answer.status_code == 403
        assert "very many people" in answer.text
    stopped = {**told, "looks": 5, "stopped": True}
    assert rows(site, DeskLooksUnusual.name) == [told, stopped]
    clock.advance(minutes=61)
    agent.screen.sign_in()
    agent.open()
    assert agent.give_reason(people[5]).status_code == 303


def test_the_same_person_is_one_look(agent: DeskScreen, citizen: CitizenAtHome, site: Site) -> None:
    limited(site, 2, 2)
    for _ in range(4):
        assert agent.give_reason(citizen.person.id).status_code == 303
    assert rows(site, DeskLooksUnusual.name) == []
    with reading(site.database) as connection:
        assert count_looks(connection, agent.person.id, site.clock() - WITHIN) == 1


def test_every_supervisor_of_the_desk_sees_it_and_nobody_else(
    agent: DeskScreen, supervisor: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    elsewhere = make_staff("supervisor", desk="Namur", citizen=KARIM)
    limited(site, 1, 9)
    (person_id,) = strangers(site, 1)
    agent.give_reason(person_id)
    assert agent.person.full_name in supervisor.get("/desk").text
    assert agent.person.full_name not in elsewhere.get("/desk").text
    assert agent.get("/desk").text.count(agent.person.full_name) == 1, "who they are, alone"


def test_looks_at_the_same_moment_do_not_pass_the_limit(agent: DeskScreen, site: Site) -> None:
    limited(site, 2, 4)
    people = strangers(site, 8)
    desk = Desk(
        Staff(agent.person.id, frozenset[Role]({"agent"}), frozenset({"Ghent"})), LookReason()
    )

    def look() -> str:
        person_id = people.pop()
        event = DeskReasonGiven(actor_id=agent.person.id, person_id=person_id, reason="question")
        with writing(site.database) as connection:
            record_look(job(site, connection), desk, event)
        return "seen"

    seen: list[str | Refusal] = at_once(look)
    assert seen.count("seen") == 4
    assert all(isinstance(each, Forbidden) for each in seen if each != "seen")
    told = [(row["looks"], row["stopped"]) for row in rows(site, DeskLooksUnusual.name)]
    assert told == [(2, False), (4, True)]


def test_the_reason_lasts_as_long_as_the_setting_says(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, clock: MovableClock
) -> None:
    update = {"desk_reason_lifetime": timedelta(minutes=2)}
    object.__setattr__(site, "settings", site.settings.model_copy(update=update))
    agent.give_reason(citizen.person.id)
    clock.advance(minutes=2)
    assert session_of(agent).about_id is None
