"""What ends with a profile: its grants, once; and who hears of it (decisions 7, 4.15)."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading, writing
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.codes import issue_code
from authn.grants.endings import ended_profiles
from authn.grants.endings.ended_profiles import has_ended_profiles, notify_of_ended_profiles
from authn.grants.endings.ended_sessions import OUTBOX_KIND, REMEMBERED, notify_of_ended_sessions
from authn.grants.grants import sid
from authn.grants.tables import grants
from authn.oidc.security_events.backchannel_logout import backchannel_work
from authn.outbox.outbox import ClaimedEntry, outbox, read_payload
from authn.people.tables import persons
from authn.secrets import new_token
from authn.sources.facts import Fact, FactPeriod
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, register
from tests.profiles.conftest import known, offered, take
from tests.profiles.sample_facts import (
    FIRM,
    FOR_FIRM,
    FOR_JURGEN,
    JURGEN,
    LUCAS,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)
from tests.together import at_once

TOLD = ClientMetadata(backchannel_logout_uri="https://hospital.example/logout")
TODAY = FactPeriod(date(2026, 1, 1), date(2026, 3, 2))


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    """Hanne, signed in, with an address that was confirmed."""
    holder = hold_device(site, client)
    confirm_for(site, holder.person)
    return holder


@pytest.fixture
def rp(site: Site, client: TestClient) -> RelyingParty:
    """An application that wants to hear of sign-outs."""
    return register(site, client, client_id="hospital", metadata=TOLD)


def acts_in(site: Site, rp: RelyingParty, holder: Holder, profile_id: UUID | None) -> None:
    """The holder has allowed the application something, in this profile."""
    now = site.clock()
    pending = AuthorizationRequest(
        request_id=new_token(),
        arrived_at=now,
        client_id=rp.client.client_id,
        redirect_uri=rp.redirect_uri,
        scope="openid",
        state="",
        nonce="",
        code_challenge="",
        response_mode="query",
        prompt=(),
        max_age=None,
        ui_locales="",
        subject_hint="",
    )
    with writing(site.database) as connection:
        issue_code(connection, pending, rp.client, holder.session, now, profile_id=profile_id)


def profile(site: Site, holder: Holder, question: Any, fact: Fact) -> UUID:
    """The id of the profile that this fact makes."""
    take(site, holder.person, question, fact)
    (found,) = [each.id for each in offered(site, holder.person.id) if each.fact == fact]
    assert found
    return found


def scan(site: Site) -> int:
    with writing(site.database) as connection:
        return notify_of_ended_profiles(job(site, connection))


def anything(site: Site) -> bool:
    with reading(site.database) as connection:
        return has_ended_profiles(connection, site.clock())


def alive(site: Site) -> list[UUID | None]:
    """The profiles of the grants that are not revoked."""
    with reading(site.database) as connection:
        rows = connection.execute(select(grants.c.profile_id).where(grants.c.revoked_at.is_(None)))
        return list(rows.scalars())


def logouts(site: Site) -> list[dict[str, Any]]:
    """What waits to be told to applications."""
    with reading(site.database) as connection:
        rows = connection.execute(select(outbox).where(outbox.c.kind == OUTBOX_KIND)).all()
    return [
        read_payload(
            site.secrets,
            ClaimedEntry(row.id, row.kind, row.payload_encrypted, row.created_at, 0, row.due_at),
        )
        for row in rows
    ]


def events(site: Site) -> list[str]:
    """The details of each profile's end on record."""
    statement = select(audit_events.c.details).where(audit_events.c.event == "profile.ended")
    with reading(site.database) as connection:
        return list(connection.execute(statement.order_by(audit_events.c.id)).scalars())


def test_with_a_profile_end_its_grants_and_no_others(
    site: Site, holder: Holder, rp: RelyingParty
) -> None:
    physician = profile(site, holder, "qualities", PHYSICIAN)
    mandate = profile(site, holder, "mandates", FOR_JURGEN)
    for each in (physician, physician, mandate, None):
        acts_in(site, rp, holder, each)
    assert not anything(site)
    take(site, holder.person, "qualities")
    assert anything(site)
    assert scan(site) == 1
    assert set(alive(site)) == {mandate, None}
    assert not anything(site)
    assert scan(site) == 0


