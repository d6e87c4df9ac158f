"""The life of a device: every step of the table and none besides; who may resume what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import get_args
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from authn.db.occasion import Job
from authn.db.transaction import reading, writing
from authn.devices import life
from authn.devices.devices import find_held_device
from authn.devices.dormancy import make_dormant
from authn.devices.tables import Device, Status, devices, installations
from authn.devices.transitions import TRANSITIONS, Actor, State, current_status
from authn.errors import Forbidden
from authn.people.tables import Person
from authn.web.site import Site
from tests.citizen import activation_code
from tests.conftest import MovableClock
from tests.devices.test_devices import active, add
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import events
from tests.together import at_once

pytestmark = pytest.mark.thorough

ACTORS: tuple[Actor, ...] = get_args(Actor)
STATUSES: tuple[Status, ...] = get_args(Status)
STATES: tuple[State, ...] = ("invited", *STATUSES)


@pytest.fixture
def person(site: Site) -> Person:
    return activation_code(site)[0]


def as_it_is(site: Site, device: Device) -> Device:
    with reading(site.database) as connection:
        return Device(*connection.execute(select(devices).where(devices.c.id == device.id)).one())


def put(site: Site, device: Device, status: Status) -> Device:
    """The device in this state, as if it had got there long ago."""
    values: dict[str, object] = {"status": status}
    if status == "suspended":
        # With an end that is to come, so that there is something to put off.
        later = site.clock() + timedelta(hours=1)
        values |= {"suspended_why": "holder", "suspended_at": site.clock()}
        values |= {"suspended_until": later}
    elif status == "dormant":
        values |= {"suspended_at": site.clock()}
    elif status == "unlinked":
        values |= {"unlinked_at": site.clock(), "credential_id": None, "public_key": None}
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == device.id).values(values))
    return as_it_is(site, device)


def installed(site: Site, device: Device) -> UUID:
    """An installation of this device."""
    row = {
        "id": UUID(int=device.id.int ^ 1),
        "device_id": device.id,
        "cookie_hash": "x" * 43,
        "browser": "Firefox",
        "system": "Linux",
        "first_seen": site.clock(),
        "last_seen": site.clock(),
    }
    with writing(site.database) as connection:
        connection.execute(insert(installations).values(row))
    return row["id"]  # type: ignore[return-value]


def ended(site: Site, device: Device) -> bool:
    """Whether nothing of the device is open any more."""
    with reading(site.database) as connection:
        statement = select(installations.c.ended_at).where(installations.c.device_id == device.id)
        return None not in connection.execute(statement).scalars().all()


def ask(site: Site, device: Device, after: State, by: Actor, other: Device) -> None:
    """The step is asked for by this actor; raises `Forbidden`, and leaves it so, if refused."""
    with writing(site.database) as connection:
        occasion = job(site, connection)
        if after == "active":
            life.resume(occasion, device, by, other)
        elif after == "suspended":
            until = site.clock() + timedelta(days=1) if device.status == "suspended" else None
            if not life.suspend(occasion, device, by, "holder", until):
                raise Forbidden("nothing", "")
        elif after == "unlinked":
            life.unlink(occasion, device, by)
        else:
            raise AssertionError(after)


STEPS = [
    (before, after, by)
    for before, after, by in product(STATUSES, ("active", "suspended", "unlinked"), ACTORS)
]


@pytest.mark.parametrize(("before", "after", "by"), STEPS)
def test_the_table_and_nothing_else_is_possible(
    site: Site, person: Person, before: Status, after: State, by: Actor
) -> None:
    """The whole product of states, states and actors, each tried on a device of its own."""
    other, device = add(site, person, 1), put(site, add(site, person, 2), before)
    installed(site, device)
    if (before, after, by) == ("suspended", "active", "system"):
        # This service by itself ends a suspension only once it is over.
        site.clock.advance(minutes=61)  # type: ignore[attr-defined]
    row_before, events_before = as_it_is(site, device), len(events(site))
    if by in TRANSITIONS.get((before, after), frozenset()):
        ask(site, device, after, by, other)
        assert as_it_is(site, device).status == after
        assert len(events(site)) == events_before + 1
        if before == "active":
            assert ended(site, device)
        return
    with pytest.raises(Forbidden):
        ask(site, device, after, by, other)
    assert as_it_is(site, device) == row_before
    assert not ended(site, device)
    if (before, after) != ("suspended", "suspended"):  # already so: neither done nor refused
        assert events(site)[-1] == ("device.act-refused", f"is {before}")


def test_only_disuse_makes_dormant_and_nothing_becomes_invited() -> None:
    assert {step: by for step, by in TRANSITIONS.items() if "dormant" in step[1:]} == {
        ("active", "dormant"): {"system"}
    }
    assert not any(after == "invited" for _, after in TRANSITIONS)
    assert {after for before, after in TRANSITIONS if before == "invited"} == {"active"}
    assert not any(before == "unlinked" for before, _ in TRANSITIONS)
    for before, after in TRANSITIONS:
        assert before in STATES
        assert after in STATES


@pytest.mark.parametrize("before", ["suspended", "dormant", "unlinked"])
def test_what_is_not_active_does_not_become_dormant(
    site: Site, person: Person, before: Status, clock: MovableClock
) -> None:
    device = put(site, add(site, person, 1), before)
    with writing(site.database) as connection:
        connection.execute(update(devices).values(dormancy_told_at=clock()))
    clock.advance(days=1000)
    with writing(site.database) as connection:
        assert make_dormant(job(site, connection), [device.id]) == 0
    assert as_it_is(site, device).status == before


def test_an_unlinked_device_has_no_key_and_what_was_open_with_it_has_ended(
    site: Site, person: Person
) -> None:
    _, device = add(site, person, 1), add(site, person, 2, "Old phone")
    installed(site, device)
    with writing(site.database) as connection:
        before = life.unlink(job(site, connection), device, "holder")
    assert before == device
    row = as_it_is(site, device)
    assert (row.name, row.status, row.unlinked_at) == ("Old phone", "unlinked", site.clock())
    assert (row.credential_id, row.public_key) == (None, None)
    assert ended(site, device)
    with reading(site.database) as connection:
        assert find_held_device(connection, b"2") is None


@pytest.mark.parametrize("act", ["suspend", "unlink"])
def test_a_holder_keeps_a_device_that_works(site: Site, person: Person, act: str) -> None:
    device = add(site, person, 1)
    put(site, add(site, person, 2), "suspended")
    with writing(site.database) as connection, pytest.raises(Forbidden) as refusal:
        if act == "suspend":
            life.suspend(job(site, connection), device, "holder", "holder")
        else:
            life.unlink(job(site, connection), device, "holder")
    assert refusal.value.error == "last_device"
    assert as_it_is(site, device) == device
    assert events(site)[-1] == ("device.act-refused", "last device")


@pytest.mark.parametrize("by", ["door", "notice", "return", "desk", "system"])
def test_others_may_suspend_the_last_device(site: Site, person: Person, by: Actor) -> None:
    """The emergency door suspends all; a copied key is suspended, whatever else there is."""
    device = add(site, person, 1)
    with writing(site.database) as connection:
        assert life.suspend(job(site, connection), device, by, "emergency")
    assert active(site) == 0


def suspended(site: Site, device: Device, **values: object) -> Device:
    row = {"status": "suspended", "suspended_at": site.clock(), **values}
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == device.id).values(row))
    return as_it_is(site, device)


@pytest.mark.parametrize(
    ("why", "how", "later", "may"),
    [
        ("holder", "here", False, True),
        ("notice", "here", False, True),
        ("counter", "here", False, False),
        ("counter", "upstream", True, False),
        ("emergency", "here", False, False),
        ("emergency", "here", True, False),
        ("emergency", "invitation", True, False),
        ("emergency", "upstream", False, False),
        ("emergency", "upstream", True, True),
        ("emergency", "activation", True, True),
        ("return", "activation", True, True),
        ("return", "activation", False, False),
        ("desk", "here", True, False),
        ("desk", "activation", True, True),
    ],
)
def test_which_device_allows_which_again(
    site: Site, person: Person, clock: MovableClock, why: str, how: str, later: bool, may: bool
) -> None:
    device, other = add(site, person, 1), add(site, person, 2)
    clock.advance(days=1)
    device = suspended(site, device, suspended_why=why)
    if later:
        clock.advance(days=1)
    with writing(site.database) as connection:
        values = {"added_how": how}
        if later:
            values["added_at"] = clock()  # type: ignore[assignment]
        connection.execute(update(devices).where(devices.c.id == other.id).values(values))
    other = as_it_is(site, other)
    with writing(site.database) as connection:
        if may:
            life.resume(job(site, connection), device, "holder", other)
        else:
            with pytest.raises(Forbidden):
                life.resume(job(site, connection), device, "holder", other)
    assert (as_it_is(site, device).status == "active") is may


def test_a_device_does_not_allow_itself_nor_does_another_person(site: Site, person: Person) -> None:
    one, other = add(site, person, 1), add(site, person, 2)
    device = suspended(site, one, suspended_why="holder")
    stranger = replace(other, person_id=UUID(int=7))
    blocked = replace(other, status="suspended")
    for confirmed_by in (replace(device, status="active"), stranger, blocked, None):
        with writing(site.database) as connection, pytest.raises(Forbidden):
            life.resume(job(site, connection), device, "holder", confirmed_by)
    assert as_it_is(site, device) == device


def test_a_resumed_device_forgets_why_but_nothing_of_it_comes_back(
    site: Site, person: Person
) -> None:
    other, device = add(site, person, 1), add(site, person, 2)
    installed(site, device)
    with writing(site.database) as connection:
        assert life.suspend(job(site, connection), device, "holder", "holder")
        assert not life.suspend(job(site, connection), device, "holder", "holder")
        life.resume(job(site, connection), device, "holder", other)
    row = as_it_is(site, device)
    assert (row.status, row.suspended_at, row.suspended_why) == ("active", None, None)
    assert row.resumed_at == site.clock()
    assert ended(site, device)


# Suspensions with an end


def test_a_suspension_is_put_off_but_never_shortened(
    site: Site, person: Person, clock: MovableClock
) -> None:
    """A second mail must not end what an upstream identity has confirmed."""

    def suspend(until: datetime | None) -> bool:
        with writing(site.database) as connection:
            return life.suspend(job(site, connection), device, "door", "emergency", until)

    device = add(site, person, 1)
    day = timedelta(days=1)
    assert suspend(clock() + day)
    assert not suspend(clock() + day)
    assert not suspend(clock() + day / 2)
    assert suspend(clock() + 2 * day)
    assert as_it_is(site, device).suspended_until == clock() + 2 * day
    assert suspend(None)
    assert not suspend(clock() + 3 * day)
    assert as_it_is(site, device).suspended_until is None


def test_a_suspension_that_is_over_counts_as_active(
    site: Site, person: Person, clock: MovableClock
) -> None:
    device = add(site, person, 1)
    with writing(site.database) as connection:
        until = clock() + timedelta(days=1)
        life.suspend(job(site, connection), device, "door", "emergency", until)
    clock.advance(days=1)
    device = as_it_is(site, device)
    assert (device.status, current_status(device, clock())) == ("suspended", "active")
    with writing(site.database) as connection:
        resumed = life.resume_if_elapsed(job(site, connection), device)
    assert resumed == as_it_is(site, device)
    assert resumed.status == "active"
    with writing(site.database) as connection:
        assert life.resume_if_elapsed(job(site, connection), device).status == "active"
    assert [event for event, _ in events(site)].count("device.resumed") == 1


def test_what_is_suspended_again_before_its_end_is_noticed_stays_suspended(
    site: Site, person: Person, clock: MovableClock
) -> None:
    add(site, person, 1)
    device = add(site, person, 2)
    with writing(site.database) as connection:
        life.suspend(job(site, connection), device, "door", "emergency", clock())
        assert life.suspend(job(site, connection), device, "holder", "holder")
    row = as_it_is(site, device)
    assert (row.status, row.suspended_why, row.suspended_until) == ("suspended", "holder", None)


def test_an_earlier_look_does_not_end_a_later_suspension(
    site: Site, person: Person, clock: MovableClock
) -> None:
    device = add(site, person, 1)
    with writing(site.database) as connection:
        life.suspend(job(site, connection), device, "door", "emergency", clock())
        seen = as_it_is_in(connection, device)
        life.suspend(job(site, connection), device, "system", "counter")
        assert life.resume_if_elapsed(job(site, connection), seen).status == "suspended"
    assert as_it_is(site, device).suspended_why == "counter"


def as_it_is_in(connection: object, device: Device) -> Device:
    statement = select(devices).where(devices.c.id == device.id)
    return Device(*connection.execute(statement).one())  # type: ignore[attr-defined]


# All at once, and two at once


def test_all_but_one_are_suspended(site: Site, person: Person) -> None:
    kept, *others = [add(site, person, number) for number in range(4)]
    put(site, others[0], "dormant")
    with writing(site.database) as connection:
        done = life.suspend_all(job(site, connection), person.id, "holder", "holder", but=kept.id)
    assert {each.id for each in done} == {others[1].id, others[2].id}
    assert [as_it_is(site, each).status for each in (kept, *others)] == [
        "active",
        "dormant",
        "suspended",
        "suspended",
    ]


def test_a_holder_does_not_suspend_all(site: Site, person: Person) -> None:
    one, other = add(site, person, 1), add(site, person, 2)
    put(site, other, "suspended")
    for but in (None, other.id, UUID(int=1)):
        with writing(site.database) as connection, pytest.raises(Forbidden):
            life.suspend_all(job(site, connection), person.id, "holder", "holder", but=but)
    assert as_it_is(site, one).status == "active"


def test_the_emergency_door_suspends_all(site: Site, person: Person) -> None:
    for number in range(3):
        add(site, person, number)
    with writing(site.database) as connection:
        done = life.suspend_all(job(site, connection), person.id, "door", "emergency")
    assert (len(done), active(site)) == (3, 0)


def test_two_that_each_block_the_other_leave_one(site: Site, person: Person) -> None:
    both = [add(site, person, 1).id, add(site, person, 2).id]

    def block_others() -> list[Device]:
        with writing(site.database) as connection:
            return life.suspend_all(
                job(site, connection), person.id, "holder", "holder", but=both.pop()
            )

    results = at_once(block_others, threads=2)
    assert sum(isinstance(each, Forbidden) for each in results) == 1
    assert active(site) == 1


def test_of_many_that_suspend_it_one_does(site: Site, person: Person) -> None:
    device, _ = add(site, person, 1), add(site, person, 2)

    def suspend() -> bool:
        with writing(site.database) as connection:
            return life.suspend(job(site, connection), device, "holder", "holder")

    assert sum(each is True for each in at_once(suspend)) == 1
    assert [event for event, _ in events(site)].count("device.suspended") == 1


def test_of_many_that_resume_it_one_does(site: Site, person: Person) -> None:
    other, device = add(site, person, 1), put(site, add(site, person, 2), "suspended")

    def resume() -> bool:
        with writing(site.database) as connection:
            life.resume(job(site, connection), device, "holder", other)
            return True

    assert sum(each is True for each in at_once(resume)) == 1
    assert [event for event, _ in events(site)].count("device.resumed") == 1


def test_suspending_and_resuming_at_once_end_in_one_of_the_two(site: Site, person: Person) -> None:
    other, device = add(site, person, 1), add(site, person, 2)
    acts = [True, False] * 4

    def act() -> bool:
        suspending = acts.pop()
        with writing(site.database) as connection:
            if suspending:
                return life.suspend(job(site, connection), device, "holder", "holder")
            life.resume(job(site, connection), device, "holder", other)
            return True

    at_once(act)
    found = [event for event, _ in events(site)]
    suspensions, resumptions = found.count("device.suspended"), found.count("device.resumed")
    row = as_it_is(site, device)
    assert suspensions - resumptions == (1 if row.status == "suspended" else 0)
    assert (row.suspended_why is None) == (row.status == "active")


# Its holder is told


def test_each_act_is_told_once_and_many_at_once_as_one(
    site: Site, register: None, person: Person, clock: MovableClock
) -> None:
    confirm_for(site, person, "hanne@example.org")
    kept, one, other, last = (add(site, person, number) for number in range(4))
    count = len(mails(site))

    def told(act: Callable[[Job], object]) -> int:
        nonlocal count
        with writing(site.database) as connection:
            act(job(site, connection))
        before, count = count, len(mails(site))
        return count - before

    assert told(lambda occasion: life.suspend(occasion, one, "holder", "holder")) == 1
    assert told(lambda occasion: life.suspend(occasion, one, "holder", "holder")) == 0
    assert told(lambda occasion: life.resume(occasion, one, "holder", kept)) == 1
    assert told(lambda occasion: life.suspend(occasion, last, "system", "counter")) == 1
    assert told(lambda occasion: life.unlink(occasion, last, "holder")) == 1
    all_others: Callable[[Job], object] = lambda occasion: life.suspend_all(  # noqa: E731
        occasion, person.id, "holder", "holder", but=kept.id
    )
    assert told(all_others) == 1
    assert told(all_others) == 0
    # The emergency door tells of itself.
    assert told(lambda occasion: life.suspend(occasion, kept, "door", "emergency")) == 0
    assert as_it_is(site, other).status == "suspended"


def test_a_refused_act_tells_nobody(site: Site, register: None, person: Person) -> None:
    confirm_for(site, person, "hanne@example.org")
    device = add(site, person, 1)
    count = len(mails(site))
    with writing(site.database) as connection, pytest.raises(Forbidden):
        life.unlink(job(site, connection), device, "holder")
    assert len(mails(site)) == count
