"""Two persons who turn out to be one (decisions 9.5): all of the one goes over to the other.

A BIS number and a national number were both enrolled; later the register says that they are one
citizen's.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Row, func, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.consents.tables import consents
from authn.console.merging import MERGE_STEPS
from authn.db.metadata import metadata
from authn.db.transaction import reading, writing
from authn.devices.devices import find_held_device, list_devices
from authn.enrolment.activation.codes import activation_codes
from authn.errors import CommandError, Forbidden
from authn.grants.endings.ended_sessions import notify_of_ended_sessions
from authn.grants.grants import find_live_grant
from authn.grants.tables import grants
from authn.keys.signing_keys import ensure_signing_keys
from authn.notices.contact_addresses import add_address, confirm_address, list_contact_addresses
from authn.outbox.outbox import outbox
from authn.people.merge import list_merged_ids, merge_persons
from authn.people.numbers import current_ssin
from authn.people.persons import (
    Citizen,
    find_or_create_person,
    find_person,
    find_person_by_ssin,
    lock_person,
)
from authn.people.subjects import find_or_create_subject
from authn.people.tables import Person, person_ssins, persons, subjects
from authn.profiles.profile import NO_PROFILE
from authn.profiles.tables import profiles
from authn.sources.tables import source_answers
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, ORIGIN, activation_code, enrolled
from tests.conftest import MovableClock
from tests.devices.test_devices import add
from tests.occasion import job
from tests.oidc.refreshing import GRANT_TYPES, OFFLINE, refresh
from tests.oidc.relying_party import hold_device, register, segment
from tests.together import at_once

THIRD = Citizen("05520900401", "Jürgen", "Kettenis", "1905-12-09", "de")


def person(site: Site, citizen: Citizen) -> Person:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, citizen, site.clock())


def merge(site: Site, merged: Person, kept: Person, citizen: Citizen | None = None) -> list[str]:
    with writing(site.database) as connection:
        return merge_persons(
            job(site, connection), merged.id, kept.id, MERGE_STEPS.values(), citizen
        )


def refusal(site: Site, merged: Person, kept: Person) -> str:
    with pytest.raises(CommandError) as caught:
        merge(site, merged, kept)
    return str(caught.value)


def test_every_table_that_names_a_person_is_some_rooms_part() -> None:
    naming = {
        table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column is persons.c.id
    }
    named = {table for tables in MERGE_STEPS for table in tables.split(", ")}
    assert named | {"persons", "person_ssins", "subjects"} == naming | {"grants"}


def test_both_numbers_are_the_kept_persons_and_the_register_says_which_is_the_present_one(
    site: Site, clock: MovableClock
) -> None:
    merged, kept = person(site, KARIM), person(site, HANNE)
    clock.advance(days=1)
    merge(site, merged, kept, replace(KARIM, previous_ssins=(HANNE.ssin,)))
    with writing(site.database) as connection:
        for ssin in (HANNE.ssin, KARIM.ssin):
            found = find_person_by_ssin(connection, site.secrets, ssin)
            assert found and (found.id, found.given_name) == (kept.id, KARIM.given_name)
        assert current_ssin(connection, site.secrets, kept.id) == KARIM.ssin
        rows = connection.execute(select(person_ssins)).all()
        assert sorted(row.valid_to is None for row in rows) == [False, True]
        assert find_person(connection, merged.id) is None
        assert lock_person(connection, merged.id) is None
        assert list_merged_ids(connection, kept.id) == [kept.id, merged.id]


def test_without_an_answer_of_the_register_the_kept_persons_number_is_the_present_one(
    site: Site,
) -> None:
    merged, kept = person(site, KARIM), person(site, HANNE)
    merge(site, merged, kept)
    with reading(site.database) as connection:
        assert current_ssin(connection, site.secrets, kept.id) == HANNE.ssin
        row = connection.execute(
            select(person_ssins).where(person_ssins.c.replaced_by.is_not(None))
        ).one()
    assert (row.person_id, row.valid_to) == (kept.id, site.clock())


def test_a_device_of_the_merged_person_signs_the_kept_one_in_with_the_key_that_it_has(
    site: Site, app: Starlette, client: TestClient
) -> None:
    kept, first = enrolled(site, client)
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as other_browser:
        merged, second = enrolled(site, other_browser, KARIM)
        merge(site, merged, kept)
        # What was open on it has ended; what the other had open goes on.
        assert second.client.get("/devices").status_code == 303
        page = first.client.get("/devices")
        assert page.status_code == 200
        assert second.sign_in().status_code == 200
        page = second.client.get("/devices")
        assert kept.family_name in page.text
        with reading(site.database) as connection:
            handles = {each.user_handle for each in list_devices(connection, kept.id)}
            names = [each.name for each in list_devices(connection, kept.id)]
    assert handles == {kept.user_handle, merged.user_handle}
    assert len(set(names)) == len(names) == 2


def test_grants_and_tokens_of_the_merged_person_end_and_applications_are_told(
    site: Site, app: Starlette, client: TestClient
) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    kept = hold_device(site, client).person
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as browser:
        holder = hold_device(site, browser, KARIM)
        told = ClientMetadata(
            grant_types=GRANT_TYPES, backchannel_logout_uri="https://hospital.example/logout"
        )
        rp = register(site, browser, scope=OFFLINE, metadata=told).allowed_by(holder, OFFLINE)
        tokens = rp.tokens(scope=OFFLINE)
        code = rp.code()
        merge(site, holder.person, kept)
        assert rp.userinfo(tokens["access_token"]).status_code == 401
        assert refresh(rp, tokens["refresh_token"]).json()["error"] == "invalid_grant"
        assert rp.redeem(code).json()["error"] == "invalid_grant"
        with writing(site.database) as connection:
            assert notify_of_ended_sessions(job(site, connection)) == 1
            mails = select(func.count()).where(outbox.c.kind == "backchannel-logout")
            assert connection.execute(mails).scalar() == 1


def test_a_grant_of_a_login_at_that_very_moment_is_dead(site: Site, client: TestClient) -> None:
    """The login read its device before the merger, and wrote its grant after it."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    holder = hold_device(site, client)
    rp = register(site, client).allowed_by(holder)
    rp.tokens()
    kept = person(site, KARIM)
    with writing(site.database) as connection:
        grant_id = connection.execute(select(grants.c.id)).scalar_one()
        assert find_live_grant(connection, site.settings, grant_id, site.clock())
        connection.execute(update(grants).values(person_id=kept.id))
        assert find_live_grant(connection, site.settings, grant_id, site.clock()) is None