def test_its_applications_are_told_by_the_name_of_the_session_in_that_profile(
    site: Site, holder: Holder, rp: RelyingParty, client: TestClient
) -> None:
    silent = register(site, client, client_id="pharmacy", redirect_uris=["https://p.example/cb"])
    physician = profile(site, holder, "qualities", PHYSICIAN)
    for application in (rp, rp, silent):
        acts_in(site, application, holder, physician)
    acts_in(site, rp, holder, None)
    take(site, holder.person, "qualities")
    scan(site)
    (told,) = logouts(site)
    assert told["client_id"] == "hospital"
    assert told["sid"] == sid(holder.session.id, "hospital", physician)
    assert told["sid"] != sid(holder.session.id, "hospital")


def test_an_application_is_told_too_where_its_own_request_came_upon_the_end_first(
    site: Site, holder: Holder, rp: RelyingParty, clock: MovableClock
) -> None:
    physician = profile(site, holder, "qualities", PHYSICIAN)
    acts_in(site, rp, holder, physician)
    with writing(site.database) as connection:
        connection.execute(update(grants).values(revoked_at=clock()))  # withdrawn, and told then
    clock.advance(seconds=1)
    acts_in(site, rp, holder, physician)
    take(site, holder.person, "qualities")
    with writing(site.database) as connection:
        alive = grants.c.revoked_at.is_(None)
        connection.execute(update(grants).where(alive).values(revoked_at=clock()))
    scan(site)
    assert len(logouts(site)) == 1
    assert events(site) == [f'{{"profile_id":"{physician}","kind":"quality","grants":1}}']


def test_its_holder_is_told_by_name_and_never_by_number(
    site: Site, holder: Holder, rp: RelyingParty
) -> None:
    take(site, holder.person, "mandates", FOR_JURGEN, FOR_FIRM)
    take(site, holder.person, "qualities", PHYSICIAN)
    take(site, holder.person, "mandates")
    take(site, holder.person, "qualities")
    scan(site)
    (mail,) = mails(site)
    assert mail.notice == "profiles-ended"
    for name in ("Jürgen Kettenis", "Fictief BV"):
        assert name in mail.text
    for number in (JURGEN.ssin, FIRM.cbe, PHYSICIAN.nihii11):
        assert number not in mail.text + mail.html + str(mail.fields)


def test_it_is_on_record_with_what_ended_with_it(
    site: Site, holder: Holder, rp: RelyingParty
) -> None:
    physician = profile(site, holder, "qualities", PHYSICIAN)
    acts_in(site, rp, holder, physician)
    take(site, holder.person, "qualities")
    scan(site)
    (details,) = events(site)
    assert details == f'{{"profile_id":"{physician}","kind":"quality","grants":1}}'


def test_what_comes_to_its_last_day_ends_by_itself(
    site: Site, holder: Holder, rp: RelyingParty, clock: MovableClock
) -> None:
    mandate = profile(site, holder, "mandates", replace(FOR_JURGEN, period=TODAY))
    acts_in(site, rp, holder, mandate)
    clock.now = datetime(2026, 3, 2, 22, 59, 59, tzinfo=clock.now.tzinfo)
    assert not anything(site)
    clock.advance(seconds=1)
    assert anything(site)
    assert scan(site) == 1
    assert alive(site) == []
    assert len(mails(site)) == 1


def test_a_child_that_is_of_age_ends_the_grant(
    site: Site, holder: Holder, rp: RelyingParty, clock: MovableClock
) -> None:  # decisions 9.3
    child = profile(site, holder, "children", replace(PARENT_OF_LUCAS, birthdate="2014-03-05"))
    acts_in(site, rp, holder, child)
    clock.advance(days=2)
    assert scan(site) == 0
    clock.advance(days=1)
    assert scan(site) == 1
    assert alive(site) == []
    assert "Lucas" in mails(site)[0].text


def test_a_mandator_s_death_ends_what_others_did_for_them(
    site: Site, holder: Holder, rp: RelyingParty
) -> None:
    known(site, JURGEN)
    mandate = profile(site, holder, "mandates", FOR_JURGEN)
    acts_in(site, rp, holder, mandate)
    acts_in(site, rp, holder, None)
    known(site, JURGEN, deceased=True)
    with writing(site.database) as connection:
        notify_of_ended_sessions(job(site, connection))
    assert scan(site) == 1
    assert alive(site) == [None]
    assert len(mails(site)) == 1


