"""What the desk's acts promise beside what they do: words before them, and no way around two."""

from datetime import timedelta

import pytest
import segno
from starlette.applications import Starlette

from authn.console.letters import write_letters
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.devices.life import unlink
from authn.enrolment.emergency import begin_emergency_block
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.pages import load_pages
from authn.web.site import Site
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.console.acting import act_path, approve, device, every_approval
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.pdf import read_pdf
from tests.console.test_entry_acts import added_path
from tests.console.test_letters import LETTER, contents_of
from tests.console.test_registration import (
    approvals_of,
    ask,
    checked,
    desk_code,
    enrol_with,
    letter,
    printed,
    printed_again,
    ticket_in,
)
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.oidc.relying_party import register
from tests.screens import another_screen, problem


@pytest.fixture
def working(agent: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """An agent who reads English and said why they look at Hanne."""
    agent.screen.client.headers["Accept-Language"] = "en"
    assert agent.give_reason(citizen.person.id).status_code == 303
    return agent


def test_a_block_of_the_desk_is_the_desk_s_once_the_door_has_opened_by_itself(
    site: Site, clock: MovableClock, working: DeskScreen, citizen: CitizenAtHome
) -> None:
    with writing(site.database) as connection:
        begin_emergency_block(job(site, connection), citizen.person.id, "mail")
    clock.advance(days=2)
    working.screen.sign_in()
    working.open()
    working.give_reason(citizen.person.id)
    first = citizen.devices[0]
    assert working.act(act_path(citizen.person, first, "suspend")).status_code == 200
    assert device(site, citizen.person, first).suspended_why == "desk"
    assert working.act(act_path(citizen.person, first, "resume")).status_code == 200


def words(answer_text: str) -> str:
    return " ".join(answer_text.partition("<main")[2].split())


def test_each_page_says_what_ends_and_what_stays(
    working: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    confirm_for(site, citizen.person)
    base = f"/desk/people/{citizen.person.id}"
    page = words(working.get(f"{base}/block-all").text)
    for said in (
        "Nobody can sign in to this account any more.",
        "1 session ends at once.",
        "The account, its data and what applications know.",
        "The way back: a new proof of identity, or an activation code.",
    ):
        assert said in page
    page = words(working.get(f"{base}/begin-return").text)
    for said in ("with a link that cancels it", "The devices, until a new one is added."):
        assert said in page
    working.act(act_path(citizen.person, citizen.devices[0], "suspend"))
    page = words(working.get(act_path(citizen.person, citizen.devices[0], "resume")).text)
    for said in ("can sign in with it again", "What was open on it stays ended"):
        assert said in page


def test_a_card_says_at_which_application_it_was_used_and_when_it_was_added(
    working: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    rp = register(site, citizen.screen.client, client_id="hospital", first_party=True)  # type: ignore[arg-type]
    assert rp.tokens()["access_token"]
    page = words(working.get(f"/desk/people/{citizen.person.id}").text)
    assert "Last used today at 10:30 at Hospital" in page
    assert "Added on 2 March 2026 with an activation code" in page


def test_how_long_a_mistake_can_be_taken_back_is_a_setting(
    working: DeskScreen, citizen: CitizenAtHome, site: Site, clock: MovableClock
) -> None:
    update = {"desk_undo": timedelta(minutes=3)}
    object.__setattr__(site, "settings", site.settings.model_copy(update=update))
    done = working.act(act_path(citizen.person, citizen.devices[0], "suspend")).json()["location"]
    token = done.partition("did=")[2]
    assert 'action="/desk/undo"' in working.get(done).text
    clock.advance(minutes=3)
    assert 'action="/desk/undo"' not in working.get(done).text
    assert working.post_form("/desk/undo", did=token).status_code == 410


@pytest.mark.usefixtures("register")
def test_a_code_for_who_had_a_device_waits_as_for_who_has_one(
    site: Site, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    with writing(site.database) as connection:
        for each in list_devices(connection, citizen.person.id):
            unlink(job(site, connection), each, "desk")
    with reading(site.database) as connection:
        assert list_devices(connection, citizen.person.id) == []
    person = checked(registrar, site, SSIN)
    assert ask(registrar, site, person, way="second").status_code == 200
    assert desk_code(site, person).state == "asked"


@pytest.mark.one_engine
def test_the_picture_on_a_letter_is_the_code_of_its_address() -> None:
    (content,) = contents_of(read_pdf(write_letters(LETTER, load_pages("authn"), "en")))
    runs = [
        tuple(map(float, line.split()[:4]))
        for line in content.split(b"\n")
        if line.endswith(b" re")
    ]
    side = min(height for _, _, _, height in runs)
    runs = [each for each in runs if each[3] - side < side / 2]
    left, top = min(run[0] for run in runs), max(run[1] for run in runs)
    drawn = {
        (round((top - y) / side), round((x - left) / side) + more)
        for x, y, width, _ in runs
        for more in range(round(width / side))
    }
    matrix = segno.make(LETTER.activation_address, error="m", micro=False).matrix
    dark = {(y, x) for y, row in enumerate(matrix) for x, each in enumerate(row) if each}
    assert drawn == dark


def test_an_address_that_was_not_confirmed_with_a_device_is_not_even_asked_for(
    supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    update = {"smtp_host": "localhost"}
    object.__setattr__(site, "settings", site.settings.model_copy(update=update))
    supervisor.give_reason(citizen.person.id)
    path = added_path(supervisor, citizen, "new@example.org")
    answer = supervisor.post_json(path, {"address": "new@example.org"})
    assert (answer.status_code, problem(answer)) == (400, "invalid-ceremony")
    assert every_approval(site) == []


@pytest.mark.usefixtures("register")
def test_a_code_that_two_agreed_to_and_was_used_is_not_printed_anew(
    site: Site,
    app: Starlette,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
) -> None:
    """Else one approval would let in two: who holds the paper, and whom the registrar chooses."""
    person = checked(registrar, site)
    ask(registrar, site, person, way="second")
    (waiting,) = approvals_of(site, "issue-code")
    assert approve(supervisor, waiting).status_code == 200
    code, _ = printed(registrar, person, printed_again(registrar, site, person))
    again = ticket_in(printed_again(registrar, site, person))
    assert enrol_with(another_screen(app), code).status_code == 200
    assert letter(registrar, person, again).status_code == 403