def test_who_knew_one_of_them_goes_on_by_the_same_sub_and_nobody_is_given_the_other(
    site: Site,
) -> None:
    """Decisions 1.3."""
    merged, kept = person(site, KARIM), person(site, HANNE)

    def sub(of: Person, sector: str) -> str:
        with writing(site.database) as connection:
            return find_or_create_subject(connection, of.id, sector, site.clock())

    alone, own, other = sub(merged, "alone"), sub(kept, "both"), sub(merged, "both")
    said = merge(site, merged, kept)
    assert sub(kept, "alone") == alone
    assert sub(kept, "both") == own
    with reading(site.database) as connection:
        row = connection.execute(select(subjects).where(subjects.c.sub == other)).one()
    assert row.person_id == merged.id
    assert "Known by the same sub as before, in the sectors: alone." in said


def allow(
    site: Site,
    of: Person,
    scope: str,
    *,
    days: int = 0,
    declined: bool = False,
    until: int | None = None,
    profile_id: UUID = NO_PROFILE,
) -> None:
    """The person said yes or no, so many days ago, for so many days from now."""
    now = site.clock()
    with writing(site.database) as connection:
        connection.execute(
            consents.insert().values(
                person_id=of.id,
                client_id="hospital",
                profile_id=profile_id,
                scope=scope,
                given_at=now - timedelta(days=days),
                declined=declined,
                expires_at=now + timedelta(days=until) if until else None,
            )
        )


def consents_of(site: Site, of: Person) -> dict[str, Row[tuple[object, ...]]]:
    with reading(site.database) as connection:
        rows = connection.execute(select(consents).where(consents.c.person_id == of.id))
        return {row.scope: row for row in rows}


