"""Choices as they are kept: one for each request, whatever happens at once, and not for ever."""

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.login.profile_choices import (
    KEPT,
    ChosenProfile,
    find_remembered_profile,
    forget_old_choices,
    keep_choice,
    newest_profile_by_client,
    record_choice,
    record_switch,
)
from authn.login.tables import profile_choices
from authn.profiles.answer import apply_answer
from authn.profiles.available import available_profiles
from authn.profiles.profile import CITIZEN, NO_PROFILE, Profile
from authn.settings import Settings
from authn.web.site import Site
from tests.capacities import physician, quality
from tests.citizen import KARIM
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.hospital import CLIENT_ID, register_hospital
from tests.oidc.relying_party import Holder, hold_device, sign_in
from tests.together import at_once


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    """Hanne, signed in; the hospital's application is registered."""
    register_hospital(site)
    return hold_device(site, client)


def profiles_of(site: Site, holder: Holder) -> list[Profile]:
    """In which capacities Hanne may act: as a citizen, and two professions."""
    with writing(site.database) as connection:
        of = (connection, site.secrets, site.settings, holder.person.id)
        apply_answer(*of, "qualities", [physician(), quality("nurse")], site.clock())
        return available_profiles(*of, site.clock())


def note(site: Site, holder: Holder, request_id: str, profile: Profile) -> None:
    with writing(site.database) as connection:
        record_choice(connection, holder.session, CLIENT_ID, request_id, profile, site.clock())


def consent_ids(site: Site, holder: Holder, request_id: str) -> tuple[object, ...]:
    """What is remembered: for this request, in the session, and at all."""
    with reading(site.database) as connection:
        found = find_remembered_profile(connection, holder.session, CLIENT_ID, request_id)
    return tuple(
        each and each.consent_id for each in (found.for_request, found.in_session, found.last)
    )


def rows(site: Site) -> list[str]:
    with reading(site.database) as connection:
        return [*connection.execute(select(profile_choices.c.request_id)).scalars()]


def test_of_two_choices_for_one_request_the_later_counts(
    site: Site, holder: Holder, clock: MovableClock
) -> None:
    _, nurse, doctor = profiles_of(site, holder)
    note(site, holder, "r1", nurse)
    clock.advance(seconds=1)
    note(site, holder, "r1", doctor)
    clock.advance(seconds=1)
    note(site, holder, "r2", CITIZEN)
    assert consent_ids(site, holder, "r1") == (doctor.id, NO_PROFILE, NO_PROFILE)
    assert consent_ids(site, holder, "r3") == (None, NO_PROFILE, NO_PROFILE)
    assert sorted(rows(site)) == ["r1", "r2"]


def test_choices_at_the_same_moment_leave_one(site: Site, holder: Holder) -> None:
    choices = iter([*profiles_of(site, holder)] * 4)
    results = at_once(lambda: note(site, holder, "r1", next(choices)))
    assert results == [None] * 8
    assert rows(site) == ["r1"]


def test_what_is_kept_at_the_same_moment_never_changes_what_was_chosen(
    site: Site, holder: Holder, clock: MovableClock
) -> None:
    _, nurse, doctor = profiles_of(site, holder)
    note(site, holder, "before", nurse)
    earlier = ChosenProfile(nurse.consent_id, site.clock())
    clock.advance(seconds=1)
    note(site, holder, "r1", doctor)

    def keep() -> None:
        with writing(site.database) as connection:
            keep_choice(connection, holder.session, CLIENT_ID, "r1", earlier)
            keep_choice(connection, holder.session, CLIENT_ID, "r2", earlier)

    at_once(keep)
    assert consent_ids(site, holder, "r1") == (doctor.id, doctor.id, doctor.id)
    # Nor does keeping to an older one make it the newest.
    assert consent_ids(site, holder, "r2") == (nurse.id, doctor.id, doctor.id)


def test_a_choice_is_the_session_s_and_the_person_s(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    _, nurse, _ = profiles_of(site, holder)
    note(site, holder, "r1", nurse)
    clock.advance(seconds=1)
    client.cookies.clear()
    elsewhere = sign_in(site, client, holder.held)
    assert elsewhere.session.id != holder.session.id
    assert consent_ids(site, elsewhere, "r1") == (None, None, nurse.id)
    other = hold_device(site, client, KARIM)
    assert consent_ids(site, other, "r1") == (None, None, None)


def test_a_switch_is_the_newest_choice_of_the_session(
    site: Site, holder: Holder, clock: MovableClock
) -> None:
    _, nurse, _ = profiles_of(site, holder)
    note(site, holder, "r1", nurse)
    clock.advance(seconds=1)
    with writing(site.database) as connection:
        record_switch(connection, holder.session, CLIENT_ID, CITIZEN, site.clock())
        assert newest_profile_by_client(connection, holder.session) == {CLIENT_ID: None}
    assert consent_ids(site, holder, "r1") == (nurse.id, NO_PROFILE, NO_PROFILE)


def test_what_was_chosen_last_is_kept_for_ever(
    site: Site, holder: Holder, clock: MovableClock
) -> None:
    for request_id in ("r1", "r2", "r3"):
        note(site, holder, request_id, CITIZEN)
        clock.advance(seconds=1)
    clock.advance(days=KEPT.days - 1)
    with writing(site.database) as connection:
        assert forget_old_choices(connection, site.clock()) == 0
    clock.advance(days=2)
    with writing(site.database) as connection:
        assert forget_old_choices(connection, site.clock()) == 2
    assert rows(site) == ["r3"]


@pytest.mark.thorough
def test_the_daily_cleanup_forgets_old_choices(
    settings: Settings, site: Site, holder: Holder, clock: MovableClock
) -> None:
    for request_id in ("r1", "r2"):
        note(site, holder, request_id, CITIZEN)
        clock.advance(seconds=1)
    # The tests' clock stands in the past: for the command, all of it was long ago.
    result = run_command(settings, "cleanup")
    assert "choices of profiles: 1 deleted" in result.stdout, result.stderr
    assert rows(site) == ["r2"]
