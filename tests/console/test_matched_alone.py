"""A match that one registrar alone made is no way back in once two would have to agree to it.

Decisions 9.4 and 3.3. As with a first code: one will do for somebody who has no device and no
role, and so does not for who has got one meanwhile.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
from starlette.applications import Starlette

from authn.console.merging import MERGE_STEPS
from authn.console.operator_request_acts import give_role
from authn.console.registration_identities import match_identity_at_desk
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.enrolment.returning import begin_account_recovery, find_waiting_recovery
from authn.errors import Refusal
from authn.people.merge import merge_persons
from authn.people.persons import find_or_create_person
from authn.people.tables import Person
from authn.staff.members import staff_by_desk
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE, KARIM, SSIN, Screen, activation_code
from tests.commands import run_command
from tests.console.acting import approve, desk_of, every_approval, rows, statuses
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_attacks_again import usable
from tests.console.test_registration import ask, checked, printed, refusal
from tests.console.test_registration_identities import (
    identity,
    matched_by_two,
    path,
    proposed,
    whose,
)
from tests.devices.test_devices import add
from tests.federation.journey import enrol
from tests.loss import come_back, proof
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import add_here, another_screen, device_in
from tests.together import at_once

__all__ = ["identity"]  # a fixture

pytestmark = pytest.mark.usefixtures("register")

UPSTREAM = "fas"


@pytest.fixture
def person(site: Site, registrar: DeskScreen, identity: UUID) -> Person:
    """Hanne, who never had a device: the registrar alone has matched the identity to her."""
    found = proposed(registrar, site, identity)
    assert registrar.act(path(found, identity)).status_code == 200
    assert whose(site, identity) == found.id
    return found


def appointed(site: Site, person: Person) -> bool:
    """Whether the person works at the desk by this."""
    with writing(site.database) as connection:
        given = give_role(job(site, connection), person.id, "agent", "Namur")
    return given is not None


def merged(site: Site, merged_person: Person, kept: Person) -> None:
    with writing(site.database) as connection:
        merge_persons(job(site, connection), merged_person.id, kept.id, MERGE_STEPS.values())


def proven(site: Site, screen: Screen, person: Person, purpose: str, identity: UUID) -> str:
    """What the browser of the identity's holder has after the upstream."""
    return proof(
        site,
        screen,
        person,
        purpose,  # type: ignore[arg-type]
        upstream=UPSTREAM,
        identity_id=identity,
    )


def enrolled_by(site: Site, app: Starlette, person: Person, identity: UUID) -> Screen:
    """A screen on which the identity's holder made the person's first device."""
    screen = another_screen(app)
    answer = enrol(screen, proven(site, screen, person, "enrol", identity))
    assert answer.status_code == 200, answer.text
    return screen


def karim(site: Site) -> Person:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, KARIM, site.clock())


def ended(site: Site) -> list[tuple[str, bool, int]]:
    """Why each match ended by itself, and what ended with it."""
    return [
        (row["why"], row["ended_return"], row["blocked"])
        for row in rows(site, "identity.match-ended")
    ]


@pytest.mark.parametrize(
    "words",
    [("appoint", "agent", "--desk", "Namur"), ("first-operator",)],
    ids=lambda each: each[0],
)
def test_it_ends_once_its_person_works_at_the_desk(
    site: Site, person: Person, identity: UUID, words: tuple[str, ...]
) -> None:
    confirm_for(site, person)
    answer = run_command(site.settings, "staff", *words, "--person", str(person.id))
    assert answer.returncode == 0, answer.stderr
    assert whose(site, identity) is None
    (row,) = rows(site, "identity.match-ended")
    assert (row["person_id"], row["identity"]) == (person.id, str(identity))
    assert ended(site) == [("role", False, 0)]
    assert [mail.notice for mail in mails(site)].count("identity-parted") == 1


