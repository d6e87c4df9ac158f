"""The registration desk: an identity checked, a code in two halves, a letter printed once.

Decisions 2.11 (both halves for level high), 3.3 (a second member of staff or a day of waiting; the
mail half to an address confirmed earlier; the registrar is not the agent who began the return).
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from sqlalchemy import func, select
from starlette.applications import Starlette

from authn.audit.events.registration import CitizenSearched
from authn.audit.log import audit_events
from authn.console.looks import count_looks
from authn.console.registration import print_code_at_desk
from authn.console.tables import approvals
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices_and_removed
from authn.enrolment.activation.codes import activation_codes
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.enrolment.desk_code_rows import forget_ended_desk_codes, latest_desk_code
from authn.enrolment.desk_tables import DeskCode, desk_codes
from authn.enrolment.returning import BY_DESK, begin_account_recovery
from authn.errors import NotFound
from authn.notices.contact_addresses import (
    add_address,
    find_address,
    list_contact_addresses,
    remove_address,
)
from authn.people.persons import find_person_by_ssin
from authn.people.tables import Person, persons
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, SSIN, Screen
from tests.conftest import MovableClock
from tests.console.acting import desk_of, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen, asked_for_reason
from tests.console.pdf import read_pdf
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import another_screen, answered, ceremony
from tests.together import at_once

HOME: Final = "/desk/registration"
CODE: Final = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{6}")
CHECKED: Final = {
    "document": "identity-card",
    "last_digits": "4231",
    "valid_until": "2030-01-31",
    "check-photograph": "1",
    "check-data": "1",
    "check-genuine": "1",
}

pytestmark = pytest.mark.usefixtures("register")


def found(registrar: DeskScreen, site: Site, ssin: str = SSIN) -> Person:
    """The registrar found the citizen, and said why."""
    answer = registrar.post_form(f"{HOME}/find", ssin=ssin)
    assert answer.status_code == 303, answer.text
    with reading(site.database) as connection:
        person = find_person_by_ssin(connection, site.secrets, ssin)
    assert person
    assert answer.headers["location"] == f"{HOME}/{person.id}"
    registrar.give_reason(person.id, reason="came-to-desk")
    return person


def checked(registrar: DeskScreen, site: Site, ssin: str = SSIN) -> Person:
    """… and checked the identity card."""
    person = found(registrar, site, ssin)
    answer = registrar.post_form(f"{HOME}/{person.id}/check", **CHECKED)
    assert answer.status_code == 303, answer.text
    return person


def desk_code(site: Site, person: Person, registrar: DeskScreen | None = None) -> DeskCode:
    """The code that was begun last, by this registrar if one is given."""
    with reading(site.database) as connection:
        latest = latest_desk_code(connection, person.id)
        if registrar:
            own = select(desk_codes).where(desk_codes.c.registrar_id == registrar.person.id)
            return DeskCode(*connection.execute(own).one())
    assert latest
    return latest


def ask(
    registrar: DeskScreen, site: Site, person: Person, half: str = "letter", **more: Any
) -> Response:
    code_id = more.pop("code_id", None) or desk_code(site, person).id
    content = {"desk_code": str(code_id), "second_half": half, **more}
    return registrar.act(f"{HOME}/{person.id}/code", **content)


def ticket_in(answer: Response) -> str:
    assert answer.status_code == 200, answer.text
    (ticket,) = parse_qs(urlsplit(str(answer.json()["location"])).query)["ticket"]
    return ticket


def letter(registrar: DeskScreen, person: Person, ticket: str) -> Response:
    return registrar.post_form(f"{HOME}/{person.id}/letter", ticket=ticket)


def printed(registrar: DeskScreen, person: Person, answer: Response) -> list[str]:
    """The codes on the letter, in the order of its sheets."""
    opened = letter(registrar, person, ticket_in(answer))
    assert opened.status_code == 200, opened.text
    return CODE.findall(read_pdf(opened.content).text)


def printed_again(registrar: DeskScreen, site: Site, person: Person) -> Response:
    content = {"desk_code": str(desk_code(site, person).id)}
    return registrar.act(f"{HOME}/{person.id}/print", **content)


def refusal(answer: Response) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


def a_day_later(registrar: DeskScreen, clock: MovableClock, person: Person) -> None:
    """The registrar is back at the desk, and the citizen too."""
    clock.advance(days=1)
    registrar.screen.sign_in()
    registrar.open()
    registrar.give_reason(person.id, reason="came-to-desk")


def reprinted(registrar: DeskScreen, site: Site, person: Person) -> Response:
    return letter(registrar, person, ticket_in(printed_again(registrar, site, person)))


def address_id(site: Site, person: Person) -> str:
    with reading(site.database) as connection:
        (only,) = list_contact_addresses(connection, site.secrets, person.id, site.clock())
    return str(only.id)


def second_token(screen: Screen, code: str) -> str:
    answer = screen.post_form("/activate/second", second=code)
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["second"][0]


def levels(site: Site, person: Person) -> list[str]:
    with reading(site.database) as connection:
        return [each.identity_level for each in list_devices_and_removed(connection, person.id)]


def enrol_with(screen: Screen, code: str, second: str = "", ssin: str = SSIN) -> Response:
    typed = {"code": code, "ssin": ssin, "second": second}
    answer = screen.post_form("/activate", **typed)
    if answer.status_code != 303:
        return answer
    enrolment = parse_qs(urlsplit(answer.headers["location"]).query)["enrolment"][0]
    options = screen.post_json("/activate/options", {"enrolment": enrolment}).json()
    credential = screen.authenticator.create(options, screen.origin)
    return screen.post_json(
        "/activate/registration",
        {
            "enrolment": enrolment,
            "ceremony": options["ceremony"],
            "credential": credential,
            "client_extension_results": credential["clientExtensionResults"],
        },
    )


# Finding


def test_a_citizen_who_was_never_here_is_found_in_the_register(
    site: Site, registrar: DeskScreen
) -> None:
    answer = registrar.post_form(f"{HOME}/find", ssin="03.41.01-001.28")
    assert answer.status_code == 303
    assert asked_for_reason(registrar.get(answer.headers["location"]))
    (row,) = rows(site, CitizenSearched.name)
    assert (row["actor_id"], str(row["person_id"])) == (
        registrar.person.id,
        answer.headers["location"].rpartition("/")[2],
    )


@pytest.mark.parametrize("typed", ["", "garbage", "00000000000", "9" * 5000, "81050003552", "日本"])
def test_a_number_that_is_none_and_one_that_is_nobodys_get_one_answer(
    site: Site, registrar: DeskScreen, typed: str
) -> None:
    answer = registrar.post_form(f"{HOME}/find", ssin=typed)
    assert answer.status_code == 422
    assert "knows nobody by this number" in answer.text or "niemand met dit nummer" in answer.text
    if typed:
        assert typed not in answer.text


def test_a_search_that_finds_nobody_is_on_record_and_counted(
    site: Site, registrar: DeskScreen
) -> None:
    registrar.post_form(f"{HOME}/find", ssin="81050003552")
    registrar.post_form(f"{HOME}/find", ssin=SSIN)
    assert [row["person_id"] is None for row in rows(site, CitizenSearched.name)] == [True, False]
    with reading(site.database) as connection:
        since = site.clock() - timedelta(hours=1)
        assert count_looks(connection, registrar.person.id, since) == 2


def test_the_number_is_in_no_answer_and_in_no_row(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    pages = [registrar.get(HOME), registrar.get(f"{HOME}/{person.id}")]
    pages.append(letter(registrar, person, ticket_in(ask(registrar, site, person))))
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(audit_events)).all())
        dump += repr(connection.execute(select(desk_codes)).all())
    for said in (*(page.text for page in pages), read_pdf(pages[-1].content).text, dump):
        assert SSIN not in said
        assert "03.41.01-001.28" not in said


def test_nothing_is_shown_of_a_citizen_before_a_reason_was_given(
    site: Site, registrar: DeskScreen
) -> None:
    person = found(registrar, site)
    registrar.give_reason(registrar.person.id)  # refused: their own account
    other = registrar.post_form(f"{HOME}/find", ssin=KARIM.ssin).headers["location"]
    assert asked_for_reason(registrar.get(other)) == other.rpartition("/")[2]
    assert person.full_name in registrar.get(f"{HOME}/{person.id}").text


# The document


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("document", ""),
        ("document", "library-card"),
        ("last_digits", ""),
        ("last_digits", "592-4231"),
        ("last_digits", "42é1"),
        ("last_digits", "9" * 5000),
        ("valid_until", ""),
        ("valid_until", "tomorrow"),
        ("valid_until", "2026-03-01"),  # yesterday
        ("valid_until", "9" * 5000),
        ("check-photograph", ""),
        ("check-genuine", ""),
    ],
)
def test_a_document_that_was_not_wholly_checked_leads_nowhere(
    site: Site, registrar: DeskScreen, field: str, typed: str
) -> None:
    person = found(registrar, site)
    answer = registrar.post_form(f"{HOME}/{person.id}/check", **{**CHECKED, field: typed})
    assert answer.status_code == 422
    assert rows(site, "registration.identity-checked") == []
    with reading(site.database) as connection:
        assert latest_desk_code(connection, person.id) is None


def test_a_document_is_valid_on_its_last_day(site: Site, registrar: DeskScreen) -> None:
    person = found(registrar, site)
    today = {**CHECKED, "valid_until": "2026-03-02"}
    assert registrar.post_form(f"{HOME}/{person.id}/check", **today).status_code == 303


def test_of_the_document_its_kind_last_digits_and_last_day_are_on_record(
    site: Site, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    (row,) = rows(site, "registration.identity-checked")
    assert (row["actor_id"], row["person_id"]) == (registrar.person.id, person.id)
    assert (row["document"], row["last_digits"], row["valid_until"]) == (
        "identity-card",
        "4231",
        "2030-01-31",
    )
    assert (row["checked"], row["reason"]) == ("photograph data genuine", "came-to-desk")


def test_the_operators_checks_take_the_place_of_ours(
    site: Site, registrar: DeskScreen, settings: Settings
) -> None:
    own = {"chip": {"en": "The chip was read", "nl": "De chip is gelezen"}}
    object.__setattr__(site, "settings", settings.model_copy(update={"desk_document_checks": own}))
    person = found(registrar, site)
    assert "check-chip" in registrar.get(f"{HOME}/{person.id}").text
    assert registrar.post_form(f"{HOME}/{person.id}/check", **CHECKED).status_code == 422
    with_chip = {**CHECKED, "check-chip": "1"}
    assert registrar.post_form(f"{HOME}/{person.id}/check", **with_chip).status_code == 303
    assert rows(site, "registration.identity-checked")[0]["checked"] == "chip"


def test_a_check_holds_for_half_an_hour(
    site: Site, registrar: DeskScreen, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    for _ in range(3):  # the desk stays open, and so does the reason
        clock.advance(minutes=10)
        registrar.give_reason(person.id)
    answer = ask(registrar, site, person)
    assert (answer.status_code, refusal(answer)) == (403, "code-not-now")


# A first code


def test_a_first_code_is_issued_at_once_with_two_letters(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    first, second = printed(registrar, person, ask(registrar, site, person))
    assert first != second
    names = ("registration.code-asked", "registration.code-printed", "activation.issued")
    assert [row["event"] for row in rows(site, *names) if row["person_id"] == person.id] == [
        "registration.code-asked",
        "activation.issued",
        "registration.code-printed",
    ]
    assert desk_code(site, person).state == "printed"
    assert mails(site) == []


def test_the_answer_is_a_pdf_that_nothing_keeps(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    answer = letter(registrar, person, ticket_in(ask(registrar, site, person)))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert desk_code(site, person).reference in answer.headers["content-disposition"]
    assert desk_code(site, person).reference in read_pdf(answer.content).text


def test_the_letter_speaks_the_citizens_language(site: Site, registrar: DeskScreen) -> None:
    for ssin, said in ((SSIN, "Uw activeringscode"), (KARIM.ssin, "Votre code d’activation")):
        person = checked(registrar, site, ssin)
        answer = letter(registrar, person, ticket_in(ask(registrar, site, person)))
        assert said in read_pdf(answer.content).text


def test_only_hashes_of_the_halves_are_stored(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    codes = printed(registrar, person, ask(registrar, site, person))
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(activation_codes)).all())
        dump += repr(connection.execute(select(audit_events)).all())
    assert not any(code.replace("-", "") in dump or code in dump for code in codes)


def test_both_halves_make_a_device_of_level_high(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    first, second = printed(registrar, person, ask(registrar, site, person))
    screen = another_screen(app)
    answer = enrol_with(screen, first, second_token(screen, second))
    assert answer.status_code == 200, answer.text
    assert levels(site, person) == ["high"]


def test_the_paper_alone_makes_one_of_level_substantial_and_says_what_is_missing(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    first, _ = printed(registrar, person, ask(registrar, site, person))
    screen = another_screen(app)
    page = screen.client.get("/activate/device", params={"enrolment": screen.activate(first)}).text
    assert 'href="/activate/second"' in page
    assert enrol_with(screen, first).status_code == 200
    assert levels(site, person) == ["substantial"]


def test_the_second_half_alone_is_no_code(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    _, second = printed(registrar, person, ask(registrar, site, person))
    answer = enrol_with(another_screen(app), second)
    assert answer.status_code == 422
    assert levels(site, person) == []


def test_halves_of_two_codes_do_not_go_together(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    _, old_second = printed(registrar, person, ask(registrar, site, person))
    screen = another_screen(app)
    token = second_token(screen, old_second)
    (first, _) = printed(registrar, person, printed_again(registrar, site, person))
    assert enrol_with(screen, first, token).status_code == 422
    assert screen.post_form("/activate/second", second=old_second).status_code == 422
    assert levels(site, person) == []


def test_a_proven_half_is_worth_nothing_in_another_browser(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    first, second = printed(registrar, person, ask(registrar, site, person))
    token = second_token(another_screen(app), second)
    answer = enrol_with(another_screen(app), first, token)
    assert answer.status_code == 403
    assert levels(site, person) == []


@pytest.mark.parametrize("typed", ["", "garbage", "01ABC-DEFGH-JKMNPQ", "9" * 5000, "日本"])
def test_a_second_half_that_is_none_says_so_and_writes_nothing(
    site: Site, app: Starlette, typed: str
) -> None:
    with reading(site.database) as connection:
        before = connection.execute(select(func.count()).select_from(audit_events)).scalar_one()
    answer = another_screen(app).post_form("/activate/second", second=typed)
    assert answer.status_code == 422
    with reading(site.database) as connection:
        after = connection.execute(select(func.count()).select_from(audit_events)).scalar_one()
    assert after == before


# By mail


def test_the_mail_half_goes_to_an_address_that_was_confirmed_earlier_alone(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    confirm_for(site, person)
    answer = ask(registrar, site, person, address_id(site, person))
    (first,) = printed(registrar, person, answer)
    (mail,) = mails(site)
    assert (mail.to, mail.notice) == ("hanne@example.org", "activation-link")
    assert first not in mail.text
    assert SSIN not in mail.text
    screen = another_screen(app)
    link = mail.link("/activate/second")
    assert enrol_with(screen, first, second_token(screen, link)).status_code == 200
    assert levels(site, person) == ["high"]


@pytest.mark.parametrize(
    ("ago", "good"), [(timedelta(hours=24), True), (timedelta(hours=23, minutes=59), False)]
)
def test_an_address_that_was_confirmed_just_now_gets_no_half_of_a_code(
    site: Site, registrar: DeskScreen, clock: MovableClock, ago: timedelta, good: bool
) -> None:
    registrar.screen.client.headers["Accept-Language"] = "en"
    person = checked(registrar, site)
    confirm_for(site, person, ago=ago)
    chosen = address_id(site, person)
    page = registrar.get(f"{HOME}/{person.id}").text
    assert (f'value="{chosen}"' in page) == good
    assert ("may have added it just now" in page) != good
    answer = ask(registrar, site, person, chosen)
    if good:
        assert len(printed(registrar, person, answer)) == 1
        assert [mail.notice for mail in mails(site)] == ["activation-link"]
    else:
        assert (answer.status_code, refusal(answer)) == (403, "address-too-young")
        assert len(printed(registrar, person, ask(registrar, site, person))) == 2, "two letters"
        assert mails(site) == []


def test_an_address_that_was_confirmed_just_now_is_none_that_could_cancel(
    site: Site, registrar: DeskScreen, citizen: CitizenAtHome, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    confirm_for(site, person, ago=timedelta(hours=23))
    assert 'value="wait"' not in registrar.get(f"{HOME}/{person.id}").text
    answer = ask(registrar, site, person, way="wait")
    assert (answer.status_code, refusal(answer)) == (403, "nobody-can-cancel")


def test_how_long_ago_is_a_setting(site: Site, registrar: DeskScreen, settings: Settings) -> None:
    now = settings.model_copy(update={"desk_address_age": timedelta(0)})
    object.__setattr__(site, "settings", now)
    person = checked(registrar, site)
    confirm_for(site, person, ago=timedelta(0))
    assert (
        len(printed(registrar, person, ask(registrar, site, person, address_id(site, person)))) == 1
    )


def test_an_address_that_is_another_persons_or_unconfirmed_gets_nothing(
    site: Site, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    with writing(site.database) as connection:
        waiting, _ = add_address(
            connection, site.secrets, person.id, "new@example.org", site.clock()
        )
    karim = found(registrar, site, KARIM.ssin)
    confirm_for(site, karim, "karim@example.org")
    registrar.give_reason(person.id)
    for address in (str(waiting.id), address_id(site, karim), str(uuid4()), "garbage", ""):
        answer = ask(registrar, site, person, address)
        assert answer.status_code in (400, 404), address
    assert mails(site) == []
    assert desk_code(site, person).state == "checked"


def test_an_address_that_was_removed_meanwhile_gets_nothing(
    site: Site, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    confirm_for(site, person)
    address = address_id(site, person)
    ticket = ticket_in(ask(registrar, site, person, address))
    with writing(site.database) as connection:
        found_one = find_address(connection, site.secrets, person.id, UUID(address), site.clock())
        remove_address(connection, found_one, site.clock())
    assert letter(registrar, person, ticket).status_code == 403
    assert mails(site) == []


# Once


def test_a_ticket_opens_one_letter(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask(registrar, site, person))
    assert registrar.get(f"{HOME}/{person.id}/letter?ticket={ticket}").status_code == 200
    assert letter(registrar, person, ticket).status_code == 200
    assert letter(registrar, person, ticket).status_code == 410
    assert len(rows(site, "registration.code-printed")) == 1


def test_a_ticket_used_twice_at_once_opens_one_letter(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask(registrar, site, person))
    registrar.screen.csrf()
    answers = at_once(lambda: letter(registrar, person, ticket).status_code, threads=4)
    assert sorted(str(answer) for answer in answers) == ["200", "410", "410", "410"]


def test_a_ticket_is_worth_nothing_elsewhere_or_later(
    site: Site, registrar: DeskScreen, make_staff: MakeStaff, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask(registrar, site, person))
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    other.give_reason(person.id)
    assert letter(other, person, ticket).status_code == 403
    assert letter(registrar, person, "garbage").status_code == 400
    clock.advance(minutes=5)
    assert letter(registrar, person, ticket).status_code == 410
    assert rows(site, "registration.code-printed") == []


def test_printing_anew_makes_a_new_code_that_withdraws_the_first(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    first, _ = printed(registrar, person, ask(registrar, site, person))
    new, _ = printed(registrar, person, printed_again(registrar, site, person))
    assert enrol_with(another_screen(app), first).status_code == 422
    assert enrol_with(another_screen(app), new).status_code == 200
    registrar.give_reason(person.id)
    again = printed_again(registrar, site, person)
    assert letter(registrar, person, ticket_in(again)).status_code == 403, "it was used"
    prints = rows(site, "registration.code-printed")
    assert [row["again"] for row in prints] == [False, True]


def in_minutes(clock: MovableClock, registrar: DeskScreen, person: Person, minutes: float) -> None:
    """Time passes while the registrar is at work: the desk stays open, and so does the reason."""
    while minutes > 0:
        clock.advance(minutes=min(minutes, 10))
        registrar.give_reason(person.id, reason="came-to-desk")
        minutes -= 10


def test_a_letter_is_printed_anew_for_a_quarter_of_an_hour_after_the_first_one(
    site: Site, registrar: DeskScreen, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    printed(registrar, person, ask(registrar, site, person))
    in_minutes(clock, registrar, person, 10)
    assert reprinted(registrar, site, person).status_code == 200
    in_minutes(clock, registrar, person, 4.9)
    assert f"{HOME}/{person.id}/print" in registrar.get(f"{HOME}/{person.id}").text
    assert reprinted(registrar, site, person).status_code == 200
    in_minutes(clock, registrar, person, 0.1)
    page = registrar.get(f"{HOME}/{person.id}").text
    assert f"{HOME}/{person.id}/print" not in page
    assert f"{HOME}/{person.id}/check" in page
    assert reprinted(registrar, site, person).status_code == 403
    assert len(rows(site, "registration.code-printed")) == 3


def test_one_approval_prints_one_letter_and_later_another_one_is_asked_for(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    clock: MovableClock,
) -> None:
    person = checked(registrar, site)
    ask(registrar, site, person, way="second")
    (waiting,) = approvals_of(site, "issue-code")
    assert supervisor.act(f"/desk/approvals/{waiting}/approve").status_code == 200
    printed(registrar, person, printed_again(registrar, site, person))
    in_minutes(clock, registrar, person, 15)
    assert reprinted(registrar, site, person).status_code == 403
    registrar.post_form(f"{HOME}/{person.id}/check", **CHECKED)
    ask(registrar, site, person, way="second")
    assert reprinted(registrar, site, person).status_code == 403
    assert len(approvals_of(site, "issue-code")) == 2
    assert len(rows(site, "registration.code-printed")) == 1


def test_a_new_code_ends_the_letter_of_the_one_before_and_it_is_not_printed_anew(
    site: Site, app: Starlette, registrar: DeskScreen, make_staff: MakeStaff
) -> None:
    person = checked(registrar, site)
    first, second = printed(registrar, person, ask(registrar, site, person))
    old = str(desk_code(site, person).id)
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    checked(other, site)
    own = desk_code(site, person, other).id
    new, _ = printed(other, person, ask(other, site, person, code_id=own))
    ticket = ticket_in(registrar.act(f"{HOME}/{person.id}/print", desk_code=old))
    assert letter(registrar, person, ticket).status_code == 403
    screen = another_screen(app)
    assert screen.post_form("/activate/second", second=second).status_code == 422
    assert enrol_with(another_screen(app), first).status_code == 422
    assert enrol_with(another_screen(app), new).status_code == 200


def test_what_the_device_confirmed_is_what_is_asked_for(site: Site, registrar: DeskScreen) -> None:
    """Person, code, where the second half goes, and the way: none can be exchanged afterwards."""
    karim = checked(registrar, site, KARIM.ssin)
    karims = str(desk_code(site, karim).id)
    person = checked(registrar, site)
    for name in ("one", "two"):
        confirm_for(site, person, f"{name}@example.org")
    with reading(site.database) as connection:
        one, two = list_contact_addresses(connection, site.secrets, person.id, site.clock())
    path = f"{HOME}/{person.id}/code"
    right = {
        "desk_code": str(desk_code(site, person).id),
        "second_half": str(one.id),
        "way": "second",
    }
    for swapped in (
        {"second_half": str(two.id)},
        {"second_half": "letter"},
        {"way": "wait"},
        {"desk_code": karims},
    ):
        confirmed = answered(registrar.screen, ceremony(registrar.screen, f"{path}/options", right))
        answer = registrar.post_json(path, {**right, **swapped, **confirmed})
        assert (answer.status_code, refusal(answer)) == (400, "invalid-ceremony"), swapped
    confirmed = answered(registrar.screen, ceremony(registrar.screen, f"{path}/options", right))
    registrar.give_reason(karim.id)
    answer = registrar.post_json(f"{HOME}/{karim.id}/code", {**right, **confirmed})
    assert (answer.status_code, refusal(answer)) == (400, "invalid-ceremony")
    assert rows(site, "registration.code-asked") == []


def test_what_was_confirmed_for_one_letter_prints_no_other(
    site: Site, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    ask(registrar, site, person)
    path = f"{HOME}/{person.id}"
    asked = {"desk_code": str(desk_code(site, person).id), "second_half": "letter"}
    confirmed = answered(
        registrar.screen, ceremony(registrar.screen, f"{path}/print/options", asked)
    )
    other = {**asked, "desk_code": str(uuid4())}
    assert registrar.post_json(f"{path}/print", {**other, **confirmed}).status_code == 400
    confirmed = answered(
        registrar.screen, ceremony(registrar.screen, f"{path}/code/options", asked)
    )
    assert registrar.post_json(f"{path}/print", {**asked, **confirmed}).status_code == 400


def test_two_registrars_who_print_at_once_leave_one_valid_code(
    site: Site, registrar: DeskScreen, make_staff: MakeStaff
) -> None:
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    person = checked(registrar, site)
    tickets = {id(registrar): ticket_in(ask(registrar, site, person))}
    with writing(site.database) as connection:  # or the second one's asking would cancel it
        moment = {"state": "printed", "printed_at": site.clock()}
        connection.execute(desk_codes.update().values(moment))
    checked(other, site)
    own = desk_code(site, person, other).id
    tickets[id(other)] = ticket_in(ask(other, site, person, code_id=own))
    both = [registrar, other]
    for each in both:
        each.screen.csrf()
    waiting = list(both)

    def opens() -> int:
        each = waiting.pop()
        return letter(each, person, tickets[id(each)]).status_code

    assert at_once(opens, threads=2) == [200, 200]
    with reading(site.database) as connection:
        usable = select(func.count()).where(activation_codes.c.withdrawn_at.is_(None))
        of_person = usable.where(activation_codes.c.person_id == person.id)
        assert connection.execute(of_person).scalar_one() == 1


def test_a_code_is_printed_by_whoever_saw_the_document(
    site: Site, registrar: DeskScreen, make_staff: MakeStaff
) -> None:
    person = checked(registrar, site)
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    other.give_reason(person.id)
    assert ask(other, site, person).status_code == 404
    assert desk_code(site, person).state == "checked"


# Who has or had a device


def test_a_code_for_who_has_a_device_waits_for_a_second_member_of_staff(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome
) -> None:
    person = checked(registrar, site)
    answer = ask(registrar, site, person, way="second")
    assert answer.json()["location"] == f"{HOME}/{person.id}"
    assert desk_code(site, person).state == "asked"
    assert (
        letter(registrar, person, ticket_in(printed_again(registrar, site, person))).status_code
        == 403
    )
    (waiting,) = approvals_of(site, "issue-code")
    supervisor.give_reason(person.id)
    approved = supervisor.act(f"/desk/approvals/{waiting}/approve")
    assert approved.status_code == 200, approved.text
    assert len(printed(registrar, person, printed_again(registrar, site, person))) == 2
    (row,) = rows(site, "registration.code-printed")
    assert row["approved_by"] == str(supervisor.person.id)


def approvals_of(site: Site, act: str) -> list[UUID]:
    with reading(site.database) as connection:
        return list(
            connection.execute(select(approvals.c.id).where(approvals.c.act == act)).scalars()
        )


def test_a_refused_code_is_not_printed(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome
) -> None:
    person = checked(registrar, site)
    ask(registrar, site, person, way="second")
    (waiting,) = approvals_of(site, "issue-code")
    supervisor.give_reason(person.id)
    refused = supervisor.post_form(f"/desk/approvals/{waiting}/refuse", remark="Not now")
    assert refused.status_code == 303, refused.text
    assert (
        letter(registrar, person, ticket_in(printed_again(registrar, site, person))).status_code
        == 403
    )
    assert 'name="document"' in registrar.get(f"{HOME}/{person.id}").text, "another check"


def test_or_it_waits_for_a_day_and_every_address_is_told(
    site: Site, registrar: DeskScreen, citizen: CitizenAtHome, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    for name in ("one", "two"):
        confirm_for(site, person, f"{name}@example.org")
    ask(registrar, site, person, way="wait")
    told = [mail.to for mail in mails(site) if mail.notice == "code-asked"]
    assert sorted(told) == ["one@example.org", "two@example.org"]
    assert (
        letter(registrar, person, ticket_in(printed_again(registrar, site, person))).status_code
        == 403
    )
    a_day_later(registrar, clock, person)
    assert len(printed(registrar, person, printed_again(registrar, site, person))) == 2


def test_without_an_address_nobody_could_cancel_so_only_a_second_person_will_do(
    site: Site, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    person = checked(registrar, site)
    answer = ask(registrar, site, person, way="wait")
    assert (answer.status_code, refusal(answer)) == (403, "nobody-can-cancel")


@pytest.mark.parametrize("when", ["waiting", "printed"])
def test_the_link_in_the_mail_cancels_the_code_even_when_it_was_printed(
    site: Site,
    app: Starlette,
    registrar: DeskScreen,
    citizen: CitizenAtHome,
    clock: MovableClock,
    when: str,
) -> None:
    person = checked(registrar, site)
    confirm_for(site, person)
    ask(registrar, site, person, way="wait")
    (told,) = [mail for mail in mails(site) if mail.notice == "code-asked"]
    a_day_later(registrar, clock, person)
    codes = (
        printed(registrar, person, printed_again(registrar, site, person))
        if when == "printed"
        else []
    )
    screen = another_screen(app)
    token = told.link("/not-me")
    look = screen.post_json("/not-me/look", {"token": token}).json()
    assert look == {"act": "cancel-code", "standing": "possible", "device": None}
    assert screen.post_json("/not-me", {"token": token}).json() == {"standing": "done"}
    assert screen.post_json("/not-me/look", {"token": token}).json()["standing"] == "done"
    assert reprinted(registrar, site, person).status_code == 403
    for code in codes:
        assert enrol_with(another_screen(app), code).status_code == 422


def test_a_code_that_was_used_cannot_be_cancelled_by_mail(
    site: Site, app: Starlette, registrar: DeskScreen, citizen: CitizenAtHome, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    confirm_for(site, person)
    ask(registrar, site, person, way="wait")
    (told,) = [mail for mail in mails(site) if mail.notice == "code-asked"]
    a_day_later(registrar, clock, person)
    first, _ = printed(registrar, person, printed_again(registrar, site, person))
    assert enrol_with(another_screen(app), first).status_code == 200
    answer = another_screen(app).post_json("/not-me", {"token": told.link("/not-me")})
    assert answer.json() == {"standing": "too-late"}


def test_cancelled_and_printed_at_once_one_of_the_two_holds(
    site: Site, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask(registrar, site, person))
    registrar.screen.csrf()
    code_id = str(desk_code(site, person).id)
    acts = [
        lambda: letter(registrar, person, ticket).status_code,
        lambda: registrar.post_form(f"{HOME}/{person.id}/cancel", desk_code=code_id).status_code,
    ]
    waiting = list(acts)
    answers = at_once(lambda: waiting.pop()(), threads=2)
    assert 303 in answers
    assert desk_code(site, person).state == "cancelled"
    with reading(site.database) as connection:
        unspent = select(func.count()).where(
            activation_codes.c.person_id == person.id, activation_codes.c.withdrawn_at.is_(None)
        )
        assert connection.execute(unspent).scalar_one() == 0


def test_who_got_a_device_since_the_code_was_asked_for_is_asked_about_anew(
    site: Site, app: Starlette, registrar: DeskScreen
) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask(registrar, site, person))
    with writing(site.database) as connection:
        code = issue_activation_code(connection, site.secrets, site.settings, person, site.clock())
    assert enrol_with(another_screen(app), code).status_code == 200
    assert letter(registrar, person, ticket).status_code == 403


def test_the_registrar_is_not_who_began_the_return(
    site: Site,
    registrar: DeskScreen,
    make_staff: MakeStaff,
    citizen: CitizenAtHome,
    clock: MovableClock,
) -> None:
    person = checked(registrar, site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        begin_account_recovery(
            job(site, connection), person.id, BY_DESK, "substantial", registrar.person.id
        )
    answer = ask(registrar, site, person, way="second")
    assert (answer.status_code, refusal(answer)) == (403, "began-return")
    clock.advance(days=1)
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    checked(other, site)
    # The return has waited, and warned every address: the code need not do so again.
    assert len(printed(other, person, ask(other, site, person, way="wait"))) == 2


def test_a_return_that_is_cancelled_takes_its_code_away(
    site: Site,
    app: Starlette,
    registrar: DeskScreen,
    agent: DeskScreen,
    citizen: CitizenAtHome,
    clock: MovableClock,
) -> None:
    person = found(registrar, site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        begin_account_recovery(
            job(site, connection), person.id, BY_DESK, "substantial", agent.person.id
        )
    (told,) = [mail for mail in mails(site) if mail.notice == "return-begun"]
    a_day_later(registrar, clock, person)
    checked(registrar, site)
    first, _ = printed(registrar, person, ask(registrar, site, person))
    answer = another_screen(app).post_json("/not-me", {"token": told.link("/not-me")})
    assert answer.json() == {"standing": "done"}
    assert enrol_with(another_screen(app), first).status_code == 422


# Whom


def test_a_colleague_of_the_same_desk_needs_a_second_member_of_staff(
    site: Site, registrar: DeskScreen, make_staff: MakeStaff
) -> None:
    make_staff("agent", citizen=KARIM, opened=False)
    person = checked(registrar, site, KARIM.ssin)
    confirm_for(site, person)
    ask(registrar, site, person, way="wait")
    assert desk_code(site, person).state == "asked"


def test_nobody_issues_a_code_to_themselves(site: Site, registrar: DeskScreen) -> None:
    own = registrar.person.id
    for path in ("", "/letter"):
        assert registrar.get(f"{HOME}/{own}{path}").status_code == 403
    assert registrar.post_form(f"{HOME}/{own}/check", **CHECKED).status_code == 403


def test_nobody_issues_a_code_to_the_dead(site: Site, registrar: DeskScreen) -> None:
    person = found(registrar, site)
    with writing(site.database) as connection:
        connection.execute(persons.update().where(persons.c.id == person.id).values(deceased=True))
    assert 'name="document"' not in registrar.get(f"{HOME}/{person.id}").text
    assert registrar.post_form(f"{HOME}/{person.id}/check", **CHECKED).status_code == 403


def test_every_step_needs_the_registrars_own_device(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    content = {"desk_code": str(desk_code(site, person).id), "second_half": "letter"}
    for path in ("code", "print"):
        answer = registrar.post_json(f"{HOME}/{person.id}/{path}", content)
        assert answer.status_code == 400
    assert desk_code(site, person).state == "checked"


def test_opening_the_page_of_the_letter_makes_no_code(site: Site, registrar: DeskScreen) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask(registrar, site, person))
    for _ in range(2):
        registrar.get(f"{HOME}/{person.id}/letter?ticket={ticket}")
    with reading(site.database) as connection:
        issued = select(func.count()).where(activation_codes.c.person_id == person.id)
        assert connection.execute(issued).scalar_one() == 0


@pytest.mark.parametrize("content", [{}, {"desk_code": 7}, {"desk_code": "x", "second_half": []}])
def test_garbage_is_refused(site: Site, registrar: DeskScreen, content: dict[str, Any]) -> None:
    person = checked(registrar, site)
    for path in ("code", "print"):
        assert registrar.act(f"{HOME}/{person.id}/{path}", **content).status_code in (400, 404)
    for path in ("letter", "cancel"):
        answer = registrar.post_form(f"{HOME}/{person.id}/{path}", ticket="x", desk_code="y")
        assert answer.status_code in (400, 404)


def test_what_is_not_printed_yet_is_listed_without_a_name(
    site: Site, registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    person = checked(registrar, site)
    ask(registrar, site, person, way="second")
    home = registrar.get(HOME).text
    assert str(person.id) in home
    assert HANNE.family_name not in home


def test_a_code_that_ended_is_deleted_once_no_link_in_a_mail_leads_to_it(
    site: Site, registrar: DeskScreen, clock: MovableClock
) -> None:
    person = checked(registrar, site)
    printed(registrar, person, ask(registrar, site, person))

    def cleaned() -> int:
        with writing(site.database) as connection:
            return forget_ended_desk_codes(connection, site.clock())

    # The row ended 7 days after it was asked for, its code 14 days after it was printed.
    clock.advance(days=104)
    assert cleaned() == 0
    clock.advance(seconds=1)
    assert cleaned() == 1
    with reading(site.database) as connection:
        assert latest_desk_code(connection, person.id) is None
    assert len(rows(site, "registration.code-printed")) == 1


def test_the_act_itself_asks_who_may(site: Site, registrar: DeskScreen, agent: DeskScreen) -> None:
    """Whoever calls it, page or command."""
    person = checked(registrar, site)
    ask(registrar, site, person)
    desk, code = desk_of(site, agent), desk_code(site, person)
    with pytest.raises(NotFound), writing(site.database) as connection:
        print_code_at_desk(job(site, connection), desk, person, code.id)


def test_the_desks_two_pages_of_a_person_lead_to_each_other_for_who_may(
    site: Site, registrar: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    person = citizen.person
    for each in (registrar, agent):
        each.give_reason(person.id)
    at_desk, about = f'href="{HOME}/{person.id}"', f"/desk/people/{person.id}"
    assert at_desk in registrar.get(about).text
    assert at_desk not in agent.get(about).text
    assert f'href="{about}"' in registrar.get(f"{HOME}/{person.id}").text


def test_who_began_the_return_agrees_to_no_code(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    make_staff: MakeStaff,
    citizen: CitizenAtHome,
) -> None:
    person = checked(registrar, site)
    with writing(site.database) as connection:
        begin_account_recovery(
            job(site, connection), person.id, BY_DESK, "substantial", supervisor.person.id
        )
    ask(registrar, site, person, way="second")
    (waiting,) = approvals_of(site, "issue-code")
    assert supervisor.act(f"/desk/approvals/{waiting}/approve").status_code in (403, 404)
    ticket = ticket_in(printed_again(registrar, site, person))
    assert letter(registrar, person, ticket).status_code == 403
    other = make_staff("supervisor", citizen=replace(KARIM, ssin="03410105769"))
    assert other.act(f"/desk/approvals/{waiting}/approve").status_code == 200
    assert len(printed(registrar, person, printed_again(registrar, site, person))) == 2


def test_all_that_is_wrong_with_a_document_is_said_at_once(
    site: Site, registrar: DeskScreen
) -> None:
    registrar.screen.client.headers["Accept-Language"] = "en"
    person = found(registrar, site)
    page = registrar.post_form(f"{HOME}/{person.id}/check", **{"check-photograph": "1"}).text
    fields = ("document", "last_digits", "valid_until", "check-data")
    for field in fields:
        assert f'<a href="#{field}">' in page
        assert f'id="{field}-error"' in page
        assert f'aria-describedby="{field}-error"' in page
