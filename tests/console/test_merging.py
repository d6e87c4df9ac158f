"""Two persons turn out to be one: what the desk had about the one is about nobody any more."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from authn.console.merging import MERGE_STEPS
from authn.console.tables import approvals, desk_sessions
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.federation.foreign_identities import unmatched_identities
from authn.people.merge import merge_persons
from authn.people.persons import find_or_create_person
from authn.people.tables import Person
from authn.profiles.appointments import appoint
from authn.staff.members import staff_by_desk
from authn.staff.tables import staff
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.console.desk import DeskScreen
from tests.occasion import job


@pytest.fixture
def both(site: Site) -> tuple[Person, Person]:
    """Karim turns out to be Hanne."""
    with writing(site.database) as connection:
        now = site.clock()
        karim = find_or_create_person(connection, site.secrets, KARIM, now)
        return karim, find_or_create_person(connection, site.secrets, HANNE, now)


def merge(site: Site, both: tuple[Person, Person]) -> None:
    merged, kept = both
    with writing(site.database) as connection:
        merge_persons(job(site, connection), merged.id, kept.id, MERGE_STEPS.values())


def test_a_member_of_staff_is_not_merged_into_somebody(
    site: Site, both: tuple[Person, Person]
) -> None:
    merged, kept = both
    with writing(site.database) as connection:
        appoint(connection, site.secrets, merged.id, "agent", "Ghent", site.clock())
    with pytest.raises(CommandError, match="member of staff"):
        merge(site, both)
    with reading(site.database) as connection:
        assert staff_by_desk(connection, merged.id)
        assert not staff_by_desk(connection, kept.id)


def test_who_worked_there_once_stays_on_record_as_who_they_were(
    site: Site, both: tuple[Person, Person]
) -> None:
    merged, _ = both
    with writing(site.database) as connection:
        appoint(connection, site.secrets, merged.id, "agent", "Ghent", site.clock())
        connection.execute(staff.update().values(ended_at=site.clock()))
    merge(site, both)
    with reading(site.database) as connection:
        assert connection.execute(select(staff.c.person_id)).scalars().all() == [merged.id]


def test_an_agent_says_anew_why_they_look_at_the_one_who_stays(
    agent: DeskScreen, site: Site, both: tuple[Person, Person]
) -> None:
    agent.give_reason(both[0].id)
    merge(site, both)
    with reading(site.database) as connection:
        assert connection.execute(select(desk_sessions.c.about_id)).scalar_one() is None
    assert agent.is_open


def test_what_waited_for_approval_is_withdrawn_and_identities_go_over(
    agent: DeskScreen, site: Site, both: tuple[Person, Person]
) -> None:
    merged, kept = both
    now = site.clock()
    approval = {
        "id": uuid4(),
        "act": "unlink-last",
        "person_id": merged.id,
        "payload_encrypted": b"-",
        "reason": "question",
        "explanation": "",
        "ticket": "",
        "asked_by": agent.person.id,
        "asked_at": now,
        "expires_at": now + timedelta(minutes=30),
        "state": "waiting",
        "remark": "",
    }
    identity = {
        "id": uuid4(),
        "upstream": "eidas",
        "identity_hash": "x" * 64,
        "claims_encrypted": b"-",
        "arrived_at": now,
        "matched_at": now,
        "person_id": merged.id,
    }
    with writing(site.database) as connection:
        connection.execute(approvals.insert(), approval)
        connection.execute(unmatched_identities.insert(), identity)
    merge(site, both)
    with reading(site.database) as connection:
        assert connection.execute(select(approvals.c.state)).scalar_one() == "withdrawn"
        matched = connection.execute(select(unmatched_identities.c.person_id)).scalar_one()
        assert matched == kept.id
