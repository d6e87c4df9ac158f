"""The queue of foreign identities: seen, compared, matched with a device in hand, parted again.

Decisions 9.4, 2.9, and, for who has or had a device, decisions 3.3.
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette

from authn.audit.log import audit_events
from authn.console.looks import count_looks
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.enrolment.foreign_matches import end_match
from authn.enrolment.returning import BY_DESK, begin_account_recovery, find_waiting_recovery
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.foreign_identities import (
    find_identity,
    forget_unmatched_identities,
    keep_unmatched_identity,
    list_waiting_identities,
    match_identity,
)
from authn.federation.upstreams import Upstream
from authn.people.persons import find_or_create_person, find_person_by_ssin
from authn.people.tables import Person
from authn.web.site import Site
from tests.citizen import KARIM, SSIN
from tests.conftest import MovableClock
from tests.console.acting import every_approval, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen, asked_for_reason
from tests.console.test_registration import CHECKED, refusal
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import another_screen, answered, ceremony
from tests.together import at_once

QUEUE: Final = "/desk/registration/identities"
CLAIMS: Final = {
    "given_name": "<script>alert(1)</script>",
    "family_name": "Müller",
    "birthdate": "1980-04-12",
}

pytestmark = pytest.mark.usefixtures("register")


def upstream() -> Upstream:
    return Upstream(
        id="fas",
        kind="fas",
        name="CSAM",
        issuer="https://idp.example.org",
        client_id="authn",
        authentication="client_secret_basic",
        client_secret="",
        keys=(),
        scopes="openid",
        levels={},
        level_without_acr=None,
        minimum="substantial",
        national_number_claim="egovNRN",
        userinfo="json",
        id_token_encrypted=False,
        signatures=(),
        parameters={},
        without_number="match",
    )


@pytest.fixture
def identity(site: Site) -> UUID:
    """A foreign identity that waits."""
    with writing(site.database) as connection:
        answered = UpstreamAnswer({"sub": "somebody"}, CLAIMS)
        keep_unmatched_identity(job(site, connection), upstream(), answered)
        (one,) = list_waiting_identities(connection, site.secrets)
    return one.id


def whose(site: Site, identity: UUID) -> UUID | None:
    with reading(site.database) as connection:
        found = find_identity(connection, site.secrets, identity)
    assert found
    return found.person_id


def shown(registrar: DeskScreen, identity: UUID) -> Response:
    """The page with what the identity says, for a reason."""
    why = {"reason": "came-to-desk", "explanation": "", "ticket": "T-8"}
    return registrar.post_form(f"{QUEUE}/{identity}", **why)


def seen_token(page: Response) -> str:
    (token,) = re.findall(r'name="seen" value="([^"]+)"', page.text)
    return str(token)


def propose(registrar: DeskScreen, identity: UUID, ssin: str) -> Response:
    """The answer to a number that is proposed for an identity which the registrar has seen."""
    token = seen_token(shown(registrar, identity))
    return registrar.post_form(f"{QUEUE}/{identity}/propose", ssin=ssin, seen=token)


def proposed(
    registrar: DeskScreen, site: Site, identity: UUID, ssin: str = SSIN, *, check: bool = True
) -> Person:
    """The person whom the registrar proposed, with a reason given, and the document checked."""
    answer = propose(registrar, identity, ssin)
    assert answer.status_code == 303, answer.text
    with reading(site.database) as connection:
        person = find_person_by_ssin(connection, site.secrets, ssin)
    assert person
    assert answer.headers["location"] == path(person, identity)
    assert asked_for_reason(registrar.get(path(person, identity))) == str(person.id)
    registrar.give_reason(person.id, reason="came-to-desk", ticket="T-9")
    if check:
        answer = registrar.post_form(f"{path(person, identity)}/check", **CHECKED)
        assert answer.headers.get("location") == path(person, identity), answer.text
    return person


def path(person: Person, identity: UUID) -> str:
    return f"/desk/registration/{person.id}/match/{identity}"


def test_the_queue_tells_no_names(registrar: DeskScreen, identity: UUID) -> None:
    page = registrar.get(QUEUE).text
    assert str(identity) in page
    assert "Müller" not in page
    assert "1980-04-12" not in page


def test_nothing_of_one_is_shown_before_a_reason_was_given(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    for answer in (
        registrar.get(f"{QUEUE}/{identity}"),
        registrar.post_form(f"{QUEUE}/{identity}", reason="none of ours"),
        registrar.post_form(f"{QUEUE}/{identity}", reason="came-to-desk", ticket="9" * 500),
        registrar.post_form(f"{QUEUE}/{identity}/propose", ssin="garbage"),
        registrar.post_form(f"{QUEUE}/{identity}/propose", ssin="garbage", seen="garbage"),
    ):
        assert answer.status_code in (200, 303, 422)
        assert "Müller" not in answer.text
    assert rows(site, "identity.seen") == []


def test_looking_at_one_is_on_record_with_the_reason_and_counted(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    page = shown(registrar, identity).text
    assert "Müller" in page
    assert "<script>alert" not in page
    (row,) = rows(site, "identity.seen")
    assert (row["actor_id"], row["identity"]) == (registrar.person.id, str(identity))
    assert (row["reason"], row["ticket"]) == ("came-to-desk", "T-8")
    with reading(site.database) as connection:
        since = site.clock() - timedelta(hours=1)
        assert count_looks(connection, registrar.person.id, since) == 1


def test_what_was_shown_is_shown_again_to_correct_a_number_and_to_nobody_else(
    site: Site,
    registrar: DeskScreen,
    make_staff: MakeStaff,
    clock: MovableClock,
    identity: UUID,
) -> None:
    token = seen_token(shown(registrar, identity))
    again = {"ssin": "garbage", "seen": token}
    assert "Müller" in registrar.post_form(f"{QUEUE}/{identity}/propose", **again).text
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    answer = other.post_form(f"{QUEUE}/{identity}/propose", **again)
    assert (answer.status_code, "Müller" in answer.text) == (303, False)
    clock.advance(minutes=14)
    registrar.get("/desk")
    clock.advance(minutes=1)
    assert registrar.post_form(f"{QUEUE}/{identity}/propose", **again).status_code == 303
    assert len(rows(site, "identity.seen")) == 1


def test_it_is_matched_after_a_second_look_with_the_registrars_device(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    page = registrar.get(path(person, identity)).text
    assert "Müller" in page
    assert person.family_name in page
    assert "<dd>12.04.1980</dd>" in page, "as on a card, to be compared with the register's"
    assert "1980-04-12" not in page
    assert whose(site, identity) is None
    assert registrar.post_json(path(person, identity)).status_code == 400, "no device"
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) == person.id
    (row,) = rows(site, "identity.matched")
    assert (row["actor_id"], row["person_id"], row["identity"], row["ticket"]) == (
        registrar.person.id,
        person.id,
        str(identity),
        "T-9",
    )
    assert str(identity) not in registrar.get(QUEUE).text
    assert str(identity) in registrar.get(f"/desk/registration/{person.id}/match").text


def test_without_an_identity_check_nothing_is_matched(
    site: Site, registrar: DeskScreen, citizen: CitizenAtHome, clock: MovableClock, identity: UUID
) -> None:
    for ssin in (SSIN, KARIM.ssin):  # who has a device, and who never had one
        person = proposed(registrar, site, identity, ssin, check=False)
        page = registrar.get(path(person, identity)).text
        assert "data-ceremony" not in page
        assert 'name="last_digits"' in page
        answer = registrar.act(path(person, identity))
        assert (answer.status_code, refusal(answer)) == (403, "identity-not-checked")
        for field in ("document", "last_digits", "valid_until", "check-genuine"):
            sent = {**CHECKED, field: ""}
            wrong = registrar.post_form(f"{path(person, identity)}/check", **sent)
            assert wrong.status_code == 422
        assert registrar.act(path(person, identity)).status_code == 403
    assert every_approval(site) == []
    assert whose(site, identity) is None


def test_the_check_is_this_registrars_of_this_person_and_holds_for_half_an_hour(
    site: Site,
    registrar: DeskScreen,
    make_staff: MakeStaff,
    clock: MovableClock,
    identity: UUID,
) -> None:
    karim = proposed(registrar, site, identity, KARIM.ssin)
    hanne = proposed(registrar, site, identity, check=False)
    assert registrar.act(path(hanne, identity)).status_code == 403, "another person's"
    other = make_staff("registrar", citizen=replace(KARIM, ssin="03410105769"))
    other.give_reason(karim.id)
    assert other.act(path(karim, identity)).status_code == 403, "another registrar's"
    for _ in range(2):
        clock.advance(minutes=14, seconds=59)
        registrar.give_reason(karim.id)
    clock.advance(seconds=2)
    assert registrar.act(path(karim, identity)).status_code == 403, "too old"
    assert whose(site, identity) is None
    (row,) = rows(site, "registration.identity-checked")
    assert (row["last_digits"], row["document"]) == ("4231", "identity-card")


def test_who_is_matched_is_told_at_every_address_and_under_my_activity(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    for name in ("one", "two"):
        confirm_for(site, citizen.person, f"{name}@example.org")
    matched_by_two(site, registrar, supervisor, identity)
    told = [mail for mail in mails(site) if mail.notice == "identity-matched"]
    assert sorted(mail.to for mail in told) == ["one@example.org", "two@example.org"]
    for mail in told:
        assert reference_of(site, "identity.matched") in mail.text
        assert "Müller" not in mail.text
        assert SSIN not in mail.text
    citizen.screen.client.headers["Accept-Language"] = "en"
    page = citizen.screen.client.get("/activity").text
    assert "A foreign identity was matched to you" in page


def reference_of(site: Site, event: str) -> str:
    with reading(site.database) as connection:
        statement = select(audit_events.c.reference).where(audit_events.c.event == event)
        found: str = connection.execute(statement).scalar_one()
    return found


def matched_by_two(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, identity: UUID
) -> Person:
    """Hanne, who has devices: matched by the registrar, and a supervisor who agreed."""
    person = proposed(registrar, site, identity)
    assert registrar.act(path(person, identity)).status_code == 200
    (waiting,) = every_approval(site)
    supervisor.give_reason(person.id)
    assert supervisor.act(f"/desk/approvals/{waiting.id}/approve").status_code == 200
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) == person.id
    return person


def test_the_link_in_the_mail_takes_the_match_away_once(
    site: Site,
    app: Starlette,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    confirm_for(site, citizen.person)
    matched_by_two(site, registrar, supervisor, identity)
    (told,) = [mail for mail in mails(site) if mail.notice == "identity-matched"]
    screen, token = another_screen(app), told.link("/not-me")
    look = screen.post_json("/not-me/look", {"token": token}).json()
    assert look == {"act": "part-identity", "standing": "possible", "device": None}
    assert whose(site, identity) == citizen.person.id, "looking does nothing"
    assert screen.post_json("/not-me", {"token": token}).json() == {"standing": "done"}
    assert whose(site, identity) is None
    assert screen.post_json("/not-me", {"token": token}).json() == {"standing": "done"}
    assert rows(site, "notice.not-me")[0]["notice"] == "identity-matched"
    with reading(site.database) as connection:
        assert {each.status for each in list_devices(connection, citizen.person.id)} == {"active"}


def test_taken_away_by_two_at_once_it_is_on_record_once(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    registrar.act(path(person, identity))

    def part() -> bool:
        with writing(site.database) as connection:
            return end_match(job(site, connection), identity, person.id, "desk") is not None

    assert sorted(map(bool, at_once(part, threads=2))) == [False, True]


def test_a_return_that_was_begun_with_a_wrong_match_ends_with_it(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    confirm_for(site, citizen.person)
    person = matched_by_two(site, registrar, supervisor, identity)
    with writing(site.database) as connection:
        begin_account_recovery(job(site, connection), person.id, "fas", "substantial")
    assert registrar.act(f"{path(person, identity)}/part").status_code == 200
    with reading(site.database) as connection:
        assert find_waiting_recovery(job(site, connection), person.id) is None
    (row,) = rows(site, "identity.parted")
    assert row["ended_return"] is True
    told = [mail.notice for mail in mails(site)]
    assert (told.count("return-cancelled"), told.count("identity-parted")) == (1, 1)


@pytest.mark.parametrize("proof", ["another", "desk"])
def test_a_return_that_was_begun_otherwise_goes_on(
    site: Site, registrar: DeskScreen, identity: UUID, proof: str
) -> None:
    person = proposed(registrar, site, identity)
    registrar.act(path(person, identity))
    with writing(site.database) as connection:
        begin_account_recovery(job(site, connection), person.id, proof, "substantial")
    assert registrar.act(f"{path(person, identity)}/part").status_code == 200
    with reading(site.database) as connection:
        assert find_waiting_recovery(job(site, connection), person.id)
    assert rows(site, "identity.parted")[0]["ended_return"] is False


def test_who_began_the_return_matches_no_identity(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    with writing(site.database) as connection:
        begin_account_recovery(
            job(site, connection), person.id, BY_DESK, "substantial", registrar.person.id
        )
    assert "data-ceremony" not in registrar.get(path(person, identity)).text
    answer = registrar.act(path(person, identity))
    assert (answer.status_code, refusal(answer)) == (403, "began-return")
    assert whose(site, identity) is None


def test_a_confirmation_for_one_person_matches_no_other(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    karim = proposed(registrar, site, identity, KARIM.ssin)
    confirmed = answered(
        registrar.screen, ceremony(registrar.screen, f"{path(karim, identity)}/options")
    )
    hanne = proposed(registrar, site, identity)
    assert registrar.post_json(path(hanne, identity), confirmed).status_code == 400
    assert whose(site, identity) is None


def test_what_nobody_matches_is_deleted_after_ninety_days_and_may_come_again(
    site: Site, registrar: DeskScreen, clock: MovableClock, identity: UUID
) -> None:
    def cleaned() -> int:
        with writing(site.database) as connection:
            return forget_unmatched_identities(connection, site.clock())

    clock.advance(days=90)
    assert cleaned() == 0
    clock.advance(seconds=1)
    assert cleaned() == 1
    with writing(site.database) as connection:
        answered_once = UpstreamAnswer({"sub": "somebody"}, CLAIMS)
        keep_unmatched_identity(job(site, connection), upstream(), answered_once)
        (one,) = list_waiting_identities(connection, site.secrets)
        person = find_or_create_person(connection, site.secrets, KARIM, site.clock())
        assert match_identity(connection, one.id, person.id, site.clock())
    clock.advance(days=1000)
    assert cleaned() == 0, "what leads to somebody stays"


def test_a_match_is_taken_away_again(site: Site, registrar: DeskScreen, identity: UUID) -> None:
    person = proposed(registrar, site, identity)
    registrar.act(path(person, identity))
    assert registrar.act(f"{path(person, identity)}/part").status_code == 200
    assert whose(site, identity) is None
    assert registrar.act(f"{path(person, identity)}/part").status_code == 403
    assert len(rows(site, "identity.parted")) == 1
    assert str(identity) in registrar.get(QUEUE).text


def test_what_is_matched_to_one_is_not_matched_to_another(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    karim = proposed(registrar, site, identity, KARIM.ssin)
    hanne = proposed(registrar, site, identity)
    registrar.act(path(hanne, identity))
    registrar.give_reason(karim.id)
    assert registrar.act(path(karim, identity)).status_code == 403
    assert registrar.act(f"{path(karim, identity)}/part").status_code == 403
    assert whose(site, identity) == hanne.id


def test_for_who_has_a_device_a_second_member_of_staff_agrees_first(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    person = proposed(registrar, site, identity)
    for _ in range(2):
        assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) is None
    supervisor.give_reason(person.id)
    answer: Response = supervisor.act(f"/desk/approvals/{every_approval(site)[0].id}/approve")
    assert answer.status_code == 200, answer.text
    assert whose(site, identity) is None, "who asked carries it out"
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) == person.id
    (row,) = rows(site, "identity.matched")
    assert row["approved_by"] == str(supervisor.person.id)


def test_a_confirmation_is_for_one_identity_and_one_person(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    other = path(person, uuid4())
    options = registrar.post_json(f"{other}/options").json()
    credential = registrar.screen.authenticator.get(options, registrar.screen.origin)
    content = {"ceremony": options["ceremony"], "credential": credential}
    assert registrar.post_json(path(person, identity), content).status_code == 400
    assert whose(site, identity) is None


@pytest.mark.parametrize("typed", ["", "garbage", "81050003552", "9" * 5000])
def test_a_number_of_nobody_matches_nothing(
    site: Site, registrar: DeskScreen, identity: UUID, typed: str
) -> None:
    assert propose(registrar, identity, typed).status_code == 422
    assert whose(site, identity) is None


def test_an_identity_that_does_not_exist_is_no_page(registrar: DeskScreen) -> None:
    assert registrar.get(f"{QUEUE}/{uuid4()}").status_code == 404
    assert registrar.get(f"{QUEUE}/garbage").status_code == 404


def test_what_waits_is_counted_on_the_first_page(registrar: DeskScreen, identity: UUID) -> None:
    assert f'href="{QUEUE}"' in registrar.get("/desk").text


def test_two_of_one_day_are_told_apart_without_their_names(
    site: Site, registrar: DeskScreen, identity: UUID, clock: MovableClock
) -> None:
    registrar.screen.client.headers["Accept-Language"] = "en"
    clock.advance(minutes=7)
    with writing(site.database) as connection:
        keep_unmatched_identity(
            job(site, connection), upstream(), UpstreamAnswer({"sub": "another"}, CLAIMS)
        )
        both = list_waiting_identities(connection, site.secrets)
    page = registrar.get(QUEUE).text
    lines = re.findall(rf'<li><a href="({QUEUE}/[^"]+)">(.*?)</a>', page, re.DOTALL)
    assert len({words for _, words in lines}) == 2
    for each in both:
        (words,) = [words for path, words in lines if path == f"{QUEUE}/{each.id}"]
        assert each.reference in words
        assert each.reference in registrar.get(f"{QUEUE}/{each.id}").text
    assert "10:30:00" in page
    assert "10:37:00" in page