def test_nobody_gets_a_mail_about_a_child_that_died(
    site: Site, holder: Holder, rp: RelyingParty
) -> None:
    child = profile(site, holder, "children", PARENT_OF_LUCAS)
    acts_in(site, rp, holder, child)
    take(site, holder.person, "children", replace(PARENT_OF_LUCAS, deceased=True))
    assert scan(site) == 1
    assert alive(site) == []
    assert mails(site) == []
    assert len(logouts(site)) == 1


def test_nor_when_the_register_tells_of_the_death_first(site: Site, holder: Holder) -> None:
    known(site, LUCAS)
    profile(site, holder, "children", PARENT_OF_LUCAS)
    known(site, LUCAS, deceased=True)
    take(site, holder.person, "children", PARENT_OF_LUCAS)
    assert scan(site) == 1
    assert mails(site) == []


def test_the_dead_are_told_nothing(site: Site, holder: Holder) -> None:
    profile(site, holder, "qualities", PHYSICIAN)
    take(site, holder.person, "qualities")
    with writing(site.database) as connection:
        connection.execute(persons.update().values(deceased=True))
    assert scan(site) == 1
    assert mails(site) == []


def test_an_application_of_long_ago_is_told_only_of_what_it_still_had(
    site: Site, holder: Holder, rp: RelyingParty, clock: MovableClock
) -> None:
    physician = profile(site, holder, "qualities", PHYSICIAN)
    acts_in(site, rp, holder, physician)
    clock.advance(days=REMEMBERED.days)
    take(site, holder.person, "qualities")
    assert scan(site) == 1
    assert alive(site) == []
    assert logouts(site) == []


def test_two_workers_at_once_tell_each_end_once(
    site: Site, holder: Holder, rp: RelyingParty, clock: MovableClock
) -> None:
    ends = [replace(FOR_JURGEN, mandate_id=f"m-{n}", period=TODAY) for n in range(3)]
    take(site, holder.person, "mandates", *ends, FOR_FIRM)
    for each in offered(site, holder.person.id):
        acts_in(site, rp, holder, each.id)
    take(site, holder.person, "mandates", *ends)
    clock.advance(days=1)
    at_once(lambda: scan(site))
    while anything(site):
        scan(site)
    assert len(events(site)) == 4
    assert len(logouts(site)) == 4
    assert alive(site) == [None]
    named = [name for mail in mails(site) for _, name in mail.fields["capacities"]]
    assert sorted(named) == ["Fictief BV", *["Jürgen Kettenis"] * 3]


def test_many_ends_are_told_in_several_turns(
    site: Site, holder: Holder, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_profiles, "AT_ONCE", 2)
    many = [replace(FOR_JURGEN, mandate_id=f"m-{n}") for n in range(5)]
    take(site, holder.person, "mandates", *many)
    take(site, holder.person, "mandates")
    assert [scan(site), scan(site), scan(site), scan(site)] == [2, 2, 1, 0]


def test_the_worker_that_tells_applications_finds_them(
    site: Site, holder: Holder, rp: RelyingParty
) -> None:
    physician = profile(site, holder, "qualities", PHYSICIAN)
    acts_in(site, rp, holder, physician)
    take(site, holder.person, "qualities")
    backchannel_work(site).prepare()
    assert not anything(site)
    assert len(logouts(site)) == 1


def test_looking_for_ends_reads_indexes_that_hold_nothing_else(site: Site) -> None:
    dialect = site.database.reader.dialect
    compiled = str(
        ended_profiles._ANY.params(now=site.clock()).compile(
            dialect=dialect, compile_kwargs={"literal_binds": True}
        )
    )
    with writing(site.database) as connection:
        if site.database.write_lock is None:  # it would rather read a table of one page
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if site.database.write_lock else "EXPLAIN "
        plan = str(connection.execute(text(explain + compiled)).all())
    # PostgreSQL chooses by what is in the table: here nothing.
    assert "ix_profiles_valid_to" in plan or site.database.write_lock is None
    assert "ix_profiles_end_told_at" in plan
