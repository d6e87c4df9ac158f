"""What might be tried once more, now that two must agree and tools may act: closed doors again.

Decisions 2.9 (confirmed for one act on one target), 3.3 (who else agrees, and to what).
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from threading import Lock
from uuid import UUID

import pytest
from httpx2 import Response
from starlette.applications import Starlette

from authn.console.looks import WITHIN, count_looks
from authn.console.merging import MERGE_STEPS
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.enrolment.activation.lifecycle import check_activation_code
from authn.errors import CommandError, Forbidden
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.foreign_identities import keep_unmatched_identity, list_waiting_identities
from authn.people.merge import merge_persons
from authn.people.persons import find_or_create_person
from authn.people.tables import Person
from authn.profiles.appointments import appoint, dismiss
from authn.settings import Settings, load_settings
from authn.settings.desk import BUILT_IN_REASON_CODES
from authn.staff.reasons import REASONS, is_fraud
from authn.web.site import Site
from tests import patience
from tests.citizen import HANNE, KARIM, SSIN
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.console.acting import act_path, approve, asked, every_approval, rows, statuses
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_api import ANOTHER
from tests.console.test_registration import (
    HOME,
    ask,
    checked,
    desk_code,
    letter,
    printed,
    printed_again,
    ticket_in,
)
from tests.console.test_registration_identities import (
    CLAIMS,
    path,
    proposed,
    upstream,
    whose,
)
from tests.devices.test_devices import add
from tests.federation.journey import enrol
from tests.loss import proof
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.patience import meanwhile
from tests.screens import another_screen, answered, ceremony
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("register")


def waits(site: Site, sub: str) -> UUID:
    """A foreign identity of this `sub` that waits."""
    with writing(site.database) as connection:
        before = {each.id for each in list_waiting_identities(connection, site.secrets)}
        keep_unmatched_identity(
            job(site, connection), upstream(), UpstreamAnswer({"sub": sub}, CLAIMS)
        )
        after = {each.id for each in list_waiting_identities(connection, site.secrets)}
    (one,) = after - before
    return one


# What was approved is what is done


def test_an_approval_for_one_identity_is_neither_used_nor_spent_by_another(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    clock: MovableClock,
) -> None:
    one, other = waits(site, "one"), waits(site, "other")
    person = citizen.person
    proposed(registrar, site, one)
    for each in (one, other):
        registrar.get(path(person, each))
        assert registrar.act(path(person, each)).status_code == 200
        clock.advance(seconds=1)
    for approval in every_approval(site):  # the newest is the other one's
        assert approve(supervisor, approval.id).status_code == 200
        clock.advance(seconds=1)
    assert registrar.act(path(person, one)).status_code == 200
    assert (whose(site, one), whose(site, other)) == (person.id, None)
    by_identity = {each.payload["identity_id"]: each.state for each in every_approval(site)}
    assert by_identity == {str(one): "used", str(other): "approved"}


def test_an_approval_of_a_code_that_ended_leaves_that_of_the_next_one(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    clock: MovableClock,
) -> None:
    person, codes = citizen.person, []
    for _ in range(2):
        checked(registrar, site)
        codes.append(desk_code(site, person).id)
        assert ask(registrar, site, person, way="second", code_id=codes[-1]).status_code == 200
        clock.advance(seconds=1)
    for approval in reversed(every_approval(site)):  # what ended is agreed to last
        assert approve(supervisor, approval.id).status_code == 200
        clock.advance(seconds=1)
    assert len(printed(registrar, person, printed_again(registrar, site, person))) == 2
    (row,) = rows(site, "registration.code-printed")
    assert row["desk_code"] == str(codes[1])


# A first code


def test_a_first_code_that_was_asked_for_is_printed_while_the_citizen_is_there(
    site: Site, registrar: DeskScreen, clock: MovableClock, settings: Settings
) -> None:
    person = checked(registrar, site)
    assert ask(registrar, site, person).status_code == 200
    clock.advance(seconds=settings.desk_approval_lifetime.total_seconds() + 1)
    registrar.screen.sign_in()
    registrar.open()
    registrar.give_reason(person.id, reason="came-to-desk")
    answer = printed_again(registrar, site, person)
    assert letter(registrar, person, ticket_in(answer)).status_code == 403
    assert not rows(site, "registration.code-printed")


@pytest.mark.parametrize("way", ["wait", "second"])
def test_nobody_alone_makes_themselves_a_key_of_who_works_at_another_desk(
    site: Site, registrar: DeskScreen, make_staff: MakeStaff, way: str
) -> None:
    """A device of theirs opens the desk: a day of waiting is no second member of staff."""
    boss = make_staff("supervisor", desk="Namur", citizen=HANNE)
    confirm_for(site, boss.person)
    person = checked(registrar, site)
    assert 'value="wait"' not in registrar.get(f"{HOME}/{person.id}").text
    assert ask(registrar, site, person, way=way).status_code == 200
    assert desk_code(site, person).state == "asked"
    assert [each.state for each in every_approval(site)] == ["waiting"]


def test_nor_a_first_key_or_a_match(site: Site, registrar: DeskScreen) -> None:
    identity = waits(site, "one")
    person = checked(registrar, site)
    with writing(site.database) as connection:
        appoint(connection, site.secrets, person.id, "operator", "Brussels", site.clock())
    assert ask(registrar, site, person).status_code == 200
    assert desk_code(site, person).state == "asked"
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) is None
    assert {each.act for each in every_approval(site)} == {"issue-code", "match-identity"}


def usable(site: Site, code: str) -> bool:
    """Whether somebody who has this code of Hanne's can begin with it."""
    with writing(site.database) as connection:
        try:
            check_activation_code(connection, site.secrets, code, SSIN, site.clock(), "-")
        except Forbidden:
            return False
    return True


