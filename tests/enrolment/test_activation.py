"""Activation codes, decisions 2.11: for one person, with their number, five wrong tries, once."""

from dataclasses import replace
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import select

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.enrolment.activation.codes import ActivationCode, activation_codes, read_code
from authn.enrolment.activation.lifecycle import (
    burn_activation_code,
    check_activation_code,
    issue_activation_code,
)
from authn.errors import Forbidden, Refusal
from authn.people.persons import Citizen, find_or_create_person
from authn.people.tables import Person
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.people.test_persons import HANNE, RENUMBERED
from tests.together import at_once

OTHERS_SSIN = "03410100227"
ELODIE = replace(HANNE, ssin=OTHERS_SSIN, given_name="Élodie", family_name="Dubrulle")


def person(site: Site, clock: MovableClock, citizen: Citizen = HANNE) -> Person:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, citizen, clock.now)


def issue(site: Site, clock: MovableClock, citizen: Citizen = HANNE) -> str:
    holder = person(site, clock, citizen)
    with writing(site.database) as connection:
        return issue_activation_code(connection, site.secrets, site.settings, holder, clock.now)


def check(site: Site, clock: MovableClock, code: str, ssin: str = HANNE.ssin) -> ActivationCode:
    with writing(site.database) as connection:
        return check_activation_code(connection, site.secrets, code, ssin, clock.now, "REF")


def burn(site: Site, clock: MovableClock, code: ActivationCode) -> ActivationCode:
    with writing(site.database) as connection:
        return burn_activation_code(connection, code.id, clock.now)


def refused(site: Site, clock: MovableClock, code: str, ssin: str = HANNE.ssin) -> Refusal:
    with pytest.raises(Forbidden) as refusal:
        check(site, clock, code, ssin)
    return refusal.value


def wrong_tries(site: Site) -> list[int]:
    with reading(site.database) as connection:
        return list(connection.execute(select(activation_codes.c.wrong_tries)).scalars())


def events(site: Site) -> list[tuple[str, str | None]]:
    with reading(site.database) as connection:
        rows = connection.execute(select(audit_events).order_by(audit_events.c.id)).all()
    return [(row.event, orjson.loads(row.details).get("reason")) for row in rows]


def test_code_and_number_together_are_accepted(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock)
    found = check(site, clock, code.lower().replace("-", " "), "03.41.01-001.28")
    assert found.person_id == person(site, clock).id
    assert found.expires_at == clock.now + site.settings.activation_lifetime
    assert wrong_tries(site) == [0]
    assert events(site) == [("activation.issued", None)]


def test_only_the_hash_is_stored(site: Site, clock: MovableClock) -> None:
    code = read_code(issue(site, clock))
    assert code is not None
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(activation_codes)).all())
        dump += repr(connection.execute(select(audit_events)).all())
    assert code not in dump
    assert HANNE.ssin not in dump


def test_every_wrong_pair_gets_the_same_answer(site: Site, clock: MovableClock) -> None:
    used = issue(site, clock, ELODIE)
    burn(site, clock, check(site, clock, used, OTHERS_SSIN))
    code = issue(site, clock)
    answers = [
        refused(site, clock, code, OTHERS_SSIN),
        refused(site, clock, code, "not a number"),
        refused(site, clock, code, "05520900401"),
        refused(site, clock, "01ABC-DEFGH-JKMNPQ"),
        refused(site, clock, "garbage"),
        refused(site, clock, ""),
        refused(site, clock, used, OTHERS_SSIN),
    ]
    clock.advance(days=14)
    answers.append(refused(site, clock, code))
    assert len({(answer.error, answer.description) for answer in answers}) == 1
    assert not any(HANNE.ssin in answer.detail or code in answer.detail for answer in answers)


def test_wrong_numbers_count_and_the_fifth_ends_the_code(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock)
    for tries in range(1, 6):
        refused(site, clock, code, OTHERS_SSIN)
        assert wrong_tries(site) == [tries]
    refused(site, clock, code)
    assert wrong_tries(site) == [5]
    assert events(site)[1:] == [
        ("activation.refused", "the national number is not this person's"),
    ] * 5 + [("activation.refused", "too many wrong tries")]


def test_four_wrong_numbers_leave_one_try(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock)
    for _ in range(4):
        refused(site, clock, code, OTHERS_SSIN)
    assert check(site, clock, code).person_id == person(site, clock).id