def test_a_proof_that_it_gave_makes_no_key_of_who_works_there_by_now(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    screen = another_screen(app)
    token = proven(site, screen, person, "enrol", identity)
    assert appointed(site, person)
    assert refusal(enrol(screen, token)) == "not-matched-any-more"
    assert statuses(site, person) == {}


def test_what_it_let_in_opens_no_desk(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    """It is blocked, and so is what it let in: all of it stands on the word of one registrar."""
    screen = enrolled_by(site, app, person, identity)
    device_in(add_here(screen, Authenticator()))
    assert whose(site, identity) == person.id, "the identity is how this person comes"
    with writing(site.database) as connection:
        begin_account_recovery(job(site, connection), person.id, UPSTREAM, "substantial")
    assert appointed(site, person)
    assert set(statuses(site, person).values()) == {"suspended"}
    assert ended(site) == [("role", True, 2)]
    with reading(site.database) as connection:
        assert find_waiting_recovery(job(site, connection), person.id) is None


def test_whoever_appoints_somebody_reads_that_their_devices_are_blocked(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    enrolled_by(site, app, person, identity)
    words = ("staff", "first-operator", "--person", str(person.id))
    answer = run_command(site.settings, *words)
    assert answer.returncode == 0, answer.stderr
    assert "1 device of theirs" in answer.stdout
    assert set(statuses(site, person).values()) == {"suspended"}


def test_nor_does_a_first_code_outlive_that_its_person_is_the_first_operator(
    site: Site, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    code, _ = printed(registrar, person, ask(registrar, site, person))
    assert usable(site, code)
    words = ("staff", "first-operator", "--person", str(person.id))
    assert run_command(site.settings, *words).returncode == 0
    assert not usable(site, code)


def test_who_has_a_role_more_loses_nothing(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    """Two agreed to it."""
    person = matched_by_two(site, registrar, supervisor, identity)
    assert appointed(site, person)
    assert not appointed(site, person)
    assert whose(site, identity) == person.id
    assert set(statuses(site, person).values()) == {"active"}
    assert ended(site) == []


def test_one_that_two_agreed_to_after_it_ended_stays(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, person: Person, identity: UUID
) -> None:
    assert appointed(site, person)
    registrar.act(path(person, identity))
    (waiting,) = every_approval(site)
    supervisor.give_reason(person.id)
    assert approve(supervisor, waiting.id).status_code == 200
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) == person.id
    with writing(site.database) as connection:
        assert give_role(job(site, connection), person.id, "auditor", "Namur")
    assert whose(site, identity) == person.id


def test_one_that_two_agreed_to_and_was_taken_away_is_one_s_again(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    """What a second one said was about that person, and not about the next."""
    hanne = matched_by_two(site, registrar, supervisor, identity)
    assert registrar.act(f"{path(hanne, identity)}/part").status_code == 200
    other = proposed(registrar, site, identity, KARIM.ssin)
    assert registrar.act(path(other, identity)).status_code == 200
    assert whose(site, identity) == other.id
    assert appointed(site, other)
    assert whose(site, identity) is None


def test_it_ends_with_a_first_device_that_came_another_way(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    _, code = activation_code(site, HANNE)
    assert another_screen(app).enrol(code, SSIN).status_code == 200
    assert whose(site, identity) is None
    assert ended(site) == [("device", False, 0)]
    assert set(statuses(site, person).values()) == {"active"}


def test_who_comes_back_another_way_ends_it(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    """Whoever holds the identity came first: they do not come again after its person did."""
    enrolled_by(site, app, person, identity)
    screen = another_screen(app)
    answer = come_back(screen, proof(site, screen, person, "return"))
    assert answer.status_code == 200, answer.text
    assert whose(site, identity) is None
    assert sorted(statuses(site, person).values()) == ["active", "suspended"]


def test_who_comes_by_it_and_comes_back_by_it_keeps_it(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    device_in(add_here(enrolled_by(site, app, person, identity), Authenticator()))
    screen = another_screen(app)
    answer = come_back(screen, proven(site, screen, person, "return", identity))
    assert answer.status_code == 200, answer.text
    assert whose(site, identity) == person.id
    assert ended(site) == []


@pytest.mark.parametrize("matched_one", ["kept", "merged"])
def test_it_opens_no_devices_that_are_joined_to_it(
    site: Site, person: Person, identity: UUID, matched_one: str
) -> None:
    other = karim(site)
    add(site, other, 1, "Phone of Karim")
    both = (other, person) if matched_one == "kept" else (person, other)
    merged(site, *both)
    assert whose(site, identity) is None
    assert ended(site) == [("merger", False, 0)]
    assert set(statuses(site, both[1]).values()) == {"active"}


def test_what_it_let_in_does_not_come_to_another_s_account(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    enrolled_by(site, app, person, identity)
    other = karim(site)
    add(site, other, 1, "Phone of Karim")
    merged(site, person, other)
    assert sorted(statuses(site, other).values()) == ["active", "suspended"]
    assert ended(site) == [("merger", False, 1)]


@pytest.mark.parametrize("matched_one", ["kept", "merged"])
def test_it_goes_over_where_there_is_nothing_else_to_open(
    site: Site, app: Starlette, person: Person, identity: UUID, matched_one: str
) -> None:
    enrolled_by(site, app, person, identity)
    other = karim(site)
    both = (other, person) if matched_one == "kept" else (person, other)
    merged(site, *both)
    assert whose(site, identity) == both[1].id
    assert set(statuses(site, both[1]).values()) == {"active"}


def test_of_a_match_and_a_role_at_once_nobody_s_word_alone_is_left(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    desk = desk_of(site, registrar)

    def match() -> None:
        with writing(site.database) as connection:
            match_identity_at_desk(job(site, connection), desk, person, identity)

    both: list[Callable[[], object]] = [match, lambda: appointed(site, person)]
    results = at_once(lambda: both.pop()(), 2)
    assert not [each for each in results if isinstance(each, Refusal)]
    assert whose(site, identity) is None
    with reading(site.database) as connection:
        assert staff_by_desk(connection, person.id)
    assert len(ended(site)) + len(every_approval(site)) == 1, "it ended, or waits for a second one"


def test_of_a_first_device_by_it_and_a_role_at_once_none_is_left_that_works(
    site: Site, app: Starlette, person: Person, identity: UUID
) -> None:
    screen = another_screen(app)
    token = proven(site, screen, person, "enrol", identity)
    both = [lambda: enrol(screen, token).status_code == 200, lambda: appointed(site, person)]
    at_once(lambda: both.pop()(), 2)
    with reading(site.database) as connection:
        assert not [each for each in list_devices(connection, person.id) if each.status == "active"]
    assert whose(site, identity) is None
