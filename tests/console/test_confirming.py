"""An act at the desk needs the agent's own device at that moment, for this act on this target.

Decisions 2.9; shown with the act of blocking a device, which goes the way of all others.
"""

from typing import Any

import pytest
from httpx2 import Response

from authn.db.transaction import reading, writing
from authn.devices.devices import find_device
from authn.people.persons import find_or_create_person
from authn.profiles.appointments import dismiss
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.screens import add_here, answered, ceremony, events, problem


def path_of(citizen: CitizenAtHome, device: int = 0, act: str = "suspend") -> str:
    return f"/desk/people/{citizen.person.id}/devices/{citizen.devices[device]}/{act}"


def confirmed(agent: DeskScreen, citizen: CitizenAtHome, **lies: Any) -> dict[str, Any]:
    """What the script sends for blocking the citizen's first device."""
    return answered(agent.screen, ceremony(agent.screen, f"{path_of(citizen)}/options"), **lies)


def status_of(citizen: CitizenAtHome, site: Site, device: int = 0) -> str:
    with reading(site.database) as connection:
        return find_device(connection, citizen.person.id, citizen.devices[device]).status


@pytest.fixture
def at_work(agent: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """An agent who has said why they look at this citizen."""
    assert agent.give_reason(citizen.person.id).status_code == 303
    return agent


def refused(answer: Response) -> tuple[int, str]:
    return answer.status_code, problem(answer)


def test_with_it_the_act_is_done(at_work: DeskScreen, citizen: CitizenAtHome, site: Site) -> None:
    answer = at_work.act(path_of(citizen))
    assert answer.status_code == 200, answer.text
    assert status_of(citizen, site) == "suspended"


@pytest.mark.parametrize(("device", "act"), [(1, "suspend"), (0, "unlink")])
def test_it_serves_this_act_on_this_target_alone(
    at_work: DeskScreen, citizen: CitizenAtHome, site: Site, device: int, act: str
) -> None:
    content = confirmed(at_work, citizen)
    answer = at_work.post_json(path_of(citizen, device, act), content)
    assert refused(answer) == (400, "invalid-ceremony")
    assert status_of(citizen, site, device) == "active"


def test_it_serves_once(at_work: DeskScreen, citizen: CitizenAtHome) -> None:
    content = confirmed(at_work, citizen)
    assert at_work.post_json(path_of(citizen), content).status_code == 200
    assert refused(at_work.post_json(path_of(citizen), content)) == (410, "replayed")


def test_without_it_nothing_is_done(
    at_work: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    assert at_work.post_json(path_of(citizen)).status_code == 400
    assert status_of(citizen, site) == "active"


def test_nobody_elses_device_will_do(
    at_work: DeskScreen, citizen: CitizenAtHome, site: Site, make_staff: MakeStaff
) -> None:
    colleague = make_staff("supervisor")
    options = ceremony(at_work.screen, f"{path_of(citizen)}/options")
    options["publicKey"]["allowCredentials"] = []
    content = {
        "ceremony": options["ceremony"],
        "credential": colleague.screen.authenticator.get(options, ORIGIN),
    }
    assert at_work.post_json(path_of(citizen), content).status_code == 403
    assert status_of(citizen, site) == "active"


def test_a_synced_device_is_neither_offered_nor_accepted(
    at_work: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    phone = Authenticator(backup_eligible=True)
    assert add_here(at_work.screen, phone).status_code == 200
    options = ceremony(at_work.screen, f"{path_of(citizen)}/options")
    assert len(options["publicKey"]["allowCredentials"]) == 1
    options["publicKey"]["allowCredentials"] = []
    content = {"ceremony": options["ceremony"], "credential": phone.get(options, ORIGIN)}
    answer = at_work.post_json(path_of(citizen), content)
    assert refused(answer) == (403, "device-not-good-enough")
    assert status_of(citizen, site) == "active"
    assert "desk.refused" in [name for name, _ in events(site)]
    assert refused(at_work.post_json(path_of(citizen), content)) == (410, "replayed")


def test_not_once_the_desk_was_closed(
    at_work: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    content = confirmed(at_work, citizen)
    at_work.close()
    assert refused(at_work.post_json(path_of(citizen), content)) == (403, "not-at-desk")
    assert status_of(citizen, site) == "active"


def test_not_once_the_role_ended(make_staff: MakeStaff, citizen: CitizenAtHome, site: Site) -> None:
    made = make_staff("agent", "auditor")
    made.give_reason(citizen.person.id)
    content = confirmed(made, citizen)
    with writing(site.database) as connection:
        dismiss(connection, site.secrets, made.person.id, "agent", site.clock())
    assert refused(made.post_json(path_of(citizen), content)) == (404, "not-found")
    assert status_of(citizen, site) == "active"


def test_not_once_another_person_was_opened(
    at_work: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    content = confirmed(at_work, citizen)
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    at_work.give_reason(other.id)
    assert refused(at_work.post_json(path_of(citizen), content)) == (403, "reason-required")
    assert status_of(citizen, site) == "active"