def test_wrong_numbers_count_against_that_code_alone(site: Site, clock: MovableClock) -> None:
    code, others = issue(site, clock), issue(site, clock, ELODIE)
    for _ in range(5):
        refused(site, clock, code, OTHERS_SSIN)
    holder = person(site, clock, ELODIE)
    assert check(site, clock, others, OTHERS_SSIN).person_id == holder.id


def test_a_code_that_nobody_was_given_writes_nothing(site: Site, clock: MovableClock) -> None:
    issue(site, clock)
    before = events(site)
    refused(site, clock, "01ABC-DEFGH-JKMNPQ")
    refused(site, clock, "garbage")
    assert wrong_tries(site) == [0]
    assert events(site) == before


def test_no_more_than_five_numbers_are_compared_however_many_come_at_once(
    site: Site, clock: MovableClock
) -> None:
    code = issue(site, clock)
    answers = at_once(lambda: check(site, clock, code, OTHERS_SSIN), threads=12)
    assert all(isinstance(answer, Forbidden) for answer in answers)
    assert wrong_tries(site) == [5]
    compared = [reason for _, reason in events(site) if reason and "this person" in reason]
    assert len(compared) == 5


def test_a_code_is_valid_for_14_days_to_the_second(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock)
    clock.advance(days=14, seconds=-1)
    found = check(site, clock, code)
    clock.advance(seconds=1)
    refused(site, clock, code)
    with pytest.raises(Forbidden):
        burn(site, clock, found)


def test_a_code_is_burnt_once(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock)
    found = check(site, clock, code)
    assert check(site, clock, code) == found, "checking does not burn"
    assert burn(site, clock, found) == found
    with pytest.raises(Forbidden):
        burn(site, clock, found)
    refused(site, clock, code)


def test_a_code_burnt_twice_at_once_is_burnt_by_one(site: Site, clock: MovableClock) -> None:
    found = check(site, clock, issue(site, clock))
    answers = at_once(lambda: burn(site, clock, found))
    assert answers.count(found) == 1
    assert sum(isinstance(answer, Forbidden) for answer in answers) == len(answers) - 1


def test_a_burn_that_is_rolled_back_leaves_the_code_usable(site: Site, clock: MovableClock) -> None:
    found = check(site, clock, issue(site, clock))

    def burn_and_crash() -> None:
        with writing(site.database) as connection:
            burn_activation_code(connection, found.id, clock.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        burn_and_crash()
    assert burn(site, clock, found) == found


def test_a_code_that_does_not_exist_is_not_burnt(site: Site, clock: MovableClock) -> None:
    with pytest.raises(Forbidden), writing(site.database) as connection:
        burn_activation_code(connection, uuid4(), clock.now)


def test_a_new_code_withdraws_the_earlier_one(site: Site, clock: MovableClock) -> None:
    earlier = issue(site, clock)
    found = check(site, clock, earlier)
    later = issue(site, clock)
    refused(site, clock, earlier)
    with pytest.raises(Forbidden):
        burn(site, clock, found)
    assert check(site, clock, later).person_id == found.person_id


def test_codes_issued_at_once_leave_one_valid(site: Site, clock: MovableClock) -> None:
    person(site, clock)
    codes = [str(code) for code in at_once(lambda: issue(site, clock))]
    valid = 0
    for code in codes:
        try:
            check(site, clock, code)
            valid += 1
        except Forbidden:
            continue
    assert valid == 1


def test_the_number_that_was_replaced_opens_too(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock, RENUMBERED)
    assert check(site, clock, code, HANNE.ssin) == check(site, clock, code, RENUMBERED.ssin)


def test_a_deceased_person_gets_no_code(site: Site, clock: MovableClock) -> None:
    with pytest.raises(Forbidden) as refusal:
        issue(site, clock, replace(HANNE, deceased=True))
    assert refusal.value.error == "person_deceased"
    with reading(site.database) as connection:
        assert connection.execute(select(activation_codes)).first() is None


def test_a_person_who_died_since_uses_no_code(site: Site, clock: MovableClock) -> None:
    code = issue(site, clock)
    found = check(site, clock, code)
    person(site, clock, replace(HANNE, deceased=True))
    refused(site, clock, code)
    with pytest.raises(Forbidden):
        burn(site, clock, found)