def test_a_first_code_that_is_kept_back_is_none_once_its_person_has_a_key_otherwise(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    """With a device there, two would have to agree: one alone issued it."""
    person = checked(registrar, site)
    code, _ = printed(registrar, person, ask(registrar, site, person))
    assert usable(site, code)
    screen = another_screen(app)
    assert enrol(screen, proof(site, screen, person, "enrol")).status_code == 200
    assert not usable(site, code)


def test_nor_once_they_work_at_the_desk(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    code, _ = printed(registrar, person, ask(registrar, site, person))
    words = ("staff", "appoint", "agent", "--desk", "Namur", "--person", str(person.id))
    assert run_command(site.settings, *words).returncode == 0
    assert not usable(site, code)


# Two who are one


@pytest.fixture
def both(site: Site) -> tuple[Person, Person]:
    """Karim, who has a device, turns out to be Hanne, who never had one."""
    with writing(site.database) as connection:
        now = site.clock()
        karim = find_or_create_person(connection, site.secrets, KARIM, now)
        hanne = find_or_create_person(connection, site.secrets, HANNE, now)
    add(site, karim, 1, "Phone of Karim")
    return karim, hanne


def merge(site: Site, both: tuple[Person, Person]) -> None:
    merged, kept = both
    with writing(site.database) as connection:
        merge_persons(job(site, connection), merged.id, kept.id, MERGE_STEPS.values())


def test_a_first_code_that_one_alone_issued_does_not_open_what_is_joined_to_it(
    site: Site, registrar: DeskScreen, both: tuple[Person, Person]
) -> None:
    person = checked(registrar, site)
    code, _ = printed(registrar, person, ask(registrar, site, person))
    merge(site, both)
    with writing(site.database) as connection, pytest.raises(Forbidden):
        check_activation_code(connection, site.secrets, code, SSIN, site.clock(), "-")


def test_a_code_that_two_agreed_to_outlives_it(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, both: tuple[Person, Person]
) -> None:
    _, hanne = both
    add(site, hanne, 2, "Phone of Hanne")
    person = checked(registrar, site)
    assert ask(registrar, site, person, way="second").status_code == 200
    (waiting,) = every_approval(site)
    assert approve(supervisor, waiting.id).status_code == 200
    code, _ = printed(registrar, person, printed_again(registrar, site, person))
    merge(site, both)
    with writing(site.database) as connection:
        found = check_activation_code(connection, site.secrets, code, SSIN, site.clock(), "-")
    assert found.person_id == hanne.id


def test_nobodys_devices_come_to_open_the_desk_by_being_joined_to_who_works_there(
    site: Site, both: tuple[Person, Person]
) -> None:
    _, kept = both
    with writing(site.database) as connection:
        appoint(connection, site.secrets, kept.id, "supervisor", "Ghent", site.clock())
    with pytest.raises(CommandError, match="member of staff"):
        merge(site, both)
    with reading(site.database) as connection:
        assert [each.name for each in list_devices(connection, kept.id)] == []


def test_who_would_be_joined_to_another_is_not_shown_that_it_waits(
    site: Site, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    asking = make_staff("supervisor")
    concerned = make_staff("supervisor", desk="Namur", citizen=ANOTHER)
    asking.give_reason(citizen.person.id)
    answer = asking.act(f"/desk/people/{citizen.person.id}/merge/{concerned.person.id}")
    if answer.status_code != 200:
        pytest.skip(answer.text)
    waits_for = asked(answer)
    assert str(waits_for) not in concerned.get("/desk/approvals").text
    assert not [
        each for each in rows(site, "approval.seen") if each["actor_id"] == concerned.person.id
    ]


def test_a_number_that_is_tried_at_the_page_of_a_merger_is_a_search_like_any_other(
    site: Site, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    supervisor = make_staff("supervisor")
    supervisor.give_reason(citizen.person.id)
    page = f"/desk/people/{citizen.person.id}/merge"
    for typed in (KARIM.ssin, "garbage"):  # nobody has an account by it
        assert "Other" not in supervisor.post_form(page, number=typed).text
    (row,) = rows(site, "desk.searched")
    assert (row["person_id"], row["found"], row["kind"]) == (None, 0, "number")
    assert KARIM.ssin not in str(row)
    with reading(site.database) as connection:
        since = site.clock() - WITHIN
        assert count_looks(connection, supervisor.person.id, since) == 2


def test_who_is_to_be_joined_by_a_tool_is_looked_at_and_on_record_as_well(
    site: Site, make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome
) -> None:
    tool = make_tool(make_staff("supervisor"))
    with writing(site.database) as connection:
        karim = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    details = tool.asked_for("merge", citizen.person.id, merged=str(karim.id))
    looks = {row["person_id"] for row in rows(site, "desk.reason-given")}
    assert looks == {citizen.person.id, karim.id}
    page = tool.made.get(tool.page_to_confirm(details).headers["location"]).text
    assert citizen.person.family_name in page
    assert karim.family_name in page


# Two at once


def test_two_registrars_who_look_each_other_up_are_both_answered(
    site: Site, make_staff: MakeStaff
) -> None:
    one = make_staff("registrar", citizen=HANNE)
    other = make_staff("registrar", citizen=KARIM)
    pairs = cycle([(one, KARIM.ssin), (other, HANNE.ssin)])
    lock = Lock()

    def search() -> Response:
        with lock:
            made, ssin = next(pairs)
        return made.post_form(f"{HOME}/find", ssin=ssin)

    for _ in range(12):
        assert [each.status_code for each in at_once(search, 2)] == [303, 303]  # type: ignore[union-attr]


def test_an_approval_and_the_dismissal_of_who_asked_come_one_after_the_other(
    site: Site, make_staff: MakeStaff, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    """Who asked is being dismissed: the approval waits for that, and then it is too late."""
    boss = make_staff("supervisor", desk="Namur")
    first, second = citizen.devices
    agent.give_reason(citizen.person.id)
    assert agent.act(act_path(citizen.person, first, "unlink")).status_code == 200
    waits_for = asked(agent.act(act_path(citizen.person, second, "unlink")))
    approving = f"/desk/approvals/{waits_for}/approve"
    content = answered(boss.screen, ceremony(boss.screen, f"{approving}/options"))
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:
            assert dismiss(connection, site.secrets, agent.person.id, "agent", site.clock())
            running = pool.submit(boss.post_json, approving, content)
            meanwhile()
        answer = running.result(timeout=patience.SECONDS)
    assert answer.status_code == 403
    assert statuses(site, citizen.person)[second] == "active"


# Words that somebody wrote


@pytest.mark.parametrize("remark", ["no\x00thing", "safe\u202egnihton", "a\u2028b"])
def test_a_remark_is_text_that_is_seen(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    remark: str,
) -> None:
    person = checked(registrar, site)
    assert ask(registrar, site, person, way="second").status_code == 200
    (waiting,) = every_approval(site)
    answer = supervisor.post_form(f"/desk/approvals/{waiting.id}/refuse", remark=remark)
    assert answer.status_code in (400, 422)
    assert [each.state for each in every_approval(site)] == ["waiting"]


def test_a_remark_is_one_line_wherever_it_was_written(
    site: Site,
    registrar: DeskScreen,
    make_staff: MakeStaff,
    make_tool: MakeTool,
    citizen: CitizenAtHome,
) -> None:
    person = checked(registrar, site)
    assert ask(registrar, site, person, way="second").status_code == 200
    (waiting,) = every_approval(site)
    tool = make_tool(make_staff("supervisor"))
    answer = tool.call("refuse", waiting.id, remark="no\n0000  issue-code  approved")
    assert answer.status_code == 200
    assert [each.remark for each in every_approval(site)] == ["no 0000 issue-code approved"]


# Fraud


@pytest.mark.one_engine
def test_a_reason_of_fraud_that_is_none_of_the_list_is_not_accepted() -> None:
    assert REASONS.keys() == BUILT_IN_REASON_CODES
    with pytest.raises(CommandError, match="DESK_FRAUD_REASONS"):
        load_settings(desk_fraud_reasons="copied_key")


@pytest.mark.one_engine
def test_what_was_blocked_for_fraud_stays_so_when_the_list_of_reasons_changes(
    settings: Settings,
) -> None:
    own = {"stolen": {"en": "Stolen"}, "lost": {"en": "Lost"}}
    changed = settings.model_copy(
        update={"desk_reasons": own, "desk_fraud_reasons": frozenset({"stolen"})}
    )
    assert is_fraud(changed, "copied-key"), "blocked by the list before"
    assert is_fraud(changed, "stolen")
    assert not is_fraud(changed, "lost")
    narrowed = settings.model_copy(update={"desk_fraud_reasons": frozenset({"misuse"})})
    assert not is_fraud(narrowed, "copied-key"), "the operator's word about our list"
