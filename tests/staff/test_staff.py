"""Who works at the desk: appointed once, dismissed at once, and one first operator for ever."""

from uuid import UUID

import pytest

from authn.audit.log import audit_events
from authn.audit.verification import verify_log
from authn.db.transaction import reading, writing
from authn.keys.audit_days import chain_all
from authn.people.persons import find_or_create_person
from authn.profiles.appointments import InvalidStaff, appoint, dismiss, make_first_operator
from authn.staff.members import find_staff_at_desk, staff_by_desk
from authn.staff.roles import ROLES, RULES, Role, may
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.commands import run_command
from tests.together import at_once


@pytest.fixture
def hanne(site: Site) -> UUID:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, HANNE, site.clock()).id


@pytest.fixture
def karim(site: Site) -> UUID:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, KARIM, site.clock()).id


def appointed(site: Site, person_id: UUID, role: str, desk: str = "Ghent") -> bool:
    with writing(site.database) as connection:
        return appoint(connection, site.secrets, person_id, role, desk, site.clock())


def test_a_person_may_have_several_roles(site: Site, hanne: UUID) -> None:
    assert appointed(site, hanne, "agent")
    assert appointed(site, hanne, "registrar")
    assert not appointed(site, hanne, "agent")
    with reading(site.database) as connection:
        staff = find_staff_at_desk(connection, hanne, "Ghent")
    assert staff is not None
    assert staff.roles == {"agent", "registrar"}
    assert staff.may("suspend")
    assert staff.may("issue-code")
    assert not staff.may("see-audit")


def test_nobody_is_staff_who_was_not_appointed(site: Site, hanne: UUID, karim: UUID) -> None:
    appointed(site, hanne, "agent")
    with reading(site.database) as connection:
        assert staff_by_desk(connection, karim) == {}


def test_a_role_ends_at_once_and_may_begin_again(site: Site, hanne: UUID, karim: UUID) -> None:
    appointed(site, hanne, "agent")
    for expected in (True, False):
        with writing(site.database) as connection:
            now = site.clock()
            assert dismiss(connection, site.secrets, hanne, "agent", now, by=karim) is expected
    with reading(site.database) as connection:
        assert staff_by_desk(connection, hanne) == {}
    assert appointed(site, hanne, "agent")


@pytest.mark.parametrize(("role", "desk"), [("king", "Ghent"), ("agent", ""), ("agent", "x" * 61)])
def test_what_is_no_role_or_desk_is_refused(site: Site, hanne: UUID, role: str, desk: str) -> None:
    with pytest.raises(InvalidStaff):
        appointed(site, hanne, role, desk)


def test_of_many_first_operators_there_is_one(site: Site, hanne: UUID, karim: UUID) -> None:
    people = [hanne, karim]

    def make() -> bool:
        with writing(site.database) as connection:
            person = people.pop() if len(people) > 1 else people[0]
            return make_first_operator(connection, site.secrets, person, "desk", site.clock())

    assert at_once(make).count(True) == 1
    assert make() is False


def test_whoever_did_it_is_in_the_row_and_in_its_seal(site: Site, hanne: UUID, karim: UUID) -> None:
    with writing(site.database) as connection:
        now = site.clock()
        appoint(connection, site.secrets, hanne, "agent", "Ghent", now, by=karim)
    chain_all(site.database, site.secrets, site.clock())
    with reading(site.database) as connection:
        row = connection.execute(audit_events.select()).one()
        assert (row.event, row.person_id, row.actor_id) == ("staff.appointed", hanne, karim)
        assert list(verify_log(connection, site.secrets, site.clock())) == []


@pytest.mark.one_engine
@pytest.mark.parametrize("role", ROLES)
def test_what_concerns_a_person_needs_a_reason(role: Role) -> None:
    mine = {act for act in RULES if may(frozenset({role}), act)}
    assert mine
    about = {act for act in mine if RULES[act].about_person}
    assert not about or role in ("agent", "registrar", "supervisor")


@pytest.mark.one_engine
def test_operators_and_auditors_see_no_persons() -> None:
    for role in ("operator", "auditor"):
        assert not any(
            may(frozenset({role}), act) for act, rule in RULES.items() if rule.about_person
        )


@pytest.mark.one_engine
def test_whoever_asks_for_a_second_may_not_be_that_second_by_another_role() -> None:
    """What needs a second member of staff is approved by a supervisor, whatever else they are."""
    assert RULES["approve"].roles == {"supervisor"}


def test_the_command_line(site: Site, hanne: UUID, karim: UUID) -> None:
    def authn(*words: str, typed: str = "") -> str:
        ran = run_command(site.settings, "staff", *words, typed=typed)
        return " ".join((ran.stdout + ran.stderr).split())

    assert "is the first operator" in authn("first-operator", "--person", str(hanne))
    assert "has been a first operator" in authn("first-operator", "--person", str(karim))
    said = authn("appoint", "agent", "--desk", "Ghent", typed=f"{KARIM.ssin}\n")
    assert "agent, has the role now" in said
    assert KARIM.ssin not in said
    listed = authn("list")
    assert "Ghent" in listed
    assert str(hanne) in listed, "as --person takes it"
    assert "has the role agent no more" in authn("dismiss", "agent", "--person", str(karim))
    assert "has not this role" in authn("dismiss", "agent", "--person", str(karim))
