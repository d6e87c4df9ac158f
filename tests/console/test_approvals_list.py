"""What waits is listed at one price, however much it is; each row of another one is a look."""

from uuid import uuid4

import pytest

from authn.console import approvals
from authn.db.transaction import writing
from authn.enrolment.desk_codes.lifecycle import record_identity_check
from authn.web.site import Site
from tests.citizen import KARIM, activation_code
from tests.console.acting import desk_of, rows
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.oidc.test_cost import counted

LISTS = ("page", "api")


def ask_some(site: Site, who: DeskScreen, citizen: CitizenAtHome, most: int) -> None:
    """Of each sort, in turn: on a device, of an address, of a code, of two persons."""
    other, _ = activation_code(site, KARIM)
    desk, person_id = desk_of(site, who), citizen.person.id
    with writing(site.database) as connection:
        occasion = job(site, connection)
        for turn in range(most):
            code = record_identity_check(occasion, person_id, who.person.id, "passport")
            act, payload = (
                ("unlink-last", {"device_id": str(citizen.devices[turn % 2])}),
                ("change-address", {"address_id": str(uuid4())}),
                ("issue-code", {"desk_code_id": str(code.id)}),
                ("merge", {"merged_id": str(other.id)}),
            )[turn % 4]
            payload |= {"checked": f"q{turn} yes"}
            approvals.request_approval(occasion, desk, act, person_id, payload)  # type: ignore[arg-type]


@pytest.mark.parametrize("which", LISTS)
def test_twenty_rows_cost_no_statement_more_than_one_of_each_sort(
    site: Site,
    make_staff: MakeStaff,
    make_tool: MakeTool,
    citizen: CitizenAtHome,
    which: str,
) -> None:
    asker, boss = make_staff("registrar"), make_staff("supervisor", citizen=STAFF["auditor"])
    confirm_for(site, citizen.person)
    tool = make_tool(boss)

    def cost() -> list[str]:
        with counted(site) as seen:
            if which == "page":
                assert boss.get("/desk/approvals").status_code == 200
            else:
                assert tool.once("approvals").status_code == 200
        return seen

    ask_some(site, asker, citizen, 1)
    cost()  # what is read once for all is read
    few = cost()
    ask_some(site, asker, citizen, 20)
    many = cost()
    assert len(many) == len(few), (few, many)
    looks = rows(site, "approval.seen")
    assert len(looks) == 1 + 1 + 20  # the first one was asked again, and waits once
    assert {(row["actor_id"], row["role"], row["desk"]) for row in looks} == {
        (boss.person.id, "supervisor", "Ghent")
    }


def test_a_list_of_one_s_own_is_no_look_and_writes_nothing(
    site: Site, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    asker = make_staff("registrar")
    ask_some(site, asker, citizen, 4)
    asker.get("/desk/approvals")
    with counted(site) as seen:
        assert asker.get("/desk/approvals").status_code == 200
    assert rows(site, "approval.seen") == []
    assert not [each for each in seen if not each.startswith("SELECT")], seen


def test_a_device_or_address_of_another_person_is_shown_to_nobody(
    site: Site, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    """An approval names what is its person's alone, whatever its content came to say."""
    asker, boss = make_staff("registrar"), make_staff("supervisor", citizen=STAFF["auditor"])
    other, _ = activation_code(site, KARIM)
    with writing(site.database) as connection:
        payload = {"device_id": str(citizen.devices[0])}
        approvals.request_approval(
            job(site, connection), desk_of(site, asker), "unlink-last", other.id, payload
        )
    page = boss.get("/desk/approvals").text
    assert other.full_name in page
    assert "<dt>Toestel</dt>" not in page and "<dt>Appareil</dt>" not in page
