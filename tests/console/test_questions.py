"""What an agent asks a caller before an act: the operator's list, and how it went, on record."""

from urllib.parse import urlsplit

import pytest

from authn.settings import Settings
from authn.web.site import Site
from tests.console.acting import act_path, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An operator's own list, in some of the languages."""
    questions = {
        "birthplace": {"en": "Where were you born?"},
        "street": {"nl": "Uw straat?", "fr": "Votre rue ?"},
    }
    return settings.model_copy(update={"desk_questions": questions})


def test_the_questions_are_on_record_as_answered_and_never_the_answers(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id)
    path = act_path(citizen.person, citizen.devices[0], "suspend")
    html = agent.get(path).text
    assert "Where were you born?" in html  # in another language rather than not at all
    assert "Uw straat?" in html
    said = {"checked-street": "on", "checked-birthplace": "Ostend", "checked-else": "Main Street"}
    assert agent.act(path, **said).status_code == 200
    (row,) = rows(site, "desk.suspended")
    assert row["checked"] == "birthplace no, street yes"
    assert "Ostend" not in row["details"] and "Main Street" not in row["details"]


def test_every_page_that_asks_for_an_act_shows_the_list(
    make_staff: MakeStaff, citizen: CitizenAtHome, site: Site
) -> None:
    supervisor = make_staff("supervisor", "agent")
    confirm_for(site, citizen.person)
    supervisor.give_reason(citizen.person.id)
    first = citizen.devices[0]
    on_person = f"/desk/people/{citizen.person.id}"
    for act, event in (
        (act_path(citizen.person, first, "suspend"), "desk.suspended"),
        (act_path(citizen.person, first, "resume"), "desk.resumed"),
        (act_path(citizen.person, first, "unlink"), "desk.unlinked"),
        (f"{on_person}/begin-return", "desk.return-begun"),
        (f"{on_person}/block-all", "desk.blocked-all"),
    ):
        html = supervisor.get(act).text
        assert 'name="checked-street"' in html and "Where were you born?" in html, act
        answer = supervisor.act(act, **{"checked-street": "on"})
        assert urlsplit(answer.json()["location"]).path == f"{on_person}/done", act
        assert rows(site, event)[-1]["checked"] == "birthplace no, street yes", act
