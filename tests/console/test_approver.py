"""Who approved is looked at again when it is carried out: decisions 3.3, 5.

An activation code is printed up to half an hour after a supervisor agreed. Who is no supervisor any
more at that moment is no second person.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from authn.console import acts, approvals
from authn.console.approval_rows import find_approval
from authn.db.transaction import reading, writing
from authn.enrolment.returning import BY_DESK, begin_account_recovery
from authn.errors import Forbidden, NotFound
from authn.people.tables import persons
from authn.staff.tables import staff
from authn.web.site import Site
from tests.console.acting import desk_of, every_approval, rows
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for
from tests.occasion import job

Change = Callable[[Site, DeskScreen, CitizenAtHome], None]


@pytest.fixture
def asked(site: Site, registrar: DeskScreen, citizen: CitizenAtHome) -> UUID:
    """The registrar asked for a code for Hanne, who has devices."""
    with writing(site.database) as connection:
        asker = desk_of(site, registrar)
        return approvals.request_approval(
            job(site, connection), asker, "issue-code", citizen.person.id, {}
        ).id


def write(site: Site, statement: Any) -> None:
    with writing(site.database) as connection:
        connection.execute(statement)


def dismissed(site: Site, boss: DeskScreen, _: CitizenAtHome) -> None:
    of_boss = staff.c.person_id == boss.person.id
    write(site, update(staff).where(of_boss).values(ended_at=site.clock()))


def became_an_agent(site: Site, boss: DeskScreen, _: CitizenAtHome) -> None:
    write(site, update(staff).where(staff.c.person_id == boss.person.id).values(role="agent"))


def died(site: Site, boss: DeskScreen, _: CitizenAtHome) -> None:
    write(site, update(persons).where(persons.c.id == boss.person.id).values(deceased=True))


def began_the_return(site: Site, boss: DeskScreen, citizen: CitizenAtHome) -> None:
    confirm_for(site, citizen.person)
    with writing(site.database) as connection:
        occasion = job(site, connection)
        begin_account_recovery(occasion, citizen.person.id, BY_DESK, "substantial", boss.person.id)


@pytest.mark.parametrize("change", [dismissed, became_an_agent, died, began_the_return])
def test_who_may_not_approve_any_more_is_no_second_person_when_it_is_carried_out(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    asked: UUID,
    change: Change,
) -> None:
    second, asker = desk_of(site, supervisor), desk_of(site, registrar)
    with writing(site.database) as connection:
        acts.approve(job(site, connection), second, asked)
    change(site, supervisor, citizen)
    with pytest.raises(Forbidden, match="approver_may_not"), writing(site.database) as connection:
        approvals.use_approval(job(site, connection), asker, "issue-code", citizen.person.id, {})
    (approval,) = every_approval(site)
    assert approval.state == "failed"
    (row,) = rows(site, "approval.lapsed")
    assert (row["actor_id"], row["approved_by"]) == (registrar.person.id, str(supervisor.person.id))
    assert row["failure"] == approval.remark
    with writing(site.database) as connection:
        occasion = job(site, connection)
        assert approvals.use_approval(occasion, asker, "issue-code", citizen.person.id, {}) is None


def test_who_still_may_is(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome, asked: UUID
) -> None:
    with writing(site.database) as connection:
        occasion = job(site, connection)
        acts.approve(occasion, desk_of(site, supervisor), asked)
        used = approvals.use_approval(
            occasion, desk_of(site, registrar), "issue-code", citizen.person.id, {}
        )
    assert used is not None
    assert used.decided_by == supervisor.person.id


def test_who_began_the_return_does_not_agree_to_the_code(
    site: Site, supervisor: DeskScreen, citizen: CitizenAtHome, asked: UUID
) -> None:
    began_the_return(site, supervisor, citizen)
    second = desk_of(site, supervisor)
    with pytest.raises(Forbidden, match="began_return"), writing(site.database) as connection:
        acts.approve(job(site, connection), second, asked)
    (row,) = rows(site, "desk.refused")
    assert (row["actor_id"], row["refused"]) == (supervisor.person.id, "began the return")
    # To say no opens nothing.
    with writing(site.database) as connection:
        approvals.record_refusal(job(site, connection), second, asked, "")
    assert every_approval(site)[0].state == "refused"


def test_neither_of_two_who_would_be_one_decides_about_it(
    site: Site, supervisor: DeskScreen, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    payload = {"merged_id": str(supervisor.person.id)}
    with writing(site.database) as connection:
        occasion, asker = job(site, connection), desk_of(site, registrar)
        merge = approvals.request_approval(occasion, asker, "merge", citizen.person.id, payload)
    with pytest.raises(NotFound), writing(site.database) as connection:
        acts.approve(job(site, connection), desk_of(site, supervisor), merge.id)
    with reading(site.database) as connection:
        found = find_approval(job(site, connection), merge.id)
    assert found and found.state == "waiting"
