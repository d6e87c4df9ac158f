"""What an agent asks a caller before an act: the operator's list, and how it went, on record."""

import pytest

from authn.settings import Settings
from authn.web.site import Site
from tests.console.acting import act_path, rows
from tests.console.desk import CitizenAtHome, DeskScreen


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
    said = {"checked-street": "on", "checked-birthplace": "Ghent", "checked-else": "Main Street"}
    assert agent.act(path, **said).status_code == 200
    (row,) = rows(site, "desk.suspended")
    assert row["checked"] == "birthplace no, street yes"
    assert "Ghent" not in row["details"] and "Main Street" not in row["details"]