def test_consents_unite_with_the_earlier_end_and_a_contradiction_is_asked_again(
    site: Site, client: TestClient
) -> None:
    register(site, client, client_id="hospital")
    merged, kept = person(site, KARIM), person(site, HANNE)
    allow(site, kept, "openid", days=1, until=30)
    allow(site, merged, "openid", days=9, until=20)
    allow(site, merged, "profile")
    allow(site, merged, "ssin", declined=True)
    allow(site, kept, "offline_access")
    allow(site, merged, "offline_access", declined=True)
    allow(site, kept, "email", declined=True)
    said = merge(site, merged, kept)
    united, now = consents_of(site, kept), site.clock()
    assert set(united) == {"openid", "profile", "ssin", "email"}
    assert united["openid"].given_at == now - timedelta(days=9)
    assert united["openid"].expires_at == now + timedelta(days=20)
    assert [united[scope].declined for scope in ("profile", "ssin", "email")] == [
        False,
        True,
        True,
    ]
    assert not consents_of(site, merged)
    assert "Consents that contradict each other, and are asked again: 1." in said


def profile(
    site: Site, of: Person, key: str, *, represents: Person | None = None, ended: bool = False
) -> UUID:
    """A capacity of the person; what its fact is plays no part here."""
    now, profile_id = site.clock(), uuid4()
    with writing(site.database) as connection:
        connection.execute(
            profiles.insert().values(
                id=profile_id,
                person_id=of.id,
                kind="mandate",
                question="mandates",
                key_hash=key,
                fact_encrypted=b"",
                represented_id=represents.id if represents else None,
                known_since=now,
                ended_at=now if ended else None,
                end_told_at=now if ended else None,
            )
        )
    return profile_id


def test_capacities_move_and_one_that_both_had_is_the_kept_persons_own_with_what_was_allowed_in_it(
    site: Site, client: TestClient
) -> None:
    register(site, client, client_id="hospital")
    merged, kept, third = person(site, KARIM), person(site, HANNE), person(site, THIRD)
    own, twice = profile(site, kept, "both"), profile(site, merged, "both")
    alone = profile(site, merged, "alone", represents=third)
    between = profile(site, kept, "self", represents=merged)
    of_third = profile(site, third, "third", represents=merged)
    allow(site, merged, "openid", profile_id=twice)
    allow(site, merged, "profile", profile_id=alone)
    with writing(site.database) as connection:
        for each in (merged, kept):
            due_at = site.clock() + timedelta(days=1)
            row = {"person_id": each.id, "question": "mandates", "due_at": due_at}
            connection.execute(source_answers.insert().values(row))
    merge(site, merged, kept)
    with reading(site.database) as connection:
        rows = {row.id: row for row in connection.execute(select(profiles))}
        answers = connection.execute(select(source_answers)).all()
    assert (rows[own].person_id, rows[own].ended_at) == (kept.id, None)
    assert (rows[twice].person_id, rows[twice].ended_at) == (merged.id, site.clock())
    assert (rows[alone].person_id, rows[alone].represented_id) == (kept.id, third.id)
    assert rows[between].ended_at == site.clock()  # nobody acts for themselves
    assert rows[of_third].represented_id == kept.id
    assert {row.scope: row.profile_id for row in consents_of(site, kept).values()} == {
        "openid": own,
        "profile": alone,
    }
    # The sources are asked again, by both numbers.
    assert [(row.person_id, row.due_at) for row in answers] == [(kept.id, site.clock())]


def test_confirmed_addresses_move_and_are_told(site: Site) -> None:
    merged, kept = person(site, KARIM), person(site, HANNE)

    def give(of: Person, address: str, *, confirmed: bool = True) -> None:
        with writing(site.database) as connection:
            _, secret = add_address(connection, site.secrets, of.id, address, site.clock())
            if confirmed:
                confirm_address(connection, site.secrets, secret, site.clock())

    give(kept, "hanne@example.org")
    give(merged, "Hanne@example.org")
    give(merged, "karim@example.org")
    give(merged, "waits@example.org", confirmed=False)
    merge(site, merged, kept)
    with reading(site.database) as connection:
        left = list_contact_addresses(connection, site.secrets, kept.id, site.clock())
        assert list_contact_addresses(connection, site.secrets, merged.id, site.clock()) == []
        mails = select(func.count()).where(outbox.c.kind == "mail")
        assert connection.execute(mails).scalar() == 2
    assert {each.address for each in left} == {"hanne@example.org", "karim@example.org"}


