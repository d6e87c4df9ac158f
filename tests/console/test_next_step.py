"""What a page of the desk offers can be done, and how heavy it is can be seen."""

import re
from uuid import UUID, uuid4

import pytest

from authn.db.transaction import reading, writing
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.foreign_identities import keep_unmatched_identity, list_waiting_identities
from authn.notices.contact_addresses import list_contact_addresses
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import KARIM
from tests.conftest import MovableClock
from tests.console.acting import act_path, asked, suspend_for
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_registration_identities import path, proposed, upstream
from tests.console.tools import Tool
from tests.mailbox import confirm_for
from tests.occasion import job

FOR_GOOD = "nobody can take that back"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The service can send mail: an address that is added is written to."""
    return settings.model_copy(update={"smtp_host": "localhost"})


def in_english(made: DeskScreen) -> DeskScreen:
    """They read English."""
    made.screen.client.headers["Accept-Language"] = "en"
    return made


def offers_a_button(html: str) -> bool:
    """Whether the page asks for the device of whoever reads it."""
    return "data-ceremony" in html


class TestActsThatAreNotPossible:
    """By an address that was kept, or with the back button."""

    @pytest.fixture
    def agent(self, agent: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
        """They have said why they look at the citizen."""
        agent.give_reason(citizen.person.id)
        return in_english(agent)

    def test_a_return_of_somebody_whom_nobody_can_warn(
        self, site: Site, agent: DeskScreen, citizen: CitizenAtHome
    ) -> None:
        page = f"/desk/people/{citizen.person.id}/begin-return"
        html = agent.get(page).text
        assert "We could not warn this person" in html
        assert not offers_a_button(html)
        confirm_for(site, citizen.person)
        assert offers_a_button(agent.get(page).text)
        assert agent.act(page).status_code == 200
        html = agent.get(page).text
        assert "A return waits already" in html
        assert not offers_a_button(html)

    def test_blocking_what_is_blocked(
        self, site: Site, agent: DeskScreen, citizen: CitizenAtHome
    ) -> None:
        first, second = citizen.devices
        one, every = (
            act_path(citizen.person, first, "suspend"),
            f"/desk/people/{citizen.person.id}/block-all",
        )
        remove = act_path(citizen.person, first, "unlink")
        assert all(offers_a_button(agent.get(each).text) for each in (one, every, remove))
        suspend_for(site, first, "holder")
        suspend_for(site, second, "holder")
        html = agent.get(one).text
        assert "This device is blocked already." in html
        assert not offers_a_button(html)
        html = agent.get(every).text
        assert "There is nothing to block." in html
        assert not offers_a_button(html)


@pytest.fixture
def waiting(agent: DeskScreen, citizen: CitizenAtHome) -> UUID:
    """The agent asked to remove the last device of the citizen that works."""
    in_english(agent).give_reason(citizen.person.id)
    agent.act(act_path(citizen.person, citizen.devices[1], "unlink"))
    return asked(agent.act(act_path(citizen.person, citizen.devices[0], "unlink")))


def test_what_nobody_can_take_back_is_approved_with_a_button_that_says_so(
    supervisor: DeskScreen, waiting: UUID
) -> None:
    html = in_english(supervisor).get(f"/desk/approvals/{waiting}").text
    assert FOR_GOOD in html
    assert 'class="button danger' in html


@pytest.fixture
def approver(supervisor: DeskScreen, make_tool: MakeTool) -> Tool:
    """The tool of a supervisor."""
    return make_tool(in_english(supervisor))


def page_of(tool: Tool, approval: UUID) -> str:
    """What the supervisor reads whom the tool asks to confirm this approval."""
    answer = tool.page_to_confirm(tool.asked_for("approve", approval))
    return tool.made.get(answer.headers["location"]).text


def test_a_tool_s_page_says_what_an_approval_ends_and_that_it_is_for_good(
    approver: Tool, waiting: UUID
) -> None:
    html = page_of(approver, waiting)
    assert "What would end" in html
    assert "No other device works" in html
    assert FOR_GOOD in html
    assert 'class="button danger' in html


def test_a_tool_s_page_offers_nothing_where_the_approval_waits_no_more(
    clock: MovableClock, approver: Tool, waiting: UUID
) -> None:
    asked = approver.asked_for("approve", waiting)
    clock.advance(minutes=31)
    approver.made.screen.sign_in()
    for details in (asked, [{**asked[0], "approval": str(uuid4())}]):
        answer = approver.page_to_confirm(details)
        html = approver.made.get(answer.headers["location"]).text
        assert "This was decided already, was taken back, or waited too long." in html
        assert not offers_a_button(html)
        assert "Compare the reference" not in html


def test_a_tool_s_page_says_whether_an_address_is_removed_or_has_no_name_yet(
    site: Site, make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    tool = make_tool(in_english(make_staff("supervisor")))
    tool.made.give_reason(citizen.person.id)

    def asks(**change: str) -> str:
        asked = tool.asked_for("change_address", citizen.person.id, **change)
        return tool.made.get(tool.page_to_confirm(asked).headers["location"]).text

    html = asks(add="another@example.org")
    assert "Change this address?" in html
    assert "Compare the reference" in html
    assert "another@" not in html
    with reading(site.database) as connection:
        (known,) = list_contact_addresses(connection, site.secrets, citizen.person.id, site.clock())
    html = asks(remove=str(known.id))
    assert "Remove this address?" in html
    assert "Ask to remove the address" in html
    assert "Compare the reference" not in html


def test_an_approval_says_whether_its_address_is_added_or_removed(
    site: Site, supervisor: DeskScreen, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    confirm_for(site, citizen.person)
    asker = make_staff("supervisor", citizen=KARIM)
    asker.give_reason(citizen.person.id)
    with reading(site.database) as connection:
        (known,) = list_contact_addresses(connection, site.secrets, citizen.person.id, site.clock())
    page = f"/desk/people/{citizen.person.id}/addresses"
    asker.act(f"{page}/{known.id}/remove")
    html = in_english(supervisor).get("/desk/approvals").text
    assert "Address to be removed" in html
    assert "Address to be added" not in html
    form = asker.post_form(page, address="another@example.org").text
    (path_of,) = re.findall(r'data-path="([^"]+)"', form)
    assert asker.act(path_of, address="another@example.org").status_code == 200
    assert "Address to be added" in supervisor.get("/desk/approvals").text


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    ("claimed", "differ"), [("1980-04-12", True), ("1903-01-01", False), ("1903", False)]
)
def test_a_birth_date_that_is_another_one_is_said_before_an_identity_is_matched(
    site: Site, registrar: DeskScreen, claimed: str, differ: bool
) -> None:
    with writing(site.database) as connection:
        claims = {"given_name": "Somebody", "birthdate": claimed}
        keep_unmatched_identity(
            job(site, connection), upstream(), UpstreamAnswer({"sub": "somebody"}, claims)
        )
        (identity,) = list_waiting_identities(connection, site.secrets)
    person = proposed(in_english(registrar), site, identity.id, KARIM.ssin)
    html = registrar.get(path(person, identity.id)).text
    assert ("The birth dates differ" in html) is differ


def test_an_error_at_the_desk_leads_back_to_the_desk(agent: DeskScreen) -> None:
    html = in_english(agent).get(f"/desk/people/{agent.person.id}").text
    assert "This is your own account." in html
    assert '<a class="button primary" href="/desk">Back to the help desk</a>' in html
    assert "Back to the help desk" not in agent.get("/no/such/page").text
