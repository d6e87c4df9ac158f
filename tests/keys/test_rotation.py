"""Rotation of our keys: decisions 7 ("rotate a signing key: nothing ends"), decisions 4.15."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.grants import access_tokens
from authn.jose import ALGORITHMS, ES256, Algorithm, InvalidToken, sign, verify
from authn.keys import upkeep
from authn.keys.rotation import list_key_pairs, rotate, withdraw
from authn.keys.signing_keys import (
    EVERY_ALGORITHM,
    REMEMBERED,
    SigningKeys,
    StoredKey,
    decrypt_jwk,
    ensure_signing_keys,
    list_keys,
    load_audit_keys,
    load_keys,
)
from authn.keys.tables import ACTIVE, NEXT, RETIRED, WITHDRAWN, signing_keys
from authn.keys.upkeep import KEPT_FOR_HINTS, PUBLISHED_AFTERWARDS, maintain_keys
from authn.oidc import jwks
from authn.oidc.tokens import id_token
from authn.settings import Settings, load_settings
from authn.web.site import Site
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.patience import SECONDS, until
from tests.together import at_once

pytestmark = pytest.mark.thorough

CLAIMS = {"sub": "somebody"}


@pytest.fixture(autouse=True)
def _keys(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())


def loaded(site: Site) -> SigningKeys:
    with reading(site.database) as connection:
        return load_keys(connection, site.secrets)


def stored(site: Site) -> dict[str, StoredKey]:
    with reading(site.database) as connection:
        return {key.kid: key for key in list_keys(connection)}


def published(site: Site) -> set[str]:
    return {key["kid"] for key in json.loads(loaded(site).jwks)["keys"]}


def look_after(site: Site, settings: Settings | None = None) -> None:
    maintain_keys(site.database, settings or site.settings, site.secrets, site.clock())


def rotate_now(site: Site) -> str:
    return rotate(site.database, site.settings, site.secrets, site.clock(), ES256, at_once=True)


def private_kids(site: Site) -> set[str]:
    with reading(site.database) as connection:
        rows = connection.execute(select(signing_keys)).all()
    return {
        row.kid
        for row in rows
        if "d" in json.loads(decrypt_jwk(site.secrets, row.kid, row.jwk_encrypted))
    }


def one_of_each(site: Site) -> None:
    """For each algorithm there is exactly one active and one next key."""
    states = Counter((key.alg, key.state) for key in stored(site).values())
    for alg in EVERY_ALGORITHM:
        assert (states[alg, ACTIVE], states[alg, NEXT]) == (1, 1), alg
    assert set(loaded(site).active) == set(ALGORITHMS)


def events(site: Site) -> list[str]:
    with reading(site.database) as connection:
        statement = select(audit_events.c.event).order_by(audit_events.c.id)
        names = connection.execute(statement).scalars()
        return [name for name in names if name.startswith("signing_key")]


# By command


def test_the_next_key_signs_and_another_one_is_published(site: Site, clock: MovableClock) -> None:
    before = list_key_pairs(site.database)
    clock.advance(days=8)
    for alg in EVERY_ALGORITHM:
        kid = rotate(site.database, site.settings, site.secrets, clock(), alg)
        assert kid == before[alg].next.kid
    after = list_key_pairs(site.database)
    for alg in ALGORITHMS:
        assert loaded(site).active[alg].kid == before[alg].next.kid
        assert after[alg].next.kid not in {before[alg].next.kid, before[alg].active.kid}
        assert stored(site)[before[alg].active.kid].state == RETIRED
    one_of_each(site)
    assert events(site) == ["signing_key.rotated"] * len(EVERY_ALGORITHM)


def test_a_key_signs_only_when_it_was_published_long_enough(
    site: Site, clock: MovableClock
) -> None:
    clock.advance(days=7, seconds=-1)
    active = loaded(site).active[ES256].kid
    with pytest.raises(CommandError, match=r"since 2026-03-02.*From 2026-03-09.*--now"):
        rotate(site.database, site.settings, site.secrets, clock(), ES256)
    assert loaded(site).active[ES256].kid == active
    clock.advance(seconds=1)
    rotate(site.database, site.settings, site.secrets, clock(), ES256)
    assert loaded(site).active[ES256].kid != active


def test_only_the_algorithm_that_was_named_is_rotated(site: Site) -> None:
    before = loaded(site).active
    rotate_now(site)
    after = loaded(site).active
    assert {alg for alg in ALGORITHMS if before[alg] != after[alg]} == {ES256}


def test_nothing_ends_when_a_key_is_rotated(site: Site) -> None:  # decisions 7
    token = sign(loaded(site).active[ES256], CLAIMS)
    rotate_now(site)
    rotate_now(site)
    assert verify(token, loaded(site).by_kid, "JWT") == CLAIMS


def test_what_is_encrypted_to_the_former_key_is_still_read(site: Site, clock: MovableClock) -> None:
    clock.advance(days=8)
    former = list_key_pairs(site.database)["ECDH-ES"].active.kid
    rotate(site.database, site.settings, site.secrets, clock(), "ECDH-ES")
    assert former not in published(site)
    assert former in {key.kid for key in loaded(site).decrypting}
    clock.advance(days=1)
    look_after(site)
    assert former not in {key.kid for key in loaded(site).decrypting}


def test_a_process_that_has_not_read_the_keys_again_verifies_what_the_new_key_signs(
    site: Site,
) -> None:
    remembered = loaded(site)
    rotate_now(site)
    fresh = loaded(site)
    assert fresh.active[ES256].kid != remembered.active[ES256].kid
    by_new_one = sign(fresh.active[ES256], CLAIMS)
    by_old_one = sign(remembered.active[ES256], CLAIMS)
    assert verify(by_new_one, remembered.by_kid, "JWT") == CLAIMS
    assert verify(by_old_one, fresh.by_kid, "JWT") == CLAIMS


def test_ten_processes_that_rotate_at_once_leave_one_key_in_use(site: Site) -> None:
    def act() -> str:
        try:
            return rotate_now(site)
        except CommandError:
            return ""

    kids = at_once(act, threads=10)
    assert any(kids)
    one_of_each(site)
    in_use = [key.kid for key in stored(site).values() if key.alg == ES256 and key.activated_at]
    assert len(in_use) == 1 + sum(bool(kid) for kid in kids) == len(set(in_use))
    assert events(site) == ["signing_key.rotated"] * sum(bool(kid) for kid in kids)


# By the clock


def test_a_key_is_followed_by_the_next_after_ninety_days(site: Site, clock: MovableClock) -> None:
    first = list_key_pairs(site.database)
    clock.advance(days=90, seconds=-1)
    look_after(site)
    assert list_key_pairs(site.database) == first
    clock.advance(seconds=1)
    look_after(site)
    assert all(
        list_key_pairs(site.database)[alg].active.kid == first[alg].next.kid for alg in first
    )
    one_of_each(site)
    second = list_key_pairs(site.database)
    look_after(site)
    assert list_key_pairs(site.database) == second


def test_ten_processes_that_look_at_the_clock_at_once_rotate_once(
    site: Site, clock: MovableClock
) -> None:
    first = list_key_pairs(site.database)
    clock.advance(days=90)
    at_once(lambda: look_after(site), threads=10)
    one_of_each(site)
    assert all(
        list_key_pairs(site.database)[alg].active.kid == first[alg].next.kid for alg in first
    )
    assert events(site) == ["signing_key.rotated"] * len(EVERY_ALGORITHM)


def test_the_clock_can_be_turned_off(site: Site, clock: MovableClock) -> None:
    first = list_key_pairs(site.database)
    clock.advance(days=2000)
    off = site.settings.model_copy(update={"signing_key_rotation": timedelta(0)})
    look_after(site, off)
    assert list_key_pairs(site.database) == first


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("rotation", "ahead", "wrong"),
    [
        ("P90D", "P7D", False),
        ("PT0S", "P7D", False),
        ("P7D", "P7D", True),
        ("P1D", "P7D", True),
        ("-P1D", "P7D", True),
        ("P90D", "PT59M", True),
        ("P90D", "PT1H", False),
    ],
)
def test_a_key_can_t_be_due_before_it_was_published(
    monkeypatch: pytest.MonkeyPatch, rotation: str, ahead: str, wrong: bool
) -> None:
    monkeypatch.setenv("AUTHN_SIGNING_KEY_ROTATION", rotation)
    monkeypatch.setenv("AUTHN_SIGNING_KEY_PUBLISHED_AHEAD", ahead)
    if not wrong:
        load_settings()
        return
    with pytest.raises(CommandError, match=r"SIGNING_KEY|published before it is due"):
        load_settings()


def test_a_retired_key_is_forgotten_in_two_steps(site: Site, clock: MovableClock) -> None:
    former = loaded(site).active[ES256]
    token = sign(former, CLAIMS)
    clock.advance(days=8)
    rotate(site.database, site.settings, site.secrets, clock(), ES256)
    clock.advance(days=1, seconds=-1)
    look_after(site)
    assert former.kid in published(site) & private_kids(site)
    assert verify(token, loaded(site).by_kid, "JWT") == CLAIMS
    clock.advance(seconds=1)
    look_after(site)
    assert former.kid not in published(site) | private_kids(site)
    assert verify(token, loaded(site).for_hints, "JWT") == CLAIMS
    with pytest.raises(InvalidToken):
        verify(token, loaded(site).by_kid, "JWT")
    clock.advance(days=364)
    look_after(site)
    assert former.kid in loaded(site).for_hints
    clock.advance(days=1)
    look_after(site)
    assert former.kid not in loaded(site).for_hints
    assert former.kid in stored(site)  # for the heads of the audit log


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_what_signed_the_audit_log_is_kept_for_as_long_as_its_files(
    site: Site, clock: MovableClock, alg: Algorithm
) -> None:
    former = loaded(site).active[alg]
    token = sign(former, CLAIMS)
    clock.advance(days=8)
    rotate(site.database, site.settings, site.secrets, clock(), alg)
    clock.advance(days=2)
    look_after(site)
    clock.advance(days=3653)
    look_after(site)
    with reading(site.database) as connection:
        keys = load_audit_keys(connection, site.secrets)
    assert former.kid not in loaded(site).for_hints
    assert former.kid not in private_kids(site)
    assert (former.kid in keys) == (former.kid in stored(site)) == (alg == ES256)
    if alg == ES256:
        assert verify(token, keys, "JWT") == CLAIMS
    clock.advance(days=184)
    look_after(site)
    assert former.kid not in stored(site)


def test_a_withdrawn_key_says_nothing_of_the_audit_log(site: Site, clock: MovableClock) -> None:
    former = loaded(site).active[ES256]
    clock.advance(days=8)
    withdraw(site.database, site.secrets, clock(), former.kid)
    with reading(site.database) as connection:
        assert former.kid not in load_audit_keys(connection, site.secrets)


def test_when_nothing_is_due_nothing_is_written(site: Site, clock: MovableClock) -> None:
    rotate_now(site)
    clock.advance(days=2)
    look_after(site)
    with site.database.write_lock.held() if site.database.write_lock else reading(site.database):
        look_after(site)  # on SQLite it would wait for the lock, and give up


@pytest.mark.one_engine
def test_a_retired_key_is_published_for_longer_than_its_last_token_lives() -> None:
    last_token = max(access_tokens.LIFETIME, id_token.LIFETIME) + REMEMBERED
    assert last_token < PUBLISHED_AFTERWARDS < KEPT_FOR_HINTS


@pytest.mark.one_engine
def test_clients_read_the_key_set_again_before_a_key_of_it_signs(
    settings: Settings,
) -> None:
    assert jwks.MAX_AGE + REMEMBERED < timedelta(hours=1) <= settings.signing_key_published_ahead


# In an emergency


def test_nothing_of_a_withdrawn_key_is_believed(site: Site) -> None:
    stolen, successor = loaded(site).active[ES256], list_key_pairs(site.database)[ES256].next.kid
    token = sign(stolen, CLAIMS)
    withdraw(site.database, site.secrets, site.clock(), stolen.kid)
    keys = loaded(site)
    assert stolen.kid not in published(site) | private_kids(site)
    assert keys.active[ES256].kid == successor
    for believed in (keys.by_kid, keys.for_hints):
        with pytest.raises(InvalidToken):
            verify(token, believed, "JWT")
    assert stored(site)[stolen.kid].state == WITHDRAWN
    one_of_each(site)
    assert events(site) == ["signing_key.withdrawn"]


def test_a_next_and_a_retired_key_can_be_withdrawn(site: Site) -> None:
    former = loaded(site).active[ES256].kid
    rotate_now(site)
    pair = list_key_pairs(site.database)[ES256]
    for kid in (former, pair.next.kid):
        withdraw(site.database, site.secrets, site.clock(), kid)
        assert kid not in loaded(site).for_hints
        one_of_each(site)
    assert loaded(site).active[ES256].kid == pair.active.kid


def test_a_withdrawn_decryption_key_decrypts_nothing(site: Site) -> None:
    kid = list_key_pairs(site.database)["RSA-OAEP-256"].active.kid
    withdraw(site.database, site.secrets, site.clock(), kid)
    assert kid not in published(site)
    assert kid not in {key.kid for key in loaded(site).decrypting}
    one_of_each(site)


def test_a_key_is_withdrawn_once(site: Site) -> None:
    kid = loaded(site).active[ES256].kid

    def act() -> str:
        try:
            withdraw(site.database, site.secrets, site.clock(), kid)
        except CommandError as refused:
            return str(refused)
        return ""

    answers = at_once(act)
    assert answers.count("") == 1
    one_of_each(site)
    with pytest.raises(CommandError, match="withdrawn before"):
        withdraw(site.database, site.secrets, site.clock(), kid)
    with pytest.raises(CommandError, match="no such key"):
        withdraw(site.database, site.secrets, site.clock(), "another")


def test_rotating_and_withdrawing_at_once_leave_one_key_in_use(site: Site) -> None:
    pair = list_key_pairs(site.database)[ES256]

    def attempt(act: Callable[[], object]) -> None:
        try:
            act()
        except CommandError:
            return

    acts: list[Callable[[], object]] = [
        lambda: rotate_now(site),
        lambda: withdraw(site.database, site.secrets, site.clock(), pair.active.kid),
        lambda: withdraw(site.database, site.secrets, site.clock(), pair.next.kid),
        lambda: look_after(site),
    ]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(attempt, act) for act in acts * 2]:
            done.result(timeout=SECONDS)
    one_of_each(site)
    assert stored(site)[pair.active.kid].state == WITHDRAWN


def test_the_key_set_follows_within_a_minute(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    kid = loaded(site).active[ES256].kid
    assert kid in client.get("/jwks").text
    withdraw(site.database, site.secrets, clock(), kid)
    clock.advance(seconds=60)
    answer = client.get("/jwks")
    assert kid not in answer.text
    assert answer.headers["cache-control"] == "public, max-age=300"


# In the running service


def test_the_service_looks_after_its_keys_by_itself(
    site: Site, app: Starlette, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list_key_pairs(site.database)
    clock.advance(days=90)
    monkeypatch.setattr(upkeep, "LOOKED_AFTER_EVERY", timedelta(milliseconds=20))
    failures = iter([RuntimeError("the database is gone")])

    def fails_once(*arguments: Any) -> None:
        if failure := next(failures, None):
            raise failure
        maintain_keys(*arguments)

    monkeypatch.setattr(upkeep, "maintain_keys", fails_once)
    with TestClient(app):
        until(
            lambda: (
                list_key_pairs(site.database) != first
                and len(list_key_pairs(site.database)) == len(first)
            )
        )
        one_of_each(site)


@pytest.mark.thorough
def test_programs_that_rotate_at_once_leave_one_key_in_use(settings: Settings, site: Site) -> None:
    def act(_: int) -> tuple[int, str]:
        done = run_command(settings, "keys", "rotate", "--now", "--alg", ES256)
        return done.returncode, done.stderr

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(act, range(4)))
    assert 0 in {code for code, _ in answers}
    assert not any("Traceback" in text for _, text in answers)
    one_of_each(site)


def test_keys_that_were_made_before_there_was_a_next_one_go_on(site: Site) -> None:
    """A database of an earlier version has ES256 and RS256 alone, each in use."""
    with writing(site.database) as connection:
        kept = signing_keys.c.alg.in_([ES256, "RS256"]) & (signing_keys.c.state == ACTIVE)
        connection.execute(delete(signing_keys).where(~kept))
    before = stored(site)
    assert len(before) == 2
    look_after(site)
    assert before.items() <= stored(site).items()
    one_of_each(site)