def test_nothing_that_was_begun_for_the_merged_person_can_be_completed(
    site: Site, client: TestClient
) -> None:
    merged, _ = activation_code(site, KARIM)
    kept = person(site, HANNE)
    merge(site, merged, kept)
    with reading(site.database) as connection:
        row = connection.execute(select(activation_codes)).one()
    assert row.withdrawn_at == site.clock()
    with pytest.raises(Forbidden):
        add(site, merged, 1)


def test_it_is_on_record_about_both(site: Site) -> None:
    merged, kept = person(site, KARIM), person(site, HANNE)
    merge(site, merged, kept)
    with reading(site.database) as connection:
        rows = connection.execute(
            select(audit_events).where(audit_events.c.event == "person.merged")
        ).all()
    assert {row.person_id for row in rows} == {merged.id, kept.id}
    assert all(KARIM.ssin not in row.details and HANNE.ssin not in row.details for row in rows)


def test_who_was_merged_is_not_merged_again_nor_merged_into(site: Site) -> None:
    merged, kept, third = person(site, KARIM), person(site, HANNE), person(site, THIRD)
    merge(site, merged, kept)
    assert "merged into another" in refusal(site, merged, third)
    assert "merged into another" in refusal(site, third, merged)
    assert "one person already" in refusal(site, kept, kept)
    # Who has taken over somebody may turn out to be a third one.
    merge(site, kept, third)
    with reading(site.database) as connection:
        assert set(list_merged_ids(connection, third.id)) == {merged.id, kept.id, third.id}
        found = find_person_by_ssin(connection, site.secrets, KARIM.ssin)
    assert found and found.id == third.id


def test_the_dead_and_the_living_are_not_one(site: Site) -> None:
    merged, kept = person(site, replace(KARIM, deceased=True)), person(site, HANNE)
    assert "deceased" in refusal(site, merged, kept)


def test_the_same_merger_twice_at_once_happens_once(site: Site) -> None:
    merged, kept = person(site, KARIM), person(site, HANNE)
    assert once(site, [(merged, kept)] * 4) == 1


def test_each_into_the_other_at_once_leaves_one_of_them(site: Site) -> None:
    first, second = person(site, KARIM), person(site, HANNE)
    assert once(site, [(first, second), (second, first)] * 2) == 1
    with reading(site.database) as connection:
        left = select(func.count()).where(persons.c.merged_into.is_(None))
        assert connection.execute(left).scalar() == 1
        owners = connection.execute(select(person_ssins.c.person_id).distinct()).all()
    assert len(owners) == 1


def once(site: Site, wanted: list[tuple[Person, Person]]) -> int:
    """How many of these mergers, all at the same moment, happened."""
    left = list(wanted)

    def act() -> bool:
        merged, kept = left.pop()
        try:
            merge(site, merged, kept)
        except CommandError:
            return False
        return True

    return at_once(act, threads=len(wanted)).count(True)


def test_a_device_that_moved_belongs_to_the_kept_person_when_it_is_found(site: Site) -> None:
    merged, kept = person(site, KARIM), person(site, HANNE)
    add(site, kept, 1, "Laptop")
    add(site, merged, 2, "Laptop")
    said = merge(site, merged, kept)
    with reading(site.database) as connection:
        held = find_held_device(connection, b"2")
    assert held and held.person.id == kept.id
    assert held.device.name == "Laptop 2"
    assert "Device that goes on working: Laptop 2." in said


def test_the_sub_of_the_next_sign_in_is_the_kept_persons(
    site: Site, app: Starlette, client: TestClient
) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    holder = hold_device(site, client)
    rp = register(site, client).allowed_by(holder)
    before = segment(rp.tokens()["id_token"], 1)["sub"]
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as browser:
        other = hold_device(site, browser, KARIM)
        merge(site, other.person, holder.person)
        assert segment(rp.tokens()["id_token"], 1)["sub"] == before
